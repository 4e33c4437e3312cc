"""Which areas the points of a file belong to: the same rows, with the answers added."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from tempfile import SpooledTemporaryFile
from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response, StreamingResponse
from starlette.background import BackgroundTask

from api import stated
from api.access import Permission, needs
from api.dependencies import RuntimeDep, SnapshotDep
from api.errors import Problem
from api.places import areas_at
from api.routers.locate import Datum, Level, Scheme
from api.snapshots import Snapshot
from geo.crs import Reference
from geo.levels import LEVELS
from layers import batch, located
from layers.files import points

router = APIRouter(tags=["locate"])

_BODIES: dict[str, Any] = {
    types[0]: {"schema": {"type": "string", "format": "binary"}} for _, types in points.KINDS.values()
}


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
    snapshot: SnapshotDep,
    datum: Datum = None,
    level: Level = "grid",
    scheme: Scheme = located.SCHEME,
    lon: Annotated[str | None, Query(description="column of longitude or easting")] = None,
    lat: Annotated[str | None, Query(description="column of latitude or northing")] = None,
    margin: Annotated[bool, Query(description="add `margin_m`, the distance to the area's border")] = False,
) -> Response:
    """Return the rows of a file with `area_code`, `rule`, `distance_m` and `error` added.

    CSV (any usual delimiter, UTF-8 or GBK), GeoJSON, GeoJSON sequences or Parquet, told by Content-Type. Columns
    that are already there stay as they are. A row whose coordinates cannot be used comes back with rule
    `rejected` and the reason. `Wangge-Rows-Total` = `-Assigned` + `-Unassigned` + `-Rejected`. Where most points
    belong to no area, `Wangge-Datum-Hint` tells the share outside under each datum.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    kind = next((kind for kind, (_, types) in points.KINDS.items() if media_type in types), None)
    if kind is None:
        known = ", ".join(types[0] for _, types in points.KINDS.values())
        raise Problem("unsupported-format", f"Content-Type {media_type!r} is not read; send {known}.")
    reference, known_level = stated.together(
        lambda: stated.reference(datum, runtime.settings), lambda: stated.choice(level, LEVELS, "level")
    )
    job = _Job(kind, reference, known_level, scheme, (lon, lat), margin)
    with ExitStack() as open_files:
        source, sink = (open_files.enter_context(SpooledTemporaryFile(_IN_MEMORY)) for _ in range(2))
        async for piece in request.stream():
            source.write(piece)
        work = partial(_run, job, source, sink, snapshot, runtime.settings.max_upload_mb)
        counts, encoding = await to_thread.run_sync(work, limiter=runtime.files)
        kept = open_files.pop_all()
    headers = {f"Wangge-Rows-{name.title()}": str(getattr(counts, name)) for name in _COUNTS}
    headers["Wangge-Revision"] = str(snapshot.revision)
    if counts.outside:
        headers["Wangge-Datum-Hint"] = "; ".join(
            f"{name}={share:.3f}" for name, share in counts.outside.items()
        )
    if encoding is not None:
        media_type += f"; charset={_CHARSETS.get(encoding, encoding)}"
    return StreamingResponse(
        _pieces(sink), media_type=media_type, headers=headers, background=BackgroundTask(kept.close)
    )


#: Names of encodings as the web knows them, where Python's differ.
_CHARSETS = {"utf-8-sig": "utf-8"}


_COUNTS = ("total", "assigned", "unassigned", "rejected")
_IN_MEMORY = 16 << 20
_MOST_ROWS = 20_000_000
#: How much larger than the largest upload the answers may be.
_MOST_GROWTH = 5
_PIECE = 1 << 18


@dataclass(frozen=True, slots=True)
class _Job:
    kind: str
    reference: Reference
    level: str
    scheme: str
    columns: tuple[str | None, str | None]
    margin: bool


def _run(
    job: _Job,
    source: Any,  # noqa: ANN401 - a spooled file
    sink: Any,  # noqa: ANN401 - a spooled file
    snapshot: Snapshot,
    most_mb: int,
) -> tuple[batch.BatchCounts, str | None]:
    def bounded(_step: str, rows: int, _total: int) -> None:
        # What is packed into a small file can be any number of rows, of any length.
        if rows > _MOST_ROWS or sink.tell() > _MOST_GROWTH * (most_mb << 20):
            raise Problem(
                "too-large", f"More than {_MOST_ROWS} rows, or too long ones: send the file in parts."
            )

    areas = areas_at(snapshot, job.level, job.scheme)
    added = batch.added_columns(margin=job.margin)
    file = points.open_points(job.kind, source, sink, columns=job.columns, added=added)
    counts = batch.assign_points(file, areas, job.reference, margin=job.margin, progress=bounded)
    return counts, file.encoding


def _pieces(sink: Any) -> Iterator[bytes]:  # noqa: ANN401 - a spooled file
    sink.seek(0)
    while piece := sink.read(_PIECE):
        yield piece
