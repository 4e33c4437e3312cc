"""Review: a draft is submitted by who drew it and approved by a second person; withdrawn or rejected, it is open again."""

import datetime as dt

from sqlalchemy import select
from sqlalchemy.orm import Session

from layers import events
from layers.drafts import keeping, states
from layers.errors import Conflict
from layers.tables import Draft, DraftStep

#: States from which a draft can go back to its author.
_UNDER_REVIEW = ("submitted", "approved", "scheduled")


def submit(session: Session, draft: Draft, *, by: str, now: dt.datetime) -> None:
    """Hand a locked draft in for review; it takes no steps until it is open again.

    Raises
    ------
    Conflict
        If it is not open, or changes nothing.
    """
    keeping.require_open(draft)
    state = states.state_of(draft)
    if not any(len(states.changes_of(session, layer, state)) for layer in states.layers_of(session, state)):
        raise Conflict(f"The draft {draft.title!r} changes nothing: there is nothing to submit.")
    draft.status, draft.submitted_by, draft.submitted_at = "submitted", by, now
    draft.reviewed_by = draft.reviewed_at = draft.review = draft.refusal = None
    _written(session, draft, now)


def approve(session: Session, draft: Draft, *, by: str, note: str, now: dt.datetime) -> None:
    """Approve a locked draft that was submitted; it may be published then.

    Raises
    ------
    Conflict
        If it was not submitted.
    """
    if draft.status != "submitted":
        raise Conflict(f"The draft {draft.title!r} is {draft.status}: only a submitted one is approved.")
    draft.status = "approved"
    _reviewed(draft, by, note, now)
    _written(session, draft, now)


def reject(session: Session, draft: Draft, *, by: str, reason: str, now: dt.datetime) -> None:
    """Give a locked draft back to its author, with the reason.

    Raises
    ------
    Conflict
        If it is not under review.
    """
    _reopen(draft)
    _reviewed(draft, by, reason, now)
    _written(session, draft, now)


def withdraw(session: Session, draft: Draft, *, now: dt.datetime) -> None:
    """Take a locked draft back from review, or from being published at its time; it is open again.

    Raises
    ------
    Conflict
        If it is not under review.
    """
    _reopen(draft)
    draft.reviewed_by = draft.reviewed_at = draft.review = None
    _written(session, draft, now)


def hands(session: Session, draft: Draft) -> set[str]:
    """Return the accounts that had a hand in a draft as it stands, none of which may approve it."""
    made = select(DraftStep.author).where(DraftStep.draft_id == draft.id, DraftStep.number <= draft.step)
    submitted = {draft.submitted_by} if draft.submitted_by else set()
    return {draft.author, *submitted, *session.scalars(made)}


def _reopen(draft: Draft) -> None:
    if draft.status not in _UNDER_REVIEW:
        raise Conflict(f"The draft {draft.title!r} is {draft.status}: it is not under review.")
    draft.status, draft.publish_at = "open", None


def _reviewed(draft: Draft, by: str, said: str, now: dt.datetime) -> None:
    draft.reviewed_by, draft.reviewed_at, draft.review = by, now, said


def _written(session: Session, draft: Draft, now: dt.datetime) -> None:
    keeping.touch(draft, now=now)
    session.flush()
    events.tell(session, draft)
