"""Places from words: how many are found as callers say them, by kind of phrase, and how quickly.

Usage: python -m bench.search [--each 40] [--names 50000] [--doors 100000]

Three databases in a private PostGIS: the demo city (seed 1), a quarter of whose addresses are kept back, so that
numbers nobody registered have a true place; the committees of Wuhan in its districts, real names with real doubles
(with ``../shared/data``); and, for speed, a made-up town of the size asked for, whose names are drawn from the
syllables of the demo city's. Labels come from the data, see ``tests/spoken_places.py``. A phrase is right among the
first three when one of them is what was meant, or lies within 40 to 60 m of it. Beside the recall stand the share
that would be taken without asking a person, and how much of that is right.
"""

import argparse
import datetime as dt
import os
import shutil
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from sqlalchemy import text

from api.embedded import EmbeddedServer
from geo.synthetic import names as syllables
from geo.synthetic.city import City, city
from layers import database, deployment, located, search
from layers.database import Session
from layers.publishing import Change, publish
from layers.search import names
from tests import spoken_places
from tests.spoken_places import Said

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
SHARED = Path(__file__).parents[2] / "shared" / "data"
LAYERS = (
    *("districts", "subdistricts", "communities", "grids", "compounds"),
    *("buildings", "addresses", "old_estates", "facilities", "streets"),
)


def main() -> None:
    """Build the databases, ask, and print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--each", type=int, default=40, help="phrases of each kind")
    parser.add_argument("--names", type=int, default=50_000, help="names of the made-up town")
    parser.add_argument("--doors", type=int, default=100_000, help="addresses of the made-up town")
    asked = parser.parse_args()
    with _server() as server:
        demo = city(1)
        with _database(server, "demo", _held_back(demo)) as session:
            phrases = [*spoken_places.demo(demo, each=asked.each), *spoken_places.BY_HAND]
            _recall("the demo city", session, phrases)
        if SHARED.is_dir():
            frames, places = _wuhan()
            with _database(server, "wuhan", frames) as session:
                _recall("Wuhan", session, spoken_places.wuhan(places, each=asked.each))
        with _database(server, "large", _large(demo, asked.names, asked.doors)) as session:
            _latency(session, [*spoken_places.demo(demo, each=asked.each)])


def _recall(title: str, session: Session, phrases: Iterable[Said]) -> None:
    areas = located.load_areas(session, 1, level=_level(session))
    right: dict[str, list[tuple[bool, bool, bool]]] = defaultdict(list)
    taken: dict[str, list[bool]] = defaultdict(list)
    for said in phrases:
        hits = search.find(session, 1, said.text, near=said.near, areas=areas)
        right[said.kind].append((said.right(hits, 1), said.right(hits, 3), said.right(hits, 10)))
        sure = search.confident(hits)
        taken[said.kind] += [] if sure is None else [said.right([sure], 1)]
    print(
        f"\n{title}: share right, %\n{'kind of phrase':42}{'phrases':>8}{'first':>7}{'in 3':>7}{'in 10':>7}",
        end="",
    )
    print(f"{'taken':>8}{'of those right':>16}")
    rows = {**right, "all": [one for kind in right.values() for one in kind]}
    taken["all"] = [one for kind in list(taken.values()) for one in kind]
    for kind, found in rows.items():
        shares = "".join(f"{share:7.1f}" for share in 100 * np.mean(found, axis=0))
        of_those = f"{100 * np.mean(taken[kind]):16.1f}" if taken[kind] else f"{'–':>16}"
        print(f"{kind:42}{len(found):8}{shares}{100 * len(taken[kind]) / len(found):8.1f}{of_those}")


def _level(session: Session) -> str:
    grids = session.scalar(text("SELECT count(*) FROM grids"))
    return "grid" if grids else "district"


def _latency(session: Session, phrases: list[Said]) -> None:
    counted = dict(session.execute(text("SELECT layer, count(*) FROM place_names GROUP BY layer")).all())
    print(f"\nnames in the large town: {counted}")
    worker = session.scalar(text("SELECT pg_backend_pid()")) or 0
    begun, used = time.perf_counter(), _processor(worker)
    written = names.rebuild(session)
    print(f"full rebuild: {written} rows in {time.perf_counter() - begun:.1f} s, ", end="")
    print(f"{_processor(worker) - used:.1f} s of processor time")
    session.commit()
    session.execute(text("ANALYZE place_names"))
    areas = located.load_areas(session, 1)
    took: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for said in phrases:
        begun, used = time.perf_counter(), time.process_time()
        search.find(session, 1, said.text, near=said.near, areas=areas)
        took[said.kind].append((time.perf_counter() - begun, time.process_time() - used))
    print(f"{'ms a search':42}{'median':>8}{'p95':>8}{'most':>8}{'own processor time, median':>28}")
    for kind, values in {**took, "all": [one for each in took.values() for one in each]}.items():
        elapsed, own = 1000 * np.array(values).T
        median, p95, most = np.percentile(elapsed, [50, 95, 100])
        print(f"{kind:42}{median:8.1f}{p95:8.1f}{most:8.1f}{np.median(own):28.1f}")


def _processor(backend: int) -> float:
    """Processor time of this process and of the database's, seconds: a busy machine changes it little."""
    fields = Path(f"/proc/{backend}/stat").read_text().rpartition(")")[2].split()
    return time.process_time() + (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# --- databases --------------------------------------------------------------------------------------------


@contextmanager
def _server() -> Iterator[EmbeddedServer]:
    folder = Path(tempfile.mkdtemp(prefix="wangge-bench-"))
    folder.chmod(0o755)
    server = EmbeddedServer(folder / "server")
    server.start()
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _database(server: EmbeddedServer, name: str, frames: Mapping[str, gpd.GeoDataFrame]) -> Iterator[Session]:
    server.create_database(name)
    engine = database.make_engine(server.url(name), pool_size=2)
    database.migrate(engine)
    with database.sessions(engine)() as session:
        west, south, east, north = frames["districts"].total_bounds
        deployment.choose(session, np.array([west, east]), np.array([south, north]), now=NOW, city=name)
        changes = {layer: Change(frame) for layer, frame in frames.items()}
        publish(session, changes, author="bench", note=name, now=NOW)
        session.commit()
        session.execute(text("ANALYZE"))
        yield session
    engine.dispose()


def _held_back(demo: City) -> dict[str, gpd.GeoDataFrame]:
    frames = {layer: getattr(demo, layer) for layer in LAYERS}
    frames["addresses"] = demo.addresses[~spoken_places.held_out(demo.addresses)]
    return frames


def _wuhan() -> tuple[dict[str, gpd.GeoDataFrame], pd.DataFrame]:
    districts, committees, places = spoken_places.wuhan_places(SHARED)
    areas = _identified(
        gpd.GeoDataFrame(
            {"code": districts["adcode"].astype(str), "name": districts["name"], "parent_code": None},
            geometry=[shapely.multipolygons(shapely.get_parts([one])) for one in districts.geometry],
            crs="EPSG:4326",
        )
    )
    stations = committees[["code", "name", "geometry"]].assign(type="community_service_station")
    return {"districts": areas, "facilities": _identified(stations)}, places


def _large(demo: City, count: int, doors: int) -> dict[str, gpd.GeoDataFrame]:
    """The demo city with compounds and addresses added until there are as many as asked for."""
    rng = np.random.default_rng(1)
    west, south, east, north = demo.grids.total_bounds
    frames = {layer: getattr(demo, layer) for layer in LAYERS}
    frames["buildings"] = frames["buildings"].iloc[:0]
    more = max(
        0, count - len(demo.compounds) - len(demo.facilities) - len(demo.grids) - len(demo.old_estates)
    )
    first, second = list(syllables._FIRST), list(syllables._SECOND)  # noqa: SLF001 - what its names are made of
    kinds = ("小区", "花园", "家园", "公寓", "大厦", "幼儿园", "超市", "药店")
    drawn = [rng.choice(letters, more) for letters in (first, first, second, kinds)]
    made = gpd.GeoDataFrame(
        {
            "code": [f"YZ{at:06d}" for at in range(more)],
            "name": ["".join(row) for row in zip(*drawn, strict=True)],
        },
        geometry=shapely.points(rng.uniform(west, east, more), rng.uniform(south, north, more)),
        crs="EPSG:4326",
    ).assign(type="neighbourhood_shops")
    frames["facilities"] = pd.concat([frames["facilities"], _identified(made)])
    again = -(-doors // len(demo.addresses))
    copies = [
        demo.addresses.assign(
            code=demo.addresses["code"] + f"-{turn}", street=demo.addresses["street"] + str(turn or "")
        )
        for turn in range(again)
    ]
    frames["addresses"] = _identified(pd.concat(copies).iloc[:doors])
    return frames


def _identified(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    index = pd.Index([str(uuid4()) for _ in range(len(frame))], name="id", dtype=object)
    return frame.set_axis(index).assign(generated_code=False, extra=[{} for _ in range(len(frame))])


if __name__ == "__main__":
    main()
