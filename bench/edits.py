"""Checks and edits of 20,000 grids: how long a GIS editor waits.

Every line first asserts an answer, and tells seconds of processor time: an edit on the few areas that it needs is the edit on all of them, and the
neighbourhood's defects are what the whole check finds otherwise than before.

Run with ``python -m bench.edits``; the grids have some 400 corners each, four to ten times those of a real city.
"""

import time
from collections.abc import Callable, Collection, Mapping
from statistics import median
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from bench import tilings
from geo import editing, partition
from geo.levels import LEVELS

GRIDS, EDITS, CHANGES = 20_000, 20, 100
METRIC = "EPSG:4547"
#: How many grids a community is wide and high, communities a subdistrict, and subdistricts the district.
_BLOCKS = {"community": 3, "subdistrict": 12}

Levels = Mapping[str, gpd.GeoDataFrame]
Box = tuple[float, float, float, float]


def run() -> None:
    """Print every figure."""
    levels = city()
    corners = shapely.get_num_coordinates(levels["grid"].geometry.to_numpy()).mean()
    print(f"{len(levels['grid']):,} grids of {corners:.0f} corners, {len(levels['community']):,} communities")
    found, seconds = worked(lambda: check(levels))
    assert found.empty
    print(f"  check of all grids: {seconds:.1f} s")
    one_by_one(levels)
    at_once(levels)


def city(count: int = GRIDS, *, most: int = tilings.MOST) -> dict[str, gpd.GeoDataFrame]:
    """Return areas of four levels that tile each other exactly, with so many grids, at least."""
    grids = tilings.tiling(count, most=most)
    row, column = np.divmod(np.arange(len(grids)), int(len(grids) ** 0.5))
    codes = {"district": np.full(len(grids), "420199")}
    for level, above in (("subdistrict", "district"), ("community", "subdistrict")):
        side = _BLOCKS[level]
        place = pd.Series(zip(codes[above], row // side, column // side, strict=True))
        number = place.groupby(codes[above]).transform(lambda each: pd.factorize(each)[0] + 1)
        codes[level] = np.array([f"{a}{n:03d}" for a, n in zip(codes[above], number, strict=True)])
    number = pd.Series(codes["community"]).groupby(codes["community"]).cumcount() + 1
    codes["grid"] = np.array([f"{a}{n:03d}" for a, n in zip(codes["community"], number, strict=True)])
    levels = {"grid": areas(grids.geometry.to_numpy(), codes["grid"], codes["community"])}
    for level, below, above in (
        ("community", "grid", "subdistrict"),
        ("subdistrict", "community", "district"),
        ("district", "subdistrict", None),
    ):
        joined = levels[below].dissolve("parent_code", method="coverage")
        parent = dict(zip(codes[level], codes[above], strict=True)) if above else {}
        names = joined.index.to_numpy(dtype=object)
        levels[level] = areas(joined.geometry.to_numpy(), names, [parent.get(code) for code in names])
    return {level: levels[level].sort_values("code", ignore_index=True) for level in LEVELS}


def areas(shapes: np.ndarray, codes: Collection[str], parents: Collection[str | None]) -> gpd.GeoDataFrame:
    """Return a level."""
    table = {"code": [*codes], "parent_code": [*parents]}
    return gpd.GeoDataFrame(table, geometry=shapes, crs="EPSG:4326").astype(
        {"code": object, "parent_code": object}
    )


class Reading:
    """Reads areas of a level by an index, as a database does."""

    def __init__(self, levels: Levels) -> None:
        self._levels = levels
        self._trees = {level: shapely.STRtree(frame.geometry.to_numpy()) for level, frame in levels.items()}
        self._rows = {
            (level, column): frame.groupby(column).indices
            for level, frame in levels.items()
            for column in ("code", "parent_code")
        }

    def __call__(
        self,
        level: str,
        *,
        codes: Collection[str] | None = None,
        parents: Collection[str] | None = None,
        within: Box | None = None,
    ) -> gpd.GeoDataFrame:
        """Return the areas; see :class:`geo.editing.Read`."""
        if within is not None:
            return self._levels[level].iloc[np.sort(self._trees[level].query(shapely.box(*within)))]
        column, named = ("code", codes) if codes is not None else ("parent_code", parents)
        rows = self._rows[level, column]
        found = [rows[each] for each in named or () if each in rows]
        return self._levels[level].iloc[np.sort(np.concatenate([np.empty(0, dtype=np.intp), *found]))]

    def shapes(self, level: str) -> np.ndarray:
        """Return the shapes of a level."""
        return self._levels[level].geometry.to_numpy()


def check(levels: Levels) -> gpd.GeoDataFrame:
    """Check all grids."""
    return partition.check(levels["grid"], levels["community"], metric=METRIC)


def one_by_one(levels: Levels) -> None:
    """Time edits of one border each, with the check of their neighbourhood."""
    read = Reading(levels)
    taken = {level: set(frame["code"]) for level, frame in levels.items()}
    steps: dict[str, list[float]] = {"read": [], "edit": [], "check": []}
    for edit in borders(levels, EDITS):
        needed, seconds = worked(lambda edit=edit: editing.needs(edit, read, LEVELS))
        steps["read"].append(seconds)
        edited, seconds = worked(lambda edit=edit, near=needed.areas: editing.apply(near, edit, taken=taken))
        steps["edit"].append(seconds)
        found, seconds = worked(lambda near=needed.areas, made=edited: near_defects(read, near, made))
        steps["check"].append(seconds)
        assert found.empty
    whole, seconds = worked(lambda: editing.apply(levels, edit, taken=taken))
    assert said(whole) == said(edited)
    typical = {name: median(each) for name, each in steps.items()}
    parts = ", ".join(f"{name} {each * 1000:.0f}" for name, each in typical.items())
    total = sum(typical.values())
    print(
        f"  an edit of one border: {total * 1000:.0f} ms ({parts}); on all areas, unchecked, {seconds * 1000:.0f}"
    )


def borders(levels: Levels, count: int) -> list[editing.MoveVertices]:
    """Return edits that each move a corner of a border of grids a little, far from each other."""
    random = np.random.default_rng(4)
    shapes = levels["grid"].geometry.to_numpy()
    edits = []
    for row in random.choice(len(shapes), count, replace=False):
        x, y = shapely.get_coordinates(shapes[row])[5].tolist()
        edits.append(editing.MoveVertices(level="grid", moves=(((x, y), (x + 1e-8, y + 1e-8)),)))
    return edits


def near_defects(read: Reading, near: Levels, edited: editing.Edited) -> gpd.GeoDataFrame:
    """Check grids around what an edit changed."""
    after = editing.changed({level: near[level] for level in ("community", "grid")}, edited)
    change = touched(edited)
    codes = set(after["community"]["code"])
    below = read("grid", parents=codes)
    wide = read("grid", within=tuple(after["community"].total_bounds))
    known = set(after["grid"]["code"]) | set(edited.removed.get("grid", ()))
    more = pd.concat([below, wide[~wide["code"].isin(set(below["code"]))]])
    grids = gpd.GeoDataFrame(pd.concat([after["grid"], more[~more["code"].isin(known)]]), crs="EPSG:4326")
    return partition.check_near(grids, after["community"], change, metric=METRIC)


def touched(edited: editing.Edited) -> partition.Touched:
    """Return what an edit touches on the levels of grids and communities."""
    grids, communities = (
        (edited.replaced.get(level), edited.upserts.get(level)) for level in ("grid", "community")
    )
    return partition.touched(*grids, *communities)


def said(edited: editing.Edited) -> list[tuple[str, str, bytes]]:
    """Return all areas that an edit changed, to the last bit."""
    return [
        (level, code, shape.wkb)
        for level, frame in edited.upserts.items()
        for code, shape in zip(frame["code"], frame.geometry, strict=True)
    ]


def at_once(levels: Levels) -> None:
    """Time the gate of a publication of many changes: both states, in the neighbourhood and whole."""
    read, shapes = Reading(levels), levels["grid"].geometry.to_numpy().copy()
    for edit in borders(levels, CHANGES):
        made = editing.apply(editing.needs(edit, read, LEVELS).areas, edit)
        if set(made.upserts) == {"grid"}:
            rows = levels["grid"]["code"].searchsorted(made.upserts["grid"]["code"])
            if all(shapes[row] is old for row, old in zip(rows, read.shapes("grid")[rows], strict=True)):
                shapes[rows] = made.upserts["grid"].geometry.to_numpy()
    after = levels["grid"].set_geometry(shapes, crs="EPSG:4326")
    changed = shapes != read.shapes("grid")
    change = partition.touched(levels["grid"][changed], after[changed])
    found, near_s = worked(
        lambda: [
            partition.check_near(grids, levels["community"], change, metric=METRIC)
            for grids in (levels["grid"], after)
        ]
    )
    whole, whole_s = worked(lambda: check({**levels, "grid": after}))
    assert whole.empty
    assert all(each.empty for each in found)
    print(
        f"  gate of {changed.sum()} grids, both states: {near_s:.2f} s; whole check of one: {whole_s:.1f} s"
    )


def worked(run: Callable[[], Any]) -> tuple[Any, float]:
    """Return what a call returns, and its seconds of processor time, whatever else the machine does."""
    begin = time.process_time()
    result = run()
    return result, time.process_time() - begin


if __name__ == "__main__":
    run()
