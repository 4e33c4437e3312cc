"""Where a drawn compound meets one street: by its gates, along its border, at its point."""

import numpy as np
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import MultiPoint, MultiPolygon, Point, Polygon, box
from shapely.affinity import translate

from geo.crs import from_metric
from geo.streets.access_points import BORDER_SPACING_M, SNAP_LIMIT_M, find
from tests.geo.networks import METRIC, ORIGIN, build

STREET = build([(0, 0), (2000, 0)])


def on_map(*shapes):
    placed = np.array([shape and translate(shape, *ORIGIN) for shape in shapes], dtype=object)
    return from_metric(placed, METRIC)


def points_of(outline, entrances=None):
    return find(STREET, on_map(outline), on_map(entrances))


def test_gates_are_the_only_ways_in():
    found = points_of(box(0, 10, 99, 109), MultiPoint([(50, 10), (0, 60), (100, 60)]))
    np.testing.assert_allclose(found.weight, 1 / 3)
    np.testing.assert_allclose(found.snapped.offset_m, [10, 60, 60], atol=1e-6)


def test_border_is_cut_into_equal_stretches():
    found = points_of(box(0, 10, 99, 109))
    assert len(found.x) == np.ceil(396 / BORDER_SPACING_M)
    np.testing.assert_allclose(found.weight, 1 / 40)
    # the stretches by the street: ten of them on the side that faces it
    assert np.isclose(found.snapped.offset_m, 10, atol=1e-6).sum() == 10


def test_a_hole_is_no_border():
    whole, holed = box(0, 10, 99, 109), box(0, 10, 99, 109) - box(20, 30, 80, 90)
    assert len(points_of(holed).x) == len(points_of(whole).x)


def test_parts_weigh_by_the_length_of_their_border():
    found = points_of(MultiPolygon([box(0, 10, 30, 40), box(200, 10, 290, 100)]))
    left = found.x < ORIGIN[0] + 100
    np.testing.assert_allclose([found.weight[left].sum(), found.weight[~left].sum()], [0.25, 0.75])


def test_a_point_is_its_own_access():
    found = points_of(Point(500, 30))
    assert (found.weight.tolist(), found.snapped.edge.tolist()) == ([1.0], [0])
    np.testing.assert_allclose(found.snapped.offset_m, [30], atol=1e-6)


def test_empty_entrances_are_none():
    assert len(points_of(box(0, 10, 99, 109), MultiPoint()).x) == 40


def test_tiny_compound_has_a_border_point():
    assert len(points_of(box(0, 10, 0.5, 10.5)).x) == 1


def test_unreachable_beyond_the_limit():
    near, far = SNAP_LIMIT_M - 1, SNAP_LIMIT_M + 1
    found = find(
        STREET, on_map(Point(0, near), Point(0, far), box(0, near, 50, 900)), on_map(None, None, None)
    )
    assert found.reachable.tolist() == [True, False, True]


def test_features_keep_their_order_whatever_their_kind():
    found = find(
        STREET,
        on_map(Point(1, 1), box(0, 10, 29, 39), Point(2, 2), box(50, 10, 79, 39)),
        on_map(None, None, MultiPoint([(3, 3), (4, 4)]), None),
    )
    assert np.bincount(found.feature).tolist() == [1, 12, 2, 12]
    assert (np.diff(found.feature) >= 0).all()


corners = st.lists(st.tuples(st.integers(0, 300), st.integers(0, 300)), min_size=3, max_size=8, unique=True)


@settings(max_examples=60, deadline=None)
@given(st.lists(corners, min_size=1, max_size=4))
def test_weights_of_a_feature_add_up_to_one(outlines):
    shapes = [shapely.convex_hull(MultiPoint(outline)) for outline in outlines]
    shapes = [shape for shape in shapes if isinstance(shape, Polygon)]
    found = find(STREET, on_map(*shapes), on_map(*[None] * len(shapes)))
    np.testing.assert_allclose(np.bincount(found.feature, weights=found.weight, minlength=len(shapes)), 1.0)
