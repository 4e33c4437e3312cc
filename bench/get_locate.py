"""GET /api/locate beside an empty endpoint, on real server processes: one worker, and two.

Usage: python -m bench.get_locate [--seconds 4] [--rounds 3] [--connections 16]

The demo city in a private PostGIS; workers that share one listening socket, each the application that ships with
one route added here: an empty `async` endpoint behind the same access. Every request carries the same token. The
load comes from a process of its own, one for each worker, over kept connections. Both endpoints are loaded in turn;
the median round counts. Before that, answers are compared with those of this process. Where workers and load share
the processors, the load's own work is in both figures alike; so the workers' processor time a request is printed
too, which has nothing of it in it.
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
from dataclasses import asdict
from pathlib import Path
from statistics import median
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import httpx
import numpy as np
import uvicorn
from fastapi import APIRouter
from fastapi.responses import Response

from api.access import Permission, needs
from api.app import create_app
from api.dependencies import now
from api.embedded import EmbeddedServer
from api.places import locator_at
from api.settings import Settings
from api.snapshots import Snapshots
from api.warm import warm
from bench.load import load
from geo import synthetic
from layers import accounts, database, deployment, located
from layers.database import Engine
from layers.publishing import Change, publish

PLACES = 2_000
COMPARED = 500
_SPAWN = multiprocessing.get_context("spawn")


def main() -> None:
    """Print every figure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=16)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="wangge-bench-") as folder, city(Path(folder)) as found:
        url, places, token = found
        for workers in (1, 2):
            with serving(url, workers) as (port, processes):
                if workers == 1:
                    compare(url, port, places, token)
                compete(port, processes, places, token, options)


# --- the city and the servers -----------------------------------------------------------------------------


@contextmanager
def city(folder: Path) -> Iterator[tuple[str, np.ndarray, str]]:
    """Publish the demo city; yield the database's address, places in it, and a token."""
    folder.chmod(0o755)
    server = EmbeddedServer(folder / "server", settings={"fsync": "off"})
    server.start()
    try:
        server.create_database()
        engine = database.make_engine(server.url(), pool_size=2)
        database.migrate(engine)
        places, token = _publish(engine)
        engine.dispose()
        yield server.url(), places, token
    finally:
        server.stop()


def _publish(engine: Engine) -> tuple[np.ndarray, str]:
    made = synthetic.city(1)
    layers = ("districts", "subdistricts", "communities", "grids", "compounds", "old_estates", "posts")
    changes = {name: Change(getattr(made, name)) for name in layers}
    places = made.incidents[["lon", "lat"]].to_numpy()[:PLACES]
    with database.sessions(engine).begin() as session:
        deployment.choose(session, *places.T, now=now())
        publish(session, changes, author="bench", note="", now=now())
        accounts.create(session, "bench", "correct horse", "dispatcher", areas=(), now=now())
        token = accounts.issue_token(session, "bench", "bench", now=now())
    return places, token


@contextmanager
def serving(url: str, workers: int) -> Iterator[tuple[int, list[multiprocessing.process.BaseProcess]]]:
    """Run workers on one listening socket; yield its port and the processes."""
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as listening:
        processes = [_SPAWN.Process(target=serve, args=(url, listening)) for _ in range(workers)]
        for process in processes:
            process.start()
        try:
            port = listening.getsockname()[1]
            _await_ready(port, workers)
            yield port, list(processes)
        finally:
            for process in processes:
                process.terminate()
                process.join()


def serve(url: str, listening: socket.socket) -> None:
    """Serve the application, with an empty endpoint beside its own, until ended."""
    app = create_app(Settings(database_url=url))
    router = APIRouter()

    @router.get("/bench/empty", dependencies=[needs(Permission.READ_LAYERS)])
    async def empty() -> Response:
        return Response(b"{}", media_type="application/json")

    @router.get("/bench/worker", dependencies=[needs(Permission.PUBLIC)])
    async def worker() -> Response:
        return Response(str(os.getpid()))

    app.include_router(router)
    warm(app.state.runtime)
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listening])


def _await_ready(port: int, workers: int) -> None:
    seen: set[str] = set()
    while len(seen) < workers:
        try:
            seen.add(httpx.get(f"http://127.0.0.1:{port}/bench/worker", timeout=60).text)
        except httpx.TransportError:
            time.sleep(0.1)


# --- what is measured -------------------------------------------------------------------------------------


def compare(url: str, port: int, places: np.ndarray, token: str) -> None:
    """Check that the replies are what this process answers."""
    engine = database.make_engine(url, pool_size=2)
    snapshot = Snapshots(database.sessions(engine), now).refresh()
    locator = locator_at(snapshot, "grid")
    on = now().astimezone(ZoneInfo(Settings(database_url=url).timezone)).date()
    with httpx.Client(
        base_url=f"http://127.0.0.1:{port}", headers={"Authorization": f"Bearer {token}"}
    ) as client:
        for lon, lat in places[:COMPARED]:
            reply = client.get(path(lon, lat)).json()
            expected = json.loads(json.dumps(asdict(located.locate(locator, (lon, lat), on=on)), default=str))
            assert {name: reply[name] for name in expected} == expected
    engine.dispose()
    took = min(_time_locate(locator, places, on) for _ in range(5))
    print(f"{COMPARED} replies equal this process's answers; one answer takes {took * 1e6:.1f} µs in it")


def _time_locate(locator: located.Locator, places: np.ndarray, on: object) -> float:
    pairs = [(float(lon), float(lat)) for lon, lat in places]
    begin = time.perf_counter()
    for place in pairs:
        located.locate(locator, place, on=on)
    return (time.perf_counter() - begin) / len(pairs)


def path(lon: float, lat: float) -> str:
    """Address of a look-up."""
    return "/api/locate?" + urlencode({"lon": lon, "lat": lat, "datum": "wgs84"})


def compete(port: int, processes: list, places: np.ndarray, token: str, options: argparse.Namespace) -> None:
    """Load both endpoints in turn and print how they compare."""
    paths = {"locate": [path(lon, lat) for lon, lat in places], "empty": ["/bench/empty"]}
    rates: dict[str, list[float]] = {name: [] for name in paths}
    costs: dict[str, list[float]] = {name: [] for name in paths}
    for _ in range(options.rounds):
        for name, asked in paths.items():
            before = sum(_processor_s(process.pid) for process in processes)
            count, seconds = _asked(port, asked, token, len(processes), options)
            rates[name].append(count / seconds)
            costs[name].append((sum(_processor_s(process.pid) for process in processes) - before) / count)
    rate = {name: median(each) for name, each in rates.items()}
    cost = {name: median(each) for name, each in costs.items()}
    print(f"{len(processes)} worker(s)")
    for name in paths:
        print(f"  {name:7} {rate[name]:8.0f} requests/s {cost[name] * 1e6:8.0f} µs of processor a request")
    print(
        f"  locate is answered at {rate['locate'] / rate['empty']:.0%} of the rate of the empty endpoint"
        f" ({cost['empty'] / cost['locate']:.0%} by processor time)"
    )


def _processor_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _asked(
    port: int, paths: list[str], token: str, loaders: int, options: argparse.Namespace
) -> tuple[int, float]:
    """Ask from processes of their own; return how many requests were answered, and in what time."""
    requests = [
        f"GET {each} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
        for each in paths
    ]
    with _SPAWN.Pool(loaders) as pool:
        connections = options.connections // loaders
        share = (port, requests, connections, options.seconds)
        answered = pool.starmap(_load, [share] * loaders, chunksize=1)
    return sum(answered), options.seconds


def _load(port: int, requests: list[bytes], connections: int, seconds: float) -> int:
    return load(port, requests, connections=connections, seconds=seconds).counted


if __name__ == "__main__":
    main()
