"""Barriers on paper: a locked gate, a wall, a bridge over it; and against the same streets cut by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.streets import network, reach
from tests.geo.networks import METRIC, barriers, snap, streets

CROSS = ([(0, 0), (100, 0)], [(100, 0), (200, 0)], [(100, 0), (100, 100)], [(100, 0), (100, -100)])


def walk(lines, there, *, closed, **columns):
    """Metres from (10, 0) to a place on the streets."""
    net = network.build(streets(*lines, **columns), metric=METRIC, barriers=closed)
    begin = reach.starts(snap(net, (10, 0)), np.array([0]), groups=1)
    return float(reach.costs_to(net, begin, snap(net, there, limit_m=0.1), limit_m=9000)[0, 0])


LONG = ([(0, 0), (2000, 0)], [(2000, 0), (2000, 1500), (0, 1500), (0, 0)])


def test_a_gate_on_a_street_makes_walkers_go_round():
    assert walk(LONG, (1000, 0), closed=None) == pytest.approx(990, abs=1e-3)
    assert walk(LONG, (1000, 0), closed=barriers((500, 0.5))) == pytest.approx(10 + 5000 + 1000, abs=2e-2)


def test_a_point_off_the_street_stops_nobody():
    assert walk(LONG, (1000, 0), closed=barriers((500, 1.5))) == pytest.approx(990, abs=1e-3)


def test_a_wall_parts_streets_on_the_ground_and_none_above():
    wall = barriers([(500, -50), (500, 50)])
    assert walk(LONG, (1000, 0), closed=wall) > 5000
    assert walk(LONG, (1000, 0), closed=wall, bridge=[True, False]) == pytest.approx(990, abs=1e-3)
    assert walk(LONG, (1000, 0), closed=wall, level=[1, 0]) == pytest.approx(990, abs=1e-3)


def test_a_gate_on_a_bridge_parts_the_bridge():
    assert walk(LONG, (1000, 0), closed=barriers((500, 0)), bridge=[True, False]) > 5000


def test_a_gate_at_a_crossing_parts_all_that_meet_there():
    net = network.build(streets(*CROSS), metric=METRIC, barriers=barriers((100, 0)))
    assert len(net.node_x) == 8
    assert len(set(net.component)) == 4


def test_a_gate_at_the_end_of_one_street_parts_the_others_too_where_it_lies_on_them():
    net = network.build(streets(*CROSS), metric=METRIC, barriers=barriers((98, 0)))
    assert len(net.node_x) == 7  # one street cut 2 m before the crossing


def test_a_ring_is_opened_at_its_only_node():
    ring = [(0, 0), (100, 0), (100, 100), (0, 0)]
    net = network.build(streets(ring), metric=METRIC, barriers=barriers((0, 0)))
    assert (len(net.node_x), len(net.length_m)) == (2, 1)


def test_a_wall_that_crosses_twice_shuts_the_stretch_between():
    wall = [(500, -5), (500, 5), (700, 5), (700, -5)]
    net = network.build(streets(LONG[0]), metric=METRIC, barriers=barriers(wall))
    assert sorted(np.round(net.length_m, 3)) == [200, 500, 1300]
    assert len(net.node_x) == 6


def test_pieces_keep_the_street_they_are_of_and_its_steps():
    lines = streets(LONG[0], LONG[1], steps=[True, False])
    net = network.build(lines, metric=METRIC, barriers=barriers((500, 0), (600, 0)))
    assert sorted(net.ids.tolist()) == [0, 0, 0, 1]
    assert net.steps.sum() == 3


def test_slower_kinds_cost_more():
    lines = streets(LONG[0], LONG[1], kind=["footway", "residential"])
    net = network.build(lines, metric=METRIC, kind_factors={"footway": 1.5})
    begin = reach.starts(snap(net, (0, 0)), np.array([0]), groups=1)
    there = reach.costs_to(net, begin, snap(net, (1000, 0)), limit_m=5000)
    assert there == pytest.approx(1500, abs=1e-3)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(2, 298).filter(lambda x: x % 100 not in (1, 99)), min_size=1, max_size=6),
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=3),
)
def test_parted_streets_are_those_cut_by_hand(on_the_middle, at_crossings):
    """A lattice of 4 by 4 crossings, 100 m apart, its middle row parted anywhere and some crossings closed."""
    rows = [[(100 * x, 100 * y), (100 * x + 100, 100 * y)] for y in range(4) for x in range(3)]
    lines = [*rows, *[[(y, x) for x, y in line] for line in rows]]
    closed = [(place, 100) for place in on_the_middle] + [(100 * x, 100 * y) for x, y in at_crossings]
    net = network.build(streets(*lines), metric=METRIC, barriers=barriers(*closed))
    assert net.length_m.sum() == pytest.approx(2400, abs=0.01)
    expected = _by_hand(lines, set(closed))
    sizes = np.bincount(net.component[net.start], weights=net.length_m)
    np.testing.assert_allclose(np.sort(sizes[sizes > 0]), np.sort(expected), atol=0.01)


def _by_hand(lines, closed):
    """Metres of each connected part, on the lattice of whole metres."""
    parent = {}

    def root(node):
        while parent.setdefault(node, node) != node:
            node = parent[node]
        return node

    # Near a crossing a gate lies on the streets that meet there.
    ends = {place for line in lines for place in line}
    metres = []
    for line in lines:
        (x, y), (u, v) = line
        dx, dy = (u > x), (v > y)
        for step in range(100):
            a, b = (x + dx * step, y + dy * step), (x + dx * (step + 1), y + dy * (step + 1))
            metres.append((_side(a, line, closed, ends, 1), _side(b, line, closed, ends, 0)))
    for a, b in metres:
        parent[root(a)] = root(b)
    count = {}
    for a, _ in metres:
        count[root(a)] = count.get(root(a), 0) + 1
    return list(count.values())


def _side(place, line, closed, ends, after):
    """A node that is parted has one side for each street, and two within a street."""
    near = {(place[0] + d, place[1]) for d in (-1, 0, 1)} | {(place[0], place[1] + d) for d in (-1, 0, 1)}
    if place in ends:
        shut = any(gate in closed and _lies_on(gate, line) for gate in near)
    else:
        at_an_end = any(abs(place[0] - x) + abs(place[1] - y) <= 1 for x, y in ends)
        shut = place in closed and not at_an_end
    return (place, tuple(line), after) if shut else place


def _lies_on(gate, line):
    (x, y), (u, v) = line
    return x - 1 <= gate[0] <= u + 1 and y - 1 <= gate[1] <= v + 1
