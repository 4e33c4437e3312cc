"""OGC API – Features of the published layers: read-only, for QGIS, GDAL and whoever speaks it."""

from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import Response

from api.access import Permission, needs
from api.dependencies import Runtime, RuntimeDep, SessionDep, SnapshotDep
from api.maps import sources
from api.ogc import description, documents, extents, periods, queries, replies, schemas
from api.ogc.documents import Shown
from api.ogc.links import OPENAPI, SCHEMA, tree
from api.ogc.replies import document
from api.snapshots import Snapshot
from layers.features import collections

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
    return document(documents.landing(tree(request, runtime), shown(runtime, snapshot)))


@router.api_route("/ogc/api", methods=_READ)
def describe(request: Request, runtime: RuntimeDep) -> Response:
    """Describe the tree in OpenAPI 3.0."""
    queries.parameters(request, ())
    return document(description.description(tree(request, runtime)), OPENAPI)


@router.api_route("/ogc/conformance", methods=_READ)
def conformance(request: Request) -> Response:
    """Name the conformance classes."""
    queries.parameters(request, ())
    return document(documents.conformance())


@router.api_route("/ogc/collections", methods=_READ)
def list_layers(request: Request, runtime: RuntimeDep, snapshot: SnapshotDep) -> Response:
    """List the published layers."""
    queries.parameters(request, ())
    return document(documents.collections(tree(request, runtime), shown(runtime, snapshot)))


@router.api_route(_LAYER, methods=_READ)
def describe_layer(request: Request, runtime: RuntimeDep, snapshot: SnapshotDep, layer: Layer) -> Response:
    """Tell what there is to know of a layer."""
    about = collections.named(layer)
    queries.parameters(request, ())
    return document(documents.collection(tree(request, runtime), about, shown(runtime, snapshot)))


@router.api_route(f"{_LAYER}/queryables", methods=_READ)
def list_queryables(request: Request, runtime: RuntimeDep, layer: Layer) -> Response:
    """Tell what filters may name."""
    collection = collections.named(layer)
    queries.parameters(request, ())
    return document(schemas.queryables(tree(request, runtime), collection), SCHEMA)


@router.api_route(f"{_LAYER}/schema", methods=_READ)
def describe_features(request: Request, runtime: RuntimeDep, layer: Layer) -> Response:
    """Tell what features of a layer tell."""
    collection = collections.named(layer)
    queries.parameters(request, ())
    return document(schemas.schema(tree(request, runtime), collection), SCHEMA)


@router.api_route(f"{_LAYER}/items", methods=_READ)
def list_items(
    request: Request, session: SessionDep, runtime: RuntimeDep, snapshot: SnapshotDep, layer: Layer
) -> Response:
    """Send a page of features, all at one state of the layer, with the link to the next."""
    states = periods.states(runtime, snapshot)
    asked = queries.items(request, collections.named(layer), states, snapshot.deployment)
    return replies.page(request, session, asked, states, tree(request, runtime))


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
    states = periods.states(runtime, snapshot)
    asked = queries.item(request, collections.named(layer), states, snapshot.deployment)
    return replies.feature(request, session, asked, item_id, tree(request, runtime))


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


def shown(runtime: Runtime, snapshot: Snapshot) -> Shown:
    """Return what the published tree shows."""
    city = snapshot.deployment.city if snapshot.deployment else ""
    return Shown(
        f"{city} 网格图层 · Wangge".strip(),
        "已发布图层，只读 · Published layers, read-only (OGC API – Features)",
        snapshot.deployment,
        extents.since(runtime),
        sources.attributed(snapshot, runtime.settings.map_attribution),
        lambda collection: extents.published(snapshot, collection),
    )
