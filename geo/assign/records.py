"""How the record of one cell of :mod:`geo.assign.cells` is written.

Places are measured in tiles. Which areas hold a place is carried from one to the next along lines of constant x or y: an
edge changes sides when it straddles the line and the two places lie on different sides of it. The side is computed
the same way wherever it is asked, with the edge's lower end first, so that rounding can move an edge by a hair but
never tear a ring apart. A place on an edge, or at the height or width of a corner, counts as a little to the east and
still less to the north of where it is.
"""

from typing import TypeAlias

import numpy as np
from numba import njit

from geo.assign.cells import (
    GUARD,
    HEAD,
    HELD,
    LOCALS,
    MASK,
    MOST_LOCALS,
    NOWHERE,
    PIECE,
    PIECES,
    Floats,
    Ints,
    Numbers,
    crossed,
)

#: Ends of an edge in tiles, the lower one first; the western one of a level edge.
Edge: TypeAlias = tuple[float, float, float, float]
#: Column and row of a tile, of a cell in it, and how many cells the tile has along a side.
Cell: TypeAlias = tuple[int, int, int, int, int]

# Pieces are cut off here, in cells: within what is recorded, so that no ring is left open.
_CUT = GUARD / 2
# A cell's areas are known at its middle; points so far from there are tried where that is too near to an edge.
_TRIALS = np.array([0.0, 0.31, -0.27, 0.43, -0.41, 0.17, -0.13, 0.07, -0.37])
# Twins are looked for among so many edges of a cell; missing one costs a little time.
_MOST_COMPARED = 256


@njit(error_model="numpy", cache=True, nogil=True)
def east(edge: Edge, x: float, y: float) -> bool:
    """Whether a place at the height of an edge lies to the east of it."""
    ax, ay, bx, by = edge
    return (bx - ax) * (y - ay) - (x - ax) * (by - ay) <= 0.0


@njit(error_model="numpy", cache=True, nogil=True)
def above(edge: Edge, x: float, y: float) -> bool:
    """Whether a place at the width of an edge lies to the north of it."""
    if edge[1] == edge[3]:
        return y >= edge[1]
    return east(edge, x, y) != (edge[2] > edge[0])


@njit(error_model="numpy", cache=True, nogil=True)
def middle(origin: int, k: int, side: int) -> float:
    """Middle of the k-th of the cells that divide a tile; always computed here, to be the same to the last bit."""
    return origin + (k + 0.5) / side


@njit(error_model="numpy", cache=True, nogil=True)
def most_used(edges: int, holding: int) -> int:
    """How long a record may get."""
    return HEAD + holding + edges + 2 * PIECE * edges


@njit(error_model="numpy", cache=True, nogil=True)
def label_of(records: Numbers, used: Ints, holding: Numbers) -> int:
    """Label of a cell without edges; areas that overlap get a record without pieces."""
    if len(holding) == 0:
        return NOWHERE
    if len(holding) == 1:
        return int(holding[0])
    at = used[0]
    records[at + PIECES] = 0 if len(holding) <= MOST_LOCALS else -1
    records[at + HELD] = np.int32((1 << min(len(holding), MOST_LOCALS)) - 1)
    records[at + LOCALS] = len(holding)
    records[at + HEAD : at + HEAD + len(holding)] = holding
    used[0] += HEAD + len(holding)
    return int(-2 - at)


@njit(error_model="numpy", cache=True, nogil=True)
def record_of(  # noqa: PLR0917
    records: Numbers, used: Ints, edges: Floats, area_of: Numbers, holding: Numbers, cell: Cell
) -> int:
    """Write the record of a cell with edges, whose middle some areas hold; returns its label.

    It begins where `used` (1,) says, and moves that to its end.
    """
    at = used[0]
    bits, locals_ = _write_locals(records, at + HEAD, area_of, holding)
    first = at + HEAD + locals_
    records[at + PIECES], records[at + HELD], records[at + LOCALS] = -1, 0, locals_
    used[0] = first
    if locals_ > MOST_LOCALS:
        return int(-2 - at)
    begin = np.zeros(len(edges) + 1, np.int64)
    for e in range(len(edges)):
        begin[e + 1] = begin[e]
        if not _share_pieces(records, first, edges, begin, e, bits[e]):
            begin[e + 1] += _write_pieces(records, first + PIECE * begin[e], edges[e], bits[e], cell)
    known, held = _below_edges(records, (first, begin[-1]), edges, bits, cell)
    if known:
        for bit in range(len(holding)):
            held ^= 1 << bit
        records[at + PIECES], records[at + HELD] = begin[-1], np.int32(held)
        used[0] += PIECE * begin[-1]
    return int(-2 - at)


@njit(error_model="numpy", cache=True, nogil=True)
def _write_locals(records: Numbers, at: int, area_of: Numbers, holding: Numbers) -> tuple[Ints, int]:
    """Write the areas that hold a cell's middle, then the others that have edges in it; bit of each edge, and how many."""
    records[at : at + len(holding)] = holding
    count = len(holding)
    bits = np.empty(len(area_of), np.int64)
    for e in range(len(area_of)):
        bit = 0
        while bit < count and records[at + bit] != area_of[e]:
            bit += 1
        if bit == count:
            records[at + bit] = area_of[e]
            count += 1
        bits[e] = 1 << min(bit, MOST_LOCALS)
    return bits, count


@njit(error_model="numpy", cache=True, nogil=True)
def _share_pieces(  # noqa: PLR0917
    records: Numbers, first: int, edges: Floats, begin: Ints, e: int, bit: int
) -> bool:
    """Mark the pieces of an equal edge, written for the area on its other side, as those of this one too."""
    if e > _MOST_COMPARED:
        return False
    for other in range(e):
        if begin[other] < begin[other + 1] and np.all(edges[other] == edges[e]):
            for k in range(begin[other], begin[other + 1]):
                records[first + PIECE * k + MASK] ^= np.int32(bit)
            return True
    return False


@njit(error_model="numpy", cache=True, nogil=True)
def _write_pieces(records: Numbers, at: int, edge: Floats, bit: int, cell: Cell) -> int:
    """Write the piece of an edge inside a cell, as a ray to the west sees it; returns how many pieces it took.

    What lies beyond the west side is replaced by a line up along it, so that the rings stay closed. Cutting at the
    other sides leaves no gap that a ray from within the cell could see; but far ends would lose precision.
    """
    tile_x, tile_y, column, row, side = cell
    ax, ay = (edge[0] - tile_x) * side - column, (edge[1] - tile_y) * side - row
    bx, by = (edge[2] - tile_x) * side - column, (edge[3] - tile_y) * side - row
    count, high = 0, 1.0 + _CUT
    if (ax < -_CUT) != (bx < -_CUT):
        # A corner right on the line keeps its own height, as its other edge sees it.
        height = by if bx == -_CUT else ay if ax == -_CUT else ay + (-_CUT - ax) / (bx - ax) * (by - ay)
        if ax < -_CUT:
            ax, ay = -_CUT, height
        else:
            bx, by = -_CUT, height
        count = _write(records, at, count, (-_CUT, height, -_CUT, 2.0), bit)
    if max(ax, bx) < -_CUT or min(ax, bx) > high or by < -_CUT or ay > high:
        return count
    slope = (bx - ax) / (by - ay) if by > ay else 0.0
    if ay < -_CUT:
        ax, ay = ax + (-_CUT - ay) * slope, -_CUT
    if by > high:
        bx, by = bx + (high - by) * slope, high
    rise = (by - ay) / (bx - ax) if bx != ax else 0.0
    if bx > high:
        bx, by = high, by + (high - bx) * rise
    elif ax > high:
        ax, ay = high, ay + (high - ax) * rise
    return _write(records, at, count, (ax, ay, bx, by), bit)


@njit(error_model="numpy", cache=True, nogil=True)
def _write(records: Numbers, at: int, count: int, piece: Edge, bit: int) -> int:
    """Write a piece after `count` others."""
    singles = records.view(np.float32)
    for k, value in enumerate(piece):
        singles[at + PIECE * count + k] = value
    records[at + PIECE * count + MASK] = np.int32(bit)
    return count + 1


@njit(error_model="numpy", cache=True, nogil=True)
def _below_edges(
    records: Numbers, pieces: tuple[int, int], edges: Floats, bits: Ints, cell: Cell
) -> tuple[bool, int]:
    """Tell which locals change between a cell's middle and its west side below all edges.

    That is whatever a ray to the west from a point crosses, and what comes between the middle and that point:
    along the line of the middle, then north or south. Unknown when all points tried are too near to an edge.
    """
    tile_x, tile_y, column, row, side = cell
    x, y = middle(tile_x, column, side), middle(tile_y, row, side)
    for trial in range(len(_TRIALS)):
        u, v = 0.5 + _TRIALS[trial], 0.5 + _TRIALS[(trial * 4) % len(_TRIALS)]
        changed, doubt = crossed(records, records.view(np.float32), pieces, u, v)
        if doubt:
            continue
        if trial == 0:
            return True, changed
        to_x, to_y = tile_x + (column + u) / side, tile_y + (row + v) / side
        for e in range(len(edges)):
            edge = (edges[e, 0], edges[e, 1], edges[e, 2], edges[e, 3])
            if (edge[1] > y) != (edge[3] > y) and east(edge, x, y) != east(edge, to_x, y):
                changed ^= bits[e]
            if (edge[0] > to_x) != (edge[2] > to_x) and above(edge, to_x, y) != above(edge, to_x, to_y):
                changed ^= bits[e]
        return True, changed
    return False, 0
