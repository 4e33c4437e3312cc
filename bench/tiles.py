"""Vector tiles of all grids by OGC API – Tiles, ours beside tipg's, on the same table.

Usage: python -m bench.tiles [--grids 50000] [--tipg PYTHON]

Two servers of one process each, on one database; the client asks each in turn for the same tile, once, and takes gzip, as
maps do: so nobody answers from memory. Then it asks us for the same tiles again, which come from memory, as for every map
after the first. Each tile is read by GDAL and compared: tipg's features are all in ours, with the same properties and, to two
units of the tile along it, the same outline; what ours holds beyond is as small as that, which tipg drops, or lies in the
margin. tipg's limit of 10,000 features a tile is lifted, else a tile of more would be cut off.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import geopandas as gpd
import httpx
import numpy as np
import pandas as pd
import pyogrio
import shapely

from bench import tilings
from bench.served_grids import PROPERTIES, arguments, served
from bench.timing import timed
from geo.web_mercator import HALF_WORLD_M, Tile, containing
from layers.tiles import UNITS

ZOOMS = (0, 4, 6, 8, 10, 12, 14)
#: Tiles asked for at a zoom level, at most.
MOST = 6


def main() -> None:
    """Print every figure."""
    options = arguments(__doc__).parse_args()
    with served(options.grids, options.tipg) as (ours, theirs), tempfile.TemporaryDirectory() as folder:
        # Connections, prepared statements, and code that is loaded when it is first used.
        for client, address in ((ours, _ours), (theirs, _theirs)):
            client.get(address(Tile(24, 0, 0)))
        side = int(options.grids**0.5) * tilings.CELL
        for zoom in ZOOMS:
            _compete(ours, theirs, list(_within(side, zoom)), Path(folder))


def _within(side: float, zoom: int) -> Iterator[Tile]:
    """Tiles in the middle of the grids."""
    first = containing(tilings.WEST + side * 0.3, tilings.SOUTH + side * 0.7, zoom)
    last = containing(tilings.WEST + side * 0.7, tilings.SOUTH + side * 0.3, zoom)
    found = [
        Tile(zoom, row, column)
        for row in range(first.row, last.row + 1)
        for column in range(first.column, last.column + 1)
    ]
    yield from found[:: max(len(found) // MOST, 1)][:MOST]


def _compete(ours: httpx.Client, theirs: httpx.Client, tiles: list[Tile], folder: Path) -> None:
    seconds = np.zeros((len(tiles), 3))
    counts = np.zeros((len(tiles), 2), dtype=int)
    for number, tile in enumerate(tiles):
        mine, seconds[number, 0] = timed(lambda tile=tile: _get(ours, _ours(tile)))
        other, seconds[number, 1] = timed(lambda tile=tile: _get(theirs, _theirs(tile)))
        again, seconds[number, 2] = timed(lambda tile=tile: _get(ours, _ours(tile)))
        assert again == mine
        read = [_read(body, tile, folder) for body in (mine, other)]
        assert_equal(*read, tile)
        counts[number] = [len(frame) for frame in read]
    first, peer, kept = seconds.sum(axis=0)
    ratio = np.median(seconds[:, 1] / seconds[:, 0])
    print(
        f"zoom {tiles[0].zoom:2}, {len(tiles):2} tiles: ours {first * 1e3:7.0f} ms, tipg {peer * 1e3:7.0f} ms;"
        f" tipg / ours = {ratio:5.1f} (kept ones: {peer / kept:6.0f})"
        f" · features ours {counts[:, 0].sum():6}, tipg {counts[:, 1].sum():6}"
    )


def _ours(tile: Tile) -> str:
    return f"/ogc/collections/grids/tiles/WebMercatorQuad/{tile.zoom}/{tile.row}/{tile.column}"


def _theirs(tile: Tile) -> str:
    place = f"{tile.zoom}/{tile.column}/{tile.row}"
    return f"/collections/public.grids/tiles/WebMercatorQuad/{place}?properties=id,{','.join(PROPERTIES)}"


def _get(client: httpx.Client, address: str) -> bytes:
    reply = client.get(address, headers={"Accept-Encoding": "gzip"}).raise_for_status()
    return reply.content


def _read(body: bytes, tile: Tile, folder: Path) -> gpd.GeoDataFrame:
    if not body:
        return gpd.GeoDataFrame(columns=[*PROPERTIES, "geometry"], index=pd.Index([], dtype=object), crs=3857)
    path = folder / "tile.mvt"
    path.write_bytes(body)
    place = {"X": str(tile.column), "Y": str(tile.row), "Z": str(tile.zoom)}
    frame = pyogrio.read_dataframe(f"MVT:{path}", CLIP="NO", **place)
    return frame.set_index("id").sort_index()


def assert_equal(ours: gpd.GeoDataFrame, theirs: gpd.GeoDataFrame, tile: Tile) -> None:
    """Assert that two tiles hold the same features, as far as both draw them."""
    unit = tile.width_m / UNITS
    near = 2 * unit
    left, top = tile.column * tile.width_m - HALF_WORLD_M, HALF_WORLD_M - tile.row * tile.width_m
    square = (left, top - tile.width_m, left + tile.width_m, top)
    assert theirs.index.isin(ours.index).all()
    common = ours.loc[theirs.index]
    assert (common[list(PROPERTIES)] == theirs[list(PROPERTIES)]).all(axis=None)
    # The margins around the tile are not equally wide.
    mine, other = (
        shapely.make_valid(shapely.clip_by_rect(frame.geometry.to_numpy(), *square))
        for frame in (common, theirs)
    )
    apart = shapely.area(shapely.symmetric_difference(mine, other))
    assert (apart <= near * (shapely.length(other) + near)).all()
    # What would vanish is drawn a unit and a half larger, and moved to whole units.
    rest = shapely.clip_by_rect(ours.drop(theirs.index).geometry.to_numpy(), *square)
    assert _width(rest).max(initial=0) <= 5 * unit


def _width(shapes: np.ndarray) -> np.ndarray:
    """Return the shorter sides of the boxes around shapes; 0 for empty ones."""
    west, south, east, north = shapely.bounds(shapes).reshape(-1, 4).T
    return np.nan_to_num(np.minimum(east - west, north - south))


if __name__ == "__main__":
    main()
