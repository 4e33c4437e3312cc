"""Who is within a walk of what: a table by area and facility type."""

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Header, Query
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict
from pydantic.config import JsonDict

from api import coverage_words, table_formats
from api.access import Permission, needs
from api.cities import city_at, coverage_at
from api.coverage_words import asked
from api.dependencies import SnapshotDep
from geo import circles, coverage
from geo.city import City
from layers.files import tables

router = APIRouter(tags=["coverage"])

_EXAMPLE_ROW: JsonDict = {
    "code": "510899001001",
    "name": "滨江社区",
    "facility_type": "fresh_market",
    "minutes": 10,
    "method": "network",
    "demand": 10709.0,
    "covered": 4210.0,
    "partial": 1311.0,
    "uncovered": 5188.0,
    "unreachable": 0.0,
    "covered_share": 0.393127,
    "served_share": 0.451302,
    "budget_m": 750.0,
    "profile": "adult",
    "weight": "people",
}


class CoverageRow(BaseModel):
    """One area, one facility type, one budget, one method.

    demand = covered + partial + uncovered + unreachable, in whole compound weights. `covered_share` is covered /
    demand, `served_share` counts a partly reached compound by the share of its entrances (or border) that is
    reached; both are null where there is no demand. `mandatory` stands under `standard` only: whether it demands
    the type.
    """

    code: str
    name: str
    facility_type: str
    minutes: int
    method: str
    demand: float
    covered: float
    partial: float
    uncovered: float
    unreachable: float
    covered_share: float | None
    served_share: float | None
    budget_m: float
    profile: str
    weight: str
    mandatory: bool | None = None
    demand_from: str | None = None


class CoverageTable(BaseModel):
    """A table of coverage.

    `demand_from` counts the compounds by where their people or households are from: `compound` (stated),
    `buildings` (the sum of its buildings), `buildings-part` (some of these state none) or `none`.
    `not_judged` lists types without a service radius under `standard`; `faults` names compounds that count
    for nothing, with the reason.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "revision": 4,
                "level": "community",
                "rows": [_EXAMPLE_ROW],
                "demand_from": {"compound": 895},
                "not_judged": [],
                "faults": [],
            }
        }
    )

    revision: int
    level: str
    rows: list[CoverageRow]
    demand_from: dict[str, int]
    not_judged: list[str]
    faults: list[dict[str, Any]]


@router.get(
    "/api/coverage",
    dependencies=[needs(Permission.READ_LAYERS)],
    summary="Coverage of areas by facilities within a walk",
    response_model=CoverageTable,
    responses={200: {"content": {media: {} for media in table_formats.FORMATS.values()}}},
)
def get_coverage(
    *,
    snapshot: SnapshotDep,
    facility_type: Annotated[
        list[str] | None,
        Query(description="keys of /api/facility-types, repeated or with commas; default: all"),
    ] = None,
    minutes: Annotated[
        list[str] | None, Query(description="e.g. 5,10,15; default: each type's own circle")
    ] = None,
    level: Annotated[str, Query(description=", ".join(coverage.TABLE_LEVELS))] = "community",
    profile: Annotated[
        str, Query(description="adult 1.25 m/s, elderly 0.8 m/s, gb50180: the standard's distances")
    ] = "adult",
    method: Annotated[
        str, Query(description="network: along streets; circle: straight, which overstates; both")
    ] = "network",
    weight: Annotated[str, Query(description=", ".join(coverage.WEIGHTS) + " (m²)")] = "people",
    standard: Annotated[
        str | None, Query(description="gb50180: each type against its own service radius")
    ] = None,
    within: Annotated[str | None, Query(description="code of an area: only areas in it")] = None,
    format: Annotated[  # noqa: A002 - the parameter's name
        str | None, Query(description=table_formats.DESCRIPTION)
    ] = None,
    accept: Annotated[str, Header(include_in_schema=False)] = "*/*",
) -> Response:
    """Say which share of people, homes, compounds or land has each facility type within a walk along streets.

    All figures are of one revision, named in the reply. Formats: JSON, CSV, XLSX, and GeoJSON with the areas.
    """
    written = table_formats.choose(format, accept)
    query = asked(
        facility_type or [],
        minutes or [],
        level=level,
        profile=profile,
        method=method,
        weight=weight,
        standard=standard,
        within=within,
    )
    answer = coverage_at(snapshot, query)
    body = _body(written, answer, query, snapshot.revision, city_at(snapshot))
    return table_formats.reply(body, written, name=f"coverage-{query.level}", revision=snapshot.revision)


class FacilityType(BaseModel):
    """A facility type; `circle` is 5, 10, 15 or block, `service_radius_m` the standard's, in metres."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "key": "primary_school",
                "zh": "小学",
                "en": "primary school",
                "domain": "education",
                "element": "教",
                "circle": "10",
                "service_radius_m": 500.0,
                "mandatory_levels": "10",
                "optional_levels": "",
                "confidence": "corroborated",
            }
        }
    )

    key: str
    zh: str
    en: str
    domain: str
    element: str
    circle: str
    service_radius_m: float | None
    mandatory_levels: str
    optional_levels: str
    confidence: str


class FacilityTypes(BaseModel):
    """Every known facility type, and the walking profiles with their metres for 5, 10 and 15 minutes."""

    facility_types: list[FacilityType]
    profiles: dict[str, dict[int, float]]


@router.get(
    "/api/facility-types",
    dependencies=[needs(Permission.READ_LAYERS)],
    summary="Facility types and walking profiles",
)
def get_facility_types() -> FacilityTypes:
    """List the catalogue: which circle serves each type, and how sure its radius is."""
    profiles = {
        profile: {minutes: circles.budget_m(profile, minutes) for minutes in circles.GB50180_M}
        for profile in circles.PROFILES
    }
    rows = tables.records(coverage_words.catalogue().reset_index())
    return FacilityTypes(facility_types=[FacilityType.model_validate(row) for row in rows], profiles=profiles)


def _body(written: str, answer: coverage.Answer, query: coverage.Query, revision: int, city: City) -> bytes:
    fewer = "fewer facility types or minutes, for a part of the city with within, or for csv"
    table_formats.check_size(written, len(answer.table), otherwise=fewer)
    if written == "csv":
        return tables.to_csv(answer.table)
    if written == "xlsx":
        return tables.to_xlsx(
            answer.table, titles=coverage_words.TITLES, notes=coverage_words.notes(answer, query, revision)
        )
    about = {
        "revision": revision,
        "level": query.level,
        "demand_from": answer.demand_from,
        "not_judged": list(answer.not_judged),
        "faults": [fault.as_dict() for fault in answer.faults],
    }
    if written == "geojson":
        return tables.to_geojson(coverage.with_areas(city, query.level, answer.table), extra=about)
    return orjson.dumps({**about, "rows": tables.records(answer.table)})
