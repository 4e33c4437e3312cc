"""Points in Parquet: columns of coordinates, or the geometry column of GeoParquet."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import shapely

from geo.faults import DataError, Fault
from layers.files.points import CHUNK_ROWS, Chunk, Floats, check_added, no_places, place_columns

_NUMBERS = {"distance_m", "margin_m"}
#: Bytes of text in one chunk; a value stored once may stand in every row.
CHUNK_BYTES = 64 << 20


class ParquetPoints:
    """Parquet with columns of coordinates, or GeoParquet with a WKB geometry column; its schema is kept.

    Raises
    ------
    DataError
        See :func:`layers.files.points.open_points`.
    """

    encoding = None

    def __init__(
        self,
        source: IO[bytes],
        sink: IO[bytes],
        *,
        columns: tuple[str | None, str | None],
        added: Sequence[str],
    ) -> None:
        try:
            schema = pq.ParquetFile(source).schema_arrow
            # Repeated text takes the memory of one until a chunk of it is decoded.
            self._file = pq.ParquetFile(source, read_dictionary=[f.name for f in schema if _is_text(f.type)])
        except (pa.ArrowException, OSError) as error:
            raise _unreadable(error) from error
        check_added(schema.names, added)
        self._x, self._y = place_columns(schema.names, columns)
        self._geometry = _geometry_column(schema)
        if (self._x is None or self._y is None) and self._geometry is None:
            raise no_places(schema.names)
        fields = [pa.field(name, pa.float64() if name in _NUMBERS else pa.string()) for name in added]
        self._read = schema
        self._schema = pa.schema([*schema, *fields], metadata=schema.metadata)
        self._writer = pq.ParquetWriter(sink, self._schema)

    def chunks(self) -> Iterator[Chunk]:
        """Read on.

        Raises
        ------
        DataError
            ``file-unreadable`` where a part of the file is damaged.
        """
        first = 1
        try:
            for batch in self._batches():
                if self._x is not None and self._y is not None:
                    x, y = _numbers(batch[self._x]), _numbers(batch[self._y])
                else:
                    x, y = _points(batch[self._geometry])
                missing = _missing(batch, self._x, self._y, self._geometry)
                yield Chunk(first, batch, x, y, _faults(x, y, missing, first))
                first += len(batch)
        except (pa.ArrowException, OSError) as error:
            raise _unreadable(error) from error

    def _batches(self) -> Iterator[pa.RecordBatch]:
        for batch in self._file.iter_batches(CHUNK_ROWS):
            part = np.cumsum(_text_bytes(batch)) // CHUNK_BYTES
            starts = np.flatnonzero(np.diff(part, prepend=-1))
            for start, end in zip(starts, [*starts[1:], len(batch)], strict=True):
                columns = zip(batch.slice(start, end - start).columns, self._read.types, strict=True)
                plain = [column if column.type == kind else column.cast(kind) for column, kind in columns]
                yield pa.RecordBatch.from_arrays(plain, schema=self._read)

    def write(self, chunk: Chunk, added: Mapping[str, npt.NDArray[Any]]) -> None:
        """Write a chunk's rows with the added columns."""
        batch: pa.RecordBatch = chunk.rows
        arrays = [
            pa.array(values, type=self._schema.field(name).type, from_pandas=True)
            for name, values in added.items()
        ]
        self._writer.write_batch(pa.RecordBatch.from_arrays([*batch.columns, *arrays], schema=self._schema))

    def close(self) -> None:
        """Write the file's footer."""
        self._writer.close()


def _unreadable(error: Exception) -> DataError:
    return DataError(Fault(kind="file-unreadable", message=f"This is no readable Parquet file: {error}."))


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_binary(kind))


def _text_bytes(batch: pa.RecordBatch) -> np.ndarray:
    """Bytes that the text of each row takes once it is decoded."""
    taken = np.zeros(len(batch), dtype=np.int64)
    for column in batch.columns:
        if pa.types.is_dictionary(column.type) and _is_text(column.type.value_type):
            lengths = pc.fill_null(pc.binary_length(column.dictionary).take(column.indices), 0)
            taken += lengths.to_numpy(zero_copy_only=False)
    return taken


def _geometry_column(schema: pa.Schema) -> str | None:
    """Return the primary geometry column that GeoParquet's metadata names, where it holds WKB."""
    try:
        geo = json.loads((schema.metadata or {})[b"geo"])
        name = str(geo["primary_column"])
        return name if geo["columns"][name]["encoding"] == "WKB" and name in schema.names else None
    except (KeyError, TypeError, ValueError):
        return None


def _numbers(column: pa.Array) -> Floats:
    values = pd.to_numeric(pd.Series(column.to_pylist(), dtype=object), errors="coerce")
    return values.to_numpy(dtype=np.float64, na_value=np.nan)


def _points(column: pa.Array) -> tuple[Floats, Floats]:
    """Coordinates of WKB points, NaN for other geometries."""
    geoms = shapely.from_wkb(column.to_numpy(zero_copy_only=False), on_invalid="ignore")
    geoms[shapely.is_empty(geoms)] = None
    return shapely.get_x(geoms), shapely.get_y(geoms)


def _missing(batch: pa.RecordBatch, x: str | None, y: str | None, geometry: str | None) -> np.ndarray:
    columns = [x, y] if x is not None and y is not None else [geometry]
    nulls = [batch[name].is_null().to_numpy(zero_copy_only=False) for name in columns]
    missing: np.ndarray = np.any(nulls, axis=0)
    return missing


def _faults(x: Floats, y: Floats, missing: np.ndarray, first: int) -> list[Fault]:
    return [
        Fault(kind="coordinate-missing", row=first + int(row), message="The row has no coordinates.")
        if missing[row]
        else Fault(
            kind="coordinate-not-a-number",
            row=first + int(row),
            message="The row's coordinates are not two numbers, or its geometry is no point.",
        )
        for row in np.flatnonzero(~(np.isfinite(x) & np.isfinite(y)))
    ]
