"""Drawing spots: none nearer than asked, the first come first taken."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from geo.synthetic.spots import thinned

POINTS = st.lists(st.tuples(st.integers(-50, 50), st.integers(-50, 50)), max_size=60)


def test_a_point_too_near_an_earlier_one_is_skipped() -> None:
    xy = np.array([(0.0, 0.0), (3.0, 0.0), (5.0, 0.0), (20.0, 0.0)])
    assert thinned(xy, 9, 5.0).tolist() == [0, 2, 3]


def test_without_spacing_all_are_taken_up_to_the_count() -> None:
    xy = np.zeros((4, 2))
    assert thinned(xy, 3, 0.0).tolist() == [0, 1, 2]


@given(POINTS, st.integers(1, 30))
def test_taken_points_keep_their_distance_and_left_out_ones_had_a_reason(
    points: list[tuple[int, int]], spacing: int
) -> None:
    xy = np.array(points, dtype=float).reshape(-1, 2)
    taken = thinned(xy, len(points), float(spacing))
    apart = np.hypot(*(xy[taken, None] - xy[None, taken]).transpose(2, 0, 1))
    assert (apart[~np.eye(len(taken), dtype=bool)] >= spacing).all()
    for left_out in set(range(len(points))) - set(taken.tolist()):
        earlier = taken[taken < left_out]
        assert (np.hypot(*(xy[earlier] - xy[left_out]).T) < spacing).any()
