"""What was reported near by about the same time: what a dispatcher should know of, and what may be a duplicate."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

from geo.assign import window
from geo.assign.geodesic import distances_m
from layers.located import Place

#: How many are told, and of how many candidates, the latest, they are chosen: a flood of reports stays bounded.
LISTED = 20
_CANDIDATES = 500

# Written out: to put it together for each report would take as long as all else that intake does.
_NEAR = text("""
    SELECT id, category, status, area_code, reported_at, ST_X(geom) AS lon, ST_Y(geom) AS lat FROM incidents
    WHERE geom && ST_MakeEnvelope(:west, :south, :east, :north, 4326) AND reported_at BETWEEN :since AND :until
        AND (:everything OR path && CAST(:scope AS text[]) OR (:scope_unassigned AND area_code IS NULL))
    ORDER BY reported_at DESC, number DESC LIMIT :candidates
""")


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
    scope: Sequence[str] = (),
    scope_unassigned: bool = False,
) -> list[Nearby]:
    """Return incidents of any category near a place: possible duplicates first, then by distance.

    Parameters
    ----------
    place
        Longitude and latitude, EPSG:4326; distances to it are measured on the ellipsoid, the radius included.
    reported_at, category
        Of the incident that others are compared with.
    scope, scope_unassigned
        Codes of the areas that the reader is limited to (empty: no limit), and whether a limited reader also sees
        the unassigned.

    Returns
    -------
    list
        At most :data:`LISTED`, chosen of the latest 500 in the box about the place.
    """
    hours = dt.timedelta(hours=vicinity.hours)
    sides = window(np.array([place[0]]), np.array([place[1]]), vicinity.radius_m)
    box = {name: float(side[0]) for name, side in zip(("west", "south", "east", "north"), sides, strict=True)}
    span = {"since": reported_at - hours, "until": reported_at + hours, "candidates": _CANDIDATES}
    seen = {"everything": not scope, "scope": list(scope), "scope_unassigned": scope_unassigned}
    rows = session.execute(_NEAR, {**box, **span, **seen}).all()
    return _chosen(rows, place, category, vicinity.radius_m) if rows else []


def _chosen(rows: Sequence[Any], place: Place, category: str, radius_m: float) -> list[Nearby]:
    metres = distances_m(place, [row.lon for row in rows], [row.lat for row in rows])
    found = [
        Nearby(
            row.id,
            row.category,
            row.status,
            row.area_code,
            row.reported_at,
            float(distance),
            row.category == category,
        )
        for row, distance in zip(rows, metres, strict=True)
        if distance <= radius_m
    ]
    return sorted(found, key=lambda one: (not one.duplicate, one.distance_m))[:LISTED]
