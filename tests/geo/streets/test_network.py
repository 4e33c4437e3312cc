"""Networks of a few streets in metres: who meets whom, and what lies nearest."""

import numpy as np
import pytest
import shapely

from geo.faults import DataError
from geo.streets import network
from tests.geo.networks import METRIC, build, las_palmas, lattice, snap, streets, wuhan


def test_streets_meet_where_they_share_an_end():
    net = build([(0, 0), (100, 0)], [(100, 0), (100, 50), (200, 50)], [(100, 0), (0, 0)])
    assert len(net.node_x) == 3
    assert sorted(np.round(net.length_m, 6)) == [100.0, 100.0, 150.0]
    assert np.bincount(net.start, minlength=3).sum() == 3
    assert sorted(np.diff(net.first_arc)) == [1, 2, 3]  # dead end, corner of two parallels, crossing


def test_streets_that_merely_cross_do_not_meet():
    net = build([(0, 0), (200, 0)], [(100, -100), (100, 100)])
    assert len(net.node_x) == 4
    assert len(set(net.component)) == 2


def test_end_on_an_inner_point_does_not_meet():
    net = build([(0, 0), (100, 0), (200, 0)], [(100, 0), (100, 100)])
    assert len(net.node_x) == 4


def test_loop_is_kept():
    net = build([(0, 0), (100, 0), (100, 100), (0, 0)])
    assert net.start.tolist() == net.end.tolist() == [0]
    assert net.first_arc.tolist() == [0, 2]


@pytest.mark.parametrize("line", [[(0, 0), (0, 100)], [(0, 0), (100, 0)]])
def test_one_straight_street_has_no_extent_across(line):
    assert build(line).length_m == pytest.approx(100)


def test_unwalkable_streets_are_left_out():
    lines = ([(0, 0), (100, 0)], [(100, 0), (200, 0)])
    net = build(*lines, walkable=[True, False], steps=[True, False])
    assert (len(net.length_m), net.steps.tolist(), net.ids.tolist()) == (1, [True], [0])


def test_nothing_walkable_is_a_fault():
    with pytest.raises(DataError) as caught:
        network.build(streets([(0, 0), (100, 0)], walkable=[False]), metric=METRIC)
    assert caught.value.faults[0].kind == "layer-empty"


def test_largest_part_comes_first_and_small_others_are_islands():
    net = build([(0, 0), (300, 0)], [(0, 50), (2000, 50)], [(0, 99), (1100, 99)])
    by_street = dict(zip(net.ids.tolist(), net.component[net.start].tolist(), strict=True))
    assert by_street == {1: 0, 2: 1, 0: 2}
    assert dict(zip(net.ids.tolist(), net.island.tolist(), strict=True)) == {0: True, 1: False, 2: False}


def test_small_network_is_no_island():
    assert not build([(0, 0), (30, 0)]).island.any()


def test_snap_to_the_middle_the_end_and_nothing():
    net = build([(0, 0), (100, 0), (100, 100)])
    snapped = snap(net, (50, 20), (130, -40), (60, 180), (400, 400), (np.nan, 0), limit_m=200)
    assert snapped.edge.tolist() == [0, 0, 0, -1, -1]
    np.testing.assert_allclose(snapped.position_m[:3], [50, 100, 200], atol=1e-6)
    np.testing.assert_allclose(snapped.offset_m[:3], [20, 50, np.hypot(40, 80)], atol=1e-6)
    assert np.isnan(snapped.position_m[3:]).all()
    assert np.isnan(snapped.offset_m[3:]).all()


def test_snap_limit_is_included():
    net = build([(0, 0), (100, 0)])
    assert snap(net, (50, 20), limit_m=20.000001).edge.tolist() == [0]
    assert snap(net, (50, 20), limit_m=19.999999).edge.tolist() == [-1]


def test_nobody_is_joined_to_an_island():
    net = build([(0, 0), (300, 0)], [(0, 50), (2000, 50)])
    assert net.ids[snap(net, (10, 5)).edge[0]] == 1


def test_snap_from_outside_the_extent_on_all_sides():
    net = lattice(5, 100.0)
    snapped = snap(net, (-700, 0), (700, 0), (0, -700), (0, 700), (700, 700), limit_m=900)
    np.testing.assert_allclose(snapped.offset_m, [500, 500, 500, 500, np.hypot(500, 500)], atol=1e-5)


@pytest.mark.parametrize("city", [las_palmas, wuhan])
def test_snap_finds_what_the_exact_tree_finds(city, shared_data):
    net = city(shared_data)
    rng = np.random.default_rng(7)
    node = rng.integers(0, len(net.node_x), 2000)
    x, y = net.node_x[node] + rng.normal(0, 150, 2000), net.node_y[node] + rng.normal(0, 150, 2000)
    snapped = net.snap(x, y, limit_m=250.0)
    points = np.column_stack([net.x, net.y])
    lines = shapely.linestrings(points, indices=np.repeat(np.arange(len(net.start)), np.diff(net.offsets)))
    (place, _), distance = shapely.STRtree(lines[~net.island]).query_nearest(
        shapely.points(x, y), max_distance=250.0, return_distance=True, all_matches=False
    )
    expected = np.full(len(x), np.nan)
    expected[place] = distance
    np.testing.assert_allclose(snapped.offset_m, expected, atol=1e-9)
    joined = snapped.edge >= 0
    on_street = shapely.line_interpolate_point(lines[snapped.edge[joined]], snapped.position_m[joined])
    away = np.hypot(shapely.get_x(on_street) - x[joined], shapely.get_y(on_street) - y[joined])
    np.testing.assert_allclose(away, snapped.offset_m[joined], atol=1e-6)


def test_wuhan_keeps_its_numbers(shared_data):
    net = wuhan(shared_data)
    assert len(net.start) == 87_708
    assert np.bincount(net.component)[0] == 77_932 - 11  # eleven pairs of its nodes share a place
