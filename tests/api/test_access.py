"""Access: every route has a rule, and the rule is kept."""

import base64
import datetime as dt

import pytest
from fastapi import APIRouter

from api import access, guesses
from api.access import COOKIE, Caller, Permission
from api.app import ROUTERS
from api.dependencies import now
from layers import accounts

#: What of OGC API – Features is read; each path answers OPTIONS and HEAD too.
OGC = (
    "/ogc",
    "/ogc/",
    "/ogc/api",
    "/ogc/conformance",
    "/ogc/collections",
    "/ogc/collections/{layer}",
    "/ogc/collections/{layer}/items",
    "/ogc/collections/{layer}/items/{item_id}",
    "/ogc/collections/{layer}/queryables",
    "/ogc/collections/{layer}/schema",
    "/ogc/collections/{layer}/tiles",
    "/ogc/collections/{layer}/tiles/WebMercatorQuad",
    "/ogc/collections/{layer}/tiles/WebMercatorQuad/{zoom}/{row}/{column}",
    "/ogc/tileMatrixSets",
    "/ogc/tileMatrixSets/WebMercatorQuad",
)
#: What is read of a draft's tree, and the writes to it.
_DRAFT = "/ogc/drafts/{draft_id}"
OGC_DRAFT = tuple(path.replace("/ogc", _DRAFT, 1) for path in OGC)
_ITEMS = f"{_DRAFT}/collections/{{layer}}/items"
OGC_WRITES = (
    f"POST {_ITEMS}",
    *(f"{method} {_ITEMS}/{{item_id}}" for method in ("PUT", "PATCH", "DELETE")),
    *(f"{method} {_DRAFT}/transactions" for method in ("OPTIONS", "POST")),
)
#: Every route with its rule: a new route is written down here before it is served.
RULES = {
    Permission.PUBLIC: {
        "GET /",
        "GET /api/me",
        "GET /assets/{path:path}",
        "GET /docs",
        "GET /healthz",
        "GET /login",
        "POST /login",
        "POST /logout",
        "GET /openapi.json",
        "GET /readyz",
    },
    Permission.READ_LAYERS: {
        "GET /api/coverage",
        "GET /api/coverage/capacity",
        "GET /api/coverage/changes",
        "GET /api/coverage/elements",
        "GET /api/coverage/nearest",
        "GET /api/coverage/gaps",
        "GET /api/coverage/report",
        "GET /api/facilities",
        "GET /api/facilities/{id}/circle",
        "GET /api/facility-types",
        "GET /api/jobs",
        "GET /api/jobs/{job_id}",
        "POST /api/jobs/{job_id}/cancel",
        "GET /api/layers/{layer}/defects",
        "GET /api/locate",
        "POST /api/locate",
        "GET /api/areas/{code}/blame",
        "GET /api/areas/{code}/lineage",
        "GET /api/layers/{layer}",
        "GET /api/revisions",
        "GET /api/revisions/events",
        "GET /api/revisions/{earlier}/diff/{later}",
        "GET /api/revisions/{earlier}/impact/{later}",
        "GET /api/revisions/{earlier}/impact/{later}/report",
        "GET /api/revisions/{number}",
        "GET /api/scenarios",
        "GET /api/scenarios/{scenario_id}",
        "GET /api/scenarios/{scenario_id}/coverage",
        "GET /api/streets/report",
        "GET /api/search",
        "POST /api/siting",
        "GET /coverage",
        "GET /gaps",
        "GET /layers",
        "GET /locate",
        "GET /maps/coverage.html",
        "GET /maps/data/areas.json",
        "GET /maps/data/coverage.json",
        "GET /maps/data/diff.json",
        "GET /maps/data/streets.json",
        "GET /maps/diff.html",
        "GET /revisions",
        "GET /maps/grids.html",
        *(f"{method} {path}" for method in ("GET", "HEAD", "OPTIONS") for path in OGC),
        "GET /scenarios",
        "GET /scenarios/{scenario_id}",
        "GET /streets",
        "GET /siting",
    },
    Permission.READ_STATISTICS: {
        "GET /api/borders",
        "GET /maps/borders.html",
        "GET /maps/data/borders.json",
    },
    Permission.PLAN: {
        "POST /api/scenarios",
        "PUT /api/scenarios/{scenario_id}",
        "DELETE /api/scenarios/{scenario_id}",
    },
    Permission.EDIT: {
        "GET /api/drafts",
        "POST /api/drafts",
        "GET /api/drafts/{draft_id}",
        "PATCH /api/drafts/{draft_id}",
        "GET /api/drafts/{draft_id}/conflicts",
        "GET /api/drafts/{draft_id}/defects",
        "GET /api/drafts/{draft_id}/diff",
        "POST /api/drafts/{draft_id}/discard",
        "GET /api/drafts/{draft_id}/edits",
        "POST /api/drafts/{draft_id}/edits",
        "GET /api/drafts/{draft_id}/features/{layer}/{code}",
        "GET /api/drafts/{draft_id}/impact",
        "GET /api/drafts/{draft_id}/impact/report",
        "POST /api/drafts/{draft_id}/imports/{layer}",
        "GET /api/drafts/{draft_id}/layers/{layer}",
        "GET /api/drafts/{draft_id}/notes",
        "POST /api/drafts/{draft_id}/notes",
        "POST /api/drafts/{draft_id}/rebase",
        "POST /api/drafts/{draft_id}/redo",
        "POST /api/drafts/{draft_id}/submit",
        "POST /api/drafts/{draft_id}/undo",
        "POST /api/drafts/{draft_id}/withdraw",
        "GET /api/drafts/{draft_id}/worse",
        "GET /drafts",
        "GET /drafts/{draft_id}",
        *(f"{method} {path}" for method in ("GET", "HEAD", "OPTIONS") for path in OGC_DRAFT),
        *OGC_WRITES,
        "GET /maps/data/drafts/{draft_id}.json",
    },
    Permission.REVIEW: {
        "POST /api/drafts/{draft_id}/approve",
        "POST /api/drafts/{draft_id}/reject",
    },
    Permission.PUBLISH: {
        "POST /api/drafts/{draft_id}/publish",
        "POST /api/revisions/{number}/restore",
        "POST /api/revisions/{number}/revert",
    },
    Permission.READ_INCIDENTS: {
        "GET /api/incidents",
        "GET /api/incidents/{incident_id}",
        "GET /api/incidents/{incident_id}/neighbours",
        "GET /incidents",
        "GET /incidents/{incident_id}",
        "GET /maps/data/incidents.json",
        "GET /maps/incidents.html",
    },
    Permission.FILE_INCIDENTS: {"POST /api/incidents"},
    Permission.DISPATCH_INCIDENTS: {
        "POST /api/incidents/{incident_id}/place",
        "POST /api/incidents/{incident_id}/reassign",
        "POST /api/incidents/{incident_id}/release",
    },
    Permission.OPERATE: {"GET /metrics"},
}


def test_every_route_has_its_rule():
    found: dict[Permission, set[str]] = {}
    for (method, path), need in access.rules(ROUTERS).items():
        found.setdefault(need, set()).add(f"{method} {path}")
    assert found == RULES


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


# --- passwords --------------------------------------------------------------------------------------------


def test_names_and_passwords_may_be_chinese(client, session):
    accounts.create(session, "张伟", "网格密码一二三四", "viewer", now=now())
    session.commit()
    pair = base64.b64encode("张伟:网格密码一二三四".encode()).decode()
    reply = client.get("/api/me", headers={"Authorization": f"Basic {pair}"})
    assert reply.json()["name"] == "张伟"


@pytest.mark.parametrize("pair", [b"no colon", b"\xff\xfe:x", b"nul\x00:password"])
def test_what_is_no_name_and_password_is_refused(client, pair):
    reply = client.get("/api/me", headers={"Authorization": f"Basic {base64.b64encode(pair).decode()}"})
    assert reply.status_code in {401, 422}
    assert reply.headers["content-type"] == "application/problem+json"


def test_guessing_a_password_is_stopped_for_that_account_and_client(client, sign_in):
    sign_in("viewer", name="wang")
    sign_in("viewer", name="zhao")
    guesses = [client.get("/api/me", auth=("wang", f"guess {turn}")).status_code for turn in range(12)]
    assert guesses == [401] * 10 + [429] * 2
    stopped = client.get("/api/me", auth=("wang", "correct horse"))
    assert stopped.status_code == 429, "nor does the right one help within the time"
    assert stopped.json()["type"] == "urn:wangge:problem:too-many-requests"
    assert 0 < int(stopped.headers["Retry-After"]) <= 15 * 60
    assert client.get("/api/me", auth=("zhao", "correct horse")).status_code == 200


def test_the_right_password_is_never_counted(client, sign_in, monkeypatch):
    sign_in("viewer", name="qgis")
    monkeypatch.setattr(access, "TRUSTED_S", 0.0)
    replies = [client.get("/api/me", auth=("qgis", "correct horse")).status_code for _ in range(12)]
    assert replies == [200] * 12


def test_trying_one_password_on_many_accounts_is_stopped_for_that_client(client, monkeypatch):
    monkeypatch.setattr(guesses, "MOST_FROM_A_CLIENT", 3)
    tried = [client.get("/api/me", auth=(f"name{turn}", "spring2026")).status_code for turn in range(4)]
    assert tried == [401, 401, 401, 429]


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}]
)
def test_another_sites_page_cannot_write_with_a_password_the_browser_repeats(client, sign_in, headers):
    sign_in("dispatcher", name="li")
    body = {"category": "0101", "address": "滨江路 1 号"}
    ask = {"json": body, "auth": ("li", "correct horse")}
    assert client.post("/api/incidents", headers=headers, **ask).status_code == 403
    assert client.post("/api/incidents", headers={"Origin": "http://testserver"}, **ask).status_code == 201
    assert client.post("/api/incidents", **ask).status_code == 201, "a program sends no origin"
