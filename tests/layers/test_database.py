"""A database that cannot be used is a clear report."""

import pytest
from sqlalchemy.exc import OperationalError

from layers import database
from layers.errors import DatabaseFull, DatabaseUnavailable, DatabaseUnsuitable


def test_an_address_of_another_kind_is_refused():
    with pytest.raises(DatabaseUnavailable, match="postgresql://"):
        database.make_engine("mysql://localhost/wangge")


def test_a_server_that_does_not_answer():
    engine = database.make_engine("postgresql://nobody@127.0.0.1:1/none", pool_size=1)
    with pytest.raises(DatabaseUnavailable, match="does not answer"):
        database.check(engine)


class _DiskFullError(Exception):
    pgcode = "53100"


def test_a_full_disk_is_named():
    with pytest.raises(DatabaseFull, match="no space"), database.translated():
        raise OperationalError("INSERT", {}, _DiskFullError())


def test_an_old_postgis_is_named(database_url, monkeypatch):
    monkeypatch.setattr(database, "OLDEST_POSTGIS", (99, 0))
    engine = database.make_engine(database_url, pool_size=1)
    with pytest.raises(DatabaseUnsuitable, match="too old"):
        database.check(engine)
    engine.dispose()
