"""The worker: takes jobs from the queue, one after the other, and keeps what they find.

It may be killed at any moment: its job is then taken by another worker. While the database does not answer it waits,
and goes on with it.
"""

import datetime as dt
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from uuid import UUID, uuid4

import structlog

from api.coverage_results import STEPS, CoverageResults
from api.dependencies import now
from api.settings import Settings
from api.snapshots import Snapshots
from geo.faults import DataError
from layers import coverage_results, database, jobs
from layers.database import Session, sessionmaker
from layers.errors import DatabaseUnavailable, LayersError
from layers.progress import Progress
from layers.tables import Job

_log = structlog.get_logger(__name__)

#: Seconds between looks at the queue, which also finds the jobs of dead workers; a queued job rings at once.
LOOK_S = 1.0
#: Seconds between heartbeats: so long a cancelled job may go on unnoticed.
BEAT_S = 0.5
#: Seconds to wait for a database that does not answer.
RETRY_S = 1.0

#: How long jobs that are over are remembered, and how often a worker looks for older ones.
REMEMBERED_DAYS = 30
TIDY_S = 3600.0


class Stopped(Exception):  # noqa: N818 - no error: somebody wants the work to end
    """The job was cancelled, or the worker shall end."""


class Worker:
    """One worker, on a database of its own connections.

    Parameters
    ----------
    settings
        Name the database.
    stop
        Set from outside to end the worker: its job goes back into the queue at the next step.
    """

    def __init__(
        self, settings: Settings, stop: threading.Event, *, clock: Callable[[], dt.datetime] = now
    ) -> None:
        assert settings.database_url is not None  # noqa: S101 - named_settings sees to it
        self.name = f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:6]}"
        self._stop = stop
        self._engine = database.make_engine(settings.database_url, pool_size=2, most=-1)
        self._sessions = database.sessions(self._engine)
        self._snapshots = Snapshots(self._sessions, clock)
        self._results = CoverageResults(
            self._sessions, clock, most_bytes=settings.kept_results_mb * 1024 * 1024
        )
        self._kinds: Mapping[str, Callable[[Job, Progress], None]] = {
            coverage_results.KIND: self._coverage,
        }

    def run(self) -> None:
        """Work until stopped."""
        _log.info("worker started", worker=self.name)
        while not self._stop.is_set():
            try:
                with database.translated(), jobs.bell(self._engine) as bell:
                    due = 0.0
                    while not self._stop.is_set():
                        if time.monotonic() >= due:
                            self._tidy()
                            due = time.monotonic() + TIDY_S
                        if not self._next():
                            bell.wait(LOOK_S)
            except LayersError as error:
                _log.warning("worker waits for the database", worker=self.name, error=str(error))
                self._stop.wait(RETRY_S)
        self._engine.dispose()
        _log.info("worker ended", worker=self.name)

    def _tidy(self) -> None:
        """Put back what a lost connection left under this worker's name, and forget old jobs."""
        with self._sessions.begin() as session:
            jobs.release(session, self.name)
            jobs.forget(session, days=REMEMBERED_DAYS)

    def _next(self) -> bool:
        """Do the next job; tell whether there was one."""
        with database.translated(), self._sessions.begin() as session:
            job = jobs.claim(session, self.name)
        if job is None:
            return False
        begun = time.perf_counter()
        status = self._done(job)
        seconds = round(time.perf_counter() - begun, 3)
        _log.info("job", job=str(job.id), kind=job.kind, status=status, seconds=seconds, attempt=job.attempts)
        return True

    def _done(self, job: Job) -> str:
        """Do a job, and say what became of it."""
        error = None
        try:
            with _pulse(self._sessions, job.id, self.name, self._stop) as progress:
                self._kinds[job.kind](job, progress)
        except Stopped:
            with database.translated(), self._sessions.begin() as session:
                # Nothing to put back where the job was cancelled, or taken by another worker.
                return "returned" if jobs.release(session, self.name) else "cancelled"
        except DatabaseUnavailable:
            raise
        except DataError as refused:
            error = "; ".join(fault.message for fault in refused.faults)
        except LayersError as refused:
            error = str(refused)
        except Exception as unexpected:  # noqa: BLE001 - one bad job must not end the worker
            reference = uuid4().hex[:12]
            _log.error("a job failed", job=str(job.id), reference=reference, exc_info=unexpected)
            error = f"The failure is logged under {reference}; tell your operator this number."
        with database.translated(), self._sessions.begin() as session:
            mine = jobs.finish(session, job.id, self.name, error=error)
        if not mine:
            return "cancelled"
        return "done" if error is None else "failed"

    def _coverage(self, job: Job, progress: Progress) -> None:
        """Work out a table of coverage, and keep it under the uses that its question had before."""
        snapshot = self._snapshots.of(job.payload["revision"])
        query = coverage_results.query_of(job.payload["question"])
        found = self._results.at_hand(snapshot, query) or self._results.worked_out(
            snapshot, query, progress=progress
        )
        # Last call: what was cancelled while the last step was under way is not kept.
        progress(STEPS[-1], 1, 1)
        used_at = job.payload.get("used_at")
        self._results.keep(
            found,
            uses=job.payload.get("uses", 1),
            used_at=None if used_at is None else dt.datetime.fromisoformat(used_at),
        )


@contextmanager
def _pulse(
    sessions: sessionmaker[Session], job: UUID, worker: str, stop: threading.Event
) -> Iterator[Progress]:
    """Yield the progress callback of a job, and say beside it that the worker is alive.

    The callback raises :class:`Stopped` when the job is no longer this worker's, or the worker shall end.
    """
    over, lost = threading.Event(), threading.Event()
    reached: tuple[float, str] = (0.0, "")

    def tell(step: str, done: int, total: int) -> None:
        nonlocal reached
        if lost.is_set() or stop.is_set():
            raise Stopped
        share = done / total if total else 0.0
        reached = ((STEPS.index(step) + share) / len(STEPS), step)

    def live() -> None:
        while not over.wait(BEAT_S):
            try:
                with database.translated(), sessions.begin() as session:
                    progress, step = reached
                    if not jobs.beat(session, job, worker, progress=progress, step=step):
                        lost.set()
            except LayersError as error:
                # A database that comes back finds the work done; if it takes too long, another has the job.
                _log.warning("no heartbeat", worker=worker, job=str(job), error=str(error))

    thread = threading.Thread(target=live, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield tell
    finally:
        over.set()
        thread.join()
