"""The migrations make exactly the tables."""

import re
import subprocess

from sqlalchemy import text

from api.embedded import EmbeddedServer, find_binaries
from layers import database
from layers.tables import Base
from tests.conftest import fresh_database


def _schema(url: str) -> str:
    """Everything pg_dump says of a schema, less the extensions, the version table and its own preamble."""
    done = subprocess.run(
        [
            *(find_binaries() / "pg_dump", "--schema-only", "--no-owner", "--exclude-table=alembic_version"),
            # Views are no tables; tests/layers/test_read_views.py judges them.
            *("--exclude-schema=wangge_read", url),
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    return re.sub(r"(?m)^(--.*|\\.*|SET .*|SELECT pg_catalog.*)\n", "", done.stdout)


def test_migrations_make_the_tables(server: EmbeddedServer, database_url: str):
    for url in fresh_database(server, template="template0"):
        engine = database.make_engine(url, pool_size=1)
        with engine.begin() as connection:
            connection.execute(text("CREATE EXTENSION postgis; CREATE EXTENSION btree_gist"))
            Base.metadata.create_all(connection)
        engine.dispose()
        assert _schema(database_url) == _schema(url)


def test_every_migration_is_numbered_in_order_and_can_be_undone(database_url: str):
    scripts = list(database.ScriptDirectory.from_config(database._config()).walk_revisions())[::-1]
    assert [script.revision for script in scripts] == [f"{n:04}" for n in range(1, len(scripts) + 1)]
    engine = database.make_engine(database_url, pool_size=1)
    with engine.begin() as connection:
        database.command.downgrade(database._config(connection), "base")
    database.migrate(engine)
    database.check(engine)
    engine.dispose()


def test_what_was_stored_before_buildings_stands_after_them(database_url: str):
    engine = database.make_engine(database_url, pool_size=1)
    config = database._config
    with engine.begin() as connection:
        database.command.downgrade(config(connection), "0001")
        connection.execute(
            text("""
            INSERT INTO revisions VALUES (1, now(), now(), 'editor', 'first', '{posts,compounds}', '{}');
            INSERT INTO deployment VALUES (1, 'EPSG:4547', 50, '纸城', false, now());
            INSERT INTO compounds (id, rev_from, code, name, geom)
                VALUES (gen_random_uuid(), 1, 'C1', '嘉湖小区', 'SRID=4326;POINT(114 30)');
            INSERT INTO posts (id, rev_from, code, role, name, target_layer, target_code)
                VALUES (gen_random_uuid(), 1, 'P1', '小区长', '张三', 'compounds', 'C1');
            """)
        )
    database.migrate(engine)
    head = "INSERT INTO posts (id, rev_from, code, role, name, target_layer, target_code)"
    building = "INSERT INTO buildings (id, rev_from, code, name, geom)"
    with engine.begin() as connection:
        counts = "SELECT (SELECT count(*) FROM compounds), (SELECT count(*) FROM posts)"
        assert connection.execute(text(counts)).one() == (1, 1)
        connection.execute(
            text(f"""
            {building} VALUES (gen_random_uuid(), 1, 'B1', '1栋', 'SRID=4326;POINT(114 30)');
            {head} VALUES (gen_random_uuid(), 1, 'P2', '楼长', '李四', 'buildings', 'B1');
            """)
        )
    with engine.begin() as connection:
        database.command.downgrade(config(connection), "0001")
        assert connection.execute(text("SELECT code FROM posts")).scalars().all() == ["P1"]
        assert connection.execute(text("SELECT name FROM compounds")).scalars().all() == ["嘉湖小区"]
    engine.dispose()


def test_a_database_that_is_behind_says_what_to_run(server: EmbeddedServer):
    for url in fresh_database(server, template="template0"):
        engine = database.make_engine(url, pool_size=1)
        try:
            database.check(engine)
        except database.DatabaseOutdated as error:
            assert "wangge db migrate" in str(error)  # noqa: PT017 - the loop drops the database
        else:
            raise AssertionError("an empty database was taken for a migrated one")
        finally:
            engine.dispose()


def test_incidents_are_carried_into_their_partitions_and_back(server: EmbeddedServer):
    for url in fresh_database(server, template="template0"):
        engine = database.make_engine(url, pool_size=1)
        before = _rows_before_0004(engine)
        _migrate(engine, "upgrade", "0004")
        with engine.begin() as connection:
            places = connection.execute(
                text("SELECT number, tableoid::regclass::text FROM incidents ORDER BY number")
            ).all()
            assert [tuple(row) for row in places] == [
                (1, "incidents_earlier"), (2, "incidents_2015q4"), (3, "incidents_2016q1"), (5, "incidents_2016q1"),
                (6, "incidents_2016q1"),
            ]  # fmt: skip
            names = connection.scalars(text("SELECT external_id FROM incident_keys ORDER BY external_id"))
            # The third to arrive as A could not become A#3, which was another's name already.
            assert [name and name[:4] for name in names] == ["A", "A#2", "A#3", "A#3#", None]
            assert connection.scalar(text("SELECT count(*) FROM assignments_2016q1")) == 2
            assert connection.scalar(text("SELECT nextval('incidents_number_seq')")) == 7
        _migrate(engine, "downgrade", "0003")
        with engine.begin() as connection:
            assert _stored(connection) == before
        engine.dispose()


def _migrate(engine, direction, revision):
    with engine.begin() as connection:
        getattr(database.command, direction)(database._config(connection), revision)


def _stored(connection):
    columns = "id, number, reported_at, description, status, path, ST_AsText(geom)"
    incidents = connection.execute(text(f"SELECT {columns} FROM incidents ORDER BY number")).all()
    assignments = connection.execute(
        text("SELECT id, incident_id, reason FROM assignments ORDER BY id")
    ).all()
    keys = connection.execute(text("SELECT account, key, incident_id FROM idempotency_keys")).all()
    return incidents, assignments, keys


def _rows_before_0004(engine):
    _migrate(engine, "upgrade", "0003")
    with engine.begin() as connection:
        connection.execute(
            text("""
            INSERT INTO incidents (id, number, category, description, reported_at, created_at, created_by, status,
                rule, path, candidates, revision, geom, external_id) OVERRIDING SYSTEM VALUE
            SELECT gen_random_uuid(), n, 'C1', 'tells, "all"', CAST(day AS timestamptz), '2016-02-01Z', 'zhang',
                'open', 'inside', ARRAY['42', '4201'], '{4201}', 1, ST_SetSRID(ST_MakePoint(114.25, 30.5), 4326), name
            FROM (VALUES (1, '1999-01-01Z', 'A'), (2, '2015-12-31 23:59Z', 'A'), (3, '2016-01-01Z', NULL),
                (5, '2016-02-01Z', 'A'), (6, '2016-02-01Z', 'A#3')) AS made (n, day, name);
            SELECT setval('incidents_number_seq', 6);
            INSERT INTO assignments (incident_id, decided_at, decided_by, revision, rule, path, candidates, reason)
            SELECT id, '2016-02-01Z', 'zhang', 1, 'inside', path, candidates, 'r' || number FROM incidents
            WHERE number <> 3 ORDER BY number LIMIT 2;
            INSERT INTO assignments (incident_id, decided_at, decided_by, revision, rule, path, candidates)
            SELECT id, '2017-02-01Z', 'zhang', 2, 'inside', path, candidates FROM incidents WHERE number = 5;
            INSERT INTO idempotency_keys (account, key, request_digest, incident_id, created_at)
            SELECT 'zhang', 'k', 'd', id, now() FROM incidents WHERE number = 2;
            """)
        )
        return _stored(connection)
