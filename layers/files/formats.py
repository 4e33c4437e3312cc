"""Which module reads or writes a file, by its suffix; and how large a file may be."""

import contextlib
import zipfile
from pathlib import Path

import pandas as pd

from geo.faults import DataError, Fault
from layers.files import delimited, parquet, vector, xlsx
from layers.files.source import Source, refused

#: Largest file that is read into memory at once, and what it may unpack to.
LARGEST_BYTES = 2 << 30
LARGEST_UNPACKED = 8 << 30

_DELIMITED = (".csv", ".tsv", ".txt")
_PARQUET = (".parquet", ".geoparquet", ".pq")
_XLSX = (".xlsx", ".xlsm")
#: Every suffix that can be read.
READABLE = (*vector.DRIVERS, ".zip", *_PARQUET, *_DELIMITED, *_XLSX)
#: Every suffix that can be written.
WRITABLE = (*vector.DRIVERS, *_PARQUET, ".csv", ".xlsx")


def read(
    path: Path,
    *,
    sheet: str | None = None,
    encoding: str | None = None,
    x: str | None = None,
    y: str | None = None,
    largest_bytes: int = LARGEST_BYTES,
    largest_unpacked: int = LARGEST_UNPACKED,
) -> Source:
    """Read a file of any known format.

    Parameters
    ----------
    sheet
        Layer or sheet, where the file holds several.
    encoding
        Of text that does not state its own; found out when not given.
    x, y
        Columns of longitude or easting and latitude or northing, for tables.

    Raises
    ------
    DataError
        ``format-unknown``, ``file-unreadable``, ``file-truncated``, ``file-too-large``, ``file-empty``,
        ``encoding-unknown``, ``field-unknown``, ``parameter-invalid``.
    """
    suffix = path.suffix.lower()
    if suffix not in READABLE:
        raise DataError(_unknown(path, READABLE))
    if not path.is_file():
        raise DataError(Fault(kind="file-unreadable", message=f"There is no file {path}."))
    size = path.stat().st_size
    if not size:
        raise DataError(Fault(kind="file-empty", message=f"{path.name} is empty."))
    if size > largest_bytes:
        raise refused(path, "file-too-large", f"{size} bytes, at most {largest_bytes} are read")
    if _unpacked_bytes(path, suffix) > largest_unpacked:
        raise refused(path, "file-too-large", f"it unpacks to over {largest_unpacked >> 20} MB")
    if suffix in _DELIMITED:
        return delimited.read(path, encoding=encoding, x=x, y=y)
    if suffix in _XLSX:
        return xlsx.read(path, sheet=sheet, x=x, y=y)
    if suffix in _PARQUET:
        return parquet.read(path, x=x, y=y)
    return vector.read(path, sheet=sheet, encoding=encoding, x=x, y=y)


def _unpacked_bytes(path: Path, suffix: str) -> int:
    """What a file says that it unpacks to; nothing where it is not packed, or cannot be read."""
    if suffix in (".zip", *_XLSX):
        with contextlib.suppress(zipfile.BadZipFile), zipfile.ZipFile(path) as archive:
            return sum(member.file_size for member in archive.infolist())
    return parquet.unpacked_bytes(path) if suffix in _PARQUET else 0


def write(frame: pd.DataFrame, path: Path, *, encoding: str | None = None) -> None:
    """Write a frame in the format of the path's suffix, replacing the file.

    Parameters
    ----------
    encoding
        Of a shapefile's text, one of :data:`layers.files.vector.ENCODINGS`.

    Raises
    ------
    DataError
        ``format-unknown``; ``parameter-invalid`` when the format holds places and the frame has none, and for an
        encoding of another format; ``value-invalid`` for what the format cannot say.
    """
    suffix = path.suffix.lower()
    if suffix not in WRITABLE:
        raise DataError(_unknown(path, WRITABLE))
    if encoding is not None and suffix != ".shp":
        message = "Only the text of a shapefile can be written in another encoding."
        raise DataError(Fault(kind="parameter-invalid", field="encoding", message=message))
    path.parent.mkdir(parents=True, exist_ok=True)
    if suffix == ".csv":
        delimited.write(frame, path)
    elif suffix == ".xlsx":
        xlsx.write(frame, path)
    elif suffix in _PARQUET:
        parquet.write(frame, path)
    else:
        vector.write(frame, path, encoding=encoding or vector.UTF_8)


def _unknown(path: Path, known: tuple[str, ...]) -> Fault:
    return Fault(
        kind="format-unknown",
        message=f"{path.name}: no known format ends in {path.suffix!r}; use one of {', '.join(known)}.",
    )
