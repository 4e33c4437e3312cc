"""Which area a point belongs to, and by which rule: the only place where that is decided.

With I = the areas that hold the point in their interior and B = the areas on whose boundary it lies:

========  =====================================================  =========================================
rule      when                                                   answer
========  =====================================================  =========================================
inside    I has one, B none                                      that area
border    I empty, B one or more (the outer border too)          the lowest code of B; all are candidates
overlap   I one or more, and two or more in I and B together     the lowest code of I; all are candidates
nearest   none touched, one within the tolerance                 the nearest; distances within 1 mm of the
                                                                 least are tied, the lowest code of them
none      otherwise                                              no area
========  =====================================================  =========================================

I and B are decided by GEOS's exact predicates in the stored coordinates (EPSG:4326, edges straight in
degrees). Distances are metres on the ellipsoid. Codes compare byte by byte.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from numpy.typing import ArrayLike

from geo import cells, crs

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.intp]
Flags = npt.NDArray[np.bool_]
Geometries = npt.NDArray[np.object_]

#: Names of the rules; `Assigned.rule` holds positions in this tuple.
RULES = ("inside", "border", "overlap", "nearest", "none")
INSIDE, BORDER, OVERLAP, NEAREST, NONE = range(len(RULES))

#: How far outside all areas a point may lie and still belong to the nearest, metres.
TOLERANCE_M = 50.0
#: Distances that differ by less are tied, metres.
TIE_M = 0.001

# A stored edge is straight in degrees; projected, a chord of this length leaves it by 0.1 mm in China.
_CHORD_DEG = 0.001
# What is not on a border has a positive distance to it even where rounding gives zero.
_LEAST_M = 1e-9
# Two points this far apart measure the local scale of the metric CRS.
_PROBE_DEG = 1e-4
# WGS84 ellipsoid.
_AXIS_M, _ECCENTRICITY2 = 6378137.0, 0.0066943799901413165
# A degree of latitude is longer than this everywhere.
_DEGREE_M = 110_500.0
_NO_PAIRS = (np.empty(0, dtype=np.intp), np.empty(0, dtype=np.intp))


@dataclass(frozen=True, slots=True)
class Assigned:
    """Answers for points, in their order.

    Attributes
    ----------
    area
        Row number of the area in the frame the index was made of; -1 where there is none.
    rule
        ``int8`` position in :data:`RULES`.
    distance_m
        Metres to the area of a ``nearest`` answer; NaN otherwise.
    margin_m
        Metres from an ``inside`` point to its area's border, always positive; 0 for ``border``; NaN otherwise,
        and where margins were not asked for.
    neighbour
        Row number of the area across the nearest border, of ``inside`` and ``border`` answers: the area
        nearest to the nearest point of the border, the answer itself left out, within the tolerance,
        ties as above. -1 where there is none, and where margins were not asked for.
    codes
        Codes of all areas, by row number.
    listed_point, listed_area
        Pairs of point and area, sorted by point and then by code: the candidates of all ``border``,
        ``overlap`` and ``nearest`` answers.
    """

    area: Integers
    rule: npt.NDArray[np.int8]
    distance_m: Floats
    margin_m: Floats
    neighbour: Integers
    codes: npt.NDArray[np.object_]
    listed_point: Integers
    listed_area: Integers

    def __len__(self) -> int:
        return len(self.area)

    @property
    def area_code(self) -> npt.NDArray[np.object_]:
        """Code of each answer, None where there is none."""
        codes = np.empty(len(self.codes) + 1, dtype=object)
        codes[:-1] = self.codes
        found: npt.NDArray[np.object_] = codes[self.area]
        return found

    @property
    def rule_name(self) -> npt.NDArray[np.object_]:
        """Name of each rule."""
        names: npt.NDArray[np.object_] = np.array(RULES, dtype=object)[self.rule]
        return names

    def candidates(self, point: int) -> list[str]:
        """Codes that were considered for one point, lowest first: the areas it touches, or those nearest."""
        first, last = np.searchsorted(self.listed_point, [point, point + 1])
        if first < last:
            return [str(code) for code in self.codes[self.listed_area[first:last]]]
        return [str(self.codes[self.area[point]])] if self.area[point] >= 0 else []


class One(NamedTuple):
    """Answer for one point: what :class:`Assigned` says of it.

    ``area`` and ``neighbour`` are row numbers, -1 where there is none; ``rule`` is a position in
    :data:`RULES`; distances are metres, NaN where the rule has none. ``listed`` holds the row numbers of the
    candidates, by code.
    """

    area: int
    rule: int
    distance_m: float
    margin_m: float
    neighbour: int
    listed: tuple[int, ...]


class AreaIndex:
    """Areas of one level and scheme, ready to be asked; immutable, and safe to share between threads.

    Parameters
    ----------
    areas
        Columns ``code`` (str, unique; of equal codes the first row counts as the lower) and ``geometry``
        (valid polygons or multipolygons, EPSG:4326, lon before lat). No rows at all are allowed.
    metric
        The deployment's metric CRS, such as ``EPSG:4547``; conformal, and meant for the place: distances are
        corrected by its local scale and stay within 0.05 % (or 1 cm) of the geodesic where that scale is
        the same along the measured line, which holds for lines up to tens of kilometres in a zone.
    tolerance_m
        Greatest distance of a ``nearest`` answer, metres; 0 switches that rule off.

    Raises
    ------
    DataError
        When `metric` is not understood.
    """

    def __init__(self, areas: gpd.GeoDataFrame, *, metric: str, tolerance_m: float = TOLERANCE_M) -> None:
        self.codes: npt.NDArray[np.object_] = areas["code"].to_numpy(dtype=object)
        self._frame = areas[["code", "geometry"]]
        self.metric = metric
        self.tolerance_m = tolerance_m
        # Inside, areas are numbered in the order of their codes: the lowest code is the smallest number.
        # Python compares text by code point, which is the byte order of UTF-8.
        order = sorted(range(len(self.codes)), key=self.codes.__getitem__)
        # One more place at the end, so that -1 stays -1.
        self._rows = np.array([*order, -1], dtype=np.intp)
        self._areas: Geometries = np.asarray(areas.geometry.array, dtype=object)[order]
        fine = shapely.segmentize(self._areas, _CHORD_DEG)
        self._borders: Geometries = shapely.boundary(crs.to_metric(fine, metric))
        self._reference = crs.parse(metric)
        self._tree = shapely.STRtree(self._areas)
        self._prepare()
        self._cells = cells.label(self._areas, self._label, clearance=self._clearance())

    def _prepare(self) -> None:
        """Build all that GEOS builds at first use, which would not be safe in two threads at once."""
        shapely.prepare(self._areas)
        shapely.prepare(self._borders)
        inner = shapely.point_on_surface(self._areas)
        shapely.contains(self._areas, inner)
        shapely.intersects(self._areas, inner)
        shapely.dwithin(self._borders, self._borders, 0.0)
        self._tree.query(inner[:1])

    def __len__(self) -> int:
        return len(self.codes)

    def assign(self, lon: ArrayLike, lat: ArrayLike, *, margin: bool = False) -> Assigned:
        """Decide for points.

        Parameters
        ----------
        lon, lat
            Degrees, EPSG:4326; arrays of one length. One point at a time and all at once give equal answers.
        margin
            Whether to compute `Assigned.margin_m`, which takes most of the time.

        Raises
        ------
        ValueError
            When a coordinate is not finite.
        """
        lon, lat = np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)
        if not (np.isfinite(lon).all() and np.isfinite(lat).all()):
            raise ValueError("longitudes and latitudes must be finite numbers")
        area = self._cells.find(lon, lat)
        rule = np.where(area >= 0, INSIDE, NONE).astype(np.int8)
        distance_m = np.full(len(lon), np.nan)
        unsure = np.flatnonzero(area == cells.UNDECIDED)
        listed_point, listed_area = _NO_PAIRS
        if unsure.size:
            exact = self._decide(lon[unsure], lat[unsure])
            area[unsure], rule[unsure], distance_m[unsure], listed_point, listed_area = exact
        margin_m, neighbour = np.full(len(lon), np.nan), np.full(len(lon), -1)
        if margin:
            margin_m, neighbour = self._margin(lon, lat, area, rule)
        return Assigned(
            area=self._rows[area],
            rule=rule,
            distance_m=distance_m,
            margin_m=margin_m,
            neighbour=self._rows[neighbour],
            codes=self.codes,
            listed_point=unsure[listed_point],
            listed_area=self._rows[listed_area],
        )

    def one(self, lon: float, lat: float, *, margin: bool = True) -> One:
        """Decide for one point, with its margin and neighbour unless they are not wanted.

        Raises
        ------
        ValueError
            When a coordinate is not finite.
        """
        found = self.assign([lon], [lat], margin=margin)
        area = int(found.area[0])
        listed = tuple(found.listed_area.tolist()) or ((area,) if area >= 0 else ())
        return One(
            area,
            int(found.rule[0]),
            float(found.distance_m[0]),
            float(found.margin_m[0]),
            int(found.neighbour[0]),
            listed,
        )

    def patched(self, upserts: gpd.GeoDataFrame, removed: Collection[str]) -> "AreaIndex":
        """Index the areas after a change; this index stays as it is.

        Parameters
        ----------
        upserts
            Columns ``code`` and ``geometry``: areas with another shape, and new ones.
        removed
            Codes of areas that are no more.

        Returns
        -------
        AreaIndex
            Gives every answer that a new index of the changed areas would give. Areas that stay keep their
            order, new ones come after them in the order of `upserts`: ``codes`` tells.
        """
        kept = self._frame[~self._frame["code"].isin(list(removed))]
        changed = upserts.set_index("code").geometry
        stays = kept["code"].isin(changed.index).to_numpy()
        shapes = kept.geometry.to_numpy().copy()
        shapes[stays] = changed[kept["code"][stays]].to_numpy()
        new = changed[~changed.index.isin(kept["code"])]
        frame = gpd.GeoDataFrame(
            {"code": pd.concat([kept["code"], new.index.to_series()]).to_numpy(dtype=object)},
            geometry=np.concatenate([shapes, new.to_numpy()]),
            crs=self._frame.crs,
        )
        return AreaIndex(frame, metric=self.metric, tolerance_m=self.tolerance_m)

    def _decide(
        self, lon: Floats, lat: Floats
    ) -> tuple[Integers, npt.NDArray[np.int8], Floats, Integers, Integers]:
        """Area, rule and distance of points, and the pairs of point and area that are listed as candidates."""
        point, touched, inner = self._touch(lon, lat)
        area, rule = _decide(len(lon), point, touched, inner)
        listed = np.isin(rule, (BORDER, OVERLAP))[point]
        distance_m = np.full(len(lon), np.nan)
        outside = np.flatnonzero(rule == NONE)
        near_point, near_area, near_m = self._near(lon[outside], lat[outside])
        # The pairs are sorted by point and area: the first pair of a point has its lowest code.
        nearest, first = np.unique(near_point, return_index=True)
        nearest = outside[nearest]
        area[nearest], rule[nearest], distance_m[nearest] = near_area[first], NEAREST, near_m[first]
        listed_point = np.concatenate([point[listed], outside[near_point]])
        listed_area = np.concatenate([touched[listed], near_area])
        order = np.lexsort((listed_area, listed_point))
        return area, rule, distance_m, listed_point[order], listed_area[order]

    def _clearance(self) -> tuple[float, float]:
        """Degrees of longitude and latitude that hold the tolerance everywhere over the areas."""
        latitudes = shapely.bounds(self._areas)[:, [1, 3]]
        furthest = np.nanmax(np.abs(latitudes), initial=0.0)
        east, north = _degrees(self.tolerance_m, np.array([furthest]))
        return float(east[0]), north

    def _label(self, lon: Floats, lat: Floats) -> Integers:
        """Label of cells by their middles: the only area that holds one, outside, or undecided."""
        point, area, inner = self._touch(lon, lat)
        decided, rule = _decide(len(lon), point, area, inner)
        return np.where(rule == INSIDE, decided, np.where(rule == NONE, cells.OUTSIDE, cells.UNDECIDED))

    def _touch(self, lon: Floats, lat: Floats) -> tuple[Integers, Integers, Flags]:
        """Pairs of point and area that touch, and whether the point lies in the interior."""
        point, area = _by_area(self._tree.query(shapely.points(lon, lat)))
        inner = shapely.contains_xy(self._areas[area], lon[point], lat[point])
        touched = inner.copy()
        rest = np.flatnonzero(~inner)
        touched[rest] = shapely.intersects_xy(self._areas[area[rest]], lon[point[rest]], lat[point[rest]])
        return point[touched], area[touched], inner[touched]

    def _near(self, lon: Floats, lat: Floats) -> tuple[Integers, Integers, Floats]:
        """Pairs of point and area tied for the nearest, sorted; and their distances, metres.

        No area holds the points, so the distance to an area is the distance to its border.
        """
        if not (len(lon) and self.tolerance_m > 0):
            return *_NO_PAIRS, np.empty(0)
        point, area = self._tree.query(shapely.box(*window(lon, lat, self.tolerance_m)))
        within_m = self.tolerance_m + 2 * TIE_M
        distance_m = self._distance(lon, lat, (point, area), within_m=within_m)
        least = np.full(len(lon), np.inf)
        np.minimum.at(least, point, distance_m)
        near = np.flatnonzero((least[point] <= self.tolerance_m) & (distance_m <= least[point] + TIE_M))
        near = near[np.lexsort((area[near], point[near]))]
        return point[near], area[near], distance_m[near]

    def _margin(
        self, lon: Floats, lat: Floats, area: Integers, rule: npt.NDArray[np.int8]
    ) -> tuple[Floats, Integers]:
        """Metres from each point to the border of its area, and the area across it."""
        margin_m = np.where(rule == BORDER, 0.0, np.nan)
        neighbour = np.full(len(lon), -1)
        inner = np.flatnonzero(rule == INSIDE)
        point, held = _by_area((inner, area[inner]))
        margin_m[point] = self._distance(lon, lat, (point, held))
        at_lon, at_lat = lon.copy(), lat.copy()
        x, y = crs.from_lonlat(lon[point], lat[point], self._reference)
        line = shapely.shortest_line(self._borders[held], shapely.points(x, y))
        x, y = shapely.get_coordinates(line).reshape(-1, 2, 2)[:, 0].T
        at_lon[point], at_lat[point] = crs.to_lonlat(x, y, self._reference)
        bordered = np.flatnonzero(np.isin(rule, (INSIDE, BORDER)))
        neighbour[bordered] = self._across(at_lon[bordered], at_lat[bordered], area[bordered])
        return margin_m, neighbour

    def _across(self, lon: Floats, lat: Floats, own: Integers) -> Integers:
        """Nearest area to points on the border of their own, that one left out."""
        within_m = max(self.tolerance_m, TIE_M)
        point, area = self._tree.query(shapely.box(*window(lon, lat, within_m)))
        other = area != own[point]
        point, area = point[other], area[other]
        distance_m = self._distance(lon, lat, (point, area), within_m=within_m + TIE_M)
        distance_m[shapely.contains_xy(self._areas[area], lon[point], lat[point])] = 0.0
        least = np.full(len(lon), np.inf)
        np.minimum.at(least, point, distance_m)
        near = (least[point] <= within_m) & (distance_m <= least[point] + TIE_M)
        lowest = np.full(len(lon), len(self))
        np.minimum.at(lowest, point[near], area[near])
        return np.where(lowest == len(self), -1, lowest)

    def _distance(
        self, lon: Floats, lat: Floats, pairs: tuple[Integers, Integers], *, within_m: float = np.inf
    ) -> Floats:
        """Metres on the ellipsoid between points and borders, pair by pair; infinite beyond `within_m`.

        The points lie on no border.
        """
        point, area = pairs
        used, place = np.unique(point, return_inverse=True)
        x, y = crs.from_lonlat(lon[used], lat[used], self._reference)
        probe_x, probe_y = crs.from_lonlat(lon[used], lat[used] + _PROBE_DEG, self._reference)
        radians = np.radians(lat[used] + _PROBE_DEG / 2)
        meridian_m = _AXIS_M * (1 - _ECCENTRICITY2) / (1 - _ECCENTRICITY2 * np.sin(radians) ** 2) ** 1.5
        scale = np.hypot(probe_x - x, probe_y - y) / (np.radians(_PROBE_DEG) * meridian_m)
        plane = np.full(len(point), np.inf)
        points, borders, scale = shapely.points(x, y)[place], self._borders[area], scale[place]
        close = shapely.dwithin(borders, points, within_m * scale) if np.isfinite(within_m) else slice(None)
        # Looked up in the prepared border's index; `shapely.distance` would walk all of its edges.
        ends = shapely.get_coordinates(shapely.shortest_line(borders[close], points[close])).reshape(-1, 2, 2)
        plane[close] = np.hypot(*(ends[:, 1] - ends[:, 0]).T)
        measured: Floats = np.maximum(plane / scale, _LEAST_M)
        return measured


def _by_area(pairs: tuple[Integers, Integers]) -> tuple[Integers, Integers]:
    """Sort pairs of point and area by area: its edges then stay in the processor's cache."""
    point, area = pairs
    order = np.argsort(area, kind="stable")
    return point[order], area[order]


def window(lon: Floats, lat: Floats, distance_m: float) -> tuple[Floats, Floats, Floats, Floats]:
    """Boxes that hold all within a distance of points: west, south, east, north in degrees; a little larger."""
    east, north = _degrees(distance_m, lat)
    return lon - east, lat - north, lon + east, lat + north


def _degrees(distance_m: float, lat: Floats) -> tuple[Floats, float]:
    """Degrees of longitude, and of latitude, that are no shorter than a distance at some latitudes."""
    north = distance_m / _DEGREE_M
    cosine = np.cos(np.radians(np.minimum(np.abs(lat) + north, 90.0)))
    return np.minimum(north / np.maximum(cosine, 1e-12), 360.0), north


def _decide(
    count: int, point: Integers, area: Integers, inner: Flags
) -> tuple[Integers, npt.NDArray[np.int8]]:
    """Apply the rules inside, border and overlap; number of the area (-1: none) and the rule of each point.

    The pairs hold every area that a point touches once; areas are numbered by code.
    """
    interior = np.bincount(point[inner], minlength=count)
    touched = np.bincount(point, minlength=count)
    rule = np.full(count, NONE, dtype=np.int8)
    rule[(interior == 0) & (touched > 0)] = BORDER
    rule[interior > 0] = OVERLAP
    rule[(interior == 1) & (touched == 1)] = INSIDE
    none = np.iinfo(np.intp).max
    lowest = np.full(count, none)
    eligible = inner | (interior[point] == 0)
    np.minimum.at(lowest, point[eligible], area[eligible])
    return np.where(lowest == none, -1, lowest), rule
