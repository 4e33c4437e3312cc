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
from layers import validation
from layers.validation import Reader

_AREAL = 2
# What the same gap may differ by, computed twice.
_ROUNDING_M2 = 0.01


class Judged(NamedTuple):
    """What stands after changes: faults that refuse them, and the defects by layer that :func:`keep` stores."""

    worse: list[Fault]
    found: dict[str, gpd.GeoDataFrame]


def judge(
    before: Reader,
    after: Reader,
    changes: Mapping[str, Changes],
    *,
    metric: str,
    widths: Sequence[int] = CODE_WIDTHS,
) -> Judged:
    """Check what changes do to their layers, to the level below, and to buildings that grids part.

    Parameters
    ----------
    before, after
        Read the layers as they are, and as they will be.
    changes
        By layer, what turns the one state into the other.
    """
    names = dict.fromkeys(name for layer in changes for name in affected(layer, after))
    found = {name: validation.check(name, after, metric=metric, widths=widths) for name in names}
    return Judged(refusals(found, before, metric=metric, widths=widths), found)


def keep(session: Session, found: Mapping[str, gpd.GeoDataFrame], revision: int) -> None:
    """Store what stands at the revision that published the changes that were judged."""
    for layer, defects in found.items():
        validation.store(session, layer, defects, revision)


def affected(layer: str, read: Reader) -> list[str]:
    """Layers whose defects a change of this one can alter: itself, the level below, buildings that grids part."""
    found = [layer]
    if layer in LEVEL_OF and (child := validation.child_layer(layer, read)):
        found.append(child)
    if layer in ("grids", "compounds") and len(read("buildings")):
        found.append("buildings")
    return found


def refusals(
    found: Mapping[str, gpd.GeoDataFrame],
    before: Reader,
    *,
    metric: str,
    widths: Sequence[int] = CODE_WIDTHS,
) -> list[Fault]:
    """Say why states of layers may not be published: each defect of areas that is new or larger than before.

    Parameters
    ----------
    found
        Defects by layer, as :func:`layers.validation.check` finds them in the new states.
    before
        Reads the layers as they are.
    """
    return [
        fault
        for name, defects in found.items()
        if name in LEVEL_OF and len(defects)
        for fault in validation.as_faults(
            name, _worse(validation.check(name, before, metric=metric, widths=widths), defects, metric)
        )
    ]


def _worse(before: gpd.GeoDataFrame, after: gpd.GeoDataFrame, metric: str) -> gpd.GeoDataFrame:
    """Return the defects that are new or larger, by codes and by land.

    A gap that stood before keeps its land when an area beside it is split, merged or gets another code; it is none
    of the new ones, although other codes stand around it.
    """
    worse = validation.worse(before, after)
    if worse.empty:
        return worse
    family = _family(worse["kind"])
    stood = {
        name: shapely.union_all(before.geometry[_family(before["kind"]) == name].to_numpy())
        for name in family.unique()
    }
    shapes = worse.geometry.to_numpy()
    areal = shapely.get_dimensions(shapes) == _AREAL
    rest = shapely.difference(shapes, np.array([stood[name] for name in family], dtype=object))
    beyond = shapely.area(crs.to_metric(rest, metric)) > _ROUNDING_M2
    return worse[~areal | beyond]


def _family(kinds: pd.Series) -> pd.Series:
    """Kinds, with those as one that a defect may change between when only its neighbours do."""
    return kinds.replace({"gap-enclosed": "gap", "gap-at-parent": "gap", "duplicate-geometry": "overlap"})
