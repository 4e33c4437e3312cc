"""Probes and figures."""

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.settings import Settings
from layers.errors import DatabaseUnavailable


def test_probes_of_a_service_that_is_well(client):
    assert client.get("/healthz").json() == {"status": "ok"}
    ready = client.get("/readyz").json()
    assert ready["status"] == "ok"
    assert ready["revision"] == 0
    assert ready["postgis"] >= "3.3"


def test_a_database_that_is_down_leaves_the_process_alive_but_not_ready():
    gone = Settings(database_url="postgresql://nobody@127.0.0.1:1/none")
    with TestClient(create_app(gone)) as client:
        assert client.get("/healthz").status_code == 200
        reply = client.get("/readyz")
    assert reply.status_code == 503
    assert reply.json()["type"] == "urn:wangge:problem:database-unavailable"


def test_no_database_named_is_refused_at_once(monkeypatch):
    monkeypatch.delenv("WANGGE_DATABASE_URL", raising=False)
    with pytest.raises(DatabaseUnavailable, match="WANGGE_DATABASE_URL"):
        create_app(Settings())


def test_figures_for_prometheus(client, sign_in):
    client.get("/api/me")
    body = client.get("/metrics", headers=sign_in("administrator")).text
    assert 'handler="/api/me"' in body


def test_who_am_i(client, sign_in):
    assert client.get("/api/me").json()["name"] is None
    me = client.get("/api/me", headers=sign_in("dispatcher", "510899001")).json()
    assert me["areas"] == ["510899001"]
    assert "dispatch incidents" in me["permissions"]


def test_every_reply_names_its_request(client):
    assert client.get("/healthz").headers["X-Request-ID"]


def test_a_body_over_the_limit_is_refused(database_url, sign_in):
    small = Settings(database_url=database_url, max_upload_mb=1, threads=4)
    with TestClient(create_app(small)) as client:
        reply = client.post(
            "/api/locate?datum=wgs84",
            content=b"lon,lat\n" + b"1,1\n" * 400_000,
            headers={"Content-Type": "text/csv", **sign_in("administrator")},
        )
    assert reply.status_code == 413
    assert reply.headers["content-type"] == "application/problem+json"
