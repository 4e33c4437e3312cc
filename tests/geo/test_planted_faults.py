"""Faults planted in a sound tiling, from a millimetre to tens of metres: each is found, and its repair mends it."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import Polygon, box

from geo import crs, editing, partition, repairs
from tests.paper_city import on_map

METRIC = "EPSG:4547"
PARENT, OTHER = "420199001001", "420199001002"
METRE = 1 / 100  # of a unit, about
# Corners of three grids each of two communities; the lines between them slant.
LOW = [(0, 0), (1.1, 0.1), (2.2, -0.1), (3.1, 0.2)]
HIGH = [(0.2, 1.1), (1, 1.3), (2, 1.1), (3, 1.4)]
TOP = [(0, 2), (1.2, 2.3), (2.1, 2.1), (3, 2.2)]
ROWS = {PARENT: (LOW, HIGH), OTHER: (HIGH, TOP)}


def grids():
    """Grids 001 to 003 of each community, from west to east."""
    return {
        f"{parent}{number:03d}": Polygon([low[number - 1], low[number], high[number], high[number - 1]])
        for parent, (low, high) in ROWS.items()
        for number in (1, 2, 3)
    }


def community(low, high):
    return Polygon([*low, *reversed(high)])


PARENTS = gpd.GeoDataFrame(
    {"code": list(ROWS), "parent_code": "420199001"},
    geometry=[on_map(community(*row)) for row in ROWS.values()],
    crs="EPSG:4326",
)
FIRST, MIDDLE, LAST = (PARENT + number for number in ("001", "002", "003"))
ABOVE = OTHER + "002"


def frame(shapes):
    return gpd.GeoDataFrame(
        {"code": list(shapes), "parent_code": [code[:12] for code in shapes]},
        geometry=[on_map(shape) for shape in shapes.values()],
        crs="EPSG:4326",
    )


def listed(areas):
    return repairs.suggest(partition.check(areas, PARENTS, metric=METRIC), areas, level="grid", metric=METRIC)


# --- planting: the kind that must be found, the codes it names, and the land or length at fault ---------------


def overlap(shapes, width):
    """The middle grid's west border is pushed into its neighbour."""
    spike = (1.05 - width * METRE, 0.7)
    shapes[MIDDLE] = Polygon([LOW[1], LOW[2], HIGH[2], HIGH[1], spike])
    return "overlap", {FIRST, MIDDLE}, Polygon([LOW[1], HIGH[1], spike])


def hole(shapes, width):
    """A hole in the middle grid."""
    gap = box(1.5, 0.5, 1.5 + width * METRE, 0.5 + width * METRE)
    shapes[MIDDLE] = shapes[MIDDLE] - gap
    return "gap" if width < 0.5 else "gap-enclosed", {MIDDLE}, gap


def seam(shapes, width):
    """A slit along the border of two grids, which ends where that meets the parent's."""
    tip = (1.05 + width * METRE, 0.7)
    shapes[MIDDLE] = Polygon([LOW[1], LOW[2], HIGH[2], HIGH[1], tip])
    return None, {FIRST, MIDDLE}, Polygon([LOW[1], HIGH[1], tip])


def retreat(shapes, width):
    """The middle grid falls short of its parent's border."""
    tip = (1.65, -width * METRE * -1 + 0.0)
    shapes[MIDDLE] = Polygon([LOW[1], tip, LOW[2], HIGH[2], HIGH[1]])
    return (
        "gap-at-parent" if width > 0.05 else "border-unmatched",
        {PARENT, MIDDLE},
        Polygon([LOW[1], tip, LOW[2]]),
    )


def leave(shapes, width):
    """The middle grid goes beyond its parent's border, outside of all."""
    tip = (1.65, -width * METRE)
    shapes[MIDDLE] = Polygon([LOW[1], tip, LOW[2], HIGH[2], HIGH[1]])
    return (
        "outside-parent" if width > 0.05 else "border-unmatched",
        {PARENT, MIDDLE},
        Polygon([LOW[1], tip, LOW[2]]),
    )


WIDTHS = st.sampled_from([0.001, 0.002, 0.01, 0.3, 2.0, 20.0])


@pytest.mark.parametrize("plant", [overlap, hole, seam, retreat, leave])
@settings(max_examples=12, deadline=None)
@given(width=WIDTHS)
def test_a_planted_fault_is_found_and_measured(plant, width):
    shapes = grids()
    assert listed(frame(shapes)).empty
    kind, codes, land = plant(shapes, width)
    found = listed(frame(shapes))
    kinds = ["gap", "gap-enclosed"] if kind is None else [kind]
    match = found[found["kind"].isin(kinds)]
    assert len(match) == 1, found[["kind", "codes", "size"]]
    (row,) = match.itertuples()
    assert codes <= set(row.codes)
    metric = crs.to_metric([on_map(land)], METRIC)[0]
    true = metric.length / 2 if row.unit == "m" else metric.area
    assert row.size == pytest.approx(true, rel=1e-3, abs=1e-7)
    assert shapely.box(row.west, row.south, row.east, row.north).contains(row.geometry)


@pytest.mark.parametrize("plant", [overlap, hole, seam, retreat])
@settings(max_examples=12, deadline=None)
@given(width=WIDTHS)
def test_the_suggested_repair_of_a_planted_fault_mends_it(plant, width):
    shapes = grids()
    kind, _, _ = plant(shapes, width)
    levels = {"community": PARENTS, "grid": frame(shapes)}
    for _ in range(4):  # a fault may show as several defects; each step mends one at least
        found = repairs.suggest(
            partition.check(levels["grid"], levels["community"], metric=METRIC),
            levels["grid"], level="grid", metric=METRIC,
        )  # fmt: skip
        if found.empty:
            return
        edited = editing.apply(levels, editing.parse(found["repair"].iloc[0]))
        levels = editing.changed(levels, edited)
    assert found.empty, (kind, found[["kind", "codes", "size", "message"]].to_numpy())


def test_slivers_nodes_and_wrong_geometry_are_found():
    shapes = grids()
    thin = box(9, 0, 10, 1e-5)  # 100 m by 1 mm
    shapes[FIRST] = shapely.MultiPolygon([shapes[FIRST], thin])
    shapes[LAST] = Polygon([LOW[2], LOW[3], HIGH[3], np.add(HIGH[2], HIGH[3]) / 2, HIGH[2]])
    kinds = listed(frame(shapes))["kind"].tolist()
    assert "sliver" in kinds
    assert "t-junction" in kinds
    shapes = grids()
    shapes[FIRST] = Polygon([LOW[0], HIGH[1], LOW[1], HIGH[0]])
    shapes[LAST] = shapes[MIDDLE]
    kinds = set(listed(frame(shapes))["kind"])
    assert {"geometry-invalid", "duplicate-geometry", "gap-at-parent"} <= kinds
