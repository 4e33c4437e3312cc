"""What is suggested for defects drawn on paper; one unit is 0.001 degrees, about 100 m."""

import geopandas as gpd
import numpy as np
import pytest
import shapely

from geo import partition, repairs
from tests.geo.test_partition import FOUR, METRIC, PARENT, frame, polygon, square


def suggestions(areas, parents=None):
    """Kind and suggested edit of each defect, without its place."""
    found = repairs.suggest(
        partition.check(areas, parents, metric=METRIC), areas, level="grid", metric=METRIC
    )
    return found, {
        kind: edit and {key: edit[key] for key in edit if key not in ("lon", "lat", "piece", "level")}
        for kind, edit in found[["kind", "repair"]].to_numpy()
    }


def test_an_overlap_leaves_the_larger_area():
    _, edits = suggestions(frame(a=square(0, 0, 3, 3), b=square(2, 0, 2, 1)))
    assert edits["overlap"] == {"edit": "trim_overlap", "code": "a", "other": "b"}


def test_a_gap_goes_to_the_longest_border_along_it_and_the_place_lies_in_it():
    wide = {
        "a": square(0, 0, 4, 1),
        "b": square(0, 1, 1, 1),
        "c": square(2, 1, 2, 1),
        "d": square(0, 2, 4, 1),
    }
    long = {**wide, "d": polygon((0, 2), (1, 2), (1.5, 2.5), (2, 2), (4, 2), (4, 3), (0, 3))}
    found, edits = suggestions(frame(**long))
    assert edits["gap-enclosed"] == {"edit": "fill_gap", "code": "d"}
    (edit,) = found["repair"][found["kind"] == "gap-enclosed"]
    assert shapely.contains(square(1, 1, 1, 2), shapely.Point(edit["lon"], edit["lat"]))


def test_land_at_the_parents_border_goes_to_an_area_and_never_to_the_parent():
    areas = {code: FOUR[code] for code in "abc"}  # a degree north is longer than one east
    _, edits = suggestions(frame(**areas), PARENT)
    assert edits == {"gap-at-parent": {"edit": "fill_gap", "code": "c"}}


def test_a_sliver_goes_to_the_area_beside_it():
    thin = square(2, 0, 0.002, 1)
    _, edits = suggestions(frame(a=shapely.union(square(0, 0), thin), b=square(1, 0, 1, 1)))
    assert edits["sliver"] == {"edit": "transfer", "code": "a", "to": "b"}


def test_a_missing_node_is_to_be_inserted_and_an_unmatched_border_snapped():
    bent = polygon((0, 0), (1, -0.0001), (2, 0), (2, 1), (2, 2), (0, 2), (0, 1))
    _, edits = suggestions(frame(a=square(0, 0, 2, 1), c=FOUR["c"], d=FOUR["d"]), frame(p=bent))
    assert edits == {
        "t-junction": {"edit": "insert_node"},
        "border-unmatched": {"edit": "snap", "code": "a"},
    }


def test_what_somebody_has_to_decide_has_words_only():
    found, edits = suggestions(frame(a=FOUR["a"], b=FOUR["a"], c=polygon((5, 5), (7, 7), (7, 5), (5, 7))))
    assert edits == {"duplicate-geometry": None, "geometry-invalid": None}
    assert found["repair_zh"].str.len().min() > 3
    assert found["repair_en"].str.len().min() > 3


def test_a_zoom_box_holds_the_defect_with_room_around_it():
    found, _ = suggestions(frame(a=square(0, 0, 1.5, 1), b=square(1, 0)))
    (row,) = found[found["kind"] == "overlap"].itertuples()
    assert row.severity == "defect"
    assert [row.west, row.south, row.east, row.north] == pytest.approx(
        [114.00070, 29.9997, 114.0018, 30.0013], abs=1e-4
    )
    nowhere = repairs.zoom_boxes(np.array([None, shapely.Point(1, 2)], dtype=object))
    assert np.isnan(nowhere[0]).all()
    assert nowhere[1] == pytest.approx([1 - 3e-4, 2 - 3e-4, 1 + 3e-4, 2 + 3e-4])


def test_layers_without_areas_get_words_and_places():
    defects = gpd.GeoDataFrame(
        {"kind": ["compound-spans", "street-island"], "codes": [["C1", "g"], ["S1"]]},
        geometry=[shapely.Point(114, 30)] * 2, crs=4326,
    )  # fmt: skip
    found = repairs.suggest(defects, None, level=None, metric=METRIC)
    assert found["severity"].tolist() == ["information", "defect"]
    assert found["repair"].tolist() == [None, None]
