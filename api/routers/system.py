"""Probes and figures for the operator."""

from typing import Annotated, Any

from fastapi import APIRouter
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from api.access import Caller, Permission, needs
from api.dependencies import RuntimeDep
from layers import database

router = APIRouter(tags=["system"])


@router.get("/healthz", dependencies=[needs(Permission.PUBLIC)], summary="Is the process alive?")
async def healthz() -> dict[str, str]:
    """Answer while the process runs; asks nothing else."""
    return {"status": "ok"}


@router.get("/readyz", dependencies=[needs(Permission.PUBLIC)], summary="Can it answer?")
def readyz(runtime: RuntimeDep) -> dict[str, Any]:
    """Answer 200 when the database answers and its migrations are current, else 503 with the reason."""
    engine = runtime.sessions.kw["bind"]
    postgis = database.check(engine)
    return {"status": "ok", "postgis": postgis, "revision": runtime.snapshots.current().revision}


@router.get("/metrics", summary="Figures for Prometheus", response_class=Response)
def metrics(_: Annotated[Caller, needs(Permission.OPERATE)], runtime: RuntimeDep) -> Response:
    """Return request counts and times in Prometheus's text format."""
    return Response(generate_latest(runtime.figures), media_type=CONTENT_TYPE_LATEST)


@router.get("/api/me", summary="Who am I, and what may I do?")
async def me(caller: Annotated[Caller, needs(Permission.PUBLIC)]) -> dict[str, Any]:
    """Return the caller's account, permissions and areas; `name` is null for a visitor."""
    return {
        "name": caller.name,
        "permissions": sorted(caller.permissions),
        "areas": list(caller.areas),
    }
