"""Areas around changes, read by boxes instead of whole layers: all that a check of their neighbourhood looks at."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, false, func, or_

from geo.changes import Changes
from geo.levels import LAYER_OF, LEVEL_OF, LEVELS
from layers.reading import Read
from layers.validation import Reader

#: From so many boxes on, whole layers are read as fast.
_MOST_BOXES = 200

Boxes = NDArray[np.float64]


def reader(read: Read, found: Mapping[str, Changes]) -> Reader:
    """Return what reads of a layer of areas those that :func:`geo.partition.check_near` wants to see.

    Parameters
    ----------
    read
        Reads the layers before the changes.
    found
        The changes, by layer.
    """
    boxes = _around(found)
    if len(boxes) > _MOST_BOXES:
        return read
    return partial(_near, read, boxes)


def meets(columns: Any, boxes: Boxes) -> ColumnElement[bool]:  # noqa: ANN401 - columns of a source
    """Return the condition that a feature's box meets one of some: west, south, east, north, (n, 4), EPSG:4326."""
    each = (columns.geom.op("&&")(func.ST_MakeEnvelope(*box, 4326)) for box in boxes.tolist())
    return or_(false(), *each)


def merged(boxes: Boxes) -> Boxes:
    """Return fewer boxes that hold the same: those that meet become one."""
    boxes = boxes[np.isfinite(boxes).all(axis=1)]
    if not len(boxes):
        return boxes
    together = shapely.get_parts(shapely.union_all(shapely.box(*boxes.T)))
    return np.asarray(shapely.bounds(together), dtype=np.float64)


def _around(found: Mapping[str, Changes]) -> Boxes:
    """Return boxes around all areas that changed, as they were and as they are."""
    sides = (
        side for layer, change in found.items() if layer in LEVEL_OF for side in (change.before, change.after)
    )
    bounds = [shapely.bounds(side.geometry.to_numpy()) for side in sides]
    return merged(np.concatenate([np.empty((0, 4)), *bounds]))


def _near(read: Read, boxes: Boxes, layer: str) -> gpd.GeoDataFrame:
    """Read the areas that meet boxes, all below the areas above that do, and all whose boxes meet these."""
    levels = reversed(LEVELS[: LEVELS.index(LEVEL_OF[layer])])
    above = next((areas for level in levels if len(areas := _meeting(read, LAYER_OF[level], boxes))), None)
    if above is None:
        return read(layer)
    wide = merged(np.concatenate([boxes, shapely.bounds(above.geometry.to_numpy())]))
    codes = list(above["code"])
    return read(layer, where=lambda c: or_(meets(c, wide), c.parent_code.in_(codes)))


def _meeting(read: Read, layer: str, boxes: Boxes) -> gpd.GeoDataFrame:
    """Read the areas that meet boxes; all of the layer where none does, for the layer is there."""
    found: gpd.GeoDataFrame = read(layer, columns=["code", "geometry"], where=lambda c: meets(c, boxes))
    return found if len(found) else read(layer, columns=["code", "geometry"])
