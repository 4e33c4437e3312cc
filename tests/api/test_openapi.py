"""The API's description is whole: every operation says what it does, shows a reply, and names its problems."""

import json

import pytest

JSON = "application/json"


@pytest.fixture
def document(client):
    """The description as a client reads it."""
    return client.get("/openapi.json").json()


def operations(document):
    """Method, path and operation of every route."""
    return [
        (method, path, operation)
        for path, found in document["paths"].items()
        for method, operation in found.items()
    ]


def resolved(document, schema):
    """A schema with its reference followed."""
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def exemplified(document, schema):
    """Whether a schema shows an example, itself or in what it is made of."""
    schema = resolved(document, schema)
    parts = [*schema.get("properties", {}).values(), *schema.get("anyOf", [])]
    parts += [schema["items"]] if "items" in schema else []
    return "example" in schema or any(exemplified(document, part) for part in parts)


def test_every_operation_says_what_it_does(document):
    for method, path, operation in operations(document):
        assert operation.get("summary"), (method, path)
        assert operation.get("description"), (method, path)


def test_every_json_reply_shows_an_example(document):
    for method, path, operation in operations(document):
        for status, reply in operation["responses"].items():
            content = reply.get("content", {}).get(JSON)
            if content is None or not status.startswith("2"):
                continue
            shown = "example" in content or exemplified(document, content["schema"])
            assert shown, (method, path, status)


def test_every_operation_names_its_problems(document):
    for method, path, operation in operations(document):
        assert "application/problem+json" in operation["responses"]["422"]["content"], (method, path)
        if "security" in operation:
            assert {"401", "403"} <= set(operation["responses"]), (method, path)


def test_every_parameter_is_explained(document):
    for method, path, operation in operations(document):
        for parameter in operation.get("parameters", []):
            said = parameter.get("description") or resolved(document, parameter["schema"]).get("description")
            assert said, (method, path, parameter["name"])


def test_nothing_of_fastapis_own_errors_is_left(document):
    assert "HTTPValidationError" not in json.dumps(document)


def test_a_problem_is_what_the_description_says(client, document):
    schema = document["components"]["schemas"]["Problem"]
    body = client.get("/api/locate").json()
    assert set(schema["required"]) <= set(body)
    assert set(body) <= set(schema["properties"])
