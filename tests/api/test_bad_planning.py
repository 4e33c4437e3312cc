"""What planners may get wrong, over every question of coverage: the answer names it, and the rest goes on."""

import geopandas as gpd
import pytest
from shapely import Point
from shapely.affinity import translate

from layers import deployment
from layers.publishing import Change
from tests import paper_city, walking_city
from tests.paper_city import EAST, WEST, identifiers, on_map, point

F1, F4 = identifiers("facilities", ["F1", "F4"])
MARKET = {"facility_type": "fresh_market", "minutes": "5"}

#: Every question that takes a facility type and minutes.
TABLES = [
    "/api/coverage",
    "/api/coverage/changes?since=2026-03-02",
    "/api/coverage/gaps",
    "/api/coverage/report",
    "/api/coverage/capacity",
]
SITING = {"facility_type": "fresh_market", "minutes": 5, "sites": 1, "candidates": "compounds"}


def publish(session, **changed):
    """Publish the walking city, some of its layers changed; None leaves one out."""
    lon, lat = point(7, 4)
    deployment.choose(session, [lon], [lat], now=paper_city.NOW, city="纸城")
    layers = {
        **paper_city.layers(),
        "streets": walking_city.streets(),
        "facilities": walking_city.facilities(),
        "compounds": walking_city.compounds(),
    } | changed
    return paper_city.publish(session, {name: frame for name, frame in layers.items() if frame is not None})


def ask(client, path, **words):
    return client.get(path.split("?")[0], params=_words(path) | words)


def _words(path):
    return dict(part.split("=") for part in path.partition("?")[2].split("&") if part)


@pytest.fixture
def served(session, open_client):
    """Publish a city and serve it."""

    def serve(**changed):
        publish(session, **changed)
        open_client.app.state.runtime.snapshots.refresh()
        return open_client

    return serve


def everything(client):
    """Ask every question once."""
    yield from (ask(client, path, **MARKET) for path in TABLES)
    yield client.get("/api/coverage/nearest")
    yield client.get("/api/coverage/elements")
    yield client.get(f"/api/facilities/{F1}/circle")
    yield client.post("/api/siting", json=SITING)


def test_no_streets_are_named_by_every_question(served):
    for reply in everything(served(streets=None)):
        assert reply.status_code == 422, reply.url
        assert [(fault["kind"], fault["layer"]) for fault in reply.json()["errors"]] == [
            ("layer-empty", "streets")
        ]


def test_no_facilities_and_no_compounds_are_named_together(served):
    for reply in everything(served(facilities=None, compounds=None)):
        assert reply.status_code == 422, reply.url
        assert {fault["layer"] for fault in reply.json()["errors"]} == {"facilities", "compounds"}


@pytest.mark.parametrize("away", [(0.5, 0.0), (-129.7, -2.4)], ids=["next town", "Las Palmas"])
def test_streets_of_another_city_are_named_once(served, away):
    streets = walking_city.streets()
    streets = streets.set_geometry([translate(line, *away) for line in streets.geometry], crs=4326)
    for reply in everything(served(streets=streets)):
        assert reply.status_code == 422, reply.url
        faults = reply.json()["errors"]
        assert [(fault["kind"], fault["layer"]) for fault in faults] == [("snapped-far", "streets")]
        assert "another" in faults[0]["message"]


@pytest.fixture
def with_river(served):
    """One market stands 500 m from every street, which is called 江心."""
    facilities = walking_city.facilities()
    more = gpd.GeoDataFrame(
        {"code": ["F4"], "name": ["江心"], "type": ["fresh_market"], "address": None, "capacity": None},
        geometry=[on_map(Point(6, 13))],
        crs="EPSG:4326",
        index=identifiers("facilities", ["F4"]),
    )
    frame = gpd.GeoDataFrame(
        {name: [*facilities[name], *more.get(name, [None])] for name in facilities.columns},
        index=[*facilities.index, *more.index],
        crs="EPSG:4326",
    ).rename_axis("id")
    frame["capacity"] = frame["capacity"].astype("Int64")
    for name in ("site", "entrances"):
        frame[name] = gpd.GeoSeries(frame[name], index=frame.index, crs="EPSG:4326")
    return served(facilities=frame)


@pytest.mark.parametrize("path", ["/api/coverage", "/api/coverage/gaps"])
def test_a_facility_in_the_river_is_named_and_the_others_count(with_river, path):
    body = ask(with_river, path, **MARKET).json()
    assert ("facilities", "F4") in {(fault.get("layer"), fault["id"]) for fault in body["faults"]}
    rows = ask(with_river, "/api/coverage", **MARKET, level="compound").json()["rows"]
    assert {row["code"]: row["covered"] for row in rows}[WEST + "C01"] == 100


def test_the_circle_of_a_facility_in_the_river_is_empty_and_says_why(with_river):
    reply = with_river.get(f"/api/facilities/{F4}/circle", params={"minutes": "5", "method": "both"})
    assert reply.status_code == 200
    body = reply.json()
    by_method = {feature["properties"]["method"]: feature for feature in body["features"]}
    assert by_method["network"]["properties"]["area_m2"] == 0
    assert by_method["circle"]["properties"]["area_m2"] > 0
    assert [(fault["kind"], fault["id"]) for fault in body["faults"]] == [("unreachable", "F4")]
    well = with_river.get(f"/api/facilities/{F1}/circle", params={"minutes": "5"}).json()
    assert well["faults"] == []


def test_a_compound_without_streets_is_named_and_the_others_count(served):
    client = served()
    for path in ("/api/coverage", "/api/coverage/gaps"):
        faults = ask(client, path, **MARKET).json()["faults"]
        assert ("unreachable", EAST + "C01") in {(fault["kind"], fault["id"]) for fault in faults}
    proposed = client.post("/api/siting", json=SITING | {"facility_type": "kindergarten"}).json()
    assert [fault["id"] for fault in proposed["faults"]] == [EAST + "C01"]
    assert proposed["sites"]


def test_minutes_that_are_no_walk_are_named(served):
    client = served()
    for minutes in ("0", "300", "-5", "9" * 5000, "5.5", "１０"):
        for path in [*TABLES, "/api/coverage/elements", f"/api/facilities/{F1}/circle"]:
            words = {"facility_type": "fresh_market"} if path in TABLES else {}
            reply = ask(client, path, minutes=minutes, **words)
            assert reply.status_code == 422, (path, minutes[:9])
            assert "minutes" in {fault["field"] for fault in reply.json()["errors"]}
    for value in (0, 300, -5, 10**30, 5.5, "ten"):
        reply = client.post("/api/siting", json=SITING | {"minutes": value})
        assert (reply.status_code, reply.json()["errors"][0]["field"]) == (422, "minutes")


def test_unknown_types_are_named(served):
    client = served()
    for key in ("zoo", "=1+1", "<b>", "菜市场", "x" * 5000):
        for path in [*TABLES, "/api/coverage/nearest"]:
            reply = ask(client, path, facility_type=key)
            assert reply.status_code == 422, (path, key[:9])
            assert [fault["field"] for fault in reply.json()["errors"]] == ["facility_type"]
        reply = client.post("/api/siting", json=SITING | {"facility_type": key})
        assert (reply.status_code, reply.json()["errors"][0]["field"]) == (422, "facility_type")


def test_what_was_wrong_is_mended_by_the_next_publication(served, session):
    client = served(streets=None)
    assert ask(client, "/api/coverage", **MARKET).status_code == 422
    paper_city.publish(session, {"streets": Change(walking_city.streets())})
    client.app.state.runtime.snapshots.refresh()
    assert ask(client, "/api/coverage", **MARKET).status_code == 200
