"""What is kept of coverage, and what is dropped."""

from api import cities
from geo.coverage import Query
from tests.geo.coverage.test_table import PAPER

ONE, OTHER = (Query(facility_types=("market",), minutes=(minutes,)) for minutes in (5, 10))


def test_an_answer_is_worked_out_once():
    answers = cities.Answers(PAPER)
    assert answers.to(ONE) is answers.to(ONE)
    assert answers.to(OTHER) is not answers.to(ONE)


def test_the_least_recently_asked_is_dropped(monkeypatch):
    monkeypatch.setattr(cities, "KEPT_ROWS", 4)  # two answers of two communities
    answers = cities.Answers(PAPER)
    first, second = answers.to(ONE), answers.to(OTHER)
    assert answers.to(ONE) is first
    answers.to(Query(facility_types=("market",), minutes=(15,)))
    assert answers.to(ONE) is first
    assert answers.to(OTHER) is not second


def test_an_answer_larger_than_all_room_is_still_given(monkeypatch):
    monkeypatch.setattr(cities, "KEPT_ROWS", 1)
    answers = cities.Answers(PAPER)
    assert len(answers.to(ONE).table) == 2
