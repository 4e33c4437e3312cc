"""The private PostGIS: adopted when it runs, recovered when it was killed, closed to everybody else."""

import os
import shutil
import signal
import stat
import tempfile
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from api.embedded import EmbeddedServer, EmbeddedUnavailable


@pytest.fixture
def folder():
    """A folder that the server's account can reach."""
    folder = Path(tempfile.mkdtemp(prefix="wangge-embedded-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def _count(server: EmbeddedServer) -> int:
    engine = create_engine(server.url().replace("postgresql://", "postgresql+psycopg2://"))
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE IF NOT EXISTS kept (n int)"))
        connection.execute(text("INSERT INTO kept VALUES (1)"))
        found = connection.scalar(text("SELECT count(*) FROM kept"))
    engine.dispose()
    return found


def test_it_starts_is_adopted_and_recovers_after_a_kill(folder):
    server = EmbeddedServer(folder / "data")
    assert server.start()
    try:
        server.create_database()
        assert _count(server) == 1
        assert not EmbeddedServer(folder / "data").start(), "a running server is adopted"
        assert _count(server) == 2
        postmaster = int(next((folder / "data").glob("*/postmaster.pid")).read_text().split()[0])
        os.kill(postmaster, signal.SIGKILL)
        assert EmbeddedServer(folder / "data").start(), "a killed server is started again"
        assert _count(server) == 3, "what was committed is there"
    finally:
        server.stop()


def test_nobody_else_can_reach_the_socket(folder):
    server = EmbeddedServer(folder / "data")
    server.start()
    try:
        assert stat.S_IMODE((folder / "data/run").stat().st_mode) == 0o700
        assert "host=" in server.url()
        assert "127.0.0.1" not in server.url()
    finally:
        server.stop()


def test_a_long_path_still_gives_a_socket(folder):
    server = EmbeddedServer(folder / ("long" * 30))
    server.start()
    try:
        server.create_database()
        assert _count(server) == 1
    finally:
        server.stop()


def test_an_interrupted_creation_is_begun_again(folder):
    broken = EmbeddedServer(folder / "data")._data
    broken.mkdir(parents=True)
    (broken / "base").mkdir()
    server = EmbeddedServer(folder / "data")
    assert server.start()
    server.stop()


def test_a_machine_without_postgis_says_what_to_install(monkeypatch, folder):
    monkeypatch.setattr(Path, "glob", lambda *_: iter(()))
    with pytest.raises(EmbeddedUnavailable, match="apt-get install postgresql-15-postgis-3"):
        EmbeddedServer(folder)


def test_the_last_one_to_leave_stops_it(folder):
    server = EmbeddedServer(folder / "data")
    server.start()
    try:
        server.create_database()
        engine = create_engine(server.url().replace("postgresql://", "postgresql+psycopg2://"))
        with engine.connect() as other:
            other.scalar(text("SELECT 1"))
            assert not server.stop_if_idle()
        engine.dispose()
        assert server.stop_if_idle()
        assert server.start(), "it was stopped"
    finally:
        server.stop()
