"""Many requests at once: none waits for another that waits for it."""

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import httpx2 as httpx
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select

from api.app import create_app
from api.settings import Settings
from layers.tables import Assignment, Incident, IncidentKey
from tests import paper_city, walking_city
from tests.api.serving import servers

THREADS = 8
AT_ONCE = 40


@pytest.fixture
def cold(database_url, session, sign_in):
    """A dispatcher's client of an application with nothing in memory, and fewer connections than requests."""
    walking_city.build(session)
    with TestClient(create_app(Settings(database_url=database_url, threads=THREADS))) as client:
        client.headers.update(sign_in("dispatcher"))
        yield client


def at_once(*asked):
    with ThreadPoolExecutor(AT_ONCE) as pool:
        replies = [pool.submit(asked[turn % len(asked)]) for turn in range(AT_ONCE)]
        return {reply.result(timeout=25).status_code for reply in replies}


def test_cold_requests_at_once_neither_wait_for_each_other_nor_fail(cold):
    lon, lat = paper_city.point(1, 1)
    paths = (
        "/api/incidents",
        "/layers",
        "/maps/data/areas.json",
        "/api/coverage?minutes=5",
        "/maps/data/incidents.json",
        "/api/facilities",
        f"/api/locate?lon={lon}&lat={lat}&datum=wgs84",
    )
    assert at_once(*(lambda path=path: cold.get(path) for path in paths)) == {200}


def test_requests_that_hold_a_connection_may_ask_for_a_model_that_is_being_made(cold):
    lon, lat = paper_city.point(1, 1)
    body = {"category": "0101", "lon": lon, "lat": lat, "datum": "wgs84"}
    assert at_once(lambda: cold.post("/api/incidents", json=body)) == {201}


# --- a server that is killed ------------------------------------------------------------------------------


def file_until_killed(port, header, name, filed):
    """Report incidents one after the other, with what is known of each: its id, or nothing."""
    lon, lat = paper_city.point(1, 1)
    body = {"category": "0101", "lon": lon, "lat": lat, "datum": "wgs84", "description": name}
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=header) as client:
        for number in range(1000):
            key = f"{name}-{number}"
            filed[key] = None
            try:
                reply = client.post("/api/incidents", json=body, headers={"Idempotency-Key": key})
            except httpx.TransportError:
                return
            assert reply.status_code == 201, reply.text
            filed[key] = reply.json()["id"]


def test_what_a_killed_server_acknowledged_is_there_once(database_url, session, sign_in):
    paper_city.build(session)
    header = sign_in("dispatcher")
    filed = {}
    for turn in range(2):
        with servers(database_url, 1) as (server,), ThreadPoolExecutor(4) as pool:
            names = [f"{turn}{thread}" for thread in range(4)]
            running = [pool.submit(file_until_killed, server.port, header, name, filed) for name in names]
            # In the midst of it, some requests are under way.
            while sum(value is not None for value in list(filed.values())) < 20 * (turn + 1):
                assert not any(one.done() for one in running), [
                    one.exception() for one in running if one.done()
                ]
                time.sleep(0.01)
            os.kill(server.pid, signal.SIGKILL)
            for one in running:
                one.result(timeout=25)
    known = {key: value for key, value in filed.items() if value is not None}
    assert 0 < len(known) < len(filed)
    with TestClient(create_app(Settings(database_url=database_url, threads=THREADS))) as client:
        lon, lat = paper_city.point(1, 1)
        body = {"category": "0101", "lon": lon, "lat": lat, "datum": "wgs84"}
        for key, kept in filed.items():
            said = {**body, "description": key.partition("-")[0]}
            reply = client.post("/api/incidents", json=said, headers={**header, "Idempotency-Key": key})
            assert reply.status_code in ({200} if kept else {200, 201}), reply.text
            assert kept in (None, reply.json()["id"])
    assert session.scalar(select(func.count()).select_from(Incident)) == len(filed)
    assert session.scalar(select(func.count()).select_from(Assignment)) == len(filed)
    assert session.scalar(select(func.count()).select_from(IncidentKey)) == len(filed)
