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

I and B are decided exactly in the stored coordinates (EPSG:4326, edges straight in degrees). Distances are metres
on the ellipsoid. Codes compare byte by byte. Most points are answered by a cell of :mod:`geo.assign.cells`, the others by the
outlines of the areas near them (:mod:`geo.assign.outlines`); :mod:`geo.assign.lookup` applies the rules.
"""

from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from dataclasses import dataclass
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely
from numpy.typing import ArrayLike

from geo.assign import lookup
from geo.assign.indexing import build, patch, processors
from geo.assign.lookup import BORDER, INSIDE, NEAREST, NONE, OVERLAP, TIE_M

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.intp]

__all__ = ["BORDER", "INSIDE", "NEAREST", "NONE", "OVERLAP", "TIE_M"]  # the rules are part of this module

#: Names of the rules; `Assigned.rule` holds positions in this tuple.
RULES = ("inside", "border", "overlap", "nearest", "none")

#: How far outside all areas a point may lie and still belong to the nearest, metres.
TOLERANCE_M = 50.0

# A degree of latitude is longer than this everywhere.
_DEGREE_M = 110_500.0
# Points that one thread works on at a time: many in each tile, and their order still fits the cache.
_RUN = 1 << 18
# Fewer points are not worth a second thread, or sorting for margins.
_FEW = 1 << 12


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
        Row number of the area across the nearest border, of ``inside`` and ``border`` answers. At the nearest
        point of the answer's border it is the lowest code of the other areas whose borders pass there, to the
        millimetre; else of those that hold that point; else the nearest within the tolerance, ties as above. -1
        where there is none, and where margins were not asked for.
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

    Takes 50 to 80 bytes a vertex (:attr:`nbytes`): an edge has at most four cells, and most have fewer than two. Versions
    made by :meth:`patched` share all but what changed.

    Parameters
    ----------
    areas
        Columns ``code`` (str, unique; of equal codes the first row counts as the lower) and ``geometry``
        (valid polygons or multipolygons, EPSG:4326, lon before lat, not across 180°). No rows at all are
        allowed.
    metric
        The deployment's metric CRS, such as ``EPSG:4547``, for those who draw or measure with these areas; the
        distances told here are of the ellipsoid, whatever it is.
    tolerance_m
        Greatest distance of a ``nearest`` answer, metres; 0 switches that rule off.
    """

    def __init__(self, areas: gpd.GeoDataFrame, *, metric: str, tolerance_m: float = TOLERANCE_M) -> None:
        self.metric = metric
        self.tolerance_m = tolerance_m
        self._built = build(*_columns(areas), tolerance_m)
        self._table = self._built.index.table()

    @property
    def codes(self) -> npt.NDArray[np.object_]:
        """Codes of all areas, by row number."""
        return self._built.codes

    @property
    def nbytes(self) -> int:
        """Bytes of memory that the index takes besides the areas' geometries; versions share most of it."""
        return self._built.index.nbytes

    @property
    def table(self) -> npt.NDArray[np.int64]:
        """Addresses of the arrays for :mod:`geo.assign.lookup`; the index must be kept as long as they are used."""
        return self._table

    def __len__(self) -> int:
        return len(self.codes)

    def assign(self, lon: ArrayLike, lat: ArrayLike, *, margin: bool = False) -> Assigned:
        """Decide for points, in as many threads as there are processors.

        Parameters
        ----------
        lon, lat
            Degrees, EPSG:4326; arrays of one length. One point at a time and all at once give equal answers.
        margin
            Whether to compute `Assigned.margin_m` and `Assigned.neighbour`, which takes most of the time.

        Raises
        ------
        ValueError
            When a coordinate is not finite.
        """
        # Kernels are compiled for arrays that could be written to; those of a frame cannot.
        lon, lat = (np.require(values, dtype=np.float64, requirements=["C", "W"]) for values in (lon, lat))
        if not (np.isfinite(lon).all() and np.isfinite(lat).all()):
            raise ValueError("longitudes and latitudes must be finite numbers")
        count = len(lon)
        answers = _Answers(
            np.empty(count, np.intp), np.empty(count, np.int8), *_margins(count, margin=margin)
        )

        def work(run: slice) -> _Rest:
            return _work(self._table, lon[run], lat[run], answers.part(run), margin=margin)

        runs = [slice(begin, begin + _run(count)) for begin in range(0, count, _run(count))]
        if len(runs) > 1:
            with ThreadPoolExecutor(processors()) as pool:
                rests = list(pool.map(work, runs))
        else:
            rests = [work(run) for run in runs]
        return self._assigned(answers, runs, rests)

    def _assigned(self, answers: "_Answers", runs: list[slice], rests: list["_Rest"]) -> Assigned:
        """Put the runs together."""
        distance_m = np.broadcast_to(np.nan, len(answers.area))
        if any(len(rest.near_point) for rest in rests):
            distance_m = distance_m.copy()
            for run, rest in zip(runs, rests, strict=True):
                distance_m[run][rest.near_point] = rest.near_m
        none = np.empty(0, dtype=np.intp)
        listed = [rest.listed_point + run.start for run, rest in zip(runs, rests, strict=True)]
        return Assigned(
            area=answers.area,
            rule=answers.rule,
            distance_m=distance_m,
            margin_m=answers.margin_m,
            neighbour=answers.neighbour,
            codes=self.codes,
            listed_point=np.concatenate([none, *listed]),
            listed_area=np.concatenate([none, *(rest.listed_area for rest in rests)]),
        )

    def one(self, lon: float, lat: float, *, margin: bool = True) -> One:
        """Decide for one point, with its margin and neighbour unless they are not wanted.

        Raises
        ------
        ValueError
            When a coordinate is not finite.
        """
        area, rule, distance_m, margin_m, neighbour = lookup.one(self._table, float(lon), float(lat), margin)
        if rule == INSIDE:
            return One(area, rule, distance_m, margin_m, neighbour, (area,))
        if rule == lookup.NOT_FINITE:
            raise ValueError("longitude and latitude must be finite numbers")
        listed = (
            () if rule == NONE else tuple(lookup.candidates(self._table, float(lon), float(lat)).tolist())
        )
        return One(area, rule, distance_m, margin_m, neighbour, listed)

    def patched(self, upserts: gpd.GeoDataFrame, removed: Collection[str]) -> "AreaIndex":
        """Index the areas after a change; this index stays as it is, and shares what did not change.

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
        changed, built = copy(self), patch(self._built, *_columns(upserts), removed)
        vars(changed).update(_built=built, _table=built.index.table())
        return changed


def compile_kernels() -> None:
    """Compile all that an index does into numba's cache, so that no request waits for the compiler."""
    squares = shapely.box([0.0, 1.0, 1.0, 3.0], 0.0, [1.0, 2.0, 2.5, 4.0], 1.0)
    areas = gpd.GeoDataFrame({"code": ["a", "b", "c", "d"]}, geometry=squares, crs="EPSG:4326")
    index = AreaIndex(areas, metric="EPSG:4547").patched(areas[:1], ["d"])
    lon = np.linspace(-0.1, 3.0001, _FEW * (processors() + 1))
    index.assign(lon, np.full_like(lon, 0.5), margin=True)
    for place in (0.5, 1.0, 1.5, 3.0001):
        index.one(place, 0.5)


class _Answers(NamedTuple):
    """Room for the answers to points."""

    area: Integers
    rule: npt.NDArray[np.int8]
    margin_m: Floats
    neighbour: Integers

    def part(self, run: slice) -> "_Answers":
        """Room for a run of the points."""
        return _Answers(self.area[run], self.rule[run], self.margin_m[run], self.neighbour[run])


class _Rest(NamedTuple):
    """What only some points of a run have: candidates, and a distance."""

    listed_point: Integers
    listed_area: Integers
    near_point: Integers
    near_m: Floats


def _work(
    table: npt.NDArray[np.int64], lon: Floats, lat: Floats, answers: _Answers, *, margin: bool
) -> _Rest:
    """Answer for a run of points."""
    lookup.assign_simple(table, lon, lat, answers.area, answers.rule)
    rest = _Rest(*lookup.assign_rest(table, lon, lat, answers.area, answers.rule))
    if margin:
        sorts = len(lon) > _FEW
        order = lookup.by_tile(table, lon, lat) if sorts else np.arange(len(lon), dtype=np.int32)
        lookup.margins(table, lon, lat, order, *answers)
        lookup.to_rows(table, answers.neighbour)
    lookup.to_rows(table, answers.area)
    lookup.to_rows(table, rest.listed_area)
    return rest


def _margins(count: int, *, margin: bool) -> tuple[Floats, Integers]:
    """Room for margins and neighbours; where they are not asked for, one value that takes none."""
    if margin:
        return np.empty(count), np.empty(count, dtype=np.intp)
    return np.broadcast_to(np.nan, count), np.broadcast_to(np.intp(-1), count)


def _run(count: int) -> int:
    """How many points a thread takes at a time."""
    return min(max(-(-count // processors()), _FEW), _RUN)


def _columns(areas: gpd.GeoDataFrame) -> tuple[npt.NDArray[np.object_], npt.NDArray[np.object_]]:
    return areas["code"].to_numpy(dtype=object), np.asarray(areas.geometry.array, dtype=object)


def window(lon: Floats, lat: Floats, distance_m: float) -> tuple[Floats, Floats, Floats, Floats]:
    """Boxes that hold all within a distance of points: west, south, east, north in degrees; a little larger."""
    east, north = _degrees(distance_m, lat)
    return lon - east, lat - north, lon + east, lat + north


def _degrees(distance_m: float, lat: Floats) -> tuple[Floats, float]:
    """Degrees of longitude, and of latitude, that are no shorter than a distance at some latitudes."""
    north = distance_m / _DEGREE_M
    cosine = np.cos(np.radians(np.minimum(np.abs(lat) + north, 90.0)))
    return np.minimum(north / np.maximum(cosine, 1e-12), 360.0), north
