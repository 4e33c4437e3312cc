"""Gates of compounds: where their walls open towards a street."""

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo.synthetic.blocks import Plan
from geo.synthetic.terrain import Floats, Geometries, on_grid

#: Gates by form: fewest and most. A fence lets few through, a village lane many.
_GATES = {"managed": (2, 3), "unmanaged": (3, 5), "self_built": (5, 9)}

#: Longest way from a gate to its street, metres.
_REACH_M = 34.0


def open_gates(compounds: pd.DataFrame, plan: Plan, rng: np.random.Generator) -> pd.DataFrame:
    """Open gates towards vertices of the streets round a compound, spread along its wall.

    Parameters
    ----------
    compounds
        `geometry`, `block`, `second` (-1: none), `form`.
    plan
        The blocks and their streets.
    rng
        Decides how many gates, and where the first is.

    Returns
    -------
    pandas.DataFrame
        `compound`, `gate` (point on its wall), `street` (point: an inner vertex of a street), `edge` and `vertex`
        (which one, on the plan's edges). The straight way between both crosses nothing.
    """
    near = _possible(compounds, plan)
    owner = near["compound"].to_numpy()
    fewest, most = np.array([_GATES[form] for form in compounds["form"]]).T
    wanted = rng.integers(fewest, most + 1)
    offset = rng.random(len(compounds))
    available = np.bincount(owner, minlength=len(compounds))
    rank = np.arange(len(owner)) - np.searchsorted(owner, owner)
    share = np.minimum(1.0, wanted / np.maximum(available, 1))[owner]
    chosen = np.floor((rank + 1) * share + offset[owner]) > np.floor(rank * share + offset[owner])
    opened = near.iloc[np.flatnonzero(chosen)].reset_index(drop=True)
    first, second = shapely.STRtree(_ways(opened)).query(_ways(opened), predicate="crosses")
    kept: pd.DataFrame = opened[~np.isin(np.arange(len(opened)), second[first < second])]
    return kept.reset_index(drop=True)


def with_vertices(shapes: Geometries, gates: pd.DataFrame) -> Geometries:
    """Insert each gate as a vertex of its compound's wall."""
    out = shapes.copy()
    opened = gates.sort_values("compound", kind="stable")
    owners, first = np.unique(opened["compound"].to_numpy(), return_index=True)
    for compound, gate in zip(owners.tolist(), np.split(opened["gate"].to_numpy(), first[1:]), strict=True):
        ring = shapely.get_exterior_ring(shapes[compound])
        xy = shapely.get_coordinates(ring)
        along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(xy, axis=0).T))])
        order = np.argsort(np.concatenate([along[:-1], shapely.line_locate_point(ring, gate)]), kind="stable")
        out[compound] = shapely.Polygon(np.vstack([xy[:-1], shapely.get_coordinates(gate)])[order])
    return out


def _possible(compounds: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    """List all gates that could be opened, in the order of their compound's wall."""
    walls = compounds["geometry"].to_numpy()
    near = _street_vertices(walls, compounds[["block", "second"]].to_numpy(), plan)
    rings = shapely.get_exterior_ring(walls)[near["compound"]]
    near["at"] = shapely.line_locate_point(rings, near["street"].to_numpy())
    near["gate"] = on_grid(shapely.line_interpolate_point(rings, near["at"].to_numpy()))
    near["corner"] = shapely.to_wkb(near["gate"].to_numpy())
    near = near.drop_duplicates(["compound", "corner"])
    near = near[~_obstructed(near, walls, plan)]
    return near.sort_values(["compound", "at"], kind="stable").drop(columns=["at", "corner"])


def _street_vertices(walls: Geometries, blocks: NDArray[np.intp], plan: Plan) -> pd.DataFrame:
    """List inner vertices of the streets of a compound's own blocks that lie within reach of it."""
    streets = plan.edges[plan.edges["kind"] != ""]
    xy, edge = shapely.get_coordinates(streets["geometry"].to_numpy(), return_index=True)
    vertex = np.arange(len(edge)) - np.searchsorted(edge, edge)
    inner = (vertex > 0) & (np.append(edge[1:], -1) == edge)
    points = shapely.points(xy[inner])
    number = streets.index.to_numpy()[edge[inner]]
    point, compound = shapely.STRtree(walls).query(points, predicate="dwithin", distance=_REACH_M)
    sides = np.sort(plan.edges[["left", "right"]].to_numpy()[number[point]], axis=1)
    own = np.sort(blocks[compound], axis=1)
    beside = ((sides[:, :, None] == own[:, None, :]) & (own[:, None, :] >= 0)).any(axis=(1, 2))
    # What divides the two blocks of one compound is inside it and no street.
    keep = beside & ~(sides == own).all(axis=1)
    point, compound = point[keep], compound[keep]
    return pd.DataFrame(
        {
            "compound": compound,
            "street": points[point],
            "edge": number[point],
            "vertex": vertex[inner][point],
        }
    )


def _obstructed(near: pd.DataFrame, walls: Geometries, plan: Plan) -> NDArray[np.bool_]:
    """Tell which ways would run through another compound or across another street."""
    ways = _ways(near)
    out = np.zeros(len(near), dtype=bool)
    way, wall = shapely.STRtree(walls).query(ways, predicate="intersects")
    out[way[wall != near["compound"].to_numpy()[way]]] = True
    out[shapely.STRtree(plan.edges["geometry"].to_numpy()).query(ways, predicate="crosses")[0]] = True
    return out


def _ways(gates: pd.DataFrame) -> Geometries:
    ends: Floats = np.stack(
        [shapely.get_coordinates(gates[column].to_numpy()) for column in ("street", "gate")], axis=1
    )
    return np.asarray(shapely.linestrings(ends))
