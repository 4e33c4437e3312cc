"""The map of what changed between two states: each state of what changed, and the land that changed hands."""

from collections.abc import Sequence
from typing import Any

import geopandas as gpd
import pandas as pd

from api import diff_words
from api.maps import encoding
from layers import diffs
from layers.diffs import Diff

#: Features on the map at most, of each state; land that changed hands likewise, the largest first.
MOST_DRAWN = 5_000


def diff_data(found: Sequence[Diff]) -> dict[str, Any]:
    """Return what the browser draws.

    Returns
    -------
    dict
        ``layers``: name and counts of each; ``changes`` and ``land``: GeoJSON; ``left_out``: how
        many features are not drawn.
    """
    drawn = diff_words.features(diffs.impersonal(found)).drop(columns="attributes")
    some = shown(drawn)
    land = some[some["what"] == "land"].drop(columns=["state", "kind", "code", "name"])
    changes = some[some["what"] == "change"].drop(columns=["from_code", "to_code", "area_m2"])
    return {
        "layers": [{"layer": diff.layer, "counts": diff.changes.counts} for diff in found],
        "changes": _collection(changes),
        "land": _collection(land),
        "left_out": len(drawn) - len(some),
    }


def shown(drawn: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return those of :func:`api.diff_words.features` that a map has: :data:`MOST_DRAWN` of each state, and of land."""
    return drawn.groupby(["what", "state"], sort=False, dropna=False).head(MOST_DRAWN)


def bounds(found: Sequence[Diff]) -> tuple[float, float, float, float] | None:
    """Return west, south, east, north of all that changed; None where nothing has a place."""
    frames = [
        state
        for diff in found
        for state in (diff.changes.before, diff.changes.after)
        if isinstance(state, gpd.GeoDataFrame) and len(state)
    ]
    if not frames:
        return None
    sides = pd.concat([frame.bounds for frame in frames])
    low, high = sides.min(), sides.max()
    return float(low["minx"]), float(low["miny"]), float(high["maxx"]), float(high["maxy"])


def _collection(frame: gpd.GeoDataFrame) -> dict[str, Any]:
    return encoding.feature_collection(frame.geometry, pd.DataFrame(frame.drop(columns=["geometry", "what"])))
