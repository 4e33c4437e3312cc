"""Places on the paper city: area, path, compound, team; in memory and from the neighbourhood alone."""

import datetime as dt

import numpy as np
import pytest
import shapely

from geo.faults import DataError
from geo.levels import LEVELS
from layers import located
from layers.errors import NotFound
from tests import paper_city as city

ON = dt.date(2026, 3, 1)


def locator(session, revision=1, *, level="grid"):
    return located.Locator(
        located.load_areas(session, revision, level=level),
        located.load_compounds(session, revision),
        located.load_old_estates(session, revision),
        located.load_posts(session, revision),
    )


def from_memory(session, place, *, level="grid", on=ON):
    return located.locate(locator(session, level=level), place, on=on)


@pytest.fixture
def built(session):
    city.build(session)
    return session


def test_inside_a_grid_and_a_compound(built):
    found = from_memory(built, city.point(1.5, 1.5))
    assert found.rule == "inside"
    assert found.area.code == city.WEST + "002"
    assert [(area.code, area.level) for area in found.path] == [
        ("420199", "district"),
        (city.SUBDISTRICT, "subdistrict"),
        (city.WEST, "community"),
        (city.WEST + "002", "grid"),
    ]
    assert found.compound == located.Compound(city.WEST + "C01", "compounds C01", "managed")
    assert [post.name for post in found.posts] == ["王芳", "赵敏"]


def test_posts_are_those_held_on_the_day(built):
    place = city.point(3, 3)
    assert [post.name for post in from_memory(built, place).posts] == ["王芳"]
    before = dt.date(2025, 12, 31)
    assert [post.name for post in from_memory(built, place, on=before).posts] == ["李前"]
    assert [post.name for post in from_memory(built, place, on=city.TERM).posts] == ["王芳"]


def test_nowhere(built):
    found = from_memory(built, (120.0, 20.0))
    assert (found.area, found.path, found.rule, found.candidates) == (None, (), "none", [])
    assert (found.compound, found.posts, found.distance_m, found.margin_m) == (None, [], None, None)


@pytest.mark.parametrize("level", LEVELS)
def test_the_neighbourhood_gives_the_answer_of_the_whole(built, level):
    random = np.random.default_rng(3)
    paper = [(x, y) for x in range(-1, 16, 3) for y in range(-1, 10, 2)]
    paper += [tuple(place) for place in random.uniform(-1, 15, (20, 2))] + [(8.1, 1.5), (12, 6)]
    kept = locator(built, level=level)
    for x, y in paper:
        place = city.point(x, y)
        whole = located.locate(kept, place, on=ON)
        assert located.locate_at(built, 1, place, on=ON, level=level) == whole


def test_a_scheme_that_no_grid_has_is_a_fault_and_not_an_empty_answer(built):
    with pytest.raises(DataError, match="'govern'; there are: governance"):
        located.load_areas(built, 1, scheme="govern")


def test_a_compound_on_paper_as_a_point_holds_no_place(built):
    frame = city.layers()["compounds"]
    frame.geometry = shapely.centroid(frame.geometry.to_numpy())
    city.publish(built, {"compounds": frame})
    x, y = frame.geometry.iloc[0].coords[0]
    compounds = located.load_compounds(built, 2)
    assert compounds.at(x, y) is None
    assert located.locate_at(built, 1, (x, y), on=ON).compound is not None


def test_path_of_a_code(built):
    assert [area.code for area in located.path_of(built, 1, city.EAST + "003")] == [
        "420199", city.SUBDISTRICT, city.EAST, city.EAST + "003",
    ]  # fmt: skip
    assert located.path_of(built, 1, "nothing") == ()


def test_a_level_that_is_missing_is_left_out_of_paths(session):
    frames = city.layers()
    frames["grids"]["parent_code"] = "420199"
    city.deployment.choose(session, [114.25], [30.5], now=city.NOW)
    city.publish(session, {"districts": frames["districts"], "grids": frames["grids"]})
    path = located.load_areas(session, 1).paths[0]
    assert [area.level for area in path] == ["district", "grid"]


def test_share_outside_under_each_datum(built):
    areas = located.load_areas(built, 1)
    x, y = np.array([city.point(3.9, 3.9)]).T
    assert areas.outside(x, y) == {"wgs84": 0.0, "gcj02": 1.0, "bd09": 1.0}


def test_nothing_imported_yet(session):
    with pytest.raises(NotFound, match="wangge import"):
        located.load_areas(session, 0)
