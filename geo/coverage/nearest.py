"""The nearest facility of each type on foot from one place."""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

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
