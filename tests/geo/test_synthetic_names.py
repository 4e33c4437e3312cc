"""Invented names: Chinese numerals, and numbers that ring nowhere."""

import numpy as np
import pytest

from geo.synthetic import names


@pytest.mark.parametrize(
    ("number", "written"),
    [(1, "一"), (9, "九"), (10, "十"), (11, "十一"), (20, "二十"), (35, "三十五"), (99, "九十九")],
)
def test_ordinals_are_written_as_people_write_them(number: int, written: str) -> None:
    assert names.ordinal(number) == written


def test_place_names_come_once_each() -> None:
    drawn = list(names.places(np.random.default_rng(0)))
    assert len(drawn) == len(set(drawn)) > 1500
    assert {len(name) for name in drawn} == {2}


def test_the_county_code_belongs_to_no_province() -> None:
    assert names.COUNTY_CODE.isdigit()
    assert len(names.COUNTY_CODE) == 6
    # GB/T 2260 uses 11-15, 21-23, 31-37, 41-46, 50-54, 61-65, 71, 81 and 82.
    assert int(names.COUNTY_CODE[:2]) > 82
