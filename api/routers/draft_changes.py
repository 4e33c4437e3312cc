"""What a draft makes of its base: its difference, features before and after, and the defects that it would bring."""

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any
from uuid import UUID

import geopandas as gpd
import orjson
from anyio import to_thread
from fastapi import APIRouter, Header, Path, Query
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict

from api import defect_words, diff_words, table_formats
from api.access import Caller, Permission, needs
from api.dependencies import Runtime, RuntimeDep, SessionDep
from api.drafts import DraftId, EditorDep
from api.routers import defects
from api.routers.revisions import DraftDiff
from api.scopes import reads_people
from geo.changes import Changes
from layers import catalogue, checking, database, deployment, diffs
from layers.database import Session
from layers.diffs import Diff
from layers.drafts import judging, keeping, states
from layers.errors import NotFound
from layers.files import tables

router = APIRouter(prefix="/api/drafts/{draft_id}", tags=["drafts"])

_READ = [needs(Permission.EDIT)]
LayerName = Annotated[str, Path(description=", ".join(catalogue.SPECS))]
Code = Annotated[str, Path(description="`code` of a feature, in the base or in the draft")]
Format = Annotated[str | None, Query(description=table_formats.DESCRIPTION)]
Accept = Annotated[str, Header(include_in_schema=False)]


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
    drawn = diff_words.features(as_diffs(session, {layer: mine}, caller))
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


@router.get("/worse", dependencies=_READ, summary="What would refuse a draft")
async def list_worse(draft_id: DraftId, runtime: RuntimeDep) -> WorseOut:
    """List the defects that are new or larger than in the base of a draft, with codes, place and size."""

    def work() -> WorseOut:
        with database.translated(), runtime.look_ups() as session:
            state = states.state_of(keeping.get(session, draft_id))
            found = judging.of_draft(session, state)
        return WorseOut(base_revision=state.base, worse=[fault.as_dict() for fault in found])

    return await to_thread.run_sync(work, limiter=runtime.files)


def as_diffs(session: Session, found: Mapping[str, Changes], caller: Caller) -> list[Diff]:
    """Return changes to a draft as differences with the land that changes hands, as the caller may know them."""
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
            found = states.changes_of_step(session, state, step)
            found = {name: change for name, change in found.items() if layer in (None, name)}
        listed = as_diffs(session, found, caller)
    body = diff_words.body(written, listed, state.base, None)
    return table_formats.reply(body, written, name=f"draft-{draft.step}", revision=state.base)


def _feature(drawn: gpd.GeoDataFrame) -> dict[str, Any] | None:
    features: list[dict[str, Any]] = orjson.loads(tables.to_geojson(drawn))["features"]
    return features[0] if features else None
