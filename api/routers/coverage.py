"""Who is within a walk of what: a table by area and facility type."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict
from pydantic.config import JsonDict

from api import coverage_words, provenance, stated, table_formats, waiting
from api.access import Caller, Permission, needs
from api.cities import city_at
from api.coverage_replies import Shown, body
from api.coverage_results import Found
from api.coverage_words import asked
from api.dependencies import RuntimeDep, SnapshotAtDep
from api.preferences import PreferencesDep
from api.provenance import Provenance
from api.routers.jobs import JobOut, accepted, address
from api.snapshots import Snapshot
from api.web import replies
from geo import coverage
from geo.coverage import circles, comparison
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
    "mean_min": 11.42,
    "p90_min": 18.9,
    "cannot_reach": 0.0,
    "budget_m": 750.0,
    "profile": "adult",
    "weight": "people",
}


class CoverageRow(BaseModel):
    """One area, one facility type, one budget, one method.

    demand = covered + partial + uncovered + unreachable, in whole compound weights. `covered_share` is covered /
    demand, `served_share` counts a partly reached compound by the share of its entrances (or border) that is
    reached; both are null where there is no demand.

    `mean_min` and `p90_min` are the mean and the 90th percentile of the walk to the nearest facility of the type, however
    far, over the demand that can walk to one; `cannot_reach` is the weight of the rest. Null for circles and land.

    With `standard`: `mandatory`, whether it demands the type within `minutes`, and `mandatory_levels`, all circles it is
    demanded in. With `method=both`, in the rows of circles: `overstated`, what the circle covers beyond the streets, and
    `overstated_share` of the demand. With `estates=apart`: `estates`, whether the row is the area's old estates
    (`old_estate`) or the rest (`other`). With `level=old_estate`: what is known of the estate.
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
    mean_min: float | None
    p90_min: float | None
    cannot_reach: float | None
    budget_m: float
    profile: str
    weight: str
    mandatory: bool | None = None
    mandatory_levels: str | None = None
    demand_from: str | None = None
    overstated: float | None = None
    overstated_share: float | None = None
    estates: str | None = None
    built_year: int | None = None
    works: str | None = None
    department: str | None = None


class Overstatement(BaseModel):
    """What circles cover beyond the streets, over all areas of the table; the factor is null where streets cover none."""

    facility_type: str
    minutes: int
    budget_m: float
    demand: float
    network_covered: float
    circle_covered: float
    overstated: float
    overstated_share: float | None
    overstated_factor: float | None


class CoverageTable(BaseModel):
    """A table of coverage.

    `overstatement` is stated with `method=both`.
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
                "overstatement": [],
                "demand_from": {"compound": 895},
                "not_judged": [],
                "faults": [],
            }
        }
    )

    revision: int
    level: str
    rows: list[CoverageRow]
    overstatement: list[Overstatement]
    demand_from: dict[str, int]
    not_judged: list[str]
    faults: list[dict[str, Any]]
    provenance: Provenance


class CoverageChanges(BaseModel):
    """A table of changes: in each row every figure of `CoverageRow` as `_before`, `_after` and `_change`."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "revision": 4,
                "since_revision": 2,
                "level": "community",
                "rows": [
                    {
                        "code": "510899001001",
                        "name": "滨江社区",
                        "facility_type": "fresh_market",
                        "minutes": 10,
                        "method": "network",
                        "profile": "adult",
                        "weight": "people",
                        "covered_before": 4210.0,
                        "covered_after": 6105.0,
                        "covered_change": 1895.0,
                    }
                ],
                "demand_from": {"compound": 34},
                "not_judged": [],
                "faults": [],
            }
        }
    )

    revision: int
    since_revision: int
    level: str
    rows: list[dict[str, Any]]
    demand_from: dict[str, int]
    not_judged: list[str]
    faults: list[dict[str, Any]]
    provenance: Provenance
    since_provenance: Provenance


def _question(
    *,
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
    estates: Annotated[
        str | None, Query(description="apart: old estates and the rest of each area in rows of their own")
    ] = None,
) -> coverage.Query:
    words = {"level": level, "profile": profile, "method": method, "weight": weight}
    chosen = {"standard": standard, "within": within, "estates": estates}
    return asked(facility_type or [], minutes or [], **words, **chosen)


def _written(
    format: Annotated[  # noqa: A002 - the parameter's name
        str | None, Query(description=table_formats.DESCRIPTION)
    ] = None,
    accept: Annotated[str, Header(include_in_schema=False)] = "*/*",
) -> str:
    return table_formats.choose(format, accept)


QuestionDep = Annotated[coverage.Query, Depends(_question)]
FormatDep = Annotated[str, Depends(_written)]


@router.get(
    "/api/coverage",
    summary="Coverage of areas by facilities within a walk",
    response_model=CoverageTable,
    responses={
        200: {"content": {media: {} for media in table_formats.FORMATS.values()}},
        202: {"model": JobOut, "description": "Asked to respond-async: a job works it out"},
    },
)
def get_coverage(
    *,
    request: Request,
    snapshot: SnapshotAtDep,
    runtime: RuntimeDep,
    query: QuestionDep,
    written: FormatDep,
    preferences: PreferencesDep,
    caller: Annotated[Caller, needs(Permission.READ_LAYERS)],
) -> Response:
    """Say which share of people, homes, compounds or land has each facility type within a walk along streets.

    All figures are of one revision, named in the reply. Formats: JSON, CSV, XLSX, and GeoJSON with the areas. An answer is
    worked out once for the layers and settings it comes from, and kept. With `Prefer: respond-async` one that is not kept
    becomes a job: 202, and `Location` tells how far it is.
    """
    found = runtime.results.at_hand(snapshot, query)
    if found is None and preferences.respond_async:
        asked_for = waiting.Question(snapshot, query, address(request), caller)
        job = waiting.queued(runtime, asked_for, preferences)
        if job is not None:
            return accepted(job)
    found = found or runtime.results.to(snapshot, query)

    def write() -> bytes:
        return body(written, _shown(found, snapshot, query, written))

    headers = table_formats.headers(written, name=f"coverage-{query.level}", revision=snapshot.revision)
    media_type = table_formats.media_type(written)
    if found.kept and written != "xlsx":
        kept = runtime.bodies.get((found.basis.key, snapshot.revision, written), write)
        reply = replies.packed(request, kept, media_type=media_type)
        headers["Vary"] += ", Accept-Encoding"
    else:
        reply = Response(write(), media_type=media_type)
    reply.headers.update(headers | provenance.headers(found))
    return reply


def _shown(found: Found, snapshot: Snapshot, query: coverage.Query, written: str) -> Shown:
    """Lay a table out; what only some formats have is made for these."""
    answer = found.answer
    about = _about(answer, query, snapshot.revision)
    about |= {"overstatement": tables.records(answer.overstatement), "provenance": provenance.document(found)}
    notes: list[tuple[str, str]] = []
    if written == "xlsx":
        notes = coverage_words.notes(answer, query, snapshot.revision) + provenance.notes(found)
    cities = [city_at(snapshot)] if written == "geojson" else []
    return Shown(answer.table, coverage_words.TITLES, notes, about, cities, query.level)


@router.get(
    "/api/coverage/changes",
    dependencies=[needs(Permission.READ_LAYERS)],
    summary="What became of the coverage since a date",
    response_model=CoverageChanges,
    responses={200: {"content": {media: {} for media in table_formats.FORMATS.values()}}},
)
def get_coverage_changes(
    *,
    snapshot: SnapshotAtDep,
    runtime: RuntimeDep,
    query: QuestionDep,
    written: FormatDep,
    since: Annotated[str, Query(description="instant (RFC 3339) or date that is compared with")],
) -> Response:
    """Put the coverage of two instants side by side: each figure before, after, and its change.

    Both are worked out on the streets, homes, facilities and areas of their own revision. An area that one side
    does not have has no figures there.
    """
    earlier = runtime.snapshots.at(stated.instant(since, runtime.settings.timezone, field="since"))
    before, after = runtime.results.to(earlier, query), runtime.results.to(snapshot, query)
    table = comparison.compare(before.answer.table, after.answer.table)
    about = _about(after.answer, query, snapshot.revision) | {
        "since_revision": earlier.revision,
        "provenance": provenance.document(after),
        "since_provenance": provenance.document(before),
    }
    notes = [
        ("自修订 since", str(earlier.revision)),
        *coverage_words.notes(after.answer, query, snapshot.revision),
        *provenance.notes(after),
        *((f"对比方 before: {name}", value) for name, value in provenance.notes(before)),
    ]
    cities = [city_at(snapshot), city_at(earlier)] if written == "geojson" else []
    shown = Shown(table, coverage_words.changes_titles(), notes, about, cities, query.level)
    name = f"coverage-changes-{query.level}"
    return table_formats.reply(body(written, shown), written, name=name, revision=snapshot.revision)


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


def _about(answer: coverage.Answer, query: coverage.Query, revision: int) -> dict[str, Any]:
    return {
        "revision": revision,
        "level": query.level,
        "demand_from": answer.demand_from,
        "not_judged": list(answer.not_judged),
        "faults": [fault.as_dict() for fault in answer.faults],
    }
