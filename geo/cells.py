"""A raster of cells over areas: which area holds the whole cell, where that is so.

Most points of a city lie far from any border. A cell that no edge of any area comes near is held by the same
areas throughout, so one exact decision for it answers every point in it. Cells near an edge stay undecided and
are left to the exact predicates; the raster therefore saves time and never changes an answer.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from scipy import ndimage

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.intp]

#: No area comes within the clearance of the cell.
OUTSIDE = -1
#: An edge comes near the cell, several areas hold it, or it lies outside but within the clearance of an area.
UNDECIDED = -2

# Cells along each side for each area along a side: about one cell in twelve is then near an edge.
_CELLS_PER_AREA = 64
_MOST_CELLS = 2048
# An edge this near to a cell, in cells, counts as in it. The cell of a point is computed with an error below
# 1e-9 cells, so no rounding can put a point into a cell that one of its edges only just misses.
_GUARD = 1e-6
# Edges worked on at once, to bound the memory.
_CHUNK = 500_000


@dataclass(frozen=True, slots=True)
class Cells:
    """Labels of square cells in degrees; immutable.

    Attributes
    ----------
    west, south
        Lower left corner of the raster, degrees.
    width, height
        Size of one cell, degrees.
    labels
        ``int32`` array of shape (rows, columns), the southernmost row first: number of the only area that
        holds the whole cell, :data:`OUTSIDE`, or :data:`UNDECIDED`.
    """

    west: float
    south: float
    width: float
    height: float
    labels: npt.NDArray[np.int32]

    def find(self, lon: Floats, lat: Floats) -> Integers:
        """Label of the cell of each point; points off the raster are :data:`OUTSIDE`."""
        rows, columns = self.labels.shape
        column = np.floor((lon - self.west) / self.width)
        row = np.floor((lat - self.south) / self.height)
        on = (column >= 0) & (column < columns) & (row >= 0) & (row < rows)
        found = np.full(len(lon), OUTSIDE, dtype=np.intp)
        found[on] = self.labels[row[on].astype(np.intp), column[on].astype(np.intp)]
        return found


def label(
    areas: npt.NDArray[np.object_],
    decide: Callable[[Floats, Floats], Integers],
    *,
    clearance: tuple[float, float],
) -> Cells:
    """Label the cells over some areas.

    Parameters
    ----------
    areas
        Polygons and multipolygons in degrees; overlaps, holes and gaps allowed.
    decide
        Gives the label of points (longitudes, latitudes) that lie on no edge, exactly.
    clearance
        How far, in degrees of longitude and latitude, a cell must lie from all areas to count as outside.

    Returns
    -------
    Cells
        One raster over the bounds of all areas and the clearance, at most about 2048 cells along a side.
    """
    areas = areas[~(shapely.is_missing(areas) | shapely.is_empty(areas))]
    if not areas.size:
        return Cells(0.0, 0.0, 1.0, 1.0, np.full((1, 1), OUTSIDE, dtype=np.int32))
    margin = np.array([*np.negative(clearance), *clearance])
    west, south, east, north = shapely.total_bounds(areas) + margin
    count = int(min(_MOST_CELLS, _CELLS_PER_AREA * np.ceil(np.sqrt(len(areas)))))
    width = (east - west) / count or 1.0
    height = (north - south) / count or 1.0
    # One more cell on every side, so that the outer border lies within.
    blank = np.full((count + 2, count + 2), UNDECIDED, dtype=np.int32)
    cells = Cells(west - width, south - height, width, height, blank)
    near = _near_edges(areas, cells)
    labels = _label_pieces(cells, near, decide)
    reach = [2 * int(np.ceil(size / step)) + 3 for size, step in zip(clearance, (width, height), strict=True)]
    # A cell with a near edge in this window may be outside, yet not far enough from all areas.
    labels[(labels == OUTSIDE) & ndimage.maximum_filter(near, size=(reach[1], reach[0]))] = UNDECIDED
    return Cells(cells.west, cells.south, width, height, labels)


def _label_pieces(
    cells: Cells, near: npt.NDArray[np.bool_], decide: Callable[[Floats, Floats], Integers]
) -> npt.NDArray[np.int32]:
    """Label connected cells without edges: the same areas hold them, so one cell answers for all."""
    pieces, count = ndimage.label(~near)
    flat = pieces.ravel()
    sample = np.zeros(count + 1, dtype=np.intp)
    sample[flat[::-1]] = np.arange(flat.size - 1, -1, -1)
    row, column = np.divmod(sample[1:], near.shape[1])
    answers = decide(cells.west + (column + 0.5) * cells.width, cells.south + (row + 0.5) * cells.height)
    labels: npt.NDArray[np.int32] = np.append(np.int32(UNDECIDED), answers.astype(np.int32))[pieces]
    return labels


def _near_edges(areas: npt.NDArray[np.object_], cells: Cells) -> npt.NDArray[np.bool_]:
    """Mark the cells that an edge crosses, touches or only just misses."""
    near = np.zeros(cells.labels.shape, dtype=bool)
    rings = shapely.get_rings(shapely.get_parts(areas))
    corners, ring = shapely.get_coordinates(rings, return_index=True)
    corners = (corners - (cells.west, cells.south)) / (cells.width, cells.height)
    starts = np.flatnonzero(ring[:-1] == ring[1:])
    for first in range(0, len(starts), _CHUNK):
        chosen = starts[first : first + _CHUNK]
        _mark(near, corners[chosen], corners[chosen + 1])
    return near


def _mark(near: npt.NDArray[np.bool_], begin: Floats, end: Floats) -> None:
    """Mark the cells of edges given in cell units, cut into pieces that each span two cells a way at most."""
    step = end - begin
    cuts = (np.abs(step).max(axis=1) * 1.1).astype(np.intp) + 1
    edge = np.repeat(np.arange(len(cuts)), cuts)
    number = np.arange(len(edge)) - np.repeat(np.cumsum(cuts) - cuts, cuts)
    step = (step / cuts[:, None])[edge]
    one = begin[edge] + number[:, None] * step
    other = one + step
    low = np.floor(np.minimum(one, other) - _GUARD).astype(np.intp)
    high = np.floor(np.maximum(one, other) + _GUARD).astype(np.intp)
    for row in (low[:, 1], high[:, 1]):
        for column in (low[:, 0], high[:, 0]):
            near[row, column] = True
