"""Pages of the planner's scenarios, and of what is amiss in the streets they are walked on."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import Response

from api.access import Caller, Permission, needs
from api.dependencies import SessionDep, SnapshotDep
from api.maps import sources
from api.maps.chosen import ChosenDep
from api.maps.page import EVERYWHERE, script_config
from api.snapshots import Snapshot
from api.web.reader import PageRoute, Reader, ReaderDep
from geo.coverage import circles
from geo.faults import KINDS
from geo.streets.defects import SUGGESTIONS
from layers import scenarios

router = APIRouter(include_in_schema=False, route_class=PageRoute)

ReadingDep = Annotated[Caller, needs(Permission.READ_LAYERS)]


@router.get("/scenarios")
def scenario_list(
    caller: ReadingDep, reader: ReaderDep, snapshot: SnapshotDep, chosen: ChosenDep
) -> Response:
    """Show the saved scenarios, and draw a new one."""
    return _scenarios(reader, snapshot, caller, chosen, None)


@router.get("/scenarios/{scenario_id}")
def scenario(
    *,
    scenario_id: UUID,
    caller: ReadingDep,
    reader: ReaderDep,
    snapshot: SnapshotDep,
    session: SessionDep,
    chosen: ChosenDep,
) -> Response:
    """Show one scenario, with coverage before and after it as table and map."""
    return _scenarios(reader, snapshot, caller, chosen, scenarios.get(session, scenario_id).id)


@router.get("/streets")
def street_report(
    *,
    _caller: ReadingDep,
    reader: ReaderDep,
    snapshot: SnapshotDep,
    kind: Annotated[str, Query(description="kind of defect to show")] = "",
    near: Annotated[str, Query(description="lon,lat to look at", max_length=60)] = "",
) -> Response:
    """Show what is amiss in the street network, as lists and on a map."""
    shown = kind if kind in SUGGESTIONS else ""
    config = _config(reader, snapshot) | {"chosen": {"kind": shown, "near": near}}
    words = {key: [*KINDS[key], *SUGGESTIONS[key]] for key in SUGGESTIONS}
    return reader.page("street_report.html", config=config | {"kinds": words}, kinds=words, kind=shown)


def _scenarios(
    reader: Reader, snapshot: Snapshot, caller: Caller, chosen: ChosenDep, opened: UUID | None
) -> Response:
    types = sources.types(snapshot)
    facility = sources.chosen_type(types, chosen.facility_type)
    config = _config(reader, snapshot) | {
        "csrf": reader.site.csrf,
        "chosen": {
            "id": str(opened) if opened else None,
            "plans": caller.may(Permission.PLAN),
            "account": caller.name,
            "manages": caller.may(Permission.OPERATE),
            "types": {each.key: [each.zh, each.en] for each in types},
        },
    }
    return reader.page(
        "scenarios.html",
        config=config,
        chosen=chosen,
        facility_type=facility.key,
        facility_types=types,
        profiles=tuple(circles.SPEEDS),
        plans=caller.may(Permission.PLAN),
    )


def _config(reader: Reader, snapshot: Snapshot) -> dict[str, object]:
    return script_config(
        reader.site, sources.STREETS | sources.AREAS, view=sources.view(snapshot) or EVERYWHERE
    )
