"""Incidents are filed one by one, each with the area it belongs to and with what was reported near by.

Every answer comes from :mod:`geo.assign` at a revision that is named beside it; publishing waits for the commit
(:func:`layers.incidents.decisions.begin`). Areas that are in memory answer where they are those of that revision,
else the neighbourhood is read from the database, which gives the same answer.
"""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any
from uuid import uuid4

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from layers import located
from layers.errors import Conflict
from layers.incidents import answers, decisions, search
from layers.incidents.nearby import Nearby, Vicinity, nearby
from layers.incidents.search import Found
from layers.located import Location, Locator, Place
from layers.tables import Assignment, IdempotencyKey, Incident

#: What locates a place at a revision, where that is in memory.
Locators = Callable[[int], Locator | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What somebody reported.

    ``lon`` and ``lat`` are EPSG:4326, None where only words tell the place; ``given_x``, ``given_y`` and
    ``given_datum`` keep the coordinates as they were stated.
    """

    category: str
    reported_at: dt.datetime
    description: str | None = None
    address: str | None = None
    source: str | None = None
    reporter_name: str | None = None
    reporter_phone: str | None = None
    lon: float | None = None
    lat: float | None = None
    given_x: float | None = None
    given_y: float | None = None
    given_datum: str | None = None

    @property
    def place(self) -> Place | None:
        """Longitude and latitude, where they are known."""
        return None if self.lon is None or self.lat is None else (self.lon, self.lat)


@dataclass(frozen=True, slots=True)
class Repetition:
    """What tells a repeated request: the account's key, and a digest of what was asked."""

    key: str
    digest: bytes


def _nothing_at_hand(_revision: int) -> Locator | None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What intake works with.

    Parameters
    ----------
    on
        The day, in the city's time zone, on which the team must be in office.
    locators
        What is in memory to locate a place with.
    vicinity
        What counts as near by.
    scope, scope_unassigned
        Codes of the areas that whoever files is limited to (empty: no limit), and whether the unassigned are seen.
    """

    on: dt.date
    locators: Locators = _nothing_at_hand
    vicinity: Vicinity = field(default_factory=Vicinity)
    scope: Sequence[str] = ()
    scope_unassigned: bool = False


@dataclass(frozen=True, slots=True)
class Filed:
    """An incident as stored, and whether this request made it.

    ``location`` says where it is (None without coordinates), ``decisions`` who decided about its area, and
    ``nearby`` what was there already.
    """

    found: Found
    location: Location | None
    decisions: list[Assignment]
    nearby: list[Nearby]
    created: bool

    @property
    def incident(self) -> Incident:
        """The incident itself."""
        return self.found.incident


# One statement, so that filing an incident costs one round trip to the database.
_COLUMNS = (
    "id", "category", "description", "address", "source", "reporter_name", "reporter_phone", "reported_at",
    "created_at", "created_by", "status", "given_x", "given_y", "given_datum", "revision", *answers.COLUMNS,
    "queue_reason",
)  # fmt: skip
_STORE = text(
    f"""
    WITH key AS (INSERT INTO incident_keys (id, reported_at) VALUES (:id, :reported_at)),
    incident AS (
        INSERT INTO incidents ({", ".join(_COLUMNS)}, geom)
        VALUES ({", ".join(f":{name}" for name in _COLUMNS)}, ST_SetSRID(ST_MakePoint(:lon, :lat), 4326))
    )
    INSERT INTO assignments (incident_id, decided_at, decided_by, revision, {", ".join(answers.COLUMNS)}, reason)
    VALUES (:id, :created_at, :created_by, :revision, {", ".join(f":{name}" for name in answers.COLUMNS)},
        :queue_reason)
    RETURNING id"""  # noqa: S608 - all parts are constants
)


def intake(
    session: Session,
    report: Report,
    *,
    actor: str,
    now: dt.datetime,
    desk: Desk,
    repetition: Repetition | None = None,
) -> Filed:
    """Store an incident with its area; the caller commits before answering.

    Without coordinates, or where no area answers, it is kept and queued as unassigned, with the reason.

    Parameters
    ----------
    repetition
        Makes a second request with the same key return the first one's incident.

    Raises
    ------
    Conflict
        If the key was used for another request.
    """
    if repetition is not None:
        # Two requests with one key at once: the second waits here until the first is committed.
        session.execute(
            select(func.pg_advisory_xact_lock(func.hashtextextended(f"{actor}\n{repetition.key}", 0)))
        )
        earlier = session.get(IdempotencyKey, (actor, repetition.key))
        if earlier is not None:
            return _repeated(session, earlier, repetition, desk)
    near = _near(session, report.place, report.reported_at, report.category, desk)
    revision = decisions.begin(session, now, reported_at=[report.reported_at])
    location = _locate(session, revision, report.place, desk)
    incident, decided = _store(session, report, answers.of_location(location), revision, (actor, now))
    if repetition is not None:
        key = {"account": actor, "key": repetition.key, "request_digest": repetition.digest}
        session.add(IdempotencyKey(**key, incident_id=incident.id, created_at=now))
        session.flush()
    return Filed(Found(incident, report.lon, report.lat), location, [decided], near, created=True)


def _store(
    session: Session, report: Report, answer: dict[str, Any], revision: int, by: tuple[str, dt.datetime]
) -> tuple[Incident, Assignment]:
    """Store an incident with the decision about its area; both as they will be read."""
    actor, now = by
    said = asdict(report)
    lon, lat = said.pop("lon"), said.pop("lat")
    made = {"id": uuid4(), "created_at": now, "created_by": actor, "status": "open", "revision": revision}
    incident = Incident(**said, **made, **answer)
    decided = decisions.decision(incident, actor=actor, now=now, reason=None)
    bound = {**said, **made, **answer, "id": str(incident.id), "lon": lon, "lat": lat}
    decided.id = session.scalars(_STORE, bound).one()
    return incident, decided


def _locate(session: Session, revision: int, place: Place | None, desk: Desk) -> Location | None:
    if place is None or revision == 0:
        return None
    locator = desk.locators(revision)
    if locator is not None:
        return located.locate(locator, place, on=desk.on)
    return located.locate_at(session, revision, place, on=desk.on)


def _near(
    session: Session, place: Place | None, reported_at: dt.datetime, category: str, desk: Desk
) -> list[Nearby]:
    if place is None:
        return []
    return nearby(
        session,
        place,
        reported_at=reported_at,
        category=category,
        vicinity=desk.vicinity,
        scope=desk.scope,
        scope_unassigned=desk.scope_unassigned,
    )


def _repeated(session: Session, earlier: IdempotencyKey, repetition: Repetition, desk: Desk) -> Filed:
    if bytes(earlier.request_digest) != repetition.digest:
        raise Conflict(f"The Idempotency-Key {repetition.key!r} was used for another request; use a new one.")
    incident = decisions.get(session, earlier.incident_id)
    found = search.find(session, incident)
    near = _near(session, found.place, incident.reported_at, incident.category, desk)
    location = _locate(session, incident.revision, found.place, desk)
    others = [one for one in near if one.id != incident.id]
    return Filed(found, location, decisions.assignments(session, incident), others, created=False)
