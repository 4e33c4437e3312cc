"""A small zoo of geometries on integer paper: each defect by its name and place."""

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geo import validity

AREAS = {"Polygon", "MultiPolygon"}
BOW_TIE = shapely.Polygon([(0, 0), (2, 2), (2, 0), (0, 2)])
with np.errstate(invalid="ignore"):  # GEOS compares the NaN when it closes the ring
    NOT_A_NUMBER = shapely.from_wkt("POLYGON ((0 0, 1 nan, 1 1, 0 0))")
    INFINITE = shapely.from_wkt("POLYGON ((0 0, 1 inf, 1 1, 0 0))")
ZOO = {
    "square": (shapely.box(0, 0, 1, 1), None),
    "two squares touching at a corner": (
        shapely.union(shapely.box(0, 0, 1, 1), shapely.box(1, 1, 2, 2)),
        None,
    ),
    "none": (None, "geometry-missing"),
    "empty": (shapely.Polygon(), "geometry-empty"),
    "point": (shapely.Point(1, 2), "geometry-type"),
    "collection": (shapely.GeometryCollection([shapely.box(0, 0, 1, 1)]), "geometry-type"),
    "NaN": (NOT_A_NUMBER, "coordinate-not-a-number"),
    "infinite": (INFINITE, "coordinate-not-a-number"),
    "bow tie": (BOW_TIE, "geometry-invalid"),
    "hole outside its shell": (
        shapely.Polygon([(0, 0), (1, 0), (1, 1)], [[(5, 5), (6, 5), (6, 6)]]),
        "geometry-invalid",
    ),
    "folded into a line": (shapely.Polygon([(0, 0), (1, 0), (2, 0), (0, 0)]), "geometry-invalid"),
}


def test_every_animal_of_the_zoo_is_called_by_its_name():
    found = validity.find([geom for geom, _ in ZOO.values()], accepted=AREAS)
    names = list(ZOO)
    assert {names[row]: kind for row, kind in found[["row", "kind"]].to_numpy()} == {
        name: kind for name, (_, kind) in ZOO.items() if kind
    }


def test_an_invalid_ring_is_placed_where_it_crosses():
    found = validity.find([BOW_TIE], accepted=AREAS)
    assert found[["message", "x", "y"]].to_numpy().tolist() == [["Self-intersection.", 1.0, 1.0]]


def test_nothing_wrong_gives_an_empty_frame():
    found = validity.find([shapely.box(0, 0, 1, 1)], accepted=AREAS)
    assert found.empty
    assert list(found.columns) == ["row", "kind", "message", "x", "y"]
    assert validity.find([], accepted=AREAS).empty


def test_a_line_of_no_length_is_invalid():
    found = validity.find([shapely.LineString([(1, 1), (1, 1)])], accepted={"LineString"})
    assert found["kind"].tolist() == ["geometry-invalid"]


def test_repair_cuts_a_bow_tie_and_gives_up_on_a_line():
    square, folded = ZOO["square"][0], ZOO["folded into a line"][0]
    fixed = validity.repair([BOW_TIE, square, folded])
    assert shapely.area(fixed[0]) == 2
    assert fixed[1] is square
    assert fixed[2] is None


@pytest.mark.parametrize(("west", "east", "crosses"), [(170, 179, False), (-179.5, 179.5, True)])
def test_an_area_round_the_globe_crosses_the_antimeridian(west, east, crosses):
    assert validity.crosses_antimeridian([shapely.box(west, 0, east, 1)]).tolist() == [crosses]


ring = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=4, max_size=12)


@given(ring)
def test_what_is_repaired_is_valid_and_has_an_area(points):
    fixed = validity.repair([shapely.Polygon(points)])[0]
    assert fixed is None or (fixed.is_valid and fixed.area > 0)
