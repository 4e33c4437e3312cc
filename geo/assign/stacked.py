"""One point asked of several layers at once: calling a compiled kernel costs more than what it does."""

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import numpy.typing as npt
from numba import njit

from geo.assign import AreaIndex, lookup

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
        # Kept for what the tables point to.
        self._indexes = (areas, *others)
        self._tables = np.stack([index.table for index in self._indexes])

    def ask(self, lon: float, lat: float) -> tuple[int, int, float, float, int, int, int, int]:
        """Decide for one point, in finite degrees.

        Returns
        -------
        area, rule, distance_m, margin_m, neighbour
            As :class:`geo.assign.One`, whose candidates :meth:`geo.assign.AreaIndex.one` tells.
        row, row, row
            Of the areas of the other layers that hold or touch it, or -1.
        """
        found: tuple[int, int, float, float, int, int, int, int] = _ask(self._tables, lon, lat)
        return found


def compile_kernels() -> None:
    """Compile the look-up into numba's cache, so that no request waits for the compiler."""
    empty = AreaIndex(gpd.GeoDataFrame({"code": []}, geometry=[], crs="EPSG:4326"), metric="EPSG:4547")
    Stacked(empty, [empty] * OTHERS).ask(0.0, 0.0)


@njit(error_model="numpy", cache=True, nogil=True)
def _ask(
    tables: npt.NDArray[np.int64], lon: float, lat: float
) -> tuple[int, int, float, float, int, int, int, int]:
    area, rule, distance_m, margin_m, neighbour = lookup.one(tables[0], lon, lat, True)  # noqa: FBT003 - compiled
    first = lookup.one(tables[1], lon, lat, False)[0]  # noqa: FBT003
    second = lookup.one(tables[2], lon, lat, False)[0]  # noqa: FBT003
    third = lookup.one(tables[3], lon, lat, False)[0]  # noqa: FBT003
    return area, rule, distance_m, margin_m, neighbour, first, second, third
