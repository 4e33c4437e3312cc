"""What requests state about places and times, read so that every fault is reported at once."""

import datetime as dt
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar, overload
from zoneinfo import ZoneInfo

from api.settings import Settings
from geo import crs
from geo.faults import DataError, Fault

_Value = TypeVar("_Value")
_One = TypeVar("_One")
_Two = TypeVar("_Two")
_Three = TypeVar("_Three")
_Four = TypeVar("_Four")
_Five = TypeVar("_Five")
_MOST_LON, _MOST_LAT = 180.0, 90.0
_WEST, _SOUTH, _EAST, _NORTH = crs.CHINA
#: Years whose every instant exists in every time zone.
_YEARS = range(dt.MINYEAR + 1, dt.MAXYEAR)


@dataclass(frozen=True, slots=True)
class StatedPlace:
    """A point in EPSG:4326 (longitude, latitude), and how it was stated."""

    lon: float
    lat: float
    x: float
    y: float
    datum: str


class Faults:
    """Collects the faults of several readings, to raise them together."""

    def __init__(self) -> None:
        self._found: list[Fault] = []

    def reading(self, read: Callable[[], _Value]) -> _Value | None:
        """Return what `read` returns; None, with its faults kept, when it raises a DataError."""
        try:
            return read()
        except DataError as error:
            self._found += error.faults
            return None

    def check(self) -> None:
        """Raise what was found.

        Raises
        ------
        DataError
            If any reading failed.
        """
        if self._found:
            raise DataError(self._found)


@overload
def together(one: Callable[[], _One], two: Callable[[], _Two], /) -> tuple[_One, _Two]: ...
@overload
def together(
    one: Callable[[], _One], two: Callable[[], _Two], three: Callable[[], _Three], /
) -> tuple[_One, _Two, _Three]: ...
@overload
def together(
    one: Callable[[], _One],
    two: Callable[[], _Two],
    three: Callable[[], _Three],
    four: Callable[[], _Four],
    /,
) -> tuple[_One, _Two, _Three, _Four]: ...
@overload
def together(
    one: Callable[[], _One],
    two: Callable[[], _Two],
    three: Callable[[], _Three],
    four: Callable[[], _Four],
    five: Callable[[], _Five],
    /,
) -> tuple[_One, _Two, _Three, _Four, _Five]: ...
def together(*reads: Callable[[], Any]) -> tuple[Any, ...]:
    """Return what several readings give.

    Raises
    ------
    DataError
        With the faults of all that fail.
    """
    faults = Faults()
    values = tuple(faults.reading(read) for read in reads)
    faults.check()
    return values


def reference(datum: str | None, settings: Settings) -> crs.Reference:
    """Return the datum or CRS a request states, or the configured default.

    Raises
    ------
    DataError
        On field ``datum``, if none is stated or it is unknown.
    """
    try:
        return crs.parse(datum or settings.default_datum, local=settings.local_crs())
    except DataError as error:
        raise DataError([replace(fault, field="datum") for fault in error.faults]) from error


def place(x: object, y: object, datum: str | None, settings: Settings) -> StatedPlace:
    """Return a stated point.

    Parameters
    ----------
    x, y
        Numbers or text: longitude and latitude, or easting and northing.

    Raises
    ------
    DataError
        With every fault of the fields ``lon``, ``lat`` and ``datum``.
    """
    faults = Faults()
    stated_x = faults.reading(lambda: _number(x, "lon"))
    stated_y = faults.reading(lambda: _number(y, "lat"))
    known = faults.reading(lambda: reference(datum, settings))
    if stated_x is not None and stated_y is not None:
        # Without a datum, degrees are still worth checking: the next attempt should not fail on them.
        faults.reading(lambda: _check_range(stated_x, stated_y, known or crs.WGS84, sure=known is not None))
    faults.check()
    assert stated_x is not None  # noqa: S101 - checked above
    assert stated_y is not None  # noqa: S101 - checked above
    assert known is not None  # noqa: S101 - checked above
    lon, lat = crs.to_lonlat([stated_x], [stated_y], known)
    return StatedPlace(float(lon[0]), float(lat[0]), stated_x, stated_y, known.name)


def instant(text: str, timezone: str, *, field: str = "at", starts: bool = False) -> dt.datetime:
    """Return a stated instant: RFC 3339 with an offset, or a bare date.

    A bare date means the end of that day in the time zone, or its start where something `starts` then.

    Raises
    ------
    DataError
        On `field`, if it is neither.
    """
    # A plus sign that was not escaped in a query arrives as a space.
    spelled = re.sub(r"(?<=\d) (?=\d\d:\d\d$)", "+", text.strip())
    found = _instant(spelled, ZoneInfo(timezone), dt.time.min if starts else dt.time.max)
    if found is not None and found.year in _YEARS:
        return found
    message = f"{text!r} is no instant; write 2026-03-01T08:00:00+08:00, or a bare date 2026-03-01."
    raise DataError(Fault(kind="parameter-invalid", field=field, message=message))


def _instant(spelled: str, timezone: ZoneInfo, time: dt.time) -> dt.datetime | None:
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", spelled):
            return dt.datetime.combine(dt.date.fromisoformat(spelled), time, timezone)
        if re.search(r"([zZ]|[+-]\d\d:\d\d)$", spelled):
            return dt.datetime.fromisoformat(spelled).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        pass
    return None


def choice(text: str, choices: tuple[str, ...], field: str) -> str:
    """Return a word that must be one of some.

    Raises
    ------
    DataError
        On `field`, if it is another.
    """
    if text in choices:
        return text
    message = f"{text!r} is none of {', '.join(choices)}."
    raise DataError(Fault(kind="parameter-invalid", field=field, message=message))


def _number(value: object, field: str) -> float:
    text = "" if value is None else str(value).strip()
    if not text:
        raise DataError(Fault(kind="coordinate-missing", field=field, message=f"State {field}."))
    try:
        # Python reads 1_1 as 11; nobody means that.
        number = float(text) if "_" not in text else math.nan
    except ValueError:
        number = math.nan
    if isinstance(value, bool) or not math.isfinite(number):
        message = f"{field} {text!r} is not a finite number."
        raise DataError(Fault(kind="coordinate-not-a-number", field=field, message=message))
    return number


def _check_range(x: float, y: float, known: crs.Reference, *, sure: bool) -> None:
    """Refuse a point that does not exist in its CRS, or is not where that CRS is used."""
    if known.definition in crs.DATUMS and _WEST <= x <= _EAST and _SOUTH <= y <= _NORTH:
        # Nothing is wrong with degrees in China, where nearly every point lies; the checks below are for files.
        return
    if not sure and max(abs(x), abs(y)) > _MOST_LON:
        return
    fields: tuple[str, ...] = ("lon", "lat")
    found = crs.coordinate_faults([x], [y], known)
    if not found and sure:
        found = crs.check_extent([x], [y], known)
        fields = ("datum",)
    elif found and found[0].kind == "coordinate-out-of-range" and known.geographic:
        limits = (("lon", x, _MOST_LON), ("lat", y, _MOST_LAT))
        fields = tuple(field for field, value, most in limits if abs(value) > most)
    if found:
        raise DataError([replace(fault, row=None, field=field) for fault in found for field in fields])


def version(if_match: str) -> int:
    """Return the version that ``If-Match`` names; -1, which nothing has, where it is no tag of ours."""
    named = re.fullmatch(r'(?:W/)?"(\d{1,9})"', if_match.strip())
    return int(named.group(1)) if named else -1
