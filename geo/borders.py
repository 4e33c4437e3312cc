"""Borders of a layer of areas: the lines between them, and the land that none or two of them have.

A *segment* is a maximal piece of border with the same area on either side: it runs from one point where three
borders meet to the next, or closes on itself around an enclave. Along an outer border there is an area on one
side only. What is no line is a *patch*: a gap with areas all around that belongs to none, or a part that two
areas claim.

Gaps and overlaps narrower than a stated width are closed first, so that each becomes the one line it was meant
to be; wider ones are patches. Topology is decided in the stored coordinates (EPSG:4326), sizes and distances
are measured in the metric CRS.
"""

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geo import crs, partition

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.intp]
Flags = npt.NDArray[np.bool_]
Geometries = npt.NDArray[np.object_]

#: Kinds of borders: a line between two areas or around all of them, a patch of none or of two.
KINDS = ("shared", "outer", "gap", "overlap")

#: Gaps and overlaps narrower than this are closed to a line, metres.
CLOSED_M = 5.0

_METRES_PER_DEG = 111_195.0
_AREAL = 2


def segments(areas: gpd.GeoDataFrame, *, metric: str, closed_m: float = CLOSED_M) -> gpd.GeoDataFrame:
    """Cut the borders of areas into segments.

    Parameters
    ----------
    areas
        Columns ``code`` (str, unique) and ``geometry`` (valid polygons or multipolygons, EPSG:4326, lon before
        lat), of one level and scheme.
    metric
        The deployment's metric CRS.
    closed_m
        Width below which a gap that areas enclose, and any overlap's contour, becomes one line, metres.

    Returns
    -------
    GeoDataFrame
        ``left_code`` and ``right_code``: the areas to the left and right of the line's direction, the lower
        code left; right is None where no area follows. ``length_m``; ``geometry``: LineStrings, EPSG:4326.
        Sorted by the codes, outer borders last among one area's.

    Notes
    -----
    Where areas tile exactly, lines are the stored edges to the last bit, and each is listed once. A narrow gap
    that is open to the outside is not closed: it has two outer borders.
    """
    codes, geoms = _by_code(areas)
    clean, _ = _tiled(geoms, closed_m)
    rows = _lines(codes, *_pieces(clean), metric)
    columns = ["left_code", "right_code", "length_m", "geometry"]
    return gpd.GeoDataFrame(rows[columns], geometry="geometry", crs="EPSG:4326")


def borders(areas: gpd.GeoDataFrame, *, metric: str, closed_m: float = CLOSED_M) -> gpd.GeoDataFrame:
    """Find every border of areas, lines and patches.

    Parameters
    ----------
    areas, metric, closed_m
        As for :func:`segments`.

    Returns
    -------
    GeoDataFrame
        ``kind`` (see :data:`KINDS`); ``left_code`` and ``right_code`` as in :func:`segments`, of an overlap its
        two areas, None for a gap; ``codes``: tuple of all areas along it; ``length_m``, of a patch its
        circumference; ``area_m2`` of a patch, NaN for a line; ``geometry``, EPSG:4326: LineString or Polygon.
        The lines around a gap are part of the gap's row and have none of their own.
    """
    codes, geoms = _by_code(areas)
    clean, faulty = _tiled(geoms, closed_m)
    left, right, lines = _pieces(clean)
    gaps = _gaps(clean)
    line, gap = shapely.STRtree(shapely.boundary(gaps)).query(lines, predicate="covered_by")
    free = np.ones(len(lines), dtype=bool)
    free[line] = False
    around = [tuple(np.unique(codes[left[line[gap == number]]])) for number in range(len(gaps))]
    parts = [
        _lines(codes, left[free], right[free], lines[free], metric),
        _rows("gap", around, gaps, metric),
    ]
    if faulty:
        parts.append(_overlaps(areas, metric, closed_m))
    return gpd.GeoDataFrame(pd.concat(parts, ignore_index=True), geometry="geometry", crs="EPSG:4326")


# --- cutting ---------------------------------------------------------------------------------------------


def _by_code(areas: gpd.GeoDataFrame) -> tuple[Geometries, Geometries]:
    """Codes and shapes of areas in the order of the codes, so that a lower row is a lower code."""
    codes = areas["code"].to_numpy(dtype=object)
    order = sorted(range(len(codes)), key=codes.__getitem__)
    return codes[order], np.asarray(areas.geometry.array, dtype=object)[order]


def _tiled(geoms: Geometries, closed_m: float) -> tuple[Geometries, bool]:
    """Areas whose common borders have the same vertices on both sides, and whether they had to be made so."""
    if not len(geoms):
        return geoms, False
    # Scaled so that a width is the same in all directions; what is collinear stays so.
    latitude = np.radians(np.mean(shapely.bounds(geoms)[:, [1, 3]]))
    scale = np.array([np.cos(latitude), 1.0])
    width = closed_m / _METRES_PER_DEG
    flat = shapely.transform(geoms, lambda xy: xy * scale)
    if shapely.coverage_is_valid(flat, gap_width=width):
        return geoms, False
    clean = shapely.coverage_clean(flat, gap_width=width)
    return np.asarray(shapely.transform(clean, lambda xy: xy / scale), dtype=object), True


def _pieces(geoms: Geometries) -> tuple[Integers, Integers, Geometries]:
    """Rows of the areas left and right (-1: none) of each segment, and the lines."""
    rings, ring_area = _rings(geoms)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    node = pd.factorize(xy.view(np.complex128).ravel())[0]
    start = np.flatnonzero(ring[:-1] == ring[1:])
    ring, area = ring[start], ring_area[ring[start]]
    begin, end = node[start], node[start + 1]
    across = _across(begin, end, area)
    # An edge that two areas share is kept on the lower one's side; parts of one area have no border.
    kept = (across < 0) | (area < across)
    meets = np.bincount(np.concatenate([begin[kept], end[kept]]), minlength=len(node))
    order, run = _runs(ring, across, meets[begin] != 2)  # noqa: PLR2004 - a border only passes by
    order, run = order[kept[order]], run[kept[order]]
    lines = strung(xy, start[order], run)
    edge = order[np.flatnonzero(np.diff(run, prepend=-1))]
    left, right = area[edge], across[edge]
    sort = np.lexsort((right, right < 0, left))
    return left[sort], right[sort], lines[sort]


def strung(xy: Floats, start: Integers, run: Integers) -> Geometries:
    """Lines along edges, one for each run of equal numbers; edges are given by the places of their starts."""
    first = np.flatnonzero(np.diff(run, prepend=-1))
    if not len(first):
        return np.empty(0, dtype=object)
    ends = np.append(first[1:], len(run))
    # Each edge gives its first vertex, the last of a run its second one too.
    strung = np.insert(xy[start], ends, xy[start[ends - 1] + 1], axis=0)
    lines = shapely.linestrings(strung, indices=np.repeat(np.arange(len(first)), ends - first + 1))
    return np.asarray(lines, dtype=object)


def _rings(geoms: Geometries) -> tuple[Geometries, Integers]:
    """All rings with their area to the left, and the row of that area."""
    parts, row = shapely.get_parts(shapely.orient_polygons(geoms), return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    return rings, row[part]


def _across(begin: Integers, end: Integers, area: Integers) -> Integers:
    """Area on the other side of each edge, whose ring runs along it the other way; -1 for none."""
    key = (np.minimum(begin, end) << 32) | np.maximum(begin, end)
    order = np.argsort(key)
    twin = np.flatnonzero(key[order[:-1]] == key[order[1:]])
    one, other = order[twin], order[twin + 1]
    across = np.full(len(area), -1, dtype=np.intp)
    across[one], across[other] = area[other], area[one]
    return across


def _runs(ring: Integers, across: Integers, cut: Flags) -> tuple[Integers, Integers]:
    """Edges in an order in which each segment's are consecutive, and the number of the segment of each.

    Rings are turned to begin where a segment begins; one without such a place is a segment of its own.
    """
    first = np.flatnonzero(np.diff(ring, prepend=-1))
    size = np.diff(np.append(first, len(ring)))
    of_ring = np.repeat(np.arange(len(first)), size)
    position = np.arange(len(ring)) - first[of_ring]
    before = first[of_ring] + (position - 1) % size[of_ring]
    begins = cut | (across != across[before])
    turn = np.zeros(len(first), dtype=np.intp)
    turned, at = first_of(of_ring[begins], position[begins])
    turn[turned] = at
    order = first[of_ring] + (position + turn[of_ring]) % size[of_ring]
    run = np.cumsum(begins[order] | (position == 0)) - 1
    return order, run


def first_of(group: Integers, value: Integers) -> tuple[Integers, Integers]:
    """Return each group once, with its smallest value."""
    order = np.lexsort((value, group))
    found, at = np.unique(group[order], return_index=True)
    return found, value[order][at]


# --- rows ------------------------------------------------------------------------------------------------


def _lines(
    codes: Geometries, left: Integers, right: Integers, lines: Geometries, metric: str
) -> pd.DataFrame:
    kind = np.where(right < 0, "outer", "shared")
    along = [
        (codes[a],) if b < 0 else (codes[a], codes[b])
        for a, b in zip(left.tolist(), right.tolist(), strict=True)
    ]
    return _rows(kind, along, lines, metric)


def _gaps(clean: Geometries) -> Geometries:
    """Land with areas all around that belongs to none."""
    union = shapely.get_parts(shapely.coverage_union_all(clean))
    filled = shapely.union_all(shapely.polygons(shapely.get_exterior_ring(union)))
    gaps = shapely.get_parts(shapely.difference(filled, shapely.multipolygons(union)))
    areal = (shapely.get_dimensions(gaps) == _AREAL) & ~shapely.is_empty(gaps)
    return np.asarray(gaps[areal], dtype=object)


def _overlaps(areas: gpd.GeoDataFrame, metric: str, closed_m: float) -> pd.DataFrame:
    """Land that two areas claim, part by part, where it is too wide to be one line."""
    defects = partition.check(areas, None, metric=metric, tolerance_m=closed_m)
    found = defects[defects["kind"].isin(["overlap", "duplicate-geometry"])]
    parts, row = shapely.get_parts(found.geometry.to_numpy(), return_index=True)
    drawn = crs.to_metric(parts, metric)
    wide = 2 * shapely.area(drawn) >= closed_m * shapely.length(drawn)
    return _rows("overlap", [tuple(codes) for codes in found["codes"].iloc[row[wide]]], parts[wide], metric)


def _rows(
    kind: str | npt.NDArray[np.str_], along: Sequence[tuple[str, ...]], geoms: Geometries, metric: str
) -> pd.DataFrame:
    """Borders of one or several kinds as a frame; `along` are the codes of each, left before right."""
    index = pd.RangeIndex(len(geoms))
    drawn = crs.to_metric(geoms, metric)
    areal = shapely.get_dimensions(drawn) == _AREAL
    gap = isinstance(kind, str) and kind == "gap"
    sides = [(None, None) if gap else (*codes, None)[:2] for codes in along]
    return pd.DataFrame(
        {
            "kind": pd.Series(kind, index=index, dtype=object),
            "left_code": pd.Series([left for left, _ in sides], index=index, dtype=object),
            "right_code": pd.Series([right for _, right in sides], index=index, dtype=object),
            "codes": pd.Series(list(along), index=index, dtype=object),
            "length_m": shapely.length(drawn),
            "area_m2": np.where(areal, shapely.area(drawn), np.nan),
            "geometry": geoms,
        }
    )
