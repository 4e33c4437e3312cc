"""Drafts that are to be published at a time, published by the service itself."""

import datetime as dt
import threading
from collections.abc import Callable

import structlog

from layers import database
from layers.database import Session, sessionmaker
from layers.drafts import publishing
from layers.errors import LayersError

_log = structlog.get_logger(__name__)

#: Seconds between looks at what is due.
LOOK_S = 1.0


class Timetable:
    """Looks for drafts that are due, in a thread of its own between :meth:`start` and :meth:`stop`.

    Every process looks; the database sees to it that each draft is published once. A draft whose process is killed
    meanwhile is due still.
    """

    def __init__(self, sessions: sessionmaker[Session], clock: Callable[[], dt.datetime]) -> None:
        self._sessions, self._clock = sessions, clock
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to look."""
        self._stopped.clear()
        self._thread = threading.Thread(target=self._run, name="timetable", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End looking, after the publication that is under way."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(LOOK_S):
            try:
                while not self._stopped.is_set() and self._publish_one():
                    pass
            except LayersError as error:
                _log.warning("publishing at a time waits for the database", error=str(error))
            except Exception as unexpected:  # noqa: BLE001 - one bad draft must not end the thread
                _log.error("publishing at a time failed", exc_info=unexpected)

    def _publish_one(self) -> bool:
        """Publish the draft that is due first; tell whether there was one."""
        with database.translated(), self._sessions.begin() as session:
            draft = publishing.publish_due(session, now=self._clock(), clock=self._clock)
        if draft is None:
            return False
        _log.info("draft at its time", draft=str(draft.id), status=draft.status, revision=draft.revision)
        return True
