"""Times of a column, as people and files write them."""

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest

from layers.instants import instants

SHANGHAI = "Asia/Shanghai"


def of(values, kind=None, timezone=SHANGHAI):
    return [None if np.isnat(one) else str(one) for one in instants(pa.array(values, kind), timezone)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-01T08:00:00+08:00", "2026-03-01T00:00:00.000000"),
        ("2026-03-01t08:00:00.5Z", "2026-03-01T08:00:00.500000"),
        (" 2026-03-01 08:00+0800 ", "2026-03-01T00:00:00.000000"),
        ("2026-03-01 08:00:00 -03:00", "2026-03-01T11:00:00.000000"),
        ("2026-03-01T08:00:00", "2026-03-01T00:00:00.000000"),
        ("2026-03-01 08:00", "2026-03-01T00:00:00.000000"),
        ("2026-03-01", "2026-03-01T15:59:59.999999"),
        ("2026-02-30", None),
        ("2026-02-30T00:00:00Z", None),
        ("01/03/2026", None),
        ("昨天", None),
        ("", None),
        ("0000-01-01", None),
        ("9999-12-31", "9999-12-31T15:59:59.999999"),
    ],
)
def test_text(text, expected):
    assert of([text, None, text]) == [expected, None, expected]


def test_forms_may_be_mixed():
    assert of(["2026-03-01", "x", "2026-03-01T00:00:00Z", "2026-03-01 08:00"]) == [
        "2026-03-01T15:59:59.999999", None, "2026-03-01T00:00:00.000000", "2026-03-01T00:00:00.000000",
    ]  # fmt: skip


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_timestamps(unit):
    local = [dt.datetime(2026, 3, 1, 8), None]  # noqa: DTZ001 - that is the case
    assert of(local, pa.timestamp(unit)) == ["2026-03-01T00:00:00.000000", None]
    there = [dt.datetime(2026, 3, 1, 8, tzinfo=dt.UTC), None]
    assert of(there, pa.timestamp(unit, "America/New_York")) == ["2026-03-01T08:00:00.000000", None]


def test_dates_and_repeated_values():
    assert of([dt.date(2026, 3, 1), None]) == ["2026-03-01T15:59:59.999999", None]
    repeated = pa.array(["2026-03-01", None, "2026-03-01"]).dictionary_encode()
    assert [str(one) for one in instants(repeated, SHANGHAI)] == [
        "2026-03-01T15:59:59.999999", "NaT", "2026-03-01T15:59:59.999999",
    ]  # fmt: skip


@pytest.mark.parametrize("values", [pa.array([1, 2]), pa.nulls(2), pa.array([None, None], pa.string())])
def test_what_is_no_time_means_none(values):
    assert np.isnat(instants(values, SHANGHAI)).all()


def test_hours_that_come_twice_or_never():
    assert of(["2026-10-25 02:30", "2026-03-29 02:30"], timezone="Europe/Madrid") == [
        "2026-10-25T00:30:00.000000", None,
    ]  # fmt: skip
