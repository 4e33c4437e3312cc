"""Pages for the planner beside the table and the map of coverage: what lies outside reach, and where to build."""

from dataclasses import replace

from fastapi import APIRouter
from fastapi.responses import Response

from api.access import Permission, needs
from api.dependencies import SnapshotDep
from api.maps import sources
from api.maps.chosen import Chosen, ChosenDep
from api.maps.page import EVERYWHERE, script_config
from api.snapshots import Snapshot
from api.web.reader import PageRoute, Reader, ReaderDep
from geo.coverage import shares

router = APIRouter(include_in_schema=False, route_class=PageRoute)

_READ_LAYERS = [needs(Permission.READ_LAYERS)]


@router.get("/gaps", dependencies=_READ_LAYERS)
def gaps(reader: ReaderDep, snapshot: SnapshotDep, chosen: ChosenDep) -> Response:
    """Show the land and the people outside reach, as map and lists, to be taken away as files or as a report."""
    return _page("gaps.html", reader, snapshot, chosen)


@router.get("/siting", dependencies=_READ_LAYERS)
def siting(reader: ReaderDep, snapshot: SnapshotDep, chosen: ChosenDep) -> Response:
    """Answer where the next facilities would help most."""
    return _page("siting.html", reader, snapshot, chosen)


def _page(template: str, reader: Reader, snapshot: Snapshot, chosen: Chosen) -> Response:
    types = sources.types(snapshot)
    facility = sources.chosen_type(types, chosen.facility_type)
    weight = chosen.weight if chosen.weight in shares.WEIGHTS else Chosen().weight
    config = script_config(
        reader.site, sources.STREETS | sources.AREAS, view=sources.view(snapshot) or EVERYWHERE
    )
    return reader.page(
        template,
        config={**config, "csrf": reader.site.csrf},
        chosen=replace(chosen, facility_type=facility.key, weight=weight),
        facility_types=types,
        weights=shares.WEIGHTS,
    )
