"""Importing a whole OpenStreetMap city, phase by phase, cold and again.

Usage: python -m bench.import_las_palmas [--data ../shared/data]

Starts a private PostGIS, with its durability on, in a folder of its own and stops it. The second import must find
nothing to change. The bound is 60 s for the whole.
"""

import argparse
import datetime as dt
import resource
import tempfile
import time
from pathlib import Path

from api.embedded import EmbeddedServer
from layers import database, imports, osm
from layers.database import Engine
from layers.imports import ImportReport, Options

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
BOUND_S = 60.0


class Stopwatch:
    """Progress that notes how long each step took until the next one began."""

    def __init__(self) -> None:
        self.steps: dict[str, float] = {}
        self._step, self._since = "", time.perf_counter()

    def __call__(self, step: str, done: int, total: int) -> None:  # noqa: ARG002 - as layers.progress.Progress
        """Begin a step."""
        now = time.perf_counter()
        if self._step:
            self.steps[self._step] = self.steps.get(self._step, 0.0) + now - self._since
        self._step, self._since = step, now


def main() -> None:
    """Print seconds by phase, records a second, and peak memory."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[2] / "shared" / "data")
    path = parser.parse_args().data / "las_palmas" / "las_palmas_2023-02-20.osm.pbf"

    start = time.perf_counter()
    extract = osm.read(path, places=("facilities", "compounds"))
    read_s = time.perf_counter() - start
    print(f"read alone: {read_s:.2f} s; {extract.counts}")
    with tempfile.TemporaryDirectory(prefix="wangge-bench-") as folder:
        Path(folder).chmod(0o755)
        server = EmbeddedServer(Path(folder) / "server")
        server.start()
        try:
            server.create_database()
            engine = database.make_engine(server.url(), pool_size=1)
            database.migrate(engine)
            first, first_s = _timed(engine, path, "first import")
            again, _ = _timed(engine, path, "the same again")
            engine.dispose()
        finally:
            server.stop()
    assert all(report.unchanged == first[layer].added for layer, report in again.items())
    assert all(report.revision is None for report in again.values())
    assert first_s < BOUND_S
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"whole / bound: {first_s / BOUND_S:.3f}; whole / read: {first_s / read_s:.1f}; peak {peak:.0f} MB")


def _timed(engine: Engine, path: Path, name: str) -> tuple[dict[str, ImportReport], float]:
    watch, start = Stopwatch(), time.perf_counter()
    with database.sessions(engine).begin() as session:
        reports = imports.import_osm(
            session,
            path,
            Options(),
            places=("facilities", "compounds"),
            author="bench",
            now=NOW,
            progress=watch,
        )
        watch("commit", 0, 0)
    watch("", 0, 0)
    took = time.perf_counter() - start
    records = sum(report.read for report in reports.values())
    print(f"\n{name}: {took:.2f} s, {records / took:,.0f} records a second")
    for step, seconds in watch.steps.items():
        print(f"  {seconds:6.2f} s  {seconds / took:5.1%}  {step}")
    return reports, took


if __name__ == "__main__":
    main()
