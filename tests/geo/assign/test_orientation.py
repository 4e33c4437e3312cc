"""Sides of a line, against exact fractions."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.assign.orientation import side


def by_fractions(*numbers):
    ax, ay, bx, by, px, py = (Fraction(float(number)) for number in numbers)
    turn = (ax - px) * (by - py) - (ay - py) * (bx - px)
    return (turn > 0) - (turn < 0)


@pytest.mark.parametrize(
    ("point", "expected"), [((0, 1), 1), ((1, 0), -1), ((2, 2), 0), ((0.5, 0.5), 0), ((-3, -3), 0)]
)
def test_side_of_a_diagonal(point, expected):
    assert np.sign(side(0.0, 0.0, 1.0, 1.0, *map(float, point))) == expected


steps = st.integers(-3, 3)


@given(
    ends=st.tuples(*[st.floats(113, 115), st.floats(30, 31)] * 2),
    along=st.floats(-1, 2),
    east=steps,
    north=steps,
)
def test_points_within_the_last_bits_of_a_line(ends, along, east, north):
    ax, ay, bx, by = ends
    x, y = ax + along * (bx - ax), ay + along * (by - ay)
    x, y = x + east * np.spacing(x), y + north * np.spacing(y)
    assert np.sign(side(ax, ay, bx, by, x, y)) == by_fractions(ax, ay, bx, by, x, y)


coordinate = st.floats(-180, 180, allow_subnormal=False).filter(lambda x: x == 0 or abs(x) > 1e-100)


@given(st.tuples(*[coordinate] * 6))
def test_any_six_numbers(numbers):
    assert np.sign(side(*numbers)) == by_fractions(*numbers)
