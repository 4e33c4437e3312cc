"""What requests state about times; places are tested with the routes that take them."""

import pytest

from api import stated
from geo.faults import DataError

SHANGHAI = "Asia/Shanghai"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-01T08:00:00Z", "2026-03-01T08:00:00+00:00"),
        ("2026-03-01T08:00:00+08:00", "2026-03-01T00:00:00+00:00"),
        ("2026-03-01T08:00:00 08:00", "2026-03-01T00:00:00+00:00"),  # a plus sign that was not escaped
        ("2026-03-01T08:00:00.25-05:00", "2026-03-01T13:00:00.250000+00:00"),
        ("2026-03-01", "2026-03-01T23:59:59.999999+08:00"),
    ],
)
def test_instants(text, expected):
    assert stated.instant(text, SHANGHAI).isoformat() == expected


def test_a_day_that_something_starts_on():
    assert stated.instant("2026-03-01", SHANGHAI, starts=True).isoformat() == "2026-03-01T00:00:00+08:00"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "2026-03-01T08:00:00",
        "2026-13-01",
        "20260301",
        "2026-03-01T25:00:00Z",
        "9999-12-31",
        "9999-12-31T23:59:59Z",
        "0001-01-01T00:00:00Z",
    ],
)
def test_what_is_no_instant(text):
    with pytest.raises(DataError) as refused:
        stated.instant(text, SHANGHAI, field="since")
    assert [(fault.kind, fault.field) for fault in refused.value.faults] == [("parameter-invalid", "since")]


def test_readings_are_refused_together():
    with pytest.raises(DataError) as refused:
        stated.together(
            lambda: stated.choice("x", ("a", "b"), "level"), lambda: stated.instant("y", SHANGHAI), lambda: 1
        )
    assert [fault.field for fault in refused.value.faults] == ["level", "at"]
    assert stated.together(lambda: 1, lambda: "b") == (1, "b")
