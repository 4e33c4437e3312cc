"""Buildings and compounds across borders; one unit is 0.001 degrees."""

import pytest
import shapely

from geo import crs, spans
from tests.geo.test_partition import FOUR, METRIC, frame, square


def test_what_lies_in_several_areas_is_measured_outside_the_largest_part():
    features = frame(
        cut=square(0.5, 0.2, 0.8, 0.1), whole=square(0.1, 0.1, 0.2, 0.2), point=shapely.Point(114.001, 30)
    )
    (row,) = spans.find(features, frame(**FOUR), metric=METRIC).itertuples()
    assert (row.code, row.areas) == ("cut", ["a", "b"])
    outside = square(1, 0.2, 0.3, 0.1)
    assert shapely.symmetric_difference(row.geometry, outside).area < 1e-15
    assert row.size_m2 == pytest.approx(shapely.area(crs.to_metric([outside], METRIC))[0], rel=1e-6)


def test_a_hair_across_a_border_does_not_count():
    features = frame(near=square(0.5, 0.2, 0.50001, 0.1))
    assert spans.find(features, frame(**FOUR), metric=METRIC).empty


def test_at_a_corner_all_areas_are_named():
    (row,) = spans.find(frame(x=square(0.5, 0.5, 1.2, 1.1)), frame(**FOUR), metric=METRIC).itertuples()
    assert row.areas == ["d", "b", "c", "a"]
