"""Homes of the demo city: compounds in blocks, their gates, and the paths inside them."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo.synthetic import names
from geo.synthetic.blocks import Plan
from geo.synthetic.gates import open_gates, with_vertices
from geo.synthetic.terrain import Floats, Geometries, Terrain, on_grid

COUNT = 895
OLD_ESTATES = 625
PEOPLE = 578_300

#: Compounds of the self-built form, and compounds whose outline nobody has surveyed yet.
_SELF_BUILT, _UNSURVEYED = 92, 14
#: Compounds of two blocks, so that a border of grids may run through them.
_DOUBLE = 60
#: Only where people live this closely, in blocks no larger than this.
_DOUBLE_IN = (0.25, 32_000.0)

#: Smallest block with homes and smallest compound; area over squared perimeter of the most ragged compound.
_SMALLEST_M2 = (4500.0, 2500.0)
_COMPACT = 0.03
#: Half the width of the narrowest arm of a compound, metres.
_ARM_M = 9.0
#: What the name of a compound ends with.
_ENDINGS = {
    "managed": ("花园", "苑", "雅居", "府", "小区", "家园"),
    "unmanaged": ("小区", "家属院", "新村", "公寓", "大院"),
    "self_built": ("村", "坊", "里", "湾"),
}
#: Share of old estates that nobody manages.
_UNMANAGED = 0.62

#: From the middle of a street to the first wall, metres.
_HALF_WIDTH_M = {"primary": 24.0, "secondary": 18.0, "tertiary": 13.0}
_LEAST_HALF_WIDTH_M = 8.0


@dataclass(frozen=True)
class Homes:
    """All compounds in the local metric plane.

    Parameters
    ----------
    compounds
        One row each: `geometry`, `block`, `second` (another block, or -1), `form`, `people`, `households`,
        `built_year`, `old_estate`, `surveyed`, `name`.
    gates
        One row each: `compound`, `gate` (point on the compound's border), `street` (vertex of a street),
        `edge` and `vertex` (where on the plan's edges that is).
    """

    compounds: pd.DataFrame
    gates: pd.DataFrame


def homes(plan: Plan, ground: Terrain, rng: np.random.Generator) -> Homes:
    """Settle the blocks: compounds, their forms and people, and their gates."""
    compounds = _outlines(plan, ground, rng)
    compounds = _settled(compounds, plan, ground, rng)
    gates = open_gates(compounds, plan, rng)
    compounds["geometry"] = with_vertices(compounds["geometry"].to_numpy(), gates)
    return Homes(compounds, gates)


def _outlines(plan: Plan, ground: Terrain, rng: np.random.Generator) -> pd.DataFrame:
    density = ground.density(plan.flat)
    area = shapely.area(plan.faces)
    fit = ~plan.water & ~plan.hill & (area > _SMALLEST_M2[0])
    attraction = density + rng.gumbel(0.0, 0.24, len(density))
    lived_in = fit & (rng.random(len(density)) < 0.36 + 0.24 * density)
    doubles = _doubles(plan, lived_in & (density > _DOUBLE_IN[0]) & (area < _DOUBLE_IN[1]), rng)
    single = lived_in.copy()
    single[doubles.ravel()] = False
    block = np.flatnonzero(single)
    walls = _inside_walls(plan, block)
    block, walls = block[shapely.area(walls) > 0], walls[shapely.area(walls) > 0]
    pieces = _divided(walls, block, ground.old_town(plan.flat[block]), rng)
    both = shapely.coverage_union_all(plan.faces[doubles], axis=1)
    large = pd.DataFrame(
        {
            "geometry": shapely.simplify(shapely.buffer(both, -17.0, join_style="mitre"), 0.6),
            "block": doubles[:, 0],
            "second": doubles[:, 1],
        }
    )
    large = large[shapely.get_type_id(large["geometry"].to_numpy()) == shapely.GeometryType.POLYGON]
    order = np.argsort(-attraction[pieces["block"]], kind="stable")
    found: pd.DataFrame = pd.concat([large, pieces.iloc[order]], ignore_index=True).iloc[:COUNT]
    if len(found) < COUNT:
        raise ValueError(f"only {len(found)} of {COUNT} compounds found room; the blocks are too few")
    found["geometry"] = on_grid(_without_arms(found["geometry"].to_numpy()))
    return found


def _doubles(plan: Plan, fit: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.intp]:
    """Pick pairs of blocks that only one small street divides."""
    edges = plan.edges
    minor = edges["kind"].isin(["residential", "living_street"]).to_numpy()
    pair = np.sort(edges[["left", "right"]].to_numpy(), axis=1)
    pair = pair[minor & (pair[:, 0] >= 0)]
    pair = pair[fit[pair].all(axis=1)]
    distinct, count = np.unique(pair, axis=0, return_counts=True)
    distinct = rng.permutation(distinct[count == 1])
    taken: set[int] = set()
    chosen: list[tuple[int, int]] = []
    for first, second in distinct.tolist():
        if len(chosen) < _DOUBLE and first not in taken and second not in taken:
            taken |= {first, second}
            chosen.append((first, second))
    return np.array(chosen, dtype=np.intp).reshape(-1, 2)


def _inside_walls(plan: Plan, block: NDArray[np.intp]) -> Geometries:
    """Blocks less the streets around them, the wide ones wider."""
    inside = shapely.buffer(plan.faces[block], -_LEAST_HALF_WIDTH_M, join_style="mitre", mitre_limit=2.0)
    for kind, half_width in _HALF_WIDTH_M.items():
        edges = plan.edges[plan.edges["kind"] == kind]
        wide = pd.concat(
            [
                edges[["left", "geometry"]].set_axis(["block", "geometry"], axis=1),
                edges[["right", "geometry"]].set_axis(["block", "geometry"], axis=1),
            ]
        )
        wide = wide[wide["block"].isin(block)].sort_values("block", kind="stable")
        groups, number = np.unique(wide["block"].to_numpy(), return_inverse=True)
        roads = shapely.multilinestrings(wide["geometry"].to_numpy(), indices=number)
        at = np.searchsorted(block, groups)
        roads = shapely.buffer(roads, half_width, quad_segs=2)
        inside[at] = shapely.difference(inside[at], roads)
    return np.asarray(shapely.simplify(_largest(inside), 0.6))


def _without_arms(shapes: Geometries) -> Geometries:
    """Cut off arms too narrow for a house and the path to it; corners stay sharp."""
    body = shapely.buffer(shapes, -_ARM_M, join_style="mitre")
    body = shapely.intersection(shapely.buffer(_largest(body), _ARM_M, join_style="mitre"), shapes)
    body = _largest(body)
    return np.asarray(shapely.simplify(np.where(shapely.is_empty(body), shapes, body), 0.6))


def _largest(shapes: Geometries) -> Geometries:
    """Keep the largest polygon of each shape; an empty one if there is none."""
    parts, origin = shapely.get_parts(shapes, return_index=True)
    largest = np.lexsort((-shapely.area(parts), origin))
    first = np.unique(origin[largest], return_index=True)[1]
    out = np.full(len(shapes), shapely.Polygon(), dtype=object)
    out[origin[largest][first]] = parts[largest][first]
    return out


def _divided(
    walls: Geometries, block: NDArray[np.intp], old: Floats, rng: np.random.Generator
) -> pd.DataFrame:
    """Slice each block's inside across its long side into compounds with a lane between."""
    target = rng.uniform(9_000.0, 17_000.0, len(walls)) * (1.0 - 0.4 * old)
    parts = np.clip(np.rint(shapely.area(walls) / target), 1, 4).astype(np.intp)
    owner = np.repeat(np.arange(len(walls)), parts)
    number = np.arange(len(owner)) - np.repeat(np.cumsum(parts) - parts, parts)
    centre, long, short = boxes(walls)
    length = np.hypot(*long.T)
    gap = 3.0 / np.maximum(length, 1.0)
    low = number / parts[owner] - 0.5 + np.where(number > 0, gap[owner], -0.1)
    high = (number + 1) / parts[owner] - 0.5 - np.where(number < parts[owner] - 1, gap[owner], -0.1)
    along, across = long[owner], short[owner]
    corners = np.stack(
        [
            centre[owner] + at[:, None] * along + sign * across
            for at, sign in ((low, -1), (high, -1), (high, 1), (low, 1))
        ],
        axis=1,
    )
    pieces = shapely.intersection(walls[owner], shapely.polygons(corners))
    frame = pd.DataFrame({"geometry": pieces, "block": block[owner], "second": -1})
    compact = shapely.area(pieces) / np.maximum(shapely.length(pieces), 1.0) ** 2
    whole = shapely.get_type_id(pieces) == shapely.GeometryType.POLYGON
    kept: pd.DataFrame = frame[whole & (shapely.area(pieces) > _SMALLEST_M2[1]) & (compact > _COMPACT)]
    return kept.reset_index(drop=True)


def boxes(shapes: Geometries) -> tuple[Floats, Floats, Floats]:
    """Smallest rectangles round shapes: their centres, and their long and short sides as vectors."""
    corner = shapely.get_coordinates(shapely.oriented_envelope(shapes)).reshape(-1, 5, 2)
    a, b = corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 1]
    swap = (np.hypot(*a.T) < np.hypot(*b.T))[:, None]
    return corner[:, :4].mean(axis=1), np.where(swap, b, a), np.where(swap, a, b)


def _settled(compounds: pd.DataFrame, plan: Plan, ground: Terrain, rng: np.random.Generator) -> pd.DataFrame:
    """Give compounds their form, year, people and households."""
    flat = plan.flat[compounds["block"].to_numpy()]
    density, old = ground.density(flat), ground.old_town(flat)
    double = compounds["second"].to_numpy() >= 0
    n = len(compounds)
    rustic = -density + 0.35 * old + rng.gumbel(0.0, 0.15, n) - 10.0 * double
    form = np.full(n, "managed", dtype=object)
    form[np.argsort(-rustic)[:_SELF_BUILT]] = "self_built"
    self_built = form == "self_built"
    age = 0.9 * old + rng.gumbel(0.0, 0.35, n) - 100.0 * self_built - 0.6 * double
    aged = np.argsort(-age)[:OLD_ESTATES]
    old_estate = np.zeros(n, dtype=bool)
    old_estate[aged] = True
    form[old_estate & (rng.random(n) < _UNMANAGED)] = "unmanaged"
    year = np.where(
        old_estate, 2000 - np.rint(rng.gamma(2.2, 4.5, n)), 2001 + np.rint(22 * rng.beta(1.6, 1.4, n))
    )
    year = np.where(self_built, np.rint(rng.uniform(1975, 2006, n)), np.maximum(year, 1958)).astype(int)
    storeys = np.where(self_built, 0.45, np.where(old_estate, 1.0, 1.55)) * (0.55 + 0.6 * density)
    weight = (
        shapely.area(compounds["geometry"].to_numpy())
        * storeys
        * rng.lognormal(0.0, 0.22, n)
        * np.where(double, 0.75, 1.0)
    )
    people = shares_of(PEOPLE, weight)
    surveyed = np.ones(n, dtype=bool)
    surveyed[rng.choice(np.flatnonzero(~old_estate & ~double), _UNSURVEYED, replace=False)] = False
    return compounds.assign(
        form=form,
        built_year=year,
        old_estate=old_estate,
        people=people,
        households=np.maximum(1, np.rint(people / rng.normal(2.48, 0.14, n))).astype(int),
        surveyed=surveyed,
        name=[
            f"{stem}{rng.choice(_ENDINGS[kind])}" for stem, kind in zip(names.places(rng), form, strict=False)
        ],
    )


def shares_of(total: int, weight: NDArray[np.floating | np.integer]) -> NDArray[np.intp]:
    """Share a whole number out by weight; the parts sum to it (largest remainder)."""
    return shares_within(np.array([total]), np.zeros(len(weight), dtype=np.intp), weight)


def shares_within(
    totals: NDArray[np.integer], group: NDArray[np.integer], weight: NDArray[np.floating | np.integer]
) -> NDArray[np.intp]:
    """Share a whole number out in each group by weight; the parts sum to it (largest remainder)."""
    whole_weight = np.bincount(group, weight, len(totals))
    exact = (totals / whole_weight)[group] * weight
    whole: NDArray[np.intp] = np.floor(exact).astype(np.intp)
    left = (totals - np.bincount(group, whole, len(totals))).astype(np.intp)
    order = np.lexsort((whole - exact, group))
    rank = np.arange(len(group)) - np.searchsorted(group[order], group[order])
    whole[order] += rank < left[group[order]]
    return whole
