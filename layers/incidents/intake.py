"""Incidents: filed with the area they belong to, moved by a person or by a new boundary, and found again.

Every answer comes from :mod:`geo.assign` at a revision that is named beside it. Whoever files or moves an
incident holds off publishing until the commit (:func:`layers.history.lock_shared`), so that no incident is
left with an answer of a revision that has just ended.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from geo import assign
from geo.faults import DataError, Fault
from layers import history, located
from layers.errors import Conflict, NotFound
from layers.incidents import partitions
from layers.incidents.bulk import NO_AREA, NO_PLACE
from layers.located import Location
from layers.tables import Assignment, IdempotencyKey, Incident, IncidentKey

#: An incident is open until it is closed; closed ones keep their assignment for ever.
STATUSES = ("open", "closed")
#: A place says by which rule it belongs to an area, or a person decided.
RULES = (*assign.RULES, "manual")


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


@dataclass(frozen=True, slots=True)
class Repetition:
    """What tells a repeated request: the account's key, and a digest of what was asked."""

    key: str
    digest: bytes


@dataclass(frozen=True, slots=True)
class Filed:
    """An incident as stored, where it is (None without coordinates), and whether this request made it."""

    incident: Incident
    location: Location | None
    created: bool


def intake(
    session: Session,
    report: Report,
    *,
    actor: str,
    now: dt.datetime,
    on: dt.date,
    repetition: Repetition | None = None,
) -> Filed:
    """Store an incident with its area; the caller commits before answering.

    Without coordinates, or where no area answers, it is kept and queued as unassigned, with the reason.

    Parameters
    ----------
    on
        The day, in the city's time zone, on which the team must be in office.
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
            return _repeated(session, earlier, repetition, on=on)
    partitions.ensure(session, now=now, reported_at=[report.reported_at])
    revision = history.lock_shared(session, now)
    location = _locate(session, revision, report.lon, report.lat, on=on)
    incident = _new(report, actor=actor, now=now)
    session.add(IncidentKey(id=incident.id, reported_at=incident.reported_at))
    session.flush()
    _decide(incident, revision, location)
    session.add(incident)
    session.flush()
    _record(session, incident, actor=actor, now=now, reason=None)
    if repetition is not None:
        session.add(
            IdempotencyKey(
                account=actor,
                key=repetition.key,
                request_digest=repetition.digest,
                incident_id=incident.id,
                created_at=now,
            )
        )
    session.flush()
    return Filed(incident, location, created=True)


def get(session: Session, incident_id: UUID, *, for_update: bool = False) -> Incident:
    """Return an incident.

    Raises
    ------
    NotFound
        If there is none with this id.
    """
    key = session.get(IncidentKey, incident_id)
    if key is None:
        raise NotFound(f"There is no incident {incident_id}.")
    return session.get_one(Incident, (key.id, key.reported_at), with_for_update=for_update or None)


def assignments(session: Session, incident_id: UUID) -> list[Assignment]:
    """Return every decision about an incident's area, oldest first."""
    query = select(Assignment).where(Assignment.incident_id == incident_id).order_by(Assignment.id)
    return list(session.scalars(query))


def reassign(
    session: Session, incident_id: UUID, area_code: str, *, reason: str, actor: str, now: dt.datetime
) -> Incident:
    """Give an incident to a grid by a person's decision, kept through boundary edits until released.

    Raises
    ------
    NotFound
        If there is no such incident.
    Conflict
        If it is closed.
    DataError
        If no grid has this code, or the reason is blank.
    """
    partitions.ensure(session, now=now)
    revision = history.lock_shared(session, now)
    incident = _open(session, incident_id)
    path = located.path_of(session, revision, area_code)
    faults = []
    if not path:
        faults.append(
            Fault(kind="value-invalid", field="area_code", message=f"No grid has the code {area_code!r}.")
        )
    if not reason.strip():
        faults.append(
            Fault(kind="value-missing", field="reason", message="Say why a person decides otherwise.")
        )
    if faults:
        raise DataError(faults)
    incident.rule = "manual"
    incident.area_code = area_code
    incident.path = [area.code for area in path]
    incident.candidates = [area_code]
    incident.distance_m = incident.margin_m = incident.queue_reason = None
    incident.revision = revision
    _record(session, incident, actor=actor, now=now, reason=reason.strip())
    return incident


def release(
    session: Session,
    incident_id: UUID,
    *,
    actor: str,
    now: dt.datetime,
    on: dt.date,
) -> Incident:
    """End a person's decision: the incident belongs again to where its place says.

    Raises
    ------
    NotFound
        If there is no such incident.
    Conflict
        If it is closed, or no person's decision stands.
    """
    partitions.ensure(session, now=now)
    revision = history.lock_shared(session, now)
    incident = _open(session, incident_id)
    if incident.rule != "manual":
        raise Conflict("This incident was not assigned by hand, so there is nothing to release.")
    lon, lat = session.execute(
        select(func.ST_X(Incident.geom), func.ST_Y(Incident.geom)).where(Incident.id == incident_id)
    ).one()
    _decide(incident, revision, _locate(session, revision, lon, lat, on=on))
    _record(session, incident, actor=actor, now=now, reason="released")
    return incident


def _open(session: Session, incident_id: UUID) -> Incident:
    incident = get(session, incident_id, for_update=True)
    if incident.status == "closed":
        raise Conflict("This incident is closed; its assignment stays as it was.")
    return incident


def _repeated(session: Session, earlier: IdempotencyKey, repetition: Repetition, *, on: dt.date) -> Filed:
    if bytes(earlier.request_digest) != repetition.digest:
        raise Conflict(f"The Idempotency-Key {repetition.key!r} was used for another request; use a new one.")
    incident = get(session, earlier.incident_id)
    lon, lat = session.execute(
        select(func.ST_X(Incident.geom), func.ST_Y(Incident.geom)).where(Incident.id == incident.id)
    ).one()
    location = _locate(session, incident.revision, lon, lat, on=on)
    return Filed(incident, location, created=False)


def _locate(
    session: Session,
    revision: int,
    lon: float | None,
    lat: float | None,
    *,
    on: dt.date,
) -> Location | None:
    if lon is None or lat is None or revision == 0:
        return None
    return located.locate_at(session, revision, (lon, lat), on=on)


def _new(report: Report, *, actor: str, now: dt.datetime) -> Incident:
    placed = report.lon is not None and report.lat is not None
    return Incident(
        id=uuid4(),
        category=report.category,
        description=report.description,
        address=report.address,
        source=report.source,
        reporter_name=report.reporter_name,
        reporter_phone=report.reporter_phone,
        reported_at=report.reported_at,
        created_at=now,
        created_by=actor,
        status="open",
        given_x=report.given_x,
        given_y=report.given_y,
        given_datum=report.given_datum,
        geom=func.ST_SetSRID(func.ST_MakePoint(report.lon, report.lat), 4326) if placed else None,
    )


def _decide(incident: Incident, revision: int, location: Location | None) -> None:
    """Write an answer of `locate` into the incident."""
    incident.revision = revision
    incident.rule = location.rule if location else "none"
    incident.area_code = location.area.code if location and location.area else None
    incident.path = [area.code for area in location.path] if location else []
    incident.candidates = location.candidates if location else []
    incident.distance_m = location.distance_m if location else None
    incident.margin_m = location.margin_m if location else None
    if incident.area_code is None:
        incident.queue_reason = NO_AREA if location else NO_PLACE
    else:
        incident.queue_reason = None


def _record(
    session: Session, incident: Incident, *, actor: str, now: dt.datetime, reason: str | None
) -> None:
    copied: Sequence[str] = ("revision", "rule", "area_code", "path", "candidates", "distance_m", "margin_m")
    values: dict[str, Any] = {name: getattr(incident, name) for name in copied}
    session.add(
        Assignment(
            incident_id=incident.id,
            decided_at=now,
            decided_by=actor,
            reason=reason or incident.queue_reason,
            **values,
        )
    )
    session.flush()
