"""Other ways to find the areas at points: each gives all pairs of point and area that it finds.

A peer is left out where it is not installed (bench/requirements.txt), and PostGIS where no server can be started.
"""

import importlib.util
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import psycopg2
import pyarrow as pa
import shapely

from api.embedded import EmbeddedServer, EmbeddedUnavailable

Floats: TypeAlias = npt.NDArray[np.float64]
Pairs: TypeAlias = tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]
#: Longitudes and latitudes to pairs of point and area, by row.
Peer: TypeAlias = Callable[[Floats, Floats], Pairs]

#: The peer whose answers count as exact: GEOS, and nothing but.
EXACT = "shapely: points' tree, prepared areas"


def in_memory(areas: gpd.GeoDataFrame) -> dict[str, Peer]:
    """Return the peers that are Python libraries of ours."""
    shapes = areas.geometry.to_numpy()
    tree = shapely.STRtree(shapes)
    tree.query(shapely.Point(0, 0))
    prepared = shapes.copy()
    shapely.prepare(prepared)

    def sjoin(predicate: str) -> Peer:
        def peer(lon: Floats, lat: Floats) -> Pairs:
            points = gpd.GeoDataFrame(geometry=gpd.points_from_xy(lon, lat), crs=areas.crs)
            joined = gpd.sjoin(points, areas, predicate=predicate)
            return joined.index.to_numpy(), joined["index_right"].to_numpy()

        return peer

    def by_points_tree(lon: Floats, lat: Floats) -> Pairs:
        area, point = shapely.STRtree(shapely.points(lon, lat)).query(prepared, predicate="intersects")
        return point, area

    def by_boxes(lon: Floats, lat: Floats) -> Pairs:
        point, area = tree.query(shapely.points(lon, lat))
        order = np.argsort(area, kind="stable")
        point, area = point[order], area[order]
        held = shapely.intersects_xy(prepared[area], lon[point], lat[point])
        return point[held], area[held]

    def by_tree(lon: Floats, lat: Floats) -> Pairs:
        point, area = tree.query(shapely.points(lon, lat), predicate="intersects")
        return point, area

    return {
        "geopandas.sjoin intersects": sjoin("intersects"),
        "geopandas.sjoin within": sjoin("within"),
        "shapely: areas' tree, intersects": by_tree,
        EXACT: by_points_tree,
        "box tree, prepared intersects_xy": by_boxes,
    }


@contextmanager
def databases(areas: gpd.GeoDataFrame) -> Iterator[dict[str, Peer]]:
    """Load the areas into the databases that there are."""
    with ExitStack() as stack:
        peers = {}
        for name, module, load in (("DuckDB spatial", "duckdb", _duckdb), ("SedonaDB", "sedonadb", _sedona)):
            if importlib.util.find_spec(module) is None:
                print(f"  {name}: not installed (bench/requirements.txt), left out")
            else:
                peers[name] = load(areas)
        try:
            peers["PostGIS"] = stack.enter_context(_postgis(areas))
        except EmbeddedUnavailable as error:
            print(f"  PostGIS: {error}; left out")
        yield peers


def _table(areas: gpd.GeoDataFrame) -> pa.Table:
    return pa.table({"area": np.arange(len(areas)), "shape": areas.geometry.to_wkb()})


def _points(lon: Floats, lat: Floats) -> pa.Table:
    return pa.table({"point": np.arange(len(lon)), "lon": lon, "lat": lat})


def _duckdb(areas: gpd.GeoDataFrame) -> Peer:
    import duckdb  # noqa: PLC0415 - may not be installed

    connection = duckdb.connect()
    packed = importlib.util.find_spec("duckdb_extension_spatial")
    if packed is not None and packed.submodule_search_locations:
        extension = next(Path(packed.submodule_search_locations[0]).rglob("spatial.duckdb_extension*"))
        connection.execute(f"INSTALL '{extension}'")
    connection.execute("LOAD spatial")
    connection.register("loaded", _table(areas))
    connection.execute("CREATE TABLE areas AS SELECT area, ST_GeomFromWKB(shape) AS shape FROM loaded")

    def peer(lon: Floats, lat: Floats) -> Pairs:
        connection.register("places", _points(lon, lat))
        found = connection.execute(
            "SELECT point, area FROM areas JOIN (SELECT point, ST_Point(lon, lat) AS place FROM places) AS placed"
            " ON ST_Intersects(shape, place)"
        ).fetchnumpy()
        return found["point"], found["area"]

    return peer


def _sedona(areas: gpd.GeoDataFrame) -> Peer:
    import sedonadb  # noqa: PLC0415 - may not be installed

    context = sedonadb.connect()
    context.create_data_frame(_table(areas)).to_view("loaded")
    context.sql("SELECT area, ST_GeomFromWKB(shape) AS shape FROM loaded").to_memtable().to_view("areas")

    def peer(lon: Floats, lat: Floats) -> Pairs:
        context.create_data_frame(_points(lon, lat)).to_view("places", overwrite=True)
        found = context.sql(
            "SELECT point, area FROM areas JOIN (SELECT point, ST_Point(lon, lat) AS place FROM places) AS placed"
            " ON ST_Intersects(shape, place)"
        ).to_pandas()
        return found["point"].to_numpy(), found["area"].to_numpy()

    return peer


@contextmanager
def _postgis(areas: gpd.GeoDataFrame) -> Iterator[Peer]:
    """Run a private PostGIS with the areas in it."""
    with tempfile.TemporaryDirectory(prefix="wangge-bench-") as folder:
        Path(folder).chmod(0o755)  # the server runs under an account of its own
        server = EmbeddedServer(Path(folder) / "server", settings={"fsync": "off"})
        server.start()
        try:
            server.create_database()
            address = server.url().replace("postgresql+psycopg2", "postgresql")
            with psycopg2.connect(address) as connection, connection.cursor() as cursor:
                _load(cursor, areas)
                yield lambda lon, lat: _ask(cursor, lon, lat)
        finally:
            server.stop()


def _load(cursor: Any, areas: gpd.GeoDataFrame) -> None:  # noqa: ANN401 - psycopg2 has no public type
    cursor.execute("CREATE EXTENSION IF NOT EXISTS postgis")
    cursor.execute("CREATE TEMP TABLE areas (area int, shape geometry(Geometry, 4326))")
    for number, shape in enumerate(areas.geometry.to_wkb()):
        cursor.execute(
            "INSERT INTO areas VALUES (%s, ST_GeomFromWKB(%s, 4326))", (number, psycopg2.Binary(shape))
        )
    cursor.execute("CREATE INDEX ON areas USING gist (shape)")
    cursor.execute("ANALYZE areas")


def _ask(cursor: Any, lon: Floats, lat: Floats) -> Pairs:  # noqa: ANN401
    """Join the areas, outside, with an index over the points: PostGIS then prepares each area once."""
    cursor.execute("DROP TABLE IF EXISTS places")
    cursor.execute(
        "CREATE TEMP TABLE places AS SELECT (n - 1)::int AS point, ST_SetSRID(ST_MakePoint(x, y), 4326) AS place"
        " FROM unnest(%s::float8[], %s::float8[]) WITH ORDINALITY AS given (x, y, n)",
        (lon.tolist(), lat.tolist()),
    )
    cursor.execute("CREATE INDEX ON places USING gist (place)")
    cursor.execute("ANALYZE places")
    cursor.execute("SELECT point, area FROM areas JOIN places ON ST_Intersects(shape, place)")
    found = pd.DataFrame(cursor.fetchall(), columns=["point", "area"])
    return found["point"].to_numpy(dtype=np.intp), found["area"].to_numpy(dtype=np.intp)
