"""What a reader returns, and what it raises when a file is no good."""

from dataclasses import dataclass, field
from pathlib import Path

import geopandas as gpd
import pandas as pd

from geo.faults import DataError, Fault

#: Name of the index of a frame that was read: the record's number in its file, from 1, headers not counted.
ROW = "row"


@dataclass(frozen=True, slots=True)
class Source:
    """A file's records as they stand in it.

    Parameters
    ----------
    frame
        All records, indexed by :data:`ROW`; a GeoDataFrame in the file's own CRS (None where the file states
        none), or a plain frame when the file holds no places.
    format
        Name of the format.
    encoding
        How its text was decoded.
    faults
        Records that could not be read whole; they stand in `frame`, but must be rejected.
    notes
        What the user should know about how the file was understood.
    """

    frame: pd.DataFrame
    format: str
    encoding: str = "UTF-8"
    faults: list[Fault] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def numbered(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame indexed by record number, or refuse it when it holds no record.

    Raises
    ------
    DataError
        ``file-empty``.
    """
    if not len(frame):
        raise DataError(Fault(kind="file-empty", message="The file holds no records."))
    return frame.set_axis(pd.RangeIndex(1, len(frame) + 1, name=ROW))


def without_places(frame: gpd.GeoDataFrame) -> pd.DataFrame:
    """Drop the geometry of a file in which no record has one."""
    return pd.DataFrame(frame.drop(columns=frame.geometry.name))


def refused(path: Path, kind: str, why: object) -> DataError:
    """Return the error for a file that cannot be used; `why` is what its reader said."""
    advice = {
        "file-truncated": "It was cut off: copy or download it again.",
        "file-unreadable": "It is damaged, or it is not what its name says.",
    }
    text = " ".join(str(why).split())[:300].rstrip(".")
    return DataError(Fault(kind=kind, message=f"{path.name}: {text}. {advice.get(kind, '')}".rstrip()))
