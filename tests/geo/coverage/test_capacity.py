"""Places for the nearest first, and floating catchments: by hand on a street, and against plain loops."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import MultiPoint, Point

from geo import coverage
from geo.coverage import Query, capacity, city, shares
from geo.faults import DataError
from geo.streets import reach
from tests.geo.coverage.test_table import TYPES, area, frame
from tests.geo.networks import build, lattice

SUMS = ["demand", "covered", "partial", "uncovered", "unreachable"]


def town(facilities, compounds, network=None):
    """Markets as (x, y, capacity) and compounds as (gates, people), all in one community."""
    letters = [chr(65 + n) for n in range(len(compounds))]
    homes = frame(
        [Point(*gates[0]) for gates, _ in compounds],
        [MultiPoint(gates) for gates, _ in compounds],
        code=letters,
        name=letters,
        people=pd.array([people for _, people in compounds], dtype="Int64"),
        households=pd.array([None] * len(compounds), dtype="Int64"),
    )
    codes = [f"F{n}" for n in range(len(facilities))]
    markets = frame(
        [Point(x, y) for x, y, _ in facilities],
        code=codes,
        name=codes,
        type=["market"] * len(codes),
        capacity=pd.array([room for _, _, room in facilities], dtype="Int64"),
    )
    links = pd.DataFrame({"compound_code": letters, "area_code": "W", "share": 1.0})
    areas = {"community": area("community", W=(None, -5000, 5000))}
    network = network or build([(0, 0), (2000, 0)])
    return city.build(network, markets, homes, areas=areas, links=links, types=TYPES)


def asked(place, *, need=1.0, **words):
    words = {"facility_types": ("market",), "minutes": (10,), "level": "compound", **words}
    return capacity.answer(place, Query(**words), need=need).table.set_index("code")


#: 750 m: A at 100 m and B at 400 m reach F0 (60 places); B and C at 900 m reach F1 at 1000 m (30 places); D reaches none.
STREET = town(
    [(0, 0, 60), (1000, 0, 30)],
    [([(100, 0)], 50), ([(400, 0)], 40), ([(900, 0)], 20), ([(1900, 0)], 5)],
)


def test_the_nearest_are_served_first_and_the_rest_go_on():
    rows = asked(STREET)
    # A takes 50 of F0, C 20 of F1, then B the 10 left of F0 and the 10 left of F1.
    assert rows["placed"].tolist() == [50, 20, 20, 0]
    assert rows["status"].tolist() == ["covered", "overloaded", "covered", "uncovered"]
    assert rows["overloaded"].tolist() == [0, 40, 0, 0]
    assert rows["turned_away"].tolist() == [0, 20, 0, 0]


def test_overloaded_is_a_part_of_what_is_covered():
    row = asked(STREET, level="community").loc["W"]
    assert row[SUMS].tolist() == [115, 110, 0, 5, 0]
    assert row[["overloaded", "served", "placed", "turned_away"]].tolist() == [40, 110, 90, 20]
    assert row["placed_share"] == pytest.approx(90 / 115)


def test_facilities_as_rows():
    rows = asked(STREET, level="facility")
    assert rows["served"].tolist() == [90, 60]
    assert rows["used"].tolist() == [60, 30]
    assert rows["full"].tolist() == [True, True]
    np.testing.assert_allclose(rows["per_1000"], [60 / 90 * 1000, 30 / 60 * 1000], atol=0.01)
    assert asked(STREET, level="facility", within="C").empty


def test_two_step_floating_catchment_by_hand():
    rows = asked(STREET)
    first, second = 60 / 90, 30 / 60
    np.testing.assert_allclose(
        rows["sfca_per_1000"], np.array([first, first + second, second, 0]) * 1000, atol=0.01
    )


def test_fewer_need_a_place_than_there_are_people():
    rows = asked(STREET, need=0.5)
    assert rows["placed"].tolist() == [50, 40, 20, 0]
    assert asked(STREET, need=0.5, level="facility")["used"].tolist() == [45, 10]
    np.testing.assert_allclose(rows["sfca_per_1000"], asked(STREET)["sfca_per_1000"])


def test_of_equally_near_ones_the_lower_code_of_facility_then_of_compound():
    place = town(
        [(400, 0, 10), (600, 0, 10)], [([(500, 0)], 10), ([(500, 0)], 5)], network=build([(0, 0), (1000, 0)])
    )
    assert asked(place, level="facility")["used"].tolist() == [10, 5]
    assert asked(town([(0, 0, 10)], [([(99, 0)], 8), ([(99, 0)], 8)]))["placed"].tolist() == [8, 2]


def test_a_facility_that_states_no_capacity_has_room_for_all():
    place = town([(0, 0, None), (1000, 0, 0)], [([(100, 0)], 50), ([(900, 0)], 20)])
    answer = capacity.answer(place, Query(facility_types=("market",), minutes=(10,), level="compound"))
    assert answer.without_capacity == {"market": 1}
    rows = answer.table.set_index("code")
    assert rows["status"].tolist() == ["covered", "overloaded"]
    assert rows["sfca_per_1000"].tolist() == [0, 0]
    facilities = asked(place, level="facility")
    assert facilities["capacity"].isna().tolist() == [True, False]
    assert facilities["full"].tolist() == [False, True]


def test_types_with_a_capacity_where_none_is_asked_for():
    assert set(capacity.answer(STREET, Query()).table["facility_type"]) == {"market"}
    silent = town([(0, 0, None)], [([(100, 0)], 50)])
    with pytest.raises(DataError) as caught:
        capacity.answer(silent, Query())
    assert (caught.value.faults[0].kind, caught.value.faults[0].field) == ("value-missing", "capacity")


def test_every_fault_at_once():
    with pytest.raises(DataError) as caught:
        capacity.answer(STREET, Query(weight="land", method="circle", facility_types=("inn",)), need=0)
    assert [fault.field for fault in caught.value.faults] == ["weight", "method", "need", "facility_type"]
    with pytest.raises(DataError) as caught:
        capacity.answer(STREET, Query(level="facility", estates="apart"))
    assert [fault.field for fault in caught.value.faults] == ["estates"]


# --- promises ------------------------------------------------------------------------------------------------

LATTICE = lattice(5, 100.0)
corner = st.tuples(st.integers(-2, 2), st.integers(-2, 2)).map(lambda at: (at[0] * 100.0, at[1] * 100.0))
markets = st.lists(
    st.tuples(corner, st.one_of(st.none(), st.integers(0, 40))).map(lambda pair: (*pair[0], pair[1])),
    min_size=1,
    max_size=6,
)
blocks = st.lists(
    st.tuples(st.lists(corner, min_size=1, max_size=3, unique=True), st.integers(0, 30)),
    min_size=1,
    max_size=8,
)


@pytest.mark.parametrize("need", [-1.0, float("nan"), float("inf"), 1e308])
def test_a_need_that_no_sum_can_hold_is_refused(need):
    with pytest.raises(DataError) as caught:
        asked(STREET, need=need)
    assert [fault.field for fault in caught.value.faults] == ["need"]


def plain(place, budget_m, need):
    """The same by loops: one search a facility, then pair by pair from the nearest."""
    points, demand = place.supply.points, place.demand
    begin = reach.starts(points.snapped, points.feature, groups=points.features)
    costs = reach.costs_to(place.network, begin, demand.snapped, limit_m=np.inf)
    people = shares.weights(place.compounds, "people")[demand.feature] * demand.weight
    room = [np.inf if pd.isna(value) else float(value) for value in place.facilities["capacity"]]
    pairs = sorted(
        (round(costs[f, p] * 1000), f, demand.feature[p], p)
        for f in range(len(room))
        for p in range(len(people))
        if costs[f, p] <= budget_m
    )
    wanted, placed = people * need, np.zeros(demand.features)
    for _, f, compound, p in pairs:
        taken = min(wanted[p], room[f])
        wanted[p] -= taken
        room[f] -= taken
        placed[compound] += taken / need
    unstated = place.facilities["capacity"].isna().all()
    score = np.full(demand.features, np.nan if unstated else 0.0)
    for f, stated in enumerate(place.facilities["capacity"]):
        near = costs[f] <= budget_m
        if not pd.isna(stated) and people[near].sum() > 0:
            for p in np.flatnonzero(near):
                score[demand.feature[p]] += demand.weight[p] * float(stated) / people[near].sum()
    return placed, score * 1000


@settings(max_examples=60, deadline=None)
@given(markets, blocks, st.sampled_from([2, 3, 5, 8]), st.sampled_from([0.5, 1.0]))
def test_equals_plain_loops_and_keeps_its_promises(facilities, compounds, minutes, need):
    place = town(facilities, compounds, network=LATTICE)
    rows = asked(place, minutes=(minutes,), need=need)
    placed, score = plain(place, minutes * 75.0, need)
    np.testing.assert_allclose(rows["placed"], placed, atol=1e-6)
    known = rows["demand"].to_numpy() > 0
    np.testing.assert_allclose(rows["sfca_per_1000"][known], score[known], atol=0.001)
    served = asked(place, minutes=(minutes,), level="facility", need=need)
    stated = served["capacity"].notna()
    assert (served["used"][stated] <= served["capacity"][stated]).all(), "no facility above its capacity"
    assert served["used"].sum() == pytest.approx(rows["placed"].sum() * need)
    assert (rows["placed"] <= rows["served"] + 1e-9).all(), "nobody served beyond the budget"
    np.testing.assert_allclose(rows[SUMS[1:]].sum(axis=1), rows["demand"])
    assert (rows["overloaded"] <= rows["covered"] + rows["partial"] + 1e-9).all()
    table = coverage.answer(
        place, Query(facility_types=("market",), minutes=(minutes,), level="compound")
    ).table.set_index("code")
    np.testing.assert_allclose(rows[SUMS], table[SUMS])
    # Every place within reach of somebody is shared out in the score, whole.
    shared = (rows["sfca_per_1000"] * rows["demand"])[known].sum() / 1000
    offered = served["capacity"][stated & (served["served"] > 0)].sum()
    assert shared == pytest.approx(offered, abs=0.01)
