"""What an edit needs: on the areas that it asks for it does, or refuses, exactly what it does on whole layers."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from shapely import affinity, box

from geo import editing
from geo.editing.edges import edges_of
from geo.faults import DataError
from geo.levels import LEVELS
from tests.geo.editing.test_promises import STEP, edits, levels
from tests.paper_city import on_map, point

SIDE = 8


@st.composite
def cities(draw):
    """Eight by eight grids in sixteen communities, some of them at fault."""
    random = np.random.default_rng(draw(st.integers(0, 999)))
    shift = random.integers(-2, 3, (SIDE + 1, SIDE + 1, 2)) / STEP
    corner = np.stack(np.meshgrid(*[np.arange(SIDE + 1)] * 2), axis=-1) + shift
    cells, owner = {}, []
    for number in range(SIDE * SIDE):
        y, x = divmod(number, SIDE)
        ring = [corner[y, x], corner[y, x + 1], corner[y + 1, x + 1], corner[y + 1, x]]
        cells[number] = edges_of(on_map(shapely.Polygon(ring)))
        owner.append(4 * (y // 2) + x // 2)
    state = levels(cells, owner, multi=draw(st.booleans()))
    for _ in range(draw(st.integers(0, 4))):
        state = at_fault(draw, state)
    return state


def at_fault(draw, state):
    """A state with one fault more: land of nobody or of two, a border a hair beside, a stranger as parent."""
    level = draw(st.sampled_from(["community", "grid"]))
    frame = state[level].copy()
    row = draw(st.integers(0, len(frame) - 1))
    shape = frame.geometry.iloc[row]
    fault = draw(st.sampled_from(["hole", "bite", "grown", "hair", "stranger", "gone"]))
    if fault == "gone":
        return {**state, level: frame.drop(index=frame.index[row]).reset_index(drop=True)}
    if fault == "stranger":
        frame.loc[row, "parent_code"] = draw(st.sampled_from(sorted(state["community"]["code"])))
        return {**state, level: frame}
    size = {"hole": 0.2, "bite": 0.2, "grown": 0.2, "hair": 5e-6}[fault] / 1024
    middle = shapely.point_on_surface(shape) if fault == "hole" else shapely.Point(shape.exterior.coords[0]) if (
        shape.geom_type == "Polygon"
    ) else shapely.Point(shape.geoms[0].exterior.coords[0])  # fmt: skip
    patch = affinity.translate(box(-size, -size, size, size), middle.x, middle.y)
    made = shape.union(patch) if fault in ("grown", "hair") else shape.difference(patch)
    if made.geom_type != shape.geom_type:
        made = shapely.MultiPolygon(shapely.get_parts(made)) if shape.geom_type == "MultiPolygon" else shape
    frame.geometry = [made if at == row else each for at, each in enumerate(frame.geometry)]
    return {**state, level: frame}


@st.composite
def any_edits(draw, state):
    """Edits of sound borders, and those that mend faults."""
    if draw(st.booleans()):
        return draw(edits(state, SIDE))
    level = draw(st.sampled_from(["community", "grid"]))
    shapes = dict(zip(state[level]["code"], state[level].geometry, strict=True))
    code = draw(st.sampled_from(sorted(shapes)))
    beside = [each for each, shape in shapes.items() if each != code and shape.intersects(shapes[code])]
    name = draw(st.sampled_from(["fill", "trim", "snap"]))
    if name == "trim" and beside:
        return editing.TrimOverlap(level=level, code=code, other=draw(st.sampled_from(beside)))
    if name == "snap":
        return editing.Snap(level=level, code=code, within_m=draw(st.sampled_from([0.05, 1.0, 15.0])))
    land = shapely.union_all(state["district"].geometry.to_numpy())
    free = shapely.get_parts(shapely.difference(land, shapely.union_all(list(shapes.values()))))
    free = free[shapely.area(free) > 1e-12]
    places = [shapely.point_on_surface(each) for each in free] + [shapes[code].centroid]
    place = draw(st.sampled_from(places))
    return editing.FillGap(level=level, code=code, lon=place.x, lat=place.y)


def reader(state):
    """Reads from whole layers as a database does, in another order and now and then more than asked for."""

    def read(level, *, codes=None, parents=None, within=None):
        frame = state[level].iloc[::-1]
        if codes is not None:
            return frame[frame["code"].isin(list(codes))]
        if parents is not None:
            return frame[frame["parent_code"].isin(list(parents))]
        west, south, east, north = within
        return frame.cx[west - 1e-5 : east + 1e-5, south - 1e-5 : north + 1e-5]

    return read


def narrowed(state, edit, ever):
    """Levels and codes that an edit asks for."""
    found = editing.needs(edit, reader(state), [level for level in LEVELS if level in state])
    taken = {level: {code for code in ever[level] if code.startswith(found.prefixes)} for level in ever}
    return found.areas, taken


def outcome(state, edit, taken):
    """What an edit does to the last bit, or why it is refused."""
    try:
        edited = editing.apply(state, edit, taken=taken)
    except DataError as error:
        return error.faults
    return {
        "lineage": edited.lineage.to_numpy().tolist(),
        "removed": edited.removed,
        **{
            f"{name} {level}": list(
                zip(frame["code"], frame["parent_code"], frame.geometry.to_wkb(), strict=True)
            )
            for name, frames in (("upserts", edited.upserts), ("replaced", edited.replaced))
            for level, frame in frames.items()
        },
    }


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(cities(), st.data())
def test_an_edit_on_what_it_needs_is_the_edit_on_whole_layers(state, data):
    ever = {level: {*areas["code"]} for level, areas in state.items()}
    edit = data.draw(any_edits(state))
    whole = outcome(state, edit, ever)
    areas, taken = narrowed(state, edit, ever)
    event(f"{type(edit).__name__} {whole[0].kind if isinstance(whole, tuple) else 'done'}")
    assert outcome(areas, edit, taken) == whole


def sound():
    cells = {
        number: edges_of(on_map(box(number % SIDE, number // SIDE, number % SIDE + 1, number // SIDE + 1)))
        for number in range(SIDE * SIDE)
    }
    owner = [4 * (number // SIDE // 2) + number % SIDE // 2 for number in range(SIDE * SIDE)]
    return levels(cells, owner, multi=True)


@pytest.mark.parametrize("name", ["move", "redraw", "merge", "insert", "fill", "snap"])
def test_an_edit_of_grids_needs_only_those_around(name):
    state = sound()
    first = state["grid"][state["grid"].geometry.covers(shapely.Point(point(0.5, 0.5)))]["code"].iloc[0]
    second = state["grid"][state["grid"].geometry.covers(shapely.Point(point(1.5, 0.5)))]["code"].iloc[0]
    (x, y), (to_x, to_y) = point(1, 1), point(1.2, 1.1)
    edit = {
        "move": editing.MoveVertices(level="grid", moves=(((x, y), (to_x, to_y)),)),
        "redraw": editing.Redraw(
            level="grid", code=first, other=second, line=(point(0.5, -1), point(0.5, 2))
        ),
        "merge": editing.Merge(level="grid", codes=(first, second)),
        "insert": editing.InsertNode(level="grid", lon=point(1, 0.5)[0], lat=point(1, 0.5)[1]),
        "fill": editing.FillGap(level="grid", code=first, lon=point(0.5, 0.5)[0], lat=point(0.5, 0.5)[1]),
        "snap": editing.Snap(level="grid", code=first),
    }[name]
    areas, _ = narrowed(state, edit, {level: set() for level in LEVELS})
    assert len(areas["grid"]) <= 20
    assert len(state["grid"]) == SIDE * SIDE


def test_codes_that_were_given_are_asked_for_below_what_an_edit_names():
    state = sound()
    code = state["community"]["code"].iloc[0]
    grids = [each for each in state["grid"]["code"] if each.startswith(code)]
    merge = editing.needs(editing.Merge(level="grid", codes=tuple(grids[:2])), reader(state), LEVELS)
    assert merge.prefixes == (code,)
    split = editing.needs(
        editing.Split(level="district", code="420199", line=(point(0, 0), point(1, 1))), reader(state), LEVELS
    )
    assert split.prefixes == ("",)
    move = editing.needs(
        editing.MoveVertices(level="grid", moves=((point(0, 0), point(1, 1)),)), reader(state), LEVELS
    )
    assert move.prefixes == ()


def test_levels_without_areas_near_by_are_not_skipped():
    """A grid whose parent is a subdistrict is not its community's, for there are communities elsewhere."""
    state = sound()
    near = state["community"].geometry.intersects(shapely.Point(point(0.5, 0.5)))
    gone = state["community"][near]["code"].iloc[0]
    state["community"] = state["community"][~near].reset_index(drop=True)
    grids = state["grid"]
    grids.loc[grids["parent_code"] == gone, "parent_code"] = gone[:9]
    first, second = grids["code"][grids["parent_code"] == gone[:9]].to_list()[:2]
    edit = editing.Redraw(level="grid", code=first, other=second, line=(point(0.5, -1), point(0.5, 2)))
    areas, taken = narrowed(state, edit, {level: set() for level in LEVELS})
    assert outcome(areas, edit, taken) == outcome(state, edit, {})
    assert isinstance(areas["community"], gpd.GeoDataFrame)
