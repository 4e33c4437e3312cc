"""The queue of jobs for worker processes: in the database, so that a job is queued together with what calls for it.

A job is taken by one worker, which says every moment that it is alive (its heartbeat). One that has not said so for
:data:`LEASE_S` is taken for dead, and another takes the job. All times here are the database's own: workers run on
machines whose clocks differ.
"""

import select as sockets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Engine, and_, any_, delete, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from layers.errors import Conflict, NotFound, TooManyJobs
from layers.tables import Job

#: Seconds without a heartbeat after which a job's worker is taken for dead.
LEASE_S = 15.0

#: How often a job is begun: one that ends its workers must not end every worker there is, for ever.
MOST_ATTEMPTS = 3

#: Priorities: somebody waits for it, or the system wants it when there is time.
ASKED, BACKGROUND = 0, 10

#: Who asks without an account, where reading is open.
VISITOR = ""

#: Open jobs that one account may have, so that none keeps the workers from all others.
MOST_OPEN = 20

STATUSES = ("queued", "running", "done", "failed", "cancelled")
#: States of a job that is not over.
OPEN = STATUSES[:2]
_CHANNEL = "wangge_jobs"
#: The advisory lock that every live worker shares; the database lets go of it when the worker's connection ends.
_PRESENT = "hashtext('wangge worker')"
_WORKERS = text(f"""
    SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
    WHERE locktype = 'advisory' AND granted AND objsubid = 2 AND datname = current_database()
        AND classid::bigint = ({_PRESENT}::bigint & 4294967295)""")  # noqa: S608 - a constant


@dataclass(frozen=True, slots=True)
class Wanted:
    """A job to be queued: `key` is the same for the same question, `payload` is what its worker needs."""

    kind: str
    key: str
    payload: Mapping[str, Any]


def enqueue(session: Session, wanted: Wanted, *, asked_by: str | None) -> Job:
    """Queue a job, or join the open one of the same key.

    Parameters
    ----------
    asked_by
        Account that waits for it, :data:`VISITOR`, or None: the system itself, which has time.

    Raises
    ------
    TooManyJobs
        If that account has :data:`MOST_OPEN` others open already.
    """
    job = _open(session, wanted.key)
    while job is None:
        if asked_by is not None:
            _refuse_too_many(session, asked_by)
        values = {
            "id": uuid4(),
            "kind": wanted.kind,
            "payload": dict(wanted.payload),
            "key": wanted.key,
            "asked_by": [],
            "priority": BACKGROUND,
            "status": "queued",
            "progress": 0.0,
            "step": "",
            "attempts": 0,
            "created_at": func.clock_timestamp(),
        }
        session.execute(
            insert(Job)
            .values(values)
            .on_conflict_do_nothing(index_elements=[Job.key], index_where=Job.status.in_(OPEN))
        )
        # Of two who ask at once, one finds the other's; it may be over already.
        job = _open(session, wanted.key)
    if asked_by is not None:
        job.asked_by = sorted({*job.asked_by, asked_by})
        job.priority = ASKED
    session.flush()
    _ring(session)
    return job


def claim(session: Session, worker: str) -> Job | None:
    """Take the next job for a worker: one that is queued, or whose worker is dead. None if there is none.

    The caller commits at once. A job that was begun :data:`MOST_ATTEMPTS` times without an end has failed.
    """
    dead = and_(Job.status == "running", Job.heartbeat_at < func.clock_timestamp() - _lease())
    while True:
        job = session.scalars(
            select(Job)
            .where(or_(Job.status == "queued", dead))
            .order_by(Job.priority, Job.number)
            .limit(1)
            .with_for_update(skip_locked=True)
            .execution_options(populate_existing=True)
        ).first()
        if job is None:
            return None
        now = session.scalar(select(func.clock_timestamp()))
        if job.attempts < MOST_ATTEMPTS:
            break
        job.status, job.finished_at = "failed", now
        job.error = f"Its worker was lost {job.attempts} times; see the workers' logs, and their memory."
        session.flush()
    job.status, job.worker, job.progress, job.step = "running", worker, 0.0, ""
    job.attempts += 1
    job.heartbeat_at = now
    job.started_at = now
    session.flush()
    return job


def beat(session: Session, job: UUID, worker: str, *, progress: float, step: str) -> bool:
    """Say that a job's worker is alive and how far it is; tell whether the job is still this worker's to do."""
    done = session.execute(
        update(Job)
        .where(Job.id == job, Job.worker == worker, Job.status == "running")
        .values(heartbeat_at=func.clock_timestamp(), progress=progress, step=step)
    )
    return bool(done.rowcount)  # type: ignore[attr-defined]  # of an UPDATE


def finish(session: Session, job: UUID, worker: str, *, error: str | None = None) -> bool:
    """End a job as done, or failed with an error; tell whether it was still this worker's to end."""
    done = session.execute(
        update(Job)
        .where(Job.id == job, Job.worker == worker, Job.status == "running")
        .values(
            status="done" if error is None else "failed",
            error=error,
            finished_at=func.clock_timestamp(),
            **({"progress": 1.0} if error is None else {}),
        )
    )
    return bool(done.rowcount)  # type: ignore[attr-defined]  # of an UPDATE


def release(session: Session, worker: str) -> int:
    """Put the jobs of a worker that stops back into the queue; this time is no attempt. Returns how many."""
    done = session.execute(
        update(Job)
        .where(Job.worker == worker, Job.status == "running")
        .values(status="queued", worker=None, attempts=Job.attempts - 1, progress=0.0, step="")
    )
    _ring(session)
    return int(done.rowcount)  # type: ignore[attr-defined]  # of an UPDATE


def cancel(session: Session, job: UUID, *, asked_by: str | None) -> Job:
    """Cancel a job; its worker stops at the next step and keeps nothing of it.

    Parameters
    ----------
    asked_by
        Account that no longer waits for it: while others do, the job goes on. None: for everybody.

    Raises
    ------
    NotFound
        If there is no such job, or it is not this account's.
    Conflict
        If it is over.
    """
    found = session.scalars(
        select(Job).where(Job.id == job).with_for_update().execution_options(populate_existing=True)
    ).first()
    if found is None or (asked_by is not None and asked_by not in found.asked_by):
        raise NotFound(f"There is no job {job} of yours.")
    if found.status not in OPEN:
        raise Conflict(f"The job is {found.status} already.")
    others = [] if asked_by is None else [name for name in found.asked_by if name != asked_by]
    if others:
        found.asked_by = others
    else:
        found.status, found.finished_at = "cancelled", session.scalar(select(func.clock_timestamp()))
    session.flush()
    return found


def withdraw(session: Session, kind: str, *, why: str) -> list[dict[str, Any]]:
    """Cancel the open jobs of a kind that nobody waits for; returns their payloads, the next first."""
    rows = session.execute(
        update(Job)
        .where(Job.kind == kind, Job.status.in_(OPEN), Job.asked_by == [])
        .values(status="cancelled", error=why, finished_at=func.clock_timestamp())
        .returning(Job.number, Job.payload)
    )
    return [payload for _, payload in sorted(rows, key=lambda row: row[0])]


def one(session: Session, job: UUID, *, asked_by: str | None) -> Job:
    """Return a job, where `asked_by` (None: anybody) waits for it.

    Raises
    ------
    NotFound
        If there is none.
    """
    found = session.get(Job, job)
    if found is None or (asked_by is not None and asked_by not in found.asked_by):
        raise NotFound(f"There is no job {job} of yours.")
    return found


def listed(session: Session, *, asked_by: str | None, limit: int = 100) -> list[Job]:
    """Return the newest jobs, newest first, that `asked_by` (None: anybody) waits for."""
    query = select(Job).order_by(Job.number.desc()).limit(limit)
    if asked_by is not None:
        query = query.where(any_(Job.asked_by) == asked_by)
    return list(session.scalars(query))


def counts(session: Session) -> dict[str, int]:
    """Count the jobs of each status that are remembered."""
    rows = session.execute(select(Job.status, func.count()).group_by(Job.status))
    return {status: count for status, count in rows}  # noqa: C416 - rows are not pairs to a type checker


def workers(session: Session) -> int:
    """Count the workers that are connected."""
    return int(session.execute(_WORKERS).scalar_one())


def forget(session: Session, *, days: int) -> int:
    """Drop jobs that have been over for so many days; returns how many."""
    over = Job.finished_at < func.clock_timestamp() - func.make_interval(0, 0, 0, days)
    return int(session.execute(delete(Job).where(over)).rowcount)  # type: ignore[attr-defined]  # of a DELETE


@contextmanager
def bell(engine: Engine) -> Iterator["Bell"]:
    """Yield what rings when a job is queued; while it is held, a worker counts as present."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"SELECT pg_advisory_lock_shared({_PRESENT}, 0)"))
        connection.execute(text(f"LISTEN {_CHANNEL}"))
        try:
            yield Bell(connection.connection.dbapi_connection)
        finally:
            # Not given back to the pool: the next to borrow it would listen, and be taken for a worker.
            connection.invalidate()


class Bell:
    """Rings when a job is queued."""

    def __init__(self, connection: Any) -> None:  # noqa: ANN401 - the driver's own
        self._connection = connection

    def wait(self, seconds: float) -> None:
        """Return when it rings, or after so many seconds.

        Raises
        ------
        psycopg2.Error
            If the connection is lost.
        """
        if not self._connection.notifies:
            sockets.select([self._connection], [], [], seconds)
            self._connection.poll()
        self._connection.notifies.clear()


def _open(session: Session, key: str) -> Job | None:
    return session.scalars(
        select(Job)
        .where(Job.key == key, Job.status.in_(OPEN))
        .with_for_update()
        .execution_options(populate_existing=True)
    ).first()


def _refuse_too_many(session: Session, asked_by: str) -> None:
    mine = select(func.count()).where(any_(Job.asked_by) == asked_by, Job.status.in_(OPEN))
    if (session.scalar(mine) or 0) >= MOST_OPEN:
        raise TooManyJobs


def _lease() -> Any:  # noqa: ANN401 - an SQL expression
    return func.make_interval(0, 0, 0, 0, 0, 0, LEASE_S)


def _ring(session: Session) -> None:
    """Wake the workers at the commit."""
    session.execute(select(func.pg_notify(_CHANNEL, "")))
