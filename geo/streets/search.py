"""Compiled search over chains of streets: the inner loop of :mod:`geo.streets.reach`.

Dijkstra's algorithm with a bucket queue (Dial 1969) laid in a ring. A crossing that improves is taken up again,
whatever the order, so the costs are those of the textbook to the last bit. What a search writes it takes back when it
is done, so it costs what it reaches and not what the city holds. Of starts from which a crossing costs the same the first
counts. All of it releases the interpreter lock and none of it starts threads.
"""

from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
from numba import njit

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Numbers: TypeAlias = npt.NDArray[np.int32]
Records: TypeAlias = npt.NDArray[np.void]

#: Buckets in the ring, a power of two, and metres of cost in each: few crossings share one.
BUCKETS, BUCKET_M = 1024, 8.0

#: A crossing that waits in a bucket, and the one behind it.
ENTRY = np.dtype([("cost_m", np.float64), ("crossing", np.int32), ("next", np.int32)])


class Graph(NamedTuple):
    """The arrays of :class:`geo.streets.chains.Chains` that a search reads."""

    start: Numbers
    end: Numbers
    first_chain: Ints
    longest_m: Floats
    cost_m: Floats
    arcs: Records
    first_arc: Ints
    last_through: Ints


class Starts(NamedTuple):
    """Where searches begin: places along chains, by group (``first``), each with the metres spent before it."""

    first: Ints
    chain: Numbers
    at_m: Floats
    spent_m: Floats


class Scratch(NamedTuple):
    """What searches write; between two of them every cost is infinite, every chain without a start, every bucket empty."""

    cost_m: Floats  # by crossing
    origin: Numbers  # by crossing: the start it is reached from, valid where the cost is finite
    seen: Numbers  # crossings in the order in which they were first seen
    heads: Numbers  # first entry of each bucket
    entries: Records
    start_on: Numbers  # by chain: the last start on it, -1 for none
    chains: Numbers  # chains that a search sees, and the costs at their start and end
    ends_m: Floats  # (chains, 2)


def scratch(crossings: int, chains: int) -> Scratch:
    """Make scratch for a graph; most of it is only touched, and so only takes memory, where searches come."""
    return Scratch(
        np.full(crossings, np.inf),
        np.empty(crossings, dtype=np.int32),
        np.empty(crossings, dtype=np.int32),
        np.full(BUCKETS, -1, dtype=np.int32),
        np.empty(4 * chains + 1024, dtype=ENTRY),
        np.full(chains, -1, dtype=np.int32),
        np.empty(chains + 1, dtype=np.int32),
        np.empty((chains + 1, 2)),
    )


@njit(cache=True, nogil=True)
def search(  # noqa: C901, PLR0912 - one loop without calls: every step of every walk passes here
    graph: Graph, starts: Starts, group: int, budget_m: float, scratch: Scratch
) -> int:
    """Find the cost of every crossing within the budget of a group; returns how many there are.

    Dead ends are not entered, unless a search starts on the way to one.
    """
    arcs, first_arc, last_through = graph.arcs, graph.first_arc, graph.last_through
    cost_m, origin, seen, heads, entries = (
        scratch.cost_m,
        scratch.origin,
        scratch.seen,
        scratch.heads,
        scratch.entries,
    )
    count, made, waiting, per_m = 0, 0, 0, 1.0 / BUCKET_M
    for s in range(starts.first[group], starts.first[group + 1]):
        chain = starts.chain[s]
        back = starts.spent_m[s] + starts.at_m[s]
        ahead = starts.spent_m[s] + (graph.cost_m[chain] - starts.at_m[s])
        if made + 2 > len(entries):
            entries = _larger(entries)
        for crossing, there in ((graph.start[chain], back), (graph.end[chain], ahead)):
            # Starts ascend, so of those that cost the same the first keeps it.
            if there <= budget_m and there < cost_m[crossing]:
                if cost_m[crossing] == np.inf:
                    seen[count] = crossing
                    count += 1
                cost_m[crossing], origin[crossing] = there, s
                bucket = int(there * per_m) & (BUCKETS - 1)
                entry = entries[made]
                entry.cost_m, entry.crossing, entry.next = there, crossing, heads[bucket]
                heads[bucket] = made
                made, waiting = made + 1, waiting + 1
    bucket = 0
    while waiting > 0:
        taken = heads[bucket]
        if taken < 0:
            bucket = (bucket + 1) & (BUCKETS - 1)
            continue
        waiting -= 1
        crossing, here = entries[taken].crossing, entries[taken].cost_m
        heads[bucket] = entries[taken].next
        if here != cost_m[crossing]:
            continue  # a cheaper way came in between
        if made + last_through[crossing] - first_arc[crossing] > len(entries):
            entries = _larger(entries)
        for arc in range(first_arc[crossing], last_through[crossing]):
            there = here + arcs[arc].cost_m
            if there > budget_m:
                continue
            head = arcs[arc].head
            before = cost_m[head]
            if there < before or (there == before and origin[crossing] < origin[head]):
                if before == np.inf:
                    seen[count] = head
                    count += 1
                cost_m[head], origin[head] = there, origin[crossing]
                target = int(there * per_m) & (BUCKETS - 1)
                entry = entries[made]
                entry.cost_m, entry.crossing, entry.next = there, head, heads[target]
                heads[target] = made
                made, waiting = made + 1, waiting + 1
    return count


@njit(cache=True, nogil=True)
def _larger(entries: Records) -> Records:
    more = np.empty(2 * len(entries), dtype=entries.dtype)
    for k in range(len(entries)):
        more[k] = entries[k]
    return more


@njit(cache=True, nogil=True)
def mark_starts(starts: Starts, group: int, following: Numbers, scratch: Scratch) -> None:
    """Chain up the starts of a group that lie on one chain; ``following`` leads from each to the next."""
    for s in range(starts.first[group], starts.first[group + 1]):
        following[s] = scratch.start_on[starts.chain[s]]
        scratch.start_on[starts.chain[s]] = s


@njit(cache=True, nogil=True)
def list_chains(graph: Graph, count: int, budget_m: float, scratch: Scratch) -> int:
    """List the chains at the crossings that a search saw, less those with starts; returns how many there are."""
    seen, cost_m, chains, ends_m = scratch.seen, scratch.cost_m, scratch.chains, scratch.ends_m
    listed = 0
    for k in range(count):
        crossing = seen[k]
        here = cost_m[crossing]
        for chain in range(graph.first_chain[crossing], graph.first_chain[crossing + 1]):
            chains[listed], ends_m[listed, 0], ends_m[listed, 1] = chain, here, cost_m[graph.end[chain]]
            listed += scratch.start_on[chain] < 0
        if here + graph.longest_m[crossing] > budget_m:
            for arc in range(graph.first_arc[crossing], graph.last_through[crossing]):
                chains[listed] = graph.arcs[arc].way >> 1
                ends_m[listed, 0], ends_m[listed, 1] = np.inf, here
                listed += entered_at_end(graph, arc, scratch)
    return listed


@njit(cache=True, nogil=True)
def entered_at_end(graph: Graph, arc: int, scratch: Scratch) -> bool:
    """Tell whether the chain of an arc was entered only by this arc, against its direction, and no search starts on it."""
    way = graph.arcs[arc].way
    alone: bool = (
        (way & 1 == 1) & (scratch.cost_m[graph.arcs[arc].head] == np.inf) & (scratch.start_on[way >> 1] < 0)
    )
    return alone


@njit(cache=True, nogil=True)
def clear(starts: Starts, group: int, count: int, scratch: Scratch) -> None:
    """Take back what a search and :func:`mark_starts` wrote."""
    for k in range(count):
        scratch.cost_m[scratch.seen[k]] = np.inf
    for s in range(starts.first[group], starts.first[group + 1]):
        scratch.start_on[starts.chain[s]] = -1
