"""Buildings on paper: whose numbers count, and which share of a compound stands where.

Squares as in :mod:`tests.geo.test_hierarchy`: one unit is 0.001 degrees, about 100 m.
"""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geo import hierarchy, homes

METRIC = "EPSG:4547"


def square(x, y, width=1, height=1):
    return shapely.box(114 + x / 1000, 30 + y / 1000, 114 + (x + width) / 1000, 30 + (y + height) / 1000)


def point(x, y):
    return shapely.Point(114 + x / 1000, 30 + y / 1000)


def frame(**shapes):
    return gpd.GeoDataFrame(
        {"code": list(shapes)},
        geometry=list(shapes.values()),
        index=[f"id-{code}" for code in shapes],
        crs=4326,
    )


def buildings(*rows):
    """Rows of (compound, x, households, people) at height 0.5."""
    table = pd.DataFrame(rows, columns=["compound_code", "x", "households", "people"])
    table = table.astype({"households": "Int64", "people": "Int64", "compound_code": object})
    places = [point(x, 0.5) for x in table.pop("x")]
    return gpd.GeoDataFrame(table, geometry=places, crs=4326)


GRIDS = frame(g1=square(0, 0), g2=square(1, 0))
#: By area, three quarters lie in g1.
COMPOUNDS = frame(c=square(0.7, 0, 0.4, 1), d=square(0.1, 0.2, 0.1, 0.1))


def shares(built, *, compounds=COMPOUNDS, **options):
    links = hierarchy.compound_shares(compounds, GRIDS, metric=METRIC, buildings=built, **options)
    return {(c, g): round(s, 3) for c, g, s in links[["compound_code", "grid_code", "share"]].to_numpy()}


def test_without_buildings_a_compound_is_shared_by_area():
    by_area = {("c", "g1"): 0.75, ("c", "g2"): 0.25, ("d", "g1"): 1}
    assert shares(None) == shares(buildings()) == by_area
    assert shares(buildings((None, 0.8, 9, 9), ("of nobody", 0.8, 9, 9))) == by_area


def test_households_weigh_where_all_buildings_state_them():
    assert shares(buildings(("c", 0.8, 10, 50), ("c", 1.05, 30, None))) == {
        ("c", "g1"): 0.25,
        ("c", "g2"): 0.75,
        ("d", "g1"): 1,
    }


@pytest.mark.parametrize("households", [(10, None), (0, 0)])
def test_people_weigh_where_households_do_not_tell(households):
    built = buildings(("c", 0.8, households[0], 60), ("c", 1.05, households[1], 40))
    assert shares(built)["c", "g1"] == 0.6


def test_else_every_building_weighs_the_same():
    assert shares(buildings(("c", 0.8, 1, None), ("c", 0.9, None, 2), ("c", 1.05, 7, 7)))["c", "g1"] == 0.667


def test_each_compound_has_a_weight_of_its_own():
    built = buildings(("c", 0.8, 1, 1), ("c", 1.05, 3, 1), ("d", 0.15, None, None))
    assert shares(built) == {("c", "g1"): 0.25, ("c", "g2"): 0.75, ("d", "g1"): 1}


def test_a_building_outside_all_grids_does_not_count():
    assert shares(buildings(("c", 0.8, 1, 1), ("c", 9, 99, 99)))["c", "g1"] == 1
    # With none inside, the area tells.
    assert shares(buildings(("c", 9, 99, 99)))["c", "g1"] == 0.75


def test_a_building_just_outside_belongs_to_the_nearest_grid():
    assert shares(buildings(("c", -0.2, 1, 1)))["c", "g1"] == 1
    assert shares(buildings(("c", -0.2, 1, 1)), tolerance_m=5.0)["c", "g1"] == 0.75


def test_a_building_on_a_border_belongs_to_the_lowest_code():
    assert shares(buildings(("c", 1, 1, 1)))["c", "g1"] == 1


def test_an_outline_stands_where_a_point_inside_it_is():
    built = buildings(("c", 0.8, 5, 5)).set_geometry([square(0.95, 0.1, 0.4, 0.4)], crs=4326)
    assert shares(built) == {("c", "g2"): 1, ("d", "g1"): 1}


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["c", "d", None]),
            st.floats(-1, 3),
            st.one_of(st.none(), st.integers(0, 500)),
            st.one_of(st.none(), st.integers(0, 900)),
        ),
        max_size=12,
    )
)
def test_shares_of_a_compound_add_up_to_one(rows):
    links = hierarchy.compound_shares(COMPOUNDS, GRIDS, metric=METRIC, buildings=buildings(*rows))
    total = links.groupby("compound_code")["share"].sum()
    assert sorted(total.index) == ["c", "d"]
    assert np.allclose(total, 1, atol=1e-12)
    assert (links["share"] > 0).all()
    assert not links.duplicated(["compound_code", "grid_code"]).any()


def stated(people, households):
    return COMPOUNDS.assign(
        people=pd.array(people, dtype="Int64"), households=pd.array(households, dtype="Int64")
    )


def test_a_compound_that_states_nothing_takes_the_sum_of_its_buildings():
    found = homes.demand(stated([None, 7], [None, None]), buildings(("c", 0.8, 2, 5), ("c", 0.9, 3, 6)))
    assert found["people"].tolist() == [11, 7]
    assert found["households"].tolist() == [5, pd.NA]
    assert found["people_from"].tolist() == ["buildings", "compound"]
    assert found["households_from"].tolist() == ["buildings", "none"]


def test_what_a_compound_states_stands_whatever_its_buildings_say():
    found = homes.demand(stated([0, 7], [1, 2]), buildings(("c", 0.8, 2, 5), ("d", 0.9, 3, 6)))
    assert found[["people", "households"]].to_numpy().tolist() == [[0, 1], [7, 2]]
    assert set(found[["people_from", "households_from"]].to_numpy().ravel()) == {"compound"}


def test_a_sum_over_a_part_of_the_buildings_says_so():
    built = buildings(("c", 0.8, None, 5), ("c", 0.9, None, None), (None, 0.9, 8, 8))
    found = homes.demand(stated([None, None], [None, None]), built)
    assert found["people"].tolist() == [5, pd.NA]
    assert found["people_from"].tolist() == ["buildings-part", "none"]
    assert found["households_from"].tolist() == ["none", "none"]


def test_demand_leaves_the_compounds_given_as_they_are():
    given_ = stated([None, None], [None, None])
    homes.demand(given_, buildings(("c", 0.8, 2, 5)))
    assert given_["people"].isna().all()
    assert homes.demand(given_, buildings())["people_from"].tolist() == ["none", "none"]
    assert homes.sources(given_, "people").tolist() == ["none", "none"]
