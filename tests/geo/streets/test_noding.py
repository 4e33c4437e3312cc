"""Lines on integer coordinates; each test names how they meet."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.faults import DataError
from geo.streets.noding import node_lines


def lines(*coordinates, crs="EPSG:4547", **columns):
    geometry = [shapely.LineString(line) for line in coordinates]
    return gpd.GeoDataFrame(columns, geometry=geometry, crs=crs)


def wkt(streets):
    return streets.geometry.to_wkt(rounding_precision=3).tolist()


def test_crossing_is_cut_in_four():
    streets, counts = node_lines(lines([(0, 0), (10, 0)], [(5, -5), (5, 5)], name=["a", "b"]))
    assert wkt(streets) == [
        "LINESTRING (0 0, 5 0)",
        "LINESTRING (5 0, 10 0)",
        "LINESTRING (5 -5, 5 0)",
        "LINESTRING (5 0, 5 5)",
    ]
    assert list(streets["name"]) == ["a", "a", "b", "b"]
    assert list(streets.index) == [0, 0, 1, 1]
    assert (counts.lines, counts.streets, counts.crossings, counts.touches) == (2, 4, 1, 0)
    assert (counts.kept_apart, counts.dangling_ends) == (0, 4)


@pytest.mark.parametrize("column", ["bridge", "tunnel", "level"])
def test_crossing_at_different_heights_is_kept_apart(column):
    streets, counts = node_lines(lines([(0, 0), (10, 0)], [(5, -5), (5, 5)], **{column: [1, 0]}))
    assert len(streets) == 2
    assert (counts.crossings, counts.kept_apart) == (0, 1)


def test_two_bridges_at_one_level_cross():
    assert node_lines(lines([(0, 0), (10, 0)], [(5, -5), (5, 5)], bridge=[True, True]))[1].crossings == 1


def test_missing_height_is_ground():
    assert node_lines(lines([(0, 0), (10, 0)], [(5, -5), (5, 5)], level=[None, 0]))[1].crossings == 1


def test_bridge_meets_the_road_end_to_end():
    streets, counts = node_lines(lines([(0, 0), (10, 0)], [(10.01, 0), (20, 0)], bridge=[True, False]))
    assert shapely.get_coordinates(streets.geometry.iloc[0])[-1].tolist() == [10.0, 0.0]
    assert shapely.get_coordinates(streets.geometry.iloc[1])[0].tolist() == [10.0, 0.0]
    assert (counts.kept_apart, counts.dangling_ends) == (0, 2)


def test_end_on_the_middle_is_a_touch():
    streets, counts = node_lines(lines([(0, 0), (10, 0)], [(5, 0), (5, 9)]))
    assert (len(streets), counts.crossings, counts.touches) == (3, 0, 1)


def test_end_just_short_of_the_middle_takes_the_street_along():
    streets, counts = node_lines(lines([(0, 0), (10, 0)], [(5, 9), (5, 0.04)]))
    assert wkt(streets)[0] == "LINESTRING (0 0, 5 0.04)"
    assert counts.touches == 1


def test_end_too_short_is_left_dangling():
    counts = node_lines(lines([(0, 0), (10, 0)], [(5, 9), (5, 0.06)]))[1]
    assert (counts.touches, counts.dangling_ends) == (0, 4)


def test_three_lines_through_one_vertex_make_one_node():
    streets, counts = node_lines(
        lines([(0, 0), (5, 0), (10, 0)], [(5, -5), (5, 0), (5, 5)], [(0, 5), (5, 0), (10, -5)])
    )
    assert (len(streets), counts.crossings) == (6, 1)


def test_line_that_crosses_itself():
    streets, counts = node_lines(lines([(0, 0), (10, 0), (10, 10), (5, 10), (5, -5)]))
    assert wkt(streets)[1] == "LINESTRING (5 0, 10 0, 10 10, 5 10, 5 0)"
    assert (len(streets), counts.crossings) == (3, 1)


def test_overlapping_lines_become_parallel_streets():
    streets, _ = node_lines(lines([(0, 0), (10, 0)], [(3, 0), (12, 0)]))
    assert wkt(streets) == [
        "LINESTRING (0 0, 3 0)",
        "LINESTRING (3 0, 10 0)",
        "LINESTRING (3 0, 10 0)",
        "LINESTRING (10 0, 12 0)",
    ]


def test_lines_that_do_not_meet_stay_as_they_are():
    given_lines = lines([(0, 0), (10, 0)], [(0, 1), (10, 1)])
    streets, counts = node_lines(given_lines)
    assert wkt(streets) == wkt(given_lines)
    assert counts.dangling_ends == 4


def test_tolerance_is_in_metres_in_degrees_too():
    # 0.0000004 degrees are 4 cm, 0.0000009 are 10 cm
    near = lines([(114.0, 30.0), (114.1, 30.0)], [(114.05, 30.1), (114.05, 30.0000004)], crs="EPSG:4326")
    far = lines([(114.0, 30.0), (114.1, 30.0)], [(114.05, 30.1), (114.05, 30.0000009)], crs="EPSG:4326")
    assert (node_lines(near)[1].touches, node_lines(far)[1].touches) == (1, 0)


def test_no_lines():
    streets, counts = node_lines(lines())
    assert (len(streets), counts.streets) == (0, 0)


def test_rows_that_are_not_lines_are_all_named():
    frame = gpd.GeoDataFrame(geometry=[shapely.Point(0, 0), shapely.LineString(), shapely.box(0, 0, 1, 1)])
    with pytest.raises(DataError) as caught:
        node_lines(frame)
    assert [(fault.kind, fault.row) for fault in caught.value.faults] == [
        ("geometry-type", 1),
        ("geometry-type", 3),
        ("geometry-empty", 2),
    ]


points = st.tuples(st.integers(0, 6), st.integers(0, 6))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(points, min_size=2, max_size=4, unique=True), min_size=1, max_size=6))
def test_streets_meet_at_ends_only_and_no_length_is_lost(coordinates):
    given_lines = lines(*coordinates)
    streets, counts = node_lines(given_lines, tolerance_m=1e-6)
    assert np.isclose(streets.length.sum(), given_lines.length.sum(), atol=1e-4)
    assert counts.streets == len(streets)
    again = node_lines(streets.reset_index(drop=True), tolerance_m=1e-6)[1]
    assert (again.crossings, again.touches) == (0, 0)


def test_wuhan_centre_lines(shared_data):
    given_lines = gpd.read_parquet(shared_data / "wuhan/wuhan_streets_neatnet_simplified_epsg32650.parquet")
    streets, counts = node_lines(given_lines)
    assert counts.lines == 16_408
    assert counts.crossings > 500
    assert abs(streets.length.sum() - given_lines.length.sum()) < 1.0
