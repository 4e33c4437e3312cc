"""Publishing a draft: what it changes becomes one revision, now or at a stated time."""

import datetime as dt
from collections.abc import Callable
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from geo import merging
from geo.changes import Changes
from geo.faults import DataError, Fault
from layers import events, history, undoing
from layers.drafts import clashes, keeping
from layers.drafts.clashes import Clashing
from layers.errors import Conflict
from layers.publishing import Published
from layers.tables import Draft

#: States from which a draft is published: with review, and without.
READY = ("approved", "scheduled")
UNREVIEWED = ("open", "submitted", *READY)


def require_ready(draft: Draft, *, review: bool) -> None:
    """Refuse a draft that may not be published yet, or no more.

    Parameters
    ----------
    review
        Whether a second person must have approved it.

    Raises
    ------
    Conflict
        Saying what to do.
    """
    if draft.status in (READY if review else UNREVIEWED):
        return
    if draft.status in keeping.STANDING:
        raise Conflict(
            f"The draft {draft.title!r} is {draft.status}: a second person must approve it before it is published."
        )
    keeping.require_open(draft)


def on_newest(session: Session, draft: Draft) -> dict[str, Changes]:
    """Return what a draft changes on top of the newest revision, by layer.

    Other publications wait from here until the transaction ends.

    Raises
    ------
    Clashing
        If others changed some of the same features since its base, otherwise than the draft.
    Conflict
        If it changes nothing.
    """
    newest = history.lock_publishing(session)
    found = clashes.sides(session, draft, newest)
    overlapping = [
        clash
        for layer, each in found.items()
        for clash in clashes.described(
            session, draft, layer, each, dict.fromkeys(merging.overlap(each.mine, each.theirs), ())
        )
    ]
    if overlapping:
        raise Clashing(draft, overlapping)
    merged = {layer: merging.merge(each.mine, each.theirs).changes for layer, each in found.items()}
    changes = {layer: change for layer, change in merged.items() if len(change)}
    if not changes:
        raise Conflict(f"The draft {draft.title!r} changes nothing: there is nothing to publish.")
    return changes


def publish(
    session: Session,
    draft: Draft,
    changes: dict[str, Changes],
    *,
    now: dt.datetime,
    clock: Callable[[], dt.datetime],
) -> Published:
    """Check and publish what :func:`on_newest` found for a locked draft, as one revision of its author's.

    Raises
    ------
    DataError
        Each defect of areas that would be new or larger than now, and each code that another feature has by now.
    """
    note = f"{draft.title}: {draft.note}" if draft.note else draft.title
    done = undoing.publish(session, changes, author=draft.author, note=note, now=now, clock=clock)
    draft.status, draft.revision, draft.publish_at, draft.refusal = "published", done.revision, None, None
    keeping.touch(draft, now=now)
    session.flush()
    events.tell(session, draft)
    return done


def schedule(session: Session, draft: Draft, at: dt.datetime, *, now: dt.datetime) -> None:
    """Have a locked draft published at a time; see :func:`publish_due`."""
    draft.status, draft.publish_at = "scheduled", at
    keeping.touch(draft, now=now)
    session.flush()
    events.tell(session, draft)


def due(session: Session, *, now: dt.datetime) -> list[UUID]:
    """Return the drafts whose time has come, the earliest first."""
    query = (
        select(Draft.id)
        .where(Draft.status == "scheduled", Draft.publish_at <= now)
        .order_by(Draft.publish_at, Draft.id)
    )
    return list(session.scalars(query))


def publish_due(
    session: Session, draft_id: UUID, *, now: dt.datetime, clock: Callable[[], dt.datetime]
) -> Draft | None:
    """Publish a draft whose time has come; None where somebody else does or did. The caller commits.

    One that is refused is open again, with the reason and every fault in ``refusal``. One whose publisher was killed is
    due still.
    """
    draft = session.scalar(
        select(Draft)
        .where(Draft.id == draft_id, Draft.status == "scheduled", Draft.publish_at <= now)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    if draft is None:
        return None
    try:
        with session.begin_nested():
            publish(session, draft, on_newest(session, draft), now=now, clock=clock)
    except (Conflict, DataError) as refused:
        _refuse(session, draft, str(refused), list(refused.faults), now)
    return draft


def _refuse(session: Session, draft: Draft, why: str, faults: list[Fault], now: dt.datetime) -> None:
    at = draft.publish_at
    said = f"{len(faults)} faults were found; all are listed." if len(faults) > 1 else why
    draft.status, draft.publish_at = "open", None
    draft.refusal = {
        "publish_at": at.isoformat() if at else None,
        "detail": said,
        "faults": [fault.as_dict() for fault in faults],
    }
    keeping.touch(draft, now=now)
    session.flush()
    events.tell(session, draft)
