"""Points to areas: ours beside geopandas and plain shapely, and one look-up over HTTP, in one process.

Usage: python -m bench.locate [--data ../shared/data] [--points 200000]

Engines are run in turn, three times each; the median counts. Before a line is printed its answers are compared
with those of shapely's exact predicates; the points include corners, edge midpoints and their last-bit
neighbours, where engines that ask "within" differ, and how often is printed. Times depend on the machine,
ratios hardly.
"""

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median
from typing import Any

import geopandas as gpd
import httpx
import numpy as np
import shapely

from api.app import create_app
from api.dependencies import now
from api.embedded import EmbeddedServer
from api.settings import Settings
from geo import synthetic
from geo.assign import BORDER, INSIDE, OVERLAP, AreaIndex
from layers import database, deployment
from layers.publishing import Change, publish

REPEATS = 3
SINGLES = 2000
WEST, SOUTH, SIDE = 114.0, 30.3, 0.5


def main() -> None:
    """Print every figure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[2] / "shared" / "data")
    parser.add_argument("--points", type=int, default=200_000)
    options = parser.parse_args()
    for count in (1_000, 10_000):
        compare(f"{count} areas, wavy borders", tiling(count), options.points)
    if options.data.is_dir():
        compare("974 communities of Wuhan", wuhan(options.data), options.points)
    asyncio.run(over_http())


def tiling(count: int) -> gpd.GeoDataFrame:
    """Return areas that tile a square exactly, with finely drawn, wavy borders."""
    random = np.random.default_rng(1)
    side = round(count**0.5)
    lattice = np.stack(np.meshgrid(np.arange(side), np.arange(side)), axis=-1).reshape(-1, 2)
    seeds = shapely.multipoints((lattice + random.uniform(0.2, 0.8, lattice.shape)) / side)
    cells = shapely.get_parts(shapely.voronoi_polygons(seeds, extend_to=shapely.box(0, 0, 1, 1)))
    cells = shapely.intersection(cells, shapely.box(0, 0, 1, 1))
    # Each border is one line, so it is cut the same way for both of its areas.
    edges = shapely.segmentize(shapely.get_parts(shapely.union_all(shapely.boundary(cells))), 0.01 / side)
    faces = shapely.get_parts(shapely.polygonize(edges))

    def wave(corners: np.ndarray) -> np.ndarray:
        u, v = corners.T
        k, size = 40 * side, 0.005 / side
        return np.column_stack(
            [WEST + SIDE * (u + size * np.sin(k * v)), SOUTH + SIDE * (v + size * np.sin(k * u + 1))]
        )

    shapes = shapely.transform(faces, wave)
    assert shapely.is_valid(shapes).all()
    assert shapely.coverage_is_valid(shapes)
    return _coded(shapes)


def wuhan(data: Path) -> gpd.GeoDataFrame:
    """Return the communities of Wuhan, with the faults they have."""
    frame = gpd.read_file(data / "wuhan" / "wuhan_communities_shifted_wgs84.geojson")
    return _coded(frame.geometry.to_numpy())


def _coded(shapes: np.ndarray) -> gpd.GeoDataFrame:
    codes = [f"{number:015d}" for number in range(len(shapes))]
    return gpd.GeoDataFrame({"code": codes, "name": codes}, geometry=shapes, crs="EPSG:4326")


def points(areas: gpd.GeoDataFrame, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return points inside the areas' hull, and one in a hundred on or beside a border."""
    random = np.random.default_rng(2)
    west, south, east, north = areas.total_bounds
    lon, lat = random.uniform(west, east, 3 * count), random.uniform(south, north, 3 * count)
    inside = shapely.intersects_xy(shapely.concave_hull(shapely.multipoints(
        shapely.get_coordinates(shapely.point_on_surface(areas.geometry.to_numpy()))), 0.2), lon, lat)  # fmt: skip
    lon, lat = lon[inside][:count], lat[inside][:count]
    corners = shapely.get_coordinates(areas.geometry.to_numpy())
    some = random.integers(0, len(corners) - 1, len(lon) // 300)
    special = np.concatenate([corners[some], (corners[some] + corners[some + 1]) / 2])
    beside = np.nextafter(corners[some], 180.0)
    special = np.concatenate([special, beside])
    lon[: len(special)], lat[: len(special)] = special.T
    return lon, lat


def compare(title: str, areas: gpd.GeoDataFrame, count: int) -> None:
    """Print how long each engine takes for the same points, and where it differs from exact predicates."""
    vertices = int(shapely.get_num_coordinates(areas.geometry.to_numpy()).sum())
    begin = time.perf_counter()
    index = AreaIndex(areas, metric="EPSG:4547")
    built = time.perf_counter() - begin
    lon, lat = points(areas, count)
    print(f"\n{title}: {vertices} vertices, {len(lon)} points; index built in {built:.2f} s")
    frame = gpd.GeoDataFrame(geometry=gpd.points_from_xy(lon, lat), crs=areas.crs)
    shapes = areas.geometry.to_numpy()
    tree = shapely.STRtree(shapes)
    expected = by_predicates(*tree.query(frame.geometry.to_numpy(), predicate="intersects"), shapes, lon, lat)
    engines: dict[str, Callable[[], Any]] = {
        "geo.assign": lambda: index.assign(lon, lat),
        "geo.assign with margins": lambda: index.assign(lon, lat, margin=True),
        "geopandas.sjoin within": lambda: gpd.sjoin(frame, areas, predicate="within"),
        "geopandas.sjoin intersects": lambda: gpd.sjoin(frame, areas, predicate="intersects"),
        "shapely STRtree intersects": lambda: tree.query(shapely.points(lon, lat), predicate="intersects"),
    }
    seconds, results = in_turn(engines)
    ours = results["geo.assign"]
    touched = np.isin(ours.rule, (INSIDE, BORDER, OVERLAP))
    assert (np.where(touched, ours.area, -1) == expected).all()
    pairs = results["shapely STRtree intersects"]
    assert (np.bincount(pairs[0], minlength=len(lon)).astype(bool) == touched).all()
    assert len(results["geopandas.sjoin intersects"]) == len(pairs[0])
    within = np.bincount(results["geopandas.sjoin within"].index.to_numpy(), minlength=len(lon))
    lost, doubled = int(((within == 0) & touched).sum()), int((within > 1).sum())
    assert lost == int((ours.rule == BORDER).sum())
    notes = {
        "geopandas.sjoin within": f"loses {lost} points on borders, {doubled} get several areas",
        "geopandas.sjoin intersects": f"{int((np.bincount(pairs[0]) > 1).sum())} points get several areas",
    }
    for name, took in seconds.items():
        ratio = took / seconds["geo.assign"]
        print(f"  {name:28} {took / len(lon) * 1e9:8.0f} ns a point {ratio:7.1f} x  {notes.get(name, '')}")
    one_by_one(index, tree, lon, lat)


def by_predicates(
    point: np.ndarray, area: np.ndarray, shapes: np.ndarray, lon: np.ndarray, lat: np.ndarray
) -> np.ndarray:
    """Return the lowest row whose interior holds each point, else the lowest it touches, else -1."""
    inner = shapely.contains(shapes[area], shapely.points(lon, lat)[point])
    none = len(shapes)
    lowest = np.full((2, len(lon)), none)
    np.minimum.at(lowest[0], point[inner], area[inner])
    np.minimum.at(lowest[1], point, area)
    found = np.where(lowest[0] < none, lowest[0], lowest[1])
    return np.where(found == none, -1, found)


def one_by_one(index: AreaIndex, tree: shapely.STRtree, lon: np.ndarray, lat: np.ndarray) -> None:
    """Print how long one look-up takes: median and 99th percentile."""
    engines: dict[str, Callable[[int], Any]] = {
        "one: geo.assign": lambda k: index.assign(lon[k : k + 1], lat[k : k + 1]),
        "one: geo.assign with margin": lambda k: index.assign(lon[k : k + 1], lat[k : k + 1], margin=True),
        "one: shapely STRtree": lambda k: tree.query(shapely.Point(lon[k], lat[k]), predicate="intersects"),
    }
    for name, engine in engines.items():
        took = []
        for k in range(len(lon) - SINGLES, len(lon)):
            begin = time.perf_counter()
            engine(k)
            took.append(time.perf_counter() - begin)
        print(f"  {name:28} {median(took) * 1e6:8.0f} µs, p99 {np.quantile(took, 0.99) * 1e6:.0f}")


def in_turn(engines: dict[str, Callable[[], Any]]) -> tuple[dict[str, float], dict[str, Any]]:
    """Run engines in turn; return the median seconds and the last result of each."""
    took: dict[str, list[float]] = {name: [] for name in engines}
    results = {}
    for _ in range(REPEATS):
        for name, engine in engines.items():
            begin = time.perf_counter()
            results[name] = engine()
            took[name].append(time.perf_counter() - begin)
    return {name: median(times) for name, times in took.items()}, results


async def over_http() -> None:
    """Print the server's time for GET /api/locate on the demo city, beside an empty endpoint."""
    with tempfile.TemporaryDirectory(prefix="wangge-bench-") as folder:
        os.chmod(folder, 0o755)  # noqa: PTH101, S103 - the server runs as another user
        server = EmbeddedServer(Path(folder) / "server", settings={"fsync": "off"})
        server.start()
        try:
            server.create_database()
            engine = database.make_engine(server.url(), pool_size=2)
            database.migrate(engine)
            lon, lat = demo_city(engine)
            engine.dispose()
            app = create_app(Settings(database_url=server.url(), threads=4), open_reading=True)
            async with (
                app.router.lifespan_context(app),
                httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://bench") as client,
            ):
                await time_requests(client, lon, lat)
        finally:
            server.stop()


def demo_city(engine: database.Engine) -> tuple[np.ndarray, np.ndarray]:
    """Publish the areas, compounds and posts of the demo city; return points of its incidents."""
    city = synthetic.city(1)
    frames = {
        name: getattr(city, name)
        for name in ("districts", "subdistricts", "communities", "grids", "compounds", "posts")
    }
    lon, lat = (city.incidents[name].to_numpy()[:SINGLES] for name in ("lon", "lat"))
    with database.sessions(engine).begin() as session:
        deployment.choose(session, lon, lat, now=now())
        publish(
            session,
            {name: Change(frame) for name, frame in frames.items()},
            author="bench",
            note="",
            now=now(),
        )
    return lon, lat


async def time_requests(client: httpx.AsyncClient, lon: np.ndarray, lat: np.ndarray) -> None:
    """Print median times; the transport is in the process, so no network is in them."""
    print("\ndemo city, request and reply in the process")

    async def locate(k: int) -> httpx.Response:
        params = {"lon": lon[k], "lat": lat[k], "datum": "wgs84"}
        return await client.get("/api/locate", params=params)

    async def empty(_: int) -> httpx.Response:
        return await client.get("/healthz")

    requests: dict[str, Callable[[int], Awaitable[httpx.Response]]] = {
        "first GET /api/locate": locate, "GET /api/locate": locate, "GET /healthz": empty,
    }  # fmt: skip
    for name, request in requests.items():
        took = []
        for k in range(1 if name.startswith("first") else len(lon)):
            begin = time.perf_counter()
            reply = await request(k)
            took.append(time.perf_counter() - begin)
            assert reply.status_code == 200, reply.text
        print(f"  {name:28} {median(took) * 1e3:8.2f} ms, p99 {np.quantile(took, 0.99) * 1e3:.2f}")


if __name__ == "__main__":
    main()
