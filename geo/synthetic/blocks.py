"""Street blocks: main roads make superblocks, local streets cut them until they have the size of the place.

Blocks are faces of the noded lines, so neighbours share every vertex of their border.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from geo.synthetic.roads import NODE_GRID_M, VERTEX_SPACING_M, table
from geo.synthetic.terrain import Floats, Geometries, Terrain

#: How firmly a metre of common border holds blocks together when they are grouped; the rest: 1.
_BOND = {"primary": 0.12, "secondary": 0.2, "tertiary": 0.4, "living_street": 1.3, "": 2.0}
_MAIN = ("primary", "secondary", "tertiary")

#: Below this much of the old town's fabric, its lanes become ordinary streets.
_LANES_FROM = 0.35
_WIDE_GENERATIONS = 2
_SHORTEST_M = 20.0


@dataclass(frozen=True)
class Plan:
    """The planar subdivision of the district, in the local metric plane.

    Parameters
    ----------
    faces
        The blocks: polygons that tile the district.
    flat
        A point within each block in the unbent plane, shape (n, 2).
    water, hill
        Which blocks lie on the river or the hill.
    edges
        Noded lines, a table of lines with `left` and `right` (block numbers, -1 outside).
    """

    faces: Geometries
    flat: Floats
    water: NDArray[np.bool_]
    hill: NDArray[np.bool_]
    edges: pd.DataFrame

    def neighbours(self) -> pd.DataFrame:
        """Pairs of blocks that share a border: `left`, `right`, `bond` (metres, less where a road divides)."""
        shared = self.edges[(self.edges["left"] >= 0) & (self.edges["right"] >= 0)]
        # Borders run midstream, not along the embankment.
        on_bank = (shared["axis"] == "bank").to_numpy()
        firm = np.where(on_bank, _BOND[""], shared["kind"].map(_BOND).fillna(1.0))
        pairs = pd.DataFrame(
            {
                "left": shared[["left", "right"]].min(axis=1),
                "right": shared[["left", "right"]].max(axis=1),
                "bond": firm * shapely.length(shared["geometry"].to_numpy()),
            }
        )
        pairs = pairs[pairs["left"] != pairs["right"]]
        return pairs.groupby(["left", "right"])["bond"].sum().reset_index()

    def cells(self) -> NDArray[np.intp]:
        """Number the pieces that main roads leave of the district; by block."""
        minor = self.edges[~self.edges["kind"].isin(_MAIN) | (self.edges["axis"] == "bank")]
        minor = minor[(minor["left"] >= 0) & (minor["right"] >= 0) & ~minor["axis"].isin(["stream", "water"])]
        count = len(self.faces)
        joined = coo_array((np.ones(len(minor)), (minor["left"], minor["right"])), shape=(count, count))
        return np.asarray(connected_components(joined, directed=False)[1], dtype=np.intp)


def plan(lines: pd.DataFrame, ground: Terrain, rng: np.random.Generator) -> Plan:
    """Cut the superblocks of the main `lines` into blocks, node everything, and bend it into place."""
    border = table(np.array([shapely.get_exterior_ring(ground.outline)]), "", np.array([-1]), "border")
    lines = pd.concat([lines, border], ignore_index=True)
    superblocks, _ = _faces(_noded(lines["geometry"].to_numpy()))
    local = _local_streets(superblocks, ground, rng, first_line=int(lines["line"].max()) + 1)
    lines = pd.concat([lines, local], ignore_index=True)
    noded = _noded(lines["geometry"].to_numpy())
    edges = shapely.segmentize(noded, VERTEX_SPACING_M)
    faces, flat = _faces(edges)
    described = _described(edges, lines)
    bent = _bent(np.concatenate([edges, faces]), ground)
    described["geometry"], faces = bent[: len(edges)], bent[len(edges) :]
    described[["left", "right"]] = _sides(described["geometry"].to_numpy(), faces)
    # Dead ends inside a block bound nothing, and homes may stand on them.
    described = described[described["left"] >= 0].reset_index(drop=True)
    on_water = np.abs(flat[:, 1]) < ground.bank(flat[:, 0]) + 12.0
    on_hill = shapely.contains_xy(ground.hill, flat)
    return Plan(faces, flat, on_water, on_hill, described)


def _noded(lines: Geometries) -> Geometries:
    # Snap rounding: an end that almost meets a line joins it, and no sliver is left between.
    return np.asarray(shapely.get_parts(shapely.union_all(lines, grid_size=NODE_GRID_M)))


def _faces(edges: Geometries) -> tuple[Geometries, Floats]:
    faces = shapely.get_parts(shapely.polygonize(edges))
    flat = shapely.get_coordinates(shapely.point_on_surface(faces))
    order = np.lexsort((flat[:, 0], flat[:, 1]))
    return faces[order], flat[order]


def _local_streets(
    superblocks: Geometries, ground: Terrain, rng: np.random.Generator, *, first_line: int
) -> pd.DataFrame:
    """Halve superblocks across their long side, all of one generation at a time, until small enough."""
    centre = shapely.get_coordinates(shapely.centroid(superblocks))
    wet = np.abs(centre[:, 1]) < ground.bank(centre[:, 0]) + 12.0
    todo = superblocks[~wet & ~shapely.contains_xy(ground.hill, centre)]
    found: list[pd.DataFrame] = []
    for depth in range(9):
        todo = todo[_too_large(todo, ground, rng)]
        if not len(todo):
            break
        cuts, first, second = _halved(todo, ground, rng)
        centre = shapely.get_coordinates(shapely.centroid(todo))
        old = ground.old_town(centre) > _LANES_FROM
        kind = np.where(old & (depth >= _WIDE_GENERATIONS), "living_street", "residential")
        pieces, origin = shapely.get_parts(cuts, return_index=True)
        number = first_line + sum(len(f) for f in found) + np.arange(len(pieces))
        found.append(table(pieces, "", number, "local").assign(kind=kind[origin]))
        todo = np.concatenate([first, second])
        todo = shapely.get_parts(todo)
        todo = todo[shapely.get_type_id(todo) == shapely.GeometryType.POLYGON]
    lines = pd.concat(found, ignore_index=True)
    long = shapely.length(lines["geometry"].to_numpy()) > _SHORTEST_M
    return lines.iloc[np.flatnonzero(long)].reset_index(drop=True)


def _too_large(blocks: Geometries, ground: Terrain, rng: np.random.Generator) -> NDArray[np.bool_]:
    centre = shapely.get_coordinates(shapely.centroid(blocks))
    sparse = 1.0 - ground.density(centre)
    hectares = (1.25 + 11.0 * sparse**2.6) * (1.0 - 0.5 * ground.old_town(centre))
    return np.asarray(shapely.area(blocks) > 1e4 * hectares * rng.uniform(1.0, 2.1, len(blocks)))


def _halved(
    blocks: Geometries, ground: Terrain, rng: np.random.Generator
) -> tuple[Geometries, Geometries, Geometries]:
    corner = shapely.get_coordinates(shapely.oriented_envelope(blocks)).reshape(-1, 5, 2)
    a, b = corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 1]
    swap = np.hypot(*a.T) < np.hypot(*b.T)
    long, short = np.where(swap[:, None], b, a), np.where(swap[:, None], a, b)
    middle = corner[:, :4].mean(axis=1) + long * rng.uniform(-0.13, 0.13, (len(blocks), 1))
    crooked = 0.07 + 0.12 * (1.0 - ground.density(middle)) + 0.1 * ground.old_town(middle)
    turn = rng.uniform(-1.0, 1.0, len(blocks)) * crooked
    across = short / np.hypot(*short.T)[:, None]
    across = across + turn[:, None] * (long / np.hypot(*long.T)[:, None])
    span = 2.0 * np.hypot(*long.T)[:, None]
    start, end = middle - across * span, middle + across * span
    away = long / np.hypot(*long.T)[:, None] * span * 2
    cuts = shapely.intersection(shapely.linestrings(np.stack([start, end], axis=1)), blocks)
    first = shapely.polygons(np.stack([start, end, end + away, start + away], axis=1))
    second = shapely.polygons(np.stack([start, end, end - away, start - away], axis=1))
    return cuts, shapely.intersection(blocks, first), shapely.intersection(blocks, second)


def _described(edges: Geometries, lines: pd.DataFrame) -> pd.DataFrame:
    """Give each noded edge the attributes of the line it came from: the one its middle lies on."""
    middle = shapely.line_interpolate_point(edges, 0.5, normalized=True)
    tree = shapely.STRtree(lines["geometry"].to_numpy())
    found, origin = tree.query_nearest(middle, all_matches=True)
    # Where lines run on each other the first, the more important, names the street.
    order = np.lexsort((origin, found))
    first = np.unique(found[order], return_index=True)[1]
    described: pd.DataFrame = lines.iloc[origin[order][first]].assign(geometry=edges)
    return described.reset_index(drop=True)


def _bent(geometries: Geometries, ground: Terrain) -> Geometries:
    # One look-up a distinct vertex: equal vertices stay equal whatever the position in the array.
    xy = shapely.get_coordinates(geometries)
    distinct, inverse = np.unique(xy.view(np.complex128).ravel(), return_inverse=True)
    bent = ground.bend(np.column_stack([distinct.real, distinct.imag]))
    return np.asarray(shapely.set_coordinates(geometries.copy(), bent[inverse]))


def _sides(edges: Geometries, faces: Geometries) -> NDArray[np.intp]:
    """Blocks on both sides of each edge, -1 where there is none; found by their common first segment."""
    edge_xy, edge_at = shapely.get_coordinates(edges, return_index=True)
    start = np.flatnonzero(np.diff(edge_at, prepend=-1))
    wanted = _segment_key(edge_xy[start], edge_xy[start + 1])
    rings, ring_face = shapely.get_parts(shapely.boundary(faces), return_index=True)
    xy, at = shapely.get_coordinates(rings, return_index=True)
    same = at[1:] == at[:-1]
    keys = _segment_key(xy[:-1][same], xy[1:][same])
    face = ring_face[at[:-1][same]]
    sides = np.full((len(edges), 2), -1, dtype=np.intp)
    index = pd.MultiIndex.from_arrays(list(wanted.T))
    found = index.get_indexer(pd.MultiIndex.from_arrays(list(keys.T)))
    hit = found >= 0
    edge, face = found[hit], face[hit]
    order = np.argsort(edge, kind="stable")
    edge, face = edge[order], face[order]
    second = np.concatenate([[False], edge[1:] == edge[:-1]])
    sides[edge[~second], 0] = face[~second]
    sides[edge[second], 1] = face[second]
    return sides


def _segment_key(a: Floats, b: Floats) -> Floats:
    """Four numbers that are equal for a segment and its reverse."""
    flip = (a[:, 0] > b[:, 0]) | ((a[:, 0] == b[:, 0]) & (a[:, 1] > b[:, 1]))
    return np.where(flip[:, None], np.hstack([b, a]), np.hstack([a, b]))
