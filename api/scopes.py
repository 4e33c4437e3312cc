"""Which incidents and whose names a caller sees.

Incidents are those assigned in the account's areas; the unassigned are the district's.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from api.access import Caller, Permission
from api.snapshots import Snapshot
from layers import incidents, located
from layers.database import Session
from layers.errors import NotFound
from layers.located import Area
from layers.tables import Incident


def reads_people(caller: Caller) -> bool:
    """Tell whether a caller reads personal data of the whole city, as files and histories of a layer hold it."""
    return caller.may(Permission.READ_PERSONAL) and not caller.areas


def named_areas(snapshot: Snapshot) -> Mapping[str, Area]:
    """Return the areas of all levels by code."""
    return snapshot.model("named areas", layers=located.layers_of("grid"), load=located.named_areas)


def scope(caller: Caller, snapshot: Snapshot) -> dict[str, Any]:
    """Return the fields of :class:`layers.incidents.search.Filters` that limit a search to what a caller sees."""
    return {"scope": caller.areas, "scope_unassigned": sees_unassigned(caller, snapshot)}


def visible(session: Session, snapshot: Snapshot, incident_id: UUID, caller: Caller) -> Incident:
    """Return an incident that a caller may see.

    Raises
    ------
    NotFound
        If there is none with this id, or it lies elsewhere: an id must not tell what does.
    """
    incident = incidents.get(session, incident_id)
    if caller.covers(incident.path):
        return incident
    if incident.area_code is None and sees_unassigned(caller, snapshot):
        return incident
    raise NotFound(f"There is no incident {incident_id}.")


def sees_unassigned(caller: Caller, snapshot: Snapshot) -> bool:
    """Tell whether a caller sees the incidents that belong to no area: without limits, or as a district's account."""
    if not caller.areas:
        return True
    mine = (named_areas(snapshot).get(code) for code in caller.areas)
    return any(area is not None and area.level == "district" for area in mine)
