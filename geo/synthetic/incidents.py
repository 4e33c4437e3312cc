"""A year of invented incidents: where people are, when they are awake, and mostly closed."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo.synthetic.doors import described
from geo.synthetic.terrain import Floats, Geometries

COUNT = 20_000
YEAR = 2025
TIMEZONE = "Asia/Shanghai"

#: Incidents that lie exactly on a vertex of a grid's border, and outside the district.
ON_BORDER, OUTSIDE = 25, 18

#: Category: how often in ten thousand, where (street, home), typical hours to close, what people write.
CATEGORIES: dict[str, tuple[int, str, float, str]] = {
    "E0101": (1250, "street", 4, "暴露垃圾无人清运"),
    "E0102": (780, "street", 2, "路面有积存污物"),
    "E0103": (720, "home", 4, "垃圾桶满溢"),
    "E0104": (520, "home", 20, "楼道堆放杂物"),
    "E0105": (310, "home", 30, "毁绿种菜"),
    "E0201": (560, "street", 6, "墙面非法小广告"),
    "E0202": (180, "street", 30, "违规设置户外广告"),
    "E0301": (270, "street", 12, "施工扰民"),
    "E0302": (150, "street", 8, "工地车辆带泥上路"),
    "E0401": (980, "street", 2, "占道游商"),
    "E0402": (860, "street", 5, "店外经营"),
    "E0403": (1120, "street", 3, "机动车乱停放"),
    "E0404": (430, "home", 3, "飞线充电"),
    "E0405": (390, "home", 2, "消防通道被占用"),
    "E0501": (40, "home", 1, "疑似燃气泄漏"),
    "E0502": (130, "street", 6, "路面积水"),
    "E0503": (90, "home", 8, "高空抛物"),
    "E0601": (340, "home", 26, "邻里噪声纠纷"),
    "C0101": (210, "street", 2, "井盖缺失"),
    "C0102": (230, "street", 6, "井盖破损"),
    "C0103": (300, "street", 20, "路灯不亮"),
    "C0104": (140, "home", 16, "供水管道漏水"),
    "C0201": (250, "street", 60, "道路破损"),
    "C0202": (170, "street", 30, "护栏损坏"),
    "C0203": (120, "street", 24, "公交站亭损坏"),
    "C0301": (200, "street", 20, "公厕设施损坏"),
    "C0302": (180, "home", 20, "果皮箱破损"),
    "C0401": (240, "street", 36, "行道树倒伏断枝"),
    "C0402": (160, "home", 40, "健身器材损坏"),
    "C0501": (100, "home", 50, "宣传栏破损"),
}

SOURCES = {"hotline": 0.34, "patrol": 0.38, "app": 0.19, "camera": 0.09}

#: Share of a day's incidents in each hour, and of a week's on each day from Monday, and of a year's by month.
_HOURS = (1, 0.6, 0.4, 0.3, 0.4, 1, 2.5, 5, 8, 9.5, 9, 7.5, 5, 5.5, 7.5, 8.5, 8, 7, 6, 5.5, 5, 4, 2.6, 1.6)
_WEEKDAYS = (1.12, 1.06, 1.03, 1.0, 1.04, 0.84, 0.78)
_MONTHS = (0.85, 0.75, 0.95, 1.0, 1.08, 1.15, 1.22, 1.18, 1.05, 0.98, 0.95, 0.9)
_STILL_OPEN = 0.08
#: How far from the walls of a building something still happens at it; nearer than any path, metres.
_DOORSTEP_M = 3.0


@dataclass(frozen=True)
class Places:
    """Where incidents can happen, in the local metric plane.

    Parameters
    ----------
    streets
        `geometry` and `name` of streets on the ground, with `people`, how many live about each.
    homes
        `geometry` and `people` of buildings, `compound` (a number) and `spoken` (what people call them).
    marks
        Doors, as for :func:`geo.synthetic.doors.described`.
    border
        Vertices of the grids' borders.
    outline
        The district.
    """

    streets: pd.DataFrame
    homes: pd.DataFrame
    marks: pd.DataFrame
    border: Floats
    outline: shapely.MultiPolygon


def incidents(places: Places, rng: np.random.Generator) -> pd.DataFrame:
    """Draw the incidents, oldest first.

    Returns
    -------
    pandas.DataFrame
        `reported_at`, `category`, `description`, `address`, `geometry` (point, local metric plane), `status`
        (``open`` or ``closed``), `closed_at` (NaT while open), `source`.
    """
    weight = np.array([rate for rate, *_ in CATEGORIES.values()], dtype=float)
    number = rng.choice(len(CATEGORIES), COUNT, p=weight / weight.sum())
    at_home = np.array([where == "home" for _, where, _, _ in CATEGORIES.values()])[number]
    points = np.empty(COUNT, dtype=object)
    address = np.empty(COUNT, dtype=object)
    points[at_home], address[at_home] = _at_homes(places, int(at_home.sum()), rng)
    points[~at_home], address[~at_home] = _along_streets(places, int((~at_home).sum()), rng)
    odd = rng.choice(COUNT, ON_BORDER + OUTSIDE, replace=False)
    points[odd[:ON_BORDER]] = shapely.points(rng.choice(places.border, ON_BORDER, replace=False))
    points[odd[ON_BORDER:]] = _outside(places.outline, rng)
    address[odd[ON_BORDER:]] = "区界以外"
    reported = _moments(rng)
    hours = np.array([h for *_, h, _ in CATEGORIES.values()])[number] * rng.lognormal(0.0, 0.7, COUNT)
    status, closed = _closed(reported, hours, rng)
    # They are nobody's yet, so nobody has closed them.
    status[odd[ON_BORDER:]], closed[odd[ON_BORDER:]] = "open", pd.NaT
    keys = np.array(list(CATEGORIES), dtype=object)
    text = np.array([t for *_, t in CATEGORIES.values()], dtype=object)
    return pd.DataFrame(
        {
            "reported_at": reported,
            "category": keys[number],
            "description": address + text[number],
            "address": address,
            "geometry": points,
            "status": status,
            "closed_at": closed,
            "source": rng.choice(list(SOURCES), COUNT, p=list(SOURCES.values())),
        }
    )


def _at_homes(places: Places, count: int, rng: np.random.Generator) -> tuple[Geometries, NDArray[np.object_]]:
    """Points at buildings, by people; a compound has good years and bad ones."""
    homes = places.homes
    year = rng.gamma(3.0, 1.0, homes["compound"].max() + 1)
    weight = homes["people"].to_numpy(dtype=float) * year[homes["compound"]]
    chosen = rng.choice(len(homes), count, p=weight / weight.sum())
    doorstep = shapely.buffer(homes["geometry"].to_numpy(), _DOORSTEP_M, join_style="mitre")[chosen]
    low, high = np.split(shapely.bounds(doorstep), 2, axis=1)
    points = shapely.points(low + (high - low) * rng.random((count, 2)))
    missed = ~shapely.contains(doorstep, points)
    points[missed] = shapely.point_on_surface(doorstep[missed])
    return points, homes["spoken"].to_numpy(dtype=object)[chosen]


def _along_streets(
    places: Places, count: int, rng: np.random.Generator
) -> tuple[Geometries, NDArray[np.object_]]:
    streets = places.streets
    geometry = streets["geometry"].to_numpy()
    weight = (
        streets["people"].to_numpy() * np.sqrt(shapely.length(geometry)) * rng.gamma(1.5, 1.0, len(streets))
    )
    chosen = rng.choice(len(streets), count, p=weight / weight.sum())
    on_street = shapely.line_interpolate_point(geometry[chosen], rng.random(count), normalized=True)
    points = shapely.points(shapely.get_coordinates(on_street) + rng.normal(0.0, 4.5, (count, 2)))
    door = described(points, streets["name"].to_numpy(dtype=object)[chosen], places.marks)
    return points, np.where(door == "", "", door + "附近")


def _outside(outline: shapely.MultiPolygon, rng: np.random.Generator) -> Geometries:
    """Points beyond the district's border, by 60 m to 2 km."""
    ring = shapely.get_exterior_ring(shapely.get_geometry(outline, 0))
    edge = shapely.get_coordinates(shapely.line_interpolate_point(ring, rng.random(OUTSIDE), normalized=True))
    centre = shapely.get_coordinates(shapely.centroid(outline))
    away = (edge - centre) / np.hypot(*(edge - centre).T)[:, None]
    points = shapely.points(edge + away * rng.uniform(60.0, 2000.0, (OUTSIDE, 1)))
    inside = shapely.dwithin(outline, points, 55.0)
    far = shapely.points(centre + away * 9000.0)
    return np.asarray(np.where(inside, far, points))


def _moments(rng: np.random.Generator) -> pd.DatetimeIndex:
    days = pd.date_range(f"{YEAR}-01-01", f"{YEAR}-12-31")
    weight = np.take(_WEEKDAYS, days.day_of_week) * np.take(_MONTHS, days.month - 1)
    # Storms and festivals: some days are several times busier than their neighbours.
    weight = weight * rng.gamma(12.0, 1 / 12.0, len(days))
    day = rng.choice(len(days), COUNT, p=weight / weight.sum())
    hour = rng.choice(24, COUNT, p=np.array(_HOURS) / sum(_HOURS))
    seconds = np.sort(day * 86_400 + hour * 3600 + rng.integers(0, 3600, COUNT))
    return (days[0] + pd.to_timedelta(seconds, unit="s")).tz_localize(TIMEZONE).as_unit("us")


def _closed(
    reported: pd.DatetimeIndex, hours: Floats, rng: np.random.Generator
) -> tuple[NDArray[np.object_], pd.Series]:
    """Close most; the later it was reported, the likelier it is still open."""
    recency = np.arange(COUNT) / COUNT
    chance = _STILL_OPEN * (0.25 + 7.0 * recency**8)
    still_open = rng.random(COUNT) < np.minimum(chance, 0.9)
    closed = reported + pd.to_timedelta(np.rint(hours * 3600), unit="s")
    still_open |= np.asarray(closed >= pd.Timestamp(f"{YEAR + 1}-01-01", tz=TIMEZONE))
    status = np.where(still_open, "open", "closed").astype(object)
    return status, pd.Series(closed.as_unit("us")).mask(still_open)
