"""The street network of a revision."""

import geopandas as gpd
from sqlalchemy.orm import Session

from geo.coverage.city import City
from geo.coverage.scenario import StreetSource
from geo.streets import defects, network
from geo.streets.defects import Limits
from geo.streets.network import Network
from layers import deployment, store

#: Layers that the network is made from.
LAYERS = ("streets", "barriers")

_COLUMNS = ["kind", "bridge", "tunnel", "level", "steps", "walkable", "geometry"]


def load_network(session: Session, revision: int) -> Network:
    """Read the walkable streets at a revision as a network, parted by the barriers, as the deployment has decided.

    Raises
    ------
    geo.faults.DataError
        ``layer-empty`` if there is no walkable street.
    layers.errors.NotFound
        If nothing was ever imported.
    """
    source = load_source(session, revision)
    return network.build(
        source.streets,
        metric=deployment.get(session).metric_crs,
        barriers=source.barriers,
        steps_factor=source.steps_factor,
    )


def load_source(session: Session, revision: int) -> StreetSource:
    """Read what the network of that revision is made from, for scenarios that change streets.

    Raises
    ------
    layers.errors.NotFound
        If nothing was ever imported.
    """
    barriers = store.read(session, "barriers", revision, columns=["geometry"])
    return StreetSource(read_streets(session, revision), barriers, deployment.get(session).steps_factor)


def read_streets(session: Session, revision: int) -> gpd.GeoDataFrame:
    """Read what :func:`geo.streets.network.build` looks at."""
    streets: gpd.GeoDataFrame = store.read(session, "streets", revision, columns=_COLUMNS)
    return streets


def report(
    session: Session, revision: int, *, city: City | None, limits: Limits | None = None
) -> gpd.GeoDataFrame:
    """Find what is amiss in the streets, in the barriers, and with the places around them.

    Parameters
    ----------
    city
        The city of that revision, for its compounds and facilities; None leaves these out.

    Returns
    -------
    GeoDataFrame
        As :func:`geo.streets.defects.of_streets`.

    Raises
    ------
    layers.errors.NotFound
        If nothing was ever imported.
    """
    limits = limits or Limits()
    metric = deployment.get(session).metric_crs
    streets = store.read(session, "streets", revision, columns=["code", *_COLUMNS])
    barriers = store.read(session, "barriers", revision, columns=["code", "geometry"])
    found = [defects.of_streets(streets, barriers, metric=metric, limits=limits)]
    if city is not None:
        sides = (
            ("compounds", city.compounds, city.demand),
            ("facilities", city.facilities, city.supply.points),
        )
        found += [
            defects.of_places(layer, frame, points, city.network, limit_m=limits.snapped_m)
            for layer, frame, points in sides
        ]
    return defects.joined(found)
