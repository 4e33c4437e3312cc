"""The documents that lead to the features: landing page, conformance, collections."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from api.ogc import systems
from api.ogc.links import (
    GEOJSON,
    JSON,
    OPENAPI,
    QUERYABLES,
    SCHEMA,
    SCHEMA_OF,
    TILESETS,
    TILING_SCHEMES,
    Tree,
    link,
)
from layers.deployment import Deployment
from layers.features.collections import COLLECTIONS, Collection
from layers.features.pages import Box

_SPEC = "http://www.opengis.net/spec"

# What of the standards is kept to. QGIS asks for none of parts 2, 3 and 5 that is not listed here.
_READING = (
    *(f"{_SPEC}/ogcapi-features-1/1.0/conf/{name}" for name in ("core", "geojson", "oas30")),
    f"{_SPEC}/ogcapi-features-2/1.0/conf/crs",
    *(
        f"{_SPEC}/ogcapi-features-3/1.0/conf/{name}"
        for name in ("queryables", "queryables-query-parameters", "filter", "features-filter")
    ),
    *(
        f"{_SPEC}/cql2/1.0/conf/{name}"
        for name in (
            "cql2-text",
            "cql2-json",
            "basic-cql2",
            "advanced-comparison-operators",
            "case-insensitive-comparison",
            "basic-spatial-functions",
            "basic-spatial-functions-plus",
            "spatial-functions",
            "property-property",
            "arithmetic",
        )
    ),
    *(f"{_SPEC}/ogcapi-features-5/1.0/conf/{name}" for name in ("schemas", "core-roles-features")),
)
_TILES = (
    *(
        f"{_SPEC}/ogcapi-tiles-1/1.0/conf/{name}"
        for name in ("core", "tileset", "tilesets-list", "geodata-tilesets", "mvt", "oas30")
    ),
    *(f"{_SPEC}/tms/2.0/conf/{name}" for name in ("tilematrixset", "json-tilematrixset")),
)
_WRITING = (
    *(
        f"{_SPEC}/ogcapi-features-4/1.0/conf/{name}"
        for name in ("create-replace-delete", "update", "features", "optimistic-locking-etags")
    ),
    *(
        f"{_SPEC}/ogcapi-features-11/1.0/conf/{name}"
        for name in ("transactions", "atomic-transactions", "json-transactions", "features")
    ),
)


@dataclass(frozen=True, slots=True)
class Shown:
    """What a tree shows.

    Parameters
    ----------
    title, description
        What its landing page says.
    deployment
        None before the first layer.
    since
        The instant from which on there is something; None where there is nothing.
    attribution
        Whose data the layers are, where stated.
    extent
        Tells the box around a collection (west, south, east, north; EPSG:4326); None where it is empty.
    """

    title: str
    description: str
    deployment: Deployment | None
    since: str | None
    attribution: str
    extent: Callable[[Collection], Box | None]


def landing(tree: Tree, shown: Shown) -> dict[str, Any]:
    """Return the landing page."""
    return {
        "title": shown.title,
        "description": shown.description,
        "links": [
            link(tree.href(), "self", JSON, "this page"),
            link(tree.href("api"), "service-desc", OPENAPI, "OpenAPI 3.0"),
            link(tree.href("conformance"), "conformance", JSON, "conformance classes"),
            link(tree.href("collections"), "data", JSON, "图层 layers"),
            link(tree.href("tileMatrixSets"), TILING_SCHEMES, JSON, "瓦片矩阵集 tile matrix sets"),
        ],
    }


def conformance(*, published: bool = True) -> dict[str, Any]:
    """Return the conformance declaration of the published tree, or of one that can be written to."""
    return {"conformsTo": [*_READING, *_TILES, *(() if published else _WRITING)]}


def collections(tree: Tree, shown: Shown) -> dict[str, Any]:
    """Return the list of the collections."""
    return {
        "links": [link(tree.href("collections"), "self", JSON, "图层 layers")],
        "crs": list(systems.offered(shown.deployment)),
        "collections": [collection(tree, each, shown) for each in COLLECTIONS.values()],
    }


def collection(tree: Tree, about: Collection, shown: Shown) -> dict[str, Any]:
    """Return what there is to know of one collection before its features are asked for."""
    name = about.name
    found: dict[str, Any] = {
        "id": name,
        "title": f"{about.zh} {about.en}",
        "itemType": "feature",
        "crs": list(systems.offered(shown.deployment)),
        "storageCrs": systems.CRS84.uri,
        "links": [
            link(tree.href("collections", name), "self", JSON, about.zh),
            link(tree.href("collections", name, "items"), "items", GEOJSON, "要素 features"),
            link(tree.href("collections", name, "queryables"), QUERYABLES, SCHEMA, "可查询属性 queryables"),
            link(tree.href("collections", name, "schema"), SCHEMA_OF, SCHEMA, "属性结构 schema"),
            link(tree.href("collections", name, "tiles"), TILESETS, JSON, "矢量瓦片 vector tiles"),
        ],
    }
    if about.partner:
        rest = tree.href("collections", about.partner)
        found["links"].append(
            link(rest, "related", JSON, f"同一图层的其余要素 the rest of the layer: {about.partner}")
        )
    box = shown.extent(about)
    if box is not None:
        found["extent"] = {
            "spatial": {"bbox": [list(box)], "crs": systems.CRS84.uri},
            "temporal": {"interval": [[shown.since, None]]},
        }
    if shown.attribution:
        found["attribution"] = shown.attribution
    return found
