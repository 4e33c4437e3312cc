"""On which side of a line a point lies, exactly.

Coordinates are taken as the binary fractions that they are; the sign of the answer has no rounding error, short
of underflow. After J. R. Shewchuk, "Adaptive precision floating-point arithmetic and fast robust geometric
predicates", Discrete & Computational Geometry 18 (1997): nearly always the rounded determinant is sure of its sign,
else it is added up as a sum of non-overlapping parts.
"""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from numba import njit

Floats: TypeAlias = npt.NDArray[np.float64]

# Shewchuk's bound on the error of the rounded determinant: (3 + 16 epsilon) epsilon, epsilon = 2**-53.
_UNSURE = 3.3306690738754716e-16
# Splits a double into two halves of 26 bits (Dekker 1971).
_SPLITTER = 134217729.0
# Two differences of two parts each make four products of two parts each, twice.
_PARTS = 16


@njit(error_model="numpy", cache=True, nogil=True)
def side(ax: float, ay: float, bx: float, by: float, px: float, py: float) -> float:  # noqa: PLR0917
    """Tell the side of the line from a to b on which p lies: positive left, negative right, 0 on it."""
    left, right = (ax - px) * (by - py), (ay - py) * (bx - px)
    rounded = left - right
    if abs(rounded) > _UNSURE * (abs(left) + abs(right)):
        return rounded
    return _exact_side(ax, ay, bx, by, px, py)


@njit(error_model="numpy", cache=True, nogil=True)
def _exact_side(ax: float, ay: float, bx: float, by: float, px: float, py: float) -> float:  # noqa: PLR0917
    parts = np.zeros(_PARTS)
    count = _add_product(parts, 0, _difference(ax, px), _difference(by, py))
    count = _add_product(parts, count, _difference(ay, py), _difference(px, bx))
    # The last part that is not zero outweighs all before it.
    for k in range(count - 1, -1, -1):
        if parts[k] != 0.0:
            return float(parts[k])
    return 0.0


@njit(error_model="numpy", cache=True, nogil=True)
def _add_product(parts: Floats, count: int, a: tuple[float, float], b: tuple[float, float]) -> int:
    """Add the product of two unrounded numbers to a sum of parts; returns how many parts there are now."""
    for one in a:
        for other in b:
            product, rest = _product(one, other)
            _add(parts, count, rest)
            _add(parts, count + 1, product)
            count += 2
    return count


@njit(error_model="numpy", cache=True, nogil=True)
def _add(parts: Floats, count: int, value: float) -> None:
    """Add to a sum of non-overlapping parts, the smallest first."""
    for k in range(count):
        value, parts[k] = _sum(value, parts[k])
    parts[count] = value


@njit(error_model="numpy", cache=True, nogil=True)
def _sum(a: float, b: float) -> tuple[float, float]:
    """Rounded sum and what was rounded off."""
    total = a + b
    virtual = total - a
    return total, (a - (total - virtual)) + (b - virtual)


@njit(error_model="numpy", cache=True, nogil=True)
def _difference(a: float, b: float) -> tuple[float, float]:
    return _sum(a, -b)


@njit(error_model="numpy", cache=True, nogil=True)
def _product(a: float, b: float) -> tuple[float, float]:
    """Rounded product and what was rounded off."""
    product = a * b
    scaled = _SPLITTER * a
    a_high = scaled - (scaled - a)
    a_low = a - a_high
    scaled = _SPLITTER * b
    b_high = scaled - (scaled - b)
    b_low = b - b_high
    rest = ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low
    return product, rest
