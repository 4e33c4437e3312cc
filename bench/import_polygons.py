"""Importing a city's worth of grids, phase by phase, cold and again, beside loading the same file without a question.

Usage: python -m bench.import_polygons [--count 50000]

Grids with jagged borders tile communities, which tile a district; they come without codes, in metres, as a GeoPackage.
The second import must find nothing to change. The peer is GeoPandas: the same file read and copied into a bare table,
with no check, no parent, no code and no history. The bound is 60 s for 50,000. Starts a private PostGIS, with its
durability on, in a folder of its own and stops it.
"""

import argparse
import datetime as dt
import resource
import tempfile
import time
from pathlib import Path
from typing import TypeAlias

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from api.embedded import EmbeddedServer
from bench.import_las_palmas import Stopwatch
from bench.timing import timed
from layers import database, imports
from layers.database import Engine
from layers.imports import ImportReport, Options

Floats: TypeAlias = npt.NDArray[np.float64]
Objects: TypeAlias = npt.NDArray[np.object_]

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
BOUND_S, BOUND_COUNT = 60.0, 50_000
DISTRICT = "420102"
#: South-west corner, how wide a grid is (degrees), corners of a border between two, and rows of grids in a community.
WEST, SOUTH, CELL, CORNERS, ROWS = 114.0, 30.3, 0.002, 8, 4
#: The CRS of the file.
METRIC = "EPSG:4547"


def main() -> None:
    """Print seconds by phase, polygons a second, peak memory, and the ratios."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=BOUND_COUNT)
    side = int(np.ceil(parser.parse_args().count ** 0.5))
    grids = tiles(side)
    print(f"{len(grids):,} grids of {shapely.get_num_coordinates(grids).mean():.0f} corners")
    with tempfile.TemporaryDirectory(prefix="wangge-bench-") as folder:
        Path(folder).chmod(0o755)
        path = Path(folder) / "grids.gpkg"
        gpd.GeoDataFrame(geometry=grids, crs="EPSG:4326").to_crs(METRIC).to_file(path)
        server = EmbeddedServer(Path(folder) / "server")
        server.start()
        try:
            server.create_database()
            engine = database.make_engine(server.url(), pool_size=1)
            database.migrate(engine)
            _, bare_s = timed(lambda: _loaded(engine, path))
            _load_parents(engine, grids.reshape(side, side))
            first, first_s = _imported(engine, path, "first import")
            again, _ = _imported(engine, path, "the same again")
            engine.dispose()
        finally:
            server.stop()
    assert (first.added, first.rejected, len(first.defects)) == (side * side, 0, 0)
    assert (again.unchanged, again.revision) == (side * side, None)
    bound_s = BOUND_S * max(1.0, side * side / BOUND_COUNT)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"whole / bound: {first_s / bound_s:.3f}; whole / bare load: {first_s / bare_s:.1f}; peak {peak:.0f} MB"
    )
    assert first_s < bound_s


def tiles(side: int) -> Objects:
    """Grids that tile a square exactly, row by row from the south; only the square's own borders are straight."""
    random = np.random.default_rng(1)
    nodes = np.stack(np.meshgrid(np.arange(side + 1.0), np.arange(side + 1.0)), axis=-1)
    nodes[1:-1, 1:-1] += random.uniform(-0.25, 0.25, (side - 1, side - 1, 2))
    level = _borders(random, nodes[:, :-1], nodes[:, 1:])
    upright = _borders(random, nodes[:-1], nodes[1:])
    level[[0, -1]], upright[:, [0, -1]] = (
        _straight(nodes[[0, -1], :-1], nodes[[0, -1], 1:]),
        _straight(nodes[:-1, [0, -1]], nodes[1:, [0, -1]]),
    )
    rings = np.concatenate(
        [
            level[:-1, :, :-1],
            upright[:, 1:, :-1],
            level[1:, :, :0:-1],
            upright[:, :-1, ::-1],
        ],
        axis=2,
    )
    return np.asarray(
        shapely.polygons(rings.reshape(side * side, -1, 2) * CELL + [WEST, SOUTH]), dtype=object
    )


def _straight(start: Floats, end: Floats) -> Floats:
    along = np.linspace(0, 1, CORNERS)[:, None]
    line = start[..., None, :] + along * (end - start)[..., None, :]
    line[..., -1, :] = end
    return line


def _borders(random: np.random.Generator, start: Floats, end: Floats) -> Floats:
    """Lines between nodes whose inner corners lie a little aside."""
    lines = _straight(start, end)
    aside = 0.02 * random.normal(size=(*lines.shape[:-1], 1))
    aside[..., [0, -1], :] = 0
    step = (end - start)[..., None, :]
    return lines + aside * step[..., ::-1] * [1, -1]


def _loaded(engine: Engine, path: Path) -> None:
    """Load the file with GeoPandas into a table of its own."""
    gpd.read_file(path).to_postgis("bare", engine)


def _load_parents(engine: Engine, grids: Objects) -> None:
    """Import the district, and communities of some rows of grids."""
    rows = [grids[first : first + ROWS].ravel() for first in range(0, len(grids), ROWS)]
    parts = [shapely.coverage_union_all(members) for members in rows]
    codes = [f"{DISTRICT}{1 + number // 999:03d}{1 + number % 999:03d}" for number in range(len(parts))]
    layers = {
        "districts": gpd.GeoDataFrame({"code": [DISTRICT]}, geometry=[shapely.union_all(parts)], crs=4326),
        "communities": gpd.GeoDataFrame({"code": codes}, geometry=parts, crs=4326),
    }
    for layer, frame in layers.items():
        with database.sessions(engine).begin() as session:
            imports.import_frame(session, layer, frame, Options(), author="bench", now=NOW)


def _imported(engine: Engine, path: Path, name: str) -> tuple[ImportReport, float]:
    watch, start = Stopwatch(), time.perf_counter()
    with database.sessions(engine).begin() as session:
        report = imports.import_file(
            session, "grids", path, Options(), author="bench", now=NOW, progress=watch
        )
        watch("commit", 0, 0)
    watch("", 0, 0)
    took = time.perf_counter() - start
    print(f"\n{name}: {took:.2f} s, {report.read / took:,.0f} polygons a second; {report}")
    for step, seconds in watch.steps.items():
        print(f"  {seconds:6.2f} s  {seconds / took:5.1%}  {step}")
    return report, took


if __name__ == "__main__":
    main()
