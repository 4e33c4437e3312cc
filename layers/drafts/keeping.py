"""Drafts as a whole: made, found, left."""

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from layers import history
from layers.errors import Conflict, NotFound, Stale
from layers.tables import Draft, DraftKey, DraftNote

STATUSES = ("open", "submitted", "approved", "scheduled", "published", "discarded")
#: States of a draft that is not over.
STANDING = STATUSES[:4]
#: Seconds that a write to a draft waits for the one before it.
PATIENCE_S = 10


def create(
    session: Session, *, title: str, note: str, author: str, now: dt.datetime, base: int | None = None
) -> Draft:
    """Begin a draft of a revision, the newest by default.

    Raises
    ------
    NotFound
        If there is no such revision, or none at all.
    """
    revision = history.newest(session) if base is None else base
    history.get(session, revision)
    draft = Draft(
        id=uuid4(),
        title=title,
        note=note,
        author=author,
        base_revision=revision,
        status="open",
        step=0,
        last_step=0,
        floor_step=0,
        version=1,
        created_at=now,
        updated_at=now,
    )
    session.add(draft)
    session.flush()
    return draft


def get(session: Session, draft_id: UUID, *, lock: bool = False) -> Draft:
    """Return a draft; with `lock` others who want to write to it wait until the transaction ends.

    Raises
    ------
    NotFound
        If there is none with this id.
    Conflict
        If others write to it for longer than :data:`PATIENCE_S`.
    """
    query = select(Draft).where(Draft.id == draft_id).execution_options(populate_existing=True)
    if lock:
        _be_patient(session, PATIENCE_S)
        found = session.scalar(query.with_for_update())
        _be_patient(session, 0)
    else:
        found = session.scalar(query)
    if found is None:
        raise NotFound(f"There is no draft {draft_id}.")
    return found


@dataclass(frozen=True, slots=True)
class Page:
    """Drafts, the last written first; ``more`` tells whether others follow."""

    drafts: Sequence[Draft]
    more: bool


def listed(
    session: Session, *, statuses: Collection[str] = STANDING, offset: int = 0, limit: int = 50
) -> Page:
    """Return drafts of some states, the last written first."""
    query = (
        select(Draft)
        .where(Draft.status.in_(list(statuses)))
        .order_by(Draft.updated_at.desc(), Draft.id)
        .offset(offset)
        .limit(limit + 1)
    )
    found = list(session.scalars(query))
    return Page(found[:limit], len(found) > limit)


def touch(draft: Draft, *, now: dt.datetime) -> None:
    """Count a write to a locked draft."""
    draft.version += 1
    draft.updated_at = now


def rename(draft: Draft, *, title: str | None, note: str | None, now: dt.datetime) -> None:
    """Give a locked draft another title or note; None leaves it."""
    _require_standing(draft)
    draft.title = draft.title if title is None else title
    draft.note = draft.note if note is None else note
    touch(draft, now=now)


def discard(draft: Draft, *, now: dt.datetime) -> None:
    """Give a locked draft up: it can be read, and not changed any more.

    Raises
    ------
    Conflict
        If it was published or discarded.
    """
    _require_standing(draft)
    draft.status, draft.publish_at = "discarded", None
    touch(draft, now=now)


def require_open(draft: Draft) -> None:
    """Refuse to change a draft that is not open.

    Raises
    ------
    Conflict
        Saying what to do.
    """
    _require_standing(draft)
    if draft.status != "open":
        raise Conflict(f"The draft {draft.title!r} is {draft.status}: withdraw it first, then change it.")


def check_version(draft: Draft, version: int) -> None:
    """Refuse a write to a draft that is not the one its writer had read.

    Raises
    ------
    Stale
        If it was written to since.
    """
    if draft.version != version:
        raise Stale(
            f"The draft {draft.title!r} is at version {draft.version}, not at {version}: read it again."
        )


def _be_patient(session: Session, seconds: int) -> None:
    """Wait for locks for so long at the most; 0 means for ever."""
    local = True
    session.execute(select(func.set_config("lock_timeout", f"{seconds}s", local)))


def _require_standing(draft: Draft) -> None:
    if draft.status == "published":
        raise Conflict(
            f"The draft {draft.title!r} was published as revision {draft.revision}: begin another."
        )
    if draft.status == "discarded":
        raise Conflict(f"The draft {draft.title!r} was discarded: begin another.")


# --- notes -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Note:
    """A remark; ``lon`` and ``lat`` (EPSG:4326) are None where it is about no place."""

    id: int
    author: str
    written_at: dt.datetime
    text: str
    lon: float | None
    lat: float | None


def write_note(
    session: Session,
    draft: Draft,
    text: str,
    *,
    author: str,
    now: dt.datetime,
    place: tuple[float, float] | None = None,
) -> Note:
    """Add a remark to a draft, at a place (lon, lat) where it is about one."""
    geom = None if place is None else func.ST_SetSRID(func.ST_MakePoint(*place), 4326)
    written = DraftNote(draft_id=draft.id, author=author, written_at=now, text=text, geom=geom)
    session.add(written)
    session.flush()
    lon, lat = place or (None, None)
    return Note(written.id, author, now, text, lon, lat)


def notes(session: Session, draft: Draft) -> list[Note]:
    """Return the remarks on a draft, the oldest first."""
    columns = (DraftNote.id, DraftNote.author, DraftNote.written_at, DraftNote.text)
    query = (
        select(*columns, func.ST_X(DraftNote.geom), func.ST_Y(DraftNote.geom))
        .where(DraftNote.draft_id == draft.id)
        .order_by(DraftNote.id)
    )
    return [Note(*row) for row in session.execute(query)]


# --- repeated requests -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Request:
    """A request that may be repeated: who sent it under which key, and a digest of what it says."""

    account: str
    key: str
    digest: bytes


def take_turn(session: Session, request: Request) -> None:
    """Let others who send the same key wait until the transaction ends: for requests that lock no draft."""
    turn = func.hashtextextended(f"draft\n{request.account}\n{request.key}", 0)
    session.execute(select(func.pg_advisory_xact_lock(turn)))


def repeated(session: Session, draft: Draft | None, request: Request) -> dict[str, Any] | None:
    """Return what an earlier request of this key was answered; None where there was none.

    Parameters
    ----------
    draft
        To which draft it writes, locked, unless :func:`take_turn` was called; None where it begins one.

    Raises
    ------
    Conflict
        If the key was used for another request.
    """
    earlier = session.get(DraftKey, (request.account, request.key))
    if earlier is None:
        return None
    of_another = draft is not None and earlier.draft_id != draft.id
    if bytes(earlier.request_digest) != request.digest or of_another:
        raise _used(request)
    return earlier.reply


def remember(
    session: Session, draft: Draft, request: Request, reply: dict[str, Any], *, now: dt.datetime
) -> None:
    """Keep what a request was answered; see :func:`repeated`.

    Raises
    ------
    Conflict
        If the key was used for a request to another draft meanwhile.
    """
    kept = DraftKey(
        account=request.account,
        key=request.key,
        request_digest=request.digest,
        draft_id=draft.id,
        reply=reply,
        created_at=now,
    )
    session.add(kept)
    try:
        session.flush()
    except IntegrityError as error:
        raise _used(request) from error


def _used(request: Request) -> Conflict:
    return Conflict(f"The Idempotency-Key {request.key!r} was used for another request; use a new one.")
