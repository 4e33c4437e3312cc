"""The current revision as this process knows it, and whether it may still be trusted.

A *snapshot* is one revision, with the models its answers come from (:mod:`api.models`). Answers may come from
memory only while a poll of the revision is fresh (:data:`TRUSTED_S`); else the revision is read in the request.
Whoever publishes says so only when every worker has polled or no longer trusts itself
(:func:`wait_for_workers`), so that nobody who was told is answered from the revision before.
"""

import datetime as dt
import threading
import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
import structlog
from numpy.typing import NDArray

from api.models import KEPT, Models, Recipe
from layers import database, deployment, history
from layers.database import Session, sessionmaker
from layers.errors import LayersError

_log = structlog.get_logger(__name__)
_Model = TypeVar("_Model")

#: Seconds between polls, and how old the last good one may be.
POLL_S = 0.5
TRUSTED_S = 1.0


def monotonic() -> float:
    """Return seconds that also pass while the machine sleeps, or is moved to another host."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def wait_for_workers() -> None:
    """Return when no worker answers from memory of a revision before the one just committed."""
    time.sleep(TRUSTED_S)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One revision (0: nothing is published) and the versions of its layers.

    ``composed`` holds what is put together from models, by name, for as long as the snapshot is used.
    """

    revision: int
    versions: dict[str, int]
    deployment: deployment.Deployment | None
    _models: Models = field(repr=False)
    composed: dict[Hashable, Any] = field(default_factory=dict, repr=False, compare=False)

    def version(self, layers: Sequence[str]) -> tuple[int, ...]:
        """Return the versions of these layers; equal versions mean equal contents."""
        return tuple([self.versions.get(layer, 0) for layer in layers])

    def model(
        self,
        name: Hashable,
        *,
        layers: Sequence[str],
        load: Callable[[Session, int], _Model],
        most: int = KEPT,
    ) -> _Model:
        """Return the model of that name, made by ``load(session, revision)`` unless it is kept.

        ``name`` must tell apart everything else the model depends on. It is made once, also when several
        threads ask at once; they wait for it. What ``load`` returns must not be changed afterwards. Of models whose
        names begin with the same word the `most` last asked for are kept.
        """
        return self.made(Recipe(name, tuple(layers), load, most=most))

    def made(self, recipe: Recipe[_Model]) -> _Model:
        """Return the model of a recipe, made now unless it is kept; see :meth:`model`."""
        return self._models.made(recipe, self.version(recipe.layers), self.revision)

    def at_hand(self, recipe: Recipe[_Model]) -> _Model | None:
        """Return the model of a recipe if it is kept: at once, without the database."""
        return self._models.at_hand(recipe, self.version(recipe.layers))

    def prepare(self, recipe: Recipe[Any]) -> None:
        """Have a model made in the background, unless it is kept or under way."""
        self._models.prepare(recipe, self.version(recipe.layers), self.revision)


class Snapshots:
    """The current snapshot, polled by a thread of its own between :meth:`start` and :meth:`stop`.

    ``sessions`` must never make a caller wait for a connection: a request asks for models while it holds a
    connection of its own, and would wait for requests that wait for the same model.
    """

    def __init__(self, sessions: sessionmaker[Session], clock: Callable[[], dt.datetime]) -> None:
        self._sessions = sessions
        self._clock = clock
        self._models = Models(sessions)
        self._lock = threading.Lock()
        self._snapshot = Snapshot(0, {}, None, self._models)
        self._polled = float("-inf")
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to poll, and to make models in the background."""
        self._stopped.clear()
        self._models.start()
        self._thread = threading.Thread(target=self._poll, name="revision poll", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End polling, and what is made in the background."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()
        self._models.stop()

    def fresh(self) -> Snapshot | None:
        """Return the current snapshot if a poll is fresh enough to trust it; touches no database."""
        return self._snapshot if monotonic() - self._polled < TRUSTED_S else None

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
        # Taken before the question: the answer is no older than this, however long it takes.
        asked = monotonic()
        with database.translated(), self._sessions() as session:
            revision = history.current(session, self._clock())
            known = self._snapshot
            found = known if revision == known.revision else self._made(session, revision)
        with self._lock:
            # A poll that was overtaken by a later one must not bring its older answer back.
            if asked >= self._polled:
                if found is not self._snapshot:
                    self._models.renew(found.versions, found.revision)
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
            return self._of(session, history.at(session, instant))

    def of(self, revision: int) -> Snapshot:
        """Return the snapshot of a revision that was published."""
        with database.translated(), self._sessions() as session:
            return self._of(session, revision)

    def in_effect(self) -> tuple[NDArray[np.datetime64], NDArray[np.int64]]:
        """Return since when which revision was in effect; see :func:`layers.history.in_effect`."""
        with database.translated(), self._sessions() as session:
            return history.in_effect(session)

    def _of(self, session: Session, revision: int) -> Snapshot:
        known = self._snapshot
        return known if revision == known.revision else self._made(session, revision)

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
