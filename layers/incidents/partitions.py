"""The partitions of incidents and of their assignments: a quarter of a year each, made before they are needed.

Incidents are partitioned by when they were reported, assignments by when they were decided: what happens now
touches the newest partition, whose indexes stay small and in memory however much lies behind it, and a year that
is to be archived is detached in a moment. A quarter, because planning a search takes time by the partition (with
months a search of ten years would plan for 20 ms). What must be unique across partitions (an id, an external id)
stands in ``incident_keys``, one narrow row an incident, which also tells the partition of an id, and is what
assignments and idempotency keys refer to.

There is no default partition: a row that has no partition is refused by the database, never put aside unseen.
All that lies before :data:`EARLIEST` shares one partition, so that a wrong year on a report makes no new ones.
"""

import datetime as dt
import re
from collections.abc import Iterable

from sqlalchemy import text
from sqlalchemy.orm import Session

#: Where the quarters begin.
EARLIEST = dt.datetime(2010, 1, 1, tzinfo=dt.UTC)

Span = tuple[dt.datetime | None, dt.datetime]

_LONGEST_QUARTER = dt.timedelta(days=92)
#: SQL of those of ``:names`` that are no partitions yet.
MISSING = "SELECT name FROM unnest(CAST(:names AS text[])) AS name WHERE to_regclass(name) IS NULL"
_MISSING = text(MISSING)
# Attaching a partition takes this lock anyway. Taken first, it lets one transaction at a time look and make;
# whoever has stored an incident already holds a weaker one, and goes on without waiting for those that wait.
_LOCK = text("LOCK TABLE incident_keys IN SHARE ROW EXCLUSIVE MODE")
_STORED = text(
    "SELECT relname FROM pg_inherits JOIN pg_class ON oid = inhrelid WHERE inhparent = 'incidents'::regclass"
)


def ensure(session: Session, *, now: dt.datetime, reported_at: Iterable[dt.datetime] = ()) -> None:
    """Make the partitions for incidents of these instants, and for what comes until the end of next quarter.

    The first to store anything in a quarter so makes the next one's partitions, months ahead of need. To be called
    before the first row is stored: a transaction that has stored rows waits for others that have.
    """
    wanted = needed(now=now, reported_at=reported_at)
    if _missing(session, wanted):
        session.execute(_LOCK)
        for name in _missing(session, wanted):
            _make(session, name, *wanted[name])


def needed(
    *, now: dt.datetime, reported_at: Iterable[dt.datetime] = ()
) -> dict[str, tuple[str, dt.datetime]]:
    """Return the partitions that :func:`ensure` makes: by name the table and the first instant."""
    quarter = _quarter(now)
    ahead = {quarter, _next(quarter)}
    wanted = {
        _name("incidents", first): ("incidents", first) for first in ahead | set(map(_quarter, reported_at))
    }
    return wanted | {_name("assignments", first): ("assignments", first) for first in ahead}


def spans(session: Session) -> list[Span]:
    """Return from when (None: always) up to when each partition of incidents holds them, newest first."""
    firsts = sorted((_first(name) for name in session.scalars(_STORED)), key=lambda first: first or EARLIEST)
    return [(first, EARLIEST if first is None else _next(first)) for first in reversed(firsts)]


def _missing(session: Session, wanted: Iterable[str]) -> list[str]:
    return list(session.scalars(_MISSING, {"names": sorted(wanted)}))


def _make(session: Session, name: str, table: str, first: dt.datetime) -> None:
    since, until = f"'{first.isoformat()}'", f"'{_next(first).isoformat()}'"
    if first < EARLIEST:
        since, until = "MINVALUE", f"'{EARLIEST.isoformat()}'"
    # Made aside and attached: made in its place, it would stop even those who read.
    session.execute(text(f"CREATE TABLE {name} (LIKE {table} INCLUDING CONSTRAINTS)"))
    session.execute(
        text(f"ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ({since}) TO ({until})")
    )


def _quarter(instant: dt.datetime) -> dt.datetime:
    """First instant of the quarter, in UTC; one and the same for all before the quarters begin."""
    utc = instant.astimezone(dt.UTC)
    if utc < EARLIEST:
        return EARLIEST - _LONGEST_QUARTER
    return dt.datetime(utc.year, 3 * ((utc.month - 1) // 3) + 1, 1, tzinfo=dt.UTC)


def _next(first: dt.datetime) -> dt.datetime:
    return _quarter(first + _LONGEST_QUARTER)


def _name(table: str, first: dt.datetime) -> str:
    return f"{table}_{first:%Y}q{first.month // 3 + 1}" if first >= EARLIEST else f"{table}_earlier"


def _first(name: str) -> dt.datetime | None:
    found = re.fullmatch(r"incidents_(\d{4})q(\d)", name)
    return dt.datetime(int(found[1]), 3 * int(found[2]) - 2, 1, tzinfo=dt.UTC) if found else None
