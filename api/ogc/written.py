"""The writes of a draft's tree, as its description in OpenAPI 3.0 tells them."""

from collections.abc import Sequence
from typing import Any

from api.ogc.links import GEOJSON, JSON
from api.ogc.transactions import MEDIA_TYPES, MOST
from layers.features.collections import COLLECTIONS, Collection

_MERGE_PATCH = "application/merge-patch+json"
_GEOMETRY = {
    "type": "object",
    "required": ["type", "coordinates"],
    "properties": {
        "type": {"type": "string", "enum": ["Point", "LineString", "Polygon", "MultiPolygon"]},
        "coordinates": {"type": "array", "items": {}},
    },
}
_PROPERTIES = {"type": "object", "nullable": True, "description": "as the collection's schema tells them"}
_NAMED_VALUES = {
    "type": "array",
    "minItems": 1,
    "description": "properties with their values; `geometry` is the feature's",
    "items": {
        "type": "object",
        "required": ["name", "value"],
        "properties": {"name": {"type": "string"}, "value": {}},
    },
}
_ONE = ("id", "If-Match")
_ADDRESSES = {"type": "array", "items": {"type": "string", "format": "uri"}}

#: What a write may state beside its body.
PARAMETERS: dict[str, Any] = {
    "Content-Crs": {
        "name": "Content-Crs",
        "in": "header",
        "required": False,
        "description": "URI of the CRS of the body, in brackets <> or without; CRS84 by default",
        "schema": {"type": "string"},
    },
    "If-Match": {
        "name": "If-Match",
        "in": "header",
        "required": False,
        "description": "ETag of the feature as it was read; 412 where it is another one now",
        "schema": {"type": "string"},
    },
    "If-Match-Draft": {
        "name": "If-Match",
        "in": "header",
        "required": False,
        "description": "ETag of the draft as it was read; 412 where it was written to since",
        "schema": {"type": "string"},
    },
    "Prefer": {
        "name": "Prefer",
        "in": "header",
        "required": False,
        "description": "`return=minimal`: counts alone; `return=none`: nothing",
        "schema": {"type": "string"},
    },
    "Idempotency-Key": {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "description": "name of this request: sent again, it writes nothing more and is answered alike",
        "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    },
}

#: Bodies.
SCHEMAS: dict[str, Any] = {
    "Feature": {
        "type": "object",
        "required": ["type", "geometry", "properties"],
        "properties": {
            "type": {"type": "string", "enum": ["Feature"]},
            "geometry": _GEOMETRY,
            "properties": _PROPERTIES,
        },
    },
    "Transaction": {
        "type": "object",
        "description": "Actions in their order, after OGC API – Features – Part 11; all take place, or none",
        "required": ["transaction"],
        "properties": {
            "semantic": {"type": "string", "enum": ["atomic"], "default": "atomic"},
            "transaction": {
                "type": "array",
                "minItems": 1,
                "maxItems": MOST,
                "items": {"$ref": "#/components/schemas/Action"},
            },
        },
    },
    "Action": {
        "type": "object",
        "required": ["action", "collection"],
        "properties": {
            "action": {"type": "string", "enum": ["insert", "replace", "update", "delete"]},
            "collection": {"type": "string", "enum": list(COLLECTIONS)},
            "items": {
                "type": "array",
                "minItems": 1,
                "description": "new features, of insert",
                "items": {"$ref": "#/components/schemas/Feature"},
            },
            "filter": {
                "description": "which features, of every other action: ids, CQL2 JSON, or CQL2 text",
                "oneOf": [
                    {"type": "string"},
                    {
                        "type": "object",
                        "required": ["ids"],
                        "properties": {
                            "ids": {
                                "type": "array",
                                "minItems": 1,
                                "items": {"type": "string", "format": "uuid"},
                            }
                        },
                    },
                    {"type": "object", "required": ["op", "args"]},
                ],
            },
            "filter-lang": {"type": "string", "enum": ["cql2-text", "cql2-json"]},
            "filter-crs": {"type": "string"},
            "properties": {
                "type": "object",
                "description": "`feature`, of replace; `add`, `modify`, `delete`, of update",
                "properties": {
                    "feature": {"$ref": "#/components/schemas/Feature"},
                    "add": _NAMED_VALUES,
                    "modify": _NAMED_VALUES,
                    "delete": {"type": "array", "minItems": 1, "items": {"type": "string"}},
                },
            },
        },
    },
    "Transacted": {
        "type": "object",
        "properties": {
            "semantic": {"type": "string", "enum": ["atomic"]},
            "summary": {"type": "object", "additionalProperties": {"type": "integer"}},
            **{f"{name}Results": _ADDRESSES for name in ("insert", "update", "replace", "delete")},
        },
    },
    "Patch": {
        "type": "object",
        "description": "geometry, or the properties to be changed; null unsets one (RFC 7396)",
        "properties": {"geometry": _GEOMETRY, "properties": _PROPERTIES},
    },
}


def operations(collection: Collection, path: str) -> dict[str, Any]:
    """Return the writes that a path of a collection offers, by method."""
    name, named = collection.name, collection.en
    if path.endswith("/items"):
        created = {
            "description": "The feature as it is stored",
            "headers": {"Location": {"description": "its address", "schema": {"type": "string"}}},
            "content": _feature(GEOJSON),
        }
        about = f"Store a new feature of {named}"
        return {"post": _operation(f"create_{name}", about, {"201": created}, _feature(GEOJSON, JSON))}
    if not path.endswith("/items/{id}"):
        return {}
    stored = {"200": {"description": "The feature as it is stored", "content": _feature(GEOJSON)}}
    gone = {"204": {"description": "It has ended"}}
    patch = {_MERGE_PATCH: {"schema": {"$ref": "#/components/schemas/Patch"}}}
    return {
        "put": _operation(
            f"replace_{name}", f"Replace a feature of {named}", stored, _feature(GEOJSON, JSON), _ONE
        ),
        "patch": _operation(f"update_{name}", f"Change a feature of {named}", stored, patch, _ONE),
        "delete": _operation(f"remove_{name}", f"End a feature of {named}", gone, None, _ONE),
    }


def transaction() -> dict[str, Any]:
    """Return the writing of many features at once."""
    done = {
        "200": {
            "description": "What was written: counts, and the address of each feature",
            "content": {JSON: {"schema": {"$ref": "#/components/schemas/Transacted"}}},
        },
        "204": {"description": "It was written, and no answer is preferred"},
    }
    schema = {"schema": {"$ref": "#/components/schemas/Transaction"}}
    bodies = dict.fromkeys(MEDIA_TYPES, schema)
    about = "Store many writes as one step, or none"
    return _operation("transact", about, done, bodies, ["If-Match-Draft", "Prefer"])


def _operation(
    name: str,
    summary: str,
    done: dict[str, Any],
    body: dict[str, Any] | None,
    stated: Sequence[str] = (),
) -> dict[str, Any]:
    """Describe a write; ``stated`` is what it may state beside its body and what every write may."""
    problem = {"$ref": "#/components/responses/Problem"}
    guarded = any(each.startswith("If-Match") for each in stated)
    refused = ["400", "401", "403", "404", "409", *(["412"] if guarded else []), "413", "415", "503"]
    named = [*stated, "Idempotency-Key", *(["Content-Crs"] if body else [])]
    found: dict[str, Any] = {
        "operationId": name,
        "summary": summary,
        "parameters": [{"$ref": f"#/components/parameters/{each}"} for each in named],
        "responses": {**done, **dict.fromkeys(refused, problem)},
    }
    if body:
        found["requestBody"] = {"required": True, "content": body}
    return found


def _feature(*media_types: str) -> dict[str, Any]:
    schema = {"schema": {"$ref": "#/components/schemas/Feature"}}
    return dict.fromkeys(media_types, schema)
