"""Gaps of the city of :mod:`tests.geo.coverage.test_table`: a street of 2 km, a market at its beginning.

Within 750 m (adult, 10 minutes) are A (100 people), E (3, in no area) and the nearer gate of B (50, gates at 700 and 900 m); C
(20) is at 1500 m, D (7) far from every street. Land: W from 0 to 780 m, V from there to 2000 m, 100 m wide.
"""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import Point

from geo import coverage
from geo.coverage import Query, gaps
from geo.crs import to_metric
from geo.faults import DataError
from tests.geo.coverage.test_table import PAPER, frame, paper_city
from tests.geo.networks import METRIC, ORIGIN, build, lattice


def find(city=PAPER, *, least_m2=gaps.LEAST_M2, **words):
    words.setdefault("facility_types", ("market",))
    words.setdefault("minutes", (10,))
    return gaps.find(city, Query(**words), least_m2=least_m2)


def markets(*places):
    codes = [f"F{number}" for number in range(len(places))]
    return frame(
        [Point(place) for place in places],
        code=codes,
        name=["市场"] * len(codes),
        type=["market"] * len(codes),
    )


def test_more_drawings_than_one_answer_holds_are_refused(monkeypatch):
    monkeypatch.setattr(gaps, "MOST_QUESTIONS", 2)
    find(minutes=(5, 10))
    with pytest.raises(DataError) as caught:
        find(minutes=(5, 10, 15))
    assert [fault.field for fault in caught.value.faults] == ["minutes"]


# --- people -----------------------------------------------------------------------------------------------


def test_compounds_outside_come_with_their_way_those_with_most_people_first():
    rows = find().compounds
    assert rows["code"].tolist() == ["B", "C", "D"]
    assert rows["status"].tolist() == ["partial", "uncovered", "unreachable"]
    assert rows["outside"].tolist() == [25.0, 20.0, 7.0]
    # From the gate of B that is outside, not from the one that is reached.
    assert rows["walk_m"].tolist()[:2] == [900.0, 1500.0]
    assert rows["walk_minutes"].tolist()[:2] == [12.0, 20.0]
    assert rows["reason"].fillna("").tolist() == ["", "", "no-street"]
    # Most of B lies in V.
    assert rows["area_code"].tolist() == ["V", "V", "V"]
    assert rows.geometry.notna().all()


def test_what_each_lacks_of_all_that_was_asked():
    rows = find(facility_types=("market", "school"), minutes=(5, 10)).compounds
    lacks = rows.drop_duplicates(["code", "minutes"]).set_index(["code", "minutes"])["missing"]
    assert (lacks["A", 5], lacks["B", 5], lacks["B", 10]) == ("school", "market school", "market school")
    # There is no school at all.
    schools = rows[rows["facility_type"] == "school"]
    assert set(schools["code"]) == set("ABCDE")
    assert schools[schools["code"] != "D"]["reason"].unique().tolist() == ["no-facility"]
    assert schools["walk_m"].isna().all()


def test_with_their_own_circles_types_are_told_together():
    rows = find(facility_types=("market", "stage"), minutes=()).compounds
    assert rows.set_index(["code", "facility_type"])["missing"]["C", "market"] == "market stage"


def test_a_way_that_no_street_makes_is_told_by_its_reason():
    # Two streets that do not meet: C is on the other one, which is long enough to walk on; D stays without a street.
    apart = build([(-500, 0), (1200, 0)], [(1300, 0), (2600, 0)])
    reasons = find(paper_city(apart)).compounds.set_index("code")["reason"]
    assert (reasons["C"], reasons["D"]) == ("not-connected", "no-street")
    island = build([(-500, 0), (1200, 0)], [(1300, 0), (1700, 0)])
    found = find(paper_city(island))
    assert found.compounds.set_index("code")["reason"]["C"] == "island"
    assert {fault.id for fault in found.faults if fault.kind == "unreachable"} == {"C", "D"}


def test_a_facility_far_from_every_street_is_named_and_the_others_count():
    found = find(paper_city(facilities=markets((0, 0), (1500, 850))))
    assert found.compounds["code"].tolist() == ["B", "C", "D"]
    assert [fault.id for fault in found.faults if fault.layer == "facilities"] == ["F1"]


def test_only_compounds_and_land_of_one_area():
    found = find(within="W", level="grid")
    assert found.areas["code"].tolist() == ["W1"]
    assert found.compounds["code"].tolist() == ["B"]
    # Four tenths of the half of B that is outside.
    assert found.areas["outside"].tolist() == [10.0]


# --- land -------------------------------------------------------------------------------------------------


def test_the_shape_of_land_outside_reach():
    found = find()
    east = found.shapes.iloc[0]
    # The half of B whose gate is 900 m away lies in both areas: six tenths of it in V, where that gate is, and C. D
    # lies 850 m off the land of V.
    assert (east["gap"], east["code"], east["outside"], east["compounds"]) == (1, "V", 35.0, 2)
    assert east["area_m2"] == pytest.approx(122_000, rel=0.01)
    assert shapely.contains_xy(east["geometry"], east["lon"], east["lat"])
    areas = found.areas.set_index("code")
    assert areas["outside"].to_dict() == {"W": 10.0, "V": 42.0}
    assert areas.loc["V", "beside"] == 7.0
    assert areas.loc["W", "land_m2"] == pytest.approx(78_000, rel=0.001)


def test_a_drawing_in_the_middle_leaves_two_parts():
    found = find(paper_city(facilities=markets((1400, 0))), level="district", minutes=(5,))
    assert found.shapes["compounds"].tolist() == [2, 0]
    assert [polygon.geom_type for polygon in found.shapes.geometry] == ["Polygon", "Polygon"]
    west, east = to_metric(found.shapes.geometry.to_numpy(), METRIC)
    assert not west.intersects(east)
    assert west.centroid.x - ORIGIN[0] < 1000
    assert east.centroid.x - ORIGIN[0] > 1700


def test_no_facility_leaves_all_land():
    found = find(facility_types=("school",))
    assert found.areas["gap_m2"].tolist() == found.areas["land_m2"].tolist()
    assert found.shapes["area_m2"].sum() == pytest.approx(200_000, rel=0.001)


def test_slivers_are_counted_and_their_people_not_lost():
    found = find(least_m2=1e9)
    assert found.shapes.empty
    # The land of V in one, of W where its border cuts off the bulges of the drawing.
    assert found.areas.set_index("code")["slivers"]["V"] == 1
    assert found.areas["slivers_m2"].sum() == pytest.approx(found.areas["gap_m2"].sum(), abs=0.5)
    assert found.areas["beside"].tolist() == found.areas["outside"].tolist()
    assert find(least_m2=0).areas["slivers"].sum() == 0


places = st.lists(st.tuples(st.integers(-500, 2000), st.integers(-150, 150)), min_size=1, max_size=4)


@settings(max_examples=20, deadline=None)
@given(
    places=places,
    spacing=st.sampled_from([None, 60, 140, 220]),
    minutes=st.integers(1, 15),
    level=st.sampled_from(["grid", "community", "district"]),
)
def test_gaps_add_up_to_what_the_table_says(places, spacing, minutes, level):
    city = paper_city(spacing and lattice(9, spacing), markets(*places))
    asked = {"minutes": (minutes,), "level": level}
    found = find(city, **asked)
    query = Query(facility_types=("market",), **asked)
    people = coverage.answer(city, query).table
    served = people["demand"] * people["served_share"].fillna(0)
    assert found.areas["outside"].to_numpy() == pytest.approx((people["demand"] - served).to_numpy())
    held = found.shapes.groupby("code")["outside"].sum().reindex(found.areas["code"], fill_value=0.0)
    assert (held.to_numpy() + found.areas["beside"].to_numpy()) == pytest.approx(
        found.areas["outside"].to_numpy()
    )
    land = coverage.answer(city, replace(query, weight="land")).table
    assert found.areas["gap_m2"].to_numpy() == pytest.approx(land["uncovered"].to_numpy(), abs=1.0)
    drawn = found.shapes.groupby("code")["area_m2"].sum().reindex(found.areas["code"], fill_value=0.0)
    whole = drawn.to_numpy() + found.areas["slivers_m2"].to_numpy()
    assert whole == pytest.approx(found.areas["gap_m2"].to_numpy(), abs=1.0)
    assert shapely.is_valid(found.shapes.geometry.to_numpy()).all()


def test_the_order_of_what_was_read_makes_no_difference():
    places = markets((0, 0), (600, 0), (1900, 0))
    one, other = (find(paper_city(facilities=some), minutes=(5,)) for some in (places, places[::-1]))
    pd.testing.assert_frame_equal(one.shapes.to_wkb(), other.shapes.to_wkb())
    pd.testing.assert_frame_equal(one.compounds.to_wkb(), other.compounds.to_wkb())
    pd.testing.assert_frame_equal(one.areas, other.areas)


# --- questions --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "fields"),
    [
        ({"weight": "land", "level": "compound", "method": "both"}, ["level", "weight", "method"]),
        ({"facility_types": ("zoo",), "minutes": (0, 300)}, ["facility_type", "minutes", "minutes"]),
        ({"least_m2": -1.0}, ["least_m2"]),
        ({"least_m2": np.inf, "profile": "dog"}, ["profile", "least_m2"]),
        ({"within": "nowhere"}, ["within"]),
        ({"level": "subdistrict"}, ["level"]),
    ],
)
def test_what_has_no_gaps_is_named(words, fields):
    with pytest.raises(DataError) as refused:
        find(**words)
    assert [fault.field for fault in refused.value.faults] == fields


def test_each_type_against_its_own_radius():
    found = find(standard="gb50180", minutes=(), facility_types=("market", "stage"))
    assert found.not_judged == ("stage",)
    # 500 m.
    assert found.compounds["code"].tolist() == ["B", "C", "D"]
    assert found.areas["profile"].unique().tolist() == ["gb50180"]
