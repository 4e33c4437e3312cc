"""Points in GeoJSON (RFC 7946) and in GeoJSON text sequences, one feature a line (RFC 8142)."""

import codecs
import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from geo.faults import DataError, Fault
from layers.files import columns, point_chunks
from layers.files.point_chunks import CHUNK_ROWS, Chunk, Integers, gathered, too_long
from layers.files.point_columns import Columns, check_added

_PIECE = 1 << 18
_MARK = "\x1e"
_BLANKS = re.compile(r"[ \t\r\n]*")
# What may follow a value.
_FOLLOWS = tuple(" \t\r\n,:]}")


@dataclass(frozen=True, slots=True)
class _Feature:
    """A feature's text, cut where more properties belong, and what is needed of its values."""

    before: str
    lead: str
    trail: str
    after: str
    properties: dict[str, Any]
    geometry: Any


class _Features:
    """What both forms have in common: features to chunks, and chunks to text."""

    encoding = None
    unit = "bytes"
    crs: str | None = None
    #: How columns of the place are named to the user.
    places: tuple[str, ...] = ("geometry",)

    def __init__(self, source: IO[bytes], sink: IO[bytes], *, stated: Columns, added: pa.Schema) -> None:
        self.total = source.seek(0, 2)
        source.seek(0)
        self.at = stated.at
        self._source, self._sink = source, sink
        self._added = added

    def done(self) -> int:
        """Bytes read."""
        return self._source.tell()

    def _features(self) -> Iterator[tuple[_Feature, int]]:
        raise NotImplementedError

    def chunks(self) -> Iterator[Chunk]:
        """Read on.

        Raises
        ------
        DataError
            ``file-unreadable``, ``file-truncated``, ``file-too-large``; ``value-invalid`` where a property
            that would be added is there already; ``field-unknown`` where no feature has the column of times.
        """
        first = 1
        for features in gathered(self._features(), CHUNK_ROWS):
            yield self._chunk(features, first)
            first += len(features)

    def _chunk(self, features: list[_Feature], first: int) -> Chunk:
        x, y = np.full(len(features), np.nan), np.full(len(features), np.nan)
        taken = set(self._added.names)
        faults = []
        for at, feature in enumerate(features):
            if not taken.isdisjoint(feature.properties):
                check_added(feature.properties, self._added)
            place = _place(feature.geometry, first + at)
            if isinstance(place, Fault):
                faults.append(place)
            else:
                x[at], y[at] = place
        return Chunk(first, features, x, y, faults, self._times(features, first))

    def _times(self, features: list[_Feature], first: int) -> pa.Array | None:
        if self.at is None:
            return None
        if first == 1 and not any(self.at in feature.properties for feature in features):
            known = dict.fromkeys(name for feature in features for name in feature.properties)
            raise DataError(columns.missing(list(known), self.at))
        return pa.array([_shown(feature.properties.get(self.at)) for feature in features], pa.string())

    def write(self, chunk: Chunk, added: pa.RecordBatch) -> None:
        """Write a chunk's features with the added properties, missing values as null."""
        features = zip(chunk.rows, _members(added), strict=True)
        text = "".join(
            f"{feature.before}{feature.lead}{more}{feature.trail}{feature.after}"
            for feature, more in features
        )
        self._sink.write(text.encode())

    def records(self, chunk: Chunk, rows: Integers) -> list[dict[str, str]]:
        """Some features of a chunk by property, and their geometry as JSON."""
        some = [chunk.rows[row] for row in rows]
        return [
            {name: _shown(value) for name, value in feature.properties.items()}
            | {"geometry": json.dumps(feature.geometry, ensure_ascii=False)}
            for feature in some
        ]

    def close(self) -> None:
        """Do nothing: a sequence has no end mark."""


class GeoJsonPoints(_Features):
    """A FeatureCollection of points: its text comes back as it is, with members added to properties.

    Raises
    ------
    DataError
        ``file-unreadable`` where the file is no FeatureCollection.
    """

    def __init__(self, source: IO[bytes], sink: IO[bytes], *, stated: Columns, added: pa.Schema) -> None:
        super().__init__(source, sink, stated=stated, added=added)
        self._text = _Text(source)
        self._tail = ""
        self._read_head()

    def _read_head(self) -> None:
        """Copy the members before the features."""
        self._text.expect("{")
        while (key := self._member()) != "features":
            value = self._text.value()
            if key == "crs":
                self.crs = _stated_crs(value)
            if not self._text.takes(","):
                raise _unreadable('it has no member "features"; a FeatureCollection is needed')
        self._text.expect("[")
        self._sink.write(self._text.passed().encode())

    def _features(self) -> Iterator[tuple[_Feature, int]]:
        if not self._text.takes("]"):
            while True:
                feature = self._text.feature()
                yield feature, len(feature.before) + len(feature.after)
                if not self._text.takes(","):
                    self._text.expect("]")
                    break
        self._read_tail()

    def _read_tail(self) -> None:
        """Copy the members after the features."""
        while self._text.takes(","):
            self._member()
            self._text.value()
        self._text.expect("}")
        self._tail = self._text.passed() + "\n"

    def _member(self) -> str:
        key = self._text.value()
        self._text.expect(":")
        return str(key)

    def close(self) -> None:
        """Write the members after the features."""
        self._sink.write(self._tail.encode())


class GeoJsonSeqPoints(_Features):
    """One feature a line, with or without record separators; blank lines are no rows, and do not come back."""

    def _features(self) -> Iterator[tuple[_Feature, int]]:
        number = 0
        while line := self._source.readline(point_chunks.LONGEST_RECORD + 1):
            if len(line) > point_chunks.LONGEST_RECORD:
                raise too_long(number + 1)
            if line.strip():
                number += 1
                yield self._feature(line, number), len(line)

    def _feature(self, line: bytes, number: int) -> _Feature:
        try:
            text = line.decode()
            begin = 1 if text.startswith(_MARK) else 0
            feature, end = _read_feature(text, begin, begin)
        except IndexError as error:
            raise _unreadable(f"record {number} is no whole Feature") from error
        except (ValueError, RecursionError) as error:
            if isinstance(error, DataError):
                raise
            raise _unreadable(f"record {number} is no JSON ({error})") from error
        if text[end:].strip():
            raise _unreadable(f"something follows the feature in record {number}")
        return replace(feature, before=text[:begin] + feature.before, after=feature.after + text[end:])


class _Text:
    """JSON text read piece by piece."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self._number = 0
        self._bytes = codecs.getincrementaldecoder("utf-8")()
        self._buffer = ""
        # What was looked at, and what of that was handed on.
        self._at = self._passed = 0
        self._ended = False
        self.takes("\ufeff")

    def passed(self) -> str:
        """Return the text that was taken since the last call."""
        text = self._buffer[self._passed : self._at]
        self._passed = self._at
        return text

    def value(self) -> Any:  # noqa: ANN401 - any JSON value
        """Take one value."""
        self._skip()
        value, self._at = self._whole(_DECODER.raw_decode)
        return value

    def feature(self) -> _Feature:
        """Take one feature, with all text before it that was not handed on."""
        self._skip()
        read: tuple[_Feature, int] = self._whole(lambda text, at: _read_feature(text, at, self._passed))
        feature, self._at = read
        self._passed = self._at
        return feature

    def _whole(self, read: Any) -> Any:  # noqa: ANN401 - what it reads
        """Read what begins here, as soon as all of it is there; `read` tells where it ends."""
        self._number += 1
        while True:
            try:
                value, end = read(self._buffer, self._at)
            except (IndexError, json.JSONDecodeError) as error:
                if self._ended:
                    raise self._broken(str(error) or "a value is cut off") from error
            except (ValueError, RecursionError) as error:
                if isinstance(error, DataError):
                    raise
                # A number of thousands of digits, NaN, or brackets nested by the thousand.
                raise self._broken(str(error)) from error
            else:
                # A number cut by the end of the piece reads as a shorter one: what follows it must be there.
                if self._ended or self._buffer[end : end + 1] in _FOLLOWS:
                    return value, end
            if len(self._buffer) - self._at > point_chunks.LONGEST_RECORD:
                raise too_long(self._number)
            # Twice as much each time, so that a long value is not scanned over and over.
            self._fill(max(_PIECE, len(self._buffer) - self._at))

    def takes(self, sign: str) -> bool:
        """Take a sign if it comes next."""
        self._skip()
        if self._buffer.startswith(sign, self._at):
            self._at += len(sign)
            return True
        return False

    def expect(self, sign: str) -> None:
        """Take a sign that must come next."""
        if not self.takes(sign):
            raise self._broken(f"{sign} expected")

    def _skip(self) -> None:
        """Pass over white space."""
        while True:
            self._at = _BLANKS.match(self._buffer, self._at).end()  # type: ignore[union-attr]  # it always matches
            if self._at < len(self._buffer) or self._ended:
                return
            if self._at - self._passed > point_chunks.LONGEST_RECORD:
                raise too_long(self._number + 1)
            self._fill(_PIECE)

    def _fill(self, size: int) -> None:
        piece = self._source.read(size)
        self._ended = not piece
        try:
            text = self._bytes.decode(piece, final=self._ended)
        except UnicodeDecodeError as error:
            raise _unreadable("it is not UTF-8") from error
        self._buffer = self._buffer[self._passed :] + text
        self._at -= self._passed
        self._passed = 0

    def _broken(self, why: str) -> DataError:
        if self._ended and self._at >= len(self._buffer.rstrip()):
            return DataError(Fault(kind="file-truncated", message="The GeoJSON file ends too early."))
        return _unreadable(why)


def _read_feature(text: str, at: int, begin: int = 0) -> tuple[_Feature, int]:
    """Read a feature, whose text is handed on from `begin`; return it with its end.

    IndexError and JSONDecodeError say that the text ends too early, or is no JSON.
    """
    if text[at] != "{":
        raise _unreadable(f"a Feature is needed, not {text[at : at + 20]!r}")
    found: dict[str, tuple[Any, int, int]] = {}
    at = _next(text, at + 1)
    while text[at] != "}":
        if found:
            if text[at] != ",":
                raise json.JSONDecodeError("',' expected", text, at)
            at = _next(text, at + 1)
        key, at = _DECODER.raw_decode(text, at)
        at = _next(text, at)
        if text[at] != ":" or not isinstance(key, str):
            raise json.JSONDecodeError("a name and ':' expected", text, at)
        start = _next(text, at + 1)
        value, end = _DECODER.raw_decode(text, start)
        found[key] = (value, start, end)
        at = _next(text, end)
    if found.get("type", ("",))[0] != "Feature":
        raise _unreadable(f"a Feature is needed, not {text[begin : begin + 60].strip()!r}")
    return _cut(text, begin, at + 1, found), at + 1


def _next(text: str, at: int) -> int:
    end: int = _BLANKS.match(text, at).end()  # type: ignore[union-attr]  # it always matches
    return end


def _cut(text: str, begin: int, end: int, found: dict[str, tuple[Any, int, int]]) -> _Feature:
    """Cut a feature's text where its properties end."""
    geometry = found["geometry"][0] if "geometry" in found else None
    properties, start, stop = found.get("properties", (None, end - 1, end - 1))
    if properties is not None and not isinstance(properties, dict):
        raise _unreadable("the properties of a feature are no object")
    if isinstance(properties, dict):
        lead = ", " if properties else ""
        return _Feature(text[begin : stop - 1], lead, "", text[stop - 1 : end], properties, geometry)
    lead = "{" if "properties" in found else ', "properties": {'
    return _Feature(text[begin:start], lead, "}", text[stop:end], {}, geometry)


def _place(geometry: Any, number: int) -> tuple[float, float] | Fault:  # noqa: ANN401 - any JSON value
    if not geometry:
        message = "The feature has no geometry."
        return Fault(kind="geometry-missing", row=number, field="geometry", message=message)
    if not isinstance(geometry, dict) or geometry.get("type") != "Point":
        kind = str(geometry.get("type") if isinstance(geometry, dict) else geometry)
        message = f"A Point is needed, not {kind!r:.80}."
        return Fault(kind="geometry-type", row=number, field="geometry", message=message)
    coordinates = geometry.get("coordinates")
    if isinstance(coordinates, list) and len(coordinates) > 1 and all(map(_is_number, coordinates[:2])):
        return float(coordinates[0]), float(coordinates[1])
    message = f"The point's coordinates are {str(coordinates)!r:.80}: not two numbers."
    return Fault(kind="coordinate-not-a-number", row=number, field="geometry", message=message)


def _is_number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond every float
        return False


def _members(added: pa.RecordBatch) -> Sequence[str]:
    """Members of JSON objects, one text a row."""
    parts: list[Any] = []
    for name, column in zip(added.schema.names, added.columns, strict=True):
        parts += [f'{", " if parts else ""}"{name}": ', _json(column)]
    joined: Sequence[str] = pc.binary_join_element_wise(*parts, "").to_pylist()
    return joined


def _json(column: pa.Array) -> pa.Array:
    """Values as JSON: Arrow text."""
    if pa.types.is_dictionary(column.type):
        return pc.fill_null(_json(column.dictionary).take(column.indices), "null")
    if pa.types.is_string(column.type) and column.null_count < len(column):
        texts = [json.dumps(value, ensure_ascii=False) for value in column.to_pylist()]
        return pa.array(texts, pa.string())
    return pc.fill_null(column.cast(pa.string()), "null")


def _stated_crs(value: Any) -> str | None:  # noqa: ANN401 - any JSON value
    """CRS of the collection's member ``crs``, which files older than RFC 7946 have."""
    try:
        return str(value["properties"]["name"])
    except (KeyError, TypeError):
        return None


def _shown(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _unreadable(why: str) -> DataError:
    return DataError(Fault(kind="file-unreadable", message=f"This is no GeoJSON of features: {why}."))


def _refuse(constant: str) -> Any:  # noqa: ANN401 - what a decoder's hook returns
    raise ValueError(f"{constant} is no JSON")


def _finite(number: str) -> float:
    value = float(number)
    return value if math.isfinite(value) else _refuse(number)


_DECODER = json.JSONDecoder(parse_constant=_refuse, parse_float=_finite)
