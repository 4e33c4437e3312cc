"""One geometry at a time: what is wrong with it, and its repair.

Nothing is repaired unless asked. :func:`find` names the defects, :func:`repair` rebuilds invalid polygons.
"""

import re
from collections.abc import Collection

import numpy as np
import pandas as pd
import shapely
from numpy.typing import ArrayLike, NDArray

Objects = NDArray[np.object_]
Bools = NDArray[np.bool_]

_NAMES = np.array(
    [
        "Point",
        "LineString",
        "LinearRing",
        "Polygon",
        "MultiPoint",
        "MultiLineString",
        "MultiPolygon",
        "GeometryCollection",
    ]
)
_PLACE = re.compile(r"^(?P<reason>[^\[]*)\[(?P<x>\S+) (?P<y>[^\]\s]+)")
#: A geometry wider than this crosses the antimeridian, or there is no telling which way round it goes.
_WIDEST_DEG = 180.0


def find(geoms: ArrayLike, *, accepted: Collection[str]) -> pd.DataFrame:
    """Defects of single geometries, at most one each: the first that makes the others meaningless.

    Parameters
    ----------
    geoms
        Geometries in any CRS; None where a row has none.
    accepted
        Types that are wanted, such as ``{"Polygon", "MultiPolygon"}``.

    Returns
    -------
    DataFrame
        ``row`` (position in `geoms`), ``kind`` (``geometry-missing``, ``geometry-empty``,
        ``geometry-type``, ``coordinate-not-a-number``, ``geometry-invalid``), ``message``,
        and the place ``x, y`` in the coordinates of `geoms`, NaN where there is none.
    """
    given = np.asarray(geoms, dtype=object)
    types = shapely.get_type_id(given)
    wanted = np.isin(types, np.flatnonzero(np.isin(_NAMES, list(accepted))))
    finite = _finite(given)
    checked = finite & wanted
    valid = np.ones(len(given), dtype=bool)
    valid[checked] = shapely.is_valid(given[checked])
    if (checked & valid).all() and not shapely.is_empty(given).any():
        return _NONE.copy()
    kinds = np.select(
        [types < 0, shapely.is_empty(given), ~wanted, ~finite, ~valid],
        [
            "geometry-missing",
            "geometry-empty",
            "geometry-type",
            "coordinate-not-a-number",
            "geometry-invalid",
        ],
        "",
    )
    rows = np.flatnonzero(kinds != "")
    described = [_describe(str(kinds[row]), given[row], accepted) for row in rows]
    frame = pd.DataFrame(described, columns=["message", "x", "y"])
    frame.insert(0, "kind", kinds[rows].astype(str))
    frame.insert(0, "row", rows)
    return frame.astype({"x": np.float64, "y": np.float64})


_NONE = pd.DataFrame(
    {
        "row": np.empty(0, dtype=np.intp),
        "kind": np.empty(0, dtype=str),
        "message": np.empty(0, dtype=str),
        "x": np.empty(0),
        "y": np.empty(0),
    }
)


def _finite(geoms: Objects) -> Bools:
    coordinates, index = shapely.get_coordinates(geoms, return_index=True)
    finite = np.ones(len(geoms), dtype=bool)
    finite[index[~np.isfinite(coordinates).all(axis=1)]] = False
    return finite


def _describe(kind: str, geom: shapely.Geometry, accepted: Collection[str]) -> tuple[str, float, float]:
    if kind == "geometry-missing":
        return "The row has no geometry, or none that can be read.", np.nan, np.nan
    if kind == "geometry-empty":
        return f"The {geom.geom_type} has no points.", np.nan, np.nan
    if kind == "geometry-invalid":
        return _reason(geom)
    coordinates = shapely.get_coordinates(geom)
    x, y = next(iter(coordinates[np.isfinite(coordinates).all(axis=1)]), (np.nan, np.nan))
    if kind == "geometry-type":
        wanted = " or ".join(sorted(accepted))
        return f"{geom.geom_type} where {wanted} is wanted.", x, y
    return "A coordinate is NaN or infinite.", x, y


def _reason(geom: shapely.Geometry) -> tuple[str, float, float]:
    text = shapely.is_valid_reason(geom)
    match = _PLACE.match(text)
    if match is None:
        return f"{text}.", np.nan, np.nan
    return f"{match['reason']}.", float(match["x"]), float(match["y"])


def crosses_antimeridian(geoms: ArrayLike) -> Bools:
    """Whether geometries in EPSG:4326 span more than 180° of longitude, so that their inside is ambiguous."""
    bounds = shapely.bounds(np.asarray(geoms, dtype=object))
    wide: Bools = bounds[:, 2] - bounds[:, 0] > _WIDEST_DEG
    return wide


def repair(geoms: ArrayLike) -> Objects:
    """Rebuild invalid polygons: rings are cut at their crossings, what is inside an odd ring stays.

    Parameters
    ----------
    geoms
        Polygons and multipolygons in any CRS.

    Returns
    -------
    ndarray
        The same geometries; invalid ones replaced by a valid polygon or multipolygon, or by None where no
        area remains (a ring folded into a line).

    Notes
    -----
    GEOS's "structure" method: shells are joined and holes cut out. A bow tie becomes two triangles; a shell
    drawn twice becomes one. Where the surveyor meant something else, the answer is wrong: compare the areas.
    """
    result = np.asarray(geoms, dtype=object).copy()
    broken = np.flatnonzero(~shapely.is_valid(result) & (shapely.get_dimensions(result) == 2))  # noqa: PLR2004 - areas
    made = shapely.make_valid(result[broken], method="structure", keep_collapsed=False)
    # GEOS 3.14 sometimes leaves two parts with a common edge, which a union joins.
    doubtful = ~shapely.is_valid(made)
    made[doubtful] = shapely.unary_union(made[doubtful, None], axis=1)
    usable = shapely.is_valid(made) & (shapely.get_dimensions(made) == 2) & ~shapely.is_empty(made)  # noqa: PLR2004 - areas
    result[broken] = np.where(usable, made, None)
    return result
