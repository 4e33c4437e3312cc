"""The documents that lead to the features: landing page, conformance, collections."""

from dataclasses import dataclass
from typing import Any

from api.ogc import systems
from api.ogc.links import GEOJSON, JSON, OPENAPI, QUERYABLES, SCHEMA, SCHEMA_OF, Tree, link
from api.snapshots import Snapshot
from layers.database import Session
from layers.features import pages
from layers.features.collections import COLLECTIONS, Collection

_SPEC = "http://www.opengis.net/spec"

#: What of the standards is kept to. QGIS asks for none of parts 2, 3 and 5 that is not listed here.
CONFORMS_TO = (
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


@dataclass(frozen=True, slots=True)
class Published:
    """A snapshot, and since when there has been one; ``attribution`` is whose data the layers are, where stated."""

    snapshot: Snapshot
    since: str | None
    attribution: str


def landing(tree: Tree, snapshot: Snapshot) -> dict[str, Any]:
    """Return the landing page."""
    city = snapshot.deployment.city if snapshot.deployment else ""
    return {
        "title": f"{city} 网格图层 · Wangge".strip(),
        "description": "已发布图层，只读 · Published layers, read-only (OGC API – Features)",
        "links": [
            link(tree.href(), "self", JSON, "this page"),
            link(tree.href("api"), "service-desc", OPENAPI, "OpenAPI 3.0"),
            link(tree.href("conformance"), "conformance", JSON, "conformance classes"),
            link(tree.href("collections"), "data", JSON, "图层 layers"),
        ],
    }


def conformance() -> dict[str, Any]:
    """Return the conformance declaration."""
    return {"conformsTo": list(CONFORMS_TO)}


def collections(tree: Tree, published_at: Published) -> dict[str, Any]:
    """Return the list of the published layers."""
    return {
        "links": [link(tree.href("collections"), "self", JSON, "图层 layers")],
        "crs": list(systems.offered(published_at.snapshot.deployment)),
        "collections": [collection(tree, each, published_at) for each in COLLECTIONS.values()],
    }


def collection(tree: Tree, about: Collection, published_at: Published) -> dict[str, Any]:
    """Return what there is to know of one collection before its features are asked for."""
    name, snapshot = about.name, published_at.snapshot
    found: dict[str, Any] = {
        "id": name,
        "title": f"{about.zh} {about.en}",
        "itemType": "feature",
        "crs": list(systems.offered(snapshot.deployment)),
        "storageCrs": systems.CRS84.uri,
        "links": [
            link(tree.href("collections", name), "self", JSON, about.zh),
            link(tree.href("collections", name, "items"), "items", GEOJSON, "要素 features"),
            link(tree.href("collections", name, "queryables"), QUERYABLES, SCHEMA, "可查询属性 queryables"),
            link(tree.href("collections", name, "schema"), SCHEMA_OF, SCHEMA, "属性结构 schema"),
        ],
    }
    if about.partner:
        rest = tree.href("collections", about.partner)
        found["links"].append(
            link(rest, "related", JSON, f"同一图层的其余要素 the rest of the layer: {about.partner}")
        )
    extent = _extent(about, published_at)
    if extent is not None:
        found["extent"] = extent
    if published_at.attribution:
        found["attribution"] = published_at.attribution
    return found


def _extent(about: Collection, published_at: Published) -> dict[str, Any] | None:
    def load(session: Session, revision: int) -> pages.Box | None:
        return pages.extent(session, about, revision)

    box = published_at.snapshot.model(("extent", about.name), layers=(about.layer,), load=load)
    if box is None:
        return None
    return {
        "spatial": {"bbox": [list(box)], "crs": systems.CRS84.uri},
        "temporal": {"interval": [[published_at.since, None]]},
    }
