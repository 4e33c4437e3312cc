"""The API's own description: FastAPI's, with the problems that every route really answers with."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

_PROBLEM = {
    "type": "object",
    "title": "Problem",
    "description": "RFC 9457. `type` is stable; `errors` lists every fault at once, with what to do.",
    "required": ["type", "title", "title_zh", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "title_zh": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["kind", "message"],
                "properties": {
                    "kind": {"type": "string"},
                    "message": {"type": "string"},
                    "title": {"type": "string"},
                    "title_zh": {"type": "string"},
                    "field": {"type": "string"},
                    "layer": {"type": "string"},
                    "row": {"type": "integer"},
                    "id": {"type": "string"},
                    "lon": {"type": "number"},
                    "lat": {"type": "number"},
                    "size": {"type": "number"},
                    "unit": {"type": "string"},
                },
            },
        },
    },
    "example": {
        "type": "urn:wangge:problem:invalid-data",
        "title": "The data cannot be used",
        "title_zh": "数据无法使用",
        "status": 422,
        "detail": "lon 200 is beyond 180 degrees.",
        "errors": [
            {
                "kind": "coordinate-out-of-range",
                "title": "Coordinate out of range",
                "title_zh": "坐标超出范围",
                "field": "lon",
                "message": "lon 200 is beyond 180 degrees.",
            }
        ],
    },
}
_ANY = {
    "422": "What was asked cannot be answered; every fault is listed",
    "503": "The database does not answer",
}
_SECURED = {
    "401": "No account, or a wrong one",
    "403": "The account may not do this",
    "404": "There is no such thing, or nothing was imported yet",
    "429": "Too many wrong passwords; Retry-After says when to come back",
}
_WITH_BODY = {
    "400": "The body cannot be read as text",
    "409": "It contradicts what is stored",
    "413": "The body is too large",
    "415": "The body's format is not read",
}
_OF_A_VERSION = {
    "412": "Somebody saved it since it was read",
    "428": "If-Match is missing: which version was read",
}


class DescribedApp(FastAPI):
    """An application whose description names its problems."""

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document, made once."""
        if self.openapi_schema is None:
            self.openapi_schema = _described(
                get_openapi(
                    title=self.title,
                    version=self.version,
                    description=self.description,
                    license_info=self.license_info,
                    routes=self.routes,
                )
            )
        return self.openapi_schema


def _described(document: dict[str, Any]) -> dict[str, Any]:
    schemas = document["components"]["schemas"]
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schemas["Problem"] = _PROBLEM
    for operations in document["paths"].values():
        for method, operation in operations.items():
            # FastAPI's own 422 describes a body that our error handlers never send.
            operation["responses"].pop("422", None)
            for status, said in _problems(method, operation).items():
                operation["responses"].setdefault(status, _problem(said))
    return document


def _problems(method: str, operation: dict[str, Any]) -> dict[str, str]:
    found = dict(_ANY)
    if "security" in operation:
        found |= _SECURED
    if method in {"post", "put", "patch"}:
        found |= _WITH_BODY
    if any(parameter["name"] == "If-Match" for parameter in operation.get("parameters", [])):
        found |= _OF_A_VERSION
    if len(operation["responses"].get("200", {}).get("content", {})) > 1 and method == "get":
        found["406"] = "None of the formats in Accept is offered"
    return found


def _problem(said: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": said, "content": {"application/problem+json": {"schema": schema}}}
