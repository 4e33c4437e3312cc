"""Arrays that grow at their end and are shared by all versions that hold the same beginning.

A patched index differs from the one before in a few places. Whatever is new is written behind what is there, into
room left for it: versions before read only as far as they know, so they never see it.
"""

import threading
from typing import Any

import numpy as np
import numpy.typing as npt

# Room left for patches, as a share of what is used; memory that is never written to costs nothing.
_SPARE = 0.25

Array = npt.NDArray[Any]


class Room:
    """An array with room at its end, of which the first ``used`` rows are taken."""

    def __init__(self, rows: Array) -> None:
        shape = (int(len(rows) * (1.0 + _SPARE)) + 64, *rows.shape[1:])
        self._array: Array = np.empty(shape, dtype=rows.dtype)
        self._array[: len(rows)] = rows
        self._used = len(rows)
        self._lock = threading.Lock()

    def first(self, count: int) -> Array:
        """View the first rows."""
        return self._array[:count]

    def extended(self, count: int, rows: Array) -> "Room":
        """Put rows behind the first `count`: here if nobody else has, and there is room; else in a copy."""
        with self._lock:
            end = count + len(rows)
            if self._used == count and end <= len(self._array):
                self._array[count:end] = rows
                self._used = end
                return self
        return Room(np.concatenate([self._array[:count], rows]))
