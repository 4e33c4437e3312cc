"""Misspelt parameters are refused rather than passed over."""

from typing import Annotated

import pytest
from fastapi import Depends, FastAPI, Query
from fastapi.testclient import TestClient

from api import errors, parameters


@pytest.fixture(scope="module")
def client():
    """A route with parameters of its own and of a dependency."""
    app = FastAPI(dependencies=[Depends(parameters.known)])
    errors.install(app)

    def paged(limit: int = 10) -> int:
        return limit

    @app.get("/page")
    def page() -> None: ...

    @app.get("/api/incidents")
    def find(
        limit: Annotated[int, Depends(paged)], area: str = "", kind: Annotated[str, Query(alias="type")] = ""
    ) -> str:
        return f"{area}{kind}{limit}"

    return TestClient(app)


def test_what_a_route_and_its_dependencies_take_is_known(client):
    assert client.get("/api/incidents?area=1&type=2&limit=3").json() == "123"


def test_every_other_name_is_told_with_those_there_are(client):
    reply = client.get("/api/incidents?area_code=1&kind=2&limit=3")
    assert reply.status_code == 422
    faults = {error["field"]: error["message"] for error in reply.json()["errors"]}
    assert set(faults) == {"area_code", "kind"}
    assert "there are: area, limit, type." in faults["kind"]


def test_a_page_takes_no_notice(client):
    assert client.get("/page?from=mail").status_code == 200
