"""Columns of a file of points: which hold the places and the times, and which may be added."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pyarrow as pa

from geo.faults import DataError, Fault
from layers.files import columns


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Columns that the user names; where None, those of the usual names are taken.

    ``x`` holds longitude or easting, ``y`` latitude or northing, ``geometry`` points as WKT or WKB instead of
    both; ``at`` times, which are not looked for unless named.
    """

    x: str | None = None
    y: str | None = None
    geometry: str | None = None
    at: str | None = None


#: None is named: those of the usual names.
USUAL = Columns()


@dataclass(frozen=True, slots=True)
class Found:
    """Which columns of a file hold what, by position: ``place`` is x and y, or one geometry."""

    place: tuple[int, ...]
    at: int | None

    @property
    def is_geometry(self) -> bool:
        """Whether one column holds the points."""
        return len(self.place) == 1


def check_added(existing: Iterable[str], added: pa.Schema) -> None:
    """Refuse to overwrite columns.

    Raises
    ------
    DataError
        ``value-invalid`` for each added column that is there already.
    """
    taken = set(added.names).intersection(existing)
    faults = [
        Fault(
            kind="value-invalid",
            field=name,
            message=f"The file already has a column {name!r}; rename it, so that nothing is overwritten.",
        )
        for name in added.names
        if name in taken
    ]
    if faults:
        raise DataError(faults)


def find(existing: Sequence[str], stated: Columns, *, own_geometry: str | None = None) -> Found:
    """Say which columns hold the places, and the times.

    Stated columns come first, then the geometry that the format itself names, then the usual names of
    coordinates, then those of a geometry.

    Raises
    ------
    DataError
        ``field-unknown`` for each stated column that is not there, or several times, and where nothing tells
        which columns hold the places; ``parameter-invalid`` where coordinates and a geometry are stated.
    """
    named = (stated.x, stated.y, stated.geometry, stated.at)
    faults = [
        columns.ambiguous(name, existing.count(name)) if name in existing else columns.missing(existing, name)
        for name in named
        if name is not None and existing.count(name) != 1
    ]
    if stated.geometry and (stated.x or stated.y):
        message = "Name the columns of lon and lat, or the one of the geometry, not both."
        faults.append(Fault(kind="parameter-invalid", field="geometry", message=message))
    place = () if faults else _place(existing, stated, own_geometry)
    faults += [columns.ambiguous(name, existing.count(name)) for name in place if existing.count(name) > 1]
    if faults:
        raise DataError(faults)
    at = None if stated.at is None else existing.index(stated.at)
    return Found(tuple(existing.index(name) for name in place), at)


def _place(existing: Sequence[str], stated: Columns, own_geometry: str | None) -> tuple[str, ...]:
    x = stated.x or columns.known(existing, columns.X_NAMES)
    y = stated.y or columns.known(existing, columns.Y_NAMES)
    own = None if stated.x or stated.y else own_geometry
    if geometry := stated.geometry or own:
        return (geometry,)
    if x and y and x != y:
        return (x, y)
    if geometry := columns.known(existing, columns.WKT_NAMES):
        return (geometry,)
    message = (
        f"Which columns hold the coordinates? The file has: {columns.listed(existing)}. Name them: lon and lat, "
        "or geometry."
    )
    raise DataError(Fault(kind="field-unknown", message=message))
