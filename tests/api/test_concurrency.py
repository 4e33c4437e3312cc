"""Many requests at once: none waits for another that waits for it."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.settings import Settings
from tests import paper_city, walking_city

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
