"""The map of grids: the areas of all four levels with the people who answer for them."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely

from api.maps import encoding
from geo.levels import LEVELS

#: The scheme the map shows; other schemes overlap it.
SCHEME = "governance"


def areas_data(
    areas: Mapping[str, gpd.GeoDataFrame], posts: pd.DataFrame, *, today: dt.date
) -> dict[str, Any]:
    """What the browser draws.

    Parameters
    ----------
    areas
        Layer frame by level; levels may be missing or empty.
    posts
        Frame ``posts``.
    today
        Posts valid on this day are shown.

    Returns
    -------
    dict
        ``levels``: GeoJSON by level, each feature with ``code, name, parent, people, households, kind`` and
        ``at`` (a point in it, longitude first); ``posts``: by code of the grid, lists of role, name, phone.
    """
    return {
        "levels": {
            level: _features(areas[level]) for level in LEVELS if level in areas and not areas[level].empty
        },
        "posts": _posts_of_grids(posts, today),
    }


def _features(frame: gpd.GeoDataFrame) -> dict[str, Any]:
    frame = frame.sort_values("code")
    inside = shapely.get_coordinates(shapely.point_on_surface(frame.geometry.to_numpy()))
    columns = ["code", "name", "people", "households", *(["kind"] if "kind" in frame else [])]
    properties = frame[columns].assign(
        parent=frame["parent_code"], at=list(inside.round(encoding.DECIMALS).tolist())
    )
    return encoding.feature_collection(frame.geometry, properties)


def _posts_of_grids(posts: pd.DataFrame, today: dt.date) -> dict[str, list[list[str | None]]]:
    if posts.empty:
        return {}
    day = pd.Timestamp(today)
    first, last = pd.to_datetime(posts["valid_from"]), pd.to_datetime(posts["valid_to"])
    held = (
        (first.isna() | (first <= day)) & (last.isna() | (last >= day)) & (posts["target_layer"] == "grids")
    )
    shown = encoding.plain(posts.loc[held, ["target_code", "role", "name", "phone"]]).sort_values(
        ["target_code", "role", "name"], kind="stable"
    )
    by_grid: dict[str, list[list[str | None]]] = {}
    for code, *post in shown.itertuples(index=False):
        by_grid.setdefault(code, []).append(post)
    return by_grid
