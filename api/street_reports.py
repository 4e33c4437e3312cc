"""The report on the streets of a snapshot, kept while its layers stay as they are."""

import geopandas as gpd

from api.cities import city_at
from api.snapshots import Snapshot
from geo.coverage.city import City
from geo.faults import DataError
from geo.streets.defects import Limits
from layers import streets
from layers.coverage import LAYERS
from layers.database import Session

#: Reports kept: there are as many limits as anybody likes to ask for.
KEPT = 4


def report_at(snapshot: Snapshot, limits: Limits) -> gpd.GeoDataFrame:
    """Return what is amiss in the streets, and with compounds and facilities where there are any.

    Raises
    ------
    layers.errors.NotFound
        If nothing was ever imported.
    """
    city = _city(snapshot)

    def load(session: Session, revision: int) -> gpd.GeoDataFrame:
        return streets.report(session, revision, city=city, limits=limits)

    return snapshot.model(("streets report", limits), layers=LAYERS, load=load, most=KEPT)


def _city(snapshot: Snapshot) -> City | None:
    try:
        return city_at(snapshot)
    except DataError as error:
        # Streets are there before compounds are; then they are checked alone.
        if {fault.kind for fault in error.faults} == {"layer-empty"}:
            return None
        raise
