"""GeoJSON out: every coordinate with all its digits, which GDAL's writer rounds."""

import datetime as dt
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import orjson
import pandas as pd
import shapely

from layers.files import tables

_WGS84 = 4326


def write(frame: pd.DataFrame, path: Path, *, in_lines: bool = False) -> None:
    """Write a frame as a FeatureCollection, one feature a row; without places their geometry is null.

    Coordinates are written as they are, longitude or easting first; a CRS other than WGS84, which the format's
    standard (RFC 7946) does not know, is named as its predecessor named it.

    Parameters
    ----------
    in_lines
        One feature a line and nothing around them (newline-delimited GeoJSON).
    """
    features = _features(frame)
    if in_lines:
        path.write_bytes(b"".join(feature + b"\n" for feature in features))
        return
    head = orjson.dumps({"type": "FeatureCollection", "name": path.stem, **_named_crs(frame)})
    path.write_bytes(head[:-1] + b',"features":[\n' + b",\n".join(features) + b"\n]}\n")


def _features(frame: pd.DataFrame) -> list[bytes]:
    if isinstance(frame, gpd.GeoDataFrame):
        outward = shapely.orient_polygons(np.asarray(frame.geometry, dtype=object))
        shapes = [None if shape is None else orjson.Fragment(shape) for shape in shapely.to_geojson(outward)]
        properties = pd.DataFrame(frame.drop(columns=frame.geometry.name))
    else:
        shapes, properties = [None] * len(frame), frame
    return [
        orjson.dumps(
            {"type": "Feature", "properties": row, "geometry": shape},
            default=_said,
            option=orjson.OPT_SERIALIZE_NUMPY,
        )
        for row, shape in zip(tables.records(properties), shapes, strict=True)
    ]


def _named_crs(frame: pd.DataFrame) -> dict[str, Any]:
    authority = frame.crs.to_authority() if isinstance(frame, gpd.GeoDataFrame) and frame.crs else None
    if authority is None or authority[1] == str(_WGS84):
        return {}
    return {
        "crs": {"type": "name", "properties": {"name": f"urn:ogc:def:crs:{authority[0]}::{authority[1]}"}}
    }


def _said(value: object) -> str:
    return value.isoformat() if isinstance(value, dt.date) else str(value)
