"""Defects of single areas, and those where areas of a layer meet: duplicates, overlaps, slivers, nodes on one side."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely

from geo import nodes
from geo.datums import Box
from geo.nodes import MissingNodes
from geo.partition.measures import (
    METRES_PER_DEG,
    NEXT_TO_DEG,
    Bools,
    Ints,
    Layer,
    Objects,
    areal,
    defects,
)


@dataclass(frozen=True, slots=True)
class Meetings:
    """Where areas may not fit: pairs of rows that may overlap, and nodes that one side lacks."""

    one: Ints
    other: Ints
    missing: MissingNodes


def find(layer: Layer, stood_for: Ints, places: Objects, *, within: Box | None = None) -> list[pd.DataFrame]:
    """Find the duplicates, overlaps and T-junctions of a layer.

    Parameters
    ----------
    stood_for
        Row in `places` of a shape that stands for the area and others, which tile it exactly; -1 for none. Such an
        area is looked at only if its shape does not fit all others.
    within
        Box (west, south, east, north) of the T-junctions that are asked for; everywhere by default.
    """
    first, repeated = duplicates(layer.geoms)
    equal = defects(
        "duplicate-geometry",
        "{codes} have the same shape.",
        codes=layer.pairs(first, repeated),
        geoms=layer.geoms[repeated],
    )
    found = _meetings(layer.geoms, stood_for, places, within)
    return [equal, _overlaps(layer, found, repeated), t_junctions(layer, found.missing)]


def _meetings(geoms: Objects, stood_for: Ints, places: Objects, within: Box | None) -> Meetings:
    """Look at shapes in place of the areas that they stand for, unless one meets what it should not."""
    standing = np.zeros(len(places), dtype=bool)
    standing[stood_for[stood_for >= 0]] = True
    while True:
        loose = (
            np.flatnonzero((stood_for < 0) | ~standing[stood_for]) if len(places) else np.arange(len(geoms))
        )
        shapes = np.concatenate([geoms[loose], places[standing]])
        found = _look(shapes, within)
        concerned = np.zeros(len(shapes), dtype=bool)
        for rows in (found.one, found.other, found.missing.area, found.missing.owner):
            concerned[rows] = True
        unfit = concerned[len(loose) :]
        if standing.any() and len(found.missing.xy):
            unfit |= _beside(places[standing], shapely.points(found.missing.xy))
        if not unfit.any():
            missing = found.missing
            told = MissingNodes(
                loose[missing.area], loose[missing.owner], missing.edge, missing.fraction, missing.xy
            )
            return Meetings(loose[found.one], loose[found.other], told)
        standing[np.flatnonzero(standing)[unfit]] = False


def _look(shapes: Objects, within: Box | None) -> Meetings:
    one, other = _overlapping_pairs(shapes, faulty(shapes))
    return Meetings(one, other, nodes.find_missing(shapes, tolerance=NEXT_TO_DEG, within=within))


def _beside(places: Objects, points: Objects) -> Bools:
    beside = np.zeros(len(places), dtype=bool)
    beside[shapely.STRtree(places).query(points, predicate="dwithin", distance=NEXT_TO_DEG)[1]] = True
    return beside


def slivers(layer: Layer) -> pd.DataFrame:
    """Find parts of areas too thin to be meant: left over by a cut or a badly snapped border."""
    parts, row = shapely.get_parts(layer.geoms, return_index=True)
    # Wide ones are told in degrees, of which a metre is at most this many more eastward than northward.
    bounds = shapely.bounds(parts)
    shrunk = np.cos(np.radians(np.clip(np.abs(bounds[:, [1, 3]]).max(axis=1, initial=0), 0, 89)))
    least = 2 * METRES_PER_DEG * shrunk * shapely.area(parts) / np.maximum(shapely.length(parts), 1e-300)
    doubtful = np.flatnonzero(least < 2 * layer.tolerance_m)
    parts, row = parts[doubtful], row[doubtful]
    size, width = layer.size_and_width(parts)
    thin = width < layer.tolerance_m
    return defects(
        "sliver",
        "{codes} has a sliver of {size}.",
        codes=[[code] for code in layer.codes[row[thin]]],
        geoms=parts[thin],
        size=size[thin],
        unit="m2",
    )


def faulty(geoms: Objects, *, gap_deg: float = 0.0) -> Bools:
    """Areas whose edges do not match their neighbours', or run beside them nearer than a width."""
    if not len(geoms):
        return np.zeros(0, dtype=bool)
    edges = shapely.coverage_invalid_edges(geoms, gap_width=gap_deg)
    return np.asarray(~shapely.is_empty(edges), dtype=bool)


def duplicates(geoms: Objects) -> tuple[Ints, Ints]:
    """Rows that repeat the very shape of an earlier row, and that row."""
    boxes = pd.DataFrame(shapely.bounds(geoms))
    alike = np.flatnonzero(boxes.duplicated(keep=False).to_numpy())
    shapes = pd.Series(shapely.to_wkb(shapely.normalize(geoms[alike])), dtype=object)
    number = shapes.groupby(shapes, sort=False).ngroup().to_numpy(dtype=np.intp)
    first = np.unique(number, return_index=True)[1][number].astype(np.intp)
    repeated = np.flatnonzero(first != np.arange(len(alike)))
    return alike[first[repeated]], alike[repeated]


def _overlapping_pairs(geoms: Objects, faulty: Bools) -> tuple[Ints, Ints]:
    """Pairs whose interiors may have a common part; of an area inside another only the inner one is faulty."""
    rows = np.flatnonzero(faulty)
    first, second = shapely.STRtree(geoms).query(geoms[rows], predicate="intersects")
    first = rows[first]
    once = (first < second) | (~faulty[second] & (first != second))
    first, second = first[once], second[once]
    parted = shapely.touches(geoms[first], geoms[second])
    return first[~parted], second[~parted]


def _overlaps(layer: Layer, found: Meetings, repeated: Ints) -> pd.DataFrame:
    told = np.isin(found.one, repeated) | np.isin(found.other, repeated)
    # The lower row first: what is common to two is computed in one order.
    one, other = (
        each(found.one[~told], found.other[~told]).astype(np.intp) for each in (np.minimum, np.maximum)
    )
    common = areal(shapely.intersection(layer.geoms[one], layer.geoms[other]))
    size, _ = layer.size_and_width(common)
    real = size > 0
    return defects(
        "overlap",
        "{codes} overlap by {size}.",
        codes=layer.pairs(one[real], other[real]),
        geoms=common[real],
        size=size[real],
        unit="m2",
    )


def t_junctions(layer: Layer, missing: MissingNodes) -> pd.DataFrame:
    """List nodes on a common border that one side lacks."""
    return defects(
        "t-junction",
        "A node on the common border of {codes} is missing on one side.",
        codes=layer.pairs(missing.area, missing.owner),
        geoms=np.asarray(shapely.points(missing.xy), dtype=object),
    )
