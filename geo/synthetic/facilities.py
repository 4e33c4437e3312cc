"""Facilities of the demo city: every type of the catalogue, in numbers believable for its people."""

from typing import NamedTuple

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo.synthetic import names
from geo.synthetic.areas import Areas
from geo.synthetic.sites import FreeLand
from geo.synthetic.spots import Settlement, Spots, home_spots, street_spots, thinned


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


#: By type. In a name {p} is an invented place, {b} the compound or street beside, {a} the
#: area's name without its last word, {n} a number.
KINDS: dict[str, Kind] = {
    "junior_middle_school": Kind(15, "block", "示例市第{n}初级中学", (1.8, 5.0), (1200, 2400)),
    "primary_school": Kind(27, "block", "{p}小学", (1.0, 3.2), (800, 2200)),
    "kindergarten": Kind(92, "street", "{p}幼儿园", None, (120, 360)),
    "nursery": Kind(38, "home", "{b}托育园", None, (40, 120)),
    "community_health_center": Kind(0, "subdistrict", "{a}社区卫生服务中心", None, (30, 99)),
    "outpatient_clinic": Kind(58, "street", "{p}门诊部"),
    "community_health_station": Kind(44, "street", "{p}社区卫生服务站"),
    "nursing_home": Kind(8, "block", "{p}养老院", (0.5, 2.2), (120, 320)),
    "elderly_care_home": Kind(6, "block", "{p}老年养护院", (0.5, 2.2), (100, 260)),
    "elderly_day_care": Kind(47, "home", "{b}日间照料中心", None, (15, 60)),
    "cultural_center": Kind(0, "subdistrict", "{a}文化活动中心"),
    "cultural_station": Kind(0, "community", "{a}文化活动站"),
    "gymnasium": Kind(5, "block", "{p}全民健身中心", (0.9, 3.5), (800, 3000)),
    "large_sports_field": Kind(4, "block", "{p}运动场", (2.0, 6.0)),
    "medium_sports_field": Kind(13, "block", "{p}运动场", (0.7, 2.0)),
    "small_sports_field": Kind(112, "home", "{b}球场"),
    "outdoor_fitness": Kind(188, "home", "{b}健身点"),
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
    "bank": Kind(86, "street", "示例银行{b}支行"),
    "telecom_outlet": Kind(45, "street", "示例通信{b}营业厅"),
    "post_office": Kind(12, "street", "{b}邮政所"),
    "neighbourhood_shops": Kind(236, "street", "{p}社区商店"),
    "convenience_store": Kind(438, "street", "{p}便利店"),
    "parcel_point": Kind(372, "home", "{b}快递驿站"),
    "rail_station": Kind(3, "stop", "{p}站"),
    "bus_stop": Kind(306, "stop", "{p}公交站"),
    "waste_collection_station": Kind(41, "street", "{b}垃圾收集站"),
    "waste_collection_point": Kind(806, "home", "{b}垃圾收集点"),
    "recycling_point": Kind(254, "home", "{b}再生资源回收点"),
    "public_toilet": Kind(158, "street", "{b}公共厕所"),
    "fire_station": Kind(4, "block", "{p}消防站", (0.5, 1.8)),
    "park_15min": Kind(6, "block", "{p}公园", (5.0, 16.0)),
    "park_10min": Kind(17, "block", "{p}公园", (1.2, 4.5)),
    "park_5min": Kind(58, "block", "{p}游园", (0.4, 1.2)),
    "party_service_center": Kind(0, "community", "{a}社区党群服务中心"),
    "community_stage": Kind(55, "home", "{b}大舞台"),
}

_SHOPPING = ("primary", "secondary", "tertiary", "residential", "living_street")
_BUS_ROADS = ("primary", "secondary", "tertiary")


def facilities(
    place: Settlement, areas: Areas, area_names: dict[str, list[str]], rng: np.random.Generator
) -> pd.DataFrame:
    """Place every facility.

    Parameters
    ----------
    place
        Where people live and which streets pass.
    areas
        The areas that are given one of each of some types.
    area_names
        Names of the subdistricts and communities in the order of their numbers, without the last word.
    rng
        Decides where, and what is called how.

    Returns
    -------
    pandas.DataFrame
        `type`, `name`, `beside` (the compound or street), `capacity`, `geometry` (point), `site`, `entrances`;
        local metric plane.
    """
    spots = {
        "street": street_spots(place, _SHOPPING, 10.0, rng),
        "stop": street_spots(place, _BUS_ROADS, 4.5, rng),
        "home": home_spots(place, rng),
    }
    land = FreeLand(place, spots["street"])
    frames = []
    # Sites are taken first by the types that need most land.
    for key, kind in sorted(KINDS.items(), key=lambda item: -(item[1].hectares or (0, 0))[1]):
        if kind.hectares:
            frame = land.take(kind.total, kind.hectares, rng)
        elif kind.place in spots:
            frame = _at_spots(spots[kind.place], kind.total, rng)
        else:
            frame = _one_an_area(getattr(areas, kind.place), spots["street"], rng)
            frame["area"] = area_names[kind.place]
        frames.append(frame.assign(type=key))
    return _named(pd.concat(frames, ignore_index=True), rng)


def _at_spots(spots: Spots, count: int, rng: np.random.Generator) -> pd.DataFrame:
    """Draw `count` spots by appeal, none too near another of the draw."""
    order = spots.drawn(rng)[: 6 * count + 50]
    for apart in (340.0, 240.0, 160.0, 100.0, 60.0, 25.0, 0.0):
        chosen = order[thinned(spots.xy[order], count, min(apart, 2600.0 / np.sqrt(count)))]
        if len(chosen) == count:
            break
    return pd.DataFrame({"geometry": shapely.points(spots.xy[chosen]), "beside": spots.beside[chosen]})


def _one_an_area(labels: NDArray[np.intp], spots: Spots, rng: np.random.Generator) -> pd.DataFrame:
    """One spot in each area, where people are."""
    order = spots.drawn(rng)
    area = labels[spots.block[order]]
    first = order[np.unique(area, return_index=True)[1]]
    return pd.DataFrame({"geometry": shapely.points(spots.xy[first]), "beside": spots.beside[first]})


def _named(found: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Give names; where one would come twice, the second is number 2."""
    invented = list(names.places(rng))
    order = found.groupby("type").cumcount().to_numpy() + 1
    area = found["area"].fillna("").to_numpy()
    label: list[str] = []
    capacity: list[int | None] = []
    for i, (key, beside) in enumerate(zip(found["type"], found["beside"], strict=True)):
        kind, stem = KINDS[key], invented[i % len(invented)]
        # Only schools are numbered, and they are few; for other types the number is not used.
        text = names.ordinal(int(order[i]) % 100)
        label.append(kind.name.format(p=stem, b=beside or stem, a=area[i], n=text))
        capacity.append(round(int(rng.integers(*kind.capacity)), -1) if kind.capacity else None)
    again = pd.Series(label).groupby(label).cumcount().to_numpy()
    name = [f"{text}{k + 1}号" if k else text for text, k in zip(label, again.tolist(), strict=True)]
    return found.assign(name=name, capacity=pd.array(capacity, dtype="Int64"))
