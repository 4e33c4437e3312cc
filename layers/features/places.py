"""Places stated in a request: in a CRS, in the order of its axes, turned into EPSG:4326, longitude first."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
import shapely
from shapely.errors import ShapelyError

from geo import axes, crs
from geo.faults import DataError, Fault

# Sides of a box are cut in this many pieces: a straight side in one CRS bends in another.
_PIECES = 32
_HALF_TURN = 180.0
# No CRS of the earth has coordinates beyond; not a number is beyond as well.
_FARTHEST = 1e9


@dataclass(frozen=True, slots=True)
class Place:
    """A CRS with the order in which it states coordinates.

    Parameters
    ----------
    uri
        What requests and replies call it.
    authority
        ``EPSG:4549`` and the like; ``OGC:CRS84`` for longitude before latitude.
    """

    uri: str
    authority: str

    @property
    def swaps(self) -> bool:
        """Whether coordinates come with latitude or northing first."""
        return self.authority != "OGC:CRS84" and axes.northing_first(self.authority)

    @property
    def reference(self) -> crs.Reference:
        """What the coordinates mean."""
        return crs.WGS84 if self.authority in {"OGC:CRS84", "EPSG:4326"} else crs.parse(self.authority)

    @property
    def in_stored_degrees(self) -> bool:
        """Whether its coordinates are those stored, at most in the other order."""
        return self.authority in {"OGC:CRS84", "EPSG:4326", "EPSG:4490"}

    def written(self, geoms: np.ndarray) -> np.ndarray:
        """Geometries of EPSG:4326, longitude first, as this CRS states them."""
        placed = geoms if self.in_stored_degrees else crs.geometries_from_lonlat(geoms, self.reference)
        return axes.swapped(placed) if self.swaps else placed

    def read(self, geom: shapely.Geometry) -> shapely.Geometry:
        """Return a geometry stated in this CRS, in EPSG:4326, longitude first.

        Raises
        ------
        DataError
            If it lies where the CRS does not reach.
        """
        return self.in_degrees(self.straight(geom))

    def straight(self, geom: shapely.Geometry) -> shapely.Geometry:
        """Return a geometry stated in this CRS, still in it, but easting or longitude first and without heights."""
        flat: shapely.Geometry = axes.swapped([geom])[0] if self.swaps else shapely.force_2d(geom)
        return flat

    def in_degrees(self, geom: shapely.Geometry) -> shapely.Geometry:
        """Return a geometry in this CRS, but easting or longitude first, in EPSG:4326; raises as :meth:`read`."""
        placed = geom if self.in_stored_degrees else crs.geometries_to_lonlat([geom], self.reference)[0]
        if not np.isfinite(shapely.get_coordinates(placed)).all():
            raise _wrong(f"It reaches beyond where {self.authority} is defined.")
        return placed

    def lonlat(self, x: float, y: float) -> tuple[float, float]:
        """Return a point of this CRS, easting or longitude first, as longitude and latitude; NaN for one that is NaN."""
        if self.in_stored_degrees or not np.isfinite([x, y]).all():
            return x, y
        lon, lat = crs.to_lonlat([x], [y], self.reference)
        return float(lon[0]), float(lat[0])


def box_area(text: str, place: Place) -> shapely.Geometry:
    """Return the area of a ``bbox`` of four numbers (or six, with heights, which count for nothing).

    In degrees a box whose west is greater than its east crosses the antimeridian.

    Raises
    ------
    DataError
        If it is no box.
    """
    numbers = _numbers(text)
    count = len(numbers)
    if count not in {4, 6} or not all(abs(number) <= _FARTHEST for number in numbers):
        raise _wrong(
            f"{text!r} is no box: state four numbers, lower corner first, in the axes' order of the CRS."
        )
    low, high = numbers[:2], numbers[count // 2 : count // 2 + 2]
    (west, south), (east, north) = (low[::-1], high[::-1]) if place.swaps else (low, high)
    if south > north:
        raise _wrong(
            f"{text!r} has its upper corner below its lower one; mind the axes' order of {place.authority}."
        )
    spans = [(west, east)]
    if west > east:
        if not place.reference.geographic:
            raise _wrong(f"{text!r} has its west beyond its east.")
        spans = [(west, _HALF_TURN), (-_HALF_TURN, east)]
    boxes = [shapely.box(left, south, right, north) for left, right in spans]
    area = shapely.multipolygons(boxes) if len(boxes) > 1 else boxes[0]
    if place.reference.geographic:
        return area
    step = max(east - west, north - south) / _PIECES
    return place.in_degrees(shapely.segmentize(area, step) if step > 0 else area)


def stated_geometry(value: dict[str, Any], place: Place) -> shapely.Geometry:
    """Return a GeoJSON geometry, or ``{"bbox": […]}``, stated in a CRS.

    Raises
    ------
    DataError
        If it is none, is not valid, or lies where the CRS does not reach.
    """
    if "bbox" in value:
        sides = value["bbox"] if isinstance(value["bbox"], list) else []
        return box_area(",".join(map(str, sides)), place)
    try:
        found = shapely.from_geojson(orjson.dumps(value))
    except (ShapelyError, TypeError, ValueError) as error:
        raise _wrong(f"It is no GeoJSON geometry: {error}") from error
    if found is None or found.is_empty or found.geom_type == "GeometryCollection":
        raise _wrong("A place is one point, line or polygon, or several of one kind.")
    if not np.isfinite(shapely.get_coordinates(found)).all():
        raise _wrong("A place has finite coordinates.")
    if not found.is_valid:
        raise _wrong(f"It is not valid: {shapely.is_valid_reason(found)}.")
    return place.read(found)


def _numbers(text: str) -> list[float]:
    try:
        # Python reads 1_1 as 11; nobody means that.
        return [float(part) for part in text.split(",") if "_" not in part]
    except ValueError:
        return []


def _wrong(message: str) -> DataError:
    return DataError(Fault(kind="parameter-invalid", message=message))
