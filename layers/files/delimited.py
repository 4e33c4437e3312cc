"""CSV and other delimited text, with coordinates in columns."""

import csv
import io
from pathlib import Path

import geopandas as gpd
import pandas as pd
import shapely

from geo.faults import DataError, Fault
from layers.files import places, tables, text
from layers.files.columns import unique_names
from layers.files.source import Source, numbered

_SAMPLE = 64_000


def read(path: Path, *, encoding: str | None = None, x: str | None = None, y: str | None = None) -> Source:
    """Read a delimited text file; every value stays text, so that codes keep their leading zeros.

    The separator (comma, semicolon, tab or bar) and the encoding are found out. A record with more or fewer
    fields than the header is a fault of that record.

    Raises
    ------
    DataError
        ``encoding-unknown``, ``file-empty``, ``file-unreadable``, ``field-unknown``.
    """
    content, taken = text.decode(path.read_bytes(), stated=encoding)
    if "\x00" in content:
        raise DataError(Fault(kind="file-unreadable", message=f"{path.name} is not a text file."))
    header, rows = _records(content)
    frame = numbered(pd.DataFrame([_fitted(row, len(header)) for row in rows], columns=header, dtype=object))
    faults = [
        Fault(
            kind="value-invalid",
            row=number,
            message=f"The record has {len(row)} fields, the header has {len(header)}.",
        )
        for number, row in enumerate(rows, start=1)
        if len(row) != len(header)
    ]
    located, misplaced = places.locate(frame, x=x, y=y)
    notes = [] if encoding or taken == "utf-8" else [f"The text was read as {taken}."]
    return Source(located, "CSV", encoding=taken, faults=faults + misplaced, notes=notes)


def _records(content: str) -> tuple[list[str], list[list[str]]]:
    try:
        dialect: type[csv.Dialect] | str = csv.Sniffer().sniff(content[:_SAMPLE].partition("\n")[0], ",;\t|")
    except csv.Error:  # one column only
        dialect = "excel"
    csv.field_size_limit(1 << 30)  # a polygon's WKT is longer than the default limit
    delimiter = dialect if isinstance(dialect, str) else dialect.delimiter
    reader = csv.reader(
        io.StringIO(content, newline=""), delimiter="," if delimiter == "excel" else delimiter
    )
    records = [row for row in reader if any(row)]
    if not records:
        return [], []
    return unique_names(records[0]), records[1:]


def _fitted(row: list[str], width: int) -> list[str | None]:
    return [value or None for value in row[:width]] + [None] * (width - len(row))


def write(frame: pd.DataFrame, path: Path) -> None:
    """Write a frame; points become columns ``lon, lat``, other geometries a column ``wkt``."""
    path.write_bytes(tables.to_csv(as_table(frame)))


def as_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame without geometries: columns of coordinates or of WKT instead."""
    if not isinstance(frame, gpd.GeoDataFrame):
        return frame
    geoms = frame.geometry.to_numpy()
    table = pd.DataFrame(frame.drop(columns=frame.geometry.name))
    present = geoms[~shapely.is_missing(geoms)]
    if len(present) and (shapely.get_type_id(present) == shapely.GeometryType.POINT).all():
        return table.assign(lon=shapely.get_x(geoms), lat=shapely.get_y(geoms))
    return table.assign(wkt=shapely.to_wkt(geoms, rounding_precision=places.WKT_DECIMALS))
