"""What stands in a layer that should not."""

from typing import Annotated, Any

import geopandas as gpd
import orjson
from fastapi import APIRouter, Header, Path, Query
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict

from api import defect_words, table_formats
from api.access import Permission, needs
from api.dependencies import SnapshotDep
from api.errors import Problem
from layers import checking
from layers.catalogue import SPECS
from layers.database import Session
from layers.files import geopackage, tables

router = APIRouter(tags=["layers"])

#: Formats of a list of defects.
FORMATS = table_formats.FORMATS | {"gpkg": table_formats.MORE_FORMATS["gpkg"]}


class DefectOut(BaseModel):
    """One defect, or (`severity` information) what is only told.

    `codes` are the features concerned, `size` is in `unit` (`m2`, `m` or `count`), `lon`, `lat` a place in it and
    `west` to `north` the box to look at, all null where there is no place. `repair` is the suggested edit; null where
    somebody has to decide.
    """

    severity: str
    layer: str
    kind: str
    kind_zh: str
    codes: list[str]
    size: float
    unit: str
    message: str
    repair_zh: str
    repair_en: str
    repair: dict[str, Any] | None
    lon: float | None
    lat: float | None
    west: float | None
    south: float | None
    east: float | None
    north: float | None


class DefectList(BaseModel):
    """What a full check finds: `defects` and `information` count the rows of each severity."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "revision": 4,
                "layer": "grids",
                "defects": 1,
                "information": 0,
                "rows": [
                    {
                        "severity": "defect",
                        "layer": "grids",
                        "kind": "gap",
                        "kind_zh": "缝隙",
                        "codes": ["510899001001003", "510899001002001"],
                        "size": 0.42,
                        "unit": "m2",
                        "message": "A narrow gap of 0.42 m² beside 510899001001003, 510899001002001.",
                        "repair_zh": "将缝隙并入 510899001001003。",
                        "repair_en": "Fill the gap into 510899001001003.",
                        "repair": {
                            "edit": "fill_gap",
                            "level": "grid",
                            "code": "510899001001003",
                            "lon": 105.845012345,
                            "lat": 32.433718123,
                        },
                        "lon": 105.845012345,
                        "lat": 32.433718123,
                        "west": 105.8447,
                        "south": 32.4334,
                        "east": 105.8453,
                        "north": 32.434,
                    }
                ],
            }
        }
    )

    revision: int
    layer: str
    defects: int
    information: int
    rows: list[DefectOut]


@router.get(
    "/api/layers/{layer}/defects",
    dependencies=[needs(Permission.READ_LAYERS)],
    summary="Full check of a layer",
    response_model=DefectList,
    responses={200: {"content": {media: {} for media in FORMATS.values()}}},
)
def list_defects(
    snapshot: SnapshotDep,
    layer: Annotated[str, Path(description=", ".join(SPECS))],
    format: Annotated[  # noqa: A002 - the parameter's name
        str | None, Query(description=f"{table_formats.DESCRIPTION}; gpkg")
    ] = None,
    accept: Annotated[str, Header(include_in_schema=False)] = "*/*",
) -> Response:
    """Check a layer as it is published: overlaps, gaps, slivers, borders, codes, and what its borders cut.

    Each defect comes with its features, place, size, the box to look at and a suggested repair. Formats: JSON, CSV,
    XLSX, and GeoJSON and GeoPackage with the shapes.
    """
    if layer not in SPECS:
        raise Problem("not-found", f"There is no layer {layer!r}; there are {', '.join(SPECS)}.")
    written = table_formats.choose(format, accept, FORMATS)

    def load(session: Session, revision: int) -> gpd.GeoDataFrame:
        return checking.check_at(session, layer, revision)

    # A check reads several layers; which ones depends on what is there.
    listed = snapshot.model(("defects", layer), layers=tuple(SPECS), load=load)
    told = defect_words.table(listed, layer)
    return reply(written, told, layer, snapshot.revision)


def reply(written: str, told: gpd.GeoDataFrame, layer: str, revision: int) -> Response:
    """Send defects as :func:`api.defect_words.table` tells them."""
    table_formats.check_size(written, len(told), otherwise="csv")
    body = _body(written, told, layer, revision)
    return table_formats.reply(body, written, name=f"defects-{layer}", revision=revision)


def _body(written: str, told: gpd.GeoDataFrame, layer: str, revision: int) -> bytes:
    if written == "csv":
        return tables.to_csv(defect_words.plain(told).drop(columns="geometry"))
    if written == "xlsx":
        flat = defect_words.plain(told).drop(columns="geometry")
        return tables.to_xlsx(flat, titles=defect_words.TITLES, notes=[("修订 revision", str(revision))])
    if written == "gpkg":
        return geopackage.to_gpkg({"defects": defect_words.plain(told)})
    defects = int((told["severity"] == "defect").sum())
    about = {
        "revision": revision,
        "layer": layer,
        "defects": defects,
        "information": len(told) - defects,
    }
    if written == "geojson":
        return tables.to_geojson(told, extra=about)
    return orjson.dumps({**about, "rows": tables.records(told.drop(columns="geometry"))})
