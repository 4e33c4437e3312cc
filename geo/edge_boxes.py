"""Edges and the boxes around them: which may concern a place, before anything is computed of them."""

import numpy as np
from numpy.typing import NDArray

from geo.datums import Box


def meet(
    start: NDArray[np.float64], end: NDArray[np.float64], box: Box, *, room: float = 0.0
) -> NDArray[np.bool_]:
    """Tell which edges have boxes that meet a box.

    Parameters
    ----------
    start, end
        Ends of the edges, (n, 2), x before y.
    box
        West, south, east, north, in the units of the ends; nothing meets one of NaN.
    room
        How much larger the box is taken on every side.
    """
    west, south, east, north = box
    met = np.ones(len(start), dtype=bool)
    # Axis by axis: numpy is slow along an axis of two.
    for axis, low, high in ((0, west, east), (1, south, north)):
        one, other = start[:, axis], end[:, axis]
        met &= (np.minimum(one, other) <= high + room) & (np.maximum(one, other) >= low - room)
    return met
