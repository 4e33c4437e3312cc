"""What becomes of a draft as a whole: each deed once, also where its request is repeated."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from pydantic import BaseModel

from api import clash_words
from api.access import Caller
from api.dependencies import Runtime
from api.drafts import DraftOut, locked, request_of, require_scope, require_version
from api.errors import Problem
from api.snapshots import wait_for_workers
from geo.faults import DataError, Fault
from layers import database, history
from layers.database import Session
from layers.drafts import keeping, publishing, review, states
from layers.drafts.keeping import Request
from layers.drafts.states import State
from layers.tables import Draft


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request to do something with a draft; ``key`` makes a repeated one do nothing more."""

    deed: str
    draft_id: UUID
    caller: Caller
    said: BaseModel
    if_match: str | None = None
    key: str | None = None

    @property
    def request(self) -> Request | None:
        """What tells this request from others, where it may be repeated."""
        return request_of(self.caller, self.key, self.deed, str(self.draft_id), self.said)


def carry_out(
    session: Session, asked: Asked, deed: Callable[[Session, Draft], None], *, now: dt.datetime
) -> tuple[DraftOut, bool]:
    """Do something with a draft that nobody else writes to meanwhile; tell what it is then, and whether this did it.

    Raises
    ------
    NotFound, Stale, Conflict
        As in :func:`api.drafts.locked`, and where the key was used for another request.
    """
    draft = locked(session, asked.draft_id, None)
    request = asked.request
    earlier = keeping.repeated(session, draft, request) if request else None
    if earlier is not None:
        return DraftOut.model_validate(earlier), False
    require_version(draft, asked.if_match)
    with clash_words.told(asked.caller):
        deed(session, draft)
    session.flush()
    done = DraftOut.model_validate(draft)
    if request:
        keeping.remember(session, draft, request, done.model_dump(mode="json"), now=now)
    return done, True


def require_draft_scope(session: Session, caller: Caller, draft: Draft) -> None:
    """Refuse a draft that changes anything outside of the caller's areas.

    Raises
    ------
    Problem
        ``forbidden``.
    """
    if not caller.areas:
        return
    state = states.state_of(draft)
    found = {layer: states.changes_of(session, layer, state) for layer in states.layers_of(session, state)}
    require_scope(session, caller, State(draft.id, draft.base_revision, 0), found)


def require_second_person(session: Session, caller: Caller, draft: Draft) -> None:
    """Refuse approval by anybody who had a hand in the draft.

    Raises
    ------
    Problem
        ``forbidden``.
    """
    if caller.name in review.hands(session, draft):
        raise Problem(
            "forbidden",
            f"{caller.name} had a hand in the draft {draft.title!r}: a second person must approve it.",
        )


def publish(
    runtime: Runtime, asked: Asked, *, note: str | None, at: dt.datetime | None
) -> tuple[DraftOut, bool]:
    """Publish a draft, now or at a time; return when no process answers from the state before.

    It takes seconds: call it where that does no harm.

    Raises
    ------
    Problem
        ``conflict`` with both states of each feature that others changed too, ``forbidden`` outside of the caller's areas.
    DataError
        Each defect that would be new or larger; a time that has passed.
    Conflict, NotFound, Stale
        As in :func:`carry_out` and :mod:`layers.drafts.publishing`.
    """
    now = runtime.clock()
    if at is not None and at <= now:
        message = f"{at.isoformat()} has passed; leave publish_at out to publish now."
        raise DataError(Fault(kind="value-invalid", field="publish_at", message=message))

    def deed(session: Session, draft: Draft) -> None:
        publishing.require_ready(draft, review=runtime.settings.review)
        if note is not None:
            draft.note = note
        found = publishing.on_newest(session, draft)
        base = State(draft.id, history.newest(session), 0)
        require_scope(session, asked.caller, base, found)
        if at is None:
            publishing.publish(session, draft, found, now=now, clock=runtime.clock)
            return
        # Refused now rather than at its time, where that can be known now.
        with session.begin_nested() as trial:
            publishing.publish(session, draft, found, now=now, clock=runtime.clock)
            trial.rollback()
        publishing.schedule(session, draft, at, now=now)

    with database.translated(), runtime.look_ups.begin() as session:
        done, did = carry_out(session, asked, deed, now=now)
    if did and at is None:
        wait_for_workers()
    return done, did
