"""Publishing drafts: one revision, refused where others were first or the map would be worse, at its time exactly once."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor

import pytest
import shapely
from shapely import box
from sqlalchemy import func, select

from geo.faults import DataError
from layers import database, events, history, incidents, store
from layers.drafts import keeping, publishing, states, steps
from layers.drafts.clashes import Clashing
from layers.errors import Conflict
from layers.publishing import Change
from layers.tables import Defect, Draft, Incident, Revision
from tests import paper_city as city

FIRST, SECOND = city.WEST + "001", city.WEST + "002"
SOON = city.NOW + dt.timedelta(hours=1)
LATER = SOON + dt.timedelta(hours=1)


def whole(session, shapes):
    """Grids as they are, of other shapes."""
    frame = store.read(session, "grids", 1, codes=shapes)
    frame["geometry"] = [city.on_map(shapely.MultiPolygon([shapes[code]])) for code in frame["code"]]
    return frame


def change(session, draft, frame, removed=()):
    made = {"grids": Change(frame, list(removed))}
    steps.record(session, draft, made, kind="feature", said={}, author="zhang", now=city.NOW)


def moved_border(session, x=5):
    """Both grids with their common border moved to x."""
    return whole(session, {SECOND: box(0, 0, x, 4), FIRST: box(x, 0, 8, 4)})


def publish(session, draft, now=SOON):
    found = publishing.on_newest(session, draft)
    return publishing.publish(session, draft, found, now=now, clock=lambda: now)


def test_a_draft_becomes_one_revision_of_its_author(built, draft):
    change(built, draft, moved_border(built))
    done = publish(built, draft)
    built.commit()
    assert done.counts == {"grids": {"added": 0, "changed": 2, "removed": 0}}
    revision = history.get(built, 2)
    assert (revision.author, revision.note, revision.layers) == ("zhang", "北门", ["grids"])
    assert (draft.status, draft.revision) == ("published", 2)
    assert (
        store.read(built, "grids", 2, codes=[FIRST])["geometry"].iloc[0].equals(city.on_map(box(5, 0, 8, 4)))
    )


def test_open_incidents_follow(built, draft):
    lon, lat = city.point(4.5, 1)
    report = incidents.Report(category="0101", reported_at=city.NOW, lon=lon, lat=lat)
    desk = incidents.Desk(on=city.NOW.date())
    filed = incidents.intake(built, report, actor="zhao", now=city.NOW, desk=desk).incident
    assert filed.area_code == FIRST
    change(built, draft, moved_border(built))
    assert publish(built, draft).moved == 1
    assert built.scalar(select(Incident.area_code).where(Incident.id == filed.id)) == SECOND


def test_what_others_published_meanwhile_stays(built, draft):
    change(built, draft, moved_border(built))
    other = store.read(built, "grids", 1, codes=[city.EAST + "001"]).assign(name="他们的")
    city.publish(built, {"grids": other})
    publish(built, draft)
    built.commit()
    now = store.read(built, "grids", 3).set_index("code")
    assert now.loc[city.EAST + "001", "name"] == "他们的"
    assert now.loc[FIRST, "geometry"].equals(city.on_map(box(5, 0, 8, 4)))


def test_features_that_others_changed_are_named_with_both_states(built, draft):
    change(built, draft, moved_border(built))
    city.publish(built, {"grids": moved_border(built, 6)})
    with pytest.raises(Clashing) as refused:
        publish(built, draft)
    assert [clash.code for clash in refused.value.clashes] == [FIRST, SECOND]
    clash = refused.value.clashes[0]
    assert clash.mine["geometry"].equals(city.on_map(box(5, 0, 8, 4)))
    assert clash.theirs["geometry"].equals(city.on_map(box(6, 0, 8, 4)))
    assert "test changed it in revision 2" in refused.value.faults[0].message


def test_what_both_did_alike_is_no_clash(built, draft):
    change(built, draft, moved_border(built))
    city.publish(built, {"grids": moved_border(built)})
    with pytest.raises(Conflict, match="nothing to publish"):
        publish(built, draft)


def test_a_worse_map_is_refused_with_what_is_new(built, draft):
    change(built, draft, whole(built, {FIRST: box(3, 0, 8, 4)}))
    with pytest.raises(DataError) as refused:
        publish(built, draft)
    assert {fault.kind for fault in refused.value.faults} == {"overlap"}
    built.rollback()
    assert history.newest(built) == 1


def test_posts_of_a_grid_that_ends_are_listed(built, draft):
    posts = [
        ("网格长", name, None, "grids", code, None, None) for name, code in (("王", FIRST), ("李", SECOND))
    ]
    city.publish(built, {"posts": city.posts(posts)})
    draft.base_revision = 2
    ended = store.read(built, "grids", 2, codes=[FIRST]).index[0]
    change(built, draft, whole(built, {SECOND: box(0, 0, 8, 4)}), removed=[ended])
    publish(built, draft)
    (defect,) = built.scalars(select(Defect).where(Defect.layer == "posts"))
    assert (defect.kind, defect.codes) == ("parent-missing", ["P0"])


def test_two_clean_drafts_can_make_a_faulty_sum(built, draft):
    other = keeping.create(built, title="另一个", note="", author="wang", now=city.NOW)
    for each, code in ((draft, city.EAST + "005"), (other, city.EAST + "006")):
        new = whole(built, {city.EAST + "001": box(13, 0, 14, 1)})
        change(built, each, new.assign(code=code).set_axis(city.identifiers("grids", [code])))
    publish(built, other)
    with pytest.raises(DataError) as refused:
        publish(built, draft)
    assert {fault.kind for fault in refused.value.faults} == {"duplicate-geometry"}


@pytest.mark.parametrize(
    ("status", "review", "ready"),
    [
        ("open", True, False),
        ("submitted", True, False),
        ("approved", True, True),
        ("open", False, True),
        ("submitted", False, True),
        ("discarded", False, False),
    ],
)
def test_review_stands_before_publishing(draft, status, review, ready):
    draft.status = status
    if ready:
        publishing.require_ready(draft, review=review)
        return
    with pytest.raises(Conflict):
        publishing.require_ready(draft, review=review)


# --- at a time -------------------------------------------------------------------------------------------


def schedule(session, draft, at=SOON):
    publishing.schedule(session, draft, at, now=city.NOW)
    session.commit()


def due(session, now):
    """Publish the first that is due."""
    for draft_id in publishing.due(session, now=now)[:1]:
        found = publishing.publish_due(session, draft_id, now=now, clock=lambda: now)
        session.commit()
        return found
    return None


def test_a_draft_is_published_at_its_time_and_once(built, draft):
    change(built, draft, moved_border(built))
    schedule(built, draft)
    assert due(built, SOON - dt.timedelta(seconds=1)) is None
    found = due(built, LATER)
    assert (found.id, found.status, found.revision, found.publish_at) == (draft.id, "published", 2, None)
    assert due(built, LATER) is None
    assert history.get(built, 2).effective_from == LATER


def test_many_who_look_at_once_publish_it_once(built, draft, engine):
    change(built, draft, moved_border(built))
    schedule(built, draft)
    asked = draft.id

    def look(_):
        with database.sessions(engine).begin() as session:
            return publishing.publish_due(session, asked, now=LATER, clock=lambda: LATER) is not None

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(look, range(6))) == 1
    assert built.scalar(select(func.count()).select_from(Revision)) == 2


def test_a_refusal_at_its_time_opens_the_draft_and_keeps_the_report(built, draft):
    change(built, draft, whole(built, {FIRST: box(3, 0, 8, 4)}))
    schedule(built, draft)
    found = due(built, LATER)
    assert (found.status, found.publish_at, found.revision) == ("open", None, None)
    assert found.refusal["publish_at"] == SOON.isoformat()
    assert {fault["kind"] for fault in found.refusal["faults"]} == {"overlap"}
    assert history.newest(built) == 1
    assert due(built, LATER) is None


def test_a_clash_at_its_time_is_reported_too(built, draft):
    change(built, draft, moved_border(built))
    schedule(built, draft)
    city.publish(built, {"grids": moved_border(built, 6)})
    found = due(built, LATER)
    assert found.status == "open"
    assert [fault["id"] for fault in found.refusal["faults"]] == [FIRST, SECOND]


def test_one_that_is_refused_keeps_no_other_back(built, draft):
    other = keeping.create(built, title="另一个", note="", author="wang", now=city.NOW)
    change(built, draft, whole(built, {FIRST: box(3, 0, 8, 4)}))
    change(built, other, store.read(built, "grids", 1, codes=[SECOND]).assign(name="新名"))
    schedule(built, draft)
    schedule(built, other, LATER)
    assert [due(built, LATER).status for _ in range(2)] == ["open", "published"]
    assert due(built, LATER) is None


# --- what is told ----------------------------------------------------------------------------------------


def test_listeners_hear_of_drafts_and_revisions_at_the_commit(built, draft, engine):
    change(built, draft, moved_border(built))
    built.commit()
    with events.listening(engine) as ear:
        publish(built, draft)
        assert ear.wait(0.1) == events.Told(None, [])
        built.commit()
        told = ear.wait(5)
    assert told.revision == 2
    assert [(each.id, each.status, each.revision) for each in told.drafts] == [(draft.id, "published", 2)]
    state = states.state_of(built.get(Draft, draft.id))
    assert state.base == 1
