"""Incidents: taken in with the area they belong to, found again, and moved by a person."""

import datetime as dt
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Header, Path, Query, Request, Response

from api import stated, told_places
from api.access import Caller, Permission, needs
from api.dependencies import Runtime, RuntimeDep, SessionDep, SnapshotDep
from api.errors import Problem
from api.places import buildings_at, compounds_at, locator_at_hand, posts_at
from api.schemas import (
    AssignedAreaOut,
    AssignmentOut,
    CandidateOut,
    DecisionOut,
    IncidentDetailOut,
    IncidentIn,
    IncidentList,
    IncidentOut,
    NearbyOut,
    PostOut,
    ReassignIn,
)
from api.scopes import named_areas, scope, visible
from api.snapshots import Snapshot
from geo.faults import DataError, Fault
from layers import incidents, located
from layers.database import Session
from layers.incidents import search
from layers.incidents.search import Filters, Found
from layers.located import Area
from layers.search import Hit
from layers.tables import Assignment, Incident

router = APIRouter(prefix="/api/incidents", tags=["incidents"])

ReaderDep = Annotated[Caller, needs(Permission.READ_INCIDENTS)]
FilerDep = Annotated[Caller, needs(Permission.FILE_INCIDENTS)]
DispatcherDep = Annotated[Caller, needs(Permission.DISPATCH_INCIDENTS)]


IncidentId = Annotated[UUID, Path(description="`id` of an incident")]


@router.post(
    "",
    status_code=201,
    response_model=IncidentDetailOut,
    summary="Report an incident",
    responses={200: {"description": "Reported before"}},
)
def report_incident(
    *,
    body: IncidentIn,
    session: SessionDep,
    snapshot: SnapshotDep,
    runtime: RuntimeDep,
    caller: FilerDep,
    idempotency_key: Annotated[
        str | None,
        Header(max_length=255, description="a repeated request with the same key makes one record"),
    ] = None,
) -> Response:
    """Store an incident with the grid it belongs to; answered after it is safely stored.

    One without coordinates, or outside every grid, is kept and queued as unassigned, with the reason. `places` are
    those that its address may mean; where the settings say so, one that is beyond doubt is taken at once.
    """
    now = runtime.clock()
    actor = caller.name or ""
    done = incidents.intake(
        session,
        _report(body, runtime, now),
        actor=actor,
        now=now,
        desk=_desk(caller, runtime, snapshot),
        repetition=_repetition(body, idempotency_key),
    )
    incident = done.incident
    if done.created and runtime.settings.take_confident_place:
        on = today(runtime)
        incident = told_places.take(session, snapshot, done.found, actor=actor, now=now, on=on) or incident
    if incident.path and not caller.covers(incident.path):
        told = (
            f"The place lies in {incident.area_code}"
            if done.created
            else "It was reported before, and was moved"
        )
        raise Problem("forbidden", f"{told}, outside your account's areas.")
    if done.location is None:
        reply = all_known(session, incident, runtime, snapshot, caller)
    else:
        posts = [PostOut.model_validate(post) for post in done.location.posts]
        reply = _detail(done.found, done.decisions, done.nearby, posts, (caller, snapshot))
    # Written here, where it was checked: FastAPI would check and copy it once more, a third of the whole work.
    return Response(
        reply.model_dump_json(),
        status_code=201 if done.created else 200,
        headers={"Location": f"/api/incidents/{done.incident.id}"},
        media_type="application/json",
    )


@router.get("", summary="Find incidents")
def find_incidents(
    *,
    request: Request,
    session: SessionDep,
    snapshot: SnapshotDep,
    runtime: RuntimeDep,
    caller: ReaderDep,
    status: Annotated[str | None, Query(description="one of open, closed")] = None,
    category: Annotated[str | None, Query(description="code of a category")] = None,
    area: Annotated[
        str | None, Query(description="code of an area of any level, or the beginning of grid codes")
    ] = None,
    rule: Annotated[str | None, Query(description="inside, border, overlap, nearest, none or manual")] = None,
    since: Annotated[str | None, Query(description="reported at or after: instant, or first day")] = None,
    until: Annotated[str | None, Query(description="reported before: instant, or last day")] = None,
    bbox: Annotated[str | None, Query(description="west,south,east,north in degrees, WGS84")] = None,
    unassigned: Annotated[bool | None, Query(description="true: only those in no area")] = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="incidents a page")] = 100,
    cursor: Annotated[str | None, Query(description="from `next` of the page before")] = None,
) -> IncidentList:
    """Return incidents, newest first; new ones do not shift the pages that follow."""
    timezone = runtime.settings.timezone
    faults = stated.Faults()
    filters = Filters(
        status=faults.reading(
            lambda: stated.choice(status, incidents.STATUSES, "status") if status else None
        ),
        category=category,
        area=area,
        rule=faults.reading(lambda: stated.choice(rule, incidents.RULES, "rule") if rule else None),
        since=faults.reading(
            lambda: stated.instant(since, timezone, field="since", starts=True) if since else None
        ),
        until=faults.reading(lambda: stated.instant(until, timezone, field="until") if until else None),
        bbox=faults.reading(lambda: _box(bbox) if bbox else None),
        unassigned=unassigned,
        **scope(caller, snapshot),
    )
    faults.check()
    found, following = search.search(session, filters, limit=limit, cursor=cursor)
    areas = named_areas(snapshot)
    path = None
    if following is not None:
        kept = {name: value for name, value in request.query_params.items() if name != "cursor"}
        path = f"/api/incidents?{urlencode({**kept, 'cursor': following})}"
    return IncidentList(
        revision=snapshot.revision,
        incidents=[IncidentOut(**_described(one, caller, areas)) for one in found],
        next=path,
    )


@router.get("/{incident_id}", summary="One incident with its history")
def read_incident(
    *,
    incident_id: IncidentId,
    session: SessionDep,
    snapshot: SnapshotDep,
    runtime: RuntimeDep,
    caller: ReaderDep,
) -> IncidentDetailOut:
    """Return an incident, who answers for its place today, every decision about its area, and what is near by."""
    incident = visible(session, snapshot, incident_id, caller)
    return all_known(session, incident, runtime, snapshot, caller)


@router.post("/{incident_id}/reassign", summary="Give an incident to another grid")
def reassign_incident(
    *,
    incident_id: IncidentId,
    body: ReassignIn,
    session: SessionDep,
    snapshot: SnapshotDep,
    runtime: RuntimeDep,
    caller: DispatcherDep,
) -> IncidentDetailOut:
    """Decide by hand; the decision outlives boundary edits until it is released."""
    visible(session, snapshot, incident_id, caller)
    incident = incidents.reassign(
        session,
        incident_id,
        body.area_code,
        reason=body.reason,
        actor=caller.name or "",
        now=runtime.clock(),
    )
    if not caller.covers(incident.path):
        raise Problem("forbidden", f"The grid {body.area_code} lies outside the areas of your account.")
    return all_known(session, incident, runtime, snapshot, caller)


@router.post("/{incident_id}/release", summary="End a decision by hand")
def release_incident(
    *,
    incident_id: IncidentId,
    session: SessionDep,
    snapshot: SnapshotDep,
    runtime: RuntimeDep,
    caller: DispatcherDep,
) -> IncidentDetailOut:
    """Let the incident belong again to where its place says."""
    visible(session, snapshot, incident_id, caller)
    incident = incidents.release(
        session,
        incident_id,
        actor=caller.name or "",
        now=runtime.clock(),
        on=today(runtime),
    )
    return all_known(session, incident, runtime, snapshot, caller)


# --- requests ---------------------------------------------------------------------------------------------


#: How far ahead the clock of a sender may be.
_CLOCKS_DIFFER = dt.timedelta(minutes=10)


def _report(body: IncidentIn, runtime: Runtime, now: dt.datetime) -> incidents.Report:
    texts = ("address", "description", "source", "reporter_name", "reporter_phone")
    reported_at, place = stated.together(
        lambda: _reported_at(body, now),
        lambda: _place(body, runtime),
    )
    report: dict[str, Any] = {
        "category": body.category,
        "reported_at": reported_at,
        **{name: getattr(body, name) or None for name in texts},
    }
    if place is None:
        return incidents.Report(**report)
    return incidents.Report(
        **report, lon=place.lon, lat=place.lat, given_x=place.x, given_y=place.y, given_datum=place.datum
    )


def _reported_at(body: IncidentIn, now: dt.datetime) -> dt.datetime:
    reported_at = (body.reported_at or now).astimezone(dt.UTC)
    if reported_at > now + _CLOCKS_DIFFER:
        message = f"{reported_at.isoformat()} lies in the future; it is {now.isoformat(timespec='seconds')}."
        raise DataError(Fault(kind="parameter-invalid", field="reported_at", message=message))
    return reported_at


def _place(body: IncidentIn, runtime: Runtime) -> stated.StatedPlace | None:
    """Where the incident is; None where only words tell."""
    if body.lon is not None or body.lat is not None:
        return stated.place(body.lon, body.lat, body.datum, runtime.settings)
    if body.address:
        return None
    message = "State the place: lon, lat and datum, or an address."
    raise DataError(
        [Fault(kind="coordinate-missing", field=name, message=message) for name in ("lon", "lat")]
    )


def _repetition(body: IncidentIn, key: str | None) -> incidents.Repetition | None:
    if not key:
        return None
    return incidents.Repetition(key, sha256(body.model_dump_json().encode()).digest())


def _box(text: str) -> tuple[float, float, float, float]:
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError:
        west = south = east = north = float("nan")
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):  # noqa: PLR2004 - degrees
        message = f"{text!r} is no box; write west,south,east,north in degrees."
        raise DataError(Fault(kind="parameter-invalid", field="bbox", message=message))
    return west, south, east, north


def today(runtime: Runtime) -> dt.date:
    """Return the day in the city's time zone."""
    return runtime.clock().astimezone(ZoneInfo(runtime.settings.timezone)).date()


def _desk(caller: Caller, runtime: Runtime, snapshot: Snapshot) -> incidents.Desk:
    """What intake has at hand: the areas in memory, unless another revision was published meanwhile."""
    return incidents.Desk(
        on=today(runtime),
        locators=lambda revision: (
            locator_at_hand(snapshot, "grid") if revision == snapshot.revision else None
        ),
        vicinity=_vicinity(runtime),
        **scope(caller, snapshot),
    )


def _vicinity(runtime: Runtime) -> incidents.Vicinity:
    settings = runtime.settings
    return incidents.Vicinity(radius_m=settings.duplicate_radius_m, hours=settings.duplicate_hours)


# --- replies ----------------------------------------------------------------------------------------------


def _masked(text: str | None, *, head: int, tail: int) -> str | None:
    if not text:
        return text
    return f"{text[:head]}****{text[-tail:] if tail and len(text) > head + tail else ''}"


def _described(found: Found, caller: Caller, areas: Mapping[str, Area]) -> dict[str, Any]:
    incident = found.incident
    name, phone = incident.reporter_name, incident.reporter_phone
    if not caller.may(Permission.READ_PERSONAL):
        name, phone = _masked(name, head=1, tail=0), _masked(phone, head=3, tail=4)
    copied = (
        "id", "category", "status", "deadline", "address", "description", "source", "reported_at", "created_at",
        "created_by", "closed_at",
    )  # fmt: skip
    return {
        **{field: getattr(incident, field) for field in copied},
        "lon": found.lon,
        "lat": found.lat,
        "datum": incident.given_datum,
        "reporter_name": name,
        "reporter_phone": phone,
        "assignment": AssignmentOut(**_assigned(incident, areas), reason=incident.queue_reason),
    }


def _assigned(decision: Incident | Assignment, areas: Mapping[str, Area]) -> dict[str, Any]:
    path = [_area(code, areas) for code in decision.path]
    return {
        "area": path[-1] if path else None,
        "rule": decision.rule,
        "distance_m": decision.distance_m,
        "margin_m": decision.margin_m,
        "candidates": decision.candidates,
        "path": path,
        "revision": decision.revision,
    }


def _area(code: str, areas: Mapping[str, Area]) -> AssignedAreaOut:
    area = areas.get(code)
    return AssignedAreaOut(code=code, name=area and area.name, level=area and area.level)


def _detail(
    found: Found,
    decisions: Sequence[Assignment],
    nearby: Sequence[incidents.Nearby],
    posts: list[PostOut],
    to: tuple[Caller, Snapshot],
    *,
    places: Sequence[Hit] = (),
) -> IncidentDetailOut:
    caller, snapshot = to
    areas = named_areas(snapshot)
    return IncidentDetailOut(
        **_described(found, caller, areas),
        posts=posts,
        history=[
            DecisionOut(
                **_assigned(one, areas),
                reason=one.reason,
                decided_at=one.decided_at,
                decided_by=one.decided_by,
            )
            for one in decisions
        ],
        nearby=[NearbyOut.model_validate(one) for one in nearby],
        places=[CandidateOut.of(hit) for hit in places],
    )


def all_known(
    session: Session, incident: Incident, runtime: Runtime, snapshot: Snapshot, caller: Caller
) -> IncidentDetailOut:
    """Return all that is known of an incident now."""
    found = search.find(session, incident)
    near: list[incidents.Nearby] = []
    if found.place is not None:
        near = incidents.nearby(
            session,
            found.place,
            reported_at=incident.reported_at,
            category=incident.category,
            vicinity=_vicinity(runtime),
            **scope(caller, snapshot),
        )
    return _detail(
        found,
        incidents.assignments(session, incident),
        [one for one in near if one.id != incident.id],
        _team(found, snapshot, runtime),
        (caller, snapshot),
        places=told_places.told(session, snapshot, found),
    )


def _team(found: Found, snapshot: Snapshot, runtime: Runtime) -> list[PostOut]:
    """Who answers today for the grid, the compound and the building of an incident."""
    code = found.incident.area_code
    targets = [("grids", code)] if code else []
    if found.place is not None and snapshot.revision:
        compound = compounds_at(snapshot).at(*found.place)
        targets += [("compounds", compound.code)] if compound else []
        building = buildings_at(snapshot).at(*found.place)
        targets += [("buildings", building.code)] if building else []
    posts = posts_at(snapshot)
    on = today(runtime)
    return [PostOut.model_validate(post) for post in located.held(posts, targets, on)]
