"""What lies in several areas of one level: buildings that a border cuts, compounds that span grids."""

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo import crs, hierarchy


def find(features: gpd.GeoDataFrame, areas: gpd.GeoDataFrame, *, metric: str) -> gpd.GeoDataFrame:
    """Find features of which parts lie in several areas.

    Parameters
    ----------
    features
        Polygons and points with ``code``, valid, EPSG:4326. A point is never in two.
    areas
        Areas of one level and scheme with ``code``, valid, EPSG:4326.
    metric
        Metric CRS in which areas are measured.

    Returns
    -------
    GeoDataFrame
        ``code`` of the feature; ``areas``: codes of the areas, the one with the largest part first, equal parts by
        code; ``size_m2``: how much lies outside that one; ``geometry``: that part, EPSG:4326. In the order of `features`.

    Notes
    -----
    Parts below :data:`geo.hierarchy.LEAST_SHARE` of a feature are drawing inaccuracies and do not count.
    """
    numbered = features[["code", "geometry"]].reset_index(drop=True)
    shares = hierarchy.compound_shares(numbered, areas, metric=metric)
    shares = shares[shares["compound_id"].duplicated(keep=False)]
    shares = shares.sort_values(
        ["compound_id", "share", "grid_code"], ascending=[True, False, True], kind="stable"
    )
    held = shares.groupby("compound_id", sort=True)["grid_code"].agg(list)
    rows = held.index.to_numpy(dtype=np.intp)
    shape = pd.Series(areas.geometry.to_numpy(), index=areas["code"].to_numpy(dtype=object), dtype=object)
    largest = shape[~shape.index.duplicated()].reindex([codes[0] for codes in held]).to_numpy()
    whole = numbered.geometry.to_numpy()[rows]
    rest = np.asarray(shapely.difference(whole, largest), dtype=object)
    return gpd.GeoDataFrame(
        {
            "code": numbered["code"].to_numpy(dtype=object)[rows],
            "areas": pd.Series(held.to_list(), dtype=object),
            "size_m2": np.asarray(shapely.area(crs.to_metric(rest, metric)), dtype=np.float64),
        },
        geometry=rest,
        crs="EPSG:4326",
    )
