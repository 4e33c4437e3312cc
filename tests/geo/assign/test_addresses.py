"""Arrays seen through their addresses."""

import numpy as np
import pytest
from numba import njit

from geo.assign import addresses


@njit
def total(table):
    rows = addresses.float64_rows(table, 1, 2)
    return addresses.int32s(table, 0).sum() + rows[:, 0].sum() + 10 * rows[:, 1].sum()


def test_arrays_are_read_where_they_are():
    whole, rows = np.arange(3, dtype=np.int32), np.array([[1.0, 2.0], [3.0, 4.0]])
    table = addresses.table([whole, rows], "id")
    assert total(table) == 3 + 4 + 60
    rows[0, 0] = 2.0
    assert total(table) == 3 + 5 + 60


@pytest.mark.parametrize(
    "array", [np.arange(3), np.arange(6, dtype=np.int32)[::2], np.arange(3, dtype=float)]
)
def test_another_kind_of_array_is_refused(array):
    with pytest.raises(ValueError, match="contiguous"):
        addresses.table([array], "i")
