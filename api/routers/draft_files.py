"""Files into drafts, and drafts as files."""

import tempfile
from functools import partial
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import orjson
from anyio import to_thread
from fastapi import APIRouter, Header, Query, Request
from fastapi import Path as PathParameter
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict
from pydantic.config import JsonDict

from api import draft_imports, exported, stated, table_formats
from api.dependencies import Runtime, RuntimeDep
from api.draft_imports import ENDINGS
from api.drafts import DraftId, EditorDep, IdempotencyKey, IfMatch
from api.exported import Accept, Crs, Encoding, Format, LayerFile
from api.routers.revisions import LayerDiff
from layers import catalogue, database, exports
from layers.drafts import keeping, states
from layers.exports import Exported
from layers.imports import fields

router = APIRouter(prefix="/api/drafts/{draft_id}", tags=["drafts"])

_FILES = {media: {"schema": {"type": "string", "format": "binary"}} for media in ENDINGS}
_EXAMPLE: JsonDict = {
    "step": 4,
    "version": 5,
    "said": "import grids from 网格.gpkg",
    "preview": False,
    "reference": "EPSG:4547",
    "rows": {
        "read": 601,
        "imported": 600,
        "rejected": 1,
        "added": 1,
        "changed": 2,
        "unchanged": 597,
        "removed": 0,
    },
    "counts": {"nodes inserted": 3, "parents stated": 600},
    "notes": [],
    "rejects": [{"kind": "geometry-invalid", "layer": "grids", "row": 17, "message": "Self-intersection."}],
    "repaired": [],
    "layers": [
        {
            "layer": "grids",
            "counts": {"added": 1, "removed": 0, "moved": 2, "nodes": 0, "attributes": 0},
            "changes": [],
            "land": [{"from_code": "510899001001004", "to_code": "510899001001003", "area_m2": 1840.2}],
            "land_m2": {"added": 0.0, "removed": 0.0, "changed_hands": 1840.2},
        }
    ],
    "features": {"type": "FeatureCollection", "features": []},
    "left_out": 0,
    "worse": [],
    "worse_count": 0,
}


class LayerImport(LayerDiff):
    """What became of one layer.

    `land_m2` is the sum of all its land, `land` lists the largest pieces: `added` was nobody's before, `removed` is
    nobody's after, the rest `changed_hands` from code to code. Both are told of a preview, of layers of areas.
    """

    land_m2: dict[str, float] | None


class ImportOut(BaseModel):
    """What a file changed in a draft, or (`preview`) would change.

    `step` is null where nothing changed. `rows`: `read` = `imported` + `rejected` records, which became features
    `added`, `changed`, `unchanged`; `removed` are features that a replacement ends. `rejects` names each record at fault
    by its number in the file, `layers` each feature by its code and the land that changes hands, `worse` the defects
    that are new or larger than in the draft before; of each the first thousand. `features` has the shapes of a preview
    before and after, and of that land (GeoJSON, as of the draft's difference): five thousand of each, `left_out` more
    there are.
    """

    model_config = ConfigDict(json_schema_extra={"example": _EXAMPLE})

    step: int | None
    version: int
    said: str
    preview: bool
    reference: str | None
    rows: dict[str, int]
    counts: dict[str, int]
    notes: list[str]
    rejects: list[dict[str, Any]]
    repaired: list[dict[str, Any]]
    layers: list[LayerImport]
    features: dict[str, Any] | None
    left_out: int
    worse: list[dict[str, Any]]
    worse_count: int


@router.post(
    "/imports/{layer}",
    status_code=201,
    response_model=ImportOut,
    summary="Import a file into a draft",
    openapi_extra={"requestBody": {"required": True, "content": _FILES}},
    responses={
        200: {
            "model": ImportOut,
            "description": "A preview, a repeated request, or nothing changed",
            "content": {media: {} for media in table_formats.FORMATS.values()},
        }
    },
)
async def import_file(
    *,
    request: Request,
    draft_id: DraftId,
    layer: Annotated[str, PathParameter(description=", ".join(catalogue.SPECS))],
    runtime: RuntimeDep,
    caller: EditorDep,
    preview: Annotated[bool, Query(description="only say what it would change; nothing is stored")] = False,
    mode: Annotated[
        str, Query(description="upsert: add and change by code; replace: also end what the file lacks")
    ] = "upsert",
    crs: Annotated[
        str | None,
        Query(
            description="what its coordinates mean, where the file does not say, or says it wrong; as of exports"
        ),
    ] = None,
    map: Annotated[  # noqa: A002 - the parameter's name
        list[str] | None,
        Query(description="FIELD=COLUMN, repeated: name=社区名称; x=… and y=… name columns of coordinates"),
    ] = None,
    on_invalid: Annotated[
        str,
        Query(
            description="invalid geometries: reject the record, repair and list it, or fail: refuse the file"
        ),
    ] = "reject",
    name: Annotated[
        str | None,
        Query(
            max_length=255,
            description="what the file is called; its ending tells the format, else Content-Type",
        ),
    ] = None,
    sheet: Annotated[str | None, Query(description="layer of a GeoPackage or sheet of a workbook")] = None,
    encoding: Annotated[str | None, Query(description="of text that does not state it")] = None,
    noded: Annotated[bool, Query(description="streets join at their ends already")] = False,
    note: Annotated[str, Query(max_length=4000, description="why; kept with the step")] = "",
    format: Annotated[  # noqa: A002 - the parameter's name
        str | None, Query(description=f"of a preview: {table_formats.DESCRIPTION}")
    ] = None,
    accept: Annotated[str, Header(include_in_schema=False)] = "*/*",
    if_match: IfMatch = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Load a file into a layer of a draft as one step, with the fields, places, codes and parents of an import.

    Records at fault are left out and named. A draft may hold defects: `worse` says what would keep it from being
    published. 409 where others wrote to the draft meanwhile; 413 where the file is too large, unpacked too, or takes
    too long. A preview that is no JSON has the formats and columns of the draft's difference.
    """
    written = table_formats.choose(format, accept) if preview else "json"
    catalogue.spec_of(layer)
    ending = draft_imports.ending_of(name, request.headers.get("content-type", ""))
    asked = draft_imports.Asked(
        draft_id=draft_id,
        layer=layer,
        crs=crs,
        columns=fields.stated(map or []),
        mode=mode,
        on_invalid=on_invalid,
        sheet=sheet,
        encoding=encoding,
        noded=noded,
        preview=preview,
        note=note,
        version=None if if_match is None else stated.version(if_match),
        key=idempotency_key,
    )
    with tempfile.TemporaryDirectory(prefix="wangge-") as folder:
        path = Path(folder) / f"data{ending}"
        with path.open("wb") as file:
            async for piece in request.stream():
                file.write(piece)
        sent = draft_imports.Sent(path, Path(name).name if name else path.name)
        if written != "json":
            shown = partial(draft_imports.preview, runtime, caller, asked, sent, written)
            body, revision = await to_thread.run_sync(shown, limiter=runtime.files)
            return table_formats.reply(body, written, name=f"import-{layer}", revision=revision)
        work = partial(draft_imports.carry_out, runtime, caller, asked, sent)
        told, is_new = await to_thread.run_sync(work, limiter=runtime.files)
    return Response(
        orjson.dumps(told),
        status_code=201 if is_new else 200,
        media_type="application/json",
        headers={"ETag": f'"{told["version"]}"'},
    )


@router.get(
    "/layers/{layer}",
    response_class=Response,
    summary="A layer of a draft as a file",
    responses=exported.RESPONSES,
)
async def get_draft_layer(
    *,
    draft_id: DraftId,
    layer: LayerFile,
    runtime: RuntimeDep,
    caller: EditorDep,
    crs: Crs = "wgs84",
    written: Format = None,
    encoding: Encoding = None,
    accept: Accept = "*/*",
) -> Response:
    """Send a layer as the draft makes it; importing it into the draft again changes nothing.

    Formats, coordinates and rights are those of published layers as files.
    """
    wanted = exported.asked(
        runtime, caller, layer, written=written, accept=accept, crs=crs, encoding=encoding
    )
    return await to_thread.run_sync(partial(_file, runtime, draft_id, wanted), limiter=runtime.files)


def _file(runtime: Runtime, draft_id: UUID, wanted: exported.Asked) -> Response:
    with database.translated(), runtime.look_ups() as session:
        state = states.state_of(keeping.get(session, draft_id))
        frame = states.read(session, wanted.layer, state)

    def write(path: Path) -> Exported:
        return exports.write(
            wanted.layer,
            frame,
            path,
            reference=wanted.reference,
            personal=wanted.personal,
            encoding=wanted.encoding,
        )

    name = f"{wanted.layer}-draft-{state.step}"
    return exported.reply(wanted, write, name=name, revision=state.base)
