"""From tables in the local metric plane to layer frames in EPSG:4326."""

import uuid

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely

from geo.synthetic.terrain import Floats, Geometries

#: Where the plane's origin lies: hill country inside the 3° zone of 105°E, far from the zone's borders.
CENTRE = (105.42, 32.02)

#: A stored degree has this many decimals, 0.1 mm.
_DIGITS = 9
_NAMESPACE = uuid.UUID("5f0c6a5e-0f5d-5c36-9a43-6e9d1c6b0f01")
_SHAPES = ("geometry", "entrances", "site")

#: Columns of the layer frames.
_AREA = ["code", "name", "parent_code", "people", "households", "generated_code", "extra", "geometry"]
COLUMNS: dict[str, list[str]] = {
    **dict.fromkeys(("districts", "subdistricts", "communities"), _AREA),
    "grids": [*_AREA, "scheme", "kind"],
    "compounds": [
        "code",
        "name",
        "form",
        "households",
        "people",
        "built_year",
        "address",
        "generated_code",
        "extra",
        "geometry",
        "entrances",
    ],
    "buildings": [
        "code",
        "name",
        "number",
        "compound_code",
        "households",
        "people",
        "floors",
        "built_year",
        "address",
        "generated_code",
        "extra",
        "geometry",
    ],
    "addresses": [
        "code",
        "text",
        "street",
        "number",
        "unit",
        "compound_code",
        "building_code",
        "generated_code",
        "extra",
        "geometry",
    ],
    "old_estates": [
        "code",
        "name",
        "built_year",
        "works",
        "department",
        "households",
        "people",
        "generated_code",
        "extra",
        "geometry",
    ],
    "facilities": [
        "code",
        "name",
        "type",
        "address",
        "capacity",
        "generated_code",
        "extra",
        "geometry",
        "site",
        "entrances",
    ],
    "streets": [
        "code",
        "name",
        "kind",
        "bridge",
        "tunnel",
        "level",
        "steps",
        "walkable",
        "extra",
        "geometry",
    ],
    "posts": [
        "code",
        "role",
        "name",
        "phone",
        "target_layer",
        "target_code",
        "valid_from",
        "valid_to",
        "generated_code",
    ],
}


def to_lonlat(tables: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Carry all tables' geometries to longitude and latitude, every distinct vertex once.

    Equal vertices of the plane are bitwise equal afterwards, in whichever tables they stand.
    """
    places = [(key, column) for key, table in tables.items() for column in _SHAPES if column in table]
    stacked = np.concatenate([tables[key][column].to_numpy() for key, column in places])
    stacked[pd.isna(stacked)] = None
    moved = shapely.transform(stacked, _lonlat)
    out = {key: table.copy() for key, table in tables.items()}
    first = 0
    for key, column in places:
        out[key][column] = moved[first : first + len(out[key])]
        first += len(out[key])
    return out


def layer_frame(layer: str, table: pd.DataFrame, seed: int) -> gpd.GeoDataFrame:
    """Make a layer frame: stable identifiers from seed, layer and code, and the layer's columns."""
    frame = identified(layer, table, seed)
    return gpd.GeoDataFrame(frame, geometry="geometry", crs="EPSG:4326")


def identified(layer: str, table: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Index a table by identifiers made from seed, layer and code, and keep the layer's columns."""
    ids = [str(uuid.uuid5(_NAMESPACE, f"{seed}/{layer}/{code}")) for code in table["code"]]
    extra = pd.Series([{} for _ in range(len(table))], index=table.index, dtype=object)
    whole = table.assign(generated_code=False, extra=extra)
    return whole[COLUMNS[layer]].set_index(pd.Index(ids, name="id"))


def multi(shapes: Geometries) -> Geometries:
    """Wrap polygons into MultiPolygons; other geometries and missing ones stay."""
    out = shapes.copy()
    out[pd.isna(shapes)] = None
    simple = shapely.get_type_id(out) == shapely.GeometryType.POLYGON
    out[simple] = shapely.multipolygons(out[simple][:, None])
    return out


def _lonlat(xy: Floats) -> Floats:
    distinct, inverse = np.unique(np.ascontiguousarray(xy).view(np.complex128).ravel(), return_inverse=True)
    plane = pyproj.Proj(proj="tmerc", lat_0=0, lon_0=105, x_0=500_000, ellps="GRS80")
    east, north = plane(*CENTRE)
    lon, lat = plane(distinct.real + east, distinct.imag + north, inverse=True)
    return np.round(np.column_stack([lon, lat]), _DIGITS)[inverse]
