"""Impact: whom a draft would touch if it were published, and whom revisions touched."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from anyio import to_thread
from fastapi import APIRouter, Depends, Header, Path, Query
from fastapi.responses import Response

from api import impact_report, impact_words, table_formats
from api.access import Caller, Permission, needs
from api.dependencies import Runtime, RuntimeDep, SnapshotDep
from api.drafts import DraftId, EditorDep
from api.impact_report import Paper
from api.impact_words import ImpactOut
from api.maps import sources
from api.scopes import sees_unassigned
from api.web.reader import ReaderDep
from api.web.templating import Site
from geo.impact import Impact
from geo.levels import LEVELS
from layers import database, deployment, diffs, impact, store
from layers.database import Session
from layers.diffs import Diff
from layers.drafts import keeping, states

router = APIRouter()

AnyNumber = Annotated[int, Path(ge=0, le=2**31 - 1, description="number of a revision; 0: before the first")]
LayersReaderDep = Annotated[Caller, needs(Permission.READ_LAYERS)]

_DRAFTS: dict[str, Any] = {"tags": ["drafts"]}
_REVISIONS: dict[str, Any] = {"tags": ["revisions"]}
_TABLE: dict[str, Any] = {
    "response_model": ImpactOut,
    "responses": {200: {"content": {media: {} for media in table_formats.FORMATS.values()}}},
}
_REPORT: dict[str, Any] = {
    "response_class": Response,
    "responses": {200: {"content": {media: {} for media in impact_report.FORMATS.values()}}},
}


@dataclass(frozen=True, slots=True)
class _Asked:
    """Who asks, for which format; ``unassigned``: whether of incidents that belong to no area too."""

    runtime: Runtime
    caller: Caller
    unassigned: bool
    written: str


def _written(
    format: Annotated[  # noqa: A002 - the parameter's name
        str | None, Query(description=table_formats.DESCRIPTION)
    ] = None,
    accept: Annotated[str, Header(include_in_schema=False)] = "*/*",
) -> str:
    return table_formats.choose(format, accept)


def _report_written(
    format: Annotated[  # noqa: A002 - the parameter's name
        str | None, Query(description=f"{', '.join(impact_report.FORMATS)}; default: by Accept, else docx")
    ] = None,
    accept: Annotated[str, Header(include_in_schema=False)] = "*/*",
) -> str:
    # A browser that follows a link accepts pages first, and anything.
    return table_formats.choose(format, accept, impact_report.FORMATS)


WrittenDep = Annotated[str, Depends(_written)]
ReportWrittenDep = Annotated[str, Depends(_report_written)]


@router.get("/api/drafts/{draft_id}/impact", summary="Whom a draft would touch", **_DRAFTS, **_TABLE)
async def get_draft_impact(
    *, draft_id: DraftId, runtime: RuntimeDep, snapshot: SnapshotDep, caller: EditorDep, written: WrittenDep
) -> Response:
    """Tell what areas hold on the draft's base and in the draft, what changes hands, and which open incidents would move.

    Incidents are decided by what publishing decides with, and only counted; accounts limited to areas are told of theirs.
    CSV holds the areas, the other formats all.
    """
    asked = _Asked(runtime, caller, sees_unassigned(caller, snapshot), written)
    return await to_thread.run_sync(_table, asked, partial(_of_draft, draft_id), limiter=runtime.files)


@router.get(
    "/api/drafts/{draft_id}/impact/report", summary="Report on whom a draft would touch", **_DRAFTS, **_REPORT
)
async def get_draft_report(
    *,
    draft_id: DraftId,
    runtime: RuntimeDep,
    snapshot: SnapshotDep,
    caller: EditorDep,
    reader: ReaderDep,
    written: ReportWrittenDep,
) -> Response:
    """Write figures, a map and lists for paper, as Word or PDF, in Chinese or English (`lang`)."""
    asked = _Asked(runtime, caller, sees_unassigned(caller, snapshot), written)
    find = partial(_of_draft, draft_id)
    return await to_thread.run_sync(_report, asked, reader.site, find, limiter=runtime.files)


@router.get(
    "/api/revisions/{earlier}/impact/{later}",
    summary="Whom the changes between two revisions touched",
    **_REVISIONS,
    **_TABLE,
)
async def get_revision_impact(
    *,
    earlier: AnyNumber,
    later: AnyNumber,
    runtime: RuntimeDep,
    snapshot: SnapshotDep,
    caller: LayersReaderDep,
    written: WrittenDep,
) -> Response:
    """Tell what areas held and hold, what changed hands, and where the incidents that are open now would have moved.

    The order may be reversed. Incidents are counted for accounts that read statistics.
    """
    asked = _Asked(runtime, caller, sees_unassigned(caller, snapshot), written)
    find = partial(_of_revisions, earlier, later)
    return await to_thread.run_sync(_table, asked, find, limiter=runtime.files)


@router.get(
    "/api/revisions/{earlier}/impact/{later}/report",
    summary="Report on whom the changes between two revisions touched",
    **_REVISIONS,
    **_REPORT,
)
async def get_revision_report(
    *,
    earlier: AnyNumber,
    later: AnyNumber,
    runtime: RuntimeDep,
    snapshot: SnapshotDep,
    caller: LayersReaderDep,
    reader: ReaderDep,
    written: ReportWrittenDep,
) -> Response:
    """Write figures, a map and lists for paper, as Word or PDF, in Chinese or English (`lang`)."""
    asked = _Asked(runtime, caller, sees_unassigned(caller, snapshot), written)
    find = partial(_of_revisions, earlier, later)
    return await to_thread.run_sync(_report, asked, reader.site, find, limiter=runtime.files)


@dataclass(frozen=True, slots=True)
class _Found:
    """An impact, what its replies say it is of, and what changes, for a map."""

    impact: Impact
    about: dict[str, Any]
    title: str
    revision: int
    diffs: Callable[[], list[Diff]]


def _of_draft(draft_id: UUID, session: Session) -> _Found:
    draft = keeping.get(session, draft_id)
    state = states.state_of(draft)
    return _Found(
        impact.of_draft(session, state),
        {"from_revision": draft.base_revision, "to_revision": None, "draft": str(draft.id)},
        draft.title,
        draft.base_revision,
        partial(states.diffs_of, session, state),
    )


def _of_revisions(earlier: int, later: int, session: Session) -> _Found:
    return _Found(
        impact.between(session, earlier, later),
        {"from_revision": earlier, "to_revision": later, "draft": None},
        f"{earlier} → {later}",
        later,
        partial(diffs.between, session, earlier, later),
    )


def _name(found: _Found) -> str:
    said = found.about
    return f"impact-{said['draft'] or '{from_revision}-{to_revision}'.format(**said)}"


def _table(asked: _Asked, find: Callable[[Session], _Found]) -> Response:
    with database.translated(), asked.runtime.look_ups() as session:
        found = find(session)
    told = impact_words.for_caller(found.impact, asked.caller, unassigned=asked.unassigned)
    counted = asked.caller.may(Permission.READ_STATISTICS)
    body = impact_words.body(told, asked.written, found.about, counted=counted)
    return table_formats.reply(body, asked.written, name=_name(found), revision=found.revision)


def _report(asked: _Asked, site: Site, find: Callable[[Session], _Found]) -> Response:
    runtime = asked.runtime
    with database.translated(), runtime.look_ups() as session:
        found = find(session)
        told = impact_words.for_caller(found.impact, asked.caller, unassigned=asked.unassigned)
        paper = Paper(
            site=replace(site, revision=found.revision),
            subject=found.title,
            date=runtime.clock().astimezone(ZoneInfo(runtime.settings.timezone)).date(),
            metric=deployment.get(session).metric_crs,
            areas={level: sources.area_frame(session, found.revision, level) for level in LEVELS},
            streets=store.read(session, "streets", found.revision, columns=["kind", "geometry"]),
        )
        changed = found.diffs()
    body = impact_report.body(told, changed, paper, asked.written)
    return table_formats.reply(body, asked.written, name=_name(found), revision=found.revision)
