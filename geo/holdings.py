"""What areas hold: which part of each home, place and post lies in which area, and how many whole ones that is.

A state is its layers by name, frames in EPSG:4326 indexed by the feature's ``id``.
"""

from collections.abc import Mapping
from typing import TypeAlias

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo import hierarchy, homes
from geo.assign import AreaIndex

#: Layers whose features are held by areas.
LAYERS = ("compounds", "buildings", "old_estates", "facilities", "posts")

#: Layers by name; those that are missing are empty.
State: TypeAlias = Mapping[str, pd.DataFrame]

_SHARE = ["layer", "id", "area_code", "share"]
_TARGET = ["target_layer", "target_code"]
# What exact shares of whole numbers may be off by.
_DIGITS = 9


def shares(
    state: State, areas: gpd.GeoDataFrame | None, *, metric: str, tolerance_m: float, grids: bool = True
) -> pd.DataFrame:
    """Which share of each feature lies in which area.

    Compounds as in :func:`geo.hierarchy.compound_shares`; old estates by area; buildings and facilities are whole in
    the area that :mod:`geo.assign` gives a point inside them. Posts are where the grid, compound or building is that
    they answer for.

    Parameters
    ----------
    areas
        Areas of one level (grids: of one scheme) with ``code``; None: there are none.
    metric, tolerance_m
        As for :class:`geo.assign.AreaIndex`.
    grids
        Whether the areas are grids, which posts may answer for.

    Returns
    -------
    DataFrame
        ``layer, id, area_code, share``. Shares of a feature add up to 1; what lies in no area has one row with
        ``area_code`` None.
    """
    index = None if areas is None else AreaIndex(areas, metric=metric, tolerance_m=tolerance_m)
    parts = [
        _by_land(state, "compounds", areas, index, buildings=_frame(state, "buildings")),
        _by_land(state, "old_estates", areas, index),
        _by_point(state, "buildings", index),
        _by_point(state, "facilities", index),
    ]
    found = pd.concat([part for part in parts if part is not None] or [_nothing(_SHARE)], ignore_index=True)
    posts = _frame(state, "posts")
    if posts is None:
        return found
    return pd.concat([found, _by_target(posts, found, state, areas if grids else None)], ignore_index=True)


def counted(found: pd.DataFrame, state: State) -> pd.DataFrame:
    """Count whole features and whole people in areas, so that the numbers of a feature add up to all of it.

    Each number is parted by the shares, rounded down, and what is left over goes one by one to the largest remainders,
    of equal ones to the lowest code. So a feature itself counts in the area with its largest share.

    Parameters
    ----------
    found
        As of :func:`shares`.

    Returns
    -------
    DataFrame
        `found` with ``code``, ``name`` (of posts their role: who holds one is nobody's business here), ``number``, and
        of compounds ``people`` and ``households``, their buildings' where they state none.
    """
    present = {layer: frame for layer in LAYERS if (frame := _frame(state, layer)) is not None}
    if {"compounds", "buildings"} <= present.keys():
        present["compounds"] = homes.demand(present["compounds"], present["buildings"])
    told = pd.concat(
        [_told(layer, frame) for layer, frame in present.items()]
        or [_nothing(["layer", "id", "code", "name", *homes.COUNTS])]
    )
    result = found.merge(told, on=["layer", "id"], how="left")
    feature = np.asarray(result.groupby(["layer", "id"], sort=False).ngroup(), dtype=np.int64)
    order = pd.factorize(result["area_code"], sort=True)[0]
    share = result["share"].to_numpy(dtype=np.float64)
    result["number"] = _parted(np.ones(len(result), dtype=np.int64), feature, share, order)
    for count in homes.COUNTS:
        whole = result[count].fillna(0).to_numpy(dtype=np.int64)
        result[count] = _parted(whole, feature, share, order)
    return result


def _parted(
    whole: NDArray[np.int64], feature: NDArray[np.int64], share: NDArray[np.float64], order: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Parts of whole numbers by largest remainders; `order` decides between equal ones."""
    if not len(whole):
        return whole
    exact = np.round(whole * share, _DIGITS)
    part = np.floor(exact).astype(np.int64)
    first = np.unique(feature, return_index=True)[1]
    left = whole[first] - np.bincount(feature, part).astype(np.int64)
    ranked = np.lexsort((order, part - exact, feature))
    rank = np.empty(len(whole), dtype=np.int64)
    rank[ranked] = np.arange(len(whole)) - np.searchsorted(feature[ranked], feature[ranked])
    return part + (rank < left[feature])


def _told(layer: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Code, name and numbers of the features of a layer."""
    lives = layer == "compounds"
    return pd.DataFrame(
        {
            "layer": layer,
            "id": frame.index.to_numpy(),
            "code": frame["code"].to_numpy(dtype=object),
            "name": frame["role" if layer == "posts" else "name"].to_numpy(dtype=object),
            **{
                count: frame[count].to_numpy(dtype=np.float64, na_value=0.0) if lives else 0.0
                for count in homes.COUNTS
            },
        }
    )


def _by_land(
    state: State,
    layer: str,
    areas: gpd.GeoDataFrame | None,
    index: AreaIndex | None,
    *,
    buildings: gpd.GeoDataFrame | None = None,
) -> pd.DataFrame | None:
    frame = _frame(state, layer)
    if frame is None:
        return None
    links = _nothing(["compound_id", "grid_code", "share"])
    if areas is not None and index is not None:
        links = hierarchy.compound_shares(
            frame, areas, metric=index.metric, buildings=buildings, tolerance_m=index.tolerance_m
        )
    held = pd.DataFrame(
        {"layer": layer, "id": links["compound_id"], "area_code": links["grid_code"], "share": links["share"]}
    )
    rest = frame.index[~frame.index.isin(held["id"])]
    return pd.concat([held, _whole(layer, rest, None)], ignore_index=True)


def _by_point(state: State, layer: str, index: AreaIndex | None) -> pd.DataFrame | None:
    frame = _frame(state, layer)
    if frame is None:
        return None
    if index is None:
        return _whole(layer, frame.index, None)
    points = shapely.point_on_surface(frame["geometry"].to_numpy(dtype=object))
    return _whole(layer, frame.index, index.assign(shapely.get_x(points), shapely.get_y(points)).area_code)


def _by_target(
    posts: pd.DataFrame, found: pd.DataFrame, state: State, grids: gpd.GeoDataFrame | None
) -> pd.DataFrame:
    targets = [_nothing([*_TARGET, "area_code", "share"])]
    if grids is not None:
        codes = grids["code"].to_numpy(dtype=object)
        targets.append(
            pd.DataFrame({"target_layer": "grids", "target_code": codes, "area_code": codes, "share": 1.0})
        )
    for layer in ("compounds", "buildings"):
        frame = _frame(state, layer)
        if frame is not None:
            held = found[found["layer"] == layer]
            codes = frame["code"].loc[held["id"]].to_numpy(dtype=object)
            targets.append(held[["area_code", "share"]].assign(target_layer=layer, target_code=codes))
    known = pd.concat([part for part in targets if len(part)] or targets)
    joined = posts[_TARGET].rename_axis("id").reset_index().merge(known, on=_TARGET, how="left")
    area = joined["area_code"].astype(object).where(joined["area_code"].notna(), None)
    share = joined["share"].astype(np.float64).fillna(1.0)
    return pd.DataFrame({"layer": "posts", "id": joined["id"], "area_code": area, "share": share})


def _whole(layer: str, ids: pd.Index, codes: NDArray[np.object_] | None) -> pd.DataFrame:
    area = np.full(len(ids), None, dtype=object) if codes is None else codes
    return pd.DataFrame({"layer": layer, "id": ids.to_numpy(), "area_code": area, "share": 1.0})


def _frame(state: State, layer: str) -> pd.DataFrame | None:
    """Frame of a layer; None where it has no features."""
    frame = state.get(layer)
    return None if frame is None or frame.empty else frame


def _nothing(columns: list[str]) -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(dtype=object) for name in columns})
