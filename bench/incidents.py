"""Incidents at size: pages of the list by every filter at any depth, and what a publication makes intake wait.

Usage: python -m bench.incidents [--incidents 1000000] [--open 100000]

Three years of incidents in 10,000 square grids, crowded into some of them as in a city, in a private PostGIS whose
settings are those of `wangge demo`. Pages of 100 are read from the newest on, from the middle and from near the end;
the median of some readings counts. Then the border between two grids is moved, and all grids are, each time with
intakes going on, whose longest wait is printed beside their usual time. Times are this machine's; what should not
grow with the number of incidents is a page's time.
"""

import argparse
import datetime as dt
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import geopandas as gpd
import numpy as np
import shapely
from sqlalchemy import text

from api.dependencies import now
from api.embedded import EmbeddedServer
from layers import database, deployment, incidents
from layers.database import Engine, Session
from layers.incidents import partitions, search
from layers.incidents.search import Filters
from layers.publishing import Change, publish

SINCE = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
DAYS = 1000
#: Grids lie in a square of this many rows and columns, each side a step long, metres ≈ 110.
SIDE, STEP = 100, 0.001
WEST, SOUTH = 105.0, 32.0
LIMIT, READINGS = 100, 5
#: Intakes that tell how long one takes usually.
USUAL = 50
DESK = incidents.Desk(on=dt.date(2026, 1, 1))

_FILL = """
CREATE TEMPORARY TABLE made AS
SELECT n, gen_random_uuid() AS id, CAST(:since AS timestamptz) + random() * :days * interval '1 day' AS reported_at,
    CAST(floor(10000 * power(random(), 2)) AS int) AS grid, random() AS x, random() AS y, random() AS chance,
    'C' || CAST(floor(158 * power(random(), 3)) AS int) AS category
FROM generate_series(1, :many) AS n;
CREATE TEMPORARY TABLE described AS
SELECT *, '510899' || lpad(CAST(grid / 1000 AS text), 3, '0') AS subdistrict,
    lpad(CAST(grid / 50 % 20 AS text), 3, '0') AS community, lpad(CAST(grid % 50 AS text), 3, '0') AS last,
    CASE WHEN chance < .001 THEN 'none' WHEN chance < .003 THEN 'border' WHEN chance < .01 THEN 'nearest'
        ELSE 'inside' END AS rule FROM made;
INSERT INTO incident_keys (id, reported_at, external_id) SELECT id, reported_at, 'X' || n FROM described;
INSERT INTO incidents (id, category, description, reported_at, created_at, created_by, status, given_x, given_y,
    given_datum, geom, rule, area_code, path, candidates, margin_m, revision)
SELECT id, category, 'what was said of it', reported_at, reported_at, 'bench',
    CASE WHEN n <= :open THEN 'open' ELSE 'closed' END, x, y, 'wgs84',
    ST_SetSRID(ST_MakePoint(:west + :step * (grid % :side + x), :south + :step * (grid / :side + y)), 4326),
    rule, CASE WHEN rule <> 'none' THEN subdistrict || community || last END,
    CASE WHEN rule <> 'none' THEN ARRAY['510899', subdistrict, subdistrict || community,
        subdistrict || community || last] ELSE '{}' END,
    ARRAY[subdistrict || community || last], 12.5, 1
FROM described;
"""


def main() -> None:
    """Print every figure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--incidents", type=int, default=1_000_000)
    parser.add_argument("--open", type=int, default=100_000)
    options = parser.parse_args()
    with served() as engine:
        database.migrate(engine)
        with database.sessions(engine).begin() as session:
            place(session)
        begin = time.perf_counter()
        with database.sessions(engine).begin() as session:
            fill(session, options.incidents, options.open)
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))
        print(f"{options.incidents:,} incidents made in {time.perf_counter() - begin:.0f} s")
        with database.sessions(engine)() as session:
            pages(session)
        publications(engine)


@contextmanager
def served() -> Iterator[Engine]:
    """Engine of an empty database of its own."""
    with tempfile.TemporaryDirectory(prefix="wangge-bench-") as folder:
        os.chmod(folder, 0o755)  # noqa: PTH101, S103 - the server runs as another user
        server = EmbeddedServer(Path(folder) / "server")
        server.start()
        try:
            server.create_database()
            engine = database.make_engine(server.url(), pool_size=8)
            yield engine
            engine.dispose()
        finally:
            server.stop()


def place(session: Session) -> None:
    """Publish 10,000 square grids in their communities."""
    deployment.choose(session, [WEST], [SOUTH], now=SINCE)
    publish(session, {"grids": Change(squares())}, author="bench", note="", now=SINCE)


def squares(shift: float = 0.0) -> gpd.GeoDataFrame:
    """All grids, those in odd columns wider by a shift on both sides, degrees."""
    row, column = np.divmod(np.arange(SIDE * SIDE), SIDE)
    odd = np.where(column % 2, shift, -shift)
    west, south = WEST + STEP * column, SOUTH + STEP * row
    codes = [f"510899{n // 1000:03d}{n // 50 % 20:03d}{n % 50:03d}" for n in range(SIDE * SIDE)]
    return gpd.GeoDataFrame(
        {"code": codes, "name": codes, "parent_code": None, "scheme": "governance", "kind": "base"},
        geometry=shapely.multipolygons(
            shapely.box(west - odd, south, west + STEP + odd, south + STEP), indices=np.arange(len(codes))
        ),
        crs="EPSG:4326",
        index=[f"00000000-0000-4000-8000-{n:012d}" for n in range(len(codes))],
    )


def fill(session: Session, many: int, still_open: int) -> None:
    """Make incidents."""
    months = [SINCE + dt.timedelta(days=day) for day in range(0, DAYS + 31, 30)]
    partitions.ensure(session, now=now(), reported_at=months)
    values = {"since": SINCE, "days": DAYS, "many": many, "open": still_open}
    places = {"west": WEST, "south": SOUTH, "step": STEP, "side": SIDE}
    session.execute(text(_FILL), values | places)


def pages(session: Session) -> None:
    """Print how long a page takes, by filter and depth."""
    box = (WEST + 0.02, SOUTH + 0.02, WEST + 0.03, SOUTH + 0.03)
    filters = {
        "none": Filters(),
        "status open": Filters(status="open"),
        "category, common": Filters(category="C0"),
        "category, rare": Filters(category="C157"),
        "rule border": Filters(rule="border"),
        "rule manual (no such)": Filters(rule="manual"),
        "area: subdistrict": Filters(area="510899005"),
        "area: community": Filters(area="510899005003"),
        "area: grid": Filters(area="510899005003003"),
        "area: no such": Filters(area="999"),
        "unassigned": Filters(unassigned=True),
        "scope: community": Filters(scope=["510899005003"], scope_unassigned=True),
        "bbox": Filters(bbox=box),
        "one month": Filters(since=SINCE + dt.timedelta(400), until=SINCE + dt.timedelta(430)),
        "category, community, open": Filters(category="C10", area="510899005003", status="open"),
    }
    print(f"\n{'ms for a page of 100':28} {'newest':>8} {'middle':>8} {'deep':>8}   rows")
    for name, asked in filters.items():
        taken, rows = [], []
        for share in (1.0, 0.5, 0.05):
            until = SINCE + dt.timedelta(DAYS * share)
            _, cursor = search.search(session, Filters(until=until), limit=1)
            times = []
            for _ in range(READINGS):
                begin = time.perf_counter()
                found, _ = search.search(session, asked, limit=LIMIT, cursor=cursor)
                times.append(time.perf_counter() - begin)
                session.expunge_all()
            taken.append(median(times) * 1e3)
            rows.append(len(found))
        print(f"{name:28} {taken[0]:8.1f} {taken[1]:8.1f} {taken[2]:8.1f}   {rows}")


def publications(engine: Engine) -> None:
    """Print how long intakes wait while boundaries move."""
    first = squares(STEP / 10).iloc[[5050, 5051]]
    for name, frame in {"two grids": first, "10,000 grids": squares(STEP / 20)}.items():
        waits: list[float] = []
        stopped = threading.Event()
        filing = threading.Thread(target=file, args=(engine, stopped, waits))
        filing.start()
        while len(waits) < USUAL:
            time.sleep(0.1)
        usual = median(waits)
        begin = time.perf_counter()
        with database.sessions(engine).begin() as session:
            done = publish(session, {"grids": Change(frame)}, author="bench", note="", now=now(), clock=now)
        took = time.perf_counter() - begin
        stopped.set()
        filing.join()
        print(
            f"\n{name} moved: {done.moved:,} incidents moved in {took:.2f} s; an intake takes {usual * 1e3:.1f} ms,"
            f" at most {max(waits):.2f} s meanwhile"
        )


def file(engine: Engine, stopped: threading.Event, waits: list[float]) -> None:
    """File incidents one after the other, and note how long each took."""
    random = np.random.default_rng(1)
    while not stopped.is_set():
        x, y = random.uniform(0, SIDE * STEP, 2).tolist()
        begin = time.perf_counter()
        with database.sessions(engine).begin() as session:
            report = incidents.Report(category="C1", reported_at=now(), lon=WEST + x, lat=SOUTH + y)
            incidents.intake(session, report, actor="bench", now=now(), desk=DESK)
        waits.append(time.perf_counter() - begin)


if __name__ == "__main__":
    main()
