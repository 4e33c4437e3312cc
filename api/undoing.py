"""Taking a revision back, or bringing a state back, for a caller: judged, published once, told when all know."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256

from api.access import Caller
from api.dependencies import Runtime
from api.errors import Problem
from api.snapshots import wait_for_workers
from geo.changes import Changes
from layers import database, history, undoing
from layers.database import Session
from layers.tables import Revision

#: What can be done with a revision, by its word.
WAYS: Mapping[str, Callable[[Session, int], dict[str, Changes]]] = {
    "revert": undoing.reverting,
    "restore": undoing.restoring,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Undoing:
    """What is asked for: ``way`` is a key of :data:`WAYS`; ``key`` makes a repeated request publish nothing more."""

    way: str
    number: int
    note: str
    key: str | None = None

    @property
    def digest(self) -> bytes:
        """What tells this request from others."""
        return sha256(f"{self.way}\n{self.number}\n{self.note}".encode()).digest()

    @property
    def said(self) -> str:
        """The note that the new revision carries."""
        return f"{self.way} {self.number}: {self.note}"


def carry_out(runtime: Runtime, caller: Caller, asked: Undoing) -> tuple[Revision, bool]:
    """Publish what is asked for; return its revision, and whether this request made it.

    Returns when no process answers from the state before. It takes seconds: call it where that does no harm.

    Raises
    ------
    Problem
        ``forbidden``, if something changes outside the caller's areas.
    DataError, Conflict, NotFound
        As in :mod:`layers.undoing`.
    """
    account = caller.name or ""
    # Of the connections that no request waits for: this one is held for seconds, and without a turn.
    with database.translated(), runtime.look_ups.begin() as session:
        if asked.key:
            earlier = undoing.repeated(session, account, asked.key, asked.digest)
            if earlier is not None:
                session.expunge(earlier)
                return earlier, False
        found = WAYS[asked.way](session, asked.number)
        _check_scope(session, caller, found)
        done = undoing.publish(
            session,
            found,
            author=account,
            note=asked.said,
            now=runtime.clock(),
            clock=runtime.clock,
        )
        published = history.get(session, done.revision)
        if asked.key:
            undoing.remember(session, account, asked.key, asked.digest, published)
        session.flush()
        session.expunge(published)
    wait_for_workers()
    return published, True


def _check_scope(session: Session, caller: Caller, found: Mapping[str, Changes]) -> None:
    """Refuse what changes anything outside the caller's areas; what lies nowhere is outside."""
    if caller.areas and not all(caller.covers(path) for path in undoing.paths(session, found)):
        raise Problem(
            "forbidden",
            f"It would change features outside of your account's areas ({', '.join(caller.areas)}).",
        )
