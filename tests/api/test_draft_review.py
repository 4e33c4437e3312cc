"""A draft's way over HTTP: submitted, approved by a second person, rebased, published once, now or at its time."""

import datetime as dt
import time

import pytest
import shapely
from fastapi.testclient import TestClient
from shapely import box

from api import timetable
from api.app import create_app
from api.dependencies import now
from layers import history, store
from layers.drafts import keeping, steps
from layers.publishing import Change
from tests import paper_city as city

FIRST, SECOND = city.WEST + "001", city.WEST + "002"
FIRST_ID, SECOND_ID = city.identifiers("grids", [FIRST, SECOND])


@pytest.fixture
def built(session):
    city.build(session)
    return session


@pytest.fixture
def editor(sign_in):
    return sign_in("editor", name="zhang")


@pytest.fixture
def reviewer(sign_in):
    return sign_in("reviewer", name="li")


def border(session, x):
    """Both grids with their common border moved to x."""
    shapes = {SECOND: box(0, 0, x, 4), FIRST: box(x, 0, 8, 4)}
    frame = store.read(session, "grids", 1, codes=shapes)
    frame["geometry"] = [city.on_map(shapely.MultiPolygon([shapes[code]])) for code in frame["code"]]
    return frame


def drafted(session, *frames):
    """An open draft of zhang's with a step for each frame of grids; its path."""
    draft = keeping.create(session, title="北门", note="", author="zhang", now=city.NOW)
    for frame in frames:
        made = {"grids": Change(frame)}
        steps.record(session, draft, made, kind="feature", said={}, author="zhang", now=city.NOW)
    session.commit()
    return f"/api/drafts/{draft.id}"


@pytest.fixture
def draft(built):
    return drafted(built, border(built, 5))


def approved(client, draft, editor, reviewer):
    assert client.post(f"{draft}/submit", headers=editor).status_code == 200
    assert client.post(f"{draft}/approve", headers=reviewer).status_code == 200


# --- review ----------------------------------------------------------------------------------------------


def test_from_a_draft_to_a_revision(client, draft, editor, reviewer):
    assert client.post(f"{draft}/publish", headers=editor).status_code == 409
    reply = client.post(f"{draft}/submit", headers=editor)
    assert (reply.status_code, reply.json()["status"], reply.headers["etag"]) == (200, "submitted", '"3"')
    reply = client.post(f"{draft}/approve", json={"review": "可以"}, headers={**reviewer, "If-Match": '"3"'})
    assert (reply.json()["status"], reply.json()["reviewed_by"]) == ("approved", "li")
    reply = client.post(f"{draft}/publish", json={"note": "三月调整"}, headers=editor)
    assert (reply.status_code, reply.headers["location"]) == (201, "/api/revisions/2")
    assert (reply.json()["status"], reply.json()["revision"]) == ("published", 2)
    revision = client.get("/api/revisions/2", headers=editor).json()
    assert (revision["author"], revision["note"]) == ("zhang", "北门: 三月调整")
    lon, lat = city.point(4.5, 1)
    here = client.get(f"/api/locate?lon={lon}&lat={lat}&datum=wgs84", headers=editor).json()
    assert (here["area"]["code"], here["revision"]) == (SECOND, 2)


@pytest.mark.usefixtures("built")
def test_nobody_approves_what_they_had_a_hand_in(client, draft, sign_in, editor):
    author = sign_in("administrator", name="zhang2")
    client.post(f"{draft}/submit", headers=author)
    reply = client.post(f"{draft}/approve", headers=author)
    assert reply.status_code == 403
    assert "second person" in reply.json()["detail"]
    assert client.post(f"{draft}/approve", headers=editor).status_code == 403


def test_what_was_read_is_what_is_approved(client, draft, editor, reviewer):
    client.post(f"{draft}/submit", headers=editor)
    seen = client.get(draft, headers=reviewer).headers["etag"]
    client.post(f"{draft}/withdraw", headers=editor)
    client.post(f"{draft}/submit", headers=editor)
    reply = client.post(f"{draft}/approve", headers={**reviewer, "If-Match": seen})
    assert reply.status_code == 412


def test_a_rejected_draft_says_why(client, draft, editor, reviewer):
    client.post(f"{draft}/submit", headers=editor)
    assert client.post(f"{draft}/reject", json={"review": " "}, headers=reviewer).status_code == 422
    reply = client.post(f"{draft}/reject", json={"review": "沿河划"}, headers=reviewer)
    assert (reply.json()["status"], reply.json()["review"]) == ("open", "沿河划")
    assert client.post(f"{draft}/publish", headers=editor).status_code == 409


def test_review_may_be_switched_off(settings, built, draft, editor, always_fresh):  # noqa: ARG001 - wanted for its effect
    with TestClient(create_app(settings.model_copy(update={"review": False}))) as client:
        assert client.post(f"{draft}/publish", headers=editor).status_code == 201


def test_only_in_ones_areas(client, draft, sign_in):
    sign_in("editor", name="zhang")
    elsewhere, here = (sign_in("reviewer", area, name=area) for area in (city.EAST, city.WEST))
    assert client.post(f"{draft}/submit", headers=here).status_code == 200
    other = sign_in("reviewer", city.WEST, name="second")
    for path, body in (("approve", {}), ("reject", {"review": "不"})):
        reply = client.post(f"{draft}/{path}", json=body, headers=elsewhere)
        assert reply.status_code == 403, path
    assert client.post(f"{draft}/approve", headers=other).status_code == 200
    assert client.post(f"{draft}/publish", headers=elsewhere).status_code == 403
    assert client.post(f"{draft}/publish", headers=other).status_code == 201


# --- publishing ------------------------------------------------------------------------------------------


def test_a_repeated_publication_is_one(client, built, draft, editor, reviewer):
    approved(client, draft, editor, reviewer)
    headers = {**editor, "Idempotency-Key": "k"}
    first, again = (client.post(f"{draft}/publish", headers=headers) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert history.newest(built) == 2
    assert client.post(f"{draft}/publish", json={"note": "别的"}, headers=headers).status_code == 409
    assert "revision 2" in client.post(f"{draft}/publish", headers=editor).json()["detail"]


def test_what_others_changed_too_is_shown_in_all_states(client, built, draft, editor, reviewer):
    approved(client, draft, editor, reviewer)
    city.publish(built, {"grids": border(built, 6)})
    reply = client.post(f"{draft}/publish", headers=editor)
    assert reply.status_code == 409
    assert [fault["id"] for fault in reply.json()["errors"]] == [FIRST, SECOND]
    conflict = reply.json()["conflicts"][0]
    assert (conflict["code"], conflict["revision"], conflict["author"]) == (FIRST, 2, "test")
    west = {
        side: min(x for x, _ in conflict[side]["geometry"]["coordinates"][0][0])
        for side in ("base", "mine", "theirs")
    }
    assert west == {side: city.point(x, 0)[0] for side, x in (("base", 4), ("mine", 5), ("theirs", 6))}
    assert conflict["mine"]["properties"]["name"] == "grids 001"


def test_a_worse_map_is_refused_with_the_report(client, built, editor, reviewer):
    draft = drafted(built, border(built, 5)[lambda frame: frame["code"] == SECOND])
    approved(client, draft, editor, reviewer)
    reply = client.post(f"{draft}/publish", headers=editor)
    assert reply.status_code == 422
    (fault,) = reply.json()["errors"]
    assert (fault["kind"], fault["layer"]) == ("overlap", "grids")
    assert fault["lon"]
    assert history.newest(built) == 1
    assert client.get(draft, headers=editor).json()["status"] == "approved"


# --- rebasing --------------------------------------------------------------------------------------------


def test_conflicts_are_told_and_settled_one_by_one(client, built, draft, editor):
    city.publish(built, {"grids": border(built, 6)})
    told = client.get(f"{draft}/conflicts", headers=editor).json()
    assert (told["base_revision"], told["revision"]) == (1, 2)
    assert {(each["id"], tuple(each["fields"])) for each in told["conflicts"]} == {
        (FIRST_ID, ("geometry",)),
        (SECOND_ID, ("geometry",)),
    }
    reply = client.post(f"{draft}/rebase", json={"settled": {FIRST_ID: "mine"}}, headers=editor)
    assert reply.status_code == 409
    assert [each["id"] for each in reply.json()["conflicts"]] == [SECOND_ID]
    reply = client.post(
        f"{draft}/rebase", json={"settled": {FIRST_ID: "mine", SECOND_ID: "mine"}}, headers=editor
    )
    assert (reply.status_code, reply.json()["base_revision"], reply.json()["step"]) == (200, 2, 2)
    assert client.get(f"{draft}/conflicts", headers=editor).json()["conflicts"] == []
    diff = client.get(f"{draft}/diff", headers=editor).json()
    assert {row["code"] for layer in diff["layers"] for row in layer["changes"]} == {FIRST, SECOND}


def test_what_does_not_clash_comes_together(client, built, draft, editor, reviewer):
    named = store.read(built, "grids", 1, codes=[FIRST]).assign(name="河东网格")
    city.publish(built, {"grids": named})
    assert client.get(f"{draft}/conflicts", headers=editor).json()["joined"] == {"grids": [FIRST]}
    assert client.post(f"{draft}/rebase", headers=editor).status_code == 200
    approved(client, draft, editor, reviewer)
    assert client.post(f"{draft}/publish", headers=editor).status_code == 201
    row = store.read(built, "grids", 3).set_index("code").loc[FIRST]
    assert row["name"] == "河东网格"
    assert row["geometry"].equals(city.on_map(box(5, 0, 8, 4)))


@pytest.mark.parametrize(
    "body",
    [
        {"settled": {"x": "mine"}},
        {"settled": {FIRST_ID: "both"}},
        {"settled": {FIRST_ID: "mine"}},
        {"other": 1},
    ],
)
def test_bad_words(client, built, draft, editor, body):
    city.publish(built, {"grids": store.read(built, "grids", 1, codes=[SECOND]).assign(name="新")})
    assert client.post(f"{draft}/rebase", json=body, headers=editor).status_code == 422


@pytest.fixture
def looking_often(monkeypatch):
    monkeypatch.setattr(timetable, "LOOK_S", 0.05)


# --- at a time -------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("looking_often")
def test_at_its_time_by_the_service_itself(client, built, draft, editor, reviewer):
    approved(client, draft, editor, reviewer)
    at = now() + dt.timedelta(seconds=2)
    reply = client.post(f"{draft}/publish", json={"publish_at": at.isoformat()}, headers=editor)
    assert (reply.status_code, reply.json()["status"]) == (202, "scheduled")
    assert history.newest(built) == 1
    until = time.monotonic() + 20
    while (told := client.get(draft, headers=editor).json())["status"] == "scheduled":
        assert time.monotonic() < until
        time.sleep(0.1)
    assert (told["status"], told["revision"], told["publish_at"]) == ("published", 2, None)
    built.rollback()
    assert history.get(built, 2).effective_from >= at


def test_a_time_is_checked_when_it_is_said(client, built, draft, editor, reviewer):
    approved(client, draft, editor, reviewer)
    for said in ("2020-01-01T00:00:00Z", "2099-01-01T00:00:00", "soon"):
        reply = client.post(f"{draft}/publish", json={"publish_at": said}, headers=editor)
        assert reply.status_code == 422, said
    city.publish(built, {"grids": border(built, 6)})
    reply = client.post(f"{draft}/publish", json={"publish_at": "2099-01-01T00:00:00Z"}, headers=editor)
    assert reply.status_code == 409
    assert client.get(draft, headers=editor).json()["status"] == "approved"


def test_a_scheduled_draft_is_withdrawn(client, draft, editor, reviewer):
    approved(client, draft, editor, reviewer)
    said = {"publish_at": "2099-01-01T00:00:00Z"}
    assert client.post(f"{draft}/publish", json=said, headers=editor).status_code == 202
    reply = client.post(f"{draft}/withdraw", headers=editor)
    assert (reply.json()["status"], reply.json()["publish_at"]) == ("open", None)
