"""Outlines of areas as arrays: where a point lies to one area, exactly, and how far from its border.

Edges are straight in degrees, as stored. Distances are metres on the WGS84 ellipsoid by the middle-latitude
formula, whose error stays below 0.01 % for the nearest border up to 100 km away and below 85° of latitude.
"""

from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import shapely
from numba import njit

from geo.assign.orientation import side

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Geometries: TypeAlias = npt.NDArray[np.object_]
#: Metres in a degree of longitude, their loss for each degree of latitude halfway, metres in one of latitude.
Scale: TypeAlias = tuple[float, float, float]
#: Square of a distance in metres, and the longitude and latitude of the nearest point.
Near: TypeAlias = tuple[float, float, float]

#: Where a point lies to an area.
OUTSIDE, BOUNDARY, INTERIOR = range(3)

#: Edges in a block, and blocks in a pile: each has a box, so that most edges need not be looked at.
BLOCK, PILE = 8, 8
# WGS84 ellipsoid.
_AXIS_M, _ECCENTRICITY2 = 6378137.0, 0.0066943799901413165


class Outlines(NamedTuple):
    """Rings of areas, one area after the other.

    Parameters
    ----------
    corners
        (corners, 2) longitude and latitude; a NaN row ends each ring, and NaN rows fill up each area's last
        block.
    blocks, piles
        (n, 4) boxes west, south, east, north of the edges that begin in each block, and of each area's
        blocks, eight by eight.
    spans
        (areas, 4) first block, end of blocks, first pile, end of piles.
    slack
        (1,) what share of a distance in longitude the scale of one latitude surely gives at another.
    """

    corners: Floats
    blocks: Floats
    piles: Floats
    spans: Ints
    slack: Floats


def lay_out(areas: Geometries) -> tuple[Floats, Floats, Floats, Ints]:
    """Corners, blocks, piles and spans of polygons and multipolygons; areas without shape have no blocks."""
    parts, area_of_part = shapely.get_parts(areas, return_index=True)
    rings, part_of_ring = shapely.get_rings(parts, return_index=True)
    points, ring = shapely.get_coordinates(rings, return_index=True)
    ends = np.searchsorted(ring, np.arange(len(rings) + 1))
    area = area_of_part[part_of_ring].astype(np.int64)
    # A ring takes its corners and the NaN row after them.
    used = np.bincount(area, np.diff(ends) + 1, minlength=len(areas)).astype(np.int64)
    blocks = -(-used // BLOCK)
    piles = -(-blocks // PILE)
    last_block, last_pile = np.cumsum(blocks), np.cumsum(piles)
    spans = np.column_stack([last_block - blocks, last_block, last_pile - piles, last_pile])
    corners = np.full((int(blocks.sum()) * BLOCK, 2), np.nan)
    _place(corners, points, ends, area, spans)
    blocks_ = np.empty((int(blocks.sum()), 4))
    piles_ = np.empty((int(piles.sum()), 4))
    _enclose(corners, blocks_, piles_, spans)
    return corners, blocks_, piles_, spans


@njit(error_model="numpy", cache=True, nogil=True)
def _place(corners: Floats, points: Floats, ends: Ints, area: Ints, spans: Ints) -> None:
    """Copy rings to their areas, leaving a row between them."""
    at, before = 0, -1
    for ring in range(len(area)):
        if area[ring] != before:
            before = area[ring]
            at = spans[before, 0] * BLOCK
        size = ends[ring + 1] - ends[ring]
        corners[at : at + size] = points[ends[ring] : ends[ring + 1]]
        at += size + 1


@njit(error_model="numpy", cache=True, nogil=True)
def _enclose(corners: Floats, blocks: Floats, piles: Floats, spans: Ints) -> None:
    """Compute the boxes; a NaN corner is in none, as it compares false with everything."""
    for area in range(len(spans)):
        begin, end, pile, _ = spans[area]
        for block in range(begin, end):
            box = blocks[block]
            box[0], box[1], box[2], box[3] = np.inf, np.inf, -np.inf, -np.inf
            for k in range(block * BLOCK, min((block + 1) * BLOCK + 1, end * BLOCK)):
                x, y = corners[k]
                if x == x:  # noqa: PLR0124 - not NaN
                    box[0], box[2] = min(box[0], x), max(box[2], x)
                    box[1], box[3] = min(box[1], y), max(box[3], y)
            over = piles[pile + (block - begin) // PILE]
            if (block - begin) % PILE == 0:
                over[:] = box
            else:
                over[0], over[1] = min(over[0], box[0]), min(over[1], box[1])
                over[2], over[3] = max(over[2], box[2]), max(over[3], box[3])


@njit(error_model="numpy", cache=True, nogil=True, forceinline=True)
def locate(outlines: Outlines, area: int, x: float, y: float) -> int:
    """Decide whether a point lies outside an area, on its boundary or in its interior, exactly.

    Counts the edges that a ray to the east crosses; an edge holds its lower end, not its upper one.
    """
    corners, inside = outlines.corners, False
    begin, end, first_pile, last_pile = outlines.spans[area]
    for pile in range(first_pile, last_pile):
        over = outlines.piles[pile]
        if y < over[1] or y > over[3] or x > over[2]:
            continue
        first = begin + (pile - first_pile) * PILE
        for block in range(first, min(first + PILE, end)):
            box = outlines.blocks[block]
            if y < box[1] or y > box[3] or x > box[2]:
                continue
            for k in range(block * BLOCK, min((block + 1) * BLOCK, end * BLOCK - 1)):
                ax, ay, bx, by = corners[k, 0], corners[k, 1], corners[k + 1, 0], corners[k + 1, 1]
                up, down = ay <= y < by, by <= y < ay
                if up or down:
                    turn = side(ax, ay, bx, by, x, y)
                    if turn == 0.0:
                        return BOUNDARY
                    if (turn > 0.0) == up:
                        inside = not inside
                elif (ay == y and ax == x) or (ay == y == by and (ax <= x <= bx or bx <= x <= ax)):
                    return BOUNDARY
    return INTERIOR if inside else OUTSIDE


@njit(error_model="numpy", cache=True, nogil=True)
def scale_at(lat: float) -> Scale:
    """Metres in a degree at a latitude; see :data:`Scale`."""
    sine, cosine = np.sin(np.radians(lat)), np.cos(np.radians(lat))
    flat = 1.0 / (1.0 - _ECCENTRICITY2 * sine * sine)
    normal = _AXIS_M * np.sqrt(flat)
    meridian = normal * (1.0 - _ECCENTRICITY2) * flat
    degree = np.pi / 180.0
    # The radius of a parallel changes by the meridian's radius times the sine: Bomford, Geodesy (1980), 2.
    return normal * cosine * degree, meridian * sine * degree * degree / 2.0, meridian * degree


@njit(error_model="numpy", cache=True, nogil=True, forceinline=True)
def _box_metres2(boxes: Floats, k: int, x: float, y: float, scale: Scale, slack: float) -> float:  # noqa: PLR0917
    """Square of a distance that nothing in a box is nearer than."""
    dx = max(boxes[k, 0] - x, x - boxes[k, 2], 0.0) * scale[0] * slack
    dy = max(boxes[k, 1] - y, y - boxes[k, 3], 0.0) * scale[2] * 0.99
    return float(dx * dx + dy * dy)


@njit(error_model="numpy", cache=True, nogil=True)
def _scan(corners: Floats, block: int, x: float, y: float, scale: Scale, best: Near) -> Near:  # noqa: PLR0917
    """Improve the nearest point by the edges of a block.

    The plane that touches the ellipsoid at the point tells where along an edge the nearest point is; the
    middle latitude tells how far that is.
    """
    for k in range(block * BLOCK, min((block + 1) * BLOCK, len(corners) - 1)):
        ax, ay = corners[k, 0] - x, corners[k, 1] - y
        dx, dy = corners[k + 1, 0] - x - ax, corners[k + 1, 1] - y - ay
        sx, sy = dx * scale[0], dy * scale[2]
        square = sx * sx + sy * sy
        along = 0.0
        if square > 0.0:
            along = min(max(-(ax * scale[0] * sx + ay * scale[2] * sy) / square, 0.0), 1.0)
        px, py = ax + along * dx, ay + along * dy
        east, north = px * (scale[0] - scale[1] * py), py * scale[2]
        metres2 = east * east + north * north
        if metres2 < best[0]:
            best = (metres2, x + px, y + py)
    return best


@njit(error_model="numpy", cache=True, nogil=True, forceinline=True)
def nearest(outlines: Outlines, area: int, x: float, y: float, scale: Scale) -> Near:
    """Find the nearest point of an area's border; infinitely far for an area without shape."""
    begin, end, first_pile, last_pile = outlines.spans[area]
    best = (np.inf, x, y)
    if begin == end:
        return best
    # A block that is near by its box, first: what it has rules out most of the others.
    pile = _nearest_box(outlines.piles, (first_pile, last_pile), x, y, scale)
    first = begin + (pile - first_pile) * PILE
    block = _nearest_box(outlines.blocks, (first, min(first + PILE, end)), x, y, scale)
    best = _scan(outlines.corners, block, x, y, scale, best)
    return nearer(outlines, area, x, y, scale, best)


@njit(error_model="numpy", cache=True, nogil=True)
def _nearest_box(boxes: Floats, span: tuple[int, int], x: float, y: float, scale: Scale) -> int:
    nearest, least = span[0], np.inf
    for k in range(span[0], span[1]):
        metres2 = _box_metres2(boxes, k, x, y, scale, 1.0)
        if metres2 < least:
            nearest, least = k, metres2
    return nearest


@njit(error_model="numpy", cache=True, nogil=True, forceinline=True)
def nearer(outlines: Outlines, area: int, x: float, y: float, scale: Scale, best: Near) -> Near:  # noqa: PLR0917
    """Find the nearest point of an area's border, if it is nearer than the best so far."""
    begin, end, first_pile, last_pile = outlines.spans[area]
    slack = outlines.slack[0]
    for pile in range(first_pile, last_pile):
        if _box_metres2(outlines.piles, pile, x, y, scale, slack) >= best[0]:
            continue
        first = begin + (pile - first_pile) * PILE
        for block in range(first, min(first + PILE, end)):
            if _box_metres2(outlines.blocks, block, x, y, scale, slack) < best[0]:
                best = _scan(outlines.corners, block, x, y, scale, best)
    return best
