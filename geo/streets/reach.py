"""Bounded walks along streets: what is reached within a budget, and what it costs to get somewhere.

A walk may start anywhere along an edge, with a cost already spent (the way from a gate to the street). Costs and
budgets are metres of level street; a profile turns minutes into metres before it comes here, and a metre of
steps costs more than one (:attr:`geo.streets.network.Network.factor`). Answers are exact along each edge: it is entered from
both ends, and from the starts on it.

Groups are searched by two threads, those that start near each other one after the other.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias, TypeVar

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from geo.streets import arrivals, network, pieces
from geo.streets.arrivals import PLACE, Places, PlacesByChain
from geo.streets.network import Network
from geo.streets.pieces import Streets
from geo.streets.search import Graph, Scratch, Starts
from geo.streets.snapping import Snapped
from geo.streets.threads import gathered, in_parts

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Numbers: TypeAlias = npt.NDArray[np.int32]

_Result = TypeVar("_Result")


class StreetPoints(NamedTuple):
    """Points along edges where walks begin, by group (``first``).

    Each has the metres spent before it, and ``row``, its number among the places it came from.
    """

    first: Ints
    edge: Ints
    position_m: Floats
    cost_m: Floats
    row: Ints


@dataclass(frozen=True, slots=True, eq=False)
class Pieces:
    """Stretches of streets: ``from_m`` to ``to_m`` along ``edge``, reached by ``group``; disjoint in a group."""

    group: Numbers
    edge: Numbers
    from_m: Floats
    to_m: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Within:
    """Places within the limits of groups: those of group ``g`` are ``first[g]:first[g + 1]``, in no order."""

    first: Ints
    place: Numbers
    cost_m: Floats


def starts(snapped: Snapped, group: Ints, *, groups: int) -> StreetPoints:
    """Let walks begin at street points, with the way to them spent.

    Parameters
    ----------
    snapped
        Street points; places without a street are left out.
    group
        Group of each, from 0; a group's starts are searched together. A negative one is left out.
    groups
        How many groups there are; a group may be empty, and then reaches nothing.
    """
    joined = np.flatnonzero((snapped.edge >= 0) & (group >= 0))
    order = joined[np.argsort(group[joined], kind="stable")]
    first = np.searchsorted(group[order], np.arange(groups + 1)).astype(np.int64)
    return StreetPoints(first, snapped.edge[order], snapped.position_m[order], snapped.offset_m[order], order)


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
    graph, origins, budgets = _graph(network), _on_chains(network, begin), _limits(begin, budget_m)

    def cut(groups: Ints, scratch: Scratch) -> tuple[Ints, Numbers, Floats]:
        found: tuple[Ints, Numbers, Floats] = pieces.reached_stretches(
            graph, origins, groups, budgets, scratch
        )
        return found

    of_group, chain, ends = gathered(_searched(network, origins, cut), len(budgets))
    chains = network.chains
    streets = Streets(chains.first, chains.edge, network.length_m, chains.begin_m, chains.slope)
    of_stretch, edge, metres = pieces.on_edges(streets, chain, ends)
    group = np.repeat(np.arange(len(budgets), dtype=np.int32), np.diff(of_stretch[of_group]))
    return Pieces(group, edge, metres[:, 0], metres[:, 1])


def costs_to(network: Network, begin: StreetPoints, places: Snapped, *, limit_m: float | Floats) -> Floats:
    """Metres from the nearest start of each group to each place, along streets.

    The ways off the street at both ends count: the starts' ``cost_m`` and the places' ``offset_m``.

    Parameters
    ----------
    limit_m
        One for all groups, or (groups,).

    Returns
    -------
    (groups, places) array
        Infinite beyond ``limit_m`` and for places without a street.
    """
    return nearest(network, begin, places, limit_m=limit_m)[0]


def nearest(
    network: Network, begin: StreetPoints, places: Snapped, *, limit_m: float | Floats
) -> tuple[Floats, Ints]:
    """Find the nearest start of each group to each place, along streets.

    Returns
    -------
    (groups, places) arrays
        Metres as :func:`costs_to`; and the ``row`` of the start, -1 where there is none within the limit. Of
        starts equally near the first is told.
    """
    graph, origins, limits = _graph(network), _on_chains(network, begin), _limits(begin, limit_m)
    targets = Places(*_chain_points(network, places.edge, places.position_m), places.offset_m)
    shape = (len(begin.first) - 1, len(places.edge))
    costs, origin = np.full(shape, np.inf), np.full(shape, -1, dtype=np.int32)

    def arrive(groups: Ints, scratch: Scratch) -> None:
        arrivals.at_places(graph, origins, targets, groups, limits, scratch, costs, origin)

    _searched(network, origins, arrive)
    return costs, np.append(begin.row, -1)[origin]


def by_chain(network: Network, places: Snapped) -> PlacesByChain:
    """Sort places by where on the network they lie, for :func:`within`; keep this for the next call."""
    joined = np.flatnonzero(places.edge >= 0)
    chain, at_m = _chain_points(network, places.edge[joined], places.position_m[joined])
    order = np.argsort(chain, kind="stable")
    first = np.searchsorted(chain[order], np.arange(len(network.chains.start) + 1)).astype(np.int64)
    rows = np.empty(len(order), dtype=PLACE)
    rows["place"], rows["chain"], rows["end"] = joined[order], chain[order], network.chains.end[chain[order]]
    rows["at_m"], rows["rest_m"] = at_m[order], network.chains.cost_m[chain[order]] - at_m[order]
    rows["beyond_m"] = places.offset_m[joined[order]]
    return PlacesByChain(first, rows)


def within(
    network: Network, begin: StreetPoints, places: PlacesByChain, *, limit_m: float | Floats
) -> Within:
    """Find the places within each group's limit: :func:`costs_to` for many groups that reach a few places each.

    Parameters
    ----------
    places
        From :func:`by_chain`, of the same network.
    limit_m
        One for all groups, or (groups,).
    """
    graph, origins, limits = _graph(network), _on_chains(network, begin), _limits(begin, limit_m)

    def arrive(groups: Ints, scratch: Scratch) -> tuple[Ints, Numbers, Floats]:
        found: tuple[Ints, Numbers, Floats] = arrivals.places_within(
            graph, origins, places, groups, limits, scratch
        )
        return found

    return Within(*gathered(_searched(network, origins, arrive), len(limits)))


def compile_kernels() -> None:
    """Compile the searches and the snapping into numba's cache, so that no request waits for the compiler."""
    net = network.build(
        gpd.GeoDataFrame(geometry=[shapely.LineString([(114.0, 30.0), (114.001, 30.0)])], crs="EPSG:4326"),
        metric="EPSG:4547",
    )
    place = net.snap(net.node_x, net.node_y, limit_m=1.0)
    begin = starts(place, np.arange(2), groups=2)
    reached_pieces(net, begin, np.ones(2))
    costs = costs_to(net, begin, place, limit_m=1.0)
    arrivals.weight_within(costs[0], 1.0, np.arange(3), np.ones(2))
    within(net, begin, by_chain(net, place), limit_m=1.0)


def _graph(network: Network) -> Graph:
    return Graph(*(getattr(network.chains, name) for name in Graph._fields))


def _limits(begin: StreetPoints, limit_m: float | Floats) -> Floats:
    """Make a finite limit for each group: what no street leads to stays beyond it."""
    groups = len(begin.first) - 1
    # A read-only array would be another type to numba, and compile again.
    return np.array(np.broadcast_to(np.minimum(limit_m, np.finfo(np.float64).max), groups), dtype=np.float64)


def _chain_points(network: Network, edge: Ints, position_m: Floats) -> tuple[Numbers, Floats]:
    """Places along edges as places along chains; an edge of -1 as a chain of -1."""
    chains = network.chains
    joined = edge >= 0
    chain, at_m = np.full(len(edge), -1, dtype=np.int32), np.zeros(len(edge))
    on = edge[joined]
    chain[joined] = chains.chain[on]
    at_m[joined] = chains.begin_m[on] + chains.slope[on] * position_m[joined]
    at_m[joined] = np.clip(at_m[joined], 0.0, chains.cost_m[chain[joined]])
    return chain, at_m


def _on_chains(network: Network, begin: StreetPoints) -> Starts:
    return Starts(begin.first, *_chain_points(network, begin.edge, begin.position_m), begin.cost_m)


def _searched(
    network: Network, origins: Starts, work: Callable[[Ints, Scratch], _Result]
) -> list[tuple[Ints, _Result]]:
    """Let kernels work on the groups that have starts, those that begin near each other one after the other."""
    groups = np.flatnonzero(np.diff(origins.first))
    order = groups[np.argsort(origins.chain[origins.first[groups]], kind="stable")]
    return in_parts(order, lambda part: network.scratch.lend(lambda scratch: work(part, scratch)))
