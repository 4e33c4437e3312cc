"""The street layer of the demo city: main and local streets, what passes over and under them, paths to homes.

Two streets join exactly where they share an end point. Streets that are borders keep the vertices of the areas'
borders; they are only split at vertices.
"""

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo.synthetic import names
from geo.synthetic.blocks import Plan
from geo.synthetic.compounds import Homes
from geo.synthetic.roads import SOUTH_BANK, VERTEX_SPACING_M, Bank, bridges, motorway
from geo.synthetic.terrain import Floats, Terrain

#: Crossings where one road dives under, or is carried over, another without joining it.
_UNDERPASSES, _FLYOVERS = 3, 1
#: Pieces of one road that meet where it goes straight on.
_PAIR = 2

#: Levels above the ground or below it of what is a bridge or a tunnel.
_LEVEL = {"bridge": 1, "tunnel": -1, "": 0}

#: Share of the hill's paths that climb by steps.
_STEPS = 0.8

_ON_FOOT = {"motorway": False}


def streets(
    plan: Plan,
    homes: Homes,
    paths: pd.DataFrame,
    *,
    banks: tuple[Bank, Bank],
    ground: Terrain,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Put the whole street network together, noded.

    Returns
    -------
    pandas.DataFrame
        `geometry` (local metric plane), `name`, `kind`, `bridge`, `tunnel`, `level`, `steps`, `walkable`; for
        streets that bound blocks also `left` and `right`, else -1.
    """
    ground_level, passing = _on_the_ground(plan, homes, rng)
    named = _names(ground_level, rng)
    inner = paths.assign(name="", structure="", left=-1, right=-1)
    parts = [named, _named_passing(passing, named), _river_bridges(banks, ground), inner]
    parts += [_hill_tunnel(plan), _motorway(ground)]
    frame = pd.concat(parts, ignore_index=True)
    frame["steps"] = frame["kind"] == "steps"
    frame["bridge"] = frame["structure"] == "bridge"
    frame["tunnel"] = frame["structure"] == "tunnel"
    frame["level"] = frame["structure"].map(_LEVEL).astype(int)
    frame["walkable"] = frame["kind"].map(_ON_FOOT).fillna(value=True).astype(bool)
    columns = ["geometry", "name", "kind", "bridge", "tunnel", "level", "steps", "walkable", "left", "right"]
    return frame[columns]


def _on_the_ground(plan: Plan, homes: Homes, rng: np.random.Generator) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Streets that bound blocks, split where ways to gates leave them; apart, those that pass under or over."""
    edges = plan.edges.assign(structure="")
    inside = _inside_compounds(edges, homes)
    street = (edges["kind"] != "").to_numpy() & ~inside
    pairs = _crossing_pairs(edges, street, homes, rng)
    passing = _merged(edges, pairs)
    plain = edges[street & ~np.isin(np.arange(len(edges)), pairs.ravel())]
    split = _split(plain, homes.gates)
    climbing = (split["kind"] == "path") & (rng.random(len(split)) < _STEPS)
    return split.assign(kind=split["kind"].where(~climbing, "steps")), passing


def _inside_compounds(edges: pd.DataFrame, homes: Homes) -> NDArray[np.bool_]:
    """Find borders between the two blocks of one compound: no street any more."""
    double = homes.compounds[homes.compounds["second"] >= 0]
    pair = np.sort(edges[["left", "right"]].to_numpy(), axis=1)
    width = pair.max() + 2
    taken = np.sort(double[["block", "second"]].to_numpy(), axis=1)
    return np.isin((pair[:, 0] + 1) * width + pair[:, 1], (taken[:, 0] + 1) * width + taken[:, 1])


def _ends(edges: pd.DataFrame) -> NDArray[np.complex128]:
    """Both end points of each edge as complex numbers, shape (n, 2)."""
    geometry = edges["geometry"].to_numpy()
    start = shapely.get_coordinates(shapely.get_point(geometry, 0))
    end = shapely.get_coordinates(shapely.get_point(geometry, -1))
    return np.column_stack([start[:, 0] + 1j * start[:, 1], end[:, 0] + 1j * end[:, 1]])


def _crossing_pairs(
    edges: pd.DataFrame, street: NDArray[np.bool_], homes: Homes, rng: np.random.Generator
) -> NDArray[np.intp]:
    """Pick plain four-way crossings of main roads: the two pieces of the column that meet there."""
    ends = _ends(edges)
    free = street & ~np.isin(np.arange(len(edges)), homes.gates["edge"].unique())
    main = edges["kind"].isin(["primary", "secondary"]).to_numpy()
    column = np.flatnonzero(free & main & (edges["axis"] == "column").to_numpy())
    at = pd.DataFrame(
        {
            "node": ends[column].ravel(),
            "edge": np.repeat(column, 2),
            "line": np.repeat(edges["line"].to_numpy()[column], 2),
        }
    )
    crossed = ends[main & (edges["axis"] == "row").to_numpy()].ravel()
    node, times = np.unique(crossed, return_counts=True)
    at = at[at["node"].isin(node[times == _PAIR])]
    met = at.groupby(["node", "line"])["edge"].agg(["size", "first", "last"])
    found = met[met["size"] == _PAIR][["first", "last"]].to_numpy(dtype=np.intp)
    order = rng.permutation(len(found))
    apart: list[int] = []
    for i in order.tolist():
        if len(apart) < _UNDERPASSES + _FLYOVERS and not np.isin(found[i], found[apart]).any():
            apart.append(i)
    return np.asarray(found[apart])


def _merged(edges: pd.DataFrame, pairs: NDArray[np.intp]) -> pd.DataFrame:
    geometry = edges["geometry"].to_numpy()
    joined = shapely.line_merge(
        shapely.multilinestrings(geometry[pairs.ravel()], indices=np.repeat(np.arange(len(pairs)), 2))
    )
    structure = np.where(np.arange(len(pairs)) < _UNDERPASSES, "tunnel", "bridge")
    return edges.iloc[pairs[:, 0]].assign(geometry=joined, structure=structure, left=-1, right=-1)


def _split(edges: pd.DataFrame, gates: pd.DataFrame) -> pd.DataFrame:
    """Split edges at the vertices where ways to gates leave them."""
    xy, at = shapely.get_coordinates(edges["geometry"].to_numpy(), return_index=True)
    number = edges.index.to_numpy()
    start = np.searchsorted(at, np.arange(len(edges)))
    position = pd.Series(start, index=number).reindex(gates["edge"])
    cut = np.zeros(len(xy), dtype=bool)
    known = position.notna().to_numpy()
    cut[(position.to_numpy() + gates["vertex"].to_numpy())[known].astype(np.intp)] = True
    # A cut vertex ends one piece and begins the next, so it is written twice.
    repeat = np.repeat(np.arange(len(xy)), 1 + cut)
    second = np.concatenate([[False], repeat[1:] == repeat[:-1]])
    piece = np.cumsum(second | (np.diff(at[repeat], prepend=-1) > 0)) - 1
    pieces = shapely.linestrings(xy[repeat], indices=piece)
    origin = at[repeat][np.flatnonzero(np.diff(piece, prepend=-1))]
    split: pd.DataFrame = edges.iloc[origin].assign(geometry=pieces)
    return split.reset_index(drop=True)


def _names(edges: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Name streets by line: roads along the river by half, small ones as lanes, the last of them not at all."""
    place = names.places(rng)
    stems = dict(zip(edges["line"].unique().tolist(), place, strict=False))
    stem = edges["line"].map(stems).fillna("").to_numpy(dtype=object)
    middle = shapely.line_interpolate_point(edges["geometry"].to_numpy(), 0.5, normalized=True)
    east = np.where(shapely.get_x(middle) >= 0, "东", "西").astype(object)
    kind, lane = edges["kind"], edges["kind"].isin(["living_street", "path", "steps"])
    cases = {
        "bank": np.where(edges["line"] < SOUTH_BANK, "滨江北路", "滨江南路").astype(object) + east + "段",
        "row": stem + east + "路",
        "column": stem + np.where(kind == "primary", "大道", "路").astype(object),
        "hill": np.select([lane, kind == "tertiary"], ["望格山步道", "望格山环路"], "望格山路"),
        "local": np.where(stem == "", "", stem + np.where(lane, "巷", "街").astype(object)),
    }
    chosen = [(edges["axis"] == axis).to_numpy() for axis in cases]
    return edges.assign(name=np.select(chosen, list(cases.values()), ""))


def _named_passing(passing: pd.DataFrame, named: pd.DataFrame) -> pd.DataFrame:
    stem = named.drop_duplicates("line").set_index("line")["name"]
    suffix = np.where(passing["structure"] == "tunnel", "下穿", "跨线桥")
    return passing.assign(name=stem.reindex(passing["line"]).fillna("").to_numpy() + suffix)


def _river_bridges(banks: tuple[Bank, Bank], ground: Terrain) -> pd.DataFrame:
    """Bridges, and steps from the long ones down to the embankments they pass over."""
    rows: list[tuple[shapely.LineString, str, str, str]] = []
    for number, line in enumerate(bridges(*banks)["geometry"]):
        points = shapely.get_coordinates(line)
        name = f"望格{names.ordinal(number + 1)}桥"
        deck, stairs = ([points], []) if len(points) == _PAIR else _carried_over(points)
        rows += [(_curved(piece, ground), "primary", name, "bridge") for piece in deck]
        rows += [(_curved(flight, ground), "steps", f"{name}梯道", "") for flight in stairs]
    frame = pd.DataFrame(rows, columns=["geometry", "kind", "name", "structure"])
    return frame.assign(left=-1, right=-1)


def _carried_over(points: Floats) -> tuple[list[Floats], list[Floats]]:
    """Divide a bridge's deck where steps leave it, just past the embankment roads; and the steps."""
    inner, outer = points[1:3], points[2:0:-1]
    heads = inner + 0.12 * (outer - inner)
    deck = [np.vstack([points[:2], heads[:1]]), heads, np.vstack([heads[1:], points[2:]])]
    # Beside the deck, not under it.
    landings = (heads + inner) / 2 + (9.0, 0.0)
    return deck, list(np.stack([heads, landings, inner], axis=1))


def _hill_tunnel(plan: Plan) -> pd.DataFrame:
    """Bore a tunnel under the hill from side to side; the paths above do not join it."""
    foot = plan.edges[(plan.edges["axis"] == "hill") & (plan.edges["kind"] == "tertiary")]
    ends = np.unique(_ends(foot).ravel())
    west, east = ends[np.argmin(ends.real)], ends[np.argmax(ends.real)]
    line = shapely.LineString([(west.real, west.imag), (east.real, east.imag)])
    row = {
        "geometry": line,
        "kind": "secondary",
        "name": "望格山隧道",
        "structure": "tunnel",
        "left": -1,
        "right": -1,
    }
    return pd.DataFrame([row])


def _motorway(ground: Terrain) -> pd.DataFrame:
    inside = shapely.get_parts(shapely.intersection(motorway(), ground.outline))
    inside = inside[shapely.length(inside) > 1.0]
    bent = np.array([_curved(shapely.get_coordinates(piece), ground) for piece in inside])
    frame = pd.DataFrame({"geometry": bent, "kind": "motorway", "name": "示例绕城高速"})
    return frame.assign(structure="bridge", left=-1, right=-1)


def _curved(points: Floats, ground: Terrain) -> shapely.LineString:
    line = shapely.segmentize(shapely.LineString(points), VERTEX_SPACING_M)
    return shapely.LineString(ground.bend(shapely.get_coordinates(line)))
