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
        named = found.add(edit.level, codes=codes)
        found.families(edit.level, list(named["code"]))
        found.ancestors(edit.level, named["parent_code"])
    prefixes = _prefixes(found, edit)
    box = _box(found, edit)
    if box is not None:
        for level in found.levels:
            found.add(level, within=box)
            found.add(level, within=_room(_together([box, found.box(level)]), _ROOM_DEG))
    return Needs(found.frames, prefixes)


class _Found:
    """Areas read so far, by level, each once."""

    def __init__(self, read: Read, levels: Sequence[str]) -> None:
        self.levels = list(levels)
        self.read = read
        self.frames: dict[str, gpd.GeoDataFrame] = {}

    def add(
        self,
        level: str,
        *,
        codes: Collection[str] | None = None,
        parents: Collection[str] | None = None,
        within: Box | None = None,
    ) -> gpd.GeoDataFrame:
        """Read areas and keep them; return those read."""
        fresh = self.read(level, codes=codes, parents=parents, within=within)
        fresh = fresh[["code", "parent_code", "geometry"]]
        known = self.frames.get(level)
        if known is not None:
            more = fresh[~fresh["code"].isin(set(known["code"]))]
            kept = [frame for frame in (known, more) if len(frame)] or [known]
            both = pd.concat(kept, ignore_index=True)
        else:
            both = fresh.reset_index(drop=True)
        self.frames[level] = gpd.GeoDataFrame(both, geometry="geometry", crs="EPSG:4326")
        return fresh

    def families(self, level: str, codes: Sequence[str]) -> None:
        """Read all areas below some."""
        for below in self.levels[self.levels.index(level) + 1 :]:
            codes = list(self.add(below, parents=codes)["code"]) if codes else []

    def ancestors(self, level: str, codes: Iterable[str | None]) -> None:
        """Read the areas above some, whose codes are given."""
        for above in reversed(self.levels[: self.levels.index(level)]):
            wanted = {code for code in codes if isinstance(code, str)}
            codes = self.add(above, codes=wanted)["parent_code"] if wanted else ()

    def box(self, *levels: str) -> Box | None:
        """Return the box around what was read of some levels."""
        shapes = [self.frames[level].geometry.to_numpy() for level in levels if level in self.frames]
        flat = np.concatenate([*shapes, np.empty(0, dtype=object)])
        return _bounds(flat)


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
    named = found.frames.get(edit.level)
    if named is None:
        return ()
    listed = named[named["code"].isin(_named(edit))]
    above = (code if isinstance(code, str) else "" for code in listed["parent_code"])
    wanted = sorted({*listed["code"], *above})
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
    shape = found.frames[edit.level].set_index("code").geometry.get(edit.code)
    if shape is None:
        return own
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
