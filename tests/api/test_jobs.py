"""Answers that are kept, jobs for those who would rather not wait, and where figures come from."""

import datetime as dt
import io
import time

import openpyxl
import pytest
from fastapi.testclient import TestClient

from api import worker as api_worker
from api.app import create_app
from api.cities import city_if_made
from api.preferences import MOST_WAIT_S, Preferences, preferences
from layers import database, jobs
from layers.publishing import Change
from tests import paper_city, walking_city
from tests.api.working import until, worker
from tests.paper_city import NOW, identifiers

MARKET = {"facility_type": "fresh_market", "minutes": "5"}
ASYNC = {"Prefer": "respond-async"}


@pytest.fixture
def walked(session, open_client):
    walking_city.build(session)
    open_client.app.state.runtime.snapshots.refresh()
    return open_client


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ("", Preferences()),
        ("respond-async", Preferences(respond_async=True, wait_s=0)),
        ("respond-async, wait=10", Preferences(respond_async=True, wait_s=10)),
        ('Wait="3"; x=1 ,RESPOND-ASYNC;y', Preferences(respond_async=True, wait_s=3)),
        ("return=minimal, wait=-1", Preferences()),
        ("wait=5, wait=9", Preferences(respond_async=False, wait_s=5)),
        ("respond-async, wait=99999", Preferences(respond_async=True, wait_s=MOST_WAIT_S)),
        ("=;,,wait=", Preferences()),
    ],
)
def test_preferences(stated, expected):
    assert preferences(stated) == expected


# --- kept --------------------------------------------------------------------------------------------------------


def test_an_answer_is_worked_out_once_and_kept_for_the_next_server(walked, settings):
    first = walked.get("/api/coverage", params=MARKET)
    again = walked.get("/api/coverage", params=MARKET)
    assert [reply.headers["Wangge-Result"][:5] for reply in (first, again)] == ["fresh", "kept;"]
    assert first.content == again.content
    tag = again.headers["ETag"]
    assert walked.get("/api/coverage", params=MARKET, headers={"If-None-Match": tag}).status_code == 304
    with TestClient(create_app(settings, open_reading=True)) as other:
        reply = other.get("/api/coverage", params=MARKET)
        assert reply.headers["Wangge-Result"].startswith("kept")
        assert reply.content == first.content
        assert city_if_made(other.app.state.runtime.snapshots.current()) is None, "nothing else was needed"


def test_a_publication_makes_kept_answers_those_of_the_past(walked, session):
    before = walked.get("/api/coverage", params=MARKET)
    gone = Change(walking_city.facilities().iloc[:0], removed=list(identifiers("facilities", ["F1"])))
    paper_city.publish(session, {"facilities": gone}, now=paper_city.NOW + dt.timedelta(days=1))
    after = walked.get("/api/coverage", params=MARKET)
    assert after.headers["Wangge-Result"].startswith("fresh")
    assert after.json()["provenance"]["layers"] == {
        **before.json()["provenance"]["layers"],
        "facilities": 2,
    }
    past = walked.get("/api/coverage", params=MARKET | {"at": paper_city.NOW.isoformat()})
    assert past.headers["Wangge-Result"].startswith("kept")
    assert past.content == before.content


def test_every_table_says_what_it_comes_from(walked):
    body = walked.get("/api/coverage", params=MARKET | {"profile": "elderly"}).json()
    told = body["provenance"]
    assert told["layers"]["facilities"] == body["revision"] == 1
    assert told["layers"]["buildings"] == 0
    assert told["settings"]["speed_m_s"] == 0.8
    assert told["settings"]["steps_factor"] == 2
    assert told["settings"]["snap_limit_m"] == 200
    assert told["computed_at"].endswith("Z")
    table = walked.get("/api/coverage", params=MARKET | {"profile": "elderly", "format": "csv"})
    assert told["key"] in table.headers["Wangge-Result"]
    assert table.headers["Wangge-Computed-At"] == told["computed_at"]
    assert "facilities=1" in table.headers["Wangge-Layers"]
    assert "speed_m_s=0.8" in table.headers["Wangge-Settings"]
    book = walked.get("/api/coverage", params=MARKET | {"profile": "elderly", "format": "xlsx"})
    notes = dict(openpyxl.load_workbook(io.BytesIO(book.content)).worksheets[1].values)
    assert notes["计算时间 computed at"] == told["computed_at"]
    assert "facilities=1" in notes["图层版本 layer versions"]
    shapes = walked.get("/api/coverage", params=MARKET | {"profile": "elderly", "format": "geojson"}).json()
    assert shapes["provenance"] == told
    changes = walked.get(
        "/api/coverage/changes", params=MARKET | {"since": paper_city.NOW.isoformat()}
    ).json()
    assert changes["provenance"] == changes["since_provenance"]


@pytest.mark.parametrize("written", ["json", "csv", "geojson", "xlsx"])
def test_a_kept_table_is_the_same_in_every_format(walked, written):
    walked.get("/api/coverage", params=MARKET | {"minutes": "6"})
    asked = MARKET | {"format": written}
    fresh, kept, again = (walked.get("/api/coverage", params=asked) for _ in range(3))
    assert kept.headers["Wangge-Result"].startswith("kept")
    assert kept.headers["Content-Type"] == fresh.headers["Content-Type"]
    assert kept.headers.get("Content-Disposition") == fresh.headers.get("Content-Disposition")
    if written != "xlsx":  # a workbook says when it was written
        assert kept.content == again.content == fresh.content


def test_an_answer_that_cannot_be_kept_is_given_all_the_same(walked, monkeypatch):
    results = walked.app.state.runtime.results

    def full(*_args, **_options):
        raise jobs.NotFound("no room")

    monkeypatch.setattr(results, "keep", full)
    assert walked.get("/api/coverage", params=MARKET).status_code == 200


# --- jobs --------------------------------------------------------------------------------------------------------


def test_nobody_waits_for_a_job_that_nobody_takes(walked):
    reply = walked.get("/api/coverage", params=MARKET, headers=ASYNC)
    assert reply.status_code == 200
    assert walked.get("/api/jobs").json() == {"jobs": [], "workers": 0}


def test_a_table_is_worked_out_by_a_worker(walked, settings):
    with worker(settings):
        until(lambda: walked.get("/readyz").json()["workers"] == 1)
        reply = walked.get("/api/coverage", params=MARKET, headers=ASYNC)
        assert reply.status_code == 202
        assert reply.headers["Preference-Applied"] == "respond-async"
        place = reply.headers["Location"]
        assert place == f"/api/jobs/{reply.json()['id']}"
        until(lambda: walked.get(place).json()["status"] == "done")
        job = walked.get(place).json()
        assert (job["progress"], job["revision"], job["error"], job["workers"]) == (1.0, 1, None, 1)
        table = walked.get(job["result"], headers=ASYNC)
        assert table.status_code == 200
        assert table.headers["Wangge-Result"].startswith("kept")
        assert table.json()["rows"]
    assert [one["id"] for one in walked.get("/api/jobs").json()["jobs"]] == [job["id"]]


def test_who_waits_a_little_gets_the_table(walked, settings):
    with worker(settings):
        until(lambda: walked.get("/readyz").json()["workers"] == 1)
        reply = walked.get("/api/coverage", params=MARKET, headers={"Prefer": "respond-async, wait=30"})
        assert reply.status_code == 200
        assert reply.headers["Wangge-Result"].startswith("kept")
        # Now the worker has the city in memory, but this server has not.
        assert walked.get("/api/jobs").json()["jobs"][0]["status"] == "done"
    walked.get("/api/coverage", params=MARKET | {"minutes": "6"})
    with worker(settings):
        until(lambda: walked.get("/readyz").json()["workers"] == 1)
        quick = walked.get(
            "/api/coverage", params=MARKET | {"minutes": "7"}, headers={"Prefer": "respond-async, wait=1"}
        )
        assert quick.headers["Wangge-Result"].startswith("fresh"), "all it needs is in memory by now"


def test_only_some_of_the_threads_wait_for_jobs(walked, engine):
    runtime = walked.app.state.runtime
    places = runtime.settings.threads // 4
    assert [runtime.waiting.acquire(blocking=False) for _ in range(places + 1)] == [True] * places + [False]
    with jobs.bell(engine):
        begun = time.monotonic()
        patient = {"Prefer": f"respond-async, wait={MOST_WAIT_S:g}"}
        assert walked.get("/api/coverage", params=MARKET, headers=patient).status_code == 202
        assert time.monotonic() - begun < MOST_WAIT_S, "it is not kept waiting"


@pytest.mark.usefixtures("walked")
def test_a_worker_that_runs_for_months_forgets_old_jobs(settings, engine, monkeypatch):
    monkeypatch.setattr(api_worker, "TIDY_S", 0.05)
    with worker(settings), database.sessions(engine)() as session:
        until(lambda: jobs.workers(session) == 1)
        job = jobs.enqueue(session, jobs.Wanted("coverage", "old", {}), asked_by="wang")
        job.status, job.finished_at = "cancelled", NOW - dt.timedelta(days=400)
        session.commit()
        until(lambda: not jobs.counts(session))


def test_a_question_that_has_no_answer_fails_with_the_reason(walked, settings):
    with worker(settings):
        until(lambda: walked.get("/readyz").json()["workers"] == 1)
        wrong = MARKET | {"within": "no such area"}
        place = walked.get("/api/coverage", params=wrong, headers=ASYNC).headers["Location"]
        until(lambda: walked.get(place).json()["status"] == "failed")
        assert "no such area" in walked.get(place).json()["error"]
        waited = walked.get("/api/coverage", params=wrong, headers={"Prefer": "respond-async, wait=30"})
        assert waited.status_code == 422
        assert waited.json()["errors"][0]["field"] == "within"


def test_jobs_are_their_askers_and_the_administrators(client, session, engine, sign_in):
    walking_city.build(session)
    wang, zhang, root = (
        sign_in(role, name=name)
        for role, name in (("viewer", "wang"), ("planner", "zhang"), ("administrator", "root"))
    )
    with jobs.bell(engine):  # somebody seems to be there, but takes nothing
        reply = client.get("/api/coverage", params=MARKET, headers=ASYNC | wang)
        assert reply.status_code == 202
        place = reply.headers["Location"]
        assert client.get(place).status_code == 401
        assert client.get(place, headers=zhang).status_code == 404
        assert client.post(f"{place}/cancel", headers=zhang).status_code == 404
        assert client.get("/api/jobs", headers=zhang).json()["jobs"] == []
        assert len(client.get("/api/jobs", headers=root).json()["jobs"]) == 1
        assert client.get(place, headers=wang).json()["status"] == "queued"
        joined = client.get("/api/coverage", params=MARKET, headers=ASYNC | zhang)
        assert joined.headers["Location"] == place
        assert client.post(f"{place}/cancel", headers=wang).json()["status"] == "queued"
        assert client.get(place, headers=wang).status_code == 404
        assert client.post(f"{place}/cancel", headers=root).json()["status"] == "cancelled"
        assert client.post(f"{place}/cancel", headers=root).status_code == 409
        assert client.post("/api/jobs/none/cancel", headers=root).status_code == 422
    assert client.get("/api/coverage", params=MARKET, headers=ASYNC | wang).status_code == 200


def test_one_account_cannot_fill_the_queue(walked, engine, monkeypatch):
    monkeypatch.setattr(jobs, "MOST_OPEN", 2)
    with jobs.bell(engine):
        codes = [
            walked.get("/api/coverage", params=MARKET | {"minutes": minutes}, headers=ASYNC).status_code
            for minutes in ("5", "6", "7", "5")
        ]
    assert codes == [202, 202, 429, 202]


def test_figures_and_readiness_tell_of_the_queue(walked, engine, sign_in):
    root = sign_in("administrator")
    with jobs.bell(engine):
        walked.get("/api/coverage", params=MARKET, headers=ASYNC)
    walked.get("/api/coverage", params=MARKET | {"minutes": "6"})
    ready = walked.get("/readyz")
    assert ready.status_code == 200
    assert (ready.json()["workers"], ready.json()["jobs_queued"]) == (0, 1)
    figures = walked.get("/metrics", headers=root).text
    assert 'wangge_jobs{status="queued"} 1.0' in figures
    assert 'wangge_jobs{status="running"} 0.0' in figures
    assert "wangge_workers 0.0" in figures
    assert "wangge_results 1.0" in figures
