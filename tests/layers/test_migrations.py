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
        [find_binaries() / "pg_dump", "--schema-only", "--no-owner", "--exclude-table=alembic_version", url],
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
