"""Compiled: crossings that a search reached -> stretches of streets within its budget."""

from typing import NamedTuple

import numpy as np
from numba import njit

from geo.streets.search import (
    Floats,
    Graph,
    Ints,
    Numbers,
    Scratch,
    Starts,
    clear,
    list_chains,
    mark_starts,
    search,
)

#: Places along an edge that differ by less, in metres, are one.
ROUNDING_M = 1e-9


class Streets(NamedTuple):
    """Where the edges of each chain lie along it, as in :class:`geo.streets.chains.Chains`."""

    first: Ints
    edge: Numbers
    length_m: Floats
    begin_m: Floats
    slope: Floats


@njit(cache=True, nogil=True)
def reached_stretches(
    graph: Graph, starts: Starts, groups: Ints, budget_m: Floats, scratch: Scratch
) -> tuple[Ints, Numbers, Floats]:
    """Search for some groups and cut the chains they see.

    Returns how many stretches each group has, and of each stretch its chain and (stretches, 2) where along the chain
    it begins and ends.
    """
    following = np.empty(len(starts.chain), dtype=np.int32)
    of_chain = np.empty((len(starts.chain) + 2, 2))
    counts = np.zeros(len(groups), dtype=np.int64)
    chains, ends, size = np.empty(1024, np.int32), np.empty((1024, 2)), 0
    for turn in range(len(groups)):
        group = groups[turn]
        budget, before = budget_m[group], size
        count = search(graph, starts, group, budget, scratch)
        mark_starts(starts, group, following, scratch)
        listed = list_chains(graph, count, budget, scratch)
        chains, ends = _room(
            chains, ends, size, 2 * listed + 3 * (starts.first[group + 1] - starts.first[group])
        )
        for s in range(starts.first[group], starts.first[group + 1]):
            chain = starts.chain[s]
            if scratch.start_on[chain] == s:
                for k in range(_from_starts(graph, starts, chain, budget, following, scratch, of_chain)):
                    chains[size], ends[size, 0], ends[size, 1] = chain, of_chain[k, 0], of_chain[k, 1]
                    size += 1
        for k in range(listed):
            chain = scratch.chains[k]
            length = graph.cost_m[chain]
            near = min(length, budget - scratch.ends_m[k, 0])
            far = max(0.0, length - (budget - scratch.ends_m[k, 1]))
            if near >= far:
                near, far = length, length
            if near > 0.0:
                chains[size], ends[size, 0], ends[size, 1] = chain, 0.0, near
                size += 1
            if far < length:
                chains[size], ends[size, 0], ends[size, 1] = chain, far, length
                size += 1
        clear(starts, group, count, scratch)
        counts[turn] = size - before
    return counts, chains[:size].copy(), ends[:size].copy()


@njit(cache=True, nogil=True)
def _room(chains: Numbers, ends: Floats, size: int, more: int) -> tuple[Numbers, Floats]:
    if size + more <= len(chains):
        return chains, ends
    room = 2 * (size + more)
    larger_chains, larger_ends = np.empty(room, np.int32), np.empty((room, 2))
    for k in range(size):
        larger_chains[k], larger_ends[k, 0], larger_ends[k, 1] = chains[k], ends[k, 0], ends[k, 1]
    return larger_chains, larger_ends


@njit(cache=True, nogil=True)
def on_edges(streets: Streets, chains: Numbers, ends: Floats) -> tuple[Ints, Numbers, Floats]:
    """Turn stretches of chains into pieces of their edges.

    Returns where each stretch's pieces begin, and of each piece its edge and (pieces, 2) metres from the edge's start.
    """
    first = np.zeros(len(chains) + 1, np.int64)
    most = 0
    for chain in chains:
        most += streets.first[chain + 1] - streets.first[chain]
    edges, metres, size = np.empty(most, np.int32), np.empty((most, 2)), 0
    for i in range(len(chains)):
        low, high = ends[i, 0], ends[i, 1]
        for k in range(streets.first[chains[i]], streets.first[chains[i] + 1]):
            edge = streets.edge[k]
            length, begin, slope = streets.length_m[edge], streets.begin_m[edge], streets.slope[edge]
            finish = begin + slope * length
            if max(low, min(begin, finish)) >= min(high, max(begin, finish)):
                continue
            at_start, at_end = (low, high) if slope > 0.0 else (high, low)
            from_m, to_m = (at_start - begin) / slope, (at_end - begin) / slope
            edges[size] = edge
            # Rounding along the chain must not leave a nanometre out at the ends of an edge.
            metres[size, 0] = from_m if from_m > ROUNDING_M else 0.0
            metres[size, 1] = to_m if to_m < length - ROUNDING_M else length
            size += 1
        first[i + 1] = size
    return first, edges[:size], metres[:size]


@njit(cache=True, nogil=True)
def _from_starts(  # noqa: PLR0917
    graph: Graph,
    starts: Starts,
    chain: int,
    budget_m: float,
    following: Numbers,
    scratch: Scratch,
    room: Floats,
) -> int:
    """Find what is reached of a chain from its ends and from the starts on it; returns how many stretches."""
    length = graph.cost_m[chain]
    room[0, 0], room[0, 1] = 0.0, min(length, budget_m - scratch.cost_m[graph.start[chain]])
    room[1, 0], room[1, 1] = max(0.0, length - (budget_m - scratch.cost_m[graph.end[chain]])), length
    count = 2
    s = scratch.start_on[chain]
    while s >= 0:
        left = budget_m - starts.spent_m[s]
        room[count, 0] = max(0.0, starts.at_m[s] - left)
        room[count, 1] = min(length, starts.at_m[s] + left)
        count += 1
        s = following[s]
    return _merge(room, count)


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
