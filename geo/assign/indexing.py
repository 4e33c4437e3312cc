"""The arrays behind :class:`geo.assign.AreaIndex`: made of areas, and patched where areas changed."""

import os
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from geo.assign.cell_building import Parts, areas_at_middles, build_tiles, edges_by_tile
from geo.assign.cells import NOWHERE, Cells
from geo.assign.lookup import Index
from geo.assign.outlines import Outlines, lay_out
from geo.assign.rooms import Room

Codes = npt.NDArray[np.object_]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.int32]
Flags = npt.NDArray[np.bool_]
Geometries = npt.NDArray[np.object_]

# Tiles for each area, and cells along a side of a tile for each tile's length of border in it: one cell in ten or so
# then has edges, and few of them.
_TILES_PER_AREA, _FINENESS = 4, 12.0
_MOST_TILES = 1 << 20
# Runs of tiles that threads make one by one.
_RUNS = 16
# An index that patches have made so much larger is made anew.
_MOST_GROWTH = 2.0
# What is made of the tiles.
_MADE = ("squares", "labels", "records")
# In tiles: how far beyond the frame's outermost but one an area may reach before the index is made anew.
_BEYOND = 0.5
# In tiles: what a box that only just misses a tile may still reach.
_NEAR = 1e-3
# Scales of latitudes nearer to a pole say nothing of their neighbours.
_MOST_LATITUDE = 85.0


@dataclass(frozen=True, slots=True)
class Built:
    """An index, and what it takes to patch it.

    Parameters
    ----------
    index
        The arrays that answer; those that grow with a patch are beginnings of `rooms`, which versions share.
    codes, shapes
        By row of the frame.
    numbers
        (rows,) number under which the index knows each area: an area that changed gets a new one.
    bounds
        (areas, 4) degrees by number; NaN for areas without shape and those that are no more.
    fresh
        Bytes of the index when it was last made anew.
    """

    index: Index
    rooms: dict[str, Room]
    codes: Codes
    shapes: Geometries
    numbers: Ints
    bounds: Floats
    fresh: int


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0))


def build(codes: Codes, shapes: Geometries, tolerance_m: float) -> Built:
    """Index areas given by code and geometry (EPSG:4326)."""
    bounds = shapely.bounds(shapes).reshape(-1, 4)
    frame = _frame(bounds)
    corners, blocks, piles, spans = lay_out(shapes)
    rooms = {"corners": Room(corners), "blocks": Room(blocks), "piles": Room(piles)}
    outlines = _outlines(rooms, spans, _slack(frame))
    numbers = np.arange(len(codes))
    everywhere = np.ones(int(frame[4] * frame[5]), dtype=np.bool_)
    tiles, made = _make(outlines, frame, numbers, everywhere, begin=(0, 0, 0))
    rooms |= {name: Room(rows) for name, rows in zip(_MADE, made, strict=True)}
    order = _order(codes, numbers, len(codes))
    index = Index(_cells(rooms, frame, tiles), outlines, *order, np.array([tolerance_m], dtype=np.float64))
    return Built(index, rooms, codes, shapes, numbers, bounds, index.nbytes)


def patch(built: Built, codes: Codes, shapes: Geometries, removed: Collection[str]) -> Built:
    """Index the areas after a change: some got another shape or are new, some are no more.

    Only tiles that the changed areas touch or touched are made anew. What they were stays behind, unused; when that
    is as much as the rest, or an area reaches beyond the frame, the whole index is made anew.
    """
    after, changed = _after(built, codes, shapes, removed)
    index, new_bounds = built.index, shapely.bounds(shapes).reshape(-1, 4)
    frame = index.cells.frame
    if index.nbytes > _MOST_GROWTH * built.fresh or not _within(frame, new_bounds):
        return build(after.codes, after.shapes, float(index.tolerance_m[0]))
    wanted = _tiles_of(frame, np.concatenate([built.bounds[changed], new_bounds]))
    bounds = np.concatenate([built.bounds, new_bounds])
    bounds[changed] = np.nan
    rooms, outlines = _with_outlines(built, shapes)
    near = np.flatnonzero(_any_wanted(frame, bounds, wanted))
    begin = len(index.cells.squares), len(index.cells.labels), len(index.cells.records)
    new_tiles, made = _make(outlines, frame, near, wanted, begin=begin)
    tiles = index.cells.tiles.copy()
    tiles[wanted] = new_tiles
    rooms |= {name: rooms[name].extended(rows) for name, rows in zip(_MADE, made, strict=True)}
    order = _order(after.codes, after.numbers, len(bounds))
    patched = Index(_cells(rooms, frame, tiles), outlines, *order, index.tolerance_m)
    return Built(patched, rooms, after.codes, after.shapes, after.numbers, bounds, built.fresh)


@dataclass(frozen=True, slots=True)
class _Rows:
    """Areas after a change, by row."""

    codes: Codes
    shapes: Geometries
    numbers: Ints


def _after(built: Built, codes: Codes, shapes: Geometries, removed: Collection[str]) -> tuple[_Rows, Ints]:
    """Areas after a change, and the numbers of those before it that are no more."""
    place = {code: row for row, code in enumerate(codes)}
    gone = set(removed) - place.keys()
    keep = np.array([code not in gone for code in built.codes], dtype=np.bool_)
    kept_codes, kept_shapes, numbers = built.codes[keep], built.shapes[keep], built.numbers[keep]
    new = np.array([place.get(code, -1) for code in kept_codes], dtype=np.intp)
    replaced = new >= 0
    changed = np.concatenate([built.numbers[~keep], numbers[replaced]])
    kept_shapes[replaced] = shapes[new[replaced]]
    numbers[replaced] = len(built.bounds) + new[replaced]
    added = np.setdiff1d(np.arange(len(codes)), new)
    return _Rows(
        np.concatenate([kept_codes, codes[added]]),
        np.concatenate([kept_shapes, shapes[added]]),
        np.concatenate([numbers, len(built.bounds) + added]),
    ), changed


def _with_outlines(built: Built, shapes: Geometries) -> tuple[dict[str, Room], Outlines]:
    """Put the outlines of more areas behind those of an index."""
    before = built.index.outlines
    corners, blocks, piles, spans = lay_out(shapes)
    spans += np.array([len(before.blocks)] * 2 + [len(before.piles)] * 2)
    rooms = dict(built.rooms)
    for name, rows in (("corners", corners), ("blocks", blocks), ("piles", piles)):
        rooms[name] = rooms[name].extended(rows)
    return rooms, _outlines(rooms, np.concatenate([before.spans, spans]), before.slack)


def _outlines(rooms: dict[str, Room], spans: Ints, slack: Floats) -> Outlines:
    return Outlines(rooms["corners"].rows, rooms["blocks"].rows, rooms["piles"].rows, spans, slack)


def _cells(rooms: dict[str, Room], frame: Floats, tiles: Numbers) -> Cells:
    records = rooms["records"].rows
    squares, labels = rooms["squares"].rows, rooms["labels"].rows
    return Cells(frame, tiles, squares, labels, records, records.view(np.float32))


def _order(codes: Codes, numbers: Ints, count: int) -> tuple[Numbers, Numbers]:
    """Row and rank by code of each number that is in use; -1 for the others."""
    row, rank = np.full(count, -1, dtype=np.int32), np.full(count, -1, dtype=np.int32)
    row[numbers] = np.arange(len(numbers))
    # Python compares text by code point, which is the byte order of UTF-8.
    ascending = sorted(range(len(codes)), key=codes.__getitem__)
    rank[numbers[ascending]] = np.arange(len(numbers))
    return row, rank


# --- tiles ------------------------------------------------------------------------------------------------


def _frame(bounds: Floats) -> Floats:
    """Lay tiles over the bounds of areas, about as wide as high, and one more on every side for patches."""
    bounds = bounds[~np.isnan(bounds[:, 0])]
    if not len(bounds):
        return np.array([0.0, 0.0, 1.0, 1.0, 1.0, 1.0])
    west, south = bounds[:, :2].min(axis=0)
    east, north = bounds[:, 2:].max(axis=0)
    width = (east - west) * np.cos(np.radians((south + north) / 2.0))
    count = min(_TILES_PER_AREA * len(bounds), _MOST_TILES)
    columns = int(np.clip(np.sqrt(count * width / (north - south)), 1, count))
    rows = -(-count // columns)
    per_lon, per_lat = columns / (east - west), rows / (north - south)
    return np.array(
        [west - 1.0 / per_lon, south - 1.0 / per_lat, per_lon, per_lat, columns + 2.0, rows + 2.0]
    )


def _slack(frame: Floats) -> Floats:
    """See :class:`geo.assign.outlines.Outlines`: how much a parallel may shrink from one end of the frame to the other."""
    south, north = frame[1], frame[1] + frame[5] / frame[3]
    furthest = min(max(abs(south), abs(north)), _MOST_LATITUDE)
    return np.array([max(0.99 - np.tan(np.radians(furthest)) * np.radians(north - south), 0.0)])


def _within(frame: Floats, bounds: Floats) -> bool:
    """Whether the frame holds some bounds, and what lies near them."""
    low = (bounds[:, :2] - frame[:2]) * frame[2:4]
    high = (bounds[:, 2:] - frame[:2]) * frame[2:4]
    return not ((low < _BEYOND) | (high > frame[4:] - _BEYOND)).any()


def _ranges(frame: Floats, bounds: Floats) -> Ints:
    """First column and row, and last column and row, of the tiles that boxes may touch."""
    corner = (bounds.reshape(-1, 2, 2) - frame[:2]) * frame[2:4] + [[-_NEAR], [_NEAR]]
    ranges: Ints = np.clip(np.floor(corner), 0, frame[4:] - 1).astype(np.int64).reshape(-1, 4)
    return ranges


def _tiles_of(frame: Floats, bounds: Floats) -> Flags:
    """Mark the tiles that some boxes may touch."""
    wanted = np.zeros((int(frame[5]), int(frame[4])), dtype=np.bool_)
    for west, south, east, north in _ranges(frame, bounds[~np.isnan(bounds[:, 0])]):
        wanted[south : north + 1, west : east + 1] = True
    return wanted.ravel()


def _any_wanted(frame: Floats, bounds: Floats, wanted: Flags) -> Flags:
    """Tell which boxes may touch a wanted tile: by sums over the rectangles of tiles they cover."""
    sums = np.zeros((int(frame[5]) + 1, int(frame[4]) + 1), dtype=np.int64)
    sums[1:, 1:] = wanted.reshape(int(frame[5]), int(frame[4])).cumsum(axis=0).cumsum(axis=1)
    shaped = ~np.isnan(bounds[:, 0])
    west, south, east, north = _ranges(frame, bounds[shaped]).T
    found = np.zeros(len(bounds), dtype=np.bool_)
    found[shaped] = (
        sums[north + 1, east + 1] - sums[south, east + 1] - sums[north + 1, west] + sums[south, west]
    ) > 0
    return found


def _make(
    outlines: Outlines, frame: Floats, numbers: Ints, wanted: Flags, *, begin: tuple[int, int, int]
) -> tuple[Numbers, tuple[Numbers, Numbers, Numbers]]:
    """Make the wanted tiles of some areas, in threads: tiles; squares, labels and records.

    The latter are to come behind as many others as `begin` says.
    """
    areas = numbers.astype(np.int32)
    edges = edges_by_tile(outlines, frame, areas, wanted)
    held = areas_at_middles(outlines, frame, areas, wanted)
    chosen = np.flatnonzero(wanted)
    # Runs of as many edges each; one may be empty.
    cost = np.cumsum(np.diff(edges.first)[chosen] + 1)
    ends = np.searchsorted(cost, np.linspace(0, cost[-1:].sum(), _RUNS + 1)[1:-1])
    runs = np.split(chosen, ends)
    with ThreadPoolExecutor(processors()) as pool:
        parts = list(pool.map(lambda run: build_tiles(outlines, frame, edges, held, run, _FINENESS), runs))
    return _joined(parts, begin)


def _joined(
    parts: list[Parts], begin: tuple[int, int, int]
) -> tuple[Numbers, tuple[Numbers, Numbers, Numbers]]:
    """Lay what threads made one behind the other, and let what refers to rows do so."""
    first_square, first_label, first_record = begin
    made: tuple[list[Numbers], ...] = ([], [], [])
    for part in parts:
        squares, labels = part.squares[: part.used[0]], part.labels[: part.used[1]]
        part.tiles[:, 0] += first_square
        squares[squares < NOWHERE] -= first_label
        labels[labels < NOWHERE] -= first_record
        first_square, first_label = first_square + len(squares), first_label + len(labels)
        first_record += int(part.used[2])
        for rows, more in zip(made, (squares, labels, part.records[: part.used[2]]), strict=True):
            rows.append(more)
    tiles = np.concatenate([part.tiles for part in parts])
    squares, labels, records = (np.concatenate(rows) for rows in made)
    return tiles, (squares, labels, records)
