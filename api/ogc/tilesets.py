"""Documents of OGC API – Tiles (20-057): the one tile matrix set, and a tileset of each collection in it."""

from typing import Any

from api.ogc import schemas, systems
from api.ogc.documents import Shown
from api.ogc.links import JSON, MVT, TILING_SCHEME, Tree, link
from geo.web_mercator import HALF_WORLD_M, MOST_ZOOM, containing
from layers.features.collections import Collection
from layers.features.pages import Box

#: The tile matrix set that every map in a browser knows.
TILE_MATRIX_SET = "WebMercatorQuad"

_URI = f"http://www.opengis.net/def/tilematrixset/OGC/1.0/{TILE_MATRIX_SET}"
_CRS = "http://www.opengis.net/def/crs/EPSG/0/3857"
_TITLE = "Google Maps Compatible for the World"
_PIXELS = 256
# The standard's size of a pixel, by which scales are stated.
_PIXEL_M = 0.00028


def tile_matrix_sets(tree: Tree) -> dict[str, Any]:
    """Return the list of tile matrix sets."""
    one = link(tree.href("tileMatrixSets", TILE_MATRIX_SET), "self", JSON, _TITLE)
    return {
        "links": [link(tree.href("tileMatrixSets"), "self", JSON, "瓦片矩阵集 tile matrix sets")],
        "tileMatrixSets": [
            {"id": TILE_MATRIX_SET, "title": _TITLE, "uri": _URI, "crs": _CRS, "links": [one]}
        ],
    }


def tile_matrix_set() -> dict[str, Any]:
    """Return the definition of the tile matrix set."""
    return {
        "id": TILE_MATRIX_SET,
        "title": _TITLE,
        "uri": _URI,
        "crs": _CRS,
        "orderedAxes": ["X", "Y"],
        "wellKnownScaleSet": "http://www.opengis.net/def/wkss/OGC/1.0/GoogleMapsCompatible",
        "tileMatrices": [_matrix(zoom) for zoom in range(MOST_ZOOM + 1)],
    }


def tilesets(tree: Tree, about: Collection) -> dict[str, Any]:
    """Return the list of a collection's tilesets."""
    here = tree.href("collections", about.name, "tiles")
    return {
        "links": [
            link(here, "self", JSON, "瓦片集 tilesets"),
            link(tree.href("collections", about.name), "collection", JSON, about.zh),
        ],
        "tilesets": [_stated(about) | {"links": _links(tree, about)}],
    }


def tileset(tree: Tree, about: Collection, shown: Shown) -> dict[str, Any]:
    """Return what there is to know of a tileset before its tiles are asked for."""
    described = schemas.schema(tree, about)["properties"]
    told = {name: stated for name, stated in described.items() if not name.startswith("geometry")}
    found: dict[str, Any] = {
        **_stated(about),
        "links": [*_links(tree, about), _collection(tree, about)],
        "mediaTypes": [MVT],
        "layers": [
            {
                "id": about.name,
                "title": f"{about.zh} {about.en}",
                "dataType": "vector",
                "geometryDimension": {"Point": 0, "LineString": 1}.get(about.geometry, 2),
                "minTileMatrix": "0",
                "maxTileMatrix": str(MOST_ZOOM),
                "propertiesSchema": {"type": "object", "properties": told},
            }
        ],
    }
    box = shown.extent(about)
    if box is not None:
        found["boundingBox"] = {
            "lowerLeft": list(box[:2]),
            "upperRight": list(box[2:]),
            "crs": systems.CRS84.uri,
            "orderedAxes": ["Lon", "Lat"],
        }
        found["tileMatrixSetLimits"] = [_limits(box, zoom) for zoom in range(MOST_ZOOM + 1)]
    if shown.attribution:
        found["attribution"] = shown.attribution
    return found


def _stated(about: Collection) -> dict[str, Any]:
    title = f"{about.zh} {about.en} · {TILE_MATRIX_SET}"
    return {"title": title, "dataType": "vector", "crs": _CRS, "tileMatrixSetURI": _URI}


def _links(tree: Tree, about: Collection) -> list[dict[str, Any]]:
    here = tree.href("collections", about.name, "tiles", TILE_MATRIX_SET)
    tiles = link(f"{here}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}", "item", MVT, "瓦片 tiles")
    return [
        link(here, "self", JSON, f"{about.zh} {TILE_MATRIX_SET}"),
        link(tree.href("tileMatrixSets", TILE_MATRIX_SET), TILING_SCHEME, JSON, _TITLE),
        {**tiles, "templated": True},
    ]


def _collection(tree: Tree, about: Collection) -> dict[str, Any]:
    return link(
        tree.href("collections", about.name), "http://www.opengis.net/def/rel/ogc/1.0/geodata", JSON, about.zh
    )


def _matrix(zoom: int) -> dict[str, Any]:
    cell = 2 * HALF_WORLD_M / 2**zoom / _PIXELS
    return {
        "id": str(zoom),
        "scaleDenominator": cell / _PIXEL_M,
        "cellSize": cell,
        "cornerOfOrigin": "topLeft",
        "pointOfOrigin": [-HALF_WORLD_M, HALF_WORLD_M],
        "tileWidth": _PIXELS,
        "tileHeight": _PIXELS,
        "matrixWidth": 2**zoom,
        "matrixHeight": 2**zoom,
    }


def _limits(box: Box, zoom: int) -> dict[str, Any]:
    west, south, east, north = box
    first, last = containing(west, north, zoom), containing(east, south, zoom)
    return {
        "tileMatrix": str(zoom),
        "minTileRow": first.row,
        "maxTileRow": last.row,
        "minTileCol": first.column,
        "maxTileCol": last.column,
    }
