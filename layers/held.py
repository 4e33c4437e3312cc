"""In which areas features lie: what an account's areas are compared with."""

from collections.abc import Iterator, Mapping, Sequence

import geopandas as gpd
import pandas as pd

from geo import changes, hierarchy
from geo.changes import Changes
from geo.levels import LAYER_OF, LEVEL_OF, LEVELS
from layers import located, store
from layers.validation import Reader


def paths(before: Reader, after: Reader, found: Mapping[str, Changes]) -> Iterator[Sequence[str]]:
    """Yield where each changed feature lies, before and after: codes from the district down; empty for nowhere.

    An area lies in itself; one that only got nodes on its border, as neighbours do, is not changed. Posts lie where the grid that they answer for lies; a post for anything else is nowhere.

    Parameters
    ----------
    before, after
        Read the layers as they were, and as they are after the changes.
    """
    found = {
        layer: changes.without_nodes(change) if layer in LEVEL_OF else change
        for layer, change in found.items()
    }
    for read, attribute in ((before, "before"), (after, "after")):
        chains = _chains(read)
        grids = read("grids")
        grids = grids[grids["scheme"] == located.SCHEME] if len(grids) else grids
        for layer, change in found.items():
            frame = getattr(change, attribute)
            for code in _held_by(layer, frame, grids):
                yield chains.get(code or "", ())


def _chains(read: Reader) -> dict[str, tuple[str, ...]]:
    """Codes from the district down to each area, by its code."""
    chains: dict[str, tuple[str, ...]] = {}
    for level in LEVELS:
        areas = read(LAYER_OF[level])
        for code, parent in store.rows(areas, ["code", "parent_code"]):
            chains[code] = (*chains.get(parent or "", ()), code)
    return chains


def _held_by(layer: str, frame: pd.DataFrame, grids: gpd.GeoDataFrame) -> list[str | None]:
    """Code of the area that each feature is in."""
    if layer in LEVEL_OF:
        return list(frame["code"])
    if layer == "posts":
        return [
            code if target == "grids" else None
            for target, code in store.rows(frame, ["target_layer", "target_code"])
        ]
    if not len(frame) or not len(grids):
        return [None] * len(frame)
    points = frame.geometry.representative_point().to_numpy()
    codes = grids["code"].to_numpy(dtype=object)
    return [codes[row] if row >= 0 else None for row in hierarchy.holders(points, grids)]
