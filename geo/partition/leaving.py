"""Parts of areas beyond their parent's border."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely

from geo.partition.measures import (
    BEND_M,
    ROUNDING_M,
    Bools,
    Floats,
    Ints,
    Layer,
    Objects,
    areal,
    defects,
    unmatched,
)


def outside(layer: Layer, rows: Ints, theirs: Objects, names: Objects) -> pd.DataFrame:
    """Find what of areas lies outside their parents.

    Parameters
    ----------
    rows
        Areas to look at.
    theirs, names
        Shape and code of the parent of each.
    """
    shapely.prepare(theirs)
    parted = ~shapely.covers(theirs, layer.geoms[rows])
    rows, theirs, names = rows[parted], theirs[parted], names[parted]
    beyond = areal(shapely.difference(layer.geoms[rows], theirs))
    parts, row = shapely.get_parts(beyond, return_index=True)
    size, width = layer.size_and_width(parts)
    named = [[a, b] for a, b in zip(layer.codes[rows], names, strict=True)]
    real = width > BEND_M
    gone = _by_area(row, parts, size, real)
    length = np.divide(size, width, out=np.zeros(len(parts)), where=width > 0)
    hairs = _by_area(row, parts, length, ~real & (width > ROUNDING_M))
    leaving = defects(
        "outside-parent",
        "{codes}: the area leaves its parent by {size}.",
        codes=[named[at] for at in gone.rows],
        geoms=gone.geoms,
        size=gone.size,
        unit="m2",
    )
    beside = unmatched([named[at] for at in hairs.rows], hairs.geoms, hairs.size)
    return pd.concat([frame for frame in (leaving, beside) if len(frame)] or [leaving])


@dataclass(frozen=True, slots=True)
class _Parts:
    """Parts put together by the row of what they are parts of."""

    rows: Ints
    geoms: Objects
    size: Floats


def _by_area(row: Ints, parts: Objects, size: Floats, chosen: Bools) -> _Parts:
    rows, number = np.unique(row[chosen], return_inverse=True)
    geoms = shapely.multipolygons(parts[chosen], indices=number) if len(rows) else np.empty(0, dtype=object)
    return _Parts(
        rows, np.asarray(geoms, dtype=object), np.bincount(number, size[chosen], len(rows)).astype(np.float64)
    )
