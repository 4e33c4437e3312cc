"""How long people walk: by hand on the paper street, and against plain loops."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from geo import coverage
from geo.coverage import Query, walking_times
from geo.coverage.area_levels import Level
from tests.geo.coverage.test_table import PAPER


def rows(**words):
    table = coverage.answer(PAPER, Query(**{"facility_types": ("market",), "minutes": (10,), **words})).table
    return table.set_index("code")


def test_each_compound_walks_the_mean_over_its_gates():
    table = rows(level="compound")
    # Gates at 100 and 299 m, at 700 and 900 m, points at 1500 m and 400 m; D is far from every street.
    expected = [199.5 / 75, 800 / 75, 20.0, np.nan, 400 / 75]
    np.testing.assert_allclose(table["mean_min"], expected, atol=0.1)
    np.testing.assert_array_equal(table["mean_min"], table["p90_min"])
    assert table["cannot_reach"].tolist() == [0, 0, 0, 7, 0]


def test_areas_by_hand_whatever_the_budget():
    near, far = rows(level="community", minutes=(1,)), rows(level="community", minutes=(30,))
    for column in ("mean_min", "p90_min", "cannot_reach"):
        assert near[column].tolist() == far[column].tolist()
    # W: 100 people of A at 2.66 minutes, 20 of B at 10.67; V: 30 of B, 20 of C at 20, and 7 who cannot.
    np.testing.assert_allclose(near.loc["W", "mean_min"], (100 * 2.66 + 20 * 10.67) / 120, atol=0.05)
    np.testing.assert_allclose(near.loc["V", "mean_min"], (30 * 10.67 + 20 * 20) / 50, atol=0.05)
    assert near["p90_min"].round().to_dict() == {"V": 20, "W": 11}
    assert near["cannot_reach"].to_dict() == {"V": 7, "W": 0}


def test_the_elderly_walk_longer_and_the_standard_names_no_speed():
    adult, elderly, standard = (
        rows(level="district", profile=profile)["mean_min"].iloc[0]
        for profile in ("adult", "elderly", "gb50180")
    )
    assert elderly == pytest.approx(adult * 1.25 / 0.8, abs=0.01)
    assert standard == adult
    named = coverage.answer(PAPER, Query(standard="gb50180", facility_types=("market",), level="district"))
    assert named.table["mean_min"].iloc[0] == adult


def test_nobody_walks_in_a_circle_on_land_or_to_nothing():
    for words in ({"method": "circle"}, {"weight": "land"}):
        assert rows(level="district", **words)[["mean_min", "p90_min", "cannot_reach"]].isna().all(axis=None)
    none = rows(level="district", facility_types=("stage",))
    assert none[["mean_min", "p90_min"]].isna().all(axis=None)
    assert none["cannot_reach"].tolist() == none["demand"].tolist()


some = st.lists(
    st.tuples(
        st.one_of(st.integers(0, 20), st.just(np.inf)),  # metres, often equal
        st.integers(0, 5),
        st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0]), min_size=3, max_size=3),
    ),
    min_size=1,
    max_size=25,
)


@settings(max_examples=150, deadline=None)
@given(some)
def test_of_areas_equals_a_plain_loop(compounds):
    metres = np.array([float(walk) for walk, _, _ in compounds])
    weight = np.array([float(people) for _, people, _ in compounds])
    share = np.array([shares for _, _, shares in compounds]).T
    codes = np.array(list("ABC"), dtype=object)
    level = Level(codes, codes, csr_array(share), (frozenset(),) * 3)
    mean, percentile, cannot = walking_times.of_areas(metres, weight, level)
    for area in range(3):
        pairs = sorted((m, s * w) for m, w, s in zip(metres, weight, share[area], strict=True) if s * w > 0)
        walkers = [(m, part) for m, part in pairs if np.isfinite(m)]
        total = sum(part for _, part in walkers)
        assert cannot[area] == pytest.approx(sum(part for m, part in pairs if m == np.inf))
        if not total:
            assert np.isnan([mean[area], percentile[area]]).all()
            continue
        assert mean[area] == pytest.approx(sum(m * part for m, part in walkers) / total)
        within = [sum(part for other, part in walkers if other <= m) for m, _ in walkers]
        expected = next(m for (m, _), part in zip(walkers, within, strict=True) if part >= 0.9 * total - 1e-6)
        assert percentile[area] == expected


def test_the_mean_of_parents_is_that_of_their_children():
    walks = {level: rows(level=level) for level in ("grid", "community", "district")}
    told = [((table["demand"] - table["cannot_reach"]) * table["mean_min"]).sum() for table in walks.values()]
    np.testing.assert_allclose(told, told[0], atol=1.5)  # minutes are told to a hundredth, people are 170
    assert {table["cannot_reach"].sum() for table in walks.values()} == {7}
