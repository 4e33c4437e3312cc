"""The walking city behind the tree: one for all who only read, one for each who publishes."""

from functools import cache, partial

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.dependencies import now
from api.settings import Settings
from layers import accounts, database
from layers.drafts import keeping
from tests import walking_city as city
from tests.api.ogc.asking import ask
from tests.api.ogc.drafting import Drafting
from tests.conftest import fresh_database
from tests.paper_city import NOW


@pytest.fixture(scope="package")
def built(server):
    """The walking city as the demo serves it, for every test that only reads."""
    for url in fresh_database(server):
        engine = database.make_engine(url, pool_size=1)
        with database.sessions(engine)() as session:
            city.build(session)
            session.commit()
        engine.dispose()
        with TestClient(create_app(Settings(database_url=url, threads=4), open_reading=True)) as client:
            yield client


@pytest.fixture
def own(session, open_client):
    """The walking city of one test, which may publish."""
    city.build(session)
    return open_client


@pytest.fixture
def items(built):
    return partial(ask, built)


@pytest.fixture(scope="package")
def service(server):
    """The walking city as it is served to accounts, for every test that publishes nothing: a client, and its sessions."""
    for url in fresh_database(server):
        engine = database.make_engine(url, pool_size=2)
        sessions = database.sessions(engine)
        with sessions() as session:
            city.build(session)
        with TestClient(create_app(Settings(database_url=url, threads=4))) as client:
            yield client, sessions
        engine.dispose()


@pytest.fixture(scope="package")
def tokens(service):
    """Make an account of a role, limited to areas, once; return the header that proves it."""
    _, sessions = service

    @cache
    def make(role, *areas):
        name = f"{role}-{'-'.join(areas) or 'all'}"
        with sessions.begin() as session:
            accounts.create(session, name, "correct horse", role, areas=areas, now=now())
            return {"Authorization": f"Bearer {accounts.issue_token(session, name, 'test', now=now())}"}

    return make


@pytest.fixture
def draft(service):
    """A draft of the walking city, in which nothing is changed yet; with it goes all that is written to it."""
    _, sessions = service
    with sessions() as session:
        made = keeping.create(session, title="东门改线", note="", author="editor-all", now=NOW)
        session.commit()
        yield made
        session.delete(keeping.get(session, made.id))
        session.commit()


@pytest.fixture
def stored(service):
    """A session to look behind the tree."""
    with service[1]() as session:
        yield session


@pytest.fixture
def editing(draft, service, tokens):
    """An editor at the draft's tree."""
    client, _ = service
    client.headers = tokens("editor")
    return Drafting(client, str(draft.id))
