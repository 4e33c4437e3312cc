"""Distances on the ellipsoid."""

import numpy as np
import numpy.typing as npt
from numpy.typing import ArrayLike
from pyproj import Geod

_WGS84 = Geod(ellps="WGS84")


def distances_m(place: tuple[float, float], lon: ArrayLike, lat: ArrayLike) -> npt.NDArray[np.float64]:
    """Metres on the WGS84 ellipsoid from one place to many, right to a nanometre (Karney 2013).

    Parameters
    ----------
    place
        Longitude and latitude, degrees, EPSG:4326.
    lon, lat
        Degrees, EPSG:4326; arrays of one length, all finite.
    """
    lon, lat = (
        np.atleast_1d(np.asarray(lon, dtype=np.float64)),
        np.atleast_1d(np.asarray(lat, dtype=np.float64)),
    )
    here = np.full_like(lon, place[0]), np.full_like(lat, place[1])
    metres: npt.NDArray[np.float64] = np.asarray(_WGS84.inv(*here, lon, lat)[2], dtype=np.float64)
    return metres
