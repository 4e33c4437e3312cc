"""The drawing of a circle: streets that are reached -> areas on a map.

The ground is shared out once among street points about 50 m apart, each taking what lies nearest to it (Voronoi
cells). A reach is drawn as the union of the cells whose street point is reached; borders between two such
cells cancel, so only the outline is ever built. Parts that do not touch and holes stay what they are.

Figures never come from a drawing, except areas of land. Against exact street times at points within 50 m of
a street, drawings in Las Palmas and Wuhan have F1 scores of .99 and .98 for walks of 15 minutes, .98 and .97 for 10
minutes, .97 and .96 for 500 m.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from scipy.sparse import csr_array
from scipy.spatial import cKDTree

from geo.streets import reach
from geo.streets.arrivals import PlacesByChain
from geo.streets.network import Network
from geo.streets.snapping import Snapped

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Numbers: TypeAlias = npt.NDArray[np.integer]
Bools: TypeAlias = npt.NDArray[np.bool_]

#: Street points are at most this far apart, in metres along a street.
POINT_SPACING_M = 50.0

#: Mean way in metres from a street point to the places in its cell, taken off the budget when drawing: it
#: makes as much too little as too much.
IN_CELL_M = POINT_SPACING_M / 4

# Open ground is given to points of no street, so that cells end about this far from the streets: their
# distance from the nearest street point, and their spacing.
_GROUND_M = 100.0
_GROUND_SPACING_M = 50.0

# How far the middle of a cell may be from its point, in metres.
_APART_M = 0.01


@dataclass(frozen=True, slots=True, eq=False)
class StreetCells:
    """Street points and the borders between their cells.

    Parameters
    ----------
    points
        Street points, as places to ask :func:`geo.streets.reach.costs_to` for.
    polygons
        (points,) cells, in metres.
    ridge_points
        (ridges, 2) the two points whose cells a ridge parts; -1 is open ground.
    ridges
        (ridges, 2, 2) x, y in metres of its two ends.
    first_ridge, ridge_of
        The ridges of point ``p`` are ``ridge_of[first_ridge[p]:first_ridge[p + 1]]``.
    by_chain
        The street points as places to ask :func:`geo.streets.reach.within` for.
    """

    points: Snapped
    polygons: npt.NDArray[np.object_]
    ridge_points: Ints
    ridges: Floats
    first_ridge: Ints
    ridge_of: Ints
    by_chain: PlacesByChain

    def outline(self, reached: Bools | Numbers) -> shapely.Geometry:
        """Draw the cells of the reached street points, at the cost of those alone.

        Parameters
        ----------
        reached
            Street points: a flag each, (points,), or the numbers of some.

        Returns
        -------
        Polygon or MultiPolygon
            In metres, valid, in normal form; empty where nothing is reached.
        """
        inside = np.zeros(len(self.polygons), dtype=bool)
        inside[reached] = True
        own = np.flatnonzero(inside) if reached.dtype == np.bool_ else np.unique(reached)
        count = self.first_ridge[own + 1] - self.first_ridge[own]
        within = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
        ridge = self.ridge_of[np.repeat(self.first_ridge[own], count) + within]
        other = self.ridge_points[ridge].sum(axis=1) - np.repeat(own, count)
        border = ridge[(other < 0) | ~inside[other]]
        lines = shapely.linestrings(self.ridges[border])
        # Rings nest as reached, not reached, reached …, which is how build_area fills them.
        return shapely.normalize(shapely.build_area(shapely.multilinestrings(lines)))


def street_cells(network: Network) -> StreetCells:
    """Share out the ground among the street points of a network; islands get none."""
    points, places = _street_points(network)
    # Four points on one circle, as on a regular lattice, share a corner that rounding would make two of, and borders
    # cross. Off their places by less than anybody sees, no four points are on one.
    sites = np.concatenate([places, _ground(places)])
    sites = shapely.multipoints(sites + np.random.default_rng(0).uniform(-_APART_M, _APART_M, sites.shape))
    polygons = shapely.get_parts(shapely.voronoi_polygons(sites, ordered=True))[: len(places)]
    ridge_points, ridges = _ridges(polygons)
    sides = ridge_points.ravel()
    order = np.argsort(sides, kind="stable")
    order = order[np.searchsorted(sides[order], 0) :]
    first = np.searchsorted(sides[order], np.arange(len(polygons) + 1))
    return StreetCells(
        points, polygons, ridge_points, ridges, first, order // 2, reach.by_chain(network, points)
    )


def drawn_points(costs: Floats, budget_m: float | Floats) -> Bools:
    """Tell whose cells belong to the drawing: street points within the budget less the way on in their cell.

    Parameters
    ----------
    costs
        Metres to street points, from :func:`geo.streets.reach.costs_to` for :attr:`StreetCells.points`.
    """
    drawn: Bools = costs <= budget_m - IN_CELL_M
    return drawn


def land_in_cells(cells: StreetCells, areas: npt.NDArray[np.object_]) -> csr_array:
    """Square metres that each area has in each cell.

    Parameters
    ----------
    areas
        Polygons or MultiPolygons in metres of the network's CRS.

    Returns
    -------
    (areas, points) sparse array
        So that the land of an area inside any drawing is the sum over the drawn cells.
    """
    shapely.prepare(areas)
    cell, area = shapely.STRtree(areas).query(cells.polygons, predicate="intersects")
    size = shapely.area(cells.polygons)[cell]
    parted = ~shapely.contains_properly(areas[area], cells.polygons[cell])
    size[parted] = shapely.area(shapely.intersection(cells.polygons[cell[parted]], areas[area[parted]]))
    return csr_array((size, (area, cell)), shape=(len(areas), len(cells.polygons)))


def _ridges(polygons: npt.NDArray[np.object_]) -> tuple[Ints, Floats]:
    """Match the sides of neighbouring cells, which have the same two ends to the last bit."""
    xy, cell = shapely.get_coordinates(polygons, return_index=True)
    vertex = pd.factorize(xy[:, 0] + 1j * xy[:, 1])[0]
    side = np.flatnonzero(cell[1:] == cell[:-1])
    low, high = np.sort(np.column_stack([vertex[side], vertex[side + 1]]), axis=1).T
    key = low * np.int64(len(xy)) + high
    order = np.argsort(key, kind="stable")
    opens = np.concatenate([[True], key[order][1:] != key[order][:-1]])
    first = np.flatnonzero(opens)
    second = np.minimum(first + 1, len(order) - 1)
    shared = ~opens[second] & (second > first)
    one, other = cell[side[order[first]]], cell[side[order[second]]]
    ends = side[order[first]]
    return np.column_stack([one, np.where(shared, other, -1)]), np.stack([xy[ends], xy[ends + 1]], axis=1)


def _street_points(network: Network) -> tuple[Snapped, Floats]:
    """Every node once, and points spread evenly along each edge."""
    edges = np.flatnonzero(~network.island)
    between = np.maximum(np.ceil(network.length_m[edges] / POINT_SPACING_M).astype(np.int64) - 1, 0)
    edge = np.repeat(edges, between)
    number = np.arange(len(edge)) - np.repeat(np.cumsum(between) - between, between) + 1
    position_m = network.length_m[edge] * number / (np.repeat(between, between) + 1)
    x, y = _interpolate(network, edge, position_m)

    arc = network.first_arc[:-1]
    node = np.flatnonzero(~network.island[network.arc_edge[arc]])
    node_edge = network.arc_edge[arc[node]]
    at_end = np.where(network.start[node_edge] == node, 0.0, network.length_m[node_edge])
    edge, position_m = np.concatenate([node_edge, edge]), np.concatenate([at_end, position_m])
    places = np.column_stack(
        [np.concatenate([network.node_x[node], x]), np.concatenate([network.node_y[node], y])]
    )
    # Of streets one above the other, the first point of a place keeps the cell.
    _, first = np.unique(places.round(1), axis=0, return_index=True)
    first = np.sort(first)
    return Snapped(edge[first], position_m[first], np.zeros(len(first))), places[first]


def _interpolate(network: Network, edge: Ints, position_m: Floats) -> tuple[Floats, Floats]:
    """Places at metres along edges."""
    # Metres along the edges, laid end to end, make one ascending axis to look up in.
    begin = np.concatenate([[0.0], np.cumsum(network.length_m + 1.0)])
    along = network.along_m + np.repeat(begin[:-1], np.diff(network.offsets))
    at = begin[edge] + position_m
    return np.interp(at, along, network.x), np.interp(at, along, network.y)


def _ground(places: Floats) -> Floats:
    """Points of open ground around the streets, far enough for the cells to hold all land by the street."""
    low, high = places.min(axis=0) - 3 * _GROUND_M, places.max(axis=0) + 3 * _GROUND_M
    columns, rows = (np.arange(*span, _GROUND_SPACING_M) for span in zip(low, high, strict=True))
    x, y = np.meshgrid(columns, rows)
    # A lattice has four cells round every corner; shifting each other row leaves three, as elsewhere.
    x[::2] += _GROUND_SPACING_M / 2
    lattice = np.column_stack([x.ravel(), y.ravel()])
    away = cKDTree(places).query(lattice, distance_upper_bound=2 * _GROUND_M)[0]
    return lattice[np.isfinite(away) & (away > _GROUND_M)]
