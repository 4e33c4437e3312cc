"""The gate before publishing: which layers must be checked, and which of their defects refuse a publication."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from sqlalchemy.orm import Session

from geo import crs
from geo.changes import Changes
from geo.faults import Fault
from geo.levels import CODE_WIDTHS, LEVEL_OF
from layers import neighbourhood, validation
from layers.neighbourhood import Found
from layers.validation import Reader

_AREAL = 2
# What the same gap may differ by, computed twice.
_ROUNDING_M2 = 0.01


class Judged(NamedTuple):
    """What stands after changes: faults that refuse them, and what was found by layer, for :func:`keep`."""

    worse: list[Fault]
    found: dict[str, Found]


def judge(
    before: Reader,
    after: Reader,
    changes: Mapping[str, Changes],
    *,
    metric: str,
    widths: Sequence[int] = CODE_WIDTHS,
    near: tuple[Reader, Reader] | None = None,
) -> Judged:
    """Check what changes do to their layers, to the level below, to buildings that grids part, and to posts.

    Only the neighbourhood of what changed is checked (:mod:`layers.neighbourhood`), which refuses exactly what a check
    of whole layers does.

    Parameters
    ----------
    before, after
        Read the layers as they are, and as they will be.
    changes
        By layer, what turns the one state into the other.
    metric, widths
        As for :func:`layers.validation.check`.
    near
        Read areas around the changes as `before` and `after` read whole layers (:mod:`layers.surroundings`).
    """
    areas = near or (before, after)
    levels = _checked(*areas, changes, metric=metric, widths=widths)
    names = dict.fromkeys(
        name for layer, change in changes.items() for name in _depending(layer, after, change)
    )
    others = {
        name: neighbourhood.check(name, before, after, changes, metric=metric, widths=widths)
        for name in names
    }
    refused = _refused(levels, areas[0], metric=metric, widths=widths)
    return Judged(refused, levels | others)


def worse(
    before: Reader,
    after: Reader,
    changes: Mapping[str, Changes],
    *,
    metric: str,
    widths: Sequence[int] = CODE_WIDTHS,
) -> list[Fault]:
    """Return why changes may not be published, as :func:`judge` does; `before` and `after` may read what is near."""
    levels = _checked(before, after, changes, metric=metric, widths=widths)
    return _refused(levels, before, metric=metric, widths=widths)


def _checked(
    before: Reader, after: Reader, changes: Mapping[str, Changes], *, metric: str, widths: Sequence[int]
) -> dict[str, Found]:
    """Check the layers of areas whose defects changes can alter."""
    names = dict.fromkeys(name for layer in changes for name in _parted(layer, after))
    return {
        name: neighbourhood.check(name, before, after, changes, metric=metric, widths=widths)
        for name in names
    }


def _refused(
    found: Mapping[str, Found], before: Reader, *, metric: str, widths: Sequence[int]
) -> list[Fault]:
    result: list[Fault] = []
    for name, each in found.items():
        if len(each.after):
            was = each.before
            if was is None:
                was = validation.check(name, before, metric=metric, widths=widths)
            result += refusals(name, was, each.after, metric=metric)
    return result


def keep(session: Session, found: Mapping[str, Found], revision: int) -> None:
    """Store what stands at the revision that published the changes that were judged; what is not near them stays."""
    for layer, each in found.items():
        if each.is_whole or not validation.any_kept(session, layer):
            validation.store(session, layer, each.after, revision)
        else:
            validation.exchange(session, layer, each.before, each.after, revision)


def refusals(layer: str, before: gpd.GeoDataFrame, after: gpd.GeoDataFrame, *, metric: str) -> list[Fault]:
    """Say why a state of areas may not be published: each defect that is new or larger than before."""
    return validation.as_faults(layer, _grown(before, after, metric)) if len(after) else []


def affected(layer: str, read: Reader) -> list[str]:
    """Layers whose defects a change of this one can alter: itself, the level below, buildings that grids part, posts."""
    return [*_parted(layer, read), *_depending(layer, read)]


def _parted(layer: str, read: Reader) -> list[str]:
    """Layers of areas that a change of this one can put amiss: itself, and the level below."""
    if layer not in LEVEL_OF:
        return []
    child = validation.child_layer(layer, read)
    return [layer, child] if child else [layer]


def _depending(layer: str, read: Reader, change: Changes | None = None) -> list[str]:
    """Layers of features that a change of this one, or any, can put amiss: itself, buildings, posts."""
    found = [] if layer in LEVEL_OF else [layer]
    if layer in ("grids", "compounds") and len(read("buildings")):
        found.append("buildings")
    recoded = change is None or {*change.before["code"]} != {*change.after["code"]}
    if layer in validation.POST_TARGETS and recoded and len(read("posts")):
        found.append("posts")
    return found


def _grown(before: gpd.GeoDataFrame, after: gpd.GeoDataFrame, metric: str) -> gpd.GeoDataFrame:
    """Return the defects that are new or larger, by codes and by land.

    A gap that stood before keeps its land when an area beside it is split, merged or gets another code; it is none
    of the new ones, although other codes stand around it.
    """
    grown = validation.worse(before, after)
    if grown.empty:
        return grown
    family = _family(grown["kind"])
    stood = {
        name: shapely.union_all(before.geometry[_family(before["kind"]) == name].to_numpy())
        for name in family.unique()
    }
    shapes = grown.geometry.to_numpy()
    areal = shapely.get_dimensions(shapes) == _AREAL
    rest = shapely.difference(shapes, np.array([stood[name] for name in family], dtype=object))
    beyond = shapely.area(crs.to_metric(rest, metric)) > _ROUNDING_M2
    return grown[~areal | beyond]


def _family(kinds: pd.Series) -> pd.Series:
    """Kinds, with those as one that a defect may change between when only its neighbours do."""
    return kinds.replace({"gap-enclosed": "gap", "gap-at-parent": "gap", "duplicate-geometry": "overlap"})
