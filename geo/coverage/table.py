"""Coverage of a city: which share of people, homes or land has each kind of facility within a walk.

One :class:`geo.coverage.city.City` answers any number of queries; what one query works out for all of it (street
distances to every facility type) serves the next.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from geo import homes
from geo.coverage import area_levels, circles, land, overstatement, reasons, shares, walking_times
from geo.coverage.area_levels import COMPOUND, OLD_ESTATE, Level
from geo.coverage.city import City
from geo.faults import DataError, Fault
from geo.levels import LEVELS

Floats: TypeAlias = npt.NDArray[np.float64]
Told: TypeAlias = Callable[[int, int], None]

#: What counts: people and households of compounds, compounds, or square metres.
WEIGHTS = ("people", "households", "count", "land")

#: Levels a table can be summed to.
TABLE_LEVELS = (*LEVELS, OLD_ESTATE, COMPOUND)

#: Level of the tables that have a row for each facility.
FACILITY = "facility"

#: What old estates may be asked for: to stand apart from the rest of each area.
ESTATES = ("apart",)

#: What a renovation planner sorts old estates by.
ABOUT_ESTATES = ("built_year", "works", "department")

#: Each type against its own service radius.
STANDARDS = ("gb50180",)

#: Rows that one table holds: about a gigabyte while it is worked out and written.
MOST_ROWS = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What is asked of a city's coverage; the values of the words are listed in this module.

    Parameters
    ----------
    facility_types
        Keys of the catalogue; empty: every type.
    minutes
        Budgets; empty: each type's own circle.
    level
        Areas to sum to.
    profile
        Whose walk: see :mod:`geo.coverage.circles`.
    method, weight
        See :data:`geo.coverage.circles.METHODS` and :data:`WEIGHTS`.
    standard
        ``gb50180``: each type against its own service radius, whatever the profile; no minutes then.
    within
        Code of an area: only areas in it.
    estates
        ``apart``: each area in two rows, its old estates and the rest of it, which add up to it.
    """

    facility_types: tuple[str, ...] = ()
    minutes: tuple[int, ...] = ()
    level: str = "community"
    profile: str = "adult"
    method: str = "network"
    weight: str = "people"
    standard: str | None = None
    within: str | None = None
    estates: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A table of coverage.

    Parameters
    ----------
    table
        As :func:`geo.coverage.shares.table`, with ``profile`` and ``weight``, and ``mandatory`` and
        ``mandatory_levels`` under a standard; of compounds by people or households also ``demand_from``, one of
        :data:`geo.homes.SOURCES`; by both methods also as :func:`geo.coverage.overstatement.with_overstatement`; with
        old estates apart also ``estates``, one of :data:`geo.coverage.area_levels.PARTS`; of old estates also what
        is known of them, :data:`ABOUT_ESTATES`.
    overstatement
        By how much circles overstate, as :func:`geo.coverage.overstatement.summary`; no rows unless both methods were
        asked for.
    demand_from
        How many compounds have their number of people or households from where, by that word; empty for other
        weights.
    not_judged
        Facility types that the standard gives no radius for.
    faults
        Compounds that are joined to no street, lie in no area or have no weight: they are in the table as
        stated there, or missing from it, and here with the reason. Then the facilities asked about that are
        joined to no street, and so serve nobody who walks.
    """

    table: pd.DataFrame
    overstatement: pd.DataFrame
    demand_from: dict[str, int]
    not_judged: tuple[str, ...]
    faults: tuple[Fault, ...]


def check(query: Query, types: pd.DataFrame) -> None:
    """Refuse a query that cannot be answered for any city.

    Raises
    ------
    DataError
        All faults at once: ``type-unknown`` (the message lists the known types) and ``parameter-invalid``.
    """
    faults = type_faults(query.facility_types, types, field="facility_type")
    for field, known in (("level", TABLE_LEVELS), ("method", circles.METHODS), ("weight", WEIGHTS)):
        faults += circles.word_faults(field, getattr(query, field), known)
    faults += circles.profile_faults(query.profile, query.minutes)
    if query.standard is not None:
        faults += circles.word_faults("standard", query.standard, STANDARDS)
        if query.minutes:
            message = "A standard has its own distances: leave out minutes, or leave out standard."
            faults.append(Fault(kind="parameter-invalid", field="minutes", message=message))
    if query.estates is not None:
        faults += _estates_faults(query)
    if faults:
        raise DataError(faults)


def _estates_faults(query: Query) -> list[Fault]:
    faults = circles.word_faults("estates", query.estates or "", ESTATES)
    if query.weight == "land":
        message = "Land is not parted: leave out estates, or ask for level=old_estate."
        faults.append(Fault(kind="parameter-invalid", field="estates", message=message))
    if query.level == OLD_ESTATE:
        message = (
            "The rows of old estates have nothing beside them: leave out estates, or ask for another level."
        )
        faults.append(Fault(kind="parameter-invalid", field="estates", message=message))
    return faults


def type_faults(keys: Sequence[str], types: pd.DataFrame, *, field: str) -> list[Fault]:
    """Name the facility types that are not in the catalogue, in one fault: each would list all that are known."""
    unknown = [repr(key) for key in keys if key not in types.index]
    if not unknown:
        return []
    message = f"No facility type: {', '.join(unknown)}; known are {', '.join(types.index)}."
    return [Fault(kind="type-unknown", field=field, message=message)]


def check_rows(questions: int, level: Level, query: Query) -> None:
    """Refuse a table that no memory should hold.

    Parameters
    ----------
    questions
        How many are asked, each method counted.

    Raises
    ------
    DataError
        On field ``level``.
    """
    rows = questions * len(level.codes) * (len(area_levels.PARTS) if query.estates else 1)
    if rows > MOST_ROWS:
        message = f"{rows} rows are more than the {MOST_ROWS} of one table: ask for fewer facility types or minutes, or for a part of the city with within."
        raise DataError(Fault(kind="parameter-invalid", field="level", message=message))


def _to_nobody(done: int, total: int) -> None:
    """Tell nobody."""


def answer(city: City, query: Query, *, told: Told = _to_nobody) -> Answer:
    """Work out a table of coverage.

    Parameters
    ----------
    told
        Called with how many questions are answered, of how many, as the work goes on; what it raises ends the work.

    Raises
    ------
    DataError
        As :func:`check` and :func:`check_rows`; ``layer-empty`` for a level without areas, ``parameter-invalid`` for a
        ``within`` that is no area's code.
    """
    check(query, city.types)
    level, rows = level_of(city, query)
    asked, not_judged = questions_of(city.types, query, city.speeds)
    methods = ("network", "circle") if query.method == "both" else (query.method,)
    check_rows(len(asked) * len(methods), level, query)
    parts = []
    for turn, method in enumerate(methods):
        questions = asked.assign(method=method)
        tell = partial(_tell, told, turn * len(asked), len(methods) * len(asked))
        tell(0)
        if query.weight == "land":
            summed = land.sums(city, questions, level=query.level, rows=rows, tell=tell)
            parts.append(shares.table(questions, summed, level))
        else:
            parts += _weighed(city, query, questions, level, tell)
    table = pd.concat(parts, ignore_index=True)
    order = table.groupby(["facility_type", "minutes"], sort=False).ngroup()
    table = table.iloc[np.argsort(order, kind="stable")].reset_index(drop=True)
    overstated = pd.DataFrame(columns=overstatement.COLUMNS)
    if query.method == "both":
        table = overstatement.with_overstatement(table)
        overstated = overstatement.summary(table)
    by_street = query.method != "circle"
    faults = (
        [] if query.weight == "land" else reasons.of_compounds(city, by_street=by_street, weight=query.weight)
    )
    if by_street:
        faults += reasons.of_facilities(city, city.type_numbers(asked))
    if query.level == OLD_ESTATE:
        table = with_estates(city, table)
    table, counts = _with_sources(city, query, table)
    return Answer(table, overstated, counts, tuple(not_judged), tuple(faults))


def _with_sources(city: City, query: Query, table: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, int]]:
    """Say where the numbers of people or households are from."""
    if query.weight not in homes.COUNTS:
        return table, {}
    level = city.levels[COMPOUND]
    rows = level.within(query.within) if query.within else np.arange(len(level.codes))
    source = pd.Series(homes.sources(city.compounds, query.weight), index=level.codes)
    counts = source.iloc[rows].value_counts()
    if query.level == COMPOUND:
        table = table.assign(demand_from=source.loc[table["code"]].to_numpy())
    return table, {word: int(counts[word]) for word in homes.SOURCES if word in counts}


def with_estates(city: City, table: pd.DataFrame) -> pd.DataFrame:
    """Say in each row of an old estate what is known of it, :data:`ABOUT_ESTATES`."""
    estates = city.areas[OLD_ESTATE]
    known = [name for name in ABOUT_ESTATES if name in estates]
    about = estates.set_index("code")[known].loc[table["code"]]
    return table.assign(**{name: about[name].to_numpy() for name in known})


def with_areas(cities: Sequence[City], level: str, table: pd.DataFrame) -> gpd.GeoDataFrame:
    """Give each row of a table the geometry of its area or facility, EPSG:4326, of the first city that has it."""
    others = {COMPOUND: "compounds", FACILITY: "facilities"}
    frames = [getattr(city, others[level]) if level in others else city.areas[level] for city in cities]
    geometry = pd.concat([pd.Series(frame.geometry.to_numpy(), index=frame["code"]) for frame in frames])
    geometry = geometry[~geometry.index.duplicated()]
    return gpd.GeoDataFrame(table, geometry=geometry.loc[table["code"]].to_numpy(), crs="EPSG:4326")


def level_of(city: City, query: Query) -> tuple[Level, npt.NDArray[np.int64]]:
    """Choose the areas of a table; with their rows in the whole level.

    Raises
    ------
    DataError
        ``layer-empty`` for a level without areas, ``parameter-invalid`` for a ``within`` that is no area's code.
    """
    if query.level not in city.levels or not len(city.levels[query.level].codes):
        layer = area_levels.LAYERS[query.level]
        raise DataError(
            Fault(kind="layer-empty", layer=layer, field="level", message=f"There are no {layer}.")
        )
    level = city.levels[query.level]
    if query.within is None:
        return level, np.arange(len(level.codes))
    if not any(len(other.within(query.within)) for other in city.levels.values()):
        message = f"There is no area with the code {query.within!r}."
        raise DataError(Fault(kind="parameter-invalid", field="within", message=message))
    rows = level.within(query.within)
    return level.take(rows), rows


def questions_of(
    types: pd.DataFrame, query: Query, speeds: Mapping[str, float] = circles.SPEEDS
) -> tuple[pd.DataFrame, list[str]]:
    """Ask what a query asks, a row each, with ``profile`` and ``weight``; and the types a standard has no radius for."""
    asked_types = types.loc[[key for key in types.index if key in query.facility_types]]
    chosen = asked_types if query.facility_types else types
    not_judged: list[str] = []
    if query.standard:
        asked, not_judged = circles.standard_questions(chosen)
    else:
        asked = circles.questions(chosen, minutes=query.minutes, profile=query.profile, speeds=speeds)
    return asked.assign(profile=query.standard or query.profile, weight=query.weight), not_judged


def _tell(told: Told, before: int, total: int, done: int) -> None:
    told(before + done, total)


def _weighed(
    city: City, query: Query, questions: pd.DataFrame, level: Level, tell: Callable[[int], None]
) -> list[pd.DataFrame]:
    """Tables of sums of compounds by the one method of the questions: one, or one of each of the areas' parts."""
    weight = shares.weights(city.compounds, query.weight)
    numbers = city.type_numbers(questions)
    by_street = bool((questions["method"] == "network").all())
    if not by_street:
        limit_m = float(questions["budget_m"].max()) if len(questions) else 0.0
        costs: Sequence[Floats] | Floats = shares.straight_costs(city.supply, city.demand, limit_m=limit_m)
        unreachable = np.zeros(len(city.compounds), dtype=bool)
    else:
        costs, unreachable = city.street_costs, ~city.demand.reachable
    met = shares.served(costs, city.demand, numbers, questions["budget_m"].to_numpy(), tell=tell)
    tables = []
    for part, some in parts_of(city, query, level):
        summed = shares.sums(met, weight, unreachable, some)
        if by_street:
            summed |= _walks(city, numbers, weight, some, circles.speed(query.profile, city.speeds))
        table = shares.table(questions, summed, some)
        tables.append(table if part is None else table.assign(estates=part))
    return tables


def parts_of(city: City, query: Query, level: Level) -> list[tuple[str | None, Level]]:
    """List the areas of a table: whole, or parted as asked, each part with its word."""
    return list(area_levels.apart(city.levels, level).items()) if query.estates else [(None, level)]


def _walks(
    city: City, numbers: npt.NDArray[np.int64], weight: Floats, level: Level, speed: float
) -> dict[str, Floats]:
    """Say how long people walk to the nearest facility of each question's type, whatever its budget."""
    walks = {}
    for number in np.unique(numbers).tolist():
        metres = walking_times.of_compounds(city.street_costs[number], city.demand)
        mean, percentile, cannot = walking_times.of_areas(metres, weight, level)
        walks[number] = np.stack([mean / speed / 60.0, percentile / speed / 60.0, cannot])
    stacked = np.stack([walks[number] for number in numbers.tolist()], axis=-1) if walks else None
    if stacked is None:
        return {}
    mean, percentile, cannot = stacked
    return {"mean_min": mean.round(2), "p90_min": percentile.round(2), "cannot_reach": cannot}
