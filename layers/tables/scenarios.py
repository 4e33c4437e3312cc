"""Scenarios: what if the city were another."""

import datetime as dt
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from layers.tables.base import Base


class Scenario(Base):
    """A named list of changes to the city of ``base_revision`` (null: the current one); ``version`` counts writes."""

    __tablename__ = "scenarios"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    note: Mapped[str]
    base_revision: Mapped[int | None] = mapped_column(ForeignKey("revisions.number"))
    changes: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    version: Mapped[int]
    created_at: Mapped[dt.datetime]
    created_by: Mapped[str]
    updated_at: Mapped[dt.datetime]
    updated_by: Mapped[str]
