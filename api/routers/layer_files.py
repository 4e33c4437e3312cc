"""Layers as files: as they are, or as they stood at any date or revision."""

from functools import partial
from pathlib import Path
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Query
from fastapi.responses import Response

from api import exported
from api.access import Caller, Permission, needs
from api.dependencies import Runtime, RuntimeDep, SnapshotAtDep
from api.errors import Problem
from api.exported import Accept, Asked, Crs, Encoding, Format, LayerFile
from geo.faults import Fault
from layers import database, exports, history
from layers.exports import Exported

router = APIRouter(tags=["layers"])


@router.get(
    "/api/layers/{layer}",
    response_class=Response,
    summary="A layer as a file",
    responses=exported.RESPONSES,
)
async def get_layer(
    *,
    layer: LayerFile,
    snapshot: SnapshotAtDep,
    runtime: RuntimeDep,
    caller: Annotated[Caller, needs(Permission.READ_LAYERS)],
    revision: Annotated[
        int | None, Query(ge=1, le=2**31 - 1, description="number of a revision, in place of `at`")
    ] = None,
    at: Annotated[str | None, Query(include_in_schema=False)] = None,
    crs: Crs = "wgs84",
    written: Format = None,
    encoding: Encoding = None,
    accept: Accept = "*/*",
) -> Response:
    """Send a layer as it is, or as it stood at the end of a day or at a revision; importing it again changes nothing.

    A shapefile comes as a .zip. Posts, which are people, and columns that no field is known for are for accounts that
    read personal data of the whole city. What came from OpenStreetMap stays © OpenStreetMap contributors (ODbL), as the header
    `Wangge-Attribution` says.
    """
    wanted = exported.asked(
        runtime, caller, layer, written=written, accept=accept, crs=crs, encoding=encoding
    )
    if revision is not None and at is not None:
        fault = Fault(kind="parameter-invalid", field="revision", message="Say revision or at, not both.")
        raise Problem("invalid-request", fault.message, faults=[fault])
    work = partial(_file, runtime, wanted, revision or snapshot.revision)
    return await to_thread.run_sync(work, limiter=runtime.files)


def _file(runtime: Runtime, wanted: Asked, revision: int) -> Response:
    def write(path: Path) -> Exported:
        with database.translated(), runtime.look_ups() as session:
            if revision:
                history.get(session, revision)
            return exports.export(
                session,
                wanted.layer,
                path,
                revision,
                reference=wanted.reference,
                personal=wanted.personal,
                encoding=wanted.encoding,
            )

    return exported.reply(wanted, write, name=f"{wanted.layer}-{revision}", revision=revision)
