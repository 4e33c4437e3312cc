"""Where an area comes from, what became of it, and who drew its border."""

import datetime as dt
from dataclasses import asdict
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Header, Path, Query
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict

from api import table_formats
from api.access import Permission, needs
from api.dependencies import SessionDep, SnapshotAtDep
from geo.levels import LAYER_OF
from layers import blame, lineage
from layers.files import tables

router = APIRouter(prefix="/api/areas", tags=["revisions"])

_READ = [needs(Permission.READ_LAYERS)]

Code = Annotated[str, Path(description="code of an area", max_length=64)]
Level = Annotated[Literal["district", "subdistrict", "community", "grid"], Query(description="its level")]


class LifeOut(BaseModel):
    """A time during which a code was an area's; `ended` null: it still is."""

    code: str
    name: str
    begun: int
    ended: int | None


class DescentOut(BaseModel):
    """Land that went from one area to another in the revision in which one of them began or ended."""

    revision: int
    from_code: str
    to_code: str
    area_m2: float
    share_of_from: float
    share_of_to: float


class LineageOut(BaseModel):
    """Ancestors and descendants of an area: `areas` with their times, `descents` who came of whom.

    `whole` is false where the tree was cut off.
    """

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "example": {
                "layer": "grids",
                "code": "510899001001007",
                "areas": [
                    {"code": "510899001001003", "name": "第三网格", "begun": 4, "ended": None},
                    {"code": "510899001001007", "name": "第七网格", "begun": 9, "ended": None},
                ],
                "descents": [
                    {
                        "revision": 9,
                        "from_code": "510899001001003",
                        "to_code": "510899001001007",
                        "area_m2": 48210.4,
                        "share_of_from": 0.46,
                        "share_of_to": 1.0,
                    }
                ],
                "whole": True,
            }
        },
    )

    layer: str
    code: str
    areas: list[LifeOut]
    descents: list[DescentOut]
    whole: bool


class StretchOut(BaseModel):
    """A stretch of border: the revision that drew it, kept since; `neighbour` is the area across, null for none."""

    revision: int
    published_at: dt.datetime
    effective_from: dt.datetime
    author: str
    note: str
    neighbour: str | None
    length_m: float


class BlameOut(BaseModel):
    """The border of an area, stretch by stretch, the newest first."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "revision": 9,
                "layer": "grids",
                "code": "510899001001007",
                "stretches": [
                    {
                        "revision": 9,
                        "published_at": "2026-05-01T01:00:00Z",
                        "effective_from": "2026-05-01T01:00:00Z",
                        "author": "zhang",
                        "note": "拆分第三网格",
                        "neighbour": "510899001001003",
                        "length_m": 318.4,
                    }
                ],
            }
        }
    )

    revision: int
    layer: str
    code: str
    stretches: list[StretchOut]


@router.get("/{code}/lineage", dependencies=_READ, summary="Ancestors and descendants of an area")
def get_lineage(code: Code, session: SessionDep, level: Level = "grid") -> LineageOut:
    """Follow splits and merges backwards and forwards, with the share of land that each passed on.

    Found from the land that changed hands; retired codes have a lineage too.
    """
    return LineageOut.model_validate(asdict(lineage.of_area(session, LAYER_OF[level], code)))


@router.get(
    "/{code}/blame",
    dependencies=_READ,
    response_model=BlameOut,
    summary="Who drew the border of an area",
    responses={200: {"content": {media: {} for media in table_formats.FORMATS.values()}}},
)
def get_blame(
    *,
    code: Code,
    session: SessionDep,
    snapshot: SnapshotAtDep,
    level: Level = "grid",
    format: Annotated[  # noqa: A002 - the parameter's name
        str | None, Query(description=table_formats.DESCRIPTION)
    ] = None,
    accept: Annotated[str, Header(include_in_schema=False)] = "*/*",
) -> Response:
    """Say by which revision, when, by whom and why each stretch of a border was drawn that still stands.

    A stretch is drawn when it first is part of any border of the level. GeoJSON has the lines.
    """
    written = table_formats.choose(format, accept)
    layer = LAYER_OF[level]
    found = blame.border(session, layer, code, snapshot.revision)
    found["length_m"] = found["length_m"].round(2)
    for name in ("published_at", "effective_from"):
        found[name] = [value.isoformat() for value in found[name]]
    about: dict[str, Any] = {"revision": snapshot.revision, "layer": layer, "code": code}
    return table_formats.reply(
        _body(written, found, about), written, name=f"blame-{code}", revision=snapshot.revision
    )


def _body(written: str, found: Any, about: dict[str, Any]) -> bytes:  # noqa: ANN401 - a GeoDataFrame
    if written == "geojson":
        return tables.to_geojson(found, extra=about)
    table = found.drop(columns="geometry")
    if written == "json":
        return orjson.dumps({**about, "stretches": tables.records(table)})
    return tables.to_csv(table) if written == "csv" else tables.to_xlsx(table, titles={})
