"""Nodes that one area has and its neighbour lacks: where they are, and putting them in.

Two areas fit exactly only when both have every node of their common border. Where one side has a node in the
middle of the other's straight edge (a T-junction), the two agree only until either is transformed, rounded or
edited: a straight projected edge bends by 1 mm at 300 m and by 12 mm at 1 km once stored as degrees.
"""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from geo import edge_boxes
from geo.datums import Box
from geo.place_numbers import Numbers, mixed, numbered

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
Objects = NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class MissingNodes:
    """Nodes of neighbours on edges of areas that lack them; one entry for each edge and node.

    Parameters
    ----------
    area, owner
        Position of the area that lacks the node, and of one that has it.
    edge
        Number of the edge's first vertex among all vertices of all areas.
    fraction
        Where on the edge, 0 to 1.
    xy
        The nodes, (n, 2).
    """

    area: Ints
    owner: Ints
    edge: Ints
    fraction: Floats
    xy: Floats


def insert(geoms: ArrayLike, *, tolerance: float) -> tuple[Objects, int]:
    """Insert the neighbours' nodes into straight edges.

    Parameters
    ----------
    geoms
        Valid polygons or multipolygons in their **source** CRS.
    tolerance
        How far from the edge, in units of that CRS, a node may lie. The edge moves onto the node, so take no
        more than the rounding of the file.

    Returns
    -------
    ndarray, int
        The areas, and the number of nodes inserted. An area that would become invalid keeps its edges.
    """
    given = np.asarray(geoms, dtype=object)
    if not len(given):
        return given.copy(), 0
    kind, xy, offsets = shapely.to_ragged_array(given)
    missing = _find(given, xy, offsets[0], tolerance)
    if not len(missing.area):
        return given.copy(), 0
    order = np.lexsort((missing.fraction, missing.edge))
    at = missing.edge[order] + 1
    longer = np.insert(xy, at, missing.xy[order], axis=0)
    rings = offsets[0] + np.searchsorted(at, offsets[0], side="left")
    result = shapely.from_ragged_array(kind, longer, (rings, *offsets[1:]))
    touched = np.unique(missing.area)
    spoilt = touched[~shapely.is_valid(result[touched])]
    result[spoilt] = given[spoilt]
    untouched = np.setdiff1d(np.arange(len(given)), touched)
    result[untouched] = given[untouched]  # a polygon stays a polygon
    return result, int((~np.isin(missing.area, spoilt)).sum())


def find_missing(geoms: ArrayLike, *, tolerance: float, within: Box | None = None) -> MissingNodes:
    """Find nodes that lie on a neighbour's edge, away from its own nodes; see :func:`insert`.

    Parameters
    ----------
    within
        Box (west, south, east, north; the CRS of the areas) of the nodes that are asked for; everywhere by default.
    """
    given = np.asarray(geoms, dtype=object)
    if not len(given):
        empty = np.empty(0, dtype=np.intp)
        return MissingNodes(empty, empty, empty, np.empty(0), np.empty((0, 2)))
    _, xy, offsets = shapely.to_ragged_array(given)
    return _find(given, xy, offsets[0], tolerance, within)


def _find(
    geoms: Objects, xy: Floats, rings: Ints, tolerance: float, within: Box | None = None
) -> MissingNodes:
    """Compare the ends of unmatched edges with unmatched edges; where areas fit, every edge has its match."""
    vertex = numbered(xy)
    last = np.zeros(len(xy), dtype=bool)
    last[rings[1:] - 1] = True
    edge = np.flatnonzero(~last)
    edge = edge[_unmatched(vertex[edge], vertex[edge + 1])]
    ends = np.concatenate([edge, edge + 1])
    if within is not None:
        ends = ends[edge_boxes.meet(xy[ends], xy[ends], within)]
        edge = edge[edge_boxes.meet(xy[edge], xy[edge + 1], within, room=tolerance)]
    ends = ends[np.unique(vertex[ends], return_index=True)[1]]
    lines = shapely.linestrings(np.stack([xy[edge], xy[edge + 1]], axis=1))
    node, line = shapely.STRtree(lines).query(
        shapely.points(xy[ends]), predicate="dwithin", distance=tolerance
    )
    node, line = ends[node], edge[line]
    fraction, length = _project(xy, node, line)
    away = (fraction * length > tolerance) & ((1 - fraction) * length > tolerance)
    node, line, fraction = node[away], line[away], fraction[away]
    starts = np.concatenate([[0], np.cumsum(shapely.get_num_coordinates(geoms))])
    area, owner = (np.searchsorted(starts, each, side="right") - 1 for each in (line, node))
    # A node that the area has elsewhere would make its ring touch itself.
    own = np.array(
        [
            (vertex[starts[of] : starts[of + 1]] == vertex[at]).any()
            for of, at in zip(area, node, strict=True)
        ],
        dtype=bool,
    )
    return MissingNodes(area[~own], owner[~own], line[~own], fraction[~own], xy[node[~own]])


def _unmatched(start: Numbers, end: Numbers) -> NDArray[np.bool_]:
    """Whether an edge is the only one between its two places."""
    number = mixed(np.minimum(start, end) + mixed(np.maximum(start, end)))
    order = np.argsort(number, kind="stable")
    ranked = number[order]
    same = np.concatenate([[False], ranked[1:] == ranked[:-1], [False]])
    lonely = np.empty(len(number), dtype=bool)
    lonely[order] = ~(same[1:] | same[:-1])
    return lonely


def _project(xy: Floats, node: Ints, line: Ints) -> tuple[Floats, Floats]:
    """Where along its line each node lies (0 to 1), and the line's length."""
    start, along = xy[line], xy[line + 1] - xy[line]
    length2 = (along**2).sum(axis=1)
    fraction = ((xy[node] - start) * along).sum(axis=1) / np.where(length2 > 0, length2, 1.0)
    return fraction, np.sqrt(length2)
