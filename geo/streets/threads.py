"""Searches over one network in two threads, each with scratch of its own."""

import math
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt
from numba import njit

Ints: TypeAlias = npt.NDArray[np.int64]
Numbers: TypeAlias = npt.NDArray[np.int32]
Floats: TypeAlias = npt.NDArray[np.float64]

#: Threads of a call, and how many parts its work is cut into: more parts even out, fewer cost less.
THREADS, PARTS = 2, 32

#: Scratch that is kept between calls; what more threads need at once is made and dropped.
KEPT = 4

_Scratch = TypeVar("_Scratch")
_Result = TypeVar("_Result")


class Pool(Generic[_Scratch]):
    """Scratch that threads borrow, and give back as they found it."""

    def __init__(self, make: Callable[[], _Scratch]) -> None:
        self._make = make
        self._free: list[_Scratch] = []
        self._lock = threading.Lock()

    def lend(self, work: Callable[[_Scratch], _Result]) -> _Result:
        """Do work with scratch of its own; after a failure the scratch is dropped."""
        with self._lock:
            scratch = self._free.pop() if self._free else None
        scratch = self._make() if scratch is None else scratch
        result = work(scratch)
        with self._lock:
            if len(self._free) < KEPT:
                self._free.append(scratch)
        return result


def in_parts(order: Ints, work: Callable[[Ints], _Result]) -> list[tuple[Ints, _Result]]:
    """Cut an order of work into parts for the threads; returns what became of each part, in that order."""
    parts = np.array_split(order, min(PARTS, max(len(order), 1)))
    if len(parts) == 1:
        return [(order, work(order))]
    with ThreadPoolExecutor(THREADS) as pool:
        return list(zip(parts, pool.map(work, parts), strict=True))


def gathered(
    parts: list[tuple[Ints, tuple[Ints, Numbers, Floats]]], groups: int
) -> tuple[Ints, Numbers, Floats]:
    """Lay what the parts found out by group.

    Parameters
    ----------
    parts
        Groups, and how many rows each of them has, then the rows of all: whole numbers and floats.

    Returns
    -------
    (groups + 1,), (rows,), (rows, …) arrays
        Where each group's rows begin, and the rows.
    """
    counts = np.zeros(groups + 1, dtype=np.int64)
    for part, (found, _, _) in parts:
        counts[part + 1] = found
    first = np.cumsum(counts)
    numbers = np.empty(first[-1], dtype=np.int32)
    one = parts[0][1][2].shape[1:]
    floats, width = np.empty((first[-1], *one)), math.prod(one)
    for part, (found, some_numbers, some_floats) in parts:
        _lay(part, found, first, some_numbers.reshape(-1, 1), numbers.reshape(-1, 1))
        _lay(part, found, first, some_floats.reshape(-1, width), floats.reshape(-1, width))
    return first, numbers, floats


@njit(cache=True, nogil=True)
def _lay(
    groups: Ints, counts: Ints, first: Ints, rows: npt.NDArray[np.generic], room: npt.NDArray[np.generic]
) -> None:
    """Copy the rows of some groups, (rows, width), to where each group begins."""
    begin = 0
    for turn in range(len(groups)):
        target = first[groups[turn]]
        for k in range(counts[turn]):
            for column in range(rows.shape[1]):
                room[target + k, column] = rows[begin + k, column]
        begin += counts[turn]
