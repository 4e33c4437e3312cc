"""What to do about defects of a layer of areas: in words, as an edit, and where to look.

A suggestion is never carried out by itself: its edit is what :mod:`geo.editing` takes, to be shown before and after.
"""

import json
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo import crs

Objects = NDArray[np.object_]
Ints = NDArray[np.intp]
Floats = NDArray[np.float64]

#: Kinds that are told and are no defects.
INFORMATION = ("compound-spans",)

# What to do, by kind, in Chinese and English; {code} is filled in.
_WORDS = {
    "overlap": ("从 {code} 中剪去重叠部分。", "Trim the overlap from {code}."),
    "gap": ("将缝隙并入 {code}。", "Fill the gap into {code}."),
    "gap-enclosed": (
        "将空洞划入 {code}，或新建一个区域。",
        "Fill the land into {code}, or draw an area of its own.",
    ),
    "gap-at-parent": (
        "将空地划入 {code}，或调整上级边界。",
        "Fill the land into {code}, or move the parent's border.",
    ),
    "sliver": ("将细碎面并入 {code}。", "Give the sliver to {code}."),
    "t-junction": ("在 {code} 的边界上补入节点。", "Insert the node into the border of {code}."),
    "border-unmatched": ("将 {code} 的边界吸附到上级边界。", "Snap the border of {code} to its parent's."),
    "outside-parent": (
        "将超出部分划给那里的区域，或调整上级边界。",
        "Give the part to the area across, or move the parent's border.",
    ),
    "duplicate-geometry": ("保留其中一个，停用另一个。", "Keep one of them and retire the other."),
    "geometry-invalid": (
        "在所示位置改正自相交，或以 --on-invalid repair 重新导入。",
        "Mend the crossing at the place, or import with --on-invalid repair.",
    ),
    "code-malformed": (
        "改正编码，或留空由系统编号。",
        "Correct the code, or leave it empty to have one given.",
    ),
    "code-duplicate": ("为其中一个另行编码。", "Give one of them another code."),
    "parent-missing": (
        "先导入上级，或改正上级编码。",
        "Import the parent first, or correct the parent's code.",
    ),
    "parent-mismatch": (
        "按上级重新编码，或改正上级编码。",
        "Number it anew below its parent, or correct the parent's code.",
    ),
    "building-cut": ("将界线移到楼栋之外。", "Move the border to one side of the building."),
    "compound-spans": (
        "无需处理；可沿小区边界划分网格。",
        "Nothing to mend; a grid may follow the compound's outline.",
    ),
}
_OTHER = ("在地图上核对。", "Look at it on the map.")

_GAPS = ("gap", "gap-enclosed", "gap-at-parent")
# Room around a defect in its zoom box: a share of its size, and at least so many degrees (about 30 m).
_ROOM, _LEAST_DEG = 0.25, 3e-4
# Borders this near to a gap run along it: a centimetre.
_NEXT_TO_DEG = 1e-7
_AREAL = 2


def suggest(
    defects: gpd.GeoDataFrame, areas: gpd.GeoDataFrame | None, *, level: str | None, metric: str
) -> gpd.GeoDataFrame:
    """Add to each defect where to look and what to do.

    Parameters
    ----------
    defects
        As :func:`geo.partition.check` gives them; further kinds get words only.
    areas, level
        The areas that were checked (``code`` and ``geometry``, EPSG:4326) and their level. None for layers without
        areas.
    metric
        Metric CRS in which borders are measured.

    Returns
    -------
    GeoDataFrame
        `defects` with ``severity`` (``defect`` or ``information``), ``west, south, east, north`` (the zoom box,
        EPSG:4326, NaN without a place), ``repair_zh, repair_en`` (words) and ``repair``: an edit as a dict with
        ``edit`` and what :func:`geo.editing.parse` expects with it, None where somebody has to decide.

    Notes
    -----
    Gaps and slivers go to the area with the longest border along them, overlaps leave the larger area; among equals the
    lowest code. The suggestion is wrong where the ground says otherwise: it knows lines, not owners.
    """
    chosen = np.full(len(defects), None, dtype=object)
    edits: list[dict[str, Any] | None] = [None] * len(defects)
    if areas is not None and level is not None:
        chosen = _choose(defects, areas, metric)
        edits = _edits(defects, chosen, level)
    words = [_say(kind, code) for kind, code in zip(defects["kind"], chosen, strict=True)]
    box = zoom_boxes(defects.geometry.to_numpy())
    return defects.assign(
        severity=np.where(defects["kind"].isin(INFORMATION), "information", "defect"),
        **{side: box[:, at] for at, side in enumerate(("west", "south", "east", "north"))},
        repair_zh=[zh for zh, _ in words],
        repair_en=[en for _, en in words],
        repair=pd.Series(edits, index=defects.index, dtype=object),
    )


def zoom_boxes(geoms: Objects) -> Floats:
    """Boxes to look at geometries with what is around them: west, south, east, north in degrees, (n, 4)."""
    box = shapely.bounds(geoms)
    room = np.maximum(_ROOM * np.maximum(box[:, 2] - box[:, 0], box[:, 3] - box[:, 1]), _LEAST_DEG)
    grown: Floats = box + room[:, None] * np.array([-1, -1, 1, 1])
    return grown


def _say(kind: str, code: str | None) -> tuple[str, str]:
    zh, en = _WORDS.get(kind, _OTHER)
    return zh.format(code=code or "相邻区域"), en.format(code=code or "an area beside it")


def _choose(defects: gpd.GeoDataFrame, areas: gpd.GeoDataFrame, metric: str) -> Objects:
    """The area that each repair changes: the one to take a gap or sliver, to lose an overlap, to be snapped."""
    kind, places = defects["kind"].to_numpy(dtype=object), defects.geometry.to_numpy()
    codes, shapes = areas["code"].to_numpy(dtype=object), areas.geometry.to_numpy()
    defect, area = _concerned(defects, areas)
    measure = np.zeros(len(defect))
    overlap = kind[defect] == "overlap"
    measure[overlap] = shapely.area(shapes[area[overlap]])
    beside = np.isin(kind[defect], [*_GAPS, "sliver", "border-unmatched"])
    contour = places[defect[beside]]
    areal = shapely.get_dimensions(contour) == _AREAL
    contour[areal] = shapely.boundary(contour[areal])
    common = shapely.intersection(contour, shapely.make_valid(shapes[area[beside]]))
    measure[beside] = shapely.length(crs.to_metric(common, metric))
    rank = np.argsort(np.argsort(codes, kind="stable"), kind="stable")
    order = np.lexsort((rank[area], -measure, defect))
    first = order[np.unique(defect[order], return_index=True)[1]]
    chosen = np.full(len(defects), None, dtype=object)
    chosen[defect[first]] = codes[area[first]]
    return chosen


def _concerned(defects: gpd.GeoDataFrame, areas: gpd.GeoDataFrame) -> tuple[Ints, Ints]:
    """Rows of defects and of the areas a repair may change: those named, of a sliver all others beside it."""
    kind = defects["kind"].to_numpy(dtype=object)
    named = pd.Series(defects["codes"].to_numpy(), index=np.arange(len(defects)), dtype=object).explode()
    row = pd.Series(np.arange(len(areas)), index=areas["code"].to_numpy(dtype=object))
    row = row[~row.index.duplicated()]
    area = row.index.get_indexer(pd.Index(named, dtype=object))
    defect = named.index.to_numpy(dtype=np.intp)
    changes = (area >= 0) & np.isin(kind[defect], [*_GAPS, "overlap", "border-unmatched"])
    defect, area = defect[changes], row.to_numpy()[area[changes]]
    slivers = np.flatnonzero(kind == "sliver")
    if not len(slivers):
        return defect, area
    shapes, codes = areas.geometry.to_numpy(), areas["code"].to_numpy(dtype=object)
    sliver, near = shapely.STRtree(shapes).query(
        defects.geometry.to_numpy()[slivers], predicate="dwithin", distance=_NEXT_TO_DEG
    )
    own = np.array([codes_of[0] for codes_of in defects["codes"].iloc[slivers]], dtype=object)
    other = codes[near] != own[sliver]
    return np.concatenate([defect, slivers[sliver[other]]]), np.concatenate([area, near[other]])


def _edits(defects: gpd.GeoDataFrame, chosen: Objects, level: str) -> list[dict[str, Any] | None]:
    point = shapely.point_on_surface(defects.geometry.to_numpy())
    return [
        _edit(kind, codes, code, level, place=(x, y), shape=shape)
        for kind, codes, code, x, y, shape in zip(
            defects["kind"],
            defects["codes"],
            chosen,
            shapely.get_x(point).tolist(),
            shapely.get_y(point).tolist(),
            defects.geometry,
            strict=True,
        )
    ]


def _edit(
    kind: str,
    codes: list[str],
    code: str | None,
    level: str,
    *,
    place: tuple[float, float],
    shape: shapely.Geometry,
) -> dict[str, Any] | None:
    lon, lat = place
    if kind == "t-junction":
        return {"edit": "insert_node", "level": level, "lon": lon, "lat": lat}
    if code is None:
        return None
    if kind in _GAPS:
        return {"edit": "fill_gap", "level": level, "code": code, "lon": lon, "lat": lat}
    if kind == "overlap":
        (other,) = [each for each in codes if each != code]
        return {"edit": "trim_overlap", "level": level, "code": code, "other": other}
    if kind == "sliver":
        piece = json.loads(shapely.to_geojson(shape))
        return {"edit": "transfer", "level": level, "code": codes[0], "to": code, "piece": piece}
    return {"edit": "snap", "level": level, "code": code}
