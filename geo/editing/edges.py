"""Areas as sets of edges, in which taking land away and adding it are the same exact operation.

The border of an area is a set of edges, each between two stored vertices. Where two areas, or an area and a piece of
it, have the same vertices along their common border, the border of their union or difference is the edges that only
one of them has. Nothing is computed, so that no coordinate changes and no hair of land is lost.
"""

import itertools
import math
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import shapely

from geo import edge_boxes

Place = tuple[float, float]
#: Two places, the lesser first.
Edge = tuple[Place, Place]
Edges = frozenset[Edge]

_AREAL = 2


def edge(one: Place, other: Place) -> Edge:
    """Return the edge between two places."""
    return (one, other) if one < other else (other, one)


def edges_of(geom: shapely.Geometry | None) -> Edges:
    """Return the edges of a valid polygon or multipolygon; none of None."""
    if geom is None:
        return frozenset()
    found: set[Edge] = set()
    for ring in shapely.get_rings(shapely.get_parts(geom)):
        places = list(map(tuple, shapely.get_coordinates(ring).tolist()))
        found ^= {edge(a, b) for a, b in itertools.pairwise(places) if a != b}
    return frozenset(found)


def faces(edges: Iterable[Edge]) -> list[shapely.Polygon]:
    """Return the smallest areas that edges enclose; edges that enclose nothing are left out.

    Edges may meet at vertices only.
    """
    lines = shapely.linestrings(np.array(sorted(edges), dtype=np.float64).reshape(-1, 2, 2))
    return list(shapely.get_parts(shapely.polygonize(lines)))


def area_of(edges: Edges, *, multi: bool) -> shapely.Geometry | None:
    """Return the area that edges are the border of; None where they enclose nothing.

    What lies inside is told by crossing edges one by one from the outside, so that no coordinate is looked at.

    Parameters
    ----------
    edges
        A border: an even number of edges at each vertex, which meet at vertices only.
    multi
        Whether a single part is a multipolygon too.
    """
    if not edges:
        return None
    found = faces(edges)
    around = [edges_of(face) for face in found]
    beside: dict[Edge, list[int]] = {}
    for number, border in enumerate(around):
        for each in border:
            beside.setdefault(each, []).append(number)
    # Every second face from the outside is a part: a face with an edge of its own lies outermost.
    inside: dict[int, bool] = {at[0]: True for at in beside.values() if len(at) == 1}
    waiting = list(inside)
    while waiting:
        number = waiting.pop()
        for each in around[number]:
            for other in beside[each]:
                if other not in inside:
                    inside[other] = not inside[number]
                    waiting.append(other)
    parts = [face for number, face in enumerate(found) if inside.get(number)]
    if not parts:
        return None
    return parts[0] if len(parts) == 1 and not multi else shapely.MultiPolygon(parts)


def length(edges: Iterable[Edge]) -> float:
    """Length of edges in degrees, the longitude shortened as it is at their latitude; for comparing only."""
    ends = np.array(list(edges), dtype=np.float64).reshape(-1, 2, 2)
    if not len(ends):
        return 0.0
    step = ends[:, 1] - ends[:, 0]
    shorter = np.cos(np.radians(ends[:, :, 1].mean(axis=1)))
    # Exactly summed, so that the order of a set does not matter.
    return math.fsum(np.hypot(step[:, 0] * shorter, step[:, 1]))


def with_node(geom: shapely.Geometry, place: Place, *, within: float) -> shapely.Geometry:
    """Insert a node into the edges of an area that pass it, unless it has the node; else the very same object.

    Parameters
    ----------
    within
        How far off an edge may pass, degrees. The edge moves onto the node.
    """
    kind, xy, offsets = shapely.to_ragged_array([geom])
    x, y = place
    if ((xy[:, 0] == x) & (xy[:, 1] == y)).any():
        return geom
    at = _passing(xy, offsets[0], place, within)
    if not len(at):
        return geom
    longer = np.insert(xy, at + 1, [place], axis=0)
    rings = offsets[0] + np.searchsorted(at + 1, offsets[0], side="left")
    (result,) = shapely.from_ragged_array(kind, longer, (rings, *offsets[1:]))
    return result


def _passing(
    xy: npt.NDArray[np.float64], rings: npt.NDArray[np.intp], place: Place, within: float
) -> npt.NDArray[np.intp]:
    """First vertices of the edges that pass a place, ends aside; the nearest where there are several."""
    beside = edge_boxes.meet(xy[:-1], xy[1:], (*place, *place), room=2 * within)
    beside[rings[1:-1] - 1] = False
    at = np.flatnonzero(beside)
    step = xy[at + 1] - xy[at]
    size = (step**2).sum(axis=1)
    along = ((place - xy[at]) * step).sum(axis=1) / np.where(size > 0, size, 1.0)
    off = np.hypot(*(xy[at] + along[:, None] * step - place).T)
    passing = (off <= within) & (along > 0) & (along < 1) & (size > 0)
    at, off = at[passing], off[passing]
    nearest: npt.NDArray[np.intp] = at[np.argsort(off, kind="stable")[:1]]
    return nearest
