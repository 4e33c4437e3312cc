"""Files of points, read and written back a chunk at a time with columns added.

Rows keep their order, their columns and their values; what is read is never held as a whole, so that a file
may be larger than memory. One format a module: :mod:`points_csv`, :mod:`points_geojson`, :mod:`points_parquet`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from geo.faults import DataError, Fault
from layers.files.places import X_NAMES, Y_NAMES, find

Floats = npt.NDArray[np.float64]
_Record = TypeVar("_Record")

#: Rows worked on at once, and characters of text, whichever comes first.
CHUNK_ROWS = 50_000
CHUNK_TEXT = 8 << 20
#: Characters of the longest record of a text format: what it becomes in memory can be thirty times as large.
LONGEST_RECORD = 4 << 20
# Column names listed in a message.
_LISTED = 40


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
        One for each row whose coordinates cannot be read.
    """

    first: int
    rows: Any
    x: Floats
    y: Floats
    faults: list[Fault]


class PointFile(Protocol):
    """A file of points being read from one stream, and written to another."""

    @property
    def encoding(self) -> str | None:
        """Encoding of the text that is read and written; None where the format has only one."""
        ...

    def chunks(self) -> Iterator[Chunk]:
        """Read on; each chunk is to be written before the next is read."""
        ...

    def write(self, chunk: Chunk, added: Mapping[str, npt.NDArray[Any]]) -> None:
        """Write a chunk's rows with the added columns; None is a missing value."""
        ...

    def close(self) -> None:
        """Write what ends the file; the streams stay open."""
        ...


def open_points(
    kind: str,
    source: IO[bytes],
    sink: IO[bytes],
    *,
    columns: tuple[str | None, str | None] = (None, None),
    added: Sequence[str],
    encoding: str | None = None,
) -> PointFile:
    """Open a file of points.

    Parameters
    ----------
    kind
        A key of :data:`KINDS`.
    source, sink
        Binary streams; `source` must be seekable.
    columns
        Names of the columns of longitude or easting, and latitude or northing; the usual names where None.
        GeoJSON has its own place for them.
    added
        Names of the columns that will be added.
    encoding
        Of CSV; found out where None.

    Raises
    ------
    DataError
        ``format-unknown``; ``file-empty``, ``file-unreadable``, ``encoding-unknown``; ``field-unknown`` where a
        column is not there; ``value-invalid`` where an added column is there already.
    """
    # The formats use the types above.
    from layers.files.points_csv import CsvPoints  # noqa: PLC0415
    from layers.files.points_geojson import GeoJsonPoints, GeoJsonSeqPoints  # noqa: PLC0415
    from layers.files.points_parquet import ParquetPoints  # noqa: PLC0415

    source.seek(0)
    if kind == "csv":
        return CsvPoints(source, sink, columns=columns, added=added, encoding=encoding)
    if kind == "geojson":
        return GeoJsonPoints(source, sink, added=added)
    if kind == "geojsonseq":
        return GeoJsonSeqPoints(source, sink, added=added)
    if kind == "parquet":
        return ParquetPoints(source, sink, columns=columns, added=added)
    raise DataError(Fault(kind="format-unknown", message=f"{kind!r} is none of {', '.join(KINDS)}."))


#: Formats by name: file suffixes, and media types, the first of which is replied.
KINDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "csv": ((".csv", ".tsv", ".txt"), ("text/csv", "text/tab-separated-values", "text/plain")),
    "geojson": ((".geojson", ".json"), ("application/geo+json", "application/json")),
    "geojsonseq": (
        (".geojsonl", ".geojsons", ".ndjson"),
        ("application/geo+json-seq", "application/x-ndjson"),
    ),
    "parquet": (
        (".parquet", ".geoparquet"),
        ("application/vnd.apache.parquet", "application/x-parquet", "application/parquet"),
    ),
}


def kind_of_suffix(suffix: str) -> str:
    """Return the format of a file name's suffix.

    Raises
    ------
    DataError
        ``format-unknown``.
    """
    for kind, (suffixes, _) in KINDS.items():
        if suffix.lower() in suffixes:
            return kind
    known = ", ".join(known for suffixes, _ in KINDS.values() for known in suffixes)
    raise DataError(
        Fault(kind="format-unknown", message=f"{suffix!r} is no file of points; known are {known}.")
    )


def gathered(records: Iterable[tuple[_Record, int]], most_rows: int) -> Iterator[list[_Record]]:
    """Gather records, each with the characters it took, into chunks of bounded size."""
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
    message = f"Record {number} is longer than {LONGEST_RECORD} characters."
    return DataError(Fault(kind="file-too-large", row=number, message=message))


def _listed(names: Sequence[str]) -> str:
    more = f" … and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(names[:_LISTED]) + more


def check_added(existing: Sequence[str], added: Sequence[str]) -> None:
    """Refuse to overwrite columns.

    Raises
    ------
    DataError
        ``value-invalid`` for each added column that is there already.
    """
    faults = [
        Fault(
            kind="value-invalid",
            field=name,
            message=f"The file already has a column {name!r}; rename it, so that nothing is overwritten.",
        )
        for name in added
        if name in existing
    ]
    if faults:
        raise DataError(faults)


def place_columns(
    existing: Sequence[str], stated: tuple[str | None, str | None]
) -> tuple[str | None, str | None]:
    """Return the columns of x and y: the stated ones, else those of the usual names, else None.

    Raises
    ------
    DataError
        ``field-unknown`` for each stated column that is not there.
    """
    faults = [
        Fault(
            kind="field-unknown",
            field=name,
            message=f"The file has no column {name!r}; it has: {_listed(existing)}.",
        )
        for name in stated
        if name is not None and name not in existing
    ]
    if faults:
        raise DataError(faults)
    x, y = stated
    return x or find(existing, X_NAMES), y or find(existing, Y_NAMES)


def no_places(existing: Sequence[str]) -> DataError:
    """Return the error of a file without columns of coordinates."""
    return DataError(
        Fault(
            kind="field-unknown",
            message=(
                f"Which columns hold the coordinates? The file has: {_listed(existing)}. "
                "Name them with lon and lat."
            ),
        )
    )
