"""Files of records read a chunk at a time: delimited text as a stream, every other format as a whole."""

import csv
import gzip
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo.faults import DataError, Fault
from layers.files import columns, formats, point_chunks
from layers.files.points_csv import encoding_of

_DELIMITERS = ",;\t|"
_TEXT = {".csv", ".tsv", ".txt"}


@dataclass(frozen=True, slots=True)
class Records:
    """Some consecutive records.

    Parameters
    ----------
    first
        Number of the first record, from 1, headers not counted.
    columns
        Values as they stand in the file, column by column; blank text or None where there is none.
    x, y
        Columns of coordinates of a format that has geometries, with the CRS that the file states; None otherwise.
    faults
        Records that could not be read whole.
    done, total
        How much of the file was read, in bytes or in records.
    """

    first: int
    columns: Mapping[str, Sequence[object]]
    faults: list[Fault]
    done: int
    total: int
    x: np.ndarray | None = None
    y: np.ndarray | None = None
    crs: str | None = None

    def record(self, number: int) -> dict[str, str]:
        """One record as text by column."""
        values = {name: values[number - self.first] for name, values in self.columns.items()}
        return {name: "" if value is None else str(value) for name, value in values.items()}


def read(
    path: Path, *, encoding: str | None = None, sheet: str | None = None, many: int = 20_000
) -> Iterator[Records]:
    """Read a file of any known format; delimited text, which may be compressed (``.csv.gz``), as a stream.

    Raises
    ------
    DataError
        As in :func:`layers.files.formats.read`.
    """
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes[-1:] == [".gz"] and suffixes[-2:-1] and suffixes[-2] in _TEXT:
        with gzip.open(path) as stream:
            yield from _delimited(cast("IO[bytes]", stream), path.stat().st_size, encoding, many)
    elif suffixes[-1:] and suffixes[-1] in _TEXT:
        with path.open("rb") as stream:
            yield from _delimited(stream, path.stat().st_size, encoding, many)
    else:
        yield from _whole(path, encoding, sheet, many)


def _delimited(stream: IO[bytes], total: int, encoding: str | None, many: int) -> Iterator[Records]:
    taken = encoding_of(stream, encoding)
    stream.seek(0)
    raw = stream.fileobj if isinstance(stream, gzip.GzipFile) else stream
    with io.TextIOWrapper(stream, encoding="utf-8-sig" if taken == "utf-8" else taken, newline="") as text:
        first = text.readline()
        if not first.strip():
            raise DataError(Fault(kind="file-empty", message="The file has no header line."))
        delimiter = max(_DELIMITERS, key=first.count)
        csv.field_size_limit(point_chunks.LONGEST_RECORD)
        header = columns.unique_names(next(csv.reader([first], delimiter=delimiter)))
        # Strict: else a quote that never ends would swallow all records that follow.
        rows = csv.reader(text, delimiter=delimiter, strict=True)
        number = 1
        while chunk := _some(rows, many):
            faults = _fit(chunk, len(header), number)
            by_column = dict(zip(header, zip(*chunk, strict=True), strict=True))
            yield Records(number, by_column, faults, raw.tell() if raw else 0, total)
            number += len(chunk)


def _some(rows: Iterable[list[str]], many: int) -> list[list[str]]:
    """Read some records that are not blank."""
    found: list[list[str]] = []
    try:
        for row in rows:
            if any(row):
                found.append(row)
            if len(found) == many:
                break
    except csv.Error as error:
        message = f"A quoted value never ends, or goes on after its end ({error})."
        raise DataError(Fault(kind="file-unreadable", message=message)) from error
    return found


def _fit(rows: list[list[str]], width: int, first: int) -> list[Fault]:
    """Bring records that are too long or too short to the header's width; return what is wrong with them."""
    faults = []
    for at, row in enumerate(rows):
        if len(row) != width:
            message = f"The record has {len(row)} fields, the header has {width}."
            faults.append(Fault(kind="value-invalid", row=first + at, message=message))
            rows[at] = row[:width] + [""] * (width - len(row))
    return faults


def _whole(path: Path, encoding: str | None, sheet: str | None, many: int) -> Iterator[Records]:
    source = formats.read(path, encoding=encoding, sheet=sheet)
    frame = source.frame
    x = y = None
    crs = None
    if isinstance(frame, gpd.GeoDataFrame):
        geoms = frame.geometry.to_numpy()
        x, y = shapely.get_x(geoms), shapely.get_y(geoms)
        crs = frame.crs.to_wkt() if frame.crs else None
        frame = pd.DataFrame(frame.drop(columns=frame.geometry.name))
    for start in range(0, len(frame), many):
        part = slice(start, start + many)
        table = frame.iloc[part].astype(object)
        table = table.where(table.notna(), None)
        yield Records(
            start + 1,
            {str(name): table[name].tolist() for name in table.columns},
            [fault for fault in source.faults if fault.row is not None and start < fault.row <= start + many],
            min(start + many, len(frame)),
            len(frame),
            None if x is None else x[part],
            None if y is None else y[part],
            crs,
        )
