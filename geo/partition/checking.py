"""The check of a whole layer of areas."""

import geopandas as gpd
import numpy as np
import pandas as pd

from geo.partition import gaps, leaving, meeting, seals
from geo.partition.measures import TOLERANCE_M, Ints, Layer, Objects, joined, repaired


def check(
    areas: gpd.GeoDataFrame,
    parents: gpd.GeoDataFrame | None,
    *,
    metric: str,
    tolerance_m: float = TOLERANCE_M,
) -> gpd.GeoDataFrame:
    """Find every defect of a layer of areas as a partition.

    Parameters
    ----------
    areas
        Polygons in EPSG:4326 with ``code`` and, where `parents` are given, ``parent_code``. Areas of one
        scheme; other schemes overlap rightly and are checked apart.
    parents
        Areas of the nearest level above, with ``code``; None for the top level, where only enclosed gaps and
        slits narrower than `tolerance_m` can be told from the outside.
    metric
        Metric CRS for sizes.
    tolerance_m
        A gap, and a part of an area, whose mean width (twice its area by its perimeter) is below this is
        narrow: a ``gap`` rather than a ``gap-enclosed``, a ``sliver`` rather than a part.

    Returns
    -------
    GeoDataFrame
        ``kind``, ``codes`` (list of the areas concerned, sorted), ``size`` and ``unit`` (``m2``, ``m`` or
        ``count``), ``message``, ``geometry`` (EPSG:4326: the overlap, gap or part, or the node).
        Kinds: ``overlap``, ``gap``, ``gap-enclosed``, ``gap-at-parent``, ``border-unmatched``, ``sliver``,
        ``t-junction``, ``duplicate-geometry``, ``outside-parent``, ``geometry-invalid`` and other defects of one
        geometry. Ordered by kind, the largest first. Empty when the layer is a true partition.

    Notes
    -----
    Exact between areas of the layer: an overlap of a square millimetre is listed. Against parents, parts narrower
    than 2 cm are ``border-unmatched``, with the length along which the two borders part, since a straight projected
    edge bends by that once stored as degrees; below 0.01 mm nothing is said. Areas without parent are not compared
    with one. Invalid geometries are listed, parents' with the level above, and repaired for the rest.
    """
    usable, broken = repaired(areas)
    geoms, codes = usable.geometry.to_numpy(), usable["code"].to_numpy(dtype=object)
    layer = Layer(geoms, codes, metric, tolerance_m)
    found = [broken, meeting.slivers(layer)]
    if parents is None or parents.empty:
        found += meeting.find(layer, np.full(len(geoms), -1, dtype=np.intp), np.empty(0, dtype=object))
        found += gaps.without_parents(layer)
        return joined(found)
    above, _ = repaired(parents)
    places, names = above.geometry.to_numpy(), above["code"].to_numpy(dtype=object)
    parent = rows_of(usable["parent_code"].to_numpy(dtype=object), names)
    whole = seals.sealed(geoms, parent, places)
    held = parent >= 0
    exact = held & whole[parent]
    found += meeting.find(layer, np.where(exact, parent, -1), places)
    rows = np.flatnonzero(held & ~exact)
    found.append(leaving.outside(layer, rows, places[parent[rows]], names[parent[rows]]))
    found.append(gaps.in_parents(layer, places[~whole], names[~whole]))
    return joined(found)


def rows_of(codes: Objects, names: Objects) -> Ints:
    """Row of each code among names, the first where there are several; -1 where there is none."""
    known = pd.Series(np.arange(len(names)), index=names)
    known = known[~known.index.duplicated()]
    at = known.index.get_indexer(pd.Index(codes, dtype=object))
    return np.where(at >= 0, known.to_numpy()[at], -1).astype(np.intp) if len(known) else at.astype(np.intp)
