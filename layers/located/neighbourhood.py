"""Reading only what lies near a place; the box narrows, and never decides."""

from collections.abc import Sequence

import numpy as np
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
