"""The nearest feature of each kind on foot: on paper, and against one search for each feature."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.coverage import nearest
from geo.streets import reach
from geo.streets.access_points import AccessPoints
from tests.geo.networks import build, lattice, snap


def access(net, *places, feature=None):
    """Access points at places in metres from the origin, one a feature unless stated."""
    feature = np.arange(len(places)) if feature is None else np.array(feature)
    x, y = np.array(places, dtype=float).T
    snapped = snap(net, *places, limit_m=200.0)
    return AccessPoints(int(feature.max()) + 1, feature, np.ones(len(places)), x, y, snapped)


def found(net, place, points, kind, kinds):
    """Rows and rounded metres."""
    row, metres = nearest.by_kind(net, snap(net, place), points, np.array(kind), kinds=kinds)
    return row.tolist(), [round(float(m), 3) for m in metres]


def test_the_nearest_of_each_kind_with_the_ways_off_the_street():
    net = build([(0, 0), (1000, 0)])
    points = access(net, (100, 5), (900, 0), (450, 10), (20, 0))
    assert found(net, (400, 3), points, [0, 0, 1, -1], 2) == ([0, 2], [308.0, 63.0])


def test_of_equally_near_ones_the_lowest():
    net = lattice(3, 100.0)
    points = access(net, (0, 100), (100, 0), (-100, 0), (0, -100))
    row, metres = nearest.by_kind(net, snap(net, (0, 0)), points, np.array([1, 0, 0, 0]), kinds=2)
    assert row[1] == 0
    # Coordinates went through degrees and back, so that only one of the three is the nearest to the last bit.
    assert row[0] in {1, 2, 3}
    assert metres == pytest.approx([100, 100], abs=1e-6)


def test_a_feature_is_as_near_as_its_nearest_access_point():
    net = build([(0, 0), (1000, 0)])
    points = access(net, (900, 0), (500, 0), (100, 0), feature=[0, 0, 1])
    assert found(net, (400, 0), points, [0, 0], 1) == ([0], [100.0])


def test_what_no_street_leads_to_is_not_near():
    net = build([(0, 0), (2000, 0)], [(0, 150), (2000, 150)])
    points = access(net, (100, 150), (1900, 500))
    assert found(net, (100, 0), points, [0, 1], 2) == ([-1, -1], [np.inf, np.inf])
    assert found(net, (5000, 5000), points, [0, 1], 2) == ([-1, -1], [np.inf, np.inf])


def test_far_ones_are_found_too():
    net = build([(0, 0), (40_000, 0)])
    points = access(net, (700, 0), (3000, 0), (39_000, 0))
    assert found(net, (0, 0), points, [0, 1, 2], 3) == ([0, 1, 2], [700.0, 3000.0, 39_000.0])


def test_no_feature_at_all():
    net = build([(0, 0), (100, 0)])
    points = access(net, (10, 0))
    assert found(net, (0, 0), points, [-1], 2) == ([-1, -1], [np.inf, np.inf])


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_equals_one_search_for_each_feature(data):
    net = lattice(5, 170.0)
    place = st.tuples(st.integers(-360, 360), st.integers(-360, 360))
    points = access(net, *data.draw(st.lists(place, min_size=1, max_size=8)))
    kind = np.array(
        data.draw(st.lists(st.integers(-1, 2), min_size=points.features, max_size=points.features))
    )
    here = snap(net, data.draw(place))
    begin = reach.starts(points.snapped, points.feature, groups=points.features)
    each = reach.costs_to(net, begin, here, limit_m=50_000.0)[:, 0]
    row, metres = nearest.by_kind(net, here, points, kind, kinds=3)
    for number in range(3):
        of_kind = np.flatnonzero((kind == number) & np.isfinite(each))
        if not len(of_kind):
            assert row[number] == -1
            continue
        assert metres[number] == pytest.approx(each[of_kind].min(), abs=1e-6)
        assert each[row[number]] == pytest.approx(each[of_kind].min(), abs=1e-6)
