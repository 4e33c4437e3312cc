"""The street network of a revision."""

from sqlalchemy.orm import Session

from geo.streets import network
from geo.streets.network import Network
from layers import deployment, store


def load_network(session: Session, revision: int) -> Network:
    """Read the walkable streets at a revision as a network in the deployment's metric CRS.

    Raises
    ------
    geo.faults.DataError
        ``layer-empty`` if there is no walkable street.
    layers.errors.NotFound
        If nothing was ever imported.
    """
    streets = store.read(session, "streets", revision, columns=["steps", "walkable", "geometry"])
    return network.build(streets, metric=deployment.get(session).metric_crs)
