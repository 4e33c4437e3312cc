"""The streets under every map: our own, drawn in the browser."""

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from api.maps import encoding

#: Classes of streets as the browser draws them, widest first.
CLASSES = ("motorway", "primary", "secondary", "tertiary", "street", "service", "path")

_CLASS_OF_KIND = {
    "motorway": "motorway",
    "trunk": "motorway",
    "primary": "primary",
    "secondary": "secondary",
    "tertiary": "tertiary",
    "service": "service",
    "footway": "path",
    "path": "path",
    "pedestrian": "path",
    "steps": "path",
    "cycleway": "path",
    "bridleway": "path",
    "track": "path",
    "corridor": "path",
}


def street_class(kind: pd.Series) -> pd.Series:
    """Class of each OSM highway value; ramps count as their road, what is not known as ``street``."""
    return kind.fillna("").str.removesuffix("_link").map(_CLASS_OF_KIND).fillna("street")


def streets_data(streets: gpd.GeoDataFrame) -> dict[str, Any]:
    """What the browser draws: for each class its lines, and the street names beside them.

    Parameters
    ----------
    streets
        Layer frame ``streets``.

    Returns
    -------
    dict
        ``classes``: lines as of :func:`api.maps.encoding.flat_lines` with ``class`` and ``name`` (a number of
        ``names``, -1 for none) for each line.
    """
    classes = street_class(streets["kind"]).to_numpy()
    codes, names = pd.factorize(streets["name"].replace("", None))
    layers = []
    for name in CLASSES:
        rows = np.flatnonzero(classes == name)
        lines = encoding.flat_lines(streets.geometry.to_numpy()[rows])
        layers.append({"class": name, "name": codes[rows], **lines})
    return {"names": list(names), "classes": layers}
