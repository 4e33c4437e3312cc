"""`wangge jobs` and `wangge worker`, as an operator runs them."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from api.cli.jobs import app
from layers import jobs
from layers.errors import Conflict
from layers.jobs import Wanted
from tests.api.working import PATIENCE_S, until

WANGGE = Path(sys.executable).parent / "wangge"


@pytest.fixture
def run(database_url, monkeypatch):
    monkeypatch.setenv("WANGGE_DATABASE_URL", database_url)
    return lambda *words: CliRunner().invoke(app, list(words))


def test_jobs_are_listed_and_cancelled(run, session):
    job = jobs.enqueue(session, Wanted("coverage", "one", {"revision": 1}), asked_by="wang")
    session.commit()
    done = run("list")
    (line,) = map(json.loads, done.stdout.splitlines())
    assert (line["id"], line["status"], line["asked_by"]) == (str(job.id), "queued", ["wang"])
    assert "no worker runs" in done.stderr
    assert run("cancel", str(job.id)).exit_code == 0
    assert json.loads(run("list").stdout)["status"] == "cancelled"
    assert isinstance(run("cancel", str(job.id)).exception, Conflict)
    assert run("cancel", "nonsense").exit_code == 2


def test_a_worker_waits_for_jobs_and_ends_when_asked_to(database_url, session):
    environment = {**os.environ, "WANGGE_DATABASE_URL": database_url}
    process = subprocess.Popen(
        [WANGGE, "worker"], env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        until(lambda: jobs.workers(session) == 1)
        job = jobs.enqueue(session, Wanted("coverage", "one", {"revision": 7, "question": {}}), asked_by=None)
        session.commit()
        until(lambda: session.refresh(job) or job.status == "failed")
        session.rollback()
        process.send_signal(signal.SIGTERM)
        out, told = process.communicate(timeout=PATIENCE_S)
    finally:
        process.kill()
        process.wait()
    assert (process.returncode, out) == (0, "")
    events = [json.loads(line) for line in told.splitlines() if line.startswith("{")]
    (line,) = [event for event in events if event["event"] == "job"]
    assert (line["job"], line["kind"], line["status"], line["attempt"]) == (
        str(job.id),
        "coverage",
        "failed",
        1,
    )
    assert [event["event"] for event in events if event["event"].startswith("worker")] == [
        "worker started",
        "worker ended",
    ]
