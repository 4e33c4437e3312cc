"""By which revision each stretch of an area's border was drawn, and has been kept since.

A stretch is drawn when it first is part of the border of *any* area of the layer: who splits an area draws the line
between the halves, and not again what was its border before. A line that was moved away and comes back is drawn anew.
"""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo import crs

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
Objects = NDArray[np.object_]

#: Lines nearer than this are one line that got or lost a node: 1e-8 degrees are about a millimetre.
SAME_DEG = 1e-8


@dataclass(frozen=True, slots=True)
class _Edges:
    """Straight pieces of a border, (n, 2) each; longitude first."""

    start: Floats
    end: Floats

    @property
    def lines(self) -> Objects:
        return np.asarray(shapely.linestrings(np.stack([self.start, self.end], axis=1)), dtype=object)


def stretches(
    border: shapely.Geometry, code: str, versions: gpd.GeoDataFrame, *, revision: int, metric: str
) -> gpd.GeoDataFrame:
    """Cut the border of an area into stretches by the revision that drew them.

    Parameters
    ----------
    border
        The area (polygon or multipolygon) as it stands at `revision`, EPSG:4326, longitude first.
    code
        Its code.
    versions
        Every version, up to `revision`, of every area of the layer (and scheme) that comes near the border, this
        one's too: ``code``, ``rev_from``, ``rev_to`` (missing: holds still), ``geometry``.

    Returns
    -------
    GeoDataFrame
        ``revision`` that drew the stretch; ``neighbour``: code of the area across at `revision`, None for none;
        ``length_m``; ``geometry``, LineString, EPSG:4326. The newest first, then the longest.
    """
    edges = _split(_edges(border), shapely.get_coordinates(versions.geometry.to_numpy()))
    edge, version = _along(edges, versions.geometry.to_numpy())
    begun = versions["rev_from"].to_numpy(dtype=float)[version]
    ended = versions["rev_to"].astype(float).fillna(np.inf).to_numpy()[version]
    drawn = _since(len(edges.start), edge, begun, ended, revision)
    holds = (begun <= revision) & (ended > revision)
    across = _across(
        len(edges.start), edge[holds], versions["code"].to_numpy(dtype=object)[version[holds]], code
    )
    return _rows(edges, drawn, across, metric)


def _edges(border: shapely.Geometry) -> _Edges:
    xy, ring = shapely.get_coordinates(shapely.get_rings(shapely.get_parts(border)), return_index=True)
    follows = np.flatnonzero(ring[:-1] == ring[1:])
    return _Edges(xy[follows], xy[follows + 1])


def _split(edges: _Edges, nodes: Floats) -> _Edges:
    """Cut edges wherever a version has a node on them."""
    nodes = np.unique(nodes, axis=0)
    node, edge = shapely.STRtree(edges.lines).query(
        shapely.points(nodes), predicate="dwithin", distance=SAME_DEG
    )
    along = edges.end[edge] - edges.start[edge]
    length = np.hypot(*along.T)
    fraction = ((nodes[node] - edges.start[edge]) * along).sum(axis=1) / length**2
    inner = (fraction * length > SAME_DEG) & ((1 - fraction) * length > SAME_DEG)
    node, edge, fraction = node[inner], edge[inner], fraction[inner]
    order = np.lexsort((fraction, edge))
    # Each node ends the piece before it and starts the one after.
    at, cut = edge[order], nodes[node[order]]
    return _Edges(np.insert(edges.start, at + 1, cut, axis=0), np.insert(edges.end, at, cut, axis=0))


def _along(edges: _Edges, areas: Objects) -> tuple[Ints, Ints]:
    """Which edges lie on the borders of which areas."""
    borders = shapely.boundary(areas)
    shapely.prepare(borders)
    middle = shapely.points((edges.start + edges.end) / 2)
    edge, area = shapely.STRtree(borders).query(middle, predicate="dwithin", distance=SAME_DEG)
    kept = np.ones(len(edge), dtype=bool)
    for ends in (edges.start, edges.end):
        kept &= shapely.dwithin(borders[area], shapely.points(ends)[edge], SAME_DEG)
    return edge[kept], area[kept]


def _since(count: int, edge: Ints, begun: Floats, ended: Floats, revision: int) -> Floats:
    """Revision since which each edge has been on some border without a break."""
    since = np.full(count, float(revision))
    for end in np.unique(ended)[::-1]:
        joined = (ended == end) & (since[edge] <= end)
        np.minimum.at(since, edge[joined], begun[joined])
    return since


def _across(count: int, edge: Ints, codes: Objects, code: str) -> Objects:
    """Code of the area on the other side of each edge, the lowest of several."""
    across = np.full(count, None, dtype=object)
    other = codes != code
    order = np.argsort(codes[other], kind="stable")[::-1]
    across[edge[other][order]] = codes[other][order]
    return across


def _rows(edges: _Edges, drawn: Floats, across: Objects, metric: str) -> gpd.GeoDataFrame:
    pieces = pd.DataFrame({"revision": drawn.astype(int), "neighbour": across, "line": edges.lines})
    rows = [
        {"revision": revision, "neighbour": neighbour, "geometry": line}
        for (revision, neighbour), group in pieces.groupby(["revision", "neighbour"], dropna=False)
        for line in shapely.get_parts(shapely.line_merge(shapely.multilinestrings(group["line"].to_numpy())))
    ]
    found = gpd.GeoDataFrame(rows, geometry="geometry", crs="EPSG:4326")
    found["neighbour"] = found["neighbour"].astype(object).where(found["neighbour"].notna(), None)
    found["length_m"] = shapely.length(crs.to_metric(found.geometry.to_numpy(), metric))
    ranked = found.sort_values(["revision", "length_m"], ascending=False, kind="stable")
    return ranked[["revision", "neighbour", "length_m", "geometry"]].reset_index(drop=True)
