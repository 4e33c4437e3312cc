"""Whether there is a place for those within a walk: capacity given to the nearest first, and a floating catchment score.

Facilities serve the nearest demand first. Of all pairs of an access point and a facility within its budget the shortest
walk comes first (walks within a millimetre are equal; then the facility's lower code, then the compound's), and gives as
many places as are wanted and free; who finds none goes on to the next nearest within the budget. A facility that states
no capacity has room for all.

The score is the two-step floating catchment area: places per head of all who can walk to a facility, summed over the
facilities that one can walk to. It shares every place among all, where the allocation gives it to the nearest.

References
----------
Luo, W. and Wang, F. (2003), Measures of spatial accessibility to health care in a GIS environment: synthesis and a case
study in the Chicago region. Environment and Planning B 30, 865-884.
"""

from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geo.coverage import allocation, reasons, shares, table
from geo.coverage.area_levels import COMPOUND, OLD_ESTATE, Level
from geo.coverage.city import City
from geo.coverage.table import FACILITY, Query
from geo.faults import DataError, Fault
from geo.streets import reach

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Flags: TypeAlias = npt.NDArray[np.bool_]

#: Levels of a table of capacity.
LEVELS = (*table.TABLE_LEVELS, FACILITY)

#: What a compound can be.
STATUSES = ("covered", "partial", "uncovered", "unreachable", "overloaded")

#: The most places that one of the weight may need; beyond it sums are no numbers any more.
MOST_NEED = 1e6

#: Places below this part of what is wanted are rounding, not want.
_NOISE = 1e-9

_DECIMALS = 9


@dataclass(frozen=True, slots=True)
class Capacities:
    """Whether there is a place.

    Parameters
    ----------
    table
        Of areas, by question and code: ``code, name, facility_type, minutes``; ``demand, covered, partial, uncovered,
        unreachable`` as in the table of coverage; ``overloaded``, the part of covered and partial that is compounds of
        which some within the walk find no place; ``served`` (weight within a walk), ``placed`` (of that, weight that
        finds a place), ``turned_away`` (served less placed), ``placed_share`` of the demand; ``sfca_per_1000`` (places
        within a walk per 1,000 of the weight, shared among all who can walk to them, as far as capacities are stated;
        missing where no facility states one); ``budget_m, profile, weight``. Of
        compounds also ``status``, one of :data:`STATUSES`.
        Of facilities: ``code, name, facility_type, minutes, capacity`` (missing: not limited), ``served`` (weight
        within a walk of it), ``used`` and ``free`` (places), ``full`` (whether nothing is free),
        ``per_1000`` (places per 1,000 of those within a walk), and the rest of the question.
    without_capacity
        By type, how many facilities state no capacity.
    not_judged, faults
        As in :class:`geo.coverage.Answer`.
    """

    table: pd.DataFrame
    without_capacity: dict[str, int]
    not_judged: tuple[str, ...]
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Walks:
    """Facilities of a type, and the access points within a walk of each, pair by pair."""

    facilities: Ints  # (facilities,) their rows
    facility: Ints  # (pairs,) number among them
    point: Ints
    cost_m: Floats

    def within(self, budget_m: float) -> "_Walks":
        near = self.cost_m <= budget_m
        return _Walks(self.facilities, self.facility[near], self.point[near], self.cost_m[near])


@dataclass(frozen=True, slots=True, eq=False)
class _Places:
    """Who finds a place: weight by compound, places by facility, and the scores of both."""

    met: Floats  # (compounds,) share within a walk
    placed: Floats  # (compounds,) weight
    score: Floats  # (compounds,) places per head
    reached: Floats  # (facilities,) weight within a walk
    used: Floats  # (facilities,) places
    ratio: Floats  # (facilities,) places per head of those within a walk; missing where not limited


def check(query: Query, types: pd.DataFrame, *, need: float) -> None:
    """Refuse a query that cannot be answered for any city.

    Raises
    ------
    DataError
        All faults at once: as :func:`geo.coverage.check`, and for land, circles, and a need that is not above 0 or above
        :data:`MOST_NEED`.
    """
    faults = []
    if query.weight == "land":
        faults.append(_invalid("weight", "Land needs no places: ask for people, households or count."))
    if query.method != "network":
        faults.append(_invalid("method", "Places are given to those who walk: leave out method."))
    if not 0 < need <= MOST_NEED:
        message = f"{need:g} places a head are none to give: use a number above 0, to {MOST_NEED:g}."
        faults.append(_invalid("need", message))
    if query.level == FACILITY and query.estates is not None:
        faults.append(_invalid("estates", "Facilities are not parted: leave out estates."))
    known = replace(query, level=COMPOUND, estates=None) if query.level == FACILITY else query
    try:
        table.check(replace(known, method="network"), types)
    except DataError as error:
        faults += error.faults
    if faults:
        raise DataError(faults)


def answer(city: City, query: Query, *, need: float = 1.0) -> Capacities:
    """Give places to the nearest, and score what is within a walk.

    Parameters
    ----------
    query
        Without facility types: those of which some facility states a capacity. ``level`` is one of :data:`LEVELS`; the
        whole city competes for places, whatever ``within`` shows.
    need
        Places that one of the weight needs: 0.06 where 6 people in 100 are pupils.

    Raises
    ------
    DataError
        As :func:`check` and :func:`geo.coverage.answer`; ``value-missing`` where no facility states a capacity.
    """
    check(query, city.types, need=need)
    query = _with_types(city, query)
    asked, not_judged = table.questions_of(city.types, query, city.speeds)
    weight = shares.weights(city.compounds, query.weight)
    level, rows, shown = _rows(city, query)
    table.check_rows(len(asked), level, query)
    numbers = city.type_numbers(asked)
    parts = []
    for number in pd.unique(numbers).tolist():
        questions = asked[numbers == number]
        walks = _walks(city, number, float(questions["budget_m"].max()))
        for _, question in questions.iterrows():
            near = walks.within(float(question["budget_m"]))
            places = _given(city, near, weight, need)
            if query.level == FACILITY:
                parts.append(_of_facilities(city, question, near, places)[shown[near.facilities]])
            else:
                people = _people(city, places, weight)
                for part, some in table.parts_of(city, query, level):
                    found = _of_areas(question, people, some)
                    if query.level == COMPOUND:
                        found = found.assign(status=people.status[rows])
                    parts.append(found if part is None else found.assign(estates=part))
    result = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
    if query.level == OLD_ESTATE:
        result = table.with_estates(city, result)
    faults = reasons.of_compounds(city, by_street=True, weight=query.weight)
    faults += reasons.of_facilities(city, numbers)
    return Capacities(result, _without(city, numbers), tuple(not_judged), tuple(faults))


def _invalid(field: str, message: str) -> Fault:
    return Fault(kind="parameter-invalid", field=field, message=message)


def _with_types(city: City, query: Query) -> Query:
    """Ask for the types of which some facility states a capacity, where none is asked for."""
    if query.facility_types:
        return query
    stated = city.supply.type[city.facilities["capacity"].notna().to_numpy()]
    types = tuple(city.types.index[np.unique(stated[stated >= 0])])
    if not types:
        message = "No facility states a capacity: import facilities with a column capacity."
        raise DataError(Fault(kind="value-missing", layer="facilities", field="capacity", message=message))
    return replace(query, facility_types=types)


def _rows(city: City, query: Query) -> tuple[Level, Ints, Flags]:
    """Areas of the table, their rows in the whole level, and the facilities in it, by place, where these are its rows."""
    shown = np.ones(len(city.facilities), dtype=bool)
    if query.level != FACILITY:
        return *table.level_of(city, query), shown
    level, rows = table.level_of(city, replace(query, level=COMPOUND))
    if query.within is not None:
        frames = (*city.areas.values(), city.compounds)
        found = [frame.geometry[(frame["code"] == query.within).to_numpy()] for frame in frames]
        area = pd.concat(found).iloc[0]
        shown = shapely.intersects(area, city.facilities.geometry.to_numpy())
    return level, rows, shown


def _without(city: City, numbers: Ints) -> dict[str, int]:
    silent = city.supply.type[city.facilities["capacity"].isna().to_numpy()]
    return {str(city.types.index[number]): int((silent == number).sum()) for number in np.unique(numbers)}


# --- who finds a place ------------------------------------------------------------------------------------


def _walks(city: City, number: int, limit_m: float) -> _Walks:
    """Walk from every facility of a type."""
    facilities = np.flatnonzero(city.supply.type == number)
    of = np.full(len(city.facilities), -1, dtype=np.int64)
    of[facilities] = np.arange(len(facilities))
    points = city.supply.points
    begin = reach.starts(points.snapped, of[points.feature], groups=len(facilities))
    found = reach.within(city.network, begin, city.homes_by_chain, limit_m=limit_m)
    facility = np.repeat(np.arange(len(facilities)), np.diff(found.first))
    return _Walks(facilities, facility, found.place.astype(np.int64), found.cost_m)


def _given(city: City, walks: _Walks, weight: Floats, need: float) -> _Places:
    """Give places to the nearest first, and work out the scores."""
    demand = city.demand
    people = weight[demand.feature] * demand.weight
    capacity = city.facilities["capacity"].to_numpy(dtype=np.float64, na_value=np.nan)[walks.facilities]
    in_order = _in_order(city, walks)
    room = np.where(np.isnan(capacity), np.inf, capacity)
    given, used = allocation.allocate(walks.facility[in_order], walks.point[in_order], people * need, room)
    reached = _sum(walks.facility, people[walks.point], len(capacity))
    ratio = np.divide(capacity, reached, out=np.full(len(capacity), np.nan), where=reached > 0)
    score = _sum(walks.point, np.nan_to_num(ratio)[walks.facility], len(people))
    if len(capacity) and np.isnan(capacity).all():
        # Nobody says how many places there are; 0 would say that there are none.
        score[:] = np.nan
    near = np.full(len(people), np.inf)
    near[walks.point] = 0.0
    met = shares.served([near], demand, np.zeros(1, dtype=np.int64), np.zeros(1))[:, 0]
    placed = _sum(demand.feature, given, demand.features) / need
    mean_score = _sum(demand.feature, score * demand.weight, demand.features)
    return _Places(met, placed, mean_score, reached, used, ratio)


def _sum(number: Ints, values: Floats, count: int) -> Floats:
    """Sum values by number, 0 to `count`."""
    return np.bincount(number, values, count).astype(np.float64)


def _in_order(city: City, walks: _Walks) -> Ints:
    """Pairs from the shortest walk to the longest."""
    facility = _rank(city.facilities["code"])[walks.facilities[walks.facility]]
    compound = _rank(city.compounds["code"])[city.demand.feature[walks.point]]
    millimetres = np.rint(walks.cost_m * 1000.0)
    order: Ints = np.lexsort((walks.point, compound, facility, millimetres))
    return order


def _rank(codes: pd.Series) -> Ints:
    return np.unique(codes.to_numpy(dtype=str), return_inverse=True)[1].astype(np.int64)


# --- rows -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class _People:
    """What the places make of each compound, (compounds,)."""

    weight: Floats
    met: Floats
    unreachable: Flags
    placed: Floats
    short: Flags  # some within the walk find no place
    score: Floats
    status: npt.NDArray[np.object_]


def _people(city: City, places: _Places, weight: Floats) -> _People:
    unreachable = ~city.demand.reachable
    within = weight * places.met
    placed = np.minimum(places.placed, within)
    short = within - placed > _NOISE * weight
    states = [unreachable, short, places.met == 1.0, places.met > 0.0]
    words = ["unreachable", "overloaded", "covered", "partial"]
    status = np.select(states, words, "uncovered").astype(object)
    return _People(weight, places.met, unreachable, placed, short, places.score, status)


def _of_areas(question: pd.Series, people: _People, level: Level) -> pd.DataFrame:
    summed = shares.sums(people.met[:, None], people.weight, people.unreachable, level)
    sums = {name: values[:, 0] for name, values in summed.items()}
    demand = np.where(sums["demand"] > 0, sums["demand"], np.nan)
    placed = level.share @ people.placed
    columns = {
        "code": level.codes,
        "name": level.names,
        "facility_type": question["facility_type"],
        "minutes": question["minutes"],
        **{name: sums[name].round(_DECIMALS) for name in shares.SUMS},
        "overloaded": (level.share @ (people.weight * people.short)).round(_DECIMALS),
        "served": sums["served"].round(_DECIMALS),
        "placed": placed.round(_DECIMALS),
        "turned_away": np.maximum(sums["served"] - placed, 0.0).round(_DECIMALS),
        "placed_share": placed / demand,
        "sfca_per_1000": ((level.share @ (people.weight * people.score)) / demand * 1000.0).round(3),
    }
    return _with_question(pd.DataFrame(columns), question)


def _of_facilities(city: City, question: pd.Series, walks: _Walks, places: _Places) -> pd.DataFrame:
    facilities = city.facilities.iloc[walks.facilities]
    capacity = facilities["capacity"].to_numpy(dtype=np.float64, na_value=np.nan)
    free = capacity - places.used
    frame = pd.DataFrame(
        {
            "code": facilities["code"].to_numpy(dtype=object),
            "name": facilities["name"].to_numpy(dtype=object),
            "facility_type": question["facility_type"],
            "minutes": question["minutes"],
            "capacity": facilities["capacity"].astype("Int64").to_numpy(),
            "served": places.reached.round(_DECIMALS),
            "used": places.used.round(_DECIMALS),
            "free": free.round(_DECIMALS),
            "full": free <= 0,
            "per_1000": (places.ratio * 1000.0).round(3),
        }
    )
    return _with_question(frame, question)


def _with_question(frame: pd.DataFrame, question: pd.Series) -> pd.DataFrame:
    names = [name for name in question.index if name not in frame]
    return frame.assign(**{name: question[name] for name in names})
