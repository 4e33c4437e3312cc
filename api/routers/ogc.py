"""OGC API – Features of the published layers: read-only, for QGIS, GDAL and whoever speaks it."""

import gzip
import hashlib
from collections.abc import Mapping
from importlib.metadata import version
from typing import Annotated, Any
from uuid import UUID

import numpy as np
import orjson
from fastapi import APIRouter, Path, Request
from fastapi.responses import Response

from api.access import Permission, needs
from api.dependencies import Runtime, RuntimeDep, SessionDep, SnapshotDep
from api.maps import sources
from api.ogc import description, documents, queries, schemas
from api.ogc.documents import Published
from api.ogc.links import GEOJSON, JSON, OPENAPI, SCHEMA, Tree, link, tree
from api.ogc.queries import Asked
from api.snapshots import Snapshot
from api.web.replies import REVALIDATED
from layers.database import Session
from layers.errors import NotFound
from layers.features import collections, pages

# Described by its own document, at /ogc/api.
router = APIRouter(tags=["ogc"], include_in_schema=False, dependencies=[needs(Permission.READ_LAYERS)])

_READ = ["GET", "HEAD"]
_LAYER = "/ogc/collections/{layer}"
Layer = Annotated[str, Path(description=", ".join(collections.COLLECTIONS))]


@router.api_route("/ogc", methods=_READ)
@router.api_route("/ogc/", methods=_READ)
def landing(request: Request, runtime: RuntimeDep, snapshot: SnapshotDep) -> Response:
    """Lead to everything else."""
    queries.parameters(request, ())
    return _document(documents.landing(tree(request, runtime), snapshot))


@router.api_route("/ogc/api", methods=_READ)
def describe(request: Request, runtime: RuntimeDep) -> Response:
    """Describe the tree in OpenAPI 3.0."""
    queries.parameters(request, ())
    return _document(description.description(tree(request, runtime)), OPENAPI)


@router.api_route("/ogc/conformance", methods=_READ)
def conformance(request: Request) -> Response:
    """Name the conformance classes."""
    queries.parameters(request, ())
    return _document(documents.conformance())


@router.api_route("/ogc/collections", methods=_READ)
def list_layers(request: Request, runtime: RuntimeDep, snapshot: SnapshotDep) -> Response:
    """List the published layers."""
    queries.parameters(request, ())
    return _document(documents.collections(tree(request, runtime), _published(runtime, snapshot)))


@router.api_route(_LAYER, methods=_READ)
def describe_layer(request: Request, runtime: RuntimeDep, snapshot: SnapshotDep, layer: Layer) -> Response:
    """Tell what there is to know of a layer."""
    about = collections.named(layer)
    queries.parameters(request, ())
    return _document(documents.collection(tree(request, runtime), about, _published(runtime, snapshot)))


@router.api_route(f"{_LAYER}/queryables", methods=_READ)
def list_queryables(request: Request, runtime: RuntimeDep, layer: Layer) -> Response:
    """Tell what filters may name."""
    collection = collections.named(layer)
    queries.parameters(request, ())
    return _document(schemas.queryables(tree(request, runtime), collection), SCHEMA)


@router.api_route(f"{_LAYER}/schema", methods=_READ)
def describe_features(request: Request, runtime: RuntimeDep, layer: Layer) -> Response:
    """Tell what features of a layer tell."""
    collection = collections.named(layer)
    queries.parameters(request, ())
    return _document(schemas.schema(tree(request, runtime), collection), SCHEMA)


@router.api_route(f"{_LAYER}/items", methods=_READ)
def list_items(
    request: Request, session: SessionDep, runtime: RuntimeDep, snapshot: SnapshotDep, layer: Layer
) -> Response:
    """Send a page of features, all at one state of the layer, with the link to the next."""
    asked = queries.items(request, collections.named(layer), runtime, snapshot)
    headers = _headers(request, asked, tree(request, runtime))
    if _is_known(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    body = _page(request, session, asked, tree(request, runtime))
    if _takes_gzip(request):
        # The quickest level takes a fifth of the usual one's time, and saves nearly as much of coordinates.
        headers["Content-Encoding"] = "gzip"
        body = gzip.compress(body, compresslevel=1, mtime=0)
    return Response(body, media_type=GEOJSON, headers=headers)


@router.api_route(f"{_LAYER}/items/{{item_id}}", methods=_READ)
def get_item(  # noqa: PLR0917 - what FastAPI hands over by type
    request: Request,
    session: SessionDep,
    runtime: RuntimeDep,
    snapshot: SnapshotDep,
    layer: Layer,
    item_id: str,
) -> Response:
    """Send one feature."""
    asked = queries.item(request, collections.named(layer), runtime, snapshot)
    headers = _headers(request, asked, tree(request, runtime))
    feature = pages.one(session, asked.selection, _uuid(layer, item_id), asked.place)
    if feature is None:
        raise NotFound(f"There is no feature {item_id} in {layer} at revision {asked.revision}.")
    if _is_known(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    root = tree(request, runtime)
    found = [
        link(root.href("collections", layer, "items", item_id), "self", GEOJSON, "要素 feature"),
        link(root.href("collections", layer), "collection", JSON, "图层 layer"),
    ]
    body = feature[:-1] + b',"links":' + orjson.dumps(found) + b"}"
    return Response(body, media_type=GEOJSON, headers=headers)


@router.options("/ogc")
@router.options("/ogc/")
@router.options("/ogc/api")
@router.options("/ogc/conformance")
@router.options("/ogc/collections")
def options() -> Response:
    """Say that the tree is read-only: QGIS opens for editing only where POST is offered."""
    return Response(headers={"Allow": "GET, HEAD, OPTIONS"})


@router.options(_LAYER)
@router.options(f"{_LAYER}/queryables")
@router.options(f"{_LAYER}/schema")
@router.options(f"{_LAYER}/items")
@router.options(f"{_LAYER}/items/{{item_id}}")
def options_of_layer(layer: Layer) -> Response:
    """Say the same of a layer and its features, also of one that does not exist, which QGIS asks about."""
    collections.named(layer)
    return options()


def _document(body: Mapping[str, Any], media_type: str = JSON) -> Response:
    return Response(orjson.dumps(body), media_type=media_type)


def _published(runtime: Runtime, snapshot: Snapshot) -> Published:
    starts, _ = runtime.snapshots.in_effect()
    since = f"{np.datetime_as_string(starts[0], unit='s')}Z" if len(starts) else None
    return Published(snapshot, since, sources.attributed(snapshot, runtime.settings.map_attribution))


def _page(request: Request, session: Session, asked: Asked, root: Tree) -> bytes:
    """Write a FeatureCollection; its features come as text already."""
    layer = asked.collection.name
    found = pages.page(session, asked.selection, asked.place, after=asked.after, limit=asked.limit)
    here = root.href("collections", layer, "items", query=dict(request.query_params))
    links = [
        link(here, "self", GEOJSON, "本页 this page"),
        link(root.href("collections", layer), "collection", JSON, "图层 layer"),
    ]
    if found.last is not None:
        query = queries.following(request, asked, found.last)
        there = root.href("collections", layer, "items", query=query)
        links.append(link(there, "next", GEOJSON, "下一页 next page"))
    about = {
        "type": "FeatureCollection",
        "numberMatched": pages.count(session, asked.selection),
        "numberReturned": len(found.features),
        "links": links,
    }
    return orjson.dumps(about)[:-1] + b',"features":[' + b",".join(found.features) + b"]}"


def _headers(request: Request, asked: Asked, root: Tree) -> dict[str, str]:
    period = asked.selection.period
    # All that the body depends on: whoever holds it under this name holds the same bytes.
    parts = (
        version("wangge"),
        root.root,
        request.url.path,
        request.url.query,
        f"{period.since}/{period.revision}",
        str(_takes_gzip(request)),
    )
    digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()
    return {
        "Content-Crs": f"<{asked.place.uri}>",
        "Wangge-Revision": str(asked.revision),
        "ETag": f'"{digest[:32]}"',
        "Cache-Control": REVALIDATED,
        "Vary": "Accept-Encoding",
    }


def _takes_gzip(request: Request) -> bool:
    return "gzip" in request.headers.get("accept-encoding", "")


def _is_known(request: Request, etag: str) -> bool:
    named = request.headers.get("if-none-match", "")
    return etag in {part.strip().removeprefix("W/") for part in named.split(",")} or named.strip() == "*"


def _uuid(layer: str, text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise NotFound(f"There is no feature {text!r} in {layer}: ids are UUIDs.") from error
