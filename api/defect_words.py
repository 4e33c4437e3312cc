"""Defects of a layer as a table for a reader: titles of its columns, places, repairs."""

import geopandas as gpd
import orjson
import pandas as pd
import shapely

from geo.faults import KINDS

#: Titles of the table's columns.
TITLES = {
    "kind": "类型",
    "codes": "编码",
    "size": "大小",
    "unit": "单位",
    "message": "说明",
    "severity": "性质",
    "layer": "图层",
    "kind_zh": "类型名称",
    "repair_zh": "建议",
    "repair_en": "建议(英文)",
    "repair": "建议的编辑",
    "lon": "经度",
    "lat": "纬度",
    "west": "缩放范围西",
    "south": "缩放范围南",
    "east": "缩放范围东",
    "north": "缩放范围北",
}


def table(listed: gpd.GeoDataFrame, layer: str) -> gpd.GeoDataFrame:
    """Return the rows of :func:`layers.checking.check` with the columns of :data:`TITLES`, and their shapes.

    ``lon``, ``lat`` is a place in the defect. Sizes keep three figures, degrees nine decimals (0.1 mm).
    """
    point = shapely.point_on_surface(listed.geometry.to_numpy())
    sized = listed["size"].map(lambda size: float(f"{size:.3g}") if size < 100 else round(size, 1))  # noqa: PLR2004 - three figures
    told = listed.assign(
        layer=layer,
        kind_zh=[KINDS[kind][0] for kind in listed["kind"]],
        size=sized.astype(float),
        lon=shapely.get_x(point),
        lat=shapely.get_y(point),
    )
    return told.round(dict.fromkeys(("lon", "lat", "west", "south", "east", "north"), 9))[
        [*TITLES, "geometry"]
    ]


def plain(told: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return a table as files take it: codes in one cell, the suggested edit as JSON."""
    edits = [None if edit is None else orjson.dumps(edit).decode() for edit in told["repair"]]
    return told.assign(
        codes=pd.Series([" ".join(codes) for codes in told["codes"]], index=told.index, dtype=object),
        repair=pd.Series(edits, index=told.index, dtype=object),
    )
