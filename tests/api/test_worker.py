"""Workers as an operator knows them: several at once, killed, stopped, and without a database for a while."""

import datetime as dt
import os
import signal
from collections import Counter

import pytest
from sqlalchemy import text

from geo.coverage import Query
from layers import coverage_results, deployment, history, jobs, results
from layers.publishing import Change
from tests import paper_city, walking_city
from tests.api.working import PATIENCE_S, until, workers
from tests.paper_city import NOW


@pytest.fixture
def record(tmp_path):
    return tmp_path / "worked.txt"


def _queue(session, *minutes, asked_by="wang"):
    """Queue tables of the current revision, one for each number of minutes."""
    revision = history.current(session, NOW)
    made = [
        jobs.enqueue(session, coverage_results.wanted(_basis(session, one), revision), asked_by=asked_by)
        for one in minutes
    ]
    session.commit()
    return [job.id for job in made]


def _basis(session, minutes, *, revision=None):
    versions = history.versions(session, revision or history.current(session, NOW))
    query = Query(facility_types=("fresh_market",), minutes=(minutes,))
    return coverage_results.basis(versions, deployment.get(session), query)


def _job(session, identifier):
    session.rollback()
    session.expire_all()
    return jobs.one(session, identifier, asked_by=None)


def _is(session, identifier, status):
    return lambda: _job(session, identifier).status == status


def _lines(record):
    return [tuple(map(int, line.split())) for line in record.read_text().splitlines()]


def test_workers_share_the_jobs_and_do_none_twice(session, database_url, record):
    walking_city.build(session)
    made = _queue(session, *range(1, 13))
    with workers(database_url, 2, record, step_s=0.02):
        until(lambda: all(_job(session, job).status == "done" for job in made))
    worked = _lines(record)
    assert Counter(minutes for _, minutes in worked) == Counter(range(1, 13))
    assert len({process for process, _ in worked}) == 2
    assert all(results.find(session, _basis(session, minutes), now=NOW) for minutes in range(1, 13))


def test_the_job_of_a_killed_worker_is_finished_by_another(session, database_url, record):
    walking_city.build(session)
    (job,) = _queue(session, 5)
    with workers(database_url, 2, record, step_s=0.3):
        until(lambda: _job(session, job).progress > 0.7)
        os.kill(_lines(record)[0][0], signal.SIGKILL)
        until(_is(session, job, "done"))
    assert _job(session, job).attempts == 2
    assert len({process for process, _ in _lines(record)}) == 2
    assert results.find(session, _basis(session, 5), now=NOW).revision == 1


def test_a_cancelled_job_ends_at_its_next_step_and_leaves_nothing(session, database_url, record):
    walking_city.build(session)
    job, behind = _queue(session, 5, 10)
    with workers(database_url, 1, record, step_s=0.3):
        until(lambda: _job(session, job).progress > 0.7)
        jobs.cancel(session, job, asked_by="wang")
        session.commit()
        until(_is(session, behind, "done"))
    assert _job(session, job).status == "cancelled"
    assert results.find(session, _basis(session, 5), now=NOW) is None


def test_a_worker_that_is_stopped_gives_its_job_back_and_ends_well(session, database_url, record):
    walking_city.build(session)
    (job,) = _queue(session, 5)
    with workers(database_url, 1, record, step_s=0.3) as (process,):
        until(lambda: _job(session, job).status == "running" and record.exists())
        process.terminate()
        process.join(PATIENCE_S)
        assert process.exitcode == 0
    found = _job(session, job)
    assert (found.status, found.attempts) == ("queued", 0)


def test_a_database_that_goes_away_for_a_moment_costs_no_job(session, database_url, record):
    walking_city.build(session)
    (job,) = _queue(session, 5)
    with workers(database_url, 1, record, step_s=0.2):
        until(lambda: _job(session, job).progress > 0.7)
        session.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
        until(_is(session, job, "done"))
        (other,) = _queue(session, 10)
        until(_is(session, other, "done"))
    assert results.find(session, _basis(session, 5), now=NOW) is not None


def test_what_a_publication_renews_is_answered_from_the_new_revision_only(session, database_url, record):
    walking_city.build(session)
    (job,) = _queue(session, 5)
    with workers(database_url, 1, record, step_s=0.0):
        until(_is(session, job, "done"))
        market = walking_city.facilities()
        gone = Change(market.iloc[:0], removed=[market.index[0]])
        later = NOW + dt.timedelta(days=1)
        revision = paper_city.publish(session, {"facilities": gone}, now=later).revision
        until(lambda: results.find(session, _basis(session, 5, revision=revision), now=later) is not None)
    before, after = (
        coverage_results.decode(results.find(session, _basis(session, 5, revision=number), now=later))
        for number in (1, revision)
    )
    assert [answer.table["covered"].sum() for answer in (before, after)] == [100, 0]
    renewed = jobs.listed(session, asked_by=None)[0]
    assert (renewed.asked_by, renewed.status, renewed.payload["revision"]) == ([], "done", revision)
