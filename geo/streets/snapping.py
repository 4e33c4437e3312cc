"""Places -> nearest street points, by a grid of cells over the street segments."""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from numba import njit

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]

#: Side of a cell in metres, a few segments a cell in a city, and the most cells: one street drawn far away
#: by mistake must not cost the memory of a province.
CELL_M = 60.0
MOST_CELLS = 4_000_000

Origin: TypeAlias = tuple[float, float, float, int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Snapped:
    """Nearest street point of each place.

    Parameters
    ----------
    edge
        Edge number, -1 where no street is within the limit.
    position_m
        Metres along the edge from its start; NaN where ``edge`` is -1.
    offset_m
        Straight distance in metres from the place to the street point; NaN where ``edge`` is -1.
    """

    edge: Ints
    position_m: Floats
    offset_m: Floats

    def take(self, chosen: npt.NDArray[np.bool_] | Ints) -> "Snapped":
        """Keep some of the places, chosen by a flag each or by their numbers."""
        return Snapped(self.edge[chosen], self.position_m[chosen], self.offset_m[chosen])

    def followed_by(self, other: "Snapped") -> "Snapped":
        """Put other places after these."""
        return Snapped(
            np.concatenate([self.edge, other.edge]),
            np.concatenate([self.position_m, other.position_m]),
            np.concatenate([self.offset_m, other.offset_m]),
        )


@dataclass(frozen=True, slots=True, eq=False)
class SegmentGrid:
    """Street segments sorted by the cells that their boxes touch.

    Parameters
    ----------
    origin
        x, y of the lower left corner, side of a cell in metres, number of columns and of rows.
    first
        (cells + 1,) where each cell's segments begin in ``segment``; cells go row by row.
    segment
        Segment numbers, ascending within a cell.
    shape
        (segments, 6): x, y of the start, x, y of the end, metres along the edge at both.
    edge
        (segments,) edge of each segment.
    """

    origin: Origin
    first: Ints
    segment: Ints
    shape: Floats
    edge: Ints

    @classmethod
    def build(
        cls, x: Floats, y: Floats, along_m: Floats, offsets: Ints, *, chosen: npt.NDArray[np.bool_]
    ) -> "SegmentGrid":
        """Index the segments of the chosen edges; arguments as in :class:`geo.streets.network.Network`."""
        edge_of_point = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
        tail = np.flatnonzero(edge_of_point[1:] == edge_of_point[:-1])
        tail = tail[chosen[edge_of_point[tail]]]
        head = tail + 1
        shape = np.column_stack([x[tail], y[tail], x[head], y[head], along_m[tail], along_m[head]])
        origin = _origin(shape)
        first, segment = _fill(shape, origin)
        return cls(origin, first, segment, shape, edge_of_point[tail])

    def snap(self, x: Floats, y: Floats, *, limit_m: float) -> Snapped:
        """Find the nearest street point of each place, by straight distance.

        Of street points equally near, the one on the first segment of the first edge is taken.

        Parameters
        ----------
        x, y
            (n,) places in metres of the network's CRS; NaN places are not joined.
        limit_m
            Streets farther than this are out of reach.
        """
        x, y = np.ascontiguousarray(x, dtype=np.float64), np.ascontiguousarray(y, dtype=np.float64)
        edge, position_m, offset_m = _snap(
            x, y, limit_m, self.origin, self.first, self.segment, self.shape, self.edge
        )
        return Snapped(edge, position_m, offset_m)


def _origin(shape: Floats) -> Origin:
    if not len(shape):
        return 0.0, 0.0, CELL_M, 1, 1
    low = shape[:, :2].min(axis=0), shape[:, 2:4].min(axis=0)
    high = shape[:, :2].max(axis=0), shape[:, 2:4].max(axis=0)
    left, bottom = np.minimum(*low)
    width, height = np.maximum(*high) - (left, bottom)
    cell_m = max(CELL_M, float(np.sqrt(width * height / MOST_CELLS)))
    return float(left), float(bottom), cell_m, int(width // cell_m) + 1, int(height // cell_m) + 1


def _fill(shape: Floats, origin: Origin) -> tuple[Ints, Ints]:
    """List each cell's segments: those whose box touches it."""
    left, bottom, cell_m, columns, rows = origin
    x, y = np.sort(shape[:, [0, 2]]), np.sort(shape[:, [1, 3]])
    low_column, high_column = ((x - left) // cell_m).T
    low_row, high_row = ((y - bottom) // cell_m).T
    wide, tall = high_column - low_column + 1, high_row - low_row + 1
    counts = (wide * tall).astype(np.int64)
    segment = np.repeat(np.arange(len(shape)), counts)
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    row = low_row[segment] + within // wide[segment]
    column = low_column[segment] + within % wide[segment]
    cell = (row * columns + column).astype(np.int64)
    order = np.argsort(cell, kind="stable")
    first = np.searchsorted(cell[order], np.arange(columns * rows + 1)).astype(np.int64)
    return first, segment[order]


@njit(cache=True, nogil=True)
def _snap(  # noqa: C901, PLR0917 - one loop without calls: places come by the hundred thousand
    x: Floats,
    y: Floats,
    limit_m: float,
    origin: Origin,
    first: Ints,
    segment: Ints,
    shape: Floats,
    edge: Ints,
) -> tuple[Ints, Floats, Floats]:
    """Search rings of cells outwards until no nearer segment can come."""
    left, bottom, cell_m, columns, rows = origin
    found = np.full(len(x), -1, dtype=np.int64)
    position_m = np.full(len(x), np.nan)
    offset_m = np.full(len(x), np.nan)
    rings = int(limit_m // cell_m) + 2
    for i in range(len(x)):
        if not (np.isfinite(x[i]) and np.isfinite(y[i])):
            continue
        across, up = (x[i] - left) / cell_m, (y[i] - bottom) / cell_m
        column, row = int(np.floor(across)), int(np.floor(up))
        # Metres to the nearest side of the place's own cell: what lies in another is at least as far.
        side_m = cell_m * min(across - column, column + 1 - across, up - row, row + 1 - up)
        nearest, best, best_along = limit_m * limit_m, -1, 0.0
        for ring in range(rings):
            beyond = side_m + (ring - 1) * cell_m
            # A hair's breadth more, because the sides of cells are rounded.
            if ring > 0 and beyond > 0.0 and beyond * beyond > nearest * (1.0 + 1e-9) + 1e-9:
                break
            for r in range(max(row - ring, 0), min(row + ring, rows - 1) + 1):
                step = 1 if abs(r - row) == ring or ring == 0 else 2 * ring
                low, high = column - ring, column + ring
                if step == 1:
                    low, high = max(low, 0), min(high, columns - 1)
                for c in range(low, high + 1, step):
                    if c < 0 or c >= columns:
                        continue
                    cell = r * columns + c
                    for k in range(first[cell], first[cell + 1]):
                        s = segment[k]
                        ax, ay = shape[s, 0], shape[s, 1]
                        dx, dy, px, py = shape[s, 2] - ax, shape[s, 3] - ay, x[i] - ax, y[i] - ay
                        square = dx * dx + dy * dy
                        along = (px * dx + py * dy) / square if square > 0.0 else 0.0
                        along = min(max(along, 0.0), 1.0)
                        distance = (px - along * dx) ** 2 + (py - along * dy) ** 2
                        if distance < nearest or (distance == nearest and (best < 0 or s < best)):
                            nearest, best, best_along = distance, s, along
        if best >= 0:
            found[i] = edge[best]
            position_m[i] = shape[best, 4] + best_along * (shape[best, 5] - shape[best, 4])
            offset_m[i] = np.sqrt(nearest)
    return found, position_m, offset_m
