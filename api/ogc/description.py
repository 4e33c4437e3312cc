"""The tree's own description in OpenAPI 3.0, which is what QGIS and GDAL read (the API's is 3.1)."""

from importlib.metadata import version
from typing import Any

from api.ogc import drafted, periods, written
from api.ogc.links import GEOJSON, JSON, MVT, OPENAPI, SCHEMA, Tree
from api.ogc.queries import DEFAULT_LIMIT, MOST_LIMIT, OF_ITEM, OF_ITEMS, queryable
from api.ogc.tilesets import TILE_MATRIX_SET
from layers.features.collections import COLLECTIONS, Collection
from layers.features.properties import Property

_TYPES = {"text": "string", "integer": "integer", "boolean": "boolean"}
_STATED = {
    "crs": "URI of the CRS of the answer; CRS84 by default",
    "at": "instant (RFC 3339) or date whose state is wanted; now by default",
    "datetime": "instant or interval (`2026-01-01/..`): what was published at some time in it",
    "revision": "revision whose state is wanted; `3/7`: what held from 3 to 7",
    "step": "step of the draft whose state is wanted; the one at which it stands by default",
    "bbox-crs": "URI of the CRS of bbox; CRS84 by default",
    "filter": "condition in CQL2 on what queryables lists",
    "filter-crs": "URI of the CRS of geometries in the filter; CRS84 by default",
    "after": "id of the last feature of the page before; the next link states it",
}
_OF_TILE = {
    "tileMatrix": "zoom level, 0 to 24",
    "tileRow": "row, from the north",
    "tileCol": "column, from 180° west",
}
_NUMBERS = {"type": "array", "items": {"type": "number"}, "minItems": 4, "maxItems": 6}
_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "title_zh": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {"type": "array", "items": {"type": "object"}},
    },
}


def description(tree: Tree) -> dict[str, Any]:
    """Return the OpenAPI 3.0 document of the published tree."""
    paths = _documents()
    for collection in COLLECTIONS.values():
        paths |= _collection(collection, periods.NAMES) | _tiles(collection, periods.NAMES)
    title = "Wangge 网格 · OGC API – Features, Tiles"
    return _document(tree, title, "已发布图层，只读 · Published layers, read-only.", paths)


def of_draft(tree: Tree, title: str) -> dict[str, Any]:
    """Return the OpenAPI 3.0 document of a draft's tree, with its writes."""
    paths = _documents()
    for collection in COLLECTIONS.values():
        for path, operations in _collection(collection, drafted.NAMES).items():
            paths[path] = operations | written.operations(collection, path)
        paths |= _tiles(collection, drafted.NAMES)
    paths["/transactions"] = {"post": written.transaction()}
    said = "草稿图层，可写：每次写入是草稿的一步 · Layers of a draft: each write is one step of it."
    document = _document(tree, f"{title} · OGC API – Features, Tiles", said, paths)
    document["components"]["parameters"] |= written.PARAMETERS
    document["components"]["schemas"] |= written.SCHEMAS
    return document


def _documents() -> dict[str, Any]:
    return {
        "/": _operation("landing", JSON, "Landing page"),
        "/api": _operation("describe", OPENAPI, "This document"),
        "/conformance": _operation("conformance", JSON, "Conformance classes"),
        "/collections": _operation("list_layers", JSON, "Layers"),
        "/tileMatrixSets": _operation("list_tile_matrix_sets", JSON, "Tile matrix sets"),
        f"/tileMatrixSets/{TILE_MATRIX_SET}": _operation("get_tile_matrix_set", JSON, "The tile matrix set"),
    }


def _document(tree: Tree, title: str, said: str, paths: dict[str, Any]) -> dict[str, Any]:
    return {
        "openapi": "3.0.3",
        "info": {
            "title": title,
            "version": version("wangge"),
            "description": said,
            "license": {"name": "Apache-2.0"},
        },
        "servers": [{"url": tree.root}],
        "paths": paths,
        "security": [{"basic": []}, {"bearer": []}],
        "components": {
            "parameters": _parameters(),
            "responses": {"Problem": _problem()},
            "schemas": {"Problem": _PROBLEM},
            "securitySchemes": {
                "basic": {"type": "http", "scheme": "basic"},
                "bearer": {"type": "http", "scheme": "bearer"},
            },
        },
    }


def _collection(collection: Collection, states: tuple[str, ...]) -> dict[str, Any]:
    name, named = collection.name, collection.en
    root = f"/collections/{name}"
    own = [_own(known) for known in queryable(collection.layer).values()]
    one = [{"$ref": "#/components/parameters/id"}, *map(_ref, (*OF_ITEM, *states))]
    return {
        root: _operation(f"describe_{name}", JSON, f"About {named}"),
        f"{root}/items": _operation(
            f"list_{name}", GEOJSON, f"Features of {named}", [*map(_ref, (*OF_ITEMS, *states)), *own]
        ),
        f"{root}/items/{{id}}": _operation(f"get_{name}", GEOJSON, f"One feature of {named}", one),
        f"{root}/queryables": _operation(f"queryables_{name}", SCHEMA, f"What {named} can be asked for"),
        f"{root}/schema": _operation(f"schema_{name}", SCHEMA, f"What {named} tell"),
    }


def _tiles(collection: Collection, states: tuple[str, ...]) -> dict[str, Any]:
    name, named = collection.name, collection.en
    root = f"/collections/{name}/tiles"
    at = [*map(_ref, (*_OF_TILE, *states))]
    tile = _operation(f"tile_{name}", MVT, f"A vector tile of {named}", at)
    answers = tile["get"]["responses"]
    answers["200"]["content"][MVT]["schema"] = {"type": "string", "format": "binary"}
    answers["204"] = {"description": "no feature there"}
    return {
        root: _operation(f"tilesets_{name}", JSON, f"Tilesets of {named}"),
        f"{root}/{TILE_MATRIX_SET}": _operation(f"tileset_{name}", JSON, f"Tileset of {named}"),
        f"{root}/{TILE_MATRIX_SET}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}": tile,
    }


def _operation(
    name: str, media_type: str, summary: str, parameters: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    said = {"description": summary, "content": {media_type: {"schema": {"type": "object"}}}}
    problem = {"$ref": "#/components/responses/Problem"}
    refused = dict.fromkeys(("400", "401", "403", "404", "422", "503"), problem)
    return {
        "get": {
            "operationId": name,
            "summary": summary,
            "parameters": parameters or [],
            "responses": {"200": said, **refused},
        }
    }


def _parameters() -> dict[str, Any]:
    limit = {"type": "integer", "minimum": 1, "maximum": MOST_LIMIT, "default": DEFAULT_LIMIT}
    languages = {"type": "string", "enum": ["cql2-text", "cql2-json"], "default": "cql2-text"}
    found = {name: _parameter(name, {"type": "string"}, said) for name, said in _STATED.items()}
    found["limit"] = _parameter("limit", limit, "features a page; more than the maximum means the maximum")
    found["filter-lang"] = _parameter("filter-lang", languages, "language of the filter")
    found["bbox"] = _parameter("bbox", _NUMBERS, "lower and upper corner, axes as in bbox-crs") | {
        "style": "form",
        "explode": False,
    }
    found["id"] = _parameter("id", {"type": "string", "format": "uuid"}, "id of a feature") | {
        "in": "path",
        "required": True,
    }
    numbered = {"type": "string", "pattern": "^[0-9]{1,9}$"}
    for name, said in _OF_TILE.items():
        found[name] = _parameter(name, numbered, said) | {"in": "path", "required": True}
    return found


def _parameter(name: str, schema: dict[str, Any], said: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "description": said, "schema": schema}


def _own(known: Property) -> dict[str, Any]:
    return _parameter(known.name, {"type": _TYPES[known.kind]}, f"{known.zh} {known.en}: equal to")


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/parameters/{name}"}


def _problem() -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        "description": "What is wrong, with every fault (RFC 9457); to QGIS as an OWS exception report",
        "content": {"application/problem+json": {"schema": schema}},
    }
