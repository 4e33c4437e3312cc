"""Incidents with their assignments."""

import datetime as dt
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, ForeignKey, Identity, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from layers.tables.base import Base, code_column, geometry


class IncidentKey(Base):
    """What must be unique of an incident across all partitions, and when it was reported, which leads to its own.

    ``external_id`` is the number that another system gave it; a repeated import finds it by that.
    """

    __tablename__ = "incident_keys"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    reported_at: Mapped[dt.datetime]
    external_id: Mapped[str | None] = mapped_column(Text(collation="C"), unique=True)


class Incident(Base):
    """事件: something reported at a place, with the assignment that holds now.

    ``number`` counts arrivals and orders the list; ``path`` holds the codes from the district down to the
    assigned area, so that one index answers for every level. ``given_*`` keep the coordinates as stated.
    Partitioned by time, see :mod:`layers.incidents.partitions`.
    """

    __tablename__ = "incidents"
    __table_args__ = (
        Index("incidents_reported_at_idx", "reported_at", "number"),
        Index("incidents_open_idx", "reported_at", "number", postgresql_where=text("status <> 'closed'")),
        Index("incidents_category_idx", "category", "reported_at", "number"),
        # The few that a person should look at: on borders, outside, decided by hand.
        Index(
            "incidents_rule_idx", "rule", "reported_at", "number", postgresql_where=text("rule <> 'inside'")
        ),
        Index("incidents_area_code_idx", "area_code", "reported_at", "number"),
        # Without a list of pending entries, which every search would read through.
        Index("incidents_path_idx", "path", postgresql_using="gin", postgresql_with={"fastupdate": "false"}),
        Index("incidents_geom_idx", "geom", postgresql_using="gist"),
        {"postgresql_partition_by": "RANGE (reported_at)"},
    )

    id: Mapped[UUID] = mapped_column(ForeignKey("incident_keys.id"), primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    category: Mapped[str]
    description: Mapped[str | None]
    address: Mapped[str | None]
    source: Mapped[str | None]
    reporter_name: Mapped[str | None]
    reporter_phone: Mapped[str | None]
    reported_at: Mapped[dt.datetime] = mapped_column(primary_key=True)
    created_at: Mapped[dt.datetime]
    created_by: Mapped[str]
    status: Mapped[str]
    closed_at: Mapped[dt.datetime | None]
    deadline: Mapped[dt.datetime | None]
    given_x: Mapped[float | None]
    given_y: Mapped[float | None]
    given_datum: Mapped[str | None]
    geom: Mapped[Any] = mapped_column(geometry("POINT"), nullable=True)
    rule: Mapped[str]
    area_code: Mapped[str | None] = code_column()
    path: Mapped[list[str]] = mapped_column(ARRAY(Text(collation="C")))
    candidates: Mapped[list[str]]
    distance_m: Mapped[float | None]
    margin_m: Mapped[float | None]
    revision: Mapped[int]
    queue_reason: Mapped[str | None]


class Assignment(Base):
    """One decision about an incident's area; the newest of an incident is the one that holds.

    Partitioned by the time of the decision, see :mod:`layers.incidents.partitions`.
    """

    __tablename__ = "assignments"
    __table_args__ = (
        Index("assignments_incident_idx", "incident_id", "id"),
        {"postgresql_partition_by": "RANGE (decided_at)"},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    incident_id: Mapped[UUID] = mapped_column(ForeignKey("incident_keys.id"))
    decided_at: Mapped[dt.datetime] = mapped_column(primary_key=True)
    decided_by: Mapped[str]
    revision: Mapped[int]
    rule: Mapped[str]
    area_code: Mapped[str | None] = code_column()
    path: Mapped[list[str]] = mapped_column(ARRAY(Text(collation="C")))
    candidates: Mapped[list[str]]
    distance_m: Mapped[float | None]
    margin_m: Mapped[float | None]
    reason: Mapped[str | None]


class IdempotencyKey(Base):
    """A request that was carried out, so that its repetition makes no second record."""

    __tablename__ = "idempotency_keys"

    account: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    request_digest: Mapped[bytes]
    incident_id: Mapped[UUID] = mapped_column(ForeignKey("incident_keys.id"))
    created_at: Mapped[dt.datetime]
