"""Putting vertices that were rounded on their way back onto those they stood for."""

import numpy as np
import shapely
from numpy.typing import ArrayLike

#: Half a unit of the sixth decimal, in both axes, and a little: what clients that write six decimals are off by.
ROUNDING_DEG = 1e-6


def fitted(geom: shapely.Geometry, others: ArrayLike, *, tolerance: float = ROUNDING_DEG) -> shapely.Geometry:
    """Return a geometry whose vertices lie on those of others wherever they lie beside.

    Each vertex goes to the nearest one, bit by bit. Half of an area that arrives rounded then fits the other half
    that did not; an area that comes back as it went out is the same area.

    Parameters
    ----------
    geom
        A valid geometry, EPSG:4326.
    others
        Geometries of the same CRS: neighbours, and what the geometry itself was before.
    tolerance
        How far off a vertex may lie, degrees.

    Returns
    -------
    Geometry
        The same one where nothing is near, or where moving its vertices would leave it invalid.
    """
    nodes = np.unique(shapely.get_coordinates(np.asarray(others, dtype=object)), axis=0)
    if not len(nodes):
        return geom
    given = shapely.get_coordinates(geom)
    vertex, node = shapely.STRtree(shapely.points(nodes)).query_nearest(
        shapely.points(given), max_distance=tolerance, all_matches=False
    )
    moved = given.copy()
    moved[vertex] = nodes[node]
    if np.array_equal(moved, given):
        return geom
    found = shapely.transform(geom, lambda _: moved)
    return found if found.is_valid else geom
