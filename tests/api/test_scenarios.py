"""Scenarios over HTTP: saved, compared, defended against others' writes; nothing published changes."""

import pytest
from sqlalchemy import text

from geo.crs import from_lonlat, parse
from layers.tables import LAYER_TABLES
from tests import walking_city
from tests.paper_city import EAST, WEST, point

ASKED = "/coverage?facility_type=fresh_market&minutes=5&level=compound"


def at(x, y):
    lon, lat = point(x, y)
    return {"lon": lon, "lat": lat}


MARKET = {"change": "add_facility", "facility_type": "fresh_market", **at(8, 4)}
SAVED = {"name": "东区菜市场", "datum": "wgs84", "changes": [MARKET]}


@pytest.fixture
def walked(session, open_client):
    walking_city.build(session)
    session.commit()
    open_client.app.state.runtime.snapshots.refresh()
    return open_client


@pytest.fixture
def planner(sign_in):
    return sign_in("planner")


def save(client, headers, **words):
    reply = client.post("/api/scenarios", json=SAVED | words, headers=headers)
    assert reply.status_code == 201, reply.text
    return reply


def rows(client, scenario, asked=ASKED):
    reply = client.get(f"/api/scenarios/{scenario}{asked}")
    assert reply.status_code == 200, reply.text
    return {row["code"]: row for row in reply.json()["rows"]}


def everything(session):
    """All rows of all layers, and the revisions."""
    tables = sorted(model.__tablename__ for model in LAYER_TABLES.values())
    counts = {
        name: session.execute(
            text(f"SELECT md5(string_agg(t::text, '' ORDER BY t::text)) FROM {name} t")
        ).scalar()
        for name in [*tables, "revisions", "compound_grids", "place_names"]
    }
    session.rollback()
    return counts


def test_a_facility_more_before_and_after(walked, planner, session):
    published = everything(session)
    reply = save(walked, planner)
    body = reply.json()
    assert (reply.headers["ETag"], body["version"], body["created_by"]) == ('"1"', 1, "planner-all")
    found = rows(walked, body["id"])
    far = found[WEST + "C02"]
    assert far["covered_before"] == 0
    assert far["covered_after"] == far["covered_change"] == 60
    assert far["mean_min_change"] < 0
    assert found[EAST + "C01"]["unreachable_after"] == 7
    assert everything(session) == published
    assert walked.get("/api/revisions").json()["revisions"][0]["number"] == 1
    plain = walked.get("/api/coverage?facility_type=fresh_market&minutes=5&level=compound").json()
    assert {row["code"]: row["covered"] for row in plain["rows"]}[WEST + "C02"] == 0


def test_every_kind_of_change_in_one_scenario(walked, planner):
    stated = [
        MARKET | {"name": "新市场", "capacity": 10},
        {"change": "move_facility", "facility": "F2", **at(12, 4)},
        {"change": "close_facility", "facility": "F1"},
        {"change": "add_entrance", "compound": WEST + "C01", **at(4, 2.5)},
        {"change": "add_street", "points": [point(8, 4), point(13, 7)], "bridge": True},
        {"change": "slow_streets", "kind": "residential", "factor": 1.5},
        {"change": "walking_speed", "profile": "adult", "metres_per_second": 1.5},
    ]
    body = save(walked, planner, changes=stated).json()
    assert [change["change"] for change in body["changes"]] == [change["change"] for change in stated]
    found = rows(walked, body["id"], "/coverage?facility_type=fresh_market&minutes=15&level=compound")
    # The bridge comes to the village that no street was near.
    assert found[EAST + "C01"]["unreachable_before"] == 7
    assert found[EAST + "C01"]["covered_after"] == 7


def test_every_fault_at_once_and_nothing_is_saved(walked, planner):
    stated = [
        MARKET | {"facility_type": "palace"},
        {"change": "close_facility", "facility": "F9"},
        {"change": "add_facility", "facility_type": "fresh_market", "lon": 30.5, "lat": 114.2},
        {"change": "add_facility", "facility_type": "fresh_market", "lon": 100.0, "lat": 20.0},
        {"change": "add_street", "points": [point(8, 4), point(8, 4)]},
    ]
    reply = walked.post(
        "/api/scenarios", json=SAVED | {"changes": stated, "base_revision": 9}, headers=planner
    )
    assert reply.status_code == 422
    assert {error["field"] for error in reply.json()["errors"]} == {
        "base_revision",
        "changes[0].facility_type",
        "changes[1].facility",
        "changes[2].lon",
        "changes[3].lon",
        "changes[4].points",
    }
    assert walked.get("/api/scenarios").json() == {"scenarios": []}


def test_what_is_not_understood_is_named(walked, planner):
    for said in (
        {"changes": []},
        {"changes": [{"change": "burn_down"}]},
        {"changes": [MARKET | {"colour": "red"}]},
        {"datum": None},
        {"datum": "mars"},
        {"name": ""},
        {"name": " "},
        {"changes": [MARKET | {"capacity": 2**31}]},
        {"colour": "red"},
    ):
        reply = walked.post("/api/scenarios", json=SAVED | said, headers=planner)
        assert reply.status_code == 422, said
        assert reply.json()["errors"]


def test_a_street_that_meets_none_is_refused(walked, planner):
    far = {"change": "add_street", "points": [point(10, 6), point(11, 6)]}
    reply = walked.post("/api/scenarios", json=SAVED | {"changes": [far]}, headers=planner)
    assert (reply.status_code, reply.json()["errors"][0]["kind"]) == (422, "unreachable")


def test_coordinates_are_read_in_their_datum(walked, planner):
    gcj = from_lonlat([MARKET["lon"]], [MARKET["lat"]], parse("gcj02"))
    said = MARKET | {"lon": float(gcj[0][0]), "lat": float(gcj[1][0])}
    kept = save(walked, planner, changes=[said], datum="gcj02").json()["changes"][0]
    assert (kept["lon"], kept["lat"]) == pytest.approx((MARKET["lon"], MARKET["lat"]), abs=1e-7)


def test_only_planners_write_and_everybody_reads(walked, sign_in, planner):
    for headers, status in (({}, 401), (sign_in("viewer"), 403), (sign_in("editor"), 403)):
        assert walked.post("/api/scenarios", json=SAVED, headers=headers).status_code == status
    body = save(walked, planner).json()
    viewer = sign_in("viewer", name="reader")
    address = f"/api/scenarios/{body['id']}"
    assert walked.get(address, headers=viewer).json() == body
    assert walked.get("/api/scenarios", headers=viewer).json()["scenarios"] == [body]
    other = sign_in("planner", name="other")
    reply = walked.put(address, json=SAVED, headers=other | {"If-Match": '"1"'})
    assert reply.status_code == 403
    assert walked.delete(address, headers=other | {"If-Match": '"1"'}).status_code == 403
    administrator = sign_in("administrator") | {"If-Match": '"1"'}
    assert walked.put(address, json=SAVED | {"note": "改"}, headers=administrator).status_code == 200


def test_an_account_plans_only_in_its_areas(walked, sign_in):
    east = sign_in("planner", EAST)
    reply = walked.post("/api/scenarios", json=SAVED | {"changes": [MARKET | at(3, 3)]}, headers=east)
    assert (reply.status_code, reply.json()["errors"][0]["field"]) == (422, "changes[0]")
    closing = {"change": "close_facility", "facility": "F1"}  # on the border, the west's
    assert walked.post("/api/scenarios", json=SAVED | {"changes": [closing]}, headers=east).status_code == 422
    save(walked, east, changes=[MARKET | at(11, 6)])


def test_nobody_overwrites_what_he_has_not_read(walked, planner):
    body = save(walked, planner).json()
    address = f"/api/scenarios/{body['id']}"
    assert walked.put(address, json=SAVED, headers=planner).status_code == 428
    first = walked.put(address, json=SAVED | {"note": "一"}, headers=planner | {"If-Match": '"1"'})
    assert (first.status_code, first.headers["ETag"]) == (200, '"2"')
    second = walked.put(address, json=SAVED | {"note": "二"}, headers=planner | {"If-Match": '"1"'})
    assert (second.status_code, second.json()["type"]) == (412, "urn:wangge:problem:stale")
    assert walked.get(address).json()["note"] == "一"
    for tag in ('"1"', "nonsense"):
        assert walked.delete(address, headers=planner | {"If-Match": tag}).status_code == 412
    assert walked.delete(address, headers=planner).status_code == 428
    assert walked.delete(address, headers=planner | {"If-Match": '"2"'}).status_code == 204
    assert walked.get(address).status_code == 404


def test_names_are_taken_once(walked, planner):
    first = save(walked, planner).json()
    assert walked.post("/api/scenarios", json=SAVED, headers=planner).status_code == 409
    other = save(walked, planner, name="另一").json()
    reply = walked.put(f"/api/scenarios/{other['id']}", json=SAVED, headers=planner | {"If-Match": '"1"'})
    assert reply.status_code == 409
    assert [each["id"] for each in walked.get("/api/scenarios").json()["scenarios"]] == [
        other["id"],
        first["id"],
    ]


def test_a_saved_version_answers_anew(walked, planner):
    body = save(walked, planner).json()
    assert rows(walked, body["id"])[WEST + "C02"]["covered_after"] == 60
    moved = SAVED | {"changes": [MARKET | at(1, 4)]}
    walked.put(f"/api/scenarios/{body['id']}", json=moved, headers=planner | {"If-Match": '"1"'})
    assert rows(walked, body["id"])[WEST + "C02"]["covered_after"] == 0


def test_a_scenario_has_a_page_of_its_own(walked, planner):
    scenario = save(walked, planner, name="<script>alert(1)</script>").json()["id"]
    page = walked.get(f"/scenarios/{scenario}")
    assert (page.status_code, scenario in page.text) == (200, True)
    assert "alert(1)" not in page.text
    assert walked.get("/scenarios/0b6f5a52-8c1e-4e58-9d5e-0c6f6b8e7a11").status_code == 404


def test_every_format(walked, planner):
    scenario = save(walked, planner).json()["id"]
    for word, start in (("csv", b"code"), ("xlsx", b"PK"), ("geojson", b'{"type"')):
        reply = walked.get(f"/api/scenarios/{scenario}{ASKED}&format={word}")
        assert (reply.status_code, reply.headers["Wangge-Revision"]) == (200, "1")
        assert reply.content.removeprefix(b"\xef\xbb\xbf").startswith(start)
