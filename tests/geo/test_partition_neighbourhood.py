"""The check of the neighbourhood of a change finds what the check of the whole finds, and nothing less."""

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from hypothesis import HealthCheck, assume, event, given, reject, settings
from hypothesis import strategies as st
from shapely import affinity, box

from geo import partition
from tests.paper_city import on_map

METRIC = "EPSG:4547"
SIDE, BLOCK = 9, 3
STEP = 8


def city(random):
    """Nine by nine grids with wandering corners, in nine communities."""
    shift = random.integers(-2, 3, (SIDE + 1, SIDE + 1, 2)) / STEP
    corner = np.stack(np.meshgrid(*[np.arange(SIDE + 1)] * 2), axis=-1) + shift
    shapes, codes, parents = [], [], []
    for number in range(SIDE * SIDE):
        y, x = divmod(number, SIDE)
        ring = [corner[y, x], corner[y, x + 1], corner[y + 1, x + 1], corner[y + 1, x]]
        shapes.append(on_map(shapely.Polygon(ring)))
        parents.append(f"4201990010{y // BLOCK:01d}{x // BLOCK:01d}")
        codes.append(f"{parents[-1]}{number:03d}")
    grids = frame(codes, parents, shapes)
    above = grids.dissolve("parent_code").reset_index()
    return grids, frame(above["parent_code"].to_list(), ["420199001"] * len(above), above.geometry.to_list())


def frame(codes, parents, shapes):
    table = {"code": codes, "parent_code": parents}
    return gpd.GeoDataFrame(table, geometry=shapes, crs="EPSG:4326").astype({"code": object})


@st.composite
def changed(draw, areas, others):
    """A layer with one area more, less, or other than before."""
    row = draw(st.integers(0, len(areas) - 1))
    kind = draw(
        st.sampled_from(
            ["hole", "bite", "grow", "hair", "node", "gone", "parent", "copy", "code", "bow", "enlarge"]
        )
    )
    shape = areas.geometry.iloc[row]
    x, y = shape.representative_point().coords[0] if kind == "hole" else first(shape)
    event(kind)
    if kind == "gone":
        return areas.drop(index=areas.index[row]).reset_index(drop=True)
    result = areas.copy()
    if kind == "parent":
        result.loc[row, "parent_code"] = draw(st.sampled_from([*sorted(set(others)), "none"]))
        return result
    if kind == "copy":
        code = areas["code"].iloc[row] + "9"
        # The same area twice under one code: two states that differ by that alone are told by nothing that they have.
        assume(code not in set(areas["code"]))
        return pd.concat([areas, areas.iloc[[row]].assign(code=code)], ignore_index=True)
    if kind == "code":
        result.loc[row, "code"] = result["code"].iloc[row] + "7"
        return result
    size = {"hair": 5e-6, "enlarge": 1.5}.get(kind, draw(st.sampled_from([1e-4, 0.05, 0.3]))) / 1024
    patch = box(x - size, y - size, x + size, y + size)
    if kind == "node":
        made = shapely.segmentize(shape, 0.6 / 1024)
    elif kind == "bow":
        ring = shapely.get_coordinates(shape)[:4]
        made = shapely.Polygon(ring[[0, 2, 1, 3]])
    else:
        try:
            made = shape.union(patch) if kind in ("grow", "hair", "enlarge") else shape.difference(patch)
        except shapely.GEOSException:
            reject()  # of some areas that are invalid already nothing can be made
    result.geometry = [made if at == row else each for at, each in enumerate(areas.geometry)]
    return result


def first(shape):
    return shapely.get_coordinates(shape)[0]


def difference(one, other):
    """Areas that are in one state and not, or otherwise, in the other."""

    def said(state):
        return [*zip(state["code"], state["parent_code"], state.geometry.to_wkb(), strict=True)]

    there = set(said(other))
    return one[[each not in there for each in said(one)]]


def listed(found):
    """Defects so that two lists of them can be compared: figures that are computed in another order are rounded."""
    rows = found.assign(codes=["|".join(codes) for codes in found["codes"]]).sort_values(
        ["kind", "codes", "size"]
    )
    return [
        (kind, codes, float(f"{size:.3g}"))
        for kind, codes, size in rows[["kind", "codes", "size"]].to_numpy()
    ]


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 99), st.data())
def test_what_is_found_near_by_is_what_differs_in_the_whole(seed, data):
    areas, above = city(np.random.default_rng(seed))
    for _ in range(data.draw(st.integers(0, 3))):
        areas = data.draw(changed(areas, above["code"]))
    if data.draw(st.booleans()):
        above = data.draw(changed(above, ["420199001"]))
    after, after_above = areas, above
    for _ in range(data.draw(st.integers(0, 2))):
        after = data.draw(changed(after, after_above["code"]))
    if data.draw(st.booleans()):
        after_above = data.draw(changed(after_above, ["420199001"]))
    change = partition.touched(
        difference(areas, after),
        difference(after, areas),
        difference(above, after_above),
        difference(after_above, above),
    )
    was, now = (partition.check(*state, metric=METRIC) for state in ((areas, above), (after, after_above)))
    near = [
        partition.check_near(*state, change, metric=METRIC)
        for state in ((areas, above), (after, after_above))
    ]
    event(f"{len(near[1])} near")
    kept = listed(was)
    for each in listed(near[0]):
        kept.remove(each)
    assert sorted(kept + listed(near[1])) == sorted(listed(now))


def test_only_the_neighbourhood_is_looked_at():
    areas, above = city(np.random.default_rng(1))
    far = areas["code"].iloc[-1]
    areas.geometry = [
        affinity.scale(shape, 0.9, 0.9) if code == far else shape
        for code, shape in zip(areas["code"], areas.geometry, strict=True)
    ]
    after = areas.drop(index=0)
    change = partition.touched(areas.iloc[:1], None)
    found = partition.check_near(after, above, change, metric=METRIC)
    assert found["kind"].tolist() == ["gap-at-parent"]
    assert not any(far in codes for codes in found["codes"])
    assert any(far in codes for codes in partition.check(after, above, metric=METRIC)["codes"])
