"""Facilities, and the circle of each."""

from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict

from api.access import Permission, needs
from api.cities import city_at
from api.coverage_words import type_faults, whole_numbers
from api.dependencies import SnapshotAtDep
from geo.coverage import circles, life_circle, reasons
from geo.faults import DataError, Fault
from layers.errors import NotFound
from layers.facilities import LAYERS, Filter, load_directory
from layers.files import tables

router = APIRouter(tags=["facilities"])

GEOJSON = "application/geo+json"


class FacilityOut(BaseModel):
    """A facility; `lon`, `lat` is the place that is served, EPSG:4326."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "id": "0b0d7a3e-0d5c-5a44-9d3c-6c1d6c3c1f00",
                "code": "F000123",
                "name": "东坝菜市场",
                "type": "fresh_market",
                "address": "滨江路12号",
                "capacity": None,
                "lon": 105.8431,
                "lat": 32.4362,
            }
        }
    )

    id: str
    code: str
    name: str
    type: str
    address: str | None
    capacity: int | None
    lon: float
    lat: float


class FacilityList(BaseModel):
    """A page of facilities, by code; `next` is the path of the next page, null on the last."""

    revision: int
    facilities: list[FacilityOut]
    next: str | None


class CircleFeature(BaseModel):
    """One budget; properties: facility, code, name, type, minutes, budget_m, method, profile, area_m2, circle_share."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "type": "Feature",
                "properties": {
                    "code": "SS00012",
                    "name": "礼池社区卫生服务站",
                    "type": "community_health_station",
                    "minutes": 10,
                    "budget_m": 750.0,
                    "method": "network",
                    "profile": "adult",
                    "area_m2": 912004.0,
                    "circle_share": 0.516,
                },
                "geometry": {
                    "type": "MultiPolygon",
                    "coordinates": [[[[105.41, 32.01], [105.43, 32.01], [105.42, 32.03], [105.41, 32.01]]]],
                },
            }
        }
    )

    type: str
    properties: dict[str, Any]
    geometry: dict[str, Any] | None


class CircleCollection(BaseModel):
    """GeoJSON (RFC 7946) with the revision it was computed at; `faults` says why a walk reaches nothing."""

    type: str
    revision: int
    faults: list[dict[str, Any]]
    features: list[CircleFeature]


@router.get("/api/facilities", dependencies=[needs(Permission.READ_LAYERS)], summary="List facilities")
def list_facilities(
    *,
    snapshot: SnapshotAtDep,
    type: Annotated[str | None, Query(description="key of /api/facility-types")] = None,  # noqa: A002 - the parameter's name
    within: Annotated[str | None, Query(description="code of an area")] = None,
    bbox: Annotated[str | None, Query(description="lon min, lat min, lon max, lat max; EPSG:4326")] = None,
    after: Annotated[str | None, Query(description="only codes above this one")] = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="facilities a page")] = 100,
) -> FacilityList:
    """Return facilities by code, a page at a time."""
    faults = [] if type is None else type_faults([type], field="type")
    box, box_faults = _box(bbox)
    if faults or box_faults:
        raise DataError([*faults, *box_faults])
    directory = snapshot.model("facilities", layers=LAYERS, load=load_directory)
    found = directory.page(Filter(type=type, within=within, bbox=box), after=after, limit=limit + 1)
    rows = tables.records(found.iloc[:limit].reset_index()[list(FacilityOut.model_fields)])
    asked = {"type": type, "within": within, "bbox": bbox, "limit": limit}
    return FacilityList(
        revision=snapshot.revision,
        facilities=[FacilityOut.model_validate(row) for row in rows],
        next=_next(rows[-1]["code"], asked) if len(found) > limit else None,
    )


@router.get(
    "/api/facilities/{id}/circle",
    dependencies=[needs(Permission.READ_LAYERS)],
    summary="What is within a walk of a facility",
    response_model=CircleCollection,
    responses={200: {"content": {GEOJSON: {}}}},
)
def get_circle(
    *,
    id: Annotated[UUID, Path(description="`id` of a facility")],  # noqa: A002 - the parameter's name
    snapshot: SnapshotAtDep,
    minutes: Annotated[
        list[str] | None, Query(description="e.g. 10,15; default: the circle of the facility's type")
    ] = None,
    profile: Annotated[str, Query(description=", ".join(circles.PROFILES))] = "adult",
    method: Annotated[str, Query(description="network: along streets; circle: straight; both")] = "network",
) -> Response:
    """Draw one feature a budget, the largest first; `circle_share` is its area as a share of the straight circle's."""
    budgets, faults = whole_numbers(minutes or [], field="minutes")
    faults += circles.profile_faults(profile, budgets) + circles.word_faults(
        "method", method, circles.METHODS
    )
    if faults:
        raise DataError(faults)
    city = city_at(snapshot)
    row = city.facilities.index.get_indexer([str(id)])[0]
    if row < 0:
        raise NotFound(f"There is no facility {id} at revision {snapshot.revision}.")
    facility = city.facilities.iloc[row]
    budgets = budgets or [circles.own_minutes(city.types.loc[facility["type"]])]
    drawn = life_circle.draw(city, row, minutes=budgets, profile=profile, method=method)
    known = {
        "facility": str(id),
        "code": facility["code"],
        "name": facility["name"],
        "type": facility["type"],
    }
    faults = reasons.of_facility(city, row) if method != "circle" else []
    said = {"revision": snapshot.revision, "faults": [fault.as_dict() for fault in faults]}
    body = tables.to_geojson(drawn.assign(**known, profile=profile), extra=said)
    return Response(body, media_type=GEOJSON, headers={"Wangge-Revision": str(snapshot.revision)})


def _box(bbox: str | None) -> tuple[tuple[float, float, float, float] | None, list[Fault]]:
    if bbox is None:
        return None, []
    try:
        west, south, east, north = (float(side) for side in bbox.split(","))
    except ValueError:
        west, south, east, north = (float("nan"),) * 4
    if -180 <= west <= east <= 180 and -90 <= south <= north <= 90:  # noqa: PLR2004 - the world
        return (west, south, east, north), []
    message = f"{bbox!r} is no box: state lon min, lat min, lon max, lat max in degrees."
    return None, [Fault(kind="parameter-invalid", field="bbox", message=message)]


def _next(after: str, asked: dict[str, Any]) -> str:
    stated = {name: value for name, value in asked.items() if value is not None}
    return f"/api/facilities?{urlencode({**stated, 'after': after})}"
