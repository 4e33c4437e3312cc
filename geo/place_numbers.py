"""Numbers for places, the same for the same coordinates: what is sorted and compared in place of coordinates.

They are drawn from the coordinates' bits. That two of ten million places get one number happens once in 400,000 times.
"""

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.uint64]

# Odd numbers without pattern, and shifts, of the splitmix64 generator.
_FIRST, _SECOND, _STEP = (
    np.uint64(each) for each in (0xBF58476D1CE4E5B9, 0x94D049BB133111EB, 0x9E3779B97F4A7C15)
)
_SHIFTS = tuple(np.uint64(each) for each in (30, 27, 31))


def numbered(xy: NDArray[np.float64]) -> Numbers:
    """Return one number for each distinct place; `xy` is (n, 2)."""
    bits = (xy + 0.0).view(np.uint64)
    return mixed(bits[:, 0] * _STEP + mixed(bits[:, 1]))


def mixed(numbers: Numbers) -> Numbers:
    """Scatter numbers over all 64 bits, each to one of its own."""
    numbers = (numbers ^ (numbers >> _SHIFTS[0])) * _FIRST
    numbers ^= numbers >> _SHIFTS[1]
    numbers *= _SECOND
    numbers ^= numbers >> _SHIFTS[2]
    return numbers
