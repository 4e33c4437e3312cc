"""Vector tiles (Mapbox Vector Tile 2.1) of features, drawn by the database.

Every feature that has a point in a tile is in it, at every zoom level: what is smaller than the tile's unit is drawn
as large as one, and nothing is counted off.
"""

import math

from sqlalchemy import ColumnElement, Text, case, cast, func, literal, select
from sqlalchemy.orm import Session
from sqlalchemy.types import LargeBinary, NullType

from geo.web_mercator import Tile
from layers.features.collections import Collection
from layers.features.pages import Selection
from layers.features.properties import properties_of

#: Units along a side of a tile, and how far features are drawn beyond it, so that borders of tiles do not show.
UNITS, MARGIN = 4096, 64

_MERCATOR = 3857
#: What is smaller than this, in units, may vanish when corners are moved to whole units; it is drawn this large.
_SMALL, _DRAWN = 2.0, 0.75


def mvt(session: Session, selection: Selection, collection: Collection, tile: Tile) -> bytes:
    """Return a tile of a collection; empty where it has no feature there.

    Parameters
    ----------
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
    west, south, east, north = tile.box(margin=MARGIN / UNITS)
    near = source.c.geom.op("&&")(func.ST_MakeEnvelope(west, south, east, north, 4326))
    drawn = (
        select(
            cast(source.c.id, Text).label("id"), *told, _drawn(source.c.geom, collection, tile).label("geom")
        )
        .where(*selection.conditions, near)
        .subquery("drawn")
    )
    query = select(
        func.ST_AsMVT(drawn.table_valued(), collection.name, UNITS, "geom", type_=LargeBinary)
    ).select_from(drawn)
    return bytes(session.execute(query).scalar_one())


def _drawn(geom: ColumnElement[object], collection: Collection, tile: Tile) -> ColumnElement[object]:
    """Return the geometry in the tile's units; NULL where it has no point in the tile."""
    if collection.geometry == "Point":
        return _in_units(_projected(geom), tile)
    _, south, _, north = tile.box()
    unit_deg = 360 / 2**tile.zoom / UNITS
    # Towards the poles a unit is fewer degrees high than wide.
    narrowest = unit_deg * math.cos(math.radians(max(abs(south), abs(north))))
    shape = _projected(func.ST_Simplify(geom, narrowest / 2, True, type_=NullType))  # noqa: FBT003 - SQL's own
    return func.coalesce(_in_units(shape, tile), _in_units(_enlarged(geom, shape, collection, tile), tile))


def _enlarged(
    geom: ColumnElement[object], shape: ColumnElement[object], collection: Collection, tile: Tile
) -> ColumnElement[object]:
    """Return what is drawn for a feature that vanishes: its box, or a band along it, a unit and a half wide."""
    reach = tile.width_m / UNITS * _DRAWN
    most_deg = 360 / 2**tile.zoom / UNITS * _SMALL
    small = (func.ST_XMax(geom) - func.ST_XMin(geom) < most_deg) & (
        func.ST_YMax(geom) - func.ST_YMin(geom) < most_deg
    )
    box = func.ST_Expand(_projected(func.ST_Envelope(geom, type_=NullType)), reach, type_=NullType)
    if collection.geometry == "LineString":
        # A longer line does not vanish; one that is not drawn has no point in the tile.
        return case((small, func.ST_BoundingDiagonal(box, type_=NullType)), else_=literal(None, NullType()))
    return case((small, box), else_=func.ST_Buffer(shape, reach, type_=NullType))


def _in_units(shape: ColumnElement[object], tile: Tile) -> ColumnElement[object]:
    square = func.ST_TileEnvelope(tile.zoom, tile.column, tile.row, type_=NullType)
    return func.ST_AsMVTGeom(shape, square, UNITS, MARGIN, True, type_=NullType)  # noqa: FBT003 - SQL's own


def _projected(shape: ColumnElement[object]) -> ColumnElement[object]:
    return func.ST_Transform(shape, _MERCATOR, type_=NullType)
