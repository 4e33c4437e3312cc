"""Vertices that were rounded on their way find back to those they stood for."""

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely import LineString, MultiPolygon, Point, box

from geo.fitting import ROUNDING_DEG, fitted

#: A square whose corners no six decimals can write.
SQUARE = box(105 + 1 / 3, 31 + 1 / 7, 105 + 2 / 3, 31 + 6 / 7)


def rounded(geom):
    return shapely.transform(geom, lambda xy: np.round(xy, 6))


def test_a_rounded_half_fits_the_half_that_was_not():
    west, south, east, north = SQUARE.bounds
    middle = west + (east - west) / np.pi
    kept, sent = box(west, south, middle, north), rounded(box(middle, south, east, north))
    assert kept.intersection(sent).area > 0 or kept.distance(sent) > 0, "they do not fit as they come"
    found = fitted(sent, [kept, SQUARE])
    assert found.touches(kept)
    assert shapely.coverage_is_valid([kept, found])
    assert shapely.union_all([kept, found]).symmetric_difference(SQUARE).area == 0


@given(st.lists(st.tuples(st.floats(-180, 180), st.floats(-90, 90)), min_size=1, max_size=9, unique=True))
def test_what_went_out_comes_back_to_the_last_bit(corners):
    sent = shapely.MultiPoint([Point(*corner) for corner in corners])
    close = shapely.STRtree(shapely.points(corners)).query(
        shapely.points(corners), predicate="dwithin", distance=4 * ROUNDING_DEG
    )
    if close.shape[1] > len(corners):
        return  # which of two that are this close was meant, nobody can tell
    assert np.array_equal(shapely.get_coordinates(fitted(rounded(sent), [sent])), corners)


def test_a_vertex_takes_the_nearest_of_several():
    found = fitted(Point(0, 0), [Point(4e-7, 0), Point(-3e-7, 0), Point(0, 9e-7)])
    assert found == Point(-3e-7, 0)


@pytest.mark.parametrize("off", [1.1e-6, 1.0])
def test_what_lies_farther_off_stays(off):
    line = LineString([(0, 0), (1, 1)])
    assert fitted(line, [Point(1 + off, 1)]) is line
    assert fitted(line, []) is line


def test_nothing_becomes_invalid():
    """A needle thinner than the rounding would collapse on its neighbour's corner."""
    needle = MultiPolygon([shapely.Polygon([(0, 0), (5e-7, 0), (0, 5e-7)])])
    assert fitted(needle, [Point(1e-8, 1e-8)]) is needle
