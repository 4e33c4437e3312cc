"""OGC API – Tiles of a draft's layers: vector tiles of what is published, with what the draft makes of it."""

from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from api.access import Permission, needs
from api.dependencies import RuntimeDep, SessionDep
from api.ogc import drafted, queries, tiles, tilesets
from api.ogc.replies import document
from api.ogc.tilesets import TILE_MATRIX_SET
from api.routers.ogc_drafts import DraftId, Layer, options, options_of_layer, shown
from layers import database
from layers.features import collections

# Described by each tree's own document, at /ogc/drafts/{draft_id}/api.
router = APIRouter(
    prefix="/ogc/drafts/{draft_id}",
    tags=["ogc"],
    include_in_schema=False,
    dependencies=[needs(Permission.EDIT)],
)

_READ = ["GET", "HEAD"]
_SETS = "/tileMatrixSets"
_TILES = "/collections/{layer}/tiles"
_TILESET = f"{_TILES}/{TILE_MATRIX_SET}"
_TILE = f"{_TILESET}/{{zoom}}/{{row}}/{{column}}"


@router.api_route(_SETS, methods=_READ)
def list_tile_matrix_sets(
    request: Request, session: SessionDep, runtime: RuntimeDep, draft_id: DraftId
) -> Response:
    """List the tile matrix sets: one."""
    queries.parameters(request, ())
    draft = drafted.named(session, draft_id)
    return document(tilesets.tile_matrix_sets(drafted.tree(request, runtime, draft)))


@router.api_route(f"{_SETS}/{TILE_MATRIX_SET}", methods=_READ)
def get_tile_matrix_set(request: Request, session: SessionDep, draft_id: DraftId) -> Response:
    """Define the tile matrix set."""
    queries.parameters(request, ())
    drafted.named(session, draft_id)
    return document(tilesets.tile_matrix_set())


@router.api_route(_TILES, methods=_READ)
def list_tilesets(
    request: Request, session: SessionDep, runtime: RuntimeDep, draft_id: DraftId, layer: Layer
) -> Response:
    """List the tilesets of a layer: one."""
    queries.parameters(request, ())
    draft, about = drafted.named(session, draft_id), collections.named(layer)
    return document(tilesets.tilesets(drafted.tree(request, runtime, draft), about))


@router.api_route(_TILESET, methods=_READ)
def describe_tileset(
    request: Request, session: SessionDep, runtime: RuntimeDep, draft_id: DraftId, layer: Layer
) -> Response:
    """Tell what there is to know of a tileset."""
    queries.parameters(request, ())
    draft, about = drafted.named(session, draft_id), collections.named(layer)
    root = drafted.tree(request, runtime, draft)
    return document(tilesets.tileset(root, about, shown(session, draft, runtime)))


@router.api_route(_TILE, methods=_READ)
async def get_tile(  # noqa: PLR0917 - what FastAPI hands over by type
    request: Request,
    runtime: RuntimeDep,
    draft_id: DraftId,
    layer: Layer,
    zoom: str,
    row: str,
    column: str,
) -> Response:
    """Send a tile, of the draft as it stands or of that of one of its steps."""
    about, at = collections.named(layer), tiles.address(zoom, row, column)

    def drawn() -> Response:
        with database.translated(), runtime.sessions.begin() as session:
            draft = drafted.named(session, draft_id)
            states = drafted.states(draft)
            held = states.read(queries.parameters(request, states.names), about)
            return tiles.tile(request, session, about, held, at, kept=runtime.tiles)

    async with runtime.turns:
        return await run_in_threadpool(drawn)


@router.options(_SETS)
@router.options(f"{_SETS}/{TILE_MATRIX_SET}")
def options_of_sets(draft_id: DraftId) -> Response:
    """Say that they are read."""
    return options(draft_id)


@router.options(_TILES)
@router.options(_TILESET)
@router.options(_TILE)
def options_of_tiles(draft_id: DraftId, layer: Layer) -> Response:
    """Say the same of a layer's tiles."""
    return options_of_layer(draft_id, layer)
