"""Paths inside compounds: rows between the buildings, a spine, a loop along the wall, and ways to the gates."""

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo.synthetic.compounds import Homes, boxes
from geo.synthetic.terrain import GRID_M, Floats, Geometries

#: Between two rows of buildings, metres: houses, walk-ups of the last century, towers.
_ROW_SPACING_M = {"self_built": 19.0, "unmanaged": 25.0, "managed": 31.0}
_SPINE_SPACING_M = 62.0

#: Compounds whose ways to the street are not on the survey: what a truthful network has to live with.
_CUT_OFF = 5

#: Nearer than this to a line, a point was made from it.
_ON_LINE_M = 0.05


def inner_paths(homes: Homes, rng: np.random.Generator) -> pd.DataFrame:
    """Make the noded paths inside all compounds, joined to the street's vertices through the gates.

    Returns
    -------
    pandas.DataFrame
        `geometry` (local metric plane), `kind`, `compound`.
    """
    shapes = homes.compounds["geometry"].to_numpy()
    margin = np.clip(0.06 * np.sqrt(shapely.area(shapes)), 2.5, 8.0)
    yards = shapely.buffer(shapes, -margin, join_style="mitre")
    yards = shapely.simplify(np.where(shapely.is_empty(yards), shapes, yards), 1.5)
    rows, spines = _rows_and_spines(yards, homes.compounds["form"].to_numpy(), rng)
    ways, service = _ways_to_gates(homes, yards, rng)
    loop = pd.DataFrame({"geometry": shapely.boundary(yards), "compound": np.arange(len(yards))})
    lines = pd.concat([loop, rows, spines, ways, service], ignore_index=True)
    lines = lines[~shapely.is_empty(lines["geometry"].to_numpy())]
    edges, owner = _noded(lines)
    driven = pd.concat([spines, ways, service], ignore_index=True)
    kind = np.where(_runs_on(edges, owner, driven, len(shapes)), "service", "footway")
    return pd.DataFrame({"geometry": edges, "kind": kind, "compound": owner})


def _rows_and_spines(
    yards: Geometries, form: NDArray[np.object_], rng: np.random.Generator
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows run as near to east-west as the compound allows: homes face south."""
    centre, long, short = boxes(yards)
    flat = np.abs(long[:, 0]) >= np.abs(long[:, 1])
    row, spine = np.where(flat[:, None], long, short), np.where(flat[:, None], short, long)
    spacing = np.array([_ROW_SPACING_M[f] for f in form]) * rng.uniform(0.9, 1.15, len(form))
    rows = _across(yards, centre, row, spine, spacing)
    spines = _across(yards, centre, spine, row, np.full(len(form), _SPINE_SPACING_M))
    return rows, spines


def _across(
    yards: Geometries, centre: Floats, along: Floats, across: Floats, spacing: Floats
) -> pd.DataFrame:
    """Parallel lines inside the yards, evenly spaced about the middle, at least one."""
    width = np.hypot(*across.T)
    count = np.maximum(1, np.rint(width / spacing - 0.35)).astype(np.intp)
    owner = np.repeat(np.arange(len(yards)), count)
    number = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
    offset = (number + 0.5) / count[owner] - 0.5
    middle = centre[owner] + offset[:, None] * across[owner]
    ends = np.stack([middle - 0.6 * along[owner], middle + 0.6 * along[owner]], axis=1)
    inside = shapely.intersection(shapely.linestrings(ends), yards[owner])
    return pd.DataFrame({"geometry": inside, "compound": owner})


def _ways_to_gates(
    homes: Homes, yards: Geometries, rng: np.random.Generator
) -> tuple[pd.DataFrame, pd.DataFrame]:
    gates = homes.gates
    owner = gates["compound"].to_numpy()
    gate = gates["gate"].to_numpy()
    loop = shapely.boundary(yards)[owner]
    inner = shapely.line_interpolate_point(loop, shapely.line_locate_point(loop, gate))
    ways = _joined(gate, inner)
    street = _joined(gates["street"].to_numpy(), gate)
    cut_off = rng.choice(len(homes.compounds), _CUT_OFF, replace=False)
    joined = ~np.isin(owner, cut_off)
    return (
        pd.DataFrame({"geometry": ways, "compound": owner}),
        pd.DataFrame({"geometry": street[joined], "compound": owner[joined]}),
    )


def _joined(start: Geometries, end: Geometries) -> Geometries:
    return np.asarray(
        shapely.linestrings(np.stack([shapely.get_coordinates(start), shapely.get_coordinates(end)], axis=1))
    )


def _noded(lines: pd.DataFrame) -> tuple[Geometries, NDArray[np.intp]]:
    """Node each compound's lines among themselves."""
    together = stacked(lines["geometry"].to_numpy(), lines["compound"].to_numpy())
    edges, compound = shapely.get_parts(
        shapely.union_all(together, grid_size=GRID_M, axis=1), return_index=True
    )
    long = shapely.length(edges) > 0
    return edges[long], compound[long]


def stacked(shapes: Geometries, owner: NDArray[np.intp]) -> Geometries:
    """Lay shapes out in one row an owner, None filling the rows up."""
    order = np.argsort(owner, kind="stable")
    row = owner[order]
    rank = np.arange(len(row)) - np.searchsorted(row, row)
    result = np.full((row.max() + 1, rank.max() + 1), None, dtype=object)
    result[row, rank] = shapes[order]
    return result


def _runs_on(
    edges: Geometries, owner: NDArray[np.intp], lines: pd.DataFrame, compounds: int
) -> NDArray[np.bool_]:
    parts, origin = shapely.get_parts(lines["geometry"].to_numpy(), return_index=True)
    of = lines["compound"].to_numpy()[origin]
    order = np.argsort(of, kind="stable")
    groups, number = np.unique(of[order], return_inverse=True)
    bundle = np.full(compounds, None, dtype=object)
    bundle[groups] = shapely.multilinestrings(parts[order], indices=number)
    middle = shapely.line_interpolate_point(edges, 0.5, normalized=True)
    return np.asarray(shapely.distance(middle, bundle[owner]) < _ON_LINE_M)
