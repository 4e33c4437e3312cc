"""Small networks for tests, and the real ones."""

from functools import cache
from itertools import pairwise

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import shapely

from geo.crs import from_metric
from geo.streets import network

METRIC = "EPSG:4547"
#: Drawn coordinates are metres from here, inside the zone of METRIC.
ORIGIN = np.array([530_000.0, 3_380_000.0])


def streets(*lines, **columns):
    """A frame of noded streets from lines of (x, y) in metres from the origin."""
    geometry = [shapely.LineString(np.array(line, dtype=float) + ORIGIN) for line in lines]
    return gpd.GeoDataFrame(columns, geometry=from_metric(np.array(geometry, dtype=object), METRIC), crs=4326)


def barriers(*shapes):
    """A frame of barriers from points or lists of points, in metres from the origin."""
    drawn = [
        shapely.LineString(np.array(shape, dtype=float) + ORIGIN)
        if isinstance(shape, list)
        else shapely.Point(np.array(shape, dtype=float) + ORIGIN)
        for shape in shapes
    ]
    return gpd.GeoDataFrame(geometry=from_metric(np.array(drawn, dtype=object), METRIC), crs=4326)


def build(*lines, **columns):
    return network.build(streets(*lines, **columns), metric=METRIC)


def lattice(side, spacing):
    """Streets of a square lattice of ``side`` by ``side`` crossings, centred on the origin."""
    at = (np.arange(side) - side // 2) * spacing
    lines = [[(a, b), (c, b)] for b in at for a, c in pairwise(at)]
    return build(*lines, *[[(y, x) for x, y in line] for line in lines])


def snap(net, *places, limit_m=1000.0):
    """Snap places given in metres from the origin."""
    xy = np.array(places, dtype=float) + ORIGIN
    return net.snap(xy[:, 0], xy[:, 1], limit_m=limit_m)


def as_networkx(net):
    """The same network for networkx; parallel streets stay apart."""
    graph = nx.MultiGraph()
    graph.add_nodes_from(range(len(net.node_x)))
    graph.add_weighted_edges_from(
        zip(net.start.tolist(), net.end.tolist(), net.length_m.tolist(), strict=True)
    )
    return graph


@cache
def las_palmas(folder):
    frame, metric = las_palmas_streets(folder)
    return network.build(frame, metric=metric)


@cache
def wuhan(folder):
    frame, metric = wuhan_streets(folder)
    return network.build(frame, metric=metric)


def las_palmas_streets(folder):
    """Streets between their crossings, straight, and the metric CRS."""
    nodes = pd.read_csv(folder / "las_palmas/las_palmas_walk_nodes.csv.gz").set_index("osm_node_id")
    edges = pd.read_csv(folder / "las_palmas/las_palmas_walk_edges.csv.gz")
    return _frame(nodes, edges), "EPSG:32628"


def wuhan_streets(folder):
    """Streets between their crossings, straight, and the metric CRS."""
    nodes = pd.read_csv(folder / "wuhan/wuhan_street_nodes_wgs84.csv.gz").set_index("osm_node_id")
    edges = pd.read_csv(folder / "wuhan/wuhan_street_edges.csv.gz")
    return _frame(nodes, edges[~edges["highway"].str.contains("motorway")]), "EPSG:4547"


def _frame(nodes, edges):
    ends = [nodes.loc[edges[end], ["lon", "lat"]].to_numpy() for end in ("u", "v")]
    return gpd.GeoDataFrame(edges, geometry=shapely.linestrings(np.stack(ends, axis=1)), crs=4326)
