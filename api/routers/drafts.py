"""Drafts: begun, listed, undone, redone, talked about, given up."""

import datetime as dt
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from api.access import Permission, needs
from api.dependencies import RuntimeDep, SessionDep
from api.drafts import (
    DraftId,
    DraftOut,
    EditorDep,
    IdempotencyKey,
    IfMatch,
    locked,
    request_of,
    require_keeper,
    require_scope,
    tagged,
)
from layers import events
from layers.database import Session
from layers.drafts import keeping, states, steps
from layers.drafts.keeping import Request
from layers.tables import Draft

router = APIRouter(prefix="/api/drafts", tags=["drafts"])

_READ = [needs(Permission.EDIT)]
_REPEATED = "the request was sent before: what it was answered"
Title = Annotated[str, Field(min_length=1, max_length=200)]
Text = Annotated[str, Field(max_length=4000)]


class DraftIn(BaseModel):
    """A new draft; without `base_revision` of the current one."""

    model_config = ConfigDict(
        str_strip_whitespace=True,
        extra="forbid",
        json_schema_extra={"example": {"title": "滨江社区网格调整", "note": "按 3 月 1 日通知"}},
    )

    title: Title
    note: Text = ""
    base_revision: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = None


class DraftPatch(BaseModel):
    """What to call a draft; what is left out stays."""

    model_config = ConfigDict(
        str_strip_whitespace=True,
        extra="forbid",
        json_schema_extra={"example": {"title": "滨江社区网格调整(二稿)"}},
    )

    title: Title | None = None
    note: Text | None = None


class DraftList(BaseModel):
    """A page of drafts, the last written first; `next` is the path of the next page."""

    drafts: list[DraftOut]
    next: str | None


class NoteIn(BaseModel):
    """A remark, at a place (EPSG:4326) where it is about one."""

    model_config = ConfigDict(
        str_strip_whitespace=True,
        extra="forbid",
        json_schema_extra={"example": {"text": "界线应沿河中心", "lon": 105.8431, "lat": 32.4337}},
    )

    text: Annotated[str, Field(min_length=1, max_length=4000)]
    lon: Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)] | None = None
    lat: Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)] | None = None


class NoteOut(BaseModel):
    """A remark on a draft."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "example": {
                "id": 7,
                "author": "li",
                "written_at": "2026-02-20T03:00:00Z",
                "text": "界线应沿河中心",
                "lon": 105.8431,
                "lat": 32.4337,
            }
        },
    )

    id: int
    author: str
    written_at: dt.datetime
    text: str
    lon: float | None
    lat: float | None


class NoteList(BaseModel):
    """The remarks on a draft, the oldest first."""

    notes: list[NoteOut]


@router.post(
    "",
    status_code=201,
    summary="Begin a draft",
    responses={200: {"model": DraftOut, "description": _REPEATED}},
)
def create_draft(
    *,
    said: DraftIn,
    caller: EditorDep,
    session: SessionDep,
    runtime: RuntimeDep,
    response: Response,
    idempotency_key: IdempotencyKey = None,
) -> DraftOut:
    """Begin a draft of the layers as they are, or were at a revision; nothing that is published changes by it."""
    request = request_of(caller, idempotency_key, "create", said)
    earlier = _earlier(session, None, request)
    if earlier is not None:
        response.status_code = 200
        return tagged(response, DraftOut.model_validate(earlier))
    draft = keeping.create(
        session,
        title=said.title,
        note=said.note,
        author=caller.name or "",
        now=runtime.clock(),
        base=said.base_revision,
    )
    events.tell(session, draft)
    begun = tagged(response, draft)
    if request:
        keeping.remember(session, draft, request, begun.model_dump(mode="json"), now=runtime.clock())
    return begun


@router.get("", dependencies=_READ, summary="List drafts")
def list_drafts(
    session: SessionDep,
    status: Annotated[
        list[Literal["open", "submitted", "approved", "scheduled", "published", "discarded"]] | None,
        Query(description="only drafts of these states; by default those that are not over"),
    ] = None,
    offset: Annotated[int, Query(ge=0, le=1_000_000, description="drafts to leave out at the start")] = 0,
    limit: Annotated[int, Query(ge=1, le=1000, description="drafts a page")] = 100,
) -> DraftList:
    """List drafts, the last written first."""
    page = keeping.listed(session, statuses=status or keeping.STANDING, offset=offset, limit=limit)
    kept = "".join(f"status={each}&" for each in status or ())
    following = f"/api/drafts?{kept}offset={offset + limit}&limit={limit}" if page.more else None
    return DraftList(drafts=[DraftOut.model_validate(draft) for draft in page.drafts], next=following)


@router.get("/{draft_id}", dependencies=_READ, summary="One draft")
def get_draft(draft_id: DraftId, session: SessionDep, response: Response) -> DraftOut:
    """Tell of a draft; `ETag` is the version that a write may name in `If-Match`."""
    return tagged(response, keeping.get(session, draft_id))


@router.patch("/{draft_id}", summary="Rename a draft")
def rename_draft(
    *,
    draft_id: DraftId,
    said: DraftPatch,
    caller: EditorDep,
    session: SessionDep,
    runtime: RuntimeDep,
    response: Response,
    if_match: IfMatch = None,
) -> DraftOut:
    """Give a draft another title or note; its author and reviewers may."""
    draft = locked(session, draft_id, if_match)
    require_keeper(caller, draft)
    keeping.rename(draft, title=said.title, note=said.note, now=runtime.clock())
    return tagged(response, draft)


@router.post("/{draft_id}/discard", summary="Give a draft up")
def discard_draft(
    *,
    draft_id: DraftId,
    caller: EditorDep,
    session: SessionDep,
    runtime: RuntimeDep,
    response: Response,
    if_match: IfMatch = None,
) -> DraftOut:
    """Give a draft up: it can still be read. Its author and reviewers may."""
    draft = locked(session, draft_id, if_match)
    require_keeper(caller, draft)
    keeping.discard(draft, now=runtime.clock())
    events.tell(session, draft)
    return tagged(response, draft)


@router.post("/{draft_id}/undo", summary="Undo a step")
def undo_step(
    *,
    draft_id: DraftId,
    caller: EditorDep,
    session: SessionDep,
    runtime: RuntimeDep,
    response: Response,
    if_match: IfMatch = None,
) -> DraftOut:
    """Put a draft back before its last step; 409 where there is none, or since it was rebased."""
    draft = locked(session, draft_id, if_match)
    before = states.state_of(draft)
    undone = steps.undo(session, draft, now=runtime.clock())
    # Judged after the move, which tells the step; a refusal takes it back.
    found = states.changes_of_step(session, before, undone.number)
    require_scope(session, caller, states.state_of(draft), found)
    return tagged(response, draft)


@router.post("/{draft_id}/redo", summary="Redo a step")
def redo_step(
    *,
    draft_id: DraftId,
    caller: EditorDep,
    session: SessionDep,
    runtime: RuntimeDep,
    response: Response,
    if_match: IfMatch = None,
) -> DraftOut:
    """Carry out again the step that was undone last; 409 where there is none."""
    draft = locked(session, draft_id, if_match)
    before = states.state_of(draft)
    done = steps.redo(session, draft, now=runtime.clock())
    found = states.changes_of_step(session, states.state_of(draft), done.number)
    require_scope(session, caller, before, found)
    return tagged(response, draft)


@router.get("/{draft_id}/notes", dependencies=_READ, summary="Remarks on a draft")
def list_notes(draft_id: DraftId, session: SessionDep) -> NoteList:
    """List what was remarked on a draft, the oldest first."""
    found = keeping.notes(session, keeping.get(session, draft_id))
    return NoteList(notes=[NoteOut.model_validate(note) for note in found])


@router.post(
    "/{draft_id}/notes",
    status_code=201,
    summary="Remark on a draft",
    responses={200: {"model": NoteOut, "description": _REPEATED}},
)
def write_note(
    *,
    draft_id: DraftId,
    said: NoteIn,
    caller: EditorDep,
    session: SessionDep,
    runtime: RuntimeDep,
    response: Response,
    idempotency_key: IdempotencyKey = None,
) -> NoteOut:
    """Add a remark to a draft, at a place where it is about one."""
    draft = keeping.get(session, draft_id)
    request = request_of(caller, idempotency_key, "note", str(draft_id), said)
    earlier = _earlier(session, draft, request)
    if earlier is not None:
        response.status_code = 200
        return NoteOut.model_validate(earlier)
    place = None if said.lon is None or said.lat is None else (said.lon, said.lat)
    now = runtime.clock()
    written = NoteOut.model_validate(
        keeping.write_note(session, draft, said.text, author=caller.name or "", now=now, place=place)
    )
    if request:
        keeping.remember(session, draft, request, written.model_dump(mode="json"), now=now)
    return written


def _earlier(session: Session, draft: Draft | None, request: Request | None) -> dict[str, Any] | None:
    """Return what a request was answered that is sent again; no draft is locked."""
    if request is None:
        return None
    keeping.take_turn(session, request)
    return keeping.repeated(session, draft, request)
