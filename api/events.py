"""What happens to revisions and drafts, told to this process's subscribers; one connection listens for all of them.

A publication is told when no process answers from the revision before: whoever hears of it and asks is answered from it.
"""

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog

from api.snapshots import wait_for_workers
from layers import database, events, history
from layers.database import Engine, Session, sessionmaker
from layers.errors import DatabaseUnavailable, LayersError
from layers.events import DraftTold
from layers.tables import Revision

_log = structlog.get_logger(__name__)

#: Seconds between looks at whether to stop, and after a lost connection.
LOOK_S = 1.0
#: Seconds that a subscriber waits for the database to be listened on.
READY_S = 5.0
#: Subscribers of one process at once, and revisions that one of them is told of after a pause.
MOST, MOST_MISSED = 1000, 1000
#: What a subscriber may leave unread; one that is slower is dropped, and comes back for what it missed.
_UNREAD = 1000

Event = Revision | DraftTold


@dataclass(eq=False)
class Subscription:
    """Events for one subscriber, on the event loop that it waits on; ends when it is too slow or the service stops."""

    loop: asyncio.AbstractEventLoop
    _queue: asyncio.Queue[Event | None] = field(default_factory=lambda: asyncio.Queue(_UNREAD + 1))

    def tell(self, event: Event | None) -> None:
        """Add an event, from any thread; None ends the subscription."""
        self.loop.call_soon_threadsafe(self._put, event)

    async def next(self, until: float) -> Event | None:
        """Return the next event; None where the subscription ends, or at an instant of the loop's clock."""
        try:
            async with asyncio.timeout_at(until):
                return await self._queue.get()
        except TimeoutError:
            return None

    def _put(self, event: Event | None) -> None:
        if event is None or self._queue.qsize() >= _UNREAD:
            while not self._queue.empty():
                self._queue.get_nowait()
            event = None
        self._queue.put_nowait(event)


class Events:
    """Listens on the database from the first subscriber on, until :meth:`stop`.

    Parameters
    ----------
    engine, sessions
        Neither must make a caller wait for a connection.
    """

    def __init__(self, engine: Engine, sessions: sessionmaker[Session]) -> None:
        self._engine, self._sessions = engine, sessions
        self._lock = threading.Lock()
        self._subscriptions: set[Subscription] = set()
        self._stopped, self._ready = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        #: The newest revision that was told, once anything was listened to.
        self._known, self._listened = 0, False

    def subscribe(
        self, loop: asyncio.AbstractEventLoop, since: int | None
    ) -> tuple[Subscription, list[Revision]]:
        """Return a subscription, and the revisions after `since`; without it the newest one.

        Raises
        ------
        DatabaseUnavailable
            If the database cannot be listened on.
        """
        self._start()
        if not self._ready.wait(READY_S):
            raise DatabaseUnavailable
        subscription = Subscription(loop)
        with self._lock:
            # Nothing is told between this look and the first event.
            self._subscriptions.add(subscription)
            known = self._known
        try:
            return subscription, self._revisions(known - 1 if since is None else since, known)
        except BaseException:
            self.leave(subscription)
            raise

    def leave(self, subscription: Subscription) -> None:
        """Tell a subscriber nothing more."""
        with self._lock:
            self._subscriptions.discard(subscription)

    @property
    def subscribers(self) -> int:
        """How many there are."""
        return len(self._subscriptions)

    def stop(self) -> None:
        """End every subscription, and listening."""
        self._stopped.set()
        self._tell([None])
        if self._thread is not None:
            self._thread.join()

    def _start(self) -> None:
        with self._lock:
            if self._thread is None and not self._stopped.is_set():
                self._thread = threading.Thread(target=self._run, name="events", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                with database.translated(), events.listening(self._engine) as ear:
                    self._catch_up()
                    self._ready.set()
                    while not self._stopped.is_set():
                        self._hear(ear.wait(LOOK_S))
            except LayersError as error:
                _log.warning("events wait for the database", error=str(error))
                self._ready.clear()
                self._stopped.wait(LOOK_S)

    def _hear(self, told: events.Told) -> None:
        if told.revision is not None:
            wait_for_workers()
            self._catch_up()
        self._tell(told.drafts)

    def _catch_up(self) -> None:
        """Tell of every revision that was not told yet; also those that were published while nobody listened."""
        with self._sessions() as session:
            newest = history.newest(session)
        missed = self._revisions(self._known, newest) if self._listened else []
        with self._lock:
            self._known, self._listened = newest, True
            self._tell_all(missed)

    def _revisions(self, after: int, newest: int) -> list[Revision]:
        with database.translated(), self._sessions() as session:
            found = history.revisions(
                session, before=newest + 1, limit=min(max(newest - after, 0), MOST_MISSED)
            )
        return found[::-1]

    def _tell(self, told: Sequence[Event | None]) -> None:
        with self._lock:
            self._tell_all(told)

    def _tell_all(self, told: Sequence[Event | None]) -> None:
        for subscription in self._subscriptions:
            for event in told:
                subscription.tell(event)
