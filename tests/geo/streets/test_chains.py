"""Streets joined into chains: what is a crossing, and that nothing is lost between two."""

import numpy as np
from hypothesis import given, settings

from tests.geo.networks import build
from tests.geo.streets.test_reach import networks


def test_streets_in_a_row_are_one_chain():
    net = build([(0, 0), (100, 0)], [(200, 0), (100, 0)], [(200, 0), (300, 0)])
    assert len(net.chains.start) == 1
    assert net.chains.cost_m.round(6).tolist() == [300.0]
    assert sorted(np.sign(net.chains.slope).tolist()) in ([-1, 1, 1], [-1, -1, 1])


def test_a_street_that_branches_off_ends_the_chain():
    net = build([(0, 0), (100, 0)], [(100, 0), (200, 0)], [(100, 0), (100, 50)])
    assert sorted(net.chains.cost_m.round(6)) == [50.0, 100.0, 100.0]
    assert (net.chains.crossing >= 0).all()


def test_a_ring_without_crossings_has_one():
    net = build([(0, 0), (100, 0)], [(100, 0), (100, 100)], [(100, 100), (0, 0)])
    assert (net.chains.crossing >= 0).sum() == 1
    assert net.chains.start.tolist() == net.chains.end.tolist() == [0]


def test_a_ring_of_one_street():
    net = build([(0, 0), (100, 0), (100, 100), (0, 0)])
    assert len(net.chains.start) == 1


def test_dead_ends_are_no_way_through():
    net = build([(0, 0), (100, 0)], [(100, 0), (200, 0)], [(100, 0), (100, 50)], [(100, 0), (50, 50)])
    through = net.chains.last_through - net.chains.first_arc[:-1]
    assert sorted(through.tolist()) == [0, 1, 1, 1, 1]
    assert np.diff(net.chains.first_chain).max() == 4


@settings(max_examples=100, deadline=None)
@given(networks())
def test_every_street_lies_on_one_chain_at_its_place(net):
    chains = net.chains
    cost = net.length_m * net.factor
    assert sorted(chains.edge.tolist()) == list(range(len(net.start)))
    np.testing.assert_allclose(np.bincount(chains.chain, weights=cost), chains.cost_m)
    far = chains.begin_m + chains.slope * net.length_m
    low, high = np.minimum(chains.begin_m, far), np.maximum(chains.begin_m, far)
    for number in range(len(chains.start)):
        on = chains.edge[chains.first[number] : chains.first[number + 1]]
        np.testing.assert_allclose(low[on], np.concatenate([[0], high[on][:-1]]), atol=1e-9)


@settings(max_examples=100, deadline=None)
@given(networks())
def test_where_two_streets_meet_and_no_third_there_is_no_crossing(net):
    degree = np.diff(net.first_arc)
    assert (net.chains.crossing[degree != 2] >= 0).all()
    rings = (net.chains.crossing >= 0) & (degree == 2)
    on_ring = np.isin(net.chains.crossing[rings], net.chains.start[net.chains.start == net.chains.end])
    assert on_ring.all()
