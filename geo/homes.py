"""Buildings of compounds: how many people and households live in them, and in which areas they stand."""

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo import assign

#: What is counted in buildings.
COUNTS = ("people", "households")


#: Where a compound's number is from: stated, or the sum of its buildings', of which some may state none.
SOURCES = ("compound", "buildings", "buildings-part", "none")


def demand(compounds: gpd.GeoDataFrame, buildings: pd.DataFrame) -> gpd.GeoDataFrame:
    """Give each compound that states no number the sum of its buildings'.

    Parameters
    ----------
    compounds
        ``code``, ``people`` and ``households`` (may be missing).
    buildings
        ``compound_code`` (may be missing, or the code of no compound), ``people``, ``households``. One that
        states no number counts as 0.

    Returns
    -------
    GeoDataFrame
        The compounds with ``people`` and ``households`` filled, and ``people_from`` and ``households_from``, each
        one of :data:`SOURCES`.
    """
    owner = pd.Index(compounds["code"]).get_indexer(pd.Index(buildings["compound_code"]))
    result = compounds.copy()
    for count in COUNTS:
        stated = compounds[count].notna().to_numpy()
        told = buildings[count].notna().to_numpy() & (owner >= 0)
        values = buildings[count].to_numpy(dtype=np.float64, na_value=np.nan)[told]
        summed = np.bincount(owner[told], values, len(compounds))
        some = np.bincount(owner[told], minlength=len(compounds)) > 0
        part = np.bincount(owner[(owner >= 0) & ~told], minlength=len(compounds)) > 0
        result[count] = compounds[count].astype("Int64").mask(~stated & some, summed.astype(np.int64))
        result[f"{count}_from"] = np.select(
            [stated, some & part, some], ["compound", "buildings-part", "buildings"], "none"
        )
    return result


def sources(compounds: pd.DataFrame, count: str) -> NDArray[np.object_]:
    """Where each compound's number is from, as :func:`demand` said; what it did not complete is stated or none."""
    if f"{count}_from" in compounds:
        return compounds[f"{count}_from"].to_numpy(dtype=object)
    return np.where(compounds[count].notna(), "compound", "none").astype(object)


def weights(owner: NDArray[np.intp], buildings: pd.DataFrame) -> NDArray[np.float64]:
    """Weight of each building within its compound.

    Its households where all buildings of the compound state them, else its people where all do, else 1. Counts
    that are all 0 tell nothing, and are passed over.

    Parameters
    ----------
    owner
        Number of each building's compound.
    buildings
        Columns ``households`` and ``people``, which may be missing.
    """
    result = np.ones(len(owner))
    for count in COUNTS:  # households come last, so that they count before people
        values = buildings[count].to_numpy(dtype=np.float64, na_value=np.nan)
        # One missing value makes the sum of its compound missing.
        usable = np.bincount(owner, values)[owner] > 0
        result[usable] = values[usable]
    return result


def shares(
    compounds: pd.DataFrame,
    buildings: gpd.GeoDataFrame,
    areas: gpd.GeoDataFrame,
    *,
    metric: str,
    tolerance_m: float,
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
    """Which share of each compound lies in which area, by the buildings that stand there.

    A building stands in the area that :mod:`geo.assign` gives its point, or a point inside its outline. One
    that belongs to no area does not count.

    Parameters
    ----------
    compounds
        ``code``.
    buildings
        ``compound_code``, ``people``, ``households``, points or valid polygons, EPSG:4326.
    areas
        ``code``, valid polygons, EPSG:4326.
    metric, tolerance_m
        As for :class:`geo.assign.AreaIndex`.

    Returns
    -------
    ndarray, ndarray, ndarray
        Row of the compound, row of the area, share, by compound and area. The shares of a compound add up to 1; a
        compound none of whose buildings stands in an area has none.
    """
    owner = pd.Index(compounds["code"]).get_indexer(pd.Index(buildings["compound_code"])).astype(np.intp)
    known = owner >= 0
    owner, weight = owner[known], weights(owner[known], buildings[known])
    lon, lat = shapely.get_coordinates(shapely.point_on_surface(buildings.geometry.to_numpy()[known])).T
    area = assign.AreaIndex(areas, metric=metric, tolerance_m=tolerance_m).assign(lon, lat).area
    stands = (area >= 0) & (weight > 0)
    pairs, pair = np.unique(
        np.column_stack([owner[stands], area[stands]]).reshape(-1, 2), axis=0, return_inverse=True
    )
    size = np.bincount(pair.ravel(), weight[stands], len(pairs))
    compound, area = pairs[:, 0].astype(np.intp), pairs[:, 1].astype(np.intp)
    return compound, area, size / np.bincount(compound, size, len(compounds))[compound]
