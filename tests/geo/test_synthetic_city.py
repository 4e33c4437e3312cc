"""The demo city as a whole: proportions, exact tiling, codes, one city a seed."""

import hashlib
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geo.levels import LAYER_OF, LEVELS
from geo.synthetic import City, city
from geo.synthetic.facilities import KINDS
from geo.synthetic.incidents import CATEGORIES

DATA = Path(__file__).parents[2] / "layers" / "data"
CHILDREN = [("districts", "subdistricts"), ("subdistricts", "communities"), ("communities", "grids")]


def vertices(frame: gpd.GeoDataFrame) -> set[tuple[float, float]]:
    return set(map(tuple, shapely.get_coordinates(frame.geometry.to_numpy()).tolist()))


def digest(made: City) -> str:
    """One number for all bits of the layers and the incidents."""
    total = hashlib.sha256()
    for layer in (*LAYER_OF.values(), "compounds", "buildings", "old_estates", "facilities", "streets"):
        frame = getattr(made, layer)
        total.update("".join(frame.index).encode())
        total.update(b"".join(frame.geometry.to_wkb()))
        total.update("".join(frame["name"]).encode())
    total.update(b"".join(made.addresses.geometry.to_wkb()))
    total.update("".join(made.addresses["text"]).encode())
    total.update(pd.util.hash_pandas_object(made.incidents).to_numpy().tobytes())
    total.update(pd.util.hash_pandas_object(made.posts.astype(str)).to_numpy().tobytes())
    return total.hexdigest()


def test_counts_are_those_of_the_real_district(demo_city: City) -> None:
    assert len(demo_city.districts) == 1
    assert len(demo_city.subdistricts) == 7
    assert len(demo_city.communities) == 54
    assert 590 <= len(demo_city.grids) <= 615
    assert len(demo_city.compounds) == 895
    assert len(demo_city.old_estates) == 625
    assert len(demo_city.incidents) == 20_000


@pytest.mark.parametrize("layer", [*LAYER_OF.values(), "compounds", "buildings"])
def test_everybody_lives_somewhere_at_every_level(demo_city: City, layer: str) -> None:
    assert getattr(demo_city, layer)["people"].sum() == 578_300


@pytest.mark.parametrize("layer", LAYER_OF.values())
def test_siblings_share_every_vertex_of_their_borders(demo_city: City, layer: str) -> None:
    shapes = getattr(demo_city, layer).geometry.to_numpy()
    assert shapely.is_valid(shapes).all()
    assert shapely.coverage_is_valid(shapes)


@pytest.mark.parametrize(("parents", "children"), CHILDREN)
def test_children_tile_their_parent_exactly(demo_city: City, parents: str, children: str) -> None:
    above, below = getattr(demo_city, parents), getattr(demo_city, children)
    united = below.groupby("parent_code").geometry.agg(lambda own: shapely.coverage_union_all(own.to_numpy()))
    united = united.reindex(above["code"])
    assert shapely.equals(united.to_numpy(), above.geometry.to_numpy()).all()
    assert vertices(above) <= vertices(below)


@pytest.mark.parametrize(("parents", "children"), CHILDREN)
def test_a_childs_node_on_the_parents_border_is_a_node_of_the_parent(
    demo_city: City, parents: str, children: str
) -> None:
    rings = shapely.boundary(getattr(demo_city, parents).geometry.to_numpy())
    points = np.array(sorted(vertices(getattr(demo_city, children))))
    near, _ = shapely.STRtree(rings).query(shapely.points(points), predicate="dwithin", distance=1e-9)
    assert len(near)
    assert set(map(tuple, points[near].tolist())) <= vertices(getattr(demo_city, parents))


def test_codes_have_fifteen_digits_and_start_with_their_parents(demo_city: City) -> None:
    for level, width in zip(LEVELS, (6, 9, 12, 15), strict=True):
        frame = getattr(demo_city, LAYER_OF[level])
        assert frame["code"].str.fullmatch(rf"\d{{{width}}}").all()
        assert frame["code"].is_unique
        assert frame["code"].str[:6].eq("990102").all()
        if level != "district":
            assert (frame["code"].str[:-3] == frame["parent_code"]).all()


def test_sequences_in_a_parent_have_no_holes(demo_city: City) -> None:
    sequence = demo_city.grids["code"].str[-3:].astype(int)
    own = sequence.groupby(demo_city.grids["parent_code"])
    assert (own.max() == own.size()).all()
    assert (own.min() == 1).all()


def test_grids_are_of_a_size_to_govern(demo_city: City) -> None:
    people = demo_city.grids["people"]
    assert 700 <= people.median() <= 1300
    assert (people <= 2500).mean() > 0.95


def test_the_district_is_a_city_of_believable_size(demo_city: City) -> None:
    square_km = demo_city.districts.to_crs("EPSG:4544").area.sum() / 1e6
    assert 60 <= square_km <= 100


def test_everything_lies_well_inside_one_zone(demo_city: City) -> None:
    west, south, east, north = demo_city.districts.total_bounds
    assert 104.0 < west < east < 106.0
    assert 31.0 < south < north < 33.0


def test_it_says_that_it_is_invented(demo_city: City) -> None:
    assert "虚构" in demo_city.name
    assert "虚构" in demo_city.districts["name"].iloc[0]


def test_every_type_of_the_catalogue_is_there(demo_city: City) -> None:
    catalogue = pd.read_csv(DATA / "facility_types.csv")["key"]
    assert set(catalogue) == set(KINDS)
    assert set(demo_city.facilities["type"]) == set(catalogue)


def test_every_category_is_in_the_catalogue(demo_city: City) -> None:
    catalogue = pd.read_csv(DATA / "incident_categories.csv", dtype=str)["code"]
    assert set(CATEGORIES) == set(catalogue)
    assert set(demo_city.incidents["category"]) == set(catalogue)


def test_one_office_a_subdistrict_and_one_desk_a_community(demo_city: City) -> None:
    for key, layer in (("police_station", "subdistricts"), ("community_service_station", "communities")):
        points = demo_city.facilities[demo_city.facilities["type"] == key]
        areas = getattr(demo_city, layer)
        area, _ = areas.sindex.query(points.geometry, predicate="intersects")[::-1]
        assert sorted(area) == list(range(len(areas)))


def test_every_grid_has_a_head_and_a_worker(demo_city: City) -> None:
    for role in ("网格长", "专职"):
        answered = demo_city.posts.loc[demo_city.posts["role"] == role, "target_code"]
        assert sorted(answered) == sorted(demo_city.grids["code"])


def test_phones_cannot_ring(demo_city: City) -> None:
    assert demo_city.posts["phone"].str.fullmatch(r"000-\d{7}").all()
    assert demo_city.posts["phone"].is_unique


@pytest.mark.parametrize(
    "layer",
    [
        *LAYER_OF.values(),
        "compounds",
        "buildings",
        "addresses",
        "old_estates",
        "facilities",
        "streets",
        "posts",
    ],
)
def test_identifiers_and_codes_are_unique(demo_city: City, layer: str) -> None:
    frame = getattr(demo_city, layer)
    assert frame.index.name == "id"
    assert frame.index.is_unique
    assert frame["code"].is_unique


def test_a_seed_makes_one_city_and_another_seed_another(demo_city: City) -> None:
    again, other = city(1), city(2)
    assert digest(again) == digest(demo_city)
    assert digest(other) != digest(demo_city)
    assert not set(other.grids.index) & set(demo_city.grids.index)
    assert other.compounds["people"].sum() == 578_300
    assert shapely.coverage_is_valid(other.grids.geometry.to_numpy())
