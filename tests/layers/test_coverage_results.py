"""Coverage that is kept, and renewed by publications."""

import datetime as dt

import pandas as pd
import pytest

from geo import coverage
from geo.coverage import Query
from layers import coverage_results, deployment, history, jobs, results
from layers.publishing import Change
from layers.results import Kept
from tests import paper_city, walking_city
from tests.geo.coverage.test_table import PAPER
from tests.paper_city import NOW

MARKET = Query(facility_types=("fresh_market",), minutes=(5, 10))
SCHOOL = Query(facility_types=("primary_school",))


@pytest.mark.parametrize(
    "query",
    [
        Query(minutes=(5,)),
        Query(minutes=(5,), level="compound"),
        Query(minutes=(5,), method="both"),
        Query(minutes=(5,), weight="land"),
        Query(standard="gb50180"),
    ],
)
def test_what_is_read_equals_what_was_written(query):
    answer = coverage.answer(PAPER, query)
    about, body = coverage_results.encode(answer)
    read = coverage_results.decode(Kept(1, NOW, 0.0, about, body))
    pd.testing.assert_frame_equal(read.table, answer.table)
    pd.testing.assert_frame_equal(read.overstatement, answer.overstatement)
    assert (read.demand_from, read.not_judged, read.faults) == (
        answer.demand_from,
        answer.not_judged,
        answer.faults,
    )


def test_a_basis_is_the_layers_that_are_used_and_the_settings(session):
    walking_city.build(session)
    decided, versions = deployment.get(session), history.versions(session, 1)
    basis = coverage_results.basis(versions | {"posts": 9}, decided, MARKET)
    assert basis.key == coverage_results.basis(versions, decided, MARKET).key
    assert basis.versions["facilities"] == 1
    assert basis.settings["speed_m_s"] == 1.25
    assert basis.settings["steps_factor"] == decided.steps_factor
    assert coverage_results.query_of(basis.question) == MARKET
    for other in (
        coverage_results.basis(versions | {"streets": 2}, decided, MARKET),
        coverage_results.basis(versions, decided, Query(minutes=(5, 10))),
        coverage_results.basis(versions, decided, Query(facility_types=("fresh_market",), profile="elderly")),
    ):
        assert other.key != basis.key


def _keep(session, query, *, revision, uses=1, used_at=NOW):
    basis = coverage_results.basis(history.versions(session, revision), deployment.get(session), query)
    kept = Kept(revision, NOW, 1.0, {}, b"")
    results.keep(session, basis, kept, most_bytes=1 << 20, uses=uses, used_at=used_at)


def _publish(session, layer, frame):
    """Publish the removal of a layer's first feature."""
    change = Change(frame.iloc[:0], removed=[frame.index[0]])
    return paper_city.publish(session, {layer: change}, now=NOW + dt.timedelta(days=1)).revision


def _open(session):
    found = jobs.listed(session, asked_by=None)[::-1]
    return [
        (job.payload["revision"], tuple(job.payload["question"]["facility_types"]))
        for job in found
        if job.status == "queued"
    ]


def test_a_publication_queues_what_was_asked_lately_the_most_used_first(session):
    walking_city.build(session)
    _keep(session, SCHOOL, revision=1)
    _keep(session, MARKET, revision=1, uses=7)
    _keep(session, Query(), revision=1, uses=9, used_at=NOW - dt.timedelta(days=100))
    revision = _publish(session, "facilities", walking_city.facilities())
    assert _open(session) == [(revision, ("fresh_market",)), (revision, ("primary_school",))]
    job = jobs.claim(session, "w")
    assert (job.asked_by, job.payload["uses"], job.payload["used_at"]) == ([], 7, NOW.isoformat())


def test_a_publication_of_other_layers_queues_nothing(session):
    walking_city.build(session)
    _keep(session, MARKET, revision=1)
    streets = walking_city.streets()
    assert coverage_results.renew(session, {"posts"}, 2, now=NOW) == 0
    assert _open(session) == []
    _publish(session, "streets", streets)
    assert len(_open(session)) == 1


def test_the_next_publication_takes_the_place_of_what_is_not_worked_out_yet(session):
    walking_city.build(session)
    _keep(session, MARKET, revision=1, uses=2)
    _publish(session, "facilities", walking_city.facilities())
    last = _publish(session, "streets", walking_city.streets())
    assert _open(session) == [(last, ("fresh_market",))]
    withdrawn = [job for job in jobs.listed(session, asked_by=None) if job.status == "cancelled"]
    assert [job.error for job in withdrawn] == [f"Revision {last} took its place."]


def test_what_somebody_waits_for_is_worked_out_at_its_own_revision(session):
    walking_city.build(session)
    basis = coverage_results.basis(history.versions(session, 1), deployment.get(session), MARKET)
    jobs.enqueue(session, coverage_results.wanted(basis, 1), asked_by="wang")
    _publish(session, "facilities", walking_city.facilities())
    assert _open(session) == [(1, ("fresh_market",))]
