"""Each edit on paper: two communities of two grids each, squares of 1/1024 of a degree."""

import numpy as np
import pytest
import shapely
from shapely import LineString, MultiPolygon, Polygon, box

from geo import editing
from geo.editing.edges import area_of, edges_of
from geo.faults import KINDS, DataError
from tests.geo.editing.test_promises import bits, defects, levels
from tests.paper_city import on_map, point

DISTRICT, STREET, OTHER_STREET = "420199", "420199001", "420199002"
WEST, EAST = STREET + "001", OTHER_STREET + "002"
#: Grids 001 and 002 of the west, 003 and 004 of the east, one column each, two high.
CELLS = {number: edges_of(on_map(box(number, 0, number + 1, 2))) for number in range(4)}
CITY = levels(CELLS, [0, 0, 1, 1], multi=False)
A, B, C, D = WEST + "001", WEST + "002", EAST + "003", EAST + "004"


def at(*places):
    return tuple(point(*place) for place in places)


def do(edit, state=CITY, **options):
    """The levels after an edit, as shapes by code, and what was returned."""
    edited = editing.apply(state, edit, **options)
    after = editing.changed(state, edited)
    assert bits(editing.changed(after, editing.invert(edited))) == bits(state)
    shapes = {
        code: shape
        for areas in after.values()
        for code, shape in zip(areas["code"], areas.geometry, strict=True)
    }
    return shapes, edited, after


def same(shape, expected):
    return shape.equals(on_map(expected))


def refused(edit, kind, state=CITY):
    with pytest.raises(DataError) as caught:
        editing.apply(state, edit)
    (fault,) = caught.value.faults
    assert fault.kind == kind
    return fault


def pairs(edited):
    return list(edited.lineage.itertuples(index=False, name=None))


def test_a_shared_vertex_moves_for_its_neighbours_and_their_parents():
    shapes, edited, after = do(editing.MoveVertices(level="grid", moves=(at((2, 2), (2.25, 2)),)))
    assert same(shapes[B], Polygon([(1, 0), (2, 0), (2.25, 2), (1, 2)]))
    assert same(shapes[WEST], Polygon([(0, 0), (2, 0), (2.25, 2), (0, 2)]))
    assert same(shapes[OTHER_STREET], Polygon([(2, 0), (4, 0), (4, 2), (2.25, 2)]))
    assert {level: sorted(frame["code"]) for level, frame in edited.upserts.items()} == {
        "district": [DISTRICT], "subdistrict": [STREET, OTHER_STREET], "community": [WEST, EAST], "grid": [B, C],
    }  # fmt: skip
    assert defects(after) == []
    assert pairs(edited) == []


def test_a_parent_without_a_node_of_its_grids_does_not_leave_it_behind():
    noded = {
        1: edges_of(on_map(Polygon([(1, 0), (2, 0), (2, 1), (2, 2), (1, 2)]))),
        2: edges_of(on_map(Polygon([(2, 0), (3, 0), (3, 2), (2, 2), (2, 1)]))),
    }
    state = CITY | {"grid": levels({**CELLS, **noded}, [0, 0, 1, 1], multi=False)["grid"]}
    shapes, _, after = do(editing.MoveVertices(level="grid", moves=(at((2, 2), (2.25, 2)),)), state)
    assert same(shapes[B], Polygon([(1, 0), (2, 0), (2, 1), (2.25, 2), (1, 2)]))
    assert same(shapes[WEST], Polygon([(0, 0), (2, 0), (2, 1), (2.25, 2), (0, 2)]))
    assert defects(after) == []


def test_a_whole_stretch_moves_in_one_step():
    moves = (at((2, 0), (2.5, 0)), at((2, 2), (2.5, 2)))
    shapes, _, after = do(editing.MoveVertices(level="community", moves=moves))
    assert same(shapes[WEST], box(0, 0, 2.5, 2))
    assert same(shapes[C], box(2.5, 0, 3, 2))
    assert defects(after) == []


def test_a_border_drawn_anew_between_grids_of_two_subdistricts_is_theirs_too():
    edit = editing.Redraw(level="grid", code=B, other=C, line=at((1.5, -1), (1.5, 3)))
    shapes, edited, after = do(edit)
    assert same(shapes[B], box(1, 0, 1.5, 2))
    assert same(shapes[C], box(1.5, 0, 3, 2))
    assert same(shapes[EAST], box(1.5, 0, 4, 2))
    assert same(shapes[STREET], box(0, 0, 1.5, 2))
    assert (defects(after), pairs(edited)) == ([], [])


def test_a_border_of_communities_drawn_anew_takes_whole_grids_along_and_cuts_others():
    edit = editing.Redraw(level="community", code=WEST, other=EAST, line=at((0.5, -1), (0.5, 3)))
    shapes, edited, after = do(edit)
    moved = EAST + "001"  # the next free number below its new parent
    assert pairs(edited) == [("grid", B, moved)]
    # What was cut off the first grid joins the area across.
    assert same(shapes[A], box(0, 0, 0.5, 2))
    assert same(shapes[moved], box(0.5, 0, 2, 2))
    assert same(shapes[OTHER_STREET], box(0.5, 0, 4, 2))
    assert edited.removed["grid"] == [B]
    assert defects(after) == []


def test_a_line_that_bends_becomes_the_border():
    line = at((2, 0), (2.5, 1), (2, 2))
    shapes, _, after = do(editing.Redraw(level="grid", code=B, other=C, line=line))
    assert same(shapes[B], Polygon([(1, 0), (2, 0), (2.5, 1), (2, 2), (1, 2)]))
    assert defects(after) == []


def test_a_split_grid_is_retired_and_its_parts_are_numbered_from_north_to_south():
    shapes, edited, after = do(
        editing.Split(level="grid", code=A, line=at((-1, 1), (3, 1))), taken={"grid": {WEST + "003"}}
    )
    north, south = WEST + "004", WEST + "005"  # 003 was given before
    assert same(shapes[north], box(0, 1, 1, 2))
    assert same(shapes[south], box(0, 0, 1, 1))
    assert pairs(edited) == [("grid", A, north), ("grid", A, south)]
    # Its neighbour and all parents have the new nodes; the others are not touched.
    assert sorted(edited.upserts["grid"]["code"]) == [B, north, south]
    assert sorted(edited.upserts["community"]["code"]) == [WEST]
    assert defects(after) == []


def test_a_split_community_takes_its_grids_along_and_cuts_those_on_the_line():
    shapes, edited, after = do(editing.Split(level="community", code=WEST, line=at((1.5, 3), (1.5, -1))))
    left, right = STREET + "002", STREET + "003"
    assert same(shapes[left], box(0, 0, 1.5, 2))
    assert sorted(pairs(edited)) == [
        ("community", WEST, left), ("community", WEST, right), ("grid", A, left + "001"),
        ("grid", B, left + "002"), ("grid", B, right + "001"),
    ]  # fmt: skip
    assert defects(after) == []


def test_merged_areas_live_on_in_the_first_and_all_below_it():
    shapes, edited, after = do(editing.Merge(level="subdistrict", codes=(OTHER_STREET, STREET)))
    assert same(shapes[OTHER_STREET], box(0, 0, 4, 2))
    assert edited.removed["subdistrict"] == [STREET]
    community = OTHER_STREET + "001"
    assert pairs(edited) == [
        ("community", WEST, community), ("grid", A, community + "001"), ("grid", B, community + "002"),
        ("subdistrict", STREET, OTHER_STREET),
    ]  # fmt: skip
    assert shapes[community].equals(on_map(box(0, 0, 2, 2)))
    assert defects(after) == []


def test_grids_of_two_communities_may_be_merged_and_their_parents_follow():
    shapes, edited, after = do(editing.Merge(level="grid", codes=(C, B)))
    assert same(shapes[C], box(1, 0, 3, 2))
    assert same(shapes[WEST], box(0, 0, 1, 2))
    assert pairs(edited) == [("grid", B, C)]
    assert defects(after) == []


def test_a_piece_goes_to_the_neighbour():
    piece = on_map(box(1.5, -1, 5, 1))  # what lies beyond the area stays where it is
    shapes, _, after = do(editing.Transfer(level="grid", code=B, to=C, piece=piece))
    assert same(shapes[C], Polygon([(1.5, 0), (3, 0), (3, 2), (2, 2), (2, 1), (1.5, 1)]))
    assert same(shapes[D], box(3, 0, 4, 2))
    assert defects(after) == []


def with_shapes(level, **shapes):
    """The city with other shapes for some areas of a level."""
    areas = CITY[level].copy()
    for code, shape in shapes.items():
        areas.loc[areas["code"] == code.lstrip("_"), "geometry"] = on_map(shape)
    return {**CITY, level: areas}


def test_a_gap_is_filled_whether_enclosed_or_at_the_parents_border():
    for hole in (box(1.4, 0.5, 1.6, 1.5), box(1.8, 0.5, 2, 1.5), box(1, 1.9, 2, 2)):
        state = with_shapes("grid", **{f"_{B}": box(1, 0, 2, 2) - hole})
        assert defects(state)
        lon, lat = shapely.point_on_surface(on_map(hole)).coords[0]
        shapes, _, after = do(editing.FillGap(level="grid", code=B, lon=lon, lat=lat), state)
        assert same(shapes[B], box(1, 0, 2, 2))
        assert defects(after) == []


def test_an_overlap_is_trimmed():
    state = with_shapes("grid", **{f"_{A}": box(0, 0, 1.25, 2)})
    shapes, _, after = do(editing.TrimOverlap(level="grid", code=A, other=B), state)
    assert same(shapes[A], box(0, 0, 1, 2))
    assert defects(after) == []


def test_a_node_is_inserted_wherever_a_border_passes():
    lon, lat = point(2, 1)
    _, edited, after = do(editing.InsertNode(level="grid", lon=lon, lat=lat))
    assert sorted(edited.upserts["grid"]["code"]) == [B, C]
    for areas in edited.upserts.values():
        for shape in areas.geometry:
            assert [lon, lat] in shapely.get_coordinates(shape).tolist()
    assert defects(after) == []


def test_a_border_beside_its_parents_is_snapped():
    # 8 mm beside: less than a bend, more than rounding.
    state = with_shapes("grid", **{f"_{A}": box(0, 8e-5, 1, 2)})
    assert {kind for _, kind, _, _ in defects(state)} >= {"border-unmatched"}
    shapes, _, after = do(editing.Snap(level="grid", code=A), state)
    assert defects(after) == []
    assert same(shapes[A], box(0, 0, 1, 2))


# --- what cannot be made ----------------------------------------------------------------------------------

LON, LAT = point(1.5, 1)


@pytest.mark.parametrize(
    ("edit", "kind"),
    [
        (editing.Split(level="grid", code="9", line=at((0, 0), (1, 1))), "edit-target"),
        (editing.Split(level="grid", code=A, line=at((0.5, -1), (0.5, 1))), "edit-line"),
        (editing.Split(level="grid", code=A, line=at((2, 0), (3, 1))), "edit-line"),
        (editing.Split(level="grid", code=A, line=at((0, 0), (0, 0))), "edit-line"),
        (editing.Split(level="grid", code=A, line=at((-1, 0), (2, 2), (2, 0), (-1, 2))), "edit-line"),
        (editing.Split(level="grid", code=A, line=((float("nan"), 1.0), (1.0, 1.0))), "edit-line"),
        (editing.Redraw(level="grid", code=A, other=C, line=at((0, 0), (1, 1))), "edit-apart"),
        (editing.Redraw(level="grid", code=A, other=A, line=at((0, 0), (1, 1))), "edit-apart"),
        (editing.Redraw(level="grid", code=A, other=B, line=at((0.5, 3), (0.5, 1), (1.5, 1), (1.5, 3))), None),
        (editing.Redraw(level="grid", code=A, other=B, line=at((-1, 0.5), (3, 0.5), (3, 1.5), (-1, 1.5))), "edit-line"),
        (editing.Merge(level="grid", codes=(A, C)), "edit-apart"),
        (editing.Merge(level="grid", codes=(A,)), "edit-target"),
        (editing.Merge(level="community", codes=(EAST, WEST)), "edit-vanishes"),
        (editing.Transfer(level="grid", code=A, to=B, piece=on_map(box(0, 0, 1, 2))), "edit-vanishes"),
        (editing.Transfer(level="grid", code=A, to=B, piece=on_map(box(7, 7, 8, 8))), "edit-outside"),
        (editing.Transfer(level="grid", code=A, to=B, piece=on_map(LineString([(0, 0), (1, 1)]))), "geometry-type"),
        (
            editing.Transfer(level="grid", code=A, to=B, piece=on_map(Polygon([(0, 0), (1, 1), (1, 0), (0, 1)]))),
            "geometry-invalid",
        ),
        (editing.FillGap(level="grid", code=A, lon=LON, lat=LAT), "edit-outside"),
        (editing.TrimOverlap(level="grid", code=A, other=B), "edit-apart"),
        (editing.InsertNode(level="grid", lon=LON, lat=LAT), "edit-outside"),
        (editing.Snap(level="grid", code=A), "edit-nothing"),
        (editing.MoveVertices(level="grid", moves=(at((0.5, 0.5), (1, 1)),)), "edit-outside"),
        (editing.MoveVertices(level="grid", moves=(at((1, 0), (1.5, 3)),)), "geometry-invalid"),
        (editing.MoveVertices(level="grid", moves=(at((1, 0), (1, 2)),)), "geometry-invalid"),
    ],
)  # fmt: skip
def test_what_cannot_be_made_is_refused_with_its_place(edit, kind):
    if kind is None:
        assert defects(do(edit)[2]) == []
        return
    fault = refused(edit, kind)
    assert fault.lon is not None or "two" in fault.message or "no grid" in fault.message


def test_a_border_moved_over_another_is_refused_where_they_cross():
    enclave = {**CELLS, 0: edges_of(on_map(box(0, 0, 1, 2) - box(0.4, 0.4, 0.6, 0.6)))}
    enclave[4] = edges_of(on_map(box(0.4, 0.4, 0.6, 0.6)))
    state = levels(enclave, [0, 0, 1, 1, 0], multi=True)
    fault = refused(
        editing.MoveVertices(level="grid", moves=(at((1, 2), (0.5, 0.5)),)), "geometry-invalid", state
    )
    assert fault.id


def test_multipolygons_stay_multipolygons():
    state = levels(CELLS, [0, 0, 1, 1], multi=True)
    _, edited, _ = do(editing.Split(level="grid", code=A, line=at((-1, 1), (3, 1))), state)
    kinds = {shape.geom_type for areas in edited.upserts.values() for shape in areas.geometry}
    assert kinds == {"MultiPolygon"}


def test_levels_may_be_missing():
    grids = {"grid": CITY["grid"].assign(parent_code=None)}
    shapes, _, _ = do(editing.Redraw(level="grid", code=B, other=C, line=at((1.5, -1), (1.5, 3))), grids)
    assert same(shapes[B], box(1, 0, 1.5, 2))


def test_parts_that_touch_in_a_corner_and_holes_are_kept_apart():
    corner = MultiPolygon([box(0, 0, 1, 1), box(1, 1, 2, 2)])
    hollow = box(0, 0, 5, 5) - box(1, 1, 4, 4) | box(2, 2, 3, 3)
    for shape in (corner, hollow, box(0, 0, 1, 1)):
        assert area_of(edges_of(shape), multi=True).equals(shape)
    assert area_of(frozenset(), multi=True) is None


# --- requests ---------------------------------------------------------------------------------------------


def test_edits_are_read_from_requests():
    said = {
        "edit": "transfer",
        "level": "grid",
        "code": A,
        "to": B,
        "piece": shapely.geometry.mapping(box(0, 0, 1, 1)),
    }
    assert editing.parse(said) == editing.Transfer(level="grid", code=A, to=B, piece=box(0, 0, 1, 1))
    assert editing.parse({"edit": "snap", "level": "grid", "code": A}).within_m > 0
    moves = {"edit": "move_vertices", "level": "grid", "moves": [[[1, 2], [3, 4]]]}
    assert editing.parse(moves).moves == (((1.0, 2.0), (3.0, 4.0)),)


@pytest.mark.parametrize(
    ("said", "kinds"),
    [
        ({"edit": "explode"}, ["edit-unknown"]),
        ({}, ["edit-unknown"]),
        ({"edit": "split", "level": "city", "line": [[1]], "colour": 1}, ["field-unknown", "value-invalid", "value-missing", "value-invalid"]),
        ({"edit": "transfer", "level": "grid", "code": A, "to": B, "piece": {"type": "Blob"}}, ["value-invalid"]),
    ],
)  # fmt: skip
def test_requests_that_say_no_edit_name_every_fault(said, kinds):
    with pytest.raises(DataError) as caught:
        editing.parse(said)
    assert [fault.kind for fault in caught.value.faults] == kinds
    assert set(kinds) <= KINDS.keys()


def test_nothing_given_is_changed():
    before = bits(CITY)
    do(editing.Merge(level="subdistrict", codes=(STREET, OTHER_STREET)))
    assert bits(CITY) == before
    assert np.array_equal(CITY["grid"]["code"], [A, B, C, D])
