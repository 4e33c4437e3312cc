"""Gaps: the land and the people that no facility of a type reaches on foot, as shapes and as lists.

Who is outside, and how far the next facility is, comes from exact street times at the access points of compounds. The
shapes come from the drawing of the reach (:mod:`geo.streets.drawing`, which states how well it agrees): the land of an
area less the drawn reach. People are put into the shape that their access points lie in, so those whose access point
the drawing takes for reached lie in none; they are counted beside the shapes, and nobody is lost.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geo.coverage import circles, reasons, shares, table
from geo.coverage.area_levels import Level
from geo.coverage.city import City
from geo.coverage.table import Query
from geo.crs import from_metric, to_metric
from geo.faults import DataError, Fault
from geo.levels import LEVELS
from geo.streets import drawing, reach

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Flags: TypeAlias = npt.NDArray[np.bool_]
Objects: TypeAlias = npt.NDArray[np.object_]

#: Shapes below this many square metres are slivers: less than the ground of one street point, of which a drawing is made.
LEAST_M2 = drawing.POINT_SPACING_M**2

#: Facility types and minutes of one answer, each drawn by itself over the whole city.
MOST_QUESTIONS = 200

#: An access point lies in a shape, or belongs to the nearest of its area within as many metres as a drawing may be off.
BESIDE_M = drawing.POINT_SPACING_M

#: What a compound that is not covered can be.
STATUSES = ("partial", "uncovered", "unreachable")


@dataclass(frozen=True, slots=True)
class Gaps:
    """What lies outside reach.

    Parameters
    ----------
    shapes
        A row a shape, those with most people first: ``gap`` (its number), ``code, name`` (of its area),
        ``facility_type, minutes, budget_m, profile, weight``, ``outside`` (weight in it), ``compounds`` (how many have
        an access point outside in it), ``area_m2``, ``lon, lat`` (of a point in it) and its polygon, EPSG:4326.
    compounds
        A row for each compound and question it is not covered for, those with most people outside first:
        ``code, name, area_code, area_name`` (the area that most of it lies in), the question, ``status`` (one of
        :data:`STATUSES`), ``demand`` (weight of the whole compound), ``outside`` (of its part outside),
        ``served_share``, ``walk_m, walk_minutes`` (from the nearest of its access points that are outside to the
        nearest facility), ``reason`` (one of :data:`geo.coverage.reasons.NO_WAY` where no way leads to one), ``missing`` (all asked types
        that it is not covered for, with spaces between) and its geometry.
    areas
        A row for each question and area: its ``code, name``, the question, ``demand``, ``outside`` (demand less what is
        served), ``beside`` (of that in no shape), ``land_m2``, ``gap_m2`` (all of it outside the drawing), ``gaps`` (shapes),
        ``slivers, slivers_m2`` (shapes below `least_m2`, left out).
    least_m2
        Below this a shape is left out.
    not_judged, faults
        As in :class:`geo.coverage.Answer`.
    """

    shapes: gpd.GeoDataFrame
    compounds: gpd.GeoDataFrame
    areas: pd.DataFrame
    least_m2: float
    not_judged: tuple[str, ...]
    faults: tuple[Fault, ...]


def check(query: Query, types: pd.DataFrame, *, least_m2: float = LEAST_M2) -> None:
    """Refuse a query that has no gaps in any city.

    Raises
    ------
    DataError
        All faults at once: as :func:`geo.coverage.check`; and ``parameter-invalid`` for a level, weight or method that
        gaps do not have, or a least size that is no size.
    """
    faults: list[Fault] = []
    try:
        table.check(query, types)
    except DataError as error:
        faults += error.faults
    else:
        faults += circles.word_faults("level", query.level, LEVELS)
        faults += circles.word_faults("weight", query.weight, shares.WEIGHTS)
        faults += circles.word_faults("method", query.method, ("network",))
    if not 0 <= least_m2 < np.inf:
        message = f"{least_m2:g} m² is no size; state 0 or more."
        faults.append(Fault(kind="parameter-invalid", field="least_m2", message=message))
    if faults:
        raise DataError(faults)


def find(city: City, query: Query, *, least_m2: float = LEAST_M2) -> Gaps:
    """Find the land and the people outside the reach of each question.

    Equal cities and queries give equal gaps, in the same order, to the last coordinate.

    Raises
    ------
    DataError
        As :func:`check`; ``layer-empty`` and ``parameter-invalid`` as :func:`geo.coverage.answer`.
    """
    check(query, city.types, least_m2=least_m2)
    level, rows = table.level_of(city, query)
    asked, not_judged = table.questions_of(city.types, query, city.speeds)
    _check_questions(len(asked))
    weight = shares.weights(city.compounds, query.weight)
    outside = _Outside.of(city, asked)
    drawn = _drawn(city, asked)
    land = to_metric(
        city.areas[query.level].sort_values("code").geometry.to_numpy()[rows], city.network.metric
    )
    shapes, areas = [], []
    for number in range(len(asked)):
        question = asked.iloc[[number]]
        pieces = _pieces(land, drawn[number], least_m2)
        people = _people(city, level, pieces, outside=outside.points(number), weight=weight)
        shapes.append(_shape_rows(question, level, pieces, people))
        areas.append(_area_rows(question, level, pieces, people.weight, weight * outside.share[:, number]))
        areas[-1]["demand"] = (level.share @ weight).round(9)
        areas[-1]["land_m2"] = shapely.area(land).round(1)
    faults = reasons.of_compounds(city, by_street=True, weight=query.weight)
    faults += reasons.of_facilities(city, city.type_numbers(asked))
    return Gaps(
        _ranked(pd.concat(shapes, ignore_index=True), city.network.metric),
        _compound_rows(city, query, asked, level=level, outside=outside, weight=weight),
        pd.concat(areas, ignore_index=True)[_AREA_COLUMNS],
        least_m2,
        tuple(not_judged),
        tuple(faults),
    )


def _check_questions(count: int) -> None:
    if count > MOST_QUESTIONS:
        message = f"{count} facility types and minutes are more than the {MOST_QUESTIONS} of one answer: ask for fewer."
        raise DataError(Fault(kind="parameter-invalid", field="minutes", message=message))


# --- who is outside ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class _Outside:
    """Metres from access points to the nearest facility of each asked type, and what they make of compounds.

    ``cost_m`` is (types, points), ``group`` and ``budget_m`` are (questions,); ``share`` is (compounds, questions): the
    part of each compound that is outside.
    """

    cost_m: Floats
    group: Ints
    budget_m: Floats
    share: Floats

    @classmethod
    def of(cls, city: City, asked: pd.DataFrame) -> "_Outside":
        begin, group = _starts(city, asked)
        cost_m = reach.costs_to(city.network, begin, city.demand.snapped, limit_m=np.inf)
        budget_m = asked["budget_m"].to_numpy(dtype=np.float64)
        served = shares.served(cost_m, city.demand, group, budget_m)
        return cls(cost_m, group, budget_m, 1.0 - np.where(city.demand.reachable[:, None], served, 0.0))

    def points(self, question: int) -> Flags:
        """Access points outside the reach of a question."""
        beyond: Flags = self.cost_m[self.group[question]] > self.budget_m[question]
        return beyond


def _starts(city: City, asked: pd.DataFrame) -> tuple[reach.StreetPoints, Ints]:
    """Let walks begin at the facilities of the asked types; with the group of each question."""
    numbers, group = np.unique(city.type_numbers(asked), return_inverse=True)
    # Facilities of a type that the catalogue does not have are numbered -1, and read the last.
    group_of_type = np.full(city.supply.types + 1, -1, dtype=np.int64)
    group_of_type[numbers] = np.arange(len(numbers))
    points = city.supply.points
    own = group_of_type[city.supply.type[points.feature]]
    return reach.starts(points.snapped, own, groups=len(numbers)), group.astype(np.int64)


def _compound_rows(
    city: City, query: Query, asked: pd.DataFrame, *, level: Level, outside: _Outside, weight: Floats
) -> gpd.GeoDataFrame:
    """List the compounds that are not covered, a row a question."""
    counted = level.share.sum(axis=0) > 0 if query.within else np.ones(len(weight), dtype=bool)
    compound, question = np.nonzero((outside.share > 0) & counted[:, None])
    reason = reasons.of_no_way(city, city.type_numbers(asked))
    walk_m = np.column_stack([_walk_m(city, outside, number) for number in range(len(asked))])
    most = _most(level)
    frame = city.compounds[["code", "name"]].iloc[compound].reset_index(drop=True)
    frame["area_code"], frame["area_name"] = (
        np.concatenate([names, np.array([None], dtype=object)])[most[compound]]
        for names in (level.codes, level.names)
    )
    frame = pd.concat([frame, asked.iloc[question].reset_index(drop=True)], axis=1)
    part = outside.share[compound, question]
    frame["status"] = np.where(part < 1, STATUSES[0], STATUSES[1])
    frame.loc[~city.demand.reachable[compound], "status"] = STATUSES[2]
    frame["demand"] = weight[compound]
    frame["outside"] = (weight[compound] * part).round(9)
    frame["served_share"] = (1.0 - part).round(9)
    metres = walk_m[compound, question]
    frame["walk_m"] = metres.round(1)
    speed = circles.speed(query.profile, city.speeds)
    frame["walk_minutes"] = (metres / speed / 60.0).round(1)
    frame["reason"] = reason[compound, question]
    frame.loc[np.isfinite(metres), "reason"] = None
    frame["missing"] = _missing(asked, outside.share > 0, by_minutes=bool(query.minutes))[compound, question]
    placed = gpd.GeoDataFrame(frame, geometry=city.compounds.geometry.to_numpy()[compound], crs="EPSG:4326")
    keys = ["outside", "demand", "code", "facility_type", "minutes"]
    return placed.sort_values(keys, ascending=[False, False, True, True, True], ignore_index=True)


def _walk_m(city: City, outside: _Outside, question: int) -> Floats:
    """(compounds,) metres from the nearest access point that is outside; missing where no way leads to a facility."""
    cost = outside.cost_m[outside.group[question]]
    beyond = outside.points(question) & np.isfinite(cost)
    least = np.full(city.demand.features, np.inf)
    np.minimum.at(least, city.demand.feature[beyond], cost[beyond])
    return np.where(np.isfinite(least), least, np.nan)


def _most(level: Level) -> Ints:
    """(compounds,) row of the area that most of each compound counts for, the first of equals; -1: none."""
    linked = level.share.tocoo()
    row, compound = (np.asarray(part, dtype=np.int64) for part in linked.coords)
    order = np.lexsort((row, -linked.data, compound))
    most = np.full(level.share.shape[1], -1, dtype=np.int64)
    most[compound[order[::-1]]] = row[order[::-1]]
    return most


def _missing(asked: pd.DataFrame, outside: Flags, *, by_minutes: bool) -> Objects:
    """(compounds, questions) the types that each is outside of, where minutes are stated those asked for as many."""
    types = asked["facility_type"].to_numpy(dtype=object)
    kind = asked["minutes"].to_numpy() if by_minutes else np.zeros(len(asked), dtype=np.int64)
    missing = np.empty(outside.shape, dtype=object)
    for value in np.unique(kind):
        mine = np.flatnonzero(kind == value)
        words = [" ".join(types[mine][row]) for row in outside[:, mine]]
        missing[:, mine] = np.array(words, dtype=object)[:, None]
    return missing


# --- shapes -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class _Pieces:
    """Disjoint parts of areas outside a drawing, and what was left out of each area."""

    polygon: Objects
    area: Ints
    gap_m2: Floats
    slivers: Ints
    slivers_m2: Floats


@dataclass(frozen=True, slots=True, eq=False)
class _People:
    """Weight in each piece, and how many compounds have an access point in it."""

    weight: Floats
    compounds: Ints


def _drawn(city: City, asked: pd.DataFrame) -> list[shapely.Geometry]:
    """Draw the reach of each question, in metres."""
    begin, group = _starts(city, asked)
    budgets = asked["budget_m"].to_numpy(dtype=np.float64)
    limit_m = float(budgets.max(initial=0.0))
    costs = reach.costs_to(city.network, begin, city.cells.points, limit_m=limit_m)
    return [
        city.cells.outline(drawing.drawn_points(costs[own], float(budget)))
        for own, budget in zip(group, budgets, strict=True)
    ]


def _pieces(land: Objects, drawn: shapely.Geometry, least_m2: float) -> _Pieces:
    """Split what a drawing leaves of areas into its parts, by area, the largest first."""
    left = shapely.difference(land, drawn)
    polygon, area = shapely.get_parts(shapely.normalize(left), return_index=True)
    size = shapely.area(polygon)
    order = np.lexsort((-size, area))
    polygon, area, size = polygon[order], area[order].astype(np.int64), size[order]
    sliver = size < least_m2
    kept = ~sliver & (size > 0)
    return _Pieces(
        polygon[kept],
        area[kept],
        shapely.area(left),
        np.bincount(area[sliver & (size > 0)], minlength=len(land)).astype(np.int64),
        np.bincount(area[sliver], weights=size[sliver], minlength=len(land)).astype(np.float64),
    )


def _people(city: City, level: Level, pieces: _Pieces, *, outside: Flags, weight: Floats) -> _People:
    """Put the access points outside into the pieces of each area that their compound counts for."""
    need = city.demand
    point = np.flatnonzero(outside)
    places = shapely.points(need.x[point], need.y[point])
    at, piece = shapely.STRtree(pieces.polygon).query(places, predicate="dwithin", distance=BESIDE_M)
    share = _share_of(level, pieces.area[piece], need.feature[point[at]])
    at, piece, share = at[share > 0], piece[share > 0], share[share > 0]
    away = shapely.distance(places[at], pieces.polygon[piece])
    # Of each point and area the nearest piece, of equals the largest, which is the first.
    order = np.lexsort((piece, away, pieces.area[piece], at))
    at, piece, share = at[order], piece[order], share[order]
    first = np.ones(len(at), dtype=bool)
    first[1:] = (at[1:] != at[:-1]) | (pieces.area[piece[1:]] != pieces.area[piece[:-1]])
    at, piece, share = at[first], piece[first], share[first]
    compound = need.feature[point[at]]
    held = weight[compound] * share * need.weight[point[at]]
    pairs = np.unique(np.column_stack([piece, compound]), axis=0)
    count = len(pieces.polygon)
    people = np.bincount(piece, weights=held, minlength=count).astype(np.float64)
    return _People(people, np.bincount(pairs[:, 0], minlength=count).astype(np.int64))


def _share_of(level: Level, area: Ints, compound: Ints) -> Floats:
    """Share of each compound that counts for each area, pair by pair."""
    linked = level.share.tocoo()
    row, column = (np.asarray(part, dtype=np.int64) for part in linked.coords)
    width = level.share.shape[1]
    keys = row * width + column
    order = np.argsort(keys)
    keys, values = np.append(keys[order], -1), np.append(linked.data[order], 0.0)
    wanted = area * width + compound
    at = np.searchsorted(keys[:-1], wanted)
    share: Floats = np.where(keys[at] == wanted, values[at], 0.0)
    return share


# --- rows -------------------------------------------------------------------------------------------------

_QUESTION = [*circles.QUESTION, "profile", "weight"]
_AREA_COLUMNS = [
    *("code", "name", *_QUESTION, "demand", "outside", "beside"),
    *("land_m2", "gap_m2", "gaps", "slivers", "slivers_m2"),
]


def _shape_rows(question: pd.DataFrame, level: Level, pieces: _Pieces, people: _People) -> pd.DataFrame:
    return _asked(
        question,
        {
            "code": level.codes[pieces.area],
            "name": level.names[pieces.area],
            "outside": people.weight.round(9),
            "compounds": people.compounds,
            "area_m2": shapely.area(pieces.polygon).round(1),
            "geometry": pieces.polygon,
        },
    )


def _area_rows(
    question: pd.DataFrame, level: Level, pieces: _Pieces, held: Floats, outside: Floats
) -> pd.DataFrame:
    areas = len(level.codes)
    total = level.share @ outside
    beside = total - np.bincount(pieces.area, weights=held, minlength=areas)
    return _asked(
        question,
        {
            "code": level.codes,
            "name": level.names,
            "outside": total.round(9),
            "beside": np.maximum(beside, 0.0).round(9),
            "gap_m2": pieces.gap_m2.round(1),
            "gaps": np.bincount(pieces.area, minlength=areas),
            "slivers": pieces.slivers,
            "slivers_m2": pieces.slivers_m2.round(1),
        },
    )


def _asked(question: pd.DataFrame, columns: Mapping[str, npt.NDArray[np.generic]]) -> pd.DataFrame:
    """Lay columns out as rows that repeat a question; what only a standard says is left out."""
    frame = pd.DataFrame(dict(columns))
    for name in _QUESTION:
        frame[name] = question[name].iloc[0]
    return frame


def _ranked(shapes: pd.DataFrame, metric: str) -> gpd.GeoDataFrame:
    """Number the shapes, those with most people first."""
    keys = ["outside", "area_m2", "code", "facility_type", "minutes"]
    ranked = shapes.sort_values(keys, ascending=[False, False, True, True, True], kind="stable")
    geometry = from_metric(ranked["geometry"].to_numpy(dtype=object), metric)
    inside = shapely.point_on_surface(geometry)
    table = pd.DataFrame(ranked.drop(columns="geometry")).reset_index(drop=True)
    table.insert(0, "gap", np.arange(1, len(table) + 1))
    table["lon"], table["lat"] = shapely.get_x(inside).round(7), shapely.get_y(inside).round(7)
    columns = ["gap", "code", "name", *_QUESTION, "outside", "compounds", "area_m2", "lon", "lat"]
    return gpd.GeoDataFrame(table[columns], geometry=geometry, crs="EPSG:4326")
