"""Reading only what lies near a place; the box narrows, and never decides."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from sqlalchemy import ColumnElement, Table, and_, func

from geo.assign import window

#: Longitude and latitude, EPSG:4326.
Place = tuple[float, float]


def about(source: Table, place: Place, distance_m: float) -> ColumnElement[bool]:
    """Return the condition that a feature's box comes within a distance of a place."""
    lon, lat = np.array([place[0]]), np.array([place[1]])
    box = [float(side[0]) for side in window(lon, lat, distance_m)]
    overlaps: ColumnElement[bool] = source.c.geom.bool_op("&&")(func.ST_MakeEnvelope(*box, 4326))
    return overlaps


def every(conditions: Sequence[ColumnElement[bool]]) -> ColumnElement[bool] | None:
    """Join conditions; None where there are none."""
    return and_(*conditions) if conditions else None


def widened(bounds: npt.NDArray[np.float64], distance_m: float) -> npt.NDArray[np.float64]:
    """Boxes (west, south, east, north; one a row) that also hold all within a distance of them."""
    low, high = window(bounds[:, 0], bounds[:, 1], distance_m), window(bounds[:, 2], bounds[:, 3], distance_m)
    # A metre spans more degrees of longitude the nearer it is to a pole.
    wider = np.maximum(bounds[:, 0] - low[0], high[2] - bounds[:, 2])
    return np.column_stack([bounds[:, 0] - wider, low[1], bounds[:, 2] + wider, high[3]])
