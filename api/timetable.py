"""Drafts that are to be published at a time, published by the service itself."""

import datetime as dt
import threading
from collections.abc import Callable
from uuid import UUID

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
                for draft_id in self._due():
                    if self._stopped.is_set():
                        break
                    self._publish(draft_id)
            except LayersError as error:
                _log.warning("publishing at a time waits for the database", error=str(error))
            except Exception as unexpected:  # noqa: BLE001 - what is broken now may work the next time
                _log.error("looking for what is due failed", exc_info=unexpected)

    def _due(self) -> list[UUID]:
        with database.translated(), self._sessions() as session:
            return publishing.due(session, now=self._clock())

    def _publish(self, draft_id: UUID) -> None:
        """Publish a draft that is due; what goes wrong with it must keep no other back."""
        try:
            with database.translated(), self._sessions.begin() as session:
                draft = publishing.publish_due(session, draft_id, now=self._clock(), clock=self._clock)
        except LayersError:
            raise
        except Exception as unexpected:  # noqa: BLE001 - see above
            _log.error("publishing at a time failed", draft=str(draft_id), exc_info=unexpected)
            return
        if draft is not None:
            _log.info("draft at its time", draft=str(draft_id), status=draft.status, revision=draft.revision)
