"""What is amiss in a street layer: parts joined to no other, ends that stop short, crossings without a node.

And what hangs in the air around it: compounds and facilities far from every street, barriers on none. Each defect has its
place, the codes concerned, its size and what to do about it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geo.crs import from_metric, to_metric
from geo.streets import barriers as street_barriers
from geo.streets import network, reach
from geo.streets.access_points import AccessPoints
from geo.streets.network import ISLAND_M, Network, grounded, walkable
from geo.streets.noding import heights, meetings
from geo.streets.snapping import Snapped

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Objects: TypeAlias = npt.NDArray[np.object_]

#: Columns of a frame of defects.
COLUMNS = ("kind", "layer", "codes", "size", "unit", "message", "geometry")

#: A dead end this near another street, in metres, likely lacks a node there.
DANGLING_M = 5.0

#: The largest such limit that may be asked for, in metres.
DANGLING_M_MOST = 50.0

#: A compound or facility farther than this from its nearest street, in metres, is likely misplaced, or a street is missing.
SNAPPED_M = 50.0

#: Lines that come this near, in metres, meet.
MEETING_M = 0.05

#: A dead end is joined well enough where the way round to the street beside it is shorter than this many times the limit.
_DETOUR = 5.0

#: What to do, by kind of defect, in Chinese and English.
SUGGESTIONS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "street-island": (
            "与相邻道路连接;若确实不通,可不处理",
            "Join it to a street near by, or leave it where there is no way.",
        ),
        "street-dangling": (
            "将端点延伸到旁边的道路并在该处加节点;若有墙隔开,可不处理",
            "Draw the end on to the street beside it and cut that there, or leave it where a wall is between.",
        ),
        "street-crossing": (
            "在交叉处打断两条道路;若为立体交叉,标注桥梁、隧道或层",
            "Cut both streets where they cross, or mark the bridge, the tunnel or the level.",
        ),
        "snapped-far": (
            "核对位置,补测出入口,或补画附近道路",
            "Check the place, survey its gates, or draw the street that is missing.",
        ),
        "unreachable": (
            "补画附近道路,或核对位置;在此之前不计入覆盖",
            "Draw the street that is missing, or check the place; until then nobody walks there.",
        ),
        "barrier-idle": (
            "将障碍移到所挡道路上(1 米以内),或删除",
            "Move it on to the street that it bars (within 1 m), or remove it.",
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Limits:
    """From when on something is a defect, in metres."""

    dangling_m: float = DANGLING_M
    snapped_m: float = SNAPPED_M


def islands(streets: gpd.GeoDataFrame, *, metric: str) -> gpd.GeoDataFrame:
    """Find the groups of walkable streets that nobody can reach from the largest group.

    Parameters
    ----------
    streets
        Layer frame with ``code``, noded.

    Returns
    -------
    GeoDataFrame
        :data:`COLUMNS`, the largest first; ``size`` is metres of street.
    """
    walked = walkable(streets)
    if walked.empty:
        return _frame("street-island", [], [], [], np.empty(0, dtype=object))
    net = network.build(walked.reset_index(drop=True), metric=metric)
    return _islands(walked, net)


def of_streets(
    streets: gpd.GeoDataFrame, barriers: gpd.GeoDataFrame, *, metric: str, limits: Limits = Limits()
) -> gpd.GeoDataFrame:
    """Find everything that is amiss in the streets and the barriers.

    Parameters
    ----------
    streets, barriers
        Layer frames with ``code``; streets noded, with those of :data:`geo.streets.noding.HEIGHT_COLUMNS` they have.

    Returns
    -------
    GeoDataFrame
        :data:`COLUMNS`, EPSG:4326: ``street-island``, ``street-dangling`` (size: metres to the street beside),
        ``street-crossing`` (two streets of one height cross, or one ends on the other, where no node joins them) and
        ``barrier-idle``; by kind, the largest first.
    """
    walked = walkable(streets)
    lines = to_metric(walked.geometry.to_numpy(), metric)
    found = []
    if len(walked):
        net = network.build(walked.reset_index(drop=True), metric=metric)
        free = _free_ends(walked)
        dangling = _dangling(walked, lines, net, free, limits.dangling_m)
        found += [_islands(walked, net), dangling, _crossings(walked, free)]
    found.append(_idle(barriers, walked, lines, metric))
    return joined(found)


def of_places(
    layer: str, frame: gpd.GeoDataFrame, points: AccessPoints, net: Network, *, limit_m: float = SNAPPED_M
) -> gpd.GeoDataFrame:
    """Find the features of a layer that are far from every street.

    Parameters
    ----------
    layer, frame
        ``compounds`` or ``facilities``, with ``code``.
    points
        Where they meet the streets, in the order of the frame.
    net
        The streets.
    limit_m
        From when on: metres from the access point that is nearest to a street.

    Returns
    -------
    GeoDataFrame
        :data:`COLUMNS`: ``snapped-far``, and ``unreachable`` beyond 200 m (:data:`geo.streets.access_points.SNAP_LIMIT_M`) or
        where only islands are near; ``size`` is the metres to a street that is no island.
    """
    distance = np.full(points.features, np.inf)
    np.minimum.at(
        distance, points.feature, np.where(points.snapped.edge >= 0, points.snapped.offset_m, np.inf)
    )
    apart = ~np.isfinite(distance)
    mine = apart[points.feature]
    np.minimum.at(distance, points.feature[mine], _to_streets(points.x[mine], points.y[mine], net))
    rows = np.flatnonzero(apart | (distance > limit_m))
    rows = rows[np.argsort(-distance[rows], kind="stable")]
    codes = frame["code"].to_numpy(dtype=object)[rows]
    at = shapely.point_on_surface(frame.geometry.to_numpy()[rows])
    said = [
        f"{code} is {metres:.0f} m from the nearest street."
        for code, metres in zip(codes, distance[rows], strict=True)
    ]
    result = _frame("snapped-far", [[code] for code in codes], distance[rows].tolist(), said, at)
    return result.assign(layer=layer, kind=np.where(apart[rows], "unreachable", "snapped-far"))


def joined(found: Sequence[gpd.GeoDataFrame]) -> gpd.GeoDataFrame:
    """Put frames of defects one after the other."""
    full = [frame for frame in found if len(frame)]
    if not full:
        return found[0]
    return gpd.GeoDataFrame(pd.concat(full, ignore_index=True), geometry="geometry", crs="EPSG:4326")


# --- islands ------------------------------------------------------------------------------------------------


def _islands(walked: gpd.GeoDataFrame, net: Network) -> gpd.GeoDataFrame:
    row = net.ids.astype(np.int64)
    group = np.empty(len(walked), dtype=np.int64)
    group[row] = net.component[net.start]
    length = np.empty(len(walked))
    length[row] = net.length_m
    size = np.bincount(group, weights=length)
    members_of = np.split(np.argsort(group, kind="stable"), np.cumsum(np.bincount(group))[:-1])
    codes, geoms = walked["code"].to_numpy(dtype=object), walked.geometry.to_numpy()
    apart = list(enumerate(members_of))[1:]
    said = [
        f"{len(members)} streets, {size[at]:.0f} m, are joined to no other."
        + (" Nobody starts or arrives there." if size[at] < ISLAND_M else "")
        for at, members in apart
    ]
    return _frame(
        "street-island",
        [sorted(codes[members]) for _, members in apart],
        [float(size[at]) for at, _ in apart],
        said,
        np.array([shapely.multilinestrings(geoms[members]) for _, members in apart], dtype=object),
    )


# --- ends and crossings ---------------------------------------------------------------------------------------


def _free_ends(walked: gpd.GeoDataFrame) -> npt.NDArray[np.bool_]:
    """(streets, 2) whether no other street begins or ends where each starts and ends."""
    geoms = walked.geometry.to_numpy()
    ends = np.concatenate([shapely.get_point(geoms, 0), shapely.get_point(geoms, -1)])
    places = shapely.get_x(ends) + 1j * shapely.get_y(ends)
    number, _ = pd.factorize(places)
    free: npt.NDArray[np.bool_] = (np.bincount(number)[number] == 1).reshape(2, -1).T
    return free


def _dangling(
    walked: gpd.GeoDataFrame, lines: Objects, net: Network, free: npt.NDArray[np.bool_], limit_m: float
) -> gpd.GeoDataFrame:
    street, side = np.nonzero(free)
    end = np.where(side == 0, shapely.get_point(lines[street], 0), shapely.get_point(lines[street], -1))
    at, other = shapely.STRtree(lines).query(end, predicate="dwithin", distance=limit_m)
    height = heights(walked)
    beside = (other != street[at]) & (height[other] == height[street[at]])
    at, other = at[beside], other[beside]
    gap = shapely.distance(end[at], lines[other])
    order = np.lexsort((other, gap, at))
    at, other, gap = at[order], other[order], gap[order]
    nearest = np.unique(at, return_index=True)[1]
    at, other, gap = at[nearest], other[nearest], gap[nearest]
    within_m = _DETOUR * limit_m
    round_m = _way_round(net, _Ends(street[at], side[at], end[at]), other, lines, within_m=within_m)
    far = round_m > within_m
    at, other, gap = at[far], other[far], gap[far]
    order = np.argsort(-gap, kind="stable")
    at, other, gap = at[order], other[order], gap[order]
    codes = walked["code"].to_numpy(dtype=object)
    pairs = [[str(codes[one]), str(codes[two])] for one, two in zip(street[at], other, strict=True)]
    said = [
        f"{one} ends {metres:.2f} m from {two} and is not joined to it."
        for (one, two), metres in zip(pairs, gap, strict=True)
    ]
    places = from_metric(end[at], net.metric)
    return _frame("street-dangling", pairs, gap.tolist(), said, places)


@dataclass(frozen=True, slots=True)
class _Ends:
    """Ends of streets, by row of the frame: ``side`` 0 is the start; and their points, in metres."""

    street: npt.NDArray[np.intp]
    side: npt.NDArray[np.intp]
    point: Objects


def _way_round(
    net: Network, ends: _Ends, other: npt.NDArray[np.intp], lines: Objects, *, within_m: float
) -> Floats:
    """Metres along streets from each end to the point of another street that is nearest to it; infinite beyond."""
    edge_of = np.empty(len(net.ids), dtype=np.int64)
    edge_of[net.ids.astype(np.int64)] = np.arange(len(net.ids))
    nothing = np.zeros(len(ends.street))
    edge = edge_of[ends.street]
    start = Snapped(edge, np.where(ends.side == 0, 0.0, net.length_m[edge]), nothing)
    there = Snapped(edge_of[other], shapely.line_locate_point(lines[other], ends.point), nothing)
    begin = reach.starts(start, np.arange(len(edge)), groups=len(edge))
    found = reach.within(net, begin, reach.by_chain(net, there), limit_m=within_m)
    metres = np.full(len(edge), np.inf)
    group = np.repeat(np.arange(len(edge)), np.diff(found.first))
    own = group == found.place
    metres[group[own]] = found.cost_m[own]
    return metres


def _crossings(walked: gpd.GeoDataFrame, free: npt.NDArray[np.bool_]) -> gpd.GeoDataFrame:
    met = meetings(walked, tolerance_m=MEETING_M)
    street = met[["first", "second"]].to_numpy()
    end = met[["first_end", "second_end"]].to_numpy()
    at_ends = (end >= 0).all(axis=1)
    # A dead end that lies on another street is told of as such; what shares a node is no defect.
    dead = ((end >= 0) & free[street, end]).any(axis=1)
    rows = np.flatnonzero(~dead & ~(at_ends & _one_node(walked.geometry.to_numpy(), street, end)))
    pair = np.sort(street[rows], axis=1)
    keys = np.column_stack([pair, met["place"].to_numpy()[rows]])
    kept = np.sort(np.unique(keys, axis=0, return_index=True)[1])
    codes = walked["code"].to_numpy(dtype=object)
    named = [list(dict.fromkeys([str(codes[one]), str(codes[two])])) for one, two in pair[kept]]
    said = [f"{' and '.join(two)} cross at one height, and no node joins them." for two in named]
    points = shapely.points(met[["x", "y"]].to_numpy()[rows[kept]])
    found = _frame("street-crossing", named, [1.0] * len(kept), said, points)
    return found.assign(unit="count")


def _one_node(
    geoms: Objects, street: npt.NDArray[np.intp], end: npt.NDArray[np.intp]
) -> npt.NDArray[np.bool_]:
    """Tell whether two ends are one node: equal in every bit."""
    ends = np.stack([shapely.get_coordinates(shapely.get_point(geoms, at)) for at in (0, -1)], axis=1)
    same: npt.NDArray[np.bool_] = (ends[street[:, 0], end[:, 0]] == ends[street[:, 1], end[:, 1]]).all(axis=1)
    return same


def _idle(
    barriers: gpd.GeoDataFrame, walked: gpd.GeoDataFrame, lines: Objects, metric: str
) -> gpd.GeoDataFrame:
    geoms = barriers.geometry.to_numpy()
    parting, _, _ = street_barriers.places(lines, grounded(walked), to_metric(geoms, metric))
    idle = np.setdiff1d(np.arange(len(barriers)), parting)
    codes = barriers["code"].to_numpy(dtype=object)[idle]
    said = [f"{code} lies on no street that people walk on, and stops nobody." for code in codes]
    found = _frame("barrier-idle", [[code] for code in codes], [1.0] * len(idle), said, geoms[idle])
    return found.assign(layer="barriers", unit="count")


def _to_streets(x: Floats, y: Floats, net: Network) -> Floats:
    """Metres from places to the nearest street that is no island."""
    if not len(x):
        return np.empty(0)
    edge = np.repeat(np.arange(len(net.length_m)), np.diff(net.offsets))
    lines = shapely.linestrings(net.x, net.y, indices=edge)[~net.island]
    distance: Floats = shapely.STRtree(lines).query_nearest(
        shapely.points(x, y), return_distance=True, all_matches=False
    )[1]
    return distance


def _frame(
    kind: str, codes: list[list[str]], sizes: list[float], said: list[str], geoms: Objects
) -> gpd.GeoDataFrame:
    """Defects of streets, of so many metres."""
    table = {
        "kind": kind,
        "layer": "streets",
        "codes": pd.Series(codes, dtype=object),
        "size": np.array(sizes, dtype=np.float64),
        "unit": "m",
        "message": pd.Series(said, dtype=object),
    }
    return gpd.GeoDataFrame(table, geometry=np.asarray(geoms, dtype=object), crs="EPSG:4326")
