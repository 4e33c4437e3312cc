"""The city that coverage is worked out from, read back at the revision asked for."""

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from geo import coverage
from geo.coverage import Query
from geo.faults import DataError
from layers import deployment, imports
from layers.coverage import load_city
from layers.errors import NotFound
from layers.facilities import Filter, load_directory
from layers.imports import Options
from layers.publishing import Change
from layers.streets import load_network
from tests import paper_city, walking_city
from tests.paper_city import EAST, SUBDISTRICT, WEST


def covered(session, revision, **words):
    city = load_city(session, revision, load_network(session, revision))
    query = Query(facility_types=("fresh_market",), **{"minutes": (5,), **words})
    return coverage.answer(city, query).table.set_index("code")


def test_every_level_from_the_database(session):
    walking_city.build(session)
    table = covered(session, 1, level="community")
    assert table.loc[WEST, "demand"] + table.loc[EAST, "demand"] == pytest.approx(167)
    assert table.loc[WEST, "covered"] >= 100  # the gate is 100 m from the market
    for level, code in (("subdistrict", SUBDISTRICT), ("district", "420199")):
        sums = covered(session, 1, level=level)
        assert sums.loc[code, "unreachable"] == 7
        assert sums.loc[code, "covered"] == pytest.approx(table["covered"].sum())


def test_each_revision_has_its_own_streets(session):
    walking_city.build(session)
    streets = walking_city.streets()
    paper_city.publish(session, {"streets": Change(streets.iloc[:0], removed=list(streets.index[[0, 1, 3]]))})
    # the far end of the compound is now over 200 m from the one street left
    before, after = (covered(session, revision, level="compound", minutes=(10,)) for revision in (1, 2))
    assert before.loc[WEST + "C02", ["covered", "partial"]].tolist() == [60, 0]
    assert after.loc[WEST + "C02", ["covered", "partial"]].tolist() == [0, 60]


def test_a_barrier_is_published_as_a_layer_and_parts_the_streets(session):
    walking_city.build(session)
    gate = shapely.Point(*paper_city.point(5.5, 4))
    frame = gpd.GeoDataFrame({"kind": ["gate"]}, geometry=[gate], crs=4326)
    done = {"author": "editor", "now": paper_city.NOW}
    assert imports.import_frame(session, "barriers", frame, Options(), **done).revision == 2
    before, after = (load_network(session, revision) for revision in (1, 2))
    assert (before.component.max(), after.component.max()) == (0, 1)
    # What lies behind is under 1 km of street, an island, and nobody starts or arrives there.
    assert after.length_m[after.island] == pytest.approx([5.5 * 93.75], rel=0.01)


def test_steps_are_as_slow_as_the_first_import_decided(session):
    walking_city.build(session)
    assert deployment.get(session).steps_factor == 2.0
    lon, lat = paper_city.point(7, 4)
    assert deployment.choose(session, [lon], [lat], now=paper_city.NOW, steps_factor=5).steps_factor == 2.0
    streets = walking_city.streets()
    steep = streets[streets["code"] == "S0"].assign(steps=True)
    paper_city.publish(session, {"streets": Change(steep)})
    network = load_network(session, 2)
    assert sorted(set(network.factor.tolist())) == [1.0, 2.0]


def test_a_city_without_grids_links_to_its_communities(session):
    walking_city.build(session)
    before = covered(session, 1, level="community")
    grids = paper_city.layers()["grids"]
    paper_city.publish(session, {"grids": Change(grids.iloc[:0], removed=list(grids.index))})
    after = covered(session, 2, level="community")
    assert after["demand"].sum() == pytest.approx(before["demand"].sum())


def homes(rows):
    """Buildings as (compound, x, y, people) on the paper."""
    codes = [f"B{number}" for number in range(len(rows))]
    table = {
        "code": codes,
        "name": codes,
        "compound_code": [row[0] for row in rows],
        "people": pd.array([row[3] for row in rows], dtype="Int64"),
        "households": pd.array([None] * len(rows), dtype="Int64"),
    }
    places = [shapely.Point(paper_city.point(row[1], row[2])) for row in rows]
    index = paper_city.identifiers("buildings", codes)
    return gpd.GeoDataFrame(table, geometry=places, crs="EPSG:4326", index=index)


def test_demand_comes_from_buildings_where_a_compound_tells_none(session):
    walking_city.build(session)
    silent = walking_city.compounds().iloc[[0, 1]]
    silent = silent.assign(people=pd.array([None, 60], dtype="Int64"))
    buildings = homes(
        [
            (WEST + "C01", 4.5, 3, 30),
            (WEST + "C01", 5, 3, 15),
            (WEST + "C02", 7.5, 4.5, 10),
            (WEST + "C02", 13, 6, 50),
        ]
    )
    paper_city.publish(session, {"compounds": silent, "buildings": buildings})
    table = covered(session, 2, level="compound")
    assert table["demand"].to_dict() == {WEST + "C01": 45, WEST + "C02": 60, EAST + "C01": 7}
    assert table["demand_from"].to_dict() == {
        WEST + "C01": "buildings",
        WEST + "C02": "compound",
        EAST + "C01": "compound",
    }
    grids = covered(session, 2, level="grid")["demand"]
    assert grids[WEST + "001"] == 45
    # Its 60 people are counted where its buildings stand, five sixths of them in the other community.
    assert grids[WEST + "003"] == pytest.approx(10)
    assert grids[EAST + "003"] == pytest.approx(50 + 7)


def test_buildings_that_tell_only_a_part_are_named(session):
    walking_city.build(session)
    silent = walking_city.compounds().iloc[[0]].assign(people=pd.array([None], dtype="Int64"))
    buildings = homes([(WEST + "C01", 4.5, 3, 30), (WEST + "C01", 5, 3, None)])
    paper_city.publish(session, {"compounds": silent, "buildings": buildings})
    city = load_city(session, 2, load_network(session, 2))
    answer = coverage.answer(city, Query(facility_types=("fresh_market",), minutes=(5,)))
    assert answer.demand_from == {"compound": 2, "buildings-part": 1}
    named = [(fault.id, fault.kind) for fault in answer.faults if "buildings" in fault.message]
    assert named == [(WEST + "C01", "value-missing")]
    counted = coverage.answer(city, Query(facility_types=("fresh_market",), minutes=(5,), weight="count"))
    assert counted.demand_from == {}
    assert "demand_from" not in counted.table


def test_empty_layers_are_named_together(session):
    paper_city.build(session)
    gone = paper_city.layers()["compounds"].index
    paper_city.publish(
        session,
        {
            "streets": walking_city.streets(),
            "compounds": Change(walking_city.compounds().iloc[:0], list(gone)),
        },
    )
    with pytest.raises(DataError) as caught:
        load_city(session, 2, load_network(session, 2))
    assert [(fault.kind, fault.layer) for fault in caught.value.faults] == [
        ("layer-empty", "compounds"),
        ("layer-empty", "facilities"),
    ]


def test_no_walkable_street_and_no_city(session):
    with pytest.raises(NotFound):
        load_network(session, 0)
    paper_city.build(session)
    with pytest.raises(DataError) as caught:
        load_network(session, 1)
    assert caught.value.faults[0].layer == "streets"


def test_directory_by_type_place_and_page(session):
    walking_city.build(session)
    directory = load_directory(session, 1)

    def codes(*, after=None, limit=10, **words):
        return directory.page(Filter(**words), after=after, limit=limit)["code"].tolist()

    assert codes() == ["F1", "F2", "F3"]
    assert codes(limit=2) == ["F1", "F2"]
    assert codes(after="F2") == ["F3"]
    assert codes(type="primary_school") == ["F3"]
    assert codes(within=WEST) == ["F1", "F3"]
    assert codes(within=SUBDISTRICT, type="fresh_market") == ["F1"]
    west, south = paper_city.point(5, 3)
    east, north = paper_city.point(7, 5)
    assert codes(bbox=(west, south, east, north)) == ["F1"]
