"""Which areas the points of a file belong to: the same rows, with the answers added."""

from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from tempfile import SpooledTemporaryFile
from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response, StreamingResponse
from starlette.background import BackgroundTask

from api import point_files
from api.access import Permission, needs
from api.dependencies import Runtime, RuntimeDep
from api.errors import Problem
from api.point_files import Done, Options
from api.routers.locate import Datum, Scheme
from geo.levels import LEVELS
from layers import located
from layers.batch import BatchCounts
from layers.files import points
from layers.files.point_columns import Columns

router = APIRouter(tags=["locate"])

_BODIES: dict[str, Any] = {
    types[0]: {"schema": {"type": "string", "format": "binary"}} for _, types in points.KINDS.values()
}
_COUNTS = ("total", "assigned", "unassigned", "rejected")
_IN_MEMORY = 16 << 20
_MOST_ROWS = 20_000_000
#: How much larger than the largest upload the answers may be.
_MOST_GROWTH = 5
_PIECE = 1 << 18


@router.post(
    "/api/locate",
    dependencies=[needs(Permission.READ_LAYERS)],
    response_class=Response,
    summary="Which areas are these points in?",
    openapi_extra={"requestBody": {"required": True, "content": _BODIES}},
    responses={
        200: {"description": "The same rows in the same order, in the same format", "content": _BODIES}
    },
)
async def locate_many(
    *,
    request: Request,
    runtime: RuntimeDep,
    datum: Datum = None,
    level: Annotated[
        list[str],
        Query(description=f"one or several of {', '.join(LEVELS)}; or {point_files.ALL}"),
    ] = ["grid"],  # noqa: B006 - FastAPI copies it
    scheme: Scheme = located.SCHEME,
    lon: Annotated[str | None, Query(description="column of longitude or easting")] = None,
    lat: Annotated[str | None, Query(description="column of latitude or northing")] = None,
    geometry: Annotated[str | None, Query(description="column of points as WKT or WKB, instead")] = None,
    margin: Annotated[
        bool, Query(description="add `margin_m`, the distance to the area's border, and `neighbour_code`")
    ] = False,
    at: Annotated[
        str | None, Query(description="instant (RFC 3339) or date whose answers are wanted; now by default")
    ] = None,
    at_column: Annotated[
        str | None, Query(description="column of times: each row is answered as of its own")
    ] = None,
    accept_outside: Annotated[
        bool, Query(description="answer also where most points lie outside every area")
    ] = False,
) -> Response:
    """Return the rows of a file with `area_code`, `rule`, `distance_m` and `error` added.

    CSV (any usual delimiter, UTF-8 or GBK), GeoJSON, GeoJSON sequences, Parquet or XLSX, told by Content-Type.
    Columns that are already there stay as they are. A row whose coordinates cannot be used comes back with rule
    `rejected` and the reason. `Wangge-Rows-Total` = `-Assigned` + `-Unassigned` + `-Rejected`. GeoParquet says
    its own CRS; else `datum` must be stated. Of several levels the columns are `grid_code`, `grid_rule`, …; a
    row is assigned then that has an area of each. A file of which most points lie outside every area is
    refused, with the share outside under each datum; where that is accepted, `Wangge-Datum-Hint` tells it.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    kind = next((kind for kind, (_, types) in points.KINDS.items() if media_type in types), None)
    if kind is None:
        known = ", ".join(types[0] for _, types in points.KINDS.values())
        raise Problem("unsupported-format", f"Content-Type {media_type!r} is not read; send {known}.")
    options = Options(
        kind=kind,
        datum=datum,
        levels=level,
        scheme=scheme,
        columns=Columns(x=lon, y=lat, geometry=geometry, at=at_column),
        margin=margin,
        at=at,
        accept_outside=accept_outside,
    )
    with ExitStack() as open_files:
        source, sink = (open_files.enter_context(SpooledTemporaryFile(_IN_MEMORY)) for _ in range(2))
        async for piece in request.stream():
            source.write(piece)
        done = await to_thread.run_sync(partial(_run, options, source, sink, runtime), limiter=runtime.files)
        kept = open_files.pop_all()
    if done.encoding is not None:
        media_type += f"; charset={done.encoding}"
    return StreamingResponse(
        _pieces(sink), media_type=media_type, headers=_headers(done), background=BackgroundTask(kept.close)
    )


def _run(
    options: Options,
    source: Any,  # noqa: ANN401 - a spooled file
    sink: Any,  # noqa: ANN401 - a spooled file
    runtime: Runtime,
) -> Done:
    largest = _MOST_GROWTH * (runtime.settings.max_upload_mb << 20)

    def bounded(unit: str, counts: BatchCounts, _done: int, total: int) -> None:
        # What is packed into a small file can be any number of rows, of any length.
        rows = max(counts.total, total) if unit == "rows" else counts.total
        if rows > _MOST_ROWS or sink.tell() > largest:
            raise Problem(
                "too-large", f"More than {_MOST_ROWS} rows, or too long ones: send the file in parts."
            )

    return point_files.assign_file(options, source, sink, runtime.snapshots, runtime.settings, watch=bounded)


def _headers(done: Done) -> dict[str, str]:
    counts = done.counts
    headers = {f"Wangge-Rows-{name.title()}": str(getattr(counts, name)) for name in _COUNTS}
    headers["Wangge-Datum"] = done.datum.encode("ascii", "replace").decode()
    if done.revision is not None:
        headers["Wangge-Revision"] = str(done.revision)
    if counts.outside:
        hint = "; ".join(f"{name}={share:.3f}" for name, share in counts.outside.items())
        headers["Wangge-Datum-Hint"] = hint
    return headers


def _pieces(sink: Any) -> Iterator[bytes]:  # noqa: ANN401 - a spooled file
    sink.seek(0)
    while piece := sink.read(_PIECE):
        yield piece
