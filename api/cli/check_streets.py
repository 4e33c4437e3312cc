"""`wangge check streets`: the report on the street network."""

import geopandas as gpd

from api import street_words
from geo.coverage.city import City
from geo.faults import DataError
from geo.streets.defects import Limits
from layers import streets
from layers.coverage import load_city
from layers.database import Session


def report(session: Session, revision: int, limits: Limits) -> gpd.GeoDataFrame:
    """Return what is amiss in the streets, and with compounds and facilities where there are any.

    Raises
    ------
    layers.errors.NotFound
        If nothing was ever imported.
    """
    return streets.report(session, revision, city=_city(session, revision), limits=limits)


def table(found: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Lay the report out as `GET /api/streets/report` does, with its shapes."""
    rows = street_words.rows(found).drop(columns="map")
    return gpd.GeoDataFrame(rows, geometry=found.geometry.to_numpy(), crs="EPSG:4326")


def _city(session: Session, revision: int) -> City | None:
    try:
        return load_city(session, revision, streets.load_network(session, revision))
    except DataError as error:
        if {fault.kind for fault in error.faults} == {"layer-empty"}:
            return None
        raise
