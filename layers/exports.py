"""Layers out to files: every format that can be imported again."""

import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from sqlalchemy.orm import Session

from geo import crs
from geo.crs import Reference
from layers import store
from layers.files import formats
from layers.import_records import spec_of

# Formats that can hold degrees only.
_DEGREES_ONLY = (".geojson", ".json", ".geojsonl", ".geojsons", ".ndjson")


def export(
    session: Session, layer: str, path: Path, revision: int, *, reference: Reference = crs.WGS84
) -> int:
    """Write a layer as it stood at a revision; return the number of features.

    The file holds the layer's fields under their own names, further geometries (entrances, site) as WKT and
    ``extra`` as JSON, so that importing it changes nothing. GeoJSON is always WGS84 unless a datum in degrees
    is asked for.

    Parameters
    ----------
    reference
        Datum or CRS of the file's coordinates. Files cannot state GCJ-02 and BD-09: say it to who gets them.

    Raises
    ------
    NotFound
        If there is no such layer.
    DataError
        ``format-unknown``.
    """
    spec_of(layer)
    frame = store.read(session, layer, revision).sort_values("code")
    out = pd.DataFrame(frame.drop(columns=["geometry", "site", "entrances"], errors="ignore"))
    if "extra" in out:
        out["extra"] = [json.dumps(value or {}, ensure_ascii=False, default=str) for value in out["extra"]]
    for name in ("site", "entrances"):
        if name in frame:
            out[name] = shapely.to_wkt(_placed(frame[name], reference), rounding_precision=-1)
    if "geometry" not in frame:
        formats.write(_plain(out), path)
        return len(out)
    geometry = _placed(frame["geometry"], reference)
    degrees = path.suffix.lower() in _DEGREES_ONLY
    stated = None if not reference.geographic and degrees else _stated(reference)
    formats.write(gpd.GeoDataFrame(_plain(out), geometry=geometry, crs=stated), path)
    return len(out)


def _placed(values: pd.Series, reference: Reference) -> np.ndarray:
    return crs.geometries_from_lonlat(values.to_numpy(dtype=object), reference)


def _stated(reference: Reference) -> str | None:
    """CRS to write into the file; the obfuscated datums have none."""
    if reference.name in ("gcj02", "bd09") or "+proj=pipeline" in reference.definition:
        return None
    return {"wgs84": "EPSG:4326", "cgcs2000": "EPSG:4490"}.get(reference.name, reference.definition)


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Dates as text, and a plain running index."""
    for name in frame.columns:
        if frame[name].dtype == object:
            frame[name] = [str(value) if hasattr(value, "isoformat") else value for value in frame[name]]
    return frame.reset_index(drop=True)
