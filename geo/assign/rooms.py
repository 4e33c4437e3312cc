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
_LEAST_SPARE = 64

Array = npt.NDArray[Any]


class _Store:
    """Memory behind several rooms; the first ``used`` rows are taken."""

    def __init__(self, parts: list[Array]) -> None:
        self.used = sum(len(part) for part in parts)
        size = int(self.used * (1.0 + _SPARE)) + _LEAST_SPARE
        self.rows: Array = np.empty((size, *parts[0].shape[1:]), dtype=parts[0].dtype)
        np.concatenate(parts, out=self.rows[: self.used])
        self.lock = threading.Lock()


class Room:
    """One version of an array that grows; ``rows`` are its rows, which never change."""

    def __init__(self, *parts: Array) -> None:
        self._store = _Store(list(parts))
        self.rows = self._store.rows[: self._store.used]

    def extended(self, rows: Array) -> "Room":
        """Make the version with more rows: in the same memory if there is room and nobody else took it."""
        store = self._store
        with store.lock:
            begin, end = len(self.rows), len(self.rows) + len(rows)
            if begin != store.used or end > len(store.rows):
                return Room(self.rows, rows)
            store.rows[begin:end] = rows
            store.used = end
        longer = object.__new__(Room)
        longer._store, longer.rows = store, store.rows[:end]
        return longer
