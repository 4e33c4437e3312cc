"""What follows an edit on the levels above and below the one it was made on."""

from collections.abc import Sequence

import shapely

from geo.editing.cutting import within
from geo.editing.edges import edges_of, length
from geo.editing.working import Working


def transfer(working: Working, level: str, piece: shapely.Polygon, source: str | None, target: str) -> None:
    """Give a piece of land to an area, out of another or of none, on its level and on those above and below.

    Parameters
    ----------
    piece
        Its border consists of edges of the areas as they are now.
    """
    _give(working, level, piece, source, target)
    _down(working, level, piece, source, target)


def _give(working: Working, level: str, piece: shapely.Polygon, source: str | None, target: str) -> None:
    """Move the borders of two areas over a piece, and those of their parents where these differ."""
    border = edges_of(piece)
    if source is not None:
        working.put_edges(level, source, working.edges(level, source) ^ border)
    working.put_edges(level, target, working.edges(level, target) ^ border)
    raise_parents(working, level, piece, target)


def raise_parents(working: Working, level: str, piece: shapely.Polygon, target: str) -> None:
    """Let the levels above follow a piece of land that comes to an area."""
    above = working.above(level)
    to = working.parent[level][target]
    if above is None or to is None or to not in working.shape[above]:
        return
    held = _holder(working, above, piece)
    if held != to:
        _give(working, above, piece, held, to)


def _holder(working: Working, level: str, piece: shapely.Polygon) -> str | None:
    """Return the area of a level in which a piece lies."""
    point = shapely.point_on_surface(piece)
    return next(
        (c for c in working.near(level, point.bounds) if working.shape[level][c].contains(point)), None
    )


def _down(working: Working, level: str, piece: shapely.Polygon, source: str | None, target: str) -> None:
    """Let the areas below follow: whole ones go with the piece, parts go to the area across."""
    below = working.below(level)
    if below is None:
        return
    if source is None:
        waiting: list[tuple[str | None, shapely.Polygon]] = [(None, piece)]
    else:
        whole, waiting = _parts(working, below, working.children(level, source), piece)
        working.move(below, whole, target)
    while waiting:
        children = working.children(level, target)
        at, to = _next(working, below, waiting, children)
        if to is None:
            _settle(working, below, waiting, target)
            return
        code, part = waiting.pop(at)
        transfer(working, below, part, code, to)


def _parts(
    working: Working, level: str, codes: Sequence[str], piece: shapely.Polygon
) -> tuple[list[str], list[tuple[str | None, shapely.Polygon]]]:
    """Areas that lie wholly in a piece, and the parts in it of those that do not."""
    border = edges_of(piece)
    whole: list[str] = []
    parts: list[tuple[str | None, shapely.Polygon]] = []
    for code in codes:
        if not working.shape[level][code].intersects(piece):
            continue
        own = working.edges(level, code)
        inside = within(own, border)
        if edges_of(shapely.MultiPolygon(inside)) == own:
            whole.append(code)
        else:
            parts += [(code, part) for part in inside]
    return whole, parts


def _next(
    working: Working,
    level: str,
    waiting: Sequence[tuple[str | None, shapely.Polygon]],
    codes: Sequence[str],
) -> tuple[int, str | None]:
    """Return the first part that borders on one of some areas, and the area."""
    for at, (_, part) in enumerate(waiting):
        to = _across(working, level, part, codes)
        if to is not None:
            return at, to
    return 0, None


def _across(working: Working, level: str, part: shapely.Polygon, codes: Sequence[str]) -> str | None:
    """Return the area with the longest border along a part; among equals the lowest code."""
    border = edges_of(part)
    measured = [(-length(working.edges(level, code) & border), code) for code in sorted(codes)]
    return min((each for each in measured if each[0] < 0), default=(0.0, None))[1]


def _settle(
    working: Working, level: str, parts: Sequence[tuple[str | None, shapely.Polygon]], parent: str
) -> None:
    """Make areas of parts that border on nothing below their new parent; land that was nobody's stays so."""
    for code, part in parts:
        if code is None:
            continue
        multi = working.shape[level][code].geom_type == "MultiPolygon"
        working.put_edges(level, code, working.edges(level, code) ^ edges_of(part))
        (made,) = working.add(level, [shapely.MultiPolygon([part]) if multi else part], [parent])
        working.lineage.append((level, code, made))
        _down(working, level, part, code, made)


def divide(
    working: Working,
    level: str,
    code: str,
    pieces: Sequence[shapely.Polygon],
    parents: Sequence[str | None],
) -> list[str]:
    """Make areas of the pieces of one, which is retired; those below it go with the pieces or are divided too.

    Parameters
    ----------
    parents
        Of each piece.

    Returns
    -------
    list
        The new codes, in the order of the pieces.
    """
    old = working.get(level, code)
    shapes = [shapely.MultiPolygon([piece]) if old.geom_type == "MultiPolygon" else piece for piece in pieces]
    new = working.add(level, shapes, parents)
    below = working.below(level)
    if below:
        for child in working.children(level, code):
            _share_out(working, below, child, pieces, new)
    working.retire(level, code, new)
    return new


def _share_out(
    working: Working, level: str, child: str, pieces: Sequence[shapely.Polygon], parents: Sequence[str]
) -> None:
    """Put an area below the piece it lies in, or divide it among several."""
    border = working.edges(level, child)
    parts = [
        (part, parent)
        for piece, parent in zip(pieces, parents, strict=True)
        for part in within(border, edges_of(piece))
    ]
    held = sorted({parent for _, parent in parts})
    if len(held) == 1:
        working.move(level, [child], held[0])
        return
    divide(working, level, child, [part for part, _ in parts], [parent for _, parent in parts])
