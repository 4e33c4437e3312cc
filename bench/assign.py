"""Points to areas: ours beside the peers, in one process.

Usage: python -m bench.assign [--data ../shared/data] [--counts 1000,10000,50000] [--points 1000000]

Engines run in turn, three times each; the median counts. Inside the timing: from arrays of longitudes and latitudes
to pairs of point and area; ours gives the rule too. Indexes stand before, ours and theirs. Each peer's answers are
compared with ours for every point, and again for points on borders, where the note says which rule it breaks. `cpu`
is processor time of all threads: where other programs run, ratios of it are the better ones. Peers get fewer points.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import geopandas as gpd
import matplotlib as mpl
import numpy as np
import shapely
from matplotlib.figure import Figure

from bench.area_peers import EXACT, Floats, Pairs, Peer, databases, in_memory
from bench.tilings import anywhere, on_borders, tiling, wuhan
from bench.timing import in_turn, timed, worked_in_turn
from geo.assign import BORDER, INSIDE, OVERLAP, AreaIndex, compile_kernels

METRIC = "EPSG:4547"
#: Points for the peers, points on borders, single look-ups, patches.
FEWER, SPECIAL, SINGLES, PATCHES = 100_000, 20_000, 5_000, 9
PLOT = Path(__file__).parents[1] / "docs" / "assignment.svg"


def main() -> None:
    """Print every figure, and draw the cost by the number of points."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[2] / "shared" / "data")
    parser.add_argument("--counts", default="1000,10000,50000")
    parser.add_argument("--points", type=int, default=1_000_000)
    parser.add_argument("--plot", type=Path, default=PLOT)
    options = parser.parse_args()
    print(f"compile the kernels, cold   {_compile(cold=True):8.2f} s")
    print(f"load them from the cache    {_compile(cold=False):8.2f} s")
    compile_kernels()
    for count in map(int, options.counts.split(",")):
        areas = tiling(count)
        index = compare(f"{len(areas)} grids", areas, options.points)
        if count == 10_000:
            draw(index, areas, options.plot)
    if options.data.is_dir():
        compare("974 communities of Wuhan", wuhan(options.data), options.points)


def compare(title: str, areas: gpd.GeoDataFrame, count: int) -> AreaIndex:
    """Print what the index takes, and how long each engine takes for the same points."""
    index, seconds = timed(lambda: AreaIndex(areas, metric=METRIC))
    corners = int(shapely.get_num_coordinates(areas.geometry.to_numpy()).sum())
    print(f"\n{title}, {corners:,} vertices: index {seconds:.2f} s, {index.nbytes / 1e6:.0f} MB")
    lon, lat = anywhere(areas, count)
    engines: dict[str, Callable[[], Any]] = {
        "geo.assign": lambda: index.assign(lon, lat),
        "geo.assign, one thread": lambda: _alone(lambda: index.assign(lon, lat)),
        "geo.assign with margins": lambda: index.assign(lon[:FEWER], lat[:FEWER], margin=True),
    }
    points = dict.fromkeys(engines, count) | {"geo.assign with margins": min(FEWER, count)}
    with databases(areas) as others:
        peers = in_memory(areas) | others
        for name, peer in peers.items():
            engines[name] = lambda peer=peer: peer(lon[:FEWER], lat[:FEWER])
            points[name] = min(FEWER, count)
        answers, wall, cpu = worked_in_turn(engines)
        _assert_exact(index, answers[EXACT], lon[:FEWER], lat[:FEWER])
        notes = {name: _note(index, peer, areas) for name, peer in peers.items()}
    ours = "geo.assign"
    for name in engines:
        ns, cpu_ns = (1e9 * seconds[name] / points[name] for seconds in (wall, cpu))
        times, cpu_times = ns / (1e9 * wall[ours] / count), cpu_ns / (1e9 * cpu[ours] / count)
        print(
            f"  {name:38} {ns:8.0f} ns a point {times:7.1f} x   cpu {cpu_ns:8.0f} ns {cpu_times:7.1f} x"
            f"  {notes.get(name, '')}"
        )
    one_by_one(index, areas, lon, lat)
    patches(index, areas)
    return index


@contextmanager
def _one_processor() -> Iterator[None]:
    """Let threads of this one run on a single processor."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def _alone(run: Callable[[], Any]) -> Any:  # noqa: ANN401 - whatever it returns
    with _one_processor():
        return run()


def _sorted(pairs: Pairs) -> np.ndarray:
    point, area = pairs
    return np.unique(np.column_stack([point, area]).astype(np.int64), axis=0)


def _ours(index: AreaIndex, lon: Floats, lat: Floats) -> np.ndarray:
    """Return all pairs of point and area that touch."""
    found = index.assign(lon, lat)
    inside = np.flatnonzero(found.rule == INSIDE)
    touched = np.isin(found.rule[found.listed_point], (BORDER, OVERLAP))
    return _sorted(
        (
            np.concatenate([inside, found.listed_point[touched]]),
            np.concatenate([found.area[inside], found.listed_area[touched]]),
        )
    )


def _assert_exact(index: AreaIndex, pairs: Pairs, lon: Floats, lat: Floats) -> None:
    assert np.array_equal(_ours(index, lon, lat), _sorted(pairs)), "our answers differ from GEOS's"


def _note(index: AreaIndex, peer: Peer, areas: gpd.GeoDataFrame) -> str:
    """Say how a peer's pairs differ for points on borders, and which rule that breaks."""
    lon, lat = on_borders(areas, SPECIAL)
    mine, theirs = _ours(index, lon, lat), _sorted(peer(lon, lat))
    number = len(areas)
    mine_, theirs_ = mine[:, 0] * number + mine[:, 1], theirs[:, 0] * number + theirs[:, 1]
    missing, wrong = len(np.setdiff1d(mine_, theirs_)), len(np.setdiff1d(theirs_, mine_))
    lost = len(np.setdiff1d(mine[:, 0], theirs[:, 0]))
    several = int((np.bincount(theirs[:, 0], minlength=len(lon)) > 1).sum())
    said = [f"{several / len(lon):.0%} of border points get several areas"] if several else []
    said += [f"{lost / len(lon):.0%} get none (rule border)"] if lost else []
    said += [f"{missing} pairs missing, {wrong} wrong"] if missing or wrong else ["all pairs right"]
    return "; ".join(said)


def one_by_one(index: AreaIndex, areas: gpd.GeoDataFrame, lon: Floats, lat: Floats) -> None:
    """Print how long one look-up takes: median and 99th percentile."""
    tree = shapely.STRtree(areas.geometry.to_numpy())
    places = list(zip(lon[:SINGLES].tolist(), lat[:SINGLES].tolist(), strict=True))
    engines: dict[str, Callable[[float, float], Any]] = {
        "one: area and rule": lambda x, y: index.one(x, y, margin=False),
        "one: with margin and neighbour": index.one,
        "one: shapely, areas' tree": lambda x, y: tree.query(shapely.Point(x, y), predicate="intersects"),
    }
    taken: dict[str, list[float]] = {name: [] for name in engines}
    for place in places:
        for name, engine in engines.items():
            begin = time.perf_counter()
            engine(*place)
            taken[name].append(time.perf_counter() - begin)
    for name, seconds in taken.items():
        print(f"  {name:38} {median(seconds) * 1e6:8.2f} µs, p99 {np.quantile(seconds, 0.99) * 1e6:.2f}")


def patches(index: AreaIndex, areas: gpd.GeoDataFrame) -> None:
    """Print how long one edit after the other takes: an area cut in two, each half with its code."""
    random = np.random.default_rng(4)
    taken = []
    for row in random.integers(0, len(areas), PATCHES):
        shape, code = areas.geometry.iloc[row], areas["code"].iloc[row]
        west, south, east, north = shape.bounds
        halves = [
            shapely.intersection(shape, shapely.box(west, south, (west + east) / 2, north)),
            shapely.intersection(shape, shapely.box((west + east) / 2, south, east, north)),
        ]
        edit = gpd.GeoDataFrame({"code": [code, f"{code}b"]}, geometry=halves, crs=areas.crs)
        index, seconds = timed(lambda index=index, edit=edit: index.patched(edit, []))
        taken.append(seconds)
    name = "patch after one edit"
    print(f"  {name:38} {median(taken) * 1e3:8.1f} ms, most {max(taken) * 1e3:.1f}")


def draw(index: AreaIndex, areas: gpd.GeoDataFrame, path: Path) -> None:
    """Draw the seconds that 1,000 to 10 million points take, beside a straight proportion."""
    counts = [int(10 ** (k / 2)) for k in range(6, 15)]
    lon, lat = anywhere(areas, counts[-1])
    seconds: dict[str, list[float]] = {"two threads": [], "one thread": [], "with margins, two threads": []}
    for count in counts:
        x, y = lon[:count], lat[:count]
        engines = {
            "two threads": lambda x=x, y=y: index.assign(x, y),
            "one thread": lambda x=x, y=y: _alone(lambda: index.assign(x, y)),
        }
        if count <= 1_000_000:
            engines["with margins, two threads"] = lambda x=x, y=y: index.assign(x, y, margin=True)
        for name, wall in in_turn(engines)[1].items():
            seconds[name].append(wall)
    mpl.rcParams |= {"svg.hashsalt": "wangge", "svg.fonttype": "none"}
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    for name, taken in seconds.items():
        axes.plot(counts[: len(taken)], taken, marker="o", markersize=3, label=name)
    last = seconds["two threads"][-1]
    axes.plot(counts, [last * count / counts[-1] for count in counts], "k:", label="in proportion")
    axes.set(
        xscale="log", yscale="log", xlabel="points", ylabel="seconds", title="10,000 grids: cost by points"
    )
    axes.legend()
    axes.grid(alpha=0.3)
    figure.savefig(path, metadata={"Date": None})
    print(f"  drawn: {path}")


def _compile(*, cold: bool) -> float:
    """Seconds that a new process takes to have the kernels ready."""
    with tempfile.TemporaryDirectory() as folder:
        cache = {"NUMBA_CACHE_DIR": folder} if cold else {}
        code = "import time; from geo import assign; t = time.time(); assign.compile_kernels(); print(time.time() - t)"
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ | cache
        )
    return float(done.stdout)


if __name__ == "__main__":
    main()
