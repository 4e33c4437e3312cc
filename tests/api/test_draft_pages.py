"""The pages of drafts: the list, one draft in each of its states, and what its map draws."""

import datetime as dt
import re

import pytest
from shapely import box

from api.dependencies import now
from geo.faults import Fault
from layers.drafts import editing, keeping, review, steps
from tests import paper_city as city
from tests.paper_city import EAST, WEST

HOSTILE = """</script><img src=x onerror=alert(1)>{{7*7}}"""


@pytest.fixture
def draft(session):
    """A draft by hu that merges two grids."""
    frames = city.layers()
    frames["grids"] = city.grids(
        {WEST + "001": box(0, 0, 4, 8), WEST + "002": box(4, 0, 8, 8), EAST + "001": box(8, 0, 14, 8)}
    )
    city.build(session, frames)
    made = keeping.create(session, title=HOSTILE, note=HOSTILE, author="hu", now=now())
    said = {"edit": "merge", "level": "grid", "codes": [WEST + "001", WEST + "002"]}
    editing.carry_out(session, made, said, author="hu", now=now(), note=HOSTILE)
    lon, lat = city.point(3, 3)
    keeping.write_note(session, made, HOSTILE, author="hu", now=now(), place=(lon, lat))
    session.commit()
    return made


@pytest.fixture
def shown(client, sign_in, draft):
    """Open the page of the draft for an account of a role; return its text and the buttons it offers."""

    def open_page(role, *, name=None, query=""):
        reply = client.get(
            f"/drafts/{draft.id}{query}", headers=sign_in(role, name=name) | {"Accept": "text/html"}
        )
        assert reply.status_code == 200, reply.text
        return reply.text, re.findall(r'data-do="(\w+)"', reply.text)

    return open_page


def test_the_list_shows_drafts_by_what_became_of_them(client, sign_in, draft, session):
    headers = sign_in("editor") | {"Accept": "text/html"}
    address = f"/drafts/{draft.id}"
    assert address in client.get("/drafts", headers=headers).text
    assert address not in client.get("/drafts?which=discarded", headers=headers).text
    keeping.discard(draft, now=now())
    session.commit()
    assert address not in client.get("/drafts", headers=headers).text
    assert address in client.get("/drafts?which=discarded&lang=en", headers=headers).text


@pytest.mark.usefixtures("draft")
def test_names_and_notes_are_text(client, sign_in, shown):
    listed = client.get("/drafts", headers=sign_in("editor", name="wu") | {"Accept": "text/html"}).text
    page, _ = shown("editor")
    for text in (listed, page):
        assert "<img" not in text
        assert "&lt;img src=x" in text
        assert "49" not in re.findall(r"<h1>.*?</h1>", text, re.DOTALL)[0]


def test_a_step_is_told_in_words_and_an_undone_one_as_such(shown, draft, session):
    page, _ = shown("editor")
    assert f"合并 · 网格 {WEST}001 {WEST}002" in page
    assert 'class="undone"' not in page
    assert (
        'id="redo" type="button" class="button quiet small" data-step="redo" aria-keyshortcuts="Control+Shift+Z" title="Ctrl+Shift+Z" disabled'
        in page
    )
    steps.undo(session, draft, now=now())
    session.commit()
    page, _ = shown("editor", name="wu", query="?lang=en")
    assert f"Merge · grid {WEST}001 {WEST}002" in page
    assert 'class="undone"' in page


def test_what_is_offered_follows_the_state_and_who_asks(shown, draft, session):
    assert shown("editor", name="hu")[1] == ["submit", "discard"]
    assert shown("editor", name="e1")[1] == []
    review.submit(session, draft, by="hu", now=now())
    session.commit()
    assert shown("editor", name="e2")[1] == []
    assert "等待审核" in shown("editor", name="e3")[0]
    assert shown("reviewer", name="r2")[1] == ["approve", "reject", "withdraw", "discard"]
    review.approve(session, draft, by="r2", note=HOSTILE, now=now())
    session.commit()
    page, offered = shown("editor", name="e4")
    assert offered == ["publish"]
    assert "r2" in page
    keeping.discard(draft, now=now())
    session.commit()
    assert shown("editor", name="e5")[1] == []


def test_who_drew_it_does_not_judge_it(shown, draft, session):
    review.submit(session, draft, by="hu", now=now())
    session.commit()
    assert shown("reviewer", name="hu")[1] == ["reject", "withdraw", "discard"]


def test_a_refusal_at_its_time_is_told_fault_by_fault(shown, draft, session):
    fault = Fault(kind="overlap", id=WEST + "001", message="too <much>", size=3.0, unit="m2")
    draft.refusal = {"publish_at": None, "detail": "one", "faults": [fault.as_dict()]}
    session.commit()
    page, _ = shown("editor")
    assert "重叠：too &lt;much&gt;" in page


def test_a_draft_behind_the_newest_revision_says_so_and_offers_to_follow(shown, client, session):
    city.publish(
        session,
        {"grids": city.grids({EAST + "001": box(8, 0, 14, 8)}).assign(name="东")},
        now=now() + dt.timedelta(seconds=1),
    )
    client.app.state.runtime.snapshots.refresh()
    page, offered = shown("editor")
    assert "又发布了 1 个修订" in page
    assert offered == ["rebase"]


def test_the_map_draws_both_states_and_the_land(client, sign_in, draft):
    data = client.get(f"/maps/data/drafts/{draft.id}.json", headers=sign_in("editor")).json()
    states = {
        (each["properties"]["state"], each["properties"]["kind"]) for each in data["changes"]["features"]
    }
    assert ("before", "removed") in states
    assert {("before", "moved"), ("after", "moved")} <= states
    assert [each["properties"]["to_code"] for each in data["land"]["features"]] == [WEST + "001"]


def test_drafts_are_for_those_who_may_edit(client, sign_in, draft):
    for path in ("/drafts", f"/drafts/{draft.id}", f"/maps/data/drafts/{draft.id}.json"):
        assert client.get(path, headers=sign_in("viewer", name=f"v{len(path)}")).status_code == 403
    asked = client.get("/drafts", headers={"Accept": "text/html"}, follow_redirects=False)
    assert asked.headers["location"] == "/login?next=%2Fdrafts"
    missing = client.get("/drafts/00000000-0000-0000-0000-000000000000", headers=sign_in("editor"))
    assert missing.status_code == 404
