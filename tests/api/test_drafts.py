"""Drafts over HTTP: edits that keep the partition, shown before they are made, undone, and written by several."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests import paper_city as city

FIRST, SECOND = city.WEST + "001", city.WEST + "002"
THIRD, FOURTH = city.WEST + "003", city.WEST + "004"


@pytest.fixture
def tiled(session):
    """Revision 1: a city without a fault."""
    city.build(session, city.tiled())
    return session


@pytest.fixture
def editor(tiled, sign_in):  # noqa: ARG001 - the city is there before its editors
    return sign_in("editor", name="zhang")


@pytest.fixture
def draft(client, editor):
    """The path of a new draft."""
    made = client.post("/api/drafts", json={"title": "北门改线"}, headers=editor)
    assert made.status_code == 201
    return made.headers["Location"]


def line(*places):
    return [list(city.point(*place)) for place in places]


SPLIT = {"edit": "split", "level": "grid", "code": SECOND, "line": line((3, 4), (9, 4))}
MERGE = {"edit": "merge", "level": "grid", "codes": [FIRST, SECOND]}


def test_a_draft_is_begun_listed_and_read(client, editor, draft):
    told = client.get(draft, headers=editor)
    assert (told.json()["title"], told.json()["author"], told.json()["base_revision"]) == (
        "北门改线",
        "zhang",
        1,
    )
    assert told.headers["ETag"] == '"1"'
    assert [each["id"] for each in client.get("/api/drafts", headers=editor).json()["drafts"]] == [
        draft.rpartition("/")[2]
    ]
    assert client.get("/api/drafts?status=discarded", headers=editor).json()["drafts"] == []


def test_pages_of_drafts_lead_on(client, editor):
    for number in range(3):
        client.post("/api/drafts", json={"title": f"{number}"}, headers=editor)
    page = client.get("/api/drafts?limit=2&status=open", headers=editor).json()
    rest = client.get(page["next"], headers=editor).json()
    assert len(page["drafts"]) + len(rest["drafts"]) == 3
    assert rest["next"] is None


def test_a_preview_stores_nothing(client, editor, draft):
    seen = client.post(f"{draft}/edits?preview=true", json=SPLIT, headers=editor)
    assert (seen.status_code, seen.json()["step"]) == (200, None)
    assert {pair["successor"] for pair in seen.json()["lineage"]} == {THIRD, FOURTH}
    assert client.get(f"{draft}/edits", headers=editor).json() == {"step": 0, "steps": []}
    assert client.get(f"{draft}/diff", headers=editor).json()["layers"] == []


def test_an_edit_tells_what_it_did_and_is_one_step(client, editor, draft):
    done = client.post(f"{draft}/edits", json={**SPLIT, "note": "交付"}, headers=editor)
    assert done.status_code == 201
    told = done.json()
    assert (told["step"], told["worse"]) == (1, [])
    grids = next(layer for layer in told["layers"] if layer["layer"] == "grids")
    assert grids["counts"]["added"] == 2
    drawn = {(f["properties"]["state"], f["properties"]["code"]) for f in told["features"]["features"]}
    assert {("before", SECOND), ("after", THIRD), ("after", FOURTH)} <= drawn
    (step,) = client.get(f"{draft}/edits", headers=editor).json()["steps"]
    assert (step["said"], step["note"], step["author"], step["undone"]) == (SPLIT, "交付", "zhang", False)


def test_undo_and_redo(client, editor, draft):
    client.post(f"{draft}/edits", json=SPLIT, headers=editor)
    changed = client.get(f"{draft}/diff", headers=editor).json()
    assert client.post(f"{draft}/undo", headers=editor).json()["step"] == 0
    assert client.get(f"{draft}/diff", headers=editor).json()["layers"] == []
    assert client.get(f"{draft}/edits", headers=editor).json()["steps"][0]["undone"]
    assert client.post(f"{draft}/undo", headers=editor).status_code == 409
    assert client.post(f"{draft}/redo", headers=editor).json()["step"] == 1
    assert client.get(f"{draft}/diff", headers=editor).json() == changed


def test_one_feature_before_and_after(client, editor, draft):
    client.post(f"{draft}/edits", json=MERGE, headers=editor)
    kept = client.get(f"{draft}/features/grids/{FIRST}", headers=editor).json()
    assert kept["before"]["properties"]["attributes"]["people"] == 100
    assert kept["after"]["properties"]["attributes"]["people"] == 300
    gone = client.get(f"{draft}/features/grids/{SECOND}", headers=editor).json()
    assert gone["before"] is not None
    assert gone["after"] is None
    assert client.get(f"{draft}/features/grids/{THIRD}", headers=editor).status_code == 404


def test_what_one_step_changed_and_what_all_did(client, editor, draft):
    client.post(f"{draft}/edits", json=SPLIT, headers=editor)
    client.post(f"{draft}/edits", json={**MERGE, "codes": [THIRD, FOURTH]}, headers=editor)
    second = client.get(f"{draft}/diff?step=2&layer=grids", headers=editor).json()["layers"][0]
    assert {row["code"] for row in second["changes"]} == {THIRD, FOURTH}
    whole = client.get(f"{draft}/diff?layer=grids", headers=editor).json()["layers"][0]
    assert whole["land"] == [{"from_code": SECOND, "to_code": THIRD, "area_m2": pytest.approx(land(whole))}]
    assert client.get(f"{draft}/diff?step=9", headers=editor).status_code == 404


def land(layer):
    return layer["land"][0]["area_m2"]


@pytest.mark.parametrize("format", ["json", "geojson", "csv", "xlsx"])
def test_a_difference_in_every_format(client, editor, draft, format):  # noqa: A002 - the parameter's name
    client.post(f"{draft}/edits", json=SPLIT, headers=editor)
    reply = client.get(f"{draft}/diff?format={format}", headers=editor)
    assert reply.status_code == 200
    assert reply.content


def test_defects_of_a_draft(client, editor, draft):
    assert client.get(f"{draft}/defects", headers=editor).json()["defects"] == 0
    assert client.get(f"{draft}/worse", headers=editor).json() == {"base_revision": 1, "worse": []}


def test_an_edit_that_cannot_be_made_says_where(client, editor, draft):
    said = {**SPLIT, "line": line((5, 3), (6, 3))}
    refused = client.post(f"{draft}/edits", json=said, headers=editor)
    assert refused.status_code == 422
    (fault,) = refused.json()["errors"]
    assert fault["kind"] == "edit-line"
    assert 114 < fault["lon"] < 115
    wrong = client.post(
        f"{draft}/edits", json={"edit": "split", "level": "moon", "colour": 1}, headers=editor
    )
    assert {fault["field"] for fault in wrong.json()["errors"]} == {"level", "colour", "code", "line"}
    assert client.post(f"{draft}/edits", json={"edit": "fold"}, headers=editor).status_code == 422
    assert client.get(f"{draft}/edits", headers=editor).json()["steps"] == []


def test_a_repeated_request_edits_once(client, editor, draft):
    with_key = {**editor, "Idempotency-Key": "k1"}
    first = client.post(f"{draft}/edits", json=SPLIT, headers=with_key)
    again = client.post(f"{draft}/edits", json=SPLIT, headers=with_key)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    other = client.post(f"{draft}/edits", json=MERGE, headers=with_key)
    assert other.status_code == 409


def test_a_repeated_request_is_answered_also_when_it_named_what_it_had_read(client, editor, draft):
    tagged = {
        **editor,
        "Idempotency-Key": "k1",
        "If-Match": client.get(draft, headers=editor).headers["ETag"],
    }
    first, again = (client.post(f"{draft}/edits", json=SPLIT, headers=tagged) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()


@pytest.mark.parametrize("code", ['"\\ud800"', "1" + "0" * 40, "[" * 300 + "]" * 300])
@pytest.mark.parametrize("key", [{}, {"Idempotency-Key": "k1"}])
def test_an_edit_that_cannot_be_stored_is_refused(client, editor, draft, code, key):
    said = '{"edit": "merge", "level": "grid", "codes": [%s]}' % code  # noqa: UP031 - full of braces
    headers = {**editor, **key, "Content-Type": "application/json"}
    assert client.post(f"{draft}/edits", content=said, headers=headers).status_code == 422


def test_a_repeated_request_begins_one_draft(client, editor, sign_in):
    with_key = {**editor, "Idempotency-Key": "k1"}
    first = client.post("/api/drafts", json={"title": "北门改线"}, headers=with_key)
    client.post(f"{first.headers['Location']}/edits", json=SPLIT, headers=editor)
    again = client.post("/api/drafts", json={"title": "北门改线"}, headers=with_key)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert first.headers["Location"] == again.headers["Location"]
    assert client.post("/api/drafts", json={"title": "南门改线"}, headers=with_key).status_code == 409
    of_another = {**sign_in("editor", name="wang"), "Idempotency-Key": "k1"}
    assert client.post("/api/drafts", json={"title": "南门改线"}, headers=of_another).status_code == 201
    assert len(client.get("/api/drafts", headers=editor).json()["drafts"]) == 2


def test_requests_repeated_at_once_begin_one_draft(client, editor):
    with_key = {**editor, "Idempotency-Key": "k1"}

    def begin(_):
        return client.post("/api/drafts", json={"title": "北门改线"}, headers=with_key)

    with ThreadPoolExecutor(8) as threads:
        replies = list(threads.map(begin, range(8)))
    assert sorted(reply.status_code for reply in replies) == [200] * 7 + [201]
    assert len({reply.json()["id"] for reply in replies}) == 1


def test_one_key_for_two_drafts_at_once_is_refused_for_one(client, editor):
    drafts = [
        client.post("/api/drafts", json={"title": f"{n}"}, headers=editor).headers["Location"]
        for n in range(4)
    ]

    def split(draft):
        return client.post(
            f"{draft}/edits", json=SPLIT, headers={**editor, "Idempotency-Key": "k1"}
        ).status_code

    with ThreadPoolExecutor(4) as threads:
        assert sorted(threads.map(split, drafts)) == [201, 409, 409, 409]


def test_a_repeated_request_remarks_once(client, editor, draft):
    with_key = {**editor, "Idempotency-Key": "k1"}
    note = {"text": "界线应沿河中心"}
    first, again = (client.post(f"{draft}/notes", json=note, headers=with_key) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert len(client.get(f"{draft}/notes", headers=editor).json()["notes"]) == 1
    other = client.post("/api/drafts", json={"title": "二"}, headers=editor).headers["Location"]
    assert client.post(f"{other}/notes", json=note, headers=with_key).status_code == 409


def test_a_write_over_what_others_wrote_since_is_stale(client, editor, draft):
    seen = client.get(draft, headers=editor).headers["ETag"]
    assert client.post(f"{draft}/edits", json=SPLIT, headers={**editor, "If-Match": seen}).status_code == 201
    stale = client.post(f"{draft}/edits", json=SPLIT, headers={**editor, "If-Match": seen})
    assert stale.status_code == 412
    for way in ("undo", "redo", "discard"):
        assert client.post(f"{draft}/{way}", headers={**editor, "If-Match": seen}).status_code == 412


def test_several_edit_one_draft_at_once_and_nothing_is_lost(client, editor, draft):
    """Each splits another part of the city; each is a step, and no code is given twice."""
    lines = [(FIRST, (-1, 2), (5, 2)), (SECOND, (3, 6), (9, 6)), (city.EAST + "001", (7, 2), (15, 2))]
    lines.append((city.EAST + "002", (7, 6), (15, 6)))

    def split(each):
        code, *places = each
        return client.post(
            f"{draft}/edits", json={**SPLIT, "code": code, "line": line(*places)}, headers=editor
        )

    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(split, lines))
    assert sorted(reply.json()["step"] for reply in done) == [1, 2, 3, 4]
    grids = client.get(f"{draft}/diff?layer=grids", headers=editor).json()["layers"][0]
    assert grids["counts"]["added"] == 8
    assert grids["counts"]["removed"] == 4
    assert client.get(f"{draft}/defects", headers=editor).json()["defects"] == 0


def test_notes(client, editor, draft, sign_in):
    place = dict(zip(("lon", "lat"), city.point(4, 4), strict=True))
    assert (
        client.post(f"{draft}/notes", json={"text": "界线沿河", **place}, headers=editor).status_code == 201
    )
    client.post(f"{draft}/notes", json={"text": "好"}, headers=sign_in("reviewer", name="li"))
    told = client.get(f"{draft}/notes", headers=editor).json()["notes"]
    assert [(note["author"], note["text"], note["lon"]) for note in told] == [
        ("zhang", "界线沿河", place["lon"]),
        ("li", "好", None),
    ]


def test_a_discarded_draft_takes_nothing_more(client, editor, draft):
    assert client.post(f"{draft}/discard", headers=editor).json()["status"] == "discarded"
    assert client.post(f"{draft}/edits", json=SPLIT, headers=editor).status_code == 409
    assert client.post(f"{draft}/discard", headers=editor).status_code == 409


def test_what_others_began_only_reviewers_give_up(client, draft, sign_in):
    other = sign_in("editor", name="wang")
    assert client.post(f"{draft}/discard", headers=other).status_code == 403
    assert client.patch(draft, json={"title": "x"}, headers=other).status_code == 403
    assert client.post(f"{draft}/edits", json=SPLIT, headers=other).status_code == 201
    reviewer = sign_in("reviewer", name="li")
    assert client.patch(draft, json={"title": "南门"}, headers=reviewer).json()["title"] == "南门"
    assert client.post(f"{draft}/discard", headers=reviewer).status_code == 200


def test_an_account_edits_in_its_areas_only(client, draft, sign_in):
    inside = sign_in("editor", city.WEST, name="west")
    outside = sign_in("editor", city.EAST, name="east")
    for query in ("", "?preview=true"):
        refused = client.post(f"{draft}/edits{query}", json=MERGE, headers=outside)
        assert refused.status_code == 403
    assert client.get(f"{draft}/edits", headers=inside).json()["steps"] == []
    assert client.post(f"{draft}/edits", json=MERGE, headers=inside).status_code == 201
    assert client.post(f"{draft}/undo", headers=outside).status_code == 403
    assert client.get(draft, headers=inside).json()["step"] == 1


def test_who_may_not_edit_sees_no_drafts(client, open_client, draft, sign_in):
    assert open_client.get("/api/drafts").status_code == 401
    for role in ("viewer", "worker", "dispatcher", "planner"):
        headers = sign_in(role)
        assert client.get("/api/drafts", headers=headers).status_code == 403
        assert client.get(draft, headers=headers).status_code == 403


def test_names_of_posts_are_told_to_who_may_read_them(client, editor, draft, sign_in):
    client.post(f"{draft}/edits", json=MERGE, headers=editor)
    plain = client.get(f"{draft}/diff?layer=posts&format=geojson", headers=editor).text
    assert "王五" not in plain
    told = client.get(f"{draft}/diff?layer=posts&format=geojson", headers=sign_in("administrator")).text
    assert "王五" in told
