"""Partitions of incidents: made when they are needed, and the list read across them."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from layers import database, incidents
from layers.incidents import partitions, search
from layers.incidents.search import Filters
from layers.tables import Assignment, Incident, IncidentKey
from tests import paper_city as city

DESK = incidents.Desk(on=dt.date(2026, 3, 1))
NOW = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)


@pytest.fixture
def built(session):
    city.build(session)
    return session


def at(*date):
    return dt.datetime(*date, tzinfo=dt.UTC)


def file(session, reported_at, now=NOW, **said):
    lon, lat = city.point(1, 1)
    report = incidents.Report(
        **{"category": "0101", "reported_at": reported_at, "lon": lon, "lat": lat, **said}
    )
    done = incidents.intake(session, report, actor="zhang", now=now, desk=DESK)
    session.commit()
    return done.incident


def stored(session, table="incidents"):
    names = session.scalars(
        text(
            "SELECT relname FROM pg_inherits JOIN pg_class ON oid = inhrelid WHERE inhparent = CAST(:t AS regclass)"
        ),
        {"t": table},
    )
    return sorted(names)


def test_the_first_of_a_quarter_makes_the_next_ones_partitions(built):
    file(built, NOW)
    assert stored(built) == ["incidents_2026q1", "incidents_2026q2"]
    assert stored(built, "assignments") == ["assignments_2026q1", "assignments_2026q2"]
    file(built, at(2026, 4, 1), now=at(2026, 4, 1))
    assert stored(built)[-1] == "incidents_2026q3"


@pytest.mark.parametrize(
    ("reported_at", "partition"),
    [
        (at(2025, 12, 31, 23, 59, 59, 999_999), "incidents_2025q4"),
        (at(2026, 1, 1), "incidents_2026q1"),
        (dt.datetime(2026, 1, 1, 7, 59, tzinfo=dt.timezone(dt.timedelta(hours=8))), "incidents_2025q4"),
        (at(2010, 1, 1), "incidents_2010q1"),
        (at(2009, 12, 31), "incidents_earlier"),
        (at(1900, 1, 1), "incidents_earlier"),
    ],
)
def test_an_incident_lies_in_the_partition_of_its_time(built, reported_at, partition):
    incident = file(built, reported_at)
    found = built.execute(select(text("tableoid::regclass::text")).select_from(Incident)).scalar()
    assert found == partition
    assert incidents.get(built, incident.id).reported_at == reported_at
    assert [one.rule for one in incidents.assignments(built, incident)] == ["inside"]


def test_what_has_no_partition_is_refused_and_never_put_aside(built):
    file(built, NOW)
    with pytest.raises(DBAPIError, match="no partition"):
        built.execute(
            text(
                "WITH made AS (INSERT INTO incident_keys (id, reported_at) VALUES (gen_random_uuid(), '2030-01-01Z')"
                " RETURNING *) INSERT INTO incidents (id, reported_at, category, created_at, created_by, status, rule,"
                " path, candidates, revision) SELECT id, reported_at, 'x', now(), 'x', 'open', 'none', '{}', '{}', 0 FROM made"
            )
        )
    built.rollback()


def test_one_id_lies_in_one_partition(built):
    incident = file(built, NOW)
    with pytest.raises(DBAPIError, match="incident_keys_pkey"):
        built.execute(
            text("INSERT INTO incident_keys (id, reported_at) VALUES (:id, '2026-06-01Z')"),
            {"id": incident.id},
        )
    built.rollback()


@pytest.mark.usefixtures("built")
def test_partitions_are_made_once_by_many_at_the_same_time(engine):
    days = [at(2015 + number, 1 + number, 1) for number in range(6)]

    def attempt(number):
        with database.sessions(engine)() as session:
            return file(session, days[number % len(days)]).id

    with ThreadPoolExecutor(10) as pool:
        assert len(set(pool.map(attempt, range(24)))) == 24
    with database.sessions(engine)() as session:
        assert session.scalar(select(func.count()).select_from(Incident)) == 24
        assert session.scalar(select(func.count()).select_from(IncidentKey)) == 24
        assert session.scalar(select(func.count()).select_from(Assignment)) == 24
        assert len(set(session.scalars(select(Incident.number)))) == 24


def test_pages_go_on_from_partition_to_partition(built):
    days = [at(1999, 5, 5), at(2009, 1, 1), *(at(2020 + n // 4, 1 + 3 * (n % 4), 15) for n in range(20))]
    for day in days:
        file(built, day, description=day.isoformat())
    expected = [day.isoformat() for day in reversed(days)]
    for size in (1, 3, 7, 22, 30):
        told, cursor = [], None
        while True:
            found, cursor = search.search(built, Filters(), limit=size, cursor=cursor)
            told += [one.incident.description for one in found]
            assert len(found) == size or cursor is None
            if cursor is None:
                break
        assert told == expected
    between = Filters(since=days[5], until=days[9])
    found, _ = search.search(built, between, limit=50)
    assert [one.incident.description for one in found] == [day.isoformat() for day in reversed(days[5:9])]


def test_spans_double_back_through_time():
    quarters = [
        (at(2020 + n // 4, 1 + 3 * (n % 4), 1), at(2020 + (n + 1) // 4, 1 + 3 * ((n + 1) % 4), 1))
        for n in range(9)
    ][::-1]
    spans = [*quarters, (None, partitions.EARLIEST)]
    joined = list(search._spans_back(spans, None, None))
    assert joined == [
        (at(2022, 1, 1), at(2022, 4, 1)),
        (at(2021, 7, 1), at(2022, 1, 1)),
        (at(2020, 7, 1), at(2021, 7, 1)),
        (None, at(2020, 7, 1)),
    ]
    assert list(search._spans_back(spans, at(2021, 2, 1), at(2021, 5, 1))) == [
        (at(2021, 4, 1), at(2021, 7, 1)), (at(2021, 1, 1), at(2021, 4, 1)),
    ]  # fmt: skip
