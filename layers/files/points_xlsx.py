"""Points in Excel workbooks."""

import datetime as dt
import re
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO, Any

import numpy as np
import openpyxl
import pyarrow as pa
from openpyxl.cell import WriteOnlyCell
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.workbook.child import INVALID_TITLE_REGEX

from geo.faults import DataError, Fault
from layers.files import places, point_chunks
from layers.files.columns import unique_names
from layers.files.point_chunks import CHUNK_ROWS, Chunk, Floats, Integers, gathered
from layers.files.point_columns import Columns, check_added, find

#: Bytes of a workbook's parts once they are unpacked; texts that cells share are held in memory.
LARGEST_PART, LARGEST_TEXTS = 4 << 30, 256 << 20
# Rows of a sheet, its header included; no workbook holds more.
_MOST_ROWS = 1 << 20
_GENERAL = "General"
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
# What zipfile and openpyxl raise where a part of a workbook is not as it must be.
_DAMAGED = (
    *(InvalidFileException, zipfile.BadZipFile, zlib.error, SyntaxError, LookupError, TypeError, ValueError),
    *(AttributeError, ArithmeticError, OSError, RuntimeError, EOFError),
)
_Row = list[tuple[Any, str]]


class XlsxPoints:
    """The first sheet of a workbook, whose first row that is not blank is the header.

    Values and their number formats come back in a workbook of that one sheet: formulas as their values,
    without colours and widths. Blank rows are no rows, and do not come back.

    Raises
    ------
    DataError
        See :func:`layers.files.points.open_points`.
    """

    encoding = None
    crs = None
    unit = "rows"

    def __init__(self, source: IO[bytes], sink: IO[bytes], *, stated: Columns, added: pa.Schema) -> None:
        self._sink = sink
        self._book = _opened(source)
        sheet = self._book.worksheets[0]
        self.total = max((sheet.max_row or 1) - 1, 0)
        self._done = 0
        self._rows = _rows(sheet)
        header = next(self._rows, None)
        if header is None:
            raise DataError(
                Fault(kind="file-empty", message="The first sheet of the workbook has no header row.")
            )
        self._width = max(at for at, (value, _) in enumerate(header, start=1) if value is not None)
        names = ["" if value is None else str(value) for value, _ in header[: self._width]]
        check_added(names, added)
        self.at = stated.at
        self._found = find(names, stated)
        self.places = tuple(names[at] for at in self._found.place)
        self._names = unique_names(names)
        self._written = openpyxl.Workbook(write_only=True)
        self._sheet = self._written.create_sheet(INVALID_TITLE_REGEX.sub("_", sheet.title) or None)
        self._sheet.freeze_panes = "A2"
        self._append(header, added.names)

    def done(self) -> int:
        """Rows read."""
        return self._done

    def chunks(self) -> Iterator[Chunk]:
        """Read on.

        Raises
        ------
        DataError
            ``file-unreadable`` where a part of the workbook is damaged.
        """
        first = 1
        for rows in gathered(
            ((row, sum(_size(value) for value, _ in row)) for row in self._rows), CHUNK_ROWS
        ):
            self._done = min(self._done + len(rows), self.total)
            yield self._chunk(rows, first)
            first += len(rows)

    def _chunk(self, rows: list[_Row], first: int) -> Chunk:
        faults: list[Fault] = []
        given = [[_at(row, at) for row in rows] for at in self._found.place]
        coordinates = self._geometries if self._found.is_geometry else self._numbers
        x, y = coordinates(given, first, faults)
        times = None if self._found.at is None else self._times(rows, self._found.at)
        return Chunk(first, rows, x, y, faults, times)

    def _numbers(self, given: list[list[Any]], first: int, faults: list[Fault]) -> tuple[Floats, Floats]:
        x, y = (np.array([_float(value) for value in column]) for column in given)
        for row in np.flatnonzero(~(np.isfinite(x) & np.isfinite(y))).tolist():
            said = [_shown(column[row]) for column in given]
            blank = any(not value.strip() for value in said)
            faults.append(point_chunks.no_number(first + row, self.places, said, blank=blank))
        return x, y

    def _geometries(self, given: list[list[Any]], first: int, faults: list[Fault]) -> tuple[Floats, Floats]:
        values = np.array([_shown(value) for value in given[0]], dtype=object)
        x, y = places.point_coordinates(values)
        lost = np.flatnonzero(np.isnan(x) | np.isnan(y)).tolist()
        faults += [point_chunks.no_point(first + row, self.places[0], values[row]) for row in lost]
        return x, y

    def _times(self, rows: list[_Row], at: int) -> pa.Array:
        return pa.array([_shown(_at(row, at)) for row in rows], pa.string())

    def write(self, chunk: Chunk, added: pa.RecordBatch) -> None:
        """Write a chunk's rows with the added values behind them."""
        columns = [column.to_pylist() for column in added.columns]
        for row, values in zip(chunk.rows, zip(*columns, strict=True), strict=True):
            self._append(row, values)

    def _append(self, row: _Row, added: Any) -> None:  # noqa: ANN401 - values of any kind
        kept = [self._cell(value, shown) for value, shown in row[: self._width]]
        kept += [None] * (self._width - len(kept))
        self._sheet.append([*kept, *(self._cell(value, _GENERAL) for value in added)])

    def _cell(self, value: Any, shown: str) -> Any:  # noqa: ANN401 - a value, or a cell that holds it
        text = isinstance(value, str)
        if shown == _GENERAL and not (text and value.startswith("=")):
            return value
        cell = WriteOnlyCell(self._sheet, value=value)
        cell.number_format = shown
        if text:
            # What is no formula must not become one.
            cell.data_type = "s"
        return cell

    def records(self, chunk: Chunk, rows: Integers) -> list[dict[str, str]]:
        """Some rows of a chunk as text by column."""
        some = [chunk.rows[row] for row in rows]
        return [
            dict(zip(self._names, (_shown(value) for value, _ in row[: self._width]), strict=False))
            for row in some
        ]

    def close(self) -> None:
        """Write the workbook, whose rows were kept on the disk until now."""
        self._book.close()
        self._written.save(self._sink)


def _opened(source: IO[bytes]) -> openpyxl.Workbook:
    try:
        with zipfile.ZipFile(source) as archive:
            _check_sizes(archive)
        source.seek(0)
        book = openpyxl.load_workbook(source, read_only=True, data_only=True)
    except zipfile.BadZipFile as error:
        source.seek(0)
        kind = "file-truncated" if source.read(2) == b"PK" else "file-unreadable"
        raise DataError(Fault(kind=kind, message=f"This is no whole XLSX workbook: {error}.")) from error
    except _DAMAGED as error:
        if isinstance(error, DataError):
            raise
        raise _unreadable(error) from error
    if not book.worksheets:
        raise DataError(Fault(kind="file-empty", message="The workbook has no sheet."))
    return book


def _check_sizes(archive: zipfile.ZipFile) -> None:
    """Refuse what unpacks to more than any workbook holds; a reader stops where the stated size ends."""
    for part in archive.infolist():
        most = LARGEST_PART if "worksheets/" in part.filename else LARGEST_TEXTS
        if part.file_size > most:
            message = f"{part.filename} unpacks to {part.file_size} bytes, at most {most} are read; send CSV or Parquet."
            raise DataError(Fault(kind="file-too-large", message=message))


def _unreadable(error: Exception) -> DataError:
    said = " ".join(str(error).split()).rstrip(".")
    return DataError(
        Fault(kind="file-unreadable", message=f"This is no readable XLSX workbook: {said:.300}.")
    )


def _rows(sheet: Any) -> Iterator[_Row]:  # noqa: ANN401 - a read-only sheet
    """Rows that are not blank: values, with how they are shown."""
    # The dimensions that a sheet states may be wrong.
    sheet.reset_dimensions()
    try:
        for number, cells in enumerate(sheet.iter_rows(), start=1):
            if number > _MOST_ROWS:
                raise DataError(
                    Fault(kind="file-too-large", message=f"A sheet has at most {_MOST_ROWS} rows.")
                )
            row = [(cell.value, cell.number_format if cell.value is not None else _GENERAL) for cell in cells]
            if any(value is not None and value != "" for value, _ in row):
                yield row
    except _DAMAGED as error:
        if isinstance(error, DataError):
            raise
        raise _unreadable(error) from error


def _at(row: _Row, at: int) -> Any:  # noqa: ANN401 - a cell's value
    return row[at][0] if at < len(row) else None


def _float(value: Any) -> float:  # noqa: ANN401 - a cell's value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    text = value.strip() if isinstance(value, str) else ""
    return float(text) if _NUMBER.fullmatch(text) else float("nan")


def _size(value: object) -> int:
    return len(value) if isinstance(value, str) else 8


def _shown(value: object) -> str:
    """Write a cell's value as text: midnight is no part of a date."""
    if value is None:
        return ""
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat()
    return str(value)
