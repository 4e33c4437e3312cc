"""The nearest facility on foot from anywhere: one search from all facilities at once, read from any place.

The search is Dijkstra's, begun at every access point together, so that each node learns its cost and whose it is.
"""

from dataclasses import dataclass
from heapq import heappop, heappush
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
from numba import njit

from geo.access_points import AccessPoints
from geo.network import Network
from geo.snapping import Snapped

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]


class _Streets(NamedTuple):
    """The arrays of a :class:`geo.network.Network` that the search reads."""

    first_arc: Ints
    arc_node: Ints
    arc_m: Floats
    start: Ints
    end: Ints
    length_m: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Nearest:
    """The way on foot to the nearest of some facilities, from everywhere on a network.

    Parameters
    ----------
    network
        Walkable streets.
    node_m
        (nodes,) metres from each node to the nearest facility; infinite where none can be reached.
    node_facility
        (nodes,) row number of that facility; -1 where none can be reached.
    edge, position_m, cost_m, facility
        Where the facilities' access points meet the streets, ascending by edge: the edge, how far along it, the
        metres from there to the access point, and the facility's row number.
    """

    network: Network
    node_m: Floats
    node_facility: Ints
    edge: Ints
    position_m: Floats
    cost_m: Floats
    facility: Ints

    def walks(self, places: Snapped) -> tuple[Ints, Floats]:
        """Find the nearest facility from places on the network, and the metres to it.

        The ways off the street at both ends count, as everywhere in :mod:`geo.reach`.

        Returns
        -------
        facility, metres
            (places,) row number, of facilities equally near the lowest; -1 and infinite where a place is
            joined to no street, or no street leads from it to a facility.
        """
        facility, metres = _walks(
            _streets(self.network),
            (self.node_m, self.node_facility),
            (self.edge, self.position_m, self.cost_m, self.facility),
            (places.edge, places.position_m, places.offset_m),
        )
        return facility, metres


def build(network: Network, access: AccessPoints) -> Nearest:
    """Search from all access points of some facilities at once."""
    snapped = access.snapped
    joined = np.flatnonzero(snapped.edge >= 0)
    order = joined[np.lexsort((snapped.position_m[joined], snapped.edge[joined]))]
    edge, position_m = snapped.edge[order], snapped.position_m[order]
    cost_m, facility = snapped.offset_m[order], access.feature[order]
    node_m, node_facility = _spread(_streets(network), (edge, position_m, cost_m, facility))
    return Nearest(network, node_m, node_facility, edge, position_m, cost_m, facility)


def compile_kernels() -> None:
    """Compile the search into numba's cache, so that no request waits for the compiler."""
    edge, metre = np.zeros(1, dtype=np.int64), np.ones(1)
    streets = _Streets(np.arange(3), np.array([1, 0]), np.ones(2), edge, edge + 1, metre)
    starts = (edge, metre, metre, edge)
    _walks(streets, _spread(streets, starts), starts, (edge, metre, metre))


def _streets(network: Network) -> _Streets:
    return _Streets(
        network.first_arc,
        network.arc_node,
        network.arc_m,
        network.start,
        network.end,
        network.length_m,
    )


@njit(cache=True, nogil=True)
def _spread(streets: _Streets, starts: tuple[Ints, Floats, Floats, Ints]) -> tuple[Floats, Ints]:
    """Settle nodes in the order of their cost, and of the facility's number where costs are equal."""
    edges, position_m, cost_m, facility = starts
    nodes = len(streets.first_arc) - 1
    metres = np.full(nodes, np.inf)
    whose = np.full(nodes, -1, dtype=np.int64)
    # The first entry tells the compiler what the queue holds.
    queue = [(np.inf, -1, -1)]
    for s in range(len(edges)):
        edge = edges[s]
        heappush(queue, (cost_m[s] + position_m[s], facility[s], streets.start[edge]))
        heappush(
            queue, (cost_m[s] + (streets.length_m[edge] - position_m[s]), facility[s], streets.end[edge])
        )
    while queue:
        cost, number, node = heappop(queue)
        if node < 0 or whose[node] >= 0:
            continue
        metres[node], whose[node] = cost, number
        for arc in range(streets.first_arc[node], streets.first_arc[node + 1]):
            if whose[streets.arc_node[arc]] < 0:
                heappush(queue, (cost + streets.arc_m[arc], number, streets.arc_node[arc]))
    return metres, whose


@njit(cache=True, nogil=True)
def _walks(
    streets: _Streets,
    nodes: tuple[Floats, Ints],
    starts: tuple[Ints, Floats, Floats, Ints],
    places: tuple[Ints, Floats, Floats],
) -> tuple[Ints, Floats]:
    """Reach each place from both ends of its edge and from the access points on it."""
    node_m, node_facility = nodes
    start_edge, start_position_m, start_cost_m, start_facility = starts
    edges, positions_m, offsets_m = places
    facility = np.full(len(edges), -1, dtype=np.int64)
    metres = np.full(len(edges), np.inf)
    for i in range(len(edges)):
        edge, position_m = edges[i], positions_m[i]
        if edge < 0:
            continue
        start, end = streets.start[edge], streets.end[edge]
        best, whose = node_m[start] + position_m, node_facility[start]
        other = node_m[end] + (streets.length_m[edge] - position_m)
        if other < best or (other == best and node_facility[end] < whose):
            best, whose = other, node_facility[end]
        s = np.searchsorted(start_edge, edge)
        while s < len(start_edge) and start_edge[s] == edge:
            other = start_cost_m[s] + abs(position_m - start_position_m[s])
            if other < best or (other == best and start_facility[s] < whose):
                best, whose = other, start_facility[s]
            s += 1
        facility[i], metres[i] = whose, best + offsets_m[i]
    return facility, metres
