"""Tables out: CSV, XLSX and GeoJSON of a frame, as bytes."""

import io
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import geopandas as gpd
import numpy as np
import orjson
import pandas as pd
import shapely
from openpyxl import Workbook
from openpyxl.cell import Cell, WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter

#: A text that begins with one of these is a formula to a spreadsheet.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

# What the workbook's own list of illegal characters lacks (XML 1.0, section 2.2).
_FORBIDDEN = re.compile("[\ud800-\udfff\ufffe\uffff]")

#: Decimals of degrees in GeoJSON: 1e-7 degrees are a centimetre.
_DECIMALS = 7

#: Rows that decide a column's width in a workbook, and the widest column, in letters.
_MEASURED, _WIDEST = 200, 60


def to_csv(frame: pd.DataFrame) -> bytes:
    """Write a table as CSV: UTF-8 with the mark that spreadsheets need to read Chinese, missing values empty.

    Text that a spreadsheet would take for a formula is led by an apostrophe, which shows that it is text.
    """
    safe = frame.copy()
    for column in frame.select_dtypes(["object", "string"]).columns:
        safe[column] = frame[column].map(_defused)
    return safe.to_csv(index=False, lineterminator="\r\n").encode("utf-8-sig")


def to_xlsx(
    frame: pd.DataFrame,
    *,
    titles: Mapping[str, str],
    notes: Sequence[tuple[str, str]] = (),
    name: str = "数据 data",
    further: Mapping[str, pd.DataFrame] = MappingProxyType({}),
) -> bytes:
    """Write a table as a workbook; text is stored as text, so that no cell is a formula.

    Columns whose names end in ``share`` are shown as percentages.

    Parameters
    ----------
    titles
        Column names in the reader's language; the column's own name stands beside it.
    notes
        Names and values for the last sheet: what the table is and where it comes from.
    name, further
        Name of the table's sheet, and further tables by the names of theirs.
    """
    book = Workbook(write_only=True)
    for title, table in {name: frame, **further}.items():
        _write_sheet(book.create_sheet(title), table, titles)
    if notes:
        about = book.create_sheet("说明 notes")
        about.column_dimensions["A"].width, about.column_dimensions["B"].width = 24, 80
        for term, value in notes:
            about.append([_text_cell(about, term, bold=True), _text_cell(about, value)])
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def to_geojson(frame: gpd.GeoDataFrame, *, extra: Mapping[str, Any] | None = None) -> bytes:
    """Write a frame in EPSG:4326 as a FeatureCollection (RFC 7946), one feature a row.

    Parameters
    ----------
    frame
        The active geometry, outer rings turned counter-clockwise; other columns become properties.
    extra
        Further members of the collection, such as the revision.
    """
    geometry = shapely.orient_polygons(np.asarray(frame.geometry, dtype=object))
    shapes = shapely.to_geojson(shapely.set_precision(geometry, 10.0**-_DECIMALS, mode="pointwise"))
    properties = frame.drop(columns=frame.geometry.name)
    names = properties.columns.tolist()
    features = [
        orjson.Fragment(
            b'{"type":"Feature","properties":'
            + orjson.dumps(dict(zip(names, row, strict=True)))
            + b',"geometry":'
            + (shape.encode() if shape is not None else b"null")
            + b"}"
        )
        for row, shape in zip(_rows(properties), shapes, strict=True)
    ]
    return orjson.dumps({"type": "FeatureCollection", **(extra or {}), "features": features})


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as JSON objects: missing values are null, numbers plain."""
    # As a list: walking through an index of pandas costs more than all else here, once a row.
    names = frame.columns.tolist()
    return [dict(zip(names, row, strict=True)) for row in _rows(frame)]


def _rows(frame: pd.DataFrame) -> Iterator[tuple[Any, ...]]:
    return zip(*(_values(frame[name]) for name in frame.columns), strict=True)


def _values(column: pd.Series) -> list[Any]:
    missing = column.isna().to_numpy()
    if not missing.any():
        return column.tolist()
    values = column.astype(object)
    values[missing] = None
    return values.tolist()


def _write_sheet(sheet: Any, frame: pd.DataFrame, titles: Mapping[str, str]) -> None:  # noqa: ANN401 - a write-only sheet
    sheet.freeze_panes = "A2"
    header = [f"{titles[name]} {name}" if name in titles else str(name) for name in frame.columns]
    _set_widths(sheet, header, frame)
    sheet.append([_text_cell(sheet, title, bold=True) for title in header])
    formats = ["0.0%" if str(name).endswith("share") else None for name in frame.columns]
    for row in _rows(frame):
        sheet.append([_cell(sheet, value, form) for value, form in zip(row, formats, strict=True)])


def _set_widths(sheet: Any, header: Sequence[str], frame: pd.DataFrame) -> None:  # noqa: ANN401 - a write-only sheet
    """Make columns as wide as their titles and first values; must come before the first row."""
    for number, (title, name) in enumerate(zip(header, frame.columns, strict=True), start=1):
        texts = [title, *(str(value) for value in frame[name].head(_MEASURED) if isinstance(value, str))]
        width = min(max(map(_shown_width, texts)) + 2, _WIDEST)
        sheet.column_dimensions[get_column_letter(number)].width = width


def _shown_width(text: str) -> int:
    """Width in letters; a Chinese character is as wide as two."""
    return sum(1 + (unicodedata.east_asian_width(letter) in "WF") for letter in text)


def _cell(sheet: Any, value: Any, number_format: str | None) -> object:  # noqa: ANN401 - a write-only sheet
    if isinstance(value, str):
        return _text_cell(sheet, value)
    # The workbook's writer rounds to 16 digits, which is another place for every third coordinate.
    exact = isinstance(value, float) and float(f"{value:.16g}") != value
    if value is None or (number_format is None and not exact):
        return value
    cell = WriteOnlyCell(sheet, value=repr(value) if exact else value)
    cell.data_type = "n"
    if number_format is not None:
        cell.number_format = number_format
    return cell


def _text_cell(sheet: Any, text: str, *, bold: bool = False) -> Cell:  # noqa: ANN401 - a write-only sheet
    # A workbook cannot hold control characters nor what XML forbids, and a name may.
    cell = WriteOnlyCell(sheet, value=_FORBIDDEN.sub("?", ILLEGAL_CHARACTERS_RE.sub("?", text)))
    cell.data_type = "s"
    if bold:
        cell.font = Font(bold=True)
    return cell


def _defused(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
