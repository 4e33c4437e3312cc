"""What the three maps draw, on the city on paper."""

import datetime as dt

import orjson
import pandas as pd
import pytest

from api.maps import coverage, encoding, grids, incidents, sources
from api.maps.chosen import Chosen
from geo import hierarchy
from geo.coverage import city
from geo.faults import DataError
from geo.levels import LEVEL_OF
from geo.streets import network
from layers import catalogue
from tests import paper_city, walking_city
from tests.paper_city import EAST, WEST

METRIC = "EPSG:4547"
HOSTILE = '"><img src=x onerror=alert(1)></script><script>alert(2)</script>{{7*7}}'


def areas_by_level():
    layers = paper_city.layers()
    return {
        LEVEL_OF[layer]: frame.assign(people=None, households=None)
        for layer, frame in layers.items()
        if layer in LEVEL_OF
    }


@pytest.fixture(scope="module")
def walked():
    areas = areas_by_level()
    compounds = walking_city.compounds()
    streets = walking_city.streets()
    links = hierarchy.compound_shares(compounds, areas["grid"], metric=METRIC)
    return city.build(
        network.build(streets[streets["walkable"]], metric=METRIC),
        walking_city.facilities(),
        compounds,
        areas=areas,
        links=links.rename(columns={"grid_code": "area_code"}),
        types=catalogue.facility_types(),
    )


def as_read(data):
    return orjson.loads(encoding.dump(data))


def test_areas_of_every_level_with_a_point_inside_and_the_posts_of_today():
    data = as_read(
        grids.areas_data(areas_by_level(), paper_city.layers()["posts"], today=dt.date(2026, 6, 1))
    )
    assert list(data["levels"]) == ["district", "subdistrict", "community", "grid"]
    first = data["levels"]["grid"]["features"][0]["properties"]
    assert first["code"] == WEST + "001"
    assert first["parent"] == WEST
    assert data["posts"] == {WEST + "002": [["网格长", "王芳", "027-5550101"]]}


@pytest.mark.parametrize(
    ("today", "held"),
    [(dt.date(2025, 12, 31), ["李前"]), (paper_city.TERM, ["王芳"])],
    ids=["last day", "first day"],
)
def test_both_ends_of_a_term_belong_to_it(today, held):
    data = grids.areas_data(areas_by_level(), paper_city.layers()["posts"], today=today)
    assert [post[1] for post in data["posts"][WEST + "002"]] == held


def test_a_level_without_areas_is_left_out():
    areas = areas_by_level()
    areas["subdistrict"] = areas["subdistrict"].iloc[:0]
    data = grids.areas_data(areas, paper_city.layers()["posts"].iloc[:0], today=paper_city.TERM)
    assert list(data["levels"]) == ["district", "community", "grid"]
    assert data["posts"] == {}


def test_coverage_holds_every_budget_both_ways(walked):
    data = as_read(coverage.coverage_data(walked, Chosen(facility_type="fresh_market")))
    assert {(row["method"], row["minutes"]) for row in data["rows"]} == {
        (method, minutes) for method in ("network", "circle") for minutes in (5, 10, 15)
    }
    assert {row["code"] for row in data["rows"]} == {WEST, EAST}
    assert [place["name"] for place in data["facilities"]] == ["十字菜市场", "东菜市场"]
    drawn = {(drawing["method"], drawing["minutes"]) for drawing in data["drawings"]}
    assert ("network", 15) in drawn
    assert ("circle", 5) in drawn


def test_a_compound_carries_its_status_and_share(walked):
    data = as_read(coverage.coverage_data(walked, Chosen(facility_type="fresh_market")))
    results = {
        feature["properties"]["name"]: feature["properties"]["result"]
        for feature in data["compounds"]["features"]
    }
    assert results["西园"]["network"]["15"] == ["covered", 1.0]
    assert results["远村"]["network"]["15"] == ["unreachable", 0.0]


def test_the_map_says_what_the_table_says(walked):
    chosen = Chosen(facility_type="fresh_market")
    statuses = coverage.compound_statuses(walked, chosen)
    table = coverage.coverage_table(walked, chosen, level="district", weight="count").set_index(
        ["method", "minutes"]
    )
    for (method, minutes), mine in statuses.groupby(["method", "minutes"]):
        counted = mine["status"].value_counts()
        for status in coverage.STATUSES:
            assert counted.get(status, 0) == pytest.approx(table.loc[(method, minutes), status])


def test_incidents_are_columns_sorted_by_time():
    frame = pd.DataFrame(
        {
            "category": ["E0101", "X", "E0101"],
            "status": ["open", "closed", "open"],
            "rule": ["inside", "manual", "none"],
            "area_code": [WEST + "001", WEST + "002", None],
            "reported_at": pd.to_datetime(["2026-01-02T00:00Z", "2025-12-31T16:30Z", "2026-01-01T00:00Z"]),
            "lon": [114.25, 114.26, None],
            "lat": [30.5, 30.51, None],
        },
        index=["a", "b", "c"],
    )
    data = as_read(incidents.incidents_data(frame, catalogue.incident_categories(), timezone="Asia/Shanghai"))
    assert data["id"] == ["b", "a"]
    assert data["unplaced"] == 1
    # Half past midnight of New Year's Day in Shanghai, which is still last year in UTC.
    wall = pd.Timestamp(0) + pd.Timedelta(minutes=data["minute"][0])
    assert wall == pd.Timestamp("2026-01-01 00:30")
    assert [data["rules"][rule] for rule in data["rule"]] == ["manual", "inside"]
    assert data["categories"][data["category"][0]] == ["X", "X", "X"]
    assert data["areas"][data["area"][1]] == WEST + "001"


def test_no_incidents_are_no_incidents():
    columns = ["category", "status", "rule", "area_code", "reported_at", "lon", "lat"]
    frame = pd.DataFrame({name: [] for name in columns}).astype({"lon": float, "lat": float})
    data = as_read(incidents.incidents_data(frame, catalogue.incident_categories(), timezone="UTC"))
    assert data["id"] == []


def test_the_type_asked_for_is_taken_and_an_unknown_one_named():
    types = [sources.FacilityType("bank", "银行", "bank", 2)]
    assert sources.chosen_type(types, "") == types[0]
    assert sources.chosen_type(types, "fresh_market").count == 0
    with pytest.raises(DataError, match="'shop' is no facility type"):
        sources.chosen_type(types, "shop")
