"""Chunks of a file of points: consecutive rows with their coordinates, how large they get, what is wrong with a row."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from geo.faults import DataError, Fault

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.intp]
_Record = TypeVar("_Record")

#: Rows worked on at once, and bytes of text, whichever comes first.
CHUNK_ROWS = 50_000
CHUNK_TEXT = 8 << 20
#: Bytes of the longest record of a text format: what it becomes in memory can be thirty times as large.
LONGEST_RECORD = 4 << 20


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some consecutive rows.

    Attributes
    ----------
    first
        Record number of the first row, from 1, headers not counted.
    rows
        The rows in whatever form their format writes them back.
    x, y
        Coordinates as they stand in the file; NaN where a row has none that can be read.
    faults
        One for each row whose coordinates cannot be read, in order, with the column in ``field``.
    times
        The column of times: Arrow text, dates or timestamps; None where none was named.
    """

    first: int
    rows: Any
    x: Floats
    y: Floats
    faults: list[Fault]
    times: pa.Array | None = None


def gathered(records: Iterable[tuple[_Record, int]], most_rows: int) -> Iterator[list[_Record]]:
    """Gather records, each with the bytes it took, into chunks of bounded size."""
    some: list[_Record] = []
    text = 0
    for record, size in records:
        some.append(record)
        text += size
        if len(some) == most_rows or text >= CHUNK_TEXT:
            yield some
            some, text = [], 0
    if some:
        yield some


def too_long(number: int) -> DataError:
    """Return the error of a record beyond :data:`LONGEST_RECORD`."""
    message = f"Record {number} is longer than {LONGEST_RECORD} bytes."
    return DataError(Fault(kind="file-too-large", row=number, message=message))


def no_number(row: int, names: Sequence[str], values: Sequence[str], *, blank: bool) -> Fault:
    """Return the fault of a row whose coordinates are no numbers, or `blank`."""
    if blank:
        message = f"{' and '.join(names)} must both be given."
        return Fault(kind="coordinate-missing", row=row, field=", ".join(names), message=message)
    said = ", ".join(f"{value.strip()!r:.80}" for value in values)
    message = f"{' and '.join(names)} are {said}: not numbers."
    return Fault(kind="coordinate-not-a-number", row=row, field=", ".join(names), message=message)


def no_point(row: int, name: str, value: object) -> Fault:
    """Return the fault of a row whose geometry is missing, or no point."""
    if value is None or value in ("", b""):
        return Fault(kind="geometry-missing", row=row, field=name, message=f"{name} must be given.")
    message = f"{name} is {value!r:.80}: no point."
    return Fault(kind="geometry-type", row=row, field=name, message=message)
