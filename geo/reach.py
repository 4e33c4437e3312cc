"""Bounded walks along streets: what is reached within a budget, and what it costs to get somewhere.

A walk may start anywhere along an edge, with a cost already spent (the way from a gate to the street). Costs and
budgets are metres; a profile turns minutes into metres before it comes here. Answers are exact along each
edge: an edge is entered from both ends, and from the starts on it.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from geo import search
from geo.network import Network
from geo.search import Graph, StreetPoints
from geo.snapping import SegmentGrid, Snapped

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Pieces:
    """Stretches of streets: ``from_m`` to ``to_m`` along ``edge``, reached by ``group``; disjoint in a group."""

    group: Ints
    edge: Ints
    from_m: Floats
    to_m: Floats


def starts(snapped: Snapped, group: Ints, *, groups: int) -> StreetPoints:
    """Let walks begin at street points, with the way to them spent.

    Parameters
    ----------
    snapped
        Street points; places without a street are left out.
    group
        Group of each, from 0; a group's starts are searched together.
    groups
        How many groups there are; a group may be empty, and then reaches nothing.
    """
    joined = np.flatnonzero(snapped.edge >= 0)
    order = joined[np.lexsort((snapped.position_m[joined], snapped.edge[joined], group[joined]))]
    first = np.searchsorted(group[order], np.arange(groups + 1)).astype(np.int64)
    return StreetPoints(first, snapped.edge[order], snapped.position_m[order], snapped.offset_m[order])


def reached_pieces(network: Network, begin: StreetPoints, budget_m: Floats) -> Pieces:
    """Find the stretches of streets within each group's budget.

    Parameters
    ----------
    begin
        Groups of street points, from :func:`starts`.
    budget_m
        (groups,) the most metres each group may spend.

    Returns
    -------
    Pieces
        By group, of positive length; every point of a piece costs at most the budget, and every street
        point that does is in a piece.
    """
    # A read-only array would be another type to numba, and compile again.
    group, edge, pieces = search.reached_pieces(_graph(network), begin, np.array(budget_m, dtype=np.float64))
    return Pieces(group, edge, pieces[:, 0], pieces[:, 1])


def costs_to(network: Network, begin: StreetPoints, places: Snapped, *, limit_m: float) -> Floats:
    """Metres from the nearest start of each group to each place, along streets.

    The ways off the street at both ends count: the starts' ``cost_m`` and the places' ``offset_m``.

    Returns
    -------
    (groups, places) array
        Infinite beyond ``limit_m`` and for places without a street.
    """
    points = StreetPoints(np.zeros(1, np.int64), places.edge, places.position_m, places.offset_m)
    costs: Floats = search.costs_to(_graph(network), begin, points, float(limit_m))
    return costs


def compile_kernels() -> None:
    """Compile the searches and the snapping into numba's cache, so that no request waits for the compiler."""
    edge, metre = np.zeros(1, dtype=np.int64), np.ones(1)
    graph = Graph(np.arange(3), np.array([1, 0]), np.zeros(2, np.int64), np.ones(2), edge, edge + 1, metre)
    begin = StreetPoints(np.arange(2), edge, metre, metre)
    search.reached_pieces(graph, begin, metre)
    search.costs_to(graph, begin, begin, 1.0)
    ends = np.array([0.0, 1.0])
    grid = SegmentGrid.build(ends, ends, ends, np.array([0, 2]), chosen=np.ones(1, dtype=bool))
    grid.snap(ends, ends, limit_m=1.0)


def _graph(network: Network) -> Graph:
    return Graph(
        network.first_arc,
        network.arc_node,
        network.arc_edge,
        network.arc_m,
        network.start,
        network.end,
        network.length_m,
    )
