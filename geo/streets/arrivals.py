"""Compiled: crossings that a search reached -> what it costs to get to places, and from which start."""

from typing import NamedTuple

import numpy as np
from numba import njit

from geo.streets.search import (
    Floats,
    Graph,
    Ints,
    Numbers,
    Records,
    Scratch,
    Starts,
    clear,
    entered_at_end,
    mark_starts,
    search,
)


class Places(NamedTuple):
    """Places along chains, each with the metres from the street to it; chain -1 is reached by no street."""

    chain: Numbers
    at_m: Floats
    beyond_m: Floats


#: A place, its chain and the crossing at that chain's end; metres from the chain's start, to its end, and from the
#: street to the place.
PLACE = np.dtype(
    [
        ("at_m", np.float64),
        ("rest_m", np.float64),
        ("beyond_m", np.float64),
        ("place", np.int32),
        ("chain", np.int32),
        ("end", np.int32),
    ]
)


class PlacesByChain(NamedTuple):
    """Places along chains in the order of the chains; those of chain ``c`` are ``first[c]:first[c + 1]``."""

    first: Ints
    rows: Records  # (places,) of PLACE


@njit(cache=True, nogil=True)
def _arrive(  # noqa: PLR0917
    graph: Graph, starts: Starts, chain: int, at_m: float, following: Numbers, scratch: Scratch
) -> tuple[float, int]:
    """Cost of getting to a place along a chain, and the first start it is cheapest from."""
    start, end = graph.start[chain], graph.end[chain]
    best, origin = scratch.cost_m[start] + at_m, scratch.origin[start]
    other = scratch.cost_m[end] + (graph.cost_m[chain] - at_m)
    if other < best or (other == best < np.inf and scratch.origin[end] < origin):
        best, origin = other, scratch.origin[end]
    s = scratch.start_on[chain]
    while s >= 0:
        straight = starts.spent_m[s] + abs(at_m - starts.at_m[s])
        if straight < best or (straight == best and s < origin):
            best, origin = straight, s
        s = following[s]
    return best, origin


@njit(cache=True, nogil=True)
def at_places(  # noqa: PLR0917
    graph: Graph,
    starts: Starts,
    places: Places,
    groups: Ints,
    limit_m: Floats,
    scratch: Scratch,
    cost_m: Floats,
    origin: Numbers,
) -> None:
    """Search for some groups and write each place's cost and start, (groups, places), where within the limit."""
    following = np.empty(len(starts.chain), dtype=np.int32)
    for group in groups:
        count = search(graph, starts, group, limit_m[group], scratch)
        mark_starts(starts, group, following, scratch)
        for place in range(len(places.chain)):
            chain = places.chain[place]
            if chain >= 0:
                best, start = _arrive(graph, starts, chain, places.at_m[place], following, scratch)
                best += places.beyond_m[place]
                if best <= limit_m[group]:
                    cost_m[group, place], origin[group, place] = best, start
        clear(starts, group, count, scratch)


@njit(cache=True, nogil=True)
def places_within(  # noqa: C901, PLR0912, PLR0917 - nearly all places of a walk are reached in its inner loop
    graph: Graph, starts: Starts, places: PlacesByChain, groups: Ints, limit_m: Floats, scratch: Scratch
) -> tuple[Ints, Numbers, Floats]:
    """Search for some groups; returns how many places are within each one's limit, which, and their costs."""
    following = np.empty(len(starts.chain), dtype=np.int32)
    counts = np.zeros(len(groups), dtype=np.int64)
    place, cost_m, size = np.empty(1024, np.int32), np.empty(1024), 0
    for turn in range(len(groups)):
        group = groups[turn]
        limit, before = limit_m[group], size
        count = search(graph, starts, group, limit, scratch)
        mark_starts(starts, group, following, scratch)
        for s in range(starts.first[group], starts.first[group + 1]):
            chain = starts.chain[s]
            if scratch.start_on[chain] != s:
                continue
            first, last = places.first[chain], places.first[chain + 1]
            if size + last - first > len(place):
                place, cost_m = _larger(place, cost_m, size, last - first)
            for k in range(first, last):
                best, _ = _arrive(graph, starts, chain, places.rows[k].at_m, following, scratch)
                best += places.rows[k].beyond_m
                if best <= limit:
                    place[size], cost_m[size] = places.rows[k].place, best
                    size += 1
        for k in range(count):
            crossing = scratch.seen[k]
            here = scratch.cost_m[crossing]
            first = places.first[graph.first_chain[crossing]]
            last = places.first[graph.first_chain[crossing + 1]]
            if size + last - first > len(place):
                place, cost_m = _larger(place, cost_m, size, last - first)
            for i in range(first, last):
                row = places.rows[i]
                best = min(here + row.at_m, scratch.cost_m[row.end] + row.rest_m) + row.beyond_m
                # Written in any case and counted where it holds: a processor cannot guess which places are within.
                place[size], cost_m[size] = row.place, best
                size += (best <= limit) & (scratch.start_on[row.chain] < 0)
            if here + graph.longest_m[crossing] <= limit:
                continue
            for arc in range(graph.first_arc[crossing], graph.last_through[crossing]):
                chain = graph.arcs[arc].way >> 1
                if not entered_at_end(graph, arc, scratch):
                    continue
                first, last = places.first[chain], places.first[chain + 1]
                if size + last - first > len(place):
                    place, cost_m = _larger(place, cost_m, size, last - first)
                for i in range(first, last):
                    best = here + places.rows[i].rest_m + places.rows[i].beyond_m
                    place[size], cost_m[size] = places.rows[i].place, best
                    size += best <= limit
        clear(starts, group, count, scratch)
        counts[turn] = size - before
    return counts, place[:size].copy(), cost_m[:size].copy()


@njit(cache=True, nogil=True)
def weight_within(cost_m: Floats, limit_m: float, first: Ints, weight: Floats) -> Floats:
    """Sum the weights of each owner's places within a limit: exactly 1 for all of them, less for fewer.

    The places of owner ``n`` are ``first[n]:first[n + 1]``; one without any has 0.
    """
    share = np.empty(len(first) - 1)
    below = np.nextafter(1.0, 0.0)
    for owner in range(len(share)):
        total, count = 0.0, 0
        for place in range(first[owner], first[owner + 1]):
            near = cost_m[place] <= limit_m
            total += weight[place] * near
            count += near
        share[owner] = 1.0 if count == first[owner + 1] - first[owner] > 0 else min(total, below)
    return share


@njit(cache=True, nogil=True)
def _larger(place: Numbers, cost_m: Floats, size: int, more: int) -> tuple[Numbers, Floats]:
    room = 2 * (size + more)
    larger_place, larger_cost = np.empty(room, np.int32), np.empty(room)
    for k in range(size):
        larger_place[k], larger_cost[k] = place[k], cost_m[k]
    return larger_place, larger_cost
