"""The directory of facilities at one revision: which there are, and where they lie."""

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from sqlalchemy.orm import Session

from geo.levels import LAYER_OF, LEVELS
from layers import located, store

#: Layers that the directory is read from.
LAYERS = (*LAYER_OF.values(), "facilities")


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which facilities are wanted; what is None does not limit.

    Parameters
    ----------
    type
        Key of the catalogue.
    within
        Code of an area: facilities assigned to it, or to an area in it.
    bbox
        Longitude and latitude from and to, borders included.
    """

    type: str | None = None
    within: str | None = None
    bbox: tuple[float, float, float, float] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Directory:
    """Facilities by code.

    Parameters
    ----------
    facilities
        Layer frame with ``lon`` and ``lat``, ascending by code.
    paths
        Codes of the areas of each, from the district down; empty where it lies in none.
    """

    facilities: gpd.GeoDataFrame
    paths: tuple[frozenset[str], ...]

    def page(self, wanted: Filter, *, after: str | None, limit: int) -> gpd.GeoDataFrame:
        """Return the first facilities with a code above ``after``."""
        frame = self.facilities
        chosen = np.ones(len(frame), dtype=bool)
        if after is not None:
            chosen &= frame["code"].to_numpy() > after
        if wanted.type is not None:
            chosen &= frame["type"].to_numpy() == wanted.type
        if wanted.within is not None:
            chosen &= np.array([wanted.within in path for path in self.paths], dtype=bool)
        if wanted.bbox is not None:
            west, south, east, north = wanted.bbox
            lon, lat = frame["lon"].to_numpy(), frame["lat"].to_numpy()
            chosen &= (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)
        return frame.iloc[np.flatnonzero(chosen)[:limit]]


def load_directory(session: Session, revision: int) -> Directory:
    """Read the facilities at a revision and assign them to the areas of the finest level there is.

    Raises
    ------
    layers.errors.NotFound
        If nothing was ever imported.
    """
    frame: gpd.GeoDataFrame = store.read(session, "facilities", revision)
    frame = frame.iloc[np.argsort(frame["code"].to_numpy(dtype=object), kind="stable")]
    geometry: Any = frame.geometry.to_numpy()
    frame = frame.assign(lon=shapely.get_x(geometry), lat=shapely.get_y(geometry))
    return Directory(frame, _paths(session, revision, frame))


def _paths(session: Session, revision: int, frame: gpd.GeoDataFrame) -> tuple[frozenset[str], ...]:
    for level in reversed(LEVELS):
        areas = located.load_areas(session, revision, level=level)
        if len(areas.index):
            rows = areas.index.assign(frame["lon"].to_numpy(), frame["lat"].to_numpy()).area
            return tuple(frozenset(area.code for area in areas.path(int(row))) for row in rows)
    return tuple(frozenset() for _ in range(len(frame)))
