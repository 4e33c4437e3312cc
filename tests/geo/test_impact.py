"""Whom a change touches: hand-drawn cities, and the promise that nothing is lost or doubled."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import Point, box

from geo import changes, impact
from geo.levels import LAYER_OF, LEVELS
from tests.paper_city import identifiers, on_map

METRIC = "EPSG:4547"
DISTRICT, SUBDISTRICT = "420199", "420199001"
A, B = SUBDISTRICT + "001", SUBDISTRICT + "002"


def frame(layer, shapes, **columns):
    """A layer frame by code; columns are lists or one value."""
    codes = list(shapes)
    geometry = [None if shape is None else on_map(shape) for shape in shapes.values()]
    data = {"code": codes, "name": [f"{layer} {code}" for code in codes], **columns}
    return gpd.GeoDataFrame(data, geometry=geometry, crs="EPSG:4326", index=identifiers(layer, codes))


def areas(grids):
    """All levels from the grids, whose codes begin with their parents'."""
    cut = {"district": 6, "subdistrict": 9, "community": 12, "grid": 15}
    found = {}
    for level, parent in zip(LEVELS, (None, 6, 9, 12), strict=True):
        shapes = {}
        for code, shape in grids.items():
            shapes.setdefault(code[: cut[level]], []).append(shape)
        shapes = {
            code: shapely.multipolygons(shapely.get_parts([shapely.union_all(parts)]))
            for code, parts in shapes.items()
        }
        found[LAYER_OF[level]] = frame(LAYER_OF[level], shapes).assign(
            parent_code=[parent and code[:parent] for code in shapes]
        )
    return found


def posts(targets):
    codes = [f"P{number}" for number in range(len(targets))]
    table = pd.DataFrame(
        targets, columns=["role", "target_layer", "target_code"], index=identifiers("posts", codes)
    )
    return table.assign(code=codes, name="王芳")


def homes(shapes, people, households=None):
    said = pd.array(people, dtype="Int64")
    return frame(
        "compounds",
        shapes,
        people=said,
        households=said if households is None else pd.array(households, dtype="Int64"),
    )


def compare(before, after, moves=None):
    found = {layer: changes.between(before[layer], after[layer]) for layer in before if layer in after}
    found = {layer: change for layer, change in found.items() if len(change)}
    return impact.compare((before, after), found, moves=moves, metric=METRIC, tolerance_m=50.0)


def row(found, code, level="grid"):
    rows = found.balance[(found.balance["level"] == level)]
    rows = rows[rows["code"].isna()] if code is None else rows[rows["code"] == code]
    (one,) = rows.to_dict("records")
    return one


def figure(found, code, name, level="grid"):
    said = row(found, code, level)
    return tuple(said[f"{name}_{side}"] for side in impact.SIDES)


HALVES = {A + "001": box(0, 0, 4, 4), A + "002": box(4, 0, 8, 4), B + "001": box(8, 0, 12, 4)}
MOVED = HALVES | {A + "001": box(0, 0, 5, 4), A + "002": box(5, 0, 8, 4)}


def city(grids, **layers):
    return areas(grids) | layers


def test_land_people_and_homes_go_over_with_a_border():
    found = [
        homes(
            {"C1": box(4, 0, 5, 1), "C2": box(4.4, 2, 5.4, 3), "C3": Point(7, 1)}, [100, 30, 7], [40, 10, 2]
        )
    ] * 2
    found = compare(city(HALVES, compounds=found[0]), city(MOVED, compounds=found[1]))
    assert figure(found, A + "001", "people") == (0, 118, 0, 118)
    assert figure(found, A + "002", "people") == (137, 0, 118, 19)
    assert figure(found, A + "001", "compounds") == (0, 2, 0, 2)
    assert figure(found, A + "002", "households") == (52, 0, 46, 6)
    before, gained, lost, after = figure(found, A + "001", "area_m2")
    assert before + gained - lost == pytest.approx(after)
    assert after / before == pytest.approx(5 / 4, rel=1e-4)
    assert list(impact.touched(found.balance)["code"]) == [A + "001", A + "002"]
    assert row(found, A + "001")["change"] == "moved"


def test_affected_are_those_whose_part_changed():
    compounds = homes({"C1": box(4, 0, 5, 1), "C2": box(4.5, 2, 5.5, 3), "C3": Point(7, 1)}, [100, 31, 7])
    found = compare(city(HALVES, compounds=compounds), city(MOVED, compounds=compounds))
    said = [tuple(x) for x in found.affected[["code", "area_code", "share_before", "share_after"]].to_numpy()]
    assert [x[:2] for x in said] == [
        ("C1", A + "001"),
        ("C1", A + "002"),
        ("C2", A + "001"),
        ("C2", A + "002"),
    ]
    np.testing.assert_allclose([x[2:] for x in said], [(0, 1), (1, 0), (0, 0.5), (1, 0.5)], atol=1e-5)


def test_levels_above_are_touched_only_where_their_borders_move():
    compounds = homes({"C1": box(7, 0, 8, 1)}, [100])
    across = HALVES | {A + "002": box(4, 0, 7, 4), B + "001": box(7, 0, 12, 4)}
    found = compare(city(HALVES, compounds=compounds), city(across, compounds=compounds))
    assert figure(found, A, "people", "community") == (100, 0, 100, 0)
    assert figure(found, B, "people", "community") == (0, 100, 0, 100)
    assert figure(found, SUBDISTRICT, "people", "subdistrict") == (100, 0, 0, 100)
    rows = impact.touched(found.balance)
    assert [tuple(x) for x in rows[["level", "code"]].to_numpy()] == [
        ("community", A), ("community", B), ("grid", A + "002"), ("grid", B + "001"),
    ]  # fmt: skip
    assert set(found.land["layer"]) == {"communities", "grids"}


def test_a_grid_that_is_given_to_another_community_takes_all_along():
    compounds = homes({"C1": box(5, 0, 6, 1)}, [100])
    before, after = city(HALVES, compounds=compounds), city(HALVES, compounds=compounds)
    after["grids"] = after["grids"].assign(parent_code=[A, B, B])
    found = compare(before, after)
    assert figure(found, A + "002", "people") == (100, 0, 0, 100)
    assert row(found, A + "002")["change"] == "attributes"
    assert row(found, A + "002")["path"] == (DISTRICT, SUBDISTRICT, B, A + "002", A)
    assert figure(found, B, "people", "community") == (0, 100, 0, 100)
    assert found.affected.empty


def test_places_and_posts_follow():
    lasting = {
        "buildings": frame("buildings", {"B1": box(4.2, 0.2, 4.8, 0.8), "B2": Point(6, 1)}, compound_code=["C1", None], people=pd.array([None, 5], dtype="Int64"), households=pd.array([None, 2], dtype="Int64")),
        "compounds": homes({"C1": box(4, 0, 5, 1)}, [None]),
        "old_estates": frame("old_estates", {"E1": box(4, 0, 5, 4)}),
        "facilities": frame("facilities", {"F1": Point(4.5, 2), "F2": Point(30, 2)}),
        "posts": posts([("楼长", "buildings", "B1"), ("小区长", "compounds", "C1"), ("网格长", "grids", A + "002"), ("片警", "grids", "none")]),
    }  # fmt: skip
    found = compare(city(HALVES, **lasting), city(MOVED, **lasting))
    for name, number in {"buildings": 1, "old_estates": 1, "facilities": 1, "posts": 2}.items():
        assert figure(found, A + "001", name) == (0, number, 0, number), name
    assert figure(found, A + "002", "posts") == (3, 0, 2, 1)
    # Who holds a post is told to nobody.
    said = set(found.affected.loc[found.affected["layer"] == "posts", "name"])
    assert said == {"楼长", "小区长"}
    # What lies in no area: nobody knows all of it, but what came and went.
    assert row(found, None)["facilities_gained"] == 0
    assert np.isnan(row(found, None)["facilities_before"])


def test_people_that_only_buildings_tell_count_where_these_stand():
    lasting = {
        "compounds": homes({"C1": box(2, 0, 6, 1)}, [None]),
        "buildings": frame("buildings", {"B1": Point(3, 0.5), "B2": Point(4.5, 0.5)}, compound_code="C1", people=pd.array([30, 10], dtype="Int64"), households=pd.array([3, 1], dtype="Int64")),
    }  # fmt: skip
    found = compare(city(HALVES, **lasting), city(MOVED, **lasting))
    assert figure(found, A + "001", "people") == (30, 10, 0, 40)
    assert figure(found, A + "002", "households") == (1, 0, 1, 0)


def test_homes_that_are_new_or_more_are_gained_by_their_areas():
    before = city(HALVES, compounds=homes({"C1": box(0, 0, 1, 1)}, [100]))
    after = city(HALVES, compounds=homes({"C1": box(0, 0, 1, 1), "C2": Point(5, 1)}, [120, 50]))
    found = compare(before, after)
    assert figure(found, A + "001", "people") == (100, 20, 0, 120)
    assert figure(found, A + "002", "compounds") == (0, 1, 0, 1)
    assert figure(found, DISTRICT, "people", "district") == (100, 70, 0, 170)
    assert list(found.affected["code"]) == ["C1", "C2"]


def test_split_and_merged_areas_are_told_as_new_and_gone():
    split = {
        A + "001": HALVES[A + "001"],
        A + "003": box(4, 0, 8, 2),
        A + "004": box(4, 2, 8, 4),
        B + "001": HALVES[B + "001"],
    }
    compounds = homes({"C1": box(5, 1, 6, 3)}, [10])
    found = compare(city(HALVES, compounds=compounds), city(split, compounds=compounds))
    assert [row(found, A + code)["change"] for code in ("002", "003", "004")] == ["removed", "added", "added"]
    assert figure(found, A + "002", "people") == (10, 0, 10, 0)
    assert figure(found, A + "003", "people") == (0, 5, 0, 5)
    assert figure(found, A + "004", "people") == (0, 5, 0, 5)
    assert figure(found, A, "people", "community") == (10, 0, 0, 10)
    assert figure(found, A + "002", "area_m2")[3] == 0


def test_incidents_are_part_of_what_areas_hold():
    moves = pd.DataFrame({"from_code": [A + "001", A + "002", A + "002", None], "to_code": [A + "001", A + "001", A + "002", A + "001"], "number": [5, 3, 4, 1], "moved": [1, 3, 0, 1]})  # fmt: skip
    found = compare(city(HALVES), city(MOVED), moves)
    assert figure(found, A + "001", "incidents") == (5, 4, 0, 9)
    assert figure(found, A + "002", "incidents") == (7, 0, 3, 4)
    assert figure(found, A, "incidents", "community") == (12, 1, 0, 13)
    assert row(found, None)["incidents_lost"] == 1


def test_a_city_whose_finest_areas_are_communities():
    compounds = homes({"C1": box(7, 0, 8, 1)}, [100])
    across = HALVES | {A + "002": box(4, 0, 7, 4), B + "001": box(7, 0, 12, 4)}
    states = [city(shapes, compounds=compounds) for shapes in (HALVES, across)]
    for state in states:
        del state["grids"]
    found = compare(*states)
    assert figure(found, B, "people", "community") == (0, 100, 0, 100)


def test_first_areas_take_what_lay_in_none():
    compounds = homes({"C1": box(0, 0, 1, 1)}, [100])
    nothing = {layer: found.iloc[:0] for layer, found in areas(HALVES).items()} | {"compounds": compounds}
    found = compare(nothing, city(HALVES, compounds=compounds))
    assert figure(found, A + "001", "people") == (0, 100, 0, 100)
    assert row(found, None)["people_lost"] == 100
    assert compare(nothing, nothing).balance["code"].isna().all()


def test_nothing_is_affected_by_a_node_on_a_border():
    compounds = homes({"C1": box(3, 1, 5, 2.0000001)}, [101])
    noded = HALVES | {A + "001": shapely.Polygon([(0, 0), (4, 0), (4, 1.3), (4, 4), (0, 4)])}
    found = compare(city(HALVES, compounds=compounds), city(noded, compounds=compounds))
    assert found.affected.empty
    assert not impact.turned(found.balance).any()


def test_land_that_overlaps_is_measured():
    """What two areas take of one is gained by both; how large they are is measured."""
    before = {A + "001": box(0, 0, 4, 4), A + "002": box(4, 0, 8, 4), A + "003": box(8, 0, 12, 4)}
    after = before | {A + "001": box(0, 0, 6, 4), A + "003": box(5, 0, 12, 4), A + "002": box(4, 0, 5, 4)}
    found = compare(city(before), city(after))
    for code, width in zip(before, (6, 1, 7), strict=True):
        *_, size = figure(found, code, "area_m2")
        assert size == pytest.approx(width / 4 * figure(found, code, "area_m2")[0], rel=1e-3)


# --- promises ---------------------------------------------------------------------------------------------

SIDE = 3
CODES = [A + "001", A + "002", A + "003", B + "001", B + "002"]
owners = st.lists(st.sampled_from(CODES), min_size=SIDE**2, max_size=SIDE**2)
places = st.tuples(st.floats(-1, SIDE + 1), st.floats(-1, SIDE + 1))


def tiled(owner):
    cells = {}
    for number, code in enumerate(owner):
        x, y = number % SIDE, number // SIDE
        cells.setdefault(code, []).append(box(x, y, x + 1, y + 1))
    return {code: shapely.union_all(parts) for code, parts in sorted(cells.items())}


@given(
    owners,
    owners,
    st.lists(st.tuples(places, st.floats(0.05, 2), st.integers(0, 500)), min_size=1, max_size=6),
    st.lists(st.tuples(places, st.sampled_from(["K0", "K1", None]), st.integers(0, 90)), max_size=6),
)
@settings(max_examples=10, deadline=None)
def test_what_areas_lose_others_gain_to_the_last_person(was, now, drawn, built):
    """Totals of every level are equal before and after where land and homes only change hands."""
    compounds = homes(
        {f"K{n}": box(x, y, x + size, y + size) for n, ((x, y), size, _) in enumerate(drawn)},
        [people for *_, people in drawn],
    )
    lasting = {"compounds": compounds, "old_estates": compounds.iloc[:2], "facilities": compounds.set_geometry(shapely.centroid(compounds.geometry.to_numpy()), crs="EPSG:4326")}  # fmt: skip
    lasting["posts"] = posts([("长", "grids", code) for code in CODES[:2]] + [("长", "compounds", "K0")])
    if built:
        counts = pd.array([people for *_, people in built], dtype="Int64")
        lasting["buildings"] = frame(
            "buildings",
            {f"B{n}": Point(p) for n, (p, *_) in enumerate(built)},
            compound_code=[of for _, of, _ in built],
            people=counts,
            households=counts,
        )
    found = compare(city(tiled(was), **lasting), city(tiled(now), **lasting))
    balance = found.balance
    for name in impact.FIGURES[:-1]:
        before, gained, lost, after = (balance[f"{name}_{side}"] for side in impact.SIDES)
        known = balance["code"].notna()
        assert (before + gained - lost == after)[known].all(), name
        for level, rows in balance.groupby("level"):
            assert rows[f"{name}_gained"].sum() == rows[f"{name}_lost"].sum(), (name, level)
            nowhere = rows["code"].isna()
            came = rows.loc[nowhere, f"{name}_gained"].sum() - rows.loc[nowhere, f"{name}_lost"].sum()
            assert rows[f"{name}_before"].sum() == rows[f"{name}_after"].sum() + came, (name, level)
    for level, rows in balance.groupby("level"):
        tenths = {side: (rows[f"area_m2_{side}"] * 10).round() for side in impact.SIDES}
        named = rows["code"].notna()
        summed = tenths["before"] + tenths["gained"] - tenths["lost"]
        assert (summed == tenths["after"])[named].all(), level
        assert tenths["gained"].sum() == tenths["lost"].sum(), level
        came = tenths["gained"][~named].sum() - tenths["lost"][~named].sum()
        assert tenths["before"].sum() == tenths["after"].sum() + came, level
    # Only parts that changed are listed: what a feature lost in some areas it gained in others.
    parts = found.affected.groupby(["layer", "id"])[["share_before", "share_after"]].sum()
    np.testing.assert_allclose(parts["share_before"], parts["share_after"])
