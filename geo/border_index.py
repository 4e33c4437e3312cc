"""Which border is to blame for a doubtful answer: points and borders of one layer of areas, in one pass."""

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from numpy.typing import ArrayLike

from geo import assign, crs
from geo.borders import CLOSED_M, borders, first_of, strung

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.intp]
Flags = npt.NDArray[np.bool_]
Geometries = npt.NDArray[np.object_]

#: An inside point this near to a border may belong to the other side: as far as a telephone's position is off.
BORDERLINE_M = 20.0
#: Farther outside than this no border is to blame, metres.
OUTSIDE_M = 500.0

# By how much a distance in the plane may exceed the same distance on the ellipsoid.
_SAME_SHARE, _SAME_M = 0.001, 0.05
# Edges of a piece of a line that is searched.
_SHORT = 8
_AREAL = 2


def doubtful(assigned: assign.Assigned, *, within_m: float = BORDERLINE_M) -> Flags:
    """Whether the answer for each point hangs on where a line was drawn: all but the well inside."""
    well_inside = (assigned.rule == assign.INSIDE) & ~(assigned.margin_m < within_m)
    flags: Flags = ~well_inside
    return flags


class BorderIndex:
    """Segments and patches of one level and scheme, ready to be asked; immutable, and safe between threads.

    Parameters
    ----------
    areas, metric, closed_m
        As for :func:`geo.borders.segments`.

    Attributes
    ----------
    frame
        What :func:`geo.borders.borders` finds; answers are its row numbers.
    """

    def __init__(self, areas: gpd.GeoDataFrame, *, metric: str, closed_m: float = CLOSED_M) -> None:
        self.frame = borders(areas, metric=metric, closed_m=closed_m)
        self.metric = metric
        self._reference = crs.parse(metric)
        self._prepare()

    def __len__(self) -> int:
        return len(self.frame)

    def _prepare(self) -> None:
        """Build the trees that are searched, and let them build what they put off till the first query."""
        kind, shapes = self.frame["kind"].to_numpy(), self.frame.geometry.to_numpy()
        self._drawn = crs.to_metric(shapes, self.metric)
        self._shared = kind == "shared"
        lines = np.flatnonzero(kind != "overlap")
        pieces, line = _short(_contours(self._drawn[lines]))
        self._line_row, self._lines = lines[line], shapely.STRtree(pieces)
        self._patch_row = {name: np.flatnonzero(kind == name) for name in ("gap", "overlap")}
        self._patches = {name: shapely.STRtree(shapes[rows]) for name, rows in self._patch_row.items()}
        nowhere = shapely.box(0, 0, 0, 0)
        for tree in (self._lines, *self._patches.values()):
            tree.query(nowhere)

    def attribute(
        self, lon: ArrayLike, lat: ArrayLike, assigned: assign.Assigned, *, within_m: float = BORDERLINE_M
    ) -> Integers:
        """Say at which border each doubtful point lies, after what :mod:`geo.assign` decided about it.

        Points in an overlap go to it, points outside all areas to the gap that holds them; else the nearest
        line counts, within :data:`OUTSIDE_M`.

        Parameters
        ----------
        lon, lat
            Degrees, EPSG:4326; arrays of one length.
        assigned
            The answers for these points from the same areas, with margins.
        within_m
            Inside points are doubtful when their margin is below this, metres.

        Returns
        -------
        ndarray
            Row number in :attr:`frame`; -1 for points without doubt, and for those that no border is to blame
            for. Of several at the same distance, the one to the area across counts, else the first row.
        """
        lon, lat = np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)
        row = np.full(len(lon), -1, dtype=np.intp)
        self._hold(row, lon, lat, assigned.rule == assign.OVERLAP, "overlap")
        self._hold(row, lon, lat, np.isin(assigned.rule, (assign.NEAREST, assign.NONE)), "gap")
        rest = np.flatnonzero((row < 0) & doubtful(assigned, within_m=within_m))
        row[rest] = self._across(lon[rest], lat[rest], assigned, rest)
        rest = rest[row[rest] < 0]
        row[rest] = self._nearest(lon[rest], lat[rest])
        return row

    def between(self, lon: ArrayLike, lat: ArrayLike, first: ArrayLike, second: ArrayLike) -> Integers:
        """Find the border between two areas for each point, the nearest where they have several.

        Parameters
        ----------
        lon, lat
            Degrees, EPSG:4326; arrays of one length.
        first, second
            Codes of the two areas, in either order.

        Returns
        -------
        ndarray
            Row number in :attr:`frame` (of kind ``shared`` or ``overlap``); -1 where the two have no border.
        """
        first, second = np.asarray(first, dtype=object), np.asarray(second, dtype=object)
        return self._closest(np.asarray(lon), np.asarray(lat), first, second)[0]

    def _closest(
        self, lon: Floats, lat: Floats, first: Geometries, second: Geometries
    ) -> tuple[Integers, Floats]:
        """Row of the nearest border between two areas for each point, and its distance, metres."""
        asked = pd.DataFrame(
            {"left_code": np.minimum(first, second), "right_code": np.maximum(first, second)}
        )
        known = self.frame[["left_code", "right_code"]].reset_index(names="row").dropna()
        pairs = asked.reset_index(names="point").merge(known, on=["left_code", "right_code"])
        x, y = crs.from_lonlat(lon[pairs["point"]], lat[pairs["point"]], self._reference)
        pairs["distance"] = shapely.distance(self._drawn[pairs["row"]], shapely.points(x, y))
        best = pairs.sort_values(["point", "distance", "row"]).drop_duplicates("point")
        row, distance_m = np.full(len(asked), -1, dtype=np.intp), np.full(len(asked), np.inf)
        row[best["point"]], distance_m[best["point"]] = best["row"], best["distance"]
        return row, distance_m

    def _across(self, lon: Floats, lat: Floats, assigned: assign.Assigned, points: Integers) -> Integers:
        """Line to the area across the nearest border, if it is the one that the margin was measured to.

        Which area that is was found with the margin; to search all lines for it again takes ten times as long.
        """
        row = np.full(len(points), -1, dtype=np.intp)
        area, neighbour = assigned.area[points], assigned.neighbour[points]
        known = np.flatnonzero(neighbour >= 0)
        codes = assigned.codes
        found, distance_m = self._closest(lon[known], lat[known], codes[area[known]], codes[neighbour[known]])
        margin_m = assigned.margin_m[points[known]]
        same = (distance_m <= margin_m * (1 + _SAME_SHARE) + _SAME_M) & self._shared[found]
        row[known[same]] = found[same]
        return row

    def _hold(self, row: Integers, lon: Floats, lat: Floats, asked: Flags, kind: str) -> None:
        """Give points that were asked about to the first patch of a kind that holds or touches them."""
        points = np.flatnonzero(asked)
        point, patch = self._patches[kind].query(
            shapely.points(lon[points], lat[points]), predicate="intersects"
        )
        found, at = first_of(point, patch)
        row[points[found]] = self._patch_row[kind][at]

    def _nearest(self, lon: Floats, lat: Floats) -> Integers:
        x, y = crs.from_lonlat(lon, lat, self._reference)
        point, line = self._lines.query_nearest(shapely.points(x, y), max_distance=OUTSIDE_M)
        found, at = first_of(point, line)
        row = np.full(len(lon), -1, dtype=np.intp)
        row[found] = self._line_row[at]
        return row


def _contours(drawn: Geometries) -> Geometries:
    """Lines as they are, polygons as their borders."""
    areal = shapely.get_dimensions(drawn) == _AREAL
    return np.where(areal, shapely.boundary(drawn), drawn)


def _short(lines: Geometries) -> tuple[Geometries, Integers]:
    """Lines in pieces of a few edges, and the line of each: the box of a long line would hold half a city."""
    parts, line = shapely.get_parts(lines, return_index=True)
    xy, part = shapely.get_coordinates(parts, return_index=True)
    start = np.flatnonzero(part[:-1] == part[1:])
    first = np.flatnonzero(np.diff(part[start], prepend=-1))
    position = np.arange(len(start)) - np.repeat(first, np.diff(np.append(first, len(start))))
    begins = position % _SHORT == 0
    return strung(xy, start, np.cumsum(begins)), line[part[start[begins]]]
