"""The life circle of one facility, drawn: what is within a walk of it."""

from collections.abc import Sequence
from typing import TypeAlias

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geo.coverage import circles
from geo.coverage.city import City
from geo.crs import from_metric
from geo.faults import DataError
from geo.streets import drawing, reach

Objects: TypeAlias = npt.NDArray[np.object_]


def draw(
    city: City, facility: int, *, minutes: Sequence[int], profile: str = "adult", method: str = "network"
) -> gpd.GeoDataFrame:
    """Draw what is within a walk of one facility.

    Parameters
    ----------
    facility
        Row number of the facility.
    minutes
        Budgets; one feature each, the largest first, so that a map draws the smaller on top.
    method
        ``network`` or ``circle``, or ``both`` for a feature each.

    Returns
    -------
    GeoDataFrame
        EPSG:4326; ``minutes, budget_m, method, area_m2, circle_share`` (drawn area as a share of the straight
        circle's), geometry (empty where the facility is joined to no street).

    Raises
    ------
    DataError
        ``parameter-invalid``, all at once.
    """
    faults = circles.profile_faults(profile, minutes)
    faults += circles.word_faults("method", method, circles.METHODS)
    if faults:
        raise DataError(faults)
    asked = sorted(set(minutes), reverse=True)
    budgets = [circles.budget_m(profile, value, speeds=city.speeds) for value in asked]
    discs = _discs(city, facility, budgets)
    rows = []
    for name, drawn in (("network", _reaches(city, facility, budgets)), ("circle", discs)):
        if method in {name, "both"}:
            rows.append(
                gpd.GeoDataFrame(
                    {
                        "minutes": asked,
                        "budget_m": budgets,
                        "method": name,
                        "area_m2": shapely.area(drawn),
                        "circle_share": shapely.area(drawn) / shapely.area(discs),
                    },
                    geometry=from_metric(drawn, city.network.metric),
                    crs="EPSG:4326",
                )
            )
    return pd.concat(rows, ignore_index=True)


def _points_of(city: City, facility: int) -> npt.NDArray[np.bool_]:
    chosen: npt.NDArray[np.bool_] = city.supply.points.feature == facility
    return chosen


def _discs(city: City, facility: int, budgets: Sequence[float]) -> Objects:
    chosen = _points_of(city, facility)
    places = shapely.multipoints(shapely.points(city.supply.points.x[chosen], city.supply.points.y[chosen]))
    discs: Objects = shapely.buffer(np.repeat(places, len(budgets)), budgets, quad_segs=32)
    return discs


def _reaches(city: City, facility: int, budgets: Sequence[float]) -> Objects:
    chosen = _points_of(city, facility)
    begin = reach.starts(
        city.supply.points.snapped.take(chosen), np.zeros(int(chosen.sum()), dtype=np.int64), groups=1
    )
    found = reach.within(city.network, begin, city.cells.by_chain, limit_m=max(budgets))
    outlines = [
        city.cells.outline(found.place[drawing.drawn_points(found.cost_m, budget)]) for budget in budgets
    ]
    return np.array(outlines, dtype=object)
