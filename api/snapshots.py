"""The models that answers come from, kept in memory for as long as they are right.

A *snapshot* is one revision. A model (an index of areas, a street network, …) is made from some layers and
stays right until one of them changes, so it is kept under those layers' versions and shared by every
snapshot that has them. Answers may come from memory only while a poll of the revision is fresh
(:data:`TRUSTED_S`); else the revision is read in the request.
"""

import datetime as dt
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import structlog

from layers import database, deployment, history
from layers.database import Session, sessionmaker
from layers.errors import LayersError

_log = structlog.get_logger(__name__)
_Model = TypeVar("_Model")
_Key = tuple[Hashable, tuple[int, ...]]

#: Seconds between polls, and how old the last good one may be.
POLL_S = 0.5
TRUSTED_S = 1.0

#: Models kept; the one least recently asked for goes first.
KEPT = 128
#: Versions kept of one model: the current one, and the one before, which a request may still be using.
VERSIONS_KEPT = 2


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One revision (0: nothing is published) and the versions of its layers."""

    revision: int
    versions: dict[str, int]
    deployment: deployment.Deployment | None
    _models: "_Models" = field(repr=False)

    def version(self, layers: Sequence[str]) -> tuple[int, ...]:
        """Return the versions of these layers; equal versions mean equal contents."""
        return tuple(self.versions.get(layer, 0) for layer in layers)

    def model(
        self, name: Hashable, *, layers: Sequence[str], load: Callable[[Session, int], _Model]
    ) -> _Model:
        """Return the model of that name, made by ``load(session, revision)`` unless it is kept.

        ``name`` must tell apart everything else the model depends on. It is made once, also when several
        threads ask at once; they wait for it. What ``load`` returns must not be changed afterwards.
        """
        key = (name, self.version(layers))
        made: _Model = self._models.get(key, lambda session: load(session, self.revision))
        return made

    def has(self, name: Hashable, *, layers: Sequence[str]) -> bool:
        """Tell whether :meth:`model` would answer at once, without the database."""
        return self._models.has((name, self.version(layers)))


class Snapshots:
    """The current snapshot, polled by a thread of its own between :meth:`start` and :meth:`stop`.

    ``sessions`` must never make a caller wait for a connection: a request asks for models while it holds a
    connection of its own, and would wait for requests that wait for the same model.
    """

    def __init__(self, sessions: sessionmaker[Session], clock: Callable[[], dt.datetime]) -> None:
        self._sessions = sessions
        self._clock = clock
        self._models = _Models(sessions)
        self._lock = threading.Lock()
        self._snapshot = Snapshot(0, {}, None, self._models)
        self._polled = float("-inf")
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to poll."""
        self._stopped.clear()
        self._thread = threading.Thread(target=self._poll, name="revision poll", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End polling."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()

    def fresh(self) -> Snapshot | None:
        """Return the current snapshot if a poll is fresh enough to trust it; touches no database."""
        return self._snapshot if time.monotonic() - self._polled < TRUSTED_S else None

    def current(self) -> Snapshot:
        """Return the current snapshot, asking the database unless a poll is fresh.

        Raises
        ------
        layers.errors.DatabaseUnavailable
            If it must ask and gets no answer.
        """
        return self.fresh() or self.refresh()

    def refresh(self) -> Snapshot:
        """Ask the database for the revision in effect now.

        Raises
        ------
        layers.errors.DatabaseUnavailable
            If it does not answer.
        """
        asked = time.monotonic()
        with database.translated(), self._sessions() as session:
            revision = history.current(session, self._clock())
            known = self._snapshot
            found = known if revision == known.revision else self._made(session, revision)
        with self._lock:
            # A poll that was overtaken by a later one must not bring its older answer back.
            if asked >= self._polled:
                self._snapshot, self._polled = found, asked
            return self._snapshot

    def at(self, instant: dt.datetime) -> Snapshot:
        """Return the snapshot of the revision in effect at ``instant``.

        Raises
        ------
        layers.errors.BeforeHistory
            If nothing was published by then.
        """
        with database.translated(), self._sessions() as session:
            revision = history.at(session, instant)
            return self._snapshot if revision == self._snapshot.revision else self._made(session, revision)

    def _made(self, session: Session, revision: int) -> Snapshot:
        if revision == 0:
            return Snapshot(0, {}, None, self._models)
        versions = history.versions(session, revision)
        return Snapshot(revision, versions, deployment.get(session), self._models)

    def _poll(self) -> None:
        while not self._stopped.wait(POLL_S):
            try:
                self.refresh()
            except LayersError as error:
                _log.warning("revision poll failed", error=str(error))


class _Models:
    """Models by key, each made once; several threads may ask at once."""

    def __init__(self, sessions: sessionmaker[Session]) -> None:
        self._sessions = sessions
        self._lock = threading.Lock()
        self._kept: OrderedDict[_Key, _Slot] = OrderedDict()

    def has(self, key: _Key) -> bool:
        slot = self._kept.get(key)
        return slot is not None and slot.made

    def get(self, key: _Key, make: Callable[[Session], Any]) -> Any:  # noqa: ANN401 - any model
        with self._lock:
            slot = self._kept.setdefault(key, _Slot())
            self._kept.move_to_end(key)
        with slot.lock:
            if not slot.made:
                self._fill(key, slot, make)
        return slot.value

    def _fill(self, key: _Key, slot: "_Slot", make: Callable[[Session], Any]) -> None:
        try:
            with database.translated(), self._sessions() as session:
                slot.value = make(session)
        except BaseException:
            with self._lock:
                self._kept.pop(key, None)
            raise
        slot.made = True
        with self._lock:
            self._keep(key, slot)

    def _keep(self, key: _Key, slot: "_Slot") -> None:
        """Keep what was made; only now let go of others, for what cannot be made must displace nothing."""
        self._kept[key] = slot
        versions = [kept for kept in self._kept if kept[0] == key[0] and self._kept[kept].made]
        for superseded in versions[:-VERSIONS_KEPT]:
            del self._kept[superseded]
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)


@dataclass(slots=True)
class _Slot:
    lock: threading.Lock = field(default_factory=threading.Lock)
    made: bool = False
    value: Any = None
