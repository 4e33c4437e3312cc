"""What became of the layers between two revisions, as tables, features and documents: one wording for all replies."""

from collections.abc import Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import orjson
import pandas as pd
import shapely

from api import table_formats
from geo import changes
from layers.catalogue import SPECS
from layers.diffs import Diff
from layers.files import tables

#: Columns that are shapes: told by name, drawn as features.
_SHAPES = ("geometry", "entrances", "site")

#: Titles of the columns in Chinese.
TITLES = {
    "layer": "图层",
    "id": "标识",
    "kind": "变化",
    "code": "编码",
    "code_before": "原编码",
    "name": "名称",
    "fields": "变化字段",
    "grown_m2": "面积增减 m²",
    "moved_m": "移动距离 m",
    "from_code": "原属",
    "to_code": "改属",
    "area_m2": "面积 m²",
}

#: Kinds of changes as screens say them.
KINDS: dict[str, tuple[str, str]] = {
    "added": ("新增", "Added"),
    "removed": ("撤销", "Removed"),
    "moved": ("界线或位置变动", "Moved"),
    "nodes": ("仅增减界点", "Nodes only"),
    "attributes": ("仅属性变动", "Attributes only"),
}


def rows(diff: Diff) -> pd.DataFrame:
    """One row a feature that changed: `fields` names what differs, `grown_m2` and `moved_m` by how much it moved."""
    table = diff.changes.table
    placed = bool(SPECS[diff.layer].geometry)
    nothing = pd.Series(np.nan, index=table.index)
    grown = changes.grown_m2(diff.changes, metric=diff.metric) if placed else nothing
    moved = changes.moved_m(diff.changes, metric=diff.metric) if placed else nothing
    return pd.DataFrame(
        {
            "layer": diff.layer,
            "id": table.index,
            "kind": table["kind"].to_numpy(),
            "code": table["code"].to_numpy(),
            "code_before": table["code_before"].to_numpy(),
            "name": table["name"].to_numpy(),
            "fields": [" ".join(names) for names in table["fields"]],
            "grown_m2": grown.round(1).to_numpy(),
            "moved_m": moved.round(2).to_numpy(),
        }
    )


def document(found: Sequence[Diff], earlier: int, later: int | None) -> dict[str, Any]:
    """All changes without shapes; `later` is None for what is not published."""
    return {"from_revision": earlier, "to_revision": later, "layers": layers(found)}


def layers(found: Sequence[Diff]) -> list[dict[str, Any]]:
    """Changes by layer without shapes; `values` has each field that differs, before and after."""
    return [_layer(diff) for diff in found]


def features(found: Sequence[Diff]) -> gpd.GeoDataFrame:
    """All changes as features (EPSG:4326): each state of what changed, and the land that changed hands.

    ``what`` is ``change``, with ``state`` ``before`` or ``after`` and the feature's ``attributes`` then, or ``land``,
    with ``from_code``, ``to_code`` and ``area_m2``.
    """
    parts = [part for diff in found for part in (*_states(diff), *_land(diff))]
    columns = (
        "layer",
        "what",
        "state",
        "kind",
        "code",
        "name",
        "attributes",
        "from_code",
        "to_code",
        "area_m2",
    )
    if not parts:
        return gpd.GeoDataFrame({name: [] for name in columns}, geometry=[], crs="EPSG:4326")
    data = {
        name: np.concatenate(
            [
                part[name].to_numpy(dtype=object) if name in part else np.full(len(part), None, dtype=object)
                for part in parts
            ]
        )
        for name in columns
    }
    shapes = np.concatenate([part["geometry"].to_numpy(dtype=object) for part in parts])
    frame = pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in data.items()})
    return gpd.GeoDataFrame(frame, geometry=shapes, crs="EPSG:4326")


def body(written: str, found: Sequence[Diff], earlier: int, later: int | None) -> bytes:
    """Write changes in one of :data:`api.table_formats.FORMATS`.

    Raises
    ------
    DataError
        On field ``format``, for more rows than the format can carry.
    """
    about = {"from_revision": earlier, "to_revision": later}
    if written == "json":
        return orjson.dumps(document(found, earlier, later))
    if written == "geojson":
        drawn = features(found)
        table_formats.check_size(written, len(drawn), otherwise="one layer with layer, or for json")
        return tables.to_geojson(drawn, extra=about)
    every = [rows(diff) for diff in found]
    table = pd.concat(every) if every else pd.DataFrame({name: [] for name in list(TITLES)[:9]})
    table_formats.check_size(written, len(table), otherwise="one layer with layer, or for csv")
    if written == "csv":
        return tables.to_csv(table)
    notes = [("修订 revisions", f"{earlier} → {later or '草稿 draft'}")]
    return tables.to_xlsx(table, titles=TITLES, notes=notes, further={"土地 land": land_table(found)})


def land_table(found: Sequence[Diff]) -> pd.DataFrame:
    """Land that changed hands in all layers, without its shapes."""
    columns = ["layer", "from_code", "to_code", "area_m2"]
    parts = [
        pd.DataFrame(diff.land.drop(columns="geometry")).assign(layer=diff.layer)[columns]
        for diff in found
        if diff.land is not None and len(diff.land)
    ]
    if not parts:
        return pd.DataFrame({name: [] for name in columns})
    table = pd.concat(parts)
    return table.assign(area_m2=table["area_m2"].round(1))


def land_m2(diff: Diff) -> dict[str, float] | None:
    """Sum the land of :attr:`Diff.land`, m2: what was nobody's, what is nobody's any more, what went from code to code."""
    if diff.land is None:
        return None
    was, will_be = diff.land["from_code"].notna(), diff.land["to_code"].notna()
    size = diff.land["area_m2"]
    parts = {"added": size[~was], "removed": size[~will_be], "changed_hands": size[was & will_be]}
    return {name: round(float(part.sum()), 1) for name, part in parts.items()}


def _layer(diff: Diff) -> dict[str, Any]:
    listed = tables.records(rows(diff).drop(columns="layer"))
    for row, names in zip(listed, diff.changes.table["fields"], strict=True):
        row["fields"] = list(names)
        row["values"] = _values(diff, row["id"], [name for name in names if name not in _SHAPES])
    land = None if diff.land is None else tables.records(land_table([diff]).drop(columns="layer"))
    return {"layer": diff.layer, "counts": diff.changes.counts, "changes": listed, "land": land}


def _values(diff: Diff, feature: str, names: list[str]) -> dict[str, list[Any]]:
    before, after = (
        (state.loc[[feature], names].astype(object) for state in (diff.changes.before, diff.changes.after))
        if names
        else (pd.DataFrame(), pd.DataFrame())
    )
    return {name: [_plain(before[name].iloc[0]), _plain(after[name].iloc[0])] for name in names}


def _states(diff: Diff) -> list[pd.DataFrame]:
    table = diff.changes.table
    states = {"before": diff.changes.before, "after": diff.changes.after}
    return [
        pd.DataFrame(
            {
                "layer": diff.layer,
                "what": "change",
                "state": state,
                "kind": table["kind"].reindex(frame.index),
                "code": frame["code"],
                "name": frame.get("name"),
                "attributes": _attributes(frame),
                "geometry": frame["geometry"].to_numpy(dtype=object) if "geometry" in frame else None,
            },
            index=frame.index,
        )
        for state, frame in states.items()
        if len(frame)
    ]


def _land(diff: Diff) -> list[pd.DataFrame]:
    if diff.land is None or diff.land.empty:
        return []
    shapes = diff.land.geometry.to_numpy(dtype=object)
    land = pd.DataFrame(diff.land.drop(columns="geometry"))
    return [land.assign(layer=diff.layer, what="land", area_m2=land["area_m2"].round(1), geometry=shapes)]


def _attributes(frame: pd.DataFrame) -> pd.Series:
    said = frame[[name for name in frame.columns if name not in _SHAPES]].astype(object)
    return pd.Series(
        [{str(name): _plain(value) for name, value in row.items()} for row in said.to_dict("records")],
        index=frame.index,
        dtype=object,
    )


def _plain(value: Any) -> Any:  # noqa: ANN401 - a value of any column
    """Return a value as JSON can say it: missing ones as None, shapes as WKT."""
    if isinstance(value, dict | list):
        return value
    if isinstance(value, shapely.Geometry):
        return value.wkt
    return None if pd.isna(value) else value
