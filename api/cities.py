"""The city and its coverage at a snapshot, worked out once and kept while its layers stay as they are."""

import threading
from collections import OrderedDict

from api.snapshots import Snapshot
from geo import coverage
from geo.city import City
from geo.coverage import Answer, Query
from layers.coverage import LAYERS, load_city
from layers.streets import load_network

#: Rows of tables that are kept for one city, about 100 MB.
KEPT_ROWS = 500_000


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
    return snapshot.model("coverage", layers=LAYERS, load=lambda _session, _revision: Answers(city)).to(query)
