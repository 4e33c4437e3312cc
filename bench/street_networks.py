"""The street networks that walks are measured on: two real cities, and lattices as large as a whole city."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo.crs import from_metric
from geo.streets import network
from geo.streets.network import Network
from geo.streets.snapping import Snapped

METRIC = "EPSG:4547"
#: Lower left corner of a lattice, in the zone of METRIC.
ORIGIN = np.array([500_000.0, 3_360_000.0])
#: Metres between its crossings.
SPACING_M = 60.0
#: Share of a lattice's streets that are missing, and that are cut in two where nothing branches off.
MISSING, CUT = 0.18, 0.35


def lattice(edges: int, *, seed: int = 1) -> Network:
    """Build a network of about so many edges: a lattice whose crossings are shifted and streets curved."""
    return network.build(lattice_streets(edges, seed=seed), metric=METRIC)


def lattice_streets(edges: int, *, seed: int = 1) -> gpd.GeoDataFrame:
    """Draw the streets of :func:`lattice`.

    Some streets are missing, which leaves dead ends and detours; some come in two edges, as streets do
    whose name or class changes half way; all have a bend.
    """
    rng = np.random.default_rng(seed)
    side = int(np.sqrt(edges / (2 * (1 - MISSING) * (1 + CUT)))) + 1
    column, row = np.meshgrid(np.arange(side), np.arange(side))
    crossing = np.column_stack([column.ravel(), row.ravel()]) * SPACING_M + ORIGIN
    crossing += rng.uniform(-0.3, 0.3, crossing.shape) * SPACING_M
    number = np.arange(side * side).reshape(side, side)
    tail = np.concatenate([number[:, :-1].ravel(), number[:-1].ravel()])
    head = np.concatenate([number[:, 1:].ravel(), number[1:].ravel()])
    kept = rng.random(len(tail)) >= MISSING
    tail, head = tail[kept], head[kept]
    start, end = crossing[tail], crossing[head]
    middle = (start + end) / 2 + rng.uniform(-0.15, 0.15, start.shape) * SPACING_M
    cut = rng.random(len(tail)) < CUT
    whole = np.stack([start, middle, end], axis=1)[~cut]
    first, second = (np.stack(ends, axis=1)[cut] for ends in ((start, middle), (middle, end)))
    lines = np.concatenate([shapely.linestrings(part) for part in (whole, first, second)])
    return gpd.GeoDataFrame(geometry=from_metric(lines, METRIC), crs="EPSG:4326")


def simplified(net: Network) -> Network:
    """Build the network whose streets are the chains of another, each one street without steps."""
    chains = net.chains
    edge = chains.edge
    forward = chains.slope[edge] > 0
    lines = shapely.linestrings(
        np.column_stack([net.x, net.y]), indices=np.repeat(np.arange(len(net.start)), np.diff(net.offsets))
    )[edge]
    lines[~forward] = shapely.reverse(lines[~forward])
    # The points of a chain's edges in order; where two meet, the point comes twice, which adds no length.
    xy, part = shapely.get_coordinates(lines, return_index=True)
    chain = np.repeat(np.arange(len(chains.start)), np.diff(chains.first))
    joined = from_metric(shapely.linestrings(xy, indices=chain[part]), net.metric)
    return network.build(gpd.GeoDataFrame(geometry=joined, crs="EPSG:4326"), metric=net.metric)


def at_nodes(net: Network) -> Snapped:
    """Take every node for a place on one of its edges."""
    edge = net.arc_edge[net.first_arc[:-1]]
    at_end = net.start[edge] != np.arange(len(edge))
    return Snapped(edge, np.where(at_end, net.length_m[edge], 0.0), np.zeros(len(edge)))


def las_palmas(data: Path) -> Network:
    """Las Palmas, every OSM node a crossing."""
    nodes = pd.read_csv(data / "las_palmas/las_palmas_walk_nodes.csv.gz").set_index("osm_node_id")
    edges = pd.read_csv(data / "las_palmas/las_palmas_walk_edges.csv.gz")
    return network.build(_frame(nodes, edges), metric="EPSG:32628")


def wuhan(data: Path) -> Network:
    """Wuhan without motorways."""
    nodes = pd.read_csv(data / "wuhan/wuhan_street_nodes_wgs84.csv.gz").set_index("osm_node_id")
    edges = pd.read_csv(data / "wuhan/wuhan_street_edges.csv.gz")
    return network.build(_frame(nodes, edges[~edges["highway"].str.contains("motorway")]), metric=METRIC)


def _frame(nodes: pd.DataFrame, edges: pd.DataFrame) -> gpd.GeoDataFrame:
    ends = [nodes.loc[edges[end], ["lon", "lat"]].to_numpy() for end in ("u", "v")]
    return gpd.GeoDataFrame(geometry=shapely.linestrings(np.stack(ends, axis=1)), crs="EPSG:4326")
