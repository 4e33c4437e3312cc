"""Versions of an array that grows."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from geo.assign.rooms import Room


def test_a_longer_version_shares_the_memory():
    first = Room(np.arange(100))
    second = first.extended(np.array([7, 8]))
    assert first.rows.tolist() == list(range(100))
    assert second.rows.tolist() == [*range(100), 7, 8]
    assert np.shares_memory(first.rows, second.rows)


def test_two_versions_after_the_same_one_do_not_disturb_each_other():
    first = Room(np.zeros((3, 2)))
    one, other = first.extended(np.ones((1, 2))), first.extended(np.full((2, 2), 2.0))
    assert one.rows[3:].tolist() == [[1, 1]]
    assert other.rows[3:].tolist() == [[2, 2], [2, 2]]


def test_what_does_not_fit_goes_into_larger_memory():
    room = Room(np.arange(4))
    for k in range(50):
        room = room.extended(np.full(10, k))
    assert room.rows[4:].tolist() == [k for k in range(50) for _ in range(10)]


def test_nothing_to_add():
    room = Room(np.empty(0))
    assert len(room.extended(np.empty(0)).rows) == 0


def test_threads_that_extend_the_same_version():
    first = Room(np.zeros(10))
    with ThreadPoolExecutor(8) as pool:
        longer = list(pool.map(lambda k: first.extended(np.full(3, float(k))), range(40)))
    for k, room in enumerate(longer):
        assert room.rows[10:].tolist() == [k] * 3
