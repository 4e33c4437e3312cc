"""The rule table, on paper squares of 1/1024 of a degree (about 94 by 108 m) near Wuhan.

One layer of all kinds: neighbours with a shared edge, a T-junction, a hole, an enclave, a multi-part area, a
diagonal border, areas that overlap, and a gap narrower and one wider than the tolerance.
"""

from concurrent.futures import ThreadPoolExecutor

import geopandas as gpd
import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import MultiPolygon, Polygon, box
from shapely.affinity import affine_transform

from geo.assign import INSIDE, RULES, AreaIndex, Assigned, compile_kernels, lookup
from geo.assign.cell_building import areas_at_middles, build_tiles, edges_by_tile
from tests.geo.shapes import assert_equals_geos, neighbours, special_points

METRIC = "EPSG:4547"
GEOD = pyproj.Geod(ellps="WGS84")
# Exact in binary, so that what is collinear on paper is collinear on the map.
STEP = 1 / 1024
LON, LAT = 114.25, 30.5


def on_map(shape):
    """Put paper coordinates on the map."""
    return affine_transform(shape, (STEP, 0, 0, STEP, LON, LAT))


def layer(shapes):
    return gpd.GeoDataFrame(
        {"code": list(shapes), "name": list(shapes)},
        geometry=[on_map(shape) for shape in shapes.values()],
        crs="EPSG:4326",
    )


ALL_KINDS = {
    "b": box(0, 0, 4, 4),
    "a": box(4, 0, 8, 4),  # shares an edge with b; its code is lower
    "c": box(0, 4, 8, 8) - box(2, 5, 4, 7),  # T-junction at (4, 4); a hole
    "d": box(2.5, 5.5, 3.5, 6.5),  # in the hole, not filling it
    "e": MultiPolygon([box(9, 0, 10, 1), box(9, 3, 10, 4)]),  # 1 cell from a
    "f": Polygon([(8, 4), (12, 4), (12, 8)]),  # a diagonal border
    "g": box(10, 5, 14, 7),  # overlaps f
    "h": box(8.2, 1, 8.8, 2),  # 20 m off a
    "Ω": box(12, 8, 13, 9),  # touches f in a point
    "网": box(13, 8, 14, 9),
}


@pytest.fixture(scope="module")
def index():
    return AreaIndex(layer(ALL_KINDS), metric=METRIC)


def ask(index, x, y, **options):
    point = on_map(shapely.Point(x, y))
    return index.assign([point.x], [point.y], **options)


def answer(assigned, point=0):
    return assigned.area_code[point], assigned.rule_name[point], assigned.candidates(point)


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [
        (1, 1, ("b", "inside", ["b"])),
        (4, 2, ("a", "border", ["a", "b"])),  # a shared edge: the lowest code
        (4, 4, ("a", "border", ["a", "b", "c"])),  # three meet
        (2, 4, ("b", "border", ["b", "c"])),  # middle of an edge whose neighbour has other nodes
        (0, 0, ("b", "border", ["b"])),  # corner of the outer border
        (2, 0, ("b", "border", ["b"])),  # outer border
        (2, 6, ("c", "border", ["c"])),  # edge of a hole
        (3, 6, ("d", "inside", ["d"])),  # an enclave in the hole
        (9.5, 0.5, ("e", "inside", ["e"])),  # one part
        (9.5, 3.5, ("e", "inside", ["e"])),  # the other
        (11, 6, ("f", "overlap", ["f", "g"])),
        (12, 6, ("g", "overlap", ["f", "g"])),  # on the boundary of f, in the interior of g
        (10, 6, ("f", "border", ["f", "g"])),  # on the boundaries of both
        (11, 7, ("f", "border", ["f", "g"])),  # where the boundaries cross
        (13, 8.5, ("Ω", "border", ["Ω", "网"])),  # byte by byte: Greek before Chinese
        (9.5, 4.2, ("f", "inside", ["f"])),
        (8, 8.2, ("c", "nearest", ["c"])),
        (8.1, 1.5, ("a", "nearest", ["a", "h"])),  # half-way: tied
        (8.11, 1.5, ("h", "nearest", ["h"])),
        (20, 20, (None, "none", [])),
        (-0.6, 2, (None, "none", [])),  # 57 m off
    ],
)
def test_rule(index, x, y, expected):
    assert answer(ask(index, x, y)) == expected


def test_tie_within_a_millimetre_goes_to_the_lowest_code():
    areas = layer({"z": box(0, 0, 1, 1), "y": box(1.4, 0, 2.4, 1)})
    index = AreaIndex(areas, metric=METRIC)
    metre = 1 / 95_900 / STEP  # of longitude here, in paper units
    assert answer(ask(index, 1.2, 0.5)) == ("y", "nearest", ["y", "z"])
    assert answer(ask(index, 1.2 - 0.0004 * metre, 0.5)) == ("y", "nearest", ["y", "z"])
    assert answer(ask(index, 1.2 - 0.0010 * metre, 0.5)) == ("z", "nearest", ["z"])
    assert answer(ask(index, 1.2 + 0.0010 * metre, 0.5)) == ("y", "nearest", ["y"])


def test_tolerance_is_a_distance_on_the_ground(index):
    lon, lat = LON + 0.0005, LAT
    for metres, rule in ((49.98, "nearest"), (50.02, "none")):
        lon_, lat_, _ = GEOD.fwd(lon, lat, 180, metres)
        found = index.assign([lon_], [lat_])
        assert found.rule_name[0] == rule
        if rule == "nearest":
            assert found.distance_m[0] == pytest.approx(metres, abs=0.01)
        else:
            assert np.isnan(found.distance_m[0])


def test_tolerance_zero_switches_nearest_off():
    index = AreaIndex(layer(ALL_KINDS), metric=METRIC, tolerance_m=0)
    assert answer(ask(index, 8, 8.2)) == (None, "none", [])
    assert answer(ask(index, 4, 2)) == ("a", "border", ["a", "b"])


def test_margin_is_the_distance_to_the_border(index):
    inside = ask(index, 1, 2, margin=True)
    expected = GEOD.inv(LON, LAT + 2 * STEP, LON + STEP, LAT + 2 * STEP)[2]
    assert inside.margin_m[0] == pytest.approx(expected, abs=0.01)
    assert ask(index, 4, 2, margin=True).margin_m[0] == 0
    for x, y in ((11, 6), (8, 8.2), (20, 20)):  # overlap, nearest, none
        assert np.isnan(ask(index, x, y, margin=True).margin_m[0])
    assert np.isnan(ask(index, 1, 1).margin_m[0])


@pytest.mark.parametrize("lon", [114.0, 115.4])  # the middle of the zone, its edge
def test_margin_of_a_large_area_is_within_5_in_10000(lon):
    south, north = 30.0, 30.4
    area = gpd.GeoDataFrame(
        {"code": ["a"]}, geometry=[box(lon - 0.2, south, lon + 0.2, north)], crs="EPSG:4326"
    )
    index = AreaIndex(area, metric=METRIC)
    y = np.linspace(south + 0.001, north - 0.001, 9)
    x = np.full_like(y, lon - 0.05)
    edge = shapely.segmentize(shapely.boundary(area.geometry[0]), 2e-5)
    border = shapely.get_coordinates(edge)
    found = index.assign(x, y, margin=True).margin_m
    for k in range(len(y)):
        geodesic = GEOD.inv(
            np.full(len(border), x[k]), np.full(len(border), y[k]), border[:, 0], border[:, 1]
        )[2]
        assert found[k] == pytest.approx(geodesic.min(), rel=5e-4, abs=0.01)


def test_margin_is_zero_only_on_a_border(index):
    lon = np.nextafter(LON + 4 * STEP, [0, 180])
    found = index.assign(lon, np.full(2, LAT + 2 * STEP), margin=True)
    assert list(found.rule_name) == ["inside", "inside"]
    assert (found.margin_m > 0).all()


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [
        (3.9, 2, "a"),  # across a shared edge
        (0.1, 2, None),  # across the outer border
        (4, 2, "b"),  # on the border itself: the answer is a
        (0, 2, None),
        (4, 4, "b"),  # three meet: a answers, b is the lowest of the others
        (3.9, 3.95, "c"),  # in b, nearest to c
        (3.9, 3.9, "a"),  # in b, as near to a as to c: the nearest point is one of two, whichever is first
        (3, 6, "c"),  # an enclave: across the gap around it, 47 m
        (8.3, 1.5, "a"),  # across a gap of 19 m
        (2, 7.9, None),
        (9.9, 4.1, "f"),
        (10.1, 5.5, "f"),  # in g, whose border here lies within f
        (11, 6, None),  # an overlap has no one border
        (8, 8.2, None),  # nearest
    ],
)
def test_neighbour_across_the_nearest_border(index, x, y, expected):
    found = ask(index, x, y, margin=True)
    if (x, y) == (3.9, 3.9):
        assert index.codes[found.neighbour[0]] in ("a", "c")
    elif (x, y) == (9.9, 4.1):
        assert index.codes[found.area[0]] == expected
    elif (x, y) == (10.1, 5.5):
        assert found.rule_name[0] == "overlap" or index.codes[found.neighbour[0]] == expected
    else:
        assert (index.codes[found.neighbour[0]] if found.neighbour[0] >= 0 else None) == expected
    assert ask(index, x, y).neighbour[0] == -1  # not asked for


def test_neighbour_over_a_gap_wider_than_the_tolerance():
    areas = layer({"a": box(0, 0, 1, 1), "b": box(1.6, 0, 2.6, 1)})  # 56 m apart
    assert ask(AreaIndex(areas, metric=METRIC), 0.9, 0.5, margin=True).neighbour[0] == -1
    assert ask(AreaIndex(areas, metric=METRIC, tolerance_m=60), 0.9, 0.5, margin=True).neighbour[0] == 1


def test_one_without_margin(index):
    point = on_map(shapely.Point(1, 2))
    one = index.one(point.x, point.y, margin=False)
    assert (one.area, one.rule, one.neighbour, one.listed) == (0, INSIDE, -1, (0,))
    assert np.isnan(one.margin_m)
    assert np.isnan(one.distance_m)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_one_coordinate_that_is_no_number_is_refused(index, bad):
    with pytest.raises(ValueError, match="finite"):
        index.one(bad, 30.0)
    with pytest.raises(ValueError, match="finite"):
        index.one(114.0, bad)


def test_nothing_is_compiled_once_all_is(index):
    compile_kernels()
    asked = [lookup.one, lookup.candidates, lookup.by_tile, lookup.assign_simple, lookup.assign_rest]
    asked += [lookup.margins, lookup.to_rows, build_tiles, edges_by_tile, areas_at_middles]
    before = [len(kernel.signatures) for kernel in asked]
    lon = np.linspace(LON, LON + 0.01, 20_000)
    lon.flags.writeable = False
    index.assign(lon, np.full(20_000, LAT + 0.001), margin=True)
    index.assign([114], [30])
    index.assign(np.array([114.25], dtype=np.float32), np.array([30.5], dtype=np.float32), margin=True)
    index.one(114, 30)
    index.one(np.float64(LON), LAT)
    index.patched(layer({"b": box(0, 0, 4, 3)}), ["a"]).one(LON, LAT)
    index.one(LON + 4 * STEP, LAT + 2 * STEP)
    assert [len(kernel.signatures) for kernel in asked] == before == [1] * len(asked)


def test_layer_without_areas():
    index = AreaIndex(layer({}), metric=METRIC)
    assert len(index) == 0
    assert answer(index.assign([114.3], [30.6], margin=True)) == (None, "none", [])
    one = index.one(0.5, 0.5)
    assert (one.area, RULES[one.rule], one.neighbour, one.listed) == (-1, "none", -1, ())


def test_no_points(index):
    assert len(index.assign([], [], margin=True)) == 0


def test_areas_without_geometry_hold_nothing():
    areas = layer({"a": box(0, 0, 1, 1), "b": Polygon(), "c": box(1, 0, 2, 1)})
    areas.geometry = [areas.geometry[0], areas.geometry[1], None]
    index = AreaIndex(areas, metric=METRIC)
    assert answer(ask(index, 0.5, 0.5)) == ("a", "inside", ["a"])
    assert answer(ask(index, 1.9, 0.5)) == (None, "none", [])


def test_one_tiny_area_far_from_the_others():
    index = AreaIndex(layer({"a": box(0, 0, 1, 1), "b": box(3000, 2000, 3000.001, 2000.001)}), metric=METRIC)
    assert answer(ask(index, 3000.0005, 2000.0005)) == ("b", "inside", ["b"])
    assert answer(ask(index, 0.5, 0.5)) == ("a", "inside", ["a"])
    assert answer(ask(index, 0.5, 1.4)) == ("a", "nearest", ["a"])


def test_answers_point_at_the_rows_of_the_frame(index):
    found = ask(index, 4, 2)
    assert list(ALL_KINDS)[found.area[0]] == "a"


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_coordinate_that_is_no_number_is_refused(index, bad):
    with pytest.raises(ValueError, match="finite"):
        index.assign([bad], [30.0])


# --- promises ---------------------------------------------------------------------------------------------


def by_predicates(areas, lon, lat):
    """The rule table by plain, unprepared predicates, one point and one area at a time."""
    shapes = shapely.from_wkb(shapely.to_wkb(areas.geometry.to_numpy()))
    point = shapely.Point(lon, lat)
    interior = sorted(
        code for code, shape in zip(areas["code"], shapes, strict=True) if shape.contains(point)
    )
    boundary = sorted(code for code, shape in zip(areas["code"], shapes, strict=True) if shape.touches(point))
    touched = sorted(interior + boundary)
    if not touched:
        return None
    if not interior:
        return boundary[0], "border", touched
    return interior[0], "inside" if len(touched) == 1 else "overlap", touched


def assert_one_is(one, together, k):
    """The answer for one point says what the answers for all say of it."""
    assert (one.area, one.rule, one.neighbour) == (together.area[k], together.rule[k], together.neighbour[k])
    np.testing.assert_array_equal(
        [one.distance_m, one.margin_m], [together.distance_m[k], together.margin_m[k]]
    )
    assert [str(together.codes[row]) for row in one.listed] == together.candidates(k)


def check(areas, index, lon, lat):
    """Bulk equals one at a time equals plain predicates; nearest equals the geodesic."""
    together: Assigned = index.assign(lon, lat, margin=True)
    for k in range(len(lon)):
        alone = index.assign(lon[k : k + 1], lat[k : k + 1], margin=True)
        assert answer(alone) == answer(together, k)
        np.testing.assert_array_equal(alone.distance_m, together.distance_m[k : k + 1])
        np.testing.assert_array_equal(alone.margin_m, together.margin_m[k : k + 1])
        np.testing.assert_array_equal(alone.neighbour, together.neighbour[k : k + 1])
        assert_one_is(index.one(lon[k], lat[k]), together, k)
        expected = by_predicates(areas, lon[k], lat[k])
        if expected is None:
            assert together.rule_name[k] in ("nearest", "none")
            assert (together.area[k] < 0) == (together.rule_name[k] == "none")
        else:
            assert answer(together, k) == expected
        assert (together.margin_m[k] == 0) == (together.rule_name[k] == "border")


def test_corners_edges_and_their_last_bit_neighbours(index):
    areas = layer(ALL_KINDS)
    check(areas, index, *neighbours(*special_points(areas)))


@st.composite
def paper_layers(draw):
    """Up to eight areas with integer corners: triangles and quadrilaterals, with holes, in parts, overlapping."""
    corner = st.tuples(st.integers(0, 9), st.integers(0, 9))
    shapes = {}
    for number in range(draw(st.integers(1, 8))):
        shape = shapely.convex_hull(shapely.MultiPoint(draw(st.lists(corner, min_size=3, max_size=5))))
        kind = draw(st.sampled_from(["plain", "plain", "hole", "parts"]))
        if kind == "hole":
            shape -= shapely.affinity.scale(shape, 0.5, 0.5)
        elif kind == "parts":
            shape = shape.union(shapely.affinity.translate(shape, 11, 0))
        if shape.geom_type in ("Polygon", "MultiPolygon") and not shape.is_empty:
            shapes[f"{(number * 5) % 8}"] = shape
    return layer(shapes)


@settings(max_examples=40, deadline=None)
@given(areas=paper_layers(), seed=st.integers(0, 2**32 - 1))
def test_equals_plain_predicates_on_any_layer(areas, seed):
    index = AreaIndex(areas, metric=METRIC)
    random = np.random.default_rng(seed)
    corners = special_points(areas)
    lattice = LON + random.integers(-1, 22, 20) * STEP, LAT + random.integers(-1, 11, 20) * STEP
    anywhere = LON + random.uniform(-1, 22, 20) * STEP, LAT + random.uniform(-1, 11, 20) * STEP
    lon, lat = (np.concatenate(parts) for parts in zip(corners, lattice, anywhere, strict=True))
    some = random.permutation(len(lon))[:30]
    check(areas, index, *neighbours(lon[some], lat[some]))


@settings(max_examples=60, deadline=None)
@given(x=st.floats(-0.7, 15), y=st.floats(-0.7, 9.7))
def test_nearest_is_the_least_geodesic_distance(index, x, y):
    found = ask(index, x, y)
    if found.rule_name[0] not in ("nearest", "none"):
        return
    point = on_map(shapely.Point(x, y))
    edges = shapely.segmentize(shapely.boundary(layer(ALL_KINDS).geometry.to_numpy()), STEP / 100)
    corners, area = shapely.get_coordinates(edges, return_index=True)
    metres = GEOD.inv(
        np.full(len(corners), point.x), np.full(len(corners), point.y), corners[:, 0], corners[:, 1]
    )[2]
    # Between corners 1.1 m apart the true distance is less by 0.6 m at most, and by millimetres far away.
    if found.rule_name[0] == "none":
        assert metres.min() > 50 - 0.01
    else:
        assert found.distance_m[0] <= metres.min() + 0.01
        assert found.distance_m[0] >= metres[area == found.area[0]].min() - 0.6


def test_threads_share_an_index():
    areas = layer(ALL_KINDS)
    random = np.random.default_rng(1)
    lon, lat = LON + random.uniform(-1, 15, 20_000) * STEP, LAT + random.uniform(-1, 10, 20_000) * STEP
    expected = AreaIndex(areas, metric=METRIC).assign(lon, lat, margin=True)
    fresh = AreaIndex(areas, metric=METRIC)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: fresh.assign(lon, lat, margin=True), range(8)))
    for one in found:
        np.testing.assert_array_equal(one.area, expected.area)
        np.testing.assert_array_equal(one.rule, expected.rule)
        np.testing.assert_array_equal(one.margin_m, expected.margin_m)


# --- real areas -------------------------------------------------------------------------------------------


def test_wuhan_communities_equal_plain_shapely(shared_data):
    areas = gpd.read_file(shared_data / "wuhan" / "wuhan_communities_shifted_wgs84.geojson")
    areas["code"] = [f"{number:015d}" for number in range(len(areas))]
    index = AreaIndex(areas, metric=METRIC)
    random = np.random.default_rng(7)
    west, south, east, north = areas.total_bounds
    lon, lat = special_points(areas)
    some = random.permutation(len(lon))[:3000]
    lon = np.concatenate([lon[some], random.uniform(west, east, 20_000)])
    lat = np.concatenate([lat[some], random.uniform(south, north, 20_000)])
    near_lon, near_lat = neighbours(lon[:500], lat[:500])
    lon, lat = np.concatenate([lon, near_lon]), np.concatenate([lat, near_lat])
    found = index.assign(lon, lat)
    # The duplicated community and the overlapping pair are in the layer: every rule occurs.
    assert set(found.rule_name) == set(RULES)
    assert_equals_geos(areas, found, lon, lat)
