"""The city and the ways on foot at a snapshot, made once and kept while their layers stay as they are."""

from api.models import Recipe
from api.snapshots import Snapshot
from geo.coverage.city import City
from geo.streets.network import Network
from layers import nearest
from layers.coverage import LAYERS, load_city
from layers.database import Session
from layers.nearest import Facilities, load_facilities
from layers.streets import LAYERS as STREET_LAYERS
from layers.streets import load_network

_NETWORK = Recipe("network", STREET_LAYERS, load_network)


def network_at(snapshot: Snapshot) -> Network:
    """Return the walkable streets of a snapshot.

    Raises
    ------
    geo.faults.DataError
        ``layer-empty`` if there is none.
    """
    return snapshot.made(_NETWORK)


def city_at(snapshot: Snapshot) -> City:
    """Return the city of a snapshot.

    Raises
    ------
    geo.faults.DataError
        ``layer-empty`` for streets, compounds or facilities.
    layers.errors.NotFound
        If nothing was ever imported.
    """
    return snapshot.made(_city(snapshot))


def city_if_made(snapshot: Snapshot) -> City | None:
    """Return the city of a snapshot if it is in memory: at once, without the database."""
    return snapshot.at_hand(_city(snapshot))


def _city(snapshot: Snapshot) -> Recipe[City]:
    def load(session: Session, revision: int) -> City:
        return load_city(session, revision, network_at(snapshot))

    return Recipe("city", LAYERS, load)


def facilities_at(snapshot: Snapshot) -> Facilities:
    """Return the facilities of a snapshot on its streets.

    Raises
    ------
    geo.faults.DataError
        ``layer-empty`` if there is no walkable street.
    """

    def load(session: Session, revision: int) -> Facilities:
        return load_facilities(session, revision, network_at(snapshot))

    return snapshot.model("facilities on streets", layers=nearest.LAYERS, load=load)
