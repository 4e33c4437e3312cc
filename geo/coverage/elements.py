"""The ten elements of a life circle: which of them each compound reaches, and how complete that makes an area.

Xianning asks of a compound how many of ten elements it reaches on foot: party, government, residents' affairs, medical,
elderly, education, culture, sport, leisure, commerce. The catalogue says which facility types serve which; one of them is
enough.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo.coverage import reasons, shares, table
from geo.coverage.area_levels import COMPOUND, OLD_ESTATE, Level
from geo.coverage.city import City
from geo.coverage.table import Query
from geo.faults import DataError, Fault

Floats: TypeAlias = npt.NDArray[np.float64]
Flags: TypeAlias = npt.NDArray[np.bool_]

#: Columns of the elements in Xianning's order, by the word of the catalogue.
ELEMENTS = MappingProxyType(
    {
        "党": "party",
        "政": "government",
        "居": "residents",
        "医": "medical",
        "养": "elderly",
        "教": "education",
        "文": "culture",
        "体": "sport",
        "娱": "leisure",
        "商": "commerce",
    }
)

#: Shares that differ by less are one share, summed in another order.
_DECIMALS = 9


@dataclass(frozen=True, slots=True)
class Elements:
    """How complete life circles are.

    Parameters
    ----------
    table
        By minutes, method, part (where old estates stand apart) and code: ``code, name, minutes`` (missing: each type
        within its own circle), ``method``, ``demand``, ``unreachable`` (as in :mod:`geo.coverage.table`), ``complete``
        (weight of the compounds that reach all ten), ``complete_share``, ``score`` (0 to 10: the sum of the elements'
        shares), a column for each of :data:`ELEMENTS` with the share of the demand that reaches it, ``missing``
        (elements that nobody reaches), ``partial`` (that some do), in the words of the catalogue with spaces between,
        ``profile, weight``. Of compounds the shares are those of its access points, also where its weight is not known;
        of areas they and the score are missing where there is no demand.
    types
        Facility types by element.
    faults
        As in :class:`geo.coverage.Answer`, without facilities.
    """

    table: pd.DataFrame
    types: dict[str, tuple[str, ...]]
    faults: tuple[Fault, ...]


def answer(city: City, query: Query) -> Elements:
    """Work out which elements are reached.

    Parameters
    ----------
    query
        Facility types and standard are not asked for.

    Raises
    ------
    DataError
        As :func:`geo.coverage.answer`; ``parameter-invalid`` for land as the weight.
    """
    check(query, city.types)
    level, _ = table.level_of(city, query)
    weight = shares.weights(city.compounds, query.weight)
    parts = []
    for minutes in query.minutes or (None,):
        for method in ("network", "circle") if query.method == "both" else (query.method,):
            met = _reached(city, query, minutes, method)
            apart = ~city.demand.reachable if method == "network" else np.zeros(len(met), dtype=bool)
            for part, some in table.parts_of(city, query, level):
                rows = _rows(met, weight, apart, some, of_compounds=query.level == COMPOUND)
                asked = pd.Series([minutes] * len(rows), dtype="Int64")
                rows.insert(2, "minutes", asked)
                rows.insert(3, "method", method)
                rows = rows.assign(profile=query.profile, weight=query.weight)
                parts.append(rows if part is None else rows.assign(estates=part))
    result = pd.concat(parts, ignore_index=True)
    if query.level == OLD_ESTATE:
        result = table.with_estates(city, result)
    faults = reasons.of_compounds(city, by_street=query.method != "circle", weight=query.weight)
    return Elements(result, types_by_element(city.types), tuple(faults))


def check(query: Query, types: pd.DataFrame) -> None:
    """Refuse a query that cannot be answered for any city.

    Raises
    ------
    DataError
        All faults at once, as :func:`geo.coverage.check`, and for land as the weight.
    """
    faults: list[Fault] = []
    if query.weight == "land":
        message = "Land reaches no element: ask for people, households or count."
        faults.append(Fault(kind="parameter-invalid", field="weight", message=message))
    try:
        table.check(query, types)
    except DataError as error:
        faults += error.faults
    if faults:
        raise DataError(faults)


def types_by_element(types: pd.DataFrame) -> dict[str, tuple[str, ...]]:
    """List the facility types of the catalogue that serve each element."""
    return {word: tuple(types.index[types["element"] == word]) for word in ELEMENTS}


def _reached(city: City, query: Query, minutes: int | None, method: str) -> Floats:
    """(compounds, elements) share of the access points from which a facility of the element is within its budget."""
    question = Query(profile=query.profile, minutes=() if minutes is None else (minutes,))
    asked, _ = table.questions_of(city.types, question, city.speeds)
    numbers, budgets = city.type_numbers(asked), asked["budget_m"].to_numpy(dtype=np.float64)
    costs: Sequence[Floats] | Floats = city.street_costs
    if method == "circle":
        costs = shares.straight_costs(city.supply, city.demand, limit_m=float(budgets.max()))
    element = city.types["element"].to_numpy(dtype=object)[numbers]
    beyond = np.full((len(ELEMENTS), len(city.demand.feature)), np.inf)
    for row, word in enumerate(ELEMENTS):
        for of_type in np.flatnonzero(element == word).tolist():
            np.minimum(beyond[row], costs[numbers[of_type]] - budgets[of_type], out=beyond[row])
    return shares.served(beyond, city.demand, np.arange(len(ELEMENTS)), np.zeros(len(ELEMENTS)))


def _rows(met: Floats, weight: Floats, apart: Flags, level: Level, *, of_compounds: bool) -> pd.DataFrame:
    """Sum over areas."""
    met = np.where(apart[:, None], 0.0, met)
    demand = level.share @ weight
    complete = level.share @ (weight * (met == 1.0).all(axis=1))
    counted = np.ones(len(weight)) if of_compounds else weight
    total = level.share @ counted
    some = np.where(total > 0, total, np.nan)[:, None]
    part = ((level.share @ (counted[:, None] * met)) / some).round(_DECIMALS)
    known = np.isfinite(part)
    columns = {
        "code": level.codes,
        "name": level.names,
        "demand": demand.round(_DECIMALS),
        "unreachable": (level.share @ (weight * apart)).round(_DECIMALS),
        "complete": complete.round(_DECIMALS),
        "complete_share": complete / np.where(demand > 0, demand, np.nan),
        "score": part.sum(axis=1).round(_DECIMALS),
        **{name: part[:, column] for column, name in enumerate(ELEMENTS.values())},
        "missing": _words(known & (part == 0)),
        "partial": _words(known & (part > 0) & (part < 1)),
    }
    return pd.DataFrame(columns)


def _words(chosen: Flags) -> list[str]:
    words = np.array(list(ELEMENTS), dtype=object)
    return [" ".join(words[row]) for row in chosen]
