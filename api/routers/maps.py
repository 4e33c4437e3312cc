"""Maps as pages, and what they draw."""

import datetime as dt
from collections.abc import Callable, Hashable, Sequence
from dataclasses import asdict, replace
from typing import Annotated, Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.access import Caller, Permission, needs
from api.borders import AskedDep, asked_by, statistics_at
from api.cities import city_at
from api.dependencies import Runtime, RuntimeDep, SessionDep, SnapshotDep
from api.maps import borders, coverage, incidents, sources
from api.maps.chosen import Chosen, ChosenDep
from api.maps.encoding import dump
from api.maps.page import MapPage, linked
from api.scopes import scope
from api.snapshots import Snapshot
from api.web import replies
from api.web.reader import PageRoute, ReaderDep
from layers import catalogue
from layers.coverage import LAYERS as COVERAGE_LAYERS
from layers.database import Session
from layers.incidents import points as incident_points

router = APIRouter(tags=["maps"], route_class=PageRoute)

#: A page, as the documentation of the API says it.
_HTML: dict[str, Any] = {
    "response_class": Response,
    "responses": {200: {"description": "A page", "content": {"text/html": {}}}},
}

_READ_LAYERS = [needs(Permission.READ_LAYERS)]


@router.get("/maps/grids.html", dependencies=_READ_LAYERS, summary="Map of grids", **_HTML)
def grids_page(reader: ReaderDep, snapshot: SnapshotDep) -> Response:
    """Areas of all four levels over our own streets; `?code=` opens one, `?near=lon,lat` goes to a place."""
    addresses = sources.STREETS | sources.AREAS
    page = MapPage(name="grids", site=reader.site, bounds=sources.view(snapshot), addresses=addresses)
    return reader.send(linked(page, reader.assets))


@router.get("/maps/coverage.html", dependencies=_READ_LAYERS, summary="Map of coverage", **_HTML)
def coverage_page(reader: ReaderDep, snapshot: SnapshotDep, chosen: ChosenDep) -> Response:
    """Areas by covered share, compounds by status, for one facility type; 5, 10 and 15 minutes to switch."""
    types = sources.types(snapshot)
    facility = sources.chosen_type(types, chosen.facility_type)
    chosen = replace(chosen, facility_type=facility.key)
    page = MapPage(
        name="coverage",
        site=reader.site,
        bounds=sources.view(snapshot),
        addresses=sources.STREETS | sources.AREAS | sources.coverage_address(chosen),
        chosen=chosen.as_query(),
        context={"facility": facility, "facility_types": types},
    )
    return reader.send(linked(page, reader.assets))


@router.get(
    "/maps/incidents.html",
    dependencies=[needs(Permission.READ_INCIDENTS)],
    summary="Map of incidents",
    **_HTML,
)
def incidents_page(reader: ReaderDep, snapshot: SnapshotDep) -> Response:
    """Up to 100,000 newest incidents, filtered by time, category, rule and status in the browser."""
    page = MapPage(
        name="incidents",
        site=reader.site,
        bounds=sources.view(snapshot),
        addresses=sources.STREETS | sources.AREAS | sources.INCIDENTS,
    )
    return reader.send(linked(page, reader.assets))


@router.get("/maps/borders.html", summary="Map of borders in doubt", **_HTML)
def borders_page(
    reader: ReaderDep,
    snapshot: SnapshotDep,
    asked: AskedDep,
    caller: Annotated[Caller, needs(Permission.READ_STATISTICS)],
) -> Response:
    """Borders by the incidents whose grid hangs on where they were drawn; close up, those incidents."""
    query = urlencode(asked.as_query())
    addresses = sources.STREETS | sources.AREAS | {"borders": f"/maps/data/borders.json?{query}"}
    if caller.may(Permission.READ_INCIDENTS):
        addresses |= sources.INCIDENT_PAGE
    page = MapPage(
        name="borders",
        site=reader.site,
        bounds=sources.view(snapshot),
        addresses=addresses,
        chosen=asdict(asked),
        context={"download": f"/api/borders?{query}"},
    )
    return reader.send(linked(page, reader.assets))


@router.get("/maps/data/streets.json", dependencies=_READ_LAYERS, include_in_schema=False)
def streets_data(request: Request, snapshot: SnapshotDep) -> Response:
    """Send the streets as the base map draws them."""
    body = _packed(snapshot, "streets map", ("streets",), sources.streets)
    return replies.packed(request, body, media_type="application/json")


@router.get("/maps/data/areas.json", dependencies=_READ_LAYERS, include_in_schema=False)
def areas_data(request: Request, snapshot: SnapshotDep, runtime: RuntimeDep) -> Response:
    """Send the areas of all levels, and the posts held today."""
    today = _today(runtime)

    def load(session: Session, revision: int) -> dict[str, Any]:
        return sources.areas(session, revision, today=today)

    body = _packed(snapshot, ("areas map", today), sources.AREA_LAYERS, load)
    return replies.packed(request, body, media_type="application/json")


@router.get("/maps/data/coverage.json", dependencies=_READ_LAYERS, include_in_schema=False)
def coverage_data(request: Request, snapshot: SnapshotDep, chosen: ChosenDep) -> Response:
    """Send coverage for every budget, along streets and as a circle."""
    facility = sources.chosen_type(sources.types(snapshot), chosen.facility_type)
    # The budget only says what is shown first: one answer serves all.
    asked = replace(chosen, facility_type=facility.key, minutes=Chosen().minutes)
    city = city_at(snapshot)

    def load(_session: Session, _revision: int) -> dict[str, Any]:
        return coverage.coverage_data(city, asked)

    body = _packed(snapshot, ("coverage map", asked), COVERAGE_LAYERS, load)
    return replies.packed(request, body, media_type="application/json")


@router.get("/maps/data/incidents.json", include_in_schema=False)
def incidents_data(
    request: Request,
    session: SessionDep,
    snapshot: SnapshotDep,
    runtime: RuntimeDep,
    caller: Annotated[Caller, needs(Permission.READ_INCIDENTS)],
) -> Response:
    """Send the incidents in the caller's areas, without anything personal."""
    frame = incident_points.read(session, **scope(caller, snapshot), limit=sources.MOST_INCIDENTS)
    data = incidents.incidents_data(
        frame, catalogue.incident_categories(), timezone=runtime.settings.timezone
    )
    return replies.packed(request, replies.pack(dump(data)), media_type="application/json")


@router.get("/maps/data/borders.json", include_in_schema=False)
def borders_data(
    *,
    request: Request,
    session: SessionDep,
    snapshot: SnapshotDep,
    runtime: RuntimeDep,
    asked: AskedDep,
    caller: Annotated[Caller, needs(Permission.READ_STATISTICS)],
) -> Response:
    """Send the borders that have anything, and the incidents counted to those who may see them."""
    question = asked_by(caller, asked, snapshot, runtime.settings.timezone)
    statistics = statistics_at(session, snapshot, question)
    data = borders.borders_data(statistics, question, with_points=caller.may(Permission.READ_INCIDENTS))
    return replies.packed(request, replies.pack(dump(data)), media_type="application/json")


def _packed(
    snapshot: Snapshot,
    name: Hashable,
    layers: Sequence[str],
    load: Callable[[Session, int], dict[str, Any]],
) -> replies.Packed:
    """Return data made and compressed once for as long as its layers stay as they are."""
    return snapshot.model(
        name, layers=layers, load=lambda session, revision: replies.pack(dump(load(session, revision)))
    )


def _today(runtime: Runtime) -> dt.date:
    return runtime.clock().astimezone(ZoneInfo(runtime.settings.timezone)).date()
