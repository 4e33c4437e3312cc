"""What lies outside reach: shapes and lists, and a report of them."""

import datetime as dt
from dataclasses import replace
from functools import partial
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import geopandas as gpd
from anyio import to_thread
from fastapi import APIRouter, Depends, Header, Query
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict

from api import gap_files, gap_report, gap_results, provenance, table_formats
from api.access import Permission, needs
from api.cities import city_at
from api.coverage_words import asked
from api.dependencies import Runtime, RuntimeDep, SnapshotAtDep
from api.gap_results import FoundGaps
from api.gap_words import About
from api.maps import sources
from api.provenance import Provenance
from api.snapshots import Snapshot
from api.web.reader import ReaderDep
from api.web.templating import Site
from geo import coverage
from geo.coverage import gaps, shares
from geo.coverage.circles import PROFILES
from geo.levels import LEVELS
from layers import store
from layers.coverage import LAYERS
from layers.database import Session

router = APIRouter(tags=["coverage"])


#: Answers kept: each holds the shapes of a city, and there are as many questions as anybody likes to ask.
_KEPT = 8


class GapOut(BaseModel):
    """A shape of land outside reach: `outside` is the weight of those in it, `lon`, `lat` a point in it."""

    gap: int
    code: str
    name: str
    facility_type: str
    minutes: int
    budget_m: float
    profile: str
    weight: str
    outside: float
    compounds: int
    area_m2: float
    lon: float
    lat: float


class OutsideOut(BaseModel):
    """A compound that is not covered for one question.

    `walk_m` is the way from the nearest of its access points that are outside to the nearest facility; where no way
    leads to one, `reason` is `no-street`, `island`, `no-facility` or `not-connected`. `missing` names all asked types
    that it is not covered for, with spaces between.
    """

    code: str
    name: str
    area_code: str | None
    area_name: str | None
    facility_type: str
    minutes: int
    budget_m: float
    profile: str
    weight: str
    status: str
    demand: float
    outside: float
    served_share: float
    walk_m: float | None
    walk_minutes: float | None
    reason: str | None
    missing: str


class GapsOut(BaseModel):
    """All that lies outside reach, each list with most people first.

    `areas` adds up what the shapes hold: outside = in shapes + `beside`, and counts the shapes below `least_m2` that were
    left out. `source` says where figures and shapes come from.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "revision": 4,
                "settings": {"facility_types": ["fresh_market"], "minutes": [10], "level": "community"},
                "provenance": {
                    "key": "9f2b6c0d41aa",
                    "layers": {"compounds": 3, "facilities": 4, "streets": 2},
                    "settings": {"speed_m_s": 1.25},
                    "computed_at": "2026-03-01T04:05:06Z",
                    "seconds": 0.3,
                },
                "source": "People and walking times come from exact distances along streets.",
                "attribution": "",
                "not_judged": [],
                "faults": [],
                "gaps": [],
                "compounds": [],
                "areas": [],
            }
        }
    )

    revision: int
    settings: dict[str, Any]
    provenance: Provenance
    source: str
    attribution: str
    not_judged: list[str]
    faults: list[dict[str, Any]]
    gaps: list[GapOut]
    compounds: list[OutsideOut]
    areas: list[dict[str, Any]]


class _Asked(BaseModel):
    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    query: coverage.Query
    least_m2: float


def _question(
    *,
    facility_type: Annotated[
        list[str] | None,
        Query(description="keys of /api/facility-types, repeated or with commas; default: all"),
    ] = None,
    minutes: Annotated[
        list[str] | None, Query(description="e.g. 5,10,15; default: each type's own circle")
    ] = None,
    level: Annotated[str, Query(description=", ".join(LEVELS))] = "community",
    profile: Annotated[str, Query(description=", ".join(PROFILES))] = "adult",
    weight: Annotated[str, Query(description=", ".join(shares.WEIGHTS))] = "people",
    standard: Annotated[
        str | None, Query(description="gb50180: each type against its own service radius")
    ] = None,
    within: Annotated[str | None, Query(description="code of an area: only what lies in it")] = None,
    least_m2: Annotated[
        float, Query(description="shapes below so many square metres are only counted")
    ] = gaps.LEAST_M2,
) -> _Asked:
    words = {"level": level, "profile": profile, "weight": weight, "standard": standard, "within": within}
    query = asked(facility_type or [], minutes or [], partial(gaps.check, least_m2=least_m2), **words)
    return _Asked(query=query, least_m2=least_m2)


def _written(
    format: Annotated[  # noqa: A002 - the parameter's name
        str | None, Query(description=f"{', '.join(gap_files.FORMATS)}; default: by Accept, else json")
    ] = None,
    accept: Annotated[str, Header(include_in_schema=False)] = "*/*",
) -> str:
    return table_formats.choose(format, accept, gap_files.FORMATS)


def _report_written(
    format: Annotated[  # noqa: A002 - the parameter's name
        str | None, Query(description=f"{', '.join(gap_report.FORMATS)}; default: by Accept, else docx")
    ] = None,
    accept: Annotated[str, Header(include_in_schema=False)] = "*/*",
) -> str:
    # A browser that follows a link accepts pages first, and anything.
    return table_formats.choose(format, accept, gap_report.FORMATS)


QuestionDep = Annotated[_Asked, Depends(_question)]


@router.get(
    "/api/coverage/gaps",
    dependencies=[needs(Permission.READ_LAYERS)],
    summary="Land and people outside reach",
    response_model=GapsOut,
    responses={200: {"content": {media: {} for media in gap_files.FORMATS.values()}}},
)
async def get_gaps(
    *,
    snapshot: SnapshotAtDep,
    runtime: RuntimeDep,
    question: QuestionDep,
    written: Annotated[str, Depends(_written)],
    list: Annotated[  # noqa: A002 - the parameter's name
        gap_files.List, Query(description="which list CSV and GeoJSON hold; the other formats hold all")
    ] = "gaps",
) -> Response:
    """Find what no facility of each asked type reaches on foot, clipped to the areas of a level.

    People and times come from exact distances along streets, the shapes from the drawing of the reach.
    """

    def work() -> tuple[FoundGaps, bytes]:
        found = gaps_at(snapshot, question, runtime)
        about = _about(question, snapshot, runtime, found)
        return found, gap_files.body(found.gaps, city_at(snapshot), about, written, which=list)

    # Long lists keep a processor busy: as many at once as files.
    found, body = await to_thread.run_sync(work, limiter=runtime.files)
    name = f"gaps-{question.query.level}"
    reply = table_formats.reply(body, written, name=name, revision=snapshot.revision)
    reply.headers.update(provenance.headers(found))
    return reply


@router.get(
    "/api/coverage/report",
    dependencies=[needs(Permission.READ_LAYERS)],
    summary="Report on what lies outside reach",
    response_class=Response,
    responses={200: {"content": {media: {} for media in gap_report.FORMATS.values()}}},
)
async def get_report(
    *,
    snapshot: SnapshotAtDep,
    runtime: RuntimeDep,
    reader: ReaderDep,
    question: QuestionDep,
    written: Annotated[str, Depends(_report_written)],
) -> Response:
    """Write settings, figures, maps and lists for paper, as Word or PDF, in Chinese or English (`lang`).

    At most 12 facility types and minutes a report; the first 4 have a map.
    """
    site = replace(reader.site, revision=snapshot.revision)
    body = await to_thread.run_sync(
        partial(_report, question, snapshot, runtime, site, written), limiter=runtime.files
    )
    name = f"gaps-report-{question.query.level}"
    return table_formats.reply(body, written, name=name, revision=snapshot.revision)


def gaps_at(snapshot: Snapshot, question: _Asked, runtime: Runtime) -> FoundGaps:
    """Return the gaps of a snapshot, kept while its layers stay as they are."""
    city, decided = city_at(snapshot), snapshot.deployment
    made = []

    def load(_session: Session, _revision: int) -> FoundGaps:
        assert decided is not None  # noqa: S101 - there is a city
        made.append(True)
        return gap_results.work_out(
            city,
            question.query,
            least_m2=question.least_m2,
            versions=snapshot.versions,
            decided=decided,
            clock=runtime.clock,
        )

    name = ("gaps", question.query, question.least_m2)
    found = snapshot.model(name, layers=LAYERS, load=load, most=_KEPT)
    return replace(found, kept=not made)


def _report(question: _Asked, snapshot: Snapshot, runtime: Runtime, site: Site, written: str) -> bytes:
    found, city = gaps_at(snapshot, question, runtime), city_at(snapshot)
    about = _about(question, snapshot, runtime, found)
    streets = snapshot.model("streets on paper", layers=("streets",), load=_streets)
    return gap_report.body(found.gaps, city, about, written, site=site, streets=streets)


def _streets(session: Session, revision: int) -> gpd.GeoDataFrame:
    return store.read(session, "streets", revision, columns=["kind", "geometry"])


def _about(question: _Asked, snapshot: Snapshot, runtime: Runtime, found: FoundGaps) -> About:
    decided = snapshot.deployment
    return About(
        query=question.query,
        revision=snapshot.revision,
        date=_today(runtime),
        city=decided.city if decided else "",
        metric=decided.metric_crs if decided else "",
        attribution=sources.attributed(snapshot, runtime.settings.map_attribution),
        worked_out=found,
    )


def _today(runtime: Runtime) -> dt.date:
    return runtime.clock().astimezone(ZoneInfo(runtime.settings.timezone)).date()
