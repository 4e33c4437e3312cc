"""Accounts, and what signs them in."""

import datetime as dt
from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from layers.tables.base import Base


class Account(Base):
    """Who may sign in; ``areas`` are the codes that limit the role (empty: the whole district)."""

    __tablename__ = "accounts"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    display_name: Mapped[str]
    role: Mapped[str]
    areas: Mapped[list[str]]
    password_hash: Mapped[str]
    active: Mapped[bool]
    created_at: Mapped[dt.datetime]


class Token(Base):
    """A bearer token; only its SHA-256 is stored."""

    __tablename__ = "tokens"

    digest: Mapped[bytes] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    label: Mapped[str]
    created_at: Mapped[dt.datetime]
    expires_at: Mapped[dt.datetime | None]


class BrowserSession(Base):
    """A signed-in browser; only the cookie's SHA-256 is stored."""

    __tablename__ = "browser_sessions"

    digest: Mapped[bytes] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    csrf: Mapped[str]
    created_at: Mapped[dt.datetime]
    expires_at: Mapped[dt.datetime]
