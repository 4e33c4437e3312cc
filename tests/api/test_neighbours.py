"""Handing an incident to the neighbour, over HTTP and on its page."""

import pytest

from tests import paper_city as city
from tests.paper_city import EAST, WEST


@pytest.fixture
def desk(sign_in):
    return sign_in("dispatcher")


@pytest.fixture
def built(session, client):
    city.build(session)
    client.app.state.runtime.snapshots.refresh()
    return client


def report(client, headers, place, **said):
    lon, lat = city.point(*place)
    body = {"category": "0101", "lon": lon, "lat": lat, "datum": "wgs84", **said}
    return client.post("/api/incidents", json=body, headers=headers).json()["id"]


def test_the_neighbours_are_named_with_distance_and_team(built, desk):
    path = f"/api/incidents/{report(built, desk, (4.1, 1))}"
    named = built.get(f"{path}/neighbours", headers=desk).json()
    assert named["revision"] == 1
    first = named["neighbours"][0]
    assert (first["area"]["code"], first["why"]) == (WEST + "002", "across")
    assert first["distance_m"] == pytest.approx(9.4, abs=0.1)
    assert [post["name"] for post in first["posts"]] == ["王芳"], "who is in office today"
    moved = {"area_code": WEST + "002", "reason": "跨界道路"}
    assert built.post(f"{path}/reassign", json=moved, headers=desk).status_code == 200
    after = built.get(f"{path}/neighbours", headers=desk).json()["neighbours"]
    assert (after[0]["area"]["code"], after[0]["why"]) == (WEST + "001", "place")
    assert WEST + "002" not in [one["area"]["code"] for one in after]


def test_without_a_place_there_are_no_neighbours(built, desk):
    said = {"category": "0101", "address": "滨江路 1 号"}
    incident = built.post("/api/incidents", json=said, headers=desk).json()["id"]
    assert built.get(f"/api/incidents/{incident}/neighbours", headers=desk).json()["neighbours"] == []


def test_what_lies_elsewhere_has_neither_neighbours_nor_a_page(built, desk, sign_in):
    incident = report(built, desk, (13, 6))
    mine = sign_in("dispatcher", WEST)
    for path in (f"/api/incidents/{incident}/neighbours", f"/incidents/{incident}"):
        assert built.get(path, headers=desk).status_code == 200
        assert built.get(path, headers=mine).status_code == 404
        assert built.get(path, headers=sign_in("editor", name=path)).status_code == 403
        assert built.get(path).status_code == 401


def test_the_page_offers_the_step_to_dispatchers_only(built, desk, sign_in):
    incident = report(built, desk, (4.1, 1), category="C0101")
    page = built.get(f"/incidents/{incident}", headers=desk).text
    assert "跨界道路" in page
    assert "井盖缺失" in page, "the category by its name"
    assert "跨界道路" not in built.get(f"/incidents/{incident}", headers=sign_in("planner")).text


def test_the_same_grid_is_refused_by_name(built, desk):
    incident = report(built, desk, (1, 1))
    decision = {"area_code": WEST + "002", "reason": "x"}
    reply = built.post(f"/api/incidents/{incident}/reassign", json=decision, headers=desk)
    assert reply.status_code == 422
    (fault,) = reply.json()["errors"]
    assert (fault["kind"], fault["field"]) == ("value-invalid", "area_code")
    assert "already belongs" in fault["message"]
    far = {"area_code": EAST + "003", "reason": "来电人更正位置"}
    assert built.post(f"/api/incidents/{incident}/reassign", json=far, headers=desk).status_code == 200
