"""The check of those areas only whose defects a change can alter."""

from collections.abc import Collection
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo.partition import gaps, leaving, meeting, seals
from geo.partition.checking import rows_of
from geo.partition.measures import (
    NEXT_TO_DEG,
    TOLERANCE_M,
    Bools,
    Floats,
    Layer,
    Objects,
    joined,
    repaired,
)

# What lies so near a changed border concerns it, degrees.
_ROOM_DEG = 2 * NEXT_TO_DEG


@dataclass(frozen=True, slots=True)
class Touched:
    """What a change touches: areas of a layer and of the level above, as they were and as they are.

    Parameters
    ----------
    codes, parents
        Codes of the areas, and of those above, that are new, gone, or others now.
    shapes, places
        Their shapes before and after, (n,), EPSG:4326.
    """

    codes: frozenset[str]
    shapes: Objects
    parents: frozenset[str]
    places: Objects


def touched(
    before: gpd.GeoDataFrame | None,
    after: gpd.GeoDataFrame | None,
    before_above: gpd.GeoDataFrame | None = None,
    after_above: gpd.GeoDataFrame | None = None,
) -> Touched:
    """Return what a change touches, from the changed areas (``code``, ``geometry``) and those of the level above."""
    codes, shapes = _together(before, after)
    parents, places = _together(before_above, after_above)
    return Touched(codes, shapes, parents, places)


def _together(*frames: gpd.GeoDataFrame | None) -> tuple[frozenset[str], Objects]:
    known = [frame for frame in frames if frame is not None]
    shapes = np.concatenate([np.empty(0, dtype=object), *(frame.geometry.to_numpy() for frame in known)])
    return frozenset(str(code) for frame in known for code in frame["code"]), shapes


def check_near(
    areas: gpd.GeoDataFrame,
    parents: gpd.GeoDataFrame,
    change: Touched,
    *,
    metric: str,
    tolerance_m: float = TOLERANCE_M,
) -> gpd.GeoDataFrame:
    """Find the defects of a layer of areas that a change can alter, and some beside them.

    Of both states of the layer the same is looked at: a defect that is not found before or after is in both states or
    in neither. So what :func:`geo.partition.check` finds in the one state, less what this finds there, and with what this
    finds in the other, is what that finds in the other.

    Parameters
    ----------
    areas, parents
        One state, as for :func:`geo.partition.check`; there have to be parents. All areas and parents, or at least
        those whose boxes meet what is touched, all below parents that what is touched meets, and all whose boxes meet
        these; the parents that touched areas name, and the areas that name touched parents, wherever they lie.
    change
        What tells the two states apart.
    metric, tolerance_m
        As for :func:`geo.partition.check`.

    Returns
    -------
    GeoDataFrame
        As of :func:`geo.partition.check`.
    """
    tree = shapely.STRtree(areas.geometry.to_numpy())
    boxes = _boxes(change.shapes)
    changed = _listed(areas["code"], change.codes)
    met = changed.copy()
    met[np.unique(tree.query(boxes)[1])] = True
    usable, broken = repaired(areas[met])
    layer = _layer(usable, metric, tolerance_m)
    found = [broken, meeting.slivers(layer), *_meetings(layer, boxes)]
    above, _ = repaired(parents[_chosen(parents, change)])
    own = rows_of(areas["parent_code"].to_numpy(dtype=object), above["code"].to_numpy(dtype=object))
    family, _ = repaired(areas[own >= 0])
    whole = _sealed(family, above)
    gone = areas[changed | _listed(areas["parent_code"], change.parents)]
    found.append(_outside(gone, parents, frozenset(above["code"][whole]), layer))
    rest = above[~whole]
    near = np.unique(tree.query(_boxes(rest.geometry.to_numpy()))[1])
    usable, _ = repaired(areas.iloc[near])
    names = rest["code"].to_numpy(dtype=object)
    found.append(gaps.in_parents(_layer(usable, metric, tolerance_m), rest.geometry.to_numpy(), names))
    return joined(found)


def _layer(usable: gpd.GeoDataFrame, metric: str, tolerance_m: float) -> Layer:
    return Layer(usable.geometry.to_numpy(), usable["code"].to_numpy(dtype=object), metric, tolerance_m)


def _listed(codes: pd.Series, named: Collection[str]) -> Bools:
    return np.array(codes.isin(list(named)), dtype=bool)


def _boxes(shapes: Objects) -> Objects:
    """Boxes around shapes with some room; none around what is empty."""
    bounds: Floats = shapely.bounds(shapes)
    bounds = bounds[np.isfinite(bounds).all(axis=1)] + _ROOM_DEG * np.array([-1, -1, 1, 1])
    return np.asarray(shapely.box(*bounds.T), dtype=object)


def _meetings(layer: Layer, boxes: Objects) -> list[pd.DataFrame]:
    """Defects where areas meet; of nodes that one side lacks those in the boxes, for others need areas further off."""
    nobody = np.full(len(layer.geoms), -1, dtype=np.intp)
    within = shapely.total_bounds(boxes).tolist() if len(boxes) else [np.nan] * 4  # in which nothing lies
    equal, overlaps, junctions = meeting.find(layer, nobody, np.empty(0, dtype=object), within=tuple(within))
    held = shapely.STRtree(boxes).query(junctions["geometry"].to_numpy(dtype=object), predicate="intersects")[
        0
    ]
    return [equal, overlaps, junctions.iloc[np.unique(held)]]


def _chosen(parents: gpd.GeoDataFrame, change: Touched) -> Bools:
    """Parents whose gaps a change can alter: those that changed, and those that what is touched meets."""
    chosen = _listed(parents["code"], change.parents)
    tree = shapely.STRtree(parents.geometry.to_numpy())
    for shapes in (change.shapes, change.places):
        known = shapes[~shapely.is_missing(shapes) & ~shapely.is_empty(shapes)]
        chosen[np.unique(tree.query(known, predicate="dwithin", distance=_ROOM_DEG)[1])] = True
    return chosen


def _sealed(areas: gpd.GeoDataFrame, parents: gpd.GeoDataFrame) -> Bools:
    """Tell which parents their areas tile exactly."""
    parent = rows_of(areas["parent_code"].to_numpy(dtype=object), parents["code"].to_numpy(dtype=object))
    return seals.sealed(areas.geometry.to_numpy(), parent, parents.geometry.to_numpy())


def _outside(
    areas: gpd.GeoDataFrame, parents: gpd.GeoDataFrame, whole: Collection[str], like: Layer
) -> pd.DataFrame:
    """Parts of areas outside their parents, but for parents, named by codes, that are tiled exactly."""
    usable, _ = repaired(areas[~_listed(areas["parent_code"], whole)])
    above, _ = repaired(parents[_listed(parents["code"], set(usable["parent_code"]))])
    names = above["code"].to_numpy(dtype=object)
    parent = rows_of(usable["parent_code"].to_numpy(dtype=object), names)
    rows = np.flatnonzero(parent >= 0)
    places = above.geometry.to_numpy()[parent[rows]]
    return leaving.outside(_layer(usable, like.metric, like.tolerance_m), rows, places, names[parent[rows]])
