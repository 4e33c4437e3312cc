"""Layers checked whole: codes, streets, places and posts; and two states compared."""

import datetime as dt

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from sqlalchemy import select

from layers import validation
from layers.tables import Defect, Revision
from tests.layers.frames import areas, compounds, grids, point, square

METRIC = "EPSG:4544"
DISTRICT, COMMUNITY = "510802", "510802001001"


def reader(**layers):
    def read(layer):
        return layers.get(layer, areas({}).assign(scheme="governance"))

    return read


def check(layer, **layers):
    found = validation.check(layer, reader(**layers), metric=METRIC)
    return sorted((kind, " ".join(codes)) for kind, codes in found[["kind", "codes"]].to_numpy())


def test_a_city_without_defects_has_none():
    layers = {
        "districts": areas({DISTRICT: square(0, 0, 2, 1)}),
        "grids": grids(
            {DISTRICT + "001001001": square(0, 0), DISTRICT + "001001002": square(1, 0)}, DISTRICT
        ),
    }
    assert check("districts", **layers) == check("grids", **layers) == []


def test_codes_that_contradict_their_level_or_parent_are_listed():
    layers = {
        "districts": areas({DISTRICT: square(0, 0, 4, 1)}),
        "communities": pd.concat(
            [
                areas(
                    {COMMUNITY: square(0, 0), "510802001": square(1, 0), "510803001001": square(2, 0)},
                    DISTRICT,
                ),
                areas({"510802001002": square(3, 0)}, "510809"),
            ]
        ),
    }
    assert check("communities", **layers) == [
        ("code-malformed", "510802001"),
        ("parent-mismatch", "510803001001"),
        ("parent-missing", "510802001002"),
    ]


def test_schemes_of_grids_may_overlap_each_other():
    shapes = {DISTRICT + "001001001": square(0, 0)}, {DISTRICT + "001001501": square(0.2, 0.2, 0.5, 0.5)}
    both = pd.concat([grids(shapes[0]), grids(shapes[1]).assign(scheme="unit")])
    assert check("grids", grids=both) == []
    assert check("grids", grids=both.assign(scheme="unit")) == [
        ("overlap", f"{DISTRICT}001001001 {DISTRICT}001001501")
    ]


def test_a_compound_in_no_grid_is_listed():
    layers = {"grids": grids({DISTRICT + "001001001": square(0, 0)})}
    places = compounds({"in": square(0.2, 0.2, 0.1, 0.1), "out": point(5, 5)})
    assert check("compounds", compounds=places, **layers) == [("outside-parent", "out")]
    assert check("compounds", compounds=places) == []  # nothing to lie in yet


def test_streets_joined_to_no_other_are_islands():
    def line(*places):
        return shapely.LineString([(105 + x / 100, 32 + y / 100) for x, y in places])

    lines = {
        "a": line((0, 0), (1, 0)),
        "b": line((1, 0), (2, 0)),
        "c": line((0, 5), (0.5, 5)),
        "d": line((9, 9), (9, 8)),
    }
    streets = gpd.GeoDataFrame(
        {"code": list(lines), "walkable": [True, True, True, False]}, geometry=list(lines.values()), crs=4326
    )
    assert check("streets", streets=streets) == [("street-island", "c")]
    assert check("streets", streets=streets.iloc[:0]) == []


def test_a_post_without_its_grid_is_listed():
    posts = pd.DataFrame({"code": ["P1", "P2"], "target_layer": "grids", "target_code": ["g", "none"]})
    assert check("posts", posts=posts, grids=grids({"g": square(0, 0)})) == [("parent-missing", "P2")]


def overlaps(**sizes):
    table = pd.DataFrame(
        {"kind": "overlap", "codes": [[name] for name in sizes], "size": list(sizes.values()), "unit": "m2"}
    )
    return gpd.GeoDataFrame(table.assign(message=""), geometry=[None] * len(sizes))


@pytest.mark.parametrize(
    ("before", "after", "worse"),
    [
        ({}, {"a": 1.0}, ["a"]),
        ({"a": 1.0}, {"a": 1.0}, []),
        ({"a": 1.0}, {"a": 0.5}, []),
        ({"a": 1.0}, {"a": 2.0}, ["a"]),
        ({"a": 1.0}, {}, []),
        ({"a": 1.0}, {"b": 1.0}, ["b"]),
        ({"a": 1.0}, {"a": 1.0001}, []),  # rounding
    ],
)
def test_only_what_is_new_or_larger_is_worse(before, after, worse):
    found = validation.worse(overlaps(**before), overlaps(**after))
    assert [codes[0] for codes in found["codes"]] == worse


def test_defects_are_kept_with_their_revision(session):
    now = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    session.add(
        Revision(number=1, published_at=now, effective_from=now, author="t", note="", layers=[], counts={})
    )
    session.flush()
    read = reader(grids=grids({DISTRICT + "001001001": square(0, 0), DISTRICT + "001001002": square(0.5, 0)}))
    found = validation.check("grids", read, metric=METRIC)
    for _ in range(2):  # storing again replaces
        validation.store(session, "grids", found, 1)
    rows = session.scalars(select(Defect)).all()
    assert sorted(row.kind for row in rows) == sorted(found["kind"])
    assert all(row.geom is not None for row in rows)
