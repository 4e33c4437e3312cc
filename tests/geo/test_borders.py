"""Borders on paper: squares of 1/1024 of a degree, where every segment can be counted by hand."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from shapely import MultiPolygon, box

from geo import crs, validity
from geo.borders import borders, segments
from tests.paper_city import on_map

METRIC = "EPSG:4547"


def areas(shapes):
    return gpd.GeoDataFrame(
        {"code": list(shapes)}, geometry=[on_map(shape) for shape in shapes.values()], crs="EPSG:4326"
    )


def pairs(frame):
    """Left and right of every line, sorted."""
    return sorted((left, right or "-") for left, right in zip(frame.left_code, frame.right_code, strict=True))


def length_m(*lines):
    return shapely.length(crs.to_metric([on_map(line) for line in lines], METRIC)).sum()


FOUR = {"a": box(0, 0, 2, 2), "b": box(2, 0, 4, 2), "c": box(0, 2, 2, 4), "d": box(2, 2, 4, 4)}


def test_four_squares_have_four_shared_segments_and_four_outer_ones():
    found = segments(areas(FOUR), metric=METRIC)
    assert pairs(found) == [
        ("a", "-"), ("a", "b"), ("a", "c"), ("b", "-"), ("b", "d"), ("c", "-"), ("c", "d"), ("d", "-"),
    ]  # fmt: skip
    between = found.query("left_code == 'a' and right_code == 'b'").iloc[0]
    assert between.length_m == pytest.approx(length_m(shapely.LineString([(2, 0), (2, 2)])))


def test_the_lower_code_lies_to_the_left():
    found = segments(areas(FOUR), metric=METRIC)
    (line,) = found.geometry[(found.left_code == "a") & (found.right_code == "b")]
    assert shapely.equals_exact(line, on_map(shapely.LineString([(2, 0), (2, 2)])))


def test_the_order_of_the_rows_changes_nothing():
    turned = dict(reversed(FOUR.items()))
    first, second = (segments(areas(shapes), metric=METRIC) for shapes in (FOUR, turned))
    assert pairs(first) == pairs(second)
    assert shapely.normalize(first.geometry).tolist() == shapely.normalize(second.geometry).tolist()


def test_a_t_junction_ends_a_segment_though_one_side_has_no_node_there():
    found = segments(areas({"a": box(0, 0, 4, 1), "b": box(0, 1, 2, 2), "c": box(2, 1, 4, 2)}), metric=METRIC)
    assert pairs(found) == [("a", "-"), ("a", "b"), ("a", "c"), ("b", "-"), ("b", "c"), ("c", "-")]
    assert found.length_m.sum() == pytest.approx(
        length_m(shapely.boundary(box(0, 0, 4, 2)), shapely.LineString([(0, 1), (4, 1)]),
                 shapely.LineString([(2, 1), (2, 2)])), rel=1e-6
    )  # fmt: skip


def test_an_enclave_has_one_closed_segment():
    found = segments(areas({"a": box(0, 0, 4, 4) - box(1, 1, 2, 2), "b": box(1, 1, 2, 2)}), metric=METRIC)
    assert pairs(found) == [("a", "-"), ("a", "b")]
    assert found.geometry[found.right_code == "b"].iloc[0].is_ring


def test_parts_of_one_area_have_no_border_with_each_other():
    parts = {"a": MultiPolygon([box(0, 0, 1, 1), box(2, 0, 3, 1)]), "b": box(1, 0, 2, 1)}
    found = segments(areas(parts), metric=METRIC)
    assert pairs(found) == [("a", "-"), ("a", "-"), ("a", "b"), ("a", "b"), ("b", "-"), ("b", "-")]


def test_where_only_corners_touch_segments_end():
    found = segments(areas({"a": box(0, 0, 1, 1), "b": box(1, 1, 2, 2)}), metric=METRIC)
    assert pairs(found) == [("a", "-"), ("b", "-")]
    assert shapely.get_num_coordinates(found.geometry.to_numpy()).tolist() == [5, 5]


def test_one_area_and_none_at_all():
    assert pairs(segments(areas({"a": box(0, 0, 1, 1)}), metric=METRIC)) == [("a", "-")]
    assert len(segments(areas({}), metric=METRIC)) == len(borders(areas({}), metric=METRIC)) == 0


# --- faulty layers ----------------------------------------------------------------------------------------

METRE = 1 / 100  # of a step, which is about 100 m


@pytest.mark.parametrize(
    "shapes",
    [
        {"a": box(0, 0, 2, 2), "b": box(2, 0, 4, 2), "c": box(0, 2, 4, 4) - box(1, 2, 3, 2 + 2 * METRE)},
        {"a": box(0, 0, 2 + 2 * METRE, 2), "b": box(2, 0, 4, 2), "c": box(0, 2, 4, 4)},
    ],
    ids=["a gap of 2 m", "an overlap of 2 m"],
)
def test_what_is_narrow_becomes_a_line(shapes):
    found = borders(areas(shapes), metric=METRIC)
    assert set(found.kind) == {"shared", "outer"}
    shared = found[found.kind == "shared"]
    assert pairs(shared) == [("a", "b"), ("a", "c"), ("b", "c")]
    # Two borders of 200 m and one of 200 m; a gap's or overlap's own width may be added.
    assert shared.length_m.sum() == pytest.approx(length_m(*[shapely.LineString([(0, 0), (2, 0)])] * 2)
                                                  + length_m(shapely.LineString([(0, 0), (0, 2)])), abs=10)  # fmt: skip


def test_a_wide_gap_is_a_patch_with_the_islands_in_it_left_out():
    hollow = {
        "a": box(0, 0, 4, 2) - box(1, 1, 3, 2),
        "b": box(0, 2, 4, 4) - box(1, 2, 3, 3),
        "i": box(1.5, 1.5, 2, 2.5),
    }
    found = borders(areas(hollow), metric=METRIC)
    (gap,) = found[found.kind == "gap"].itertuples()
    assert gap.codes == ("a", "b", "i")
    assert (gap.left_code, gap.right_code) == (None, None)
    expected = on_map(box(1, 1, 3, 3) - box(1.5, 1.5, 2, 2.5))
    assert gap.geometry.equals(expected)
    assert gap.area_m2 == pytest.approx(shapely.area(crs.to_metric([expected], METRIC))[0])
    # The lines around it are the gap's.
    assert pairs(found[found.kind != "gap"]) == [("a", "-"), ("a", "b"), ("a", "b"), ("b", "-")]


def test_a_wide_overlap_is_a_patch_of_its_two_areas():
    found = borders(areas({"a": box(0, 0, 3, 2), "b": box(2, 0, 5, 2)}), metric=METRIC)
    (overlap,) = found[found.kind == "overlap"].itertuples()
    assert (overlap.left_code, overlap.right_code, overlap.codes) == ("a", "b", ("a", "b"))
    assert overlap.geometry.equals(on_map(box(2, 0, 3, 2)))
    assert pairs(found[found.kind == "shared"]) == [("a", "b")]


def test_an_area_drawn_twice_is_an_overlap_of_its_whole():
    found = borders(areas({"a": box(0, 0, 2, 2), "b": box(0, 0, 2, 2), "c": box(2, 0, 3, 2)}), metric=METRIC)
    assert found[found.kind == "overlap"].codes.tolist() == [("a", "b")]


# --- promises ---------------------------------------------------------------------------------------------


@st.composite
def tilings(draw):
    """Cells of a small board, merged at random into areas that tile it exactly, holes and enclaves included."""
    side = draw(st.integers(2, 5))
    owner = draw(st.lists(st.integers(0, 5), min_size=side * side, max_size=side * side))
    cells = {}
    for number, code in enumerate(owner):
        cells.setdefault(f"{code}", []).append(
            box(number % side, number // side, number % side + 1, number // side + 1)
        )
    return {code: shapely.union_all(parts) for code, parts in cells.items()}, box(0, 0, side, side)


@given(tilings())
@settings(max_examples=30, deadline=None)
def test_every_border_of_an_exact_tiling_is_listed_once(tiling):
    shapes, whole = tiling
    found = segments(areas(shapes), metric=METRIC)
    perimeters = sum(length_m(shapely.boundary(shape)) for shape in shapes.values())
    outer = length_m(shapely.boundary(whole))
    assert found.length_m.sum() == pytest.approx((perimeters + outer) / 2, rel=1e-6)
    assert found.length_m[found.right_code.isna()].sum() == pytest.approx(outer, rel=1e-6)
    for code, shape in shapes.items():
        mine = found.length_m[(found.left_code == code) | (found.right_code == code)].sum()
        assert mine == pytest.approx(length_m(shapely.boundary(shape)), rel=1e-6)


@given(tilings(), st.sets(st.integers(0, 5), max_size=3))
@settings(max_examples=30, deadline=None)
def test_land_that_no_area_has_is_outside_or_a_gap(tiling, dropped):
    shapes, _ = tiling
    kept = {code: shape for code, shape in shapes.items() if int(code) not in dropped}
    assume(kept)
    found = borders(areas(kept), metric=METRIC)
    union = shapely.union_all([on_map(shape) for shape in kept.values()])
    filled = shapely.union_all([shapely.Polygon(part.exterior) for part in shapely.get_parts(union)])
    gaps = shapely.union_all(found.geometry[found.kind == "gap"].to_numpy())
    assert shapely.area(shapely.symmetric_difference(gaps, shapely.difference(filled, union))) < 1e-12
    outer = shapely.union_all(found.geometry[found.kind == "outer"].to_numpy())
    assert shapely.length(shapely.symmetric_difference(outer, shapely.boundary(filled))) < 1e-9


def test_the_faulty_communities_of_wuhan_have_finite_borders(shared_data):
    raw = gpd.read_file(shared_data / "wuhan" / "wuhan_communities_shifted_wgs84.geojson")
    usable = raw.assign(code=[f"{row:04}" for row in range(len(raw))])
    usable = usable.set_geometry(validity.repair(usable.geometry.to_numpy()), crs="EPSG:4326")
    found = borders(usable[usable.geometry.notna()], metric=METRIC)
    counts = found.kind.value_counts()
    assert counts["shared"] > 3000
    assert counts["overlap"] == 1
    assert np.isfinite(found.length_m).all()
    assert (found.length_m > 0).all()
    perimeter = shapely.length(crs.to_metric(usable.geometry.to_numpy(), METRIC)).sum()
    listed = 2 * found.length_m[found.kind == "shared"].sum() + found.length_m[found.kind != "shared"].sum()
    assert listed == pytest.approx(perimeter, rel=0.01)
