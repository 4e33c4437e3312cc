"""Which of the features about to be stored differ from what is stored."""

import json

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

Objects = NDArray[np.object_]

# A micrometre: spreadsheets and GeoJSON writers round in the sixteenth digit.
_SAME_DEG = 1e-11


def with_stored_shapes(fresh: pd.DataFrame, stored: pd.DataFrame) -> pd.DataFrame:
    """Return `fresh` with the stored geometry wherever the two differ by rounding only.

    Otherwise a file that went through a spreadsheet would move every border by its last bit, away from the
    neighbours' nodes.
    """
    at = stored.index.get_indexer(fresh.index)
    known = np.flatnonzero(at >= 0)
    result = fresh.copy()
    for column in ("geometry", "entrances", "site"):
        if column not in fresh or column not in stored or not len(known):
            continue
        ours = _shapes(fresh[column])
        theirs = _shapes(stored[column])[at[known]]
        same = shapely.equals_exact(ours[known], theirs, tolerance=_SAME_DEG, normalize=True)
        ours[known[same]] = theirs[same]
        result[column] = pd.Series(ours, index=fresh.index, dtype=object)
    return result


def _shapes(values: pd.Series) -> Objects:
    plain = values.to_numpy(dtype=object).copy()
    plain[pd.isna(plain)] = None
    return plain


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
