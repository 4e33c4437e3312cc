"""A patched index answers as a new one of the changed areas would."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import Polygon, box

from geo.assign import AreaIndex
from tests.geo.shapes import assert_equals_geos, coded, lattice, neighbours, special_points

METRIC = "EPSG:4547"
STEP = 1 / 1024
LON, LAT = 114.25, 30.5


def on_map(shape):
    return shapely.affinity.affine_transform(shape, (STEP, 0, 0, STEP, LON, LAT))


def layer(shapes):
    return coded([on_map(shape) for shape in shapes.values()], list(shapes))


def after(shapes, upserts, removed):
    """The areas after a change: those that stay keep their order, new ones follow."""
    kept = {
        code: upserts.get(code, shape)
        for code, shape in shapes.items()
        if code in upserts or code not in removed
    }
    return kept | {code: shape for code, shape in upserts.items() if code not in kept}


def assert_same_answers(index, other, lon, lat):
    assert list(index.codes) == list(other.codes)
    mine, theirs = (one.assign(lon, lat, margin=True) for one in (index, other))
    for name in ("area", "rule", "distance_m", "margin_m", "neighbour", "listed_point", "listed_area"):
        np.testing.assert_array_equal(getattr(mine, name), getattr(theirs, name), err_msg=name)


def probes(areas):
    """Corners, points of edges, their last-bit neighbours, and a lattice of other points."""
    lon, lat = neighbours(*special_points(areas))
    x, y = (values.ravel() * STEP for values in np.meshgrid(np.arange(-2, 24, 0.37), np.arange(-2, 12, 0.41)))
    return np.concatenate([lon, LON + x]), np.concatenate([lat, LAT + y])


SHAPES = {"b": box(0, 0, 4, 4), "a": box(4, 0, 8, 4), "d": box(0, 4, 8, 8), "c": box(8, 0, 12, 8)}


@pytest.mark.parametrize(
    ("upserts", "removed"),
    [
        ({"a": box(5, 0, 8, 4)}, []),  # a gap opens
        ({"a": box(3, 0, 8, 4)}, []),  # an overlap
        ({"a": box(3, 0, 8, 4), "b": box(0, 0, 3, 4)}, []),  # the border moves
        ({}, ["a"]),
        ({"a": box(4, 0, 6, 4), "aa": box(6, 0, 8, 4)}, []),  # a split: the new code sorts between others
        ({"a": box(0, 0, 8, 4)}, ["b"]),  # a merger
        ({"e": box(12, 0, 13, 8)}, []),  # beyond what there was
        ({"e": box(600, 400, 601, 401)}, []),  # far beyond
        ({"a": Polygon()}, []),
        ({}, ["a", "b", "c", "d"]),
        ({}, []),
        ({"a": box(4, 0, 8, 4)}, ["a"]),  # removed and given again: given
        ({}, ["nobody"]),
        ({"b": box(0, 0, 4, 4) - box(1, 1, 2, 2), "e": box(1, 1, 2, 2)}, ["c"]),
    ],
)
def test_change(upserts, removed):
    index = AreaIndex(layer(SHAPES), metric=METRIC)
    patched = index.patched(layer(upserts), removed)
    changed = after(SHAPES, upserts, removed)
    lon, lat = probes(layer(SHAPES | {code: shape for code, shape in changed.items() if not shape.is_empty}))
    assert_same_answers(patched, AreaIndex(layer(changed), metric=METRIC), lon, lat)
    assert_same_answers(index, AreaIndex(layer(SHAPES), metric=METRIC), lon, lat)


def test_first_areas_of_an_empty_index():
    patched = AreaIndex(layer({}), metric=METRIC).patched(layer(SHAPES), [])
    assert_same_answers(patched, AreaIndex(layer(SHAPES), metric=METRIC), *probes(layer(SHAPES)))


@st.composite
def paper_shapes(draw):
    corner = st.tuples(st.integers(0, 9), st.integers(0, 9))
    shapes = {}
    for number in draw(st.lists(st.integers(0, 9), unique=True, max_size=6)):
        shape = shapely.convex_hull(shapely.MultiPoint(draw(st.lists(corner, min_size=3, max_size=5))))
        if draw(st.booleans()):
            shape -= shapely.affinity.scale(shape, 0.5, 0.5)
        if shape.geom_type == "Polygon" and not shape.is_empty:
            shapes[str(number)] = shape
    return shapes


@settings(max_examples=40, deadline=None)
@given(
    shapes=paper_shapes(), changes=st.lists(st.tuples(paper_shapes(), st.sets(st.integers(0, 9))), max_size=4)
)
def test_any_chain_of_changes(shapes, changes):
    index = AreaIndex(layer(shapes), metric=METRIC)
    for upserts, removed in changes:
        codes = [str(number) for number in removed]
        index, shapes = index.patched(layer(upserts), codes), after(shapes, upserts, codes)
    random = np.random.default_rng(1)
    lon, lat = LON + STEP * random.uniform(-1, 10, 300), LAT + STEP * random.uniform(-1, 10, 300)
    if shapes:
        corners = special_points(layer(shapes))
        lon, lat = np.concatenate([lon, corners[0]]), np.concatenate([lat, corners[1]])
    assert_same_answers(index, AreaIndex(layer(shapes), metric=METRIC), lon, lat)


def test_two_changes_of_the_same_index():
    """Drafts side by side: neither sees the other."""
    areas = lattice(6)
    index = AreaIndex(areas, metric=METRIC)
    random = np.random.default_rng(4)
    west, south, east, north = areas.total_bounds
    lon, lat = random.uniform(west, east, 20_000), random.uniform(south, north, 20_000)
    merged = [shapely.union(areas.geometry[k], areas.geometry[k + 1]) for k in (7, 20)]
    both = [
        index.patched(coded([merged[0]], ["00007"]), ["00008"]),
        index.patched(coded([merged[1]], ["00020"]), ["00021"]),
    ]
    for patched, row in zip(both, (7, 20), strict=True):
        changed = areas.drop(index=row + 1).reset_index(drop=True)
        changed.loc[row, "geometry"] = merged[0] if row == 7 else merged[1]
        assert_equals_geos(changed, patched.assign(lon, lat), lon, lat)
        assert_same_answers(patched, AreaIndex(changed, metric=METRIC), lon, lat)
    assert_equals_geos(areas, index.assign(lon, lat), lon, lat)


def test_versions_share_what_did_not_change():
    areas = lattice(10)
    index = AreaIndex(areas, metric=METRIC)
    moved = shapely.affinity.translate(areas.geometry[44], 0.0001, 0)
    arrays, patched = index._built.index.outlines, index.patched(coded([moved], ["00044"]), [])
    assert np.shares_memory(arrays.corners, patched._built.index.outlines.corners)
    assert patched.nbytes < 1.2 * index.nbytes


def test_memory_stays_bounded_over_many_patches():
    areas = lattice(4)
    index = fresh = AreaIndex(areas, metric=METRIC)
    for k in range(60):
        moved = shapely.affinity.translate(areas.geometry[k % 16], 0.0001 * (k % 3), 0)
        index = index.patched(coded([moved], [f"{k % 16:05d}"]), [])
    assert index.nbytes < 3 * fresh.nbytes
