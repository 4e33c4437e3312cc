"""A database that is down, full or behind: said clearly, nothing half-written, and all well afterwards."""

import shutil
import sys
import tempfile
import time
from pathlib import Path

import geopandas as gpd
import pytest
import shapely
from fastapi.testclient import TestClient
from sqlalchemy import text

from api.app import create_app
from api.cli import main
from api.embedded import EmbeddedServer
from api.settings import Settings
from layers import database, history
from tests import paper_city as city
from tests.conftest import fresh_database

UNAVAILABLE = "urn:wangge:problem:database-unavailable"


def incident(place=(1, 1)):
    lon, lat = city.point(*place)
    return {"category": "0101", "lon": lon, "lat": lat, "datum": "wgs84"}


# --- down -------------------------------------------------------------------------------------------------


@pytest.fixture
def own_server():
    """A private PostGIS that this test may stop."""
    folder = Path(tempfile.mkdtemp(prefix="wangge-test-"))
    folder.chmod(0o755)
    server = EmbeddedServer(folder / "server", settings={"fsync": "off"})
    server.start()
    try:
        server.create_database("wangge")
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def test_a_database_that_goes_away_and_comes_back(own_server):
    url = own_server.url("wangge")
    engine = database.make_engine(url, pool_size=1)
    database.migrate(engine)
    with database.sessions(engine)() as session:
        city.build(session)
    engine.dispose()
    place = {name: incident()[name] for name in ("lon", "lat", "datum")}
    with TestClient(create_app(Settings(database_url=url, threads=8), open_reading=True)) as client:
        assert client.get("/api/locate", params=place).status_code == 200
        own_server.stop()
        time.sleep(1.1)  # until memory may no longer be trusted
        for path in ("/readyz", "/api/incidents", "/maps/grids.html", "/api/revisions"):
            reply = client.get(path)
            assert (reply.status_code, reply.json()["type"]) == (503, UNAVAILABLE), path
            assert reply.headers["Retry-After"] == "5"
        assert client.get("/api/locate", params=place).status_code == 503
        token = {"Authorization": "Bearer wg_x"}
        assert client.post("/api/incidents", json=incident(), headers=token).status_code == 503
        assert client.get("/healthz").status_code == 200
        own_server.start()
        for path in ("/readyz", "/api/incidents", "/maps/grids.html", "/api/revisions"):
            assert client.get(path).status_code == 200, path
        assert client.get("/api/locate", params=place).status_code == 200
        assert client.get("/api/incidents").json()["incidents"] == []


# --- full -------------------------------------------------------------------------------------------------


@pytest.fixture
def full(session):
    """Make a table fail as on a full disk: at once, or only when the transaction is committed."""

    def make(table, *, at_commit):
        kind = "CONSTRAINT TRIGGER full_disk AFTER" if at_commit else "TRIGGER full_disk BEFORE"
        when = "DEFERRABLE INITIALLY DEFERRED" if at_commit else ""
        session.execute(text(
            "CREATE FUNCTION no_space() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100';"
            " END $$"
        ))  # fmt: skip
        session.execute(
            text(f"CREATE {kind} INSERT ON {table} {when} FOR EACH ROW EXECUTE FUNCTION no_space()")
        )
        session.commit()

    return make


@pytest.mark.parametrize("at_commit", [False, True])
def test_an_incident_that_a_full_database_did_not_take_is_not_said_to_be_saved(
    client, session, sign_in, full, at_commit
):
    city.build(session)
    headers = {**sign_in("dispatcher"), "Idempotency-Key": "k"}
    full("assignments", at_commit=at_commit)
    reply = client.post("/api/incidents", json=incident(), headers=headers)
    assert (reply.status_code, reply.json()["type"]) == (503, UNAVAILABLE)
    assert "no space" in reply.json()["detail"]
    assert client.get("/api/incidents", headers=headers).json()["incidents"] == []
    session.execute(text("DROP FUNCTION no_space CASCADE"))
    session.commit()
    assert client.post("/api/incidents", json=incident(), headers=headers).status_code == 201


# --- from the command line --------------------------------------------------------------------------------


@pytest.fixture
def wangge(monkeypatch, capfd, database_url):
    """Run the command line as the shell does; returns its exit code and what it said on stderr."""
    monkeypatch.setattr(main.logs, "configure", lambda: None)
    monkeypatch.setattr(main.signal, "signal", lambda *_: None)
    monkeypatch.setenv("WANGGE_DATABASE_URL", database_url)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["wangge", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main.run()
        said = capfd.readouterr().err
        assert "Traceback" not in said
        return left.value.code, said

    return run


@pytest.fixture
def districts(tmp_path):
    path = tmp_path / "districts.gpkg"
    shapes = [shapely.box(114, 30, 115, 31)]
    gpd.GeoDataFrame({"code": ["420102"], "name": ["江岸区"]}, geometry=shapes, crs=4326).to_file(path)
    return path


@pytest.mark.parametrize("where", [("districts", False), ("districts", True), ("revisions", True)])
def test_an_import_into_a_full_database_stores_nothing(wangge, session, full, districts, where):
    full(where[0], at_commit=where[1])
    code, said = wangge("import", "districts", districts)
    assert code == main.FAILED
    assert "no space left" in said
    assert history.current(session, city.NOW.replace(year=2100)) == 0
    assert session.scalar(text("SELECT count(*) FROM districts")) == 0


def test_pending_migrations_stop_every_command_and_readiness(wangge, session, client, districts):
    session.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    session.commit()
    for words in (("import", "districts", districts), ("check", "grids"), ("export", "grids", "x.gpkg")):
        code, said = wangge(*words)
        assert code == main.FAILED, words
        assert "wangge db migrate" in said, words
    reply = client.get("/readyz")
    assert (reply.status_code, reply.json()["type"]) == (503, UNAVAILABLE)
    assert "wangge db migrate" in reply.json()["detail"]


def test_a_database_that_is_not_there(wangge, monkeypatch, districts):
    monkeypatch.setenv("WANGGE_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    for words in (("import", "districts", districts), ("serve",), ("user", "list"), ("db", "migrate")):
        code, said = wangge(*words)
        assert code == main.FAILED, words
        assert "WANGGE_DATABASE_URL" in said, words


@pytest.fixture
def bare_url(server):
    """Address of a database in which nothing was ever made."""
    yield from fresh_database(server, "template0")


def test_a_database_that_was_never_migrated(wangge, monkeypatch, bare_url):
    monkeypatch.setenv("WANGGE_DATABASE_URL", bare_url)
    code, said = wangge("serve")
    assert code == main.FAILED
    assert "wangge db migrate" in said
