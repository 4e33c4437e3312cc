"""Who drew which stretch of a border."""

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from geo import blame
from tests.layers.frames import square

METRIC = "EPSG:4545"


def versions(*rows):
    """Versions of areas: code, from, to, shape."""
    codes, begun, ended, shapes = zip(*rows, strict=True)
    table = {"code": codes, "rev_from": begun, "rev_to": pd.array(ended, dtype="Int64")}
    return gpd.GeoDataFrame(table, geometry=list(shapes), crs="EPSG:4326")


def told(code, rows, revision):
    """Stretches as (revision, neighbour) -> length in units of the paper's height."""
    held = rows[(rows["rev_from"] <= revision) & (rows["rev_to"].isna() | (rows["rev_to"] > revision))]
    border = held.geometry[held["code"] == code].iloc[0]
    found = blame.stretches(border, code, rows, revision=revision, metric=METRIC)
    assert shapely.union_all(found.geometry).length == pytest.approx(border.length)
    unit = 1109.0
    return {
        (drawn, beside): round(length / unit, 1)
        for drawn, beside, length in found[["revision", "neighbour", "length_m"]].itertuples(index=False)
    }


def test_a_split_draws_only_the_line_between_the_halves():
    rows = versions(
        ("G1", 1, 3, square(0, 0, 2)), ("G1", 3, None, square(0, 0)), ("G2", 3, None, square(1, 0))
    )
    found = told("G2", rows, 3)
    assert set(found) == {(3, "G1"), (1, None)}
    assert found[3, "G1"] == 1.0
    assert set(told("G1", rows, 1)) == {(1, None)}


def test_a_line_that_comes_back_is_drawn_anew():
    rows = versions(
        ("G1", 1, 2, square(0, 0)),
        ("G2", 1, 2, square(1, 0)),
        ("G1", 2, 4, square(0, 0, 1.5)),
        ("G2", 2, 4, square(1.5, 0, 0.5)),
        ("G1", 4, None, square(0, 0)),
        ("G2", 4, None, square(1, 0)),
    )
    assert set(told("G1", rows, 4)) == {(4, "G2"), (1, None)}
    assert set(told("G1", rows, 3)) == {(2, "G2"), (1, None)}


def test_a_version_that_changed_nothing_here_draws_nothing():
    rows = versions(
        ("G1", 1, None, square(0, 0)), ("G2", 1, 5, square(1, 0)), ("G2", 5, None, square(1, 0, 3))
    )
    assert set(told("G1", rows, 5)) == {(1, "G2"), (1, None)}


def test_half_an_edge_can_be_older():
    """G1 grew upwards: its left side is one edge, of which the lower half is old."""
    rows = versions(("G1", 1, 2, square(0, 0)), ("G1", 2, None, square(0, 0, 1, 2)))
    found = blame.stretches(square(0, 0, 1, 2), "G1", rows, revision=2, metric=METRIC)
    old = found[found["revision"] == 1].geometry.union_all()
    kept = shapely.intersection(square(0, 0).boundary, square(0, 0, 1, 2).boundary)
    assert old.length == pytest.approx(kept.length)


def test_a_hole_is_border_too():
    ring = shapely.difference(square(0, 0, 3, 3), square(1, 1))
    rows = versions(("G1", 1, 2, square(0, 0, 3, 3)), ("G1", 2, None, ring), ("G2", 2, None, square(1, 1)))
    assert set(told("G1", rows, 2)) == {(2, "G2"), (1, None)}
