"""The tree of a draft: OGC API – Features as of what is published, with what the draft makes of it, and writes."""

from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import Response

from api.access import Permission, needs
from api.dependencies import Runtime, RuntimeDep, SessionDep
from api.ogc import description, documents, drafted, queries, replies, schemas
from api.ogc.documents import Shown
from api.ogc.links import OPENAPI, SCHEMA
from api.ogc.replies import document
from api.ogc.writes import MERGE_PATCH
from layers.database import Session
from layers.features import collections, pages
from layers.tables import Draft

# Described by each tree's own document, at /ogc/drafts/{draft_id}/api.
router = APIRouter(
    prefix="/ogc/drafts/{draft_id}",
    tags=["ogc"],
    include_in_schema=False,
    dependencies=[needs(Permission.EDIT)],
)

_READ = ["GET", "HEAD"]
_LAYER = "/collections/{layer}"
DraftId = Annotated[str, Path(description="`id` of a draft")]
Layer = Annotated[str, Path(description=", ".join(collections.COLLECTIONS))]


@router.api_route("", methods=_READ)
@router.api_route("/", methods=_READ)
def landing(*, request: Request, session: SessionDep, runtime: RuntimeDep, draft_id: DraftId) -> Response:
    """Lead to everything else."""
    queries.parameters(request, ())
    draft = drafted.named(session, draft_id)
    return document(documents.landing(drafted.tree(request, runtime, draft), shown(session, draft, runtime)))


@router.api_route("/api", methods=_READ)
def describe(*, request: Request, session: SessionDep, runtime: RuntimeDep, draft_id: DraftId) -> Response:
    """Describe the tree in OpenAPI 3.0, with its writes."""
    queries.parameters(request, ())
    draft = drafted.named(session, draft_id)
    return document(description.of_draft(drafted.tree(request, runtime, draft), draft.title), OPENAPI)


@router.api_route("/conformance", methods=_READ)
def conformance(*, request: Request, session: SessionDep, draft_id: DraftId) -> Response:
    """Name the conformance classes."""
    queries.parameters(request, ())
    drafted.named(session, draft_id)
    return document(documents.conformance(published=False))


@router.api_route("/collections", methods=_READ)
def list_layers(*, request: Request, session: SessionDep, runtime: RuntimeDep, draft_id: DraftId) -> Response:
    """List the layers."""
    queries.parameters(request, ())
    draft = drafted.named(session, draft_id)
    root = drafted.tree(request, runtime, draft)
    return document(documents.collections(root, shown(session, draft, runtime)))


@router.api_route(_LAYER, methods=_READ)
def describe_layer(
    *,
    request: Request,
    session: SessionDep,
    runtime: RuntimeDep,
    draft_id: DraftId,
    layer: Layer,
) -> Response:
    """Tell what there is to know of a layer."""
    queries.parameters(request, ())
    draft, about = drafted.named(session, draft_id), collections.named(layer)
    root = drafted.tree(request, runtime, draft)
    return document(documents.collection(root, about, shown(session, draft, runtime)))


@router.api_route(f"{_LAYER}/queryables", methods=_READ)
def list_queryables(
    *,
    request: Request,
    session: SessionDep,
    runtime: RuntimeDep,
    draft_id: DraftId,
    layer: Layer,
) -> Response:
    """Tell what filters may name."""
    queries.parameters(request, ())
    draft, about = drafted.named(session, draft_id), collections.named(layer)
    return document(schemas.queryables(drafted.tree(request, runtime, draft), about), SCHEMA)


@router.api_route(f"{_LAYER}/schema", methods=_READ)
def describe_features(
    *,
    request: Request,
    session: SessionDep,
    runtime: RuntimeDep,
    draft_id: DraftId,
    layer: Layer,
) -> Response:
    """Tell what features of a layer tell, and what is to be stated of a new one."""
    queries.parameters(request, ())
    draft, about = drafted.named(session, draft_id), collections.named(layer)
    return document(schemas.schema(drafted.tree(request, runtime, draft), about, written=True), SCHEMA)


@router.api_route(f"{_LAYER}/items", methods=_READ)
def list_items(
    *,
    request: Request,
    session: SessionDep,
    runtime: RuntimeDep,
    draft_id: DraftId,
    layer: Layer,
) -> Response:
    """Send a page of features, all at one step of the draft, with the link to the next."""
    draft, about = drafted.named(session, draft_id), collections.named(layer)
    states = drafted.states(draft)
    asked = queries.items(request, about, states, drafted.base(runtime, draft).deployment)
    return replies.page(request, session, asked, states, drafted.tree(request, runtime, draft))


@router.api_route(f"{_LAYER}/items/{{item_id}}", methods=_READ)
def get_item(
    *,
    request: Request,
    session: SessionDep,
    runtime: RuntimeDep,
    draft_id: DraftId,
    layer: Layer,
    item_id: str,
) -> Response:
    """Send one feature; its ETag is what a later write may name."""
    draft, about = drafted.named(session, draft_id), collections.named(layer)
    deployment = drafted.base(runtime, draft).deployment
    asked = queries.item(request, about, drafted.states(draft), deployment)
    root = drafted.tree(request, runtime, draft)
    version = pages.version(session, asked.selection, replies.identifier(layer, item_id))
    tag = replies.tag_of(request, version or "", root, layer, item_id, asked.place.uri)
    return replies.feature(request, session, asked, item_id, root, tag=tag)


@router.options("")
@router.options("/")
@router.options("/api")
@router.options("/conformance")
@router.options("/collections")
def options(draft_id: DraftId) -> Response:  # noqa: ARG001 - the path has it
    """Say that documents are read."""
    return _allowed()


@router.options(_LAYER)
@router.options(f"{_LAYER}/queryables")
@router.options(f"{_LAYER}/schema")
def options_of_layer(draft_id: DraftId, layer: Layer) -> Response:  # noqa: ARG001 - as above
    """Say the same of a layer."""
    collections.named(layer)
    return _allowed()


@router.options("/transactions")
def options_of_transactions(session: SessionDep, draft_id: DraftId) -> Response:
    """Say whether many writes may be sent at once; there is nothing to read."""
    return Response(
        headers={"Allow": ", ".join([*(["POST"] if _may_write(session, draft_id) else []), "OPTIONS"])}
    )


@router.options(f"{_LAYER}/items")
def options_of_items(session: SessionDep, draft_id: DraftId, layer: Layer) -> Response:
    """Say whether features may be added: QGIS opens for editing only where POST is offered."""
    collections.named(layer)
    return _allowed(*(["POST"] if _may_write(session, draft_id) else []))


@router.options(f"{_LAYER}/items/{{item_id}}")
def options_of_item(session: SessionDep, draft_id: DraftId, layer: Layer) -> Response:
    """Say whether features may be changed, also of one that does not exist, which QGIS asks about."""
    collections.named(layer)
    if not _may_write(session, draft_id):
        return _allowed()
    reply = _allowed("PUT", "PATCH", "DELETE")
    reply.headers["Accept-Patch"] = MERGE_PATCH
    return reply


def _allowed(*writes: str) -> Response:
    return Response(headers={"Allow": ", ".join(("GET", "HEAD", "OPTIONS", *writes))})


def _may_write(session: Session, draft_id: str) -> bool:
    """Tell whether a draft takes writes; who may read one may also write to it."""
    return drafted.named(session, draft_id).status == "open"


def shown(session: Session, draft: Draft, runtime: Runtime) -> Shown:
    """Return what the tree of a draft shows."""
    return drafted.shown(session, draft, runtime, drafted.base(runtime, draft))
