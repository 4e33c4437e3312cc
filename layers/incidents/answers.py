"""What an incident says of its area: the answer of :mod:`geo.assign` in the columns it is stored in."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo.assign import RULES
from layers import store
from layers.located import Areas, Location

#: Why an incident has no area.
NO_PLACE = "no coordinates were given"
NO_AREA = "no area within the tolerance"

#: Columns of an answer; incidents and assignments both have them. Equal answers need no writing.
COLUMNS = ("rule", "area_code", "path", "candidates", "distance_m", "margin_m")

# By row number of the area, 0 for any, -1 for none.
_WHY = np.array([None, NO_AREA], dtype=object)

_Objects = npt.NDArray[np.object_]


def of_location(location: Location | None) -> dict[str, Any]:
    """Return the answer for one place (None: it has no coordinates), and why it has no area."""
    if location is None:
        return {
            **dict.fromkeys(COLUMNS),
            "rule": "none",
            "path": [],
            "candidates": [],
            "queue_reason": NO_PLACE,
        }
    return {
        "rule": location.rule,
        "area_code": location.area.code if location.area else None,
        "path": [area.code for area in location.path],
        "candidates": location.candidates,
        "distance_m": location.distance_m,
        "margin_m": location.margin_m,
        "queue_reason": None if location.area else NO_AREA,
    }


def of_points(areas: Areas, lon: npt.NDArray[np.float64], lat: npt.NDArray[np.float64]) -> pd.DataFrame:
    """Return the answers for many places, degrees; those without coordinates (NaN) get rule ``none``.

    Returns
    -------
    DataFrame
        A row a place: the columns :data:`COLUMNS` and ``queue_reason``, ``path`` and ``candidates`` as PostgreSQL
        writes arrays of text.
    """
    placed = np.flatnonzero(~(np.isnan(lon) | np.isnan(lat)))
    assigned = areas.index.assign(lon[placed], lat[placed], margin=True)
    path, alone = _literals(areas)
    candidates = alone[assigned.area]
    for point in np.unique(assigned.listed_point):
        candidates[point] = store.array_text(assigned.candidates(int(point)))
    size = len(lon)
    table = {
        "rule": _spread("none", size, placed, np.array(RULES, dtype=object)[assigned.rule]),
        "area_code": _spread(None, size, placed, assigned.area_code),
        "path": _spread("{}", size, placed, path[assigned.area]),
        "candidates": _spread("{}", size, placed, candidates),
        "distance_m": _spread(None, size, placed, assigned.distance_m),
        "margin_m": _spread(None, size, placed, assigned.margin_m),
        "queue_reason": _spread(NO_PLACE, size, placed, _WHY[np.minimum(assigned.area, 0)]),
    }
    return pd.DataFrame(table)


def _literals(areas: Areas) -> tuple[_Objects, _Objects]:
    """Path, and code alone, as arrays in PostgreSQL's writing, by row number; the last for row -1, no area."""
    paths = [store.array_text([area.code for area in path]) for path in areas.paths]
    alone = [store.array_text([str(code)]) for code in areas.index.codes]
    return np.array([*paths, "{}"], dtype=object), np.array([*alone, "{}"], dtype=object)


def _spread(
    otherwise: object, size: int, placed: npt.NDArray[np.intp], values: npt.NDArray[Any]
) -> npt.NDArray[Any]:
    """Values of the places among all rows."""
    # Of numbers, what is missing becomes NaN.
    column = np.full(size, otherwise, dtype=values.dtype)
    column[placed] = values
    return column
