"""What the footer of a Parquet file says of its columns, read without pyarrow.

pyarrow ends the process, which no exception handler can keep it from, when it is asked about a column that is
encrypted, compressed in a way it does not know, or described wrongly. So what must be known before a column is read is
taken from the footer here; what is wrong with it pyarrow then says as an error, in reading. Thrift's compact protocol:
https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md; the fields: parquet.thrift.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Any

from geo.faults import DataError, Fault

# Length of the footer, then the letters that end the file.
_TAIL = 8
# Kinds of values in the protocol.
_TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = 1, 2, 3, 7, 8, 9, 10, 11, 12
_INTEGERS = (4, 5, 6)
_LONG_LIST = 15
# Numbers of fields in FileMetaData, in RowGroup, in ColumnChunk and in ColumnMetaData.
_ROW_GROUPS = 4
_COLUMNS, _ROWS = 1, 3
_DESCRIPTION = 3
_TYPE, _ENCODINGS, _CODEC, _VALUES, _BYTES, _DICTIONARY = 1, 2, 4, 5, 6, 11
_BYTE_ARRAY, _DELTA_BYTE_ARRAY = 6, 7
#: Names of the codecs that can be written again; LZO cannot.
CODECS = {0: "none", 1: "snappy", 2: "gzip", 4: "brotli", 5: "lz4", 6: "zstd", 7: "lz4"}


@dataclass(frozen=True, slots=True)
class StoredColumn:
    """One column of one row group.

    Parameters
    ----------
    group, rows
        The row group's number, from 1, and its rows.
    path
        The column's, with dots.
    codec
        How it is compressed, one of the values of :data:`CODECS`.
    values, stored_bytes
        How many there are, and their bytes before compression.
    is_text, has_dictionary, continues
        Whether it holds text or bytes, stores repeated values once, stores text as what differs from the text before.
    """

    group: int
    rows: int
    path: str
    codec: str
    values: int
    stored_bytes: int
    is_text: bool
    has_dictionary: bool
    continues: bool


class _Reader:
    """Reads values one after the other; IndexError where the footer ends within one."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def fields(self) -> Iterator[tuple[int, int]]:
        """Number and kind of each field of a struct; each value is to be read or skipped before the next."""
        number = 0
        while head := self._byte():
            number = number + (head >> 4) if head >> 4 else self.integer()
            yield number, head & 15

    def elements(self) -> Iterator[int]:
        """Kind of each element of a list, to be read or skipped before the next."""
        head = self._byte()
        count = head >> 4 if head >> 4 != _LONG_LIST else self._varint()
        for _ in range(count):
            yield head & 15

    def integer(self) -> int:
        """Read a number."""
        folded = self._varint()
        return (folded >> 1) ^ -(folded & 1)

    def skip(self, kind: int, *, of_list: bool = False) -> None:
        """Pass over a value."""
        if kind in {_TRUE, _FALSE, _BYTE}:
            # A field's head holds its truth; an element has a byte of its own.
            self._pass(int(of_list or kind == _BYTE))
        elif kind in _INTEGERS:
            self._varint()
        elif kind == _DOUBLE:
            self._pass(8)
        elif kind == _BINARY:
            self._pass(self._varint())
        elif kind in {_LIST, _SET}:
            for element in self.elements():
                self.skip(element, of_list=True)
        elif kind == _MAP:
            self._skip_map()
        elif kind == _STRUCT:
            for _, field in self.fields():
                self.skip(field)
        else:
            raise ValueError(f"the footer holds a value of unknown kind {kind}")

    def _skip_map(self) -> None:
        count = self._varint()
        kinds = self._byte() if count else 0
        for _ in range(count):
            self.skip(kinds >> 4, of_list=True)
            self.skip(kinds & 15, of_list=True)

    def _byte(self) -> int:
        self._at += 1
        return self._data[self._at - 1]

    def _pass(self, count: int) -> None:
        self._at += count

    def _varint(self) -> int:
        value = shift = 0
        while (byte := self._byte()) & 0x80:
            value |= (byte & 0x7F) << shift
            shift += 7
        return value | byte << shift


def stored_columns(source: IO[bytes], paths: Sequence[str]) -> list[StoredColumn]:
    """Return the columns of each row group, in the order of the file.

    Parameters
    ----------
    source
        A file that pyarrow could open: its footer is whole.
    paths
        Of the columns that its schema has.

    Raises
    ------
    DataError
        ``file-unreadable`` where a column is encrypted, not described, or compressed in an unknown way.
    """
    size = source.seek(0, 2)
    source.seek(size - _TAIL)
    length = int.from_bytes(source.read(4), "little")
    source.seek(max(size - _TAIL - length, 0))
    try:
        return list(_file(_Reader(source.read(length)), paths))
    except (IndexError, KeyError, TypeError, ValueError, RecursionError) as error:
        message = (
            "This Parquet file cannot be read: its footer is damaged, or a column is encrypted or compressed in an "
            "unknown way."
        )
        raise DataError(Fault(kind="file-unreadable", message=message)) from error


def _file(footer: _Reader, paths: Sequence[str]) -> Iterator[StoredColumn]:
    for field, kind in footer.fields():
        if (field, kind) != (_ROW_GROUPS, _LIST):
            footer.skip(kind)
            continue
        for number, _ in enumerate(footer.elements(), start=1):
            rows, described = _group(footer)
            for path, column in zip(paths, described, strict=True):
                yield _stored(number, rows, path, column)


def _group(footer: _Reader) -> tuple[int, list[dict[int, Any]]]:
    rows, described = 0, []
    for field, kind in footer.fields():
        if (field, kind) == (_COLUMNS, _LIST):
            described = [_description(footer) for _ in footer.elements()]
        elif field == _ROWS and kind in _INTEGERS:
            rows = footer.integer()
        else:
            footer.skip(kind)
    return rows, described


def _description(footer: _Reader) -> dict[int, Any]:
    """Numbers by field of a column's description; empty where that is encrypted."""
    found: dict[int, Any] = {}
    for field, kind in footer.fields():
        if (field, kind) == (_DESCRIPTION, _STRUCT):
            found = _numbers(footer)
        else:
            footer.skip(kind)
    return found


def _numbers(footer: _Reader) -> dict[int, Any]:
    found: dict[int, Any] = {}
    for field, kind in footer.fields():
        if field == _ENCODINGS and kind == _LIST:
            found[field] = [footer.integer() for _ in footer.elements()]
        elif kind in _INTEGERS:
            found[field] = footer.integer()
        else:
            footer.skip(kind)
    return found


def _stored(group: int, rows: int, path: str, column: dict[int, Any]) -> StoredColumn:
    return StoredColumn(
        group=group,
        rows=rows,
        path=path,
        codec=CODECS[column[_CODEC]],
        values=column[_VALUES],
        stored_bytes=column[_BYTES],
        is_text=column[_TYPE] == _BYTE_ARRAY,
        has_dictionary=_DICTIONARY in column,
        continues=_DELTA_BYTE_ARRAY in column[_ENCODINGS],
    )
