"""Two sides that changed one state: what comes together by itself, and what a person must settle."""

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st

from geo import changes, editing, merging
from geo.faults import DataError
from geo.levels import LEVELS
from tests.geo.editing.test_promises import defects, edits, tilings
from tests.geo.test_changes import partitions, same
from tests.layers.frames import areas, compounds, identifier, point, square

G1, G2, G3, G4 = (identifier(f"G{number}") for number in (1, 2, 3, 4))
BASE = areas({"G1": square(0, 0), "G2": square(1, 0), "G3": square(2, 0)})


def merged(mine, theirs, base=BASE, **settled):
    return merging.merge(changes.between(base, mine), changes.between(base, theirs), **settled)


def moved(frame, shapes):
    """The frame with other shapes of some codes."""
    result = frame.copy()
    for code, shape in shapes.items():
        result.loc[identifier(code), "geometry"] = shape
    return result


def named(frame, code, name):
    result = frame.copy()
    result.loc[identifier(code), "name"] = name
    return result


def without(frame, *codes):
    return frame[~frame["code"].isin(codes)]


def final(found, theirs):
    return changes.apply(theirs, found.changes)


# --- what comes together ---------------------------------------------------------------------------------


def test_what_only_one_side_touched_is_that_sides():
    mine, theirs = named(BASE, "G1", "东街"), without(named(BASE, "G2", "西街"), "G3")
    found = merged(mine, theirs)
    assert found.clashes.empty
    assert found.joined == []
    assert final(found, theirs)["name"].to_dict() == {G1: "东街", G2: "西街"}


def test_fields_of_one_feature_come_together():
    mine = named(moved(BASE, {"G1": square(0, 0, 0.5)}), "G1", "东街")
    theirs = BASE.assign(people=pd.array([7, None, None], dtype="Int64"))
    found = merged(mine, theirs)
    row = final(found, theirs).loc[G1]
    assert found.clashes.empty
    assert found.joined == [G1]
    assert (row["name"], row["people"]) == ("东街", 7)
    assert row["geometry"].equals(square(0, 0, 0.5))


def test_both_said_the_same():
    both = named(without(BASE, "G3"), "G1", "东街")
    found = merged(both, both)
    assert found.clashes.empty
    assert len(found.changes) == 0


def test_borders_on_either_side_of_an_area_come_together():
    mine = moved(BASE, {"G1": square(0, 0, 1.2), "G2": square(1.2, 0, 0.8)})
    theirs = moved(BASE, {"G2": square(1, 0, 0.7), "G3": square(1.7, 0, 1.3)})
    # As an editor draws them: both have a node where the other's border stays.
    found = merged(mine, theirs)
    assert found.clashes["fields"].to_dict() == {G2: ("geometry",)}
    middle = _with_nodes(square(1, 0), [(1.4, 0), (1.4, 1)])
    base = moved(BASE, {"G2": middle})
    mine = moved(
        base, {"G1": square(0, 0, 1.2), "G2": _with_nodes(square(1.2, 0, 0.8), [(1.4, 0), (1.4, 1)])}
    )
    theirs = moved(
        base, {"G2": _with_nodes(square(1, 0, 0.7), [(1.4, 0), (1.4, 1)]), "G3": square(1.7, 0, 1.3)}
    )
    found = merged(mine, theirs, base)
    assert found.clashes.empty
    assert found.joined == [G2]
    assert final(found, theirs).loc[G2, "geometry"].equals(square(1.2, 0, 0.5))


def _with_nodes(shape, nodes):
    """The square with nodes at places on its edges."""
    snapped = shapely.get_parts(shape)[0]
    for x, y in nodes:
        place = point(x, y)
        ring = shapely.get_exterior_ring(snapped)
        places = [*shapely.get_coordinates(ring).tolist()]
        at = next(
            k for k in range(len(places) - 1) if shapely.LineString(places[k : k + 2]).distance(place) < 1e-12
        )
        snapped = shapely.Polygon([*places[: at + 1], (place.x, place.y), *places[at + 1 :]])
    return shapely.MultiPolygon([snapped])


# --- clashes ---------------------------------------------------------------------------------------------


def test_two_names_clash_until_somebody_settles_them():
    mine, theirs = named(BASE, "G2", "东街"), named(BASE, "G2", "西街")
    found = merged(mine, theirs)
    assert found.clashes["fields"].to_dict() == {G2: ("name",)}
    assert found.clashes["code"].tolist() == ["G2"]
    assert len(found.changes) == 0
    mine_wins = merged(mine, theirs, settled={G2: "mine"})
    assert final(mine_wins, theirs).loc[G2, "name"] == "东街"
    assert not mine_wins.clashes.empty
    assert len(merged(mine, theirs, settled={G2: "theirs"}).changes) == 0


def test_settling_one_field_keeps_the_other_sides_other_field():
    mine = named(moved(BASE, {"G1": square(0, 0, 0.5)}), "G1", "东街")
    theirs = named(BASE, "G1", "西街")
    row = final(merged(mine, theirs, settled={G1: "theirs"}), theirs).loc[G1]
    assert row["name"] == "西街"
    assert row["geometry"].equals(square(0, 0, 0.5))


def test_removed_by_one_and_changed_by_the_other():
    gone, renamed = without(BASE, "G1"), named(BASE, "G1", "东街")
    for mine, theirs in ((gone, renamed), (renamed, gone)):
        found = merged(mine, theirs)
        assert found.clashes["fields"].to_dict() == {G1: ()}
        assert same(final(found, theirs), theirs)
        assert same(final(merged(mine, theirs, settled={G1: "theirs"}), theirs), theirs)
        assert same(final(merged(mine, theirs, settled={G1: "mine"}), theirs), mine)


def test_both_moved_the_same_border():
    mine = moved(BASE, {"G1": square(0, 0, 1.2), "G2": square(1.2, 0, 0.8)})
    theirs = moved(BASE, {"G1": square(0, 0, 1.1), "G2": square(1.1, 0, 0.9)})
    found = merged(mine, theirs)
    assert found.clashes["fields"].to_dict() == {G1: ("geometry",), G2: ("geometry",)}


def test_points_and_lines_are_not_merged():
    base = compounds({"C1": point(0, 0)})
    found = merged(compounds({"C1": point(1, 0)}), compounds({"C1": point(0, 1)}), base)
    assert found.clashes["fields"].tolist() == [("geometry",)]


def test_a_feature_that_both_added_differently():
    mine, theirs = (
        areas({"G1": square(0, 0), "G2": square(1, 0), "G3": square(2, 0), "G4": square(3, 0, width)})
        for width in (1, 2)
    )
    assert merged(mine, theirs).clashes["fields"].to_dict() == {G4: ("geometry",)}
    assert same(final(merged(mine, theirs, settled={G4: "mine"}), theirs), mine)


def test_an_island_within_what_the_other_gave_away_is_a_clash():
    whole, hole = square(0, 0, 3, 3), square(1, 1)
    with_hole = shapely.MultiPolygon([shapely.get_parts(whole)[0] - shapely.get_parts(hole)[0]])
    assert merging.merged_area(whole, with_hole, square(0, 0, 3, 0.5)) is None


def test_what_is_no_area_is_not_merged():
    for shapes in ((None, square(0, 0), square(0, 0)), (point(0, 0), point(1, 1), point(2, 2))):
        assert merging.merged_area(*shapes) is None


def test_an_overlap_is_what_both_touched_and_have_not_alike():
    mine = named(named(without(BASE, "G3"), "G1", "东街"), "G2", "西街")
    theirs = named(named(without(BASE, "G3"), "G1", "东街"), "G2", "北街")
    assert merging.overlap(changes.between(BASE, mine), changes.between(BASE, theirs)) == [G2]
    gone = changes.between(BASE, without(BASE, "G2"))
    assert merging.overlap(gone, changes.between(BASE, theirs)) == [G2]
    assert merging.overlap(changes.between(BASE, theirs), gone) == [G2]
    assert merging.overlap(gone, gone) == []


# --- promises --------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=50)
@given(partitions(), partitions(), partitions(), st.data())
def test_every_field_is_from_whom_it_must_be(base, mine, theirs, data):
    settled = {key: data.draw(st.sampled_from(merging.SIDES)) for key in sorted({*mine.index, *theirs.index})}
    found = merged(mine, theirs, base, settled=settled)
    result = final(found, theirs)
    for key in {*base.index, *mine.index, *theirs.index}:
        sides = [_row(frame, key) for frame in (base, mine, theirs)]
        was, ours, others = sides
        got = _row(result, key)
        if ours is None or others is None:
            expected = _whole(was, ours, others, settled.get(key, "theirs"))
            assert got == expected
            assert (key in found.clashes.index) == (was not in (ours, others) and ours != others)
            continue
        clashing = dict(found.clashes["fields"]).get(key, ())
        for field, value in got.items():
            before = None if was is None else was[field]
            exclusive = before != ours[field] != others[field] != before
            if field in clashing:
                assert exclusive
                assert value == (ours if settled[key] == "mine" else others)[field]
            elif exclusive and field != "geometry":
                raise AssertionError(f"{field} should clash")
            elif not exclusive:
                assert value == (others if before == ours[field] else ours)[field]


def _row(frame, key):
    if key not in frame.index:
        return None
    row = frame.loc[key, ["code", "name", "people", "geometry"]].to_dict()
    return row | {"geometry": shapely.normalize(row["geometry"]).wkb}


def _whole(was, ours, others, word):
    """What becomes of a feature that at least one side has not."""
    if ours in (was, others):
        return others
    if was == others:
        return ours
    return ours if word == "mine" else others


@settings(deadline=None, max_examples=40)
@given(partitions(), partitions(), partitions())
def test_without_a_clash_it_does_not_matter_who_came_first(base, mine, theirs):
    found, turned = merged(mine, theirs, base), merged(theirs, mine, base)
    assert found.clashes["fields"].to_dict() == turned.clashes["fields"].to_dict()
    if found.clashes.empty:
        assert same(final(found, theirs), final(turned, mine))


@settings(deadline=None, max_examples=30)
@given(partitions(), partitions())
def test_merging_with_nothing_or_with_oneself(base, mine):
    nothing = changes.between(base, base)
    change = changes.between(base, mine)
    assert same(merging.merge(change, nothing).changes.after, change.after)
    for theirs in (change, nothing):
        assert len(merging.merge(nothing, theirs).changes) == 0
    assert len(merging.merge(change, change).changes) == 0


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
@given(tilings(), st.data())
def test_two_edits_that_do_not_clash_still_tile_the_land(tiling, data):
    state, side = tiling
    sides = []
    for _ in range(2):
        edit = data.draw(edits(state, side).filter(lambda made: not isinstance(made, editing.MoveVertices)))
        try:
            edited = editing.apply(state, edit)
        except DataError:
            return
        sides.append(editing.changed(state, edited))
    mine, theirs = sides
    levels, clashes, joined, new = {}, 0, 0, set()
    for level in LEVELS:
        base = _identified(state[level], "")
        known = set(state[level]["code"])
        if known - set(mine[level]["code"]) - set(theirs[level]["code"]):
            return  # both divided one area, each in its own way: the check finds the parts on top of each other
        ours, others = _identified(mine[level], "mine", known), _identified(theirs[level], "theirs", known)
        found = merged(ours, others, base)
        clashes += len(found.clashes)
        joined += len(found.joined)
        levels[level] = final(found, others).reset_index(drop=True)
        new |= set(levels[level]["code"]) - known
    event(f"clashes: {bool(clashes)}, joined: {bool(joined)}")
    # Both may have given one new area the same code, or cut out the same piece, which is not the merge's to find.
    left = [each for each in defects(levels) if not _is_twice_new(each, new)] if not clashes else []
    assert {kind for _, kind, _, _ in left} <= {"code-duplicate", "parent-missing"}


def _is_twice_new(defect, new):
    _, kind, codes, _ = defect
    return kind == "duplicate-geometry" and set(codes) <= new


def _identified(frame, side, known=()):
    ids = [code if not side or code in known else f"{side} {code}" for code in frame["code"]]
    return gpd.GeoDataFrame(frame.set_index(pd.Index(ids, name="id", dtype=object)), crs="EPSG:4326")


def test_a_result_that_is_no_area_is_a_clash():
    # Each cuts a notch from its own side; together they would cut through.
    whole = _with_nodes(square(0, 0, 3, 1), [(1, 0), (2, 0), (1, 1), (2, 1)])
    below = _notched(whole, (1, 0), (2, 0), (1.5, 0.8))
    above = _notched(whole, (1, 1), (2, 1), (1.5, 0.2))
    assert merging.merged_area(whole, below, above) is None
    shallow = _notched(whole, (1, 1), (2, 1), (1.5, 0.9))
    joined = merging.merged_area(whole, below, shallow)
    assert shapely.area(joined) == pytest.approx(shapely.area(whole) * (3 - 0.4 - 0.05) / 3)


def _notched(shape, start, end, tip):
    """The shape with an edge pushed in to a tip."""
    one, other, apex = (point(*place) for place in (start, end, tip))
    notch = shapely.Polygon([(one.x, one.y), (other.x, other.y), (apex.x, apex.y)])
    border = editing.edges.edges_of(shape) ^ editing.edges.edges_of(notch)
    return editing.edges.area_of(border, multi=True)
