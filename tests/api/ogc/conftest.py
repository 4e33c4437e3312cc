"""The walking city behind the tree: one for all who only read, one for each who publishes."""

from functools import partial

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.settings import Settings
from layers import database
from tests import walking_city as city
from tests.api.ogc.asking import ask
from tests.conftest import fresh_database


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
