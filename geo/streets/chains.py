"""Streets -> chains: what lies between two crossings, as one link of the search graph.

Where two streets meet and nothing branches off, a walk has no choice, so a search need not stop there. Every street
point has a place on a chain, and back, exactly: nothing is simplified away.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from numba import njit

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Numbers: TypeAlias = npt.NDArray[np.int32]

#: A link as a search reads it, from the crossing it leaves: half a cache line of a processor holds two.
ARC = np.dtype([("cost_m", np.float64), ("head", np.int32), ("way", np.int32)])


@dataclass(frozen=True, slots=True, eq=False)
class Chains:
    """Chains of streets between crossings, and the graph that they make.

    A crossing is a node where not exactly two streets end; a ring without any has one of its nodes for a crossing.
    Crossings keep the order of the nodes, and chains go by the crossing they start at, which is no dead end
    (but where both ends are). Costs are in metres of level street.

    Parameters
    ----------
    crossing
        (nodes,) number of the crossing, -1 within a chain.
    start, end
        (chains,) crossings at both ends.
    first_chain
        (crossings + 1,) where the chains that start at each crossing begin; dead ends have none.
    longest_m
        (crossings,) cost of the longest chain at each.
    cost_m
        (chains,) cost from end to end.
    first, edge
        The edges of chain ``c`` are ``edge[first[c]:first[c + 1]]``, from its start to its end.
    chain, begin_m, slope
        (edges,) chain of an edge, the cost along the chain at the edge's start, and the cost of each metre further
        along the edge: negative where it was drawn against the chain.
    arcs
        Links by the crossing they leave, :data:`ARC`: cost, crossing they lead to, and ``way``, which is twice the
        number of the chain, plus one where it is walked against its direction.
    first_arc
        (crossings + 1,) where each crossing's arcs begin.
    last_through
        (crossings,) end of those that lead on; behind them come the arcs to dead ends, which no search need enter.
    """

    crossing: Numbers
    start: Numbers
    end: Numbers
    first_chain: Ints
    longest_m: Floats
    cost_m: Floats
    first: Ints
    edge: Numbers
    chain: Numbers
    begin_m: Floats
    slope: Floats
    arcs: npt.NDArray[np.void]
    first_arc: Ints
    last_through: Ints


def build(  # noqa: PLR0917
    start: Ints, end: Ints, cost_m: Floats, factor: Floats, first_arc: Ints, arc_edge: Ints
) -> Chains:
    """Join streets into chains.

    Parameters
    ----------
    start, end, first_arc, arc_edge, factor
        As in :class:`geo.streets.network.Network`.
    cost_m
        (edges,) cost from end to end.
    """
    crossing = _crossings(start, end, first_arc, arc_edge)
    edge, first, chain, forward = _walk(start, end, first_arc, arc_edge, crossing)
    along = np.concatenate([[0.0], np.cumsum(cost_m[edge])])
    begin_m = np.empty(len(start))
    begin_m[edge] = along[:-1] - np.repeat(along[first[:-1]], np.diff(first))
    begin_m[~forward] += cost_m[~forward]
    chain_m = along[first[1:]] - along[first[:-1]]
    head, tail = edge[first[:-1]], edge[first[1:] - 1]
    chain_start = crossing[np.where(forward[head], start[head], end[head])]
    chain_end = crossing[np.where(forward[tail], end[tail], start[tail])]
    arcs, first_arc, last_through = _arcs(chain_start, chain_end, chain_m, int(crossing.max()) + 1)
    dead_end = np.diff(first_arc) == 1
    starting = np.bincount(chain_start[~dead_end[chain_start]], minlength=len(dead_end))
    return Chains(
        crossing=crossing,
        start=chain_start,
        end=chain_end,
        first_chain=np.concatenate([[0], np.cumsum(starting)]),
        longest_m=np.maximum.reduceat(arcs["cost_m"], first_arc[:-1]),
        cost_m=chain_m,
        first=first,
        edge=edge,
        chain=chain,
        begin_m=begin_m,
        slope=np.where(forward, factor, -factor),
        arcs=arcs,
        first_arc=first_arc,
        last_through=last_through,
    )


def _crossings(start: Ints, end: Ints, first_arc: Ints, arc_edge: Ints) -> Numbers:
    """Number the crossings in the order of the nodes."""
    chosen = np.diff(first_arc) != 2  # noqa: PLR2004 - two streets make no crossing
    _mark_rings(start, end, first_arc, arc_edge, chosen)
    return np.where(chosen, np.cumsum(chosen) - 1, -1).astype(np.int32)


@njit(cache=True, nogil=True)
def _mark_rings(
    start: Ints, end: Ints, first_arc: Ints, arc_edge: Ints, chosen: npt.NDArray[np.bool_]
) -> None:
    """Choose the first node of each ring that has no crossing."""
    seen = chosen.copy()
    nodes = len(first_arc) - 1
    # From the crossings on, see all nodes of chains; what is left are rings.
    for turn in range(2):
        for origin in range(nodes):
            if turn == 1 and not seen[origin]:
                chosen[origin] = True
                seen[origin] = True
            if not chosen[origin]:
                continue
            for arc in range(first_arc[origin], first_arc[origin + 1]):
                edge = arc_edge[arc]
                node = end[edge] if start[edge] == origin else start[edge]
                while not seen[node]:
                    seen[node] = True
                    a = first_arc[node]
                    edge = arc_edge[a + 1] if arc_edge[a] == edge else arc_edge[a]
                    node = end[edge] if start[edge] == node else start[edge]


@njit(cache=True, nogil=True)
def _walk(
    start: Ints, end: Ints, first_arc: Ints, arc_edge: Ints, crossing: Numbers
) -> tuple[Numbers, Ints, Numbers, npt.NDArray[np.bool_]]:
    """Follow each chain once; returns edges by chain, where each chain begins, and by edge its chain and direction."""
    order = np.empty(len(start), np.int32)
    first = np.empty(len(start) + 1, np.int64)
    chain = np.full(len(start), -1, np.int32)
    forward = np.empty(len(start), np.bool_)
    chains, size = 0, 0
    # Dead ends come last: only a chain between two of them starts at one.
    for from_dead_end in (False, True):
        for origin in range(len(crossing)):
            if crossing[origin] < 0 or (first_arc[origin + 1] - first_arc[origin] == 1) != from_dead_end:
                continue
            for arc in range(first_arc[origin], first_arc[origin + 1]):
                edge = arc_edge[arc]
                if chain[edge] >= 0:
                    continue
                first[chains] = size
                node = origin
                while True:
                    chain[edge] = chains
                    forward[edge] = start[edge] == node
                    order[size] = edge
                    size += 1
                    node = end[edge] if forward[edge] else start[edge]
                    if crossing[node] >= 0:
                        break
                    a = first_arc[node]
                    edge = arc_edge[a + 1] if arc_edge[a] == edge else arc_edge[a]
                chains += 1
    first[chains] = size
    return order, first[: chains + 1].copy(), chain, forward


def _arcs(
    start: Numbers, end: Numbers, cost_m: Floats, crossings: int
) -> tuple[npt.NDArray[np.void], Ints, Ints]:
    """List each crossing's arcs, those to dead ends last."""
    chains = len(start)
    arcs = np.empty(2 * chains, dtype=ARC)
    arcs["cost_m"] = np.tile(cost_m, 2)
    arcs["head"] = np.concatenate([end, start])
    arcs["way"] = np.concatenate([2 * np.arange(chains), 2 * np.arange(chains) + 1])
    tail = np.concatenate([start, end])
    ends = np.bincount(tail, minlength=crossings)
    dead = ends[arcs["head"]] == 1
    order = np.lexsort((arcs["way"], dead, tail))
    first = np.concatenate([[0], np.cumsum(ends)])
    through = np.bincount(tail[~dead], minlength=crossings)
    return arcs[order], first, first[:-1] + through
