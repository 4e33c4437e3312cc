"""The ten elements of a life circle: what each compound reaches, and how complete that makes its areas."""

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
from geo.coverage import elements, shares

router = APIRouter(tags=["coverage"])

_EXAMPLE: JsonDict = {
    "code": "510899001001",
    "name": "滨江社区",
    "minutes": 15,
    "method": "network",
    "demand": 10709.0,
    "unreachable": 0.0,
    "complete": 4210.0,
    "complete_share": 0.393127,
    "score": 8.4,
    "party": 1.0,
    "government": 0.4,
    "residents": 1.0,
    "medical": 1.0,
    "elderly": 1.0,
    "education": 1.0,
    "culture": 1.0,
    "sport": 1.0,
    "leisure": 0.0,
    "commerce": 1.0,
    "missing": "娱",
    "partial": "政",
    "profile": "adult",
    "weight": "people",
}


class ElementsRow(BaseModel):
    """The elements of one area, old estate or compound.

    The column of an element is the share of the demand that reaches some facility type of it; `score` is their sum, 0
    to 10. `missing` are elements that nobody reaches, `partial` those that some do. `complete` is the weight of the
    compounds that reach all ten from all their entrances. Of compounds the shares are those of its entrances; of areas
    without demand they and the score are null. `minutes` is null where each type is asked for its own circle.
    """

    code: str
    name: str
    minutes: int | None
    method: str
    demand: float
    unreachable: float
    complete: float
    complete_share: float | None
    score: float | None
    party: float | None
    government: float | None
    residents: float | None
    medical: float | None
    elderly: float | None
    education: float | None
    culture: float | None
    sport: float | None
    leisure: float | None
    commerce: float | None
    missing: str
    partial: str
    profile: str
    weight: str
    estates: str | None = None
    built_year: int | None = None
    works: str | None = None
    department: str | None = None


class ElementOut(BaseModel):
    """An element: the word of the catalogue, its column, and the facility types that serve it."""

    element: str
    key: str
    facility_types: list[str]


class ElementsTable(BaseModel):
    """How complete life circles are; `faults` names compounds that count for nothing, with the reason."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "revision": 4,
                "level": "community",
                "rows": [_EXAMPLE],
                "elements": [{"element": "党", "key": "party", "facility_types": ["party_service_center"]}],
                "faults": [],
            }
        }
    )

    revision: int
    level: str
    rows: list[ElementsRow]
    elements: list[ElementOut]
    faults: list[dict[str, Any]]
    provenance: Provenance


def _question(
    *,
    minutes: Annotated[
        list[str] | None, Query(description="e.g. 15; default: each facility type within its own circle")
    ] = None,
    level: Annotated[str, Query(description=", ".join(coverage.TABLE_LEVELS))] = "community",
    profile: Annotated[str, Query(description="adult, elderly or gb50180")] = "adult",
    method: Annotated[str, Query(description="network, circle or both")] = "network",
    weight: Annotated[str, Query(description=", ".join(shares.WEIGHTS))] = "people",
    within: Annotated[str | None, Query(description="code of an area: only areas in it")] = None,
    estates: Annotated[
        str | None, Query(description="apart: old estates and the rest of each area in rows of their own")
    ] = None,
) -> coverage.Query:
    words = {"level": level, "profile": profile, "method": method, "weight": weight}
    return asked([], minutes or [], elements.check, **words, within=within, estates=estates)


@router.get(
    "/api/coverage/elements",
    dependencies=[needs(Permission.READ_LAYERS)],
    summary="Which of the ten elements of a life circle are reached",
    response_model=ElementsTable,
    responses={200: {"content": {media: {} for media in table_formats.FORMATS.values()}}},
)
def get_elements(
    *,
    snapshot: SnapshotAtDep,
    runtime: RuntimeDep,
    query: Annotated[coverage.Query, Depends(_question)],
    written: FormatDep,
) -> Response:
    """Score how complete life circles are (党 政 居 医 养 教 文 体 娱 商), and say which elements are missing.

    An element is reached where some facility type of it is within the walk: within the minutes asked for, else each
    type within its own circle.
    """
    measured = coverage_measures.ten_elements(query).at(snapshot, runtime.clock)
    written_body = body(written, measured.shown)
    reply = table_formats.reply(
        written_body, written, name=f"coverage-elements-{query.level}", revision=snapshot.revision
    )
    reply.headers.update(provenance.headers(measured))
    return reply
