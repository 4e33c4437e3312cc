"""Layer frames of hand-drawn squares, in hundredths of a degree, for tests of what is stored."""

from uuid import NAMESPACE_OID, uuid5

import geopandas as gpd
import pandas as pd
import shapely

#: Size of the unit square in degrees, and the corner of the drawing.
UNIT, WEST, SOUTH = 0.01, 105.0, 32.0


def square(x: float, y: float, width: float = 1, height: float = 1) -> shapely.MultiPolygon:
    """A rectangle on the drawing's integer paper."""
    return shapely.MultiPolygon(
        [
            shapely.box(
                WEST + x * UNIT, SOUTH + y * UNIT, WEST + (x + width) * UNIT, SOUTH + (y + height) * UNIT
            )
        ]
    )


def point(x: float, y: float) -> shapely.Point:
    """A point on the drawing's paper."""
    return shapely.Point(WEST + x * UNIT, SOUTH + y * UNIT)


def identifier(code: str) -> str:
    """The id that a code has in these drawings."""
    return str(uuid5(NAMESPACE_OID, code))


def areas(shapes: dict[str, shapely.Geometry], parent: str | None = None) -> gpd.GeoDataFrame:
    """An area layer from code -> shape."""
    codes = list(shapes)
    return gpd.GeoDataFrame(
        {
            "code": codes,
            "name": [f"area {code}" for code in codes],
            "parent_code": parent,
            "people": pd.array([None] * len(codes), dtype="Int64"),
            "households": pd.array([None] * len(codes), dtype="Int64"),
            "generated_code": False,
            "extra": [{} for _ in codes],
        },
        geometry=list(shapes.values()),
        crs="EPSG:4326",
        index=pd.Index([identifier(code) for code in codes], name="id"),
    )


def grids(shapes: dict[str, shapely.Geometry], parent: str | None = None) -> gpd.GeoDataFrame:
    """A grid layer of the default scheme."""
    return areas(shapes, parent).assign(scheme="governance", kind="base")


def compounds(shapes: dict[str, shapely.Geometry], people: int = 100) -> gpd.GeoDataFrame:
    """Managed compounds without gates."""
    codes = list(shapes)
    return gpd.GeoDataFrame(
        {
            "code": codes,
            "name": codes,
            "form": "managed",
            "households": people // 2,
            "people": people,
            "generated_code": False,
            "extra": [{} for _ in codes],
            "entrances": gpd.GeoSeries([None] * len(codes), crs="EPSG:4326").to_numpy(),
        },
        geometry=list(shapes.values()),
        crs="EPSG:4326",
        index=pd.Index([identifier(code) for code in codes], name="id"),
    )
