"""Which of the features about to be stored differ from what is stored."""

import json

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

Objects = NDArray[np.object_]


def changed(fresh: pd.DataFrame, stored: pd.DataFrame) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Compare layer frames by identity.

    Parameters
    ----------
    fresh, stored
        Layer frames; columns that only one of them has are not compared.

    Returns
    -------
    ndarray, ndarray
        By row of `fresh`: whether the feature is new, and whether it is stored but differs. Coordinates are
        compared bit by bit, whichever way and from wherever a ring runs; missing values are equal.
    """
    at = stored.index.get_indexer(fresh.index)
    new = at < 0
    differs = np.zeros(len(fresh), dtype=bool)
    for column in fresh.columns.intersection(stored.columns):
        ours, theirs = _comparable(fresh[column][~new]), _comparable(stored[column].iloc[at[~new]])
        differs[~new] |= ours != theirs
    return new, differs


def _comparable(values: pd.Series) -> Objects:
    plain = values.to_numpy(dtype=object).copy()
    plain[pd.isna(plain)] = None
    kinds = {type(value) for value in plain[:100]} - {type(None)} | {type(value) for value in plain[-100:]}
    if any(issubclass(kind, shapely.Geometry) for kind in kinds):
        return np.asarray(shapely.to_wkb(shapely.normalize(plain)), dtype=object)
    if dict in kinds:
        plain[:] = [json.dumps(value or {}, sort_keys=True, default=str) for value in plain]
    return plain
