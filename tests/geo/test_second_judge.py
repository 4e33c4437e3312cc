"""A second judge of partitions: mapshaper, which cuts areas into their mosaic by arithmetic of its own."""

import json
import subprocess
from collections import defaultdict
from itertools import combinations
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from shapely import affinity

from geo import partition, validity
from tests.geo import test_planted_faults as planted
from tests.geo.test_partition import wuhan
from tests.paper_city import on_map

__all__ = ["wuhan"]

METRIC = planted.METRIC
PLANTS = (planted.overlap, planted.hole, planted.seam, planted.retreat, planted.leave)
WIDTHS_M = (0.001, 0.01, 0.3, 2.0, 20.0)
#: Land between copies of the city, in its units.
APART = 6
#: Land from which the judges are compared one by one; what is smaller than a stamp comes and goes with rounding.
SEEN_M2 = 1e-3
GAPS = ("gap", "gap-enclosed", "gap-at-parent")


@pytest.fixture(scope="module")
def mosaic():
    """Cut areas that have a ``code`` into pieces that each have ``codes``, those of the areas that cover it."""
    root = Path(__file__).parents[2]
    folders = [*(root / ".setup").glob("mapshaper-*[0-9]/")]
    assert folders, f"mapshaper is not installed: run scripts/setup tests in {root}"

    def cut(*areas):
        whole = pd.concat([frame[["code", "geometry"]] for frame in areas], ignore_index=True)
        done = subprocess.run(
            ["node", Path(__file__).with_name("mosaic.cjs"), folders[0]],
            input=whole.to_json(), capture_output=True, text=True, check=True,
        )  # fmt: skip
        pieces = json.loads(done.stdout)["features"]
        return gpd.GeoDataFrame(
            {"codes": [frozenset(piece["properties"]["codes"] or ()) for piece in pieces]},
            geometry=[shapely.geometry.shape(piece["geometry"]) for piece in pieces],
            crs="EPSG:4326",
        )

    return cut


def copied(shapes, number):
    """Shapes by code, each moved away and renamed as the city's copy of a number."""
    return {
        f"{number:02d}{code}": affinity.translate(shape, APART * number) for code, shape in shapes.items()
    }


def frame(shapes, parents):
    return gpd.GeoDataFrame(
        {"code": list(shapes), "parent_code": parents},
        geometry=[on_map(shape) for shape in shapes.values()],
        crs="EPSG:4326",
    )


def test_both_judges_find_the_same_planted_faults(mosaic):
    grids, parents = {}, {}
    for number, (plant, width) in enumerate((plant, width) for plant in PLANTS for width in WIDTHS_M):
        shapes = planted.grids()
        plant(shapes, width)
        grids |= copied(shapes, number)
        parents |= copied({code: planted.community(*row) for code, row in planted.ROWS.items()}, number)
    areas, above = frame(grids, [code[:14] for code in grids]), frame(parents, None)
    pieces = mosaic(areas, above)
    wrong = pieces[[not sound(codes) for codes in pieces["codes"]]]
    assert len(wrong) >= len(PLANTS) * len(WIDTHS_M)
    found = partition.check(areas, above, metric=METRIC)
    matched = set()
    for piece in wrong.itertuples():
        meant = found[[kinds_of(piece.codes, row.kind) for row in found.itertuples()]]
        near = meant[shapely.dwithin(meant.geometry, piece.geometry.representative_point(), 2e-8)]
        assert len(near) == 1, (piece, near[["kind", "codes", "size"]])
        matched.add(near.index[0])
        (row,) = near.itertuples()
        if row.unit == "m2":
            assert row.geometry.area == pytest.approx(piece.geometry.area, rel=1e-4)
    # What a mosaic cannot show: corners that only one side has.
    rest = found[found["kind"] != "t-junction"].drop(index=list(matched))
    assert rest.empty, rest[["kind", "codes", "size"]].to_string()


def sound(codes):
    """Whether a piece is in one grid and in that grid's parent."""
    held = [code for code in codes if len(code) == 17]
    return len(held) == 1 and codes == {held[0], held[0][:14]}


def kinds_of(codes, kind):
    """Whether a kind of defect says what is wrong with a piece that areas of some codes cover."""
    held = [code for code in codes if len(code) == 17]
    if len(held) > 1:
        return kind == "overlap"
    # At a parent's border, what is too narrow to be land is told as a length.
    return kind == "border-unmatched" or (kind == "outside-parent" if held else kind in GAPS)


def test_both_judges_find_wuhans_overlaps_and_holes(wuhan, mosaic):
    areas = wuhan.set_geometry(validity.repair(wuhan.geometry.to_numpy()), crs=4326)
    found = partition.check(areas, None, metric=METRIC)
    pieces = mosaic(areas)
    pieces["m2"] = pieces.to_crs(METRIC).area
    by_pair = defaultdict(float)
    for piece in pieces.itertuples():
        for pair in combinations(sorted(piece.codes), 2):
            by_pair[pair] += piece.m2
    overlaps = found[found["kind"] == "overlap"]
    ours = {tuple(sorted(row.codes)): row.size for row in overlaps.itertuples()}
    seen = [pair for pair, land in by_pair.items() if land > SEEN_M2]
    assert len(seen) > 50
    assert [by_pair[pair] for pair in seen] == pytest.approx([ours[pair] for pair in seen], rel=1e-4)
    assert sum(by_pair.values()) == pytest.approx(overlaps["size"].sum(), rel=1e-9)
    # Holes are pieces that nothing covers.
    holes = np.sort(pieces.loc[pieces["codes"].map(len) == 0, "m2"])
    gaps = np.sort(found.loc[found["kind"].isin(GAPS) & (found["unit"] == "m2"), "size"])
    assert len(holes) > 1000
    assert holes[holes > SEEN_M2] == pytest.approx(gaps[gaps > SEEN_M2], rel=1e-4)
    assert holes.sum() == pytest.approx(gaps.sum(), rel=1e-9)
