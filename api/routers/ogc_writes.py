"""Writes to the tree of a draft, by parts 4 and 11 of OGC API – Features: each is one step of the draft."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from api.access import Caller, Permission, needs
from api.dependencies import RuntimeDep, SessionDep, SnapshotDep
from api.drafts import IfMatch
from api.ogc import queries
from api.ogc.writes import Writing
from api.routers.ogc_drafts import DraftId, Layer

# Described by each tree's own document, at /ogc/drafts/{draft_id}/api.
router = APIRouter(prefix="/ogc/drafts/{draft_id}", tags=["ogc"], include_in_schema=False)

_ITEMS = "/collections/{layer}/items"
EditorDep = Annotated[Caller, needs(Permission.EDIT)]


async def _raw(request: Request) -> bytes:
    return await request.body()


def _writing(
    *,
    request: Request,
    raw: Annotated[bytes, Depends(_raw)],
    session: SessionDep,
    runtime: RuntimeDep,
    snapshot: SnapshotDep,
) -> Writing:
    queries.parameters(request, ())
    return Writing(request, session, runtime, snapshot, raw)


WritingDep = Annotated[Writing, Depends(_writing, scope="function")]


@router.post(_ITEMS)
def create_item(caller: EditorDep, draft_id: DraftId, layer: Layer, writing: WritingDep) -> Response:
    """Store a new feature."""
    return writing.create(caller, draft_id, layer)


@router.put(f"{_ITEMS}/{{item_id}}")
def replace_item(
    caller: EditorDep, draft_id: DraftId, layer: Layer, item_id: str, writing: WritingDep
) -> Response:
    """Store a feature in place of another state of it."""
    return writing.replace(caller, draft_id, layer, item_id)


@router.patch(f"{_ITEMS}/{{item_id}}")
def update_item(
    caller: EditorDep, draft_id: DraftId, layer: Layer, item_id: str, writing: WritingDep
) -> Response:
    """Store what a merge patch changes of a feature."""
    return writing.update(caller, draft_id, layer, item_id)


@router.delete(f"{_ITEMS}/{{item_id}}")
def remove_item(
    caller: EditorDep, draft_id: DraftId, layer: Layer, item_id: str, writing: WritingDep
) -> Response:
    """End a feature."""
    return writing.remove(caller, draft_id, layer, item_id)


@router.post("/transactions")
def transact(caller: EditorDep, draft_id: DraftId, writing: WritingDep, if_match: IfMatch = None) -> Response:
    """Store many writes, or none."""
    return writing.transact(caller, draft_id, if_match)
