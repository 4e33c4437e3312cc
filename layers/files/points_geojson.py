"""Points in GeoJSON (RFC 7946) and in GeoJSON text sequences, one feature a line (RFC 8142)."""

import codecs
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from geo.faults import DataError, Fault
from layers.files.points import CHUNK_ROWS, LONGEST_RECORD, Chunk, check_added, gathered, too_long

_PIECE = 1 << 18
_MARK = b"\x1e"
# What may follow a value.
_FOLLOWS = tuple(" \t\r\n,:]}")
Feature = dict[str, Any]


class GeoJsonPoints:
    """A FeatureCollection of points; its other members are kept.

    Raises
    ------
    DataError
        ``file-unreadable`` where the file is no FeatureCollection.
    """

    encoding = None

    def __init__(self, source: IO[bytes], sink: IO[bytes], *, added: Sequence[str]) -> None:
        self._sink = sink
        self._added = added
        self._text = _Text(source)
        self._separator = b""
        self._tail = b""
        self._read_head()

    def _read_head(self) -> None:
        """Copy the members before the features."""
        self._text.expect("{")
        self._sink.write(b"{")
        while (key := self._member()) != "features":
            self._sink.write(_dump(key) + b": " + _dump(self._text.value()) + b", ")
            if not self._text.takes(","):
                raise _unreadable('it has no member "features"; a FeatureCollection is needed')
        self._text.expect("[")
        self._sink.write(b'"features": [')

    def chunks(self) -> Iterator[Chunk]:
        """Read on.

        Raises
        ------
        DataError
            ``file-unreadable``, ``file-truncated``; ``value-invalid`` where a property that would be added is
            there already.
        """
        first = 1
        for some in gathered(self._features(), CHUNK_ROWS):
            yield _chunk(some, first, self._added)
            first += len(some)
        self._read_tail()

    def _features(self) -> Iterator[tuple[Feature, int]]:
        if self._text.takes("]"):
            return
        while True:
            yield self._text.value(), self._text.taken
            if not self._text.takes(","):
                self._text.expect("]")
                return

    def _read_tail(self) -> None:
        """Copy the members after the features."""
        members = []
        while self._text.takes(","):
            members.append(b", " + _dump(self._member()) + b": " + _dump(self._text.value()))
        self._text.expect("}")
        self._tail = b"\n]" + b"".join(members) + b"}\n"

    def _member(self) -> str:
        key = self._text.value()
        self._text.expect(":")
        return str(key)

    def write(self, chunk: Chunk, added: Mapping[str, npt.NDArray[Any]]) -> None:
        """Write a chunk's features with the added properties, missing values as null."""
        for feature in _with(chunk.rows, added):
            self._sink.write(self._separator + b"\n" + _dump(feature))
            self._separator = b","

    def close(self) -> None:
        """Write the members after the features."""
        self._sink.write(self._tail)


class GeoJsonSeqPoints:
    """One feature a line, with or without record separators."""

    encoding = None

    def __init__(self, source: IO[bytes], sink: IO[bytes], *, added: Sequence[str]) -> None:
        self._source = source
        self._sink = sink
        self._added = added
        self._mark = b""

    def chunks(self) -> Iterator[Chunk]:
        """Read on; blank lines are not rows.

        Raises
        ------
        DataError
            ``file-unreadable`` where a line is no JSON; ``value-invalid`` as in GeoJSON.
        """
        first = 1
        for some in gathered(self._features(), CHUNK_ROWS):
            yield _chunk(some, first, self._added)
            first += len(some)

    def _features(self) -> Iterator[tuple[Feature, int]]:
        lines = (line for line in self._source if line.strip())
        for number, line in enumerate(lines, start=1):
            if len(line) > LONGEST_RECORD:
                raise too_long(number)
            yield self._feature(line, number), len(line)

    def _feature(self, line: bytes, number: int) -> Feature:
        try:
            if line.startswith(_MARK):
                self._mark = _MARK
            feature: Feature = _DECODER.decode(line.lstrip(_MARK).decode())
        except (ValueError, RecursionError) as error:
            raise _unreadable(f"record {number} is no JSON ({error})") from error
        return feature

    def write(self, chunk: Chunk, added: Mapping[str, npt.NDArray[Any]]) -> None:
        """Write a chunk's features with the added properties, missing values as null."""
        for feature in _with(chunk.rows, added):
            self._sink.write(self._mark + _dump(feature) + b"\n")

    def close(self) -> None:
        """Do nothing: a sequence has no end mark."""


class _Text:
    """JSON text read piece by piece."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self._number = 0
        self._bytes = codecs.getincrementaldecoder("utf-8-sig")()
        self._buffer = ""
        self._at = 0
        self._ended = False
        #: Characters of the last value.
        self.taken = 0

    def value(self) -> Any:  # noqa: ANN401 - any JSON value
        """Take one value."""
        self._skip()
        self._number += 1
        while True:
            try:
                value, end = _DECODER.raw_decode(self._buffer, self._at)
            except json.JSONDecodeError as error:
                if self._ended:
                    raise self._broken(str(error)) from error
            except (ValueError, RecursionError) as error:
                # A number of thousands of digits, NaN, or brackets nested by the thousand.
                raise self._broken(str(error)) from error
            else:
                # A number cut by the end of the piece reads as a shorter one: what follows it must be there.
                if self._ended or self._buffer[end : end + 1] in _FOLLOWS:
                    self.taken = end - self._at
                    self._at = end
                    return value
            if len(self._buffer) - self._at > LONGEST_RECORD:
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
            while self._at < len(self._buffer) and self._buffer[self._at] in " \t\r\n":
                self._at += 1
            if self._at < len(self._buffer) or self._ended:
                return
            self._fill(_PIECE)

    def _fill(self, size: int) -> None:
        piece = self._source.read(size)
        self._ended = not piece
        try:
            text = self._bytes.decode(piece, final=self._ended)
        except UnicodeDecodeError as error:
            raise _unreadable("it is not UTF-8") from error
        self._buffer = self._buffer[self._at :] + text
        self._at = 0

    def _broken(self, why: str) -> DataError:
        if self._ended and self._at >= len(self._buffer.rstrip()):
            return DataError(Fault(kind="file-truncated", message="The GeoJSON file ends too early."))
        return _unreadable(why)


def _unreadable(why: str) -> DataError:
    return DataError(Fault(kind="file-unreadable", message=f"This is no GeoJSON of features: {why}."))


def _chunk(features: list[Feature], first: int, added: Sequence[str]) -> Chunk:
    x, y = np.full(len(features), np.nan), np.full(len(features), np.nan)
    faults = []
    for at, feature in enumerate(features):
        if not isinstance(feature, dict) or feature.get("type") != "Feature":
            raise _unreadable(f"record {first + at} is no Feature")
        properties = feature.get("properties") or {}
        if not isinstance(properties, dict):
            raise _unreadable(f"the properties of record {first + at} are no object")
        check_added(list(properties), added)
        place = _place(feature.get("geometry"), first + at)
        if isinstance(place, Fault):
            faults.append(place)
        else:
            x[at], y[at] = place
    return Chunk(first, features, x, y, faults)


def _place(geometry: Any, number: int) -> tuple[float, float] | Fault:  # noqa: ANN401 - any JSON value
    if not geometry:
        return Fault(kind="geometry-missing", row=number, message="The feature has no geometry.")
    if not isinstance(geometry, dict) or geometry.get("type") != "Point":
        kind = str(geometry.get("type") if isinstance(geometry, dict) else geometry)
        return Fault(kind="geometry-type", row=number, message=f"A Point is needed, not {kind!r:.80}.")
    coordinates = geometry.get("coordinates")
    if isinstance(coordinates, list) and len(coordinates) > 1 and all(map(_is_number, coordinates[:2])):
        return float(coordinates[0]), float(coordinates[1])
    message = f"The point's coordinates are {str(coordinates)!r:.80}: not two numbers."
    return Fault(kind="coordinate-not-a-number", row=number, message=message)


def _is_number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond every float
        return False


def _with(features: list[Feature], added: Mapping[str, npt.NDArray[Any]]) -> Iterator[Feature]:
    for feature, values in zip(features, zip(*added.values(), strict=True), strict=True):
        properties = {**(feature.get("properties") or {}), **dict(zip(added, values, strict=True))}
        yield {**feature, "properties": properties}


def _dump(value: object) -> bytes:
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except UnicodeEncodeError:
        # Half of a surrogate pair can be escaped in JSON, and stands in no UTF-8.
        return json.dumps(value, allow_nan=False).encode()
    except (ValueError, RecursionError) as error:
        raise _unreadable("a number is beyond what JSON readers hold") from error


def _refuse(constant: str) -> Any:  # noqa: ANN401 - what a decoder's hook returns
    raise ValueError(f"{constant} is no JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse)
