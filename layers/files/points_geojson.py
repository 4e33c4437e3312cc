"""Points in GeoJSON (RFC 7946) and in GeoJSON text sequences, one feature a line (RFC 8142)."""

import codecs
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from geo.faults import DataError, Fault
from layers.files.points import CHUNK_ROWS, Chunk, check_added

_PIECE = 1 << 18
_MARK = "\x1e"
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
        self._separator = ""
        self._read_head()

    def _read_head(self) -> None:
        """Copy the members before the features."""
        self._text.expect("{")
        self._put("{")
        while (key := self._member()) != "features":
            self._put(f"{_dump(key)}: {_dump(self._text.value())}, ")
            if not self._text.takes(","):
                raise _unreadable('it has no member "features"; a FeatureCollection is needed')
        self._text.expect("[")
        self._put('"features": [')

    def chunks(self) -> Iterator[Chunk]:
        """Read on.

        Raises
        ------
        DataError
            ``file-unreadable``, ``file-truncated``; ``value-invalid`` where a property that would be added is
            there already.
        """
        features = self._features()
        first = 1
        while some := list(islice(features, CHUNK_ROWS)):
            yield _chunk(some, first, self._added)
            first += len(some)
        self._read_tail()

    def _features(self) -> Iterator[Feature]:
        if self._text.takes("]"):
            return
        while True:
            yield self._text.value()
            if not self._text.takes(","):
                self._text.expect("]")
                return

    def _read_tail(self) -> None:
        """Copy the members after the features."""
        members = []
        while self._text.takes(","):
            members.append(f", {_dump(self._member())}: {_dump(self._text.value())}")
        self._text.expect("}")
        self._tail = "]" + "".join(members) + "}\n"

    def _member(self) -> str:
        key = self._text.value()
        self._text.expect(":")
        return str(key)

    def write(self, chunk: Chunk, added: Mapping[str, npt.NDArray[Any]]) -> None:
        """Write a chunk's features with the added properties, missing values as null."""
        for feature in _with(chunk.rows, added):
            self._put(f"{self._separator}\n{_dump(feature)}")
            self._separator = ","

    def close(self) -> None:
        """Write the members after the features."""
        self._put("\n" + self._tail)

    def _put(self, text: str) -> None:
        self._sink.write(text.encode())


class GeoJsonSeqPoints:
    """One feature a line, with or without record separators."""

    encoding = None

    def __init__(self, source: IO[bytes], sink: IO[bytes], *, added: Sequence[str]) -> None:
        self._source = source
        self._sink = sink
        self._added = added
        self._mark = ""

    def chunks(self) -> Iterator[Chunk]:
        """Read on; blank lines are not rows.

        Raises
        ------
        DataError
            ``file-unreadable`` where a line is no JSON; ``value-invalid`` as in GeoJSON.
        """
        lines = (line for line in self._source if line.strip())
        first = 1
        while some := list(islice(lines, CHUNK_ROWS)):
            features = [self._feature(line, first + at) for at, line in enumerate(some)]
            yield _chunk(features, first, self._added)
            first += len(some)

    def _feature(self, line: bytes, number: int) -> Feature:
        try:
            text = line.decode()
            if text.startswith(_MARK):
                self._mark = _MARK
            feature: Feature = json.loads(text.lstrip(_MARK))
        except ValueError as error:
            raise _unreadable(f"record {number} is no JSON ({error})") from error
        return feature

    def write(self, chunk: Chunk, added: Mapping[str, npt.NDArray[Any]]) -> None:
        """Write a chunk's features with the added properties, missing values as null."""
        for feature in _with(chunk.rows, added):
            self._sink.write(f"{self._mark}{_dump(feature)}\n".encode())

    def close(self) -> None:
        """Do nothing: a sequence has no end mark."""


class _Text:
    """JSON text read piece by piece."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self._decoder = json.JSONDecoder()
        self._bytes = codecs.getincrementaldecoder("utf-8-sig")()
        self._buffer = ""
        self._at = 0
        self._ended = False

    def value(self) -> Any:  # noqa: ANN401 - any JSON value
        """Take one value."""
        self._skip()
        while True:
            try:
                value, end = self._decoder.raw_decode(self._buffer, self._at)
            except json.JSONDecodeError as error:
                if self._ended:
                    raise self._broken(str(error)) from error
            else:
                # A number cut by the end of the piece reads as a shorter one: what follows it must be there.
                if self._ended or self._buffer[end : end + 1] in _FOLLOWS:
                    self._at = end
                    return value
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
        check_added(list(feature.get("properties") or {}), added)
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
        kind = geometry.get("type") if isinstance(geometry, dict) else geometry
        return Fault(kind="geometry-type", row=number, message=f"A Point is needed, not {kind!r}.")
    coordinates = geometry.get("coordinates")
    if isinstance(coordinates, list) and len(coordinates) > 1 and all(map(_is_number, coordinates[:2])):
        return float(coordinates[0]), float(coordinates[1])
    message = f"The point's coordinates are {coordinates!r}: not two numbers."
    return Fault(kind="coordinate-not-a-number", row=number, message=message)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _with(features: list[Feature], added: Mapping[str, npt.NDArray[Any]]) -> Iterator[Feature]:
    for feature, values in zip(features, zip(*added.values(), strict=True), strict=True):
        properties = {**(feature.get("properties") or {}), **dict(zip(added, values, strict=True))}
        yield {**feature, "properties": properties}


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
