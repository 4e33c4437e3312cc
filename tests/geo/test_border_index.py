"""Doubtful points and the borders they lie at, on paper."""

from dataclasses import replace

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import box

from geo import crs
from geo.assign import AreaIndex
from geo.border_index import BorderIndex, doubtful
from tests.geo.test_borders import FOUR, METRE, METRIC, areas
from tests.paper_city import point

#: A square of four, the last cut short so that land is missing, an overlap, and a yard that none has.
FAULTY = {
    "a": box(0, 0, 2, 2) - box(0.5, 0.5, 1.5, 1.5),
    "b": box(2, 0, 4, 2),
    "c": box(0, 2, 2, 4),
    "d": box(1.5, 2, 4, 4),
}


def asked(shapes, places, *, within_m=20.0):
    """Kind and codes of the border of each place, None where there is none."""
    frame = areas(shapes)
    index = BorderIndex(frame, metric=METRIC)
    lon, lat = np.array([point(*place) for place in places]).T
    assigned = AreaIndex(frame, metric=METRIC).assign(lon, lat, margin=True)
    rows = index.attribute(lon, lat, assigned, within_m=within_m)
    return [None if row < 0 else (index.frame.kind[row], *index.frame.codes[row]) for row in rows]


@pytest.mark.parametrize(
    ("place", "border"),
    [
        ((1, 1.9), ("shared", "a", "c")),
        ((1.9, 1), ("shared", "a", "b")),
        ((2.1, 1), ("shared", "a", "b")),
        ((1, 2), ("shared", "a", "c")),
        ((1, 0.1), ("outer", "a")),
        ((1, -0.1), ("outer", "a")),
        ((1, -4), ("outer", "a")),
        ((1, -8), None),
        ((1, 1), None),
    ],
    ids=[
        "inside",
        "to the left",
        "to the right",
        "on it",
        "outer",
        "nearest",
        "none",
        "far out",
        "well inside",
    ],
)
def test_a_doubtful_point_goes_to_the_nearest_border(place, border):
    assert asked(FOUR, [place]) == [border]


def test_on_a_corner_the_first_border_counts():
    assert asked(FOUR, [(2, 2)]) == [("shared", "a", "b")]


def test_how_near_is_near_is_the_callers():
    assert asked(FOUR, [(1.5, 1)], within_m=60.0) == [("shared", "a", "b")]
    assert asked(FOUR, [(1.5, 1)], within_m=20.0) == [None]


@pytest.mark.parametrize(
    ("place", "border"),
    [
        ((1, 1), ("gap", "a")),
        ((1, 0.6), ("gap", "a")),
        ((1, 0.4), ("gap", "a")),
        ((1.75, 3), ("overlap", "c", "d")),
    ],
    ids=["in the gap", "in the gap, nearest", "inside, beside the gap", "in the overlap"],
)
def test_gaps_and_overlaps_answer_for_what_lies_in_them(place, border):
    assert asked(FAULTY, [place]) == [border]


def test_a_narrow_gap_is_the_border_it_was_meant_to_be():
    slit = {"a": box(0, 0, 2, 4), "b": box(2, 0, 4, 4) - box(2, 1, 2 + 3 * METRE, 3)}
    assert asked(slit, [(2 + METRE, 2), (2 + 20 * METRE, 2)]) == [("shared", "a", "b")] * 2


def test_the_border_between_two_areas_is_found_by_their_codes_and_the_place():
    index = BorderIndex(
        areas({"a": box(0, 0, 1, 3), "b": box(1, 0, 3, 1), "c": box(1, 1, 3, 3), "d": box(4, 0, 5, 1)}),
        metric=METRIC,
    )
    lon, lat = np.array([point(1, 0.5), point(2, 2), point(4.5, 0.5), point(2, 2)]).T
    rows = index.between(lon, lat, ["b", "c", "d", "z"], ["a", "b", "a", "a"])
    assert [tuple(index.frame.codes[row]) if row >= 0 else None for row in rows] == [
        ("a", "b"),
        ("b", "c"),
        None,
        None,
    ]


def test_of_several_borders_between_two_areas_the_nearest_counts():
    index = BorderIndex(
        areas(
            {"a": box(0, 0, 5, 3) - box(1, 1, 2, 2) - box(3, 1, 4, 2), "b": box(1, 1, 2, 2) | box(3, 1, 4, 2)}
        ),
        metric=METRIC,
    )
    lon, lat = np.array([point(1.5, 1.5), point(3.5, 1.5)]).T
    rows = index.between(lon, lat, ["a", "b"], ["b", "a"])
    west = [index.frame.geometry[row].bounds[0] for row in rows]
    assert west == [point(1, 0)[0], point(3, 0)[0]]


def test_no_areas_and_no_points():
    empty = areas({})
    index = BorderIndex(empty, metric=METRIC)
    lon, lat = np.array([point(1, 1)]).T
    none = AreaIndex(empty, metric=METRIC).assign(lon, lat, margin=True)
    assert index.attribute(lon, lat, none).tolist() == [-1]
    assert index.between(lon, lat, ["a"], ["b"]).tolist() == [-1]
    full = BorderIndex(areas(FOUR), metric=METRIC)
    nothing = AreaIndex(areas(FOUR), metric=METRIC).assign([], [], margin=True)
    assert full.attribute([], [], nothing).tolist() == full.between([], [], [], []).tolist() == []


def test_the_area_across_leads_to_the_line_that_a_search_of_all_lines_finds():
    random = np.random.default_rng(3)
    for shapes in (FOUR, {**FOUR, "a": FAULTY["a"]}):
        frame = areas(shapes)
        index = BorderIndex(frame, metric=METRIC)
        lon, lat = np.array([point(*place) for place in random.uniform(-0.5, 4.5, (3000, 2))]).T
        assigned = AreaIndex(frame, metric=METRIC).assign(lon, lat, margin=True)
        alone = replace(assigned, neighbour=np.full(len(lon), -1))
        found, searched = (index.attribute(lon, lat, known, within_m=40.0) for known in (assigned, alone))
        assert ((found >= 0) == (searched >= 0)).all()
        # At the end of a line another may be as near.
        differ = found != searched
        drawn = crs.to_metric(index.frame.geometry.to_numpy(), METRIC)
        points = crs.to_metric(shapely.points(lon, lat)[differ], METRIC)
        first, second = (shapely.distance(drawn[rows[differ]], points) for rows in (found, searched))
        assert first == pytest.approx(second, abs=0.01)
        assert differ.mean() < 0.01


@given(st.lists(st.tuples(st.floats(-1, 5), st.floats(-1, 5)), min_size=1, max_size=40))
@settings(max_examples=30, deadline=None)
def test_every_doubtful_point_has_a_border_of_its_own_area(places):
    frame = areas(FAULTY)
    index = BorderIndex(frame, metric=METRIC)
    lon, lat = np.array([point(*place) for place in places]).T
    assigned = AreaIndex(frame, metric=METRIC).assign(lon, lat, margin=True)
    rows = index.attribute(lon, lat, assigned)
    assert ((rows >= 0) == doubtful(assigned)).all()
    for row, code in zip(rows, assigned.area_code, strict=True):
        if row >= 0 and code is not None:
            assert code in index.frame.codes[row]
