"""OGC API – Tiles of the published layers: vector tiles for maps in QGIS and in the browser."""

from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from api.access import Permission, needs
from api.dependencies import RuntimeDep, SnapshotDep
from api.ogc import periods, queries, tiles, tilesets
from api.ogc.links import tree
from api.ogc.replies import document
from api.ogc.tilesets import TILE_MATRIX_SET
from api.routers.ogc import Layer, options, options_of_layer, shown
from layers import database
from layers.features import collections

# Described by the tree's own document, at /ogc/api.
router = APIRouter(tags=["ogc"], include_in_schema=False, dependencies=[needs(Permission.READ_LAYERS)])

_READ = ["GET", "HEAD"]
_SETS = "/ogc/tileMatrixSets"
_TILES = "/ogc/collections/{layer}/tiles"
_TILESET = f"{_TILES}/{TILE_MATRIX_SET}"
_TILE = f"{_TILESET}/{{zoom}}/{{row}}/{{column}}"


@router.api_route(_SETS, methods=_READ)
def list_tile_matrix_sets(request: Request, runtime: RuntimeDep) -> Response:
    """List the tile matrix sets: one."""
    queries.parameters(request, ())
    return document(tilesets.tile_matrix_sets(tree(request, runtime)))


@router.api_route(f"{_SETS}/{TILE_MATRIX_SET}", methods=_READ)
def get_tile_matrix_set(request: Request) -> Response:
    """Define the tile matrix set."""
    queries.parameters(request, ())
    return document(tilesets.tile_matrix_set())


@router.api_route(_TILES, methods=_READ)
def list_tilesets(request: Request, runtime: RuntimeDep, layer: Layer) -> Response:
    """List the tilesets of a layer: one."""
    about = collections.named(layer)
    queries.parameters(request, ())
    return document(tilesets.tilesets(tree(request, runtime), about))


@router.api_route(_TILESET, methods=_READ)
def describe_tileset(request: Request, runtime: RuntimeDep, snapshot: SnapshotDep, layer: Layer) -> Response:
    """Tell what there is to know of a tileset."""
    about = collections.named(layer)
    queries.parameters(request, ())
    return document(tilesets.tileset(tree(request, runtime), about, shown(runtime, snapshot)))


@router.api_route(_TILE, methods=_READ)
async def get_tile(  # noqa: PLR0917 - what FastAPI hands over by type
    request: Request,
    runtime: RuntimeDep,
    snapshot: SnapshotDep,
    layer: Layer,
    zoom: str,
    row: str,
    column: str,
) -> Response:
    """Send a tile, of the current state or of that of a date or revision."""
    about, at = collections.named(layer), tiles.address(zoom, row, column)
    states = periods.states(runtime, snapshot)
    stated = queries.parameters(request, states.names)

    def drawn() -> Response:
        with database.translated(), runtime.sessions.begin() as session:
            return tiles.tile(request, session, about, states.read(stated, about), at, kept=runtime.tiles)

    # The current state is known without the database; maps ask for little else, and for the same tiles.
    found = None if stated else tiles.known(request, states.read(stated, about), kept=runtime.tiles)
    if found is not None:
        return found
    async with runtime.turns:
        return await run_in_threadpool(drawn)


@router.options(_SETS)
@router.options(f"{_SETS}/{TILE_MATRIX_SET}")
def options_of_sets() -> Response:
    """Say that they are read-only."""
    return options()


@router.options(_TILES)
@router.options(_TILESET)
@router.options(_TILE)
def options_of_tiles(layer: Layer) -> Response:
    """Say the same of a layer's tiles."""
    return options_of_layer(layer)
