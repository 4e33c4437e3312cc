"""Barriers from OpenStreetMap tags: nodes of ways that nobody on foot gets through."""

from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray

#: Values of ``foot`` that let people through whatever else is said.
_OPEN = frozenset(["yes", "designated", "permissive", "destination", "official", "customers"])


def barrier(tags: Mapping[str, str]) -> dict[str, Any] | None:
    """Columns of a barrier that stops walkers, else None.

    One stops them that is locked, or closed to people on foot (``foot=no``; ``access=no`` where ``foot`` says nothing).
    A gate that only residents may pass stops nobody: it is they who live behind it.
    """
    if "barrier" not in tags or tags.get("foot") in _OPEN:
        return None
    closed = tags.get("foot", tags.get("access")) == "no" or tags.get("locked") == "yes"
    return {"name": tags.get("name", ""), "kind": tags["barrier"]} if closed else None


def barriers(records: list[dict[str, Any]], shapes: NDArray[np.object_]) -> gpd.GeoDataFrame:
    """Layer frame of barriers."""
    table = {name: [record[name] or None for record in records] for name in ("code", "name", "kind")}
    return gpd.GeoDataFrame(table, geometry=shapes, crs="EPSG:4326")
