"""Squares whose borders have nodes on one side only."""

from itertools import pairwise

import numpy as np
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely import box

from geo import crs, nodes

# A wide area below two narrow ones: their common corner lies on its straight upper edge.
T_JUNCTION = [box(0, 0, 2, 1), box(0, 1, 1, 2), box(1, 1, 2, 2)]


def test_a_corner_on_a_straight_edge_is_inserted():
    areas, count = nodes.insert(T_JUNCTION, tolerance=1e-3)
    assert count == 1
    assert shapely.get_num_coordinates(areas).tolist() == [6, 5, 5]
    assert shapely.equals(areas, T_JUNCTION).all()
    assert shapely.is_empty(shapely.coverage_invalid_edges(areas)).all()


def test_several_nodes_on_one_edge_come_in_order():
    areas, count = nodes.insert(
        [box(0, 0, 5, 1), *(box(x, 1, x + 1, 2) for x in (3, 0, 4, 1, 2))], tolerance=1e-3
    )
    assert count == 4
    assert shapely.is_valid(areas).all()
    assert shapely.is_empty(shapely.coverage_invalid_edges(areas)).all()


def test_a_node_a_hair_off_the_edge_moves_the_edge_onto_it():
    below, left = box(0, 0, 2, 1), shapely.Polygon([(0, 1), (1, 1.0004), (1, 2), (0, 2)])
    right = shapely.Polygon([(1, 1.0004), (2, 1), (2, 2), (1, 2)])
    areas, count = nodes.insert([below, left, right], tolerance=1e-3)
    assert count == 1
    assert shapely.union_all(areas).equals(box(0, 0, 2, 2))
    assert nodes.insert([below, left, right], tolerance=1e-4)[1] == 0


def test_matching_areas_far_areas_and_no_areas_stay_as_they_are():
    for areas in (
        [],
        [box(0, 0, 1, 1)],
        [box(0, 0, 1, 1), box(1, 0, 2, 1)],
        [box(0, 0, 1, 1), box(5, 5, 6, 6)],
    ):
        result, count = nodes.insert(areas, tolerance=1e-3)
        assert count == 0
        assert list(result) == areas


def test_holes_and_parts_take_nodes_too():
    ring = shapely.Polygon([(0, 0), (9, 0), (9, 9), (0, 9)], [[(3, 3), (3, 6), (6, 6), (6, 3)]])
    inner = [box(3, 3, 4, 6), box(4, 3, 6, 6)]
    parts = shapely.multipolygons([box(9, 0, 10, 4), box(9, 5, 10, 9)])
    areas, count = nodes.insert([ring, *inner, parts], tolerance=1e-3)
    assert count == 4  # two in the hole, two in the outer edge
    assert shapely.is_empty(shapely.coverage_invalid_edges(areas)).all()
    assert areas[3].geom_type == "MultiPolygon"


def test_a_ring_that_comes_near_its_own_node_is_left_alone():
    # The notch's tip lies on the ring's own bottom edge; as a node of it the ring would touch itself.
    notched = shapely.Polygon([(0, 0), (4, 0), (4, 2), (3, 2), (2, 0.0005), (1, 2), (0, 2)])
    areas, count = nodes.insert([notched, box(0, -1, 4, 0)], tolerance=1e-3)
    assert list(areas) == [notched, box(0, -1, 4, 0)]
    assert count == 0


@given(
    st.lists(st.integers(1, 30), min_size=1, max_size=6), st.lists(st.integers(1, 30), min_size=1, max_size=6)
)
def test_two_rows_cut_differently_fit_exactly_even_after_a_transformation(upper, lower):
    """Straight projected edges bend once they are degrees; with all nodes on both sides no gap can open."""
    span = np.lcm(sum(upper), sum(lower))

    def row(widths, y):
        x = np.cumsum([0, *widths]) * (span // sum(widths))
        scale = 3000.0 / span
        return [
            box(500_000 + a * scale, 3.3e6 + y, 500_000 + b * scale, 3.3e6 + y + 500) for a, b in pairwise(x)
        ]

    areas, _ = nodes.insert(row(upper, 500) + row(lower, 0), tolerance=1e-3)
    stored = crs.geometries_to_lonlat(areas, crs.parse("EPSG:4547"))
    assert shapely.is_empty(shapely.coverage_invalid_edges(stored)).all()
