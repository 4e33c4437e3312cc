"""The check of what changes concern, instead of whole layers: features that changed and those beside them."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo import partition
from geo.changes import Changes
from geo.levels import LEVEL_OF
from layers import validation
from layers.validation import Reader

Bools = NDArray[np.bool_]

#: Columns of areas that decide whether they tile their parents.
_BORDERS = ("code", "parent_code", "scheme", "geometry")


class Found:
    """Defects of a layer after changes, and before them those that were looked for.

    Where ``before`` is None, the whole layer was checked. Else what is in neither was not looked at, or is in both states;
    it is looked for when it is first asked for.
    """

    def __init__(
        self, after: gpd.GeoDataFrame, look_before: Callable[[], gpd.GeoDataFrame] | None = None
    ) -> None:
        self.after = after
        self._look_before = look_before

    @property
    def is_whole(self) -> bool:
        """Whether the whole layer was checked."""
        return self._look_before is None

    @cached_property
    def before(self) -> gpd.GeoDataFrame | None:
        """Return what was found before the changes."""
        return None if self._look_before is None else self._look_before()


def check(
    layer: str,
    before: Reader,
    after: Reader,
    changes: Mapping[str, Changes],
    *,
    metric: str,
    widths: Sequence[int],
) -> Found:
    """Find the defects of a layer that changes can alter, in this or other layers.

    Whole layers are checked where nearness tells nothing: streets, areas that have no level above, or another one than
    before, and where a layer, or a scheme of grids, gets its first areas or loses the last.

    Parameters
    ----------
    before, after, metric, widths
        As of :func:`layers.gate.judge`.
    """
    if layer not in LEVEL_OF:
        if layer == "streets":
            return Found(validation.check(layer, after, metric=metric, widths=widths))
        return _found(lambda read: _features(layer, read, changes, metric), before, after)
    above = validation.parent_layer(layer, after)
    begins_or_ends = _schemes(before(layer)) != _schemes(after(layer))
    if above is None or above != validation.parent_layer(layer, before) or begins_or_ends:
        return Found(validation.check(layer, after, metric=metric, widths=widths))
    own, parents = _borders(changes.get(layer)), _borders(changes.get(above))
    return _found(
        lambda read: _areas(layer, read(layer), read(above), own, parents, metric=metric, widths=widths),
        before,
        after,
    )


def _schemes(frame: gpd.GeoDataFrame) -> set[str]:
    """Schemes that have areas; of layers without schemes one, if there are any."""
    return set(frame["scheme"]) if "scheme" in frame.columns else {""} if len(frame) else set()


def _found(look: Callable[[Reader], gpd.GeoDataFrame], before: Reader, after: Reader) -> Found:
    return Found(look(after), lambda: look(before))


def _areas(
    layer: str,
    frame: gpd.GeoDataFrame,
    above: gpd.GeoDataFrame,
    own: Changes | None,
    parents: Changes | None,
    *,
    metric: str,
    widths: Sequence[int],
) -> gpd.GeoDataFrame:
    found = []
    schemes = frame["scheme"].unique() if "scheme" in frame.columns else [None]
    for scheme in schemes:
        change = partition.touched(*_of_scheme(own, scheme), *_of_scheme(parents, None))
        part = frame if scheme is None else frame[frame["scheme"] == scheme]
        found.append(partition.check_near(part, above, change, metric=metric))
    change = partition.touched(*_of_scheme(own, None), *_of_scheme(parents, None))
    told = frame["code"].isin(change.codes) | frame["parent_code"].isin(change.parents)
    found.append(validation.code_defects(layer, frame[told], above, widths))
    return validation.joined(found)


def _of_scheme(
    changes: Changes | None, scheme: str | None
) -> tuple[gpd.GeoDataFrame | None, gpd.GeoDataFrame | None]:
    """Areas that changed, before and after; of one scheme unless that is None."""
    if changes is None:
        return None, None
    before, after = (
        frame if scheme is None else frame[frame["scheme"] == scheme]
        for frame in (changes.before, changes.after)
    )
    return before, after


def _borders(changes: Changes | None) -> Changes | None:
    """Return changes without those that leave borders, codes and parents as they are."""
    if changes is None:
        return None
    before, after = changes.before, changes.after
    both = before.index.intersection(after.index)
    one, other = before.loc[both], after.loc[both]
    differs = ~shapely.equals_identical(one.geometry.to_numpy(), other.geometry.to_numpy())
    for column in _BORDERS[:-1]:
        if column in one.columns:
            was, now = (frame[column].astype(object) for frame in (one, other))
            differs |= (was.ne(now) & ~(was.isna() & now.isna())).to_numpy(dtype=bool)
    same = both[~differs]
    return Changes(before[~before.index.isin(same)], after[~after.index.isin(same)])


# --- other layers ----------------------------------------------------------------------------------------


def _features(layer: str, read: Reader, changes: Mapping[str, Changes], metric: str) -> gpd.GeoDataFrame:
    frame = read(layer)
    chosen = _codes(frame["code"], changes.get(layer))
    if layer == "buildings":
        moved = _codes(frame["compound_code"], changes.get("compounds"))
        chosen = chosen | moved | _meeting(frame, _borders(changes.get("grids")))
    elif layer == "posts":
        for target in validation.POST_TARGETS:
            aims = (frame["target_layer"] == target).to_numpy(dtype=bool)
            chosen = chosen | (aims & _codes(frame["target_code"], changes.get(target)))
    part = frame[chosen]
    grids = _beside(read("grids"), part) if isinstance(part, gpd.GeoDataFrame) else None

    def near(name: str) -> pd.DataFrame:
        return grids if name == "grids" and grids is not None else read(name)

    return validation.check_features(layer, part, near, metric=metric)


def _codes(codes: pd.Series, changes: Changes | None) -> Bools:
    """Tell which codes are of features that changed."""
    if changes is None:
        return np.zeros(len(codes), dtype=bool)
    changed = {*changes.before["code"], *changes.after["code"]}
    return np.asarray(codes.isin(changed), dtype=bool)


def _meeting(frame: gpd.GeoDataFrame, changes: Changes | None) -> Bools:
    """Tell which features lie where areas changed."""
    met = np.zeros(len(frame), dtype=bool)
    if changes is not None:
        shapes = np.concatenate([changes.before.geometry.to_numpy(), changes.after.geometry.to_numpy()])
        met[np.unique(shapely.STRtree(frame.geometry.to_numpy()).query(shapes)[1])] = True
    return met


def _beside(grids: gpd.GeoDataFrame, part: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the grids in which features may lie; one at least where there are any, so that these lie in none."""
    rows = np.unique(shapely.STRtree(grids.geometry.to_numpy()).query(part.geometry.to_numpy())[1])
    return grids.iloc[rows] if len(rows) else grids.iloc[:1]
