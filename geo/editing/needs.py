"""Which areas an edit needs to see, so that it can be made without reading whole layers."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo.editing import gaps
from geo.editing.cutting import SNAP_DEG
from geo.editing.edits import (
    Edit,
    FillGap,
    InsertNode,
    Merge,
    MoveVertices,
    Redraw,
    Snap,
    Transfer,
    TrimOverlap,
    degrees,
)
from geo.editing.gaps import Box

# Nodes are looked for so far beyond the places of an edit, and beyond the areas that it changes, degrees.
_ROOM_DEG = 2 * SNAP_DEG


class Read(Protocol):
    """Reads areas of a level by their codes, by their parents' codes, or all whose boxes meet a box.

    Returns ``code``, ``parent_code`` and ``geometry`` (EPSG:4326) as :func:`geo.editing.apply` takes them, in any
    order. One of the three is given. More areas than asked for do no harm; ``within`` is west, south, east, north.
    """

    def __call__(
        self,
        level: str,
        *,
        codes: Collection[str] | None = None,
        parents: Collection[str] | None = None,
        within: Box | None = None,
    ) -> gpd.GeoDataFrame:
        """Return those areas."""
        ...


@dataclass(frozen=True, slots=True)
class Needs:
    """What an edit needs.

    Parameters
    ----------
    areas
        By level: the areas to give to :func:`geo.editing.apply`. Levels in which none is near are there, and empty.
    prefixes
        Every code that the edit may give begins with one of these. What was ever given of such codes, current ones
        included, is to be its ``taken``, on all levels. An empty text means all codes.
    """

    areas: dict[str, gpd.GeoDataFrame]
    prefixes: tuple[str, ...]


def needs(edit: Edit, read: Read, levels: Sequence[str]) -> Needs:
    """Find the areas that an edit looks at: on these it does exactly what it does on whole layers.

    Parameters
    ----------
    read
        Reads the state in which the edit is made.
    levels
        Levels that have areas at all, from the top; near the edit they may have none.

    Notes
    -----
    An edit changes the areas that it names, all below and above them, and whatever has a border through its places.
    These areas, and all whose boxes meet theirs, tell whether it can be made: land that would be claimed twice lies in
    two of them. They are read in that order.
    """
    found = _Found(read, levels)
    codes = _named(edit)
    if codes and edit.level in found.levels:
        found.add(edit.level, codes=codes)
        found.families(edit.level)
        found.ancestors(edit.level)
    prefixes = _prefixes(found, edit)
    box = _box(found, edit)
    if box is not None:
        for level in found.levels:
            found.add(level, within=box)
            found.add(level, within=_room(_together([box, found.box(level)]), _ROOM_DEG))
    return Needs({level: found.frame(level) for level in found.areas}, prefixes)


class _Found:
    """Areas read so far, by level, each once."""

    def __init__(self, read: Read, levels: Sequence[str]) -> None:
        self.levels = list(levels)
        self.read = read
        #: By level and code: the parent's code and the shape.
        self.areas: dict[str, dict[str, tuple[str | None, shapely.Geometry]]] = {}

    def add(
        self,
        level: str,
        *,
        codes: Collection[str] | None = None,
        parents: Collection[str] | None = None,
        within: Box | None = None,
    ) -> None:
        """Read areas and keep them."""
        fresh = self.read(level, codes=codes, parents=parents, within=within)
        columns = (fresh[name].to_numpy() for name in ("code", "parent_code", "geometry"))
        kept = self.areas.setdefault(level, {})
        for code, parent, shape in zip(*columns, strict=True):
            kept.setdefault(code, (parent, shape))

    def families(self, level: str) -> None:
        """Read all areas below those of a level."""
        for below in self.levels[self.levels.index(level) + 1 :]:
            codes = list(self.areas[level])
            if not codes:
                break
            self.add(below, parents=codes)
            level = below

    def ancestors(self, level: str) -> None:
        """Read the areas above those of a level."""
        for above in reversed(self.levels[: self.levels.index(level)]):
            wanted = {parent for parent, _ in self.areas[level].values() if isinstance(parent, str)}
            if not wanted:
                break
            self.add(above, codes=wanted)
            level = above

    def shapes(self, level: str) -> np.ndarray:
        """Return the shapes of what was read of a level."""
        return np.array([shape for _, shape in self.areas.get(level, {}).values()], dtype=object)

    def frame(self, level: str) -> gpd.GeoDataFrame:
        """Return what was read of a level."""
        kept = self.areas[level]
        parents = [parent for parent, _ in kept.values()]
        table = {"code": [*kept], "parent_code": parents, "geometry": self.shapes(level)}
        return gpd.GeoDataFrame(pd.DataFrame(table, dtype=object), geometry="geometry", crs="EPSG:4326")

    def box(self, *levels: str) -> Box | None:
        """Return the box around what was read of some levels."""
        return _bounds(np.concatenate([*map(self.shapes, levels), np.empty(0, dtype=object)]))


def _named(edit: Edit) -> tuple[str, ...]:
    """Return the codes that an edit names."""
    match edit:
        case Merge():
            return edit.codes
        case Redraw() | TrimOverlap():
            return edit.code, edit.other
        case Transfer():
            return edit.code, edit.to
        case MoveVertices() | InsertNode():
            return ()
    return (edit.code,)


def _prefixes(found: _Found, edit: Edit) -> tuple[str, ...]:
    """Return what the codes of areas begin with that an edit may make: below what it names, or beside it."""
    known = found.areas.get(edit.level, {})
    named = [code for code in _named(edit) if code in known]
    above = [known[code][0] for code in named]
    wanted = sorted({*named, *(code if isinstance(code, str) else "" for code in above)})
    return tuple(
        code for code in wanted if not any(code != each and code.startswith(each) for each in wanted)
    )


def _box(found: _Found, edit: Edit) -> Box | None:
    """Return the box in which an edit may change borders."""
    below = found.levels[found.levels.index(edit.level) :] if edit.level in found.levels else []
    own = found.box(*below)
    match edit:
        case MoveVertices():
            places = shapely.points([place for move in edit.moves for place in move])
            return _room(_bounds(np.asarray(places, dtype=object)), _ROOM_DEG)
        case InsertNode():
            return _room((edit.lon, edit.lat, edit.lon, edit.lat), _ROOM_DEG)
        case Snap():
            return _room(own, 2 * degrees(edit.within_m) + _ROOM_DEG)
        case FillGap() if own is not None:
            return _room(_together([own, _gap(found, edit, own)]), _ROOM_DEG)
    return _room(own, _ROOM_DEG)


def _gap(found: _Found, edit: FillGap, own: Box) -> Box | None:
    """Return the box of the gap that an edit is to fill; see :func:`geo.editing.edits.fill_gap`."""
    if edit.code not in found.areas[edit.level]:
        return own
    _, shape = found.areas[edit.level][edit.code]
    at = found.levels.index(edit.level)

    def near(level: str, box: Box) -> Sequence[shapely.Geometry]:
        west, south, east, north = box
        areas = found.read(level, within=box).sort_values("code")
        low_x, low_y, high_x, high_y = areas.geometry.bounds.to_numpy().T
        met = (low_x <= east) & (high_x >= west) & (low_y <= north) & (high_y >= south)
        return list(areas.geometry.to_numpy()[met])

    above = found.levels[at - 1] if at else None
    return gaps.reach(near, edit.level, above, place=shapely.Point(edit.lon, edit.lat), start=shape.bounds)


def _bounds(shapes: np.ndarray) -> Box | None:
    if not len(shapes):
        return None
    west, south, east, north = shapely.total_bounds(shapes).tolist()
    return west, south, east, north


def _together(boxes: Iterable[Box | None]) -> Box | None:
    """Return the box around some."""
    known = [box for box in boxes if box is not None]
    return _bounds(shapely.box(*np.array(known).T)) if known else None


def _room(box: Box | None, room: float) -> Box | None:
    if box is None:
        return None
    west, south, east, north = box
    return west - room, south - room, east + room, north + room
