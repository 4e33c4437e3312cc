"""A city of 320,000 streets, 5,000 compounds and 8,000 facilities of 40 types: what a planner waits for.

Called by bench/coverage.py. Every line first asserts an answer: against shapely, scipy, or a city built anew.
"""

import datetime as dt
import re
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from bench.street_networks import at_nodes, lattice
from bench.timing import in_turn, timed
from bench.walks import links
from geo import coverage
from geo.coverage import Answer, Query, city
from geo.coverage.city import City
from geo.crs import from_metric
from geo.streets import drawing, reach
from geo.streets.network import Network
from layers import coverage_results
from layers.catalogue import facility_types
from layers.results import Kept

#: When the answers are said to be worked out.
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
EDGES, COMPOUNDS, FACILITIES, TYPES = 320_000, 5_000, 8_000, 40
PLACES, CIRCLES, WHAT_IFS = 100_000, 50, 5
BUDGET_M, SNAP_M = 1125.0, 200.0
MINUTES = (5, 10, 15)
PROFILES = ("adult", "elderly", "gb50180")


class Drawn(NamedTuple):
    """Layers of a city that nobody lives in."""

    facilities: gpd.GeoDataFrame
    compounds: gpd.GeoDataFrame
    areas: dict[str, gpd.GeoDataFrame]
    links: pd.DataFrame
    types: pd.DataFrame


def run() -> None:
    """Print every figure."""
    net, built = timed(lambda: lattice(EDGES))
    rng = np.random.default_rng(2)
    print(f"\nInvented city: {len(net.start):,} edges, {COMPOUNDS:,} compounds, {FACILITIES:,} facilities")
    print(f"  streets drawn, and the network of them       {built:8.2f} s")
    snapping(net, rng)
    nearest(net, rng)
    drawn = draw(net, rng)
    town = whole_table(net, drawn)
    what_if(town, drawn)
    circles(town, rng)
    memory()


def snapping(net: Network, rng: np.random.Generator) -> None:
    """Find the nearest street of places anywhere in the city; distances equal those of shapely's tree."""
    x, y = _anywhere(net, PLACES, rng)
    points = np.column_stack([net.x, net.y])
    lines = shapely.linestrings(points, indices=np.repeat(np.arange(len(net.start)), np.diff(net.offsets)))
    tree, places = shapely.STRtree(lines[~net.island]), shapely.points(x, y)
    answers, seconds = in_turn(
        {
            "ours": lambda: net.snap(x, y, limit_m=SNAP_M),
            "shapely": lambda: tree.query_nearest(
                places, max_distance=SNAP_M, return_distance=True, all_matches=False
            ),
        }
    )
    (place, _), distance = answers["shapely"]
    expected = np.full(PLACES, np.nan)
    expected[place] = distance
    np.testing.assert_allclose(answers["ours"].offset_m, expected, atol=1e-6)
    ours, theirs = seconds["ours"], seconds["shapely"]
    print(f"  snapping a place                             {ours / PLACES * 1e6:8.2f} µs  (limit 2)")
    print(
        f"    shapely query_nearest                      {theirs / PLACES * 1e6:8.2f} µs  {theirs / ours:.1f} x"
    )


def nearest(net: Network, rng: np.random.Generator) -> None:
    """Find the nearest of 200 facilities for all nodes; metres equal those of scipy's search from all at once."""
    nodes = rng.choice(np.flatnonzero(net.component == 0), FACILITIES // TYPES, replace=False)
    every = at_nodes(net)
    begin = reach.starts(every.take(nodes), np.zeros(len(nodes), dtype=np.int64), groups=1)
    tail, head, metres = links(net)
    matrix = coo_array((metres, (tail, head)), shape=(len(net.node_x),) * 2).tocsr()
    matrix.indices, matrix.indptr = matrix.indices.astype(np.int32), matrix.indptr.astype(np.int32)
    answers, seconds = in_turn(
        {
            "ours": lambda: reach.nearest(net, begin, every, limit_m=np.inf),
            "scipy": lambda: dijkstra(matrix, indices=nodes, min_only=True),
        }
    )
    np.testing.assert_allclose(answers["ours"][0][0], answers["scipy"], atol=1e-5)
    ours, theirs = seconds["ours"], seconds["scipy"]
    print(f"  nearest of a type, and which, for all nodes  {ours * 1e3:8.1f} ms")
    print(f"    scipy dijkstra(min_only=True)              {theirs * 1e3:8.1f} ms  {theirs / ours:.1f} x")


def draw(net: Network, rng: np.random.Generator) -> Drawn:
    """Draw compounds and facilities anywhere, and square communities."""
    types = facility_types().iloc[:TYPES]
    x, y = _anywhere(net, COMPOUNDS, rng)
    side = rng.uniform(60, 200, COMPOUNDS)
    codes = np.array([f"C{number:05d}" for number in range(COMPOUNDS)])
    compounds = _frame(
        net, shapely.box(x, y, x + side, y + side), code=codes, name=codes, people=1000, households=300
    )
    of = types.index.to_numpy()[rng.integers(0, TYPES, FACILITIES)]
    numbers = [f"F{number}" for number in range(FACILITIES)]
    facilities = _frame(
        net, shapely.points(*_anywhere(net, FACILITIES, rng)), code=numbers, name=numbers, type=of
    )
    facilities["site"] = None
    column, row = np.meshgrid(np.arange(15), np.arange(15))
    width, height = (at.max() / 15 - at.min() / 15 for at in (net.node_x, net.node_y))
    left, bottom = net.node_x.min() + column.ravel() * width, net.node_y.min() + row.ravel() * height
    squares = shapely.box(left, bottom, left + width, bottom + height)
    names = np.array([f"A{number:03d}" for number in range(len(squares))])
    community = _frame(net, squares, code=names, name=names, parent_code=None)
    within = (np.minimum((x - left[0]) // width, 14) + 15 * np.minimum((y - bottom[0]) // height, 14)).astype(
        int
    )
    shares = pd.DataFrame({"compound_code": codes, "area_code": names[within], "share": 1.0})
    return Drawn(facilities, compounds, {"community": community}, shares, types)


def whole_table(net: Network, drawn: Drawn) -> City:
    """Ask for 40 types, 3 budgets, 3 profiles; then again, from distances and from answers that are kept."""

    def cold() -> tuple[City, list[pd.DataFrame]]:
        town = _city(net, drawn, drawn.facilities)
        return town, tables(lambda query: coverage.answer(town, query))

    (town, first), taken = timed(cold)
    stored: dict[Query, Kept] = {}

    def worked_out(query: Query) -> Answer:
        answer = coverage.answer(town, query)
        stored[query] = Kept(1, NOW, 0.0, *coverage_results.encode(answer))
        return answer

    again, from_distances = timed(lambda: tables(worked_out))
    third, from_answers = timed(lambda: tables(lambda query: coverage_results.decode(stored[query])))
    for tables_again in (again, third):
        for one, other in zip(first, tables_again, strict=True):
            pd.testing.assert_frame_equal(one, other)
    rows = sum(len(table) for table in first)
    print(f"  whole-city table, {rows:,} rows, cold            {taken:8.2f} s   (limit 10)")
    print(f"    again, distances kept                      {from_distances:8.2f} s")
    print(f"    again, answers kept                        {from_answers:8.4f} s   (limit 0.2)")
    return town


def what_if(town: City, drawn: Drawn) -> None:
    """Add one facility and answer its type anew; the table equals that of a city built anew."""
    taken = []
    for number in range(WHAT_IFS):
        place = {"code": f"N{number}", "geometry": drawn.facilities.geometry.iloc[[-1 - number]].array}
        more = drawn.facilities.iloc[[number]].assign(**place)
        query = Query(facility_types=tuple(more["type"]), minutes=MINUTES, level="community")
        after, seconds = timed(partial(_with_one_more, town, more, query))
        taken.append(seconds)
    anew = _city(town.network, drawn, pd.concat([drawn.facilities, more]))
    pd.testing.assert_frame_equal(after.table, coverage.answer(anew, query).table)
    print(f"  one facility more, its type answered anew    {median(taken):8.2f} s   (limit 0.3)")


def _with_one_more(town: City, more: gpd.GeoDataFrame, query: Query) -> Answer:
    return coverage.answer(city.with_facilities(town, more), query)


def tables(answer: Callable[[Query], Answer]) -> list[pd.DataFrame]:
    """Answer every type and budget by community, a table for each profile."""
    return [answer(Query(minutes=MINUTES, level="community", profile=profile)).table for profile in PROFILES]


def circles(town: City, rng: np.random.Generator) -> None:
    """Draw life circles of single facilities, search included; the outline equals that of all flags."""
    cells, made = timed(lambda: town.cells)
    taken = []
    for node in rng.choice(np.flatnonzero(town.network.component == 0), CIRCLES):
        begin = reach.starts(
            at_nodes(town.network).take(np.array([node])), np.zeros(1, dtype=np.int64), groups=1
        )

        def one(begin: reach.StreetPoints = begin) -> shapely.Geometry:
            found = reach.within(town.network, begin, cells.by_chain, limit_m=BUDGET_M)
            return cells.outline(found.place[drawing.drawn_points(found.cost_m, BUDGET_M)])

        outline, seconds = timed(one)
        taken.append(seconds)
    costs = reach.costs_to(town.network, begin, cells.points, limit_m=BUDGET_M)[0]
    assert shapely.equals_exact(outline, cells.outline(drawing.drawn_points(costs, BUDGET_M)))
    print(f"  cells to draw with, once                     {made:8.2f} s")
    print(f"  drawing a circle of 15 minutes with search   {median(taken) * 1e3:8.2f} ms  (limit 5)")


def memory() -> None:
    """Build a network of a million edges and walk from 10,000 nodes, in a process of its own."""
    code = "from bench.big_city import a_million; a_million()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    print(done.stdout, end="")


def a_million() -> None:
    """Print how long 10,000 walks take on a million edges, and the most memory this process had."""
    net, built = timed(lambda: lattice(1_000_000))
    drawn_mb = peak_mb()
    nodes = np.random.default_rng(3).choice(np.flatnonzero(net.component == 0), 10_000)
    every = at_nodes(net)
    begin = reach.starts(every.take(nodes), np.arange(len(nodes)), groups=len(nodes))
    places = reach.by_chain(net, every)
    reach.within(net, begin, places, limit_m=10.0)
    found, seconds = timed(lambda: reach.within(net, begin, places, limit_m=BUDGET_M))
    peak = peak_mb()
    print(f"\nA million edges: {len(net.start):,}")
    print(f"  streets drawn, and the network of them       {built:8.2f} s   peak {drawn_mb:.0f} MB")
    print(
        f"  10,000 walks, {len(found.place):,} nodes reached      {seconds:8.2f} s   peak {peak:.0f} MB  (limit 2,000)"
    )


def peak_mb() -> float:
    """Return the most memory that this process has had; what its parent had does not count."""
    found = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) / 1024


def _city(net: Network, drawn: Drawn, facilities: gpd.GeoDataFrame) -> City:
    return city.build(
        net, facilities, drawn.compounds, areas=drawn.areas, links=drawn.links, types=drawn.types
    )


def _frame(net: Network, shapes: npt.NDArray[np.object_], **columns: object) -> gpd.GeoDataFrame:
    frame = gpd.GeoDataFrame(columns, geometry=from_metric(shapes, net.metric), crs="EPSG:4326")
    return frame.assign(entrances=None)


def _anywhere(net: Network, count: int, rng: np.random.Generator) -> tuple[npt.NDArray[np.float64], ...]:
    return tuple(rng.uniform(at.min(), at.max(), count) for at in (net.node_x, net.node_y))
