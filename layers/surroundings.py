"""Areas around changes, read by boxes instead of whole layers: all that a check of their neighbourhood looks at."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, false, func, or_, select
from sqlalchemy.orm import Session

from geo.changes import Changes
from geo.levels import LAYER_OF, LEVEL_OF, LEVELS
from layers.reading import Read
from layers.validation import Reader

#: From so many boxes on, whole layers are read as fast.
_MOST_BOXES = 200
#: How far around changes areas are read, degrees; no less than :func:`geo.partition.check_near` looks.
_ROOM_DEG = 1e-6

Boxes = NDArray[np.float64]
#: Returns a layer before the changes, to select from.
Source = Callable[[str], Any]


def reader(session: Session, read: Read, source: Source, found: Mapping[str, Changes]) -> Reader:
    """Return what reads of a layer of areas, before changes, those that a check of their neighbourhood looks at.

    They are what :func:`geo.partition.check_near` names, and one area at least of each level, and each scheme of grids,
    that has any, so that no level seems to be without areas. Where one gets its first areas or loses the last, the check
    is one of whole layers, and so they are read.

    Parameters
    ----------
    read, source
        Read the layers before the changes, and give them to select from.
    found
        The changes, by layer.
    """
    boxes = _around(found)
    examples = {layer: _examples(session, source, layer, found) for layer in LEVEL_OF}
    if len(boxes) > _MOST_BOXES or any(None in ids for ids in examples.values()):
        return read
    kept = {layer: [each for each in ids if each] for layer, ids in examples.items()}
    return _Near(read, boxes, found, kept)


def meets(columns: Any, boxes: Boxes) -> ColumnElement[bool]:  # noqa: ANN401 - columns of a source
    """Return the condition that a feature's box meets one of some: west, south, east, north, (n, 4), EPSG:4326."""
    each = (columns.geom.op("&&")(func.ST_MakeEnvelope(*box, 4326)) for box in boxes.tolist())
    return or_(false(), *each)


def merged(boxes: Boxes) -> Boxes:
    """Return fewer boxes that hold the same: those that meet become one."""
    boxes = boxes[np.isfinite(boxes).all(axis=1)]
    if not len(boxes):
        return boxes
    together = shapely.get_parts(shapely.union_all(shapely.box(*boxes.T)))
    return np.asarray(shapely.bounds(together), dtype=np.float64)


def _around(found: Mapping[str, Changes]) -> Boxes:
    """Return boxes around all areas that changed, as they were and as they are."""
    sides = (
        side for layer, change in found.items() if layer in LEVEL_OF for side in (change.before, change.after)
    )
    bounds = [shapely.bounds(side.geometry.to_numpy()) for side in sides]
    return merged(np.concatenate([np.empty((0, 4)), *bounds]) + _ROOM_DEG * np.array([-1, -1, 1, 1]))


def _examples(session: Session, source: Source, layer: str, found: Mapping[str, Changes]) -> list[str | None]:
    """Ids of areas of a layer that do not change: one, or of grids one of each scheme that is looked at.

    None stands for a layer, or a scheme, all of whose areas come or go. Where there are no areas, there is no id.
    """
    columns, change = source(layer).c, found.get(layer)
    changed = [] if change is None else [str(each) for each in change.before.index]

    def example(*conditions: ColumnElement[bool]) -> str | None:
        some = session.scalar(select(columns.id).where(columns.id.not_in(changed), *conditions).limit(1))
        return None if some is None else str(some)

    if layer != "grids":
        some = example()
        return [some] if some or _begins_or_ends(change) else []
    result = []
    for scheme in _schemes(session, columns, found):
        some = example(columns.scheme == scheme)
        if some or _begins_or_ends(change, scheme):
            result.append(some)
    return result


def _schemes(session: Session, columns: Any, found: Mapping[str, Changes]) -> set[str]:  # noqa: ANN401 - as above
    """Schemes of the grids that changed, and all where areas above grids did."""
    change = found.get("grids")
    mine = set() if change is None else {*change.before["scheme"], *change.after["scheme"]}
    if any(layer in found for layer in LEVEL_OF if layer != "grids"):
        mine |= {*session.scalars(select(columns.scheme).distinct())}
    return mine or {*session.scalars(select(columns.scheme).limit(1))}


def _begins_or_ends(change: Changes | None, scheme: str | None = None) -> bool:
    """Whether there are areas only before or only after a change of all there are."""
    if change is None:
        return False
    before, after = (
        len(side) if scheme is None else int((side["scheme"] == scheme).sum())
        for side in (change.before, change.after)
    )
    return (before == 0) != (after == 0)


@dataclass(frozen=True, slots=True)
class _Near:
    """Reads areas around changes; ``examples`` are ids of areas that stand for levels and schemes that have any."""

    read: Read
    boxes: Boxes
    found: Mapping[str, Changes]
    examples: Mapping[str, list[str]]

    def __call__(self, layer: str) -> gpd.GeoDataFrame:
        """Read the areas of a layer that meet boxes, all below the areas above that do, and all whose boxes meet these.

        Beside them those that changed areas name as their parents, and that name changed areas so.
        """
        level = LEVELS.index(LEVEL_OF[layer])
        above = next((each for each in reversed(LEVELS[:level]) if self._has(LAYER_OF[each])), None)
        if above is None:
            return self.read(layer)
        near = self.read(LAYER_OF[above], columns=["code", "geometry"], where=lambda c: meets(c, self.boxes))
        wide = merged(np.concatenate([self.boxes, shapely.bounds(near.geometry.to_numpy())]))
        if len(wide) > _MOST_BOXES:
            return self.read(layer)
        parents = [*{*near["code"], *self._named("code", LAYER_OF[above])}]
        named = self._named("parent_code", *(LAYER_OF[below] for below in LEVELS[level + 1 :]))
        return self.read(
            layer,
            where=lambda c: or_(
                meets(c, wide),
                c.parent_code.in_(parents),
                c.code.in_([code for code in named if isinstance(code, str)]),
                c.id.in_(self.examples[layer]),
            ),
        )

    def _has(self, layer: str) -> bool:
        """Whether a layer has areas before the changes."""
        return bool(self.examples[layer]) or (layer in self.found and len(self.found[layer].before) > 0)

    def _named(self, column: str, *layers: str) -> set[str]:
        """Values of a column of the areas of layers that changed, before and after."""
        sides = (
            side
            for layer in layers
            if layer in self.found
            for side in (self.found[layer].before, self.found[layer].after)
        )
        return {value for side in sides for value in side[column]}
