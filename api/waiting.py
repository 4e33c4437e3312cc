"""Who would rather not wait for an answer: a job is queued for it, if anybody is there to take it."""

import time
from dataclasses import dataclass

from api.access import Caller
from api.coverage_results import basis_at
from api.dependencies import Runtime
from api.preferences import Preferences
from api.snapshots import Snapshot
from geo.coverage import Query
from layers import coverage_results, database, jobs
from layers.tables import Job

#: Seconds between looks at a job that somebody waits a little for.
_LOOK_S = 0.1


@dataclass(frozen=True, slots=True)
class Question:
    """A question whose answer is not kept, who asks, and the address it is asked at."""

    snapshot: Snapshot
    query: Query
    address: str
    caller: Caller


@dataclass(frozen=True, slots=True)
class Queued:
    """A job that works an answer out, and how many workers there are."""

    job: Job
    workers: int


def queued(runtime: Runtime, question: Question, preferences: Preferences) -> Queued | None:
    """Queue a job for a question; None where it is better answered at once.

    That is where no worker is there to take the job, where the client waits long enough for it, and where it waits at all
    and the answer takes a moment only.

    Raises
    ------
    layers.errors.TooManyJobs
        If the caller has too many open.
    """
    if preferences.wait_s and runtime.results.is_quick(question.snapshot, question.query):
        return None
    basis = basis_at(question.snapshot, question.query)
    wanted = coverage_results.wanted(basis, question.snapshot.revision, address=question.address)
    with database.translated(), runtime.look_ups.begin() as session:
        workers = jobs.workers(session)
        if not workers:
            return None
        job = jobs.enqueue(session, wanted, asked_by=question.caller.name or jobs.VISITOR)
    if preferences.wait_s and runtime.waiting.acquire(blocking=False):
        try:
            job = _after(runtime, job, preferences.wait_s)
        finally:
            runtime.waiting.release()
    # One that failed says why best where it is asked without a job.
    return Queued(job, workers) if job.status in jobs.OPEN else None


def _after(runtime: Runtime, job: Job, seconds: float) -> Job:
    """Return a job when it is over, or after so many seconds."""
    until = time.monotonic() + seconds
    while job.status in jobs.OPEN and time.monotonic() < until:
        time.sleep(_LOOK_S)
        with database.translated(), runtime.look_ups() as session:
            job = jobs.one(session, job.id, asked_by=None)
    return job
