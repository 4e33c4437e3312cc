"""Results that are kept, and the queue of jobs that work them out."""

import datetime as dt
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from layers.tables.base import Base

_OPEN = text("status IN ('queued', 'running')")


class Result(Base):
    """An answer, kept under a digest of the question, of its layers' versions and of the settings (``key``).

    ``seconds`` is how long it took; ``size`` the bytes of ``body``; ``uses`` in how many minutes it was asked for.
    """

    __tablename__ = "results"
    __table_args__ = (Index("results_used_at_idx", "used_at"),)

    key: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    question: Mapped[dict[str, Any]]
    versions: Mapped[dict[str, Any]]
    settings: Mapped[dict[str, Any]]
    revision: Mapped[int] = mapped_column(ForeignKey("revisions.number"))
    computed_at: Mapped[dt.datetime]
    seconds: Mapped[float]
    about: Mapped[dict[str, Any]]
    body: Mapped[bytes]
    size: Mapped[int]
    uses: Mapped[int]
    used_at: Mapped[dt.datetime]


class Job(Base):
    """Work for a worker process; of one ``key`` at most one job is open.

    ``asked_by`` holds the accounts that wait for it: none for what the system wants, "" for a visitor. Of open jobs
    the one with the lowest ``priority``, then ``number``, is next. ``progress`` is 0 to 1, ``step`` its words.
    """

    __tablename__ = "jobs"
    __table_args__ = (
        CheckConstraint("status IN ('queued', 'running', 'done', 'failed', 'cancelled')", name="status"),
        Index("jobs_finished_at_idx", "finished_at", postgresql_where=text("finished_at IS NOT NULL")),
        Index("jobs_key_open_idx", "key", unique=True, postgresql_where=_OPEN),
        Index("jobs_turn_idx", "priority", "number", postgresql_where=_OPEN),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    kind: Mapped[str]
    payload: Mapped[dict[str, Any]]
    key: Mapped[str]
    asked_by: Mapped[list[str]]
    priority: Mapped[int]
    status: Mapped[str]
    progress: Mapped[float]
    step: Mapped[str]
    attempts: Mapped[int]
    worker: Mapped[str | None]
    error: Mapped[str | None]
    created_at: Mapped[dt.datetime]
    started_at: Mapped[dt.datetime | None]
    heartbeat_at: Mapped[dt.datetime | None]
    finished_at: Mapped[dt.datetime | None]
