"""Whom a change touches, as tables, features and documents, told to callers as far as their areas go."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import geopandas as gpd
import numpy as np
import orjson
import pandas as pd
from pydantic import BaseModel, ConfigDict

from api import table_formats
from api.access import Caller, Permission
from geo import impact
from geo.impact import FIGURES, MOVES, SIDES, Impact
from layers.files import tables

#: Figures in Chinese and English.
FIGURE_WORDS: dict[str, tuple[str, str]] = {
    "people": ("人口", "People"),
    "households": ("户数", "Households"),
    "compounds": ("小区", "Compounds"),
    "buildings": ("楼栋", "Buildings"),
    "old_estates": ("老旧小区", "Old estates"),
    "facilities": ("设施", "Facilities"),
    "posts": ("岗位", "Posts"),
    "incidents": ("未结事件", "Open incidents"),
    "area_m2": ("面积 m²", "Area, m²"),
}

#: Sides of a figure.
SIDE_WORDS: dict[str, tuple[str, str]] = {
    "before": ("前", "before"),
    "gained": ("划入", "gained"),
    "lost": ("划出", "lost"),
    "after": ("后", "after"),
}

#: Titles of the columns in Chinese.
TITLES = {
    "level": "层级",
    "layer": "图层",
    "code": "编码",
    "name": "名称",
    "change": "变化",
    "area_code": "所在区域",
    "from_code": "原属",
    "to_code": "改属",
    "area_m2": "面积 m²",
    "number": "件数",
    "moved": "变更归属",
    **{
        f"{figure}_{side}": f"{zh}{word}"
        for figure, (zh, _) in ({"share": ("份额", "")} | FIGURE_WORDS).items()
        for side, (word, _) in SIDE_WORDS.items()
    },
}

_INCIDENTS = [f"incidents_{side}" for side in SIDES]
_AFFECTED = [f"{part}_{side}" for part in ("share", "people", "households") for side in ("before", "after")]


class FigureOut(BaseModel):
    """A figure of an area: before + gained - lost = after; of what lies in no area only what came and went is known."""

    before: float | None
    gained: float
    lost: float
    after: float | None


class AreaOut(BaseModel):
    """What an area holds; `code` null is what lies in no area of the level.

    `change` is `added`, `removed`, `moved`, `nodes` or `attributes`; null where only what it holds changed. People, households,
    compounds … are whole, each counted in one area. `incidents` (open ones) is null where the account may not know.
    """

    level: str
    code: str | None
    name: str | None
    change: str | None
    people: FigureOut
    households: FigureOut
    compounds: FigureOut
    buildings: FigureOut
    old_estates: FigureOut
    facilities: FigureOut
    posts: FigureOut
    incidents: FigureOut | None
    area_m2: FigureOut


class AffectedOut(BaseModel):
    """A home, place or post, with an area of the finest level (null: none) where its part changed; posts by their role."""

    layer: str
    code: str
    name: str | None
    area_code: str | None
    share_before: float
    share_after: float
    people_before: int
    people_after: int
    households_before: int
    households_after: int


class LandOut(BaseModel):
    """Land that changes hands between areas of a layer; a code that is null is nobody's."""

    layer: str
    from_code: str | None
    to_code: str | None
    area_m2: float


class MoveOut(BaseModel):
    """Open incidents that go over from one grid to another (null: to none), or stay by another rule."""

    from_code: str | None
    to_code: str | None
    number: int


class ImpactOut(BaseModel):
    """Whom a change touches: `areas` that gain or lose anything, by level; `totals` sums them for each level.

    `incidents` is null for accounts that read no statistics; accounts limited to areas are told of theirs.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "from_revision": 3,
                "to_revision": 4,
                "draft": None,
                "areas": [],
                "totals": [],
                "affected": [
                    {
                        "layer": "compounds",
                        "code": "510899001001C12",
                        "name": "嘉湖小区",
                        "area_code": "510899001001003",
                        "share_before": 0.25,
                        "share_after": 1.0,
                        "people_before": 310,
                        "people_after": 1240,
                        "households_before": 110,
                        "households_after": 440,
                    }
                ],
                "land": [
                    {
                        "layer": "grids",
                        "from_code": "510899001001004",
                        "to_code": "510899001001003",
                        "area_m2": 1840.2,
                    }
                ],
                "incidents": [{"from_code": "510899001001004", "to_code": "510899001001003", "number": 3}],
            }
        }
    )

    from_revision: int
    to_revision: int | None
    draft: str | None
    areas: list[AreaOut]
    totals: list[dict[str, Any]]
    affected: list[AffectedOut]
    land: list[LandOut]
    incidents: list[MoveOut] | None


def for_caller(found: Impact, caller: Caller, *, unassigned: bool) -> Impact:
    """Leave out the incidents that a caller may not count.

    An account limited to areas is told what each of its areas holds before and after, and which incidents come to
    them and leave them: not what areas above or beside them hold.

    Parameters
    ----------
    unassigned
        Whether the caller sees the incidents that belong to no area.
    """
    balance, moves = found.balance, found.moves
    if not caller.may(Permission.READ_STATISTICS):
        mine, told = np.zeros(len(balance), dtype=bool), np.zeros(len(moves), dtype=bool)
    else:
        mine = np.array(
            [caller.covers(path) or (path == () and unassigned) for path in balance["path"]], dtype=bool
        )
        nowhere = moves[list(MOVES[:2])].isna().any(axis=1).to_numpy() & unassigned
        told = nowhere | np.array([caller.covers(path) for path in moves["path"]], dtype=bool)
    balance = balance.assign(**{name: balance[name].where(mine) for name in _INCIDENTS})
    # An area that nothing but those incidents touches would tell of them by being listed.
    balance = impact.touched(balance).reset_index(drop=True)
    return replace(found, balance=balance, moves=moves[told].reset_index(drop=True))


def document(found: Impact, about: Mapping[str, Any], *, counted: bool) -> dict[str, Any]:
    """All that is known, without shapes; `counted` tells whether incidents are told at all."""
    return {
        **about,
        "areas": [_area(row) for row in tables.records(balance_table(found))],
        "totals": [_figures(row) for row in tables.records(totals_table(found))],
        "affected": tables.records(affected_table(found)),
        "land": tables.records(land_table(found)),
        "incidents": tables.records(moves_table(found)) if counted else None,
    }


def features(found: Impact) -> gpd.GeoDataFrame:
    """What is touched as features, EPSG:4326: ``what`` is ``area``, ``affected`` or ``land``, with the table's columns."""
    parts = [
        ("area", balance_table(found), found.balance),
        ("affected", affected_table(found), found.affected),
        ("land", land_table(found), found.land),
    ]
    drawn = [
        table.assign(what=what, geometry=shapes.geometry.to_numpy(dtype=object)).astype(object)
        for what, table, shapes in parts
    ]
    every = pd.concat(drawn, ignore_index=True)
    every = every[every["geometry"].notna()]
    columns = ["what", *(name for name in every.columns if name not in {"what", "geometry"})]
    shapes = every["geometry"].to_numpy(dtype=object)
    return gpd.GeoDataFrame(every[columns].reset_index(drop=True), geometry=shapes, crs="EPSG:4326")


def body(found: Impact, written: str, about: Mapping[str, Any], *, counted: bool) -> bytes:
    """Write what is touched in one of :data:`api.table_formats.FORMATS`; CSV holds the areas only.

    Raises
    ------
    DataError
        On field ``format``, for more rows than the format can carry.
    """
    if written == "json":
        return orjson.dumps(document(found, about, counted=counted))
    if written == "geojson":
        drawn = features(found)
        table_formats.check_size(written, len(drawn), otherwise="json")
        return tables.to_geojson(drawn, extra=about)
    table = balance_table(found)
    table_formats.check_size(written, max(len(table), len(found.affected)), otherwise="json")
    if written == "csv":
        return tables.to_csv(table)
    return tables.to_xlsx(
        table,
        titles=TITLES,
        name="区域 areas",
        notes=[(name, str(value)) for name, value in about.items() if value is not None],
        further={
            "合计 totals": totals_table(found),
            "受影响 affected": affected_table(found),
            "土地 land": land_table(found),
            "事件 incidents": moves_table(found),
        },
    )


def balance_table(found: Impact) -> pd.DataFrame:
    """Areas with their figures, without shapes."""
    return _counts(pd.DataFrame(found.balance.drop(columns=["path", "geometry"])))


def totals_table(found: Impact) -> pd.DataFrame:
    """Figures of each level summed over the areas that are touched; incidents only where all of them are told."""
    table = impact.totals(found.balance)
    named = found.balance[found.balance["code"].notna()]
    hidden = named["incidents_before"].isna().groupby(named["level"], sort=False).any()
    table.loc[hidden.index[hidden], _INCIDENTS] = np.nan
    return _counts(table.reset_index())


def affected_table(found: Impact) -> pd.DataFrame:
    """Features whose part of an area changed, without shapes."""
    table = pd.DataFrame(found.affected[["layer", "code", "name", "area_code", *_AFFECTED]])
    table = table.astype(dict.fromkeys(_AFFECTED[2:], int))
    return table.assign(**{name: table[name].round(4) for name in _AFFECTED[:2]})


def land_table(found: Impact) -> pd.DataFrame:
    """Land that changes hands, without its shapes."""
    table = pd.DataFrame(found.land.drop(columns="geometry"))
    return table.assign(area_m2=table["area_m2"].round(1))


def moves_table(found: Impact) -> pd.DataFrame:
    """Incidents that move."""
    table = found.moves[["from_code", "to_code", "moved"]]
    return table.rename(columns={"moved": "number"}).astype({"number": int})


def _counts(table: pd.DataFrame) -> pd.DataFrame:
    """Figures as whole numbers, square metres to a tenth."""
    *things, area = FIGURES
    whole = {f"{figure}_{side}": "Int64" for figure in things for side in SIDES}
    return table.astype(whole).assign(
        **{name: table[name].round(1) for name in (f"{area}_{side}" for side in SIDES)}
    )


def _area(row: Mapping[str, Any]) -> dict[str, Any]:
    said = {name: row[name] for name in ("level", "code", "name", "change")}
    return said | _figures(row)


def _figures(row: Mapping[str, Any]) -> dict[str, Any]:
    """Figures of a row, each with its sides; None for one of which nothing is told."""
    found: dict[str, Any] = {"level": row["level"]}
    for figure in FIGURES:
        sides = {side: row[f"{figure}_{side}"] for side in SIDES}
        found[figure] = sides if sides["gained"] is not None else None
    return found
