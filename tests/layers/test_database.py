"""A database that cannot be used is a clear report."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as NoConnection

from geo.faults import DataError
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


def test_when_every_connection_is_taken_that_is_said():
    with pytest.raises(DatabaseUnavailable, match="in use"), database.translated():
        raise NoConnection


@pytest.mark.parametrize(
    ("statement", "value"),
    [
        ("SELECT CAST(:value AS text)", "a\0b"),  # found by the driver
        ("SELECT CAST(CAST(:value AS text) AS jsonb) ->> 'a'", '{"a":"\\u0000"}'),
        ("SELECT CAST(CAST(:value AS text) AS integer)", "99999999999"),
    ],
)
def test_a_value_that_no_column_can_hold_is_a_fault_of_the_data(session, statement, value):
    with pytest.raises(DataError) as refused, database.translated():
        session.execute(text(statement), {"value": value})
    assert [fault.kind for fault in refused.value.faults] == ["value-invalid"]


def test_an_old_postgis_is_named(database_url, monkeypatch):
    monkeypatch.setattr(database, "OLDEST_POSTGIS", (99, 0))
    engine = database.make_engine(database_url, pool_size=1)
    with pytest.raises(DatabaseUnsuitable, match="too old"):
        database.check(engine)
    engine.dispose()
