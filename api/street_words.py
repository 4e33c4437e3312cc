"""The report on the street network: what is asked, and its rows as tables and as files."""

from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlencode

import geopandas as gpd
import orjson
import pandas as pd
import shapely
from fastapi import Query

from api import table_formats
from geo.faults import KINDS, DataError, Fault
from geo.streets.defects import DANGLING_M, DANGLING_M_MOST, SNAPPED_M, SUGGESTIONS, Limits
from layers.files import tables

#: Titles of the columns in a workbook.
TITLES = {
    "kind": "问题",
    "title": "问题名称",
    "layer": "图层",
    "codes": "编码",
    "size": "大小",
    "unit": "单位",
    "lon": "经度",
    "lat": "纬度",
    "message": "说明",
    "suggestion": "建议",
    "map": "地图",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What an editor asks of the streets."""

    dangling_m: Annotated[
        float, Query(gt=0, le=DANGLING_M_MOST, description="a dead end this near another street is listed")
    ] = DANGLING_M
    snapped_m: Annotated[
        float, Query(gt=0, le=1000, description="compounds and facilities farther than this from a street")
    ] = SNAPPED_M
    kind: Annotated[str | None, Query(description=", ".join(SUGGESTIONS) + "; default: all")] = None

    @property
    def limits(self) -> Limits:
        """From when on something is a defect."""
        return Limits(self.dangling_m, self.snapped_m)

    def check(self) -> None:
        """Refuse an unknown kind.

        Raises
        ------
        DataError
            On field ``kind``.
        """
        if self.kind is not None and self.kind not in SUGGESTIONS:
            message = f"{self.kind!r} is none of {', '.join(SUGGESTIONS)}."
            raise DataError(Fault(kind="parameter-invalid", field="kind", message=message))

    def chosen(self, found: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        """Keep the kind that was asked for."""
        return found if self.kind is None else found[found["kind"] == self.kind].reset_index(drop=True)


def rows(found: gpd.GeoDataFrame) -> pd.DataFrame:
    """Lay defects out: a place each, what it is called, what to do, and where it is on a map; Chinese beside English."""
    points = shapely.point_on_surface(found.geometry.to_numpy())
    lon, lat = shapely.get_x(points).round(7), shapely.get_y(points).round(7)
    table = pd.DataFrame(found.drop(columns="geometry")).assign(
        codes=[" ".join(codes) for codes in found["codes"]], size=found["size"].round(2), lon=lon, lat=lat
    )
    table["title"] = [" ".join(KINDS[kind]) for kind in table["kind"]]
    table["suggestion"] = [" ".join(SUGGESTIONS[kind]) for kind in table["kind"]]
    table["map"] = [
        f"/streets?{urlencode({'kind': kind, 'near': f'{x:.6f},{y:.6f}'})}"
        for kind, x, y in zip(table["kind"], lon, lat, strict=True)
    ]
    return table[list(TITLES)]


def body(written: str, found: gpd.GeoDataFrame, revision: int, asked: Asked) -> bytes:
    """Write the report in one of :data:`api.table_formats.FORMATS`.

    Raises
    ------
    DataError
        On field ``format``, for more rows than the format can carry.
    """
    table = rows(found)
    table_formats.check_size(written, len(table), otherwise="one kind, or for csv")
    if written == "csv":
        return tables.to_csv(table)
    if written == "xlsx":
        return tables.to_xlsx(table, titles=TITLES, notes=_notes(found, revision, asked))
    if written == "geojson":
        placed = gpd.GeoDataFrame(table, geometry=found.geometry.to_numpy(), crs="EPSG:4326")
        return tables.to_geojson(placed, extra={"revision": revision})
    return orjson.dumps(about(found, revision, asked) | {"rows": tables.records(table)})


def about(found: gpd.GeoDataFrame, revision: int, asked: Asked) -> dict[str, Any]:
    """Say what a report is of, with the count of each kind."""
    return {
        "revision": revision,
        "dangling_m": asked.dangling_m,
        "snapped_m": asked.snapped_m,
        "counts": {str(kind): int(count) for kind, count in found["kind"].value_counts().items()},
    }


def _notes(found: gpd.GeoDataFrame, revision: int, asked: Asked) -> list[tuple[str, str]]:
    counts = found["kind"].value_counts()
    return [
        ("修订 revision", str(revision)),
        ("端点距离上限 dangling_m", f"{asked.dangling_m:g} m"),
        ("离道路上限 snapped_m", f"{asked.snapped_m:g} m"),
        *((" ".join(KINDS[str(kind)]), str(count)) for kind, count in counts.items()),
    ]
