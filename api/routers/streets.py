"""The street network as a layer to be mended: what is amiss in it."""

from functools import partial
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Depends
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict

from api import street_words, table_formats
from api.access import Permission, needs
from api.dependencies import RuntimeDep, SnapshotAtDep
from api.routers.coverage import FormatDep
from api.street_reports import report_at
from api.street_words import Asked

router = APIRouter(tags=["layers"])

AskedDep = Annotated[Asked, Depends()]


class StreetDefect(BaseModel):
    """One thing amiss; `codes` are separated by blanks, `size` is in `unit`, `map` leads to its place."""

    kind: str
    title: str
    layer: str
    codes: str
    size: float
    unit: str
    lon: float
    lat: float
    message: str
    suggestion: str
    map: str


class StreetReport(BaseModel):
    """What is amiss in the streets at a revision, with the count of each kind; the largest of each first."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "revision": 4,
                "dangling_m": 5.0,
                "snapped_m": 50.0,
                "counts": {"street-dangling": 1},
                "rows": [
                    {
                        "kind": "street-dangling",
                        "title": "端点悬空 Dead end beside a street",
                        "layer": "streets",
                        "codes": "S0000125 S0000031",
                        "size": 2.4,
                        "unit": "m",
                        "lon": 105.8431,
                        "lat": 32.4362,
                        "message": "S0000125 ends 2.40 m from S0000031 and is not joined to it.",
                        "suggestion": "将端点延伸到旁边的道路 Draw the end on to the street beside it.",
                        "map": "/streets?kind=street-dangling&near=105.843100%2C32.436200",
                    }
                ],
            }
        }
    )

    revision: int
    dangling_m: float
    snapped_m: float
    counts: dict[str, int]
    rows: list[StreetDefect]


@router.get(
    "/api/streets/report",
    dependencies=[needs(Permission.READ_LAYERS)],
    summary="What is amiss in the street network",
    response_model=StreetReport,
    responses={200: {"content": {media: {} for media in table_formats.FORMATS.values()}}},
)
async def get_street_report(
    *, snapshot: SnapshotAtDep, runtime: RuntimeDep, asked: AskedDep, written: FormatDep
) -> Response:
    """List islands, dead ends beside a street, crossings without a node, idle barriers, and what is far from streets.

    Crossings of streets of another height (bridge, tunnel, level) are none.
    """
    asked.check()

    def work() -> Response:
        found = asked.chosen(report_at(snapshot, asked.limits))
        body = street_words.body(written, found, snapshot.revision, asked)
        return table_formats.reply(body, written, name="streets-report", revision=snapshot.revision)

    return await to_thread.run_sync(partial(work), limiter=runtime.files)
