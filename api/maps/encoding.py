"""Frames as what a browser draws: rounded to 1e-6 degrees (about 0.1 m), for display only."""

from typing import Any

import geopandas as gpd
import numpy as np
import orjson
import pandas as pd
import shapely

#: Decimals of a displayed degree.
DECIMALS = 6


def feature_collection(geometries: gpd.GeoSeries, properties: pd.DataFrame) -> dict[str, Any]:
    """GeoJSON of geometries (EPSG:4326) with their properties, row by row.

    Missing values become ``null``. The geometries are pieces of JSON text, so only ``orjson`` writes the result.
    """
    texts = shapely.to_geojson(_rounded(geometries.to_numpy()))
    rows = records(properties)
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "properties": row,
                "geometry": None if text is None else orjson.Fragment(text),
            }
            for row, text in zip(rows, texts, strict=True)
        ],
    }


def geojson(geometry: shapely.Geometry) -> orjson.Fragment:
    """GeoJSON of one geometry (EPSG:4326), as JSON text that only ``orjson`` writes."""
    return orjson.Fragment(shapely.to_geojson(_rounded(geometry)))


def plain(frame: pd.DataFrame) -> pd.DataFrame:
    """The same values as objects that JSON knows, every kind of missing one as None."""
    objects = frame.astype(object)
    return objects.where(objects.notna(), None)


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows as JSON objects."""
    return [{str(name): value for name, value in row.items()} for row in plain(frame).to_dict("records")]


def flat_lines(lines: np.ndarray[Any, np.dtype[np.object_]]) -> dict[str, Any]:
    """Lines as integers: a third of GeoJSON's size, and read in one pass.

    Returns
    -------
    dict
        ``xy``: longitude and latitude in units of 1e-6 degrees, each vertex as its difference from the one
        before it, across lines; ``counts``: vertices of each line.
    """
    coordinates, owner = shapely.get_coordinates(lines, return_index=True)
    scaled = np.round(coordinates * 10**DECIMALS).astype(np.int64)
    steps = np.diff(scaled, axis=0, prepend=np.zeros((1, 2), dtype=np.int64))
    return {"xy": steps.ravel(), "counts": np.bincount(owner, minlength=len(lines))}


def flat_points(lon: np.ndarray[Any, Any], lat: np.ndarray[Any, Any]) -> dict[str, Any]:
    """Points as integers: ``lon`` and ``lat`` in units of 1e-6 degrees."""
    return {
        "lon": np.round(lon * 10**DECIMALS).astype(np.int64),
        "lat": np.round(lat * 10**DECIMALS).astype(np.int64),
    }


def dump(value: object) -> bytes:
    """JSON text of what this module and the map builders return."""
    return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY)


def _rounded(geometries: Any) -> Any:  # noqa: ANN401 - one geometry or an array of them, as given
    return shapely.transform(geometries, lambda xy: np.round(xy, DECIMALS))
