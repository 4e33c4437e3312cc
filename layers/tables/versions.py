"""Revisions, and what every table has that keeps versions."""

import datetime as dt
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, text
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from layers.tables.base import Base, code_column, geometry


class Revision(Base):
    """One publication: one number for the whole database."""

    __tablename__ = "revisions"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    published_at: Mapped[dt.datetime]
    effective_from: Mapped[dt.datetime]
    author: Mapped[str]
    note: Mapped[str]
    layers: Mapped[list[str]]
    counts: Mapped[dict[str, Any]]


class RevisionKey(Base):
    """A request that published a revision, so that its repetition publishes none."""

    __tablename__ = "revision_keys"

    account: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    request_digest: Mapped[bytes]
    revision: Mapped[int] = mapped_column(ForeignKey("revisions.number"))
    created_at: Mapped[dt.datetime]


class Deployment(Base):
    """What was decided once for this database; the single row has ``id`` 1."""

    __tablename__ = "deployment"
    __table_args__ = (
        CheckConstraint("id = 1", name="single"),
        CheckConstraint("steps_factor BETWEEN 1 AND 20", name="steps_factor"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    metric_crs: Mapped[str]
    tolerance_m: Mapped[float]
    city: Mapped[str]
    invented: Mapped[bool]
    created_at: Mapped[dt.datetime]
    steps_factor: Mapped[float] = mapped_column(server_default=text("2"))


class Versioned:
    """Columns and constraints of every table that keeps versions."""

    id: Mapped[UUID] = mapped_column(primary_key=True, sort_order=-9)
    rev_from: Mapped[int] = mapped_column(ForeignKey("revisions.number"), primary_key=True, sort_order=-8)
    rev_to: Mapped[int | None] = mapped_column(ForeignKey("revisions.number"), sort_order=-7)


class Feature(Versioned):
    """Columns of every layer; ``extra`` holds the source's unmapped fields."""

    code: Mapped[str] = code_column(sort_order=-6)
    generated_code: Mapped[bool] = mapped_column(server_default=text("false"), sort_order=8)
    extra: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"), sort_order=9)


def constraints(name: str, *geometries: str) -> tuple[Any, ...]:
    """No two versions of one feature at one revision; the current rows found by code and by place."""
    current = text("rev_to IS NULL")
    spatial = [
        Index(f"{name}_{column}_current_idx", column, postgresql_using="gist", postgresql_where=current)
        for column in geometries
    ]
    return (
        ExcludeConstraint(
            ("id", "="),
            (text("int4range(rev_from, rev_to)"), "&&"),
            name=f"{name}_one_version_excl",
            using="gist",
        ),
        Index(f"{name}_code_current_idx", "code", unique=True, postgresql_where=current),
        # With it the planner can OR "still valid" (the partial indexes) and "ended after this revision".
        Index(f"{name}_ended_idx", "rev_to", postgresql_where=text("rev_to IS NOT NULL")),
        *spatial,
    )


class Defect(Base):
    """A standing defect of a layer, as found by the full check at ``revision``."""

    __tablename__ = "defects"
    __table_args__ = (Index("defects_layer_revision_idx", "layer", "revision"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    layer: Mapped[str]
    revision: Mapped[int] = mapped_column(ForeignKey("revisions.number"))
    kind: Mapped[str]
    codes: Mapped[list[str]]
    message: Mapped[str]
    size: Mapped[float | None]
    unit: Mapped[str | None]
    geom: Mapped[Any] = mapped_column(geometry("GEOMETRY"), nullable=True)
