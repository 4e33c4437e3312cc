"""Incidents over HTTP, on the paper city: intake, scope, masking, steps, search."""

import datetime as dt
from uuid import uuid4

import pytest

from tests import paper_city as city


@pytest.fixture
def built(session, client):
    city.build(session)
    client.app.state.runtime.snapshots.refresh()
    return client


@pytest.fixture
def desk(sign_in):
    return sign_in("dispatcher")


def body(place=(1.5, 1.5), **said):
    lon, lat = city.point(*place)
    return {"category": "0101", "lon": lon, "lat": lat, "datum": "wgs84", **said}


def report(client, headers, place=(1.5, 1.5), *, key=None, **said):
    headers = {**headers, "Idempotency-Key": key} if key else headers
    return client.post("/api/incidents", json=body(place, **said), headers=headers)


def errors(reply, status=422):
    assert reply.status_code == status, reply.text
    return {(error["kind"], error["field"]) for error in reply.json()["errors"]}


# --- intake -----------------------------------------------------------------------------------------------


def test_reported_with_grid_team_and_history(built, desk):
    reply = report(
        built,
        desk,
        reporter_phone="13800001234",
        description="井盖缺失",
        reported_at="2026-03-01T08:30:00+08:00",
    )
    assert reply.status_code == 201
    incident = reply.json()
    assert reply.headers["location"] == f"/api/incidents/{incident['id']}"
    assert (incident["status"], incident["deadline"], incident["datum"]) == ("open", None, "wgs84")
    assert incident["reported_at"] == "2026-03-01T00:30:00Z"
    assignment = incident["assignment"]
    assert assignment["area"] == {"code": city.WEST + "002", "name": "grids 002", "level": "grid"}
    assert (assignment["rule"], assignment["revision"], assignment["reason"]) == ("inside", 1, None)
    assert [area["level"] for area in assignment["path"]] == ["district", "subdistrict", "community", "grid"]
    assert [post["name"] for post in incident["posts"]] == ["王芳", "赵敏"]
    (decision,) = incident["history"]
    assert (decision["rule"], decision["decided_by"]) == ("inside", "dispatcher-all")
    located = built.get(
        "/api/locate", params={k: body()[k] for k in ("lon", "lat", "datum")}, headers=desk
    ).json()
    for name in ("area", "rule", "distance_m", "margin_m", "candidates", "path", "revision"):
        assert assignment[name] == located[name]
    assert built.get(f"/api/incidents/{incident['id']}", headers=desk).json() == incident


def test_the_head_of_the_building_is_on_the_team(built, desk, session):
    building = city.areas("buildings", {"B1": city.box(1.4, 1.4, 1.6, 1.6)}).drop(columns="parent_code")
    head = city.posts([("楼长", "孙丽", None, "buildings", "B1", None, None)])
    head = head.assign(code="PB").set_axis(city.identifiers("posts", ["PB"]))
    city.publish(session, {"buildings": building, "posts": head})
    built.app.state.runtime.snapshots.refresh()
    incident = report(built, desk).json()
    assert [post["name"] for post in incident["posts"]] == ["王芳", "赵敏", "孙丽"]
    located = built.get(
        "/api/locate", params={k: body()[k] for k in ("lon", "lat", "datum")}, headers=desk
    ).json()
    assert located["building"] == {"code": "B1", "name": "buildings B1", "compound_code": None}
    assert located["posts"] == incident["posts"]


def test_kept_without_an_area(built, desk):
    far = report(built, desk, (60, 60)).json()
    assert (far["assignment"]["area"], far["assignment"]["rule"]) == (None, "none")
    assert far["assignment"]["reason"] == "no area within the tolerance"
    words = built.post("/api/incidents", json={"category": "0101", "address": "滨江路 1 号"}, headers=desk)
    assert words.status_code == 201
    assert words.json()["assignment"]["reason"] == "no coordinates were given"
    assert words.json()["lon"] is None


def test_a_repeated_request_makes_one_record(built, desk, sign_in):
    first = report(built, desk, key="k1")
    again = report(built, desk, key="k1")
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    other = report(built, desk, (2, 2), key="k1")
    assert (other.status_code, other.json()["type"]) == (409, "urn:wangge:problem:conflict")
    # Another account's key is another key.
    assert report(built, sign_in("worker"), key="k1").status_code == 201
    assert len(built.get("/api/incidents", headers=desk).json()["incidents"]) == 2


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"datum": None}, {("datum-missing", "datum")}),
        ({"lat": None, "datum": "foo"}, {("coordinate-missing", "lat"), ("datum-unknown", "datum")}),
        ({"lon": None, "lat": None}, {("coordinate-missing", "lon"), ("coordinate-missing", "lat")}),
        ({"lon": 30.5, "lat": 114.3}, {("coordinate-swapped", "lon"), ("coordinate-swapped", "lat")}),
        ({"category": " "}, {("parameter-invalid", "category")}),
        ({"lon": "1_14.3"}, {("coordinate-not-a-number", "lon")}),
        ({"reported_at": "9999-12-31T23:59:59-05:00"}, {("parameter-invalid", "reported_at")}),
        ({"reported_at": "0001-01-01T00:00:00+08:00"}, {("parameter-invalid", "reported_at")}),
        ({"reported_at": "2026-03-01T08:30:00"}, {("parameter-invalid", "reported_at")}),
        ({"reported_at": "2926-03-01T08:30:00+08:00"}, {("parameter-invalid", "reported_at")}),
        (
            {"reported_at": "2926-03-01T08:30:00+08:00", "lat": None, "datum": "mars"},
            {("parameter-invalid", "reported_at"), ("coordinate-missing", "lat"), ("datum-unknown", "datum")},
        ),
        ({"addres": "东坝路 1 号"}, {("parameter-invalid", "addres")}),
    ],
)
def test_all_faults_at_once_and_nothing_stored(built, desk, said, expected):
    assert errors(report(built, desk, **said)) == expected
    assert built.get("/api/incidents", headers=desk).json()["incidents"] == []


# --- who may ----------------------------------------------------------------------------------------------


def test_roles(built, sign_in):
    assert report(built, {}).status_code == 401
    assert report(built, sign_in("viewer")).status_code == 403
    assert report(built, sign_in("worker")).status_code == 201
    assert built.get("/api/incidents", headers=sign_in("editor")).status_code == 403
    reply = built.get("/api/incidents", headers=sign_in("planner"))
    step = f"/api/incidents/{reply.json()['incidents'][0]['id']}/release"
    assert built.post(step, headers=sign_in("worker", name="w2")).status_code == 403


def test_a_reporter_is_masked_by_role(built, desk, sign_in):
    report(built, desk, reporter_name="张三", reporter_phone="13800001234")

    def reporter(headers):
        (incident,) = built.get("/api/incidents", headers=headers).json()["incidents"]
        return incident["reporter_name"], incident["reporter_phone"]

    assert reporter(desk) == ("张三", "13800001234")
    assert reporter(sign_in("worker")) == reporter(sign_in("planner")) == ("张****", "138****1234")


def test_an_account_sees_its_areas_only(built, desk, sign_in):
    ids = {name: report(built, desk, place).json()["id"] for name, place in
           {"west": (1, 1), "east": (13, 6), "none": (60, 60)}.items()}  # fmt: skip

    def seen(*areas):
        headers = sign_in("dispatcher", *areas, name=f"limited-{len(areas)}-{areas}")
        listed = {one["id"] for one in built.get("/api/incidents", headers=headers).json()["incidents"]}
        for incident_id in ids.values():
            status = built.get(f"/api/incidents/{incident_id}", headers=headers).status_code
            assert status == (200 if incident_id in listed else 404)
        return {name for name, incident_id in ids.items() if incident_id in listed}

    assert seen() == {"west", "east", "none"}
    assert seen("420199") == {"west", "east", "none"}  # unassigned ones are the district's
    assert seen(city.SUBDISTRICT) == {"west", "east"}
    assert seen(city.WEST) == {"west"}
    assert seen(city.EAST + "003") == {"east"}
    assert seen(city.WEST, city.EAST) == {"west", "east"}


def test_an_account_files_in_its_areas_only(built, desk, sign_in):
    mine = sign_in("worker", city.WEST)
    assert report(built, mine, (1, 1)).status_code == 201
    reply = report(built, mine, (13, 6), key="k")
    assert (reply.status_code, reply.json()["type"]) == (403, "urn:wangge:problem:forbidden")
    assert city.EAST + "003" in reply.json()["detail"]
    # What lies in no area belongs to the district, whoever saw it.
    assert report(built, mine, (60, 60)).status_code == 201
    assert len(built.get("/api/incidents", headers=desk).json()["incidents"]) == 2
    assert report(built, mine, (1, 1), key="k").status_code == 201, "a refused request used no key"


def test_a_release_that_leaves_ones_areas_is_the_places_own_answer(built, desk, sign_in):
    incident_id = report(built, desk, (13, 6)).json()["id"]
    decision = {"area_code": city.WEST + "002", "reason": "x"}
    built.post(f"/api/incidents/{incident_id}/reassign", json=decision, headers=desk)
    mine = sign_in("dispatcher", city.WEST)
    released = built.post(f"/api/incidents/{incident_id}/release", headers=mine)
    assert released.json()["assignment"]["area"]["code"] == city.EAST + "003"
    assert built.get(f"/api/incidents/{incident_id}", headers=mine).status_code == 404


def test_another_accounts_areas_end_where_its_steps_do(built, desk, sign_in):
    ids = [report(built, desk, place).json()["id"] for place in ((13, 6), (60, 60))]
    mine = sign_in("dispatcher", city.WEST)
    for incident_id in ids:
        decision = {"area_code": city.WEST + "002", "reason": "mine now"}
        assert (
            built.post(f"/api/incidents/{incident_id}/reassign", json=decision, headers=mine).status_code
            == 404
        )
        assert built.post(f"/api/incidents/{incident_id}/release", headers=mine).status_code == 404


# --- steps ------------------------------------------------------------------------------------------------


def test_reassign_and_release(built, desk):
    incident_id = report(built, desk).json()["id"]
    path = f"/api/incidents/{incident_id}"
    decision = {"area_code": city.EAST + "003", "reason": "误报位置"}
    moved = built.post(f"{path}/reassign", json=decision, headers=desk).json()
    assert (moved["assignment"]["rule"], moved["assignment"]["area"]["code"]) == ("manual", city.EAST + "003")
    back = built.post(f"{path}/release", headers=desk).json()
    assert back["assignment"]["rule"] == "inside"
    assert [one["reason"] for one in back["history"]] == [None, "误报位置", "released"]
    assert built.post(f"{path}/release", headers=desk).status_code == 409
    assert errors(built.post(f"{path}/reassign", json={"area_code": "x", "reason": " "}, headers=desk)) == {
        ("value-invalid", "area_code"), ("value-missing", "reason"),
    }  # fmt: skip
    assert built.post(f"/api/incidents/{uuid4()}/release", headers=desk).status_code == 404
    assert built.post(f"{path}/close", headers=desk).status_code == 404


def test_reassigning_beyond_ones_areas_is_refused(built, desk, sign_in):
    incident_id = report(built, desk).json()["id"]
    headers = sign_in("dispatcher", city.WEST)
    decision = {"area_code": city.EAST + "003", "reason": "x"}
    reply = built.post(f"/api/incidents/{incident_id}/reassign", json=decision, headers=headers)
    assert reply.status_code == 403
    assert built.get(f"/api/incidents/{incident_id}", headers=desk).json()["assignment"]["rule"] == "inside"


def test_a_place_beyond_ones_areas_is_refused_and_one_in_no_area_is_left_to_the_district(
    built, desk, sign_in
):
    path = f"/api/incidents/{report(built, desk).json()['id']}"
    mine = sign_in("dispatcher", city.WEST)

    def place(*at):
        lon, lat = city.point(*at)
        stated = {"lon": lon, "lat": lat, "datum": "wgs84"}
        return built.post(f"{path}/place", json=stated, headers=mine)

    assert place(13, 6).status_code == 403
    assert built.get(path, headers=desk).json()["assignment"]["rule"] == "inside"
    reply = place(60, 60)
    assert (reply.status_code, reply.json()["assignment"]["area"]) == (200, None)
    assert built.get(path, headers=mine).status_code == 404
    assert built.get(path, headers=desk).json()["assignment"]["rule"] == "none"


def test_a_repeated_report_tells_nothing_of_where_it_was_moved_to(built, desk, sign_in):
    mine = sign_in("worker", city.WEST)
    first = report(built, mine, key="k")
    decision = {"area_code": city.EAST + "003", "reason": "误报位置"}
    moved = f"/api/incidents/{first.json()['id']}/reassign"
    assert built.post(moved, json=decision, headers=desk).status_code == 200
    again = report(built, mine, key="k")
    assert again.status_code == 403
    assert city.EAST not in again.text


def test_a_retired_area_keeps_its_code_in_the_history(built, session, desk):
    incident_id = report(built, desk, (13, 6)).json()["id"]
    gone = city.publishing.Change(city.grids({}), list(city.identifiers("grids", [city.EAST + "003"])))
    city.publish(session, {"grids": gone}, now=dt.datetime.now(dt.UTC))
    built.app.state.runtime.snapshots.refresh()
    incident = built.get(f"/api/incidents/{incident_id}", headers=desk).json()
    assert (incident["assignment"]["rule"], incident["assignment"]["area"]) == ("none", None)
    assert incident["history"][0]["area"] == {"code": city.EAST + "003", "name": None, "level": None}
    assert incident["history"][1]["reason"] == "moved by revision 2"


# --- search -----------------------------------------------------------------------------------------------


def test_filters_and_pages(built, desk):
    for hour, place in enumerate([(1, 1), (2, 2), (6, 1), (13, 6), (60, 60)]):
        report(built, desk, place, description=str(hour), reported_at=f"2026-03-0{hour + 1}T12:00:00+08:00")

    def find(**query):
        reply = built.get("/api/incidents", params=query, headers=desk)
        assert reply.status_code == 200, reply.text
        return "".join(one["description"] for one in reply.json()["incidents"])

    assert find() == "43210"
    assert find(area=city.WEST) == "210"
    assert find(unassigned=True) == find(rule="none") == "4"
    assert find(status="open", category="0101", area=city.WEST + "002") == "10"
    assert find(since="2026-03-02", until="2026-03-03") == "21"  # both days whole, in Shanghai
    assert find(bbox=",".join(map(str, [*city.point(1.5, 0), *city.point(6, 2)]))) == "21"
    pages, path = [], "/api/incidents?limit=2&unassigned=false"
    while path:
        page = built.get(path, headers=desk).json()
        pages.append("".join(one["description"] for one in page["incidents"]))
        path = page["next"]
    assert pages == ["32", "10"]


def test_wrong_filters_are_told_together(built, desk):
    query = {"status": "x", "rule": "y", "since": "z", "bbox": "1,2,3"}
    reply = built.get("/api/incidents", params=query, headers=desk)
    assert errors(reply) == {("parameter-invalid", name) for name in query}
    for made_up in ("x", "WyIyMDI2LTAxLTAxIiwgMWU0MDBd"):  # the second names the infinite incident
        reply = built.get("/api/incidents", params={"cursor": made_up}, headers=desk)
        assert errors(reply) == {("parameter-invalid", "cursor")}
