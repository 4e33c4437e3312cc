"""Single-step edits of a draft's areas, and the list of its steps."""

import datetime as dt
from collections.abc import Mapping
from typing import Annotated, Any, Self

import orjson
from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field, model_validator

from api import diff_words
from api.access import Caller, Permission, needs
from api.dependencies import RuntimeDep, SessionDep
from api.drafts import (
    DraftId,
    EditorDep,
    IdempotencyKey,
    IfMatch,
    locked,
    request_of,
    require_scope,
    require_version,
)
from api.routers.draft_changes import as_diffs
from api.routers.revisions import LayerDiff
from geo import editing as edits
from geo.changes import Changes
from layers.database import Session
from layers.drafts import editing, judging, keeping, states, steps
from layers.files import tables
from layers.tables import DraftStep

router = APIRouter(prefix="/api/drafts/{draft_id}", tags=["drafts"])

_READ = [needs(Permission.EDIT)]


class EditIn(BaseModel):
    """One edit: `edit` is its kind, the other fields are those of that kind; places are [lon, lat] in EPSG:4326.

    `move_vertices` (level, moves: pairs from where a vertex is stored to where it comes), `redraw` (level, code,
    other, line), `split` (level, code, line), `merge` (level, codes), `transfer` (level, code, to, piece: a GeoJSON
    polygon), `fill_gap` (level, code, lon, lat), `trim_overlap` (level, code, other), `snap` (level, code, within_m),
    `insert_node` (level, lon, lat). `note` says why.
    """

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "example": {
                "edit": "split",
                "level": "grid",
                "code": "510899001001003",
                "line": [[105.8402, 32.4341], [105.8467, 32.4339]],
                "note": "新增楼盘交付",
            }
        },
    )

    edit: str
    note: str = Field(default="", max_length=4000)

    @model_validator(mode="after")
    def _is_storable(self) -> Self:
        """Refuse what the database cannot keep as JSON: half a character, a number of any length."""
        try:
            orjson.dumps(self.model_dump())
        except TypeError as error:
            raise ValueError(str(error)) from error
        return self

    def said(self) -> dict[str, Any]:
        """The edit as :func:`geo.editing.parse` reads it."""
        return self.model_dump(exclude={"note"})


class StepOut(BaseModel):
    """One step of a draft: what was asked for (`said`), and by layer how many features it wrote and removed."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "number": 3,
                "kind": "edit",
                "said": {"edit": "merge", "level": "grid", "codes": ["510899001001003", "510899001001004"]},
                "author": "zhang",
                "made_at": "2026-02-20T02:30:00Z",
                "note": "",
                "counts": {"grids": {"upserts": 1, "removed": 1}},
                "undone": False,
            }
        }
    )

    number: int
    kind: str
    said: dict[str, Any]
    author: str
    made_at: dt.datetime
    note: str
    counts: dict[str, dict[str, int]]
    undone: bool


class StepList(BaseModel):
    """The steps of a draft, the first first; those above `step` are undone."""

    step: int
    steps: list[StepOut]


class EditOut(BaseModel):
    """What an edit did, or (`step` null) would do.

    `layers` are the changes without shapes, `features` the shapes before and after and the land that changes hands
    (GeoJSON), `lineage` which areas live on in which, `worse` the defects that are new or larger than before the edit.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "step": 1,
                "version": 2,
                "layers": [
                    {
                        "layer": "grids",
                        "counts": {"added": 2, "removed": 1, "moved": 0, "nodes": 0, "attributes": 0},
                        "changes": [
                            {
                                "id": "8f0c6f7a-6a55-4a53-9d0a-0c2f6b8e7a11",
                                "kind": "removed",
                                "code": "510899001001003",
                                "code_before": "510899001001003",
                                "name": "第三网格",
                                "fields": [],
                                "grown_m2": -81840.2,
                                "moved_m": None,
                                "values": {},
                            }
                        ],
                        "land": [
                            {"from_code": "510899001001003", "to_code": "510899001001011", "area_m2": 43120.6}
                        ],
                    }
                ],
                "features": {"type": "FeatureCollection", "features": []},
                "lineage": [
                    {"level": "grid", "predecessor": "510899001001003", "successor": "510899001001011"},
                    {"level": "grid", "predecessor": "510899001001003", "successor": "510899001001012"},
                ],
                "worse": [],
            }
        }
    )

    step: int | None
    version: int
    layers: list[LayerDiff]
    features: dict[str, Any]
    lineage: list[dict[str, str]]
    worse: list[dict[str, Any]]


@router.post(
    "/edits",
    response_model=EditOut,
    status_code=201,
    summary="Edit areas",
    responses={200: {"model": EditOut}},
)
def make_edit(
    *,
    draft_id: DraftId,
    said: EditIn,
    caller: EditorDep,
    session: SessionDep,
    runtime: RuntimeDep,
    preview: Annotated[bool, Query(description="only say what it would do; nothing is stored")] = False,
    if_match: IfMatch = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Make one edit that keeps the partition on all levels: neighbours, parents and children follow.

    422 says with its place why an edit cannot be made; a draft may hold defects, so that they refuse nothing here.
    """
    if preview:
        draft = keeping.get(session, draft_id)
        state = states.state_of(draft)
        made = editing.make(session, state, edits.parse(said.said()))
        require_scope(session, caller, state, made.changes)
        told = {"step": None, "version": draft.version, **_judged(session, state, made)}
        return _edited(session, told, made.changes, caller, status=200)
    draft = locked(session, draft_id, None)
    request = request_of(caller, idempotency_key, "edit", str(draft_id), said)
    earlier = keeping.repeated(session, draft, request) if request else None
    if earlier is not None:
        found = states.changes_of_step(session, states.state_of(draft), earlier["step"])
        return _edited(session, earlier, found, caller, status=200)
    require_version(draft, if_match)
    state = states.state_of(draft)
    step, made = editing.carry_out(
        session, draft, said.said(), author=caller.name or "", now=runtime.clock(), note=said.note
    )
    require_scope(session, caller, state, made.changes)
    told = {"step": step.number, "version": draft.version, **_judged(session, state, made)}
    if request:
        keeping.remember(session, draft, request, told, now=runtime.clock())
    return _edited(session, told, made.changes, caller, status=201)


@router.get("/edits", dependencies=_READ, summary="Steps of a draft")
def list_steps(draft_id: DraftId, session: SessionDep) -> StepList:
    """List the steps of a draft, the first first."""
    draft = keeping.get(session, draft_id)
    return StepList(step=draft.step, steps=[_step(each, draft.step) for each in steps.listed(session, draft)])


def _judged(session: Session, state: states.State, made: editing.Made) -> dict[str, Any]:
    """Say what an edit of a state does to lineage and partition."""
    return {
        "lineage": made.lineage.to_dict("records"),
        "worse": [fault.as_dict() for fault in judging.of_changes(session, state, made.changes)],
    }


def _edited(
    session: Session, told: Mapping[str, Any], found: Mapping[str, Changes], caller: Caller, *, status: int
) -> Response:
    listed = as_diffs(session, found, caller)
    body = {
        **told,
        "layers": diff_words.layers(listed),
        "features": orjson.Fragment(tables.to_geojson(diff_words.features(listed))),
    }
    return Response(
        orjson.dumps(body),
        status_code=status,
        media_type="application/json",
        headers={"ETag": f'"{told["version"]}"'},
    )


def _step(step: DraftStep, at: int) -> StepOut:
    return StepOut(
        number=step.number,
        kind=step.kind,
        said=step.said,
        author=step.author,
        made_at=step.made_at,
        note=step.note,
        counts=step.counts,
        undone=step.number > at,
    )
