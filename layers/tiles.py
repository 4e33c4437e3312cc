"""Vector tiles (Mapbox Vector Tile 2.1) of features, drawn by the database.

Every feature that has a point in a tile is in it, at every zoom level: what is smaller than the tile's unit is drawn
as large as one, and nothing is counted off.
"""

import math

from sqlalchemy import Text, cast, select, text
from sqlalchemy.orm import Session

from geo.web_mercator import Tile
from layers.features.collections import Collection
from layers.features.pages import Selection
from layers.features.properties import properties_of

#: Units along a side of a tile, and how far features are drawn beyond it, so that borders of tiles do not show.
UNITS, MARGIN = 4096, 64

#: What is smaller than this, in units, may vanish when corners are moved to whole units; it is drawn this large.
_SMALL, _DRAWN = 2.0, 0.75

# A process that helps with a query loads PostGIS and PROJ first, and is worth it from some 5,000 features on. The database
# takes this for three hundred times less, and would have a tile of 300 drawn in parallel, in five times the time.
_HELP_IS_DEAR = text("SET LOCAL parallel_setup_cost = 300000")


def _in_units(shape: str) -> str:
    return f"ST_AsMVTGeom({shape}, ST_TileEnvelope(:zoom, :column, :row), {UNITS}, {MARGIN})"


# What is drawn for ``geom`` (EPSG:4326), as text with the names of :func:`_measures`: put together from functions for each
# tile it would take as long as drawing a dozen features.
_THINNED = "ST_Transform(ST_Simplify(geom, :thinned_deg, true), 3857)"
_IS_SMALL = "ST_XMax(geom) - ST_XMin(geom) < :small_deg AND ST_YMax(geom) - ST_YMin(geom) < :small_deg"
_BOX = "ST_Expand(ST_Transform(ST_Envelope(geom), 3857), :reach_m)"
# Where it vanishes. A longer line does not: one that is not drawn has no point in the tile.
_ENLARGED_LINE = f"CASE WHEN {_IS_SMALL} THEN ST_BoundingDiagonal({_BOX}) END"
# Its box, or a band along it, a unit and a half wide.
_ENLARGED_AREA = f"CASE WHEN {_IS_SMALL} THEN {_BOX} ELSE ST_Buffer({_THINNED}, :reach_m) END"
#: By type of a collection's geometry, in the tile's units; NULL where it has no point in the tile.
_DRAWN_AS = {
    "Point": _in_units("ST_Transform(geom, 3857)"),
    "LineString": f"coalesce({_in_units(_THINNED)}, {_in_units(_ENLARGED_LINE)})",
    "MultiPolygon": f"coalesce({_in_units(_THINNED)}, {_in_units(_ENLARGED_AREA)})",
}
_IS_NEAR = text("geom && ST_MakeEnvelope(:west, :south, :east, :north, 4326)")
_TILE = text(f"ST_AsMVT(drawn, :layer, {UNITS}, 'geom')")


def mvt(session: Session, selection: Selection, collection: Collection, tile: Tile) -> bytes:
    """Return a tile of a collection; empty where it has no feature there.

    Parameters
    ----------
    session
        Later queries of its transaction run in parallel only where they are long.
    selection
        The collection's features at one state.

    Notes
    -----
    The tile's one layer is called as the collection. Its features have the collection's properties and ``id``; those
    that are places themselves (gates, sites) are left out, and so are values that are missing. Corners lie within a
    unit of where they belong: lines are thinned to half a unit before they are projected, which takes most of the
    time.
    """
    source = selection.source
    told = [
        source.c[name] for name, known in properties_of(selection.layer).items() if known.kind != "geometry"
    ]
    drawn = (
        select(cast(source.c.id, Text).label("id"), *told, text(f"{_DRAWN_AS[collection.geometry]} AS geom"))
        .select_from(source)
        .where(*selection.conditions, _IS_NEAR)
        .subquery("drawn")
    )
    session.execute(_HELP_IS_DEAR)
    found = session.execute(
        select(_TILE).select_from(drawn), {"layer": collection.name, **_measures(tile)}
    ).scalar_one()
    return bytes(found)


def _measures(tile: Tile) -> dict[str, float]:
    """Return the numbers that the SQL of a tile names: degrees of EPSG:4326, and metres of the projection."""
    west, south, east, north = tile.box(margin=MARGIN / UNITS)
    unit_deg = 360 / 2**tile.zoom / UNITS
    # Towards the poles a unit is fewer degrees high than wide.
    narrowest_deg = unit_deg * math.cos(math.radians(max(abs(south), abs(north))))
    return {
        "zoom": tile.zoom,
        "column": tile.column,
        "row": tile.row,
        "west": west,
        "south": south,
        "east": east,
        "north": north,
        "thinned_deg": narrowest_deg / 2,
        "small_deg": unit_deg * _SMALL,
        "reach_m": tile.width_m / UNITS * _DRAWN,
    }
