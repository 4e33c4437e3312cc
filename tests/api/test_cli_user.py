"""`wangge user`: accounts by the command line."""

import json

import pytest
from typer.testing import CliRunner

from api.cli.user import app
from api.dependencies import now
from layers import accounts
from layers.errors import Conflict, DatabaseUnavailable


@pytest.fixture
def wangge(database_url, monkeypatch):
    """Run a sub-command against the test's database; a failure raises as it is."""
    monkeypatch.setenv("WANGGE_DATABASE_URL", database_url)

    def run(*arguments, **environment):
        done = CliRunner().invoke(app, arguments, env=environment, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.stdout

    return run


def test_an_account_its_token_and_its_end(wangge, session):
    wangge("add", "zhang", "--role", "dispatcher", "--area", "510899001", WANGGE_PASSWORD="correct horse")
    assert accounts.by_password(session, "zhang", "correct horse").areas == ("510899001",)
    token = wangge("token", "zhang", "--days", "1").strip()
    session.rollback()
    assert accounts.by_token(session, token, now=now()).name == "zhang"
    wangge("disable", "zhang")
    session.rollback()
    assert accounts.by_token(session, token, now=now()) is None
    listed = json.loads(wangge("list"))
    assert listed == {"name": "zhang", "role": "dispatcher", "areas": ["510899001"], "active": False}


def test_a_new_password(wangge, session):
    wangge("add", "li", "--role", "viewer", WANGGE_PASSWORD="correct horse")
    wangge("password", "li", WANGGE_PASSWORD="battery staple")
    assert accounts.by_password(session, "li", "battery staple")
    assert accounts.by_password(session, "li", "correct horse") is None


def test_a_role_that_does_not_exist_lists_those_that_do(wangge):
    with pytest.raises(Conflict, match="dispatcher, planner"):
        wangge("add", "li", "--role", "mayor", WANGGE_PASSWORD="correct horse")


def test_without_a_database_nothing_is_guessed(monkeypatch):
    monkeypatch.delenv("WANGGE_DATABASE_URL", raising=False)
    with pytest.raises(DatabaseUnavailable, match="--embedded"):
        CliRunner().invoke(app, ["list"], catch_exceptions=False)
