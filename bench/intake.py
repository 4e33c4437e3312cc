"""POST /api/incidents beside a bare INSERT through the same stack: one worker, both loaded in turn.

Usage: python -m bench.intake [--seconds 5] [--rounds 3] [--connections 8] [--stored 100000]

The demo city in a private PostGIS with the settings of `wangge demo` (it waits for the disk at every commit), and
incidents stored before. The worker is the application that ships with one route added here: it has the same access,
body and session, and stores the report by one INSERT into a table with the same columns and indexes. The intake
beside it locates the place, looks for duplicates, and stores the incident with its key and its assignment. The load
comes from a process of its own; the median round counts, and the worker's and the database's processor time a
request is printed too, which has none of the load's in it.
"""

import argparse
import json
import multiprocessing
import os
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Annotated
from uuid import uuid4

import httpx
import numpy as np
import uvicorn
from fastapi import APIRouter
from sqlalchemy import text

from api.access import Caller, Permission, needs
from api.app import create_app
from api.dependencies import RuntimeDep, SessionDep, now
from api.embedded import EmbeddedServer
from api.routers.incidents import _report
from api.schemas import IncidentIn
from api.settings import Settings
from api.warm import warm
from bench.load import load
from geo import synthetic
from layers import accounts, database, deployment, incidents
from layers.database import Engine
from layers.publishing import Change, publish

BODIES = 2_000
_SPAWN = multiprocessing.get_context("spawn")
_BARE = text("""
    INSERT INTO bench_bare (id, category, description, reported_at, created_at, created_by, status, given_x,
        given_y, given_datum, geom, rule, path, candidates, revision)
    VALUES (:id, :category, :description, :reported_at, :now, :actor, 'open', :x, :y, :datum,
        ST_SetSRID(ST_MakePoint(:lon, :lat), 4326), 'none', '{}', '{}', 0)
""")


def main() -> None:
    """Print every figure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--stored", type=int, default=100_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="wangge-bench-") as folder:
        Path(folder).chmod(0o755)
        server = EmbeddedServer(Path(folder) / "server")
        server.start()
        try:
            server.create_database()
            bodies, token = prepare(server.url(), options.stored)
            with serving(server.url()) as (port, worker):
                compete(port, worker.pid or 0, bodies, token, options)
        finally:
            server.stop()


def prepare(url: str, stored: int) -> tuple[list[bytes], str]:
    """Publish the demo city with incidents in it; return reports to file, and a token."""
    engine = database.make_engine(url, pool_size=2)
    database.migrate(engine)
    made = synthetic.city(1)
    layers = ("districts", "subdistricts", "communities", "grids", "compounds", "old_estates", "posts")
    frame = made.incidents
    with database.sessions(engine).begin() as session:
        deployment.choose(session, frame["lon"].to_numpy(), frame["lat"].to_numpy(), now=now())
        changes = {name: Change(getattr(made, name)) for name in layers}
        publish(session, changes, author="bench", note="", now=now())
        accounts.create(session, "bench", "correct horse", "dispatcher", areas=(), now=now())
        token = accounts.issue_token(session, "bench", "bench", now=now())
        many = frame.sample(stored, replace=True, random_state=1)
        incidents.import_frame(session, many, actor="bench", now=now())
        session.execute(text("CREATE TABLE bench_bare (LIKE incidents INCLUDING ALL)"))
    _analyse(engine)
    engine.dispose()
    places = frame[["lon", "lat"]].sample(BODIES, replace=True, random_state=2).to_numpy()
    return [
        _body(lon, lat) for lon, lat in places + np.random.default_rng(3).normal(0, 1e-4, places.shape)
    ], token


def _analyse(engine: Engine) -> None:
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))


def _body(lon: float, lat: float) -> bytes:
    said = {
        "category": "0101",
        "lon": lon,
        "lat": lat,
        "datum": "wgs84",
        "description": "路面破损，约半米见方",
    }
    return json.dumps(said).encode()


@contextmanager
def serving(url: str) -> Iterator[tuple[int, multiprocessing.process.BaseProcess]]:
    """Run one worker; yield its port and its process."""
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as listening:
        worker = _SPAWN.Process(target=serve, args=(url, listening))
        worker.start()
        try:
            port = listening.getsockname()[1]
            _await_ready(port)
            yield port, worker
        finally:
            worker.terminate()
            worker.join()


def serve(url: str, listening: socket.socket) -> None:
    """Serve the application, with a bare INSERT beside its own routes, until ended."""
    app = create_app(Settings(database_url=url))
    router = APIRouter()

    @router.post("/bench/bare", status_code=201)
    def bare(
        *,
        body: IncidentIn,
        session: SessionDep,
        runtime: RuntimeDep,
        caller: Annotated[Caller, needs(Permission.FILE_INCIDENTS)],
    ) -> dict[str, str]:
        moment = runtime.clock()
        report = _report(body, runtime, moment)
        made = str(uuid4())
        session.execute(
            _BARE,
            {
                "id": made, "category": report.category, "description": report.description,
                "reported_at": report.reported_at, "now": moment, "actor": caller.name, "x": report.given_x,
                "y": report.given_y, "datum": report.given_datum, "lon": report.lon, "lat": report.lat,
            },
        )  # fmt: skip
        return {"id": made}

    app.include_router(router)
    warm(app.state.runtime)
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listening])


def _await_ready(port: int) -> None:
    while True:
        try:
            if httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)


def compete(port: int, worker: int, bodies: list[bytes], token: str, options: argparse.Namespace) -> None:
    """Load both endpoints in turn and print how they compare."""
    paths = {"intake": "/api/incidents", "bare": "/bench/bare"}
    rates: dict[str, list[float]] = {name: [] for name in paths}
    costs: dict[str, list[float]] = {name: [] for name in paths}
    for _ in range(options.rounds):
        for name, path in paths.items():
            before = _processor_s(worker)
            with _SPAWN.Pool(1) as pool:
                answered, all_answered = pool.apply(_reported, (port, path, bodies, token, options))
            rates[name].append(answered / options.seconds)
            costs[name].append((_processor_s(worker) - before) / all_answered)
    rate = {name: median(each) for name, each in rates.items()}
    cost = {name: median(each) for name, each in costs.items()}
    for name in paths:
        print(
            f"{name:7} {rate[name]:7.0f} requests/s {cost[name] * 1e3:7.2f} ms of the worker's processor a request"
        )
    print(
        f"intake with assignment and duplicate search at {rate['intake'] / rate['bare']:.0%} of the bare insert"
        f" ({cost['bare'] / cost['intake']:.0%} by the worker's processor time)"
    )


def _processor_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _reported(
    port: int, path: str, bodies: list[bytes], token: str, options: argparse.Namespace
) -> tuple[int, int]:
    """Send reports over kept connections; return how many were answered in the time counted, and in all."""
    head = f"POST {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n"
    requests = [f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body for body in bodies]
    return load(
        port, requests, connections=options.connections, seconds=options.seconds, status=201, stride=97
    )


if __name__ == "__main__":
    main()
