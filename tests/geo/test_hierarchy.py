"""Squares on paper: who is whose parent, who holds how much of what, and which number comes next.

One unit is 0.001 degrees near 114° E 30° N, about 100 m; shares do not depend on the metric's scale.
"""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geo import hierarchy
from geo.faults import DataError

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


GRIDS = frame(g1=square(0, 0), g2=square(1, 0), g3=square(0, 1), g4=square(1, 1))


def shares(compounds, areas=GRIDS):
    links = hierarchy.compound_shares(compounds, areas, metric=METRIC)
    return {(c, g): round(s, 3) for c, g, s in links[["compound_code", "grid_code", "share"]].to_numpy()}


def test_a_polygon_is_shared_by_area():
    compounds = frame(
        whole=square(0.2, 0.2, 0.5, 0.5),
        halves=square(0.5, 0.2, 1, 0.5),
        quarters=square(0.5, 0.5),
        equal=square(1, 1),  # the same shape as a grid: its neighbours are touched only
    )
    assert shares(compounds) == {
        ("whole", "g1"): 1,
        ("halves", "g1"): 0.5,
        ("halves", "g2"): 0.5,
        **{("quarters", g): 0.25 for g in ("g1", "g2", "g3", "g4")},
        ("equal", "g4"): 1,
    }


def test_what_lies_outside_all_grids_does_not_count():
    compounds = frame(out=square(5, 5), half_out=square(1.5, 0.2, 1, 0.5))
    assert shares(compounds) == {("half_out", "g2"): 1}


def test_a_hair_across_the_border_is_no_relation():
    assert shares(frame(c=square(0.2, 0.2, 0.8005, 0.5))) == {("c", "g1"): 1}


def test_a_point_lies_in_one_grid():
    compounds = frame(inside=point(0.5, 0.5), border=point(1, 0.5), corner=point(1, 1), out=point(9, 9))
    assert shares(compounds) == {("inside", "g1"): 1, ("border", "g1"): 1, ("corner", "g1"): 1}
    assert hierarchy.compound_shares(compounds, GRIDS, metric=METRIC)["compound_id"].iloc[0] == "id-border"


def test_a_point_inside_one_grid_and_on_the_border_of_another_belongs_to_the_first():
    areas = frame(a=square(0, 0), b=square(0.5, 0, 2, 1))
    assert hierarchy.holders([point(1, 0.5), point(0.7, 0.5)], areas).tolist() == [1, 0]


def test_overlapping_grids_count_the_common_part_twice():
    assert shares(frame(c=square(0, 0)), frame(a=square(0, 0), b=square(0.5, 0))) == {
        ("c", "a"): 0.667,
        ("c", "b"): 0.333,
    }


def test_no_compounds_or_no_grids_give_an_empty_frame():
    for compounds, areas in (
        (frame(), GRIDS),
        (frame(c=square(0, 0)), frame()),
        (frame(c=point(0, 0)), frame()),
    ):
        links = hierarchy.compound_shares(compounds, areas, metric=METRIC)
        assert list(links.columns) == ["compound_id", "compound_code", "grid_code", "share"]
        assert links.empty


@given(
    st.lists(
        st.tuples(st.floats(0, 1.5), st.floats(0, 1.5), st.floats(0.05, 2), st.floats(0.05, 2)),
        min_size=1,
        max_size=8,
    )
)
def test_shares_of_a_compound_add_up_to_one(boxes):
    compounds = frame(**{f"c{i}": square(*box) for i, box in enumerate(boxes)})
    links = hierarchy.compound_shares(compounds, GRIDS, metric=METRIC)
    assert np.allclose(links.groupby("compound_code")["share"].sum(), 1)
    assert len(links["compound_code"].unique()) == len(boxes)


def test_an_estate_is_shared_by_polygons_else_by_points():
    compounds = frame(a=square(0, 0), b=square(1, 0), p=point(5.2, 5.2), q=point(5.4, 5.4), r=point(0.1, 0.1))
    estates = frame(drawn=square(0.5, 0), surveyed=square(5, 5), alone=square(8, 8))
    links = hierarchy.estate_compounds(estates, compounds, metric=METRIC)
    assert links.round(3).to_numpy().tolist() == [
        ["drawn", "a", 0.5],
        ["drawn", "b", 0.5],
        ["surveyed", "p", 0.5],
        ["surveyed", "q", 0.5],
    ]
    assert hierarchy.estate_compounds(estates, frame(), metric=METRIC).empty


def test_a_parent_is_the_longest_code_a_code_starts_with():
    parents = ["420102", "420102003", "420103"]
    codes = ["420102003007", "420102999001", "420103", "4201020030010001", "999999001", None]
    assert hierarchy.parents_by_code(codes, parents).tolist() == [
        "420102003",
        "420102",
        None,  # not its own parent
        "420102003",
        None,
        None,
    ]


def test_a_parent_by_location_holds_the_largest_part():
    parents = frame(west=square(0, 0, 2, 2), east=square(2, 0, 2, 2))
    areas = frame(inside=square(0, 0), mostly_east=square(1.75, 0), tie=square(1.5, 0), out=square(9, 9))
    found = hierarchy.parents_by_location(areas, parents, metric=METRIC)
    assert found["parent_code"].tolist() == ["west", "east", "east", None]
    assert found["share"].round(2).tolist() == [1, 0.75, 0.5, 0]
    assert found.index.equals(areas.index)


def test_codes_are_numbered_from_the_north_west_row_by_row():
    geoms = [square(0, 0), square(1, 0), square(0, 1), square(1, 1)]
    codes = hierarchy.generate_codes(geoms, ["420102003001"] * 4, [], width=3)
    assert codes.tolist() == ["420102003001003", "420102003001004", "420102003001001", "420102003001002"]


def test_a_code_once_given_is_not_given_again_and_prefixes_count_apart():
    geoms = [square(0, 0), square(1, 0), square(2, 0)]
    codes = hierarchy.generate_codes(geoms, ["A", "A", "B"], ["A001", "A003"], width=3)
    assert codes.tolist() == ["A002", "A004", "B001"]


def test_numbers_that_do_not_fit_are_refused():
    with pytest.raises(DataError) as error:
        hierarchy.generate_codes([square(i, 0) for i in range(10)], ["A"] * 10, [], width=1)
    assert [fault.kind for fault in error.value.faults] == ["code-malformed"]
