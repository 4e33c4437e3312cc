"""Probes and figures for the operator, and who is asking."""

from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel, ConfigDict

from api.access import Caller, Permission, needs
from api.dependencies import RuntimeDep
from layers import database, jobs

router = APIRouter(tags=["system"])


class Alive(BaseModel):
    """The process runs."""

    model_config = ConfigDict(json_schema_extra={"example": {"status": "ok"}})

    status: str


class Ready(BaseModel):
    """The database answers, with this PostGIS, and this revision is in effect.

    Jobs that are queued while there are no `workers` wait; nothing else does.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"status": "ok", "postgis": "3.3.2", "revision": 9, "workers": 1, "jobs_queued": 0}
        }
    )

    status: str
    postgis: str
    revision: int
    workers: int
    jobs_queued: int


class Me(BaseModel):
    """An account, its permissions and the codes it is limited to; `name` is null for a visitor."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "name": "zhang",
                "permissions": ["file incidents", "public", "read incidents", "read layers"],
                "areas": ["510899001"],
            }
        }
    )

    name: str | None
    permissions: list[str]
    areas: list[str]


@router.get("/healthz", dependencies=[needs(Permission.PUBLIC)], summary="Is the process alive?")
async def healthz() -> Alive:
    """Answer while the process runs; asks nothing else."""
    return Alive(status="ok")


@router.get("/readyz", dependencies=[needs(Permission.PUBLIC)], summary="Can it answer?")
def readyz(runtime: RuntimeDep) -> Ready:
    """Answer 200 when the database answers and its migrations are current, else 503 with the reason."""
    postgis = database.check(runtime.look_ups.kw["bind"])
    revision = runtime.snapshots.current().revision
    with database.translated(), runtime.look_ups() as session:
        workers, queued = jobs.workers(session), jobs.counts(session).get("queued", 0)
    return Ready(status="ok", postgis=postgis, revision=revision, workers=workers, jobs_queued=queued)


@router.get("/metrics", summary="Figures for Prometheus", response_class=Response)
def metrics(_: Annotated[Caller, needs(Permission.OPERATE)], runtime: RuntimeDep) -> Response:
    """Return request counts and times in Prometheus's text format."""
    return Response(generate_latest(runtime.figures), media_type=CONTENT_TYPE_LATEST)


@router.get("/api/me", summary="Who am I, and what may I do?")
async def me(caller: Annotated[Caller, needs(Permission.PUBLIC)]) -> Me:
    """Return the caller's account, permissions and areas."""
    return Me(name=caller.name, permissions=sorted(caller.permissions), areas=list(caller.areas))
