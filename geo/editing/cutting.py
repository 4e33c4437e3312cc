"""Drawn lines become nodes and edges of the areas they cross.

Where a line meets a border, the border gets a node in every area of every level that has it, so that all agree to the
last bit. A line that passes a vertex within a millimetre goes through it.
"""

import itertools
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import shapely

from geo.editing.edges import Edge, Edges, Place, area_of, edge, faces
from geo.editing.working import ON_EDGE_DEG, Working, refuse

Floats = npt.NDArray[np.float64]

#: How near a drawn line counts as through a vertex or up to a border, degrees (about a millimetre).
SNAP_DEG = 1e-8


def draw(working: Working, line: Floats, crossing: Sequence[tuple[str, str]]) -> list[Edge]:
    """Return the edges of a line, and insert nodes where it meets the borders of some areas, in all that have these.

    Parameters
    ----------
    crossing
        Level and code of the areas that the line is to cut.
    line
        Places of the line, (n, 2), EPSG:4326; closed if the first is the last.

    Raises
    ------
    DataError
        ``edit-line`` if it has less than two places, is not finite or crosses itself.
    """
    drawn = _checked(line)
    standing = _standing(working, drawn, crossing)
    vertices = np.unique(standing.reshape(-1, 2), axis=0)
    path = [_snapped(place, vertices, standing) for place in line]
    found: list[Edge] = []
    for start, end in itertools.pairwise(path):
        met = [start, *_met(start, end, vertices, standing), end]
        for place in met:
            # What the line meets beyond the areas that it is to cut stays untouched.
            if _distance(place, standing) <= ON_EDGE_DEG:
                working.insert(place)
        found += [edge(a, b) for a, b in itertools.pairwise(met) if a != b]
    return found


def split(border: Edges, lines: Sequence[Edge]) -> list[shapely.Polygon]:
    """Return the areas into which edges cut the land within a border.

    Edges outside of it, along it, and such that end within it cut nothing.
    """
    whole = _filled(border)
    shapely.prepare(whole)
    cuts = [each for each in lines if each not in border and whole.contains_properly(_middle(each))]
    found = faces(border | set(cuts))
    points = shapely.point_on_surface(np.array(found, dtype=object))
    return [face for face, inside in zip(found, shapely.contains(whole, points), strict=True) if inside]


def within(border: Edges, other: Edges) -> list[shapely.Polygon]:
    """Return the land within both of two borders, whose common edges have the same nodes."""
    there = _filled(other)
    found = split(border, list(other))
    points = shapely.point_on_surface(np.array(found, dtype=object))
    return [face for face, inside in zip(found, shapely.contains(there, points), strict=True) if inside]


def _filled(border: Edges) -> shapely.Geometry:
    made = area_of(border, multi=True)
    return shapely.MultiPolygon() if made is None else made


def _middle(each: Edge) -> shapely.Point:
    (ax, ay), (bx, by) = each
    return shapely.Point((ax + bx) / 2, (ay + by) / 2)


def _checked(line: Floats) -> shapely.LineString:
    places = np.asarray(line, dtype=np.float64).reshape(-1, 2)
    if len(np.unique(places, axis=0)) < 2 or not np.isfinite(places).all():  # noqa: PLR2004 - a line has two
        raise refuse("edit-line", "A line needs two different places, in longitude and latitude.")
    drawn = shapely.LineString(places)
    if not drawn.is_simple:
        x, y = places[len(places) // 2].tolist()
        raise refuse("edit-line", "The line crosses itself.", place=(x, y))
    return drawn


def _standing(working: Working, drawn: shapely.LineString, crossing: Sequence[tuple[str, str]]) -> Floats:
    """Edges of areas near a line, (n, 2, 2)."""
    found = {each for level, code in crossing for each in working.edges(level, code)}
    ends = np.array(sorted(found), dtype=np.float64).reshape(-1, 2, 2)
    west, south, east, north = drawn.bounds
    low, high = ends.min(axis=1) - SNAP_DEG, ends.max(axis=1) + SNAP_DEG
    near = (low[:, 0] <= east) & (high[:, 0] >= west) & (low[:, 1] <= north) & (high[:, 1] >= south)
    result: Floats = ends[near]
    return result


def _snapped(place: Floats, vertices: Floats, standing: Floats) -> Place:
    """Return the vertex at a place, else the nearest place of a border within reach, else the place."""
    x, y = float(place[0]), float(place[1])
    if not len(vertices):
        return x, y
    off = np.hypot(*(vertices - (x, y)).T)
    if off.min() <= SNAP_DEG:
        x, y = vertices[off.argmin()].tolist()
        return x, y
    foot = _feet((x, y), standing)
    off = np.hypot(*(foot - (x, y)).T)
    if off.min() <= SNAP_DEG:
        x, y = foot[off.argmin()].tolist()
    return x, y


def _distance(place: Place, standing: Floats) -> float:
    """Degrees from a place to the nearest of some edges."""
    return float(np.hypot(*(_feet(place, standing) - place).T).min(initial=np.inf))


def _feet(place: Place, standing: Floats) -> Floats:
    """Return the place on each edge that is nearest to a place."""
    start, step = standing[:, 0], standing[:, 1] - standing[:, 0]
    along = np.clip(((place - start) * step).sum(axis=1) / (step**2).sum(axis=1), 0, 1)
    feet: Floats = start + along[:, None] * step
    return feet


def _met(start: Place, end: Place, vertices: Floats, standing: Floats) -> list[Place]:
    """Places between the ends of a straight line where it meets borders, in their order."""
    if start == end or not len(standing):
        return []
    a, step = np.array(start), np.array(end) - np.array(start)
    size = np.hypot(*step)
    along = (vertices - a) @ step / size
    off = np.hypot(*(vertices - a - along[:, None] * step / size).T)
    passed = vertices[(off <= SNAP_DEG) & (along > SNAP_DEG) & (along < size - SNAP_DEG)]
    hit = shapely.intersection(shapely.LineString([start, end]), shapely.linestrings(standing))
    crossed = shapely.get_coordinates(hit[shapely.get_dimensions(hit) == 0])
    known = np.concatenate([passed, [start, end], standing.reshape(-1, 2)])
    fresh = [place for place in crossed if np.hypot(*(known - place).T).min() > SNAP_DEG]
    places = np.unique(np.concatenate([passed, np.array(fresh).reshape(-1, 2)]), axis=0)
    order = np.argsort((places - a) @ step)
    return [(x, y) for x, y in places[order].tolist()]
