"""Drafts: layers as they may become, step by step, beside what is published."""

import datetime as dt
from typing import Any
from uuid import UUID

from geoalchemy2 import Geometry
from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Table,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from layers.tables.base import Base, geometry
from layers.tables.features import LAYER_TABLES

_DRAFT = "drafts.id"


class Draft(Base):
    """A draft: what is to become of the layers of ``base_revision``.

    ``step`` is the step at which it stands (0: as the base), which undo and redo move; ``last_step`` the number that
    was given last, since none is given twice; ``floor_step`` the lowest that undo goes back to. ``version`` counts
    every write. ``refusal`` is why a publication at a stated time did not take place.
    """

    __tablename__ = "drafts"
    __table_args__ = (
        CheckConstraint(
            "status IN ('open', 'submitted', 'approved', 'scheduled', 'published', 'discarded')",
            name="status",
        ),
        CheckConstraint("(status = 'scheduled') = (publish_at IS NOT NULL)", name="publish_at"),
        CheckConstraint("(status = 'published') = (revision IS NOT NULL)", name="revision"),
        CheckConstraint("floor_step <= step AND step <= last_step", name="step"),
        Index("drafts_updated_at_idx", "updated_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    title: Mapped[str]
    note: Mapped[str]
    author: Mapped[str]
    base_revision: Mapped[int] = mapped_column(ForeignKey("revisions.number"))
    status: Mapped[str]
    step: Mapped[int]
    last_step: Mapped[int]
    floor_step: Mapped[int]
    version: Mapped[int]
    created_at: Mapped[dt.datetime]
    updated_at: Mapped[dt.datetime]
    submitted_by: Mapped[str | None]
    submitted_at: Mapped[dt.datetime | None]
    reviewed_by: Mapped[str | None]
    reviewed_at: Mapped[dt.datetime | None]
    review: Mapped[str | None]
    publish_at: Mapped[dt.datetime | None]
    refusal: Mapped[dict[str, Any] | None]
    revision: Mapped[int | None] = mapped_column(ForeignKey("revisions.number"))


class DraftStep(Base):
    """One step of a draft: ``said`` is what was asked for, ``counts`` what it did, by layer."""

    __tablename__ = "draft_steps"

    draft_id: Mapped[UUID] = mapped_column(ForeignKey(_DRAFT, ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str]
    said: Mapped[dict[str, Any]]
    author: Mapped[str]
    made_at: Mapped[dt.datetime]
    note: Mapped[str]
    counts: Mapped[dict[str, Any]]


class DraftNote(Base):
    """A remark on a draft, at a place where it has one."""

    __tablename__ = "draft_notes"
    __table_args__ = (Index("draft_notes_draft_id_idx", "draft_id"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    draft_id: Mapped[UUID] = mapped_column(ForeignKey(_DRAFT, ondelete="CASCADE"))
    author: Mapped[str]
    written_at: Mapped[dt.datetime]
    text: Mapped[str]
    geom: Mapped[Any] = mapped_column(geometry("POINT"), nullable=True)


class DraftKey(Base):
    """A request that wrote to a draft, so that its repetition writes nothing; ``reply`` is what it was answered."""

    __tablename__ = "draft_keys"

    account: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    request_digest: Mapped[bytes]
    draft_id: Mapped[UUID] = mapped_column(ForeignKey(_DRAFT, ondelete="CASCADE"))
    reply: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[dt.datetime]


def _of_layer(layer: str) -> Table:
    """Return the table of a layer's features in drafts.

    A row holds from step ``step_from`` up to, not including, ``step_to`` (null: still); one that is ``gone`` says that
    the draft removes the feature, and nothing else.
    """
    stored: Table = LAYER_TABLES[layer].__table__  # type: ignore[attr-defined]  # set by the declarative base
    own = [column for column in stored.c if column.name not in ("id", "rev_from", "rev_to")]
    name = f"draft_{layer}"
    placed = [Index(f"{name}_geom_idx", "geom", postgresql_using="gist")] if "geom" in stored.c else []
    return Table(
        name,
        Base.metadata,
        Column("draft_id", Uuid(), ForeignKey(_DRAFT, ondelete="CASCADE"), primary_key=True),
        Column("id", Uuid(), primary_key=True),
        Column("step_from", Integer(), primary_key=True, autoincrement=False),
        Column("step_to", Integer()),
        Column("gone", Boolean(), nullable=False, server_default=text("false")),
        *(Column(column.name, _kind(column), nullable=True) for column in own),
        *placed,
    )


def _kind(column: Column[Any]) -> Any:  # noqa: ANN401 - a type of SQLAlchemy
    # A type of shapes knows the column that it is of: one of its own for each.
    return geometry(column.type.geometry_type) if isinstance(column.type, Geometry) else column.type


#: The table of each layer's features in drafts.
DRAFT_TABLES: dict[str, Table] = {layer: _of_layer(layer) for layer in LAYER_TABLES}
