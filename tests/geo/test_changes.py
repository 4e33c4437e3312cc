"""Two states of a layer: what changed, whose land went where, and back again."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo import changes
from tests.layers.frames import areas, compounds, grids, identifier, point, square

METRIC = "EPSG:4545"
#: Square metres of a unit square of the paper.
UNIT_M2 = 1_049_810

BEFORE = {"G1": square(0, 0), "G2": square(1, 0), "G3": square(2, 0)}


def found(before, after):
    return changes.between(before, after)


def kinds(change):
    return dict(change.table[["code", "kind"]].itertuples(index=False, name=None))


def pairs(change):
    rows = changes.land(change, metric=METRIC)
    return {(a, b): size for a, b, size in rows[["from_code", "to_code", "area_m2"]].itertuples(index=False)}


def test_each_kind_of_change_is_told():
    before = areas(BEFORE)
    after = areas({"G1": square(0, 0, 1.5), "G2": square(1.5, 0, 0.5), "G4": square(3, 0)})
    assert kinds(found(before, after)) == {"G1": "moved", "G2": "moved", "G3": "removed", "G4": "added"}
    renamed = before.assign(name=["area G1", "新名", "area G3"])
    change = found(before, renamed)
    assert kinds(change) == {"G2": "attributes"}
    assert change.table["fields"].tolist() == [("name",)]
    assert change.counts == {"added": 0, "removed": 0, "moved": 0, "nodes": 0, "attributes": 1}


def test_a_ring_that_starts_elsewhere_is_the_same():
    turned = areas(BEFORE | {"G1": shapely.normalize(shapely.reverse(square(0, 0)))})
    assert len(found(areas(BEFORE), turned)) == 0


def test_areas_that_only_got_nodes_have_the_land_they_had():
    noded = shapely.segmentize(square(0, 0), 0.5)
    after = areas(BEFORE | {"G1": noded, "G2": square(1, 0, 0.5)})
    after.loc[identifier("G3"), "name"] = "新名"
    change = found(areas(BEFORE), after)
    assert kinds(change) == {"G1": "nodes", "G2": "moved", "G3": "attributes"}
    assert change.counts == {"added": 0, "removed": 0, "moved": 1, "nodes": 1, "attributes": 1}
    assert kinds(changes.inverted(change)) == kinds(change)
    less = changes.without_nodes(change)
    assert kinds(less) == {"G2": "moved", "G3": "attributes"}
    assert len(less.before) == len(less.after) == 2


def test_who_got_nodes_and_another_name_has_another_name():
    noded = areas(BEFORE | {"G1": shapely.segmentize(square(0, 0), 0.5)})
    noded.loc[identifier("G1"), "name"] = "新名"
    change = found(areas(BEFORE), noded)
    assert kinds(change) == {"G1": "attributes"}
    assert change.table["fields"].tolist() == [("name", "geometry")]
    assert len(changes.without_nodes(change)) == 1


def test_an_area_that_moved_and_kept_its_size_has_moved():
    after = areas(BEFORE | {"G3": square(5, 0)})
    assert kinds(found(areas(BEFORE), after)) == {"G3": "moved"}
    assert kinds(found(compounds({"C1": point(0, 0)}), compounds({"C1": point(0, 1)}))) == {"C1": "moved"}


def test_land_goes_from_one_code_to_another():
    after = areas(BEFORE | {"G1": square(0, 0, 1.5), "G2": square(1.5, 0, 0.5)})
    assert pairs(found(areas(BEFORE), after)) == {("G2", "G1"): pytest.approx(UNIT_M2 / 2, rel=1e-3)}


def test_a_split_and_a_merge():
    split = areas(
        {"G1": square(0, 0), "G3": square(2, 0), "G4": square(1, 0, 0.5), "G5": square(1.5, 0, 0.5)}
    )
    change = found(areas(BEFORE), split)
    assert set(pairs(change)) == {("G2", "G4"), ("G2", "G5")}
    assert set(pairs(changes.inverted(change))) == {("G4", "G2"), ("G5", "G2")}


def test_land_of_nobody():
    after = areas({"G1": square(0, 0, 0.5), "G2": square(1, 0), "G3": square(2, 0, 2)})
    assert pairs(found(areas(BEFORE), after)) == {
        ("G1", None): pytest.approx(UNIT_M2 / 2, rel=1e-3),
        (None, "G3"): pytest.approx(UNIT_M2, rel=1e-3),
    }


def test_a_new_code_takes_all_the_land():
    after = areas(BEFORE).assign(code=["G1", "G9", "G3"])
    assert pairs(found(areas(BEFORE), after)) == {("G2", "G9"): pytest.approx(UNIT_M2, rel=1e-3)}


def test_schemes_do_not_give_land_to_each_other():
    unit = grids({"U1": square(0, 0, 2)}).assign(scheme="unit")
    change = changes.Changes(grids({"G1": square(0, 0)}).iloc[:0], unit)
    both = changes.Changes(grids({"G1": square(0, 0)}), unit)
    assert set(pairs(change)) == {(None, "U1")}
    assert set(pairs(both)) == {("G1", None), (None, "U1")}


def test_a_node_in_a_straight_border_moves_no_land():
    west, south, east, north = square(0, 0).bounds
    middle = (east, (south + north) / 2 + 1e-9)
    ring = shapely.Polygon([(west, south), (east, south), middle, (east, north), (west, north)])
    change = found(areas(BEFORE), areas(BEFORE | {"G1": shapely.MultiPolygon([ring])}))
    assert kinds(change) == {"G1": "nodes"}
    assert pairs(change) == {}


def test_points_tell_how_far_they_moved():
    before = compounds({"C1": point(0, 0), "C2": point(1, 0), "C3": square(2, 0)})
    after = compounds({"C1": point(0, 0.1), "C2": point(1, 0), "C3": square(2, 0, 2)})
    change = found(before, after)
    assert kinds(change) == {"C1": "moved", "C3": "moved"}
    distance, growth = changes.moved_m(change, metric=METRIC), changes.grown_m2(change, metric=METRIC)
    assert distance[identifier("C1")] == pytest.approx(111, rel=0.01)
    assert np.isnan(distance[identifier("C3")])
    assert np.isnan(growth[identifier("C1")])
    assert growth[identifier("C3")] == pytest.approx(UNIT_M2, rel=1e-3)


def test_changes_do_not_fit_another_state():
    change = found(areas(BEFORE), areas({"G1": square(0, 0), "G2": square(1, 0, 2)}))
    with pytest.raises(ValueError, match="not the state"):
        changes.apply(areas({"G1": square(0, 0)}), change)


# --- promises --------------------------------------------------------------------------------------------


@st.composite
def partitions(draw):
    """A strip of four by one, cut at up to five places, its pieces under codes in any order, some left out."""
    cuts = sorted(draw(st.sets(st.integers(1, 31), max_size=5)))
    ends = [0, *cuts, 32]
    codes = draw(st.permutations([f"G{n}" for n in range(8)]))
    pieces = {
        code: square(a / 8, 0, (b - a) / 8)
        for code, a, b in zip(codes, ends[:-1], ends[1:], strict=False)
        if draw(st.integers(0, 9)) or len(ends) == 2
    }
    frame = areas(pieces)
    return frame.assign(people=draw(st.lists(st.integers(0, 2), min_size=len(frame), max_size=len(frame))))


def same(one, other):
    new, differs = changes.changed(one, other)
    return len(one) == len(other) and not (new | differs).any()


@settings(deadline=None, max_examples=60)
@given(partitions(), partitions())
def test_changes_lead_to_the_other_state_and_back(before, after):
    change = changes.between(before, after)
    assert same(changes.apply(before, change), after)
    assert same(changes.apply(after, changes.inverted(change)), before)
    twice = changes.inverted(changes.inverted(change))
    assert same(twice.before, change.before)
    assert same(twice.after, change.after)


@settings(deadline=None, max_examples=60)
@given(partitions(), partitions())
def test_land_in_less_land_out_is_what_an_area_grew_by(before, after):
    change = changes.between(before, after)
    moved = changes.land(change, metric=METRIC)
    back = changes.land(changes.inverted(change), metric=METRIC)
    assert sorted(moved["area_m2"]) == pytest.approx(sorted(back["area_m2"]))
    for code in {*before["code"], *after["code"]}:
        sizes = [frame[frame["code"] == code].to_crs(METRIC).area.sum() for frame in (before, after)]
        gained = moved["area_m2"][moved["to_code"] == code].sum()
        lost = moved["area_m2"][moved["from_code"] == code].sum()
        assert gained - lost == pytest.approx(sizes[1] - sizes[0], abs=1.0)
