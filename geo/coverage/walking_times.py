"""How long people walk to the nearest facility: mean and 90th percentile of areas.

A compound's walk is the mean over its access points from which any facility of the type can be reached at all, each by
its part of the compound. People are taken to walk as long as their compound does.
"""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from geo.coverage.area_levels import Level
from geo.streets.access_points import AccessPoints

Floats: TypeAlias = npt.NDArray[np.float64]

#: Part of those who can walk there who walk no longer than the percentile says.
PERCENTILE = 0.9

#: Sums of shares end in noise: this part of a sum is none.
_NOISE = 1e-9


def of_compounds(costs: Floats, need: AccessPoints) -> Floats:
    """Metres that each compound walks to the nearest facility of one type.

    Parameters
    ----------
    costs
        (points,) metres from each access point of the demand; infinite where no street leads to a facility.

    Returns
    -------
    (compounds,) array
        Infinite where no access point is joined to a facility.
    """
    joined = np.isfinite(costs)
    weight = np.where(joined, need.weight, 0.0)
    whole = np.bincount(need.feature, weight, need.features)
    walked = np.bincount(need.feature, weight * np.where(joined, costs, 0.0), need.features)
    metres: Floats = np.divide(walked, whole, out=np.full(need.features, np.inf), where=whole > 0)
    return metres


def of_areas(metres: Floats, weight: Floats, level: Level) -> tuple[Floats, Floats, Floats]:
    """Mean and 90th percentile of the walk over those who can make it, and the weight of those who cannot.

    Parameters
    ----------
    metres
        (compounds,) from :func:`of_compounds`.
    weight
        (compounds,) what each counts as.

    Returns
    -------
    mean, percentile, cannot
        (areas,). The percentile is the shortest walk that :data:`PERCENTILE` of the weight does not exceed, nothing
        interpolated. Both are missing where nobody can walk there.
    """
    can = np.isfinite(metres)
    pairs = level.share.tocoo()
    counted = can[pairs.col] & (pairs.data * weight[pairs.col] > 0)
    area, compound = pairs.row[counted], pairs.col[counted]
    part = pairs.data[counted] * weight[compound]
    order = np.lexsort((metres[compound], area))
    area, part, walk = area[order], part[order], metres[compound][order]
    areas = len(level.codes)
    total = np.bincount(area, part, areas)
    walked = np.bincount(area, part * walk, areas)
    some = total > 0
    mean = np.divide(walked, total, out=np.full(areas, np.nan), where=some)
    first = np.searchsorted(area, np.arange(areas + 1))
    upto = np.concatenate([[0.0], np.cumsum(part)])
    wanted = upto[first[:-1]] + (PERCENTILE - _NOISE) * total
    at = np.minimum(np.searchsorted(upto[1:], wanted), first[1:] - 1)
    percentile = np.full(areas, np.nan)
    percentile[some] = walk[at[some]]
    return mean, percentile, level.share @ np.where(can, 0.0, weight)
