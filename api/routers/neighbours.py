"""Grids that an incident could be handed to."""

from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict

from api.access import Caller, Permission, needs
from api.dependencies import RuntimeDep, SessionDep, SnapshotDep
from api.places import posts_at
from api.schemas import AreaOut, PostOut
from api.scopes import visible
from layers import located, neighbours
from layers.incidents import search

router = APIRouter(tags=["incidents"])


class NeighbourOut(BaseModel):
    """A grid to hand an incident to.

    `why`: `place` (where its place says), `candidate` (in question by the rule), `across` (across the nearest
    border), `near` (within 300 m). `distance_m` is that to the grid, 0 in it and on its border.
    """

    model_config = ConfigDict(from_attributes=True)

    area: AreaOut
    path: list[AreaOut]
    why: str
    distance_m: float
    posts: list[PostOut]


class NeighbourList(BaseModel):
    """Grids around an incident's place, the likeliest first, without its own; none where it has no coordinates."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "revision": 4,
                "neighbours": [
                    {
                        "area": {"code": "510899001002001", "name": "第一网格", "level": "grid"},
                        "path": [
                            {"code": "510899", "name": "示范区", "level": "district"},
                            {"code": "510899001", "name": "东坝街道", "level": "subdistrict"},
                            {"code": "510899001002", "name": "望江社区", "level": "community"},
                            {"code": "510899001002001", "name": "第一网格", "level": "grid"},
                        ],
                        "why": "across",
                        "distance_m": 6.3,
                        "posts": [
                            {
                                "role": "网格长",
                                "name": "王芳",
                                "phone": "0839-5550101",
                                "target_layer": "grids",
                                "target_code": "510899001002001",
                                "valid_from": "2026-01-01",
                                "valid_to": None,
                            }
                        ],
                    }
                ],
            }
        }
    )

    revision: int
    neighbours: list[NeighbourOut]


@router.get("/api/incidents/{incident_id}/neighbours", summary="Grids to hand an incident to")
def incident_neighbours(
    *,
    incident_id: Annotated[UUID, Path(description="`id` of an incident")],
    session: SessionDep,
    snapshot: SnapshotDep,
    runtime: RuntimeDep,
    caller: Annotated[Caller, needs(Permission.READ_INCIDENTS)],
) -> NeighbourList:
    """Name the grids around an incident's place, with the distance and who answers there today."""
    incident = visible(session, snapshot, incident_id, caller)
    place = search.find(session, incident).place
    found = []
    if place is not None and snapshot.revision:
        found = neighbours.neighbours(session, snapshot.revision, place, but=incident.area_code)
    posts, on = posts_at(snapshot), runtime.clock().astimezone(ZoneInfo(runtime.settings.timezone)).date()
    return NeighbourList(
        revision=snapshot.revision,
        neighbours=[
            NeighbourOut(
                area=AreaOut.model_validate(one.area),
                path=[AreaOut.model_validate(step) for step in one.path],
                why=one.why,
                distance_m=one.distance_m,
                posts=[
                    PostOut.model_validate(post)
                    for post in located.held(posts, [("grids", one.area.code)], on)
                ],
            )
            for one in found
        ],
    )
