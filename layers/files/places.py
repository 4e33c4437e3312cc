"""Places in a table: the geometries made of its coordinate columns or of its geometry text."""

import contextlib
import math

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo.faults import DataError, Fault
from layers.files import columns
from layers.files.source import ROW

Objects = NDArray[np.object_]
Floats = NDArray[np.float64]

#: Decimals of coordinates as WKT: all that there are, also close to the meridian of Greenwich.
WKT_DECIMALS = 20

_CURVES = ("CIRCULARSTRING", "COMPOUNDCURVE", "CURVEPOLYGON", "MULTICURVE", "MULTISURFACE")


def locate(
    frame: pd.DataFrame, *, x: str | None = None, y: str | None = None
) -> tuple[pd.DataFrame, list[Fault]]:
    """Turn a table's coordinate columns, or its geometry text, into geometries.

    Parameters
    ----------
    frame
        Text columns, indexed by record number.
    x, y
        Columns of longitude or easting and latitude or northing, where the usual names do not tell.

    Returns
    -------
    DataFrame, list of Fault
        A GeoDataFrame without those columns and without CRS, or `frame` itself when it has no such columns;
        and a fault for each record whose coordinates are no numbers or whose geometry cannot be read.

    Raises
    ------
    DataError
        ``field-unknown`` when `x` or `y` is no column.
    """
    east, north = _column(frame, columns.X_NAMES, x), _column(frame, columns.Y_NAMES, y)
    text = columns.known(frame.columns, columns.WKT_NAMES)
    if text is not None and x is None:
        geoms, faults = read_geometries(frame[text])
        return gpd.GeoDataFrame(frame.drop(columns=text), geometry=geoms), faults
    if east is None or north is None:
        return frame, []
    points, faults = _points(frame[east], frame[north])
    return gpd.GeoDataFrame(frame.drop(columns=[east, north]), geometry=points), faults


def _column(frame: pd.DataFrame, names: tuple[str, ...], stated: str | None) -> str | None:
    if stated is not None and stated not in frame.columns:
        raise DataError(columns.missing(list(frame.columns), stated))
    return stated or columns.known(frame.columns, names)


def _points(x: pd.Series, y: pd.Series) -> tuple[Objects, list[Fault]]:
    numbers = [pd.to_numeric(values, errors="coerce").to_numpy(dtype=np.float64) for values in (x, y)]
    blank = _blank(x) & _blank(y)
    bad = ~blank & ~np.isfinite(numbers).all(axis=0)
    points = np.full(len(x), None, dtype=object)
    good = ~blank & ~bad
    points[good] = shapely.points(numbers[0][good], numbers[1][good])
    faults = [
        Fault(
            kind="coordinate-missing" if blank[i] else "coordinate-not-a-number",
            row=int(x.index[int(i)]),
            message=f"{x.name} {x.iloc[i]!r}, {y.name} {y.iloc[i]!r}: not two numbers.",
        )
        for i in np.flatnonzero(bad | blank)
    ]
    return points, faults


def _blank(values: pd.Series) -> NDArray[np.bool_]:
    return np.array(
        [value is None or str(value).strip() in {"", "nan", "None"} for value in values], dtype=bool
    )


def read_geometries(values: pd.Series) -> tuple[Objects, list[Fault]]:
    """Read a column of geometries: WKT text, WKB or hexadecimal WKB, or geometries already.

    Returns
    -------
    ndarray, list of Fault
        Geometries, None where blank or unreadable; ``geometry-curved`` and ``geometry-invalid`` faults.
    """
    geoms = np.full(len(values), None, dtype=object)
    faults: list[Fault] = []
    for i, value in enumerate(values):
        try:
            geoms[i] = _geometry(value)
        except (shapely.errors.GEOSException, NotImplementedError) as error:
            row = int(values.index[i]) if values.index.name == ROW else i + 1
            faults.append(_unreadable(str(value), row, error))
    return geoms, faults


def point_coordinates(values: Objects) -> tuple[Floats, Floats]:
    """Coordinates of points as WKT, EWKT, WKB or hexadecimal WKB; NaN for whatever else a value may be.

    Parameters
    ----------
    values
        Text or bytes, None where missing.
    """
    is_text = np.array([isinstance(value, str) for value in values], dtype=bool)
    wkb = values.copy()
    wkb[is_text] = None
    with np.errstate(invalid="ignore"):
        geoms = shapely.from_wkb(wkb, on_invalid="ignore")
        geoms[is_text] = shapely.from_wkt(values[is_text], on_invalid="ignore")
        for row in np.flatnonzero(is_text & shapely.is_missing(geoms)):
            with contextlib.suppress(shapely.errors.GEOSException, NotImplementedError):
                geoms[row] = _geometry(values[row])
    geoms[shapely.get_type_id(geoms) != shapely.GeometryType.POINT] = None
    geoms[shapely.is_empty(geoms)] = None
    return shapely.get_x(geoms), shapely.get_y(geoms)


def _geometry(value: object) -> shapely.Geometry | None:
    if value is None or isinstance(value, shapely.Geometry):
        return value
    if isinstance(value, float) and math.isnan(value):
        return None
    with np.errstate(invalid="ignore"):  # GEOS compares a NaN coordinate; validity tells of it later
        if isinstance(value, bytes):
            return shapely.from_wkb(value)
        text = str(value).strip()
        if not text:
            return None
        is_hex = text[:2] in {"00", "01"} and " " not in text
        return shapely.from_wkb(text) if is_hex else shapely.from_wkt(text.partition(";")[2] or text)


def _unreadable(text: str, row: int, error: Exception) -> Fault:
    if text.lstrip().upper().startswith(_CURVES):
        return Fault(
            kind="geometry-curved", row=row, message=f"{text[:40]}…: replace curves by line segments."
        )
    return Fault(kind="geometry-invalid", row=row, message=f"{text[:60]!r} is no geometry: {error}")
