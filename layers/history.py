"""Revisions: which state of every layer held when.

A revision is one number for the whole database. A layer's *version* is the revision that last changed it;
what is computed from some layers stays right until one of their versions changes.
"""

import datetime as dt

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from layers.errors import BeforeHistory, NotFound
from layers.tables import Revision

#: Keys of the advisory locks that let one publication at a time prepare itself, and that order the moment in which
#: it takes effect (exclusive) and intake (shared).
_PREPARING = "wangge preparing"
_PUBLISHING = "wangge publishing"


#: Where each publication notifies its number.
CHANNEL = "wangge_revision"

#: SQL that holds off publishing until the transaction ends; any number may hold it at once. What an incident is
#: assigned at is read under the lock, in a later statement, so that no publication can slip in before its commit.
LOCK_SHARED = f"SELECT pg_advisory_xact_lock_shared(hashtext('{_PUBLISHING}'))"
#: SQL of the revision in effect at ``:now``; see :func:`current`.
IN_EFFECT = """
    SELECT coalesce(max(number), 0) FROM revisions
    WHERE effective_from <= greatest(:now, (SELECT max(published_at) FROM revisions))"""
_CURRENT = text(IN_EFFECT)


def lock_publishing(session: Session) -> int:
    """Hold off other publications until this transaction ends, and return the newest revision; intake goes on."""
    session.execute(select(func.pg_advisory_xact_lock(func.hashtext(_PREPARING))))
    return newest(session)


def lock_exclusive(session: Session) -> None:
    """Wait for every intake under way, and hold off others, until this transaction ends.

    To be called late: whoever files an incident waits from here to the commit.
    """
    session.execute(select(func.pg_advisory_xact_lock(func.hashtext(_PUBLISHING))))


def current(session: Session, now: dt.datetime) -> int:
    """Return the number of the revision in effect at ``now``; 0 before the first.

    What was published is past, although ``now`` is earlier: it was read before waiting for a lock, or on a
    machine whose clock is late. Else a server with such a clock would answer from the revision before.
    """
    return int(session.execute(_CURRENT, {"now": now}).scalar_one())


def at(session: Session, instant: dt.datetime) -> int:
    """Return the number of the revision the system would have answered from at ``instant``.

    Raises
    ------
    BeforeHistory
        If nothing had been published by then.
    """
    number = _effective(session, instant)
    if number is None:
        first = session.scalar(select(func.min(Revision.effective_from)))
        since = (
            f"the first revision took effect at {first.isoformat()}" if first else "nothing is published yet"
        )
        raise BeforeHistory(f"There is no answer for {instant.isoformat()}: {since}.")
    return number


def in_effect(session: Session) -> tuple[NDArray[np.datetime64], NDArray[np.int64]]:
    """Return since when which revision was in effect, for columns of times; sorted by time.

    Returns
    -------
    ndarray, ndarray
        Instants (UTC, ``datetime64[us]``) and the revision that :func:`at` answers from each on, until the next.
    """
    rows = session.execute(
        select(Revision.effective_from, Revision.number).order_by(Revision.effective_from, Revision.number)
    ).all()
    since = [start.astimezone(dt.UTC).replace(tzinfo=None) for start, _ in rows]
    numbers = np.array([number for _, number in rows], dtype=np.int64)
    # A higher revision that took effect earlier stays in effect.
    return np.array(since, dtype="datetime64[us]"), np.maximum.accumulate(numbers)


def versions(session: Session, revision: int) -> dict[str, int]:
    """Return the version of every layer that had been published by ``revision``."""
    rows = session.execute(
        text(
            "SELECT layer, max(number) FROM revisions, unnest(layers) AS layer"
            " WHERE number <= :revision GROUP BY layer"
        ),
        {"revision": revision},
    )
    return {layer: number for layer, number in rows}  # noqa: C416 - rows are not pairs to a type checker


def newest(session: Session) -> int:
    """Return the number of the newest revision, whether it is in effect yet or not; 0 before the first."""
    return session.scalar(select(func.max(Revision.number))) or 0


def get(session: Session, number: int) -> Revision:
    """Return a revision.

    Raises
    ------
    NotFound
        If there is none of that number.
    """
    found = session.get(Revision, number)
    if found is None:
        raise NotFound(f"There is no revision {number}; the newest is {newest(session)}.")
    return found


def revisions(session: Session, *, before: int | None = None, limit: int = 100) -> list[Revision]:
    """Return revisions, newest first, below ``before`` when it is given."""
    query = select(Revision).order_by(Revision.number.desc()).limit(limit)
    if before is not None:
        query = query.where(Revision.number < before)
    return list(session.scalars(query))


def _effective(session: Session, instant: dt.datetime) -> int | None:
    return session.scalar(select(func.max(Revision.number)).where(Revision.effective_from <= instant))
