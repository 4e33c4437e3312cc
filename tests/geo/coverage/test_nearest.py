"""The nearest feature of each kind on foot: on paper, and against one search for each feature."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.coverage import Query, city, nearest
from geo.streets import network, reach
from geo.streets.access_points import AccessPoints
from tests.geo.coverage.test_table import PAPER
from tests.geo.networks import build, lattice, snap


def access(net, *places, feature=None):
    """Access points at places in metres from the origin, one a feature unless stated."""
    feature = np.arange(len(places)) if feature is None else np.array(feature)
    x, y = np.array(places, dtype=float).T
    snapped = snap(net, *places, limit_m=200.0)
    return AccessPoints(int(feature.max()) + 1, feature, np.ones(len(places)), x, y, snapped)


def found(net, place, points, kind, kinds):
    """Rows and rounded metres."""
    row, metres = nearest.by_kind(net, snap(net, place), points, np.array(kind), kinds=kinds)
    return row.tolist(), [round(float(m), 3) for m in metres]


def test_the_nearest_of_each_kind_with_the_ways_off_the_street():
    net = build([(0, 0), (1000, 0)])
    points = access(net, (100, 5), (900, 0), (450, 10), (20, 0))
    assert found(net, (400, 3), points, [0, 0, 1, -1], 2) == ([0, 2], [308.0, 63.0])


def test_of_equally_near_ones_the_lowest():
    net = lattice(3, 100.0)
    points = access(net, (0, 100), (100, 0), (-100, 0), (0, -100))
    row, metres = nearest.by_kind(net, snap(net, (0, 0)), points, np.array([1, 0, 0, 0]), kinds=2)
    assert row[1] == 0
    # Coordinates went through degrees and back, so that only one of the three is the nearest to the last bit.
    assert row[0] in {1, 2, 3}
    assert metres == pytest.approx([100, 100], abs=1e-6)


def test_a_feature_is_as_near_as_its_nearest_access_point():
    net = build([(0, 0), (1000, 0)])
    points = access(net, (900, 0), (500, 0), (100, 0), feature=[0, 0, 1])
    assert found(net, (400, 0), points, [0, 0], 1) == ([0], [100.0])


def test_what_no_street_leads_to_is_not_near():
    net = build([(0, 0), (2000, 0)], [(0, 150), (2000, 150)])
    points = access(net, (100, 150), (1900, 500))
    assert found(net, (100, 0), points, [0, 1], 2) == ([-1, -1], [np.inf, np.inf])
    assert found(net, (5000, 5000), points, [0, 1], 2) == ([-1, -1], [np.inf, np.inf])


def test_far_ones_are_found_too():
    net = build([(0, 0), (40_000, 0)])
    points = access(net, (700, 0), (3000, 0), (39_000, 0))
    assert found(net, (0, 0), points, [0, 1, 2], 3) == ([0, 1, 2], [700.0, 3000.0, 39_000.0])


def test_no_feature_at_all():
    net = build([(0, 0), (100, 0)])
    points = access(net, (10, 0))
    assert found(net, (0, 0), points, [-1], 2) == ([-1, -1], [np.inf, np.inf])


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_equals_one_search_for_each_feature(data):
    net = lattice(5, 170.0)
    place = st.tuples(st.integers(-360, 360), st.integers(-360, 360))
    points = access(net, *data.draw(st.lists(place, min_size=1, max_size=8)))
    kind = np.array(
        data.draw(st.lists(st.integers(-1, 2), min_size=points.features, max_size=points.features))
    )
    here = snap(net, data.draw(place))
    begin = reach.starts(points.snapped, points.feature, groups=points.features)
    each = reach.costs_to(net, begin, here, limit_m=50_000.0)[:, 0]
    row, metres = nearest.by_kind(net, here, points, kind, kinds=3)
    for number in range(3):
        of_kind = np.flatnonzero((kind == number) & np.isfinite(each))
        if not len(of_kind):
            assert row[number] == -1
            continue
        assert metres[number] == pytest.approx(each[of_kind].min(), abs=1e-6)
        assert each[row[number]] == pytest.approx(each[of_kind].min(), abs=1e-6)


# --- from every compound -------------------------------------------------------------------------------------


def test_every_compound_with_both_its_gates():
    rows = nearest.of_compounds(PAPER, Query(facility_types=("market",))).set_index("code")
    assert rows["facility_code"].fillna("").tolist() == ["F1", "F1", "F1", "", "F1"]
    # From the nearer gate of A (100 m) and of B (700 m); the mean is over both.
    np.testing.assert_allclose(rows["metres"], [100, 700, 1500, np.nan, 400], atol=0.2)
    np.testing.assert_allclose(rows["minutes"], [1.33, 9.33, 20, np.nan, 5.33], atol=0.01)
    np.testing.assert_allclose(rows["mean_min"], [2.66, 10.67, 20, np.nan, 5.33], atol=0.01)
    assert rows["reason"].fillna("").tolist() == ["", "", "", "no-street", ""]


def test_a_row_for_each_compound_and_type_in_part_of_the_city():
    rows = nearest.of_compounds(PAPER, Query(profile="elderly", within="W"))
    assert rows[["code", "facility_type"]].to_numpy().tolist() == [
        [code, key] for code in "AB" for key in ("market", "school", "stage")
    ]
    assert rows["reason"].fillna("").tolist() == ["", "no-facility", "no-facility"] * 2
    assert rows["minutes"].iloc[0] == pytest.approx(100 / 48, abs=0.01)


def test_every_compound_is_told_what_a_search_from_it_finds(demo):
    types = demo.types.index
    rows = nearest.of_compounds(demo, Query())
    kind = demo.supply.type
    for compound in range(0, len(demo.compounds), 97):
        mine = demo.demand.feature == compound
        told = rows.iloc[compound * len(types) : (compound + 1) * len(types)]
        place = demo.demand.snapped.take(mine)
        _, metres = nearest.by_kind(demo.network, place, demo.supply.points, kind, kinds=len(types))
        np.testing.assert_allclose(told["metres"], np.where(np.isfinite(metres), metres, np.nan), atol=0.06)


@pytest.fixture(scope="module")
def demo(demo_city):
    net = network.build(demo_city.streets, metric="EPSG:4544")
    codes = demo_city.compounds["code"]
    district = demo_city.districts["code"].iloc[0]
    links = pd.DataFrame({"compound_code": codes, "area_code": district, "share": 1.0})
    types = pd.DataFrame(index=pd.Index([*demo_city.facilities["type"].unique(), "zoo"], name="key"))
    return city.build(
        net,
        demo_city.facilities,
        demo_city.compounds,
        areas={"district": demo_city.districts},
        links=links,
        types=types,
    )
