"""The writes of a draft's tree, as its description in OpenAPI 3.0 tells them."""

from typing import Any

from api.ogc.links import GEOJSON, JSON
from layers.features.collections import Collection

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
    "Idempotency-Key": {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "description": "name of this request: sent again, it writes nothing more and is answered alike",
        "schema": {"type": "string", "minLength": 1, "maxLength": 200},
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
            f"replace_{name}", f"Replace a feature of {named}", stored, _feature(GEOJSON, JSON), one=True
        ),
        "patch": _operation(f"update_{name}", f"Change a feature of {named}", stored, patch, one=True),
        "delete": _operation(f"remove_{name}", f"End a feature of {named}", gone, None, one=True),
    }


def _operation(
    name: str,
    summary: str,
    done: dict[str, Any],
    body: dict[str, Any] | None,
    *,
    one: bool = False,
) -> dict[str, Any]:
    problem = {"$ref": "#/components/responses/Problem"}
    refused = ["400", "401", "403", "404", "409", "413", "415", "503", *(["412"] if one else [])]
    named = ["id", "If-Match"] if one else []
    named += ["Idempotency-Key", *(["Content-Crs"] if body else [])]
    found: dict[str, Any] = {
        "operationId": name,
        "summary": summary,
        "parameters": [{"$ref": f"#/components/parameters/{each}"} for each in named],
        "responses": {**done, **dict.fromkeys(sorted(refused), problem)},
    }
    if body:
        found["requestBody"] = {"required": True, "content": body}
    return found


def _feature(*media_types: str) -> dict[str, Any]:
    schema = {"schema": {"$ref": "#/components/schemas/Feature"}}
    return dict.fromkeys(media_types, schema)
