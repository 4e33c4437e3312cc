"""Partitions drawn with small integers: one unit is 0.001 degrees, about 100 m; and Wuhan's real faults."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo import crs, hierarchy, partition, validity

METRIC = "EPSG:4547"


def square(x, y, width=1.0, height=1.0):
    return shapely.box(114 + x / 1000, 30 + y / 1000, 114 + (x + width) / 1000, 30 + (y + height) / 1000)


def polygon(*points, holes=()):
    def place(ring):
        return [(114 + x / 1000, 30 + y / 1000) for x, y in ring]

    return shapely.Polygon(place(points), [place(ring) for ring in holes])


def frame(parent="p", **shapes):
    return gpd.GeoDataFrame(
        {"code": list(shapes), "parent_code": parent}, geometry=list(shapes.values()), crs=4326
    )


def check(areas, parents=None):
    defects = partition.check(areas, parents, metric=METRIC)
    return [(kind, tuple(codes)) for kind, codes in defects[["kind", "codes"]].to_numpy()], defects


FOUR = {"a": square(0, 0), "b": square(1, 0), "c": square(0, 1), "d": square(1, 1)}
PARENT = frame(p=square(0, 0, 2, 2))


@pytest.mark.parametrize("parents", [None, PARENT], ids=["alone", "in a parent"])
def test_squares_that_tile_have_no_defect(parents):
    found, defects = check(frame(**FOUR), parents)
    assert found == []
    assert list(defects.columns) == ["kind", "codes", "size", "unit", "message", "geometry"]


@pytest.mark.parametrize("parents", [None, PARENT], ids=["alone", "in a parent"])
def test_no_areas_at_all(parents):
    found, _ = check(frame(), parents)
    assert found == ([] if parents is None else [("gap-at-parent", ("p",))])


def test_an_overlap_is_found_and_measured():
    found, defects = check(frame(a=square(0, 0, 1.5, 1), b=square(1, 0)))
    assert ("overlap", ("a", "b")) in found
    overlap = defects[defects["kind"] == "overlap"].iloc[0]
    true = shapely.area(crs.to_metric([square(1, 0, 0.5, 1)], METRIC))[0]
    assert overlap["size"] == pytest.approx(true, rel=1e-6)
    assert overlap["unit"] == "m2"


def test_one_area_inside_another_overlaps_it():
    found, _ = check(frame(a=square(0, 0, 3, 3), b=square(1, 1)))
    assert found == [("overlap", ("a", "b"))]


def test_the_same_shape_twice_is_a_duplicate_and_not_an_overlap():
    again = shapely.reverse(FOUR["a"])
    assert check(frame(**FOUR, z=again))[0] == [("duplicate-geometry", ("a", "z"))]


def test_areas_that_touch_at_a_corner_only_are_no_overlap():
    assert check(frame(a=square(0, 0), d=square(1, 1)))[0] == []


def test_a_missing_square_in_the_middle_is_an_enclosed_gap():
    nine = {f"g{x}{y}": square(x, y) for x in range(3) for y in range(3)}
    centre = nine.pop("g11")
    for parents in (None, frame(p=square(0, 0, 3, 3))):
        found, defects = check(frame(**nine), parents)
        assert found == [("gap-enclosed", tuple(sorted(nine)))]
        assert defects.geometry[0].equals(centre)


def test_a_narrow_hole_is_a_gap_and_a_wide_one_an_enclosed_gap():
    slit = polygon((0.4, 0.5), (0.6, 0.5), (0.5, 0.503))  # 0.3 m high at most
    for hole, kind in ((slit, "gap"), (square(0.2, 0.2, 0.5, 0.5), "gap-enclosed")):
        found, _ = check(frame(a=shapely.difference(square(0, 0), hole)))
        assert found == [(kind, ("a",))]


def test_a_slit_open_to_the_outside_is_found_without_a_parent():
    # 20 cm between two squares: no hole in their union.
    found, defects = check(frame(a=square(0, 0), b=square(1.002, 0)))
    assert {kind for kind, _ in found} == {"gap"}
    assert set(defects["unit"]) == {"m"}
    assert check(frame(a=square(0, 0), b=square(1.1, 0)))[0] == []  # ten metres are no slit


def test_what_a_parent_has_and_no_area_covers_is_a_gap_at_its_border():
    areas = dict(FOUR)
    del areas["d"]
    found, defects = check(frame(**areas), PARENT)
    assert found == [("gap-at-parent", ("a", "b", "c", "p"))]
    assert defects.geometry[0].equals(FOUR["d"])


def test_an_area_beyond_its_parent_is_measured():
    wider = polygon((1, 1), (2, 1), (2.5, 1), (2.5, 2), (1, 2))
    found, defects = check(frame(**{**FOUR, "d": wider}), PARENT)
    assert found == [("outside-parent", ("d", "p"))]
    true = shapely.area(crs.to_metric([square(2, 1, 0.5, 1)], METRIC))[0]
    assert defects["size"][0] == pytest.approx(true, rel=1e-6)


def test_a_neighbours_child_in_a_parent_is_outside_its_own_but_leaves_no_gap():
    parents = frame(p=square(0, 0, 1, 2), q=square(1, 0, 1, 2))
    areas = frame(**FOUR)
    areas["parent_code"] = ["p", "q", "p", "p"]  # d lies in q
    assert check(areas, parents)[0] == [("outside-parent", ("d", "p"))]


def test_a_borders_bend_of_millimetres_is_unmatched_and_neither_a_gap_nor_outside():
    bent = polygon((0, 0), (1, -0.0001), (2, 0), (2, 1), (2, 2), (1, 1.9999), (0, 2), (0, 1))
    found, defects = check(frame(**FOUR), frame(p=bent))
    assert {kind for kind, _ in found} == {"border-unmatched"}
    # One edge of 200 m lies a centimetre inside the parent, one of two times 100 m outside.
    assert sorted(codes for _, codes in found) == [("a", "b", "p"), ("c", "p"), ("d", "p")]
    assert defects["size"].tolist() == pytest.approx([193, 96, 96], abs=1)
    assert set(defects["unit"]) == {"m"}


def test_a_node_on_one_side_only_is_a_t_junction():
    found, defects = check(frame(a=square(0, 0, 2, 1), c=FOUR["c"], d=FOUR["d"]))
    assert found == [("t-junction", ("a", "d"))]
    assert shapely.equals_exact(defects.geometry[0], shapely.Point(114.001, 30.001), tolerance=1e-12)


def test_a_thin_part_is_a_sliver():
    thin = square(5, 0, 1, 0.002)  # 100 m by 20 cm
    found, _ = check(frame(a=shapely.union(square(0, 0), thin)))
    assert found == [("sliver", ("a",))]


def test_what_is_not_valid_is_listed_and_the_rest_is_checked():
    bow_tie = polygon((0, 0), (2, 2), (2, 0), (0, 2))
    found, defects = check(frame(a=bow_tie, b=None, c=square(5, 5), d=square(5.5, 5)))
    assert ("geometry-invalid", ("a",)) in found
    assert ("geometry-missing", ("b",)) in found
    assert ("overlap", ("c", "d")) in found
    place = defects[defects["kind"] == "geometry-invalid"].geometry.iloc[0]
    assert shapely.equals_exact(place, shapely.Point(114.001, 30.001), tolerance=1e-9)


@settings(max_examples=40, deadline=None)
@given(st.sets(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1), st.data())
def test_cells_of_a_lattice_always_tile_and_any_shifted_one_never_does(cells, data):
    areas = {f"g{x}{y}": square(x, y) for x, y in cells}
    parent = frame(p=shapely.union_all(list(areas.values())))
    assert check(frame(**areas), parent)[0] == []
    moved = data.draw(st.sampled_from(sorted(areas)))
    shift = data.draw(st.sampled_from([(0.3, 0), (0, 0.3), (0.2, 0.2)]))
    areas[moved] = shapely.transform(areas[moved], lambda xy: xy + np.array(shift) / 1000)
    kinds = {kind for kind, _ in check(frame(**areas), parent)[0]}
    assert "outside-parent" in kinds or "overlap" in kinds
    assert kinds & {"gap", "gap-enclosed", "gap-at-parent"}


@pytest.fixture(scope="module")
def wuhan(shared_data):
    raw = gpd.read_file(shared_data / "wuhan" / "wuhan_communities_raw_epsg4547.gpkg")
    codes = [f"{number:.1f}-{row}" for row, number in enumerate(raw["community_no"])]
    stored = crs.geometries_to_lonlat(raw.geometry.to_numpy(), crs.parse("EPSG:4547"))
    return gpd.GeoDataFrame({"code": codes}, geometry=stored, crs=4326)


def test_the_documented_faults_of_wuhans_communities_come_out(wuhan):
    defects = partition.check(wuhan, None, metric=METRIC)
    count = defects["kind"].value_counts()
    assert count["geometry-invalid"] == 4
    holes = defects[defects["kind"].isin(["gap", "gap-enclosed"]) & (defects["unit"] == "m2")]
    assert abs(len(holes) - 1338) < 10  # some tenths of a millimetre close or open once stored as degrees
    overlaps = defects[defects["kind"] == "overlap"]
    assert overlaps["size"].iloc[0] == pytest.approx(13.8e6, rel=0.01)
    assert [code.split("-")[0] for code in overlaps["codes"].iloc[0]] == ["1366.5", "1366.8"]
    assert overlaps["size"].iloc[1] < 1


def test_wuhans_communities_find_their_districts_and_leave_them(wuhan, shared_data):
    districts = gpd.read_file(shared_data / "wuhan" / "wuhan_districts_wgs84.geojson")
    districts["code"] = districts["adcode"].astype(str)
    areas = wuhan.set_geometry(validity.repair(wuhan.geometry.to_numpy()), crs=4326)
    found = hierarchy.parents_by_location(areas, districts, metric=METRIC)
    assert found["parent_code"].notna().all()
    defects = partition.check(areas.assign(parent_code=found["parent_code"]), districts, metric=METRIC)
    # The file lies 60 m off, so that many communities at a district's border leave it.
    assert (defects["kind"] == "outside-parent").sum() > 50
