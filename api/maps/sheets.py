"""The maps as printed sheets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from api.maps.basemap import street_class
from api.maps.chosen import Chosen
from api.maps.coverage import STATUSES, compound_statuses, coverage_table
from api.maps.printed import Sheet, Style, draw
from api.maps.sources import FacilityType
from api.web import words
from api.web.templating import Site
from api.web.words import Language
from geo.coverage.city import City
from geo.coverage.gaps import Gaps
from geo.levels import LEVELS
from layers.borders import Statistics
from layers.diffs import Diff

#: Tints of the areas of one level, told apart under common colour blindness.
TINTS = ("#c7dbee", "#f8e1c6", "#d3eadc", "#ecd3e3", "#e4e0bc", "#cfe9ea", "#f2d3d0", "#dcd9ef")

#: Upper bounds of the classes of a covered share, with their colours.
CLASSES = ((0.2, "#d7191c"), (0.4, "#fdae61"), (0.6, "#ffffbf"), (0.8, "#abd9e9"), (np.inf, "#2c7bb6"))
_NO_DEMAND = "#d5d9dd"
#: Opacity of areas, as two hexadecimal digits: compounds stand out on them.
_SEE_THROUGH = "80"

STATUS_COLOURS = {
    "covered": "#2c7bb6",
    "partial": "#f59f3a",
    "uncovered": "#d7191c",
    "unreachable": "#4d5863",
}

RULE_COLOURS = {
    "inside": "#2b6cb0",
    "border": "#d97706",
    "overlap": "#8b3fd1",
    "nearest": "#0b8a7c",
    "none": "#b3261e",
    "manual": "#475569",
}

#: Colours of borders by their counts, and where the classes begin, as shares of the greatest count.
BORDER_COLOURS = ("#e3a9cf", "#cf6fae", "#b03a8c", "#861566", "#4d0540")
BORDER_SHARES = (0.0, 0.08, 0.2, 0.4, 0.7)

_STREETS = {
    "path": (0.12, "#e6e2db"),
    "service": (0.2, "#e1e5e8"),
    "street": (0.35, "#d9dde1"),
    "tertiary": (0.6, "#d0d5da"),
    "secondary": (0.9, "#e6d7a2"),
    "primary": (1.2, "#e8ca85"),
    "motorway": (1.6, "#dfb56f"),
}

_OUTLINES = {
    "grid": (0.3, "#8496a8"),
    "community": (0.7, "#47647f"),
    "subdistrict": (1.4, "#2f5d8c"),
    "district": (2.0, "#5b2a6e"),
}

_Layers = list[tuple[gpd.GeoSeries, Style]]


@dataclass(frozen=True, slots=True, kw_only=True)
class GapQuestion:
    """One question whose gaps are printed: ``named`` is its type, ``title`` and ``facts`` stand around the map."""

    facility_type: str
    minutes: int
    level: str
    named: str
    title: str
    facts: Sequence[str]

    def rows(self, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        """Return the rows of a list that are about this question."""
        return frame[(frame["facility_type"] == self.facility_type) & (frame["minutes"] == self.minutes)]


def grids(site: Site, metric: str, areas: Mapping[str, gpd.GeoDataFrame], streets: gpd.GeoDataFrame) -> bytes:
    """Print the areas of all levels over the streets.

    Parameters
    ----------
    areas
        Layer frame by level; levels may be empty.
    streets
        Layer frame ``streets``.
    """
    language = site.language
    named = _named(areas)
    tinted = [(part.geometry, Style(fill=TINTS[i % len(TINTS)])) for i, part in enumerate(_single(named))]
    facts = [
        f"{words.choose(words.LEVELS[level], language)}  {len(areas[level]):,}" for level in _present(areas)
    ]
    sheet = Sheet(
        site=site, metric=metric, title=words.choose(("网格图", "Map of grids"), language), facts=facts
    )
    return draw(sheet, [*tinted, *_ground(streets), *_outlines(areas, language)], names=named)


def coverage(
    site: Site, city: City, streets: gpd.GeoDataFrame, chosen: Chosen, facility: FacilityType
) -> bytes:
    """Print areas by covered share and compounds by status, for one budget along streets."""
    language = site.language
    rows = coverage_table(city, chosen, level=chosen.level, weight=chosen.weight)
    rows = rows[rows["minutes"] == chosen.minutes]
    along = rows[rows["method"] == "network"].set_index("code")
    shares = city.areas[chosen.level]["code"].map(along["covered_share"])
    facilities = city.facilities[city.facilities["type"] == facility.key]
    layers = [
        *_by_share(city.areas[chosen.level].geometry, shares, language),
        *_ground(streets),
        *_by_status(city, chosen, language),
        *_outlines(
            {level: city.areas[level] for level in LEVELS[: LEVELS.index(chosen.level) + 1]}, language
        ),
        (facilities.geometry, Style(_INK, "white", 5.0, words.choose((facility.zh, facility.en), language))),
    ]
    title = words.choose(
        (
            f"{facility.zh} {chosen.minutes} 分钟步行覆盖",
            f"{chosen.minutes} minutes' walk to a {facility.en}",
        ),
        language,
    )
    sheet = Sheet(
        site=site, metric=city.network.metric, title=title, facts=_coverage_facts(rows, chosen, language)
    )
    return draw(sheet, layers, names=_named(city.areas))


def incidents(
    site: Site,
    metric: str,
    areas: Mapping[str, gpd.GeoDataFrame],
    streets: gpd.GeoDataFrame,
    points: pd.DataFrame,
) -> bytes:
    """Print incidents by the rule that found their area.

    Parameters
    ----------
    points
        As of :func:`layers.incidents.points.read`.
    """
    language = site.language
    placed = points[points["lon"].notna()]
    layers: _Layers = [*_ground(streets), *_outlines(areas, language)]
    for rule, pair in words.RULES.items():
        mine = placed[placed["rule"] == rule]
        if len(mine):
            at = gpd.GeoSeries.from_xy(mine["lon"], mine["lat"], crs="EPSG:4326")
            label = f"{words.choose(pair, language)}  {len(mine):,}"
            layers.append((at, Style(RULE_COLOURS[rule], "white", 2.0, label)))
    facts = [f"{words.choose(('事件', 'Incidents'), language)}  {len(points):,}"]
    if len(points):
        first, last = points["reported_at"].min(), points["reported_at"].max()
        facts.append(f"{first:%Y-%m-%d} – {last:%Y-%m-%d}")
    title = words.choose(("事件图", "Map of incidents"), language)
    return draw(Sheet(site=site, metric=metric, title=title, facts=facts), layers, names=_named(areas))


def borders(
    site: Site,
    metric: str,
    areas: Mapping[str, gpd.GeoDataFrame],
    streets: gpd.GeoDataFrame,
    statistics: Statistics,
) -> bytes:
    """Print borders as thick and as dark as their counts."""
    language = site.language
    table = statistics.table
    totals = table["total"].to_numpy(dtype=np.int64)
    shares = np.array(BORDER_SHARES) * totals.max(initial=0)
    bounds = np.unique(np.maximum(np.rint(shares).astype(np.int64), 1))
    layers: _Layers = [*_ground(streets), *_outlines(areas, language)]
    areal = table["area_m2"].notna().to_numpy()
    for number, (least, above) in enumerate(pairwise([*bounds.tolist(), np.inf])):
        mine = (totals >= least) & (totals < above)
        colour = BORDER_COLOURS[round(number * (len(BORDER_COLOURS) - 1) / max(len(bounds) - 1, 1))]
        label = f"≥ {least:,}  ({int(mine.sum()):,})"
        width = 0.6 + 0.8 * number
        layers.append((table.geometry[mine & ~areal], Style("none", colour, width, label)))
        layers.append((table.geometry[mine & areal], Style(colour + _SEE_THROUGH, colour, width)))
    facts = [
        f"{words.choose(pair, language)}  {int(table[sign].sum()):,}" for sign, pair in words.SIGNS.items()
    ]
    title = words.choose(("边界疑点图", "Borders in doubt"), language)
    return draw(Sheet(site=site, metric=metric, title=title, facts=facts), layers, names=_named(areas))


def gaps(site: Site, city: City, streets: gpd.GeoDataFrame, found: Gaps, question: GapQuestion) -> bytes:
    """Print the land outside one reach over the streets, with the compounds outside and the facilities.

    The shapes with most people carry their numbers of the list.
    """
    language = site.language
    asked = question.rows(found.shapes)
    rows = question.rows(found.compounds)
    areas = {level: city.areas[level] for level in LEVELS[: LEVELS.index(question.level) + 1]}
    facilities = city.facilities[city.facilities["type"] == question.facility_type]
    layers: _Layers = [
        (areas[question.level].geometry, Style(fill="#f4f6f8")),
        (
            asked.geometry,
            Style(_GAP + _SEE_THROUGH, _GAP, 0.5, words.choose(("圈外土地", "Land outside"), language)),
        ),
        *_ground(streets),
        *_in_colours(rows.geometry, rows["status"], STATUSES[1:], language),
        *_outlines(areas, language),
        (facilities.geometry, Style(_INK, "white", 5.0, f"{question.named}  {len(facilities):,}")),
    ]
    names = pd.concat([_named(areas)[["name", "geometry"]], _numbers(asked.head(_NUMBERED))])
    sheet = Sheet(site=site, metric=city.network.metric, title=question.title, facts=question.facts)
    return draw(sheet, layers, names=names)


def changes(
    site: Site,
    metric: str,
    areas: Mapping[str, gpd.GeoDataFrame],
    streets: gpd.GeoDataFrame,
    found: Sequence[Diff],
    *,
    facts: Sequence[str],
) -> bytes:
    """Print what changed between two revisions: the land that changed hands, by codes, and what is no more or new.

    The sheet reaches a little farther than the changes.
    """
    language = site.language
    land = [diff.land for diff in found if diff.land is not None and len(diff.land)]
    states = {
        name: pd.concat(
            [getattr(diff.changes, name).geometry for diff in found if _placed(diff)] or [_NOWHERE]
        )
        for name in STATE_COLOURS
    }
    near = _window(pd.concat([*states.values(), *(frame.geometry for frame in land)]), metric)
    layers: _Layers = [(near, Style()), *_ground(streets.clip(near.total_bounds))]
    layers += _outlines(_borders_within(areas, near), language)
    hands = words.choose(("易主的土地", "Land that changed hands"), language)
    for number, frame in enumerate(land):
        fill = LAND_COLOUR + _SEE_THROUGH
        layers.append((frame.geometry, Style(fill, LAND_COLOUR, 0.4, "" if number else hands)))
    for name, shapes in states.items():
        layers += _in_state(shapes, *STATE_COLOURS[name], language)
    title = words.choose(("修订对比", "What changed"), language)
    sheet = Sheet(site=site, metric=metric, title=title, facts=facts)
    names = [_hands(frame.head(_NUMBERED)) for frame in land]
    return draw(sheet, layers, names=pd.concat(names) if names else _named({}))


#: Colours of what changed, as it was and as it is, and of land that changed hands.
STATE_COLOURS = {
    "before": ("#b3261e", ("变更前", "Before")),
    "after": ("#1d6fb8", ("变更后", "After")),
}
LAND_COLOUR = "#f59f3a"
_NOWHERE = gpd.GeoSeries([], crs="EPSG:4326")

_INK = "#1c2733"

#: Colour of land outside reach, and how many shapes carry their number.
_GAP = "#c2410c"
_NUMBERED = 12


def _placed(diff: Diff) -> bool:
    return isinstance(diff.changes.after, gpd.GeoDataFrame)


def _in_state(shapes: gpd.GeoSeries, colour: str, pair: tuple[str, str], language: Language) -> _Layers:
    """What changed in one of its states: borders and lines as outlines, places as points."""
    label = f"{words.choose(pair, language)}  {len(shapes):,}"
    points = shapes.geom_type == "Point"
    kinds = (
        (shapes[~points], Style("none", colour, 1.2, label)),
        (shapes[points], Style(colour, colour, 4.0, label)),
    )
    return [(mine, style) for mine, style in kinds if len(mine)]


def _borders_within(
    areas: Mapping[str, gpd.GeoDataFrame], near: gpd.GeoSeries
) -> dict[str, gpd.GeoDataFrame]:
    """Borders of areas as lines, so that no edge of the sheet is drawn as one."""
    return {
        level: frame.set_geometry(frame.boundary).clip(near.total_bounds, keep_geom_type=True)
        for level, frame in areas.items()
    }


def _window(shapes: gpd.GeoSeries, metric: str) -> gpd.GeoSeries:
    """A frame around shapes, a tenth of their size away and at least 150 m."""
    west, south, east, north = shapes.to_crs(metric).total_bounds
    margin = max(150.0, 0.1 * max(east - west, north - south))
    frame = shapely.box(west - margin, south - margin, east + margin, north + margin)
    return gpd.GeoSeries([frame], crs=metric).to_crs("EPSG:4326")


def _hands(land: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Land with the last digits of the codes that it went from and to."""
    names = [
        f"{(giver or '—')[-3:]} → {(taker or '—')[-3:]}"
        for giver, taker in zip(land["from_code"], land["to_code"], strict=True)
    ]
    return gpd.GeoDataFrame({"name": names}, geometry=land.geometry.to_numpy(), crs="EPSG:4326")


def _present(areas: Mapping[str, gpd.GeoDataFrame]) -> list[str]:
    return [level for level in LEVELS if level in areas and len(areas[level])]


def _named(areas: Mapping[str, gpd.GeoDataFrame]) -> gpd.GeoDataFrame:
    """The highest level that has several areas: few enough to be named on one sheet."""
    several = [level for level in _present(areas) if len(areas[level]) > 1]
    present = several or _present(areas)
    if not present:
        return gpd.GeoDataFrame({"name": []}, geometry=[], crs="EPSG:4326")
    return areas[present[0]].sort_values("code")


def _single(frame: gpd.GeoDataFrame) -> Sequence[gpd.GeoDataFrame]:
    return [frame.iloc[[row]] for row in range(len(frame))]


def _ground(streets: gpd.GeoDataFrame) -> _Layers:
    classes = street_class(streets["kind"])
    return [
        (streets.geometry[classes == name], Style(edge=colour, width=width))
        for name, (width, colour) in _STREETS.items()
    ]


def _outlines(areas: Mapping[str, gpd.GeoDataFrame], language: Language) -> _Layers:
    return [
        (areas[level].geometry, Style("none", colour, width, words.choose(words.LEVELS[level], language)))
        for level, (width, colour) in _OUTLINES.items()
        if level in _present(areas)
    ]


def _by_share(areas: gpd.GeoSeries, shares: pd.Series, language: Language) -> _Layers:
    layers: _Layers = []
    below = -np.inf
    values = shares.to_numpy(dtype=float)
    for number, (bound, colour) in enumerate(CLASSES):
        chosen = (values >= below) & (values < bound)
        layers.append(
            (areas[chosen], Style(fill=colour + _SEE_THROUGH, label=f"{number * 20}–{number * 20 + 20}%"))
        )
        below = bound
    missing = np.isnan(values)
    if missing.any():
        layers.append(
            (areas[missing], Style(_NO_DEMAND, label=words.choose(("没有居民小区", "No demand"), language)))
        )
    return layers


def _by_status(city: City, chosen: Chosen, language: Language) -> _Layers:
    status = compound_statuses(city, chosen)
    now = status[(status["method"] == "network") & (status["minutes"] == chosen.minutes)].set_index("code")[
        "status"
    ]
    return _in_colours(city.compounds.geometry, city.compounds["code"].map(now), STATUSES, language)


def _numbers(shapes: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Numbers of shapes, each where its shape is widest."""
    widest = shapely.get_point(shapely.maximum_inscribed_circle(shapes.geometry.to_numpy()), 0)
    return gpd.GeoDataFrame({"name": "#" + shapes["gap"].astype(str)}, geometry=widest, crs=shapes.crs)


def _in_colours(
    compounds: gpd.GeoSeries, status: pd.Series, names: Sequence[str], language: Language
) -> _Layers:
    drawn: _Layers = []
    for name in names:
        mine = compounds[status == name]
        label = f"{words.choose(words.STATUSES[name], language)}  {len(mine):,}"
        polygons = mine.geom_type != "Point"
        drawn.append((mine[polygons], Style(STATUS_COLOURS[name], "#ffffff", 0.25, label)))
        drawn.append((mine[~polygons], Style(STATUS_COLOURS[name], "#ffffff", 3.5)))
    return drawn


def _coverage_facts(rows: pd.DataFrame, chosen: Chosen, language: Language) -> list[str]:
    def share(method: str) -> str:
        mine = rows[rows["method"] == method]
        demand = mine["demand"].sum()
        return f"{mine['covered'].sum() / demand:.1%}" if demand else "—"

    said: list[tuple[Any, str]] = [
        (("沿道路步行", "Along streets"), share("network")),
        (("直线圆（会高估）", "Straight circle (overstates)"), share("circle")),
        (("步行者", "Walker"), words.choose(words.PROFILES[chosen.profile], language)),
        (("衡量", "Weight"), words.choose(words.WEIGHTS[chosen.weight], language)),
        (("汇总到", "Summed to"), words.choose(words.LEVELS[chosen.level], language)),
    ]
    return [f"{words.choose(pair, language)}  {value}" for pair, value in said]
