"""Two tables of coverage side by side, worked out by hand."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import Point

from geo import coverage
from geo.coverage import Query, comparison
from tests.geo.coverage.test_table import PAPER, frame, paper_city

MARKET = Query(facility_types=("market",), minutes=(5,), level="compound")


def table(facilities=None, query=MARKET):
    return coverage.answer(
        paper_city(facilities=facilities) if facilities is not None else PAPER, query
    ).table


def markets(*places):
    codes = [f"F{number}" for number in range(len(places))]
    return frame([Point(x, 0) for x in places], code=codes, name=codes, type=["market"] * len(codes))


def test_a_second_market_serves_whom_it_reaches():
    compared = comparison.compare(table(), table(markets(0, 800))).set_index("code")
    assert compared.loc["A", "covered_change"] == 0.0
    assert compared.loc["B", ["covered_before", "covered_after", "covered_change"]].tolist() == [
        0.0,
        50.0,
        50.0,
    ]
    assert compared.loc["B", "uncovered_change"] == -50.0
    assert compared["demand_change"].tolist() == [0.0] * 5


def test_rows_keep_the_order_of_the_later_table_and_its_names():
    after = table().iloc[::-1].assign(name=lambda rows: "新" + rows["name"])
    compared = comparison.compare(table(), after)
    assert compared["code"].tolist() == list("EDCBA")
    assert compared["name"].tolist()[0] == "新戊"


def test_an_area_that_one_side_does_not_have_has_no_change():
    before, after = table(), table()
    compared = comparison.compare(before[before["code"] != "B"], after[after["code"] != "A"]).set_index(
        "code"
    )
    assert list(compared.index) == ["B", "C", "D", "E", "A"]
    assert compared.loc["A", "name"] == "甲"
    assert pd.isna(compared.loc["A", "covered_after"])
    assert pd.isna(compared.loc["B", "covered_before"])
    assert compared.loc[["A", "B"], "covered_change"].isna().all()


def test_both_methods_are_compared_each_with_itself():
    query = Query(facility_types=("market",), minutes=(5, 10), level="grid", method="both")
    compared = comparison.compare(table(query=query), table(query=query))
    assert len(compared) == 2 * 2 * 2
    assert (compared.filter(like="_change").fillna(0.0) == 0.0).all(axis=None)


@given(st.lists(st.integers(-400, 1900), min_size=1, max_size=4))
@settings(max_examples=15, deadline=None)
def test_one_more_market_takes_from_nobody(places):
    compared = comparison.compare(table(markets(*places[1:])), table(markets(*places)))
    assert (compared["served_share_change"].dropna() >= 0).all()
    parts = ["covered", "partial", "uncovered", "unreachable"]
    assert compared[[f"{part}_change" for part in parts]].sum(axis=1).tolist() == pytest.approx([0.0] * 5)
