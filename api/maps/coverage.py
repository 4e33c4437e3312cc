"""The map of coverage: areas by covered share, compounds by status, and the reach, on foot and as a circle."""

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from api.maps import encoding
from api.maps.chosen import Chosen
from geo import coverage
from geo.coverage import Query, circles
from geo.coverage.area_levels import COMPOUND
from geo.coverage.city import City
from geo.crs import from_metric
from geo.streets import drawing, reach

#: Budgets that the map switches between, in minutes.
BUDGETS = (5, 10, 15)

#: What a compound can be; its row of a table of coverage has its weight in one of these columns.
STATUSES = ("covered", "partial", "uncovered", "unreachable")


def coverage_data(city: City, chosen: Chosen) -> dict[str, Any]:
    """Return what the browser draws: every budget, along streets and as a circle.

    Parameters
    ----------
    chosen
        ``facility_type`` must be stated; ``minutes`` only says what is shown first.

    Returns
    -------
    dict
        ``areas`` and ``compounds`` as GeoJSON, ``rows`` of the table of coverage, ``facilities`` of the type,
        ``drawings`` of the reach. Each compound has ``status`` and ``share`` by method and minutes.

    Raises
    ------
    DataError
        As :func:`geo.coverage.answer`.
    """
    rows = coverage_table(city, chosen, level=chosen.level, weight=chosen.weight)
    areas = city.areas[chosen.level]
    facilities = city.facilities[city.facilities["type"] == chosen.facility_type]
    return {
        "areas": encoding.feature_collection(areas.geometry, areas[["code", "name"]]),
        "rows": encoding.plain(rows.drop(columns=["name", "facility_type", "profile", "weight"])).to_dict(
            "records"
        ),
        "compounds": _compounds(city, chosen),
        "facilities": _facilities(facilities),
        "drawings": _drawings(city, chosen),
    }


def coverage_table(city: City, chosen: Chosen, *, level: str, weight: str) -> pd.DataFrame:
    """Return the table of coverage of one level: every budget, along streets and as a circle."""
    query = Query(
        facility_types=(chosen.facility_type,),
        minutes=BUDGETS,
        level=level,
        profile=chosen.profile,
        method="both",
        weight=weight,
    )
    return coverage.answer(city, query).table


def compound_statuses(city: City, chosen: Chosen) -> pd.DataFrame:
    """Return ``code, method, minutes, status, share`` of each compound, its share as served."""
    table = coverage_table(city, chosen, level=COMPOUND, weight="count")
    status = np.array(STATUSES, dtype=object)[table[list(STATUSES)].to_numpy().argmax(axis=1)]
    return table[["code", "method", "minutes"]].assign(status=status, share=table["served_share"])


def _compounds(city: City, chosen: Chosen) -> dict[str, Any]:
    said: dict[str, dict[str, dict[str, list[Any]]]] = {}
    for code, method, minutes, status, share in compound_statuses(city, chosen).itertuples(index=False):
        said.setdefault(code, {}).setdefault(method, {})[str(minutes)] = [status, share]
    properties = city.compounds[["code", "name", "people", "households"]]
    results = np.empty(len(properties), dtype=object)
    results[:] = [said[code] for code in properties["code"]]
    return encoding.feature_collection(city.compounds.geometry, properties.assign(result=results))


def _facilities(facilities: gpd.GeoDataFrame) -> list[dict[str, Any]]:
    xy = shapely.get_coordinates(facilities.geometry.to_numpy()).round(encoding.DECIMALS)
    placed = facilities[["code", "name"]].assign(lon=xy[:, 0], lat=xy[:, 1])
    return encoding.records(placed)


def _drawings(city: City, chosen: Chosen) -> list[dict[str, Any]]:
    """Draw the ground within each budget of any facility of the type."""
    budgets = [circles.budget_m(chosen.profile, minutes, speeds=city.speeds) for minutes in BUDGETS]
    drawn = {"network": _reached(city, chosen, budgets), "circle": _discs(city, chosen, budgets)}
    return [
        {"method": method, "minutes": minutes, "geometry": encoding.geojson(geometry)}
        for method, geometries in drawn.items()
        for minutes, geometry in zip(BUDGETS, from_metric(geometries, city.network.metric), strict=True)
        if not shapely.is_empty(geometry)
    ]


def _points_of(city: City, chosen: Chosen) -> np.ndarray[Any, np.dtype[np.bool_]]:
    points = city.supply.points
    mine: np.ndarray[Any, np.dtype[np.bool_]] = city.supply.type[points.feature] == city.types.index.get_loc(
        chosen.facility_type
    )
    return mine


def _reached(city: City, chosen: Chosen, budgets: list[float]) -> np.ndarray[Any, np.dtype[np.object_]]:
    mine = _points_of(city, chosen)
    begin = reach.starts(
        city.supply.points.snapped.take(mine), np.zeros(int(mine.sum()), dtype=np.int64), groups=1
    )
    costs = reach.costs_to(city.network, begin, city.cells.points, limit_m=max(budgets))[0]
    outlines = [city.cells.outline(drawing.drawn_points(costs, budget)) for budget in budgets]
    return np.array(outlines, dtype=object)


def _discs(city: City, chosen: Chosen, budgets: list[float]) -> np.ndarray[Any, np.dtype[np.object_]]:
    mine = _points_of(city, chosen)
    places = shapely.points(city.supply.points.x[mine], city.supply.points.y[mine])
    discs = [shapely.union_all(shapely.buffer(places, budget, quad_segs=16)) for budget in budgets]
    return np.array(discs, dtype=object)
