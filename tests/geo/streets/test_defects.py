"""Defects of streets: planted ones are found, all of them and no others; counts of two real cities."""

import geopandas as gpd
import networkx as nx
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.crs import from_metric
from geo.streets import access_points, defects, network
from geo.streets.defects import Limits
from tests.geo.networks import METRIC, ORIGIN, las_palmas_streets, streets, wuhan_streets

SIDE, STEP = 4, 100
ROWS = [[(STEP * x, STEP * y), (STEP * x + STEP, STEP * y)] for y in range(SIDE) for x in range(SIDE - 1)]
LATTICE = [*ROWS, *[[(y, x) for x, y in row] for row in ROWS]]


def layer(lines, **columns):
    frame = streets(*lines, **columns)
    return frame.assign(code=[f"S{number}" for number in range(len(frame))])


def places(*points, codes=None):
    drawn = shapely.points(np.array(points, dtype=float).reshape(-1, 2) + ORIGIN)
    frame = gpd.GeoDataFrame(geometry=from_metric(drawn, METRIC), crs=4326)
    return frame.assign(code=codes or [f"P{number}" for number in range(len(frame))])


def found(frame, barriers=None, **limits):
    barriers = places() if barriers is None else barriers
    return defects.of_streets(frame, barriers, metric=METRIC, limits=Limits(**limits))


def kinds(frame, *args, **limits):
    table = found(frame, *args, **limits)[["kind", "codes"]].to_numpy()
    return sorted((kind, tuple(sorted(codes))) for kind, codes in table)


def joints(frame, *args, **limits):
    """Without the islands: what is not joined mostly is one too."""
    return [each for each in kinds(frame, *args, **limits) if each[0] != "street-island"]


def test_a_sound_lattice_has_none():
    assert kinds(layer(LATTICE)) == []


def test_parts_apart_are_islands_with_their_length():
    frame = layer([*LATTICE, [(1000, 0), (1040, 0)], [(1040, 0), (1040, 30)], [(2000, 0), (3500, 0)]])
    table = found(frame)
    assert table["codes"].tolist() == [["S26"], ["S24", "S25"]]
    assert table["size"].round(3).tolist() == [1500, 70]
    assert "Nobody" in table["message"][1]
    assert "Nobody" not in table["message"][0]


def test_an_end_beside_a_street_it_does_not_join():
    frame = layer([*LATTICE, [(300, 50), (400, 50)], [(150, 60), (150, 2)]])
    table = found(frame, dangling_m=5)
    table = table[table["kind"] != "street-island"]
    # S24 begins on S21, but there is no node.
    assert [
        (kind, codes, round(size, 2)) for kind, codes, size in table[["kind", "codes", "size"]].to_numpy()
    ] == [
        ("street-dangling", ["S25", "S1"], 2.0),
        ("street-dangling", ["S24", "S21"], 0.0),
    ]


def test_a_short_stub_is_joined_well_enough():
    # It ends 3 m from the street it starts on, and from no other.
    assert joints(layer([[(0, 0), (500, 0)], [(500, 0), (900, 0)], [(500, 0), (502, 3)]])) == []


def test_what_lies_over_it_is_not_beside_it():
    lines = [[(0, 0), (900, 0)], [(450, 200), (450, 2)], [(450, 200), (900, 0)]]
    assert [kind for kind, _ in joints(layer(lines))] == ["street-dangling"]
    assert joints(layer(lines, bridge=[True, False, False])) == []


def test_crossings_without_a_node_and_bridges():
    lines = [[(0, 0), (900, 0)], [(450, 200), (450, -200)]]
    whole = [[(0, 0), (0, 900), (900, 900), (900, 200), (450, 200)]]
    assert joints(layer(lines + whole)) == [("street-crossing", ("S0", "S1"))]
    for columns in (
        {"bridge": [True, False, False]},
        {"level": [0, -1, 0]},
        {"tunnel": [False, True, False]},
    ):
        assert joints(layer(lines + whole, **columns)) == []
    assert joints(layer(lines + whole, walkable=[True, False, True])) == []


def test_a_vertex_on_another_street_is_one_crossing():
    lines = [
        [(0, 0), (450, 0), (900, 0)],
        [(450, 200), (450, 0), (450, -200)],
        [(450, 200), (900, 200), (900, 0)],
    ]
    assert joints(layer(lines)) == [("street-crossing", ("S0", "S1"))]


def test_a_junction_on_another_street_is_a_crossing():
    lines = [
        [(0, 0), (900, 0)],
        [(450, 0), (450, 200)],
        [(450, 0), (400, 200)],
        [(450, 200), (400, 200)],
        [(400, 200), (0, 0)],
    ]
    pairs = [("S0", "S1"), ("S0", "S2")]
    assert joints(layer(lines)) == [("street-crossing", pair) for pair in pairs]


def test_places_far_from_every_street():
    net = network.build(layer([*LATTICE, [(2000, 0), (2030, 0)]]), metric=METRIC)
    frame = places((50, 0), (50, 49), (150, 350), (150, 700), (2000, 5))
    points = access_points.find(net, frame.geometry.to_numpy(), np.full(len(frame), None, dtype=object))
    table = defects.of_places("compounds", frame, points, net, limit_m=45)
    assert table[["kind", "codes"]].to_numpy().tolist() == [
        ["unreachable", ["P4"]],
        ["unreachable", ["P3"]],
        ["snapped-far", ["P2"]],
        ["snapped-far", ["P1"]],
    ]
    assert table["size"].round(2).tolist() == pytest.approx([1700, 400, 50, 49], abs=0.1)


def test_barriers_on_no_street():
    closed = places((50, 0), (50, 3), codes=["W1", "W2"])
    table = found(layer(LATTICE), closed)
    assert table[["kind", "layer", "codes"]].to_numpy().tolist() == [["barrier-idle", "barriers", ["W2"]]]


def test_nothing_to_check():
    empty = layer(LATTICE).iloc[:0]
    assert len(found(empty)) == 0
    assert [kind for kind, _ in kinds(empty, places((0, 0)))] == ["barrier-idle"]


@settings(max_examples=40, deadline=None)
@given(
    stubs=st.lists(
        st.tuples(st.integers(0, 8), st.integers(10, 40), st.floats(0.2, 4.8)),
        max_size=4,
        unique_by=lambda s: s[0],
    ),
    cuts=st.lists(st.integers(0, 8), max_size=3, unique=True),
    apart=st.lists(st.integers(11, 90), max_size=3),
)
def test_planted_defects_are_found_exactly(stubs, cuts, apart):
    """In each block of the lattice at most one street that stops short of the one above and one across without a node."""
    lines, expected = list(LATTICE), []
    for block, offset, gap in stubs:
        x, y = STEP * (block % 3), STEP * (block // 3)
        # From the node at the lower left, up to just below the street above.
        lines.append([(x, y), (x + offset, y + STEP - gap)])
        expected.append(
            ("street-dangling", tuple(sorted((f"S{len(lines) - 1}", f"S{block % 3 + 3 * (block // 3 + 1)}"))))
        )
    for block in cuts:
        x, y = STEP * (block % 3), STEP * (block // 3)
        # From the node at the upper right, across the street below, to a place of its own.
        lines.append([(x + STEP, y + STEP), (x + 60, y - 20)])
        expected.append(
            ("street-crossing", tuple(sorted((f"S{len(lines) - 1}", f"S{block % 3 + 3 * (block // 3)}"))))
        )
    for number, length in enumerate(apart):
        lines.append([(2000, 500 * number), (2000 + length, 500 * number)])
        expected.append(("street-island", (f"S{len(lines) - 1}",)))
    assert kinds(layer(lines), dangling_m=5) == sorted(expected)


@pytest.mark.parametrize("city", [las_palmas_streets, wuhan_streets])
def test_real_streets_against_plain_geometry(city, shared_data):
    frame, metric = city(shared_data)
    frame = frame.reset_index(drop=True)
    frame = frame.assign(code=frame.index.astype(str))
    table = defects.of_streets(frame, places(), metric=metric)
    counts = table["kind"].value_counts().to_dict()
    lines = frame.to_crs(metric).geometry.to_numpy()
    first, second = shapely.STRtree(lines).query(lines, predicate="crosses")
    crossing = table[table["kind"] == "street-crossing"]["codes"]
    named = {tuple(sorted(map(int, codes))) for codes in crossing if len(codes) == 2}
    assert {tuple(sorted(pair)) for pair in zip(first.tolist(), second.tolist(), strict=True)} <= named
    groups = nx.Graph(zip(*_ends(frame), strict=True))
    assert counts["street-island"] == nx.number_connected_components(groups) - 1


def _ends(frame):
    geoms = frame.geometry.to_numpy()
    return [map(tuple, shapely.get_coordinates(shapely.get_point(geoms, at))) for at in (0, -1)]
