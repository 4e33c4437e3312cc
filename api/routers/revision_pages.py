"""Pages about history: the list of revisions, and the map of what changed between two."""

from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from api import diff_words
from api.access import Caller, Permission, needs
from api.dependencies import Runtime, RuntimeDep, SessionDep, SnapshotDep
from api.maps import diff, sources
from api.maps.encoding import dump
from api.maps.page import MapPage, linked, script_config
from api.web import replies
from api.web.reader import PageRoute, ReaderDep
from layers import catalogue, database, diffs, history

router = APIRouter(include_in_schema=False, route_class=PageRoute)

_READ_LAYERS = [needs(Permission.READ_LAYERS)]

#: Revisions on a page of the list.
_SHOWN = 50

_MOST = 2**31 - 1
Earlier = Annotated[
    int | None,
    Query(alias="from", ge=0, le=_MOST, description="number of a revision; by default that before `to`"),
]
Later = Annotated[
    int | None,
    Query(alias="to", ge=0, le=_MOST, description="number of a revision; the current one by default"),
]
LayerName = Annotated[str | None, Query(description="only this layer; all by default")]


@router.get("/revisions")
def revisions(
    *,
    caller: Annotated[Caller, needs(Permission.READ_LAYERS)],
    reader: ReaderDep,
    session: SessionDep,
    before: Annotated[int | None, Query(ge=1, le=_MOST)] = None,
) -> Response:
    """List what was published, to be looked at, taken back, or brought back."""
    found = history.revisions(session, before=before, limit=_SHOWN + 1)
    publishes = caller.may(Permission.PUBLISH)
    config = script_config(reader.site, {"revisions": "/api/revisions"})
    return reader.page(
        "revisions.html",
        config={**config, "csrf": reader.site.csrf},
        revisions=found[:_SHOWN],
        older=found[_SHOWN - 1].number if len(found) > _SHOWN else None,
        newer=before is not None,
        newest=history.newest(session),
        publishes=publishes,
        layers=catalogue.SPECS,
    )


@router.get("/maps/diff.html", dependencies=_READ_LAYERS)
def diff_page(
    *,
    reader: ReaderDep,
    snapshot: SnapshotDep,
    session: SessionDep,
    earlier: Earlier = None,
    later: Later = None,
    layer: LayerName = None,
) -> Response:
    """What changed between two revisions: before and after, and the land that changed hands."""
    if layer is not None:
        catalogue.spec_of(layer)
    to = snapshot.revision if later is None else later
    since = max(to - 1, 0) if earlier is None else earlier
    told = [history.get(session, number) for number in (since, to) if number]
    only = f"&layer={layer}" if layer else ""
    addresses = sources.STREETS | sources.AREAS | {"diff": f"/maps/data/diff.json?from={since}&to={to}{only}"}
    page = MapPage(
        name="diff",
        site=reader.site,
        bounds=sources.view(snapshot),
        addresses=addresses,
        chosen={"from": since, "to": to, "layer": layer},
        context={
            "told": told,
            "layers": catalogue.SPECS,
            "newest": history.newest(session),
            "kinds": diff_words.KINDS,
            "download": f"/api/revisions/{since}/diff/{to}?{only[1:]}",
        },
    )
    return reader.send(linked(page, reader.assets))


@router.get("/maps/data/diff.json", dependencies=_READ_LAYERS)
async def diff_data(
    *,
    request: Request,
    runtime: RuntimeDep,
    earlier: Earlier = None,
    later: Later = None,
    layer: LayerName = None,
) -> Response:
    """Send what the map of changes draws."""
    if layer is not None:
        catalogue.spec_of(layer)

    def work() -> dict[str, Any]:
        return _read(runtime, earlier or 0, later or 0, layer)

    data = await to_thread.run_sync(work, limiter=runtime.files)
    return replies.packed(request, replies.pack(dump(data)), media_type="application/json")


def _read(runtime: Runtime, earlier: int, later: int, layer: str | None) -> dict[str, Any]:
    with database.translated(), runtime.look_ups() as session:
        found = diffs.between(session, earlier, later, layer=layer)
    return diff.diff_data(found)
