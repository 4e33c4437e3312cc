"""Compiled searches over the street network: the inner loops of :mod:`geo.reach`.

Dijkstra's algorithm with a bucket queue (Dial 1969). A bucket may be wider than an edge, because a node that
improves is taken up again, so the costs are those of the textbook to the last bit. The scratch arrays of a
call are cleared by counting up an epoch instead of by writing, so a search costs what it reaches and not what the
city holds. All of it releases the interpreter lock and none of it starts threads.
"""

from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
from numba import njit

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Numbers: TypeAlias = npt.NDArray[np.int32]

#: Buckets of the queue; enough that few nodes share one, few enough that empty ones cost nothing.
BUCKETS = 256

# Columns of a node's state: the search that last saw it, its bucket (-1: not queued), its neighbours there.
_SEEN, _BUCKET, _NEXT, _BEFORE = 0, 1, 2, 3


class Graph(NamedTuple):
    """The arrays of a :class:`geo.network.Network` that a search reads."""

    first_arc: Ints
    arc_node: Ints
    arc_edge: Ints
    arc_m: Floats
    start: Ints
    end: Ints
    length_m: Floats


class StreetPoints(NamedTuple):
    """Points along edges: where searches begin, by group (``first``), each with the metres spent before it.

    Within a group they ascend by edge.
    """

    first: Ints
    edge: Ints
    position_m: Floats
    cost_m: Floats


class _Scratch(NamedTuple):
    """What all searches of a call share."""

    state: Numbers  # (nodes, 4)
    costs: Floats  # (nodes,) valid where the state's epoch is the search's
    heads: Numbers  # first node of each bucket
    touched: Numbers  # nodes in the order in which they were first seen
    edge_seen: Numbers  # epoch in which an edge was last seen
    first_start: Ints  # first start on an edge, valid as edge_seen
    edges: Ints  # edges in the order in which they were first seen


@njit(cache=True, nogil=True)
def _scratch(nodes: int, edges: int) -> _Scratch:
    return _Scratch(
        np.zeros((nodes, 4), dtype=np.int32),
        np.empty(nodes),
        np.full(BUCKETS, -1, dtype=np.int32),
        np.empty(nodes, dtype=np.int32),
        np.zeros(edges, dtype=np.int32),
        np.empty(edges, dtype=np.int64),
        np.empty(edges, dtype=np.int64),
    )


@njit(cache=True, nogil=True)
def _offer(scratch: _Scratch, node: int, cost: float, bucket: int, epoch: int, count: int) -> int:  # noqa: PLR0917
    """Take a cheaper way to a node and queue the node anew; returns how many nodes were seen."""
    state, heads = scratch.state, scratch.heads
    if state[node, _SEEN] != epoch:
        state[node, _SEEN] = epoch
        scratch.touched[count] = node
        count += 1
    elif cost >= scratch.costs[node]:
        return count
    elif state[node, _BUCKET] >= 0:
        following, before = state[node, _NEXT], state[node, _BEFORE]
        if before >= 0:
            state[before, _NEXT] = following
        else:
            heads[state[node, _BUCKET]] = following
        if following >= 0:
            state[following, _BEFORE] = before
    scratch.costs[node] = cost
    head = heads[bucket]
    state[node, _BUCKET] = bucket
    state[node, _NEXT] = head
    state[node, _BEFORE] = -1
    if head >= 0:
        state[head, _BEFORE] = node
    heads[bucket] = node
    return count


@njit(cache=True, nogil=True)
def _search(  # noqa: PLR0917
    graph: Graph, starts: StreetPoints, group: int, budget_m: float, epoch: int, scratch: _Scratch
) -> int:
    """Find the cost of every node within the budget of a group; returns how many there are."""
    state, heads, costs = scratch.state, scratch.heads, scratch.costs
    per_metre = (BUCKETS - 1) / budget_m if budget_m > 0.0 else 1.0
    count = 0
    for s in range(starts.first[group], starts.first[group + 1]):
        edge = starts.edge[s]
        back = starts.cost_m[s] + starts.position_m[s]
        if back <= budget_m:
            count = _offer(scratch, graph.start[edge], back, int(back * per_metre), epoch, count)
        ahead = starts.cost_m[s] + (graph.length_m[edge] - starts.position_m[s])
        if ahead <= budget_m:
            count = _offer(scratch, graph.end[edge], ahead, int(ahead * per_metre), epoch, count)
    for bucket in range(BUCKETS):
        while heads[bucket] >= 0:
            node = heads[bucket]
            following = state[node, _NEXT]
            heads[bucket] = following
            if following >= 0:
                state[following, _BEFORE] = -1
            state[node, _BUCKET] = -1
            here = costs[node]
            for arc in range(graph.first_arc[node], graph.first_arc[node + 1]):
                cost = here + graph.arc_m[arc]
                if cost <= budget_m:
                    count = _offer(scratch, graph.arc_node[arc], cost, int(cost * per_metre), epoch, count)
    return count


@njit(cache=True, nogil=True)
def _mark_starts(starts: StreetPoints, group: int, epoch: int, scratch: _Scratch) -> int:
    """Remember where the starts on each edge begin; returns how many edges have some."""
    count = 0
    for s in range(starts.first[group], starts.first[group + 1]):
        edge = starts.edge[s]
        if scratch.edge_seen[edge] != epoch:
            scratch.edge_seen[edge] = epoch
            scratch.first_start[edge] = s
            scratch.edges[count] = edge
            count += 1
    return count


@njit(cache=True, nogil=True)
def costs_to(graph: Graph, starts: StreetPoints, places: StreetPoints, limit_m: float) -> Floats:
    """Search once a group, then reach each place from both ends of its edge and from the starts on it."""
    scratch = _scratch(len(graph.first_arc) - 1, len(graph.length_m))
    state, costs = scratch.state, scratch.costs
    groups = len(starts.first) - 1
    result = np.full((groups, len(places.edge)), np.inf)
    for group in range(groups):
        epoch = group + 1
        last = starts.first[epoch]
        _search(graph, starts, group, limit_m, epoch, scratch)
        _mark_starts(starts, group, epoch, scratch)
        for i in range(len(places.edge)):
            edge = places.edge[i]
            if edge < 0:
                continue
            position_m = places.position_m[i]
            best = np.inf
            if state[graph.start[edge], _SEEN] == epoch:
                best = costs[graph.start[edge]] + position_m
            if state[graph.end[edge], _SEEN] == epoch:
                best = min(best, costs[graph.end[edge]] + (graph.length_m[edge] - position_m))
            if scratch.edge_seen[edge] == epoch:
                s = scratch.first_start[edge]
                while s < last and starts.edge[s] == edge:
                    best = min(best, starts.cost_m[s] + abs(position_m - starts.position_m[s]))
                    s += 1
            best += places.cost_m[i]
            if best <= limit_m:
                result[group, i] = best
    return result


class _Pieces(NamedTuple):
    """Room for pieces; those of one search are written one after the other."""

    group: Ints
    edge: Ints
    ends: Floats  # (room, 2)


@njit(cache=True, nogil=True)
def reached_pieces(graph: Graph, starts: StreetPoints, budget_m: Floats) -> tuple[Ints, Ints, Floats]:
    """Search once a group, then cut the edges it saw; returns groups, edges and (pieces, 2) metres."""
    scratch = _scratch(len(graph.first_arc) - 1, len(graph.length_m))
    own = np.empty((len(starts.edge) + 2, 2))
    pieces = _more_room(_Pieces(np.empty(0, np.int64), np.empty(0, np.int64), np.empty((0, 2))), 0, 1024)
    size = 0
    for group in range(len(starts.first) - 1):
        epoch = group + 1
        nodes = _search(graph, starts, group, budget_m[group], epoch, scratch)
        with_starts = _mark_starts(starts, group, epoch, scratch)
        seen = _mark_edges(graph, nodes, epoch, scratch, with_starts)
        most = size + 2 * seen + starts.first[epoch] - starts.first[group]
        if most > len(pieces.edge):
            pieces = _more_room(pieces, size, 2 * most)
        begin = size
        for k in range(with_starts):
            edge = scratch.edges[k]
            _from_ends(graph, edge, budget_m[group], epoch, scratch, own)
            s, last = scratch.first_start[edge], starts.first[epoch]
            found = _from_starts(starts, s, last, graph.length_m[edge], budget_m[group], own)
            found = _merge(own, found)
            pieces.ends[size : size + found] = own[:found]
            pieces.edge[size : size + found] = edge
            size += found
        size = _cut_edges(
            graph, budget_m[group], epoch, scratch, scratch.edges[with_starts:seen], pieces, size
        )
        pieces.group[begin:size] = group
    return pieces.group[:size].copy(), pieces.edge[:size].copy(), pieces.ends[:size].copy()


@njit(cache=True, nogil=True)
def _mark_edges(graph: Graph, nodes: int, epoch: int, scratch: _Scratch, count: int) -> int:
    """List the edges at the nodes that were seen, after the ``count`` already listed."""
    for k in range(nodes):
        node = scratch.touched[k]
        for arc in range(graph.first_arc[node], graph.first_arc[node + 1]):
            edge = graph.arc_edge[arc]
            if scratch.edge_seen[edge] != epoch:
                scratch.edge_seen[edge] = epoch
                scratch.edges[count] = edge
                count += 1
    return count


@njit(cache=True, nogil=True)
def _more_room(pieces: _Pieces, size: int, room: int) -> _Pieces:
    larger = _Pieces(np.empty(room, np.int64), np.empty(room, np.int64), np.empty((room, 2)))
    larger.group[:size] = pieces.group[:size]
    larger.edge[:size] = pieces.edge[:size]
    larger.ends[:size] = pieces.ends[:size]
    return larger


@njit(cache=True, nogil=True)
def _cut_edges(  # noqa: PLR0917
    graph: Graph, budget_m: float, epoch: int, scratch: _Scratch, edges: Ints, pieces: _Pieces, size: int
) -> int:
    """Write the pieces of edges that no search starts on, at most two each; returns the new size.

    One loop without calls: nearly all edges of a search pass here.
    """
    state, costs, ends = scratch.state, scratch.costs, pieces.ends
    for edge in edges:
        length = graph.length_m[edge]
        low, high = 0.0, length
        if state[graph.start[edge], _SEEN] == epoch:
            low = min(length, budget_m - costs[graph.start[edge]])
        if state[graph.end[edge], _SEEN] == epoch:
            high = max(0.0, length - (budget_m - costs[graph.end[edge]]))
        if low >= high:
            low, high = length, length
        if low > 0.0:
            pieces.edge[size] = edge
            ends[size, 0], ends[size, 1] = 0.0, low
            size += 1
        if high < length:
            pieces.edge[size] = edge
            ends[size, 0], ends[size, 1] = high, length
            size += 1
    return size


@njit(cache=True, nogil=True)
def _from_ends(  # noqa: PLR0917
    graph: Graph, edge: int, budget_m: float, epoch: int, scratch: _Scratch, room: Floats
) -> None:
    """Write what is reached of an edge from its start and from its end; empty stretches where nothing is."""
    length = graph.length_m[edge]
    room[0, 0], room[0, 1] = 0.0, 0.0
    if scratch.state[graph.start[edge], _SEEN] == epoch:
        room[0, 1] = min(length, budget_m - scratch.costs[graph.start[edge]])
    room[1, 0], room[1, 1] = length, length
    if scratch.state[graph.end[edge], _SEEN] == epoch:
        room[1, 0] = max(0.0, length - (budget_m - scratch.costs[graph.end[edge]]))


@njit(cache=True, nogil=True)
def _from_starts(  # noqa: PLR0917
    starts: StreetPoints, begin: int, last: int, length: float, budget_m: float, room: Floats
) -> int:
    """Write what the starts on an edge reach of it after the stretches from its ends; returns how many."""
    count = 2
    s = begin
    while s < last and starts.edge[s] == starts.edge[begin]:
        left = budget_m - starts.cost_m[s]
        if left > 0.0:
            room[count, 0] = max(0.0, starts.position_m[s] - left)
            room[count, 1] = min(length, starts.position_m[s] + left)
            count += 1
        s += 1
    return count


@njit(cache=True, nogil=True)
def _merge(room: Floats, count: int) -> int:
    """Sort stretches by their start and merge those that meet; drops empty ones, returns how many stay."""
    for i in range(1, count):
        low, high = room[i, 0], room[i, 1]
        j = i - 1
        while j >= 0 and room[j, 0] > low:
            room[j + 1, 0], room[j + 1, 1] = room[j, 0], room[j, 1]
            j -= 1
        room[j + 1, 0], room[j + 1, 1] = low, high
    kept = 0
    for i in range(count):
        low, high = room[i, 0], room[i, 1]
        if high <= low:
            continue
        if kept > 0 and low <= room[kept - 1, 1]:
            room[kept - 1, 1] = max(high, room[kept - 1, 1])
        else:
            room[kept, 0], room[kept, 1] = low, high
            kept += 1
    return kept
