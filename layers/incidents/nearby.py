"""What was reported near by about the same time: what a dispatcher should know of, and what may be a duplicate."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from geo.assign import window
from geo.geodesic import distances_m
from layers.incidents.search import Filters, condition
from layers.located import Place
from layers.tables import Incident

#: How many are told, and of how many candidates, the latest, they are chosen: a flood of reports stays bounded.
LISTED = 20
_CANDIDATES = 500

# The end of a time span is not in it.
_MOMENT = dt.timedelta.resolution

_COLUMNS = ("id", "category", "status", "area_code", "reported_at")


@dataclass(frozen=True, slots=True)
class Vicinity:
    """How far off, metres, and how long before or after, hours, a report still counts as near by."""

    radius_m: float = 50.0
    hours: float = 24.0


@dataclass(frozen=True, slots=True)
class Nearby:
    """An incident near a place; of the same category it may be a duplicate."""

    id: UUID
    category: str
    status: str
    area_code: str | None
    reported_at: dt.datetime
    distance_m: float
    duplicate: bool


def nearby(
    session: Session,
    place: Place,
    *,
    reported_at: dt.datetime,
    category: str,
    vicinity: Vicinity,
    among: Filters,
) -> list[Nearby]:
    """Return incidents of any category near a place: possible duplicates first, then by distance.

    Parameters
    ----------
    place
        Longitude and latitude, EPSG:4326; distances to it are measured on the ellipsoid, the radius included.
    reported_at, category
        Of the incident that others are compared with.
    among
        Which incidents the reader may see.

    Returns
    -------
    list
        At most :data:`LISTED`, chosen of the latest 500 in the box about the place.
    """
    hours = dt.timedelta(hours=vicinity.hours)
    west, south, east, north = window(np.array([place[0]]), np.array([place[1]]), vicinity.radius_m)
    box = (float(west[0]), float(south[0]), float(east[0]), float(north[0]))
    filters = replace(among, bbox=box, since=reported_at - hours, until=reported_at + hours + _MOMENT)
    rows = session.execute(
        select(
            *(getattr(Incident, name) for name in _COLUMNS),
            func.ST_X(Incident.geom).label("lon"),
            func.ST_Y(Incident.geom).label("lat"),
        )
        .where(condition(filters))
        .order_by(Incident.reported_at.desc(), Incident.number.desc())
        .limit(_CANDIDATES)
    ).all()
    return _chosen(rows, place, category, vicinity.radius_m) if rows else []


def _chosen(rows: Sequence[Any], place: Place, category: str, radius_m: float) -> list[Nearby]:
    metres = distances_m(place, [row.lon for row in rows], [row.lat for row in rows])
    found = [
        Nearby(
            **{name: getattr(row, name) for name in _COLUMNS},
            distance_m=float(distance),
            duplicate=row.category == category,
        )
        for row, distance in zip(rows, metres, strict=True)
        if distance <= radius_m
    ]
    return sorted(found, key=lambda one: (not one.duplicate, one.distance_m))[:LISTED]
