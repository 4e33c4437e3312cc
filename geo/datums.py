"""The obfuscated datums of Chinese map providers: GCJ-02 (Amap, Tencent) and BD-09 (Baidu).

The forward formulas are closed. The inverses are fixed points iterated to 1e-12°, below a micrometre; the
one-step inverse in wide use is wrong by up to 4.9 m. GCJ-02 shifts only inside a box around China: within 1 km
of the box's edge the inverse has two answers, of which the one inside is given.
"""

from collections.abc import Callable

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Box = tuple[float, float, float, float]
Conversion = Callable[[Floats, Floats], tuple[Floats, Floats]]

#: Where the GCJ-02 shift applies: lon min, lat min, lon max, lat max.
GCJ_BOX = (72.004, 0.8293, 137.8347, 55.8271)
# Krasovsky 1940, which GCJ-02 uses for its shift whatever the datum of the point.
_AXIS_M, _ECCENTRICITY2 = 6378245.0, 0.00669342162296594323
# Not plain pi: a widely copied mistake that moves points by 30 m.
_BD_PI = np.pi * 3000 / 180
_BD_LON, _BD_LAT = 0.0065, 0.006
_CLOSE_DEG, _MOST_STEPS = 1e-12, 30


def inside_box(lon: Floats, lat: Floats, box: Box) -> NDArray[np.bool_]:
    """Whether points lie in a box (lon min, lat min, lon max, lat max), its border included."""
    west, south, east, north = box
    return (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)


def grown_box(box: Box, by: float) -> Box:
    """Return the box widened by degrees on every side."""
    return box[0] - by, box[1] - by, box[2] + by, box[3] + by


def unchanged(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    """Copies of the points: the conversion between WGS84 and CGCS2000."""
    return lon.copy(), lat.copy()


def _gcj_shift(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    """Degrees that GCJ-02 adds to a WGS84 point, box or no box."""
    x, y = lon - 105.0, lat - 35.0
    root = np.sqrt(np.abs(x))
    common = 20 * np.sin(6 * np.pi * x) + 20 * np.sin(2 * np.pi * x)
    north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root
    north += (
        common
        + 20 * np.sin(np.pi * y)
        + 40 * np.sin(np.pi * y / 3)
        + 160 * np.sin(np.pi * y / 12)
        + 320 * np.sin(np.pi * y / 30)
    ) * (2 / 3)
    east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root
    east += (
        common
        + 20 * np.sin(np.pi * x)
        + 40 * np.sin(np.pi * x / 3)
        + 150 * np.sin(np.pi * x / 12)
        + 300 * np.sin(np.pi * x / 30)
    ) * (2 / 3)
    phi = np.radians(lat)
    magic = 1 - _ECCENTRICITY2 * np.sin(phi) ** 2
    d_lat = np.degrees(north * magic**1.5 / (_AXIS_M * (1 - _ECCENTRICITY2)))
    d_lon = np.degrees(east * np.sqrt(magic) / (_AXIS_M * np.cos(phi)))
    return d_lon, d_lat


def wgs84_to_gcj02(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    """GCJ-02 of WGS84 points, degrees; outside the box they stay as they are."""
    inside = inside_box(lon, lat, GCJ_BOX)
    d_lon, d_lat = _gcj_shift(lon, lat)
    return np.where(inside, lon + d_lon, lon), np.where(inside, lat + d_lat, lat)


def gcj02_to_wgs84(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    """WGS84 of GCJ-02 points, degrees."""
    # Far outside the box the shift's polynomial grows without bound and would not converge.
    near = inside_box(lon, lat, (GCJ_BOX[0] - 1, GCJ_BOX[1] - 1, GCJ_BOX[2] + 1, GCJ_BOX[3] + 1))
    w_lon, w_lat = _fixed_point(lon[near], lat[near], _gcj_shift)
    inside = inside_box(w_lon, w_lat, GCJ_BOX)
    out_lon, out_lat = lon.copy(), lat.copy()
    out_lon[near] = np.where(inside, w_lon, lon[near])
    out_lat[near] = np.where(inside, w_lat, lat[near])
    return out_lon, out_lat


def _bd_shift(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    """Degrees that BD-09 adds to a GCJ-02 point."""
    radius = np.hypot(lon, lat) + 0.00002 * np.sin(lat * _BD_PI)
    angle = np.arctan2(lat, lon) + 0.000003 * np.cos(lon * _BD_PI)
    return radius * np.cos(angle) + _BD_LON - lon, radius * np.sin(angle) + _BD_LAT - lat


def wgs84_to_bd09(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    """BD-09 of WGS84 points, degrees."""
    g_lon, g_lat = wgs84_to_gcj02(lon, lat)
    d_lon, d_lat = _bd_shift(g_lon, g_lat)
    return g_lon + d_lon, g_lat + d_lat


def bd09_to_wgs84(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    """WGS84 of BD-09 points, degrees."""
    return gcj02_to_wgs84(*_fixed_point(lon, lat, _bd_shift))


def _fixed_point(lon: Floats, lat: Floats, shift: Conversion) -> tuple[Floats, Floats]:
    """Points p with p + shift(p) equal to the given ones; the shift changes by under 2 % of a step.

    Each point stops by itself, so that it gets the same last bit alone and among others.
    """
    p_lon, p_lat = lon.copy(), lat.copy()
    going = np.isfinite(lon) & np.isfinite(lat)
    for _ in range(_MOST_STEPS):
        if not going.any():
            break
        d_lon, d_lat = shift(p_lon, p_lat)
        next_lon = np.where(going, lon - d_lon, p_lon)
        next_lat = np.where(going, lat - d_lat, p_lat)
        going &= np.maximum(np.abs(next_lon - p_lon), np.abs(next_lat - p_lat)) > _CLOSE_DEG
        p_lon, p_lat = next_lon, next_lat
    return p_lon, p_lat


def hint(lon: ArrayLike, lat: ArrayLike, place: shapely.Geometry) -> dict[str, float]:
    """Share of points outside a place under each datum: a suggestion, never a proof.

    Parameters
    ----------
    lon, lat
        Degrees as they stand in the file.
    place
        Where the deployment's data lies, EPSG:4326.

    Returns
    -------
    dict
        ``wgs84`` (which stands for ``cgcs2000`` too), ``gcj02`` and ``bd09`` to a share from 0 to 1.
    """
    given = np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)
    conversions = {"wgs84": unchanged, "gcj02": gcj02_to_wgs84, "bd09": bd09_to_wgs84}
    shapely.prepare(place)
    return {
        datum: float(np.mean(~shapely.intersects_xy(place, *convert(*given))))
        for datum, convert in conversions.items()
    }
