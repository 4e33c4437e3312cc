"""Which area a place belongs to, and all that is known of it: one place, from memory."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import orjson
from fastapi import APIRouter, Query
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from api import coverage_words, places, stated
from api.access import Permission, needs
from api.cities import facilities_at
from api.dependencies import Runtime, RuntimeDep, SnapshotDep
from api.schemas import LocationOut
from api.snapshots import Snapshot
from api.stated import StatedPlace
from geo.faults import DataError, Fault
from geo.levels import LEVELS
from layers import database, located, nearest
from layers.located import Location
from layers.nearest import Walk

router = APIRouter(tags=["locate"])

#: In place of schemes' names: every scheme there is.
ALL = "all"

Number = Annotated[
    str | None, Query(json_schema_extra={"anyOf": [{"type": "number"}]}, description="as `datum` says")
]
Datum = Annotated[
    str | None,
    Query(description="wgs84, cgcs2000, gcj02, bd09, an EPSG code, WKT/PROJ text or a configured local CRS"),
]
Level = Annotated[str, Query(description=f"one of {', '.join(LEVELS)}")]
Scheme = Annotated[str, Query(description="which grids, for level grid")]
Schemes = Annotated[
    list[str],
    Query(description=f"which grids, for level grid; several (a list, or `{ALL}`) are told side by side"),
]
Types = Annotated[
    list[str],
    Query(description="types of facilities (a list) whose nearest on foot is wanted, with the walking time"),
]
Instant = Annotated[
    str | None, Query(description="instant (RFC 3339) or date whose answer is wanted; now by default")
]


@router.get(
    "/api/locate",
    dependencies=[needs(Permission.READ_LAYERS)],
    response_model=LocationOut,
    response_model_exclude_unset=True,
    summary="Which area is here, and what is known of the place?",
)
async def locate(
    *,
    runtime: RuntimeDep,
    snapshot: SnapshotDep,
    lon: Number = None,
    lat: Number = None,
    datum: Datum = None,
    level: Level = "grid",
    scheme: Schemes = [located.SCHEME],  # noqa: B006 - FastAPI copies it
    facility_type: Types = [],  # noqa: B006 - FastAPI copies it
    at: Instant = None,
) -> Response:
    """Return exactly one area and the rule that chose it, or rule `none`; with all that is known of the place.

    `path` is the area's chain of parents from the district down, `neighbour` the area across its nearest border,
    `margin_m` away; `posts` are those who answer for the grid, the compound and the building on that day. `lon`,
    `lat` are easting and northing when `datum` names a projected CRS; the reply's own are WGS84.

    With several schemes the reply is about the first, and `schemes` tells all of them. `facilities` is there when
    `facility_type` is: the nearest of each type on foot along streets, in an adult's minutes; or why there is
    none: `no-facility` of the type, `no-street` near the place, or `not-connected` by streets.
    """
    place, known_level, schemes, types, instant = stated.together(
        lambda: stated.place(lon, lat, datum, runtime.settings),
        lambda: stated.choice(level, LEVELS, "level"),
        lambda: _schemes(scheme, level),
        lambda: _types(facility_type),
        lambda: stated.instant(at, runtime.settings.timezone) if at else None,
    )
    on = (instant or runtime.clock()).astimezone(ZoneInfo(runtime.settings.timezone)).date()
    question = _Question((place.lon, place.lat), known_level, schemes, types, on)
    if instant is not None:
        snapshot = await run_in_threadpool(runtime.snapshots.at, instant)
    found = _at_once(snapshot, question)
    if found is None:
        found = await run_in_threadpool(_found, runtime, snapshot, question)
    return Response(orjson.dumps(_body(found, place, snapshot)), media_type="application/json")


@dataclass(frozen=True, slots=True)
class _Question:
    place: located.Place
    level: str
    schemes: tuple[str, ...]
    facility_types: tuple[str, ...]
    on: dt.date


#: The location in each scheme, in the order asked for; and the walks to the nearest facilities.
_Found = tuple[dict[str, Location], list[Walk]]


def _schemes(stated_schemes: Sequence[str], level: str) -> tuple[str, ...]:
    names = tuple(coverage_words.listed(stated_schemes)) or (located.SCHEME,)
    if level != "grid" and (len(names) > 1 or ALL in names):
        message = f"Only grids have schemes; ask for one level, or leave out level={level}."
        raise DataError(Fault(kind="parameter-invalid", field="scheme", message=message))
    return names


def _types(stated_types: Sequence[str]) -> tuple[str, ...]:
    types = tuple(coverage_words.listed(stated_types))
    faults = coverage_words.type_faults(types, field="facility_type") if types else []
    if faults:
        raise DataError(faults)
    return types


def _at_once(snapshot: Snapshot, question: _Question) -> _Found | None:
    """Answer from memory; None where something is not there, or must be searched for."""
    names = places.schemes_at_hand(snapshot) if ALL in question.schemes else question.schemes
    if names is None or question.facility_types:
        return None
    locations = {}
    for name in names:
        locator = places.locator_at_hand(snapshot, question.level, name)
        if locator is None:
            return None
        locations[name] = located.locate(locator, question.place, on=question.on)
    return locations, []


def _found(runtime: Runtime, snapshot: Snapshot, question: _Question) -> _Found:
    """Answer from memory or the database, in a thread; walks wait until they can be told."""
    names = places.schemes_at(snapshot) if ALL in question.schemes else question.schemes
    locations = {name: _location(runtime, snapshot, question, name) for name in names}
    return locations, _walks(snapshot, question) if question.facility_types else []


def _location(runtime: Runtime, snapshot: Snapshot, question: _Question, scheme: str) -> Location:
    locator = places.locator_at_hand(snapshot, question.level, scheme)
    if locator is not None:
        return located.locate(locator, question.place, on=question.on)
    with database.translated(), runtime.look_ups() as session:
        found = located.locate_at(
            session,
            snapshot.revision,
            question.place,
            on=question.on,
            level=question.level,
            scheme=scheme,
        )
    if snapshot is runtime.snapshots.fresh():
        places.prepare_locator(snapshot, question.level, scheme)
    return found


def _walks(snapshot: Snapshot, question: _Question) -> list[Walk]:
    try:
        facilities = facilities_at(snapshot)
    except DataError:
        # Whose grid it is can be told in a city without streets, too.
        return [nearest.no_walk(facility_type, "no-street") for facility_type in question.facility_types]
    return nearest.walks(facilities, *question.place, question.facility_types)


def _body(found: _Found, place: StatedPlace, snapshot: Snapshot) -> dict[str, Any]:
    locations, walks = found
    scheme, first = next(iter(locations.items()))
    body: dict[str, Any] = {
        "area": first.area,
        "rule": first.rule,
        "distance_m": first.distance_m,
        "margin_m": first.margin_m,
        "neighbour": first.neighbour,
        "candidates": first.candidates,
        "path": first.path,
        "revision": snapshot.revision,
        "compound": first.compound,
        "building": first.building,
        "old_estate": first.old_estate,
        "posts": first.posts,
        "lon": first.lon,
        "lat": first.lat,
        "datum": place.datum,
        "level": first.level,
        "scheme": scheme,
    }
    if len(locations) > 1:
        body["schemes"] = {name: _in_scheme(location) for name, location in locations.items()}
    if walks:
        body["facilities"] = walks
    return body


def _in_scheme(found: Location) -> dict[str, Any]:
    return {
        "area": found.area,
        "rule": found.rule,
        "distance_m": found.distance_m,
        "margin_m": found.margin_m,
        "neighbour": found.neighbour,
        "candidates": found.candidates,
        "path": found.path,
        "posts": [post for post in found.posts if post.target_layer == "grids"],
    }
