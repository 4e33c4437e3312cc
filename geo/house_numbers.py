"""Places told by streets: a house number between known ones, and where two streets meet."""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

Floats = NDArray[np.float64]
Integers = NDArray[np.intp]
Geometries = NDArray[np.object_]

#: Streets that only come near each other meet at most this far apart, metres.
NEAR_M = 60.0
#: Places closer than this where two streets meet are one crossing, metres: a dual carriageway's, for one.
_ONE_CROSSING_M = 80.0
#: Least uncertainty of a number between known ones, metres, and its share of their distance.
_LEAST_M, _SHARE = 10.0, 0.25
#: Metres that a number beyond the known ones may lie farther on, each.
_PLOT_M = 8.0


@dataclass(frozen=True, slots=True)
class Door:
    """Where a house number is, or probably is; metric plane.

    ``known`` are the positions, among the numbers given, that it was told from: the number itself (``how``
    exact), those on both sides of it (between), or the nearest (nearest).
    """

    x: float
    y: float
    uncertainty_m: float
    how: str
    known: tuple[int, ...]


def door(street: Geometries, numbers: Integers, x: Floats, y: Floats, *, wanted: int) -> Door:
    """Place a house number on a street.

    Numbers of the same parity are preferred, for they stand on the same side. Between two known ones the place
    is interpolated along the street, at their distance from it; beyond them it is the nearest known one. Wrong
    where numbers do not rise along the street.

    Parameters
    ----------
    street
        Pieces of one street, lines in the metric plane; may be none, then the way between two doors is straight.
    numbers, x, y
        Known numbers, at least one, and their places in the metric plane.
    """
    same = np.flatnonzero(numbers == wanted)
    if same.size:
        return Door(float(x[same[0]]), float(y[same[0]]), 0.0, "exact", (int(same[0]),))
    for candidates in (np.flatnonzero(numbers % 2 == wanted % 2), np.arange(len(numbers))):
        below = candidates[numbers[candidates] < wanted]
        above = candidates[numbers[candidates] > wanted]
        if below.size and above.size:
            low = int(below[np.argmax(numbers[below])])
            high = int(above[np.argmin(numbers[above])])
            return _between(street, numbers, x, y, pair=(low, high), wanted=wanted)
    nearest = int(np.argmin(np.abs(numbers - wanted)))
    apart_m = _PLOT_M * abs(int(numbers[nearest]) - wanted) / 2
    return Door(float(x[nearest]), float(y[nearest]), _LEAST_M + apart_m, "nearest", (nearest,))


def _between(
    street: Geometries, numbers: Integers, x: Floats, y: Floats, *, pair: tuple[int, int], wanted: int
) -> Door:
    low, high = pair
    share = (wanted - numbers[low]) / (numbers[high] - numbers[low])
    ends = shapely.points(x[[low, high]], y[[low, high]])
    apart_m = float(shapely.distance(*ends))
    xy = np.column_stack([x[[low, high]], y[[low, high]]])
    place = xy[0] + share * (xy[1] - xy[0])
    line = _through(street, ends)
    if line is not None:
        along = shapely.line_locate_point(line, ends)
        foot = shapely.get_coordinates(shapely.line_interpolate_point(line, along))
        on = shapely.line_interpolate_point(line, along[0] + share * (along[1] - along[0]))
        aside = xy - foot
        place = shapely.get_coordinates(on)[0] + aside[0] + share * (aside[1] - aside[0])
        apart_m = float(abs(along[1] - along[0]))
    uncertainty_m = max(_LEAST_M, _SHARE * apart_m)
    return Door(float(place[0]), float(place[1]), uncertainty_m, "between", (low, high))


def _through(street: Geometries, ends: Geometries) -> shapely.LineString | None:
    """Return the unbroken part of a street that passes both doors; None where there is none."""
    if not len(street):
        return None
    parts = shapely.get_parts(shapely.line_merge(shapely.multilinestrings(street)))
    distances = np.stack([shapely.distance(parts, end) for end in ends])
    one, two = np.argmin(distances, axis=1)
    return parts[one] if one == two else None


def crossings(one: Geometries, two: Geometries) -> tuple[Floats, Floats, Floats]:
    """Find where two streets meet.

    Parameters
    ----------
    one, two
        Pieces of each street, lines in the metric plane.

    Returns
    -------
    x, y, spread_m
        Middle of each crossing and how far its parts lie from it; where the streets do not touch but come within
        :data:`NEAR_M` of each other, the middle of the gap; else none.
    """
    first, second = shapely.multilinestrings(one), shapely.multilinestrings(two)
    # Their vertices stand for pieces that run together.
    met = shapely.get_coordinates(shapely.intersection(first, second))
    if not len(met):
        gap = shapely.shortest_line(first, second)
        if shapely.length(gap) > NEAR_M:
            return np.empty(0), np.empty(0), np.empty(0)
        met = shapely.get_coordinates(gap)
    points = shapely.points(met)
    a, b = shapely.STRtree(points).query(points, predicate="dwithin", distance=_ONE_CROSSING_M)
    links = coo_array((np.ones(len(a)), (a, b)), shape=(len(points), len(points)))
    count, label = connected_components(links, directed=False)
    size = np.bincount(label, minlength=count)
    x, y = (np.bincount(label, each, count) / size for each in met.T)
    spread_m = np.zeros(count)
    np.maximum.at(spread_m, label, np.hypot(met[:, 0] - x[label], met[:, 1] - y[label]))
    return x, y, spread_m
