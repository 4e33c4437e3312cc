"""Walks along streets and the whole city's coverage: ours against scipy and networkx, in one process.

Usage: python -m bench.coverage [--data ../shared/data] [--seed 1]

Every line first asserts that the engines give equal answers. Engines are run in turn, three times each; the
median counts. Times depend on the machine, ratios hardly.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import shapely
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import dijkstra

from geo import city, coverage, hierarchy, network, reach, synthetic
from geo.coverage import Query
from geo.crs import choose_metric
from geo.levels import LAYER_OF
from geo.network import Network
from geo.search import StreetPoints
from geo.snapping import Snapped
from layers.catalogue import facility_types

BUDGET_M = 1125.0
REPEATS = 3
WALKS = 200


def main() -> None:
    """Print every figure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[2] / "shared" / "data")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    print(f"compile the kernels, cold     {_compile(cold=True):8.2f} s")
    print(f"load them from the cache      {_compile(cold=False):8.2f} s")
    reach.compile_kernels()
    if options.data.is_dir():
        compare_walks("Las Palmas", las_palmas(options.data))
        compare_walks("Wuhan", wuhan(options.data))
    whole_city(options.seed)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory                   {peak:8.0f} MB")


def _compile(*, cold: bool) -> float:
    """Seconds that a new process takes to have the kernels ready."""
    with tempfile.TemporaryDirectory() as folder:
        cache = {"NUMBA_CACHE_DIR": folder} if cold else {}
        code = "import time; from geo import reach; t = time.time(); reach.compile_kernels(); print(time.time() - t)"
        done = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            check=True,
            text=True,
            env={**os.environ, **cache},
        )
    return float(done.stdout)


def compare_walks(name: str, net: Network) -> None:
    """Walks of 15 minutes from random crossings: nodes within the budget, and what each engine takes."""
    nodes = np.random.default_rng(1).choice(np.flatnonzero(net.component == 0), WALKS, replace=False)
    begin = _starts(net, nodes)
    matrix, graph = _matrix(net), _graph(net)
    budgets = np.full(WALKS, BUDGET_M)
    engines: dict[str, Callable[[], Any]] = {
        "ours, with exact pieces": lambda: reach.reached_pieces(net, begin, budgets),
        "scipy dijkstra(limit=)": lambda: [dijkstra(matrix, indices=node, limit=BUDGET_M) for node in nodes],
        "networkx cutoff": lambda: [
            nx.single_source_dijkstra_path_length(graph, node, cutoff=BUDGET_M)
            for node in nodes[: WALKS // 10].tolist()
        ],
    }
    taken, answers = _in_turn(engines)
    _assert_equal(net, answers)
    print(f"\n{name}: {len(net.start):,} edges, walks of {BUDGET_M:.0f} m, µs a walk (times ours)")
    walks = {"networkx cutoff": WALKS // 10}
    ours = taken["ours, with exact pieces"] / WALKS
    for engine, seconds in taken.items():
        each = seconds / walks.get(engine, WALKS)
        print(f"  {engine:28s}{each * 1e6:10.1f}   {each / ours:6.1f}")


def _assert_equal(net: Network, answers: dict[str, Any]) -> None:
    """The reached length of every walk, pieces against what node distances say; node sets of scipy and networkx."""
    pieces = answers["ours, with exact pieces"]
    ours = np.bincount(pieces.group, weights=pieces.to_m - pieces.from_m, minlength=WALKS)
    distances = answers["scipy dijkstra(limit=)"]
    for walk, distance in enumerate(distances):
        left = np.maximum(BUDGET_M - distance, 0.0)
        covered = np.minimum(left[net.start], net.length_m) + np.minimum(left[net.end], net.length_m)
        expected = np.minimum(covered, net.length_m).sum()
        assert abs(expected - ours[walk]) < 1e-3, (walk, expected, ours[walk])
    for distance, away in zip(distances, answers["networkx cutoff"], strict=False):
        assert np.isfinite(distance).sum() == len(away)
        assert np.allclose(distance[list(away)], list(away.values()), atol=1e-6)


def whole_city(seed: int) -> None:
    """Every compound, facility type and budget of the demo city, after the network is loaded."""
    town = synthetic.city(seed)
    lon, lat = town.districts.get_coordinates().to_numpy().T
    metric = choose_metric(lon, lat)
    net, loaded = _timed(lambda: network.build(town.streets, metric=metric))
    links = hierarchy.compound_shares(town.compounds, town.grids, metric=metric)
    links = links.rename(columns={"grid_code": "area_code"})
    areas = {level: getattr(town, layer) for level, layer in LAYER_OF.items()}
    types = facility_types()

    def table() -> tuple[city.City, pd.DataFrame]:
        model = city.build(net, town.facilities, town.compounds, areas=areas, links=links, types=types)
        return model, coverage.answer(model, Query(minutes=(5, 10, 15), level="compound")).table

    (model, cold_table), cold = _timed(table)
    again = [_timed(table) for _ in range(REPEATS)]
    assert all(cold_table.equals(result) for (_, result), _ in again)
    kept = _timed(lambda: coverage.answer(model, Query(minutes=(5, 10, 15), level="grid")))[1]
    cells = _timed(lambda: model.cells)[1]
    print(
        f"\nDemo city: {len(net.start):,} edges, {len(town.facilities):,} facilities of {len(types)} types, "
        f"{len(town.compounds)} compounds, 3 budgets"
    )
    print(f"  network from the frame      {loaded:8.2f} s")
    print(f"  whole table, first time     {cold:8.2f} s   (limit 2)")
    print(f"  whole table, again          {median(seconds for _, seconds in again):8.2f} s")
    print(f"  by grid, distances kept     {kept:8.2f} s")
    print(f"  cells to draw with, once    {cells:8.2f} s")


def _timed(run: Callable[[], Any]) -> tuple[Any, float]:
    begin = time.perf_counter()
    result = run()
    return result, time.perf_counter() - begin


def _in_turn(engines: dict[str, Callable[[], Any]]) -> tuple[dict[str, float], dict[str, Any]]:
    taken: dict[str, list[float]] = {name: [] for name in engines}
    answers = {}
    for _ in range(REPEATS):
        for name, run in engines.items():
            answers[name], seconds = _timed(run)
            taken[name].append(seconds)
    return {name: median(seconds) for name, seconds in taken.items()}, answers


def _starts(net: Network, nodes: np.ndarray) -> StreetPoints:
    edge = net.arc_edge[net.first_arc[nodes]]
    position = np.where(net.start[edge] == nodes, 0.0, net.length_m[edge])
    return reach.starts(Snapped(edge, position, np.zeros(WALKS)), np.arange(WALKS), groups=WALKS)


def _matrix(net: Network) -> csr_array:
    """Arcs for scipy, of parallel streets the shortest only: it would add them up."""
    tail = np.repeat(np.arange(len(net.node_x)), np.diff(net.first_arc))
    order = np.lexsort((net.arc_m, net.arc_node, tail))
    tail, head, metres = tail[order], net.arc_node[order], net.arc_m[order]
    first = np.concatenate([[True], (np.diff(tail) != 0) | (np.diff(head) != 0)])
    return coo_array((metres[first], (tail[first], head[first])), shape=(len(net.node_x),) * 2).tocsr()


def _graph(net: Network) -> nx.MultiGraph:
    graph = nx.MultiGraph()
    graph.add_nodes_from(range(len(net.node_x)))
    graph.add_weighted_edges_from(
        zip(net.start.tolist(), net.end.tolist(), net.length_m.tolist(), strict=True)
    )
    return graph


def las_palmas(data: Path) -> Network:
    """Las Palmas, every OSM node a crossing."""
    nodes = pd.read_csv(data / "las_palmas/las_palmas_walk_nodes.csv.gz").set_index("osm_node_id")
    edges = pd.read_csv(data / "las_palmas/las_palmas_walk_edges.csv.gz")
    return network.build(_frame(nodes, edges), metric="EPSG:32628")


def wuhan(data: Path) -> Network:
    """Wuhan without motorways."""
    nodes = pd.read_csv(data / "wuhan/wuhan_street_nodes_wgs84.csv.gz").set_index("osm_node_id")
    edges = pd.read_csv(data / "wuhan/wuhan_street_edges.csv.gz")
    return network.build(_frame(nodes, edges[~edges["highway"].str.contains("motorway")]), metric="EPSG:4547")


def _frame(nodes: pd.DataFrame, edges: pd.DataFrame) -> gpd.GeoDataFrame:
    ends = [nodes.loc[edges[end], ["lon", "lat"]].to_numpy() for end in ("u", "v")]
    return gpd.GeoDataFrame(edges, geometry=shapely.linestrings(np.stack(ends, axis=1)), crs="EPSG:4326")


if __name__ == "__main__":
    main()
