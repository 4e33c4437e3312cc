"""Which revision was in effect when, for columns of times."""

import datetime as dt

import numpy as np

from layers import history
from layers.tables import Revision

DAY = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)


def revision(number, effective_from):
    return Revision(
        number=number,
        published_at=DAY,
        effective_from=effective_from,
        author="a",
        note="",
        layers=[],
        counts={},
    )


def test_nothing_is_in_effect_before_the_first(session):
    since, number = history.in_effect(session)
    assert (len(since), len(number)) == (0, 0)
    assert since.dtype == np.dtype("datetime64[us]")


def test_it_answers_as_one_instant_does(session):
    # 3 is published to take effect before 2 does.
    days = {1: 0, 2: 20, 3: 10, 4: 30}
    session.add_all([revision(number, DAY + dt.timedelta(days=days[number])) for number in days])
    session.flush()
    since, number = history.in_effect(session)
    assert number.tolist() == [1, 3, 3, 4]
    for hours in range(0, 24 * 35, 7):
        instant = DAY + dt.timedelta(hours=hours)
        at = np.searchsorted(since, np.datetime64(instant.replace(tzinfo=None), "us"), side="right") - 1
        assert number[at] == history.at(session, instant)
