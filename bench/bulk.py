"""Files of points: `wangge assign` beside what cannot be avoided, and rows a second of every format.

Usage: python -m bench.bulk [--rows 1000000] [--areas 10000] [--others 100000]

Parquet: the kernel alone, plain pyarrow that reads the file and writes it again, and our road from file to file,
without the start of the command and the index. They run in turn, three times each; the median counts, and the
answers in the file are compared with the kernel's first. Peak memory is that of a process of its own, beyond what
it takes before it opens the file. Times depend on the machine, ratios hardly. ``--rows 10000000`` is the
promised size.
"""

import argparse
import json
import multiprocessing
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from statistics import median
from typing import Any

import geopandas as gpd
import numpy as np
import openpyxl
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import shapely

from geo import crs
from geo.assign import RULES, AreaIndex
from layers import batch
from layers.answers import Asked
from layers.batch import BatchCounts
from layers.files import points
from layers.located import Areas

REPEATS = 3
WEST, SOUTH, SIDE = 114.0, 30.3, 0.5
CATEGORIES = [f"C{number:04d}" for number in range(60)]
ASKED = Asked(reference=crs.WGS84)


def main() -> None:
    """Print every figure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--areas", type=int, default=10_000)
    parser.add_argument("--others", type=int, default=100_000, help="rows of the formats of text")
    options = parser.parse_args()
    areas = tiling(options.areas)
    with tempfile.TemporaryDirectory(prefix="wangge-bench-") as folder:
        parquet(Path(folder), areas, options.rows)
        others(Path(folder), areas, options.others)


def tiling(count: int) -> Areas:
    """Return areas that tile a square, with some two hundred vertices each on wavy borders."""
    side = round(count**0.5)
    corners = [(x, y) for x in range(side) for y in range(side)]
    squares = shapely.segmentize([shapely.box(x, y, x + 1, y + 1) for x, y in corners], 0.02)

    def wave(corners: np.ndarray) -> np.ndarray:
        u, v = corners.T
        bent = np.column_stack([u + 0.1 * np.sin(7 * v), v + 0.1 * np.sin(7 * u)])
        return np.array([WEST, SOUTH]) + bent * SIDE / side

    codes = [f"{number:015d}" for number in range(len(squares))]
    frame = gpd.GeoDataFrame({"code": codes}, geometry=shapely.transform(squares, wave), crs="EPSG:4326")
    begin = time.perf_counter()
    index = AreaIndex(frame, metric="EPSG:4547")
    vertices = int(shapely.get_num_coordinates(frame.geometry.to_numpy()).sum())
    print(f"{len(frame)} areas, {vertices} vertices, indexed in {time.perf_counter() - begin:.1f} s")
    return Areas("grid", index, [])


def table(rows: int) -> pa.Table:
    """Return incidents: number, category, longitude, latitude."""
    random = np.random.default_rng(3)
    return pa.table(
        {
            "id": np.arange(rows),
            "category": pa.array(CATEGORIES).take(pa.array(random.integers(0, len(CATEGORIES), rows))),
            "lon": random.uniform(WEST + 0.01, WEST + SIDE - 0.01, rows),
            "lat": random.uniform(SOUTH + 0.01, SOUTH + SIDE - 0.01, rows),
        }
    )


def assign(kind: str, source: Path, target: Path, areas: Areas) -> BatchCounts:
    """Do what the command does once it has its index."""
    with (
        source.open("rb") as reading,
        target.open("wb") as writing,
        closing(points.open_points(kind, reading, writing, added=ASKED.columns())) as file,
    ):
        return batch.assign_points(file, ASKED, lambda *_: areas, at=1)


def parquet(folder: Path, areas: Areas, rows: int) -> None:
    """Print the Parquet road beside its floor."""
    source, bare, target = (folder / f"{name}.parquet" for name in ("in", "bare", "out"))
    given = table(rows)
    pq.write_table(given, source)
    lon, lat = given["lon"].to_numpy(), given["lat"].to_numpy()
    engines: dict[str, Callable[[], Any]] = {
        "kernel": lambda: areas.index.assign(lon, lat),
        "pyarrow: read, write": lambda: pq.write_table(pq.read_table(source), bare),
        "ours": lambda: assign("parquet", source, target, areas),
    }
    seconds, results = in_turn(engines)
    counts, expected = results["ours"], results["kernel"]
    written = pq.read_table(target)
    assert written.select(given.column_names).equals(given)
    assert counts.total == counts.assigned + counts.unassigned + counts.rejected == rows
    assert (written["rule"].to_numpy() == np.array(RULES, dtype=object)[expected.rule]).all()
    assert written["area_code"].to_pylist() == expected.area_code.tolist()
    floor = seconds["kernel"] + seconds["pyarrow: read, write"]
    print(f"\nParquet, {rows} rows")
    for name, took in seconds.items():
        print(f"  {name:22} {took:8.2f} s {rows / took / 1e6:8.2f} M rows/s")
    print(f"  ours / (kernel + pyarrow) = {seconds['ours'] / floor:.2f}")
    print(f"  peak memory of ours: {peak_mb('parquet', source, target):.0f} MB above its start")


def others(folder: Path, areas: Areas, rows: int) -> None:
    """Print rows a second of the other formats."""
    print("\nother formats")
    for kind, write, count in (
        ("csv", write_csv, rows * 10),
        ("geojson", write_geojson, rows),
        ("geojsonseq", write_geojsonseq, rows),
        ("xlsx", write_xlsx, rows // 5),
    ):
        source, target = folder / f"in.{kind}", folder / f"out.{kind}"
        write(table(count), source)
        begin = time.perf_counter()
        counts = assign(kind, source, target, areas)
        took = time.perf_counter() - begin
        assert counts.total == counts.assigned + counts.unassigned == count
        size = source.stat().st_size / took / 1e6
        print(
            f"  {kind:12} {count:9} rows {took:7.2f} s {count / took:12.0f} rows/s {size:7.1f} MB/s"
            f"   peak {peak_mb(kind, source, target):.0f} MB above its start"
        )


def write_csv(rows: pa.Table, path: Path) -> None:
    """Write CSV."""
    pyarrow.csv.write_csv(rows, path)


def write_geojsonseq(rows: pa.Table, path: Path) -> None:
    """Write one feature a line."""
    path.write_text("".join(f"{feature}\n" for feature in features(rows)))


def write_geojson(rows: pa.Table, path: Path) -> None:
    """Write a FeatureCollection."""
    path.write_text('{"type":"FeatureCollection","features":[\n' + ",\n".join(features(rows)) + "\n]}\n")


def features(rows: pa.Table) -> list[str]:
    """Return features as JSON."""
    return [
        json.dumps(
            {
                "type": "Feature",
                "properties": {"id": row["id"], "category": row["category"]},
                "geometry": {"type": "Point", "coordinates": [row["lon"], row["lat"]]},
            }
        )
        for row in rows.to_pylist()
    ]


def write_xlsx(rows: pa.Table, path: Path) -> None:
    """Write a workbook."""
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.append(rows.column_names)
    for row in rows.to_pylist():
        sheet.append(list(row.values()))
    book.save(path)


def peak_mb(kind: str, source: Path, target: Path) -> float:
    """Megabytes that a process of its own takes at most, beyond those before it opens the file."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(_grown_mb, (kind, source, target))


def _grown_mb(kind: str, source: Path, target: Path) -> float:
    shape = shapely.box(WEST - 1, SOUTH - 1, WEST + 2, SOUTH + 2)
    frame = gpd.GeoDataFrame({"code": ["1"]}, geometry=[shape], crs="EPSG:4326")
    areas = Areas("grid", AreaIndex(frame, metric="EPSG:4547"), [])
    # Forgets the peak of what came before.
    Path("/proc/self/clear_refs").write_text("5")
    before = _memory_mb("VmRSS")
    assign(kind, source, target, areas)
    return _memory_mb("VmHWM") - before


def _memory_mb(name: str) -> float:
    status = Path("/proc/self/status").read_text()
    return float(status.partition(f"{name}:")[2].split()[0]) / 1024


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


if __name__ == "__main__":
    main()
