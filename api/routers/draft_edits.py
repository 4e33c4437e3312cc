"""What drafts change: single-step edits, the list of steps, differences from the base, defects."""

import datetime as dt
from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any, Self
from uuid import UUID

import geopandas as gpd
import orjson
from anyio import to_thread
from fastapi import APIRouter, Header, Path, Query
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field, model_validator

from api import defect_words, diff_words, table_formats
from api.access import Caller, Permission, needs
from api.dependencies import Runtime, RuntimeDep, SessionDep
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
from api.routers import defects
from api.routers.revisions import DraftDiff, LayerDiff
from api.scopes import reads_people
from geo import editing as edits
from geo.changes import Changes
from layers import catalogue, checking, database, deployment, diffs
from layers.database import Session
from layers.diffs import Diff
from layers.drafts import editing, judging, keeping, states, steps
from layers.errors import NotFound
from layers.files import tables
from layers.tables import DraftStep

router = APIRouter(prefix="/api/drafts/{draft_id}", tags=["drafts"])

_READ = [needs(Permission.EDIT)]
LayerName = Annotated[str, Path(description=", ".join(catalogue.SPECS))]
Code = Annotated[str, Path(description="`code` of a feature, in the base or in the draft")]
Format = Annotated[str | None, Query(description=table_formats.DESCRIPTION)]
Accept = Annotated[str, Header(include_in_schema=False)]


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


class FeatureOut(BaseModel):
    """A feature of a draft as its base has it, and as the draft makes it: GeoJSON, null where there is none."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "layer": "facilities",
                "code": "F0012",
                "base_revision": 12,
                "before": None,
                "after": {
                    "type": "Feature",
                    "properties": {
                        "layer": "facilities",
                        "what": "change",
                        "state": "after",
                        "kind": "added",
                        "code": "F0012",
                        "name": "滨江菜市场",
                        "attributes": {"code": "F0012", "name": "滨江菜市场", "type": "fresh_market"},
                        "from_code": None,
                        "to_code": None,
                        "area_m2": None,
                    },
                    "geometry": {"type": "Point", "coordinates": [105.8431, 32.4337]},
                },
            }
        }
    )

    layer: str
    code: str
    base_revision: int
    before: dict[str, Any] | None
    after: dict[str, Any] | None


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
        found = _of_step(session, states.state_of(draft), earlier["step"])
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


@router.get(
    "/diff",
    summary="What a draft changes",
    response_model=DraftDiff,
    responses={200: {"content": {media: {} for media in table_formats.FORMATS.values()}}},
)
async def get_draft_diff(
    *,
    draft_id: DraftId,
    runtime: RuntimeDep,
    caller: EditorDep,
    layer: Annotated[str | None, Query(description="only this layer; all by default")] = None,
    step: Annotated[int | None, Query(ge=1, le=2**31 - 1, description="only what this step changed")] = None,
    format: Format = None,  # noqa: A002 - the parameter's name
    accept: Accept = "*/*",
) -> Response:
    """List the features in which a draft differs from its base, with the land that changes hands between codes.

    Formats and columns are those of the difference between revisions; `to_revision` is null.
    """
    written = table_formats.choose(format, accept)
    if layer is not None:
        catalogue.spec_of(layer)
    work = partial(_diff, runtime, caller, draft_id, (layer, step), written)
    return await to_thread.run_sync(work, limiter=runtime.files)


@router.get("/features/{layer}/{code}", summary="One feature before and after")
def get_draft_feature(
    draft_id: DraftId, layer: LayerName, code: Code, session: SessionDep, caller: EditorDep
) -> FeatureOut:
    """Show a feature as the draft's base has it, and as the draft makes it; `code` is either one's."""
    catalogue.spec_of(layer)
    draft = keeping.get(session, draft_id)
    state = states.state_of(draft)
    change = states.changes_of(session, layer, state)
    told = change.table
    ids = told.index[(told["code"] == code) | (told["code_before"] == code)]
    if not len(ids):
        raise NotFound(f"The draft changes no {code} in {layer}.")
    mine = Changes(*(side[side.index.isin(ids)] for side in (change.before, change.after)))
    drawn = diff_words.features(_as_diffs(session, {layer: mine}, caller))
    sides = {
        side: _feature(drawn[(drawn["what"] == "change") & (drawn["state"] == side)])
        for side in ("before", "after")
    }
    return FeatureOut(layer=layer, code=code, base_revision=state.base, **sides)


@router.get(
    "/defects",
    dependencies=_READ,
    summary="What is wrong in a draft",
    response_model=defects.DefectList,
    responses={200: {"content": {media: {} for media in defects.FORMATS.values()}}},
)
async def list_draft_defects(
    *,
    draft_id: DraftId,
    runtime: RuntimeDep,
    layer: Annotated[str, Query(description=", ".join(catalogue.SPECS))] = "grids",
    format: Annotated[  # noqa: A002 - the parameter's name
        str | None, Query(description=f"{table_formats.DESCRIPTION}; gpkg")
    ] = None,
    accept: Accept = "*/*",
) -> Response:
    """Check a whole layer as the draft makes it; what publishing would refuse is told by `/worse`."""
    catalogue.spec_of(layer)
    written = table_formats.choose(format, accept, defects.FORMATS)

    def work() -> Response:
        with database.translated(), runtime.look_ups() as session:
            state = states.state_of(keeping.get(session, draft_id))
            _, after = states.readers(session, state)
            listed = checking.check(layer, after, metric=deployment.get(session).metric_crs)
        return defects.reply(written, defect_words.table(listed, layer), layer, state.base)

    return await to_thread.run_sync(work, limiter=runtime.files)


class WorseOut(BaseModel):
    """What publishing the draft would refuse: each defect of areas that is new or larger than in its base."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "base_revision": 12,
                "worse": [
                    {
                        "kind": "gap-enclosed",
                        "message": "812 m² enclosed by 510899001001003, 510899001002001 belongs to no area.",
                        "layer": "grids",
                        "id": "510899001001003, 510899001002001",
                        "lon": 105.845012,
                        "lat": 32.433718,
                        "size": 812.4,
                        "unit": "m2",
                    }
                ],
            }
        }
    )

    base_revision: int
    worse: list[dict[str, Any]]


@router.get("/worse", dependencies=_READ, summary="What would refuse a draft")
async def list_worse(draft_id: DraftId, runtime: RuntimeDep) -> WorseOut:
    """List the defects that are new or larger than in the base of a draft, with codes, place and size."""

    def work() -> WorseOut:
        with database.translated(), runtime.look_ups() as session:
            state = states.state_of(keeping.get(session, draft_id))
            found = judging.of_draft(session, state)
        return WorseOut(base_revision=state.base, worse=[fault.as_dict() for fault in found])

    return await to_thread.run_sync(work, limiter=runtime.files)


def _judged(session: Session, state: states.State, made: editing.Made) -> dict[str, Any]:
    """Say what an edit of a state does to lineage and partition."""
    return {
        "lineage": made.lineage.to_dict("records"),
        "worse": [fault.as_dict() for fault in judging.of_changes(session, state, made.changes)],
    }


def _edited(
    session: Session, told: Mapping[str, Any], found: Mapping[str, Changes], caller: Caller, *, status: int
) -> Response:
    listed = _as_diffs(session, found, caller)
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


def _of_step(session: Session, state: states.State, number: int) -> dict[str, Changes]:
    step = session.get(DraftStep, (state.draft_id, number))
    if step is None:
        raise NotFound(f"The draft has no step {number}.")
    return {
        layer: states.step_changes(session, layer, state, number) for layer in states.ordered(step.counts)
    }


def _as_diffs(session: Session, found: Mapping[str, Changes], caller: Caller) -> list[Diff]:
    listed = diffs.listed(found, metric=deployment.get(session).metric_crs)
    return listed if reads_people(caller) else diffs.impersonal(listed)


def _diff(
    runtime: Runtime, caller: Caller, draft_id: UUID, asked: tuple[str | None, int | None], written: str
) -> Response:
    layer, step = asked
    with database.translated(), runtime.look_ups() as session:
        draft = keeping.get(session, draft_id)
        state = states.state_of(draft)
        if step is None:
            names = states.layers_of(session, state) if layer is None else [layer]
            found = {name: states.changes_of(session, name, state) for name in names}
        else:
            found = _of_step(session, state, step)
            found = {name: change for name, change in found.items() if layer in (None, name)}
        listed = _as_diffs(session, found, caller)
    body = diff_words.body(written, listed, state.base, None)
    return table_formats.reply(body, written, name=f"draft-{draft.step}", revision=state.base)


def _feature(drawn: gpd.GeoDataFrame) -> dict[str, Any] | None:
    features: list[dict[str, Any]] = orjson.loads(tables.to_geojson(drawn))["features"]
    return features[0] if features else None


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
