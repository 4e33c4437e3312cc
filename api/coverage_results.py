"""Coverage that is worked out once: taken from memory, else from what is kept in the database, else now."""

import datetime as dt
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import structlog

from api.cities import city_at, city_if_made, network_at
from api.snapshots import Snapshot
from geo import coverage
from geo.coverage import Answer, Query
from layers import coverage_results, database, results
from layers.database import Session, sessionmaker
from layers.errors import LayersError, NotFound
from layers.progress import Progress, during, silent
from layers.results import Basis, Kept

_log = structlog.get_logger(__name__)

#: Rows of tables that are held in memory, about 100 MB.
ROWS_IN_MEMORY = 500_000

#: Steps of working a table out, as progress tells them.
STEPS = (
    "道路网络 street network",
    "小区与设施 compounds and facilities",
    "步行距离 walking distances",
    "覆盖率 coverage",
)


@dataclass(frozen=True, slots=True)
class Found:
    """An answer, what it comes from, when and in what time it was worked out; ``kept``: not just now."""

    answer: Answer
    basis: Basis
    revision: int
    computed_at: dt.datetime
    seconds: float
    kept: bool


class Memory:
    """Answers by key, the least recently asked for dropped first; shared by threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: OrderedDict[str, Found] = OrderedDict()
        self._rows = 0

    def get(self, key: str) -> Found | None:
        """Return an answer that is held."""
        with self._lock:
            if key in self._found:
                self._found.move_to_end(key)
            return self._found.get(key)

    def put(self, found: Found) -> None:
        """Hold an answer; the newest is held whatever its size."""
        with self._lock:
            if found.basis.key in self._found:
                return
            self._found[found.basis.key] = replace(found, kept=True)
            self._rows += len(found.answer.table)
            while self._rows > ROWS_IN_MEMORY and len(self._found) > 1:
                _, dropped = self._found.popitem(last=False)
                self._rows -= len(dropped.answer.table)


class CoverageResults:
    """Answers to queries at any snapshot.

    Parameters
    ----------
    sessions
        Never make a caller wait for a connection, as for :class:`api.snapshots.Snapshots`.
    most_bytes
        Of all answers kept in the database.
    """

    def __init__(
        self, sessions: sessionmaker[Session], clock: Callable[[], dt.datetime], *, most_bytes: int
    ) -> None:
        self._sessions = sessions
        self._clock = clock
        self._most_bytes = most_bytes
        self._memory = Memory()
        self._noted: dict[str, dt.datetime] = {}
        self._guard = threading.Lock()
        self._under_way: dict[str, threading.Lock] = {}

    def to(self, snapshot: Snapshot, query: Query, *, progress: Progress = silent) -> Found:
        """Return the answer to a query, worked out and kept unless it is kept already.

        Parameters
        ----------
        progress
            As for :meth:`worked_out`.

        Raises
        ------
        geo.faults.DataError
            As :func:`api.cities.city_at` and :func:`geo.coverage.answer`.
        layers.errors.NotFound
            If nothing was ever imported.
        """
        key = basis_at(snapshot, query).key
        with self._guard:
            lock = self._under_way.setdefault(key, threading.Lock())
        try:
            # Several threads that ask the same wait for one.
            with lock:
                return self.at_hand(snapshot, query) or self._first(snapshot, query, progress)
        finally:
            # Also of a question that has no answer: there are as many of these as anybody likes to ask.
            with self._guard:
                self._under_way.pop(key, None)

    def at_hand(self, snapshot: Snapshot, query: Query) -> Found | None:
        """Return the answer if it is kept; it counts as asked for."""
        basis = basis_at(snapshot, query)
        found = self._memory.get(basis.key)
        if found is not None:
            self._note(basis)
            return found
        now = self._clock()
        with database.translated(), self._sessions.begin() as session:
            kept = results.find(session, basis, now=now)
        if kept is None:
            return None
        answer = coverage_results.decode(kept)
        found = Found(answer, basis, kept.revision, kept.computed_at, kept.seconds, kept=True)
        self._noted[basis.key] = now
        self._memory.put(found)
        return found

    def worked_out(self, snapshot: Snapshot, query: Query, *, progress: Progress = silent) -> Found:
        """Work an answer out now, whatever is kept.

        Parameters
        ----------
        progress
            Told :data:`STEPS`; what it raises stops the work.
        """
        begun = time.perf_counter()
        with during(progress, STEPS[0]):
            network_at(snapshot)
        with during(progress, STEPS[1]):
            city = city_at(snapshot)
        if query.method != "circle" and query.weight != "land":
            city.walk(partial(progress, STEPS[2]))
        answer = coverage.answer(city, query, told=partial(progress, STEPS[3]))
        progress(STEPS[-1], 1, 1)
        seconds = time.perf_counter() - begun
        found = Found(
            answer, basis_at(snapshot, query), snapshot.revision, self._clock(), seconds, kept=False
        )
        self._memory.put(found)
        return found

    def keep(self, found: Found, *, uses: int = 1, used_at: dt.datetime | None = None) -> None:
        """Keep an answer in the database, unless it is there; see :func:`layers.results.keep`.

        Raises
        ------
        layers.errors.DatabaseUnavailable
            If the database does not answer, or is full.
        """
        about, body = coverage_results.encode(found.answer)
        kept = Kept(found.revision, found.computed_at, found.seconds, about, body)
        with database.translated(), self._sessions.begin() as session:
            results.keep(session, found.basis, kept, most_bytes=self._most_bytes, uses=uses, used_at=used_at)

    def is_quick(self, snapshot: Snapshot, query: Query) -> bool:
        """Tell whether an answer that is not kept would take a moment only: all it needs is in memory."""
        city = city_if_made(snapshot)
        return city is not None and query.weight != "land" and "street_costs" in vars(city)

    def _first(self, snapshot: Snapshot, query: Query, progress: Progress) -> Found:
        found = self.worked_out(snapshot, query, progress=progress)
        try:
            self.keep(found)
        except LayersError as error:
            # The answer is right all the same, and the next who asks works it out again.
            _log.warning("a result could not be kept", key=found.basis.key, error=str(error))
        return found

    def _note(self, basis: Basis) -> None:
        """Note that an answer from memory was asked for, now and then."""
        now = self._clock()
        before = self._noted.get(basis.key)
        if before is not None and now - before < results.NOTED_EVERY:
            return
        if len(self._noted) > 10_000:  # noqa: PLR2004 - a bound on memory, nothing finer
            self._noted.clear()
        self._noted[basis.key] = now
        try:
            with database.translated(), self._sessions.begin() as session:
                results.note_use(session, basis, now=now)
        except LayersError as error:
            _log.warning("the use of a result could not be noted", key=basis.key, error=str(error))


def basis_at(snapshot: Snapshot, query: Query) -> Basis:
    """Say what the answer to a query comes from at a snapshot.

    Raises
    ------
    layers.errors.NotFound
        If nothing was ever imported.
    """
    if snapshot.deployment is None:
        raise NotFound("Nothing has been imported yet; start with: wangge import districts FILE")
    return coverage_results.basis(snapshot.versions, snapshot.deployment, query)
