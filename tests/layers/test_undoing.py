"""Taking back what was published: by publishing again, checked as any edit is."""

import datetime as dt

import pytest
from shapely import box

from geo import changes
from geo.faults import DataError
from layers import defects, diffs, history, incidents, store, undoing
from layers.errors import Conflict, NotFound
from layers.publishing import Change
from tests import paper_city as city

LATER = city.NOW + dt.timedelta(days=1)
ON = dt.date(2026, 3, 1)
FIRST, SECOND, NEW = city.WEST + "001", city.WEST + "002", city.WEST + "009"


@pytest.fixture
def built(session):
    """Revision 1: the whole city; 2: a border moved; 3: a grid split."""
    city.build(session)
    move(session, 3)
    split(session)
    return session


def move(session, x):
    return city.publish(session, {"grids": city.grids({SECOND: box(0, 0, x, 4), FIRST: box(x, 0, 8, 4)})})


def split(session):
    return city.publish(session, {"grids": city.grids({FIRST: box(3, 0, 6, 4), NEW: box(6, 0, 8, 4)})})


def undo(session, found, note="undo"):
    done = undoing.publish(session, found, author="li", note=note, now=LATER, clock=lambda: LATER)
    session.commit()
    return done


def state(session, layer="grids"):
    """The layer as it is now: code -> shape."""
    frame = store.read(session, layer, history.newest(session))
    return {code: shape.normalize().wkb for code, shape in zip(frame["code"], frame.geometry, strict=True)}


def state_at(session, revision, layer="grids"):
    frame = store.read(session, layer, revision)
    return {code: shape.normalize().wkb for code, shape in zip(frame["code"], frame.geometry, strict=True)}


def test_a_revision_is_taken_back(built):
    done = undo(built, undoing.reverting(built, 3))
    assert done.revision == 4
    assert done.counts["grids"] == {"added": 0, "changed": 1, "removed": 1}
    assert state(built) == state_at(built, 2)
    assert len(state_at(built, 3)) == len(state_at(built, 2)) + 1, "history stays as it was"
    assert history.get(built, 4).author == "li"


def test_a_revert_of_a_revert_brings_the_code_back_to_its_feature(built):
    before = store.read(built, "grids", 3)
    undo(built, undoing.reverting(built, 3))
    undo(built, undoing.reverting(built, 4))
    assert state(built) == state_at(built, 3)
    after = store.read(built, "grids", 5)
    assert after["code"].to_dict() == before["code"].to_dict()
    assert not diffs.between(built, 3, 5)


def test_what_changed_again_since_is_named(built):
    with pytest.raises(Conflict, match="Revision 2 cannot be taken back alone") as caught:
        undoing.reverting(built, 2)
    assert [(fault.kind, fault.id) for fault in caught.value.faults] == [("changed-since", FIRST)]
    assert "revision 3" in caught.value.faults[0].message


def test_a_feature_that_ended_since_is_in_the_way_too(built):
    gone = city.identifiers("grids", [NEW])
    whole = Change(city.grids({FIRST: box(3, 0, 8, 4)}), list(gone))
    city.publish(built, {"grids": whole})
    with pytest.raises(Conflict) as caught:
        undoing.reverting(built, 3)
    assert {fault.id for fault in caught.value.faults} == {FIRST, NEW}


def test_later_changes_elsewhere_are_not_in_the_way(built):
    undo(built, undoing.reverting(built, 3))
    moved = city.grids({city.WEST + "004": box(2.5, 5.5, 3.5, 6.25)})
    city.publish(built, {"grids": moved})
    undo(built, undoing.reverting(built, 4))
    assert set(state(built)) == set(state_at(built, 3))


def test_a_state_is_brought_back_over_everything_since(built):
    undo(built, undoing.restoring(built, 1))
    assert state(built) == state_at(built, 1)
    with pytest.raises(Conflict, match="are as they were at revision 1"):
        undoing.restoring(built, 1)


def test_only_the_layers_of_that_revision_come_back(built):
    posts = city.posts([("网格长", "新人", None, "grids", SECOND, None, None)])
    city.publish(built, {"posts": posts})
    undo(built, undoing.restoring(built, 2))
    assert store.read(built, "posts", 5)["name"].tolist().count("新人") == 1
    assert state(built) == state_at(built, 2)


def test_an_undo_that_makes_the_partition_worse_is_refused(built):
    mended = city.grids({city.WEST + "004": box(2, 5, 4, 7)})
    number = city.publish(built, {"grids": mended}).revision
    with pytest.raises(DataError) as caught:
        undo(built, undoing.reverting(built, number))
    assert {fault.kind for fault in caught.value.faults} <= {"gap", "gap-enclosed"}
    built.rollback()
    assert history.newest(built) == number


def test_what_stands_after_an_undo_is_listed(built):
    number = undo(built, undoing.reverting(built, 3)).revision
    assert defects.counts(built, history.versions(built, number))["grids"] > 0


def test_open_incidents_go_back_with_the_land(built):
    lon, lat = city.point(7, 1)
    report = incidents.Report(category="0101", reported_at=LATER, lon=lon, lat=lat)
    filed = incidents.intake(built, report, actor="zhang", now=LATER, desk=incidents.Desk(on=ON)).incident
    built.commit()
    assert filed.area_code == NEW
    done = undo(built, undoing.reverting(built, 3))
    built.expire_all()
    assert (incidents.get(built, filed.id).area_code, done.moved) == (FIRST, 1)


def test_unknown_revisions(built):
    with pytest.raises(NotFound, match="no revision 9; the newest is 3"):
        undoing.reverting(built, 9)
    with pytest.raises(NotFound):
        undoing.restoring(built, 0)


def test_where_changes_lie(built):
    found = undoing.reverting(built, 3)
    lies = {tuple(path) for path in undoing.paths(built, found)}
    above = ("420199", city.SUBDISTRICT, city.WEST)
    assert lies == {(*above, FIRST), (*above, NEW)}


def test_posts_and_places_lie_in_grids(built):
    made = {layer: diffs.of_layer(built, layer, 0, 1) for layer in ("posts", "compounds")}
    gone = {layer: changes.inverted(change) for layer, change in made.items()}
    ends = [path[-1] if path else "nowhere" for path in undoing.paths(built, gone)]
    assert sorted(ends) == [SECOND, SECOND, SECOND, "nowhere"]


def test_a_repeated_request_is_known_by_its_key(built):
    published = history.get(built, undo(built, undoing.reverting(built, 3)).revision)
    assert undoing.repeated(built, "li", "k1", b"3") is None
    undoing.remember(built, "li", "k1", b"3", published)
    built.commit()
    assert undoing.repeated(built, "li", "k1", b"3").number == 4
    assert undoing.repeated(built, "wang", "k1", b"3") is None
    with pytest.raises(Conflict, match="another request"):
        undoing.repeated(built, "li", "k1", b"2")
