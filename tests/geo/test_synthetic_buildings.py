"""The demo city's buildings and doors: where they stand, who lives in them, what is written on them."""

import numpy as np
import pandas as pd
import pytest
import shapely

from geo.synthetic import City
from geo.synthetic.compounds import shares_within
from geo.synthetic.doors import described, doors


def test_shares_sum_to_the_whole_of_each_group() -> None:
    parts = shares_within(np.array([10, 0, 7]), np.array([0, 2, 0, 1, 0, 2]), np.array([1, 1, 1, 5, 1, 2]))
    assert np.bincount(np.array([0, 2, 0, 1, 0, 2]), parts).tolist() == [10, 0, 7]
    assert sorted(parts[[0, 2, 4]].tolist()) == [3, 3, 4]
    assert parts[[1, 5]].tolist() == [2, 5]


def test_households_and_people_add_up_to_the_compounds(demo_city: City) -> None:
    sums = demo_city.buildings.groupby("compound_code")[["households", "people"]].sum()
    compounds = demo_city.compounds.set_index("code")[["households", "people"]]
    assert sums.sort_index().to_numpy().tolist() == compounds.sort_index().to_numpy().tolist()
    assert (demo_city.buildings["households"] > 0).mean() > 0.99


def test_buildings_stand_inside_their_compound_and_apart(demo_city: City) -> None:
    shapes = demo_city.buildings.geometry.to_numpy()
    assert shapely.is_valid(shapes).all()
    compounds = demo_city.compounds.set_index("code").geometry
    own = compounds.loc[demo_city.buildings["compound_code"]].to_numpy()
    drawn = shapely.get_dimensions(own) == 2
    assert shapely.contains_properly(own[drawn], shapes[drawn]).all()
    assert (~drawn).any()
    first, second = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    assert (first == second).all()


def test_no_border_of_grids_runs_through_a_building(demo_city: City) -> None:
    shapes = demo_city.buildings.geometry.to_numpy()
    borders = shapely.boundary(demo_city.grids.geometry.to_numpy())
    assert not len(shapely.STRtree(borders).query(shapes, predicate="intersects")[0])


def test_no_path_runs_through_a_building(demo_city: City) -> None:
    shapes = demo_city.buildings.geometry.to_numpy()
    paths = demo_city.streets.geometry[demo_city.streets["level"] == 0].to_numpy()
    assert len(shapely.STRtree(paths).query(shapes, predicate="intersects")[0]) < len(shapes) / 1000


def test_buildings_are_numbered_from_one_in_each_compound(demo_city: City) -> None:
    buildings = demo_city.buildings
    assert (buildings["name"] == buildings["number"] + "栋").all()
    number = buildings["number"].astype(int).groupby(buildings["compound_code"])
    assert (number.max() == number.size()).all()
    assert (number.nunique() == number.size()).all()
    assert (number.min() == 1).all()


def test_grids_count_the_people_of_their_buildings(demo_city: City) -> None:
    middle = shapely.centroid(demo_city.buildings.geometry.to_numpy())
    building, grid = shapely.STRtree(demo_city.grids.geometry.to_numpy()).query(middle, predicate="within")
    people = demo_city.buildings["people"].to_numpy(dtype=float)[building]
    assert np.bincount(grid, people, len(demo_city.grids)).tolist() == demo_city.grids["people"].tolist()


def test_each_door_of_a_street_has_a_number_of_its_own(demo_city: City) -> None:
    doors = demo_city.addresses[demo_city.addresses["compound_code"].isna()]
    assert len(doors) > 10_000
    assert not doors.duplicated(["street", "number"]).any()
    assert (doors["text"] == doors["street"] + doors["number"] + "号").all()


def test_odd_numbers_face_even_ones(demo_city: City) -> None:
    doors = demo_city.addresses[demo_city.addresses["compound_code"].isna()]
    street = doors["street"].value_counts().index[0]
    lane = doors[doors["street"] == street]
    line = shapely.line_merge(
        shapely.union_all(demo_city.streets.geometry[demo_city.streets["name"] == street].to_numpy())
    )
    left = shapely.contains(
        shapely.buffer(line, 5e-4, single_sided=True, cap_style="flat"), lane.geometry.to_numpy()
    )
    odd = lane["number"].astype(int).to_numpy() % 2 == 1
    assert max((left == odd).mean(), (left != odd).mean()) > 0.95


PLAN = np.array([shapely.box(0, 0, 400, 100), shapely.box(0, -100, 400, 0)], dtype=object)


def straight_street(*, westwards: bool) -> pd.DataFrame:
    """东风路 between two blocks, in two pieces."""
    pieces = [[(0, 0), (200, 0)], [(400, 0), (200, 0)] if westwards else [(200, 0), (400, 0)]]
    north = [0, 1 if westwards else 0]
    return pd.DataFrame(
        {
            "geometry": shapely.linestrings(pieces),
            "name": "东风路",
            "kind": "residential",
            "left": north,
            "right": [1 - block for block in north],
        }
    )


@pytest.mark.parametrize("westwards", [False, True])
def test_numbers_rise_from_the_west_on_both_sides(westwards: bool) -> None:  # noqa: FBT001 - of pytest
    plates = doors(straight_street(westwards=westwards), PLAN, np.array([True, True]))
    plates["number"] = plates["number"].astype(int)
    x, y = shapely.get_coordinates(plates["geometry"].to_numpy()).T
    assert len(plates) == 12
    assert (np.diff(x[y > 0]) > 0).all()
    assert (np.diff(x[y < 0]) > 0).all()
    assert set(plates["number"][y > 0] % 2) == {1}
    assert set(plates["number"][y < 0] % 2) == {0}


def test_no_door_opens_on_the_river() -> None:
    plates = doors(straight_street(westwards=False), PLAN, np.array([True, False]))
    assert (shapely.get_y(plates["geometry"].to_numpy()) > 0).all()


def test_a_place_is_told_by_the_nearest_door_of_its_own_street() -> None:
    marks = pd.DataFrame(
        {
            "geometry": shapely.points([[0, 0], [100, 0], [60, 5]]),
            "beside": ["东风路", "东风路", "西街"],
            "text": ["东风路1号", "东风路25号", "西街3号"],
        }
    )
    points = shapely.points([[60, 5], [60, 5], [60, 5], [60, 5]])
    beside = np.array(["东风路", "西街", "望格一桥", ""], dtype=object)
    assert described(points, beside, marks).tolist() == ["东风路25号", "西街3号", "望格一桥", ""]


def test_every_compound_has_an_address(demo_city: City) -> None:
    own = demo_city.addresses.dropna(subset="compound_code").set_index("compound_code")
    compounds = demo_city.compounds.set_index("code")
    assert sorted(own.index) == sorted(compounds.index)
    assert (own["text"] == (compounds["address"] + compounds["name"]).reindex(own.index)).all()


def test_what_is_reported_at_home_is_reported_at_a_building_that_stands_there(demo_city: City) -> None:
    named = demo_city.incidents[demo_city.incidents["address"].str.fullmatch(r"\D+\d+栋")]
    assert len(named) > 4000
    names = demo_city.compounds.set_index("code")["name"]
    known = (
        names.loc[demo_city.buildings["compound_code"]].to_numpy() + demo_city.buildings["name"].to_numpy()
    )
    at = pd.Series(demo_city.buildings.geometry.to_numpy(), index=known)
    near = shapely.distance(at.loc[named["address"]].to_numpy(), shapely.points(named[["lon", "lat"]]))
    # Some lie on a border of grids, or out of town, on purpose.
    assert (near < 1e-4).mean() > 0.99


def test_heads_of_buildings_answer_for_buildings(demo_city: City) -> None:
    heads = demo_city.posts[demo_city.posts["role"] == "楼长"]
    assert len(heads) > 500
    assert set(heads["target_layer"]) == {"buildings"}
    assert set(heads["target_code"]) <= set(demo_city.buildings["code"])
