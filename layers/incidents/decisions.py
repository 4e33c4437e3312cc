"""Which area an incident belongs to: read, decided by a person, and released again, every step recorded.

Whoever moves an incident holds off publishing until the commit (:func:`begin`), so that no
incident is left with an answer of a revision that has just ended.
"""

import datetime as dt
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from geo import assign
from geo.faults import DataError, Fault
from geo.levels import LAYER_OF, LEVELS
from layers import history, located, store
from layers.errors import Conflict, NotFound
from layers.incidents import answers, partitions
from layers.located import Location
from layers.tables import Assignment, Incident, IncidentKey

#: An incident is open until it is closed; closed ones keep their assignment for ever.
STATUSES = ("open", "closed")
#: A place says by which rule it belongs to an area, or a person decided.
RULES = (*assign.RULES, "manual")

# One round trip to the database; what is read was not chosen before the lock was got.
_BEGIN = text(f"{history.LOCK_SHARED}; SELECT ({history.IN_EFFECT}), ARRAY({partitions.MISSING})")


def get(session: Session, incident_id: UUID, *, for_update: bool = False) -> Incident:
    """Return an incident.

    Raises
    ------
    NotFound
        If there is none with this id.
    """
    key = session.get(IncidentKey, incident_id, with_for_update={"read": True} if for_update else None)
    if key is None:
        raise NotFound(f"There is no incident {incident_id}.")
    return session.get_one(Incident, (key.id, key.reported_at), with_for_update=for_update or None)


def assignments(session: Session, incident: Incident) -> list[Assignment]:
    """Return every decision about an incident's area, oldest first."""
    # None is older than the incident, so older partitions need no look.
    query = select(Assignment).where(
        Assignment.incident_id == incident.id, Assignment.decided_at >= incident.created_at
    )
    return list(session.scalars(query.order_by(Assignment.id)))


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
        If no grid of the incidents' scheme has this code, the incident belongs to it already, or the reason is
        blank.
    """
    revision = begin(session, now)
    incident = _open(session, incident_id)
    path = located.path_of(session, revision, area_code)
    faults = []
    if not path:
        faults.append(_no_grid(session, revision, area_code))
    elif area_code == incident.area_code:
        message = f"The incident already belongs to {path[-1].name} ({area_code}); choose another grid."
        faults.append(Fault(kind="value-invalid", field="area_code", message=message))
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
    session.add(decision(incident, actor=actor, now=now, reason=reason.strip()))
    session.flush()
    return incident


def release(session: Session, incident_id: UUID, *, actor: str, now: dt.datetime, on: dt.date) -> Incident:
    """End a person's decision: the incident belongs again to where its place says.

    Raises
    ------
    NotFound
        If there is no such incident.
    Conflict
        If it is closed, or no person's decision stands.
    """
    revision = begin(session, now)
    incident = _open(session, incident_id)
    if incident.rule != "manual":
        raise Conflict("This incident was not assigned by hand, so there is nothing to release.")
    for name, value in answers.of_location(place_of(session, incident, revision, on=on)).items():
        setattr(incident, name, value)
    incident.revision = revision
    session.add(decision(incident, actor=actor, now=now, reason="released"))
    session.flush()
    return incident


def place(
    session: Session,
    incident_id: UUID,
    lonlat: located.Place,
    *,
    reason: str,
    actor: str,
    now: dt.datetime,
    on: dt.date,
    given: tuple[float, float, str] | None = None,
) -> Incident:
    """Give an incident its place, EPSG:4326, and with it the area that answers there.

    Parameters
    ----------
    given
        Coordinates and datum as they were stated; None where words told the place.

    Raises
    ------
    NotFound
        If there is no such incident.
    Conflict
        If it is closed, or a person's decision about its area stands.
    """
    revision = begin(session, now)
    incident = _open(session, incident_id)
    if incident.rule == "manual":
        raise Conflict("This incident was assigned by hand; release it before giving it another place.")
    incident.geom = func.ST_SetSRID(func.ST_MakePoint(*lonlat), 4326)
    incident.given_x, incident.given_y, incident.given_datum = given or (None, None, None)
    location = located.locate_at(session, revision, lonlat, on=on) if revision else None
    for name, value in answers.of_location(location).items():
        setattr(incident, name, value)
    incident.revision = revision
    session.add(decision(incident, actor=actor, now=now, reason=reason))
    session.flush()
    return incident


def decision(incident: Incident, *, actor: str, now: dt.datetime, reason: str | None) -> Assignment:
    """Return the record of what an incident says of its area now; the caller adds it."""
    values = {name: getattr(incident, name) for name in ("revision", *answers.COLUMNS)}
    return Assignment(
        incident_id=incident.id,
        decided_at=now,
        decided_by=actor,
        reason=reason or incident.queue_reason,
        **values,
    )


def place_of(session: Session, incident: Incident, revision: int, *, on: dt.date) -> Location | None:
    """Locate an incident at a revision, reading its neighbourhood only; None where it has no coordinates."""
    lon, lat = session.execute(
        select(func.ST_X(Incident.geom), func.ST_Y(Incident.geom)).where(
            Incident.id == incident.id, Incident.reported_at == incident.reported_at
        )
    ).one()
    if lon is None or revision == 0:
        return None
    return located.locate_at(session, revision, (lon, lat), on=on)


def _no_grid(session: Session, revision: int, code: str) -> Fault:
    """Say why a code is none that an incident can be given to."""
    message = f"No grid has the code {code!r}."
    others = store.read(session, "grids", revision, columns=["code", "scheme"], codes=[code])
    above = [
        level
        for level in LEVELS[:-1]
        if len(store.read(session, LAYER_OF[level], revision, columns=["code"], codes=[code]))
    ]
    if len(others):
        scheme = others["scheme"].iloc[0]
        message = (
            f"{code} is a grid of the scheme {scheme!r}; incidents belong to grids of {located.SCHEME!r}."
        )
    elif above:
        message = f"{code} is a {above[0]}; choose one of its grids."
    return Fault(kind="value-invalid", field="area_code", message=message)


def begin(session: Session, now: dt.datetime, *, reported_at: Sequence[dt.datetime] = ()) -> int:
    """Hold off publishing, see to it that there are partitions, and return the revision in effect."""
    names = list(partitions.needed(now=now, reported_at=reported_at))
    revision, missing = session.execute(_BEGIN, {"now": now, "names": names}).one()
    if missing:
        partitions.ensure(session, now=now, reported_at=reported_at)
    return int(revision)


def _open(session: Session, incident_id: UUID) -> Incident:
    incident = get(session, incident_id, for_update=True)
    if incident.status == "closed":
        raise Conflict("This incident is closed; its assignment stays as it was.")
    return incident
