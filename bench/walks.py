"""Bounded walks along streets: ours beside the peers, in one process.

We walk from all facilities in one call, the peers from some of them. Before a line is printed, the nodes that each
engine reached and their metres are compared with scipy's, and the lengths of the pieces that we cut. Time passed is what
a user waits for; time worked is the processors' (we use two, the peers one), which other programs change less.
"""

import importlib
import importlib.util
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import networkx as nx
import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree

from bench import street_networks
from bench.street_networks import at_nodes
from bench.timing import worked_in_turn
from geo.streets import reach
from geo.streets.network import Network

#: For each walk, the nodes within the budget and their metres.
Reached = list[tuple[npt.NDArray[Any], npt.NDArray[np.float64]]]

#: pandana prepares for minutes beyond this many edges, and counts in whole millimetres.
PANDANA_EDGES = 100_000


class Walks(NamedTuple):
    """One network and where walks start, with what engines need made before any clock runs."""

    net: Network
    nodes: npt.NDArray[np.int64]
    budget_m: float
    links: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.float64]]
    matrix: csr_array
    tree: cKDTree


def compare_all(data: Path, count: tuple[int, int], budget_m: float) -> None:
    """Compare on each network, as it is drawn and with its chains of streets joined, for the peers too."""
    for name, net in networks(data):
        compare(f"{name}, as drawn", net, count, budget_m)
        compare(f"{name}, chains joined", street_networks.simplified(net), count, budget_m)


def networks(data: Path) -> Iterable[tuple[str, Network]]:
    """Build the networks one by one, so that one at a time is in memory."""
    if data.is_dir():
        yield "Las Palmas", street_networks.las_palmas(data)
        yield "Wuhan", street_networks.wuhan(data)
    yield "lattice", street_networks.lattice(480_000)
    yield "lattice", street_networks.lattice(1_000_000)


def compare(name: str, net: Network, count: tuple[int, int], budget_m: float) -> None:
    """Walk from random nodes, the peers from the first of them; compare, and print."""
    facilities, few = count
    nodes = np.random.default_rng(1).choice(np.flatnonzero(net.component == 0), facilities)
    of_net = links(net)
    matrix = coo_array((of_net[2], of_net[:2]), shape=(len(net.node_x),) * 2).tocsr()
    # What scipy computes with, so that it need not convert it in every call.
    matrix.indices, matrix.indptr = matrix.indices.astype(np.int32), matrix.indptr.astype(np.int32)
    tree = cKDTree(np.column_stack([net.node_x, net.node_y]))
    walks = Walks(net, nodes[:few], budget_m, of_net, matrix, tree)
    begin = reach.starts(at_nodes(net).take(nodes), np.arange(facilities), groups=facilities)
    places = reach.by_chain(net, at_nodes(net))
    budgets = np.full(facilities, budget_m)
    ours: dict[str, Callable[[], Any]] = {
        "ours": lambda: reach.within(net, begin, places, limit_m=budget_m),
        "ours, pieces of streets": lambda: reach.reached_pieces(net, begin, budgets),
    }
    answers, seconds, worked = worked_in_turn({**ours, **peers(walks)})
    truth = answers["scipy dijkstra(limit=)"]
    assert_cut(walks, truth, answers.pop("ours, pieces of streets"))
    answers["ours"] = _first(answers["ours"], few)
    for engine, answer in answers.items():
        assert_equal(engine, truth, answer)
    reached = np.mean([len(found) for found, _ in truth])
    print(f"\n{name}: {len(net.start):,} edges, {reached:,.0f} nodes within {budget_m:.0f} m")
    print(f"  {'µs a walk, and times ours':30s}{'passed':>10s}{'':10s}{'worked':>10s}")
    walked = {engine: facilities if engine in ours else few for engine in seconds}
    first = {"passed": seconds["ours"] / facilities, "worked": worked["ours"] / facilities}
    for engine, walks_of in walked.items():
        passed, work = seconds[engine] / walks_of, worked[engine] / walks_of
        ratios = passed / first["passed"], work / first["worked"]
        print(f"  {engine:30s}{passed * 1e6:10.1f}{ratios[0]:10.1f}{work * 1e6:10.1f}{ratios[1]:10.1f}")


def peers(walks: Walks) -> dict[str, Callable[[], Reached]]:
    """Make the other engines that are installed."""
    found = {
        "scipy dijkstra(limit=)": scipy_whole(walks),
        "scipy, all in one call": scipy_at_once(walks),
        "scipy, cropped to the disc": scipy_cropped(walks),
        "networkx cutoff": networkx_cutoff(walks),
    }
    for module, name, make in (
        ("rustworkx", "rustworkx visitor", rustworkx_visitor),
        ("igraph", "igraph, cropped to the disc", igraph_cropped),
        ("pandana", "pandana nodes_in_range", pandana_range),
    ):
        if importlib.util.find_spec(module) is None:
            print(f"{module} is not installed (bench/requirements.txt): left out")
        elif module == "pandana" and len(walks.net.start) > PANDANA_EDGES:
            print(f"pandana prepares for minutes beyond {PANDANA_EDGES:,} edges: left out")
        else:
            found[name] = make(walks, importlib.import_module(module))
    return found


def scipy_whole(walks: Walks) -> Callable[[], Reached]:
    """Search the whole matrix from one node after the other."""

    def one(node: int) -> tuple[npt.NDArray[Any], npt.NDArray[np.float64]]:
        metres = dijkstra(walks.matrix, indices=node, limit=walks.budget_m)
        reached = np.flatnonzero(np.isfinite(metres))
        return reached, metres[reached]

    return lambda: [one(node) for node in walks.nodes]


def scipy_at_once(walks: Walks) -> Callable[[], Reached]:
    """Search from all nodes in one call, which answers with a matrix of facilities by nodes."""

    def run() -> Reached:
        table = dijkstra(walks.matrix, indices=walks.nodes, limit=walks.budget_m)
        return [(np.flatnonzero(np.isfinite(row)), row[np.isfinite(row)]) for row in table]

    return run


def scipy_cropped(walks: Walks) -> Callable[[], Reached]:
    """Search only the nodes within the budget as the crow flies: no street is shorter."""

    def one(node: int) -> tuple[npt.NDArray[Any], npt.NDArray[np.float64]]:
        near = _disc(walks, node)
        part = walks.matrix[near][:, near]
        metres = dijkstra(part, indices=int(np.searchsorted(near, node)), limit=walks.budget_m)
        reached = np.flatnonzero(np.isfinite(metres))
        return near[reached], metres[reached]

    return lambda: [one(node) for node in walks.nodes]


def networkx_cutoff(walks: Walks) -> Callable[[], Reached]:
    """Search dictionaries with Python's heap."""
    graph = nx.Graph()
    graph.add_weighted_edges_from(zip(*(part.tolist() for part in walks.links), strict=True))

    def one(node: int) -> tuple[npt.NDArray[Any], npt.NDArray[np.float64]]:
        away = nx.single_source_dijkstra_path_length(graph, node, cutoff=walks.budget_m)
        return np.array(list(away)), np.array(list(away.values()))

    return lambda: [one(node) for node in walks.nodes.tolist()]


def rustworkx_visitor(walks: Walks, rustworkx: Any) -> Callable[[], Reached]:  # noqa: ANN401 - a module without types
    """Search until the first node beyond the budget, which ends it."""
    graph = rustworkx.PyGraph(multigraph=False)
    graph.add_nodes_from(range(len(walks.net.node_x)))
    one_way = walks.links[0] < walks.links[1]
    graph.add_edges_from(list(zip(*(part[one_way].tolist() for part in walks.links), strict=True)))

    class Visitor(rustworkx.visit.DijkstraVisitor):  # type: ignore[misc, name-defined]  # a module without types
        def __init__(self) -> None:
            self.found: dict[int, float] = {}

        def discover_vertex(self, vertex: int, score: float) -> None:
            if score > walks.budget_m:
                raise rustworkx.visit.StopSearch
            self.found[vertex] = score

    def one(node: int) -> tuple[npt.NDArray[Any], npt.NDArray[np.float64]]:
        visitor = Visitor()
        rustworkx.dijkstra_search(graph, [node], float, visitor)
        return np.array(list(visitor.found)), np.array(list(visitor.found.values()))

    return lambda: [one(node) for node in walks.nodes.tolist()]


def igraph_cropped(walks: Walks, igraph: Any) -> Callable[[], Reached]:  # noqa: ANN401 - a module without types
    """Search the nodes within the budget as the crow flies; igraph itself knows no limit."""
    one_way = walks.links[0] < walks.links[1]
    graph = igraph.Graph(n=len(walks.net.node_x), edges=np.column_stack(walks.links[:2])[one_way])
    graph.es["metres"] = walks.links[2][one_way]

    def one(node: int) -> tuple[npt.NDArray[Any], npt.NDArray[np.float64]]:
        near = _disc(walks, node)
        part = graph.induced_subgraph(near)
        metres = np.array(part.distances(int(np.searchsorted(near, node)), weights="metres")[0])
        reached = np.flatnonzero(metres <= walks.budget_m)
        return near[reached], metres[reached]

    return lambda: [one(node) for node in walks.nodes]


def pandana_range(walks: Walks, pandana: Any) -> Callable[[], Reached]:  # noqa: ANN401 - a module without types
    """Ask for all walks in one call."""
    pd = importlib.import_module("pandas")
    one_way = walks.links[0] < walks.links[1]
    tail, head, metres = (pd.Series(part[one_way]) for part in walks.links)
    x, y = pd.Series(walks.net.node_x), pd.Series(walks.net.node_y)
    graph = pandana.Network(x, y, tail, head, metres.to_frame("metres"), twoway=True)

    def run() -> Reached:
        table = graph.nodes_in_range(walks.nodes.tolist(), walks.budget_m)
        of_walk = dict(list(table.groupby("source")))
        return [
            (of_walk[node]["destination"].to_numpy(), of_walk[node]["metres"].to_numpy())
            for node in walks.nodes.tolist()
        ]

    return run


def assert_equal(engine: str, truth: Reached, answer: Reached) -> None:
    """Compare nodes and metres, to a millimetre; pandana's to half a metre, with nodes at the limit left out."""
    slack = 0.5 if engine.startswith("pandana") else 1e-3
    for (nodes, metres), (found, there) in zip(truth, answer, strict=True):
        expected = dict(zip(nodes.tolist(), metres.tolist(), strict=True))
        given = dict(zip(found.tolist(), there.tolist(), strict=True))
        limit = max(expected.values()) - slack
        for node, metre in expected.items():
            assert abs(given.get(node, np.inf) - metre) <= slack or metre > limit, (engine, node, metre)
        assert all(node in expected or metre > limit for node, metre in given.items()), engine


def assert_cut(walks: Walks, truth: Reached, cut: reach.Pieces) -> None:
    """Compare the length of each walk's pieces with what the metres of its nodes say."""
    net = walks.net
    long = np.bincount(cut.group, weights=cut.to_m - cut.from_m)
    for walk, (nodes, metres) in enumerate(truth):
        left = np.zeros(len(net.node_x))
        left[nodes] = walks.budget_m - metres
        expected = np.minimum(left[net.start] + left[net.end], net.length_m).sum()
        assert abs(expected - long[walk]) < 0.01, (walk, expected, long[walk])


def _first(found: reach.Within, walks: int) -> Reached:
    cuts = found.first[1:walks]
    last = found.first[walks]
    return list(zip(np.split(found.place[:last], cuts), np.split(found.cost_m[:last], cuts), strict=True))


def _disc(walks: Walks, node: int) -> npt.NDArray[np.int64]:
    near = walks.tree.query_ball_point(walks.tree.data[node], walks.budget_m + 1e-6)
    return np.sort(np.array(near, dtype=np.int64))


def links(net: Network) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Return tail, head and metres of every link; of parallel streets the shortest only, as matrices need it."""
    tail = np.repeat(np.arange(len(net.node_x)), np.diff(net.first_arc))
    head, metres = net.start[net.arc_edge] + net.end[net.arc_edge] - tail, net.length_m[net.arc_edge]
    order = np.lexsort((metres, head, tail))
    tail, head, metres = tail[order], head[order], metres[order]
    first = np.concatenate([[True], (np.diff(tail) != 0) | (np.diff(head) != 0)]) & (tail != head)
    return tail[first], head[first], metres[first]
