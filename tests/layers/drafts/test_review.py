"""Review: who may hand what in, approve it, send it back."""

import pytest

from layers.drafts import keeping, review, steps
from layers.errors import Conflict
from layers.publishing import Change
from tests import paper_city as city

FIRST = city.WEST + "001"


@pytest.fixture
def changed(built, draft):
    """The draft with one step, by somebody else than who began it."""
    steps.record(
        built,
        draft,
        {"grids": Change(city.grids({FIRST: city.GRIDS[FIRST]}).assign(name="新名"))},
        kind="feature",
        said={},
        author="wang",
        now=city.NOW,
    )
    return draft


def submit(session, draft):
    review.submit(session, draft, by="zhang", now=city.NOW)


def test_a_draft_is_submitted_and_approved(built, changed):
    version = changed.version
    submit(built, changed)
    assert (changed.status, changed.submitted_by, changed.version) == ("submitted", "zhang", version + 1)
    with pytest.raises(Conflict, match="withdraw"):
        keeping.require_open(changed)
    review.approve(built, changed, by="li", note="可以", now=city.NOW)
    assert (changed.status, changed.reviewed_by, changed.review) == ("approved", "li", "可以")


def test_whoever_had_a_hand_in_it_is_known(built, changed):
    review.submit(built, changed, by="zhao", now=city.NOW)
    assert review.hands(built, changed) == {"zhang", "wang", "zhao"}


def test_what_was_undone_is_nobodys_hand(built, changed):
    steps.undo(built, changed, now=city.NOW)
    assert review.hands(built, changed) == {"zhang"}


def test_a_rejected_draft_is_open_with_the_reason(built, changed):
    submit(built, changed)
    review.reject(built, changed, by="li", reason="南边画错了", now=city.NOW)
    assert (changed.status, changed.reviewed_by, changed.review) == ("open", "li", "南边画错了")
    submit(built, changed)
    assert (changed.reviewed_by, changed.review) == (None, None)


@pytest.mark.parametrize("approved", [False, True])
def test_a_draft_is_withdrawn(built, changed, approved):
    submit(built, changed)
    if approved:
        review.approve(built, changed, by="li", note="", now=city.NOW)
    review.withdraw(built, changed, now=city.NOW)
    assert (changed.status, changed.reviewed_by) == ("open", None)


def test_a_draft_without_a_change_is_not_submitted(built, draft):
    with pytest.raises(Conflict, match="nothing to submit"):
        submit(built, draft)


def test_steps_in_the_wrong_order_are_refused(built, changed):
    for act in (
        lambda: review.approve(built, changed, by="li", note="", now=city.NOW),
        lambda: review.reject(built, changed, by="li", reason="不", now=city.NOW),
        lambda: review.withdraw(built, changed, now=city.NOW),
    ):
        with pytest.raises(Conflict, match="is open"):
            act()
    submit(built, changed)
    with pytest.raises(Conflict):
        submit(built, changed)
