"""A grid of cells over areas: where no edge comes near, a cell answers at once; else its few edges do.

The grid has levels, because areas are small where people are many, and nothing happens in their middles: tiles over all
areas; in each tile as many squares as its borders are long, one where there is none; and four times four cells in each
square that has an edge. A square or cell without edges holds a label. Any other cell has a
*record*: the areas that come near it (its *locals*, one bit each), the pieces of their edges inside it, and the
locals that hold its west side below all edges. A point there is held by the locals whose edges a ray to the
west crosses an odd number of times, starting from those.

Pieces are rounded to single precision. A point nearer to one than :data:`DOUBT` cells may lie on either side, and is
left to the exact predicates of :mod:`geo.assign.outlines`; for all other points the answer is exactly theirs.
"""

from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
from numba import njit

Floats: TypeAlias = npt.NDArray[np.float64]
Singles: TypeAlias = npt.NDArray[np.float32]
Ints: TypeAlias = npt.NDArray[np.int64]
Numbers: TypeAlias = npt.NDArray[np.int32]

#: Cells along a side of a square.
SIDE = 4
#: Label of a cell that no area holds; labels from 0 are areas, those below are records: -2 is record 0.
NOWHERE = -1
#: Most locals of a record with pieces; one with more always asks the exact predicates.
MOST_LOCALS = 32

#: In cells: what lies nearer to an edge is in doubt; what passes nearer to a cell is recorded in it. The place of a
#: point in its cell is computed with an error below 1e-9, and single precision rounds by less than 1e-7.
DOUBT, GUARD = 1e-6, 4e-6

#: A record begins with how many pieces it has (-1: always in doubt), the mask of the locals that hold the west side
#: below all edges, and how many locals; then come the locals and the pieces.
PIECES, HELD, LOCALS = range(3)
HEAD = 3
#: A piece is x, y of its lower end, x, y of its upper end, in cells from the cell's south-west corner, in single precision;
#: and the mask of the locals whose edge it is.
PIECE, MASK = 5, 4


class Cells(NamedTuple):
    """The grid; arrays may be longer than what is used, to leave room for patches.

    Parameters
    ----------
    frame
        (6,) west, south in degrees; tiles in a degree of longitude, of latitude; columns, rows of tiles.
    tiles
        (rows * columns, 2) first square, and squares along a side.
    squares
        Label of each square, by tile, row by row from the south-west; where it has cells, -2 is the place of its
        first label, -3 the place after it, and so on.
    labels
        Label of each cell, sixteen for a square, row by row from the south-west.
    records
        One after the other; label -2 is the record at 0, label -3 that at 1, and so on.
    singles
        The same memory as `records`, as numbers of single precision.
    """

    frame: Floats
    tiles: Numbers
    squares: Numbers
    labels: Numbers
    records: Numbers
    singles: Singles


@njit(error_model="numpy", cache=True, nogil=True, forceinline=True)
def square_at(cells: Cells, lon: float, lat: float) -> tuple[int, float, float]:
    """Label of the square at a point, and the point's place in it, in cells eastwards and northwards."""
    frame, tiles = cells.frame, cells.tiles
    x, y = (lon - frame[0]) * frame[2], (lat - frame[1]) * frame[3]
    if not (0.0 <= x < frame[4] and 0.0 <= y < frame[5]):
        return NOWHERE, 0.0, 0.0
    column, row = int(x), int(y)
    tile = row * int(frame[4]) + column
    first, side = tiles[tile, 0], tiles[tile, 1]
    x, y = (x - column) * side, (y - row) * side
    # Rounding may carry a point at the very edge into the next tile.
    column, row = min(int(x), side - 1), min(int(y), side - 1)
    return cells.squares[first + row * side + column], (x - column) * SIDE, (y - row) * SIDE


@njit(error_model="numpy", cache=True, nogil=True, forceinline=True)
def cell_in(cells: Cells, label: int, x: float, y: float) -> tuple[int, float, float]:
    """Label of the cell at a place in a square that has cells, and the place in the cell (0 to 1)."""
    column, row = min(int(x), SIDE - 1), min(int(y), SIDE - 1)
    return cells.labels[-2 - label + row * SIDE + column], x - column, y - row


@njit(error_model="numpy", cache=True, nogil=True, forceinline=True)
def find(cells: Cells, lon: float, lat: float) -> tuple[int, float, float]:
    """Label at a point, and the point's place in its cell, if there is one."""
    label, x, y = square_at(cells, lon, lat)
    return cell_in(cells, label, x, y) if label < NOWHERE else (label, x, y)


@njit(error_model="numpy", cache=True, nogil=True, forceinline=True)
def crossed(
    records: Numbers, singles: Singles, pieces: tuple[int, int], u: float, v: float
) -> tuple[int, bool]:
    """Locals whose pieces a ray to the west crosses an odd number of times, and whether that is in doubt.

    `pieces` are where the first one begins and how many there are.
    """
    mask = 0
    for k in range(pieces[0], pieces[0] + PIECE * pieces[1], PIECE):
        y0, y1 = np.float64(singles[k + 1]), np.float64(singles[k + 3])
        if v < y0 - DOUBT or v > y1 + DOUBT:
            continue
        x0, x1 = np.float64(singles[k]), np.float64(singles[k + 2])
        dx, dy = x1 - x0, y1 - y0
        turn = dx * (v - y0) - (u - x0) * dy
        if abs(turn) <= DOUBT * (abs(dx) + dy) and min(x0, x1) - DOUBT <= u <= max(x0, x1) + DOUBT:
            return mask, True
        if turn < 0.0 and y0 <= v < y1:
            mask ^= records[k + MASK]
    return mask, False


@njit(error_model="numpy", cache=True, nogil=True, forceinline=True)
def collect(cells: Cells, lon: float, lat: float, east: float, north: float) -> Numbers:
    """Areas recorded in the cells of a window around a point, each once, in no order.

    Every area with an edge in the window is among them. `east` and `north` are degrees to each side.
    """
    frame = cells.frame
    x0, x1 = (lon - east - frame[0]) * frame[2], (lon + east - frame[0]) * frame[2]
    y0, y1 = (lat - north - frame[1]) * frame[3], (lat + north - frame[1]) * frame[3]
    columns, rows = int(frame[4]), int(frame[5])
    found, count = np.empty(MOST_LOCALS, np.int32), 0
    if x1 < 0.0 or y1 < 0.0 or x0 >= columns or y0 >= rows:
        return found[:0]
    for row in range(int(max(y0, 0.0)), int(min(y1, rows - 1.0)) + 1):
        for column in range(int(max(x0, 0.0)), int(min(x1, columns - 1.0)) + 1):
            first, squares = cells.tiles[row * columns + column]
            side = squares * SIDE
            west, east_ = _clip((x0 - column) * side, side), _clip((x1 - column) * side, side)
            south, north_ = _clip((y0 - row) * side, side), _clip((y1 - row) * side, side)
            for line in range(south, north_ + 1):
                for place in range(west, east_ + 1):
                    label = cells.squares[first + line // SIDE * squares + place // SIDE]
                    if label < NOWHERE:
                        label = cells.labels[-2 - label + line % SIDE * SIDE + place % SIDE]
                        if label < NOWHERE:
                            found, count = _join(cells, label, found, count)
    return found[:count]


@njit(error_model="numpy", cache=True, nogil=True)
def _clip(place: float, side: int) -> int:
    return int(min(max(place, 0.0), side - 1.0))


@njit(error_model="numpy", cache=True, nogil=True)
def _join(cells: Cells, label: int, found: Numbers, count: int) -> tuple[Numbers, int]:
    """Add a record's locals to those found."""
    at = -2 - label
    for k in range(at + HEAD, at + HEAD + cells.records[at + LOCALS]):
        area = cells.records[k]
        known = False
        for other in found[:count]:
            known = known or other == area
        if not known:
            if count == len(found):
                longer = np.empty(2 * count, np.int32)
                longer[:count] = found
                found = longer
            found[count] = area
            count += 1
    return found, count
