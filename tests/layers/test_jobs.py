"""The queue of jobs."""

import threading

import pytest
from sqlalchemy import text

from layers import database, jobs
from layers.errors import Conflict, NotFound, TooManyJobs
from layers.jobs import Wanted

ONE, OTHER = Wanted("sum", "sum 1", {"n": 1}), Wanted("sum", "sum 2", {"n": 2})


def _outdate(session, job):
    """Make a heartbeat as old as that of a worker that was killed."""
    session.execute(
        text("UPDATE jobs SET heartbeat_at = heartbeat_at - interval '1 minute' WHERE id = :id"),
        {"id": job.id},
    )
    session.commit()


def test_one_question_is_queued_once_whoever_asks(session):
    first = jobs.enqueue(session, ONE, asked_by=None)
    assert (first.status, first.priority, first.asked_by) == ("queued", jobs.BACKGROUND, [])
    for name in ("wang", "zhang", "wang"):
        again = jobs.enqueue(session, ONE, asked_by=name)
    assert again.id == first.id
    assert (again.asked_by, again.priority) == (["wang", "zhang"], jobs.ASKED)
    other = jobs.enqueue(session, OTHER, asked_by="wang")
    session.commit()
    assert [job.id for job in jobs.listed(session, asked_by="zhang")] == [first.id]
    assert [job.id for job in jobs.listed(session, asked_by=None)] == [other.id, first.id]
    with pytest.raises(NotFound):
        jobs.one(session, other.id, asked_by="zhang")


def test_what_somebody_waits_for_goes_first_then_the_oldest(session):
    made = [jobs.enqueue(session, Wanted("sum", str(n), {}), asked_by=None) for n in range(3)]
    asked = jobs.enqueue(session, Wanted("sum", "asked", {}), asked_by="wang")
    session.commit()
    order = [jobs.claim(session, "w").id for _ in range(4)]
    assert order == [asked.id, *(job.id for job in made)]
    assert jobs.claim(session, "w") is None


def test_a_claimed_job_is_skipped_by_others_even_before_the_commit(session, engine):
    jobs.enqueue(session, ONE, asked_by=None)
    second = jobs.enqueue(session, OTHER, asked_by=None)
    session.commit()
    with database.sessions(engine)() as one, database.sessions(engine)() as other:
        assert jobs.claim(one, "a").key == ONE.key
        assert jobs.claim(other, "b").id == second.id


def test_a_job_is_done_once_over_and_may_be_queued_again(session):
    job = jobs.enqueue(session, ONE, asked_by="wang")
    session.commit()
    jobs.claim(session, "w")
    assert jobs.beat(session, job.id, "w", progress=0.5, step="half")
    session.expire_all()
    assert (job.progress, job.step) == (0.5, "half")
    assert not jobs.finish(session, job.id, "another")
    assert jobs.finish(session, job.id, "w")
    session.expire_all()
    assert (job.status, job.progress, job.error) == ("done", 1.0, None)
    assert jobs.enqueue(session, ONE, asked_by="wang").id != job.id


def test_a_job_of_a_dead_worker_is_taken_by_another(session):
    job = jobs.enqueue(session, ONE, asked_by="wang")
    session.commit()
    jobs.claim(session, "dead")
    session.commit()
    assert jobs.claim(session, "w") is None, "it may live yet"
    _outdate(session, job)
    taken = jobs.claim(session, "w")
    assert (taken.id, taken.attempts, taken.worker) == (job.id, 2, "w")
    assert not jobs.beat(session, job.id, "dead", progress=0.9, step="late")
    assert not jobs.finish(session, job.id, "dead")


def test_a_job_that_ends_its_workers_fails_at_last(session):
    job = jobs.enqueue(session, ONE, asked_by="wang")
    session.commit()
    for attempt in range(jobs.MOST_ATTEMPTS):
        assert jobs.claim(session, f"w{attempt}") is not None
        session.commit()
        _outdate(session, job)
    next_one = jobs.enqueue(session, OTHER, asked_by=None)
    assert jobs.claim(session, "w").id == next_one.id
    session.expire_all()
    assert job.status == "failed"
    assert "3 times" in job.error


def test_a_worker_that_stops_gives_its_job_back_unharmed(session):
    job = jobs.enqueue(session, ONE, asked_by="wang")
    session.commit()
    jobs.claim(session, "w")
    assert jobs.release(session, "another") == 0
    assert jobs.release(session, "w") == 1
    session.expire_all()
    assert (job.status, job.attempts, job.worker) == ("queued", 0, None)


@pytest.mark.parametrize("running", [False, True])
def test_a_cancelled_job_is_no_workers_any_more(session, running):
    job = jobs.enqueue(session, ONE, asked_by="wang")
    session.commit()
    if running:
        jobs.claim(session, "w")
    assert jobs.cancel(session, job.id, asked_by="wang").status == "cancelled"
    assert not jobs.beat(session, job.id, "w", progress=0.1, step="")
    assert not jobs.finish(session, job.id, "w")
    assert jobs.claim(session, "w") is None
    with pytest.raises(Conflict):
        jobs.cancel(session, job.id, asked_by="wang")


def test_a_job_that_others_wait_for_goes_on_for_them(session):
    for name in ("wang", "zhang"):
        job = jobs.enqueue(session, ONE, asked_by=name)
    with pytest.raises(NotFound):
        jobs.cancel(session, job.id, asked_by="li")
    assert jobs.cancel(session, job.id, asked_by="wang").status == "queued"
    assert job.asked_by == ["zhang"]
    assert jobs.cancel(session, job.id, asked_by=None).status == "cancelled"


def test_jobs_that_nobody_waits_for_are_withdrawn_in_their_order(session):
    for number in range(3):
        jobs.enqueue(session, Wanted("sum", str(number), {"n": number}), asked_by=None)
    jobs.enqueue(session, Wanted("sum", "2", {"n": 2}), asked_by="wang")
    jobs.enqueue(session, Wanted("other", "x", {}), asked_by=None)
    session.flush()
    assert jobs.withdraw(session, "sum", why="newer") == [{"n": 0}, {"n": 1}]
    assert jobs.counts(session) == {"cancelled": 2, "queued": 2}


def test_nobody_has_more_jobs_open_than_is_fair(session):
    for number in range(jobs.MOST_OPEN):
        jobs.enqueue(session, Wanted("sum", str(number), {}), asked_by="wang")
    jobs.enqueue(session, Wanted("sum", "0", {}), asked_by="wang")
    with pytest.raises(TooManyJobs):
        jobs.enqueue(session, ONE, asked_by="wang")
    jobs.enqueue(session, ONE, asked_by="zhang")


def test_a_queued_job_rings_and_a_listening_worker_is_present(session, engine):
    assert jobs.workers(session) == 0
    with jobs.bell(engine) as bell, jobs.bell(engine) as other:
        assert jobs.workers(session) == 2
        rung = threading.Event()

        def listen():
            bell.wait(60)
            rung.set()

        thread = threading.Thread(target=listen)
        thread.start()
        jobs.enqueue(session, ONE, asked_by=None)
        session.commit()
        assert rung.wait(30)
        thread.join()
        other.wait(30)
        other.wait(0.01)
    assert jobs.workers(session) == 0


def test_jobs_long_over_are_forgotten(session):
    job = jobs.enqueue(session, ONE, asked_by=None)
    jobs.enqueue(session, OTHER, asked_by=None)
    jobs.cancel(session, job.id, asked_by=None)
    session.execute(text("UPDATE jobs SET finished_at = finished_at - interval '31 days'"))
    assert jobs.forget(session, days=30) == 1
    assert jobs.counts(session) == {"queued": 1}
