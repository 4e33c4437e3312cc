"""Grids that an incident could be handed to: where its place says, what shares its border, and what lies near."""

from dataclasses import dataclass

import numpy as np
import shapely
from sqlalchemy.orm import Session

from geo import crs
from geo.assign import One
from layers import located, store
from layers.located import SCHEME, Area, Areas, Place

#: Why a grid is named, the most likely first: its place says so; it was in question by the rule; it lies across the
#: nearest border; it lies near.
REASONS = ("place", "candidate", "across", "near")

#: How far away a grid is still named, metres, and how many at most.
NEAR_M = 300.0
MOST = 8


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A grid to choose from; ``distance_m`` is that to the grid, 0 in it and on its border."""

    area: Area
    path: tuple[Area, ...]
    why: str
    distance_m: float


def neighbours(session: Session, revision: int, place: Place, *, but: str | None) -> list[Neighbour]:
    """Name the grids around a place, longitude before latitude, EPSG:4326.

    Parameters
    ----------
    but
        Code of the grid that the incident belongs to now, which is left out.

    Returns
    -------
    list of Neighbour
        By reason as in :data:`REASONS`, then by distance, then by code; at most :data:`MOST`.

    Raises
    ------
    NotFound
        If nothing was ever imported.
    """
    areas = located.load_areas(session, revision, near=place, within_m=NEAR_M)
    reasons = _reasons(areas.index.one(*place), len(areas.index))
    distances = _distances(session, revision, areas, place)
    found = [
        Neighbour(path[-1], path, REASONS[reason], round(float(distance), 1))
        for path, reason, distance in zip(areas.paths, reasons, distances, strict=True)
        if path[-1].code != but and (REASONS[reason] != "near" or distance <= NEAR_M)
    ]
    found.sort(key=lambda one: (REASONS.index(one.why), one.distance_m, one.area.code))
    return found[:MOST]


def _reasons(one: One, count: int) -> np.ndarray:
    """Position in :data:`REASONS` of each area; the likeliest where several hold."""
    reasons = np.full(count, REASONS.index("near"))
    if one.neighbour >= 0:
        reasons[one.neighbour] = REASONS.index("across")
    reasons[list(one.listed)] = REASONS.index("candidate")
    if one.area >= 0:
        reasons[one.area] = REASONS.index("place")
    return reasons


def _distances(session: Session, revision: int, areas: Areas, place: Place) -> np.ndarray:
    """Metres from a place to each area, 0 inside."""
    codes = list(areas.index.codes)
    where = store.table("grids").c.scheme == SCHEME
    frame = store.read(session, "grids", revision, columns=["code", "geometry"], codes=codes, where=where)
    shapes = frame.set_index("code").geometry.loc[codes].to_numpy()
    point = shapely.points(*place)
    drawn = crs.to_metric(np.append(shapes, point), areas.index.metric)
    inside = shapely.intersects(shapes, point)
    distances: np.ndarray = np.where(inside, 0.0, shapely.distance(drawn[:-1], drawn[-1]))
    return distances
