"""How the cells of :mod:`geo.cells` are made from outlines.

All places are measured in tiles from the frame's south-west corner. Which areas hold a place is carried from one
place to the next along lines of constant x or y: an edge changes sides when it straddles the line and the two
places lie on different sides of it. The side of a place is computed the same way wherever it is asked, with the
edge's lower end first, so that rounding can move an edge by a hair but never tear a ring apart. A place on an edge or
at the height or width of a corner counts as a little to the east, and still less to the north, of where it is.
"""

from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
from numba import njit

from geo.cells import (
    FIRST_LOCAL,
    FIRST_PIECE,
    GUARD,
    HELD,
    MOST_LOCALS,
    NOWHERE,
    PIECES,
    Floats,
    Ints,
    Masks,
    Numbers,
    Singles,
    crossed,
)
from geo.outlines import BLOCK, Outlines

Flags: TypeAlias = npt.NDArray[np.bool_]
#: Column and row of a tile, of a cell in it, and how many cells the tile has along a side.
Cell: TypeAlias = tuple[int, int, int, int, int]

#: Pieces are cut off here, in cells: within what is recorded, so that no ring is left open.
_CUT = GUARD / 2
#: A point of a cell as far from its middle as this may be the one whose areas are known for sure.
_TRIALS = np.array([0.0, 0.31, -0.27, 0.43, -0.41, 0.17, -0.13, 0.07, -0.37])
# Twins are looked for among so many edges of a cell; missing one costs a little time.
_MOST_COMPARED = 256


class Edges(NamedTuple):
    """Edges by tile: ``first`` (tiles + 1,), number of each edge's first corner, and its area."""

    first: Ints
    corner: Ints
    area: Numbers


class Held(NamedTuple):
    """Areas that hold the middle of each tile: ``first`` (tiles + 1,) and the areas."""

    first: Ints
    area: Numbers


@njit(cache=True, nogil=True)
def _ends(outlines: Outlines, frame: Floats, corner: int) -> tuple[float, float, float, float]:
    """Ends of an edge in tiles, the lower one first; the western one of a level edge."""
    corners = outlines.corners
    ax, ay = (corners[corner, 0] - frame[0]) * frame[2], (corners[corner, 1] - frame[1]) * frame[3]
    bx, by = (corners[corner + 1, 0] - frame[0]) * frame[2], (corners[corner + 1, 1] - frame[1]) * frame[3]
    if ay < by or (ay == by and ax <= bx):
        return ax, ay, bx, by
    return bx, by, ax, ay


@njit(cache=True, nogil=True)
def _east(edge: tuple[float, float, float, float], x: float, y: float) -> bool:
    """Whether a place at the height of an edge lies to the east of it."""
    ax, ay, bx, by = edge
    return (bx - ax) * (y - ay) - (x - ax) * (by - ay) <= 0.0


@njit(cache=True, nogil=True)
def _above(edge: tuple[float, float, float, float], x: float, y: float) -> bool:
    """Whether a place at the width of an edge lies to the north of it."""
    if edge[1] == edge[3]:
        return y >= edge[1]
    return _east(edge, x, y) != (edge[2] > edge[0])


@njit(cache=True, nogil=True)
def _touched(edge: tuple[float, float, float, float], columns: int, rows: int, found: Ints) -> int:
    """List the unit cells that an edge crosses, touches or passes nearer than the guard; returns how many."""
    ax, ay, bx, by = edge
    count = 0
    slope = (bx - ax) / (by - ay) if by > ay else 0.0
    for row in range(max(int(np.floor(ay - GUARD)), 0), min(int(np.floor(by + GUARD)), rows - 1) + 1):
        low, high = min(ax, bx), max(ax, bx)
        if by - ay > 2.0 * GUARD:
            # Steep enough to divide by: where the edge enters and leaves this row.
            one = ax + (max(row - GUARD, ay) - ay) * slope
            other = ax + (min(row + 1.0 + GUARD, by) - ay) * slope
            low, high = max(low, min(one, other)), min(high, max(one, other))
        first, last = max(int(np.floor(low - GUARD)), 0), min(int(np.floor(high + GUARD)), columns - 1)
        for column in range(first, last + 1):
            found[count] = row * columns + column
            count += 1
    return count


@njit(cache=True, nogil=True)
def edges_by_tile(outlines: Outlines, frame: Floats, areas: Numbers, wanted: Flags) -> Edges:
    """Sort the edges of some areas by the wanted tiles that they come near."""
    columns, rows = int(frame[4]), int(frame[5])
    found = np.empty(columns + 4 * rows + 8, np.int64)
    first = np.zeros(columns * rows + 2, np.int64)
    corner, area_of = np.empty(0, np.int64), np.empty(0, np.int32)
    for filling in (False, True):
        if filling:
            first[:] = np.cumsum(first)
            corner, area_of = np.empty(first[-1], np.int64), np.empty(first[-1], np.int32)
        for area in areas:
            for k in range(outlines.spans[area, 0] * BLOCK, outlines.spans[area, 1] * BLOCK - 1):
                edge = _ends(outlines, frame, k)
                if not edge[0] + edge[2] < np.inf:
                    continue  # a NaN row between rings
                for tile in found[: _touched(edge, columns, rows, found)]:
                    if not wanted[tile]:
                        continue
                    if filling:
                        corner[first[tile + 1]], area_of[first[tile + 1]] = k, area
                        first[tile + 1] += 1
                    else:
                        first[tile + 2] += 1
    return Edges(first[:-1], corner, area_of)


@njit(cache=True, nogil=True)
def areas_at_middles(outlines: Outlines, frame: Floats, areas: Numbers, wanted: Flags) -> Held:
    """Find the areas that hold the middle of each wanted tile, rows of tiles at a time."""
    columns, rows = int(frame[4]), int(frame[5])
    first = np.zeros(columns * rows + 2, np.int64)
    held = np.empty(0, np.int32)
    for filling in (False, True):
        if filling:
            first[:] = np.cumsum(first)
            held = np.empty(first[-1], np.int32)
        for area in areas:
            west, south, inside = _middles(outlines, frame, area)
            for row in range(inside.shape[0]):
                for column in range(inside.shape[1]):
                    tile = (south + row) * columns + west + column
                    if not (inside[row, column] and wanted[tile]):
                        continue
                    if filling:
                        held[first[tile + 1]] = area
                        first[tile + 1] += 1
                    else:
                        first[tile + 2] += 1
    return Held(first[:-1], held)


@njit(cache=True, nogil=True)
def _middles(outlines: Outlines, frame: Floats, area: int) -> tuple[int, int, Flags]:
    """First column and row of tiles that an area's box touches, and whether it holds their middles."""
    begin, end, first_pile, last_pile = outlines.spans[area]
    if begin == end:
        return 0, 0, np.empty((0, 0), np.bool_)
    piles = outlines.piles[first_pile:last_pile]
    west, east = (
        int((piles[:, 0].min() - frame[0]) * frame[2]),
        int((piles[:, 2].max() - frame[0]) * frame[2]),
    )
    south, north = (
        int((piles[:, 1].min() - frame[1]) * frame[3]),
        int((piles[:, 3].max() - frame[1]) * frame[3]),
    )
    inside = np.zeros((north - south + 1, east - west + 2), np.bool_)
    for k in range(begin * BLOCK, end * BLOCK - 1):
        edge = _ends(outlines, frame, k)
        if not edge[0] + edge[2] < np.inf:
            continue
        for row in range(max(int(edge[1] - 0.5), 0), int(edge[3] + 0.5) + 1):
            y = row + 0.5
            if (edge[1] > y) != (edge[3] > y):
                column = _first_east(edge, y, west, 1, east - west + 1)
                inside[row - south, column] ^= True
    for row in range(len(inside)):
        for column in range(1, inside.shape[1]):
            inside[row, column] ^= inside[row, column - 1]
    return west, south, inside[:, : east - west + 1]


@njit(cache=True, nogil=True)
def _middle(origin: int, k: int, side: int) -> float:
    """Middle of the k-th of the cells that divide a tile; always computed here, to be the same to the last bit."""
    return origin + (k + 0.5) / side


@njit(cache=True, nogil=True)
def _first_east(edge: tuple[float, float, float, float], y: float, origin: int, side: int, count: int) -> int:
    """Find the first of the middles at a height that lies east of an edge; `count` if none of so many does."""
    ax, ay, bx, by = edge
    x = ax + (y - ay) / (by - ay) * (bx - ax)
    k = int(min(max((x - origin) * side, 0.0), count))
    while k > 0 and _east(edge, _middle(origin, k - 1, side), y):
        k -= 1
    while k < count and not _east(edge, _middle(origin, k, side), y):
        k += 1
    return k


class Parts(NamedTuple):
    """What is made for a run of tiles: as :class:`geo.cells.Cells`, counted from 0; and how much of it is used."""

    tiles: Ints  # (n, 2)
    labels: Numbers
    records: Numbers
    locals: Numbers
    pieces: Singles
    masks: Masks
    used: Ints  # labels, records, locals, pieces


@njit(cache=True, nogil=True)
def build_tiles(  # noqa: PLR0917
    outlines: Outlines, frame: Floats, edges: Edges, held: Held, chosen: Ints, fineness: float
) -> Parts:
    """Make the cells of the chosen tiles."""
    parts = Parts(
        np.empty((len(chosen), 2), np.int64),
        np.empty(1024, np.int32),
        np.empty((256, 5), np.int32),
        np.empty(512, np.int32),
        np.empty((1024, 4), np.float32),
        np.empty(1024, np.uint32),
        np.zeros(4, np.int64),
    )
    for k in range(len(chosen)):
        tile = chosen[k]
        first, last = edges.first[tile], edges.first[tile + 1]
        holding = held.area[held.first[tile] : held.first[tile + 1]]
        if first == last:
            parts = _more_room(parts, 0, 1, len(holding), 0)
            parts.tiles[k, 0], parts.tiles[k, 1] = _label(parts, holding), 0
            continue
        shapes = np.empty((last - first, 4))
        for e in range(first, last):
            shapes[e - first] = _ends(outlines, frame, edges.corner[e])
        corner = (tile % int(frame[4]), tile // int(frame[4]))
        side = _side(shapes, corner, fineness)
        parts.tiles[k, 0], parts.tiles[k, 1] = parts.used[0], side
        parts = _build_tile(parts, shapes, edges.area[first:last], holding, corner, side)
    return parts


@njit(cache=True, nogil=True)
def _side(shapes: Floats, corner: tuple[int, int], fineness: float) -> int:
    """How many cells along a side: in proportion to the length of the borders, up to four cells an edge."""
    length = 0.0
    for k in range(len(shapes)):
        ax, ay, bx, by = shapes[k]
        low_x, high_x = max(min(ax, bx), corner[0]), min(max(ax, bx), corner[0] + 1.0)
        low_y, high_y = max(ay, corner[1]), min(by, corner[1] + 1.0)
        if low_x <= high_x and low_y <= high_y:
            length += np.hypot(high_x - low_x, high_y - low_y)
    # Nearly every border is the edge of two areas.
    wanted = fineness * length / 2.0
    return int(min(max(wanted, 4.0), 2.0 + 2.0 * np.sqrt(len(shapes)), 1024.0))


@njit(cache=True, nogil=True)
def _more_room(parts: Parts, labels: int, records: int, locals_: int, pieces: int) -> Parts:
    """Make sure that so much more fits."""
    used = parts.used
    if (
        used[0] + labels <= len(parts.labels)
        and used[1] + records <= len(parts.records)
        and used[2] + locals_ <= len(parts.locals)
        and used[3] + pieces <= len(parts.masks)
    ):
        return parts
    size = _larger(len(parts.labels), used[0] + labels)
    new_labels = np.empty(size, np.int32)
    new_labels[: used[0]] = parts.labels[: used[0]]
    size = _larger(len(parts.records), used[1] + records)
    new_records = np.empty((size, 5), np.int32)
    new_records[: used[1]] = parts.records[: used[1]]
    size = _larger(len(parts.locals), used[2] + locals_)
    new_locals = np.empty(size, np.int32)
    new_locals[: used[2]] = parts.locals[: used[2]]
    size = _larger(len(parts.masks), used[3] + pieces)
    new_pieces, new_masks = np.empty((size, 4), np.float32), np.empty(size, np.uint32)
    new_pieces[: used[3]] = parts.pieces[: used[3]]
    new_masks[: used[3]] = parts.masks[: used[3]]
    return Parts(parts.tiles, new_labels, new_records, new_locals, new_pieces, new_masks, used)


@njit(cache=True, nogil=True)
def _larger(room: int, needed: int) -> int:
    return room if needed <= room else needed + needed // 2


@njit(cache=True, nogil=True)
def _label(parts: Parts, holding: Numbers) -> int:
    """Label of a cell without edges; areas that overlap get a record without pieces."""
    if len(holding) == 0:
        return NOWHERE
    if len(holding) == 1:
        return int(holding[0])
    used = parts.used
    record = parts.records[used[1]]
    record[0], record[1], record[2], record[3] = used[3], 0, used[2], len(holding)
    record[4] = np.int32((1 << min(len(holding), MOST_LOCALS)) - 1)
    if len(holding) > MOST_LOCALS:
        record[1] = -1
    parts.locals[used[2] : used[2] + len(holding)] = holding
    used[2] += len(holding)
    used[1] += 1
    return int(-1 - used[1])


@njit(cache=True, nogil=True)
def _toggle(areas: Numbers, count: int, area: int) -> int:
    """Put an area into a list, or take it out; returns how many there are."""
    for k in range(count):
        if areas[k] == area:
            areas[k] = areas[count - 1]
            return count - 1
    areas[count] = area
    return count + 1


@njit(cache=True, nogil=True)
def _turns(shapes: Floats, corner: tuple[int, int], side: int, first: Ints, edge_of: Ints) -> None:
    """Sort the edges by the middles at which the areas change, going east along each row of cells.

    Place ``row * (side + 1) + column`` lists the edges that lie between the middle of the tile and the cell's
    middle for all columns from there on. Rows are reached along the line through the middle of the tile: the places
    after the rows list the edges that come between the middle and the rows from there on.
    """
    middle_x, middle_y = _middle(corner[0], 0, 1), _middle(corner[1], 0, 1)
    rows = side * (side + 1)
    for k in range(len(shapes)):
        edge = (shapes[k, 0], shapes[k, 1], shapes[k, 2], shapes[k, 3])
        ax, ay, bx, by = edge
        if (ax > middle_x) != (bx > middle_x):
            row = 0
            while row < side and not _above(edge, middle_x, _middle(corner[1], row, side)):
                row += 1
            _turn(first, edge_of, rows + row, k)
            if _above(edge, middle_x, middle_y):
                _turn(first, edge_of, rows, k)
        low, high = max(int((ay - corner[1]) * side) - 1, 0), min(int((by - corner[1]) * side) + 2, side)
        for row in range(low, high):
            y = _middle(corner[1], row, side)
            if (ay > y) != (by > y):
                column = _first_east(edge, y, corner[0], side, side)
                _turn(first, edge_of, row * (side + 1) + column, k)
                if _east(edge, middle_x, y):
                    _turn(first, edge_of, row * (side + 1), k)


@njit(cache=True, nogil=True)
def _turn(first: Ints, edge_of: Ints, place: int, edge: int) -> None:
    """List an edge at a place; as long as there is no list, only count."""
    if len(edge_of):
        edge_of[first[place + 1]] = edge
        first[place + 1] += 1
    else:
        first[place + 2] += 1


@njit(cache=True, nogil=True)
def _build_tile(  # noqa: PLR0917
    parts: Parts, shapes: Floats, area_of: Numbers, holding: Numbers, corner: tuple[int, int], side: int
) -> Parts:
    """Make the cells of one tile: carry the areas from middle to middle, write a label or a record for each."""
    turns = np.zeros((side + 1) * (side + 1) + 3, np.int64)
    turn_edge = np.empty(0, np.int64)
    _turns(shapes, corner, side, turns, turn_edge)
    turns[:] = np.cumsum(turns)
    turn_edge = np.empty(turns[-1], np.int64)
    _turns(shapes, corner, side, turns, turn_edge)
    near, near_edge = _by_cell(shapes, corner, side)
    parts = _more_room(parts, side * side, 0, 0, 0)
    column_held = np.empty(len(holding) + len(shapes) + 1, np.int32)
    row_held = np.empty(len(column_held), np.int32)
    column_held[: len(holding)] = holding
    column_count = len(holding)
    base = parts.used[0]
    parts.used[0] += side * side
    for row in range(side):
        place = side * (side + 1) + row
        for k in turn_edge[turns[place] : turns[place + 1]]:
            column_count = _toggle(column_held, column_count, area_of[k])
        row_held[:column_count] = column_held[:column_count]
        count = column_count
        for column in range(side):
            place = row * (side + 1) + column
            for k in turn_edge[turns[place] : turns[place + 1]]:
                count = _toggle(row_held, count, area_of[k])
            cell = row * side + column
            within = near_edge[near[cell] : near[cell + 1]]
            parts = _more_room(parts, 0, 1, count + len(within), 2 * len(within))
            if len(within) == 0:
                label = _label(parts, row_held[:count])
            else:
                label = _record(
                    parts, shapes, area_of, within, row_held[:count], (*corner, column, row, side)
                )
            parts.labels[base + cell] = label
    return parts


@njit(cache=True, nogil=True)
def _by_cell(shapes: Floats, corner: tuple[int, int], side: int) -> tuple[Ints, Ints]:
    """Sort edges by the cells of a tile that they come near."""
    found = np.empty(5 * side + 8, np.int64)
    first = np.zeros(side * side + 2, np.int64)
    edge_of = np.empty(0, np.int64)
    for filling in (False, True):
        if filling:
            first[:] = np.cumsum(first)
            edge_of = np.empty(first[-1], np.int64)
        for k in range(len(shapes)):
            ax, ay, bx, by = shapes[k]
            edge = (
                (ax - corner[0]) * side,
                (ay - corner[1]) * side,
                (bx - corner[0]) * side,
                (by - corner[1]) * side,
            )
            for cell in found[: _touched(edge, side, side, found)]:
                _turn(first, edge_of, cell, k)
    return first[:-1], edge_of


@njit(cache=True, nogil=True)
def _record(  # noqa: PLR0917
    parts: Parts,
    shapes: Floats,
    area_of: Numbers,
    within: Ints,
    holding: Numbers,
    cell: Cell,
) -> int:
    """Write the record of a cell with edges, whose middle some areas hold; returns its label."""
    used = parts.used
    first_local, first_piece = used[2], used[3]
    parts.locals[first_local : first_local + len(holding)] = holding
    locals_ = len(holding)
    begin = np.zeros(len(within) + 1, np.int64)
    for e in range(len(within)):
        area = area_of[within[e]]
        bit = 0
        while bit < locals_ and parts.locals[first_local + bit] != area:
            bit += 1
        if bit == locals_:
            parts.locals[first_local + bit] = area
            locals_ += 1
        begin[e + 1] = begin[e]
        if bit < MOST_LOCALS:
            mask = 1 << bit
            begin[e + 1] += _add_pieces(parts, shapes, within, e, begin, mask, cell)
    record = parts.records[used[1]]
    record[0], record[1], record[2], record[3], record[4] = first_piece, begin[-1], first_local, locals_, 0
    known, mask = False, 0
    if locals_ <= MOST_LOCALS:
        mask = (1 << len(holding)) - 1
        known, mask = _below_edges(parts, shapes, area_of[within], within, cell, mask)
    if known:
        record[HELD] = np.int32(mask)
        used[3] += begin[-1]
    else:
        record[PIECES] = -1
    used[2] += locals_
    used[1] += 1
    return int(-1 - used[1])


@njit(cache=True, nogil=True)
def _add_pieces(  # noqa: PLR0917
    parts: Parts,
    shapes: Floats,
    within: Ints,
    e: int,
    begin: Ints,
    mask: int,
    cell: Cell,
) -> int:
    """Write the piece of an edge inside a cell, as a ray to the west sees it; returns how many pieces it took.

    What lies beyond the west side is replaced by a line up along it, so that the rings stay closed.
    """
    shape, first = shapes[within[e]], parts.used[3]
    for other in range(e if e <= _MOST_COMPARED else 0):
        twin = shapes[within[other]]
        if (
            twin[0] == shape[0]
            and twin[1] == shape[1]
            and twin[2] == shape[2]
            and twin[3] == shape[3]
            and begin[other] < begin[other + 1]
        ):
            for k in range(begin[other], begin[other + 1]):
                parts.masks[first + k] ^= mask
            return 0
    tile_x, tile_y, column, row, side = cell
    ax, ay = (shape[0] - tile_x) * side - column, (shape[1] - tile_y) * side - row
    bx, by = (shape[2] - tile_x) * side - column, (shape[3] - tile_y) * side - row
    count, at = 0, first + begin[e]
    if (ax < -_CUT) != (bx < -_CUT):
        # A corner right on the line keeps its own height, as its other edge sees it.
        height = by if bx == -_CUT else ay if ax == -_CUT else ay + (-_CUT - ax) / (bx - ax) * (by - ay)
        if ax < -_CUT:
            ax, ay = -_CUT, height
        else:
            bx, by = -_CUT, height
        if height <= 1.0 + _CUT:
            _write(parts, at, (-_CUT, height, -_CUT, 2.0), mask)
            count = 1
    if max(ax, bx) < -_CUT or min(ax, bx) > 1.0 + _CUT or by < -_CUT or ay > 1.0 + _CUT:
        return count
    # Cutting at the other sides leaves no gap that a ray from within the cell could see.
    slope = (bx - ax) / (by - ay) if by > ay else 0.0
    if ay < -_CUT:
        ax, ay = ax + (-_CUT - ay) * slope, -_CUT
    if by > 1.0 + _CUT:
        bx, by = bx + (1.0 + _CUT - by) * slope, 1.0 + _CUT
    # Far ends would lose precision; a ray to the west does not see the east.
    if bx > 1.0 + _CUT:
        bx, by = 1.0 + _CUT, ay + (1.0 + _CUT - ax) / (bx - ax) * (by - ay)
    elif ax > 1.0 + _CUT:
        ax, ay = 1.0 + _CUT, by + (1.0 + _CUT - bx) / (ax - bx) * (ay - by)
    _write(parts, at + count, (ax, ay, bx, by), mask)
    return count + 1


@njit(cache=True, nogil=True)
def _write(parts: Parts, at: int, piece: tuple[float, float, float, float], mask: int) -> None:
    for k, value in enumerate(piece):
        parts.pieces[at, k] = value
    parts.masks[at] = mask


@njit(cache=True, nogil=True)
def _below_edges(  # noqa: PLR0917
    parts: Parts, shapes: Floats, areas: Numbers, within: Ints, cell: Cell, mask: int
) -> tuple[bool, int]:
    """Turn the mask of areas that hold the cell's middle into that of its west side below all edges.

    The record being written is the last. Where the middle is too near to an edge, another point is reached
    along the middle line and then north or south.
    """
    used = parts.used
    record = parts.records[used[1]]
    tile_x, tile_y, column, row, side = cell
    x, y = _middle(tile_x, column, side), _middle(tile_y, row, side)
    for trial in range(len(_TRIALS)):
        u, v = 0.5 + _TRIALS[trial], 0.5 + _TRIALS[(trial * 4) % len(_TRIALS)]
        odd, doubt = crossed(parts.pieces, parts.masks, (record[FIRST_PIECE], record[PIECES]), u, v)
        if doubt:
            continue
        to_x, to_y = tile_x + (column + u) / side, tile_y + (row + v) / side
        for e in range(len(within)):
            k = within[e]
            edge = (shapes[k, 0], shapes[k, 1], shapes[k, 2], shapes[k, 3])
            ax, ay, bx, by = edge
            turned = (ay > y) != (by > y) and _east(edge, x, y) != _east(edge, to_x, y)
            if (ax > to_x) != (bx > to_x) and _above(edge, to_x, y) != _above(edge, to_x, to_y):
                turned = not turned
            if turned:
                bit = 0
                while parts.locals[record[FIRST_LOCAL] + bit] != areas[e]:
                    bit += 1
                mask ^= 1 << bit
        return True, mask ^ odd
    return False, mask
