"""Requests made up from the API's own description: no failure of ours, and no reply that it does not describe."""

from contextlib import suppress

import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from api.app import create_app
from api.dependencies import now
from api.routers import events
from api.settings import Settings
from layers import accounts, database
from tests import walking_city
from tests.conftest import fresh_database

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
#: Requests made up for each operation and kind: enough to vary every parameter, few enough to be quick.
EXAMPLES = 30
SETTINGS = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def described(server):
    """The description, bound to the application on the walking city, and an administrator's header."""
    for url in fresh_database(server):
        engine = database.make_engine(url, pool_size=2)
        with database.sessions(engine)() as session:
            walking_city.build(session)
            accounts.create(session, "root", "correct horse", "administrator", now=now())
            token = accounts.issue_token(session, "root", "made up", now=now())
            session.commit()
        engine.dispose()
        application = create_app(Settings(database_url=url, threads=8))
        with TestClient(application), pytest.MonkeyPatch.context() as patched:
            # A stream of events ends at its time only.
            patched.setattr(events, "LONGEST_S", 0.05)
            schema = schemathesis.openapi.from_asgi("/openapi.json", application)
            yield schema, {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
def test_requests_made_up_from_the_description(described, mode):
    """Both such as the description allows and such as it forbids."""
    schema, headers = described
    asked = made_up(schema, headers, mode)
    assert {"GET /api/locate", "POST /api/locate", "POST /api/incidents", "GET /api/coverage"} <= asked


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
def test_requests_made_up_from_the_description_of_ogc(described, mode):
    """Of the layers one, for all are described alike."""
    schema, headers = described
    tree = schemathesis.openapi.from_asgi("/ogc/api", schema.app, headers=headers)
    asked = made_up(tree.include(path_regex="facilities|^/[a-z]*$"), headers, mode)
    assert "GET /collections/facilities/items" in asked or mode is GenerationMode.NEGATIVE


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
def test_requests_made_up_from_the_description_of_a_draft(described, mode):
    """Of its layers one; what can be written is."""
    schema, headers = described
    with TestClient(schema.app, headers=headers) as client:
        draft = client.post("/api/drafts", json={"title": "编的"}).json()["id"]
    tree = schemathesis.openapi.from_asgi(f"/ogc/drafts/{draft}/api", schema.app, headers=headers)
    asked = made_up(tree.include(path_regex="facilities/items"), headers, mode)
    assert {"POST /collections/facilities/items", "PATCH /collections/facilities/items/{id}"} <= asked


def made_up(schema, headers, mode):
    """Ask every operation of a description; return which were asked."""
    asked = set()
    for found in schema.get_all_operations():
        operation = found.ok()

        @SETTINGS
        @given(case=operation.as_strategy(generation_mode=mode))
        def ask(case):
            asked.add(case.operation.label)
            case.call_and_validate(headers=headers, checks=CHECKS)

        # Where nothing is described that could be violated, there is nothing to ask.
        with suppress(Unsatisfiable):
            ask()
    return asked
