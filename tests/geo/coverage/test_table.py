"""A street of 2 km with compounds along it: shares, sums and questions worked out on paper.

One market stands at 0 m. Compounds (people): A gates at 100 and 299 m (100), B gates at 700 and 900 m (50),
C a point at 1500 m (20), D far from any street (7), E in no area (3). Communities: W holds A and 40 % of B, V the
rest of B, C and D; each has one grid.
"""

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import MultiPoint, MultiPolygon, Point, box
from shapely.affinity import translate

from geo import coverage
from geo.coverage import Query, city, life_circle, shares, table
from geo.crs import from_metric
from geo.faults import DataError
from tests.geo.networks import METRIC, ORIGIN, build, lattice

TYPES = pd.DataFrame(
    {
        "circle": ["10", "15", "5"],
        "service_radius_m": [500.0, 1000.0, None],
        "mandatory_levels": ["10", "", "5"],
    },
    index=pd.Index(["market", "school", "stage"], name="key"),
)


def on_map(shapes):
    return from_metric(
        np.array([shape and translate(shape, *ORIGIN) for shape in shapes], dtype=object), METRIC
    )


def frame(geometry, entrances=None, site=None, **columns):
    result = gpd.GeoDataFrame(columns, geometry=on_map(geometry), crs="EPSG:4326")
    result["entrances"] = on_map(entrances or [None] * len(geometry))
    result["site"] = on_map(site or [None] * len(geometry))
    return result.set_index(pd.Index([f"id-{code}" for code in columns["code"]], name="id"))


def area(level, **codes):
    shapes = [MultiPolygon([box(west, -50, east, 50)]) for _, west, east in codes.values()]
    return frame(
        shapes,
        code=list(codes),
        name=[f"{level} {code}" for code in codes],
        parent_code=[parent for parent, _, _ in codes.values()],
    )


def paper_city(network=None, facilities=None):
    compounds = frame(
        [Point(200, 5), Point(800, 5), Point(1500, 0), Point(1500, 900), Point(-400, 0)],
        [MultiPoint([(100, 0), (299, 0)]), MultiPoint([(700, 0), (900, 0)]), None, None, None],
        code=list("ABCDE"),
        name=["甲", "乙", "丙", "丁", "戊"],
        people=pd.array([100, 50, 20, 7, 3], dtype="Int64"),
        households=pd.array([40, None, 8, 2, 1], dtype="Int64"),
    )
    if facilities is None:
        facilities = frame([Point(0, 0)], code=["F1"], name=["市场"], type=["market"])
    links = pd.DataFrame(
        [("A", "W1", 1.0), ("B", "W1", 0.4), ("B", "V1", 0.6), ("C", "V1", 1.0), ("D", "V1", 1.0)],
        columns=["compound_code", "area_code", "share"],
    )
    areas = {
        "district": area("district", X=(None, 0, 2000)),
        "subdistrict": gpd.GeoDataFrame(
            {"code": [], "name": [], "parent_code": []}, geometry=[], crs="EPSG:4326"
        ),
        "community": area("community", W=("X", 0, 780), V=("X", 780, 2000)),
        "grid": area("grid", W1=("W", 0, 780), V1=("V", 780, 2000)),
    }
    network = network or build([(-500, 0), (0, 0)], [(0, 0), (2000, 0)])
    return city.build(network, facilities, compounds, areas=areas, links=links, types=TYPES)


PAPER = paper_city()


def rows(**words):
    words.setdefault("facility_types", ("market",))
    table = coverage.answer(PAPER, Query(**words)).table
    return table.set_index("code" if words.get("method") != "both" else ["code", "method"])


# --- shares --------------------------------------------------------------------------------------------------


def test_each_compound_by_itself():
    table = rows(level="compound", minutes=(10,))  # 750 m
    assert table["served_share"].tolist() == [1.0, 0.5, 0.0, 0.0, 1.0]
    assert table["covered"].tolist() == [100, 0, 0, 0, 3]
    assert table["partial"].tolist() == [0, 50, 0, 0, 0]
    assert table["uncovered"].tolist() == [0, 0, 20, 0, 0]
    assert table["unreachable"].tolist() == [0, 0, 0, 7, 0]


@pytest.mark.parametrize(("minutes", "served"), [(1, 0.0), (3, 0.5), (4, 1.0), (5, 1.0)])
def test_gates_are_reached_one_by_one(minutes, served):
    # 75, 225, 300 and 375 m: the gates of A are 100 and 299 m away
    assert rows(level="compound", minutes=(minutes,)).loc["A", "served_share"] == served


def test_sums_of_communities_by_hand():
    table = rows(level="community", minutes=(10,))
    # W: all of A, and 40 % of the partly served B; V: 60 % of B, C and the unreachable D
    assert table.loc["W", ["demand", "covered", "partial", "uncovered", "unreachable"]].tolist() == [
        120,
        100,
        20,
        0,
        0,
    ]
    assert table.loc["V", ["demand", "covered", "partial", "uncovered", "unreachable"]].tolist() == [
        57,
        0,
        30,
        20,
        7,
    ]
    np.testing.assert_allclose(table.loc["W", "covered_share"], 100 / 120)
    np.testing.assert_allclose(table.loc["W", "served_share"], (100 + 0.5 * 20) / 120)
    np.testing.assert_allclose(table.loc["V", "served_share"], 0.5 * 30 / 57)


def test_parents_are_the_sum_of_their_children():
    columns = ["demand", "covered", "partial", "uncovered", "unreachable"]
    sums = [
        rows(level=level, minutes=(10,))[columns].sum().tolist()
        for level in ("grid", "community", "district")
    ]
    assert sums[0] == sums[1] == sums[2] == [177, 100, 50, 20, 7]


def test_a_table_that_no_memory_should_hold_is_refused(monkeypatch):
    asked = {
        "facility_types": ("market", "school"),
        "minutes": (5, 10),
        "level": "compound",
        "method": "both",
    }
    monkeypatch.setattr(table, "MOST_ROWS", 2 * 2 * 2 * len(PAPER.compounds))
    assert len(rows(**asked)) == table.MOST_ROWS
    for more in ({"minutes": (5, 10, 15)}, {"estates": "apart"}):
        with pytest.raises(DataError) as caught:
            rows(**asked | more)
        assert [fault.field for fault in caught.value.faults] == ["level"]


def test_more_minutes_than_anybody_compares_are_refused():
    assert len(rows(facility_types=("market",), minutes=tuple(range(1, 13)), level="compound"))
    with pytest.raises(DataError) as caught:
        rows(facility_types=("market",), minutes=tuple(range(1, 14)))
    assert [fault.field for fault in caught.value.faults] == ["minutes"]


def test_weights():
    assert rows(level="district", minutes=(10,), weight="count")["demand"].tolist() == [4]
    assert rows(level="district", minutes=(10,), weight="households")["demand"].tolist() == [50]


def test_no_demand_has_no_share():
    table = coverage.answer(
        PAPER, Query(facility_types=("market",), minutes=(10,), level="compound", weight="households")
    ).table
    assert table.set_index("code").loc["B", ["covered_share", "served_share"]].isna().all()


def test_a_type_without_facilities_covers_nobody():
    table = rows(facility_types=("stage",), level="district", minutes=(15,))
    assert table.loc["X", ["covered", "uncovered", "unreachable"]].tolist() == [0, 170, 7]


def test_land_is_cut_by_the_drawing():
    table = rows(level="community", minutes=(5,), weight="land")
    np.testing.assert_allclose(table["demand"], [1220 * 100, 780 * 100], rtol=1e-6)
    # drawn as far as the street points within 375 m less 12.5 m, and half way to the next
    np.testing.assert_allclose(table["covered"], [0, 37_500], atol=2_500)
    np.testing.assert_allclose(table["covered"] + table["uncovered"], table["demand"])


# --- questions -----------------------------------------------------------------------------------------------


def test_own_circles_without_minutes():
    table = coverage.answer(PAPER, Query(level="district")).table
    assert table[["facility_type", "minutes", "budget_m"]].to_numpy().tolist() == [
        ["market", 10, 750.0],
        ["school", 15, 1125.0],
        ["stage", 5, 375.0],
    ]


def test_rows_go_by_type_minutes_method_and_code():
    table = coverage.answer(
        PAPER, Query(facility_types=("school", "market"), minutes=(10, 5), method="both", level="community")
    ).table
    assert table["facility_type"].tolist() == ["market"] * 8 + ["school"] * 8
    assert table["minutes"].tolist() == ([5] * 4 + [10] * 4) * 2
    assert table["method"].tolist() == ["network", "network", "circle", "circle"] * 4
    assert table["code"].tolist() == ["V", "W"] * 8


def test_standard_takes_the_service_radius():
    answer = coverage.answer(PAPER, Query(standard="gb50180", level="compound"))
    market = answer.table[answer.table["facility_type"] == "market"].set_index("code")
    assert (market["budget_m"] == 500).all()
    assert market["served_share"].tolist() == [1, 0, 0, 0, 1]
    assert set(answer.table["profile"]) == {"gb50180"}
    assert answer.table.groupby("facility_type")["mandatory"].first().to_dict() == {
        "market": True,
        "school": False,
    }
    assert answer.not_judged == ("stage",)


def test_within_an_area():
    assert rows(level="grid", minutes=(10,), within="W").index.tolist() == ["W1"]
    assert rows(level="compound", minutes=(10,), within="V").index.tolist() == ["B", "C", "D"]
    assert rows(level="community", minutes=(10,), within="W1").empty
    assert rows(level="community", minutes=(10,), within="W", weight="land").index.tolist() == ["W"]


def test_every_fault_of_a_query_at_once():
    query = Query(
        facility_types=("shop", "market", "inn"),
        minutes=(7,),
        profile="gb50180",
        level="city",
        method="air",
        weight="x",
    )
    with pytest.raises(DataError) as caught:
        coverage.answer(PAPER, query)
    assert [fault.field for fault in caught.value.faults] == [
        "facility_type",
        "level",
        "method",
        "weight",
        "minutes",
    ]
    unknown = caught.value.faults[0].message
    assert "'shop', 'inn'; known are market, school, stage" in unknown


@pytest.mark.parametrize(
    ("words", "field"),
    [
        ({"standard": "gb50180", "minutes": (5,)}, "minutes"),
        ({"standard": "iso"}, "standard"),
        ({"within": "Z"}, "within"),
        ({"level": "subdistrict"}, "level"),
    ],
)
def test_queries_that_have_no_answer(words, field):
    with pytest.raises(DataError) as caught:
        coverage.answer(PAPER, Query(**words))
    assert [fault.field for fault in caught.value.faults] == [field]


def test_faults_name_what_counts_for_nothing():
    faults = coverage.answer(PAPER, Query(weight="households")).faults
    assert [(fault.kind, fault.id) for fault in faults] == [
        ("unreachable", "D"),
        ("outside-parent", "E"),
        ("value-missing", "B"),
    ]


def test_a_facility_without_a_street_is_named_and_the_others_count():
    facilities = frame(
        [Point(0, 0), Point(900, 700), Point(0, 900)],
        code=["F1", "F2", "F3"],
        name=["市场", "河中", "学校"],
        type=["market", "market", "school"],
    )
    query = Query(facility_types=("market",), minutes=(10,), level="compound")
    result = coverage.answer(paper_city(facilities=facilities), query)
    assert result.table["served_share"].tolist() == [1.0, 0.5, 0.0, 0.0, 1.0]
    told = [fault for fault in result.faults if fault.layer == "facilities"]
    assert [(fault.kind, fault.id) for fault in told] == [("unreachable", "F2")]
    assert "No street within 200 m" in told[0].message
    circle = Query(facility_types=("market",), minutes=(10,), level="compound", method="circle")
    assert all(fault.layer == "compounds" for fault in coverage.answer(PAPER, circle).faults)


def test_a_compound_by_an_island_is_told_that_its_streets_lead_nowhere():
    town = paper_city(build([(-500, 0), (0, 0)], [(0, 0), (2000, 0)], [(1480, 850), (1560, 850)]))
    faults = coverage.answer(town, Query(facility_types=("market",), level="compound")).faults
    unreachable = [fault for fault in faults if fault.kind == "unreachable"]
    assert [fault.id for fault in unreachable] == ["D"]
    assert "none is joined to the street network" in unreachable[0].message


def test_one_more_facility_changes_an_answer_as_a_new_city_does():
    here = [Point(0, 0), Point(1450, 20)]
    words = {"code": ["F1", "F2"], "name": ["市场", "新"], "type": ["market", "market"]}
    both = frame(here, **words)
    town = paper_city(facilities=both.iloc[:1])
    query = Query(minutes=(5, 10, 15), level="community", method="both")
    before = coverage.answer(town, query)
    after = coverage.answer(city.with_facilities(town, both.iloc[1:]), query)
    anew = coverage.answer(paper_city(facilities=both), query)
    pd.testing.assert_frame_equal(after.table, anew.table)
    assert after.faults == anew.faults
    pd.testing.assert_frame_equal(coverage.answer(town, query).table, before.table)
    assert not after.table.equals(before.table)


# --- circles and drawings ------------------------------------------------------------------------------------


def test_circle_reaches_what_no_street_does():
    table = rows(level="compound", minutes=(15,), profile="adult", method="both")
    assert table.loc[("D", "network"), "unreachable"] == 7
    assert table.loc[("D", "circle"), ["unreachable", "uncovered"]].tolist() == [0, 7]
    far = coverage.answer(
        PAPER, Query(facility_types=("market",), minutes=(30,), level="compound", method="circle")
    )
    assert far.table.set_index("code").loc["D", "covered"] == 7


def test_budgets_beyond_the_longest_circle():
    assert rows(level="compound", minutes=(21,)).loc["C", "covered"] == 20


def test_a_facility_of_an_unknown_type_serves_nobody():
    strange = frame([Point(0, 0)], code=["F1"], name=["?"], type=["casino"])
    table = coverage.answer(paper_city(facilities=strange), Query(method="both", minutes=(15,))).table
    assert (table["covered"] == 0).all()


def test_table_with_areas():
    table = coverage.answer(PAPER, Query(facility_types=("market",), level="community")).table
    placed = coverage.with_areas([PAPER], "community", table)
    assert placed.geometry.iloc[0].equals(PAPER.areas["community"].set_index("code").geometry["V"])


def test_facility_starts_at_its_entrances_else_its_site_else_its_point():
    middle = Point(1000, 150)
    site = MultiPolygon([box(600, 10, 1400, 290)])
    facilities = frame(
        [middle, middle, middle],
        [MultiPoint([(1300, 10)]), None, None],
        [site, site, None],
        code=["F1", "F2", "F3"],
        name=["甲", "乙", "丙"],
        type=["market", "school", "stage"],
    )
    table = coverage.answer(paper_city(facilities=facilities), Query(minutes=(8,), level="compound")).table
    served = table.pivot_table(index="code", columns="facility_type", values="covered")
    # 600 m: from the entrance 210 m to C and 610 m to the farther gate of B; from the site's west end 10 + 300 m to the second gate of A
    assert served.loc["C"].tolist() == [20, 20, 0]
    assert served.loc["A"].tolist() == [0, 100, 0]
    assert served.loc["B"].tolist() == [0, 50, 50]


def test_one_circle_by_streets_and_straight():
    drawn = life_circle.draw(PAPER, 0, minutes=[5, 10], method="both")
    assert drawn[["minutes", "method"]].to_numpy().tolist() == [
        [10, "network"],
        [5, "network"],
        [10, "circle"],
        [5, "circle"],
    ]
    assert drawn.crs == "EPSG:4326"
    np.testing.assert_allclose(drawn["area_m2"].iloc[2:], np.pi * np.array([750.0, 375.0]) ** 2, rtol=0.01)
    assert (drawn["circle_share"].iloc[:2] < 0.2).all()
    assert (drawn["circle_share"].iloc[2:] == 1.0).all()


def test_circle_on_a_lattice_is_the_diamond():
    net = lattice(61, 50.0)
    drawn = life_circle.draw(paper_city(net), 0, minutes=[15])
    assert drawn["circle_share"].iloc[0] == pytest.approx(2 / np.pi, abs=0.02)


# --- promises ------------------------------------------------------------------------------------------------

budget = st.integers(1, 40)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(-500, 2000), st.integers(-150, 150)), min_size=1, max_size=5), budget)
def test_columns_add_up_and_a_circle_never_says_less(places, minutes):
    count = len(places)
    facilities = frame([Point(*place) for place in places], code=[f"F{n}" for n in range(count)],
                       name=["x"] * count, type=["market"] * count)  # fmt: skip
    town = paper_city(facilities=facilities)
    query = Query(facility_types=("market",), minutes=(minutes,), level="community", method="both")
    table = coverage.answer(town, query).table
    parts = table[["covered", "partial", "uncovered", "unreachable"]].sum(axis=1)
    np.testing.assert_allclose(parts, table["demand"])
    assert (table["covered_share"] <= table["served_share"] + 1e-12).all()
    by_street, straight = (table[table["method"] == name] for name in ("network", "circle"))
    assert (straight["served_share"].to_numpy() >= by_street["served_share"].to_numpy() - 1e-9).all()


@settings(max_examples=30, deadline=None)
@given(budget, budget)
def test_more_minutes_never_serve_less(one, other):
    low, high = sorted((one, other))
    table = rows(level="district", minutes=(low, high))
    shares = table.sort_values("minutes")["served_share"].tolist()
    assert shares == sorted(shares)


# --- how far it is -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["network", "circle", "both"])
@pytest.mark.parametrize("weight", ["people", "land"])
def test_the_work_tells_how_far_it_is_and_can_be_ended(method, weight):
    query = Query(minutes=(5, 10), method=method, weight=weight)
    told = []
    answer = coverage.answer(PAPER, query, told=lambda done, total: told.append((done, total)))
    pd.testing.assert_frame_equal(answer.table, coverage.answer(PAPER, query).table)
    assert told == sorted(told)
    assert len({total for _, total in told}) == 1
    assert 0 <= told[0][0] <= told[-1][0] < told[0][1]

    def enough(done, _total):
        if done >= told[-1][0]:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        coverage.answer(PAPER, query, told=enough)


def test_a_city_walked_in_parts_is_the_same(monkeypatch):
    monkeypatch.setattr(shares, "_TOLD_EVERY", 1)
    whole, parts = replace(PAPER), replace(PAPER)
    told = []
    parts.walk(lambda done, total: told.append((done, total)))
    assert told == [(number, len(PAPER.types)) for number in range(len(PAPER.types))]
    np.testing.assert_array_equal(np.array(parts.street_costs), np.array(whole.street_costs))
    for one, other in zip(parts.nearest, whole.nearest, strict=True):
        np.testing.assert_array_equal(one, other)
    parts.walk(lambda *_: pytest.fail("it was walked already"))
