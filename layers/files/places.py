"""Places in a table: which columns hold coordinates or geometry text, and the geometries made of them."""

import math
from collections.abc import Iterable

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo.faults import DataError, Fault
from layers.files.source import ROW

Objects = NDArray[np.object_]

#: Column names, compared without case, that say longitude or easting, and latitude or northing. Not the
#: Chinese surveyor's X, which is the northing: such columns are named by the user.
X_NAMES = (
    "lon",
    "lng",
    "long",
    "longitude",
    "经度",
    "东经",
    "x",
    "easting",
    "东坐标",
    "point_x",
    "lon_wgs84",
)
Y_NAMES = ("lat", "latitude", "纬度", "北纬", "y", "northing", "北坐标", "point_y", "lat_wgs84")
WKT_NAMES = ("wkt", "geometry", "geom", "the_geom", "几何", "空间数据")
_CURVES = ("CIRCULARSTRING", "COMPOUNDCURVE", "CURVEPOLYGON", "MULTICURVE", "MULTISURFACE")


def find(columns: Iterable[str], names: tuple[str, ...], stated: str | None = None) -> str | None:
    """Return the column of that meaning: the stated one, or the first of the known names.

    Raises
    ------
    DataError
        ``field-unknown`` when the stated column does not exist.
    """
    present = list(columns)
    if stated is not None:
        if stated not in present:
            raise DataError(
                Fault(
                    kind="field-unknown",
                    field=stated,
                    message=f"The file has no column {stated!r}; it has: {', '.join(present)}.",
                )
            )
        return stated
    by_name = {column.strip().lower(): column for column in reversed(present)}
    return next((by_name[name] for name in names if name in by_name), None)


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
    east, north = find(frame.columns, X_NAMES, x), find(frame.columns, Y_NAMES, y)
    text = find(frame.columns, WKT_NAMES)
    if text is not None and x is None:
        geoms, faults = read_geometries(frame[text])
        return gpd.GeoDataFrame(frame.drop(columns=text), geometry=geoms), faults
    if east is None or north is None:
        return frame, []
    points, faults = _points(frame[east], frame[north])
    return gpd.GeoDataFrame(frame.drop(columns=[east, north]), geometry=points), faults


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
