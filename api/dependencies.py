"""What routes ask for by type: a session, the current snapshot, the settings, the time."""

import datetime as dt
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Annotated

from anyio import CapacityLimiter, Semaphore
from fastapi import Depends, Query, Request
from prometheus_client import CollectorRegistry
from starlette.concurrency import run_in_threadpool

from api import stated
from api.coverage_results import CoverageResults
from api.events import Events
from api.sent_bodies import SentBodies
from api.settings import Settings
from api.snapshots import Snapshot, Snapshots
from layers import database
from layers.database import Session, sessionmaker


@dataclass(frozen=True, slots=True)
class Runtime:
    """What the application holds while it runs; one per application, at ``app.state.runtime``.

    Parameters
    ----------
    sessions
        For the work of requests that have a turn, see :data:`SessionDep`; as many as there are turns.
    look_ups
        For reading that ends with the call: credentials, models, past revisions. Never waits for another.
    turns
        Requests that may hold a session at once.
    files
        Uploaded files worked on at once; further ones wait without a thread, so that none is missing elsewhere.
    results
        Tables of coverage, kept.
    bodies
        Of replies with these tables.
    tiles
        Of vector tiles.
    waiting
        Requests that keep a thread while they wait for a job; one too many gets its job's address at once.
    events
        What subscribers are told.
    """

    settings: Settings
    sessions: sessionmaker[Session]
    look_ups: sessionmaker[Session]
    turns: Semaphore
    files: CapacityLimiter
    snapshots: Snapshots
    clock: Callable[[], dt.datetime]
    figures: CollectorRegistry
    results: CoverageResults
    bodies: SentBodies
    tiles: SentBodies
    waiting: threading.Semaphore
    events: Events


def now() -> dt.datetime:
    """Return the time, in UTC."""
    return dt.datetime.now(dt.UTC)


def _runtime(request: Request) -> Runtime:
    runtime: Runtime = request.app.state.runtime
    return runtime


async def _async_runtime(request: Request) -> Runtime:
    # An async dependency costs no thread, which the single look-up is spared.
    return _runtime(request)


async def _snapshot(request: Request) -> Snapshot:
    snapshots = _runtime(request).snapshots
    fresh = snapshots.fresh()
    return fresh if fresh is not None else await run_in_threadpool(snapshots.refresh)


async def _snapshot_at(
    request: Request,
    snapshot: Annotated[Snapshot, Depends(_snapshot)],
    at: Annotated[
        str | None, Query(description="instant (RFC 3339) or date whose answer is wanted; now by default")
    ] = None,
) -> Snapshot:
    if at is None:
        return snapshot
    runtime = _runtime(request)
    return await run_in_threadpool(runtime.snapshots.at, stated.instant(at, runtime.settings.timezone))


async def _turn(request: Request) -> AsyncIterator[None]:
    """Wait, without a thread, until a connection is free for this request.

    A request that holds a connection still needs threads, to check its reply and to commit. Were requests
    without one waiting for it in threads, those would be all taken, and neither side could go on.
    """
    async with _runtime(request).turns:
        yield


def _session(request: Request, _turn: Annotated[None, Depends(_turn, scope="function")]) -> Iterator[Session]:
    """Yield a session whose work is committed before the reply is sent, or rolled back."""
    with database.translated(), _runtime(request).sessions.begin() as session:
        yield session


RuntimeDep = Annotated[Runtime, Depends(_async_runtime)]
SnapshotDep = Annotated[Snapshot, Depends(_snapshot)]
#: The snapshot of the instant that the query parameter ``at`` states.
SnapshotAtDep = Annotated[Snapshot, Depends(_snapshot_at)]
#: Not for a streamed body: the session closes before the first byte is sent.
SessionDep = Annotated[Session, Depends(_session, scope="function")]
