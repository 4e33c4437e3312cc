"""The ten elements: on a street of 2 km, and against the table of coverage."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import MultiPoint, MultiPolygon, Point, box

from geo import coverage
from geo.coverage import Query, city, elements
from geo.coverage.elements import ELEMENTS
from geo.faults import DataError
from tests.geo.coverage.test_table import area, frame
from tests.geo.networks import build

#: One type an element, and a second one for 教; own circles of 5 minutes (375 m), but 医 of 15 (1125 m).
TYPES = pd.DataFrame(
    {
        "element": [*ELEMENTS, "教", ""],
        "circle": ["5"] * 3 + ["15"] + ["5"] * 8,
        "service_radius_m": 300.0,
        "mandatory_levels": "5",
    },
    index=pd.Index([f"type-{word}" for word in ELEMENTS.values()] + ["school", "bus"], name="key"),
)


def town(kinds=("party", "medical", "commerce"), *, school_m=None):
    """Facilities at 0 m; compounds A with gates at 100 and 500 m, B at 900 m, C far from any street."""
    compounds = frame(
        [Point(100, 5), Point(900, 0), Point(1500, 900)],
        [MultiPoint([(100, 0), (500, 0)]), None, None],
        code=list("ABC"),
        name=["甲", "乙", "丙"],
        people=pd.array([100, 50, None], dtype="Int64"),
        households=pd.array([40, 20, 2], dtype="Int64"),
    )
    places = [Point(0, 0)] * len(kinds) + ([Point(school_m, 0)] if school_m is not None else [])
    types = [f"type-{kind}" for kind in kinds] + (["school"] if school_m is not None else [])
    facilities = frame(
        places, code=[f"F{n}" for n in range(len(places))], name=["设施"] * len(places), type=types
    )
    links = pd.DataFrame(
        [("A", "W", 1.0), ("B", "W", 0.5), ("B", "V", 0.5), ("C", "V", 1.0)],
        columns=["compound_code", "area_code", "share"],
    )
    areas = {
        "district": area("district", X=(None, 0, 2000)),
        "community": area("community", W=("X", 0, 900), V=("X", 900, 2000)),
        "old_estate": frame([MultiPolygon([box(890, -10, 910, 10)])], code=["E"], name=["老乙"]),
    }
    network = build([(0, 0), (2000, 0)])
    return city.build(network, facilities, compounds, areas=areas, links=links, types=TYPES)


def asked(place, **words):
    return elements.answer(place, Query(**words)).table.set_index("code")


def test_each_compound_by_hand():
    rows = asked(town(), level="compound")
    # Within 375 m only the gate at 100 m; 医 within 1125 m from everywhere.
    assert rows["party"].tolist() == [0.5, 0, 0]
    assert rows["medical"].tolist() == [1, 1, 0]
    assert rows["score"].tolist() == [2.0, 1.0, 0.0]
    assert rows["partial"].tolist() == ["党 商", "", ""]
    assert rows.loc["B", "missing"] == "党 政 居 养 教 文 体 娱 商"
    assert rows.loc["C", "missing"] == " ".join(ELEMENTS)
    assert rows["minutes"].isna().all()


def test_areas_are_weighed_by_people():
    rows = asked(town(), level="community")
    np.testing.assert_allclose(rows.loc["W", "party"], 0.5 * 100 / 125)
    np.testing.assert_allclose(rows.loc["W", "score"], 2 * 0.4 + 1)
    assert rows.loc["V", ["demand", "score", "unreachable"]].tolist() == [25, 1, 0]
    by_count = asked(town(), level="community", weight="count")
    np.testing.assert_allclose(by_count.loc["V", ["demand", "medical"]].tolist(), [1.5, 1 / 3])


def test_one_type_of_an_element_is_enough_each_within_its_own_circle():
    assert asked(town(), level="compound")["education"].tolist() == [0, 0, 0]
    assert asked(town(school_m=600), level="compound")["education"].tolist() == [0.5, 1, 0]
    both = town((*town_kinds(), "education"), school_m=600)
    assert asked(both, level="compound")["education"].tolist() == [1, 1, 0]


def town_kinds():
    return ("party", "medical", "commerce")


def test_minutes_take_the_place_of_own_circles():
    table = elements.answer(town(), Query(level="compound", minutes=(15, 5))).table
    assert table["minutes"].tolist() == [15] * 3 + [5] * 3
    assert table["party"].tolist() == [1, 1, 0, 0.5, 0, 0]
    assert table["medical"].tolist() == [1, 1, 0, 0.5, 0, 0]


def test_complete_are_those_that_reach_all_ten():
    rows = asked(town(tuple(ELEMENTS.values())), level="community", minutes=(10,))
    # 750 m: A reaches all ten, B none.
    np.testing.assert_allclose(rows["complete"], [0, 100])
    np.testing.assert_allclose(rows["complete_share"], [0, 0.8])
    assert rows.loc["W", "partial"] == " ".join(ELEMENTS)


def test_circles_beside_streets():
    table = elements.answer(town(), Query(level="district", method="both")).table
    assert table["method"].tolist() == ["network", "circle"]
    assert (table["score"].diff().dropna() >= 0).all()


def test_an_area_scores_the_mean_of_its_compounds_by_people():
    place = town(("party", "medical", "sport"), school_m=400)
    own = asked(place, level="compound", minutes=(10,))
    share = place.levels["community"].share.toarray() * np.array([100, 50, 0])
    for name in ("score", *ELEMENTS.values()):
        expected = share @ own[name].to_numpy() / share.sum(axis=1)
        np.testing.assert_allclose(asked(place, level="community", minutes=(10,))[name], expected, atol=1e-8)


def test_old_estates_as_rows_and_apart():
    place = town()
    assert asked(place, level="old_estate")["score"].to_dict() == {"E": 1.0}
    apart = elements.answer(place, Query(level="community", estates="apart")).table
    assert apart.groupby("estates")["demand"].sum().to_dict() == {"old_estate": 50, "other": 100}


def test_land_and_other_faults_together():
    with pytest.raises(DataError) as caught:
        elements.answer(town(), Query(weight="land", minutes=(0,), level="city"))
    assert sorted(fault.field for fault in caught.value.faults) == ["level", "minutes", "weight"]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.sampled_from(list(ELEMENTS.values())), unique=True),
    st.integers(0, 2000),
    st.integers(1, 30),
    st.sampled_from(["adult", "elderly"]),
)
def test_a_compound_has_an_element_where_the_table_serves_one_of_its_types(kinds, school_m, minutes, profile):
    place = town(tuple(kinds), school_m=school_m)
    words = {"level": "compound", "minutes": (minutes,), "profile": profile}
    rows = asked(place, **words)
    served = coverage.answer(place, Query(**words)).table.pivot_table(
        index="code", columns="facility_type", values="served_share"
    )
    for word, name in ELEMENTS.items():
        kinds_of = [key for key in TYPES.index if TYPES.loc[key, "element"] == word]
        # Facilities of a type stand at one place here, so that the best of the types is a bound from below.
        best = served.reindex(columns=kinds_of).max(axis=1).reindex(rows.index)
        assert (rows[name] >= best.fillna(0) - 1e-9).all()
        if len(kinds_of) == 1:
            known = best.notna()
            np.testing.assert_allclose(rows.loc[known, name], best[known])
