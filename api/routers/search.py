"""Places from words, and from pasted coordinates."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict

from api import stated
from api.access import Permission, needs
from api.dependencies import Runtime, RuntimeDep, SessionDep, SnapshotDep
from api.places import areas_at
from api.routers.locate import Instant, Level
from api.schemas import AreaOut, CandidateOut
from geo.crs import Reference
from geo.faults import DataError, Fault
from geo.levels import LEVELS
from layers import search
from layers.located import Areas
from layers.search import Pasted, Reading

router = APIRouter(tags=["locate"])

_MOST = 50
_DEGREES = ((-180.0, 180.0), (-90.0, 90.0))


class ReadingOut(BaseModel):
    """Where pasted coordinates are in one datum, WGS84, and the area there."""

    model_config = ConfigDict(from_attributes=True)

    datum: str
    lon: float
    lat: float
    area: AreaOut | None
    path: list[AreaOut]
    rule: str
    distance_m: float | None
    margin_m: float | None


class CoordinatesOut(BaseModel):
    """Pasted coordinates as understood: `x` is longitude or easting.

    `swapped` tells that latitude was pasted first. `readings` holds one place for each datum that was not ruled
    out by `datum`: it is for a person to say which is meant.
    """

    x: float
    y: float
    swapped: bool
    readings: list[ReadingOut]


class SearchOut(BaseModel):
    """Candidates, best first; `confident` tells that the first may be taken without asking a person."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "revision": 4,
                "level": "grid",
                "confident": True,
                "coordinates": None,
                "candidates": [CandidateOut.model_config["json_schema_extra"]["example"]],  # type: ignore[index]
            }
        }
    )

    revision: int
    level: str
    confident: bool
    coordinates: CoordinatesOut | None
    candidates: list[CandidateOut]


@router.get("/api/search", dependencies=[needs(Permission.READ_LAYERS)], summary="Which place is meant?")
def search_places(
    *,
    runtime: RuntimeDep,
    snapshot: SnapshotDep,
    session: SessionDep,
    q: Annotated[
        str, Query(description="name, address, crossing, code, pinyin, initials or coordinates")
    ] = "",
    limit: Annotated[int, Query(ge=1, le=_MOST, description="candidates at most")] = search.LIMIT,
    near: Annotated[
        str | None,
        Query(description="lon,lat (WGS84) the caller is thought to be near to, such as the map's middle"),
    ] = None,
    level: Level = "grid",
    datum: Annotated[
        str | None, Query(description="what coordinates in `q` are stated in; asked for if missing")
    ] = None,
    at: Instant = None,
) -> SearchOut:
    """Return the places that a text may mean, best first, each with its area by the rules of `/api/locate`.

    `kind` says how a place was told: `feature` and `code` (a feature's name or code), `door` (a registered house
    or building number), `between` and `nearest` (a house number placed among known ones), `street` (its middle),
    `crossing`, or `coordinate`. `uncertainty_m` is how far from `lon`, `lat` the place meant may be.

    Coordinates without `datum` give no candidate: `coordinates.readings` shows the place in each datum, since a
    wrong one moves it by up to 1.1 km.
    """
    phrase, instant, known_level, around, reference = stated.together(
        lambda: search.parse(q),
        lambda: stated.instant(at, runtime.settings.timezone) if at else None,
        lambda: stated.choice(level, LEVELS, "level"),
        lambda: _near(near),
        lambda: _reference(datum, runtime),
    )
    if instant is not None:
        snapshot = runtime.snapshots.at(instant)
    areas = areas_at(snapshot, known_level)
    answer: dict[str, Any] = {"revision": snapshot.revision, "level": known_level, "coordinates": None}
    if phrase.coordinates is not None:
        return SearchOut(**answer | _pasted(phrase.coordinates, areas, reference))
    found = search.find(session, snapshot.revision, q, limit=limit, near=around, areas=areas)
    return SearchOut(
        **answer,
        confident=search.confident(found) is not None,
        candidates=[CandidateOut.of(hit) for hit in found],
    )


def _pasted(pasted: Pasted, areas: Areas, reference: Reference | None) -> dict[str, Any]:
    readings, swapped = search.readings(pasted, areas, reference)
    if not readings:
        raise DataError(_no_place(pasted, reference))
    x, y = (pasted.y, pasted.x) if swapped else (pasted.x, pasted.y)
    shown = [ReadingOut.model_validate(reading) for reading in readings]
    return {
        "coordinates": CoordinatesOut(x=x, y=y, swapped=swapped, readings=shown),
        "confident": False,
        "candidates": [_coordinate(readings[0], f"{x:.10g}, {y:.10g}")] if reference else [],
    }


def _coordinate(reading: Reading, name: str) -> CandidateOut:
    return CandidateOut.model_validate(
        {
            **asdict(reading),
            "layer": None,
            "code": "",
            "name": name,
            "kind": "coordinate",
            "matched": name,
            "reasons": {"zh": [f"坐标（{reading.datum}）"], "en": [f"coordinates ({reading.datum})"]},
            "score": 1.0,
            "uncertainty_m": 0.0,
        }
    )


def _no_place(pasted: Pasted, reference: Reference | None) -> Fault:
    given = f"({pasted.x:.10g}, {pasted.y:.10g})"
    if reference is None:
        message = f"{given} are no degrees: state the CRS of these metres, such as datum=EPSG:4547."
        return Fault(kind="datum-missing", field="datum", message=message)
    message = f"{given} does not exist in {reference.name}."
    return Fault(kind="coordinate-out-of-range", field="q", message=message)


def _reference(datum: str | None, runtime: Runtime) -> Reference | None:
    if datum is None and runtime.settings.default_datum is None:
        return None
    return stated.reference(datum, runtime.settings)


def _near(text: str | None) -> tuple[float, float] | None:
    if text is None:
        return None
    try:
        lon, lat = (float(part) for part in text.split(","))
    except ValueError:
        lon = lat = float("nan")
    if not all(least <= value <= most for value, (least, most) in zip((lon, lat), _DEGREES, strict=True)):
        message = f"{text!r} is no place; write lon,lat in degrees, WGS84."
        raise DataError(Fault(kind="parameter-invalid", field="near", message=message))
    return lon, lat
