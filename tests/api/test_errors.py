"""Every failure is a problem document that says what to do and hides what it must."""

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from api import errors
from api.errors import PROBLEMS, Problem
from geo.faults import DataError, Fault
from layers.errors import (
    BeforeHistory,
    Conflict,
    DatabaseFull,
    DatabaseOutdated,
    DatabaseUnavailable,
    NotFound,
)

RAISED = {
    "data": DataError(
        [
            Fault(kind="coordinate-out-of-range", field="lon", message="lon 200 is beyond 180."),
            Fault(kind="coordinate-not-a-number", field="lat", row=3, message="lat 'x' is no number."),
        ]
    ),
    "before": BeforeHistory(),
    "missing": NotFound("There is no grid 7."),
    "conflict": Conflict(),
    "down": DatabaseUnavailable(),
    "full": DatabaseFull(),
    "outdated": DatabaseOutdated(),
    "problem": Problem("not-acceptable", "Ask for JSON."),
    "secret": RuntimeError("password=hunter2"),
}


@pytest.fixture(scope="module")
def client():
    """An application whose routes only fail."""
    app = FastAPI()
    errors.install(app)

    @app.get("/fail/{name}")
    def fail(name: str) -> None:
        raise RAISED[name]

    @app.get("/typed")
    def typed(minutes: int, level: int) -> None: ...

    @app.post("/body")
    def body(said: dict[str, int]) -> None: ...

    return TestClient(app, raise_server_exceptions=False)


@pytest.mark.parametrize(
    ("name", "status", "kind"),
    [
        ("data", 422, "invalid-data"),
        ("before", 422, "before-history"),
        ("missing", 404, "not-found"),
        ("conflict", 409, "conflict"),
        ("down", 503, "database-unavailable"),
        ("full", 503, "database-unavailable"),
        ("outdated", 503, "database-unavailable"),
        ("problem", 406, "not-acceptable"),
        ("secret", 500, "internal"),
    ],
)
def test_each_error_has_its_problem(client, name, status, kind):
    reply = client.get(f"/fail/{name}")
    assert reply.status_code == status
    assert reply.headers["content-type"] == "application/problem+json"
    body = reply.json()
    assert body["type"] == f"urn:wangge:problem:{kind}"
    assert body["status"] == status
    assert body["title"]
    assert body["title_zh"]
    assert body["detail"]


def test_all_faults_come_at_once_with_field_and_row(client):
    found = client.get("/fail/data").json()["errors"]
    assert [(fault["kind"], fault["field"], fault.get("row")) for fault in found] == [
        ("coordinate-out-of-range", "lon", None),
        ("coordinate-not-a-number", "lat", 3),
    ]


def test_a_failure_of_ours_hides_its_text_and_names_a_reference(client):
    body = client.get("/fail/secret").text
    assert "hunter2" not in body
    assert "logged under" in body


def test_an_unavailable_database_says_when_to_come_back(client):
    assert client.get("/fail/down").headers["Retry-After"] == "5"


def test_every_wrong_parameter_is_named(client):
    body = client.get("/typed?minutes=ten").json()
    assert {error["field"] for error in body["errors"]} == {"minutes", "level"}


def test_a_body_that_is_not_json_is_told_with_its_place(client):
    reply = client.post("/body", content=b'{"lon":', headers={"content-type": "application/json"})
    assert reply.status_code == 422
    [error] = reply.json()["errors"]
    assert error["field"] == "body"
    assert error["message"] == "This is not JSON: Expecting value (character 7)."


def test_unknown_paths_and_methods(client):
    assert client.get("/nowhere").json()["type"] == "urn:wangge:problem:not-found"
    assert client.post("/typed").json()["type"] == "urn:wangge:problem:method-not-allowed"


def test_every_problem_is_a_client_or_server_error():
    assert all(400 <= status < 600 and title and zh for status, title, zh in PROBLEMS.values())


@pytest.mark.parametrize(("lang", "words"), [("zh", "数据无法使用"), ("en", "The data cannot be used")])
def test_who_opens_a_failing_address_in_a_browser_reads_a_page(client, lang, words):
    reply = client.get(f"/fail/data?lang={lang}", headers={"Accept": "text/html,*/*;q=0.8"})
    assert reply.status_code == 422
    assert reply.headers["content-type"].startswith("text/html")
    assert "script-src 'nonce-" in reply.headers["Content-Security-Policy"]
    for said in (words, "lon 200 is beyond 180.", "lat &#39;x&#39; is no number.", "2 faults"):
        assert said in reply.text


def test_the_page_of_a_failure_escapes_what_was_sent_and_hides_what_it_must(client):
    page = {"Accept": "text/html"}
    assert "<script>" not in client.get("/nothing?<script>=1&lang=<script>", headers=page).text
    failed = client.get("/fail/secret", headers=page)
    assert failed.status_code == 500
    assert "hunter2" not in failed.text


def test_a_database_that_is_down_says_when_to_come_back_on_its_page_too(client):
    assert client.get("/fail/down", headers={"Accept": "text/html"}).headers["Retry-After"] == "5"
