"""The city and its coverage at a snapshot, worked out once and kept while its layers stay as they are."""

from api.snapshots import Snapshot
from geo import coverage
from geo.city import City
from geo.coverage import Answer, Query
from layers.coverage import LAYERS, load_city
from layers.streets import load_network


def city_at(snapshot: Snapshot) -> City:
    """Return the city of a snapshot.

    Raises
    ------
    geo.faults.DataError
        ``layer-empty`` for streets, compounds or facilities.
    layers.errors.NotFound
        If nothing was ever imported.
    """
    network = snapshot.model("network", layers=("streets",), load=load_network)
    return snapshot.model(
        "city", layers=LAYERS, load=lambda session, revision: load_city(session, revision, network)
    )


def coverage_at(snapshot: Snapshot, query: Query) -> Answer:
    """Return the answer to a query.

    Raises
    ------
    geo.faults.DataError
        As :func:`city_at` and :func:`geo.coverage.answer`.
    """
    city = city_at(snapshot)
    return snapshot.model(
        ("coverage", query), layers=LAYERS, load=lambda _session, _revision: coverage.answer(city, query)
    )
