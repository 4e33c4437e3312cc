"""Which columns of a table hold coordinates or geometries, by the names they usually have."""

import difflib
from collections.abc import Iterable, Sequence

from geo.faults import Fault

#: Column names, compared without case, that say longitude or easting, and latitude or northing. Not the
#: Chinese surveyor's X, which is the northing: such columns are named by the user.
X_NAMES = (
    "lon",
    "lng",
    "long",
    "longitude",
    "经度",
    "东经",
    "x",
    "easting",
    "东坐标",
    "point_x",
    "lon_wgs84",
)
Y_NAMES = ("lat", "latitude", "纬度", "北纬", "y", "northing", "北坐标", "point_y", "lat_wgs84")
WKT_NAMES = ("wkt", "geometry", "geom", "the_geom", "几何", "空间数据")

# Column names listed in a message.
_LISTED = 40


def known(columns: Iterable[str], names: Sequence[str]) -> str | None:
    """Return the first column that has one of the known names, None where there is none."""
    by_name = {column.strip().lower(): column for column in reversed(list(columns))}
    return next((by_name[name] for name in names if name in by_name), None)


def missing(columns: Sequence[str], wanted: str) -> Fault:
    """Return the fault of a column that is not there: it names those that are, those spelled alike first."""
    near = difflib.get_close_matches(wanted, columns, n=3, cutoff=0.6)
    advice = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
    return Fault(
        kind="field-unknown",
        field=wanted,
        message=f"The file has no column {wanted!r}; it has: {listed(columns)}.{advice}",
    )


def ambiguous(wanted: str, times: int) -> Fault:
    """Return the fault of a column that is needed and stands in the file several times."""
    message = f"The file has {times} columns {wanted!r}: rename all but the one that is meant."
    return Fault(kind="field-unknown", field=wanted, message=message)


def listed(columns: Sequence[str]) -> str:
    """Name columns, the first of many."""
    more = f" … and {len(columns) - _LISTED} more" if len(columns) > _LISTED else ""
    return ", ".join(columns[:_LISTED]) + more


def unique_names(names: Sequence[object]) -> list[str]:
    """Give columns without a name, or with one twice, a name of their own."""
    result: list[str] = []
    for number, name in enumerate(names, start=1):
        wanted = str(name).strip() if name is not None and str(name).strip() else f"column_{number}"
        result.append(wanted if wanted not in result else f"{wanted}_{number}")
    return result
