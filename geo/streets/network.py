"""Streets -> Network: who meets whom, how long each street is, and which part hangs together."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from geo.crs import to_metric
from geo.faults import DataError, Fault
from geo.streets import barriers as street_barriers
from geo.streets import chains, search
from geo.streets.barriers import Parted
from geo.streets.chains import Chains
from geo.streets.noding import HEIGHT_COLUMNS, NodingCounts, node_lines
from geo.streets.search import Scratch
from geo.streets.snapping import SegmentGrid, Snapped
from geo.streets.threads import Pool

__all__ = ["Network", "NodingCounts", "build", "node_lines"]

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]

#: A part of the network with less street than this, in metres, that is not the largest part either, is an
#: island: a mapping gap, most often a courtyard path. Nobody is taken to start or arrive on one.
ISLAND_M = 1000.0

#: Metres of level street that a metre of steps costs: stairs are walked at about half the speed, measured on the
#: plan (Fruin 1971, *Pedestrian Planning and Design*).
STEPS_FACTOR = 2.0

#: Steps, or streets of a kind, may be this many times slower than level street at most, and are never quicker: a
#: straight line must stay the shortest way.
SLOWEST_FACTOR = 20.0

_NO_KINDS: Mapping[str, float] = MappingProxyType({})


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """Walkable streets as arrays; walkers go both ways on every street.

    Nodes are the distinct end points of streets, edges the streets themselves; parallel streets and loops are
    kept. Both are numbered along a Hilbert curve, so that neighbours lie close in memory too. Coordinates and lengths are in metres of the CRS ``metric``.

    Parameters
    ----------
    metric
        The metric CRS, such as ``"EPSG:4547"``.
    ids
        (edges,) identifiers of the streets.
    node_x, node_y
        (nodes,) easting and northing.
    start, end
        (edges,) node numbers.
    length_m
        (edges,) length along the street in the plane of ``metric``.
    steps
        (edges,) whether the street is a flight of steps.
    factor
        (edges,) metres of level street that a metre of it costs.
    offsets, x, y, along_m
        Shape of edge ``e``: the points ``offsets[e]:offsets[e + 1]`` of ``x`` and ``y``, with the metres
        along the edge of each.
    first_arc, arc_edge
        Adjacency: the edges at node ``n`` are ``arc_edge[first_arc[n]:first_arc[n + 1]]``, a loop twice.
    component
        (nodes,) number of the connected part; 0 has the most street.
    island
        (edges,) whether the edge belongs to an island, see :data:`ISLAND_M`.
    grid, island_grid
        Indexes for :meth:`snap` and :meth:`by_island`: streets that are not on islands, and those that are.
    chains
        What searches read.
    scratch
        What they write.
    """

    metric: str
    ids: npt.NDArray[np.object_]
    node_x: Floats
    node_y: Floats
    start: Ints
    end: Ints
    length_m: Floats
    steps: npt.NDArray[np.bool_]
    factor: Floats
    offsets: Ints
    x: Floats
    y: Floats
    along_m: Floats
    first_arc: Ints
    arc_edge: Ints
    component: Ints
    island: npt.NDArray[np.bool_]
    grid: SegmentGrid
    island_grid: SegmentGrid
    chains: Chains
    scratch: Pool[Scratch]

    def snap(self, x: Floats, y: Floats, *, limit_m: float) -> Snapped:
        """Find the nearest street point of each place; see :meth:`geo.streets.snapping.SegmentGrid.snap`."""
        return self.grid.snap(x, y, limit_m=limit_m)

    def by_island(self, x: Floats, y: Floats, *, limit_m: float) -> npt.NDArray[np.bool_]:
        """Tell which places have a street of an island within the limit: near streets, but joined to none."""
        near: npt.NDArray[np.bool_] = self.island_grid.snap(x, y, limit_m=limit_m).edge >= 0
        return near


def build(
    streets: gpd.GeoDataFrame,
    *,
    metric: str,
    barriers: gpd.GeoDataFrame | None = None,
    steps_factor: float = STEPS_FACTOR,
    kind_factors: Mapping[str, float] = _NO_KINDS,
) -> Network:
    """Make the network of the walkable streets.

    Parameters
    ----------
    streets
        Layer frame of streets: LineStrings in EPSG:4326, index of ids; optional columns ``walkable`` and
        ``steps`` (bool), ``kind``, and those of :data:`geo.streets.noding.HEIGHT_COLUMNS`. Already noded: two streets
        join where they share a bitwise equal end point, and only there
        (:func:`geo.streets.noding.node_lines` makes it so).
    metric
        Metric CRS in which lengths are measured.
    barriers
        Layer frame of barriers, EPSG:4326: where streets are parted, see :mod:`geo.streets.barriers`.
    steps_factor
        Metres of level street that a metre of steps costs, from 1 to :data:`SLOWEST_FACTOR`.
    kind_factors
        By kind of street, metres of level street that a metre of it costs, in the same range; 1 for other kinds.

    Raises
    ------
    DataError
        ``layer-empty`` when no street is walkable.

    Notes
    -----
    Lengths are flat: heights are not known, so a street uphill is longer than told, and the scale of the
    metric CRS is taken as 1 (off by at most 1 in 2,500 inside its zone).
    """
    streets = walkable(streets)
    if streets.empty:
        raise DataError(
            Fault(kind="layer-empty", layer="streets", message="No walkable street: import streets first.")
        )
    streets = streets.iloc[np.argsort(streets.hilbert_distance(), kind="stable")]
    lines = to_metric(streets.geometry.to_numpy(), metric)
    node_of_end = _join_ends(streets.geometry.to_numpy())
    if barriers is not None and len(barriers):
        blocked = to_metric(barriers.geometry.to_numpy(), metric)
        parted = street_barriers.part(lines, grounded(streets), blocked)
        streets, lines, node_of_end = streets.iloc[parted.street], parted.lines, _parted(node_of_end, parted)
    factor = np.where(_flags(streets, "steps"), steps_factor, 1.0)
    if kind_factors and "kind" in streets.columns:
        factor = factor * streets["kind"].map(kind_factors).fillna(1.0).to_numpy(dtype=np.float64)
    return _network(streets, lines, node_of_end, factor=factor, metric=metric)


def walkable(streets: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Streets that people may walk on: all, where no column ``walkable`` says which."""
    if "walkable" not in streets.columns:
        return streets
    return streets[streets["walkable"].to_numpy(dtype=bool)]


def grounded(streets: gpd.GeoDataFrame) -> npt.NDArray[np.bool_]:
    """Tell which streets lie on the ground: no bridge, no tunnel, and level 0."""
    on_ground = np.ones(len(streets), dtype=bool)
    for column in streets.columns.intersection(list(HEIGHT_COLUMNS)):
        on_ground &= streets[column].fillna(0).to_numpy(dtype=np.float64) == 0
    return on_ground


def _flags(streets: gpd.GeoDataFrame, column: str) -> npt.NDArray[np.bool_]:
    if column not in streets.columns:
        return np.zeros(len(streets), dtype=bool)
    flags: npt.NDArray[np.bool_] = streets[column].to_numpy(dtype=bool)
    return flags


def _network(
    streets: gpd.GeoDataFrame,
    lines: npt.NDArray[np.object_],
    node_of_end: Ints,
    *,
    factor: Floats,
    metric: str,
) -> Network:
    """Lay streets out as arrays; ``node_of_end`` holds the nodes of all starts, then of all ends."""
    start, end = node_of_end[: len(lines)], node_of_end[len(lines) :]
    xy, edge = shapely.get_coordinates(lines, return_index=True)
    x, y = np.ascontiguousarray(xy.T)
    offsets = np.searchsorted(edge, np.arange(len(lines) + 1))
    along_m = _along(x, y, offsets, edge)
    length_m = along_m[offsets[1:] - 1]
    nodes = int(node_of_end.max()) + 1
    node_x, node_y = np.empty(nodes), np.empty(nodes)
    node_x[start], node_y[start] = x[offsets[:-1]], y[offsets[:-1]]
    node_x[end], node_y[end] = x[offsets[1:] - 1], y[offsets[1:] - 1]
    first_arc, arc_edge = _arcs(start, end, nodes)
    component, component_m = _components(start, end, length_m, nodes)
    island = (component_m[component[start]] < ISLAND_M) & (component[start] != 0)
    links = chains.build(start, end, length_m * factor, factor, first_arc, arc_edge)
    return Network(
        metric=metric,
        ids=streets.index.to_numpy(dtype=object),
        node_x=node_x,
        node_y=node_y,
        start=start,
        end=end,
        length_m=length_m,
        steps=_flags(streets, "steps"),
        factor=factor,
        offsets=offsets,
        x=x,
        y=y,
        along_m=along_m,
        first_arc=first_arc,
        arc_edge=arc_edge,
        component=component,
        island=island,
        grid=SegmentGrid.build(x, y, along_m, offsets, chosen=~island),
        island_grid=SegmentGrid.build(x, y, along_m, offsets, chosen=island),
        chains=links,
        scratch=Pool(lambda: search.scratch(len(links.first_arc) - 1, len(links.start))),
    )


def _parted(node_of_end: Ints, parted: Parted) -> Ints:
    """Number the nodes of pieces: an end at a barrier is a node of its own."""
    street, streets = parted.street, len(node_of_end) // 2
    ends = np.concatenate([node_of_end[:streets][street], node_of_end[streets:][street]])
    free = np.concatenate([parted.free_start, parted.free_end])
    ends[free] = int(node_of_end.max()) + 1 + np.arange(np.count_nonzero(free))
    return np.unique(ends, return_inverse=True)[1].astype(np.int64)


def _join_ends(geometry: npt.NDArray[np.object_]) -> Ints:
    """Number the distinct end points by first use: first all starts, then all ends.

    Equal means equal in every bit.
    """
    ends = np.concatenate([shapely.get_point(geometry, 0), shapely.get_point(geometry, -1)])
    places = shapely.get_x(ends) + 1j * shapely.get_y(ends)
    first_use = np.arange(2 * len(geometry)).reshape(2, -1).T.ravel()
    number, _ = pd.factorize(places[first_use])
    node_of_end = np.empty(len(places), dtype=np.int64)
    node_of_end[first_use] = number
    return node_of_end


def _along(x: Floats, y: Floats, offsets: Ints, edge: Ints) -> Floats:
    """Metres from the start of its edge to each point (exact to a nanometre in a city)."""
    steps_m = np.concatenate([[0.0], np.hypot(np.diff(x), np.diff(y))])
    steps_m[offsets[:-1]] = 0.0
    total = np.cumsum(steps_m)
    along: Floats = total - total[offsets[edge]]
    return along


def _arcs(start: Ints, end: Ints, nodes: int) -> tuple[Ints, Ints]:
    tail = np.concatenate([start, end])
    order = np.argsort(tail, kind="stable")
    first = np.searchsorted(tail[order], np.arange(nodes + 1)).astype(np.int64)
    return first, (order % len(start)).astype(np.int64)


def _components(start: Ints, end: Ints, length_m: Floats, nodes: int) -> tuple[Ints, Floats]:
    """Label connected parts, most street first; returns the nodes' labels and the metres of each part."""
    graph = coo_array((np.ones(len(start), dtype=bool), (start, end)), shape=(nodes, nodes))
    count, label = connected_components(graph, directed=False)
    metres: Floats = np.bincount(label[start], weights=length_m, minlength=count).astype(np.float64)
    order = np.argsort(-metres, kind="stable")
    rank = np.empty(count, dtype=np.int64)
    rank[order] = np.arange(count)
    return rank[label], metres[order]
