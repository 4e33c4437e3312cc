"""The nearest facility of each type, for every compound of the city in one call."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict

from api import coverage_measures, provenance, table_formats
from api.access import Permission, needs
from api.coverage_replies import body
from api.coverage_words import asked
from api.dependencies import RuntimeDep, SnapshotAtDep
from api.provenance import Provenance
from api.routers.coverage import FormatDep
from geo import coverage

router = APIRouter(tags=["coverage"])


class NearestRow(BaseModel):
    """The way from a compound to the nearest facility of a type, however far.

    `metres` and `minutes` are from the nearest of its entrances, `mean_min` is the mean over all of them. Where no way leads
    to one, they and the facility are null, and `reason` is `no-street`, `island`, `no-facility` or `not-connected`.
    """

    code: str
    name: str
    facility_type: str
    facility_code: str | None
    facility_name: str | None
    metres: float | None
    minutes: float | None
    mean_min: float | None
    profile: str
    reason: str | None


class NearestTable(BaseModel):
    """A row for each compound and facility type."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "revision": 4,
                "rows": [
                    {
                        "code": "51089900100100101",
                        "name": "滨江苑",
                        "facility_type": "fresh_market",
                        "facility_code": "FM004",
                        "facility_name": "滨江菜市场",
                        "metres": 412.3,
                        "minutes": 5.5,
                        "mean_min": 6.21,
                        "profile": "adult",
                        "reason": None,
                    }
                ],
            }
        }
    )

    revision: int
    rows: list[NearestRow]
    provenance: Provenance


def _question(
    *,
    facility_type: Annotated[
        list[str] | None,
        Query(description="keys of /api/facility-types, repeated or with commas; default: all"),
    ] = None,
    profile: Annotated[str, Query(description="adult, elderly or gb50180 (walks as an adult)")] = "adult",
    within: Annotated[
        str | None, Query(description="code of an area or an old estate: only compounds in it")
    ] = None,
) -> coverage.Query:
    return asked(facility_type or [], [], profile=profile, within=within, level="compound")


@router.get(
    "/api/coverage/nearest",
    dependencies=[needs(Permission.READ_LAYERS)],
    summary="The nearest facility of each type from every compound",
    response_model=NearestTable,
    responses={200: {"content": {media: {} for media in table_formats.FORMATS.values()}}},
)
def get_nearest(
    *,
    snapshot: SnapshotAtDep,
    runtime: RuntimeDep,
    query: Annotated[coverage.Query, Depends(_question)],
    written: FormatDep,
) -> Response:
    """Say which facility of each type is the nearest on foot from every compound, and how many minutes away.

    Of facilities equally near the lowest code is told.
    """
    measured = coverage_measures.nearest_facilities(query).at(snapshot, runtime.clock)
    written_body = body(written, measured.shown)
    reply = table_formats.reply(written_body, written, name="coverage-nearest", revision=snapshot.revision)
    reply.headers.update(provenance.headers(measured))
    return reply
