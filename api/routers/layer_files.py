"""Layers as files: as they are, or as they stood at any date or revision."""

import io
import tempfile
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Header, Query
from fastapi import Path as PathParameter
from fastapi.responses import Response

from api import stated, table_formats
from api.access import Caller, Permission, needs, refused
from api.dependencies import Runtime, RuntimeDep, SnapshotAtDep
from api.errors import Problem
from api.scopes import reads_people
from geo.faults import Fault
from layers import catalogue, database, exports, history
from layers.exports import Exported

router = APIRouter(tags=["layers"])

#: Formats by word: media type, and ending of the file that is written.
_FORMATS = {
    "geojson": ("application/geo+json", ".geojson"),
    "gpkg": ("application/geopackage+sqlite3", ".gpkg"),
    "fgb": ("application/flatgeobuf", ".fgb"),
    "parquet": ("application/vnd.apache.parquet", ".parquet"),
    "shp": ("application/zip", ".shp"),
    "csv": ("text/csv", ".csv"),
    "xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", ".xlsx"),
}
_MEDIA = {word: media for word, (media, _) in _FORMATS.items()}


@router.get(
    "/api/layers/{layer}",
    response_class=Response,
    summary="A layer as a file",
    responses={200: {"content": {media: {} for media in _MEDIA.values()}}},
)
async def get_layer(
    *,
    layer: Annotated[str, PathParameter(description="name of a layer")],
    snapshot: SnapshotAtDep,
    runtime: RuntimeDep,
    caller: Annotated[Caller, needs(Permission.READ_LAYERS)],
    revision: Annotated[
        int | None, Query(ge=1, le=2**31 - 1, description="number of a revision, in place of `at`")
    ] = None,
    at: Annotated[str | None, Query(include_in_schema=False)] = None,
    crs: Annotated[
        str, Query(description="wgs84, cgcs2000, gcj02, bd09, EPSG:4547, PROJ or WKT text, or a local CRS")
    ] = "wgs84",
    format: Annotated[  # noqa: A002 - the parameter's name
        str | None, Query(description=", ".join(_FORMATS) + "; default: by Accept, else geojson")
    ] = None,
    accept: Annotated[str, Header(include_in_schema=False)] = "*/*",
) -> Response:
    """Send a layer as it is, or as it stood at the end of a day or at a revision; importing it again changes nothing.

    A shapefile comes as a .zip. Posts, which are people, and columns that no field is known for are for accounts that
    read personal data of the whole city. What came from OpenStreetMap stays © OpenStreetMap contributors (ODbL), as the header
    `Wangge-Attribution` says.
    """
    written = table_formats.choose(format, accept, _MEDIA)
    catalogue.spec_of(layer)
    personal = reads_people(caller)
    if layer in catalogue.PEOPLE and not personal:
        raise refused(
            caller, f"{layer} are people: it takes an account that reads personal data of the whole city."
        )
    if revision is not None and at is not None:
        fault = Fault(kind="parameter-invalid", field="revision", message="Say revision or at, not both.")
        raise Problem("invalid-request", fault.message, faults=[fault])
    reference = stated.reference(crs, runtime.settings)
    sent = partial(exports.export, reference=reference, personal=personal)
    work = partial(_file, runtime, layer, revision or snapshot.revision, written, sent)
    return await to_thread.run_sync(work, limiter=runtime.files)


def _file(
    runtime: Runtime, layer: str, revision: int, written: str, export: Callable[..., Exported]
) -> Response:
    media, suffix = _FORMATS[written]
    with tempfile.TemporaryDirectory(prefix="wangge-") as folder:
        path = Path(folder) / f"{layer}{suffix}"
        with database.translated(), runtime.look_ups() as session:
            if revision:
                history.get(session, revision)
            done = export(session, layer, path, revision)
        body = _zipped(Path(folder)) if written == "shp" else path.read_bytes()
    ending = "zip" if written == "shp" else written
    headers = {
        "Wangge-Revision": str(revision),
        "Vary": "Accept",
        "Content-Disposition": f'attachment; filename="{layer}-{revision}.{ending}"',
    }
    if done.attribution:
        headers["Wangge-Attribution"] = done.attribution.replace("©", "(c)")
    return Response(body, media_type=media, headers=headers)


def _zipped(folder: Path) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.iterdir()):
            archive.write(path, path.name)
    return buffer.getvalue()
