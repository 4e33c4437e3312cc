"""Accounts, their tokens and browser sessions; secrets are stored as digests only."""

import datetime as dt
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from uuid import uuid4

from pwdlib import PasswordHash
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from layers.errors import Conflict, NotFound
from layers.tables import Account, BrowserSession, Token

ROLES = ("viewer", "worker", "dispatcher", "planner", "editor", "reviewer", "administrator")

#: Shortest password; NIST SP 800-63B asks for 8 at least and no composition rules.
SHORTEST_PASSWORD = 8

_HASH = PasswordHash.recommended()


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who a credential stands for; ``csrf`` is set for a browser session only."""

    name: str
    role: str
    areas: tuple[str, ...]
    csrf: str | None = None


def create(
    session: Session, name: str, password: str, role: str, *, areas: Sequence[str] = (), now: dt.datetime
) -> Account:
    """Add an account limited to ``areas`` (codes; none: the whole district).

    Raises
    ------
    Conflict
        If the name is taken, the role unknown or the password too short.
    """
    if role not in ROLES:
        raise Conflict(f"No such role: {role}. Roles: {', '.join(ROLES)}.")
    if session.scalar(select(Account).where(Account.name == name)) is not None:
        raise Conflict(f"The account {name} exists already.")
    account = Account(
        id=uuid4(),
        name=name,
        display_name=name,
        role=role,
        areas=list(areas),
        password_hash=_hashed(password),
        active=True,
        created_at=now,
    )
    session.add(account)
    session.flush()
    return account


def get(session: Session, name: str) -> Account:
    """Return an account.

    Raises
    ------
    NotFound
        If there is none of that name.
    """
    account = session.scalar(select(Account).where(Account.name == name))
    if account is None:
        raise NotFound(f"There is no account {name}; list them with: wangge user list")
    return account


def every(session: Session) -> list[Account]:
    """Return all accounts by name."""
    return list(session.scalars(select(Account).order_by(Account.name)))


def set_password(session: Session, name: str, password: str) -> None:
    """Change a password; tokens and browser sessions of the account end.

    Raises
    ------
    NotFound, Conflict
        As in :func:`get` and :func:`create`.
    """
    account = get(session, name)
    account.password_hash = _hashed(password)
    _end_credentials(session, account)


def deactivate(session: Session, name: str) -> None:
    """Bar an account from signing in; its tokens and sessions end, its traces stay.

    Raises
    ------
    NotFound
        As in :func:`get`.
    """
    account = get(session, name)
    account.active = False
    _end_credentials(session, account)


def by_password(session: Session, name: str, password: str) -> SignedIn | None:
    """Return who signs in with a password, or None; both cases take the time of one hash."""
    account = session.scalar(select(Account).where(Account.name == name, Account.active))
    stored = account.password_hash if account else _dummy_hash()
    right = _HASH.verify(password, stored)
    return _signed_in(account) if account and right else None


def issue_token(
    session: Session, name: str, label: str, *, now: dt.datetime, expires_at: dt.datetime | None = None
) -> str:
    """Make a bearer token and return it; it cannot be shown again.

    Raises
    ------
    NotFound
        As in :func:`get`.
    """
    secret = f"wg_{secrets.token_urlsafe(32)}"
    session.add(
        Token(
            digest=_digest(secret),
            account_id=get(session, name).id,
            label=label,
            created_at=now,
            expires_at=expires_at,
        )
    )
    return secret


def by_token(session: Session, secret: str, *, now: dt.datetime) -> SignedIn | None:
    """Return whom a bearer token stands for, or None."""
    row = session.execute(
        select(Account, Token.expires_at).join(Token).where(Token.digest == _digest(secret), Account.active)
    ).one_or_none()
    if row is None or (row.expires_at is not None and row.expires_at <= now):
        return None
    return _signed_in(row.Account)


def open_browser_session(
    session: Session, name: str, *, now: dt.datetime, lifetime: dt.timedelta
) -> tuple[str, str]:
    """Start a browser session; return the cookie's secret and the CSRF token.

    Raises
    ------
    NotFound
        As in :func:`get`.
    """
    session.execute(delete(BrowserSession).where(BrowserSession.expires_at <= now))
    secret, csrf = secrets.token_urlsafe(32), secrets.token_urlsafe(24)
    session.add(
        BrowserSession(
            digest=_digest(secret),
            account_id=get(session, name).id,
            csrf=csrf,
            created_at=now,
            expires_at=now + lifetime,
        )
    )
    return secret, csrf


def by_browser_session(session: Session, secret: str, *, now: dt.datetime) -> SignedIn | None:
    """Return whose browser session a cookie's secret opens, or None."""
    row = session.execute(
        select(Account, BrowserSession.csrf)
        .join(BrowserSession)
        .where(BrowserSession.digest == _digest(secret), BrowserSession.expires_at > now, Account.active)
    ).one_or_none()
    return _signed_in(row.Account, row.csrf) if row else None


def close_browser_session(session: Session, secret: str) -> None:
    """End a browser session; unknown ones are no error."""
    session.execute(delete(BrowserSession).where(BrowserSession.digest == _digest(secret)))


def _hashed(password: str) -> str:
    if len(password) < SHORTEST_PASSWORD:
        raise Conflict(f"The password is too short: {SHORTEST_PASSWORD} characters at least.")
    return _HASH.hash(password)


def _dummy_hash() -> str:
    # Verified when the account does not exist, so that the reply's time does not tell names.
    return "$argon2id$v=19$m=65536,t=3,p=4$MTIzNDU2Nzg5MDEyMzQ1Ng$2wXyAFGyW3Yb0sT0k9O8Zt5sQk9H6oGz3sQ9o0wzv1E"


def _digest(secret: str) -> bytes:
    # The secrets are long and random, so a plain digest is enough; passwords go through Argon2.
    return sha256(secret.encode()).digest()


def _end_credentials(session: Session, account: Account) -> None:
    session.execute(delete(Token).where(Token.account_id == account.id))
    session.execute(delete(BrowserSession).where(BrowserSession.account_id == account.id))


def _signed_in(account: Account, csrf: str | None = None) -> SignedIn:
    return SignedIn(account.name, account.role, tuple(account.areas), csrf)
