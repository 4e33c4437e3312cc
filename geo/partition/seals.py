"""Parents that their areas tile to the last bit: nothing in them needs a closer look.

Walk around an area with its land on the left, and each edge has a direction. Where the edges of some areas, taken
together, cancel out against those of a parent walked the other way round, the count of areas at a place less the
parent's can change nowhere, and it is nought far away: no gap, no overlap, and nothing outside. Whether they cancel is
told by sums of numbers drawn from the edges' coordinates, which is wrong once in 10 billion billion parents.
"""

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.partition.measures import Bools, Ints, Objects
from geo.place_numbers import Numbers, mixed, numbered

_AREAL = 2


def sealed(geoms: Objects, parent: Ints, places: Objects) -> Bools:
    """Tell which parents their areas tile exactly, with the same nodes.

    Parameters
    ----------
    geoms
        Valid areas.
    parent
        Row of each area's parent in `places`; -1 for none.
    places
        Shapes of the parents. Those that are no valid polygons, and those without areas, are not told.
    """
    told = np.zeros(len(places), dtype=bool)
    fit = (shapely.get_dimensions(places) == _AREAL) & ~shapely.is_empty(places)
    fit[fit] = shapely.is_valid(places[fit])
    fit &= np.bincount(parent[parent >= 0], minlength=len(places)) > 0
    held = np.flatnonzero((parent >= 0) & fit[parent])
    total = np.zeros(len(places), dtype=np.uint64)
    np.add.at(total, parent[held], _borders(geoms[held]))
    told[fit] = total[fit] == _borders(places[fit])
    return told


def _borders(geoms: Objects) -> Numbers:
    """Sum over the directed edges of each area; an edge and the same edge walked back sum up to nought."""
    if not len(geoms):
        return np.empty(0, dtype=np.uint64)
    kind, xy, offsets = shapely.to_ragged_array(geoms)
    number = numbered(xy)
    start, end = number[:-1], number[1:]
    edge = np.zeros(len(xy), dtype=np.uint64)
    three = np.uint64(3)
    edge[:-1] = mixed(start * three + end) - mixed(end * three + start)
    edge[offsets[0][1:] - 1] = 0  # from one ring to the next there is none
    ring = np.add.reduceat(edge, offsets[0][:-1])
    outer = np.zeros(len(ring), dtype=bool)
    outer[offsets[1][:-1]] = True
    ring = np.where(_counterclockwise(xy, offsets[0]) == outer, ring, np.uint64(0) - ring)
    area: Numbers = np.add.reduceat(ring, offsets[1][:-1])
    if kind == shapely.GeometryType.MULTIPOLYGON:
        area = np.add.reduceat(area, offsets[2][:-1])
    return area


def _counterclockwise(xy: NDArray[np.float64], rings: Ints) -> Bools:
    """Tell which rings run with their inside on the left."""
    x, y = (xy - np.repeat(xy[rings[:-1]], np.diff(rings), axis=0)).T
    cross = np.zeros(len(xy))
    cross[:-1] = x[:-1] * y[1:] - x[1:] * y[:-1]
    cross[rings[1:] - 1] = 0
    turned: Bools = np.add.reduceat(cross, rings[:-1]) > 0
    return turned
