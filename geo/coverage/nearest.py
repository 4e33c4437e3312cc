"""The nearest facility of each type on foot, from one place and from every compound of a city."""

from dataclasses import replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo.coverage import circles, reasons, table, walking_times
from geo.coverage.area_levels import COMPOUND
from geo.coverage.city import City
from geo.coverage.table import Query
from geo.streets import reach
from geo.streets.access_points import AccessPoints
from geo.streets.network import Network
from geo.streets.snapping import Snapped

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]

#: How far is searched, metres: nearly always the first is enough, and the last misses nothing.
_LIMITS_M = (1_000.0, 4_000.0, 16_000.0, np.inf)


def by_kind(
    network: Network, place: Snapped, access: AccessPoints, kind: Ints, *, kinds: int
) -> tuple[Ints, Floats]:
    """Find the nearest feature of each kind from a place, along streets.

    One search from the place serves all kinds: walkers go both ways on every street.

    Parameters
    ----------
    place
        One place on the network.
    access
        Access points of the features.
    kind
        (features,) number of each feature's kind; -1: not asked for.
    kinds
        How many kinds there are.

    Returns
    -------
    feature, metres
        (kinds,) row number, the lowest of features equally near; and the metres as :mod:`geo.streets.reach` counts them, the
        ways off the street at both ends included. -1 and infinite where no street leads to one.
    """
    asked = np.flatnonzero(kind[access.feature] >= 0)
    targets = access.snapped.take(asked)
    feature = access.feature[asked]
    number = kind[feature]
    begin = reach.starts(place, np.zeros(len(place.edge), dtype=np.int64), groups=1)
    metres = np.full(kinds, np.inf)
    for limit_m in _LIMITS_M:
        cost_m = reach.costs_to(network, begin, targets, limit_m=limit_m)[0]
        np.minimum.at(metres, number, cost_m)
        if np.isfinite(metres[np.unique(number)]).all():
            break
    found = np.full(kinds, np.iinfo(np.int64).max)
    best = np.isfinite(cost_m) & (cost_m == metres[number])
    np.minimum.at(found, number[best], feature[best])
    return np.where(np.isfinite(metres), found, -1), metres


def of_compounds(city: City, query: Query) -> pd.DataFrame:
    """Find the nearest facility of each type on foot from every compound, however far.

    Parameters
    ----------
    query
        Facility types, profile and ``within`` count; minutes and all else do not.

    Returns
    -------
    DataFrame
        By compound, then by type: ``code, name`` (of the compound), ``facility_type, facility_code, facility_name``,
        ``metres`` and ``minutes`` from that of its access points which is nearest to one, ``mean_min`` from all of them
        (as in the table of coverage, each to the facility nearest to it), ``profile``, and ``reason``, one of
        :data:`geo.coverage.reasons.NO_WAY`. Either the reason is missing or all of the facility. Of facilities equally
        near the one of the lowest code is told.

    Raises
    ------
    DataError
        As :func:`geo.coverage.check` and :func:`geo.coverage.table.level_of`.
    """
    query = replace(query, level=COMPOUND)
    table.check(query, city.types)
    level, compounds = table.level_of(city, query)
    asked = query.facility_types or tuple(city.types.index)
    numbers = np.flatnonzero(city.types.index.isin(asked))
    row = city.nearest.facility[np.ix_(numbers, compounds)].T.ravel()
    metres = city.nearest.metres[np.ix_(numbers, compounds)].T.ravel()
    metres_a_minute = circles.speed(query.profile, city.speeds) * 60.0
    mean = [walking_times.of_compounds(city.street_costs[number], city.demand) for number in numbers.tolist()]
    found = row >= 0
    reason = reasons.of_no_way(city, numbers)[compounds].ravel()
    columns = {
        "code": np.repeat(level.codes, len(numbers)),
        "name": np.repeat(level.names, len(numbers)),
        "facility_type": np.tile(city.types.index.to_numpy(dtype=object)[numbers], len(compounds)),
        "facility_code": np.where(found, city.facilities["code"].to_numpy(dtype=object)[row], None),
        "facility_name": np.where(found, city.facilities["name"].to_numpy(dtype=object)[row], None),
        "metres": np.where(found, metres, np.nan).round(1),
        "minutes": np.where(found, metres / metres_a_minute, np.nan).round(2),
        "mean_min": np.where(found, np.stack(mean)[:, compounds].T.ravel() / metres_a_minute, np.nan).round(
            2
        ),
        "profile": query.profile,
        "reason": reason,
    }
    frame = pd.DataFrame(columns)
    frame.loc[found, "reason"] = None
    return frame
