"""Access: every route has a rule, and the rule is kept."""

import datetime as dt

import pytest
from fastapi import APIRouter

from api import access
from api.access import COOKIE, Caller, Permission
from api.app import ROUTERS
from api.dependencies import now
from layers import accounts

#: What anybody may call, signed in or not; every other route needs an account.
PUBLIC = {
    ("GET", "/"),
    ("GET", "/api/me"),
    ("GET", "/docs"),
    ("GET", "/healthz"),
    ("GET", "/login"),
    ("POST", "/login"),
    ("POST", "/logout"),
    ("GET", "/openapi.json"),
    ("GET", "/readyz"),
    ("GET", "/static/{path:path}"),
    ("GET", "/vendor/{path:path}"),
}

WRITES = {
    ("POST", "/api/incidents"): Permission.FILE_INCIDENTS,
    ("POST", "/api/incidents/{incident_id}/reassign"): Permission.DISPATCH_INCIDENTS,
    ("POST", "/api/incidents/{incident_id}/release"): Permission.DISPATCH_INCIDENTS,
}


def test_every_route_has_its_rule():
    rules = access.rules(ROUTERS)
    assert {route for route, need in rules.items() if need is Permission.PUBLIC} == PUBLIC
    for route, need in WRITES.items():
        assert rules[route] is need
    writing = {route for route in rules if route[0] not in {"GET", "HEAD", "OPTIONS"}}
    assert writing - set(WRITES) - PUBLIC == {("POST", "/api/locate")}, "a bulk look-up stores nothing"


def test_a_route_that_names_nothing_is_refused():
    router = APIRouter()

    @router.get("/forgotten")
    def forgotten() -> None: ...

    with pytest.raises(RuntimeError, match="/forgotten names no permission"):
        access.rules([router])


def test_a_mount_is_refused_for_it_can_name_nothing():
    router = APIRouter()
    router.mount("/files", lambda *_: None)
    with pytest.raises(RuntimeError, match="can name no permission"):
        access.rules([router])


def test_every_role_has_permissions():
    assert set(access.ROLES) == set(accounts.ROLES)
    assert access.ROLES["administrator"] == set(Permission)
    for role in ("viewer", "editor", "planner", "reviewer"):
        assert Permission.READ_PERSONAL not in access.ROLES[role]


def test_areas_limit_and_none_means_no_limit():
    path = ["510899", "510899001", "510899001001", "510899001001001"]
    assert Caller("a", frozenset(), ()).covers(path)
    assert Caller("a", frozenset(), ("510899001",)).covers(path)
    assert not Caller("a", frozenset(), ("510899002",)).covers(path)
    assert not Caller("a", frozenset(), ("510899001",)).covers([])


def test_without_an_account_nothing_is_read(client):
    for path in ("/api/locate?lon=105&lat=32&datum=wgs84", "/api/incidents", "/api/revisions", "/metrics"):
        reply = client.get(path)
        assert reply.status_code == 401, path
        assert reply.headers["content-type"] == "application/problem+json"
        assert "Bearer" in reply.headers["WWW-Authenticate"]


def test_reading_is_open_in_the_demo_and_writing_is_not(open_client):
    assert open_client.get("/api/revisions").status_code == 200
    assert open_client.get("/metrics").status_code == 401
    reply = open_client.post(
        "/api/incidents", json={"category": "0101", "lon": 105, "lat": 32, "datum": "wgs84"}
    )
    assert reply.status_code == 401


def test_a_role_without_the_permission_is_told_which(client, sign_in):
    reply = client.get("/metrics", headers=sign_in("viewer"))
    assert reply.status_code == 403
    assert "operate" in reply.json()["detail"]
    assert client.get("/metrics", headers=sign_in("administrator")).status_code == 200


def test_a_wrong_token_is_no_visitor_even_in_the_demo(open_client):
    reply = open_client.get("/api/revisions", headers={"Authorization": "Bearer wrong"})
    assert reply.status_code == 401


def test_name_and_password_serve_where_tokens_cannot(client, sign_in):
    sign_in("viewer", name="qgis")
    assert client.get("/api/me", auth=("qgis", "correct horse")).status_code == 200
    assert client.get("/api/revisions", auth=("qgis", "correct horse")).status_code == 200
    assert client.get("/api/revisions", auth=("qgis", "wrong")).status_code == 401


@pytest.fixture
def browser(client, session, sign_in):
    """A client signed in as a browser is, with its CSRF token."""
    sign_in("dispatcher", name="li")
    secret, csrf = accounts.open_browser_session(session, "li", now=now(), lifetime=dt.timedelta(hours=1))
    session.commit()
    client.cookies.set(COOKIE, secret)
    client.csrf = csrf
    return client


def test_a_browser_reads_by_cookie(browser):
    assert browser.get("/api/me").json()["name"] == "li"
    assert browser.get("/api/revisions").status_code == 200


def test_a_write_by_cookie_needs_the_pages_token(browser):
    body = {"category": "0101", "lon": 105, "lat": 32, "datum": "wgs84"}
    for headers in ({}, {"X-CSRF-Token": "guess"}):
        reply = browser.post("/api/incidents", json=body, headers=headers)
        assert reply.status_code == 403
        assert "CSRF" in reply.json()["detail"]
    reply = browser.post("/api/incidents", json=body, headers={"X-CSRF-Token": browser.csrf})
    assert reply.status_code != 403


def test_an_account_that_is_disabled_ends_within_seconds(client, session, sign_in, monkeypatch):
    headers = sign_in("viewer", name="leaver")
    assert client.get("/api/revisions", headers=headers).status_code == 200
    accounts.deactivate(session, "leaver")
    session.commit()
    monkeypatch.setattr(access, "TRUSTED_S", 0.0)
    assert client.get("/api/revisions", headers=headers).status_code == 401
