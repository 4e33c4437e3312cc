"""Which area a place belongs to: one place, from memory."""

import datetime as dt
from dataclasses import dataclass, fields
from functools import partial
from typing import Annotated
from zoneinfo import ZoneInfo

import orjson
from fastapi import APIRouter, Query
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from api import stated
from api.access import Permission, needs
from api.dependencies import Runtime, RuntimeDep, SnapshotDep
from api.places import areas_at, at_hand, compounds_at, posts_at
from api.schemas import LocationOut
from api.snapshots import Snapshot
from geo.levels import LEVELS
from layers import database, located
from layers.located import Location

router = APIRouter(tags=["locate"])

Number = Annotated[
    str | None, Query(json_schema_extra={"anyOf": [{"type": "number"}]}, description="as `datum` says")
]
Datum = Annotated[
    str | None,
    Query(description="wgs84, cgcs2000, gcj02, bd09, an EPSG code, WKT/PROJ text or a configured local CRS"),
]
Level = Annotated[str, Query(description=f"one of {', '.join(LEVELS)}")]
Scheme = Annotated[str, Query(description="which grids, for level grid")]


@router.get(
    "/api/locate",
    dependencies=[needs(Permission.READ_LAYERS)],
    response_model=LocationOut,
    summary="Which area is here?",
)
async def locate(
    *,
    runtime: RuntimeDep,
    snapshot: SnapshotDep,
    lon: Number = None,
    lat: Number = None,
    datum: Datum = None,
    level: Level = "grid",
    scheme: Scheme = located.SCHEME,
    at: Annotated[
        str | None, Query(description="instant (RFC 3339) or date whose answer is wanted; now by default")
    ] = None,
) -> Response:
    """Return exactly one area and the rule that chose it, or rule `none`; with the compound and the team.

    `lon`, `lat` are easting and northing when `datum` names a projected CRS. The reply's own `lon`, `lat` are
    WGS84. Answers come from memory, except those of a past instant.
    """
    place, known_level, instant = stated.together(
        lambda: stated.place(lon, lat, datum, runtime.settings),
        lambda: stated.choice(level, LEVELS, "level"),
        lambda: stated.instant(at, runtime.settings.timezone) if at else None,
    )
    if instant is not None:
        snapshot = await run_in_threadpool(runtime.snapshots.at, instant)
    on = (instant or runtime.clock()).astimezone(ZoneInfo(runtime.settings.timezone)).date()
    question = _Question((place.lon, place.lat), known_level, scheme, on)
    if at_hand(snapshot, question.level, question.scheme):
        found = _from_memory(snapshot, question)
    else:
        answer = partial(_from_database, runtime) if at else _from_memory
        found = await run_in_threadpool(answer, snapshot, question)
    body = {
        **{name: getattr(found, name) for name in _COPIED},
        "revision": snapshot.revision,
        "datum": place.datum,
        "scheme": scheme,
    }
    return Response(orjson.dumps(body), media_type="application/json")


_COPIED = tuple(field.name for field in fields(Location))


@dataclass(frozen=True, slots=True)
class _Question:
    place: tuple[float, float]
    level: str
    scheme: str
    on: dt.date


def _from_memory(snapshot: Snapshot, question: _Question) -> Location:
    areas = areas_at(snapshot, question.level, question.scheme)
    compounds, posts = compounds_at(snapshot), posts_at(snapshot)
    return located.locate(areas, compounds, posts, question.place, on=question.on)


def _from_database(runtime: Runtime, snapshot: Snapshot, question: _Question) -> Location:
    with database.translated(), runtime.look_ups() as session:
        return located.locate_at(
            session,
            snapshot.revision,
            question.place,
            on=question.on,
            level=question.level,
            scheme=question.scheme,
        )
