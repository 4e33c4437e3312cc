"""The main roads of the demo city, drawn in the unbent plane: both banks' lattices, bridges, the hill.

A table of lines has the columns `geometry`, `kind` (OSM ``highway`` value; empty for a line that is a border
but no street), `line` (lines of one number are one street and share its name) and `axis` (``row`` along the
river, ``column`` across it, ``bank``, ``hill``, ``local``, ``bridge``; ``border``, ``water`` and ``stream`` are no streets).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo.synthetic.terrain import HILL, HILL_RADIUS_M, Floats, Geometries, Terrain

#: Longest piece of a line before it is bent, metres: what a street's curve is drawn with.
VERTEX_SPACING_M = 24.0

#: Crossings of the unbent plane lie on a lattice this coarse, metres, so that none are nearer to each other.
NODE_GRID_M = 4.0

#: Where bridges stand along the river; every other one is carried over the embankment roads.
BRIDGES_X = np.array([-4150.0, -1750.0, -250.0, 1500.0, 3450.0])

#: How far the lattice goes along the river and across it; how near another column may come to a bridge.
_REACH_M = (7600.0, 5200.0)
_CLEAR_OF_BRIDGE_M = 190.0
#: Ends of roads shorter than this are not worth keeping.
_STUB_M = 25.0

#: Where the motorway runs, in the unbent plane.
_MOTORWAY = (
    (-7000, -3050),
    (-5200, -2900),
    (-2600, -3000),
    (0, -2880),
    (2700, -3000),
    (4700, -1900),
    (5150, 400),
)
_MOTORWAY_END = ((5000, 2200), (5300, 4200), (5400, 6000))

#: Lines of the south bank's lattice are numbered from here, the hill's from there.
SOUTH_BANK, ON_HILL = 100, 200

_CLASSES = ("primary", "tertiary", "secondary", "tertiary")


@dataclass(frozen=True)
class Bank:
    """One side of the river: its lattice of main roads.

    Parameters
    ----------
    side
        1 north of the river, -1 south of it.
    nodes
        Crossings, shape (columns, rows, 2).
    bridges
        Column numbers that lead onto a bridge, west to east.
    """

    side: int
    nodes: Floats
    bridges: NDArray[np.intp]


def table(geometry: Geometries, kind: str, line: NDArray[np.intp], axis: str) -> pd.DataFrame:
    """Build a table of lines of one kind and axis."""
    return pd.DataFrame({"geometry": geometry, "kind": kind, "line": line, "axis": axis})


def bank(side: int, ground: Terrain, rng: np.random.Generator) -> Bank:
    """Lay the lattice of one side of the river: rows along it, columns across it, unevenly spaced."""
    x = _columns(rng)
    y = 110.0 + 175.0 * (np.arange(40) > 0) + np.concatenate([[0, 0], np.cumsum(_spacings(38, rng))])
    y = y[y < _REACH_M[1]]
    nodes = np.stack(np.meshgrid(x, side * y, indexing="ij"), axis=-1)
    jitter = rng.uniform(-1.0, 1.0, nodes.shape) * (42.0, 34.0)
    bridges = np.flatnonzero(np.isin(x, BRIDGES_X))
    jitter[bridges, :3] *= (0.0, 0.3)
    jitter[:, 0, 1] = 0.0
    nodes = nodes + jitter
    nodes[:, 0, 1] = side * (ground.bank(nodes[:, 0, 0]) + 14.0)
    nodes = np.rint(nodes / NODE_GRID_M) * NODE_GRID_M
    return Bank(side, nodes, bridges)


def lattice(side: Bank, ground: Terrain, rng: np.random.Generator, first_line: int) -> pd.DataFrame:
    """Lay a bank's roads: segments between neighbouring crossings, the lesser of them with missing pieces."""
    nodes = side.nodes
    columns, rows = nodes.shape[:2]
    along, across = np.meshgrid(np.arange(columns), np.arange(rows), indexing="ij")
    row_lines = _segments(nodes[:-1], nodes[1:])
    column_lines = _segments(nodes[:, :-1], nodes[:, 1:])
    row_rank = np.where(across[:-1] == 0, "secondary", np.take(_CLASSES, across[:-1] % 4))
    column_rank = np.take(_CLASSES, (along[:, :-1] + side.side) % 4)
    column_rank[side.bridges] = "primary"
    frames = [
        pd.DataFrame(
            {"geometry": row_lines, "kind": row_rank.ravel(), "line": first_line + across[:-1].ravel()}
        ),
        pd.DataFrame(
            {
                "geometry": column_lines,
                "kind": column_rank.ravel(),
                "line": first_line + rows + along[:, :-1].ravel(),
            }
        ),
    ]
    frames[0]["axis"] = np.where(across[:-1].ravel() == 0, "bank", "row")
    frames[1]["axis"] = "column"
    lines = pd.concat([frames[0], _without_bridge_ramps(frames[1], side)], ignore_index=True)
    return _thinned(lines, ground, rng)


def bridges(north: Bank, south: Bank) -> pd.DataFrame:
    """Span the river: from embankment to embankment, or from the second road to the second road.

    The longer ones pass over both embankment roads; their line has a vertex above each, from which steps lead
    down.
    """
    lines = []
    for number, (upper, lower) in enumerate(zip(north.bridges, south.bridges, strict=True)):
        reach = 2 if number % 2 else 1
        points = np.vstack([south.nodes[lower, :reach][::-1], north.nodes[upper, :reach]])
        lines.append(shapely.LineString(points))
    return table(np.array(lines), "primary", np.arange(len(lines)), "bridge")


def river_borders(north: Bank, south: Bank, ground: Terrain) -> pd.DataFrame:
    """Lines on the water that are borders only: midstream, and from its turns to the banks' crossings."""
    x = np.arange(-7500.0, 7501.0, 150.0)
    middle = np.column_stack([x, 0.25 * (ground.bank(x + 300.0) - 100.0)])
    stream = shapely.LineString(middle)
    ends = np.concatenate([side.nodes[1:-1, 0] for side in (north, south)])
    feet = np.column_stack([ends[:, 0], np.interp(ends[:, 0], middle[:, 0], middle[:, 1])])
    # A little beyond midstream, so that the two lines cross for certain; noding drops the rest.
    feet[:, 1] -= 1e-3 * np.sign(ends[:, 1])
    cuts = shapely.linestrings(np.stack([ends, feet], axis=1))
    geometry = np.append(cuts, stream)
    axis = ["water"] * len(cuts) + ["stream"]
    return table(geometry, "", np.full(len(geometry), -1), "water").assign(axis=axis)


def hill_roads(ground: Terrain, rng: np.random.Generator, first_line: int) -> pd.DataFrame:
    """Ring road, a road winding up to the top, and paths that climb straight, mostly by steps."""
    turn = np.linspace(0.0, 4.6 * np.pi, 150)
    reach = np.linspace(1.02, 0.12, 150) + 0.05 * np.sin(3.3 * turn + rng.uniform(0, 6))
    winding = shapely.LineString(_around_hill(turn, reach * HILL_RADIUS_M * 0.8))
    starts = np.arange(6) * np.pi / 3 + rng.uniform(-0.3, 0.3, 6)
    climb = np.linspace(1.35, 0.0, 30)
    paths = [
        shapely.LineString(
            _around_hill(start + 0.16 * np.sin(9 * climb + start), climb * HILL_RADIUS_M),
        )
        for start in starts
    ]
    ring = shapely.get_exterior_ring(ground.hill)
    inner = shapely.intersection(np.array([winding, *paths]), ground.hill)
    kinds = ["tertiary", "unclassified"] + ["path"] * len(paths)
    frame = table(np.append([ring], inner), "", first_line + np.arange(len(kinds)), "hill")
    return frame.assign(kind=kinds)


def motorway() -> Geometries:
    """Lay the motorway on its viaduct, in pieces of the unbent plane; nobody walks it and it joins nothing."""
    points = np.array(_MOTORWAY + _MOTORWAY_END, dtype=float)
    t = np.arange(len(points))
    fine = np.linspace(0, len(points) - 1, 241)
    smooth = np.column_stack([_catmull_rom(t, points[:, axis], fine) for axis in (0, 1)])
    return np.array([shapely.LineString(smooth[i : i + 13]) for i in range(0, 240, 12)])


def clip(lines: pd.DataFrame, ground: Terrain) -> pd.DataFrame:
    """Cut lines at the outline, and all but the hill's own at the hill's foot; short leftovers go."""
    inside = shapely.intersection(lines["geometry"].to_numpy(), ground.outline)
    on_hill = (lines["axis"] == "hill").to_numpy()
    inside[~on_hill] = shapely.difference(inside[~on_hill], ground.hill)
    parts, origin = shapely.get_parts(inside, return_index=True)
    clipped = lines.iloc[origin].assign(geometry=parts)
    keep = (shapely.get_type_id(parts) == shapely.GeometryType.LINESTRING) & (shapely.length(parts) > _STUB_M)
    kept: pd.DataFrame = clipped[keep | (clipped["kind"] == "").to_numpy()]
    return kept.reset_index(drop=True)


def _columns(rng: np.random.Generator) -> Floats:
    """Place columns along the river: closer in the middle, with one at each bridge."""
    east = np.cumsum(_spacings(40, rng))
    x = np.concatenate([-east[::-1] - 250.0, [-250.0], east - 250.0])
    x = x[np.abs(x) < _REACH_M[0]]
    clear = np.abs(x[:, None] - BRIDGES_X).min(axis=1) > _CLEAR_OF_BRIDGE_M
    return np.sort(np.concatenate([x[clear], BRIDGES_X]))


def _spacings(count: int, rng: np.random.Generator) -> Floats:
    return rng.uniform(250.0, 420.0, count) + 19.0 * np.arange(count)


def _segments(start: Floats, end: Floats) -> Geometries:
    pairs = np.stack([start.reshape(-1, 2), end.reshape(-1, 2)], axis=1)
    return np.asarray(shapely.linestrings(pairs))


def _without_bridge_ramps(columns: pd.DataFrame, side: Bank) -> pd.DataFrame:
    """Drop the pieces between first and second road where a bridge is carried over the first."""
    rows = side.nodes.shape[1]
    carried = side.bridges[1::2] * (rows - 1)
    return columns.drop(index=list(carried))


def _thinned(lines: pd.DataFrame, ground: Terrain, rng: np.random.Generator) -> pd.DataFrame:
    middle = shapely.line_interpolate_point(lines["geometry"].to_numpy(), 0.5, normalized=True)
    sparse = 1.0 - ground.density(shapely.get_coordinates(middle))
    chance = lines["kind"].map({"primary": 0.0, "secondary": 0.06, "tertiary": 0.2}).to_numpy(dtype=float)
    chance = chance * (0.5 + 1.7 * sparse)
    keep = (rng.random(len(lines)) >= chance) | (lines["axis"] == "bank").to_numpy()
    return lines[keep].reset_index(drop=True)


def _around_hill(angle: Floats, radius: Floats) -> Floats:
    return np.column_stack([HILL[0] + 1.15 * radius * np.cos(angle), HILL[1] + 0.85 * radius * np.sin(angle)])


def _catmull_rom(t: NDArray[np.intp], values: Floats, at: Floats) -> Floats:
    """Smooth curve through `values`, uniform Catmull-Rom spline."""
    padded = np.concatenate([[2 * values[0] - values[1]], values, [2 * values[-1] - values[-2]]])
    i = np.clip(at.astype(np.intp), 0, len(t) - 2)
    f = at - i
    a, b, c, d = (padded[i + k] for k in range(4))
    return np.asarray(
        0.5 * (2 * b + (c - a) * f + (2 * a - 5 * b + 4 * c - d) * f**2 + (3 * b - a - 3 * c + d) * f**3)
    )
