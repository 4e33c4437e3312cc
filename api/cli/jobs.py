"""`wangge jobs`: what is worked out in the background."""

import json
import sys
from typing import Annotated, Any
from uuid import UUID

import typer

from api.cli.connection import Embedded, transaction
from api.cli.console import console
from layers import jobs
from layers.tables import Job

app = typer.Typer(help="后台任务 · Jobs that are worked out in the background.", no_args_is_help=True)


@app.command("list")
def list_jobs(
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="So many of the newest.")] = 20,
    embedded: Embedded = False,
) -> None:
    """List the newest jobs, newest first, a line of JSON each; how many workers there are on stderr.

    Example: wangge jobs list --limit 5
    """
    with transaction(embedded=embedded) as session:
        found, workers = jobs.listed(session, asked_by=None, limit=limit), jobs.workers(session)
        waiting = sum(job.status == "queued" for job in found)
    for job in found:
        sys.stdout.write(json.dumps(_line(job), ensure_ascii=False) + "\n")
    console.print(f"{workers} worker(s)", markup=False)
    if waiting and not workers:
        console.print("jobs wait, but no worker runs: start `wangge worker`", markup=False)


@app.command("cancel")
def cancel_job(
    job: Annotated[UUID, typer.Argument(help="Id of the job, from `wangge jobs list`.")],
    embedded: Embedded = False,
) -> None:
    """Cancel a job, whoever waits for it; one that is being worked on stops at its next step.

    Example: wangge jobs cancel 6f1c2f0e-8a0b-4f5e-9d0e-2b1f0c3d4e5f
    """
    with transaction(embedded=embedded) as session:
        jobs.cancel(session, job, asked_by=None)
    console.print(f"job {job} is cancelled", markup=False)


def _line(job: Job) -> dict[str, Any]:
    return {
        "id": str(job.id),
        "kind": job.kind,
        "status": job.status,
        "progress": round(job.progress, 3),
        "asked_by": job.asked_by,
        "attempts": job.attempts,
        "worker": job.worker,
        "created_at": job.created_at.isoformat(),
        "finished_at": job.finished_at and job.finished_at.isoformat(),
        "error": job.error,
    }
