"""Every reply is protected, whoever made it: a page, data, a problem, a failure of ours."""

import http.client
import threading
import time
from contextlib import contextmanager

import pytest
import uvicorn
from fastapi import Response
from fastapi.testclient import TestClient

from api.app import create_app
from api.headers import SAFE


@pytest.fixture
def secure(settings):
    """A client over TLS, whose failures are replies."""
    application = create_app(settings, open_reading=True)

    @application.get("/fail")
    def fail() -> None:
        raise RuntimeError

    with TestClient(application, base_url="https://grid.example", raise_server_exceptions=False) as client:
        yield client


@pytest.mark.parametrize(("path", "status"), [
    ("/", 200), ("/login", 200), ("/api/me", 200), ("/openapi.json", 200), ("/assets/static/site.css", 200),
    ("/maps/data/areas.json", 200), ("/nowhere", 404), ("/metrics", 401), ("/?lang=x", 422), ("/fail", 500),
])  # fmt: skip
def test_every_reply_is_protected(secure, path, status):
    reply = secure.get(path)
    assert reply.status_code == status
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert reply.headers["Referrer-Policy"] == "same-origin"
    assert "Cache-Control" in reply.headers
    policy = reply.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy or "frame-ancestors 'self'" in policy
    assert status == 500 or reply.headers["Strict-Transport-Security"] == "max-age=31536000"


def test_what_an_account_reads_is_kept_by_nobody(secure):
    assert secure.get("/api/incidents").headers["Cache-Control"] == SAFE["Cache-Control"] == "no-store"


def test_over_plain_http_no_browser_is_told_to_use_tls(client):
    assert "Strict-Transport-Security" not in client.get("/api/me").headers


def test_an_unchanged_page_keeps_its_own_policy(secure):
    known = secure.get("/").headers["ETag"]
    unchanged = secure.get("/", headers={"If-None-Match": known})
    assert unchanged.status_code == 304
    assert "Content-Security-Policy" not in unchanged.headers


@contextmanager
def running(application, implementation):
    """A server of the application in a thread; its port."""
    server = uvicorn.Server(uvicorn.Config(application, port=0, log_level="warning", http=implementation))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()


@pytest.mark.parametrize("implementation", ["auto", "h11"])
def test_location_is_spelled_on_the_wire_as_qgis_compares_it(settings, implementation):
    application = create_app(settings, open_reading=True)

    @application.get("/made", status_code=201)
    def made(response: Response) -> None:
        response.headers["Location"] = "/items/1"

    with running(application, implementation) as port:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        connection.request("GET", "/made")
        reply = connection.getresponse()
        connection.close()
    assert ("Location", "/items/1") in reply.getheaders()
