"""House numbers and crossings, on streets drawn on paper in metres."""

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geo.house_numbers import NEAR_M, crossings, door


def lines(*texts):
    return np.array([shapely.from_wkt(f"LINESTRING ({text})") for text in texts], dtype=object)


STRAIGHT = lines("0 0, 100 0", "100 0, 200 0")
NONE = np.empty(0, dtype=object)


def doors(**known):
    """Numbers with places: n12=(x, y)."""
    numbers = np.array([int(name[1:]) for name in known])
    x, y = np.array(list(known.values()), dtype=float).T
    return numbers, x, y


def test_a_known_number_is_where_it_is():
    found = door(STRAIGHT, *doors(n2=(20, 10), n4=(40, 10)), wanted=4)
    assert (found.x, found.y, found.uncertainty_m, found.how, found.known) == (40, 10, 0, "exact", (1,))


def test_a_number_between_two_keeps_to_its_side_of_the_street():
    known = doors(n2=(20, 10), n3=(30, -10), n5=(50, -10), n10=(100, 10))
    found = door(STRAIGHT, *known, wanted=6)
    assert (found.x, found.y, found.how, found.known) == (60, 10, "between", (0, 3))
    assert found.uncertainty_m == 20


def test_without_numbers_on_its_side_the_other_side_tells():
    found = door(STRAIGHT, *doors(n2=(20, 10), n10=(100, 10)), wanted=5)
    assert (found.x, found.how) == (50, "between")


def test_numbers_follow_a_bend():
    around = lines("0 0, 100 0, 100 100")
    found = door(around, *doors(n1=(50, 0), n9=(100, 50)), wanted=5)
    assert (found.x, found.y) == (100, 0)
    straight = door(NONE, *doors(n1=(50, 0), n9=(100, 50)), wanted=5)
    assert (straight.x, straight.y) == (75, 25)


def test_pieces_that_do_not_join_are_bridged_straight():
    apart = lines("0 0, 50 0", "50 100, 100 100")
    found = door(apart, *doors(n1=(0, 0), n3=(100, 100)), wanted=2)
    assert (found.x, found.y) == (50, 50)


@pytest.mark.parametrize(("wanted", "nearest"), [(1, 0), (30, 2)])
def test_beyond_the_known_numbers_the_nearest_is_taken_and_its_distance_said(wanted, nearest):
    known = doors(n10=(10, 0), n12=(12, 0), n20=(20, 0))
    found = door(STRAIGHT, *known, wanted=wanted)
    assert (found.how, found.known) == ("nearest", (nearest,))
    assert found.uncertainty_m > 30


@given(st.integers(1, 199), st.integers(1, 5))
def test_on_a_straight_street_a_number_is_as_far_along_as_it_says(wanted, spacing):
    numbers = np.arange(0, 202, 2 * spacing)
    found = door(
        STRAIGHT, numbers, numbers.astype(float), np.zeros(len(numbers)), wanted=min(wanted, int(numbers[-1]))
    )
    assert found.x == pytest.approx(min(wanted, int(numbers[-1])))


def test_streets_meet_where_they_cross_or_touch():
    x, y, spread = crossings(STRAIGHT, lines("50 -50, 50 50"))
    assert (x.tolist(), y.tolist(), spread.tolist()) == ([50], [0], [0])


def test_two_crossings_are_two_and_a_dual_carriageway_is_one():
    x, _, _ = crossings(STRAIGHT, lines("10 -5, 10 5, 190 5, 190 -5"))
    assert sorted(x.tolist()) == [10, 190]
    x, _, spread = crossings(STRAIGHT, lines("90 -5, 90 5", "110 -5, 110 5"))
    assert (x.tolist(), spread.tolist()) == ([100], [10])


def test_streets_that_nearly_meet_meet_in_the_gap():
    x, y, spread = crossings(STRAIGHT, lines("50 40, 50 90"))
    assert (x.tolist(), y.tolist(), spread.tolist()) == ([50], [20], [20])


def test_streets_apart_do_not_meet():
    x, y, spread = crossings(STRAIGHT, lines(f"50 {NEAR_M + 1}, 50 200"))
    assert x.size == y.size == spread.size == 0
