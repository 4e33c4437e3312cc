"""Areas of the demo city: blocks grouped into grids, communities and subdistricts of like numbers of people.

Groups grow from seeds over neighbouring blocks and are reluctant to cross main roads, so borders follow them;
no group crosses the river. Every area is a union of whole blocks, hence areas tile their parents exactly.
"""

import heapq
from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo.synthetic.blocks import Plan
from geo.synthetic.compounds import shares_of
from geo.synthetic.terrain import Floats, Geometries

SUBDISTRICTS, COMMUNITIES, GRIDS = 7, 54, 604

#: Empty land weighs as well as people: one person for this many square metres, for grids and for the rest.
_M2_PER_PERSON = {"grid": 2500.0, "community": 6000.0, "subdistrict": 6000.0}
_ROUNDS = 6
#: How much even loads count against short borders, and how often every block is asked to change sides.
_EVENNESS, _PASSES = 2.0, 6


@dataclass(frozen=True)
class Areas:
    """Which area each block belongs to.

    Parameters
    ----------
    subdistrict, community, grid
        Numbers from 0 by block; a level's numbers follow the order of the codes.
    codes
        Codes by level and number.
    """

    subdistrict: NDArray[np.intp]
    community: NDArray[np.intp]
    grid: NDArray[np.intp]
    codes: dict[str, list[str]]


@dataclass(frozen=True)
class _Graph:
    """Pieces of land as nodes: where, how heavy, how large, and how firmly bound to whom."""

    xy: Floats
    weight: Floats
    m2: Floats
    next_to: list[list[tuple[int, float]]]


def areas(plan: Plan, people: Floats, county: str) -> Areas:
    """Group the blocks into all levels and number them.

    Parameters
    ----------
    plan
        The blocks.
    people
        People of each block.
    county
        The district's six-digit code.
    """
    # Subdistricts and communities are made of what main roads enclose, grids of single blocks.
    cell = _no_larger(plan.cells(), people, people.sum() / COMMUNITIES / 2)
    south = (plan.flat[:, 1] < 0).astype(np.intp)
    subdistrict = _split(_graph(plan, people, cell, "subdistrict"), _of_cells(south, cell), SUBDISTRICTS)
    community = _split(_graph(plan, people, cell, "community"), subdistrict, COMMUNITIES)[cell]
    subdistrict = subdistrict[cell]
    grid = _split(_graph(plan, people, np.arange(len(people)), "grid"), community, GRIDS)
    xy = shapely.get_coordinates(shapely.centroid(plan.faces))
    codes = {"district": [county]}
    parent, level_codes, out = np.zeros_like(grid), [county], {}
    for level, labels in (("subdistrict", subdistrict), ("community", community), ("grid", grid)):
        numbers, level_codes = _numbered(labels, parent, xy, level_codes)
        codes[level], parent, out[level] = level_codes, numbers, numbers
    return Areas(codes=codes, **out)


def outlines(faces: Geometries, labels: NDArray[np.intp]) -> Geometries:
    """Unite blocks by label into MultiPolygons; they keep every vertex of the blocks' borders."""
    order = np.argsort(labels, kind="stable")
    groups = np.split(faces[order], np.flatnonzero(np.diff(labels[order])) + 1)
    united = [shapely.coverage_union_all(group) for group in groups]
    return np.array([g if g.geom_type == "MultiPolygon" else shapely.MultiPolygon([g]) for g in united])


def _graph(plan: Plan, people: Floats, piece: NDArray[np.intp], level: str) -> _Graph:
    """Join blocks into the pieces they are numbered by, and list who borders whom."""
    pairs = plan.neighbours()
    pairs = pairs.assign(left=piece[pairs["left"]], right=piece[pairs["right"]])
    pairs = pairs[pairs["left"] != pairs["right"]]
    next_to: list[list[tuple[int, float]]] = [[] for _ in range(int(piece.max()) + 1)]
    for left, right, bond in pairs.itertuples(index=False):
        next_to[left].append((right, bond))
        next_to[right].append((left, bond))
    m2 = shapely.area(plan.faces)
    xy = shapely.get_coordinates(shapely.centroid(plan.faces))
    size = np.bincount(piece, m2)
    return _Graph(
        np.column_stack([np.bincount(piece, m2 * xy[:, axis]) / size for axis in (0, 1)]),
        np.bincount(piece, people + m2 / _M2_PER_PERSON[level]).astype(np.float64),
        size.astype(np.float64),
        next_to,
    )


def _no_larger(cell: NDArray[np.intp], people: Floats, most: float) -> NDArray[np.intp]:
    """Break up cells of more than `most` people into their blocks, and number the pieces anew."""
    full = np.bincount(cell, people)[cell] > most
    piece = np.where(full, len(cell) + np.arange(len(cell)), cell)
    return np.asarray(np.unique(piece, return_inverse=True)[1])


def _of_cells(label: NDArray[np.intp], cell: NDArray[np.intp]) -> NDArray[np.intp]:
    """Give each cell the label that most of its blocks have."""
    return np.asarray(np.bincount(cell, label) / np.bincount(cell) > 1 / 2).astype(np.intp)


def _split(graph: _Graph, parents: NDArray[np.intp], total: int) -> NDArray[np.intp]:
    """Split every parent so that there are `total` groups, each parent's number by its weight."""
    weight = np.bincount(parents, graph.weight)
    size = np.bincount(parents)
    count = np.minimum(np.maximum(1, shares_of(total, weight)), size)
    count[np.argmax(size - count)] += total - count.sum()
    out = np.empty(len(parents), dtype=np.intp)
    first = 0
    for parent, groups in enumerate(count.tolist()):
        members = np.flatnonzero(parents == parent)
        out[members] = first + _grown(graph, members, groups)
        first += groups
    return out


def _grown(graph: _Graph, members: NDArray[np.intp], groups: int) -> NDArray[np.intp]:
    """Grow `groups` connected groups over `members`; keep the most even of several rounds, then mend it."""
    seeds = _spread(graph, members, groups)
    best, evenest = np.zeros(len(members), dtype=np.intp), np.inf
    for _ in range(_ROUNDS):
        label = _grow(graph, members, seeds)
        load = np.bincount(label, graph.weight[members], groups)
        if load.max() / load.mean() < evenest:
            best, evenest = label, load.max() / load.mean()
        seeds = _centres(graph, members, label, groups)
    return _mended(graph, members, best)


def _spread(graph: _Graph, members: NDArray[np.intp], groups: int) -> NDArray[np.intp]:
    """Seeds far apart and where the weight is: each next one has the most weight times squared distance."""
    xy, weight = graph.xy[members], graph.weight[members]
    chosen = [int(np.argmax(weight))]
    distance = np.hypot(*(xy - xy[chosen[0]]).T)
    while len(chosen) < groups:
        score = weight * distance**2
        score[chosen] = -1.0
        chosen.append(int(np.argmax(score)))
        distance = np.minimum(distance, np.hypot(*(xy - xy[chosen[-1]]).T))
    return members[chosen]


def _grow(graph: _Graph, members: NDArray[np.intp], seeds: NDArray[np.intp]) -> NDArray[np.intp]:
    """Let the lightest group take the nearest block on its edge, until all blocks are taken."""
    xy, weight, next_to = graph.xy, graph.weight, graph.next_to
    free = set(members.tolist())
    label: dict[int, int] = {}
    edge: list[list[tuple[float, int]]] = [[] for _ in seeds]
    queue = [(0.0, group) for group in range(len(seeds))]
    load = [0.0] * len(seeds)
    for group, seed in enumerate(seeds.tolist()):
        edge[group].append((0.0, seed))
    while queue:
        _, group = heapq.heappop(queue)
        while edge[group]:
            _, block = heapq.heappop(edge[group])
            if block in free:
                break
        else:
            continue
        free.remove(block)
        label[block] = group
        load[group] += weight[block]
        origin = xy[seeds[group]]
        for other, _ in next_to[block]:
            if other in free:
                away = float(np.hypot(xy[other, 0] - origin[0], xy[other, 1] - origin[1]))
                heapq.heappush(edge[group], (away, other))
        heapq.heappush(queue, (load[group], group))
    for block in _stranded(next_to, free, label):
        label[block] = max((bond, label[other]) for other, bond in next_to[block] if other in label)[1]
    return np.array([label[block] for block in members.tolist()], dtype=np.intp)


def _stranded(next_to: list[list[tuple[int, float]]], free: set[int], label: dict[int, int]) -> list[int]:
    """Order blocks that no group reached so that each has a labelled neighbour before its turn."""
    order: list[int] = []
    known = set(label)
    while free - known:
        layer = [b for b in sorted(free - known) if any(other in known for other, _ in next_to[b])]
        order += layer
        known |= set(layer)
    return order


def _centres(
    graph: _Graph, members: NDArray[np.intp], label: NDArray[np.intp], groups: int
) -> NDArray[np.intp]:
    xy, weight = graph.xy[members], graph.weight[members]
    total = np.bincount(label, weight, groups)
    middle = np.column_stack([np.bincount(label, weight * xy[:, axis], groups) / total for axis in (0, 1)])
    distance = np.hypot(*(xy - middle[label]).T)
    order = np.lexsort((distance, label))
    return members[order[np.searchsorted(label[order], np.arange(groups))]]


def _mended(graph: _Graph, members: NDArray[np.intp], label: NDArray[np.intp]) -> NDArray[np.intp]:
    """Hand blocks to neighbouring groups while that shortens borders, or evens loads, more than it harms.

    A local search in the manner of Fiduccia and Mattheyses (1982), without the undoing.
    """
    of = dict(zip(members.tolist(), label.tolist(), strict=True))
    load = [float(sum_) for sum_ in np.bincount(label, graph.weight[members])]
    mean = sum(load) / len(load)
    price = _EVENNESS * float(np.sqrt(graph.m2[members].sum() / len(load)))
    for _ in range(_PASSES):
        for block in members.tolist():
            own, weight = of[block], float(graph.weight[block])
            bond: dict[int, float] = {own: 0.0}
            for other, metres in graph.next_to[block]:
                if other in of:
                    bond[of[other]] = bond.get(of[other], 0.0) + metres
            gains = [
                (metres - bond[own] - price * 2 * weight * (load[to] + weight - load[own]) / mean**2, to)
                for to, metres in bond.items()
                if to != own
            ]
            gain, to = max(gains, default=(0.0, own))
            if gain > 0.0 and _removable(graph, of, block):
                of[block] = to
                load[own] -= weight
                load[to] += weight
    return np.array([of[block] for block in members.tolist()], dtype=np.intp)


def _removable(graph: _Graph, of: dict[int, int], block: int) -> bool:
    """Tell whether a block's group stays in one piece, and not empty, without it."""
    own = of[block]
    rest = [other for other, _ in graph.next_to[block] if of.get(other) == own]
    if not rest:
        return False
    seen, todo = {block, rest[0]}, [rest[0]]
    while todo:
        for other, _ in graph.next_to[todo.pop()]:
            if other not in seen and of.get(other) == own:
                seen.add(other)
                todo.append(other)
    return all(other in seen for other in rest)


def _numbered(
    labels: NDArray[np.intp], parent: NDArray[np.intp], xy: Floats, parent_codes: list[str]
) -> tuple[NDArray[np.intp], list[str]]:
    """Number groups inside their parents, in bands from north to south and west to east in each."""
    size = np.bincount(labels)
    frame = pd.DataFrame(
        {
            "parent": np.bincount(labels, parent) / size,
            "x": np.bincount(labels, xy[:, 0]) / size,
            "y": np.bincount(labels, xy[:, 1]) / size,
        }
    )
    frame["parent"] = frame["parent"].round().astype(int)
    siblings = frame.groupby("parent")["y"]
    bands = np.ceil(np.sqrt(siblings.transform("size")))
    frame["band"] = np.floor(
        (siblings.rank(ascending=False, method="first") - 1) * bands / siblings.transform("size")
    )
    order = frame.sort_values(["parent", "band", "x"], kind="stable").index.to_numpy()
    number = np.empty(len(frame), dtype=np.intp)
    number[order] = np.arange(len(frame))
    sequence = frame.loc[order].groupby("parent").cumcount() + 1
    codes = [f"{parent_codes[p]}{s:03d}" for p, s in zip(frame["parent"].loc[order], sequence, strict=True)]
    return number[labels], codes
