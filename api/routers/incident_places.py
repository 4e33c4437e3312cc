"""The place of an incident that words told, as a person chooses it."""

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, StrictFloat

from api import stated, told_places
from api.dependencies import RuntimeDep, SessionDep, SnapshotDep
from api.errors import Problem
from api.routers.incidents import DispatcherDep, IncidentId, all_known, today
from api.schemas import IncidentDetailOut
from api.scopes import visible
from geo.faults import DataError, Fault
from layers import incidents
from layers.incidents import search

router = APIRouter(prefix="/api/incidents", tags=["incidents"])


class PlaceIn(BaseModel):
    """Where an incident is: one of its `places` by code, or `lon`, `lat` and `datum`."""

    model_config = ConfigDict(
        extra="forbid",
        str_strip_whitespace=True,
        json_schema_extra={"example": {"candidate": "LD00063", "reason": "来电人确认"}},
    )

    candidate: str | None = Field(
        None, max_length=100, description="`code` of one of the incident's `places`"
    )
    lon: StrictFloat | str | None = Field(None, description="longitude or easting, as `datum` says")
    lat: StrictFloat | str | None = Field(None, description="latitude or northing, as `datum` says")
    datum: str | None = Field(None, description="wgs84, cgcs2000, gcj02, bd09, an EPSG code, …")
    reason: str | None = Field(None, max_length=1000, description="kept in the history")


@router.post("/{incident_id}/place", summary="Say where an incident is")
def place_incident(
    *,
    incident_id: IncidentId,
    body: PlaceIn,
    session: SessionDep,
    snapshot: SnapshotDep,
    runtime: RuntimeDep,
    caller: DispatcherDep,
) -> IncidentDetailOut:
    """Give an incident its coordinates, and with them its grid; the decision is recorded with the reason."""
    incident = visible(session, snapshot, incident_id, caller)
    if (body.candidate is None) == (body.lon is None and body.lat is None):
        message = "State either candidate, or lon, lat and datum."
        raise DataError(Fault(kind="coordinate-missing", field="candidate", message=message))
    if body.candidate is not None:
        hit = told_places.chosen(session, snapshot, search.find(session, incident), body.candidate)
        place, why, given = (hit.lon, hit.lat), told_places.reason(hit), None
    else:
        said = stated.place(body.lon, body.lat, body.datum, runtime.settings)
        place, why, given = (said.lon, said.lat), "placed by a person", (said.x, said.y, said.datum)
    moved = incidents.place(
        session,
        incident_id,
        place,
        given=given,
        reason=": ".join(filter(None, (why, body.reason))),
        actor=caller.name or "",
        now=runtime.clock(),
        on=today(runtime),
    )
    if moved.path and not caller.covers(moved.path):
        raise Problem("forbidden", f"The place lies in {moved.area_code}, outside your account's areas.")
    # Outside of every area it waits for the district, even if the account sees no more of it then.
    return all_known(session, moved, runtime, snapshot, caller)
