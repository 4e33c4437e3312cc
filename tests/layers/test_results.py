"""What is kept of answers, and what is dropped."""

import datetime as dt
from dataclasses import replace

from sqlalchemy import text

from layers import database, results
from layers.results import Basis, Kept
from tests import walking_city
from tests.paper_city import NOW

BASIS = Basis("coverage", {"minutes": [5]}, {"streets": 1, "facilities": 1}, {"speed_m_s": 1.25})
KEPT = Kept(1, NOW, 2.5, {"faults": []}, b"table")
ROOM = 1 << 20


def _later(minutes):
    return NOW + dt.timedelta(minutes=minutes)


def test_what_is_kept_is_found_by_all_it_comes_from(session):
    walking_city.build(session)
    results.keep(session, BASIS, KEPT, most_bytes=ROOM)
    assert results.find(session, BASIS, now=NOW) == KEPT
    assert results.find(session, replace(BASIS, versions={"facilities": 1, "streets": 1}), now=NOW) == KEPT
    for other in (
        replace(BASIS, kind="siting"),
        replace(BASIS, question={"minutes": [10]}),
        replace(BASIS, versions={"streets": 1, "facilities": 2}),
        replace(BASIS, settings={"speed_m_s": 0.8}),
    ):
        assert results.find(session, other, now=NOW) is None


def test_a_second_answer_to_the_same_changes_nothing(session):
    walking_city.build(session)
    results.keep(session, BASIS, KEPT, most_bytes=ROOM)
    results.keep(session, BASIS, replace(KEPT, seconds=9.0), most_bytes=ROOM)
    assert results.find(session, BASIS, now=NOW).seconds == 2.5


def test_the_longest_unused_goes_first(session):
    walking_city.build(session)
    bases = [replace(BASIS, question={"minutes": [minutes]}) for minutes in (5, 10, 15)]
    for minute, basis in enumerate(bases[:2]):
        results.keep(session, basis, replace(KEPT, computed_at=_later(minute)), most_bytes=11)
    assert results.find(session, bases[0], now=_later(10)) is not None
    results.keep(session, bases[2], replace(KEPT, computed_at=_later(20)), most_bytes=11)
    found = [results.find(session, basis, now=_later(20)) is not None for basis in bases]
    assert found == [True, False, True]
    assert results.stored(session) == results.Stored(2, 10)


def test_questions_are_told_by_how_often_they_were_asked(session):
    walking_city.build(session)
    often, once, old = (replace(BASIS, question={"minutes": [minutes]}) for minutes in (5, 10, 15))
    for basis in (often, once, old):
        results.keep(session, basis, KEPT, most_bytes=ROOM)
    for minute in (60, 61, 61.5, 62):
        results.find(session, often, now=_later(minute))
    results.note_use(session, once, now=_later(70))
    asked = results.asked_lately(session, "coverage", BASIS.versions, since=_later(30), limit=9)
    assert [(item.question["minutes"], item.uses) for item in asked] == [([5], 4), ([10], 2)]
    assert results.asked_lately(session, "coverage", {"streets": 2}, since=NOW, limit=9) == []


def test_another_program_is_another_basis():
    version, digest = results.program().split("+")
    assert version
    assert len(digest) == 12


def test_two_who_make_room_at_once_do_not_wait_for_each_other(session, engine):
    walking_city.build(session)
    old, first, second = (replace(BASIS, question={"minutes": [minutes]}) for minutes in (5, 10, 15))
    results.keep(session, old, KEPT, most_bytes=ROOM)
    session.commit()
    newer = replace(KEPT, computed_at=_later(1))
    with database.sessions(engine)() as one, database.sessions(engine)() as other:
        other.execute(text("SET lock_timeout = '1s'"))
        results.keep(one, first, newer, most_bytes=len(KEPT.body))
        results.keep(other, second, newer, most_bytes=len(KEPT.body))
        other.commit()
        one.commit()
    assert results.find(session, old, now=_later(2)) is None
    assert (
        results.find(session, first, now=_later(2)) == results.find(session, second, now=_later(2)) == newer
    )
