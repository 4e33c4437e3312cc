"""Facilities and compounds from OpenStreetMap tags, by a table that anyone can read and change."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

import layers
from geo import crs
from layers import catalogue

Objects = NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class Rule:
    """Tags that make a facility: `key`=`value`, and, where given, `also_value` among those of `also_key`."""

    key: str
    value: str
    also_key: str
    also_value: str
    min_area_m2: float
    type: str


@cache
def rules() -> tuple[Rule, ...]:
    """Return the table ``layers/data/osm_facilities.csv``; of the rules that match, the first counts."""
    with files(layers).joinpath("data", "osm_facilities.csv").open(encoding="utf-8") as handle:
        table = pd.read_csv(handle, dtype=str, keep_default_na=False).drop(columns="note")
    table["min_area_m2"] = pd.to_numeric(table["min_area_m2"]).fillna(0.0)
    return tuple(Rule(*row) for row in table.itertuples(index=False))


@cache
def keys() -> tuple[str, ...]:
    """Keys that any rule looks at."""
    return tuple(dict.fromkeys(rule.key for rule in rules()))


@cache
def _by_tag() -> dict[tuple[str, str], tuple[Rule, ...]]:
    found: dict[tuple[str, str], tuple[Rule, ...]] = {}
    for rule in rules():
        found[rule.key, rule.value] = (*found.get((rule.key, rule.value), ()), rule)
    return found


def candidates(tags: Mapping[str, str]) -> tuple[Rule, ...]:
    """Rules whose tags match, in the order of the table; sizes are not looked at."""
    matching = (rule for key in keys() if key in tags for rule in _by_tag().get((key, tags[key]), ()))
    return tuple(
        rule
        for rule in matching
        if not rule.also_key or rule.also_value in tags.get(rule.also_key, "").replace(",", ";").split(";")
    )


def facility(tags: Mapping[str, str], matching: tuple[Rule, ...]) -> dict[str, Any]:
    """Columns of a facility from its tags; the type follows from `matching` and the size."""
    zh = catalogue.facility_types()["zh"]
    street = f"{tags.get('addr:street', '')} {tags.get('addr:housenumber', '')}".strip()
    return {
        "name": tags.get("name") or tags.get("brand") or tags.get("operator") or zh[matching[-1].type],
        "rules": matching,
        "address": street or None,
        "capacity": _count(tags.get("capacity") or tags.get("beds")),
    }


def compound(tags: Mapping[str, str]) -> dict[str, Any]:
    """Columns of a compound from its tags; its people are known only where a tag says so."""
    return {
        "name": tags.get("name") or tags.get("addr:place") or "",
        "form": None,
        "households": _count(tags.get("building:flats")),
        "people": _count(tags.get("population")),
        "built_year": _count((tags.get("start_date") or "")[:4]),
        "address": tags.get("addr:street"),
    }


def _count(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() else None


def facilities(records: list[dict[str, Any]], geoms: Objects, gates: Objects) -> gpd.GeoDataFrame:
    """Layer frame of facilities; a polygon is kept as `site`, served from a point inside it."""
    frame = pd.DataFrame(records, columns=["code", "name", "rules", "address", "capacity"])
    areal = shapely.get_dimensions(geoms) == 2  # noqa: PLR2004 - areas
    area = np.full(len(geoms), np.inf)  # a point does not tell how large its place is: the last rule counts
    if areal.any():
        lon, lat = shapely.get_coordinates(shapely.centroid(geoms[areal])).T
        area[areal] = shapely.area(crs.to_metric(geoms[areal], crs.choose_metric(lon, lat)))
    frame["type"] = [
        rules[-1].type if np.isinf(size) else next(rule.type for rule in rules if size >= rule.min_area_m2)
        for rules, size in zip(frame.pop("rules"), area, strict=True)
    ]
    frame["capacity"] = frame["capacity"].astype("Int64")
    frame["site"] = gpd.GeoSeries(_masked(geoms, areal), crs="EPSG:4326")
    frame["entrances"] = gpd.GeoSeries(entrances(geoms, gates), crs="EPSG:4326")
    return gpd.GeoDataFrame(frame, geometry=shapely.point_on_surface(geoms), crs="EPSG:4326")


def compounds(records: list[dict[str, Any]], geoms: Objects, gates: Objects) -> gpd.GeoDataFrame:
    """Layer frame of compounds, each with the gates on its outline."""
    columns = ["code", "name", "form", "households", "people", "built_year", "address"]
    frame = pd.DataFrame(records, columns=columns)
    numbers = ["households", "people", "built_year"]
    frame[numbers] = frame[numbers].astype("Int64")
    frame["entrances"] = gpd.GeoSeries(entrances(geoms, gates), crs="EPSG:4326")
    return gpd.GeoDataFrame(frame, geometry=geoms, crs="EPSG:4326")


def entrances(geoms: Objects, gates: Objects) -> Objects:
    """Gates that are nodes of each area's outline, as one MultiPoint; None where there is none."""
    result = np.full(len(geoms), None, dtype=object)
    outlines = shapely.boundary(_masked(geoms, shapely.get_dimensions(geoms) == 2))  # noqa: PLR2004 - areas
    area, gate = shapely.STRtree(gates).query(outlines, predicate="dwithin", distance=1e-9)
    if len(area):
        rows, number = np.unique(area, return_inverse=True)
        order = np.argsort(number, kind="stable")
        result[rows] = shapely.multipoints(gates[gate][order], indices=number[order])
    return result


def _masked(geoms: Objects, kept: NDArray[np.bool_]) -> Objects:
    result = np.full(len(geoms), None, dtype=object)
    result[kept] = geoms[kept]
    return result
