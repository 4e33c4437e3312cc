"""Land as the weight of coverage: square metres inside and outside the drawn reach.

The only figure that comes from a drawing. The land of an area inside the reach along streets is summed over the
drawn cells, which is the area of the drawing to the last rounding.
"""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geo.coverage.area_levels import COMPOUND
from geo.coverage.city import City
from geo.crs import to_metric
from geo.streets import drawing, reach

Floats: TypeAlias = npt.NDArray[np.float64]
Objects: TypeAlias = npt.NDArray[np.object_]


def sums(
    city: City,
    asked: pd.DataFrame,
    *,
    level: str,
    rows: npt.NDArray[np.int64],
    tell: Callable[[int], None] | None = None,
) -> dict[str, Floats]:
    """Square metres of areas inside (``covered``) and outside (``uncovered``) the reach of each question.

    Parameters
    ----------
    asked
        Questions by one ``method``, ``network`` or ``circle``: ``facility_type`` and ``budget_m``.
    level, rows
        Level of the areas, and which of its areas.
    tell
        Called with the number of each question about circles as its turn comes.

    Returns
    -------
    dict
        As :func:`geo.coverage.shares.sums`, (rows, questions); nothing is partial or unreachable. A compound known as a
        point has no land.
    """
    areas = _polygons(city, level)[rows]
    size = np.repeat(shapely.area(areas)[:, None], len(asked), axis=1)
    by_street = bool((asked["method"] == "network").all())
    inside = _by_street(city, asked, areas) if by_street else _by_circle(city, asked, areas, tell)
    inside = np.minimum(inside, size)
    nothing = np.zeros_like(size)
    return {
        "demand": size,
        "covered": inside,
        "partial": nothing,
        "uncovered": size - inside,
        "unreachable": nothing,
        "served": inside,
    }


def _polygons(city: City, level: str) -> Objects:
    frame = city.compounds if level == COMPOUND else city.areas[level].sort_values("code")
    return to_metric(frame.geometry.to_numpy(), city.network.metric)


def _by_street(city: City, asked: pd.DataFrame, areas: Objects) -> Floats:
    points = city.supply.points
    type_of_point = city.supply.type[points.feature]
    wanted = np.isin(type_of_point, city.type_numbers(asked))
    begin = reach.starts(points.snapped, np.where(wanted, type_of_point, -1), groups=city.supply.types)
    limit_m = float(asked["budget_m"].max()) if len(asked) else 0.0
    costs = reach.costs_to(city.network, begin, city.cells.points, limit_m=limit_m)
    drawn = drawing.drawn_points(costs[city.type_numbers(asked)], asked["budget_m"].to_numpy()[:, None])
    inside: Floats = drawing.land_in_cells(city.cells, areas) @ drawn.T.astype(np.float64)
    return inside


def _by_circle(city: City, asked: pd.DataFrame, areas: Objects, tell: Callable[[int], None] | None) -> Floats:
    points = city.supply.points
    type_of_point = city.supply.type[points.feature]
    inside = np.zeros((len(areas), len(asked)))
    for question, (number, budget_m) in enumerate(
        zip(city.type_numbers(asked), asked["budget_m"], strict=True)
    ):
        if tell is not None:
            tell(question)
        chosen = type_of_point == number
        discs = shapely.buffer(shapely.points(points.x[chosen], points.y[chosen]), budget_m, quad_segs=16)
        inside[:, question] = shapely.area(shapely.intersection(areas, shapely.union_all(discs)))
    return inside
