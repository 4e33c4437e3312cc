"""Points in Parquet: columns of coordinates, or the geometry column of GeoParquet."""

import json
from collections.abc import Iterator
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import shapely

from geo.faults import DataError, Fault
from layers.files import parquet_bounds, places, point_chunks
from layers.files.columns import unique_names
from layers.files.parquet_footer import StoredColumn, stored_columns
from layers.files.point_chunks import Chunk, Floats, Integers
from layers.files.point_columns import Columns, check_added, find

#: Bytes of values that are gathered before they are written as one row group, and its most rows.
_GROUP_BYTES, _GROUP_ROWS = 128 << 20, 1 << 20
# Bytes read ahead of each column; without a bound the whole row group is read.
_READ_AHEAD = 1 << 20
# Every Parquet file begins and ends with these bytes.
_MAGIC = b"PAR1"
# A WKB point: byte order, type, x, y.
_WKB_POINT = np.dtype([("order", "u1"), ("type", "<u4"), ("x", "<f8"), ("y", "<f8")])
_LITTLE_ENDIAN, _POINT = 1, 1


class ParquetPoints:
    """Parquet with columns of coordinates, or GeoParquet; its schema, metadata and compression are kept.

    Raises
    ------
    DataError
        See :func:`layers.files.points.open_points`.
    """

    encoding = None
    unit = "rows"

    def __init__(self, source: IO[bytes], sink: IO[bytes], *, stated: Columns, added: pa.Schema) -> None:
        self._file, self._schema, self._stored = _opened(source)
        self.total: int = self._file.metadata.num_rows
        self._done = 0
        check_added(self._schema.names, added)
        geo = _geo(self._schema)
        self.at = stated.at
        self._found = find(self._schema.names, stated, own_geometry=geo.get("primary_column"))
        self.places = tuple(self._schema.names[at] for at in self._found.place)
        self.crs = _crs(geo, self.places[0]) if self._found.is_geometry else None
        self._names = unique_names(self._schema.names)
        self._written = pa.schema([*self._schema, *added], metadata=self._schema.metadata)
        self._writer = pq.ParquetWriter(sink, self._written, compression=_compression(self._stored, added))
        self._waiting: list[pa.RecordBatch] = []

    def done(self) -> int:
        """Rows read."""
        return self._done

    def chunks(self) -> Iterator[Chunk]:
        """Read on.

        Raises
        ------
        DataError
            ``file-unreadable`` where a part of the file is damaged.
        """
        coordinates = self._geometries if self._found.is_geometry else self._numbers
        try:
            for batch in self._batches():
                first = self._done + 1
                self._done += len(batch)
                x, y, faults = coordinates(batch, first)
                times = None if self._found.at is None else batch.column(self._found.at)
                yield Chunk(first, batch, x, y, faults, times)
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            raise _unreadable(error) from error

    def _batches(self) -> Iterator[pa.RecordBatch]:
        """Batches of some size, whatever the bound on their rows at the time of decoding."""
        waiting: list[pa.RecordBatch] = []
        for read in self._groups(parquet_bounds.rows_at_once(self._stored)):
            for batch in parquet_bounds.decoded(read, self._schema):
                size = sum(one.nbytes for one in (*waiting, batch))
                rows = sum(len(one) for one in (*waiting, batch))
                if waiting and (size > parquet_bounds.CHUNK_BYTES or rows > parquet_bounds.CHUNK_ROWS):
                    yield _joined(waiting)
                    waiting = []
                waiting.append(batch)
        if waiting:
            yield _joined(waiting)

    def _groups(self, rows: int) -> Iterator[pa.RecordBatch]:
        # One after the other: text within lists cannot be read across their borders.
        for group in range(self._file.num_row_groups):
            yield from self._file.iter_batches(rows, row_groups=[group])

    def _numbers(self, batch: pa.RecordBatch, first: int) -> tuple[Floats, Floats, list[Fault]]:
        given = [batch.column(at) for at in self._found.place]
        x, y = (_floats(column) for column in given)
        faults = []
        for row in np.flatnonzero(~(np.isfinite(x) & np.isfinite(y))).tolist():
            values = [column[row].as_py() for column in given]
            said = ["" if value is None else str(value) for value in values]
            blank = any(not value.strip() for value in said)
            faults.append(point_chunks.no_number(first + row, self.places, said, blank=blank))
        return x, y, faults

    def _geometries(self, batch: pa.RecordBatch, first: int) -> tuple[Floats, Floats, list[Fault]]:
        column = batch.column(self._found.place[0])
        x, y = _points(column)
        faults = []
        for row in np.flatnonzero(~(np.isfinite(x) & np.isfinite(y))).tolist():
            value = column[row].as_py()
            faults.append(point_chunks.no_point(first + row, self.places[0], _described(value)))
        return x, y, faults

    def write(self, chunk: Chunk, added: pa.RecordBatch) -> None:
        """Write a chunk's rows with the added columns."""
        batch: pa.RecordBatch = chunk.rows
        wanted = self._written.types[len(batch.schema) :]
        plain = [column.cast(kind) for column, kind in zip(added.columns, wanted, strict=True)]
        self._waiting.append(pa.RecordBatch.from_arrays([*batch.columns, *plain], schema=self._written))
        rows = sum(len(batch) for batch in self._waiting)
        size = sum(batch.nbytes for batch in self._waiting)
        if rows >= _GROUP_ROWS or size >= _GROUP_BYTES:
            self._flush()

    def _flush(self) -> None:
        if self._waiting:
            table = pa.Table.from_batches(self._waiting)
            self._writer.write_table(table, row_group_size=max(len(table), 1))
            self._waiting = []

    def records(self, chunk: Chunk, rows: Integers) -> list[dict[str, str]]:
        """Some rows of a chunk as text by column."""
        some = chunk.rows.take(pa.array(rows))
        columns = [[_shown(value) for value in column.to_pylist()] for column in some.columns]
        return [dict(zip(self._names, values, strict=True)) for values in zip(*columns, strict=True)]

    def close(self) -> None:
        """Write what waits, and the file's footer."""
        self._flush()
        self._writer.close()


def _opened(source: IO[bytes]) -> tuple[pq.ParquetFile, pa.Schema, list[StoredColumn]]:
    """Open a file for reading batch by batch; return it with its schema and with what is stored in it."""
    size = source.seek(0, 2)
    source.seek(0)
    if source.read(len(_MAGIC)) == _MAGIC and size > len(_MAGIC):
        source.seek(-len(_MAGIC), 2)
        if source.read() != _MAGIC:
            message = "The Parquet file ends too early: copy or download it again."
            raise DataError(Fault(kind="file-truncated", message=message))
    options = {"pre_buffer": False, "buffer_size": _READ_AHEAD, "arrow_extensions_enabled": False}
    try:
        file = pq.ParquetFile(source, **options)
        stored = stored_columns(source, [column.path for column in file.schema])
        parquet_bounds.check_sizes(stored)
        repeated = parquet_bounds.dictionary_columns(stored)
        found = pq.ParquetFile(source, read_dictionary=repeated, **options) if repeated else file
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise _unreadable(error) from error
    return found, file.schema_arrow, stored


def _joined(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    return batches[0] if len(batches) == 1 else pa.concat_batches(batches)


def _unreadable(error: Exception) -> DataError:
    said = " ".join(str(error).split()).rstrip(".")
    return DataError(Fault(kind="file-unreadable", message=f"This is no readable Parquet file: {said:.300}."))


def _compression(stored: list[StoredColumn], added: pa.Schema) -> dict[str, str] | str:
    """Compression of each column, as it was."""
    codecs = {column.path: column.codec for column in stored if column.group == 1}
    usual = next(iter(codecs.values()), "snappy")
    return codecs | dict.fromkeys(added.names, usual)


# --- places ------------------------------------------------------------------------------------------------


def _geo(schema: pa.Schema) -> dict[str, Any]:
    """GeoParquet's metadata, where it names a column that is there; else nothing."""
    try:
        geo: dict[str, Any] = json.loads((schema.metadata or {})[b"geo"])
        return geo if geo["primary_column"] in schema.names and geo["columns"] else {}
    except (KeyError, TypeError, ValueError):
        return {}


def _crs(geo: dict[str, Any], column: str) -> str | None:
    """CRS of a column as PROJJSON; one that is not stated is longitude, latitude by the standard."""
    try:
        described = geo["columns"][column]
        stated = described.get("crs", "OGC:CRS84")
    except (KeyError, TypeError, AttributeError):
        return None
    return stated if isinstance(stated, str) or stated is None else json.dumps(stated)


def _floats(column: pa.Array) -> Floats:
    """Doubles, NaN where there is none."""
    if (
        pa.types.is_floating(column.type)
        or pa.types.is_integer(column.type)
        or pa.types.is_decimal(column.type)
    ):
        plain = column.cast(pa.float64(), safe=False)
    else:
        plain = _spelled(column)
    found: Floats = pc.fill_null(plain, float("nan")).to_numpy()
    return found


def _spelled(column: pa.Array) -> pa.Array:
    """Numbers that are spelled as text."""
    if pa.types.is_dictionary(column.type):
        return _spelled(column.dictionary).take(column.indices)
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return pa.nulls(len(column), pa.float64())
    trimmed = pc.utf8_trim_whitespace(column)
    number = pc.match_substring_regex(trimmed, r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?$")
    return pc.if_else(number, trimmed, pa.scalar(None, trimmed.type)).cast(pa.float64())


def _points(column: pa.Array) -> tuple[Floats, Floats]:
    """Coordinates of points as WKB, WKT or pairs of numbers (GeoArrow); NaN for other geometries."""
    if pa.types.is_struct(column.type) and {"x", "y"} <= {field.name for field in column.type}:
        # Flattened, a missing point has missing coordinates.
        parts = dict(zip((field.name for field in column.type), column.flatten(), strict=True))
        return _floats(parts["x"]), _floats(parts["y"])
    if pa.types.is_binary(column.type) and len(column) and not column.null_count:
        offsets = np.frombuffer(column.buffers()[1], dtype=np.int32)[column.offset :][: len(column) + 1]
        if (np.diff(offsets) == _WKB_POINT.itemsize).all():
            count, begin = len(column), int(offsets[0])
            wkb = np.frombuffer(column.buffers()[2], dtype=_WKB_POINT, count=count, offset=begin)
            if ((wkb["order"] == _LITTLE_ENDIAN) & (wkb["type"] == _POINT)).all():
                return wkb["x"].copy(), wkb["y"].copy()
    return places.point_coordinates(column.to_numpy(zero_copy_only=False))


def _described(value: object) -> object:
    geometry = shapely.from_wkb(value, on_invalid="ignore") if isinstance(value, bytes) else None
    return value if geometry is None else geometry.wkt


def _shown(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bytes):
        return value.hex()
    return value if isinstance(value, str) else str(value)
