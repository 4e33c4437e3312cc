"""Homes and house numbers from OpenStreetMap tags: buildings people live in, and addresses."""

from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

Objects = NDArray[np.object_]

#: Keys that make a building or an address.
KEYS = ("building", "addr:housenumber")
#: Values of ``building`` that say that people live there.
_HOMES = frozenset(
    [
        "apartments",
        "bungalow",
        "detached",
        "dormitory",
        "farm",
        "house",
        "residential",
        "semidetached_house",
        "terrace",
    ]
)


def building(tags: Mapping[str, str]) -> dict[str, Any] | None:
    """Columns of a building that people live in, by its kind or because its flats are counted; else None."""
    kind = tags.get("building", "no")
    if kind not in _HOMES and (kind == "no" or "building:flats" not in tags):
        return None
    printed = _printed(tags)
    return {
        "name": tags.get("name") or tags.get("addr:housename") or printed,
        "households": _count(tags.get("building:flats")),
        "floors": _count(tags.get("building:levels")),
        "built_year": _count(tags.get("start_date", "")[:4]),
        "address": printed,
    }


def address(tags: Mapping[str, str]) -> dict[str, Any] | None:
    """Columns of an address; None where the tags do not make one."""
    printed = tags.get("addr:full") or _printed(tags)
    if printed is None:
        return None
    return {
        "text": printed,
        "street": tags.get("addr:street") or tags.get("addr:place"),
        "number": tags.get("addr:housenumber"),
        "unit": tags.get("addr:unit"),
    }


def _printed(tags: Mapping[str, str]) -> str | None:
    """Street and house number as they are printed: apart where the street is written in letters."""
    street = tags.get("addr:street") or tags.get("addr:place")
    number = tags.get("addr:housenumber")
    if not street or not number:
        return None
    return f"{street} {number}" if street[-1] < "\u2e80" else f"{street}{number}"


def _count(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() else None


def buildings(records: list[dict[str, Any]], geoms: Objects) -> gpd.GeoDataFrame:
    """Layer frame of buildings; their compounds follow from where they stand."""
    frame = pd.DataFrame(
        records, columns=["code", "name", "households", "floors", "built_year", "address"], dtype=object
    )
    return gpd.GeoDataFrame(frame, geometry=geoms, crs="EPSG:4326")


def addresses(records: list[dict[str, Any]], geoms: Objects) -> gpd.GeoDataFrame:
    """Layer frame of addresses; that of an area is at a point inside it."""
    frame = pd.DataFrame(records, columns=["code", "text", "street", "number", "unit"], dtype=object)
    return gpd.GeoDataFrame(frame, geometry=shapely.point_on_surface(geoms), crs="EPSG:4326")
