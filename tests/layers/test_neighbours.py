"""Grids to hand an incident to, on the paper city; a step is about 100 m."""

import pytest
from shapely import box

from layers import located
from layers.neighbours import MOST, NEAR_M, neighbours
from tests import paper_city as city
from tests.paper_city import EAST, WEST, point


@pytest.fixture
def built(session):
    city.build(session)
    return session


def named(session, place, but=None, revision=1):
    """Codes with the reason, likeliest first."""
    return [(one.area.code, one.why) for one in neighbours(session, revision, point(*place), but=but)]


def test_the_grid_across_the_nearest_border_comes_first_then_the_near_ones(built):
    found = neighbours(built, 1, point(3.5, 2), but=WEST + "002")
    assert [(one.area.code, one.why) for one in found] == [
        (WEST + "001", "across"), (WEST + "003", "near"),
    ]  # fmt: skip
    assert found[0].distance_m == pytest.approx(0.5 * 93.7, rel=0.01)
    assert found[1].distance_m == pytest.approx(2 * 108.2, rel=0.01)
    assert [area.level for area in found[0].path] == ["district", "subdistrict", "community", "grid"]


def test_the_grid_that_has_it_is_left_out_and_where_its_place_says_is_named_once_it_was_moved(built):
    assert named(built, (3.5, 2), but=WEST + "002")[0] == (WEST + "001", "across")
    moved = named(built, (3.5, 2), but=WEST + "001")
    assert moved[0] == (WEST + "002", "place")
    assert WEST + "001" not in dict(moved)


@pytest.mark.parametrize(
    ("place", "first"),
    [
        ((4, 3), [(WEST + "001", "place"), (WEST + "002", "candidate")]),
        ((10.5, 5.2), [(EAST + "002", "place"), (EAST + "003", "candidate")]),
        ((8.9, 1.5), [(EAST + "004", "place")]),
        ((-1, 2), [(WEST + "002", "near")]),
    ],
    ids=["on a border", "in an overlap", "outside, nearest", "outside, in none"],
)
def test_what_was_in_question_by_the_rule_is_named(built, place, first):
    assert named(built, place)[: len(first)] == first


def test_nothing_is_named_beyond_the_distance(built):
    for one in neighbours(built, 1, point(8, 2), but=None):
        assert one.why != "near" or one.distance_m <= NEAR_M
    assert named(built, (60, 60)) == []


def test_other_schemes_and_retired_grids_are_not_named(built):
    unit = city.areas(
        "units", {WEST + "901": box(3, 1, 5, 3)}, lambda code: code[:12], scheme="unit", kind="base"
    )
    gone = city.publishing.Change(unit, list(city.identifiers("grids", [WEST + "001"])))
    city.publish(built, {"grids": gone})
    assert {code for code, _ in named(built, (3.5, 2), revision=2)} == {WEST + "002", WEST + "003"}


def test_the_list_is_short_enough_to_read(session):
    cells = {f"{WEST}{n + 1:03}": box(n % 5, n // 5, n % 5 + 1, n // 5 + 1) for n in range(25)}
    layers = {**city.layers(), "grids": city.grids(cells)}
    lon, lat = point(2, 2)
    city.deployment.choose(session, [lon], [lat], now=city.NOW)
    city.publish(
        session, {name: layers[name] for name in ("districts", "subdistricts", "communities", "grids")}
    )
    found = neighbours(session, 1, point(2.5, 2.5), but=f"{WEST}013")
    assert len(found) == MOST
    areas = located.load_areas(session, 1)
    assert found[0].area.code == areas.paths[areas.index.one(*point(2.5, 2.5)).neighbour][-1].code
    assert [one.distance_m for one in found[1:]] == sorted(one.distance_m for one in found[1:])
