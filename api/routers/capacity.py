"""Whether there is a place for those within a walk."""

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict
from pydantic.config import JsonDict

from api import coverage_measures, provenance, table_formats
from api.access import Permission, needs
from api.coverage_replies import body
from api.coverage_words import asked
from api.dependencies import RuntimeDep, SnapshotAtDep
from api.provenance import Provenance
from api.routers.coverage import FormatDep
from geo import coverage
from geo.coverage import capacity, shares

router = APIRouter(tags=["coverage"])

_EXAMPLE: JsonDict = {
    "code": "510899001001",
    "name": "滨江社区",
    "facility_type": "primary_school",
    "minutes": 10,
    "demand": 10709.0,
    "covered": 4210.0,
    "partial": 1311.0,
    "uncovered": 5188.0,
    "unreachable": 0.0,
    "overloaded": 2050.0,
    "served": 4832.5,
    "placed": 3621.0,
    "turned_away": 1211.5,
    "placed_share": 0.338127,
    "sfca_per_1000": 41.2,
    "budget_m": 750.0,
    "profile": "adult",
    "weight": "people",
}


class CapacityRow(BaseModel):
    """An area: demand = covered + partial + uncovered + unreachable, as in the table of coverage.

    `overloaded` is the part of covered and partial that is compounds of which some within the walk find no place.
    `served` is the weight within a walk; of it `placed` finds a place and `turned_away` none. `sfca_per_1000` is the
    two-step floating catchment score: places within a walk per 1,000, shared among all who can walk to them. At
    `level=compound`, `status` is covered, partial, uncovered, unreachable or overloaded.
    """

    model_config = ConfigDict(extra="allow")

    code: str
    name: str
    facility_type: str
    minutes: int
    demand: float
    covered: float
    partial: float
    uncovered: float
    unreachable: float
    overloaded: float
    served: float
    placed: float
    turned_away: float
    placed_share: float | None
    sfca_per_1000: float | None
    budget_m: float
    profile: str
    weight: str
    status: str | None = None
    estates: str | None = None


class FacilityCapacityRow(BaseModel):
    """A facility, at `level=facility`.

    `served` is the weight within a walk of it, `used` and `free` are places, `full` says that none is free; `capacity`,
    `free` and `per_1000` (places per 1,000 of those within a walk) are null where it is not limited.
    """

    model_config = ConfigDict(extra="allow")

    code: str
    name: str
    facility_type: str
    minutes: int
    capacity: int | None
    served: float
    used: float
    free: float | None
    full: bool
    per_1000: float | None
    budget_m: float
    profile: str
    weight: str


class CapacityTable(BaseModel):
    """Whether there is a place; `without_capacity` counts the facilities that state none, and are not limited."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "revision": 4,
                "level": "community",
                "need": 0.06,
                "rows": [_EXAMPLE],
                "without_capacity": {"primary_school": 2},
                "not_judged": [],
                "faults": [],
            }
        }
    )

    revision: int
    level: str
    need: float
    rows: list[CapacityRow] | list[FacilityCapacityRow]
    without_capacity: dict[str, int]
    not_judged: list[str]
    faults: list[dict[str, Any]]
    provenance: Provenance


def _question(
    *,
    facility_type: Annotated[
        list[str] | None,
        Query(description="keys of /api/facility-types; default: those with a capacity stated"),
    ] = None,
    minutes: Annotated[
        list[str] | None, Query(description="e.g. 5,10,15; default: each type's own circle")
    ] = None,
    level: Annotated[str, Query(description=", ".join(capacity.LEVELS))] = "community",
    profile: Annotated[str, Query(description="adult, elderly or gb50180")] = "adult",
    weight: Annotated[str, Query(description=", ".join(shares.WEIGHTS))] = "people",
    standard: Annotated[
        str | None, Query(description="gb50180: each type against its own service radius")
    ] = None,
    within: Annotated[
        str | None, Query(description="code of an area: only rows in it; the whole city competes")
    ] = None,
    estates: Annotated[
        str | None, Query(description="apart: old estates and the rest of each area in rows of their own")
    ] = None,
    need: Annotated[
        float, Query(description="places that one of the weight needs: 0.06 where 6 people in 100 are pupils")
    ] = 1.0,
) -> tuple[coverage.Query, float]:
    words = {"level": level, "profile": profile, "weight": weight, "standard": standard}
    check = partial(capacity.check, need=need)
    query = asked(facility_type or [], minutes or [], check, **words, within=within, estates=estates)
    return query, need


@router.get(
    "/api/coverage/capacity",
    dependencies=[needs(Permission.READ_LAYERS)],
    summary="Whether there is a place for those within a walk",
    response_model=CapacityTable,
    responses={200: {"content": {media: {} for media in table_formats.FORMATS.values()}}},
)
def get_capacity(
    *,
    snapshot: SnapshotAtDep,
    runtime: RuntimeDep,
    question: Annotated[tuple[coverage.Query, float], Depends(_question)],
    written: FormatDep,
) -> Response:
    """Give the places of facilities to those who live nearest, and say who is covered but finds none.

    A full facility sends those it turns away to the next nearest within the walk. A facility that states no capacity has
    room for all.
    """
    query, need = question
    measured = coverage_measures.places(query, need=need).at(snapshot, runtime.clock)
    written_body = body(written, measured.shown)
    reply = table_formats.reply(
        written_body, written, name=f"coverage-capacity-{query.level}", revision=snapshot.revision
    )
    reply.headers.update(provenance.headers(measured))
    return reply
