"""Which area a place belongs to: one place from memory, or a file of places."""

import datetime as dt
from dataclasses import dataclass, fields
from typing import Annotated
from zoneinfo import ZoneInfo

import orjson
from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict
from starlette.concurrency import run_in_threadpool

from api import stated
from api.access import Permission, needs
from api.dependencies import Runtime, RuntimeDep, SnapshotDep
from api.snapshots import Snapshot
from geo.levels import LEVELS
from layers import database, located
from layers.database import Session
from layers.located import Areas, Location

router = APIRouter(tags=["locate"])


class AreaOut(BaseModel):
    """An area of one of the four levels."""

    model_config = ConfigDict(from_attributes=True)

    code: str
    name: str
    level: str


class CompoundOut(BaseModel):
    """The compound at the place."""

    model_config = ConfigDict(from_attributes=True)

    code: str
    name: str
    form: str | None


class PostOut(BaseModel):
    """Somebody who answers for the grid or the compound; both ends of the term are included."""

    model_config = ConfigDict(from_attributes=True)

    role: str
    name: str
    phone: str | None
    target_layer: str
    target_code: str
    valid_from: dt.date | None
    valid_to: dt.date | None


class LocationOut(BaseModel):
    """Where a place belongs, and why.

    `distance_m` is stated for rule `nearest`, `margin_m` (to the border) for `inside`; on a border it is 0.
    """

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "example": {
                "area": {"code": "510899001001003", "name": "第三网格", "level": "grid"},
                "rule": "inside",
                "distance_m": None,
                "margin_m": 41.27,
                "candidates": ["510899001001003"],
                "path": [
                    {"code": "510899", "name": "示范区", "level": "district"},
                    {"code": "510899001", "name": "东坝街道", "level": "subdistrict"},
                    {"code": "510899001001", "name": "滨江社区", "level": "community"},
                    {"code": "510899001001003", "name": "第三网格", "level": "grid"},
                ],
                "revision": 4,
                "compound": {"code": "510899001001C01", "name": "滨江花园", "form": "managed"},
                "posts": [
                    {
                        "role": "网格长",
                        "name": "王芳",
                        "phone": "0839-5550101",
                        "target_layer": "grids",
                        "target_code": "510899001001003",
                        "valid_from": "2026-01-01",
                        "valid_to": None,
                    }
                ],
                "lon": 105.845,
                "lat": 32.4337,
                "datum": "wgs84",
                "level": "grid",
                "scheme": "governance",
            }
        },
    )

    area: AreaOut | None
    rule: str
    distance_m: float | None
    margin_m: float | None
    candidates: list[str]
    path: list[AreaOut]
    revision: int
    compound: CompoundOut | None
    posts: list[PostOut]
    lon: float
    lat: float
    datum: str
    level: str
    scheme: str


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
    faults = stated.Faults()
    place = faults.reading(lambda: stated.place(lon, lat, datum, runtime.settings))
    known_level = faults.reading(lambda: stated.choice(level, LEVELS, "level"))
    instant = faults.reading(lambda: stated.instant(at, runtime.settings.timezone)) if at else None
    faults.check()
    assert place is not None  # noqa: S101 - checked above
    assert known_level is not None  # noqa: S101 - checked above
    if instant is not None:
        snapshot = await run_in_threadpool(runtime.snapshots.at, instant)
    on = (instant or runtime.clock()).astimezone(ZoneInfo(runtime.settings.timezone)).date()
    question = _Question((place.lon, place.lat), known_level, scheme, on)
    if _at_hand(snapshot, question):
        found = _from_memory(snapshot, runtime, question)
    else:
        answer = _from_memory if at is None else _from_database
        found = await run_in_threadpool(answer, snapshot, runtime, question)
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


def areas_model(snapshot: Snapshot, runtime: Runtime, level: str, scheme: str) -> Areas:
    """Return the areas of a level at a snapshot, kept in memory while they stay as they are."""
    tolerance_m = runtime.settings.tolerance_m

    def load(session: Session, revision: int) -> Areas:
        return located.load_areas(session, revision, level=level, scheme=scheme, tolerance_m=tolerance_m)

    return snapshot.model(("areas", level, scheme), layers=located.layers_of(level), load=load)


def _at_hand(snapshot: Snapshot, question: _Question) -> bool:
    return (
        snapshot.has(("areas", question.level, question.scheme), layers=located.layers_of(question.level))
        and snapshot.has("compounds", layers=("compounds",))
        and snapshot.has("posts", layers=("posts",))
    )


def _from_memory(snapshot: Snapshot, runtime: Runtime, question: _Question) -> Location:
    areas = areas_model(snapshot, runtime, question.level, question.scheme)
    compounds = snapshot.model("compounds", layers=("compounds",), load=located.load_compounds)
    posts = snapshot.model("posts", layers=("posts",), load=located.load_posts)
    return located.locate(areas, compounds, posts, question.place, on=question.on)


def _from_database(snapshot: Snapshot, runtime: Runtime, question: _Question) -> Location:
    with database.translated(), runtime.sessions() as session:
        return located.locate_at(
            session,
            snapshot.revision,
            question.place,
            on=question.on,
            level=question.level,
            scheme=question.scheme,
            tolerance_m=runtime.settings.tolerance_m,
        )
