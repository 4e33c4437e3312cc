"""Arrays handed to compiled code by their addresses.

numba takes up to 0.1 µs to unpack each array argument of a call from Python and counts references wherever such an
array is passed on. A look-up in fifteen arrays that is to take 1 µs cannot afford that; a table of addresses is one
argument, and the views made from it are not counted. Whoever passes a table keeps its arrays alive.
"""

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from numba import (  # type: ignore[attr-defined]  # numba re-exports without saying so
    carray,
    njit,
    types,
)
from numba.extending import intrinsic

Ints: TypeAlias = npt.NDArray[np.int64]


def table(arrays: Sequence[npt.NDArray[Any]], kinds: str) -> Ints:
    """Address and length (along the first axis) of each array.

    Parameters
    ----------
    kinds
        The letter of each array's dtype, in order: compiled code trusts it.

    Raises
    ------
    ValueError
        If an array has another dtype, or is not contiguous.
    """
    said = "".join(array.dtype.char if array.flags.c_contiguous else "?" for array in arrays)
    if said != kinds:
        raise ValueError(f"arrays must be contiguous and of the dtypes {kinds}, not {said}")
    return np.array([(array.ctypes.data, len(array)) for array in arrays], dtype=np.int64).ravel()


def _pointer(of: types.Type) -> Any:  # noqa: ANN401 - numba's intrinsics are untyped
    """Make the function that turns an address into a pointer to elements of a type."""

    @intrinsic
    def pointer(_typing: Any, address: Any) -> Any:  # noqa: ANN401
        signature = types.CPointer(of)(address)  # type: ignore[no-untyped-call]

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ANN401
            return builder.inttoptr(arguments[0], context.get_value_type(signature.return_type))

        return signature, generate

    return pointer


_float64, _float32 = _pointer(types.float64), _pointer(types.float32)
_int64, _int32 = _pointer(types.int64), _pointer(types.int32)


@njit(cache=True, nogil=True, forceinline=True)
def float64s(table: Ints, k: int) -> npt.NDArray[np.float64]:
    """View array k of a table; the dtype is not checked."""
    return carray(_float64(table[2 * k]), (table[2 * k + 1],))


@njit(cache=True, nogil=True, forceinline=True)
def float64_rows(table: Ints, k: int, width: int) -> npt.NDArray[np.float64]:
    """View array k of a table as rows of so many columns."""
    return carray(_float64(table[2 * k]), (table[2 * k + 1], width))


@njit(cache=True, nogil=True, forceinline=True)
def float32s(table: Ints, k: int) -> npt.NDArray[np.float32]:
    """View array k of a table; the dtype is not checked."""
    return carray(_float32(table[2 * k]), (table[2 * k + 1],))


@njit(cache=True, nogil=True, forceinline=True)
def int64_rows(table: Ints, k: int, width: int) -> Ints:
    """View array k of a table as rows of so many columns."""
    return carray(_int64(table[2 * k]), (table[2 * k + 1], width))


@njit(cache=True, nogil=True, forceinline=True)
def int32s(table: Ints, k: int) -> npt.NDArray[np.int32]:
    """View array k of a table; the dtype is not checked."""
    return carray(_int32(table[2 * k]), (table[2 * k + 1],))


@njit(cache=True, nogil=True, forceinline=True)
def int32_rows(table: Ints, k: int, width: int) -> npt.NDArray[np.int32]:
    """View array k of a table as rows of so many columns."""
    return carray(_int32(table[2 * k]), (table[2 * k + 1], width))
