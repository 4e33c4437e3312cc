"""GeoParquet, and plain Parquet with coordinates in columns."""

from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from layers.files import places
from layers.files.source import Source, numbered, refused

#: Every Parquet file begins and ends with these bytes.
_MAGIC = b"PAR1"


def read(path: Path, *, x: str | None = None, y: str | None = None) -> Source:
    """Read a Parquet file, with its CRS where it is GeoParquet (without one, that means longitude, latitude).

    Raises
    ------
    DataError
        ``file-truncated``, ``file-unreadable``, ``file-empty``, ``field-unknown``.
    """
    try:
        if b"geo" in (pq.read_schema(path).metadata or {}):
            return Source(numbered(gpd.read_parquet(path)), "GeoParquet")
        table = pd.read_parquet(path)
    except (pa.ArrowException, ValueError, OSError) as error:
        raise refused(path, "file-truncated" if _is_cut(path) else "file-unreadable", error) from error
    located, faults = places.locate(numbered(table), x=x, y=y)
    return Source(located, "Parquet", faults=faults)


def unpacked_bytes(path: Path) -> int:
    """Return what the columns of a file unpack to; 0 where it cannot be read."""
    try:
        about = pq.read_metadata(path)
    except (pa.ArrowException, OSError):
        return 0
    return sum(about.row_group(number).total_byte_size for number in range(about.num_row_groups))


def _is_cut(path: Path) -> bool:
    content = path.read_bytes()
    return content.startswith(_MAGIC) and not content.endswith(_MAGIC)


def write(frame: pd.DataFrame, path: Path) -> None:
    """Write a frame; one with places as GeoParquet."""
    frame.to_parquet(path, index=False)
