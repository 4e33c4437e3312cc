"""Compiled: places of facilities given to those who live nearest."""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from numba import njit

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]


@njit(cache=True, nogil=True)
def allocate(facility: Ints, point: Ints, wanted: Floats, room: Floats) -> tuple[Floats, Floats]:
    """Give places away pair by pair, in the order of the pairs.

    Parameters
    ----------
    facility, point
        (pairs,) who may be served where, the nearest first.
    wanted
        (points,) places wanted by each.
    room
        (facilities,) places of each; infinite where it is not limited.

    Returns
    -------
    given, taken
        (points,) places that each is given, and (facilities,) that each gives: never more than wanted, nor than there
        is room for.
    """
    missing, left, taken = wanted.copy(), room.copy(), np.zeros(len(room))
    for pair in range(len(facility)):
        f, p = facility[pair], point[pair]
        places = min(missing[p], left[f])
        missing[p] -= places
        left[f] -= places
        taken[f] += places
    for f in range(len(room)):
        if np.isfinite(room[f]):
            # What is left is exact, the sum of what was taken ends in noise.
            taken[f] = room[f] - left[f]
    return wanted - missing, taken


def compile_kernels() -> None:
    """Compile into numba's cache, so that no request waits for the compiler."""
    pair = np.zeros(1, dtype=np.int64)
    allocate(pair, pair, np.ones(1), np.ones(1))
