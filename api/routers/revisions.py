"""What was published when."""

import datetime as dt
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict

from api.access import Permission, needs
from api.dependencies import SessionDep, SnapshotDep
from layers import history

router = APIRouter(tags=["revisions"])


class RevisionOut(BaseModel):
    """One publication."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "example": {
                "number": 4,
                "published_at": "2026-03-01T01:00:00Z",
                "effective_from": "2026-03-01T01:00:00Z",
                "author": "zhang",
                "note": "import grids from grids.gpkg",
                "layers": ["grids"],
                "counts": {"grids": {"added": 600, "changed": 0, "removed": 0}},
            }
        },
    )

    number: int
    published_at: dt.datetime
    effective_from: dt.datetime
    author: str
    note: str
    layers: list[str]
    counts: dict[str, Any]


class RevisionList(BaseModel):
    """A page of revisions; `next` is the path of the next page."""

    revision: int
    revisions: list[RevisionOut]
    next: str | None


@router.get("/api/revisions", dependencies=[needs(Permission.READ_LAYERS)], summary="List revisions")
def list_revisions(
    session: SessionDep,
    snapshot: SnapshotDep,
    before: Annotated[int | None, Query(ge=1, description="only revisions below this number")] = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="revisions a page")] = 100,
) -> RevisionList:
    """Return revisions, newest first."""
    found = history.revisions(session, before=before, limit=limit + 1)
    page = [RevisionOut.model_validate(row) for row in found[:limit]]
    more = f"/api/revisions?before={page[-1].number}&limit={limit}" if len(found) > limit else None
    return RevisionList(revision=snapshot.revision, revisions=page, next=more)
