"""Fixtures for every test: the real data, and a database of its own for each test."""

import shutil
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.orm import Session

from api import kernels
from api.embedded import EmbeddedServer
from layers import database

SHARED_DATA = Path(__file__).parents[2] / "shared" / "data"
TEMPLATE = "wangge_template"


def pytest_configure(config: pytest.Config) -> None:
    """Compile the kernels before several processes would."""
    if not hasattr(config, "workerinput"):
        kernels.compile_all()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:  # noqa: ARG001 - pytest's own names
    """Make a skipped test a failure where the real data is: there, nothing excuses it."""
    report = yield
    if report.skipped and SHARED_DATA.is_dir():
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped although the real data is here: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the real data; a test that needs it is skipped only where the folder is absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip("the real data is not present: no folder shared/data beside the checkout")
    return SHARED_DATA


@pytest.fixture(scope="session")
def server() -> Iterator[EmbeddedServer]:
    """A private PostGIS with one migrated template database; durability is off, for speed, here only."""
    folder = Path(tempfile.mkdtemp(prefix="wangge-test-"))
    folder.chmod(0o755)
    server = EmbeddedServer(
        folder / "server",
        settings={"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"},
    )
    server.start()
    try:
        server.create_database(TEMPLATE)
        engine = database.make_engine(server.url(TEMPLATE), pool_size=1)
        database.migrate(engine)
        engine.dispose()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def database_url(server: EmbeddedServer) -> Iterator[str]:
    """Address of an empty, migrated database that only this test uses."""
    yield from fresh_database(server)


def fresh_database(
    server: EmbeddedServer, template: str = TEMPLATE, *, locale: str | None = None
) -> Iterator[str]:
    """Copy the template, yield the copy's address, and drop it; a `locale` of its own needs an empty template."""
    name = f"test_{uuid4().hex}"
    maintenance = create_engine(
        database.make_engine(server.url("postgres")).url, isolation_level="AUTOCOMMIT"
    )
    with maintenance.connect() as connection:
        options = f" ENCODING 'UTF8' LOCALE '{locale}'" if locale else ""
        connection.execute(
            text(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY{options}')
        )
    try:
        yield server.url(name)
    finally:
        with maintenance.connect() as connection:
            connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
        maintenance.dispose()


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """Engine of the test's own database."""
    engine = database.make_engine(database_url, pool_size=10)
    yield engine
    engine.dispose()


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    """A session whose work the test may commit: its database is dropped afterwards."""
    with database.sessions(engine)() as session:
        yield session
