"""Schemas of a layer's features: what they tell (part 5), and what they can be asked for (part 3)."""

from typing import Any

from api.ogc.links import Tree
from api.ogc.queries import queryable
from layers.catalogue import spec_of
from layers.features.collections import Collection
from layers.features.properties import GEOMETRY, READ_ONLY, Property, properties_of

_JSON_TYPES = {"text": "string", "integer": "integer", "boolean": "boolean", "geometry": "string"}


def schema(tree: Tree, collection: Collection, *, written: bool = False) -> dict[str, Any]:
    """Return the schema of a collection's features, titles as QGIS shows them above its columns.

    Of what can be `written` only that is required which the service does not find by itself.
    """
    told = properties_of(collection.layer).values()
    listed = {
        "id": {
            "title": "标识 id",
            "type": "string",
            "format": "uuid",
            "readOnly": True,
            "x-ogc-role": "id",
        },
        GEOMETRY: _geometry(collection) | {"x-ogc-role": "primary-geometry"},
        **{known.name: _property(known) for known in told},
    }
    stated = {each.name for each in spec_of(collection.layer).fields if each.required}
    required = [known.name for known in told if (known.name in stated if written else known.required)]
    return _document(tree, collection, "schema", listed) | {"required": [GEOMETRY, *required]}


def queryables(tree: Tree, collection: Collection) -> dict[str, Any]:
    """Return the schema of what filters on a collection may name; nothing else may be named."""
    listed = {
        GEOMETRY: _geometry(collection),
        **{name: _property(known) for name, known in queryable(collection.layer).items()},
    }
    return _document(tree, collection, "queryables", listed) | {"additionalProperties": False}


def _document(tree: Tree, collection: Collection, name: str, listed: dict[str, Any]) -> dict[str, Any]:
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": tree.href("collections", collection.name, name),
        "type": "object",
        "title": f"{collection.zh} {collection.en}",
        "properties": listed,
    }


def _geometry(collection: Collection) -> dict[str, Any]:
    return {"title": "几何 geometry", "format": f"geometry-{collection.geometry.lower()}"}


def _property(known: Property) -> dict[str, Any]:
    found: dict[str, Any] = {"title": f"{known.zh} {known.en}", "type": _JSON_TYPES[known.kind]}
    if known.name in READ_ONLY:
        found["readOnly"] = True
    if known.kind == "geometry":
        found["description"] = "WKT, EPSG:4326, longitude first"
    if known.choices:
        found["enum"] = list(known.choices)
    return found
