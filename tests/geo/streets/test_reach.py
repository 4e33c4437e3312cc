"""What is reached within a budget: on paper, against a plain search on drawn networks, against scipy on real ones."""

import heapq

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from geo.streets import arrivals, network, pieces, reach, snapping
from geo.streets.noding import node_lines
from geo.streets.snapping import Snapped
from tests.geo.networks import METRIC, as_networkx, barriers, build, las_palmas, lattice, snap, streets, wuhan


def reached(net, snapped, *budgets_m):
    """Pieces as rounded (group, edge, from, to), one group a budget."""
    count = len(budgets_m)
    repeated = Snapped(
        *(np.tile(part, count) for part in (snapped.edge, snapped.position_m, snapped.offset_m))
    )
    begin = reach.starts(repeated, np.repeat(np.arange(count), len(snapped.edge)), groups=count)
    return reach.reached_pieces(net, begin, np.array(budgets_m, dtype=float))


def as_tuples(pieces):
    rows = zip(pieces.group, pieces.edge, pieces.from_m, pieces.to_m, strict=True)
    return sorted((int(g), int(e), round(float(a), 6), round(float(b), 6)) for g, e, a, b in rows)


def at_nodes(net):
    """Every node as a place on one of its edges."""
    edge = net.arc_edge[net.first_arc[:-1]]
    at_end = (net.start[edge] != np.arange(len(net.node_x))).astype(float)
    return Snapped(edge, at_end * net.length_m[edge], np.zeros(len(edge)))


# --- on paper --------------------------------------------------------------------------------------------


def test_both_ways_along_one_street():
    net = build([(0, 0), (100, 0)])
    assert as_tuples(reached(net, snap(net, (40, 0)), 30, 50, 70)) == [
        (0, 0, 10.0, 70.0),
        (1, 0, 0.0, 90.0),
        (2, 0, 0.0, 100.0),
    ]


def test_the_way_to_the_street_counts():
    net = build([(0, 0), (100, 0)])
    assert as_tuples(reached(net, snap(net, (40, 20)), 30)) == [(0, 0, 30.0, 50.0)]
    assert as_tuples(reached(net, snap(net, (40, 31)), 30)) == []


def test_a_ring_is_entered_from_both_sides_and_leaves_a_gap():
    # 400 m round: 150 m both ways leave the farthest 100 m unreached, in the middle of their streets
    net = build(*[[a, b] for a, b in [((0, 0), (100, 0)), ((100, 0), (100, 100)), ((100, 100), (0, 100)),
                                      ((0, 100), (0, 0))]])  # fmt: skip
    pieces = reached(net, snap(net, (0, 0)), 150, 199)
    total = [float((pieces.to_m - pieces.from_m)[pieces.group == group].sum()) for group in (0, 1)]
    np.testing.assert_allclose(total, [300, 398], atol=1e-6)


def test_a_long_street_reached_from_both_ends_has_two_pieces():
    # both ends of the long street are 50 m away, by the two short ones
    net = build([(0, 0), (50, 0)], [(0, 0), (-50, 0)], [(50, 0), (50, 500), (-50, 500), (-50, 0)])
    long = int(net.length_m.argmax())
    pieces = [piece[2:] for piece in as_tuples(reached(net, snap(net, (0, 0)), 80)) if piece[1] == long]
    np.testing.assert_allclose(pieces, [(0, 30), (1070, 1100)], atol=1e-6)


def test_several_starts_on_one_street():
    net = build([(0, 0), (1000, 0)])
    pieces = reached(net, snap(net, (200, 0), (260, 0), (700, 10), (950, 0)), 50)
    np.testing.assert_allclose(
        np.column_stack([pieces.from_m, pieces.to_m]), [(150, 310), (660, 740), (900, 1000)], atol=1e-6
    )


def test_empty_group_and_no_budget_reach_nothing():
    net = build([(0, 0), (100, 0)])
    begin = reach.starts(snap(net, (40, 0)), np.array([1]), groups=3)
    assert len(reach.reached_pieces(net, begin, np.zeros(3)).edge) == 0
    assert np.isinf(reach.costs_to(net, begin, snap(net, (50, 0)), limit_m=100)[[0, 2]]).all()


def test_costs_take_the_nearest_start_and_both_ways_off_the_street():
    net = build([(0, 0), (1000, 0)])
    begin = reach.starts(snap(net, (200, 10), (700, 0)), np.array([0, 0]), groups=1)
    places = snap(net, (260, 5), (600, 0), (200, -7), (0, 400), limit_m=300)
    np.testing.assert_allclose(
        reach.costs_to(net, begin, places, limit_m=500), [[75, 100, 17, np.inf]], atol=1e-6
    )
    np.testing.assert_allclose(
        reach.costs_to(net, begin, places, limit_m=80), [[75, np.inf, 17, np.inf]], atol=1e-6
    )


def test_a_metre_of_steps_costs_two_of_level_street():
    net = build([(0, 0), (50, 0)], [(50, 0), (150, 0)], steps=[False, True])
    pieces = as_tuples(reached(net, snap(net, (0, 0)), 150))
    assert [piece[2:] for piece in pieces] == [(0.0, 50.0), (0.0, 50.0)]
    begin = reach.starts(snap(net, (0, 0)), np.array([0]), groups=1)
    assert reach.costs_to(net, begin, snap(net, (150, 0)), limit_m=1000) == pytest.approx(250)


def test_steps_are_walked_as_slowly_as_is_said():
    lines = streets([(0, 0), (50, 0)], [(50, 0), (150, 0)], steps=[False, True])
    net = network.build(lines, metric=METRIC, steps_factor=3.0)
    begin = reach.starts(snap(net, (0, 0)), np.array([0]), groups=1)
    assert reach.costs_to(net, begin, snap(net, (150, 0)), limit_m=1000) == pytest.approx(350)


def test_nobody_changes_from_a_bridge_to_the_road_below():
    lines = streets(
        [(-500, 0), (500, 0)], [(0, -500), (0, 500)], [(500, 0), (500, 500), (0, 500)], level=[1, 0, 0]
    )
    for column, values in (
        ("level", [1, 0, 0]),
        ("bridge", [True, False, False]),
        ("tunnel", [False, True, False]),
    ):
        drawn = lines.drop(columns="level").assign(**{column: values})
        net = network.build(node_lines(drawn)[0], metric=METRIC)
        begin = reach.starts(snap(net, (-100, 0)), np.array([0]), groups=1)
        assert reach.costs_to(net, begin, snap(net, (0, -100)), limit_m=9000) == pytest.approx(2200, abs=0.1)
    level = network.build(node_lines(lines.drop(columns="level"))[0], metric=METRIC)
    begin = reach.starts(snap(level, (-100, 0)), np.array([0]), groups=1)
    assert reach.costs_to(level, begin, snap(level, (0, -100)), limit_m=9000) == pytest.approx(200, abs=0.1)


def test_a_level_way_round_steps_is_taken_where_it_is_quicker():
    net = build([(0, 0), (100, 0)], [(0, 0), (50, 50), (100, 0)], steps=[True, False])
    begin = reach.starts(snap(net, (0, 0)), np.array([0]), groups=1)
    there = reach.costs_to(net, begin, snap(net, (100, 0)), limit_m=1000)
    assert there == pytest.approx(2 * np.hypot(50, 50))


def test_of_equally_near_starts_the_first_is_told():
    net = lattice(5, 100.0)
    begin = reach.starts(snap(net, (100, 0), (-100, 0), (0, 100)), np.zeros(3, dtype=np.int64), groups=1)
    _, row = reach.nearest(net, begin, snap(net, (0, 0), (-200, 0), (0, 201)), limit_m=1000)
    assert row[0, 1:].tolist() == [1, 2]


def test_streets_longer_than_all_buckets():
    net = build([(0, 0), (20_000, 0)], [(20_000, 0), (20_000, 15_000)], [(20_000, 0), (20_000, -50)])
    begin = reach.starts(snap(net, (0, 0)), np.array([0]), groups=1)
    places = snap(net, (20_000, 14_000), (20_000, -50))
    np.testing.assert_allclose(reach.costs_to(net, begin, places, limit_m=1e9), [[34_000, 20_050]], atol=0.01)


@pytest.mark.parametrize("k", [1, 2, 7, 12])
def test_lattice_has_the_closed_form(k):
    net = lattice(2 * k + 3, 100.0)
    budget = 100.0 * k + 1e-6  # coordinates went through degrees and back
    begin = reach.starts(snap(net, (0, 0)), np.array([0]), groups=1)
    costs = reach.costs_to(net, begin, at_nodes(net), limit_m=budget)
    assert np.isfinite(costs).sum() == 2 * k * (k + 1) + 1


def test_lattice_reaches_the_diamond_and_not_the_circle():
    # The diamond of all |x| + |y| <= b has the area 2 b²: 2/π = 63.7 % of the circle's.
    net = lattice(201, 10.0)
    begin = reach.starts(snap(net, (0, 0)), np.array([0]), groups=1)
    nodes = np.isfinite(reach.costs_to(net, begin, at_nodes(net), limit_m=900.0 + 1e-6)).sum()
    assert nodes * 10.0**2 / (np.pi * 900.0**2) == pytest.approx(2 / np.pi, rel=0.02)


# --- against a plain reference -----------------------------------------------------------------------------

corner = st.tuples(st.integers(0, 4), st.integers(0, 4)).map(lambda at: (at[0] * 100, at[1] * 100))
network_lines = st.lists(
    st.lists(corner, min_size=2, max_size=3).filter(lambda line: len(set(line)) == len(line)),
    min_size=1,
    max_size=12,
)
place = st.tuples(st.integers(-50, 450), st.integers(-50, 450))


def reference_costs(net, snapped, positions):
    """Cost at fractions of every edge: a plain search over all nodes, both ends and the start's own edge by hand."""
    whole = net.length_m * net.factor
    result = np.full((len(net.start), len(positions)), np.inf)
    along = positions * whole[:, None]
    for edge, at, spent in zip(snapped.edge, snapped.position_m, snapped.offset_m, strict=True):
        first = at * net.factor[edge]
        ends = [(spent + first, net.start[edge]), (spent + whole[edge] - first, net.end[edge])]
        away = plain_search(net, whole, ends)
        result = np.minimum(result, away[net.start][:, None] + along)
        result = np.minimum(result, away[net.end][:, None] + whole[:, None] - along)
        result[edge] = np.minimum(result[edge], spent + np.abs(along[edge] - first))
    return result


def plain_search(net, whole, queue):
    """Dijkstra with a heap over every node as it is drawn; no chains, no buckets, no budget."""
    away = np.full(len(net.node_x), np.inf)
    heapq.heapify(queue)
    while queue:
        cost, node = heapq.heappop(queue)
        if cost >= away[node]:
            continue
        away[node] = cost
        for arc in range(net.first_arc[node], net.first_arc[node + 1]):
            edge = net.arc_edge[arc]
            heapq.heappush(queue, (cost + whole[edge], int(net.start[edge] + net.end[edge] - node)))
    return away


@st.composite
def networks(draw):
    """Streets between corners, some of them steps or slow, some shut; chains, rings, dead ends, parts apart come by themselves."""
    lines = draw(network_lines)
    steps, slow = (draw(st.lists(st.booleans(), min_size=len(lines), max_size=len(lines))) for _ in range(2))
    drawn = streets(*lines, steps=steps, kind=["path" if each else "street" for each in slow])
    shut = draw(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=4))
    closed = barriers(*[(10 * x, 10 * y) for x, y in shut])
    return network.build(drawn, metric=METRIC, barriers=closed, kind_factors={"path": 1.5})


@settings(max_examples=100, deadline=None)
@given(networks(), st.lists(place, min_size=1, max_size=3), st.floats(1, 900))
def test_pieces_hold_all_that_is_within_the_budget_and_nothing_else(net, places, budget):
    snapped = snap(net, *places)
    positions = np.linspace(0, 1, 41)
    expected = reference_costs(net, snapped, positions)
    pieces = reached(net, snapped, budget)
    inside = np.zeros_like(expected, dtype=bool)
    for edge, low, high in zip(pieces.edge, pieces.from_m, pieces.to_m, strict=True):
        along = positions * net.length_m[edge]
        inside[edge] |= (along >= low) & (along <= high)
    assert not (inside & (expected > budget + 1e-6)).any()
    assert not (~inside & (expected < budget - 1e-6)).any()


@settings(max_examples=60, deadline=None)
@given(networks(), st.lists(place, min_size=1, max_size=3), st.floats(1, 900))
def test_pieces_of_an_edge_are_apart_and_within_it(net, places, budget):
    pieces = reached(net, snap(net, *places), budget)
    assert (pieces.from_m < pieces.to_m).all()
    assert (pieces.from_m >= 0).all()
    assert (pieces.to_m <= net.length_m[pieces.edge]).all()
    order = np.lexsort((pieces.from_m, pieces.edge))
    same = np.diff(pieces.edge[order]) == 0
    assert (pieces.from_m[order][1:] >= pieces.to_m[order][:-1])[same].all()


@settings(max_examples=60, deadline=None)
@given(networks(), st.lists(place, min_size=1, max_size=3), st.lists(place, min_size=1, max_size=8))
def test_costs_are_those_of_a_plain_search(net, places, targets):
    snapped, goals = snap(net, *places), snap(net, *targets)
    begin = reach.starts(snapped, np.zeros(len(places), dtype=np.int64), groups=1)
    costs, origin = reach.nearest(net, begin, goals, limit_m=1e9)
    each = reach.starts(snapped, np.arange(len(places)), groups=len(places))
    from_each = reach.costs_to(net, each, goals, limit_m=1e9)
    for i, (edge, at) in enumerate(zip(goals.edge, goals.position_m, strict=True)):
        expected = reference_costs(net, snapped, np.array([at / net.length_m[edge]]))[edge, 0]
        np.testing.assert_allclose(costs[0, i], expected + goals.offset_m[i], atol=1e-6)
        told = origin[0, i]
        assert told == -1 if np.isinf(expected) else from_each[told, i] <= costs[0, i] + 1e-6


@settings(max_examples=60, deadline=None)
@given(
    networks(),
    st.lists(place, min_size=2, max_size=4),
    st.lists(place, min_size=1, max_size=8),
    st.floats(1, 900),
)
def test_places_within_a_limit_are_those_that_cost_no_more(net, places, targets, limit):
    goals = snap(net, *targets)
    begin = reach.starts(snap(net, *places), np.arange(len(places)) // 2, groups=len(places))
    costs = reach.costs_to(net, begin, goals, limit_m=limit)
    found = reach.within(net, begin, reach.by_chain(net, goals), limit_m=limit)
    sparse = np.full_like(costs, np.inf)
    group = np.repeat(np.arange(len(places)), np.diff(found.first))
    assert len(np.unique(group * len(targets) + found.place)) == len(group)
    sparse[group, found.place] = found.cost_m
    np.testing.assert_allclose(sparse, costs, atol=1e-9)


@settings(max_examples=40, deadline=None)
@given(networks(), place, st.lists(st.floats(1, 900), min_size=2, max_size=2).map(sorted))
def test_a_larger_budget_holds_the_smaller(net, where, budgets):
    pieces = reached(net, snap(net, where), *budgets)
    small, large = (pieces.group == group for group in (0, 1))
    for edge, low, high in zip(pieces.edge[small], pieces.from_m[small], pieces.to_m[small], strict=True):
        on = large & (pieces.edge == edge)
        assert ((pieces.from_m[on] <= low + 1e-9) & (pieces.to_m[on] >= high - 1e-9)).any()


@pytest.mark.parametrize(("city", "budget"), [(las_palmas, 1125.0), (wuhan, 1125.0), (las_palmas, 300.0)])
def test_node_costs_equal_scipy_and_networkx(city, budget, shared_data):
    net = city(shared_data)
    nodes = np.random.default_rng(3).choice(np.flatnonzero(net.component == 0), 25, replace=False)
    places = at_nodes(net)
    own = Snapped(places.edge[nodes], places.position_m[nodes], places.offset_m[nodes])
    costs = reach.costs_to(net, reach.starts(own, np.arange(25), groups=25), places, limit_m=budget)
    tail = np.repeat(np.arange(len(net.node_x)), np.diff(net.first_arc))
    head = net.start[net.arc_edge] + net.end[net.arc_edge] - tail
    lightest = coo_array((net.length_m[net.arc_edge], (tail, head)))
    # scipy adds up parallel streets, so only the shortest of each may go in
    order = np.lexsort((lightest.data, lightest.col, lightest.row))
    row, column, data = lightest.row[order], lightest.col[order], lightest.data[order]
    first = np.concatenate([[True], (np.diff(row) != 0) | (np.diff(column) != 0)])
    matrix = coo_array((data[first], (row[first], column[first])), shape=(len(net.node_x),) * 2).tocsr()
    np.testing.assert_allclose(costs, dijkstra(matrix, indices=nodes, limit=budget), atol=1e-6)
    graph = as_networkx(net)
    for node, row_costs in list(zip(nodes, costs, strict=True))[:5]:
        away = nx.single_source_dijkstra_path_length(graph, int(node), cutoff=budget)
        assert np.isfinite(row_costs).sum() == len(away)
        np.testing.assert_allclose(row_costs[list(away)], list(away.values()), atol=1e-6)


def test_every_call_after_the_warm_up_uses_what_was_compiled():
    kernels = (
        pieces.reached_stretches,
        pieces.on_edges,
        arrivals.at_places,
        arrivals.places_within,
        snapping._snap,
    )
    reach.compile_kernels()
    compiled = [len(kernel.signatures) for kernel in kernels]
    net = build([(0, 0), (100, 0)])
    reached(net, snap(net, (40, 0)), 30)
    begin = reach.starts(snap(net, (4, 0)), np.array([0]), groups=1)
    reach.costs_to(net, begin, snap(net, (5, 5)), limit_m=9)
    reach.within(net, begin, reach.by_chain(net, snap(net, (5, 5))), limit_m=9)
    assert [len(kernel.signatures) for kernel in kernels] == compiled
