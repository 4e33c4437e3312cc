"""Accounts, tokens and browser sessions."""

import datetime as dt

import pytest
from sqlalchemy import text

from layers import accounts
from layers.errors import Conflict, NotFound

NOW = dt.datetime(2026, 5, 1, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def zhang(session):
    """A dispatcher of one subdistrict."""
    accounts.create(session, "zhang", "correct horse", "dispatcher", areas=["510899001"], now=NOW)
    return session


def test_a_password_signs_in_and_a_wrong_one_does_not(zhang):
    signed_in = accounts.by_password(zhang, "zhang", "correct horse")
    assert (signed_in.name, signed_in.role, signed_in.areas) == ("zhang", "dispatcher", ("510899001",))
    assert accounts.by_password(zhang, "zhang", "wrong horse") is None
    assert accounts.by_password(zhang, "nobody", "correct horse") is None


def test_no_secret_is_stored_as_it_is(zhang):
    token = accounts.issue_token(zhang, "zhang", "phone", now=NOW)
    cookie, _ = accounts.open_browser_session(zhang, "zhang", now=NOW, lifetime=HOUR)
    zhang.flush()
    stored = zhang.execute(
        text("SELECT a::text || t::text || b::text FROM accounts a, tokens t, browser_sessions b")
    ).scalar_one()
    for secret in ("correct horse", token, cookie):
        assert secret not in stored
        assert secret.encode().hex() not in stored


def test_a_token_stands_for_its_account_until_it_expires(zhang):
    token = accounts.issue_token(zhang, "zhang", "", now=NOW, expires_at=NOW + HOUR)
    assert accounts.by_token(zhang, token, now=NOW).name == "zhang"
    assert accounts.by_token(zhang, token, now=NOW + HOUR) is None
    assert accounts.by_token(zhang, token + "x", now=NOW) is None


def test_a_browser_session_ends(zhang):
    cookie, csrf = accounts.open_browser_session(zhang, "zhang", now=NOW, lifetime=HOUR)
    assert accounts.by_browser_session(zhang, cookie, now=NOW).csrf == csrf
    assert accounts.by_browser_session(zhang, cookie, now=NOW + HOUR) is None
    accounts.close_browser_session(zhang, cookie)
    assert accounts.by_browser_session(zhang, cookie, now=NOW) is None


@pytest.mark.parametrize(
    "end",
    [
        lambda s: accounts.set_password(s, "zhang", "battery staple"),
        lambda s: accounts.deactivate(s, "zhang"),
    ],
)
def test_a_new_password_or_a_disabled_account_ends_every_credential(zhang, end):
    token = accounts.issue_token(zhang, "zhang", "", now=NOW)
    cookie, _ = accounts.open_browser_session(zhang, "zhang", now=NOW, lifetime=HOUR)
    end(zhang)
    assert accounts.by_token(zhang, token, now=NOW) is None
    assert accounts.by_browser_session(zhang, cookie, now=NOW) is None
    assert accounts.by_password(zhang, "zhang", "correct horse") is None


def test_what_cannot_be_an_account_is_refused(zhang):
    with pytest.raises(Conflict, match="exists already"):
        accounts.create(zhang, "zhang", "correct horse", "viewer", now=NOW)
    with pytest.raises(Conflict, match="No such role"):
        accounts.create(zhang, "li", "correct horse", "mayor", now=NOW)
    with pytest.raises(Conflict, match="too short"):
        accounts.create(zhang, "li", "short", "viewer", now=NOW)
    with pytest.raises(NotFound, match="wangge user list"):
        accounts.get(zhang, "li")
