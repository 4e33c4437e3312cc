"""`wangge demo` keeps what it acknowledged, however it ends."""

import os
import re
import signal
from pathlib import Path

import httpx2 as httpx

from tests.api.working import until
from tests.e2e.conftest import Demo


def _file(demo: Demo, key: str) -> dict:
    reply = httpx.post(
        f"{demo.url}/api/incidents",
        json={"category": "E0101", "lon": 105.42, "lat": 32.02, "datum": "wgs84", "description": key},
        auth=("dispatcher", demo.password()),
        headers={"Idempotency-Key": key},
    )
    assert reply.status_code in {200, 201}, reply.text
    return reply.json()


def _ids(demo: Demo) -> list[str]:
    reply = httpx.get(f"{demo.url}/api/incidents?limit=100", auth=("dispatcher", demo.password()))
    return [incident["id"] for incident in reply.json()["incidents"]]


def test_what_was_acknowledged_survives_a_kill_of_everything(demo: Demo):
    kept = [_file(demo, f"before {n}")["id"] for n in range(20)]
    demo.kill()
    demo.start()
    assert any("loaded already" in line for line in demo.said), "a second run makes no second city"
    found = _ids(demo)
    assert set(kept) <= set(found)
    assert _file(demo, "before 3")["id"] == kept[3], "a repeated request makes one record"
    assert len(_ids(demo)) == len(found)
    assert demo.stop() == 0
    demo.start()
    assert set(kept) <= set(_ids(demo))


def _worker(demo: Demo) -> int | None:
    """Process of the worker beside the server that lives, as it told the log."""
    started = re.findall(
        r'"worker": "[^"]*:([0-9]+):[0-9a-f]+", "event": "worker started"', "".join(demo.said)
    )
    return int(started[-1]) if started and Path(f"/proc/{started[-1]}").exists() else None


def test_a_worker_runs_beside_the_server_and_comes_back_when_it_is_killed(demo: Demo):
    until(lambda: _worker(demo))
    first = _worker(demo)
    os.kill(first, signal.SIGKILL)
    until(lambda: _worker(demo) not in {None, first})
    until(lambda: httpx.get(f"{demo.url}/readyz").json()["workers"] == 1)
    asked = {"minutes": "4", "level": "grid", "facility_type": "park_15min"}
    reply = httpx.get(f"{demo.url}/api/coverage", params=asked, headers={"Prefer": "respond-async"})
    assert reply.status_code == 202
    place = demo.url + reply.headers["Location"]
    until(lambda: httpx.get(place).json()["status"] == "done")
    kept = httpx.get(f"{demo.url}/api/coverage", params=asked)
    assert kept.headers["Wangge-Result"].startswith("kept")
