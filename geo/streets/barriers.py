"""Barriers: places where nobody gets through, although the street goes on.

A point (a locked gate, a bollard too narrow) parts every street it lies on; a line (a wall, a fence) parts the streets
it crosses on the ground, not those that pass over or under it.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import shapely

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Bools: TypeAlias = npt.NDArray[np.bool_]
Objects: TypeAlias = npt.NDArray[np.object_]

#: A point lies on a street, and at the end of one, when it is no farther from it than this, in metres.
ON_STREET_M = 1.0

#: A street is cut at two places only when they are farther apart than this, in metres.
_APART_M = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Parted:
    """Streets cut at barriers.

    Parameters
    ----------
    street
        (pieces,) number of the street each is a piece of, ascending; its pieces follow one another.
    lines
        (pieces,) LineStrings.
    free_start, free_end
        (pieces,) whether the piece ends there at a barrier, and so joins nothing.
    """

    street: Ints
    lines: Objects
    free_start: Bools
    free_end: Bools


def places(lines: Objects, grounded: Bools, barriers: Objects) -> tuple[Ints, Ints, Floats]:
    """Find where barriers part streets.

    Parameters
    ----------
    lines
        LineStrings, metres.
    grounded
        (lines,) whether the street lies on the ground: no bridge, no tunnel, level 0.
    barriers
        Points and LineStrings, metres.

    Returns
    -------
    ndarray, ndarray, ndarray
        Number of the barrier, number of the street, and metres along the street.
    """
    dimension = shapely.get_dimensions(barriers)
    tree = shapely.STRtree(lines)
    points, walls = np.flatnonzero(dimension == 0), np.flatnonzero(dimension == 1)
    point, street = tree.query(barriers[points], predicate="dwithin", distance=ON_STREET_M)
    wall, crossed = tree.query(barriers[walls], predicate="intersects")
    wall, crossed = wall[grounded[crossed]], crossed[grounded[crossed]]
    meeting = shapely.intersection(barriers[walls][wall], lines[crossed])
    at, of = shapely.get_coordinates(meeting, return_index=True)
    barrier = np.concatenate([points[point], walls[wall[of]]])
    number = np.concatenate([street, crossed[of]])
    place = np.concatenate([barriers[points][point], shapely.points(at)])
    return (
        barrier.astype(np.int64),
        number.astype(np.int64),
        shapely.line_locate_point(lines[number], place).astype(np.float64),
    )


def part(lines: Objects, grounded: Bools, barriers: Objects) -> Parted:
    """Cut streets where barriers part them; arguments as of :func:`places`."""
    _, street, at_m = places(lines, grounded, barriers)
    length = shapely.length(lines)
    near_start, near_end = at_m <= ON_STREET_M, at_m >= length[street] - ON_STREET_M
    closed_start, closed_end = np.zeros(len(lines), dtype=bool), np.zeros(len(lines), dtype=bool)
    closed_start[street[near_start]] = True
    closed_end[street[near_end]] = True
    rings = shapely.is_closed(lines) & (closed_start | closed_end)
    closed_start |= rings
    closed_end |= rings
    inner = ~near_start & ~near_end
    cut, position = _once(street[inner], at_m[inner])
    pieces, owner = _cut(lines, cut, position)
    first = np.concatenate([[True], owner[1:] != owner[:-1]])
    last = np.concatenate([owner[1:] != owner[:-1], [True]])
    return Parted(owner, pieces, ~first | closed_start[owner], ~last | closed_end[owner])


def _once(street: Ints, at_m: Floats) -> tuple[Ints, Floats]:
    """Places by street and along it, each once."""
    order = np.lexsort((at_m, street))
    street, at_m = street[order], at_m[order]
    new = np.ones(len(street), dtype=bool)
    new[1:] = (street[1:] != street[:-1]) | (np.diff(at_m) > _APART_M)
    return street[new], at_m[new]


def _cut(lines: Objects, street: Ints, at_m: Floats) -> tuple[Objects, Ints]:
    """Cut lines at inner places; returns the pieces, and the line of each."""
    xy, line = shapely.get_coordinates(lines, return_index=True)
    along = _along(xy, line)
    added = shapely.get_coordinates(shapely.line_interpolate_point(lines[street], at_m))
    # A cut point is the end of one piece and the start of the next: it comes twice.
    owner = np.concatenate([line, street, street])
    where = np.concatenate([along, at_m, at_m])
    side = np.concatenate([np.zeros(len(line)), np.full(len(street), 1), np.full(len(street), 2)])
    order = np.lexsort((side, where, owner))
    order = order[~_replaced(owner[order], where[order], side[order])]
    owner, side = owner[order], side[order]
    points = np.concatenate([xy, added, added])[order]
    begins = (side == 2) | np.concatenate([[True], owner[1:] != owner[:-1]])  # noqa: PLR2004 - the second copy
    piece = np.cumsum(begins) - 1
    return shapely.linestrings(points, indices=piece), owner[begins].astype(np.int64)


def _replaced(owner: Ints, where: Floats, side: Floats) -> Bools:
    """Vertices that a cut point beside them replaces."""
    beside = (owner[1:] == owner[:-1]) & (np.diff(where) <= _APART_M)
    cut = side > 0
    gone = np.zeros(len(owner), dtype=bool)
    gone[:-1] |= beside & cut[1:]
    gone[1:] |= beside & cut[:-1]
    return gone & ~cut


def _along(xy: Floats, line: Ints) -> Floats:
    """Metres from the start of its line to each vertex."""
    steps = np.concatenate([[0.0], np.hypot(*np.diff(xy, axis=0).T)])
    first = np.concatenate([[True], line[1:] != line[:-1]])
    steps[first] = 0.0
    total = np.cumsum(steps)
    along: Floats = total - total[np.flatnonzero(first)][np.cumsum(first) - 1]
    return along
