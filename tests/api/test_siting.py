"""`POST /api/siting`, as clients see it."""

import pytest

from geo.crs import from_lonlat, parse
from tests import walking_city
from tests.paper_city import EAST, WEST, point

# Nobody within 5 minutes of a kindergarten: there is none.
ASKED = {"facility_type": "kindergarten", "minutes": 5, "sites": 2, "candidates": "compounds"}


@pytest.fixture
def walked(session, open_client):
    walking_city.build(session)
    open_client.app.state.runtime.snapshots.refresh()
    return open_client


def test_sites_come_with_what_each_adds_and_their_grid(walked):
    reply = walked.post("/api/siting", json=ASKED)
    assert reply.status_code == 200, reply.text
    body = reply.json()
    assert (body["revision"], body["served"], body["proven"], body["gap"]) == (1, 0.0, True, 0.0)
    assert [site["order"] for site in body["sites"]] == list(range(1, len(body["sites"]) + 1))
    first = body["sites"][0]
    assert first["id"] == WEST + "C01"
    assert first["grid_code"].startswith(WEST)
    assert first["served_share"] == pytest.approx(first["adds"] / body["demand"])
    # No street comes near the eastern compound, so nothing is built there.
    assert [(fault["kind"], fault["id"]) for fault in body["faults"]] == [("unreachable", EAST + "C01")]


def test_candidates_of_ones_own_in_their_datum(walked):
    lon, lat = point(6, 4)
    gcj = from_lonlat([lon], [lat], parse("gcj02"))
    own = [{"id": "lot 7", "lon": float(gcj[0][0]), "lat": float(gcj[1][0])}]
    body = walked.post("/api/siting", json=ASKED | {"candidates": own, "datum": "gcj02"}).json()
    assert [site["id"] for site in body["sites"]] == ["lot 7"]
    assert body["sites"][0]["lon"] == pytest.approx(lon, abs=1e-7)


@pytest.mark.parametrize(
    ("words", "fields"),
    [
        ({"facility_type": "zoo", "weight": "land"}, {"facility_type", "weight"}),
        ({"minutes": 300}, {"minutes"}),
        ({"sites": None}, {"sites"}),
        ({"budget": 3}, {"sites"}),
        ({"within": "nowhere"}, {"within"}),
        ({"candidates": [{"id": "a", "lon": 1, "lat": 2}]}, {"datum"}),
        ({"candidates": [{"id": "a", "lon": 200, "lat": 2}], "datum": "wgs84"}, {"candidates"}),
        ({"candidates": [], "datum": "wgs84"}, {"candidates"}),
        ({"colour": "red"}, {"colour"}),
    ],
)
def test_what_cannot_be_answered_is_named(walked, words, fields):
    reply = walked.post("/api/siting", json=ASKED | words)
    assert reply.status_code == 422
    assert {fault["field"] for fault in reply.json()["errors"]} == fields


def test_an_empty_city_says_what_to_import(open_client):
    reply = open_client.post("/api/siting", json=ASKED)
    assert reply.status_code in {404, 422}
    assert "import" in reply.text
