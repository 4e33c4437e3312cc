"""Old estates apart: rows of their own, and the two parts of each area."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely import Point, box

from geo import coverage, hierarchy
from geo.coverage import Query, city, comparison
from geo.crs import from_metric
from geo.faults import DataError
from tests.geo.coverage.test_table import TYPES, area, frame
from tests.geo.networks import METRIC, build

SUMS = ["demand", "covered", "partial", "uncovered", "unreachable", "cannot_reach"]


def estate_city():
    """A street of 2 km, a market at 0 m; estate X has half of A and all of the point C, Y nobody."""
    compounds = frame(
        [box(100, 5, 200, 25), box(1000, 5, 1100, 25), Point(1500, 0)],
        code=list("ABC"),
        name=["甲", "乙", "丙"],
        people=pd.array([100, 50, 20], dtype="Int64"),
        households=pd.array([40, 20, 8], dtype="Int64"),
    )
    estates = frame(
        [box(50, 0, 150, 30), box(1490, -10, 1510, 10), box(1900, 5, 1950, 25)],
        code=["X", "Z", "Y"],
        name=["老甲", "老丙", "空"],
        works=["basic", None, None],
        department=["住建局", None, None],
        built_year=pd.array([1988, None, None], dtype="Int64"),
    )
    areas = {
        "community": area("community", W=(None, 0, 1050), V=(None, 1050, 2000)),
        "old_estate": estates,
    }
    links = pd.DataFrame(
        [("A", "W", 1.0), ("B", "W", 0.5), ("B", "V", 0.5), ("C", "V", 1.0)],
        columns=["compound_code", "area_code", "share"],
    )
    market = frame([Point(0, 0)], code=["F1"], name=["市场"], type=["market"])
    network = build([(0, 0), (2000, 0)])
    return city.build(network, market, compounds, areas=areas, links=links, types=TYPES)


TOWN = estate_city()


def table(**words):
    return coverage.answer(TOWN, Query(facility_types=("market",), minutes=(10,), **words)).table


def test_a_row_for_each_estate():
    rows = table(level="old_estate").set_index("code")
    assert rows.index.tolist() == ["X", "Y", "Z"]
    np.testing.assert_allclose(rows["demand"], [50, 0, 20])
    np.testing.assert_allclose(rows["covered"], [50, 0, 0])
    assert rows["served_share"].isna().tolist() == [False, True, False]
    assert rows.loc["X", ["built_year", "works", "department"]].tolist() == [1988, "basic", "住建局"]


def test_estates_and_the_rest_add_up_to_the_area():
    whole = table(level="community").set_index("code")
    apart = table(level="community", estates="apart").set_index(["estates", "code"])
    np.testing.assert_allclose(
        apart.loc["old_estate", SUMS].to_numpy(float) + apart.loc["other", SUMS].to_numpy(float),
        whole[SUMS].to_numpy(float),
    )
    np.testing.assert_allclose(apart.loc["old_estate"].loc[["V", "W"], "demand"], [20, 50])
    np.testing.assert_allclose(
        apart[SUMS[1:5]].sum(axis=1), apart["demand"], err_msg="each part has its own sum"
    )


def test_estates_of_a_part_of_the_city_and_compounds_of_an_estate():
    assert table(level="old_estate", within="V")["code"].tolist() == ["Z"]
    assert table(level="compound", within="X")["code"].tolist() == ["A"]


def test_a_comparison_keeps_the_parts_apart():
    apart = table(level="community", estates="apart")
    compared = comparison.compare(apart, apart)
    assert len(compared) == len(apart)
    assert (compared["demand_change"] == 0).all()


@pytest.mark.parametrize(
    "words",
    [
        {"estates": "only"},
        {"estates": "apart", "weight": "land"},
        {"estates": "apart", "level": "old_estate"},
    ],
)
def test_parts_that_cannot_be(words):
    with pytest.raises(DataError) as caught:
        table(**words)
    assert [fault.field for fault in caught.value.faults] == ["estates"]


def test_a_city_without_estates_has_only_the_rest():
    plain = estate_city_without()
    rows = coverage.answer(plain, Query(facility_types=("market",), estates="apart")).table
    assert rows.groupby("estates")["demand"].sum().to_dict() == {"old_estate": 0, "other": 170}
    with pytest.raises(DataError) as caught:
        coverage.answer(plain, Query(level="old_estate"))
    assert (caught.value.faults[0].kind, caught.value.faults[0].layer) == ("layer-empty", "old_estates")


def estate_city_without():
    areas = {"community": TOWN.areas["community"]}
    links = pd.DataFrame(
        [("A", "W", 1.0), ("B", "W", 1.0), ("C", "V", 1.0)], columns=["compound_code", "area_code", "share"]
    )
    return city.build(TOWN.network, TOWN.facilities, TOWN.compounds, areas=areas, links=links, types=TYPES)


def on_map(shapes):
    return from_metric(np.array(shapes, dtype=object), METRIC)


def test_overlapping_estates_share_what_is_common_and_slivers_belong():
    x, y = 530_000, 3_380_000

    def drawn(*boxes):
        return on_map([box(x + west, y, x + east, y + 100) for west, east in boxes])

    compounds = gpd.GeoDataFrame({"code": ["A", "B"]}, geometry=drawn((0, 100), (200, 300)), crs=4326)
    estates = gpd.GeoDataFrame(
        {"code": ["X", "Y", "Z"]}, geometry=drawn((0, 100), (50, 100), (200, 299.95)), crs=4326
    )
    links = hierarchy.compounds_in_estates(compounds, estates, metric=METRIC)
    assert links["old_estate_code"].tolist() == ["X", "Y", "Z"]
    np.testing.assert_allclose(links["share"], [2 / 3, 1 / 3, 1.0], atol=1e-6)
