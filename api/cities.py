"""The city, its coverage and the ways on foot at a snapshot, worked out once and kept while its layers stay as they are."""

import threading
from collections import OrderedDict

from api.models import Recipe
from api.snapshots import Snapshot
from geo import coverage
from geo.coverage import Answer, Query
from geo.coverage.city import City
from layers import nearest
from layers.coverage import LAYERS, load_city
from layers.database import Session
from layers.nearest import Facilities, load_facilities
from layers.streets import LAYERS as STREET_LAYERS
from layers.streets import load_network

#: Rows of tables that are kept for one city, about 100 MB.
KEPT_ROWS = 500_000


_NETWORK = Recipe("network", STREET_LAYERS, load_network)


class Answers:
    """Answers about one city, the least recently asked for dropped first; shared by threads."""

    def __init__(self, city: City) -> None:
        self._city = city
        self._lock = threading.Lock()
        self._kept: OrderedDict[Query, Answer] = OrderedDict()
        self._rows = 0

    def to(self, query: Query) -> Answer:
        """Return the answer to a query; two threads may work out the same one at once."""
        with self._lock:
            if query in self._kept:
                self._kept.move_to_end(query)
                return self._kept[query]
        answer = coverage.answer(self._city, query)
        with self._lock:
            if query not in self._kept:
                self._kept[query] = answer
                self._rows += len(answer.table)
            while self._rows > KEPT_ROWS and len(self._kept) > 1:
                _, dropped = self._kept.popitem(last=False)
                self._rows -= len(dropped.table)
        return answer


def city_at(snapshot: Snapshot) -> City:
    """Return the city of a snapshot.

    Raises
    ------
    geo.faults.DataError
        ``layer-empty`` for streets, compounds or facilities.
    layers.errors.NotFound
        If nothing was ever imported.
    """
    network = snapshot.made(_NETWORK)
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
    return snapshot.model("coverage", layers=LAYERS, load=lambda _session, _revision: Answers(city)).to(query)


def facilities_at(snapshot: Snapshot) -> Facilities:
    """Return the facilities of a snapshot on its streets.

    Raises
    ------
    geo.faults.DataError
        ``layer-empty`` if there is no walkable street.
    """

    def load(session: Session, revision: int) -> Facilities:
        return load_facilities(session, revision, snapshot.made(_NETWORK))

    return snapshot.model("facilities on streets", layers=nearest.LAYERS, load=load)
