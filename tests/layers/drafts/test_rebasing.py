"""Rebasing: onto what others published meanwhile, with nothing of either lost."""

import pytest
import shapely
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from shapely import box

from geo import changes
from geo.faults import DataError
from layers import history, store
from layers.drafts import keeping, rebasing, states, steps
from layers.drafts.clashes import Clashing
from layers.errors import Conflict
from layers.publishing import Change
from tests import paper_city as city

FIRST, SECOND, THIRD = (city.WEST + f"00{number}" for number in (1, 2, 3))
IDS = dict(zip((FIRST, SECOND, THIRD), city.identifiers("grids", (FIRST, SECOND, THIRD)), strict=True))


def change(session, draft, named=None, removed=()):
    """A step that names grids of the first revision anew, or removes some."""
    made = {"grids": _change(session, named or {}, removed)}
    return steps.record(session, draft, made, kind="feature", said={}, author="zhang", now=city.NOW)


def publish(session, named=None, removed=()):
    return city.publish(session, {"grids": _change(session, named or {}, removed)}).revision


def _change(session, named, removed):
    frame = store.read(session, "grids", 1, codes=named)
    return Change(frame.assign(name=frame["code"].map(named)), [IDS[code] for code in removed])


def rebase(session, draft, **settled):
    words = {IDS[code]: word for code, word in settled.get("settled", {}).items()}
    return rebasing.rebase(session, draft, words, author="zhang", now=city.NOW)


def seen(session, draft, layer="grids"):
    return states.read(session, layer, states.state_of(draft)).set_index("code")


def own(session, draft, layer="grids"):
    """Codes that the draft changes against its base."""
    return set(states.changes_of(session, layer, states.state_of(draft)).table["code"])


def test_what_others_did_is_seen_and_what_the_draft_did_is_kept(built, draft):
    change(built, draft, {FIRST: "我的"})
    publish(built, {SECOND: "他们的"})
    assert seen(built, draft).loc[SECOND, "name"] == "grids 002"
    done = rebase(built, draft)
    assert (done.before, done.base, done.joined) == (1, 2, {})
    assert (draft.base_revision, draft.floor_step, draft.step) == (2, 2, 2)
    names = seen(built, draft)["name"]
    assert (names[FIRST], names[SECOND]) == ("我的", "他们的")
    assert own(built, draft) == {FIRST}


def test_fields_of_one_feature_come_together(built, draft):
    change(built, draft, {FIRST: "我的"})
    narrow = store.read(built, "grids", 1, codes=[FIRST])
    narrow["geometry"] = [city.on_map(shapely.MultiPolygon([box(4, 0, 7, 4)]))]
    city.publish(built, {"grids": narrow})
    done = rebase(built, draft)
    assert done.joined == {"grids": [FIRST]}
    row = seen(built, draft).loc[FIRST]
    assert row["name"] == "我的"
    assert row["geometry"].equals(city.on_map(box(4, 0, 7, 4)))
    assert states.changes_of(built, "grids", states.state_of(draft)).table["fields"].tolist() == [("name",)]


def test_a_clash_is_named_with_both_states_and_nothing_changes_until_it_is_settled(built, draft):
    change(built, draft, {FIRST: "我的"})
    publish(built, {FIRST: "他们的"})
    with pytest.raises(Clashing) as refused:
        rebase(built, draft)
    (clash,) = refused.value.clashes
    assert (clash.code, clash.fields, clash.revision.number) == (FIRST, ("name",), 2)
    assert (clash.base["name"], clash.mine["name"], clash.theirs["name"]) == ("grids 001", "我的", "他们的")
    assert [fault.id for fault in refused.value.faults] == [FIRST]
    assert (draft.base_revision, draft.step) == (1, 1)
    found = rebasing.compare(built, draft)
    assert ([each.code for each in found.clashes], found.newest) == ([FIRST], 2)


@pytest.mark.parametrize(("word", "name", "left"), [("mine", "我的", {FIRST}), ("theirs", "他们的", set())])
def test_a_clash_is_settled_by_a_word(built, draft, word, name, left):
    change(built, draft, {FIRST: "我的"})
    publish(built, {FIRST: "他们的"})
    rebase(built, draft, settled={FIRST: word})
    assert seen(built, draft).loc[FIRST, "name"] == name
    assert own(built, draft) == left


@pytest.mark.parametrize("word", ["mine", "theirs"])
def test_removed_here_and_changed_there_and_the_other_way_round(built, draft, word):
    change(built, draft, {SECOND: "我的"}, removed=[FIRST])
    publish(built, {FIRST: "他们的"}, removed=[SECOND])
    with pytest.raises(Clashing) as refused:
        rebase(built, draft)
    assert {(each.code, each.mine is None, each.theirs is None) for each in refused.value.clashes} == {
        (FIRST, True, False),
        (SECOND, False, True),
    }
    rebase(built, draft, settled={FIRST: word, SECOND: word})
    here = set(seen(built, draft).index)
    assert ((FIRST in here), (SECOND in here)) == ((False, True) if word == "mine" else (True, False))
    assert own(built, draft) == ({FIRST, SECOND} if word == "mine" else set())


def test_what_was_settled_as_theirs_follows_later_publications(built, draft):
    change(built, draft, {FIRST: "我的"})
    publish(built, {FIRST: "他们的"})
    rebase(built, draft, settled={FIRST: "theirs"})
    publish(built, {FIRST: "又改"})
    rebase(built, draft)
    assert seen(built, draft).loc[FIRST, "name"] == "又改"
    assert own(built, draft) == set()
    publish(built, removed=[FIRST])
    rebase(built, draft)
    assert FIRST not in seen(built, draft).index
    assert own(built, draft) == set()


def test_a_rebase_is_a_step_that_is_not_undone(built, draft):
    change(built, draft, {FIRST: "我的"})
    publish(built, {SECOND: "他们的"})
    rebase(built, draft)
    (_, step) = steps.listed(built, draft)
    assert (step.kind, step.said) == ("rebase", {"from": 1, "to": 2, "settled": {}})
    with pytest.raises(Conflict, match="since it was rebased"):
        steps.undo(built, draft, now=city.NOW)
    change(built, draft, {THIRD: "又一步"})
    steps.undo(built, draft, now=city.NOW)
    assert own(built, draft) == {FIRST}


def test_on_the_newest_there_is_nothing_to_rebase(built, draft):
    change(built, draft, {FIRST: "我的"})
    assert rebase(built, draft).base == 1
    assert draft.step == 1


def test_a_word_for_what_does_not_clash_is_refused(built, draft):
    change(built, draft, {FIRST: "我的"})
    publish(built, {SECOND: "他们的"})
    with pytest.raises(DataError, match="nothing clashes"):
        rebase(built, draft, settled={SECOND: "mine"})


def test_only_an_open_draft_is_rebased(built, draft):
    draft.status = "submitted"
    with pytest.raises(Conflict, match="withdraw"):
        rebase(built, draft)


NAMES = st.dictionaries(st.sampled_from(sorted(IDS)), st.sampled_from(["甲", "乙", None]))


@settings(
    max_examples=6,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(st.tuples(NAMES, NAMES, st.sampled_from(["mine", "theirs"])), min_size=1, max_size=3))
def test_whatever_both_do_the_draft_is_its_base_and_its_changes(built, rounds):
    """Rounds of changing here (None: remove), there, and rebasing: judged by the merge of both states."""
    built.rollback()
    draft = keeping.create(built, title="随意", note="", author="zhang", now=city.NOW)
    for ours, others, word in rounds:
        state = states.state_of(draft)
        published = store.read(built, "grids", history.newest(built))
        _record(built, draft, ours)
        mine = seen(built, draft)["name"]
        _publish(built, others, published)
        theirs = store.read(built, "grids", history.newest(built)).set_index("code")["name"]
        words = {each.code: word for each in rebasing.compare(built, draft).clashes}
        rebase(built, draft, settled=words)
        result = seen(built, draft)["name"]
        was = store.read(built, "grids", state.base).set_index("code")["name"]
        for code in {*was.index, *mine.index, *theirs.index}:
            expected = _merged(was.get(code), mine.get(code), theirs.get(code), word)
            assert result.get(code) == expected
        there = changes.between(
            store.read(built, "grids", draft.base_revision),
            states.read(built, "grids", states.state_of(draft)),
        )
        assert set(there.table["code"]) == own(built, draft)


def _record(session, draft, wanted):
    here = set(seen(session, draft).index)
    change(session, draft, _named(wanted), [code for code in _gone(wanted) if code in here])


def _publish(session, wanted, published):
    removed = [code for code in _gone(wanted) if code in set(published["code"])]
    if _named(wanted) or removed:
        publish(session, _named(wanted), removed)


def _named(wanted):
    return {code: name for code, name in wanted.items() if name is not None}


def _gone(wanted):
    return [code for code, name in wanted.items() if name is None]


def _merged(was, ours, others, word):
    if ours in (was, others):
        return others
    if others == was:
        return ours
    return ours if word == "mine" else others
