"""How much of a Parquet file is decoded at once, so that a small file cannot fill the memory.

A value that is stored once may stand in every row, a list may hold millions of equal values, and text may be
stored as what differs from the text before: kilobytes can become gigabytes. Sizes are first taken from the
file's header; text of which repeated values are stored once is decoded a few rows at a time.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from geo.faults import DataError, Fault
from layers.files.parquet_footer import StoredColumn

Sizes = npt.NDArray[np.int64]

#: Rows decoded at once, and bytes.
CHUNK_ROWS = 1 << 17
CHUNK_BYTES = 64 << 20
#: Stored bytes of one column in one row group before compression, and values of lists in it: more is refused unread.
LARGEST_COLUMN = 2 << 30
MOST_VALUES = 1 << 27
#: Decoded bytes of one row.
LARGEST_ROW = 256 << 20


def check_sizes(columns: Sequence[StoredColumn]) -> None:
    """Refuse a file whose header says that a part of it becomes very large, before any of it is read.

    Raises
    ------
    DataError
        ``file-too-large``.
    """
    for column in columns:
        nested = column.values > column.rows and column.values > MOST_VALUES
        if column.stored_bytes > LARGEST_COLUMN or nested:
            message = (
                f"Row group {column.group} holds {column.stored_bytes} bytes, {column.values} values in "
                f"column {column.path!r}: write the file with smaller row groups."
            )
            raise DataError(Fault(kind="file-too-large", field=column.path, message=message))


def rows_at_once(columns: Sequence[StoredColumn]) -> int:
    """How many rows stay within :data:`CHUNK_BYTES` where rows are much alike."""
    sizes = {column.group: 0 for column in columns}
    rows = {column.group: column.rows for column in columns}
    for column in columns:
        # Of text that continues the text before, any value may be as long as all that is stored.
        repeats = column.values if column.continues else 1
        sizes[column.group] += max(column.stored_bytes * repeats, 8 * column.values)
    most = [CHUNK_BYTES * rows[number] // size for number, size in sizes.items() if size]
    return max(min([CHUNK_ROWS, *most]), 1)


def dictionary_columns(columns: Sequence[StoredColumn]) -> list[str]:
    """Columns of text, also within lists and structs, of which repeated values are stored once."""
    found = {column.path: column.is_text and column.has_dictionary for column in columns}
    return [name for name, is_text in found.items() if is_text]


def decoded(batch: pa.RecordBatch, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Parts of a batch with their text as `schema` has it, each within :data:`CHUNK_BYTES`.

    Raises
    ------
    DataError
        ``file-too-large`` for a row beyond :data:`LARGEST_ROW`.
    """
    sizes = sum((_text_bytes(column) for column in batch.columns), np.zeros(len(batch), dtype=np.int64))
    if len(sizes) and sizes.max() > LARGEST_ROW:
        message = f"A row holds {sizes.max()} bytes of text, at most {LARGEST_ROW} are read."
        raise DataError(Fault(kind="file-too-large", message=message))
    part = np.cumsum(sizes) // CHUNK_BYTES
    starts = np.flatnonzero(np.diff(part, prepend=-1))
    for start, end in zip(starts, [*starts[1:], len(batch)], strict=True):
        columns = zip(batch.slice(start, end - start).columns, schema.types, strict=True)
        plain = [column if column.type == kind else column.cast(kind) for column, kind in columns]
        yield pa.RecordBatch.from_arrays(plain, schema=schema)


def _text_bytes(column: pa.Array) -> Sizes:
    """Bytes that the dictionary-encoded text of each row takes once it is decoded."""
    kind = column.type
    sizes: Sizes = np.zeros(len(column), dtype=np.int64)
    if pa.types.is_dictionary(kind) and _is_text(kind.value_type):
        lengths = pc.binary_length(column.dictionary).take(column.indices)
        sizes += pc.fill_null(lengths, 0).to_numpy(zero_copy_only=False)
    elif pa.types.is_struct(kind):
        for part in column.flatten():
            sizes += _text_bytes(part)
    elif pa.types.is_map(kind) or pa.types.is_list(kind) or pa.types.is_large_list(kind):
        offsets = column.offsets.to_numpy()
        for values in [column.keys, column.items] if pa.types.is_map(kind) else [column.values]:
            upto = np.concatenate([[0], np.cumsum(_text_bytes(values))])
            sizes += upto[offsets[1:]] - upto[offsets[:-1]]
    elif pa.types.is_fixed_size_list(kind):
        width = kind.list_size
        values = column.values.slice(column.offset * width, len(column) * width)
        sizes += _text_bytes(values).reshape(len(column), width).sum(axis=1)
    return sizes


def _is_text(kind: pa.DataType) -> bool:
    plain, large = pa.types.is_string, pa.types.is_large_string
    return bool(plain(kind) or large(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind))
