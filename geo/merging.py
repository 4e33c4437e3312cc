"""Two sides changed one state of a layer: what one of them is to change on top of the other, and where they clash.

The merge is by feature and by field: a field that only one side changed is that side's. Borders are merged edge by edge,
so that two sides may move different stretches of one area's border. Where both sides say different things, or one removed
what the other changed, a person settles it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo import changes
from geo.changes import Changes
from geo.editing.edges import area_of, edges_of

Side = Literal["mine", "theirs"]
Flags = NDArray[np.bool_]

#: Both words by which a clash is settled.
SIDES: tuple[Side, Side] = ("mine", "theirs")

_UNSETTLED: Mapping[str, Side] = MappingProxyType({})
_AREAL = 2
# Square degrees, some ten square millimetres: two sides that touch only share no land beyond rounding.
_ROUNDING_DEG2 = 1e-15


@dataclass(frozen=True)
class Merged:
    """What a merge found.

    Parameters
    ----------
    changes
        What my side changes on top of theirs: ``before`` is their state. Clashes that nobody settled are not in it, as if
        settled as theirs.
    clashes
        One row a feature that both sides changed in ways that exclude each other, settled or not, by code: index ``id``;
        ``code``, and ``fields``: a tuple of the columns that clash, empty where one side removed the feature.
    joined
        Ids of features that both sides changed and that are what neither side has alone.
    """

    changes: Changes
    clashes: pd.DataFrame
    joined: list[str]


def merge(mine: Changes, theirs: Changes, *, settled: Mapping[str, Side] = _UNSETTLED) -> Merged:
    """Put my changes of a layer on top of theirs; both begin at the same state.

    Parameters
    ----------
    mine, theirs
        Whole layer frames of what changed, with the same columns.
    settled
        Whose word counts, by the id of a feature, in what clashes; the rest of the feature is merged.

    Notes
    -----
    A feature of one side is never looked at together with another one of the other side: two clean sides can make a faulty
    layer, as where both divided one area, each in its own way, which is for the check to find. Two columns that only make
    sense together may come from different sides.
    """
    common = _touched(mine).intersection(_touched(theirs))
    alone = Changes(_without(mine.before, common), _without(mine.after, common))
    m, t = mine.after.index.intersection(common), theirs.after.index.intersection(common)
    both = m.intersection(t)
    fields = _Fields(mine, theirs, both, settled)
    stays = {key for key in common if settled.get(key) == "mine"}
    one_removed = m.symmetric_difference(t)
    kept = [mine.after.loc[[key for key in m.difference(t) if key in stays]], fields.merged]
    dropped = [key for key in t.difference(m) if key in stays]
    on_top = changes.between(theirs.after.loc[[*both, *dropped]], _joined(kept))
    merged = Changes(_joined([alone.before, on_top.before]), _joined([alone.after, on_top.after]))
    return Merged(merged, _clashes(mine, theirs, one_removed, fields), fields.joined())


def overlap(mine: Changes, theirs: Changes) -> list[str]:
    """Return the ids of features that both sides touched and do not have alike."""
    common = _touched(mine).intersection(_touched(theirs))
    ours, others = (side.after[side.after.index.isin(common)] for side in (mine, theirs))
    gone, differs = changes.changed(ours, others)
    return [*ours.index[gone | differs], *others.index.difference(ours.index)]


class _Fields:
    """Features that both sides have and touched, merged column by column."""

    def __init__(self, mine: Changes, theirs: Changes, ids: pd.Index, settled: Mapping[str, Side]) -> None:
        self.mine, self.theirs = mine.after.loc[ids], theirs.after.loc[ids]
        self.based = ids.isin(theirs.before.index)
        self._base = theirs.before.reindex(ids)
        self._settled_as_mine = np.array([settled.get(key) == "mine" for key in ids], dtype=bool)
        #: By column, the rows where the sides say different things and both changed what was there.
        self.clash: dict[str, Flags] = {}
        self.merged = self.theirs.copy()
        for column in self.theirs.columns.intersection(self.mine.columns):
            self._merge(column)

    def _merge(self, column: str) -> None:
        mine, theirs, base = self.mine[column], self.theirs[column], self._base[column]
        differ = changes.differing(mine, theirs)
        i_changed = differ & (~self.based | changes.differing(mine, base))
        they_changed = differ & (~self.based | changes.differing(theirs, base))
        clash = i_changed & they_changed
        shapes = {}
        for row in np.flatnonzero(clash & self.based):
            shape = merged_area(base.iloc[row], mine.iloc[row], theirs.iloc[row])
            if shape is not None:
                shapes[row] = shape
        clash[[*shapes]] = False
        self.clash[column] = clash
        values = _chosen(theirs, mine, i_changed & (~they_changed | (clash & self._settled_as_mine)))
        for row, shape in shapes.items():
            values.iloc[int(row)] = shape
        self.merged[column] = values

    def clashing(self) -> dict[str, tuple[str, ...]]:
        """Columns that clash, by id."""
        names = {
            key: tuple(column for column, rows in self.clash.items() if rows[row])
            for row, key in enumerate(self.merged.index)
        }
        return {key: columns for key, columns in names.items() if columns}

    def joined(self) -> list[str]:
        """Ids of features that are neither side's alone."""
        unlike_both = np.ones(len(self.merged), dtype=bool)
        for side in (self.mine, self.theirs):
            _, differs = changes.changed(self.merged, side)
            unlike_both &= differs
        return [*self.merged.index[unlike_both]]


def merged_area(
    base: shapely.Geometry | None, mine: shapely.Geometry | None, theirs: shapely.Geometry | None
) -> shapely.Geometry | None:
    """Return an area with the border stretches that either side moved; None where both moved the same, or over another.

    No coordinate is computed: the result has the vertices of either side, so that a neighbour that was merged with the
    same two sides still has the same border.

    Parameters
    ----------
    base, mine, theirs
        The area as it was, and as each side has it. None of what is no polygon is merged.
    """
    shapes = [base, mine, theirs]
    if any(not isinstance(shape, shapely.Polygon | shapely.MultiPolygon) for shape in shapes):
        return None
    before, ours, others = map(edges_of, shapes)
    i_moved, they_moved = before ^ ours, before ^ others
    if i_moved & they_moved:
        return None
    swept = [shapely.symmetric_difference(base, side) for side in (mine, theirs)]
    if shapely.area(shapely.intersection(*swept)) > _ROUNDING_DEG2:
        return None
    border = before ^ i_moved ^ they_moved
    merged = area_of(border, multi=isinstance(theirs, shapely.MultiPolygon))
    # Where borders cross between their vertices, the edges are no border of anything.
    whole = merged is not None and shapely.is_valid(merged) and edges_of(merged) == border
    return merged if whole else None


def _clashes(mine: Changes, theirs: Changes, one_removed: pd.Index, fields: _Fields) -> pd.DataFrame:
    found: dict[str, tuple[str, ...]] = dict.fromkeys(one_removed, ()) | fields.clashing()
    codes = {**_codes(mine.after), **_codes(theirs.after)}
    table = pd.DataFrame(
        {
            "code": pd.Series([codes[key] for key in found], dtype=object),
            "fields": pd.Series([*found.values()], dtype=object),
        }
    )
    table.index = pd.Index([*found], name="id", dtype=object)
    return table.sort_values("code", kind="stable")


def _codes(frame: pd.DataFrame) -> dict[str, str]:
    return dict(zip(frame.index, frame["code"], strict=True))


def _touched(side: Changes) -> pd.Index:
    return side.before.index.union(side.after.index)


def _without(frame: pd.DataFrame, ids: pd.Index) -> pd.DataFrame:
    return frame[~frame.index.isin(ids)]


def _chosen(otherwise: pd.Series, values: pd.Series, rows: Flags) -> pd.Series:
    """Take `values` in some rows; both columns keep their kind, which need not be the same."""
    if not rows.any():
        return otherwise.copy()
    picked = np.where(rows, np.arange(len(rows)) + len(rows), np.arange(len(rows)))
    result: pd.Series = pd.concat([otherwise, values]).iloc[picked]
    return result


def _joined(frames: list[pd.DataFrame]) -> pd.DataFrame:
    filled = [frame for frame in frames if len(frame)]
    return pd.concat(filled) if filled else frames[0]
