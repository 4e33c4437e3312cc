"""Facilities of the demo city: every type of the catalogue, in numbers believable for its people."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo.synthetic import names
from geo.synthetic.areas import Areas
from geo.synthetic.blocks import Plan
from geo.synthetic.compounds import Homes
from geo.synthetic.terrain import GRID_M, Floats, Geometries


class Kind(NamedTuple):
    """How a type is spread: `total` (0: one an area), `place`, name, site and capacity bounds.

    `place` is ``street`` (behind the kerb), ``stop`` (at the kerb of a main road), ``home`` (inside a
    compound), ``block`` (a site of its own), or a level of areas (one in each, where people are).
    """

    total: int
    place: str
    name: str
    hectares: tuple[float, float] | None = None
    capacity: tuple[int, int] | None = None


#: By type. In a name {p} is an invented place, {a} the area's name without its last word, {n} a number.
KINDS: dict[str, Kind] = {
    "junior_middle_school": Kind(15, "block", "示例市第{n}初级中学", (1.8, 5.0), (1200, 2400)),
    "primary_school": Kind(27, "block", "{p}小学", (1.0, 3.2), (800, 2200)),
    "kindergarten": Kind(92, "street", "{p}幼儿园", None, (120, 360)),
    "nursery": Kind(38, "home", "{p}托育园", None, (40, 120)),
    "community_health_center": Kind(0, "subdistrict", "{a}社区卫生服务中心", None, (30, 99)),
    "outpatient_clinic": Kind(58, "street", "{p}门诊部"),
    "community_health_station": Kind(44, "street", "{p}社区卫生服务站"),
    "nursing_home": Kind(8, "block", "{p}养老院", (0.5, 2.2), (120, 320)),
    "elderly_care_home": Kind(6, "block", "{p}老年养护院", (0.5, 2.2), (100, 260)),
    "elderly_day_care": Kind(47, "home", "{p}日间照料中心", None, (15, 60)),
    "cultural_center": Kind(0, "subdistrict", "{a}文化活动中心"),
    "cultural_station": Kind(0, "community", "{a}文化活动站"),
    "gymnasium": Kind(5, "block", "{p}全民健身中心", (0.9, 3.5), (800, 3000)),
    "large_sports_field": Kind(4, "block", "{p}运动场", (2.0, 6.0)),
    "medium_sports_field": Kind(13, "block", "{p}运动场", (0.7, 2.0)),
    "small_sports_field": Kind(112, "home", "{p}球场"),
    "outdoor_fitness": Kind(188, "home", "{p}健身点"),
    "community_service_center": Kind(0, "subdistrict", "{a}街道便民服务中心"),
    "subdistrict_office": Kind(0, "subdistrict", "{a}街道办事处"),
    "judicial_office": Kind(0, "subdistrict", "{a}司法所"),
    "police_station": Kind(0, "subdistrict", "{a}派出所"),
    "community_service_station": Kind(0, "community", "{a}社区服务站"),
    "community_canteen": Kind(36, "street", "{p}社区食堂", None, (40, 160)),
    "shopping_mall": Kind(10, "block", "{p}广场", (1.0, 3.5)),
    "fresh_market": Kind(33, "street", "{p}菜市场"),
    "gym_commercial": Kind(62, "street", "{p}健身房"),
    "restaurant": Kind(640, "street", "{p}饭馆"),
    "bank": Kind(86, "street", "示例银行{p}支行"),
    "telecom_outlet": Kind(45, "street", "示例通信{p}营业厅"),
    "post_office": Kind(12, "street", "{p}邮政所"),
    "neighbourhood_shops": Kind(236, "street", "{p}社区商店"),
    "convenience_store": Kind(438, "street", "{p}便利店"),
    "parcel_point": Kind(372, "home", "{p}快递驿站"),
    "rail_station": Kind(3, "stop", "{p}站"),
    "bus_stop": Kind(306, "stop", "{p}（公交站）"),
    "waste_collection_station": Kind(41, "street", "{p}垃圾收集站"),
    "waste_collection_point": Kind(806, "home", "{p}垃圾收集点"),
    "recycling_point": Kind(254, "home", "{p}再生资源回收点"),
    "public_toilet": Kind(158, "street", "{p}公共厕所"),
    "fire_station": Kind(4, "block", "{p}消防站", (0.5, 1.8)),
    "park_15min": Kind(6, "block", "{p}公园", (5.0, 16.0)),
    "park_10min": Kind(17, "block", "{p}公园", (1.2, 4.5)),
    "park_5min": Kind(58, "block", "{p}游园", (0.4, 1.2)),
    "party_service_center": Kind(0, "community", "{a}社区党群服务中心"),
    "community_stage": Kind(55, "home", "{p}小区大舞台"),
}

#: From the middle of the street to a site's border.
_SITE_MARGIN_M = 11.0
#: Nobody opens a shop on a piece of street shorter than this.
_FRONTAGE_M = 20.0


@dataclass(frozen=True)
class Ground:
    """Where facilities can stand.

    Parameters
    ----------
    plan, homes, areas
        The district so far.
    streets
        Its streets, with `left` and `right`.
    people
        People of each block.
    paths
        Paths inside compounds.
    """

    plan: Plan
    homes: Homes
    areas: Areas
    streets: pd.DataFrame
    people: Floats
    paths: pd.DataFrame


@dataclass(frozen=True)
class _Spots:
    """Candidate points: coordinates, the block each lies in, how attractive each is, and its street's name."""

    xy: Floats
    block: NDArray[np.intp]
    appeal: Floats
    street: NDArray[np.object_]


def facilities(ground: Ground, area_names: dict[str, list[str]], rng: np.random.Generator) -> pd.DataFrame:
    """Place every facility.

    Parameters
    ----------
    ground
        Where they can stand.
    area_names
        Names of the subdistricts and communities in the order of their numbers, without the last word.

    Returns
    -------
    pandas.DataFrame
        `type`, `name`, `address`, `capacity`, `geometry` (point), `site`, `entrances`; local metric plane.
    """
    spots = {
        "street": _street_spots(
            ground, ("primary", "secondary", "tertiary", "residential", "living_street"), 10.0, rng
        ),
        "stop": _street_spots(ground, ("primary", "secondary", "tertiary"), 4.5, rng),
        "home": _home_spots(ground, rng),
    }
    free = _free_blocks(ground)
    frames = []
    for key, kind in sorted(KINDS.items(), key=lambda item: -(item[1].hectares or (0, 0))[1]):
        if kind.place == "block":
            frame, free = _on_sites(kind, ground, free, spots["street"], rng)
        elif kind.place in spots:
            frame = _at_spots(spots[kind.place], kind.total, rng)
            frame["area"] = ""
        else:
            frame = _one_an_area(
                getattr(ground.areas, kind.place), area_names[kind.place], spots["street"], rng
            )
        frames.append(frame.assign(type=key))
    found = pd.concat(frames, ignore_index=True)
    return _labelled(found, rng)


def _street_spots(
    ground: Ground, kinds: tuple[str, ...], setback_m: float, rng: np.random.Generator
) -> _Spots:
    """Points behind the kerb of streets, on the side of one of the blocks."""
    streets = ground.streets[ground.streets["kind"].isin(kinds) & (ground.streets["left"] >= 0)]
    geometry = streets["geometry"].to_numpy()
    middle = shapely.line_interpolate_point(geometry, rng.uniform(0.25, 0.75, len(geometry)), normalized=True)
    ends = np.stack([shapely.get_coordinates(shapely.get_point(geometry, i)) for i in (0, -1)], axis=1)
    along = ends[:, 1] - ends[:, 0]
    normal = np.column_stack([-along[:, 1], along[:, 0]]) / np.maximum(np.hypot(*along.T), 1e-9)[:, None]
    here = shapely.get_coordinates(middle)
    sign = rng.choice([-1.0, 1.0], len(here))[:, None]
    xy = here + sign * setback_m * rng.uniform(0.8, 1.3, (len(here), 1)) * normal
    sides = streets[["left", "right"]].to_numpy()
    in_left = shapely.contains_xy(ground.plan.faces[sides[:, 0]], xy)
    in_right = (sides[:, 1] >= 0) & shapely.contains_xy(ground.plan.faces[sides[:, 1]], xy)
    block = np.where(in_left, sides[:, 0], sides[:, 1])
    keep = (in_left | in_right) & ~ground.plan.water[block] & (shapely.length(geometry) > _FRONTAGE_M)
    xy, block = xy[keep], block[keep]
    appeal = _crowd(ground, xy) * np.sqrt(shapely.length(geometry[keep]))
    return _Spots(xy, block, appeal, streets["name"].to_numpy()[keep])


def _crowd(ground: Ground, xy: Floats) -> Floats:
    """How many people live about a point: the sum over compounds, fading over 350 m."""
    compounds = ground.homes.compounds
    at = shapely.get_coordinates(shapely.centroid(compounds["geometry"].to_numpy()))
    tree = shapely.STRtree(shapely.points(at))
    near, home = tree.query(shapely.points(xy), predicate="dwithin", distance=700.0)
    fade = np.exp(-(((xy[near] - at[home]) ** 2).sum(axis=1)) / (2 * 350.0**2))
    people = np.bincount(near, fade * compounds["people"].to_numpy()[home], len(xy))
    return np.asarray(people + 0.01 * people.max())


def _home_spots(ground: Ground, rng: np.random.Generator) -> _Spots:
    """Points beside the paths inside compounds."""
    paths = ground.paths
    geometry = paths["geometry"].to_numpy()
    xy = shapely.get_coordinates(shapely.line_interpolate_point(geometry, 0.5, normalized=True))
    xy = xy + rng.uniform(-2.0, 2.0, xy.shape)
    compound = paths["compound"].to_numpy()
    people = ground.homes.compounds["people"].to_numpy(dtype=float)
    appeal = people[compound] / np.bincount(compound, minlength=len(people))[compound]
    block = ground.homes.compounds["block"].to_numpy()[compound]
    return _Spots(xy, block, appeal, np.full(len(xy), "", dtype=object))


def _at_spots(spots: _Spots, count: int, rng: np.random.Generator) -> pd.DataFrame:
    """Draw `count` spots by appeal, none too near another of the draw."""
    order = np.argsort(rng.exponential(1.0, len(spots.appeal)) / spots.appeal, kind="stable")
    order = order[: 12 * count + 50]
    for apart in (340.0, 240.0, 160.0, 100.0, 60.0, 25.0, 0.0):
        spacing = min(apart, 2600.0 / np.sqrt(count))
        chosen = order[_thinned(spots.xy[order], count, spacing)]
        if len(chosen) == count:
            break
    return pd.DataFrame({"geometry": shapely.points(spots.xy[chosen]), "street": spots.street[chosen]})


def _thinned(xy: Floats, count: int, spacing_m: float) -> NDArray[np.intp]:
    """Take points in order, skipping those within `spacing_m` of one already taken."""
    pairs = shapely.STRtree(shapely.points(xy)).query(
        shapely.points(xy), predicate="dwithin", distance=spacing_m
    )
    near: list[list[int]] = [[] for _ in xy]
    for i, j in pairs.T.tolist():
        if j > i:
            near[i].append(j)
    blocked = np.zeros(len(xy), dtype=bool)
    chosen: list[int] = []
    for i in range(len(xy)):
        if not blocked[i]:
            chosen.append(i)
            blocked[near[i]] = True
            if len(chosen) == count:
                break
    return np.array(chosen, dtype=np.intp)


def _one_an_area(
    labels: NDArray[np.intp], area_names: list[str], spots: _Spots, rng: np.random.Generator
) -> pd.DataFrame:
    """One spot in each area, where people are."""
    area = labels[spots.block]
    order = np.lexsort((rng.exponential(1.0, len(area)) / spots.appeal**2, area))
    first = order[np.searchsorted(area[order], np.arange(labels.max() + 1))]
    return pd.DataFrame(
        {"geometry": shapely.points(spots.xy[first]), "street": spots.street[first], "area": area_names}
    )


def _free_blocks(ground: Ground) -> NDArray[np.intp]:
    """Blocks without homes and off the water."""
    taken = ground.homes.compounds[["block", "second"]].to_numpy().ravel()
    free = ~ground.plan.water
    free[taken[taken >= 0]] = False
    return np.flatnonzero(free)


def _on_sites(
    kind: Kind, ground: Ground, free: NDArray[np.intp], spots: _Spots, rng: np.random.Generator
) -> tuple[pd.DataFrame, NDArray[np.intp]]:
    """Take free blocks of the right size near people; returns the sites and the blocks still free."""
    low, high = kind.hectares or (0.0, np.inf)
    sites = shapely.buffer(ground.plan.faces[free], -_SITE_MARGIN_M, join_style="mitre", mitre_limit=2.0)
    area = shapely.area(sites) / 1e4
    fit = (area >= low) & (area <= high) & (shapely.get_type_id(sites) == shapely.GeometryType.POLYGON)
    xy = shapely.get_coordinates(shapely.point_on_surface(ground.plan.faces[free]))
    order = np.argsort(rng.exponential(1.0, len(free)) / _crowd(ground, xy), kind="stable")
    order = order[fit[order]]
    for spacing in (1400.0, 900.0, 600.0, 400.0, 0.0):
        chosen = order[_thinned(xy[order], kind.total, spacing)]
        if len(chosen) == kind.total:
            break
    shapes = shapely.transform(shapely.simplify(sites[chosen], 0.6), lambda xy: np.rint(xy / GRID_M) * GRID_M)
    street = spots.street[shapely.STRtree(shapely.points(spots.xy)).nearest(shapely.centroid(shapes))]
    frame = pd.DataFrame(
        {
            "geometry": shapely.point_on_surface(shapes),
            "street": street,
            "area": "",
            "site": shapes,
            "entrances": _entrances(shapes, ground.streets, rng),
        }
    )
    return frame, np.delete(free, chosen)


def _entrances(sites: Geometries, streets: pd.DataFrame, rng: np.random.Generator) -> Geometries:
    """One to three gates of a site, each where its border comes near a street."""
    walkable = streets[streets["walkable"] & ~streets["bridge"] & ~streets["tunnel"]]["geometry"].to_numpy()
    tree = shapely.STRtree(walkable)
    rings = shapely.get_exterior_ring(sites)
    count = rng.integers(1, 4, len(sites))
    owner = np.repeat(np.arange(len(sites)), count)
    on_ring = shapely.line_interpolate_point(rings[owner], rng.random(len(owner)), normalized=True)
    street = shapely.get_point(walkable[tree.nearest(on_ring)], 0)
    at = shapely.line_locate_point(rings[owner], street)
    gates = shapely.line_interpolate_point(rings[owner], at)
    return np.asarray(shapely.multipoints(gates, indices=owner))


def _labelled(found: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    place = list(names.places(rng))
    number = found.groupby("type").cumcount().to_numpy() + 1
    label: list[str] = []
    capacity: list[int | None] = []
    for i, (key, area) in enumerate(zip(found["type"], found["area"], strict=True)):
        kind = KINDS[key]
        # Only schools are numbered, and they are few; for other types the number is not used.
        text = names.ordinal(int(number[i]) % 100)
        label.append(kind.name.format(p=place[i % len(place)], a=area, n=text))
        capacity.append(round(int(rng.integers(*kind.capacity)), -1) if kind.capacity else None)
    door = rng.integers(1, 320, len(found))
    address = [f"{street}{n}号" if street else "" for street, n in zip(found["street"], door, strict=True)]
    return found.assign(name=label, capacity=pd.array(capacity, dtype="Int64"), address=address)
