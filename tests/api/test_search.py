"""The search over HTTP: candidates with their grids, coordinates with their datums, and what cannot be read."""

import pytest

from tests import paper_town as town
from tests.layers.frames import SOUTH, UNIT, WEST


@pytest.fixture
def open_town(session, open_client):
    town.build(session)
    return open_client


def ask(client, q, **query):
    return client.get("/api/search", params={"q": q, **query}).json()


def test_words_are_answered_with_candidates_and_why(open_town):
    reply = ask(open_town, "东风路10号附近 嘉湖小区3栋")
    assert reply["confident"]
    best = reply["candidates"][0]
    assert (best["layer"], best["code"], best["name"]) == ("buildings", "B3", "嘉湖小区3栋")
    assert best["area"]["code"] == "G1"
    assert [area["code"] for area in best["path"]] == ["D1", "C1", "G1"]
    assert best["rule"] == "inside"
    assert all(best["reasons"][language] for language in ("zh", "en"))


def test_another_level_and_fewer_candidates(open_town):
    reply = ask(open_town, "嘉湖", level="community", limit=2)
    assert len(reply["candidates"]) == 2
    assert {hit["area"]["code"] for hit in reply["candidates"]} == {"C1"}


def test_a_past_state_is_searched_as_it_was(open_town, session):
    town.publish(session, {"compounds": town.compounds([("X1", "碧波小区", 0.2, 0.6)])}, town.NOW + town.DAY)
    assert ask(open_town, "碧波小区")["candidates"][0]["code"] == "X1"
    past = ask(open_town, "嘉湖小区", at=town.NOW.isoformat())
    assert (past["revision"], past["candidates"][0]["name"]) == (1, "嘉湖小区")


def test_coordinates_ask_for_their_datum(open_town):
    lon, lat = WEST + 0.5 * UNIT, SOUTH + 0.5 * UNIT
    reply = ask(open_town, f"{lon}, {lat}")
    assert reply["candidates"] == []
    assert not reply["confident"]
    readings = {reading["datum"]: reading for reading in reply["coordinates"]["readings"]}
    assert list(readings) == ["wgs84", "gcj02", "bd09"]
    assert readings["wgs84"]["area"]["code"] == "G1"
    assert readings["bd09"]["lon"] != readings["gcj02"]["lon"] != lon


def test_a_stated_datum_answers_at_once(open_town):
    lon, lat = WEST + 0.5 * UNIT, SOUTH + 0.25 * UNIT
    reply = ask(open_town, f"{lon}, {lat}", datum="wgs84")
    assert [(hit["kind"], hit["area"]["code"]) for hit in reply["candidates"]] == [("coordinate", "G1")]
    assert len(reply["coordinates"]["readings"]) == 1


def test_swapped_coordinates_are_noticed_unless_they_say_which_is_which(open_town):
    lon, lat = WEST + 0.5 * UNIT, SOUTH + 0.5 * UNIT
    reply = ask(open_town, f"{lat}, {lon}")["coordinates"]
    assert (reply["swapped"], reply["x"], reply["y"]) == (True, lon, lat)
    marked = ask(open_town, f"N{lat} E{lon}")["coordinates"]
    assert (marked["swapped"], marked["x"], marked["y"]) == (False, lon, lat)


@pytest.mark.parametrize("q", ["", " ", "。。，", "😀", "%_%", "啊" * 1000])
def test_text_that_cannot_be_read_is_named(open_town, q):
    response = open_town.get("/api/search", params={"q": q})
    assert response.status_code == 422
    assert [fault["field"] for fault in response.json()["errors"]] == ["q"]


def test_metres_without_a_crs_are_asked_for_it(open_town):
    assert ask(open_town, "539678.66 3544147.28")["errors"][0]["field"] == "datum"


def test_every_fault_of_the_options_is_told_at_once(open_town):
    reply = ask(open_town, " " * 10_000, near="here", level="street", datum="mars", at="then")
    assert {fault["field"] for fault in reply["errors"]} == {"q", "near", "level", "datum", "at"}


# --- incidents told by words ------------------------------------------------------------------------------


@pytest.fixture
def desk(session, client, sign_in):
    town.build(session)
    dispatcher = sign_in("dispatcher")

    def post(path, body):
        return client.post(path, json=body, headers=dispatcher)

    return post


def report(desk, address):
    return desk("/api/incidents", {"category": "C01", "address": address}).json()


def test_an_incident_told_by_words_waits_with_its_candidates(desk):
    incident = report(desk, "嘉湖小区3栋楼下")
    assert incident["assignment"]["area"] is None
    assert incident["places"][0]["code"] == "B3"


def test_an_address_that_says_nothing_has_no_candidates(desk):
    assert report(desk, "？？？")["places"] == []


def test_a_dispatcher_chooses_a_candidate(desk):
    incident = report(desk, "嘉湖小区3栋楼下")
    placed = desk(
        f"/api/incidents/{incident['id']}/place", {"candidate": "B3", "reason": "来电人确认"}
    ).json()
    assert placed["assignment"]["area"]["code"] == "G1"
    assert placed["places"] == []
    assert placed["lon"] == pytest.approx(incident["places"][0]["lon"])
    assert [step["rule"] for step in placed["history"]] == ["none", "inside"]
    assert "嘉湖小区3栋 (B3)" in placed["history"][1]["reason"]
    assert placed["history"][1]["reason"].endswith("来电人确认")


def test_a_dispatcher_states_the_place(desk):
    incident = report(desk, "没人知道的地方")
    body = {"lon": WEST + 1.5 * UNIT, "lat": SOUTH + 0.5 * UNIT, "datum": "wgs84"}
    placed = desk(f"/api/incidents/{incident['id']}/place", body).json()
    assert (placed["assignment"]["area"]["code"], placed["datum"]) == ("G2", "wgs84")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"candidate": "nothing"}, "candidate"),
        ({}, "candidate"),
        ({"candidate": "B3", "lon": 105, "lat": 32, "datum": "wgs84"}, "candidate"),
        ({"lon": 105, "lat": 32}, "datum"),
    ],
)
def test_a_place_that_cannot_be_taken_is_named(desk, body, field):
    incident = report(desk, "嘉湖小区3栋楼下")
    response = desk(f"/api/incidents/{incident['id']}/place", body)
    assert response.status_code == 422
    assert field in {fault["field"] for fault in response.json()["errors"]}


def test_what_a_person_assigned_is_released_before_it_gets_another_place(desk):
    incident = report(desk, "嘉湖小区3栋楼下")
    desk(f"/api/incidents/{incident['id']}/reassign", {"area_code": "G4", "reason": "试"})
    assert desk(f"/api/incidents/{incident['id']}/place", {"candidate": "B3"}).status_code == 409


class TestTakenWithoutAsking:
    @pytest.fixture
    def settings(self, settings):
        return settings.model_copy(update={"take_confident_place": True})

    def test_a_place_beyond_doubt_is_taken_and_says_so(self, desk):
        incident = report(desk, "嘉湖小区3栋楼下")
        assert incident["assignment"]["area"]["code"] == "G1"
        assert [step["rule"] for step in incident["history"]] == ["none", "inside"]
        assert "嘉湖小区3栋" in incident["history"][1]["reason"]

    def test_a_doubtful_one_waits(self, desk):
        incident = report(desk, "东风路90号")
        assert incident["assignment"]["area"] is None
        assert incident["places"]
