"""OpenStreetMap files drawn by hand as XML; and Las Palmas, the whole city."""

import geopandas as gpd
import numpy as np
import pytest
import shapely

from geo.faults import DataError
from layers import catalogue, osm
from layers.osm import places as osm_places
from layers.osm import streets as osm_streets

#: A crossroads, nodes 1 to 5, and further nodes for squares and gates; units of 0.001 degrees.
NODES = {
    1: (0, 1),
    2: (1, 1),
    3: (2, 1),
    4: (1, 0),
    5: (1, 2),
    6: (3, 3),
    7: (4, 3),
    8: (4, 4),
    9: (3, 4),
    10: (1, 1),
}


def write(path, ways=(), node_tags=None, relations=""):
    """Write an OSM XML file; ways are (id, nodes, tags)."""

    def tags(pairs):
        return "".join(f'<tag k="{key}" v="{value}"/>' for key, value in pairs.items())

    node_tags = node_tags or {}
    lines = ['<osm version="0.6">']
    lines += [
        f'<node id="{n}" version="1" lat="{30 + y / 1000}" lon="{114 + x / 1000}">{tags(node_tags.get(n, {}))}</node>'
        for n, (x, y) in NODES.items()
    ]
    lines += [
        f'<way id="{way}" version="1">{"".join(f"<nd ref={chr(34)}{n}{chr(34)}/>" for n in nodes)}{tags(pairs)}</way>'
        for way, nodes, pairs in ways
    ]
    path.write_text("\n".join([*lines, relations, "</osm>"]), encoding="utf-8")
    return path


def streets(tmp_path, *ways):
    numbered = [(100 + n, *way) for n, way in enumerate(ways)]
    return osm.read(write(tmp_path / "city.osm", numbered)).frames["streets"]


ROAD = {"highway": "residential", "name": "中山路"}


def test_ways_are_split_where_they_share_a_node(tmp_path):
    frame = streets(tmp_path, ([1, 2, 3], ROAD), ([4, 2, 5], {"highway": "footway"}))
    assert frame["code"].tolist() == ["w100-0", "w100-1", "w101-0", "w101-1"]
    assert frame["name"].tolist() == ["中山路", "中山路", "", ""]
    ends = shapely.get_coordinates(shapely.get_point(frame.geometry.to_numpy(), -1))
    assert ends[0].tolist() == [114.001, 30.001]


def test_a_bridge_that_crosses_without_a_shared_node_stays_apart(tmp_path):
    bridge = {"highway": "primary", "bridge": "viaduct", "layer": "1"}
    frame = streets(tmp_path, ([1, 3], bridge), ([4, 2, 5], ROAD))
    assert len(frame) == 2
    assert frame[["bridge", "tunnel", "level"]].to_numpy().tolist() == [[True, False, 1], [False, False, 0]]


def test_two_nodes_at_one_place_do_not_join_streets(tmp_path):
    # Node 10 lies exactly on node 2, but no way has both.
    extract = osm.read(write(tmp_path / "city.osm", [(1, [1, 2], ROAD), (2, [10, 3], ROAD)]))
    ends = shapely.get_coordinates(extract.frames["streets"].geometry.to_numpy()[0])[-1]
    starts = shapely.get_coordinates(extract.frames["streets"].geometry.to_numpy()[1])[0]
    assert extract.counts["set aside"] == 1
    assert 0 < np.abs(ends - starts).max() < 2e-9


def test_a_way_is_cut_at_its_own_crossing_and_a_doubled_node_counts_once(tmp_path):
    frame = streets(tmp_path, ([1, 2, 2, 3, 5, 2, 4], ROAD))
    assert shapely.get_num_coordinates(frame.geometry.to_numpy()).tolist() == [2, 4, 2]


@pytest.mark.parametrize(
    ("tags", "standing"),
    [
        ({"highway": "residential"}, "walkable"),
        ({"highway": "residential", "oneway": "yes"}, "walkable"),
        ({"highway": "steps"}, "walkable"),
        ({"highway": "motorway"}, "drawn"),
        ({"highway": "motorway", "foot": "yes"}, "walkable"),
        ({"highway": "trunk", "motorroad": "yes"}, "drawn"),
        ({"highway": "trunk", "foot": "no"}, "drawn"),
        ({"highway": "cycleway"}, "drawn"),
        ({"highway": "cycleway", "foot": "designated"}, "walkable"),
        ({"highway": "primary", "foot": "use_sidepath"}, "drawn"),
        ({"highway": "service", "access": "private"}, "private"),
        ({"highway": "service", "access": "no"}, "private"),
        ({"highway": "service", "access": "private", "foot": "yes"}, "walkable"),
        ({"highway": "footway", "foot": "private"}, "private"),
        ({"highway": "service", "access": "customers"}, "walkable"),
        ({"highway": "construction"}, "none"),
        ({"highway": "proposed"}, "none"),
        ({}, "none"),
    ],
)
def test_who_may_walk_where(tags, standing):
    assert osm_streets.classify(tags) == standing


def test_private_and_unwalkable_ways_are_counted(tmp_path):
    ways = [
        (1, [1, 2], ROAD),
        (2, [2, 3], {"highway": "service", "access": "private"}),
        (3, [2, 4], {"highway": "motorway"}),
        (4, [2, 999], ROAD),  # its other node is not in the extract
    ]
    counts = osm.read(write(tmp_path / "city.osm", ways)).counts
    assert {name: counts[name] for name in ("ways", "private", "not walkable", "without nodes")} == {
        "ways": 4,
        "private": 1,
        "not walkable": 1,
        "without nodes": 1,
    }


@pytest.mark.parametrize(
    ("tags", "kind"),
    [
        ({"amenity": "kindergarten"}, "kindergarten"),
        ({"amenity": "school"}, "primary_school"),
        ({"amenity": "school", "isced:level": "1;2"}, "junior_middle_school"),
        ({"amenity": "social_facility", "social_facility": "day_care"}, "elderly_day_care"),
        ({"leisure": "pitch", "sport": "basketball"}, "small_sports_field"),
        ({"leisure": "pitch", "sport": "tennis;soccer"}, "medium_sports_field"),
        ({"amenity": "social_facility"}, None),
        ({"amenity": "bench"}, None),
        ({}, None),
    ],
)
def test_tags_make_a_facility_type(tags, kind):
    matching = osm_places.candidates(tags)
    assert (matching[0].type if matching else None) == kind


def test_every_rule_names_a_type_of_the_catalogue():
    types = set(catalogue.facility_types().index)
    assert {rule.type for rule in osm_places.rules()} <= types
    last = {(rule.key, rule.value): rule for rule in osm_places.rules()}
    # The last rule of a tag takes what no earlier one took, so that sizes and further tags are never lost.
    assert all(rule.min_area_m2 == 0 for rule in last.values())


def test_places_come_as_points_or_areas_with_gates_on_their_outline(tmp_path):
    square = [6, 7, 8, 9, 6]
    ways = [
        (1, [1, 2, 3], ROAD),
        (2, square, {"landuse": "residential", "name": "百步亭花园", "population": "900"}),
        (3, square, {"leisure": "park"}),
    ]
    node_tags = {
        3: {"amenity": "pharmacy"},
        7: {"barrier": "gate"},
        9: {"entrance": "main"},
        4: {"barrier": "gate"},
    }
    path = write(tmp_path / "city.osm", ways, node_tags)
    frames = osm.read(path, places=("facilities", "compounds")).frames
    home = frames["compounds"].iloc[0]
    assert (home["code"], home["name"], home["people"]) == ("w2", "百步亭花园", 900)
    assert home.geometry.geom_type == "MultiPolygon"
    assert sorted((p.x, p.y) for p in home["entrances"].geoms) == [(114.003, 30.004), (114.004, 30.003)]
    facilities = frames["facilities"].set_index("code")
    assert facilities["type"].to_dict() == {"n3": "neighbourhood_shops", "w3": "park_10min"}  # 1.07 ha
    assert facilities.loc["w3"].geometry.within(facilities.loc["w3", "site"])
    assert facilities.loc["n3", "site"] is None
    assert facilities.loc["n3", "name"].startswith("社区商业网点")
    assert set(osm.read(path).frames) == {"streets"}


def test_homes_are_told_from_other_buildings(tmp_path):
    square_ = [6, 7, 8, 9, 6]
    ways = [
        (1, [1, 2], ROAD),
        (
            2,
            square_,
            {"building": "apartments", "name": "3栋", "building:flats": "48", "building:levels": "12"},
        ),
        (3, square_, {"building": "yes", "building:flats": "6", "start_date": "1998-05"}),
        (4, square_, {"building": "yes"}),
        (5, square_, {"building": "school"}),
    ]
    path = write(tmp_path / "city.osm", ways, {7: {"building": "house", "building:levels": "2.5"}})
    frames = osm.read(path, places=("buildings",)).frames
    assert set(frames) == {"streets", "buildings"}
    found = frames["buildings"].set_index("code").sort_index()
    assert found.index.tolist() == ["n7", "w2", "w3"]
    assert found.loc["w2", ["name", "households", "floors"]].tolist() == ["3栋", 48, 12]
    assert found.loc["w3", ["households", "built_year"]].tolist() == [6, 1998]
    assert found.geometry.geom_type.tolist() == ["Point", "MultiPolygon", "MultiPolygon"]
    assert found.loc["n7", "floors"] is None


def test_addresses_are_read_from_points_and_areas(tmp_path):
    ways = [
        (1, [1, 2], ROAD),
        (2, [6, 7, 8, 9, 6], {"building": "retail", "addr:street": "东风路", "addr:housenumber": "120号"}),
        (3, [6, 7, 8, 9, 6], {"addr:housenumber": "7"}),
    ]
    doors = {
        3: {"addr:street": "Calle León y Castillo", "addr:housenumber": "12", "addr:unit": "B"},
        4: {"addr:full": "望格区西街7号附1", "addr:housenumber": "7"},
    }
    found = osm.read(write(tmp_path / "city.osm", ways, doors), places=("addresses",)).frames["addresses"]
    found = found.set_index("code").sort_index()
    assert found["text"].to_dict() == {
        "n3": "Calle León y Castillo 12",
        "n4": "望格区西街7号附1",
        "w2": "东风路120号",
    }
    assert found.loc["n3", ["street", "number", "unit"]].tolist() == ["Calle León y Castillo", "12", "B"]
    assert set(found.geometry.geom_type) == {"Point"}


def test_a_residential_relation_keeps_its_hole(tmp_path):
    NODES.update(
        {
            11: (0, 10),
            12: (9, 10),
            13: (9, 19),
            14: (0, 19),
            15: (3, 13),
            16: (6, 13),
            17: (6, 16),
            18: (3, 16),
        }
    )
    ways = [(1, [1, 2], ROAD), (2, [11, 12, 13, 14, 11], {}), (3, [15, 16, 17, 18, 15], {})]
    relation = (
        '<relation id="7" version="1"><member type="way" ref="2" role="outer"/><member type="way" ref="3" role="inner"/>'
        '<tag k="type" v="multipolygon"/><tag k="landuse" v="residential"/></relation>'
    )
    frame = osm.read(write(tmp_path / "city.osm", ways, relations=relation), places=("compounds",)).frames[
        "compounds"
    ]
    assert frame["code"].tolist() == ["r7"]
    assert shapely.get_num_interior_rings(shapely.get_parts(frame.geometry.to_numpy())).tolist() == [1]


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("noise.osm.pbf", b"noise" * 200, "file-unreadable"),
        ("empty.osm", b'<osm version="0.6"></osm>', "file-empty"),
    ],
)
def test_bad_files_are_named(tmp_path, name, content, kind):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataError) as error:
        osm.read(path)
    assert [fault.kind for fault in error.value.faults] == [kind]
    with pytest.raises(DataError):
        osm.read(tmp_path / "missing.osm.pbf")


@pytest.fixture(scope="module")
def las_palmas(shared_data):
    return osm.read(shared_data / "las_palmas" / "las_palmas_2023-02-20.osm.pbf", places=osm.PLACES)


def test_las_palmas_has_its_streets(las_palmas):
    streets = las_palmas.frames["streets"]
    walkable = streets[streets["walkable"].to_numpy(dtype=bool)]
    length_km = walkable.to_crs(32628).length.sum() / 1000
    # The folder's own derivation, by somewhat other access rules, has 2,048 km and 26,337 pieces.
    assert length_km == pytest.approx(2048, rel=0.03)
    assert len(walkable) == pytest.approx(26_337, rel=0.03)
    assert not streets["code"].duplicated().any()
    assert streets.is_valid.all()


def test_las_palmas_streets_meet_only_at_their_ends(las_palmas):
    geoms = las_palmas.frames["streets"].geometry.to_numpy()
    ends = np.concatenate([shapely.get_point(geoms, 0), shapely.get_point(geoms, -1)])
    places = {tuple(xy) for xy in shapely.get_coordinates(ends)}
    xy, line = shapely.get_coordinates(geoms, return_index=True)
    inner = (line == np.roll(line, 1)) & (line == np.roll(line, -1))
    # Three ends lie on another node at the very same place in the middle of a way, which no way joins.
    assert len(places & {tuple(each) for each in xy[inner]}) == 3


def test_las_palmas_has_its_places(las_palmas):
    kinds = las_palmas.frames["facilities"]["type"].value_counts()
    assert kinds["neighbourhood_shops"] > 100
    assert kinds["kindergarten"] == pytest.approx(23, abs=10)
    assert len(las_palmas.frames["compounds"]) == 45
    assert isinstance(las_palmas.frames["compounds"], gpd.GeoDataFrame)


def test_las_palmas_has_its_homes_and_doors(las_palmas):
    homes, doors = las_palmas.frames["buildings"], las_palmas.frames["addresses"]
    # The folder's own selection has residential buildings beside 45 residential areas.
    assert len(homes) == pytest.approx(7427 - 45, rel=0.02)
    # Each way, relation and point that bears a street and a number.
    assert len(doors) == pytest.approx(15081 + 1503 + 1479 + 113 + 5 + 1, rel=0.01)
    assert doors["text"].str.contains(" ").mean() > 0.99
    assert not homes["code"].duplicated().any()
    assert not doors["code"].duplicated().any()


def test_barriers_are_what_stops_people_on_foot(tmp_path):
    tags = {
        1: {"barrier": "gate", "foot": "no"},
        2: {"barrier": "gate", "locked": "yes"},
        3: {"barrier": "gate", "access": "private"},
        4: {"barrier": "bollard"},
        5: {"barrier": "block", "access": "no", "name": "堵头"},
        6: {"barrier": "lift_gate", "access": "no", "foot": "yes"},
    }
    path = write(tmp_path / "city.osm", [(100, [1, 2, 3], ROAD)], tags)
    frame = osm.read(path, places=["barriers"]).frames["barriers"]
    assert frame["code"].tolist() == ["n1", "n2", "n5"]
    assert frame["kind"].tolist() == ["gate", "gate", "block"]
    assert frame["name"].dropna().tolist() == ["堵头"]
    assert "barriers" not in osm.read(path).frames
