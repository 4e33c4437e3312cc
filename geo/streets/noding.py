"""Plain street lines -> streets that join at their end points, and nowhere else.

A survey bureau draws a street as one line through all its crossings. A network needs the crossing as an end
point of all the lines that meet there. Lines that only pass over or under each other (bridge, tunnel or level
differ) are left apart.
"""

from dataclasses import dataclass
from typing import TypeAlias

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from geo.faults import DataError, Fault

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.intp]
Bools: TypeAlias = npt.NDArray[np.bool_]

#: Columns that tell at which height a line runs; an absent one counts as level ground.
HEIGHT_COLUMNS = ("bridge", "tunnel", "level")

#: Metres in a degree of latitude, to turn the tolerance into the units of a geographic CRS.
METRES_PER_DEGREE = 111_195.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NodingCounts:
    """What noding did.

    Parameters
    ----------
    lines, streets
        Lines in, streets out.
    crossings
        Places where lines crossed between their ends and now join.
    touches
        Places where a line's end met another between its ends and now joins.
    kept_apart
        Crossings and touches not joined because bridge, tunnel or level differ.
    dangling_ends
        Ends of streets that meet no other street: dead ends, or lines drawn too short.
    """

    lines: int
    streets: int
    crossings: int
    touches: int
    kept_apart: int
    dangling_ends: int


@dataclass(frozen=True, slots=True)
class _Segments:
    """Straight pieces of all lines: ``vertex`` is the number of the first of its two vertices."""

    xy: Floats  # (vertices, 2) in the frame's own coordinates
    plane: Floats  # (vertices, 2) in metres: xy * scale
    scale: Floats  # metres in a unit of x and of y
    line_of_vertex: Ints
    vertex: Ints
    ends: Bools  # by vertex: first or last of its line


@dataclass(frozen=True, slots=True)
class _Contacts:
    """Places where two segments meet: where on each (vertex number plus fraction), and the place itself."""

    first: Floats
    second: Floats
    x: Floats
    y: Floats

    def where(self, chosen: Bools) -> "_Contacts":
        return _Contacts(self.first[chosen], self.second[chosen], self.x[chosen], self.y[chosen])


def node_lines(
    lines: gpd.GeoDataFrame, *, tolerance_m: float = 0.05
) -> tuple[gpd.GeoDataFrame, NodingCounts]:
    """Cut lines where they meet, so that streets join exactly at bitwise equal end points.

    A node is made where two lines cross, where an end or vertex of one lies within ``tolerance_m`` of the
    other, and where a line crosses itself. Lines whose ``bridge``, ``tunnel`` or ``level`` differ are joined
    only end to end (a bridge meets the road at its abutment). Nodes within the tolerance of each other become
    one; ends move onto them, by no more than the tolerance, other vertices keep their coordinates.

    Parameters
    ----------
    lines
        LineStrings in any CRS (x, y; decided in these coordinates, so use the source CRS), with any columns.
        Columns of :data:`HEIGHT_COLUMNS` are used where present, missing values count as ground.
    tolerance_m
        Distance in metres within which an end counts as touching.

    Returns
    -------
    GeoDataFrame, NodingCounts
        The streets: each piece repeats its line's columns and index label, in the order of the lines.

    Raises
    ------
    DataError
        ``geometry-type`` or ``geometry-empty`` for each row that is not one non-empty LineString.

    Notes
    -----
    Wrong where a level is not recorded: an unmarked overpass is joined to the street below, and
    ``kept_apart`` shows how many were told apart.
    """
    _require_lines(lines)
    if lines.empty:
        return lines.copy(), NodingCounts(
            lines=0, streets=0, crossings=0, touches=0, kept_apart=0, dangling_ends=0
        )
    segments = _segments(lines)
    height = heights(lines)
    contacts = _contacts(segments, *_near_pairs(segments, tolerance_m), tolerance_m)
    joined, apart = _split_by_height(segments, height, contacts)
    cluster, rep = _clusters(segments, joined, tolerance_m)
    geometry, line = _cut(segments, joined, cluster, rep)
    streets = lines.iloc[line].set_geometry(gpd.GeoSeries(geometry, index=lines.index[line], crs=lines.crs))
    crossings, touches = _count_nodes(segments, joined, cluster)
    return streets, NodingCounts(
        lines=len(lines),
        streets=len(streets),
        crossings=crossings,
        touches=touches,
        kept_apart=_count_apart(segments, apart, tolerance_m),
        dangling_ends=_count_dangling(geometry),
    )


def meetings(lines: gpd.GeoDataFrame, *, tolerance_m: float) -> pd.DataFrame:
    """Find where lines of one height meet: cross, or come within the tolerance at a vertex.

    Parameters
    ----------
    lines
        As for :func:`node_lines`.

    Returns
    -------
    DataFrame
        ``first`` and ``second``: row numbers of the lines; ``first_end`` and ``second_end``: 0 at the line's start, 1 at
        its end, -1 between; ``x`` and ``y`` in the lines' coordinates; and ``place``, one number for places within the
        tolerance of each other. A pair may meet several times at one place.
    """
    if lines.empty:
        names = ["first", "second", "first_end", "second_end", "place"]
        return pd.DataFrame({name: np.empty(0, dtype=np.intp) for name in names} | {"x": [], "y": []})
    segments, height = _segments(lines), heights(lines)
    found = _contacts(segments, *_near_pairs(segments, tolerance_m), tolerance_m)
    of_first, of_second = _line_at(segments, found.first), _line_at(segments, found.second)
    same = height[of_first] == height[of_second]
    found = found.where(same)
    return pd.DataFrame(
        {
            "first": of_first[same],
            "second": of_second[same],
            "first_end": _which_end(segments, found.first),
            "second_end": _which_end(segments, found.second),
            "place": _labels(np.column_stack([found.x, found.y]) * segments.scale, tolerance_m),
            "x": found.x,
            "y": found.y,
        }
    )


def _which_end(segments: _Segments, where: Floats) -> Ints:
    """0 at the start of a line, 1 at its end, -1 between."""
    vertex = where.astype(np.intp)
    starts = np.concatenate([[True], segments.line_of_vertex[1:] != segments.line_of_vertex[:-1]])
    ends: Ints = np.where(_is_end(segments, where), np.where(starts[vertex], 0, 1), -1).astype(np.intp)
    return ends


def _require_lines(lines: gpd.GeoDataFrame) -> None:
    geometry = lines.geometry.to_numpy()
    faults = [
        Fault(
            kind="geometry-type",
            layer="streets",
            row=int(row) + 1,
            message="A street must be one LineString.",
        )
        for row in np.flatnonzero(shapely.get_type_id(geometry) != shapely.GeometryType.LINESTRING)
    ]
    faults += [
        Fault(kind="geometry-empty", layer="streets", row=int(row) + 1, message="The line has no points.")
        for row in np.flatnonzero(shapely.is_empty(geometry))
    ]
    if faults:
        raise DataError(faults)


def _segments(lines: gpd.GeoDataFrame) -> _Segments:
    xy, line = shapely.get_coordinates(shapely.force_2d(lines.geometry.to_numpy()), return_index=True)
    change = line[1:] != line[:-1]
    ends = np.concatenate([[True], change]) | np.concatenate([change, [True]])
    scale = _scale(xy, lines)
    return _Segments(xy, xy * scale, scale, line, np.flatnonzero(~change), ends)


def _scale(xy: Floats, lines: gpd.GeoDataFrame) -> Floats:
    """Metres in a unit: exact enough for a tolerance, and a mere scale keeps straight lines straight."""
    if lines.crs is None:
        return np.ones(2)
    if lines.crs.is_geographic:
        return METRES_PER_DEGREE * np.array([np.cos(np.radians(np.median(xy[:, 1]))), 1.0])
    return np.full(2, float(lines.crs.axis_info[0].unit_conversion_factor))


def heights(lines: gpd.GeoDataFrame) -> Ints:
    """Number each combination of bridge, tunnel and level: lines of one number run at one height."""
    present = [column for column in HEIGHT_COLUMNS if column in lines.columns]
    if not present:
        return np.zeros(len(lines), dtype=np.intp)
    columns = pd.DataFrame(
        {column: pd.to_numeric(lines[column]).fillna(0).astype(float) for column in present}
    )
    return columns.groupby(present, sort=False).ngroup().to_numpy().astype(np.intp)


def _near_pairs(segments: _Segments, tolerance_m: float) -> tuple[Ints, Ints]:
    """Pairs of segments (first < second) whose boxes are within the tolerance."""
    start, end = segments.plane[segments.vertex], segments.plane[segments.vertex + 1]
    low, high = np.minimum(start, end), np.maximum(start, end) + tolerance_m
    boxes = shapely.box(low[:, 0], low[:, 1], high[:, 0], high[:, 1])
    first, second = shapely.STRtree(boxes).query(boxes)
    chosen = first < second
    return segments.vertex[first[chosen]], segments.vertex[second[chosen]]


def _contacts(segments: _Segments, first: Ints, second: Ints, tolerance_m: float) -> _Contacts:
    """All places where the pairs of segments meet: at a vertex of either, else where they cross."""
    found = [
        _vertex_contacts(segments, vertex, other, tolerance_m)
        for vertex, other in ((first, second), (first + 1, second), (second, first), (second + 1, first))
    ]
    at_vertex = np.any([touches for touches, _ in found], axis=0)
    found.append(_crossings(segments, first[~at_vertex], second[~at_vertex]))
    return _Contacts(
        *(
            np.concatenate([getattr(part, name) for _, part in found])
            for name in ("first", "second", "x", "y")
        )
    )


def _vertex_contacts(
    segments: _Segments, vertex: Ints, other: Ints, tolerance_m: float
) -> tuple[Bools, _Contacts]:
    """Where a vertex lies on another segment; a vertex that the two share along one line is none."""
    point, start, end = segments.plane[vertex], segments.plane[other], segments.plane[other + 1]
    along = end - start
    length = np.hypot(*along.T)
    fraction = ((point - start) * along).sum(axis=1) / np.where(length > 0, length, 1.0) ** 2
    fraction = np.clip(fraction, 0.0, 1.0)
    fraction[np.hypot(*(point - start).T) <= tolerance_m] = 0.0
    fraction[np.hypot(*(point - end).T) <= tolerance_m] = 1.0
    touches = np.hypot(*(start + fraction[:, None] * along - point).T) <= tolerance_m
    neighbours = (segments.line_of_vertex[vertex] == segments.line_of_vertex[other]) & (
        (vertex == other) | (vertex == other + 1)
    )
    chosen = touches & ~neighbours
    x, y = segments.xy[vertex[chosen]].T
    return touches, _Contacts(vertex[chosen].astype(float), other[chosen] + fraction[chosen], x, y)


def _crossings(segments: _Segments, first: Ints, second: Ints) -> tuple[Bools, _Contacts]:
    """Where two segments cross between their vertices."""
    p, q = segments.plane[first], segments.plane[second]
    r, s = segments.plane[first + 1] - p, segments.plane[second + 1] - q
    turn = r[:, 0] * s[:, 1] - r[:, 1] * s[:, 0]
    safe = np.where(turn == 0.0, 1.0, turn)
    gap = q - p
    t = (gap[:, 0] * s[:, 1] - gap[:, 1] * s[:, 0]) / safe
    u = (gap[:, 0] * r[:, 1] - gap[:, 1] * r[:, 0]) / safe
    crosses = (turn != 0.0) & (t > 0.0) & (t < 1.0) & (u > 0.0) & (u < 1.0)
    at, t = first[crosses], t[crosses]
    x, y = (segments.xy[at] + t[:, None] * (segments.xy[at + 1] - segments.xy[at])).T
    return crosses, _Contacts(at + t, second[crosses] + u[crosses], x, y)


def _is_end(segments: _Segments, where: Floats) -> Bools:
    whole = where.astype(np.intp)
    at_end: Bools = (where == whole) & segments.ends[whole]
    return at_end


def _line_at(segments: _Segments, where: Floats) -> Ints:
    lines: Ints = segments.line_of_vertex[where.astype(np.intp)]
    return lines


def _split_by_height(segments: _Segments, heights: Ints, contacts: _Contacts) -> tuple[_Contacts, _Contacts]:
    same = heights[_line_at(segments, contacts.first)] == heights[_line_at(segments, contacts.second)]
    end_to_end = _is_end(segments, contacts.first) & _is_end(segments, contacts.second)
    return contacts.where(same | end_to_end), contacts.where(~(same | end_to_end))


def _labels(plane: Floats, tolerance_m: float) -> Ints:
    """Give places chained by steps of at most the tolerance one number."""
    pairs = cKDTree(plane).query_pairs(tolerance_m, output_type="ndarray")
    links = coo_array((np.ones(len(pairs), dtype=bool), pairs.T), shape=(len(plane), len(plane)))
    labels: Ints = connected_components(links, directed=False)[1].astype(np.intp)
    return labels


def _clusters(segments: _Segments, joined: _Contacts, tolerance_m: float) -> tuple[Ints, Floats]:
    """Give each contact its node and each node its place: a line's end where it has one, else the lowest x, y."""
    cluster = _labels(np.column_stack([joined.x, joined.y]) * segments.scale, tolerance_m)
    order = np.lexsort((joined.y, joined.x, ~_is_end(segments, joined.first), cluster))
    leads = order[np.unique(cluster[order], return_index=True)[1]]
    return cluster, np.column_stack([joined.x[leads], joined.y[leads]])


def _cut(
    segments: _Segments, joined: _Contacts, cluster: Ints, rep: Floats
) -> tuple[npt.NDArray[np.object_], Ints]:
    """Cut the lines at their nodes; returns the pieces and the line of each."""
    where, index = np.unique(np.concatenate([joined.first, joined.second]), return_index=True)
    node = np.concatenate([cluster, cluster])[index]
    inner = where != where.astype(np.intp)
    xy = segments.xy.copy()
    at_vertex = where[~inner].astype(np.intp)
    xy[at_vertex] = rep[node[~inner]]
    cut = segments.ends.copy()
    cut[at_vertex] = True

    order = np.argsort(np.concatenate([np.arange(len(xy)), where[inner]]), kind="stable")
    line = np.concatenate([segments.line_of_vertex, _line_at(segments, where[inner])])[order]
    xy = np.concatenate([xy, rep[node[inner]]])[order]
    cut = np.concatenate([cut, np.ones(inner.sum(), dtype=bool)])[order]
    change = line[1:] != line[:-1]
    opens, closes = np.concatenate([[True], change]), np.concatenate([change, [True]])

    # A node inside a line is the last point of one piece and the first of the next.
    twice = cut & ~opens & ~closes
    copies = np.repeat(np.arange(len(xy)), 1 + twice)
    second_copy = np.concatenate([[False], copies[1:] == copies[:-1]])
    piece = np.cumsum(opens[copies] & ~second_copy | second_copy) - 1
    return _lines_of_pieces(xy[copies], piece, line[copies])


def _lines_of_pieces(xy: Floats, piece: Ints, line: Ints) -> tuple[npt.NDArray[np.object_], Ints]:
    """Draw the pieces, less those that shrank to a point when near nodes became one."""
    repeated = np.concatenate([[False], (piece[1:] == piece[:-1]) & (xy[1:] == xy[:-1]).all(axis=1)])
    xy, piece, line = xy[~repeated], piece[~repeated], line[~repeated]
    real = np.bincount(piece)[piece] > 1
    xy, piece, line = xy[real], piece[real], line[real]
    first, number = np.unique(piece, return_index=True, return_inverse=True)[1:]
    return shapely.linestrings(xy, indices=number), line[first]


def _count_nodes(segments: _Segments, joined: _Contacts, cluster: Ints) -> tuple[int, int]:
    """Nodes without a line's end, and nodes where an end met the middle of a line."""
    first_end, second_end = _is_end(segments, joined.first), _is_end(segments, joined.second)
    with_end = np.unique(cluster[first_end | second_end])
    with_middle = np.unique(cluster[~first_end | ~second_end])
    touches = np.isin(with_middle, with_end).sum()
    return len(with_middle) - int(touches), int(touches)


def _count_apart(segments: _Segments, apart: _Contacts, tolerance_m: float) -> int:
    """Places where two lines of different height meet; one place counts once for each pair of lines."""
    if not len(apart.x):
        return 0
    place = _labels(np.column_stack([apart.x, apart.y]) * segments.scale, tolerance_m)
    pair = np.sort(
        np.column_stack([_line_at(segments, apart.first), _line_at(segments, apart.second)]), axis=1
    )
    return len(np.unique(np.column_stack([pair, place]), axis=0))


def _count_dangling(geometry: npt.NDArray[np.object_]) -> int:
    ends = shapely.get_coordinates(
        np.concatenate([shapely.get_point(geometry, 0), shapely.get_point(geometry, -1)])
    )
    return int((np.unique(ends, axis=0, return_counts=True)[1] == 1).sum())
