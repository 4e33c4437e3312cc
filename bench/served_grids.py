"""Many grids in one table, served by Wangge and by tipg side by side: what bench/items.py and bench/tiles.py ask.

tipg (https://github.com/developmentseed/tipg) serves tables of PostGIS by the same standards. It is installed from
bench/requirements.txt, or runs in an environment of its own, whose interpreter `--tipg` names.
"""

import argparse
import json
import multiprocessing
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import httpx
import shapely
import uvicorn
from sqlalchemy import text

from api.app import create_app
from api.dependencies import now
from api.embedded import EmbeddedServer
from api.settings import Settings
from bench import tilings
from layers import accounts, database, deployment
from layers.database import Engine
from layers.tables import Revision

#: What both are asked for; tipg would send the columns of revisions too.
PROPERTIES = ("code", "name", "parent_code", "people", "households", "scheme", "kind", "generated_code")
#: Grids along a side of the square that is repeated, and corners of a border, at most: some 120 corners a grid.
_SIDE, _MOST_CORNERS = 32, 80
_PATIENCE_S = 120
_SPAWN = multiprocessing.get_context("spawn")


def arguments(description: str | None) -> argparse.ArgumentParser:
    """Return the options of both benches."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--grids", type=int, default=50_000)
    parser.add_argument("--tipg", default=sys.executable, help="interpreter that has tipg and uvicorn")
    return parser


@contextmanager
def served(count: int, interpreter: str) -> Iterator[tuple[httpx.Client, httpx.Client]]:
    """Serve so many grids, at least; yield a client of ours and one of tipg."""
    with tempfile.TemporaryDirectory(prefix="wangge-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        server = EmbeddedServer(folder / "server", settings={"fsync": "off"})
        server.start()
        try:
            server.create_database()
            engine = database.make_engine(server.url(), pool_size=2)
            database.migrate(engine)
            token = _fill(engine, count)
            socket_folder = engine.url.query["host"]
            engine.dispose()
            with wangge(server.url()) as port, _tipg(str(socket_folder), interpreter) as other:
                headers = {"Authorization": f"Bearer {token}"}
                with (
                    httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=60) as ours,
                    httpx.Client(base_url=f"http://127.0.0.1:{other}", timeout=60) as theirs,
                ):
                    yield ours, theirs
        finally:
            server.stop()


def _fill(engine: Engine, count: int) -> str:
    """Store the grids as revision 1; return a token."""
    base = tilings.tiling(_SIDE**2, most=_MOST_CORNERS)
    times = int((-(-count // _SIDE**2)) ** 0.5 + 0.999)
    step = _SIDE * tilings.CELL
    with database.sessions(engine).begin() as session:
        deployment.choose(session, [tilings.WEST], [tilings.SOUTH], now=now())
        at = now()
        session.add(
            Revision(
                number=1,
                published_at=at,
                effective_from=at,
                author="bench",
                note="",
                layers=["grids"],
                counts={},
            )
        )
        session.execute(text("CREATE TEMP TABLE base (n int, geom geometry)"))
        shapes = shapely.to_wkb(shapely.multipolygons(shapely.get_parts(base.geometry)[:, None]), hex=True)
        session.execute(
            text("INSERT INTO base VALUES (:n, ST_GeomFromWKB(decode(:shape, 'hex'), 4326))"),
            [{"n": n, "shape": shape} for n, shape in enumerate(shapes)],
        )
        session.execute(
            text("""
            INSERT INTO grids (id, rev_from, code, name, parent_code, people, households, geom)
            SELECT gen_random_uuid(), 1, code, '第' || n || '网格', left(code, 12), n % 5000, n % 2000, geom
            FROM (
                SELECT n, to_char(n, 'FM000000000000000') AS code, geom FROM (
                    SELECT (x * :times + y) * :each + n AS n, ST_Translate(geom, x * :step, y * :step) AS geom
                    FROM base, generate_series(0, :times - 1) AS x, generate_series(0, :times - 1) AS y
                ) AS placed
            ) AS coded
            """),
            {"times": times, "each": len(base), "step": step},
        )
        accounts.create(session, "bench", "correct horse", "viewer", areas=(), now=now())
        token = accounts.issue_token(session, "bench", "bench", now=now())
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE grids"))
        total = connection.scalar(text("SELECT count(*) FROM grids WHERE ST_NPoints(geom) > 0"))
    print(f"{total} grids in one table")
    return token


@contextmanager
def wangge(url: str, *, review: bool = True) -> Iterator[int]:
    """Run the application that ships, in a process of its own; yield its port."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listening:
        process = _SPAWN.Process(target=_serve, args=(url, listening, review))
        process.start()
        try:
            port = listening.getsockname()[1]
            _await_ready(process.is_alive, port)
            yield port
        finally:
            process.terminate()
            process.join()


def _serve(url: str, listening: socket.socket, review: bool) -> None:  # noqa: FBT001 - of a process
    app = create_app(Settings(database_url=url, review=review))
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listening])


@contextmanager
def _tipg(socket_folder: str, interpreter: str) -> Iterator[int]:
    """Run tipg on the database, in a process of its own; yield its port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = {
        "DATABASE_URL": f"postgresql://postgres@{quote(socket_folder, safe='')}:5432/wangge",
        "TIPG_DB_TABLES": json.dumps(["public.grids"]),
        # The table's key is that of all versions.
        "TIPG_TABLE_CONFIG": json.dumps({"public_grids": {"pk": "id"}}),
        # By default it leaves out what is beyond 10,000 features in a tile.
        "TIPG_MAX_FEATURES_PER_TILE": "1000000",
    }
    command = [interpreter, "-m", "uvicorn", "tipg.main:app", "--port", str(port), "--log-level", "warning"]
    process = subprocess.Popen(command, env=os.environ | settings)
    try:
        _await_ready(lambda: process.poll() is None, port)
        yield port
    finally:
        process.terminate()
        process.wait()


def _await_ready(lives: Callable[[], bool], port: int) -> None:
    end = time.monotonic() + _PATIENCE_S
    while time.monotonic() < end:
        if not lives():
            raise SystemExit("a server did not start; --tipg names an interpreter that has tipg and uvicorn")
        try:
            if httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=5).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise SystemExit("a server did not come up")
