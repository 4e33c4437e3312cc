"""Schemas of a layer's features: what they tell (part 5), and what they can be asked for (part 3)."""

from typing import Any

from api.ogc.links import Tree
from api.ogc.queries import queryable
from layers.features.properties import GEOMETRY, Property, properties_of, published

_JSON_TYPES = {"text": "string", "integer": "integer", "boolean": "boolean", "geometry": "string"}
#: A point keeps its kind; what may be one line or polygon is stored as one or several.
_FORMATS = {
    ("Point",): "geometry-point",
    ("LineString", "MultiLineString"): "geometry-linestring",
    ("Polygon", "MultiPolygon"): "geometry-multipolygon",
    # Facilities: sites are a property of their own.
    ("Point", "Polygon", "MultiPolygon"): "geometry-point",
}


def schema(tree: Tree, layer: str) -> dict[str, Any]:
    """Return the schema of a layer's features, titles as QGIS shows them above its columns."""
    told = properties_of(layer).values()
    listed = {
        "id": {
            "title": "标识 id",
            "type": "string",
            "format": "uuid",
            "readOnly": True,
            "x-ogc-role": "id",
        },
        GEOMETRY: _geometry(layer) | {"x-ogc-role": "primary-geometry"},
        **{known.name: _property(known) for known in told},
    }
    required = [known.name for known in told if known.required]
    return _document(tree, layer, "schema", listed) | {"required": [GEOMETRY, *required]}


def queryables(tree: Tree, layer: str) -> dict[str, Any]:
    """Return the schema of what filters on a layer may name; nothing else may be named."""
    listed = {
        GEOMETRY: _geometry(layer),
        **{name: _property(known) for name, known in queryable(layer).items()},
    }
    return _document(tree, layer, "queryables", listed) | {"additionalProperties": False}


def _document(tree: Tree, layer: str, name: str, listed: dict[str, Any]) -> dict[str, Any]:
    spec = published(layer)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": tree.href("collections", layer, name),
        "type": "object",
        "title": f"{spec.zh} {spec.en}",
        "properties": listed,
    }


def _geometry(layer: str) -> dict[str, Any]:
    kinds = published(layer).geometry
    # Homes are polygons or, until surveyed, points.
    homes = layer in {"compounds", "buildings"}
    stated = "geometry-any" if homes else _FORMATS.get(kinds, "geometry-any")
    return {"title": "几何 geometry", "format": stated}


def _property(known: Property) -> dict[str, Any]:
    found: dict[str, Any] = {"title": f"{known.zh} {known.en}", "type": _JSON_TYPES[known.kind]}
    if known.kind == "geometry":
        found["description"] = "WKT, EPSG:4326, longitude first"
    if known.choices:
        found["enum"] = list(known.choices)
    return found
