"""Layers out to files: every format that can be imported again."""

import datetime as dt
import json
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from sqlalchemy.orm import Session

from geo import crs
from geo.crs import Reference
from geo.faults import DataError, Fault
from layers import osm, store
from layers.catalogue import personal_columns, spec_of
from layers.files import formats
from layers.files.places import WKT_DECIMALS
from layers.files.vector import UTF_8, known_encoding

# Formats that can hold degrees only.
_DEGREES_ONLY = (".geojson", ".json", ".geojsonl", ".geojsons", ".ndjson")
# What text a shapefile's table holds, and the columns without which the file would not be the layer.
_DBF_BYTES = 254
_ALWAYS = ("code", "name", "parent_code")


@dataclass(frozen=True, slots=True)
class Exported:
    """How many features were written, to whom they must be attributed, and columns that the format cannot hold."""

    count: int
    attribution: str | None
    left_out: list[str]


def export(
    session: Session,
    layer: str,
    path: Path,
    revision: int,
    *,
    reference: Reference = crs.WGS84,
    personal: bool = True,
    encoding: str | None = None,
) -> Exported:
    """Write a layer as it stood at a revision; see :func:`write`.

    Raises
    ------
    NotFound
        If there is no such layer.
    DataError
        As in :func:`write`.
    """
    spec_of(layer)
    frame = store.read(session, layer, revision)
    return write(layer, frame, path, reference=reference, personal=personal, encoding=encoding)


def write(
    layer: str,
    frame: pd.DataFrame,
    path: Path,
    *,
    reference: Reference = crs.WGS84,
    personal: bool = True,
    encoding: str | None = None,
) -> Exported:
    """Write the state of a layer.

    The file holds the layer's fields under their own names, further geometries (entrances, site) as WKT and
    ``extra`` as JSON, so that importing it changes nothing. A shapefile leaves out what it would cut off.

    Parameters
    ----------
    frame
        Layer frame.
    reference
        Datum or CRS of the file's coordinates. Files cannot state GCJ-02 and BD-09: say it to who gets them.
    personal
        Whether the file holds personal columns; importing one without them leaves them as they are, unless it replaces
        the layer.
    encoding
        Of a shapefile's text, one of :data:`layers.files.vector.ENCODINGS`.

    Raises
    ------
    DataError
        ``parameter-invalid`` for metres in GeoJSON, which holds degrees only; and as in
        :func:`layers.files.formats.write`.
    """
    hidden = [] if personal else personal_columns(layer)
    in_degrees = path.suffix.lower() in _DEGREES_ONLY
    if in_degrees and not reference.geographic:
        message = f"GeoJSON holds degrees, not {reference.name}: write another format."
        raise DataError(Fault(kind="parameter-invalid", field="crs", message=message))
    frame = frame.sort_values("code").drop(columns=hidden, errors="ignore")
    out = _table(frame, reference)
    left_out = _too_long(out, known_encoding(encoding or UTF_8)) if path.suffix.lower() == ".shp" else []
    out = out.drop(columns=left_out)
    if "geometry" in frame:
        stated = "EPSG:4326" if in_degrees else _stated(reference)
        out = gpd.GeoDataFrame(out, geometry=_placed(frame["geometry"], reference), crs=stated)
    formats.write(out, path, encoding=encoding)
    return Exported(len(out), osm.attribution(frame["code"]), left_out)


def _table(frame: pd.DataFrame, reference: Reference) -> pd.DataFrame:
    """Everything but the geometry: further geometries as WKT, ``extra`` as JSON, dates as text."""
    out = pd.DataFrame(frame.drop(columns=["geometry", "site", "entrances"], errors="ignore"))
    if "extra" in out:
        out["extra"] = [json.dumps(value or {}, ensure_ascii=False, default=str) for value in out["extra"]]
    for name in ("site", "entrances"):
        if name in frame:
            out[name] = shapely.to_wkt(_placed(frame[name], reference), rounding_precision=WKT_DECIMALS)
    for name in out.columns.intersection(["valid_from", "valid_to"]):
        out[name] = [value.isoformat() if isinstance(value, dt.date) else value for value in out[name]]
    return out.reset_index(drop=True)


def _too_long(table: pd.DataFrame, encoding: str) -> list[str]:
    """Columns that a shapefile would cut off; left out, an import of the file keeps what is stored."""
    return [
        name
        for name in table.columns
        if name not in _ALWAYS
        and any(
            len(value.encode(encoding, "replace")) > _DBF_BYTES
            for value in table[name]
            if isinstance(value, str)
        )
    ]


def _placed(values: pd.Series, reference: Reference) -> np.ndarray:
    return crs.geometries_from_lonlat(values.to_numpy(dtype=object), reference)


def _stated(reference: Reference) -> str | None:
    """CRS to write into the file; the obfuscated datums have none."""
    if reference.name in ("gcj02", "bd09") or "+proj=pipeline" in reference.definition:
        return None
    return {"wgs84": "EPSG:4326", "cgcs2000": "EPSG:4490"}.get(reference.name, reference.definition)
