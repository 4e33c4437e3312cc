"""The rules of :mod:`geo.assign` as compiled kernels, over the cells and outlines of an index."""

from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
from numba import njit

from geo.assign import addresses
from geo.assign.cells import (
    HEAD,
    HELD,
    LOCALS,
    NOWHERE,
    PIECES,
    Cells,
    cell_in,
    collect,
    crossed,
    find,
    square_at,
)
from geo.assign.outlines import INTERIOR, OUTSIDE, Outlines, Scale, locate, nearer, nearest, scale_at

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Numbers: TypeAlias = npt.NDArray[np.int32]
Rules: TypeAlias = npt.NDArray[np.int8]

#: Positions in :data:`geo.assign.RULES`.
INSIDE, BORDER, OVERLAP, NEAREST, NONE = range(5)

#: Distances that differ by less are tied, metres.
TIE_M = 0.001
# What is not on a border has a positive distance to it even where rounding gives zero.
_LEAST_M = 1e-9
# A search for the nearest area begins with this distance and doubles it, metres.
_FIRST_M = 25.0
_UNSURE = -1
#: What the kernel for one point says instead of a rule.
NOT_FINITE = -2
# Points whose records are fetched together, and how many numbers a fetch brings at least.
_BATCH, _LINE = 1024, 16
# Points are sorted into so many runs of neighbouring tiles at most: their counts stay in the cache.
_MOST_RUNS = 1 << 15


class Index(NamedTuple):
    """All that answers need. Areas are numbered as they came; ``rank`` is their place by code.

    ``row`` is the number under which an area is known outside, -1 for one that was replaced; ``tolerance_m``
    (1,) is the greatest distance of a ``nearest`` answer.
    """

    cells: Cells
    outlines: Outlines
    row: Numbers
    rank: Numbers
    tolerance_m: Floats

    def table(self) -> Ints:
        """Addresses of the arrays, for the kernels; this tuple must be kept as long as they are used."""
        return addresses.table([*self.cells, *self.outlines, *self[2:]], "diiiif" + "dddld" + "iid")

    @property
    def nbytes(self) -> int:
        """Bytes of memory of all arrays."""
        return sum(array.nbytes for array in (*self.cells[:-1], *self.outlines, *self[2:]))


@njit(error_model="numpy", cache=True, nogil=True, forceinline=True)
def _at(table: Ints) -> Index:
    """Turn the addresses into arrays again."""
    return Index(
        Cells(
            addresses.float64s(table, 0),
            addresses.int32_rows(table, 1, 2),
            addresses.int32s(table, 2),
            addresses.int32s(table, 3),
            addresses.int32s(table, 4),
            addresses.float32s(table, 5),
        ),
        Outlines(
            addresses.float64_rows(table, 6, 2),
            addresses.float64_rows(table, 7, 4),
            addresses.float64_rows(table, 8, 4),
            addresses.int64_rows(table, 9, 4),
            addresses.float64s(table, 10),
        ),
        addresses.int32s(table, 11),
        addresses.int32s(table, 12),
        addresses.float64s(table, 13),
    )


@njit(error_model="numpy", cache=True, nogil=True, forceinline=True)
def _by_pieces(cells: Cells, label: int, u: float, v: float) -> tuple[int, int]:
    """Answer by a cell's record: rule ``inside`` and the area, or ``none``; else unsure and the label."""
    records, at = cells.records, -2 - label
    pieces, first = records[at + PIECES], at + HEAD + records[at + LOCALS]
    if pieces < 0:
        return _UNSURE, label
    odd, doubt = crossed(records, cells.singles, (first, pieces), u, v)
    # A mask of 32 locals is stored as a negative number.
    mask = (odd ^ records[at + HELD]) & 0xFFFFFFFF
    if doubt or mask & (mask - 1) != 0:
        return _UNSURE, label
    if mask == 0:
        return NONE, -1
    return INSIDE, records[at + HEAD + _bit(mask)]


@njit(error_model="numpy", cache=True, nogil=True)
def _bit(mask: int) -> int:
    """Place of the highest bit."""
    bit = 0
    while mask > 1:
        mask >>= 1
        bit += 1
    return bit


@njit(error_model="numpy", cache=True, nogil=True, forceinline=True)
def _by_cell(cells: Cells, lon: float, lat: float) -> tuple[int, int]:
    """Answer most points; as :func:`_by_pieces`."""
    label, u, v = find(cells, lon, lat)
    if label >= 0:
        return INSIDE, label
    return (NONE, -1) if label == NOWHERE else _by_pieces(cells, label, u, v)


@njit(error_model="numpy", cache=True, nogil=True)
def _by_predicates(table: Ints, label: int, lon: float, lat: float) -> tuple[int, int, Numbers]:
    """Apply the rules inside, border and overlap to the areas of a record, exactly.

    Returns the rule, the answer, and the areas that are touched, by code.
    """
    index = _at(table)
    records, at = index.cells.records, -2 - label
    touched, count, answer, inner = np.empty(records[at + LOCALS], np.int32), 0, -1, 0
    for k in range(at + HEAD, at + HEAD + records[at + LOCALS]):
        area = records[k]
        where = locate(index.outlines, area, lon, lat)
        if where == OUTSIDE:
            continue
        touched[count] = area
        count += 1
        if where == INTERIOR:
            inner += 1
            if answer < 0 or index.rank[area] < index.rank[answer]:
                answer = area
    touched = touched[:count]
    _sort(touched, index.rank)
    if count == 0:
        return NONE, -1, touched
    if inner == 0:
        return BORDER, touched[0], touched
    return (INSIDE if count == 1 else OVERLAP), answer, touched


@njit(error_model="numpy", cache=True, nogil=True)
def _sort(areas: Numbers, rank: Numbers) -> None:
    """Sort a few areas by code."""
    for i in range(1, len(areas)):
        area, k = areas[i], i
        while k > 0 and rank[areas[k - 1]] > rank[area]:
            areas[k] = areas[k - 1]
            k -= 1
        areas[k] = area


@njit(error_model="numpy", cache=True, nogil=True)
def _nearest_areas(  # noqa: PLR0917
    table: Ints, lon: float, lat: float, within_m: float, radius_m: float, own: int
) -> tuple[float, Numbers]:
    """Find the areas whose borders are nearest to a point, by code, and their distance in metres.

    The search begins with a radius and widens it until something is found or `within_m` is reached; `own` is left
    out.
    """
    index, scale = _at(table), scale_at(lat)
    while True:
        reach = radius_m + 2.0 * TIE_M
        north = 1.001 * reach / scale[2]
        east = 1.001 * reach / (scale[0] - scale[1] * np.copysign(north, lat))
        found = collect(index.cells, lon, lat, east, north)
        metres, least = np.empty(len(found)), np.inf
        for k in range(len(found)):
            metres[k] = np.inf
            limit = min(reach, least + TIE_M)
            if found[k] != own:
                best = nearer(index.outlines, found[k], lon, lat, scale, (limit * limit, lon, lat))
                if best[0] < limit * limit:
                    metres[k] = np.sqrt(best[0])
                    least = min(least, metres[k])
        if least <= radius_m or radius_m >= within_m:
            break
        radius_m = min(max(2.0 * radius_m, _FIRST_M), within_m)
    if least > within_m:
        return np.inf, found[:0]
    tied = found[metres <= least + TIE_M]
    _sort(tied, index.rank)
    return least, tied


@njit(error_model="numpy", cache=True, nogil=True)
def _across(table: Ints, lon: float, lat: float, own: int) -> int:
    """Find the area across a place on the border of its own; -1 where there is none.

    The lowest code of those whose borders pass there, to the millimetre; else of those that hold the place; else the
    nearest within the tolerance.
    """
    index, scale = _at(table), scale_at(lat)
    cells, found = index.cells, -1
    north, east = TIE_M / scale[2], TIE_M / scale[0]
    label, _, _ = find(cells, lon, lat)
    low, _, _ = find(cells, lon - east, lat - north)
    high, _, _ = find(cells, lon + east, lat + north)
    if low == label == high and label < NOWHERE:
        # One cell, as nearly always: no other has its record.
        at = -2 - label + HEAD
        for area in cells.records[at : at + cells.records[at - HEAD + LOCALS]]:
            if area != own and _is_near(index.outlines, area, lon, lat, scale):
                found = area if found < 0 or index.rank[area] < index.rank[found] else found
    else:
        for area in collect(cells, lon, lat, east, north):
            if area != own and _is_near(index.outlines, area, lon, lat, scale):
                found = area if found < 0 or index.rank[area] < index.rank[found] else found
    return int(found) if found >= 0 else _across_gap(table, lon, lat, own)


@njit(error_model="numpy", cache=True, nogil=True)
def _is_near(outlines: Outlines, area: int, lon: float, lat: float, scale: Scale) -> bool:
    """Whether an area's border passes a place, to the millimetre."""
    limit = TIE_M * TIE_M
    return bool(nearer(outlines, area, lon, lat, scale, (limit, lon, lat))[0] < limit)


@njit(error_model="numpy", cache=True, nogil=True)
def _across_gap(table: Ints, lon: float, lat: float, own: int) -> int:
    """Find the area across a place on its border that no other border passes."""
    index = _at(table)
    label, _, _ = find(index.cells, lon, lat)
    if label < NOWHERE:
        _, _, touched = _by_predicates(table, label, lon, lat)
        for area in touched:
            if area != own:
                return int(area)
    tolerance_m = index.tolerance_m[0]
    if tolerance_m <= TIE_M:
        return -1
    _, nearest_areas = _nearest_areas(table, lon, lat, tolerance_m, min(tolerance_m, _FIRST_M), own)
    return int(nearest_areas[0]) if len(nearest_areas) else -1


@njit(error_model="numpy", cache=True, nogil=True)
def _decide(table: Ints, lon: float, lat: float) -> tuple[int, int, float, Numbers]:
    """Rule, area, distance (NaN unless nearest) and, but for ``inside``, the candidates by code."""
    index = _at(table)
    rule, area = _by_cell(index.cells, lon, lat)
    candidates = np.empty(0, np.int32)
    if rule == _UNSURE:
        rule, area, candidates = _by_predicates(table, area, lon, lat)
    tolerance_m = index.tolerance_m[0]
    if rule == NONE and tolerance_m > 0.0:
        metres, candidates = _nearest_areas(table, lon, lat, tolerance_m, min(tolerance_m, _FIRST_M), -1)
        if len(candidates):
            return NEAREST, candidates[0], max(metres, _LEAST_M), candidates
    return rule, area, np.nan, candidates


@njit(error_model="numpy", cache=True, nogil=True)
def _margin(table: Ints, rule: int, area: int, lon: float, lat: float) -> tuple[float, int]:
    """Metres from a point to the border of its area, and the area across the nearest point of that border."""
    index, at_lon, at_lat, metres = _at(table), lon, lat, 0.0
    if rule == INSIDE:
        metres2, at_lon, at_lat = nearest(index.outlines, area, lon, lat, scale_at(lat))
        metres = max(np.sqrt(metres2), _LEAST_M)
    elif rule != BORDER:
        return np.nan, -1
    return metres, _across(table, at_lon, at_lat, area)


@njit(error_model="numpy", cache=True, nogil=True)
def one(table: Ints, lon: float, lat: float, margin: bool) -> tuple[int, int, float, float, int]:  # noqa: FBT001
    """Row, rule (:data:`NOT_FINITE` if a coordinate is not), distance, margin and row across for one point."""
    if not (np.isfinite(lon) and np.isfinite(lat)):
        return -1, NOT_FINITE, np.nan, np.nan, -1
    index = _at(table)
    rule, area = _by_cell(index.cells, lon, lat)
    metres, margin_m, across = np.nan, np.nan, -1
    if rule != INSIDE:
        rule, area, metres, _ = _decide(table, lon, lat)
    if margin:
        margin_m, across = _margin(table, rule, area, lon, lat)
    return (
        index.row[area] if area >= 0 else -1,
        rule,
        metres,
        margin_m,
        index.row[across] if across >= 0 else -1,
    )


@njit(error_model="numpy", cache=True, nogil=True)
def candidates(table: Ints, lon: float, lat: float) -> Numbers:
    """Rows of all areas that were considered for one point, by code."""
    index = _at(table)
    _, area, _, found = _decide(table, lon, lat)
    if area >= 0 and len(found) == 0:
        found = np.array([area], np.int32)
    return index.row[found]


@njit(error_model="numpy", cache=True, nogil=True)
def by_tile(table: Ints, lon: Floats, lat: Floats) -> Numbers:
    """Sort points by the tiles they lie in, so that a tile is in the cache when its points are looked up."""
    index = _at(table)
    frame = index.cells.frame
    columns, rows = int(frame[4]), int(frame[5])
    shift = 0
    while (columns * rows) >> shift > _MOST_RUNS:
        shift += 1
    run = np.empty(len(lon), np.int32)
    first = np.zeros(((columns * rows) >> shift) + 2, np.int32)
    for i in range(len(lon)):
        x, y = (lon[i] - frame[0]) * frame[2], (lat[i] - frame[1]) * frame[3]
        x, y = min(max(x, 0.0), columns - 1.0), min(max(y, 0.0), rows - 1.0)
        run[i] = (int(y) * columns + int(x)) >> shift
        first[run[i] + 1] += 1
    for k in range(1, len(first)):
        first[k] += first[k - 1]
    order = np.empty(len(lon), np.int32)
    for i in range(len(lon)):
        order[first[run[i]]] = i
        first[run[i]] += 1
    return order


class _Left(NamedTuple):
    """Room for the points of a batch that are still open: which, the label they came to, and their place there."""

    point: Ints
    label: Ints
    x: Floats
    y: Floats


@njit(error_model="numpy", cache=True, nogil=True)
def assign_simple(table: Ints, lon: Floats, lat: Floats, area: Ints, rule: Rules) -> int:
    """Write area and rule of the points that their cells decide; the rules of others are negative, or none.

    What it returns means nothing: it keeps the compiler from leaving out what only fetches memory.
    """
    cells, seen = _at(table).cells, 0
    left = _Left(np.empty(_BATCH, np.int64), np.empty(_BATCH, np.int64), np.empty(_BATCH), np.empty(_BATCH))
    # Step by step: without a decision in between, the processor fetches what many points need at once.
    for begin in range(0, len(lon), _BATCH):
        count = 0
        for i in range(begin, min(begin + _BATCH, len(lon))):
            count = _answer(left, count, i, square_at(cells, lon[i], lat[i]), area, rule)
        mixed, count = count, 0
        for k in range(mixed):
            found = cell_in(cells, left.label[k], left.x[k], left.y[k])
            count = _answer(left, count, left.point[k], found, area, rule)
        for label in left.label[:count]:
            seen ^= cells.records[-2 - label] ^ cells.records[min(_LINE - 2 - label, len(cells.records) - 1)]
        for k in range(count):
            i = left.point[k]
            rule[i], area[i] = _by_pieces(cells, left.label[k], left.x[k], left.y[k])
    return seen


@njit(error_model="numpy", cache=True, nogil=True, forceinline=True)
def _answer(  # noqa: PLR0917
    left: _Left, count: int, i: int, found: tuple[int, float, float], area: Ints, rule: Rules
) -> int:
    """Answer a point by a label, or leave it; returns how many are left. Nothing here makes the processor guess."""
    label, x, y = found
    area[i], rule[i] = label, INSIDE if label >= 0 else NONE
    left.point[count], left.label[count], left.x[count], left.y[count] = i, label, x, y
    return count + (label < NOWHERE)


@njit(error_model="numpy", cache=True, nogil=True)
def assign_rest(
    table: Ints, lon: Floats, lat: Floats, area: Ints, rule: Rules
) -> tuple[Ints, Ints, Ints, Floats]:
    """Decide what :func:`assign_simple` left open.

    Returns pairs of point and candidate by point and code, then the points with the rule nearest and their metres.
    """
    listed_point, listed_area, listed = np.empty(16, np.int64), np.empty(16, np.int64), 0
    near_point, near_m, near = np.empty(16, np.int64), np.empty(16), 0
    for i in range(len(lon)):
        if rule[i] == INSIDE:
            continue
        rule[i], area[i], metres, found = _decide(table, lon[i], lat[i])
        if rule[i] == NEAREST:
            if near == len(near_m):
                near_point, near_m = _longer(near_point), _longer(near_m)
            near_point[near], near_m[near] = i, metres
            near += 1
        if rule[i] != INSIDE:
            while listed + len(found) > len(listed_point):
                listed_point, listed_area = _longer(listed_point), _longer(listed_area)
            listed_point[listed : listed + len(found)] = i
            listed_area[listed : listed + len(found)] = found
            listed += len(found)
    return listed_point[:listed], listed_area[:listed], near_point[:near], near_m[:near]


@njit(error_model="numpy", cache=True, nogil=True)
def _longer(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Copy an array into twice the room."""
    longer = np.empty(2 * len(array), array.dtype)
    longer[: len(array)] = array
    return longer


@njit(error_model="numpy", cache=True, nogil=True)
def margins(  # noqa: PLR0917
    table: Ints,
    lon: Floats,
    lat: Floats,
    order: Numbers,
    area: Ints,
    rule: Rules,
    margin_m: Floats,
    neighbour: Ints,
) -> None:
    """Write the margins of points that were assigned, and the areas across."""
    for i in order:
        margin_m[i], neighbour[i] = _margin(table, rule[i], area[i], lon[i], lat[i])


@njit(error_model="numpy", cache=True, nogil=True)
def to_rows(table: Ints, area: Ints) -> None:
    """Replace numbers of areas by their rows; -1 stays."""
    row = _at(table).row
    for i in range(len(area)):
        if area[i] >= 0:
            area[i] = row[area[i]]
