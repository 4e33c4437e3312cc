"""Files of points, read and written back a chunk at a time with columns added.

Rows keep their order, their columns and their values; what is read is never held as a whole, so that a file
may be larger than memory. One format a module: :mod:`points_csv`, :mod:`points_geojson`, :mod:`points_parquet`,
:mod:`points_xlsx`; all of them are a :class:`PointFile`.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from geo.faults import DataError, Fault
from layers.files import columns

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.intp]
_Record = TypeVar("_Record")

#: Rows worked on at once, and bytes of text, whichever comes first.
CHUNK_ROWS = 50_000
CHUNK_TEXT = 8 << 20
#: Bytes of the longest record of a text format: what it becomes in memory can be thirty times as large.
LONGEST_RECORD = 4 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Columns that the user names; where None, those of the usual names are taken.

    ``x`` holds longitude or easting, ``y`` latitude or northing, ``geometry`` points as WKT or WKB instead of
    both; ``at`` times, which are not looked for unless named.
    """

    x: str | None = None
    y: str | None = None
    geometry: str | None = None
    at: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """Which columns of a file hold what, by position: ``place`` is x and y, or one geometry."""

    place: tuple[int, ...]
    at: int | None

    @property
    def is_geometry(self) -> bool:
        """Whether one column holds the points."""
        return len(self.place) == 1


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


class PointFile(Protocol):
    """A file of points being read from one stream, and written to another.

    Reading, and writing of what was read before, may go on in two threads at once.
    """

    @property
    def places(self) -> tuple[str, ...]:
        """Columns that hold the place."""
        ...

    @property
    def at(self) -> str | None:
        """Column of times; None where none was named."""
        ...

    @property
    def encoding(self) -> str | None:
        """Encoding of the text that is read and written; None where the format has only one."""
        ...

    @property
    def crs(self) -> str | None:
        """CRS that the file itself states: text that PROJ understands; None where it states none."""
        ...

    @property
    def total(self) -> int:
        """How much there is to read; 0: not known."""
        ...

    @property
    def unit(self) -> str:
        """What is counted by :attr:`total`: ``rows`` or ``bytes``."""
        ...

    def done(self) -> int:
        """How much of :attr:`total` was read."""
        ...

    def chunks(self) -> Iterator[Chunk]:
        """Read on; a chunk stays as it is while further ones are read."""
        ...

    def write(self, chunk: Chunk, added: pa.RecordBatch) -> None:
        """Write a chunk's rows with the added columns, which may be dictionary-encoded."""
        ...

    def records(self, chunk: Chunk, rows: Integers) -> list[dict[str, str]]:
        """Some rows of a chunk as text by column, as far as they can be read; empty where a value is missing."""
        ...

    def close(self) -> None:
        """Write what ends the file; the streams stay open."""
        ...


def open_points(
    kind: str,
    source: IO[bytes],
    sink: IO[bytes],
    *,
    stated: Columns = Columns(),
    added: pa.Schema,
    encoding: str | None = None,
) -> PointFile:
    """Open a file of points.

    Parameters
    ----------
    kind
        A key of :data:`KINDS`.
    source, sink
        Binary streams; `source` must be seekable.
    stated
        Columns that the user names. GeoJSON has its own place for coordinates.
    added
        Columns that will be added: text and ``float64`` or ``int64`` numbers.
    encoding
        Of CSV; found out where None.

    Raises
    ------
    DataError
        ``format-unknown``; ``file-empty``, ``file-unreadable``, ``file-truncated``, ``file-too-large``,
        ``encoding-unknown``; ``field-unknown`` where a column is not there; ``value-invalid`` where an added
        column is there already.
    """
    # The formats use the types above.
    from layers.files.points_csv import CsvPoints  # noqa: PLC0415
    from layers.files.points_geojson import GeoJsonPoints, GeoJsonSeqPoints  # noqa: PLC0415
    from layers.files.points_parquet import ParquetPoints  # noqa: PLC0415
    from layers.files.points_xlsx import XlsxPoints  # noqa: PLC0415

    if not source.seek(0, 2):
        raise DataError(Fault(kind="file-empty", message="The file is empty: it has not a single byte."))
    source.seek(0)
    if kind == "csv":
        return CsvPoints(source, sink, stated=stated, added=added, encoding=encoding)
    if kind == "geojson":
        return GeoJsonPoints(source, sink, stated=stated, added=added)
    if kind == "geojsonseq":
        return GeoJsonSeqPoints(source, sink, stated=stated, added=added)
    if kind == "parquet":
        return ParquetPoints(source, sink, stated=stated, added=added)
    if kind == "xlsx":
        return XlsxPoints(source, sink, stated=stated, added=added)
    raise DataError(Fault(kind="format-unknown", message=f"{kind!r} is none of {', '.join(KINDS)}."))


#: Formats by name: file suffixes, and media types, the first of which is replied.
KINDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "csv": ((".csv", ".tsv", ".txt"), ("text/csv", "text/tab-separated-values", "text/plain")),
    "geojson": ((".geojson", ".json"), ("application/geo+json", "application/json")),
    "geojsonseq": (
        (".geojsonl", ".geojsons", ".geojsonseq", ".ndjson"),
        ("application/geo+json-seq", "application/x-ndjson"),
    ),
    "parquet": (
        (".parquet", ".geoparquet", ".pq"),
        ("application/vnd.apache.parquet", "application/x-parquet", "application/parquet"),
    ),
    "xlsx": (
        (".xlsx", ".xlsm"),
        ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",),
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
    message = f"{suffix!r} is no ending of a file of points; known are {known}."
    raise DataError(Fault(kind="format-unknown", message=message))


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


def check_added(existing: Iterable[str], added: pa.Schema) -> None:
    """Refuse to overwrite columns.

    Raises
    ------
    DataError
        ``value-invalid`` for each added column that is there already.
    """
    taken = set(added.names).intersection(existing)
    faults = [
        Fault(
            kind="value-invalid",
            field=name,
            message=f"The file already has a column {name!r}; rename it, so that nothing is overwritten.",
        )
        for name in added.names
        if name in taken
    ]
    if faults:
        raise DataError(faults)


def find(existing: Sequence[str], stated: Columns, *, own_geometry: str | None = None) -> Found:
    """Say which columns hold the places, and the times.

    Stated columns come first, then the geometry that the format itself names, then the usual names of
    coordinates, then those of a geometry.

    Raises
    ------
    DataError
        ``field-unknown`` for each stated column that is not there, or several times, and where nothing tells
        which columns hold the places; ``parameter-invalid`` where coordinates and a geometry are stated.
    """
    named = (stated.x, stated.y, stated.geometry, stated.at)
    faults = [
        columns.ambiguous(name, existing.count(name)) if name in existing else columns.missing(existing, name)
        for name in named
        if name is not None and existing.count(name) != 1
    ]
    if stated.geometry and (stated.x or stated.y):
        message = "Name the columns of lon and lat, or the one of the geometry, not both."
        faults.append(Fault(kind="parameter-invalid", field="geometry", message=message))
    place = () if faults else _place(existing, stated, own_geometry)
    faults += [columns.ambiguous(name, existing.count(name)) for name in place if existing.count(name) > 1]
    if faults:
        raise DataError(faults)
    at = None if stated.at is None else existing.index(stated.at)
    return Found(tuple(existing.index(name) for name in place), at)


def _place(existing: Sequence[str], stated: Columns, own_geometry: str | None) -> tuple[str, ...]:
    x = stated.x or columns.known(existing, columns.X_NAMES)
    y = stated.y or columns.known(existing, columns.Y_NAMES)
    own = None if stated.x or stated.y else own_geometry
    if geometry := stated.geometry or own:
        return (geometry,)
    if x and y and x != y:
        return (x, y)
    if geometry := columns.known(existing, columns.WKT_NAMES):
        return (geometry,)
    message = (
        f"Which columns hold the coordinates? The file has: {columns.listed(existing)}. Name them: lon and lat, "
        "or geometry."
    )
    raise DataError(Fault(kind="field-unknown", message=message))
