"""How the cells of :mod:`geo.assign.cells` are made from outlines.

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

from geo.assign.cells import GUARD, NOWHERE, SIDE, Floats, Ints, Numbers
from geo.assign.outlines import BLOCK, Outlines
from geo.assign.records import Edge, above, east, label_of, middle, most_used, record_of

Flags: TypeAlias = npt.NDArray[np.bool_]


# Squares along a side of a tile, at most.
_MOST_SQUARES = 256.0


class Edges(NamedTuple):
    """Edges by tile: ``first`` (tiles + 1,), number of each edge's first corner, and its area."""

    first: Ints
    corner: Ints
    area: Numbers


class Held(NamedTuple):
    """Areas that hold the middle of each tile: ``first`` (tiles + 1,) and the areas."""

    first: Ints
    area: Numbers


@njit(error_model="numpy", cache=True, nogil=True)
def _ends(outlines: Outlines, frame: Floats, corner: int) -> Edge:
    """Ends of an edge in tiles, the lower one first; the western one of a level edge."""
    corners = outlines.corners
    ax, ay = (corners[corner, 0] - frame[0]) * frame[2], (corners[corner, 1] - frame[1]) * frame[3]
    bx, by = (corners[corner + 1, 0] - frame[0]) * frame[2], (corners[corner + 1, 1] - frame[1]) * frame[3]
    if ay < by or (ay == by and ax <= bx):
        return ax, ay, bx, by
    return bx, by, ax, ay


@njit(error_model="numpy", cache=True, nogil=True)
def _touched(edge: Edge, columns: int, rows: int, found: Ints) -> int:
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


@njit(error_model="numpy", cache=True, nogil=True)
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


@njit(error_model="numpy", cache=True, nogil=True)
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


@njit(error_model="numpy", cache=True, nogil=True)
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


@njit(error_model="numpy", cache=True, nogil=True)
def _first_east(edge: Edge, y: float, origin: int, side: int, count: int) -> int:
    """Find the first of the middles at a height that lies east of an edge; `count` if none of so many does."""
    ax, ay, bx, by = edge
    x = ax + (y - ay) / (by - ay) * (bx - ax)
    k = int(min(max((x - origin) * side, 0.0), count))
    while k > 0 and east(edge, middle(origin, k - 1, side), y):
        k -= 1
    while k < count and not east(edge, middle(origin, k, side), y):
        k += 1
    return k


class Parts(NamedTuple):
    """What is made for a run of tiles: as :class:`geo.assign.cells.Cells`, counted from 0; and how much of it is used."""

    tiles: Numbers  # (n, 2)
    squares: Numbers
    labels: Numbers
    records: Numbers
    used: Ints  # squares, labels, records


@njit(error_model="numpy", cache=True, nogil=True)
def build_tiles(  # noqa: PLR0917
    outlines: Outlines, frame: Floats, edges: Edges, held: Held, chosen: Ints, fineness: float
) -> Parts:
    """Make the cells of the chosen tiles."""
    parts = Parts(
        np.empty((len(chosen), 2), np.int32),
        np.empty(256, np.int32),
        np.empty(1024, np.int32),
        np.empty(4096, np.int32),
        np.zeros(3, np.int64),
    )
    for k in range(len(chosen)):
        tile = chosen[k]
        first, last = edges.first[tile], edges.first[tile + 1]
        holding = held.area[held.first[tile] : held.first[tile + 1]]
        shapes = np.empty((last - first, 4))
        for e in range(first, last):
            shapes[e - first] = _ends(outlines, frame, edges.corner[e])
        corner = (tile % int(frame[4]), tile // int(frame[4]))
        squares = _squares(shapes, corner, fineness)
        parts.tiles[k, 0], parts.tiles[k, 1] = parts.used[0], squares
        labels = np.empty((squares * SIDE, squares * SIDE), np.int32)
        if first == last:
            parts = _more_room(parts, 0, 0, most_used(0, len(holding)))
            labels[:] = label_of(parts.records, parts.used[2:], holding)
        else:
            parts = _label_cells(parts, shapes, edges.area[first:last], holding, corner, labels)
        parts = _pack(parts, labels)
    return parts


@njit(error_model="numpy", cache=True, nogil=True)
def _squares(shapes: Floats, corner: tuple[int, int], fineness: float) -> int:
    """How many squares along a side: in proportion to the length of the borders, up to four cells an edge."""
    length = 0.0
    for k in range(len(shapes)):
        ax, ay, bx, by = shapes[k]
        low_x, high_x = max(min(ax, bx), corner[0]), min(max(ax, bx), corner[0] + 1.0)
        low_y, high_y = max(ay, corner[1]), min(by, corner[1] + 1.0)
        if low_x <= high_x and low_y <= high_y:
            length += np.hypot(high_x - low_x, high_y - low_y)
    # Nearly every border is the edge of two areas.
    cells = min(fineness * length / 2.0, 2.0 * np.sqrt(len(shapes)))
    return int(min(max(np.ceil(cells / SIDE), 1.0), _MOST_SQUARES))


@njit(error_model="numpy", cache=True, nogil=True)
def _pack(parts: Parts, labels: Numbers) -> Parts:
    """Write the squares of a tile, and the cells of those that are not the same throughout."""
    squares = len(labels) // SIDE
    parts = _more_room(parts, squares * squares, labels.size, 0)
    used = parts.used
    for row in range(squares):
        for column in range(squares):
            square = labels[row * SIDE : (row + 1) * SIDE, column * SIDE : (column + 1) * SIDE]
            label = square[0, 0]
            if label < NOWHERE or np.any(square != label):
                label = -2 - used[1]
                for line in range(SIDE):
                    parts.labels[used[1] : used[1] + SIDE] = square[line]
                    used[1] += SIDE
            parts.squares[used[0]] = label
            used[0] += 1
    return parts


@njit(error_model="numpy", cache=True, nogil=True)
def _more_room(parts: Parts, squares: int, labels: int, records: int) -> Parts:
    """Make sure that so much more fits."""
    return Parts(
        parts.tiles,
        _longer(parts.squares, parts.used[0], squares),
        _longer(parts.labels, parts.used[1], labels),
        _longer(parts.records, parts.used[2], records),
        parts.used,
    )


@njit(error_model="numpy", cache=True, nogil=True)
def _longer(array: Numbers, used: int, more: int) -> Numbers:
    if used + more <= len(array):
        return array
    longer = np.empty((used + more) * 3 // 2, np.int32)
    longer[:used] = array[:used]
    return longer


@njit(error_model="numpy", cache=True, nogil=True)
def _toggle(areas: Numbers, count: int, area: int) -> int:
    """Put an area into a list, or take it out; returns how many there are."""
    for k in range(count):
        if areas[k] == area:
            areas[k] = areas[count - 1]
            return count - 1
    areas[count] = area
    return count + 1


@njit(error_model="numpy", cache=True, nogil=True)
def _turns(shapes: Floats, corner: tuple[int, int], side: int, first: Ints, edge_of: Ints) -> None:
    """Sort the edges by the middles at which the areas change, going east along each row of cells.

    Place ``row * (side + 1) + column`` lists the edges that lie between the middle of the tile and the cell's
    middle for all columns from there on. Rows are reached along the line through the middle of the tile: the places
    after the rows list the edges that come between the middle and the rows from there on.
    """
    middle_x, middle_y = middle(corner[0], 0, 1), middle(corner[1], 0, 1)
    rows = side * (side + 1)
    for k in range(len(shapes)):
        edge = (shapes[k, 0], shapes[k, 1], shapes[k, 2], shapes[k, 3])
        ax, ay, bx, by = edge
        if (ax > middle_x) != (bx > middle_x):
            row = 0
            while row < side and not above(edge, middle_x, middle(corner[1], row, side)):
                row += 1
            _turn(first, edge_of, rows + row, k)
            if above(edge, middle_x, middle_y):
                _turn(first, edge_of, rows, k)
        low, high = max(int((ay - corner[1]) * side) - 1, 0), min(int((by - corner[1]) * side) + 2, side)
        for row in range(low, high):
            y = middle(corner[1], row, side)
            if (ay > y) != (by > y):
                column = _first_east(edge, y, corner[0], side, side)
                _turn(first, edge_of, row * (side + 1) + column, k)
                if east(edge, middle_x, y):
                    _turn(first, edge_of, row * (side + 1), k)


@njit(error_model="numpy", cache=True, nogil=True)
def _turn(first: Ints, edge_of: Ints, place: int, edge: int) -> None:
    """List an edge at a place; as long as there is no list, only count."""
    if len(edge_of):
        edge_of[first[place + 1]] = edge
        first[place + 1] += 1
    else:
        first[place + 2] += 1


@njit(error_model="numpy", cache=True, nogil=True)
def _label_cells(  # noqa: PLR0917
    parts: Parts, shapes: Floats, area_of: Numbers, holding: Numbers, corner: tuple[int, int], labels: Numbers
) -> Parts:
    """Label the cells of one tile: carry the areas from middle to middle, write records where there are edges."""
    side = len(labels)
    turns = np.zeros((side + 1) * (side + 1) + 3, np.int64)
    turn_edge = np.empty(0, np.int64)
    _turns(shapes, corner, side, turns, turn_edge)
    turns[:] = np.cumsum(turns)
    turn_edge = np.empty(turns[-1], np.int64)
    _turns(shapes, corner, side, turns, turn_edge)
    near, near_edge = _by_cell(shapes, corner, side)
    column_held = np.empty(len(holding) + len(shapes) + 1, np.int32)
    row_held = np.empty(len(column_held), np.int32)
    column_held[: len(holding)] = holding
    column_count = len(holding)
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
            parts = _more_room(parts, 0, 0, most_used(len(within), count))
            held = row_held[:count]
            if len(within) == 0:
                label = label_of(parts.records, parts.used[2:], held)
            else:
                at = (corner[0], corner[1], column, row, side)
                label = record_of(parts.records, parts.used[2:], shapes[within], area_of[within], held, at)
            labels[row, column] = label
    return parts


@njit(error_model="numpy", cache=True, nogil=True)
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
