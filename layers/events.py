"""What happens to revisions and drafts, told to every process that listens on the database."""

import json
import select as sockets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, func, select, text
from sqlalchemy.orm import Session

from layers import history
from layers.tables import Draft

_DRAFTS = "wangge_draft"


@dataclass(frozen=True, slots=True)
class DraftTold:
    """A draft came to another status; ``revision`` is what it was published as."""

    id: UUID
    status: str
    version: int
    revision: int | None


@dataclass(frozen=True, slots=True)
class Told:
    """What was told since the last look: newest revision, if there is a new one, and drafts in their order."""

    revision: int | None
    drafts: list[DraftTold]


def tell(session: Session, draft: Draft) -> None:
    """Tell the status of a draft, at the commit."""
    said = {"id": str(draft.id), "status": draft.status, "version": draft.version, "revision": draft.revision}
    session.execute(select(func.pg_notify(_DRAFTS, json.dumps(said))))


@contextmanager
def listening(engine: Engine) -> Iterator["Ear"]:
    """Yield what hears of every commit from now on, on a connection of its own."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"LISTEN {history.CHANNEL}"))
        connection.execute(text(f"LISTEN {_DRAFTS}"))
        try:
            yield Ear(connection.connection.dbapi_connection)
        finally:
            # Not given back to the pool: the next to borrow it would listen.
            connection.invalidate()


class Ear:
    """Hears what is told by :func:`tell`, and by publications."""

    def __init__(self, connection: Any) -> None:  # noqa: ANN401 - the driver's own
        self._connection = connection

    def wait(self, seconds: float) -> Told:
        """Return what was told, as soon as anything is, or nothing after so many seconds.

        Raises
        ------
        psycopg2.Error
            If the connection is lost.
        """
        if not self._connection.notifies:
            sockets.select([self._connection], [], [], seconds)
            self._connection.poll()
        told = [*self._connection.notifies]
        self._connection.notifies.clear()
        numbers = [int(each.payload) for each in told if each.channel == history.CHANNEL]
        drafts = [_draft(each.payload) for each in told if each.channel == _DRAFTS]
        return Told(max(numbers, default=None), drafts)


def _draft(payload: str) -> DraftTold:
    said = json.loads(payload)
    return DraftTold(UUID(said["id"]), said["status"], said["version"], said["revision"])
