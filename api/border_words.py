"""Statistics of borders as a table for a reader: titles of its columns, and what it is."""

import geopandas as gpd
import pandas as pd

from api.web import words
from geo.border_index import OUTSIDE_M
from layers.borders import COLUMNS, Question, Statistics

#: Titles of the table's columns.
TITLES = {
    "rank": "名次",
    "kind": "类型",
    "left_code": "左侧编码",
    "left_name": "左侧名称",
    "right_code": "右侧编码",
    "right_name": "右侧名称",
    "codes": "相邻编码",
    "length_m": "长度(米)",
    "area_m2": "面积(平方米)",
    "borderline": "靠近边界",
    "border": "正好在边界上",
    "overlap": "网格重叠处",
    "nearest": "就近归属",
    "none": "无归属",
    "handed_over": "人工移交",
    "total": "合计",
    "per_km": "每公里",
    "lon": "经度",
    "lat": "纬度",
}


def plain(table: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return the table without shapes, as a spreadsheet takes it: codes in one cell, figures rounded."""
    codes = pd.Series([" ".join(each) for each in table["codes"]], index=table.index, dtype=object)
    figures: pd.DataFrame = rounded(table).drop(columns="geometry")
    return figures.assign(codes=codes)


def rounded(table: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the table with lengths to a decimetre, areas to a square metre and degrees to a decimetre."""
    decimals = {"length_m": 1, "area_m2": 0, "per_km": 2, "lon": 6, "lat": 6}
    return table.round(decimals)[[*COLUMNS, "geometry"]]


def summary(statistics: Statistics) -> dict[str, object]:
    """Return what the table leaves out, so that the counts add up."""
    return {
        "borders": statistics.borders,
        "length_m": round(statistics.length_m, 1),
        "elsewhere": statistics.elsewhere,
        "handed_elsewhere": statistics.handed_elsewhere,
        "unplaced": statistics.unplaced,
    }


def notes(statistics: Statistics, question: Question, revision: int) -> list[tuple[str, str]]:
    """What a table is, for the sheet beside it."""
    filters = question.filters
    period = f"{filters.since.isoformat() if filters.since else '…'} – {filters.until.isoformat() if filters.until else '…'}"
    kinds = "; ".join(f"{key}: {zh} {en}" for key, (zh, en) in words.BORDER_KINDS.items())
    return [
        ("修订 revision", str(revision)),
        ("层级 level", f"{question.level} ({question.scheme})"),
        ("时段 period", period),
        ("范围 area", filters.area or "全部 all"),
        ("类型 kind", kinds),
        ("靠近边界 borderline", f"在网格内、距边界不足 {question.within_m:g} 米 · inside, less than {question.within_m:g} m from the border"),
        ("人工移交 handed_over", "由人工移过该边界的次数 · decisions by hand that moved an incident across"),
        ("合计 total", "各项之和；按合计、再按每公里排序 · the sum, by which and by per_km the rows are ranked"),
        ("边界 borders", f"{statistics.borders} ({statistics.length_m / 1000:.1f} km)"),
        ("不属于任何边界 elsewhere", f"{statistics.elsewhere}（距所有网格超过 {OUTSIDE_M:g} 米 · farther than that outside）"),
        ("移交至不相邻网格 handed elsewhere", str(statistics.handed_elsewhere)),
        ("没有坐标 unplaced", str(statistics.unplaced)),
    ]  # fmt: skip
