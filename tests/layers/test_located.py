"""Places on the paper city: area, path, compound, team; in memory and from the neighbourhood alone."""

import datetime as dt

import numpy as np
import pytest
import shapely
from shapely import box

from geo.faults import DataError
from geo.levels import LEVELS
from layers import located
from layers.errors import NotFound
from layers.publishing import Change
from tests import paper_city as city

ON = dt.date(2026, 3, 1)


def locator(session, revision=1, *, level="grid"):
    return located.Locator(
        located.load_areas(session, revision, level=level),
        located.load_compounds(session, revision),
        located.load_buildings(session, revision),
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


def test_the_neighbour_across_the_nearest_border(built):
    found = from_memory(built, city.point(3.75, 2))
    assert found.margin_m == pytest.approx(23.4, abs=0.5)
    assert found.neighbour == located.Area(city.WEST + "001", "grids 001", "grid")
    assert from_memory(built, city.point(0.25, 2)).neighbour is None, "outside of everything"
    assert from_memory(built, city.point(8.1, 1.5)).neighbour is None, "in no grid"
    of_level = from_memory(built, city.point(7.75, 7), level="community")
    assert of_level.neighbour == located.Area(city.EAST, "communities 002", "community")


def test_the_neighbour_of_a_large_area_is_found_from_its_middle(built):
    # Its border is farther away than the neighbourhood that is read at first.
    place = city.point(10.8, 4)
    found = located.locate_at(built, 1, place, on=ON, level="community")
    assert found.margin_m > 250
    assert found == from_memory(built, place, level="community")
    assert found.neighbour.code == city.WEST


def test_an_old_estate_and_its_department(built):
    estate = city.areas("old_estates", {"E1": box(1, 1, 3, 3)}).drop(columns="parent_code")
    city.publish(built, {"old_estates": estate.assign(works="improved", department="住建局")})
    found = located.locate(locator(built, 2), city.point(2.5, 2.5), on=ON)
    assert found.old_estate == located.OldEstate("E1", "old_estates E1", "improved", "住建局")
    assert found.compound is None
    for place in (city.point(2.5, 2.5), city.point(3.5, 3.5)):
        assert located.locate_at(built, 2, place, on=ON) == located.locate(locator(built, 2), place, on=ON)
    assert located.locate_at(built, 1, city.point(2.5, 2.5), on=ON).old_estate is None


def test_the_building_that_holds_a_place_and_its_head(built):
    shapes = {"B1": box(1.1, 1.1, 1.4, 1.4), "B2": box(1.4, 1.1, 1.7, 1.4), "B3": box(9, 0, 10, 1)}
    buildings = city.areas("buildings", shapes).rename(columns={"parent_code": "compound_code"})
    head = ("楼长", "孙丽", None, "buildings", "B2", None, None)
    posts = city.posts([head]).assign(code="PB").set_axis(city.identifiers("posts", ["PB"]))
    city.publish(built, {"buildings": buildings.assign(compound_code=city.WEST + "C01"), "posts": posts})
    found = located.locate(locator(built, 2), city.point(1.5, 1.2), on=ON)
    assert found.building == located.Building("B2", "buildings B2", city.WEST + "C01")
    assert [post.name for post in found.posts] == ["王芳", "赵敏", "孙丽"]
    assert located.locate(locator(built, 2), city.point(1.4, 1.2), on=ON).building.code == "B1", (
        "a shared wall"
    )
    assert located.locate(locator(built, 2), city.point(1.05, 1.2), on=ON).building is None, "beside it"
    for place in (city.point(1.5, 1.2), city.point(9.5, 0.5), city.point(5, 5)):
        assert located.locate_at(built, 2, place, on=ON) == located.locate(locator(built, 2), place, on=ON)
    assert located.locate_at(built, 1, city.point(1.5, 1.2), on=ON).building is None


def moved(**shapes):
    return city.grids({city.WEST + code[1:]: shape for code, shape in shapes.items()})


EDITS = {
    "a border moves": lambda: {"grids": moved(g002=box(0, 0, 5, 4), g001=box(5, 0, 8, 4))},
    "a grid ends": lambda: {"grids": ended(city.EAST + "003")},
    "a grid begins": lambda: {"grids": moved(g009=box(2, 5, 4, 7) - box(2.5, 5.5, 3.5, 6.5))},
    "a community is renamed": lambda: {"communities": city.areas(
        "communities", {city.WEST: box(0, 0, 8, 8)}, lambda code: code[:9]).assign(name="新名")},
    "a community ends": lambda: {"communities": ended(city.EAST, "communities")},
    "a community begins again": lambda: {"communities": city.areas(
        "communities", {city.EAST: box(8, 0, 14, 8)}, lambda code: code[:9])},
    "a grid changes its scheme": lambda: {"grids": moved(g004=box(2.5, 5.5, 3.5, 6.5)).assign(scheme="unit")},
    "a grid changes its code": lambda: {"grids": recoded(city.WEST + "009", city.WEST + "010")},
    "a grid is renamed": lambda: {"grids": moved(g002=box(0, 0, 5, 4)).assign(name="改名")},
    "nothing of areas": lambda: {"posts": city.posts([("专职", "钱", None, "grids", city.WEST + "002", None, None)])},
}  # fmt: skip


def ended(code, layer="grids"):
    """A change that ends one feature."""
    return Change(city.grids({}).iloc[:0], removed=list(city.identifiers(layer, [code])))


def recoded(old, new):
    """A feature that keeps its id under another code."""
    return city.grids({old: box(2, 5, 4, 7) - box(2.5, 5.5, 3.5, 6.5)}).assign(code=new)


@pytest.mark.parametrize("level", ["grid", "community"])
def test_areas_that_were_patched_answer_as_those_that_were_read(built, level):
    random = np.random.default_rng(7)
    lon, lat = np.array([city.point(x, y) for x, y in random.uniform(-0.2, 14.2, (300, 2))]).T
    older = {1: located.load_areas(built, 1, level=level)}
    for name, edit in EDITS.items():
        number = city.publish(built, edit()).revision
        read = located.load_areas(built, number, level=level)
        expected = answers(read, lon, lat)
        # From the state before, from the first, and from one that was patched itself.
        since = {number - 1: older[number - 1], 1: older[1]}
        for revision, areas in since.items():
            patched = located.patch_areas(built, areas, revision, number)
            assert answers(patched, lon, lat) == expected, (name, revision)
        older[number] = patched
        assert answers(older[1], lon, lat) == answers(located.load_areas(built, 1, level=level), lon, lat)


def answers(areas, lon, lat):
    """All that a model answers for some points."""
    found = areas.index.assign(lon, lat, margin=True)
    told = [
        (areas.path(int(found.area[n])), int(found.rule[n]), str(found.distance_m[n]), str(found.margin_m[n]),
         found.candidates(n), areas.path(int(found.neighbour[n])))
        for n in range(len(lon))
    ]  # fmt: skip
    return told, sorted(areas.index.codes)


def test_outlines_that_were_patched_answer_as_those_that_were_read(built):
    older = located.load_compounds(built, 1)
    changed = city.areas(
        "compounds", {city.WEST + "C02": box(5, 1, 6, 2), city.WEST + "C01": box(1, 1, 3, 2)}
    )
    city.publish(built, {"compounds": changed.drop(columns="parent_code").assign(form="unmanaged")})
    patched = located.patch_compounds(built, older, 1, 2)
    read = located.load_compounds(built, 2)
    for place in (city.point(2.5, 1.5), city.point(5.5, 1.5), city.point(4, 3)):
        assert patched.at(*place) == read.at(*place)
    assert patched.at(*city.point(5.5, 1.5)).form == "unmanaged"
    assert older.at(*city.point(2.5, 1.5)) is None
    # Drawn again as a point, it holds no place any more.
    point = changed.iloc[:1].drop(columns="parent_code").assign(form="unmanaged")
    point.geometry = shapely.centroid(point.geometry.to_numpy())
    city.publish(built, {"compounds": point})
    assert located.patch_compounds(built, patched, 2, 3).at(*city.point(5.5, 1.5)) is None


def test_schemes_come_with_the_usual_one_first(built):
    city.publish(built, {"grids": moved(g020=box(0, 0, 1, 1)).assign(scheme="fire")})
    assert located.schemes(built, 2) == ("governance", "fire")
    assert located.schemes(built, 1) == ("governance",)


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
