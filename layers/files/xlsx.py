"""Excel workbooks, with coordinates in columns."""

import datetime as dt
import zipfile
from pathlib import Path

import openpyxl
import pandas as pd
from openpyxl.utils.exceptions import InvalidFileException

from geo.faults import DataError, Fault
from layers.files import places, tables
from layers.files.columns import unique_names
from layers.files.delimited import as_table
from layers.files.source import Source, numbered, refused

#: Letters that a cell of a workbook holds.
_CELL = 32_767


def read(path: Path, *, sheet: str | None = None, x: str | None = None, y: str | None = None) -> Source:
    """Read one sheet: the named one, else the first. The first row that is not blank is the header.

    Values become text as they are shown: a code stored as a number keeps its digits, a date is ISO 8601.

    Raises
    ------
    DataError
        ``file-unreadable``, ``file-truncated``, ``file-empty``, ``parameter-invalid`` (no such sheet).
    """
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except zipfile.BadZipFile as error:
        raise refused(path, "file-truncated", error) from error
    except (InvalidFileException, KeyError, OSError, ValueError) as error:
        raise refused(path, "file-unreadable", error) from error
    try:
        rows = _rows(book, sheet)
    finally:
        book.close()
    header, *records = rows or [[]]
    names = unique_names(header)
    frame = numbered(pd.DataFrame([row[: len(names)] for row in records], columns=names, dtype=object))
    located, faults = places.locate(frame, x=x, y=y)
    return Source(located, "XLSX", faults=faults)


def _rows(book: openpyxl.Workbook, sheet: str | None) -> list[list[str | None]]:
    if sheet is not None and sheet not in book.sheetnames:
        raise DataError(
            Fault(
                kind="parameter-invalid",
                field="sheet",
                message=f"No sheet {sheet!r}; there are: {', '.join(book.sheetnames)}.",
            )
        )
    chosen = book[sheet] if sheet else book[book.sheetnames[0]]
    rows = [[_shown(value) for value in row] for row in chosen.iter_rows(values_only=True)]
    return [row for row in rows if any(value is not None for value in row)]


def _shown(value: object) -> str | None:
    """Write a cell's value as text: 420102003001.0 is a code, and midnight is no part of a date."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat()
    return str(value).strip()


def write(frame: pd.DataFrame, path: Path) -> None:
    """Write a frame as one sheet; points become columns ``lon, lat``, other geometries a column ``wkt``.

    Raises
    ------
    DataError
        ``value-invalid`` for text that is longer than a cell holds; it would be cut off without a word.
    """
    table = as_table(frame)
    longest = {
        name: int(table[name].map(lambda value: len(value) if isinstance(value, str) else 0).max())
        for name in table.columns
        if len(table)
    }
    faults = [
        Fault(
            kind="value-invalid",
            field=str(name),
            message=f"A cell holds {_CELL:,} letters, and one value has {length:,}: write .gpkg or .csv.",
        )
        for name, length in longest.items()
        if length > _CELL
    ]
    if faults:
        raise DataError(faults)
    path.write_bytes(tables.to_xlsx(table, titles={}))
