"""What every edit promises, whatever it is and wherever: random tilings of four levels, random edits in a row."""

import geopandas as gpd
import numpy as np
import shapely
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from shapely import box

from geo import editing, partition
from geo.editing.edges import area_of, edges_of
from geo.faults import DataError
from geo.levels import LEVELS
from tests.paper_city import on_map, point

METRIC = "EPSG:4547"
STEP = 8  # parts of a unit in which lines and moves are drawn


@st.composite
def tilings(draw):
    """Areas of four levels on a small board whose inner corners are moved a little."""
    side = draw(st.integers(2, 4))
    shift = draw(st.lists(st.integers(-2, 2), min_size=2 * (side + 1) ** 2, max_size=2 * (side + 1) ** 2))
    corner = {}
    for number, (dx, dy) in enumerate(zip(shift[::2], shift[1::2], strict=True)):
        x, y = number % (side + 1), number // (side + 1)
        corner[x, y] = (x + dx / STEP, y + dy / STEP)
    cells = {}
    for number in range(side * side):
        x, y = number % side, number // side
        ring = [corner[x, y], corner[x + 1, y], corner[x + 1, y + 1], corner[x, y + 1]]
        cells[number] = edges_of(on_map(shapely.Polygon(ring)))
    owner = draw(st.lists(st.integers(0, 2), min_size=side * side, max_size=side * side))
    multi = draw(st.booleans())
    return levels(cells, owner, multi=multi), side


def levels(cells, owner, *, multi):
    """Every cell a grid; communities by owner, two subdistricts, one district."""
    rows = {level: {} for level in LEVELS}
    for number, of in enumerate(owner):
        district, subdistrict = "420199", f"42019900{1 + of % 2}"
        community = f"{subdistrict}{of + 1:03d}"
        grid = f"{community}{number + 1:03d}"
        for level, code in zip(LEVELS, (district, subdistrict, community, grid), strict=True):
            rows[level][code] = rows[level].get(code, frozenset()) ^ cells[number]
    widths = {"district": None, "subdistrict": 6, "community": 9, "grid": 12}
    return {
        level: gpd.GeoDataFrame(
            {
                "code": sorted(areas),
                "parent_code": [widths[level] and code[: widths[level]] for code in sorted(areas)],
            },
            geometry=[area_of(areas[code], multi=multi) for code in sorted(areas)],
            crs="EPSG:4326",
        )
        for level, areas in rows.items()
    }


@st.composite
def edits(draw, state, side):
    """Any edit, often one that cannot be made."""
    level = draw(st.sampled_from(LEVELS))
    shapes = dict(zip(state[level]["code"], state[level].geometry, strict=True))
    code = draw(st.sampled_from(sorted(shapes)))
    beside = [each for each, shape in shapes.items() if each != code and shape.intersects(shapes[code])]
    other = draw(st.sampled_from(sorted(beside or shapes)))
    place = st.tuples(*[st.integers(-2, side * STEP + 2)] * 2).map(lambda p: point(p[0] / STEP, p[1] / STEP))
    name = draw(st.sampled_from(["move", "redraw", "split", "merge", "transfer", "insert"]))
    if name == "move":
        vertices = np.unique(shapely.get_coordinates(state[level].geometry.to_numpy()), axis=0)
        x, y = draw(st.sampled_from([tuple(v) for v in vertices.tolist()]))
        dx, dy = (draw(st.integers(-3, 3)) / STEP / 1024 for _ in range(2))
        return editing.MoveVertices(level=level, moves=(((x, y), (x + dx, y + dy)),))
    if name == "redraw":
        return editing.Redraw(level=level, code=code, other=other, line=draw(lines(shapes[code], place)))
    if name == "split":
        return editing.Split(level=level, code=code, line=draw(lines(shapes[code], place)))
    if name == "merge":
        return editing.Merge(level=level, codes=(code, other))
    if name == "insert":
        x, y = draw(place)
        return editing.InsertNode(level=level, lon=x, lat=y)
    west, south, _, _ = shapes[code].bounds
    x = int((west - point(0, 0)[0]) * 1024 * STEP) + draw(st.integers(-2, STEP))
    y = int((south - point(0, 0)[1]) * 1024 * STEP) + draw(st.integers(-2, STEP))
    size = draw(st.integers(1, STEP))
    piece = on_map(box(x / STEP, y / STEP, (x + size) / STEP, (y + size) / STEP))
    return editing.Transfer(level=level, code=code, to=other, piece=piece)


@st.composite
def lines(draw, shape, place):
    """A line straight through an area and far beyond, or any, of two places or three."""
    if draw(st.booleans()):
        return tuple(draw(st.lists(place, min_size=2, max_size=3)))
    middle = shapely.point_on_surface(shape)
    dx, dy = draw(st.sampled_from([(1, 0), (0, 1), (1, 1), (3, -1), (1, 5)]))
    step = [sign * draw(st.sampled_from([0.6, 5])) / 1024 for sign in (-1, 1)]
    return tuple((middle.x + dx * each, middle.y + dy * each) for each in step)


def bits(state):
    """Every area's parent and shape, to the last bit."""
    return {
        level: {
            code: (parent, shape.wkb)
            for code, parent, shape in zip(areas["code"], areas["parent_code"], areas.geometry, strict=True)
        }
        for level, areas in state.items()
    }


def defects(state):
    found = []
    for level, above in zip(LEVELS, (None, *LEVELS), strict=False):
        listed = partition.check(state[level], state[above] if above else None, metric=METRIC)
        # Thin areas may be drawn on purpose.
        listed = listed[listed["kind"] != "sliver"]
        found += [
            (level, kind, codes, size) for kind, codes, size in listed[["kind", "codes", "size"]].to_numpy()
        ]
    return found


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(tilings(), st.data())
def test_edits_keep_the_partition_the_land_the_codes_and_can_be_undone(tiling, data):
    state, side = tiling
    assert defects(state) == []
    ever = {level: set(areas["code"]) for level, areas in state.items()}
    for _ in range(4):
        edit = data.draw(edits(state, side))
        try:
            edited = editing.apply(state, edit, taken=ever)
        except DataError as error:
            event(f"{type(edit).__name__} {error.faults[0].kind}")
            continue
        event(f"{type(edit).__name__} done")
        after = editing.changed(state, edited)
        before, now = bits(state), bits(after)
        assert defects(after) == [], edit
        assert bits(editing.changed(after, editing.invert(edited))) == before
        for level in LEVELS:
            listed = (
                set(edited.upserts[level]["code"]) | set(edited.removed[level])
                if level in edited.upserts
                else set()
            )
            for code in before[level].keys() | now[level].keys():
                same = before[level].get(code) == now[level].get(code)
                assert same or code in listed
            new = now[level].keys() - before[level].keys()
            assert not new & ever[level]
            ever[level] |= new
            above = LEVELS[LEVELS.index(level) - 1] if level != "district" else None
            for code, (parent, _) in now[level].items():
                assert above is None or (parent in now[above] and code.startswith(parent))
        if not isinstance(edit, editing.MoveVertices):
            was, still = (shapely.union_all(each["grid"].geometry.to_numpy()) for each in (state, after))
            assert (
                shapely.area(shapely.symmetric_difference(was, still)) < 1e-16
            )  # square degrees: a square millimetre
        for level, old, new in edited.lineage.itertuples(index=False):
            assert old in before[level]
            assert new in now[level] or new in ever[level]
        state = after
