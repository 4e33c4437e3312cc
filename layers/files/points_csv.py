"""Points in delimited text."""

import codecs
import csv
import re
from collections.abc import Iterator
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from geo.faults import DataError, Fault
from layers.files import places, point_chunks, scan
from layers.files.columns import unique_names
from layers.files.point_chunks import Chunk, Floats, Integers, too_long
from layers.files.point_columns import Columns, check_added, find
from layers.files.scan import Records
from layers.files.text import USUAL

_DELIMITERS = ",;\t|"
_PIECE = 1 << 20
# Encodings in which a byte below 0x80 always is that ASCII character, but for the second byte of a character
# where a byte from 0x81 on begins one of two bytes. Text in all others is turned into UTF-8 and back.
_LIKE_ASCII = {
    "utf-8": False, "ascii": False, "iso8859-1": False, "iso8859-15": False, "cp1252": False,
    "gb18030": True, "gbk": True, "gb2312": True,
}  # fmt: skip
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
#: Rows of a chunk, however short they are.
MOST_ROWS = 1 << 17


class CsvPoints:
    """CSV, TSV and the like, with coordinates in columns or points as WKT in one.

    Every record comes back byte for byte, with the added values behind it: encoding, delimiter, quotes and
    line ends stay. A record that is too long or too short is brought to the header's width. Blank lines are
    no rows, and do not come back.

    Raises
    ------
    DataError
        See :func:`layers.files.points.open_points`.
    """

    unit = "bytes"
    crs = None

    def __init__(
        self, source: IO[bytes], sink: IO[bytes], *, stated: Columns, added: pa.Schema, encoding: str | None
    ) -> None:
        self.total = source.seek(0, 2)
        self.encoding: str = encoding_of(source, encoding)
        self._source, self._sink = source, sink
        known = codecs.lookup(self.encoding).name
        self._wide = _LIKE_ASCII.get(known, False)
        self._codec = None if known in _LIKE_ASCII else _Codec(known)
        # In which the bytes are that are scanned.
        self._inner = "utf-8" if self._codec else known
        self._rest, self._ended, self._full = b"", False, False
        self._lines = 0
        self._read_header(stated, added)

    def _read_header(self, stated: Columns, added: pa.Schema) -> None:
        self._delimiter = ","
        line: list[bytes] = []
        # The whole first line that is not blank tells the delimiter.
        while len(line) < 2 and not self._ended and len(self._rest) <= point_chunks.LONGEST_RECORD:  # noqa: PLR2004 - a second line has begun
            self._rest += self._read()
            line = self._rest.removeprefix(codecs.BOM_UTF8).lstrip(b"\r\n").splitlines()
        if not line or not line[0].strip():
            raise DataError(Fault(kind="file-empty", message="The file has no header line."))
        unquoted = re.sub(rb'"[^"]*"?', b"", line[0])
        self._delimiter = max(_DELIMITERS, key=lambda sign: unquoted.count(sign.encode()))
        text, found = self._next(0, width=0, wanted=np.empty(0, dtype=np.int64), most=1)
        head = text[found.start[0] : found.end[0]].tobytes()
        names = next(csv.reader([head.decode(self._inner).removeprefix("\ufeff")], delimiter=self._delimiter))
        check_added(names, added)
        self.at = stated.at
        self._found = find(names, stated)
        self._names = unique_names(names)
        self._width = len(names)
        self.places = tuple(names[at] for at in self._found.place)
        used = {*self._found.place, *([] if self._found.at is None else [self._found.at])}
        self._wanted = np.array(sorted(used), dtype=np.int64)
        self._put(text, found, [pa.array([name.encode()]) for name in added.names])

    def done(self) -> int:
        """Bytes read."""
        return self._source.tell()

    def chunks(self) -> Iterator[Chunk]:
        """Read on.

        Raises
        ------
        DataError
            ``file-unreadable`` where a quoted value never ends, or goes on after its end; ``file-too-large``
            where a record is too long.
        """
        first = 1
        while True:
            text, found = self._next(first, width=self._width, wanted=self._wanted, most=MOST_ROWS)
            if not len(found):
                return
            yield self._chunk(text, found, first)
            first += len(found)

    def _read(self) -> bytes:
        piece = self._source.read(point_chunks.CHUNK_TEXT)
        self._ended = not piece or self._source.tell() >= self.total
        return self._codec.decode(piece, final=self._ended) if self._codec else piece

    def _next(self, first: int, *, width: int, wanted: scan.Offsets, most: int) -> tuple[scan.Bytes, Records]:
        """Read until there are whole records, and find them; none at the end of the file."""
        while True:
            text = np.frombuffer(self._rest, dtype=np.uint8)
            found = scan.records(
                text, delimiter=ord(self._delimiter), wide=self._wide, final=self._ended,
                width=width, wanted=wanted, most=most,
            )  # fmt: skip
            self._check(text, found, first)
            if len(found) or self._ended:
                self._rest = self._rest[found.taken :]
                self._lines += int(np.count_nonzero(text[: found.taken] == ord("\n")))
                return text, found
            self._rest = self._rest[found.taken :] + self._read()

    def _check(self, text: scan.Bytes, found: Records, first: int) -> None:
        if found.broken >= 0:
            line = self._lines + int(np.count_nonzero(text[: found.broken] == ord("\n"))) + 1
            message = f"Line {line}: a quoted value never ends, or goes on after its end."
            raise DataError(Fault(kind="file-unreadable", message=message))
        long = np.flatnonzero(found.end - found.start > point_chunks.LONGEST_RECORD)
        if long.size:
            raise too_long(first + int(long[0]))
        if not found.full and len(text) - found.taken > point_chunks.LONGEST_RECORD:
            raise too_long(first + len(found))

    def _chunk(self, text: scan.Bytes, found: Records, first: int) -> Chunk:
        faults: dict[int, Fault] = {}
        for row in np.flatnonzero(found.fields != self._width).tolist():
            message = f"The record has {found.fields[row]} fields, the header has {self._width}."
            faults[row] = Fault(kind="value-invalid", row=first + row, message=message)
        coordinates = self._geometries if self._found.is_geometry else self._numbers
        x, y = coordinates(text, found, first, faults)
        lost = np.fromiter(faults, dtype=np.intp, count=len(faults))
        x[lost] = y[lost] = np.nan
        ordered = [faults[row] for row in sorted(faults)]
        return Chunk(first, (text, found), x, y, ordered, self._times(text, found))

    def _span(self, found: Records, field: int) -> tuple[scan.Offsets, scan.Offsets]:
        """Where a field of each record starts and ends."""
        span = found.wanted[:, int(np.searchsorted(self._wanted, field))]
        return span[:, 0], span[:, 1]

    def _numbers(
        self, text: scan.Bytes, found: Records, first: int, faults: dict[int, Fault]
    ) -> tuple[Floats, Floats]:
        spans = [self._span(found, field) for field in self._found.place]
        (x, kind_x), (y, kind_y) = (scan.numbers(text, start, end) for start, end in spans)
        for row in np.flatnonzero((kind_x != scan.NUMBER) | (kind_y != scan.NUMBER)).tolist():
            if row in faults:
                continue
            values = [self._text(text, start[row], end[row]) for start, end in spans]
            kinds = (int(kind_x[row]), int(kind_y[row]))
            faults[row] = point_chunks.no_number(first + row, self.places, values, blank=scan.BLANK in kinds)
        return x, y

    def _geometries(
        self, text: scan.Bytes, found: Records, first: int, faults: dict[int, Fault]
    ) -> tuple[Floats, Floats]:
        start, end = self._span(found, self._found.place[0])
        values = self._decoded(scan.values(text, start, end)).to_numpy(zero_copy_only=False)
        x, y = places.point_coordinates(values)
        for row in np.flatnonzero(np.isnan(x) | np.isnan(y)).tolist():
            faults.setdefault(row, point_chunks.no_point(first + row, self.places[0], values[row]))
        return x, y

    def _times(self, text: scan.Bytes, found: Records) -> pa.Array | None:
        if self._found.at is None:
            return None
        return self._decoded(scan.values(text, *self._span(found, self._found.at)))

    def _decoded(self, values: pa.Array) -> pa.Array:
        if self._inner == "utf-8":
            return values.cast(pa.string())
        each = values.dictionary_encode()
        return pa.array([v.decode(self._inner) for v in each.dictionary.to_pylist()], pa.string()).take(
            each.indices
        )

    def _text(self, text: scan.Bytes, start: int, end: int) -> str:
        return text[start:end].tobytes().decode(self._inner)

    def write(self, chunk: Chunk, added: pa.RecordBatch) -> None:
        """Write a chunk's records with the added values behind them, missing ones empty."""
        text, found = chunk.rows
        self._put(text, found, [self._fields(column) for column in added.columns])

    def _put(self, text: scan.Bytes, found: Records, added: list[pa.Array]) -> None:
        delimiter = self._delimiter.encode()
        beyond = found.fields > self._width
        parts = [scan.slices(text, found.start, np.where(beyond, found.cut, found.end))]
        lacking = np.maximum(self._width - found.fields, 0)
        if lacking.any():
            fill = pa.array([delimiter * count for count in range(self._width + 1)])
            parts[0] = pc.binary_join_element_wise(parts[0], fill.take(pa.array(lacking)), b"")
        ends = pa.array(scan.ENDS).take(pa.array(found.line_end))
        options = {"null_handling": "replace", "null_replacement": b""}
        added = [*added[:-1], pc.binary_join_element_wise(added[-1], ends, b"", **options)]
        joined = pc.binary_join_element_wise(*parts, *added, delimiter, **options)
        _, offsets, data = joined.buffers()
        last = np.frombuffer(offsets, dtype=np.int32)[joined.offset + len(joined)]
        content = data.slice(0, int(last))
        self._sink.write(self._codec.encode(content.to_pybytes()) if self._codec else content)

    def _fields(self, column: pa.Array) -> pa.Array:
        """Values as they are written in fields: Arrow binary values."""
        if pa.types.is_dictionary(column.type):
            return self._fields(column.dictionary).take(column.indices)
        if not pa.types.is_string(column.type):
            return column.cast(pa.string()).cast(pa.binary())
        if column.null_count == len(column):
            return column.cast(pa.binary())
        return pa.array([None if v is None else self._field(v) for v in column.to_pylist()], pa.binary())

    def _field(self, value: str) -> bytes:
        if any(sign in value for sign in (self._delimiter, '"', "\n", "\r")):
            value = '"' + value.replace('"', '""') + '"'
        return value.encode(self._inner, "replace")

    def records(self, chunk: Chunk, rows: Integers) -> list[dict[str, str]]:
        """Some records of a chunk by column."""
        text, found = chunk.rows
        lines = [self._text(text, found.start[row], found.end[row]) for row in rows]
        read = csv.reader(lines, delimiter=self._delimiter)
        return [dict(zip(self._names, values, strict=False)) for values in read]

    def close(self) -> None:
        """Do nothing: text has no end mark."""


class _Codec:
    """Text of an encoding as UTF-8, and back, piece by piece."""

    def __init__(self, encoding: str) -> None:
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._encoder = codecs.getincrementalencoder(encoding)()

    def decode(self, piece: bytes, *, final: bool) -> bytes:
        return self._decoder.decode(piece, final=final).encode()

    def encode(self, text: bytes) -> bytes:
        return self._encoder.encode(text.decode())


def encoding_of(source: IO[bytes], stated: str | None) -> str:
    """Return the first usual encoding in which the whole file can be read; leave the stream at its start."""
    source.seek(0)
    begin = source.read(4)
    marked = next((name for mark, name in _MARKS if begin.startswith(mark)), None)
    tried = (
        (marked,) if marked and stated in {None, "utf-16", "utf-8-sig"} else (stated,) if stated else USUAL
    )
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
