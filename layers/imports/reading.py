"""The records of a file by the layer that they are to become part of."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd

from geo.faults import Fault
from layers import osm
from layers.files import formats
from layers.imports.report import Options
from layers.progress import Progress, during, silent


@dataclass(frozen=True, slots=True)
class Records:
    """Records of one import.

    Parameters
    ----------
    frames
        By layer, in the order in which they are imported; of a file other than OpenStreetMap's only one.
    options
        How to understand them.
    said
        What the import is, for the history: ``import grids from grids.gpkg``.
    faults
        What reading found; these records are rejected.
    notes
        What the user should know about how the file was understood.
    counts
        What else the file was found to hold.
    is_geojson
        Whether the file is in WGS84 because its format's standard says so.
    """

    frames: Mapping[str, pd.DataFrame]
    options: Options
    said: str
    faults: Sequence[Fault] = ()
    notes: Sequence[str] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    is_geojson: bool = False


def of_frame(layer: str, frame: pd.DataFrame, options: Options) -> Records:
    """Take a frame for the records; see :func:`layers.imports.import_frame`."""
    return Records({layer: frame}, options, f"import {layer}")


def of_file(
    layer: str,
    path: Path,
    options: Options,
    *,
    sheet: str | None = None,
    encoding: str | None = None,
    name: str | None = None,
    largest_unpacked: int = formats.LARGEST_UNPACKED,
    progress: Progress = silent,
) -> Records:
    """Read one file of any known format.

    Parameters
    ----------
    options
        Its ``columns`` may also name the coordinate columns of a table, as ``x`` and ``y``.
    name
        What the file is called in the history, where it is not the path's last part.
    largest_unpacked
        What it may unpack to, bytes.

    Raises
    ------
    DataError
        As in :func:`layers.files.formats.read`.
    """
    columns = dict(options.columns)
    x, y = columns.pop("x", None), columns.pop("y", None)
    with during(progress, f"read {path.name}"):
        source = formats.read(
            path, sheet=sheet, encoding=encoding, x=x, y=y, largest_unpacked=largest_unpacked
        )
    return Records(
        {layer: source.frame},
        replace(options, columns=columns),
        f"import {layer} from {name or path.name}",
        faults=source.faults,
        notes=source.notes,
        is_geojson=source.format.startswith("GeoJSON"),
    )


def of_osm(
    path: Path, options: Options, *, places: Collection[str] = (), progress: Progress = silent
) -> Records:
    """Read streets, and of :data:`layers.osm.PLACES` those wanted, from an OpenStreetMap file.

    Raises
    ------
    DataError
        As in :func:`layers.osm.read`.
    """
    extract = osm.read(path, places=places, progress=progress)
    return Records(
        extract.frames,
        replace(options, noded=True),
        f"import {', '.join(extract.frames)} from {path.name}",
        notes=[osm.ATTRIBUTION],
        counts=extract.counts,
    )
