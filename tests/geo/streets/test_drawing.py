"""Drawings of reach: what they hold, and how near they come to exact street times."""

import numpy as np
import pytest
import shapely

from geo.streets import drawing, reach
from tests.geo.networks import ORIGIN, build, las_palmas, lattice, snap, wuhan


def reach_of(net, cells, budget_m, *places):
    begin = reach.starts(snap(net, *places), np.zeros(len(places), dtype=np.int64), groups=1)
    costs = reach.costs_to(net, begin, cells.points, limit_m=budget_m)[0]
    return cells.outline(drawing.drawn_points(costs, budget_m))


def test_street_points_are_at_most_the_spacing_apart():
    net = build([(0, 0), (120, 0), (120, 35)], [(0, 0), (0, 40)])
    points = drawing.street_cells(net).points
    on_long = np.sort(points.position_m[points.edge == net.length_m.argmax()])
    assert len(points.edge) == 3 + 3  # nodes, and three between on the street of 155 m
    np.testing.assert_allclose(np.diff(on_long).max(), 155 / 4, atol=1e-6)


def test_whole_reach_is_all_cells_and_none_is_empty():
    net = lattice(9, 100.0)
    cells = drawing.street_cells(net)
    everything = cells.outline(np.ones(len(cells.polygons), dtype=bool))
    assert everything.area == pytest.approx(shapely.area(cells.polygons).sum())
    assert cells.outline(np.zeros(len(cells.polygons), dtype=bool)).is_empty


# At the last three, corners where four cells meet come out as two that differ by rounding.
@pytest.mark.parametrize("spacing", [100.0, 159.0, 220.0, 285.0])
def test_any_choice_of_cells_is_drawn_as_their_union(spacing):
    net = lattice(9, spacing)
    cells = drawing.street_cells(net)
    rng = np.random.default_rng(2)
    for share in (0.1, 0.5, 0.9):
        chosen = rng.random(len(cells.polygons)) < share
        drawn = cells.outline(chosen)
        assert drawn.is_valid
        union = shapely.union_all(cells.polygons[chosen])
        assert drawn.symmetric_difference(union).area < 1e-3
        assert shapely.equals_exact(drawn, cells.outline(chosen))


def test_parts_that_do_not_touch_stay_apart():
    net = build([(0, 0), (3000, 0)])
    drawn = reach_of(net, drawing.street_cells(net), 300.0, (400, 0), (2600, 0))
    assert drawn.geom_type == "MultiPolygon"
    assert len(drawn.geoms) == 2


def test_unreached_ground_inside_a_ring_is_a_hole():
    net = build([(0, 0), (1000, 0), (1000, 1000), (0, 1000), (0, 0)])
    drawn = reach_of(net, drawing.street_cells(net), 2500.0, (0, 0))
    assert len(drawn.interiors) == 1
    assert not shapely.contains_xy(drawn, *(ORIGIN + 500))


def test_land_in_areas_adds_up_to_the_drawing():
    net = lattice(9, 100.0)
    cells = drawing.street_cells(net)
    everything = cells.outline(np.ones(len(cells.polygons), dtype=bool))
    west, south, east, north = everything.bounds
    halves = np.array([shapely.box(west, south, 530_037, north), shapely.box(530_037, south, east, north)])
    land = drawing.land_in_cells(cells, halves)
    np.testing.assert_allclose(land.sum(axis=0), shapely.area(cells.polygons))
    chosen = np.random.default_rng(3).random(len(cells.polygons)) < 0.4
    drawn = cells.outline(chosen)
    np.testing.assert_allclose(land @ chosen, shapely.area(shapely.intersection(halves, drawn)))


def test_a_few_cells_are_drawn_as_their_flags_are():
    net = lattice(9, 100.0)
    cells = drawing.street_cells(net)
    begin = reach.starts(snap(net, (130, 20)), np.zeros(1, dtype=np.int64), groups=1)
    found = reach.within(net, begin, cells.by_chain, limit_m=260.0)
    flags = np.isfinite(reach.costs_to(net, begin, cells.points, limit_m=260.0)[0])
    assert shapely.equals_exact(cells.outline(found.place), cells.outline(flags))


@pytest.mark.parametrize("city", [las_palmas, wuhan])
def test_drawing_agrees_with_exact_street_times(city, shared_data):
    """F1 at places within 50 m of a street, for walks of 15 and 10 minutes and of 500 m from random crossings."""
    net = city(shared_data)
    cells = drawing.street_cells(net)
    rng = np.random.default_rng(5)
    nodes = rng.choice(np.flatnonzero(net.component == 0), 20, replace=False)
    centre = net.snap(net.node_x[nodes], net.node_y[nodes], limit_m=1.0)
    for budget_m, least in ((1125.0, 0.97), (750.0, 0.96), (500.0, 0.95)):
        hits = drawn_only = reached_only = 0
        for group, node in enumerate(nodes):
            x, y = (at[node] + rng.uniform(-1.15, 1.15, 3000) * budget_m for at in (net.node_x, net.node_y))
            places = net.snap(x, y, limit_m=50.0)
            near = places.edge >= 0
            begin = reach.starts(centre.take(np.array([group])), np.zeros(1, dtype=np.int64), groups=1)
            reached = np.isfinite(reach.costs_to(net, begin, places, limit_m=budget_m)[0])[near]
            found = reach.within(net, begin, cells.by_chain, limit_m=budget_m)
            outline = cells.outline(found.place[drawing.drawn_points(found.cost_m, budget_m)])
            drawn = shapely.contains_xy(outline, x[near], y[near])
            hits += (drawn & reached).sum()
            drawn_only += (drawn & ~reached).sum()
            reached_only += (~drawn & reached).sum()
        score = 2 * hits / (2 * hits + drawn_only + reached_only)
        assert score >= least, (budget_m, score)
