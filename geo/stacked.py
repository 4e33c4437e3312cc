"""One point asked of several layers at once: calling a compiled kernel costs more than what it does."""

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import numpy.typing as npt
from numba import njit

from geo import lookup
from geo.assign import INSIDE, AreaIndex, One

#: How many layers lie beside the areas.
OTHERS = 3


class Stacked:
    """An index of areas and three other layers; immutable, and safe to share between threads.

    Parameters
    ----------
    areas
        Answered with all that :meth:`geo.assign.AreaIndex.one` tells.
    others
        Three indexes; of each only the row is told.
    """

    def __init__(self, areas: AreaIndex, others: Sequence[AreaIndex]) -> None:
        if len(others) != OTHERS:
            raise ValueError(f"{OTHERS} other layers are asked, not {len(others)}")
        self._areas = areas
        # Kept for what the tables point to.
        self._others = tuple(others)
        self._tables = np.stack([areas.table, *(other.table for other in others)])

    def one(self, lon: float, lat: float) -> tuple[One, int, int, int]:
        """Decide for one point: as :meth:`geo.assign.AreaIndex.one`, and the row of each other layer, or -1."""
        area, rule, distance_m, margin_m, neighbour, first, second, third = _one(self._tables, lon, lat)
        if rule == INSIDE:
            return One(area, rule, distance_m, margin_m, neighbour, (area,)), first, second, third
        return self._areas.one(lon, lat), first, second, third


def compile_kernels() -> None:
    """Compile the look-up into numba's cache, so that no request waits for the compiler."""
    empty = AreaIndex(gpd.GeoDataFrame({"code": []}, geometry=[], crs="EPSG:4326"), metric="EPSG:4547")
    Stacked(empty, [empty] * OTHERS).one(0.0, 0.0)


@njit(error_model="numpy", cache=True, nogil=True)
def _one(
    tables: npt.NDArray[np.int64], lon: float, lat: float
) -> tuple[int, int, float, float, int, int, int, int]:
    area, rule, distance_m, margin_m, neighbour = lookup.one(tables[0], lon, lat, True)  # noqa: FBT003 - compiled
    first = lookup.one(tables[1], lon, lat, False)[0]  # noqa: FBT003
    second = lookup.one(tables[2], lon, lat, False)[0]  # noqa: FBT003
    third = lookup.one(tables[3], lon, lat, False)[0]  # noqa: FBT003
    return area, rule, distance_m, margin_m, neighbour, first, second, third
