"""Jobs: what is worked out in the background, how far it is, and how to stop it."""

import datetime as dt
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict
from pydantic.config import JsonDict

from api.access import Caller, Permission, needs
from api.dependencies import SessionDep
from api.waiting import Queued
from layers import jobs
from layers.tables import Job

router = APIRouter(tags=["jobs"])

_EXAMPLE: JsonDict = {
    "id": "6f1c2f0e-8a0b-4f5e-9d0e-2b1f0c3d4e5f",
    "kind": "coverage",
    "status": "running",
    "progress": 0.71,
    "step": "覆盖率 coverage",
    "revision": 4,
    "question": {"facility_types": [], "minutes": [5, 10, 15], "level": "community"},
    "result": "/api/coverage?minutes=5%2C10%2C15&level=community",
    "attempts": 1,
    "error": None,
    "created_at": "2026-03-01T04:05:06Z",
    "started_at": "2026-03-01T04:05:06Z",
    "finished_at": None,
    "workers": 1,
}


class JobOut(BaseModel):
    """A job; `status` is queued, running, done, failed or cancelled, `progress` 0 to 1, `step` its words.

    `result` is where the answer is when it is done; until then, asking there works it out in the request. `error`
    says why it failed, or was cancelled by the system. A job that is queued while `workers` is 0 waits until
    somebody starts one.
    """

    model_config = ConfigDict(json_schema_extra={"example": _EXAMPLE})

    id: UUID
    kind: str
    status: str
    progress: float
    step: str
    revision: int | None
    question: dict[str, Any]
    result: str
    attempts: int
    error: str | None
    created_at: dt.datetime
    started_at: dt.datetime | None
    finished_at: dt.datetime | None
    workers: int


class JobsOut(BaseModel):
    """Jobs, newest first, and how many workers are connected."""

    model_config = ConfigDict(json_schema_extra={"example": {"jobs": [_EXAMPLE], "workers": 1}})

    jobs: list[JobOut]
    workers: int


CallerDep = Annotated[Caller, needs(Permission.READ_LAYERS)]
JobId = Annotated[UUID, Path(description="as in the Location of the 202")]


@router.get("/api/jobs", summary="My jobs, newest first")
def get_jobs(
    session: SessionDep,
    caller: CallerDep,
    limit: Annotated[int, Query(ge=1, le=1000, description="so many of the newest")] = 100,
) -> JobsOut:
    """List the jobs that the caller waits for; an administrator's list has all of them."""
    workers = jobs.workers(session)
    found = jobs.listed(session, asked_by=_only(caller), limit=limit)
    return JobsOut(jobs=[_shown(job, workers) for job in found], workers=workers)


@router.get("/api/jobs/{job_id}", summary="How far is a job?")
def get_job(job_id: JobId, session: SessionDep, caller: CallerDep) -> JobOut:
    """Say how far a job is: ask again every second or so."""
    return _shown(jobs.one(session, job_id, asked_by=_only(caller)), jobs.workers(session))


@router.post("/api/jobs/{job_id}/cancel", summary="Cancel a job")
def cancel_job(job_id: JobId, session: SessionDep, caller: CallerDep) -> JobOut:
    """Cancel a job: the caller's own, or, for an administrator, anybody's.

    A job that others wait for too goes on for them. 409 if it is over.
    """
    return _shown(jobs.cancel(session, job_id, asked_by=_only(caller)), jobs.workers(session))


def accepted(queued: Queued) -> Response:
    """Say that a job was queued, and where to ask how far it is: 202, with `Location` (RFC 7240, 4.1)."""
    shown = _shown(queued.job, queued.workers)
    headers = {
        "Location": f"/api/jobs/{shown.id}",
        "Preference-Applied": "respond-async",
        "Retry-After": "1",
        "Vary": "Accept, Prefer",
    }
    return JSONResponse(shown.model_dump(mode="json"), status_code=202, headers=headers)


def address(request: Request) -> str:
    """Return the address of a request on this server: what a job's `result` is asked from."""
    query = urlencode(request.query_params.multi_items())
    return f"{request.url.path}?{query}" if query else request.url.path


def _only(caller: Caller) -> str | None:
    return None if caller.may(Permission.OPERATE) else caller.name or jobs.VISITOR


def _shown(job: Job, workers: int) -> JobOut:
    question = job.payload.get("question", {})
    return JobOut(
        id=job.id,
        kind=job.kind,
        status=job.status,
        progress=round(job.progress, 4),
        step=job.step,
        revision=job.payload.get("revision"),
        question=question,
        result=job.payload.get("address") or f"/api/{job.kind}?{_query(question)}",
        attempts=job.attempts,
        error=job.error,
        created_at=job.created_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
        workers=workers,
    )


def _query(question: dict[str, Any]) -> str:
    """Return a question as the query of an address."""
    stated = {
        "facility_type" if name == "facility_types" else name: ",".join(map(str, value))
        if isinstance(value, list)
        else value
        for name, value in question.items()
        if value not in (None, [])
    }
    return urlencode(stated)
