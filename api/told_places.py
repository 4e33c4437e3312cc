"""Incidents whose place is told by words only: the candidates, and the one that needs no person to choose."""

import datetime as dt

from api.places import areas_at
from api.snapshots import Snapshot
from geo.faults import DataError, Fault
from layers import incidents, search
from layers.database import Session
from layers.incidents.search import Found
from layers.search import Hit
from layers.tables import Incident


def told(session: Session, snapshot: Snapshot, found: Found) -> list[Hit]:
    """Return the places that an open incident's address may mean; none once its coordinates are known."""
    incident = found.incident
    if (
        found.place is not None
        or incident.status == "closed"
        or not incident.address
        or not snapshot.revision
    ):
        return []
    try:
        return search.find(session, snapshot.revision, incident.address, areas=areas_at(snapshot, "grid"))
    except DataError:
        # Nothing to search for: a person will ask back.
        return []


def take(
    session: Session, snapshot: Snapshot, found: Found, *, actor: str, now: dt.datetime, on: dt.date
) -> Incident | None:
    """Place an incident where its address says, if that is beyond doubt; None where a person must choose."""
    sure = search.confident(told(session, snapshot, found))
    if sure is None:
        return None
    return incidents.place(
        session, found.incident.id, (sure.lon, sure.lat), reason=reason(sure), actor=actor, now=now, on=on
    )


def chosen(session: Session, snapshot: Snapshot, found: Found, code: str) -> Hit:
    """Return the candidate of a code.

    Raises
    ------
    DataError
        On field ``candidate``, if the incident has none of this code.
    """
    hits = told(session, snapshot, found)
    for hit in hits:
        if hit.code == code:
            return hit
    known = ", ".join(dict.fromkeys(hit.code for hit in hits)) or "none"
    message = f"{code!r} is no candidate for the address of this incident; there are: {known}."
    raise DataError(Fault(kind="value-invalid", field="candidate", message=message))


def reason(hit: Hit) -> str:
    """Say in the history where a place came from."""
    return f"the address means {hit.name} ({hit.code}), within {hit.uncertainty_m:.0f} m"
