"""Files of points, read and written back a chunk at a time with columns added.

Rows keep their order, their columns and their values; what is read is never held as a whole, so that a file
may be larger than memory. One format a module: :mod:`points_csv`, :mod:`points_geojson`, :mod:`points_parquet`,
:mod:`points_xlsx`; all of them are a :class:`PointFile`.
"""

from collections.abc import Iterator
from typing import IO, Protocol

import pyarrow as pa

from geo.faults import DataError, Fault
from layers.files.point_chunks import Chunk, Integers
from layers.files.point_columns import USUAL, Columns
from layers.files.points_csv import CsvPoints
from layers.files.points_geojson import GeoJsonPoints, GeoJsonSeqPoints
from layers.files.points_parquet import ParquetPoints
from layers.files.points_xlsx import XlsxPoints

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
    stated: Columns = USUAL,
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
