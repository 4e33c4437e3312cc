"""Two states of a layer, and what became of the first: features added, removed, moved or renamed; land that changed hands.

A state is a frame indexed by the feature's ``id``, with a column ``code``; a layer with places is a GeoDataFrame in
EPSG:4326, longitude first. A feature keeps its id for as long as it lives; land belongs to a *code*.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo import crs

Objects = NDArray[np.object_]
Flags = NDArray[np.bool_]

#: Kinds of changes: ``moved`` is another border or place; ``nodes`` the same land within a border that got or lost nodes, as
#: borders do when a neighbour changes; ``attributes`` anything else.
KINDS = ("added", "removed", "moved", "nodes", "attributes")

#: Land below this is rounding where a border got a node, not a border that moved; square metres.
LEAST_M2 = 1e-3

#: Columns that are shapes: a change of one of them moves a feature.
_SHAPES = ("geometry", "entrances", "site")
_AREAL = 2
_METRES_PER_DEG = 111_195.0
# Well above what sizes of equal areas differ by for being rounded.
_DOUBTFUL_M2 = 1.0


@dataclass(frozen=True)
class Changes:
    """What turns one state of a layer into another.

    ``before`` holds the features that were removed or are others now, as they were; ``after`` those that were added
    or are others now, as they are. Both are layer frames; a feature that is the same in both states is in neither.
    """

    before: pd.DataFrame
    after: pd.DataFrame

    def __len__(self) -> int:
        return len(self.before.index.union(self.after.index))

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row a feature, by its code: index ``id``; ``kind``, ``code``, ``code_before``, ``name``, ``fields``.

        ``code`` is that of the later state, or else the last it had; ``code_before`` is None for what is new;
        ``fields`` is a tuple of the columns that differ, empty for what is new or gone.
        """
        ids = self.before.index.union(self.after.index, sort=False)
        was, now = ids.isin(self.before.index), ids.isin(self.after.index)
        fields = self._fields(ids[was & now]).reindex(ids)
        shapes = [{*names} & {*_SHAPES} if isinstance(names, tuple) else set() for names in fields]
        noded = self._noded(ids, shapes)
        moved = np.array([bool(each) for each in shapes], dtype=bool) & ~noded
        only_nodes = noded & np.array([names == ("geometry",) for names in fields], dtype=bool)
        kind = np.select([~was, ~now, moved, only_nodes], KINDS[:4], default=KINDS[4])
        latest = pd.concat([_said(self.after), _said(self.before[~self.before.index.isin(self.after.index)])])
        latest = latest.reindex(ids)
        table = pd.DataFrame(
            {
                "kind": kind,
                "code": latest["code"].to_numpy(dtype=object),
                "code_before": _objects(self.before["code"].reindex(ids)),
                "name": latest["name"].to_numpy(dtype=object),
                "fields": [names if isinstance(names, tuple) else () for names in fields],
            },
            index=ids,
        )
        return table.sort_values("code", kind="stable")

    @property
    def counts(self) -> dict[str, int]:
        """How many changes there are of each kind."""
        return {kind: int((self.table["kind"] == kind).sum()) for kind in KINDS}

    def _noded(self, ids: pd.Index, shapes: Sequence[Collection[str]]) -> Flags:
        """Whether features are areas of other shapes with the same land."""
        found = np.array([each == {"geometry"} for each in shapes], dtype=bool)
        drawn = ids[found]
        before, after = (
            side.loc[drawn, "geometry"].to_numpy(dtype=object) if len(drawn) else np.empty(0, dtype=object)
            for side in (self.before, self.after)
        )
        found[found] = _same_land(before, after)
        return found

    def _fields(self, ids: pd.Index) -> pd.Series:
        """Columns in which features of both states differ."""
        before, after = self.before.loc[ids], self.after.loc[ids]
        columns = after.columns.intersection(before.columns)
        differ = {name: differing(after[name], before[name]) for name in columns}
        names = [tuple(name for name in columns if differ[name][row]) for row in range(len(ids))]
        return pd.Series(names, index=ids, dtype=object)


def between(before: pd.DataFrame, after: pd.DataFrame) -> Changes:
    """Compare two states of a layer.

    Parameters
    ----------
    before, after
        Whole states, or at least all features that may differ; columns that only one of them has are not compared.
    """
    new, differs = changed(after, before)
    gone = ~before.index.isin(after.index)
    was = gone | before.index.isin(after.index[differs])
    return Changes(before[was], after[new | differs])


def apply(frame: pd.DataFrame, changes: Changes) -> pd.DataFrame:
    """Return the state after changes; `frame` is the state before them.

    Raises
    ------
    ValueError
        If a feature that changes is missing, or one that is added is there.
    """
    missing = changes.before.index.difference(frame.index)
    twice = changes.after.index.difference(changes.before.index).intersection(frame.index)
    if len(missing) or len(twice):
        raise ValueError(f"not the state that changed: {[*missing, *twice][:5]}")
    kept = frame[~frame.index.isin(changes.before.index)]
    return pd.concat([kept, changes.after]) if len(changes.after) else kept


def inverted(changes: Changes) -> Changes:
    """Return what takes changes back."""
    return Changes(changes.after, changes.before)


def without_nodes(changes: Changes) -> Changes:
    """Leave out areas that only got or lost nodes on their borders: of land, they have what they had."""
    same = changes.table.index[changes.table["kind"] == "nodes"]
    return Changes(*(side[~side.index.isin(same)] for side in (changes.before, changes.after)))


def _same_land(before: Objects, after: Objects) -> Flags:
    areal: Flags = (shapely.get_dimensions(before) == _AREAL) & (shapely.get_dimensions(after) == _AREAL)
    # Sizes rule out most, and are computed in no time.
    areal &= np.abs(shapely.area(before) - shapely.area(after)) * _METRES_PER_DEG**2 < _DOUBTFUL_M2
    areal &= shapely.is_valid(before) & shapely.is_valid(after)
    # The land that moved is a ring along the border; a square degree has the most square metres at the equator.
    apart = shapely.area(shapely.symmetric_difference(before[areal], after[areal])) * _METRES_PER_DEG**2
    areal[areal] = apart < LEAST_M2
    return areal


def changed(fresh: pd.DataFrame, stored: pd.DataFrame) -> tuple[Flags, Flags]:
    """Compare layer frames by identity.

    Parameters
    ----------
    fresh, stored
        Layer frames; columns that only one of them has are not compared.

    Returns
    -------
    ndarray, ndarray
        By row of `fresh`: whether the feature is new, and whether it is stored but differs. Coordinates are
        compared bit by bit, whichever way and from wherever a ring runs; missing values are equal.
    """
    at = stored.index.get_indexer(fresh.index)
    new = at < 0
    differs = np.zeros(len(fresh), dtype=bool)
    for column in fresh.columns.intersection(stored.columns):
        differs[~new] |= differing(fresh[column][~new], stored[column].iloc[at[~new]])
    return new, differs


def differing(one: pd.Series, other: pd.Series) -> Flags:
    """Tell by row whether two columns of equal length differ, compared as in :func:`changed`."""
    found: Flags = _values(one) != _values(other)
    return found


# --- land ------------------------------------------------------------------------------------------------


def land(changes: Changes, *, metric: str) -> gpd.GeoDataFrame:
    """Find the land that changed hands between codes; grids of each scheme apart.

    Returns
    -------
    GeoDataFrame
        ``from_code`` and ``to_code``: whose it was and whose it is, None for nobody's; ``area_m2``; ``geometry``,
        EPSG:4326. One row a pair of codes, the largest first.

    Notes
    -----
    What an area lost is compared with what others gained, so that for each code land in less land out is what it
    grew by. That holds where the areas overlap in neither state; land that two gave up, or two took, is listed for
    each. Pieces below :data:`LEAST_M2` are left out.
    """
    before, after = changes.before, changes.after
    if "scheme" not in after.columns and "scheme" not in before.columns:
        return _land(before, after, metric)
    schemes = sorted({*before["scheme"], *after["scheme"]})
    parts = [
        _land(before[before["scheme"] == scheme], after[after["scheme"] == scheme], metric)
        for scheme in schemes
    ]
    found = pd.concat(parts) if parts else _land(before, after, metric)
    return _ranked(found)


def _land(before: pd.DataFrame, after: pd.DataFrame, metric: str) -> gpd.GeoDataFrame:
    codes = np.array(sorted({*before["code"], *after["code"]}), dtype=object)
    was, now = _by_code(before, codes), _by_code(after, codes)
    lost, gained = shapely.difference(was, now), shapely.difference(now, was)
    taker, giver = shapely.STRtree(lost).query(gained, predicate="intersects")
    taken = shapely.intersection(lost[giver], gained[taker])
    unclaimed = shapely.difference(lost, _union(gained, taker, giver, len(codes)))
    unowned = shapely.difference(gained, _union(lost, giver, taker, len(codes)))
    nobody = np.full(len(codes), None, dtype=object)
    found = gpd.GeoDataFrame(
        {
            "from_code": pd.Series(np.concatenate([codes[giver], codes, nobody]), dtype=object),
            "to_code": pd.Series(np.concatenate([codes[taker], nobody, codes]), dtype=object),
        },
        geometry=_areal(np.concatenate([taken, unclaimed, unowned])),
        crs="EPSG:4326",
    )
    found["area_m2"] = shapely.area(crs.to_metric(found.geometry.to_numpy(), metric))
    return _ranked(found[found["area_m2"] >= LEAST_M2])


def _ranked(found: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    ranked = found.sort_values(["area_m2", "from_code", "to_code"], ascending=[False, True, True])
    return ranked[["from_code", "to_code", "area_m2", "geometry"]].reset_index(drop=True)


def _by_code(frame: pd.DataFrame, codes: Objects) -> Objects:
    """Land of each code; empty where a code has none in this state."""
    shapes = np.full(len(codes), shapely.MultiPolygon(), dtype=object)
    shapes[pd.Index(codes).get_indexer(pd.Index(frame["code"]))] = frame["geometry"].to_numpy(dtype=object)
    return shapes


def _union(shapes: Objects, chosen: NDArray[np.intp], rows: NDArray[np.intp], count: int) -> Objects:
    """By row, the union of the shapes chosen for it."""
    unions = np.full(count, shapely.MultiPolygon(), dtype=object)
    order = np.argsort(rows, kind="stable")
    of, first = np.unique(rows[order], return_index=True)
    for row, members in zip(of, np.split(chosen[order], first[1:]), strict=bool(len(of))):
        unions[row] = shapely.union_all(shapes[members])
    return unions


def _areal(shapes: Objects) -> Objects:
    """Polygons of shapes; an intersection can have points and lines beside them."""
    parts, row = shapely.get_parts(shapes, return_index=True)
    areal = shapely.get_dimensions(parts) == _AREAL
    land = np.full(len(shapes), shapely.MultiPolygon(), dtype=object)
    parts, row = parts[areal], row[areal]
    if len(parts):
        of, first = np.unique(row, return_inverse=True)
        land[of] = shapely.multipolygons(parts, indices=first)
    return land


def moved_m(changes: Changes, *, metric: str) -> pd.Series:
    """How far the points of a layer moved, metres, by id; NaN for what is new, gone, or no point."""
    table = changes.table
    both = table.index.intersection(changes.before.index).intersection(changes.after.index)
    shapes = [
        np.asarray(crs.to_metric(state.loc[both, "geometry"].to_numpy(dtype=object), metric), dtype=object)
        for state in (changes.before, changes.after)
    ]
    points = (shapely.get_dimensions(shapes[0]) == 0) & (shapely.get_dimensions(shapes[1]) == 0)
    distance = np.where(points, shapely.distance(*shapes), np.nan)
    return pd.Series(distance, index=both).reindex(table.index)


def grown_m2(changes: Changes, *, metric: str) -> pd.Series:
    """How much features grew, square metres, by id: what is new by all of it; NaN where neither state is an area."""
    table = changes.table
    sizes = []
    for state in (changes.before, changes.after):
        shapes = state["geometry"].to_numpy(dtype=object)
        size = shapely.area(crs.to_metric(shapes, metric))
        sizes.append(pd.Series(np.where(shapely.get_dimensions(shapes) == _AREAL, size, np.nan), state.index))
    before, after = (size.reindex(table.index) for size in sizes)
    return after.sub(before, fill_value=0.0)


# --- values ----------------------------------------------------------------------------------------------


def _said(frame: pd.DataFrame) -> pd.DataFrame:
    """Code and name of features as objects; streets and addresses may have none."""
    name = _objects(frame["name"]) if "name" in frame else None
    return pd.DataFrame({"code": _objects(frame["code"]), "name": name}, index=frame.index, dtype=object)


def _objects(values: pd.Series) -> Objects:
    objects = values.to_numpy(dtype=object).copy()
    objects[pd.isna(objects)] = None
    return objects


def _values(values: pd.Series) -> Objects:
    """Values that are equal when what they say is."""
    objects = _objects(values)
    kinds = {type(value) for value in objects[:100]} - {type(None)} | {
        type(value) for value in objects[-100:]
    }
    if any(issubclass(kind, shapely.Geometry) for kind in kinds):
        return np.asarray(shapely.to_wkb(shapely.normalize(objects)), dtype=object)
    if dict in kinds:
        objects[:] = [json.dumps(value or {}, sort_keys=True, default=str) for value in objects]
    return objects
