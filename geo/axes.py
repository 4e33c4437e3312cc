"""The order of a CRS's axes, for the one place that keeps to it: OGC requests.

Everywhere else coordinates are x, y: longitude or easting first, whatever the authority says.
"""

from functools import cache

import numpy as np
import shapely
from numpy.typing import ArrayLike
from pyproj import CRS

from geo.crs import Geometries


@cache
def northing_first(authority: str) -> bool:
    """Whether a CRS such as ``EPSG:4326`` or ``EPSG:4549`` states latitude or northing first."""
    return CRS.from_user_input(authority).axis_info[0].direction == "north"


def swapped(geoms: ArrayLike) -> Geometries:
    """Geometries in two dimensions with x and y exchanged."""
    flat = shapely.force_2d(np.asarray(geoms, dtype=object))
    return np.asarray(shapely.transform(flat, lambda xy: xy[:, ::-1]), dtype=object)
