"""Minutes to metres, and which circle each type serves."""

import pandas as pd
import pytest

from geo.coverage import circles
from geo.faults import DataError

TYPES = pd.DataFrame(
    {
        "circle": ["15", "10", "5", "block"],
        "service_radius_m": [1000.0, None, 300.0, 70.0],
        "mandatory_levels": ["15", "10", "", "block"],
    },
    index=pd.Index(["school", "bank", "nursery", "bins"], name="key"),
)


@pytest.mark.parametrize(
    ("profile", "minutes", "metres"),
    [
        ("adult", 15, 1125),
        ("adult", 8, 600),
        ("elderly", 15, 720),
        ("gb50180", 15, 1000),
        ("gb50180", 10, 500),
        ("gb50180", 5, 300),
    ],
)
def test_budget(profile, minutes, metres):
    assert circles.budget_m(profile, minutes) == metres


@pytest.mark.parametrize(
    ("profile", "minutes", "field"),
    [("gb50180", 8, "minutes"), ("adult", 0, "minutes"), ("adult", 61, "minutes"), ("child", 5, "profile")],
)
def test_budget_that_does_not_exist(profile, minutes, field):
    with pytest.raises(DataError) as caught:
        circles.budget_m(profile, minutes)
    assert [(fault.kind, fault.field) for fault in caught.value.faults] == [("parameter-invalid", field)]


def test_each_type_is_asked_for_its_own_circle():
    asked = circles.questions(TYPES, minutes=[], profile="adult")
    assert asked["facility_type"].tolist() == ["school", "bank", "nursery", "bins"]
    assert asked["minutes"].tolist() == [15, 10, 5, circles.BLOCK_MINUTES]
    assert asked["budget_m"].tolist() == [1125, 750, 375, 375]


def test_stated_minutes_are_asked_of_every_type():
    asked = circles.questions(TYPES, minutes=[10, 5, 10], profile="gb50180")
    assert asked["minutes"].tolist() == [5, 10] * 4
    assert asked["budget_m"].tolist() == [300, 500] * 4


def test_standard_judges_by_the_service_radius():
    asked, not_judged = circles.standard_questions(TYPES)
    assert asked["facility_type"].tolist() == ["school", "nursery", "bins"]
    assert asked["budget_m"].tolist() == [1000, 300, 70]
    assert asked["minutes"].tolist() == [15, 5, 5]
    assert asked["mandatory"].tolist() == [True, False, True]
    assert not_judged == ["bank"]
