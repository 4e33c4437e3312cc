"""Points in delimited text."""

import codecs
import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo.faults import DataError, Fault
from layers.files.points import (
    CHUNK_ROWS,
    LONGEST_RECORD,
    Chunk,
    Floats,
    check_added,
    gathered,
    no_places,
    place_columns,
    too_long,
)
from layers.files.text import USUAL

_DELIMITERS = ",;\t|"
_PIECE = 1 << 20


class CsvPoints:
    """CSV, TSV and the like, with coordinates in columns; encoding, delimiter and line ends are kept.

    Raises
    ------
    DataError
        See :func:`layers.files.points.open_points`.
    """

    def __init__(
        self,
        source: IO[bytes],
        sink: IO[bytes],
        *,
        columns: tuple[str | None, str | None],
        added: Sequence[str],
        encoding: str | None,
    ) -> None:
        taken = _encoding(source, encoding)
        text = self._text = io.TextIOWrapper(source, encoding=taken, newline="")
        first = text.readline()
        if not first.strip():
            raise DataError(Fault(kind="file-empty", message="The file has no header line."))
        delimiter = max(_DELIMITERS, key=first.count)
        text.seek(0)
        csv.field_size_limit(1 << 30)
        # Strict: else a quote that never ends would swallow all rows that follow.
        self._rows = _rows(text, delimiter)
        self._header, _ = next(self._rows)
        check_added(self._header, added)
        x, y = place_columns(self._header, columns)
        if x is None or y is None:
            raise no_places(self._header)
        self._places = ((self._header.index(x), x), (self._header.index(y), y))
        self._sink = io.TextIOWrapper(sink, encoding=taken, newline="", write_through=True)
        end = "\r\n" if first.endswith("\r\n") else "\n"
        self._writer = csv.writer(self._sink, delimiter=delimiter, lineterminator=end)
        self._writer.writerow([*self._header, *added])

    @property
    def encoding(self) -> str | None:
        """Encoding of the file, kept for the answers."""
        return self._text.encoding

    def chunks(self) -> Iterator[Chunk]:
        """Read on; blank lines are not rows.

        Raises
        ------
        DataError
            ``file-unreadable`` where a quoted value never ends, or goes on after its end; ``file-too-large``
            where a record is too long.
        """
        first = 1
        width = len(self._header)
        for rows in gathered(self._rows, CHUNK_ROWS):
            faults = _ragged(rows, width, first) if set(map(len, rows)) != {width} else {}
            (x, bad_x), (y, bad_y) = (_numbers([row[at] for row in rows]) for at, _ in self._places)
            for row in np.flatnonzero(bad_x | bad_y):
                faults.setdefault(int(row), self._fault(rows[row], first + int(row)))
            lost = np.fromiter(faults, dtype=np.intp)
            x[lost] = y[lost] = np.nan
            yield Chunk(first, rows, x, y, [faults[row] for row in sorted(faults)])
            first += len(rows)

    def write(self, chunk: Chunk, added: Mapping[str, npt.NDArray[Any]]) -> None:
        """Write a chunk's rows with the added columns, missing values as empty ones."""
        columns = [["" if value is None else value for value in values] for values in added.values()]
        self._writer.writerows(
            row + list(more) for row, more in zip(chunk.rows, zip(*columns, strict=True), strict=True)
        )

    def close(self) -> None:
        """Write what is still buffered, and let go of the streams."""
        self._sink.detach()
        self._text.detach()

    def _fault(self, row: list[str], number: int) -> Fault:
        said = [row[at].strip() for at, _ in self._places]
        names = " and ".join(name for _, name in self._places)
        if not all(said):
            return Fault(kind="coordinate-missing", row=number, message=f"{names} must both be given.")
        return Fault(
            kind="coordinate-not-a-number",
            row=number,
            message=f"{names} are {said[0]!r:.80}, {said[1]!r:.80}: not numbers.",
        )


def _encoding(source: IO[bytes], stated: str | None) -> str:
    """Return the first usual encoding in which the whole file can be read; leave the stream at its start."""
    source.seek(0)
    marked = source.read(3) == codecs.BOM_UTF8
    tried = (stated,) if stated else ("utf-8-sig",) if marked else USUAL
    for name in tried:
        try:
            decoder = codecs.getincrementaldecoder(name)()
            source.seek(0)
            while piece := source.read(_PIECE):
                if "\x00" in decoder.decode(piece):
                    raise DataError(Fault(kind="file-unreadable", message="This is not a text file."))
            decoder.decode(b"", final=True)
        except (UnicodeDecodeError, LookupError):
            continue
        source.seek(0)
        return name
    raise DataError(Fault(kind="encoding-unknown", message=f"The file is not text in {' or '.join(tried)}."))


def _rows(text: io.TextIOWrapper, delimiter: str) -> Iterator[tuple[list[str], int]]:
    """Rows that are not blank, each with the characters it took."""
    taken = 0
    number = 0

    def lines() -> Iterator[str]:
        nonlocal taken
        for line in text:
            taken += len(line)
            if taken > LONGEST_RECORD:
                raise too_long(number)
            yield line

    reader = csv.reader(lines(), delimiter=delimiter, strict=True)
    try:
        for row in reader:
            if row:
                yield row, taken
                number += 1
            taken = 0
    except csv.Error as error:
        message = f"Line {reader.line_num}: a quoted value never ends, or goes on after its end ({error})."
        raise DataError(Fault(kind="file-unreadable", message=message)) from error


def _ragged(rows: list[list[str]], width: int, first: int) -> dict[int, Fault]:
    """Faults of rows that are too long or too short, which are brought to the header's width."""
    faults = {}
    for at, row in enumerate(rows):
        if len(row) != width:
            message = f"The record has {len(row)} fields, the header has {width}."
            faults[at] = Fault(kind="value-invalid", row=first + at, message=message)
            rows[at] = row[:width] + [""] * (width - len(row))
    return faults


def _numbers(values: Sequence[str]) -> tuple[Floats, np.ndarray]:
    """Numbers of a column of text, NaN and marked where it is none."""
    try:
        numbers = np.array(values, dtype=np.float64)
    except ValueError:
        read = pd.to_numeric(pd.Series(values, dtype=object), errors="coerce")
        numbers = read.to_numpy(dtype=np.float64, copy=True)
    return numbers, ~np.isfinite(numbers)
