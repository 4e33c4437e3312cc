"""Land that no area has: enclosed, at a parent's border, and slits that open to the outside."""

from itertools import pairwise

import numpy as np
import pandas as pd
import shapely

from geo import crs
from geo.partition.measures import (
    BEND_M,
    METRES_PER_DEG,
    NEXT_TO_DEG,
    ROUNDING_M,
    Bools,
    Layer,
    Objects,
    defects,
    parts_of,
    unmatched,
)
from geo.partition.meeting import faulty

# What lies on a stored border as computed: a tenth of a millimetre.
_ON_BORDER_DEG = 1e-9


def without_parents(layer: Layer) -> list[pd.DataFrame]:
    """Find the gaps of a layer that has no parents: holes, and slits narrower than the tolerance."""
    holes = _holes(_union(layer.geoms))
    return [_enclosed(layer, holes), _slits(layer, holes)]


def _holes(union: shapely.Geometry) -> Objects:
    rings = [shapely.get_rings(polygon)[1:] for polygon in shapely.get_parts(union)]
    inner = np.concatenate(rings) if rings else np.empty(0, dtype=object)
    return np.asarray(shapely.polygons(inner), dtype=object)


def _enclosed(layer: Layer, holes: Objects) -> pd.DataFrame:
    """Gaps with areas all around: narrow ones and wide ones."""
    size, width = layer.size_and_width(holes)
    narrow = width < layer.tolerance_m
    said = {
        "gap": (narrow, "A narrow gap of {size} beside {codes}."),
        "gap-enclosed": (~narrow, "{size} enclosed by {codes} belongs to no area."),
    }
    frames = [
        defects(kind, text, codes=layer.touching(holes[rows]), geoms=holes[rows], size=size[rows], unit="m2")
        for kind, (rows, text) in said.items()
    ]
    return pd.concat([frame for frame in frames if len(frame)] or frames[:1])


def _slits(layer: Layer, holes: Objects) -> pd.DataFrame:
    """Narrow gaps that open to the outside, where the union shows no hole: the edges along them."""
    width = _width_deg(layer.geoms, layer.tolerance_m)
    geoms = layer.geoms[faulty(layer.geoms, gap_deg=width)]
    edges = np.empty(0, dtype=object)
    if len(geoms):
        exact = shapely.coverage_invalid_edges(geoms)
        near = shapely.coverage_invalid_edges(geoms, gap_width=width)
        merged = shapely.line_merge(shapely.union_all(shapely.difference(near, exact)))
        edges = shapely.get_parts(merged)
    along_hole = shapely.STRtree(holes).query(edges, predicate="dwithin", distance=NEXT_TO_DEG)[0]
    edges = np.delete(edges, np.unique(along_hole))
    return defects(
        "gap",
        "A narrow gap open to the outside runs for {size} along {codes}.",
        codes=layer.touching(edges),
        geoms=edges,
        size=shapely.length(crs.to_metric(edges, layer.metric)),
        unit="m",
    )


def _width_deg(geoms: Objects, width_m: float) -> float:
    """Degrees that are at least a width in metres in every direction."""
    if not len(geoms):
        return 0.0
    furthest = np.abs(shapely.bounds(geoms)[:, [1, 3]]).max()
    return width_m / METRES_PER_DEG / max(0.01, float(np.cos(np.radians(furthest))))


def in_parents(layer: Layer, places: Objects, names: Objects) -> pd.DataFrame:
    """Find what of parents belongs to no area; `places` are their shapes, `names` their codes."""
    gaps, parent = parts_of(_uncovered(layer, places))
    inside = shapely.contains_properly(places[parent], gaps)
    inside[~inside] = ~_along(gaps[~inside], shapely.boundary(places)[parent[~inside]])
    size, width = layer.size_and_width(gaps)
    border = ~inside & (width > BEND_M)
    near = layer.touching(gaps[border])
    parted = ~inside & ~border & (width > ROUNDING_M)
    beside = layer.touching(gaps[parted])
    hairs = unmatched(
        [[names[p], *around] for p, around in zip(parent[parted], beside, strict=True)],
        gaps[parted],
        size[parted] / width[parted],
    )
    at_border = defects(
        "gap-at-parent",
        "At the border of a parent {size} belongs to no area: {codes}.",
        codes=[[names[p], *around] for p, around in zip(parent[border], near, strict=True)],
        geoms=gaps[border],
        size=size[border],
        unit="m2",
    )
    holes = _enclosed(layer, gaps[inside])
    return pd.concat([frame for frame in (holes, at_border, hairs) if len(frame)] or [holes])


def _along(gaps: Objects, borders: Objects) -> Bools:
    """Whether a gap has a piece of its own border in common, more than a point."""
    ends, gap = shapely.get_coordinates(gaps, return_index=True)
    same = gap[1:] == gap[:-1]
    start, end, gap = ends[:-1][same], ends[1:][same], gap[1:][same]
    shapely.prepare(borders)
    on = np.ones(len(gap), dtype=bool)
    for place in (start, end, (start + end) / 2):
        on[on] = shapely.dwithin(borders[gap[on]], shapely.points(place[on]), _ON_BORDER_DEG)
    along = np.zeros(len(gaps), dtype=bool)
    along[gap[on]] = True
    return along


def _uncovered(layer: Layer, places: Objects) -> Objects:
    """Each parent less all areas that touch it."""
    parent, area = shapely.STRtree(layer.geoms).query(places, predicate="intersects")
    order = np.lexsort((area, parent))
    starts = np.searchsorted(parent[order], np.arange(len(places) + 1))
    groups = [area[order[start:end]] for start, end in pairwise(starts)]
    unions = np.array([_union(layer.geoms[rows]) for rows in groups], dtype=object)
    return np.asarray(shapely.difference(places, unions), dtype=object)


def _union(geoms: Objects) -> shapely.Geometry:
    # The fast union relies on matching edges.
    return shapely.coverage_union_all(geoms) if shapely.coverage_is_valid(geoms) else shapely.union_all(geoms)
