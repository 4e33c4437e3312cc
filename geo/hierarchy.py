"""Which area belongs to which: parents by code and by place, generated codes, compounds in grids.

Codes compare as text, code point by code point, which for the UTF-8 codes of the database is byte by byte.
"""

from collections.abc import Collection, Mapping, Sequence

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import ArrayLike, NDArray

from geo import crs, homes
from geo.assign import TOLERANCE_M
from geo.faults import DataError, Fault
from geo.levels import LEVELS

Objects = NDArray[np.object_]
Ints = NDArray[np.intp]
Floats = NDArray[np.float64]

#: A part below this share of the whole is a drawing inaccuracy, not a relation.
LEAST_SHARE = 0.001


def compound_shares(
    compounds: gpd.GeoDataFrame,
    areas: gpd.GeoDataFrame,
    *,
    metric: str,
    buildings: gpd.GeoDataFrame | None = None,
    tolerance_m: float = TOLERANCE_M,
) -> pd.DataFrame:
    """Which share of each compound lies in which grid: by its buildings where known, else by area.

    By buildings as in :func:`geo.homes.shares`. Of a compound none of whose buildings stands in a grid, a polygon
    is shared by area, and a point lies in one grid: the lowest code of those that hold it in their interior, else
    of those on whose border it lies. Parts of the area below :data:`LEAST_SHARE` of the compound are left out. The
    shares of a compound add up to 1 over its part inside grids; one outside all grids has no row.

    Parameters
    ----------
    compounds
        Layer frame: index id, column ``code``, polygons or points, valid, EPSG:4326.
    areas
        Grids of one scheme with column ``code``, valid, EPSG:4326. Where they overlap, the common part
        counts for both.
    metric
        Metric CRS in which areas are measured.
    buildings
        As for :func:`geo.homes.shares`; none by default.
    tolerance_m
        How far outside all grids a building may stand and still belong to the nearest, metres.

    Returns
    -------
    DataFrame
        Columns ``compound_id, compound_code, grid_code, share``, ordered by compound and grid code.
    """
    known = [np.empty(0, dtype=np.intp)] * 2 + [np.empty(0)]
    if buildings is not None and len(buildings):
        known = list(homes.shares(compounds, buildings, areas, metric=metric, tolerance_m=tolerance_m))
    rest = np.setdiff1d(np.arange(len(compounds)), known[0])
    row, area, share = _shares(compounds.iloc[rest], areas, metric)
    row, area, share = (np.concatenate(both) for both in zip(known, (rest[row], area, share), strict=True))
    links = pd.DataFrame(
        {
            "compound_id": compounds.index.to_numpy()[row],
            "compound_code": compounds["code"].to_numpy()[row],
            "grid_code": areas["code"].to_numpy()[area],
            "share": share,
        }
    )
    return links.sort_values(["compound_code", "grid_code"], ignore_index=True)


def estate_compounds(estates: gpd.GeoDataFrame, compounds: gpd.GeoDataFrame, *, metric: str) -> pd.DataFrame:
    """Which share of each old estate lies in which compound.

    By area over compounds drawn as polygons. An estate that overlaps none of them, but holds compounds known
    as points only, is shared by these equally. An estate without either has no row.

    Parameters
    ----------
    estates, compounds
        Layer frames with column ``code``, valid, EPSG:4326.
    metric
        Metric CRS in which areas are measured.

    Returns
    -------
    DataFrame
        Columns ``old_estate_code, compound_code, share``; shares of an estate add up to 1.
    """
    points = shapely.get_dimensions(compounds.geometry.to_numpy()) == 0
    row, compound, share = _shares(estates, compounds[~points], metric)
    compound = np.flatnonzero(~points)[compound]
    lone = np.flatnonzero(~np.isin(np.arange(len(estates)), row))
    found, point = shapely.STRtree(compounds.geometry.to_numpy()[points]).query(
        estates.geometry.to_numpy()[lone], predicate="intersects"
    )
    equal = 1.0 / np.bincount(found, minlength=len(lone))[found]
    links = pd.DataFrame(
        {
            "old_estate_code": estates["code"].to_numpy()[np.concatenate([row, lone[found]])],
            "compound_code": compounds["code"].to_numpy()[
                np.concatenate([compound, np.flatnonzero(points)[point]])
            ],
            "share": np.concatenate([share, equal]),
        }
    )
    return links.sort_values(["old_estate_code", "compound_code"], ignore_index=True)


def compounds_in_estates(
    compounds: gpd.GeoDataFrame, estates: gpd.GeoDataFrame, *, metric: str
) -> pd.DataFrame:
    """Which share of each compound lies in which old estate.

    By area; a compound known as a point lies whole in one estate or in none, as in :func:`holders`. Parts below
    :data:`LEAST_SHARE` of the compound are left out, and what is left outside all estates by less belongs to them. Where
    estates overlap, they share the common part, so that nobody counts twice.

    Parameters
    ----------
    compounds, estates
        Layer frames with column ``code``, valid, EPSG:4326.
    metric
        Metric CRS in which areas are measured.

    Returns
    -------
    DataFrame
        Columns ``compound_code, old_estate_code, share``; shares of a compound add up to 1 at most. A compound
        outside all estates has no row.
    """
    outlines = compounds.geometry.to_numpy()
    drawn = np.flatnonzero(shapely.get_dimensions(outlines) > 0)
    row, estate, size = _overlaps(outlines[drawn], estates.geometry.to_numpy(), metric)
    share = size / np.asarray(shapely.area(crs.to_metric(outlines[drawn], metric)))[row]
    kept = share >= LEAST_SHARE
    row, estate, share = drawn[row[kept]], estate[kept], share[kept]
    lone = np.setdiff1d(np.arange(len(outlines)), drawn)
    held = holders(outlines[lone], estates)
    row = np.concatenate([row, lone[held >= 0]])
    estate = np.concatenate([estate, held[held >= 0]])
    share = np.concatenate([share, np.ones(int((held >= 0).sum()))])
    whole = np.bincount(row, weights=share, minlength=len(outlines))[row]
    share = np.where(whole > 1.0 - LEAST_SHARE, share / whole, share)
    links = pd.DataFrame(
        {
            "compound_code": compounds["code"].to_numpy()[row],
            "old_estate_code": estates["code"].to_numpy()[estate],
            "share": share,
        }
    )
    return links.sort_values(["compound_code", "old_estate_code"], ignore_index=True)


def _shares(features: gpd.GeoDataFrame, areas: gpd.GeoDataFrame, metric: str) -> tuple[Ints, Ints, Floats]:
    """Pairs (row of features, row of areas) with the share of the feature in the area, adding up to 1."""
    points = shapely.get_dimensions(features.geometry.to_numpy()) == 0
    row, area, size = _overlaps(features.geometry.to_numpy(), areas.geometry.to_numpy(), metric)
    whole = np.bincount(row, weights=size, minlength=len(features))
    kept = (size > 0) & (size >= LEAST_SHARE * whole[row]) & ~points[row]
    row, area, size = row[kept], area[kept], size[kept]
    held = holders(features.geometry.to_numpy()[points], areas)
    known = held >= 0
    row = np.concatenate([row, np.flatnonzero(points)[known]])
    area = np.concatenate([area, held[known]])
    size = np.concatenate([size, np.ones(int(known.sum()))])
    share = size / np.bincount(row, weights=size, minlength=len(features))[row]
    return row, area, share


def _overlaps(geoms: Objects, areas: Objects, metric: str) -> tuple[Ints, Ints, Floats]:
    """Pairs that touch or overlap, with the common area in m2."""
    row, area = shapely.STRtree(areas).query(geoms, predicate="intersects")
    ours, theirs = crs.to_metric(geoms, metric), crs.to_metric(areas, metric)
    shapely.prepare(theirs)
    size = np.asarray(shapely.area(ours), dtype=np.float64)[row]
    parted = ~shapely.contains_properly(theirs[area], ours[row])
    common = shapely.intersection(ours[row[parted]], theirs[area[parted]])
    size[parted] = shapely.area(common)
    return row, area, size


def holders(points: ArrayLike, areas: gpd.GeoDataFrame) -> Ints:
    """Row of the area that holds each point, -1 where none does.

    The lowest code of the areas that hold the point in their interior, else of those on whose border it lies;
    decided in the coordinates given.
    """
    given = np.asarray(points, dtype=object)
    polygons = areas.geometry.to_numpy()
    point, area = shapely.STRtree(polygons).query(given, predicate="intersects")
    border = ~shapely.contains(polygons[area], given[point])
    order = np.lexsort((_rank(areas["code"].to_numpy())[area], border, point))
    result = np.full(len(given), -1, dtype=np.intp)
    # Written backwards, so that the first of each point in the order stands.
    result[point[order][::-1]] = area[order][::-1]
    return result


def _rank(codes: Objects) -> Ints:
    return np.unique(codes.astype(str), return_inverse=True)[1].astype(np.intp)


def parents_by_code(codes: Sequence[str | None], parent_codes: Collection[str]) -> Objects:
    """Longest code of `parent_codes` with which each code starts; None where there is none."""
    known = set(parent_codes)
    lengths = sorted({len(code) for code in known}, reverse=True)
    found = [
        next((code[:n] for n in lengths if n < len(code) and code[:n] in known), None) if code else None
        for code in codes
    ]
    return np.array(found, dtype=object)


def parents_by_location(areas: gpd.GeoDataFrame, parents: gpd.GeoDataFrame, *, metric: str) -> pd.DataFrame:
    """Parent in which the largest part of each area lies.

    Parameters
    ----------
    areas, parents
        Valid polygons, EPSG:4326; `parents` with column ``code``.
    metric
        Metric CRS in which areas are measured.

    Returns
    -------
    DataFrame
        Aligned with `areas`: ``parent_code`` (None where an area overlaps no parent) and ``share`` of the area
        inside that parent (0 to 1). Of equal parts the lowest code is taken.
    """
    row, parent, size = _overlaps(areas.geometry.to_numpy(), parents.geometry.to_numpy(), metric)
    order = np.lexsort((_rank(parents["code"].to_numpy())[parent], -size, row))
    row, parent, size = row[order], parent[order], size[order]
    first = np.unique(row, return_index=True)[1]
    first = first[size[first] > 0]
    code = np.full(len(areas), None, dtype=object)
    code[row[first]] = parents["code"].to_numpy()[parent[first]]
    share = np.zeros(len(areas))
    share[row[first]] = size[first]
    whole = np.asarray(shapely.area(crs.to_metric(areas.geometry.to_numpy(), metric)))
    share = np.divide(share, whole, out=np.zeros(len(areas)), where=whole > 0)
    parent_code = pd.Series(code, index=areas.index, dtype=object)
    return pd.DataFrame({"parent_code": parent_code, "share": share}, index=areas.index)


def paths(areas: Mapping[str, pd.DataFrame]) -> dict[tuple[str, str], dict[str, str]]:
    """Codes by level, from the top down to each area; a parent is in the nearest level above that has its code.

    Parameters
    ----------
    areas
        By level: ``code`` and ``parent_code`` (may be missing).

    Returns
    -------
    dict
        By level and code of an area: the codes of the areas it lies in and its own, by level, top level first.
    """
    found: dict[tuple[str, str], dict[str, str]] = {}
    for depth, level in enumerate(LEVELS):
        if level not in areas:
            continue
        for code, parent in zip(areas[level]["code"], areas[level]["parent_code"], strict=True):
            above = next(
                (found[upper, parent] for upper in reversed(LEVELS[:depth]) if (upper, parent) in found), {}
            )
            found[level, code] = {**above, level: code}
    return found


def reading_order(lon: ArrayLike, lat: ArrayLike) -> Ints:
    """Order of points as the standard numbers grids: rows from north to south, each from west to east.

    A row is as high as a square that holds one of the points on average.
    """
    lon, lat = np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)
    if not len(lon):
        return np.empty(0, dtype=np.intp)
    rows = max(1.0, np.floor(np.sqrt(len(lon))))
    height = np.ptp(lat) / rows
    row = np.minimum((lat.max() - lat) // height, rows - 1) if height > 0 else np.zeros(len(lat))
    return np.lexsort((-lat, lon, row)).astype(np.intp)


def generate_codes(
    geoms: ArrayLike, prefixes: Sequence[str], taken: Collection[str], *, width: int
) -> Objects:
    """Codes for areas that have none: prefix plus the next free number in reading order.

    Numbers start at 1 within each prefix and skip codes in `taken`: a code once given, retired ones included,
    is never given to another feature.

    Parameters
    ----------
    geoms
        Areas or points, EPSG:4326.
    prefixes
        The parent's code for each, filled up with zeros where a level is missing in between.
    width
        Digits of the number.

    Raises
    ------
    DataError
        ``code-malformed`` when a prefix has more features than `width` digits can number.

    References
    ----------
    GB/T 30428.1-2013: three digits, 001 to 999, inside a community, west to east and north to south.
    """
    points = shapely.point_on_surface(np.asarray(geoms, dtype=object))
    used = set(taken)
    codes = np.full(len(points), None, dtype=object)
    for prefix, rows in pd.Series(range(len(points))).groupby(np.asarray(prefixes, dtype=object)):
        numbers = rows.to_numpy()
        ordered = numbers[reading_order(shapely.get_x(points[numbers]), shapely.get_y(points[numbers]))]
        free = (code for n in range(1, 10**width) if (code := f"{prefix}{n:0{width}d}") not in used)
        given = [code for _, code in zip(ordered, free, strict=False)]
        if len(given) < len(ordered):
            message = f"{len(ordered)} features below {prefix} need a number, {len(given)} are left in {width} digits."
            raise DataError(Fault(kind="code-malformed", field="code", id=str(prefix), message=message))
        codes[ordered] = given
    return codes
