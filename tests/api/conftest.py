"""The application that ships, on the test's own database."""

from collections.abc import Callable, Iterator

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from api import snapshots
from api.app import create_app
from api.dependencies import now
from api.settings import Settings
from layers import accounts
from layers.database import Session


@pytest.fixture
def settings(database_url: str) -> Settings:
    """Settings as an operator would state them; nothing comes from the environment of the test run."""
    return Settings(database_url=database_url, threads=8)


@pytest.fixture
def always_fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read the revision in every request: a test publishes and asks at once, where a publisher waits a second."""
    monkeypatch.setattr(snapshots, "TRUSTED_S", 0.0)


@pytest.fixture
def app(settings: Settings, always_fresh: None) -> FastAPI:  # noqa: ARG001 - wanted for its effect
    """The application as `wangge serve` runs it."""
    return create_app(settings)


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    """A client without an account."""
    with TestClient(app) as client:
        yield client


@pytest.fixture
def open_client(settings: Settings, always_fresh: None) -> Iterator[TestClient]:  # noqa: ARG001 - as above
    """A client of the application as the demo runs it: reading is open."""
    with TestClient(create_app(settings, open_reading=True)) as client:
        yield client


@pytest.fixture
def sign_in(session: Session) -> Callable[..., dict[str, str]]:
    """Make an account of a role, limited to areas, and return the header that proves it."""

    def make(role: str, *areas: str, name: str | None = None) -> dict[str, str]:
        name = name or f"{role}-{'-'.join(areas) or 'all'}"
        accounts.create(session, name, "correct horse", role, areas=areas, now=now())
        token = accounts.issue_token(session, name, "test", now=now())
        session.commit()
        return {"Authorization": f"Bearer {token}"}

    return make
