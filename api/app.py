"""The application: wiring only."""

import datetime as dt
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

from anyio import CapacityLimiter, Semaphore
from anyio.to_thread import current_default_thread_limiter
from asgi_correlation_id import CorrelationIdMiddleware
from fastapi import APIRouter, Depends, FastAPI
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_fastapi_instrumentator import Instrumentator
from starlette.middleware.gzip import GZipMiddleware

from api import access, errors, parameters
from api.coverage_results import CoverageResults
from api.dependencies import Runtime, now
from api.events import Events
from api.headers import SafeHeaders, SpelledLocation
from api.limits import BodyLimit
from api.openapi import DescribedApp
from api.queue_figures import QueueFigures
from api.routers import (
    borders,
    capacity,
    coverage,
    defects,
    draft_changes,
    draft_edits,
    draft_files,
    draft_pages,
    draft_review,
    draft_tiles,
    drafts,
    elements,
    events,
    facilities,
    gaps,
    impact,
    incident_places,
    incidents,
    jobs,
    layer_files,
    lineage,
    locate,
    locate_files,
    maps,
    nearest,
    neighbours,
    ogc,
    ogc_drafts,
    ogc_writes,
    pages,
    planning_pages,
    revision_pages,
    revisions,
    scenario_pages,
    scenarios,
    search,
    siting,
    streets,
    system,
    tiles,
)
from api.sent_bodies import SentBodies
from api.settings import Settings
from api.snapshots import Snapshots
from api.timetable import Timetable
from api.web import assets
from layers import accounts, database
from layers.database import Engine
from layers.errors import DatabaseUnavailable

#: Every router; a route outside them is never served.
ROUTERS: Sequence[APIRouter] = (
    system.router,
    locate.router,
    locate_files.router,
    search.router,
    incidents.router,
    incident_places.router,
    neighbours.router,
    coverage.router,
    nearest.router,
    elements.router,
    capacity.router,
    gaps.router,
    impact.router,
    siting.router,
    scenarios.router,
    streets.router,
    jobs.router,
    borders.router,
    facilities.router,
    events.router,
    revisions.router,
    drafts.router,
    draft_edits.router,
    draft_changes.router,
    draft_files.router,
    draft_review.router,
    lineage.router,
    layer_files.router,
    revision_pages.router,
    draft_pages.router,
    defects.router,
    ogc.router,
    ogc_drafts.router,
    ogc_writes.router,
    tiles.router,
    draft_tiles.router,
    maps.router,
    pages.router,
    planning_pages.router,
    scenario_pages.router,
)

#: Each file keeps a processor busy, and Python lets few others run beside it.
_FILES_AT_ONCE = 2

#: One thread in so many may wait for a job: the others answer meanwhile.
_WAITING_SHARE = 4

_DESCRIPTION = """\
网格归属、生活圈覆盖与地图服务 · Which grid a place belongs to, what is reached on foot, and maps of both.

Coordinates are longitude before latitude and always carry a datum (`wgs84`, `cgcs2000`, `gcj02`, `bd09` or an
EPSG code). Errors are `application/problem+json` and list every fault at once.
"""


def create_app(
    settings: Settings,
    *,
    open_reading: bool = False,
    clock: Callable[[], dt.datetime] = now,
) -> FastAPI:
    """Return the application for these settings.

    Parameters
    ----------
    open_reading
        Let visitors without an account read; only the demo does, which listens on loopback.
    clock
        What tells the time.

    Raises
    ------
    layers.errors.DatabaseUnavailable
        If no database is named.
    api.web.assets.AssetsError
        If the browser packages are not installed, or were changed.
    RuntimeError
        If a route names no permission.
    """
    if settings.database_url is None:
        raise DatabaseUnavailable("No database is named: set WANGGE_DATABASE_URL.")
    access.rules(ROUTERS)
    # A missing browser package is said here, not on the first page.
    assets.installed()
    engine = database.make_engine(settings.database_url, pool_size=settings.threads)
    # As many as there are threads at most; one that asks holds a thread, and must not wait for the others.
    reading = database.make_engine(settings.database_url, pool_size=2, most=-1)
    look_ups = database.sessions(reading)
    runtime = Runtime(
        settings,
        database.sessions(engine),
        look_ups,
        Semaphore(settings.threads),
        CapacityLimiter(_FILES_AT_ONCE),
        Snapshots(look_ups, clock),
        clock,
        CollectorRegistry(),
        CoverageResults(look_ups, clock, most_bytes=settings.kept_results_mb * 1024 * 1024),
        SentBodies(),
        SentBodies(effort=1),
        threading.Semaphore(max(settings.threads // _WAITING_SHARE, 1)),
        Events(reading, look_ups),
    )
    ProcessCollector(registry=runtime.figures)
    runtime.figures.register(QueueFigures(look_ups))
    app = DescribedApp(
        title="Wangge 网格",
        version=version("wangge"),
        description=_DESCRIPTION,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        # The pages' router serves them from local files, under a rule of their own.
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan(runtime, engine, reading),
    )
    app.state.runtime = runtime
    app.state.credentials = access.Credentials(_credential_look_up(runtime), open_reading=open_reading)
    errors.install(app)
    app.add_middleware(BodyLimit, most_bytes=settings.max_upload_mb * 1024 * 1024)
    app.add_middleware(GZipMiddleware, minimum_size=2048, compresslevel=5)
    app.add_middleware(SafeHeaders)
    app.add_middleware(CorrelationIdMiddleware)
    Instrumentator(
        excluded_handlers=["/metrics", "/healthz", "/readyz"], registry=runtime.figures
    ).instrument(app)
    app.add_middleware(SpelledLocation)
    for router in ROUTERS:
        app.include_router(router, dependencies=[Depends(parameters.known)])
    return app


def _lifespan(runtime: Runtime, *engines: Engine) -> Any:  # noqa: ANN401 - what FastAPI takes
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        # As many request threads as turns: none then waits for another's connection.
        current_default_thread_limiter().total_tokens = runtime.settings.threads
        runtime.snapshots.start()
        timetable = Timetable(runtime.look_ups, runtime.clock)
        timetable.start()
        yield
        timetable.stop()
        runtime.events.stop()
        runtime.snapshots.stop()
        for engine in engines:
            engine.dispose()

    return lifespan


def _credential_look_up(runtime: Runtime) -> Callable[..., accounts.SignedIn | None]:
    def look_up(kind: str, *secret: str) -> accounts.SignedIn | None:
        with database.translated(), runtime.look_ups() as session:
            if kind == "bearer":
                return accounts.by_token(session, *secret, now=runtime.clock())
            if kind == "basic":
                return accounts.by_password(session, *secret)
            return accounts.by_browser_session(session, *secret, now=runtime.clock())

    return look_up
