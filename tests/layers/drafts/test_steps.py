"""A draft beside what is published: each step read back, undone and redone, to the last bit."""

import pandas as pd
import pytest
from shapely import box

from geo import changes
from layers import store
from layers.drafts import keeping, states, steps
from layers.errors import Conflict, NotFound, Stale
from layers.publishing import Change
from tests import paper_city as city

FIRST, SECOND, NEW = city.WEST + "001", city.WEST + "002", city.WEST + "009"


def step(session, draft, shapes, removed=(), **said):
    gone = list(city.identifiers("grids", removed))
    change = Change(city.grids(shapes) if shapes else city.grids(city.GRIDS).iloc[:0], gone)
    return steps.record(
        session, draft, {"grids": change}, kind="edit", said=said, author="zhang", now=city.NOW
    )


def move(session, draft, x):
    return step(session, draft, {SECOND: box(0, 0, x, 4), FIRST: box(x, 0, 8, 4)}, moved=x)


def shapes(session, draft):
    frame = states.read(session, "grids", states.state_of(draft))
    return {code: shape.wkb for code, shape in zip(frame["code"], frame.geometry, strict=True)}


def test_a_new_draft_is_its_base(built, draft):
    state = states.state_of(draft)
    for layer in ("grids", "compounds", "posts"):
        left, right = states.read(built, layer, state), store.read(built, layer, 1)
        assert len(changes.between(left, right)) == 0
        assert list(left.columns) == list(right.columns)
    assert states.layers_of(built, state) == []


def test_what_a_step_changes_is_read_from_the_draft_alone(built, draft):
    move(built, draft, 3)
    state = states.state_of(draft)
    assert states.layers_of(built, state) == ["grids"]
    found = states.changes_of(built, "grids", state)
    assert found.table["kind"].to_dict() == dict.fromkeys(city.identifiers("grids", [FIRST, SECOND]), "moved")
    assert store.read(built, "grids", 1, codes=[FIRST]).geometry.iloc[0].equals(city.on_map(box(4, 0, 8, 4)))
    assert draft.version == 2


def test_features_are_added_and_removed(built, draft):
    step(built, draft, {FIRST: box(4, 0, 6, 4), NEW: box(6, 0, 8, 4)})
    step(built, draft, {}, removed=[SECOND, NEW])
    state = states.state_of(draft)
    frame = states.read(built, "grids", state)
    assert {SECOND, NEW}.isdisjoint(frame["code"])
    kinds = states.changes_of(built, "grids", state).table.set_index("code")["kind"]
    assert kinds.to_dict() == {FIRST: "moved", SECOND: "removed"}
    before, after = states.readers(built, state)
    assert set(before("grids")["code"]) - set(after("grids")["code"]) == {SECOND}
    assert after("compounds") is before("compounds")


def test_undo_and_redo_walk_the_steps(built, draft):
    seen = [shapes(built, draft)]
    for x in (3, 2, 1):
        move(built, draft, x)
        seen.append(shapes(built, draft))
    for earlier in (seen[2], seen[1], seen[0]):
        steps.undo(built, draft, now=city.NOW)
        assert shapes(built, draft) == earlier
    with pytest.raises(Conflict, match="nothing to undo"):
        steps.undo(built, draft, now=city.NOW)
    for later in seen[1:]:
        steps.redo(built, draft, now=city.NOW)
        assert shapes(built, draft) == later
    with pytest.raises(Conflict, match="nothing to redo"):
        steps.redo(built, draft, now=city.NOW)


def test_a_step_after_an_undo_drops_what_was_undone(built, draft):
    first = move(built, draft, 3)
    move(built, draft, 2)
    steps.undo(built, draft, now=city.NOW)
    third = move(built, draft, 1)
    assert [each.number for each in steps.listed(built, draft)] == [first.number, third.number] == [1, 3]
    after_third = shapes(built, draft)
    steps.undo(built, draft, now=city.NOW)
    moved = states.read(built, "grids", states.state_of(draft), codes=[FIRST]).geometry.iloc[0]
    assert moved.equals(city.on_map(box(3, 0, 8, 4)))
    steps.redo(built, draft, now=city.NOW)
    assert shapes(built, draft) == after_third


def test_a_feature_has_another_version_whenever_it_is_another(built, draft):
    def version():
        layered = states.source("grids", states.state_of(draft))
        query = store.select(layered.c.version).where(layered.c.code == FIRST)
        return built.scalar(query)

    seen = [version()]
    for x in (3, 2):
        move(built, draft, x)
        seen.append(version())
    steps.undo(built, draft, now=city.NOW)
    assert version() == seen[1]
    move(built, draft, 1)
    assert version() not in seen


def test_what_one_step_changed(built, draft):
    move(built, draft, 3)
    second = move(built, draft, 2)
    found = states.step_changes(built, "grids", states.state_of(draft), second.number)
    before = found.before.set_index("code").geometry
    assert before[SECOND].equals(city.on_map(box(0, 0, 3, 4)))
    assert found.after.set_index("code").geometry[SECOND].equals(city.on_map(box(0, 0, 2, 4)))


def test_only_what_lies_in_a_box_or_has_a_code_is_read(built, draft):
    move(built, draft, 3)
    state = states.state_of(draft)
    west, south = city.point(0.5, 0.5)
    assert states.read(built, "grids", state, within=(west, south, west, south))["code"].tolist() == [SECOND]
    told = states.read(built, "grids", state, codes=[FIRST, SECOND], columns=["code"])
    assert sorted(told["code"]) == [FIRST, SECOND]
    assert list(told.columns) == ["code"]


def test_posts_have_no_place_and_are_drafted_too(built, draft):
    posts = store.read(built, "posts", 1)
    change = Change(posts.iloc[:1].assign(name="李四"), [])
    steps.record(built, draft, {"posts": change}, kind="feature", said={}, author="zhang", now=city.NOW)
    state = states.state_of(draft)
    found = states.diffs_of(built, state)
    assert [(diff.layer, diff.land) for diff in found] == [("posts", None)]
    pd.testing.assert_series_equal(found[0].changes.after["name"], change.upserts["name"], check_dtype=False)


@pytest.mark.parametrize("status", ["submitted", "approved", "published", "discarded"])
def test_only_an_open_draft_takes_steps(built, draft, status):
    draft.status = status
    if status == "published":
        draft.revision = 1
    with pytest.raises(Conflict):
        move(built, draft, 3)
    with pytest.raises(Conflict):
        steps.undo(built, draft, now=city.NOW)
    assert states.layers_of(built, states.state_of(draft)) == []


def test_a_draft_of_no_revision_and_one_that_is_not_there(built):
    with pytest.raises(NotFound):
        keeping.create(built, title="x", note="", author="zhang", now=city.NOW, base=9)
    with pytest.raises(NotFound):
        keeping.get(built, city.uuid5(city.NAMESPACE_URL, "nowhere"))


def test_a_write_over_an_older_version_is_refused(draft):
    keeping.rename(draft, title="南门", note=None, now=city.NOW)
    with pytest.raises(Stale):
        keeping.check_version(draft, 1)
    keeping.check_version(draft, 2)


def test_a_discarded_draft_is_over(built, draft):
    keeping.discard(draft, now=city.NOW)
    with pytest.raises(Conflict):
        keeping.discard(draft, now=city.NOW)
    assert list(keeping.listed(built).drafts) == []
    assert list(keeping.listed(built, statuses=["discarded"]).drafts) == [draft]


def test_notes_have_a_place_or_none(built, draft):
    keeping.write_note(built, draft, "界线沿河中心", author="zhang", now=city.NOW, place=city.point(1, 1))
    keeping.write_note(built, draft, "请复核", author="li", now=city.NOW)
    told = [(note.author, note.text, note.lon, note.lat) for note in keeping.notes(built, draft)]
    assert told == [("zhang", "界线沿河中心", *city.point(1, 1)), ("li", "请复核", None, None)]
