"""Instants of a column of times: RFC 3339, local times, or dates, which mean the end of their day."""

import datetime as dt
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

Instants = npt.NDArray[np.datetime64]

_DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
_TIME = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,9})?)?"
_OFFSET = r" ?(Z|[+-][0-9]{2}:?[0-9]{2})$"


def instants(times: pa.Array, timezone: str) -> Instants:
    """Instants that values mean, UTC, ``datetime64[us]``; NaT where one means none.

    Parameters
    ----------
    times
        Arrow text, dates or timestamps. Text is RFC 3339 with an offset; a time without one, and a timestamp
        without zone, is local time in `timezone`; a bare date is the end of that day there.
    """
    kind = times.type
    if pa.types.is_dictionary(kind):
        found = instants(times.dictionary, timezone)
        return _taken(found, times.indices)
    if pa.types.is_date(kind):
        return _ends_of_days(times.cast(pa.string()), timezone)
    if pa.types.is_timestamp(kind):
        # What is beyond the years of microseconds is no time of any revision.
        plain = times.cast(pa.timestamp("us", tz=kind.tz), safe=False)
        return _of_pandas(plain.to_pandas(), timezone)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return _spelled(pc.utf8_upper(pc.utf8_trim_whitespace(times)), timezone)
    return np.full(len(times), np.datetime64("NaT", "us"))


def _spelled(text: pa.Array, timezone: str) -> Instants:
    found = np.full(len(text), np.datetime64("NaT", "us"))
    for pattern, read in ((_DATE, _ends_of_days), (_TIME + _OFFSET, _absolute), (_TIME + "$", _local)):
        rows = pc.fill_null(pc.match_substring_regex(text, pattern), False).to_numpy(zero_copy_only=False)  # noqa: FBT003 - what is filled in
        if rows.any():
            found[rows] = read(text.filter(pa.array(rows)), timezone)
    return found


def _absolute(text: pa.Array, timezone: str) -> Instants:
    plain = pc.replace_substring_regex(text, r" ([Z+-])", r"\1")
    return _of_pandas(
        pd.to_datetime(plain.to_pandas(), format="ISO8601", utc=True, errors="coerce"), timezone
    )


def _local(text: pa.Array, timezone: str) -> Instants:
    return _of_pandas(pd.to_datetime(text.to_pandas(), format="ISO8601", errors="coerce"), timezone)


def _ends_of_days(text: pa.Array, timezone: str) -> Instants:
    days = text.dictionary_encode()
    zone = ZoneInfo(timezone)
    ends = [_end_of_day(day, zone) for day in days.dictionary.to_pylist()]
    return _taken(np.array(ends, dtype="datetime64[us]"), days.indices)


def _end_of_day(day: str, zone: ZoneInfo) -> dt.datetime | None:
    try:
        end = dt.datetime.combine(dt.date.fromisoformat(day), dt.time.max, zone)
        return end.astimezone(dt.UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return None


def _of_pandas(times: pd.Series, timezone: str) -> Instants:
    if times.dt.tz is None:
        # Of an hour that comes twice the first is meant; one that is left out does not exist.
        first = np.ones(len(times), dtype=bool)
        times = times.dt.tz_localize(timezone, ambiguous=first, nonexistent="NaT")
    plain = times.dt.tz_convert("UTC").dt.tz_localize(None)
    found: Instants = plain.to_numpy(dtype="datetime64[us]")
    return found


def _taken(found: Instants, indices: pa.Array) -> Instants:
    present = indices.is_valid().to_numpy(zero_copy_only=False)
    rows = pc.fill_null(indices, 0).to_numpy(zero_copy_only=False)
    if not len(found):
        return np.full(len(rows), np.datetime64("NaT", "us"))
    return np.where(present, found[rows], np.datetime64("NaT", "us"))
