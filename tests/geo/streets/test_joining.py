"""New lines in a network: what they join, what they pass over, on paper."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.crs import from_metric
from geo.streets import joining, network, reach
from tests.geo.networks import METRIC, ORIGIN, snap, streets

#: Two parallel streets 200 m apart, joined 2 km to the west.
LADDER = streets(
    [(-2000, 0), (1000, 0)], [(-2000, 200), (1000, 200)], [(-2000, 0), (-2000, 200)],
    [(-500, 100), (700, 100)], kind="residential", bridge=False, tunnel=False, level=0, steps=False,
    walkable=[True, True, True, False],
)  # fmt: skip
PATH = {"kind": "path", "walkable": True, "bridge": False, "tunnel": False, "level": 0, "steps": False}


def line(*places):
    drawn = shapely.LineString(np.array(places, dtype=float) + ORIGIN)
    return from_metric(np.array([drawn], dtype=object), METRIC)[0]


def walk(frame, start, there):
    net = network.build(frame, metric=METRIC)
    begin = reach.starts(snap(net, start), np.array([0]), groups=1)
    return float(reach.costs_to(net, begin, snap(net, there), limit_m=9000)[0, 0])


def test_a_path_joins_two_streets_between_their_ends():
    joined = joining.join(LADDER, line((300, 0), (300, 200)), PATH, metric=METRIC)
    assert walk(LADDER, (300, 0), (300, 200)) == pytest.approx(4800, abs=0.2)
    assert walk(joined, (300, 0), (300, 200)) == pytest.approx(200, abs=1e-2)
    assert len(joined) == len(LADDER) + 3


def test_ends_a_little_off_are_drawn_on_to_the_street():
    joined = joining.join(LADDER, line((300, 8), (300, 193)), PATH, metric=METRIC)
    assert walk(joined, (300, 0), (300, 200)) == pytest.approx(200, abs=1e-2)


def test_an_end_that_overshoots_is_joined_where_it_crosses():
    joined = joining.join(LADDER, line((300, -30), (300, 230)), PATH, metric=METRIC)
    assert walk(joined, (300, 0), (300, 200)) == pytest.approx(200, abs=1e-2)


def test_an_end_near_no_street_stays_a_dead_end():
    joined = joining.join(LADDER, line((300, 0), (300, 150)), PATH, metric=METRIC)
    assert walk(joined, (300, 0), (300, 200)) == pytest.approx(4800, abs=0.2)
    assert walk(joined, (300, 0), (300, 150)) == pytest.approx(150, abs=1e-2)


def test_what_meets_no_street_is_none():
    assert joining.join(LADDER, line((300, 50), (300, 90)), PATH, metric=METRIC) is None
    # The third street between is not for walkers.
    assert joining.join(LADDER, line((300, 80), (300, 120)), PATH, metric=METRIC) is None
    assert joining.join(LADDER, line((90_000, 50), (90_000, 90)), PATH, metric=METRIC) is None


def test_a_bridge_joins_at_its_ends_and_nothing_below():
    three = streets(
        [(-900, 0), (900, 0)], [(-900, 100), (900, 100)], [(-900, 200), (900, 200)], level=[0] * 3
    )
    bridge = {**PATH, "bridge": True, "level": 1}
    over = joining.join(three, line((0, 0), (0, 200)), bridge, metric=METRIC)
    assert walk(over, (0, 0), (0, 200)) == pytest.approx(200, abs=1e-2)
    assert walk(over, (0, 0), (5, 100)) == np.inf
    level = joining.join(three, line((0, 0), (0, 200)), PATH, metric=METRIC)
    assert walk(level, (0, 0), (5, 100)) == pytest.approx(105, abs=1e-2)


def test_at_a_junction_all_streets_are_joined():
    cross = streets([(0, 0), (500, 0)], [(0, 0), (0, 900)], [(0, 0), (-900, 0)], level=[0] * 3)
    joined = joining.join(cross, line((0.02, 0.02), (0, -300)), PATH, metric=METRIC)
    for there in ((400, 0), (0, 400), (-400, 0)):
        assert walk(joined, (0, -300), there) == pytest.approx(700, abs=0.1)
    assert len(joined) == len(cross) + 1


def test_a_second_path_joins_the_first():
    one = joining.join(LADDER, line((300, 0), (300, 150)), PATH, metric=METRIC)
    two = joining.join(one, line((300, 150), (400, 200)), PATH, metric=METRIC)
    assert walk(two, (300, 0), (400, 200)) == pytest.approx(150 + 111.803, abs=1e-2)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(-40, 340), st.integers(-40, 340)), min_size=2, max_size=5, unique=True),
)
def test_streets_stay_as_long_and_no_way_gets_longer(places):
    """Over a lattice of 4 by 4 crossings 100 m apart: a line changes no street, and only shortens ways."""
    rows = [[(100 * x, 100 * y), (100 * x + 100, 100 * y)] for y in range(4) for x in range(3)]
    lattice = streets(*rows, *[[(y, x) for x, y in row] for row in rows], level=[0] * 24)
    drawn = line(*places)
    joined = joining.join(lattice, drawn, {**PATH, "level": 0}, metric=METRIC)
    if joined is None:
        return
    before, after = network.build(lattice, metric=METRIC), network.build(joined, metric=METRIC)
    added = joined.index.astype(str).str.startswith("new-")
    length = shapely.length(_metric(joined[~added]))
    assert length.sum() == pytest.approx(2400, abs=0.05)
    straight = np.hypot(*np.diff(np.array(places), axis=0).T).sum()
    assert straight - 1 <= shapely.length(_metric(joined[added])).sum() <= straight + 2 * joining.JOIN_M + 1
    corners = [(0, 0), (300, 0), (0, 300), (300, 300), (100, 200)]
    begin = [reach.starts(snap(net, *corners), np.arange(5), groups=5) for net in (before, after)]
    was, now = (
        reach.costs_to(net, start, snap(net, *corners), limit_m=5000)
        for net, start in zip((before, after), begin, strict=True)
    )
    assert (now <= was + 0.3).all()


def _metric(frame: gpd.GeoDataFrame):
    return frame.to_crs(METRIC).geometry.to_numpy()
