"""Layers as files over HTTP: what was asked for, and the reply."""

import io
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from fastapi import Header, Query
from fastapi import Path as PathParameter
from fastapi.responses import Response

from api import stated, table_formats
from api.access import Caller, refused
from api.dependencies import Runtime
from api.errors import Problem
from api.scopes import reads_people
from geo.crs import Reference
from geo.faults import Fault
from layers import catalogue
from layers.exports import Exported
from layers.files import vector

#: Formats by word: media type, and ending of the file that is written.
FORMATS = {
    "geojson": ("application/geo+json", ".geojson"),
    "gpkg": ("application/geopackage+sqlite3", ".gpkg"),
    "fgb": ("application/flatgeobuf", ".fgb"),
    "parquet": ("application/vnd.apache.parquet", ".parquet"),
    "shp": ("application/zip", ".shp"),
    "csv": ("text/csv", ".csv"),
    "xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", ".xlsx"),
    "geojsonl": ("application/geo+json-seq", ".geojsonl"),
}
_MEDIA = {word: media for word, (media, _) in FORMATS.items()}

#: What the description of a route says of its reply.
RESPONSES: dict[int | str, dict[str, Any]] = {200: {"content": {media: {} for media in _MEDIA.values()}}}

LayerFile = Annotated[
    str, PathParameter(description="name of a layer; with an ending such as `.gpkg` it says the format, too")
]
Crs = Annotated[
    str, Query(description="wgs84, cgcs2000, gcj02, bd09, EPSG:4547, PROJ or WKT text, or a local CRS")
]
Format = Annotated[
    str | None, Query(alias="format", description=", ".join(FORMATS) + "; default: by Accept, else geojson")
]
Encoding = Annotated[
    str | None, Query(description=f"of a shapefile's text: {', '.join(vector.ENCODINGS)} (default UTF-8)")
]
Accept = Annotated[str, Header(include_in_schema=False)]


@dataclass(frozen=True, slots=True)
class Asked:
    """A layer in a format, in coordinates of `reference`, with what names people or without it."""

    layer: str
    written: str
    reference: Reference
    personal: bool
    encoding: str | None


def asked(
    runtime: Runtime,
    caller: Caller,
    file: str,
    *,
    written: str | None,
    accept: str,
    crs: str,
    encoding: str | None,
) -> Asked:
    """Understand a request for a layer as a file.

    Raises
    ------
    Problem
        ``invalid-request``, ``not-acceptable``; ``forbidden`` for posts, which are people.
    NotFound
        If there is no such layer.
    DataError
        On an unknown CRS.
    """
    layer, dot, ending = file.partition(".")
    if dot and ending not in FORMATS:
        layer = file
    elif dot and written not in (None, ending):
        fault = Fault(kind="parameter-invalid", field="format", message=f"The path says .{ending}.")
        raise Problem("invalid-request", fault.message, faults=[fault])
    elif dot:
        written = ending
    chosen = table_formats.choose(written, accept, _MEDIA)
    catalogue.spec_of(layer)
    personal = reads_people(caller)
    if layer in catalogue.PEOPLE and not personal:
        raise refused(
            caller, f"{layer} are people: it takes an account that reads personal data of the whole city."
        )
    return Asked(layer, chosen, stated.reference(crs, runtime.settings), personal, encoding)


def reply(wanted: Asked, write: Callable[[Path], Exported], *, name: str, revision: int) -> Response:
    """Send the file that `write` writes, called `name`; a shapefile comes as a .zip."""
    media, suffix = FORMATS[wanted.written]
    with tempfile.TemporaryDirectory(prefix="wangge-") as folder:
        path = Path(folder) / f"{wanted.layer}{suffix}"
        done = write(path)
        body = _zipped(Path(folder)) if wanted.written == "shp" else path.read_bytes()
    ending = "zip" if wanted.written == "shp" else wanted.written
    headers = {
        "Wangge-Revision": str(revision),
        "Vary": "Accept",
        "Content-Disposition": f'attachment; filename="{name}.{ending}"',
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
