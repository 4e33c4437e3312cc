"""Edits of areas, each a single step that leaves a partition a partition on every level."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from geo import validity
from geo.editing import cutting, gaps
from geo.editing.edges import Edge, Edges, Place, edges_of, faces
from geo.editing.following import divide, raise_parents, transfer
from geo.editing.working import ON_EDGE_DEG, Working, refuse

_METRES_PER_DEG = 111_195.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveVertices:
    """Move vertices of a level's borders; all areas of all levels that have one follow.

    ``moves`` are pairs of places (lon, lat in EPSG:4326), from exactly where the vertex is stored.
    """

    level: str
    moves: tuple[tuple[Place, Place], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Redraw:
    """Draw the border between two areas anew along a line that crosses the land of both from side to side."""

    level: str
    code: str
    other: str
    line: tuple[Place, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Cut an area along a line; it is retired, and its parts get new codes."""

    level: str
    code: str
    line: tuple[Place, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """Join neighbours to the first of them; the others are retired."""

    level: str
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """Give what an area has within a drawn shape to its neighbour."""

    level: str
    code: str
    to: str
    piece: shapely.Geometry


@dataclass(frozen=True, slots=True, kw_only=True)
class FillGap:
    """Give land that no area has, at a place, to an area beside it."""

    level: str
    code: str
    lon: float
    lat: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TrimOverlap:
    """Take from an area what another one has too."""

    level: str
    code: str
    other: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Snap:
    """Put an area's border on those of its neighbours and its parent where they run beside each other."""

    level: str
    code: str
    within_m: float = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class InsertNode:
    """Insert a node into every border that passes a place."""

    level: str
    lon: float
    lat: float


def degrees(metres: float) -> float:
    """Return degrees of latitude that are so many metres."""
    return metres / _METRES_PER_DEG


Edit = MoveVertices | Redraw | Split | Merge | Transfer | FillGap | TrimOverlap | Snap | InsertNode


def move_vertices(working: Working, edit: MoveVertices) -> None:
    """Carry out :class:`MoveVertices`."""
    moves = dict(edit.moves)
    for place in moves:
        working.insert(place)
    near = sorted(
        {
            (level, code)
            for level in working.levels
            for x, y in moves
            for code in working.near(level, (x, y, x, y))
        }
    )
    bounds = _beside_places([working.shape[level][code] for level, code in near], moves)
    if bounds:
        # A border that lacks a node which others have on it would leave that node behind.
        working.fit(bounds)
    found: set[Place] = set()
    for level, code in near:
        shape = working.shape[level][code]
        moved, here = _moved(shape, moves)
        if here:
            working.put(level, code, moved)
            found |= here if level == edit.level else set()
    missing = sorted(moves.keys() - found)
    if missing:
        raise refuse("edit-outside", f"No border of a {edit.level} has a vertex here.", place=missing[0])


def _beside_places(shapes: Sequence[shapely.Geometry], places: Collection[Place]) -> list[float]:
    """Return the box around the edges of shapes that end at some places; empty where none does."""
    rings = shapely.get_rings(shapely.get_parts(np.array(shapes, dtype=object)))
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    named = _among(xy, places)
    held = np.flatnonzero((ring[:-1] == ring[1:]) & (named[:-1] | named[1:]))
    ends = xy[np.concatenate([held, held + 1])]
    return [*ends.min(axis=0).tolist(), *ends.max(axis=0).tolist()] if len(held) else []


def _moved(shape: shapely.Geometry, moves: Mapping[Place, Place]) -> tuple[shapely.Geometry, set[Place]]:
    """Move some vertices of a shape; return it with those it has."""
    xy = shapely.get_coordinates(shape)
    at = np.flatnonzero(_among(xy, moves))
    here = {(x, y) for x, y in xy[at].tolist()}
    if not here:
        return shape, here
    xy[at] = [moves[x, y] for x, y in xy[at].tolist()]
    return shapely.remove_repeated_points(shapely.transform(shape, lambda _: xy)), here


def _among(xy: np.ndarray, places: Collection[Place]) -> np.ndarray:
    """Tell which of some coordinates, (n, 2), are places."""
    named = np.array(list(places), dtype=np.float64).reshape(-1, 2)
    return np.isin((xy + 0.0).view(np.complex128)[:, 0], (named + 0.0).view(np.complex128)[:, 0])


def redraw(working: Working, edit: Redraw) -> None:
    """Carry out :class:`Redraw`."""
    _beside(working, edit.level, edit.code, edit.other)
    lines = _drawn(working, edit.level, (edit.code, edit.other), edit.line)
    one, other = (working.edges(edit.level, code) for code in (edit.code, edit.other))
    pieces = cutting.split(one ^ other, lines)
    _refuse_uncut(pieces, edit.line, 2)
    shares = [_share(piece, working.get(edit.level, edit.code)) for piece in pieces]
    mine, theirs = (1, 0) if shares[1] > shares[0] else (0, 1)
    for to, source, piece in ((edit.code, edit.other, pieces[mine]), (edit.other, edit.code, pieces[theirs])):
        for part in cutting.within(working.edges(edit.level, source), edges_of(piece)):
            transfer(working, edit.level, part, source, to)


def _drawn(working: Working, level: str, codes: Sequence[str], line: Sequence[Place]) -> list[Edge]:
    """Draw a line across areas and all below them."""
    working.fit(shapely.total_bounds([working.get(level, code) for code in codes]).tolist())
    crossing = [each for code in codes for each in working.family(level, code)]
    return cutting.draw(working, np.array(line, dtype=np.float64), crossing)


def _share(piece: shapely.Polygon, shape: shapely.Geometry) -> float:
    """How much of a piece an area has, 0 to 1."""
    return float(shapely.area(shapely.intersection(piece, shape)) / shapely.area(piece))


def split(working: Working, edit: Split) -> None:
    """Carry out :class:`Split`."""
    lines = _drawn(working, edit.level, (edit.code,), edit.line)
    pieces = cutting.split(working.edges(edit.level, edit.code), lines)
    before = len(shapely.get_parts(working.get(edit.level, edit.code)))
    _refuse_uncut(pieces, edit.line, before + 1, exactly=False)
    parent = working.parent[edit.level][edit.code]
    divide(working, edit.level, edit.code, pieces, [parent] * len(pieces))


def _refuse_uncut(
    pieces: list[shapely.Polygon], line: tuple[Place, ...], wanted: int, *, exactly: bool = True
) -> None:
    if len(pieces) == wanted or (len(pieces) > wanted and not exactly):
        return
    if len(pieces) < wanted:
        said = "The line does not cross the land from border to border."
    else:
        said = f"The line cuts the land into {len(pieces)} pieces; {wanted} are wanted."
    raise refuse("edit-line", said, place=line[len(line) // 2])


def merge(working: Working, edit: Merge) -> None:
    """Carry out :class:`Merge`."""
    first, *others = dict.fromkeys(edit.codes)
    if not others:
        raise refuse("edit-target", "To merge takes two areas or more.", code=first)
    working.fit(shapely.total_bounds([working.get(edit.level, code) for code in edit.codes]).tolist())
    while others:
        code = next((c for c in others if _common(working, edit.level, first, c)), None)
        if code is None:
            raise _apart(working, edit.level, first, others[0])
        others.remove(code)
        _join(working, edit.level, first, code)


def _join(working: Working, level: str, first: str, code: str) -> None:
    for part in shapely.get_parts(working.get(level, code)):
        raise_parents(working, level, part, first)
    border = working.edges(level, first) ^ working.edges(level, code)
    working.put_edges(level, first, border)
    below, children = working.below(level), working.children(level, code)
    if below and children:
        working.move(below, children, first)
    working.retire(level, code, [first])


def transfer_piece(working: Working, edit: Transfer) -> None:
    """Carry out :class:`Transfer`."""
    _beside(working, edit.level, edit.code, edit.to)
    _refuse_unfit(edit.piece)
    border: Edges = frozenset()
    for ring in shapely.get_rings(shapely.get_parts(edit.piece)):
        ring_edges = _drawn(working, edit.level, (edit.code,), shapely.get_coordinates(ring).tolist())
        border ^= frozenset(ring_edges)
    own = working.edges(edit.level, edit.code)
    parts = cutting.within(own, border)
    if not parts:
        x, y = shapely.get_coordinates(edit.piece)[0].tolist()
        raise refuse("edit-outside", f"The shape holds nothing of {edit.code}.", code=edit.code, place=(x, y))
    for part in parts:
        transfer(working, edit.level, part, edit.code, edit.to)


def _refuse_unfit(piece: shapely.Geometry) -> None:
    found = validity.find([piece], accepted=("Polygon", "MultiPolygon"))
    for kind, message, x, y in found[["kind", "message", "x", "y"]].itertuples(index=False):
        raise refuse(str(kind), str(message), place=None if np.isnan(x) else (float(x), float(y)))


def fill_gap(working: Working, edit: FillGap) -> None:
    """Carry out :class:`FillGap`."""
    working.get(edit.level, edit.code)
    place = (edit.lon, edit.lat)
    gap = _gap(working, edit.level, edit.code, shapely.Point(place))
    if gap is None:
        raise refuse("edit-outside", "There is no gap with borders all around here.", place=place)
    if not edges_of(gap) & working.edges(edit.level, edit.code):
        raise refuse("edit-apart", f"The gap does not border on {edit.code}.", code=edit.code, place=place)
    transfer(working, edit.level, gap, None, edit.code)


def _gap(working: Working, level: str, code: str, point: shapely.Point) -> shapely.Polygon | None:
    """Return the land around a point that no area has, between areas of a level and the borders of the one above."""

    def near(each: str, box: gaps.Box) -> list[shapely.Geometry]:
        return [working.shape[each][c] for c in working.near(each, box)]

    above = working.above(level)
    box = gaps.reach(near, level, above, place=point, start=working.get(level, code).bounds)
    if box is None:
        return None
    working.fit(box)
    levels = (above, level) if above else (level,)
    around = [working.edges(each, c) for each in levels for c in working.near(each, box, room=ON_EDGE_DEG)]
    west, south, east, north = (np.array(box) + ON_EDGE_DEG * np.array([-1, -1, 1, 1])).tolist()
    border = [
        each
        for each in frozenset().union(*around)
        if all(west <= x <= east and south <= y <= north for x, y in each)
    ]
    return next((face for face in faces(border) if face.contains(point)), None)


def trim_overlap(working: Working, edit: TrimOverlap) -> None:
    """Carry out :class:`TrimOverlap`."""
    one, other = (working.get(edit.level, code) for code in (edit.code, edit.other))
    common = shapely.intersection(one, other)
    if shapely.area(common) == 0:
        x, y = shapely.get_coordinates(shapely.point_on_surface(one))[0].tolist()
        raise refuse(
            "edit-apart", f"{edit.code} and {edit.other} do not overlap.", code=edit.code, place=(x, y)
        )
    for ring in shapely.get_rings(shapely.get_parts(other)):
        cutting.draw(working, shapely.get_coordinates(ring), [(edit.level, edit.code)])
    for x, y in shapely.get_coordinates(working.get(edit.level, edit.code)).tolist():
        working.insert((x, y))
    border = working.edges(edit.level, edit.code)
    for part in cutting.within(border, working.edges(edit.level, edit.other)):
        border ^= edges_of(part)
    working.put_edges(edit.level, edit.code, border)


def insert_node(working: Working, edit: InsertNode) -> None:
    """Carry out :class:`InsertNode`."""
    if not working.insert((edit.lon, edit.lat), within=cutting.SNAP_DEG):
        raise refuse("edit-outside", "No border that lacks a node passes here.", place=(edit.lon, edit.lat))


def snap(working: Working, edit: Snap) -> None:
    """Carry out :class:`Snap`."""
    reach = degrees(edit.within_m)
    shape = working.get(edit.level, edit.code)
    beside = [(edit.level, code) for code in working.near(edit.level, shape.bounds, room=reach)]
    above = working.above(edit.level)
    if above:
        beside += [(above, code) for code in working.near(above, shape.bounds, room=reach)]
    own = np.unique(shapely.get_coordinates(shape), axis=0)
    theirs = [
        shapely.get_coordinates(working.shape[level][code]) for level, code in beside if code != edit.code
    ]
    others = np.unique(np.concatenate([*theirs, np.empty((0, 2))]), axis=0)
    moves = _pairs(own, others, reach)
    if moves:
        move_vertices(working, MoveVertices(level=edit.level, moves=tuple(moves.items())))
    count = len(moves)
    places = np.array([moves.get((x, y), (x, y)) for x, y in np.concatenate([own, others]).tolist()])
    shapely.prepare(shape)
    for x, y in np.unique(places[shapely.dwithin(shape, shapely.points(places), reach)], axis=0).tolist():
        count += working.insert((x, y), within=reach)
    if not count:
        x, y = own[0].tolist()
        raise refuse(
            "edit-nothing", f"The border of {edit.code} is on its neighbours' already.", place=(x, y)
        )


def _pairs(own: np.ndarray, others: np.ndarray, reach: float) -> dict[Place, Place]:
    """Vertices that others do not have, each with the nearest of theirs within reach."""
    if not len(others):
        return {}
    tree = shapely.STRtree(shapely.points(others))
    at, near = tree.query_nearest(shapely.points(own), max_distance=reach, all_matches=False)
    return {
        tuple(a): tuple(b) for a, b in zip(own[at].tolist(), others[near].tolist(), strict=True) if a != b
    }


def _common(working: Working, level: str, one: str, other: str) -> bool:
    return bool(working.edges(level, one) & working.edges(level, other))


def _beside(working: Working, level: str, one: str, other: str) -> None:
    if not working.get(level, one).intersects(working.get(level, other)) or one == other:
        raise _apart(working, level, one, other)


def _apart(working: Working, level: str, one: str, other: str) -> Exception:
    point = shapely.point_on_surface(working.get(level, one))
    return refuse(
        "edit-apart", f"{one} and {other} have no common border.", code=one, place=(point.x, point.y)
    )


#: What carries out each edit, and its name in requests.
EDITS: dict[str, tuple[type[Any], Callable[[Working, Any], None]]] = {
    "move_vertices": (MoveVertices, move_vertices),
    "redraw": (Redraw, redraw),
    "split": (Split, split),
    "merge": (Merge, merge),
    "transfer": (Transfer, transfer_piece),
    "fill_gap": (FillGap, fill_gap),
    "trim_overlap": (TrimOverlap, trim_overlap),
    "snap": (Snap, snap),
    "insert_node": (InsertNode, insert_node),
}
