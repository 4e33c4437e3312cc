"""What all parts of the check share: the areas, how they are measured, and the frame of defects."""

from collections.abc import Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo import crs, validity

Objects = NDArray[np.object_]
Ints = NDArray[np.intp]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

#: Metres of a degree of latitude, of a sphere.
METRES_PER_DEG = 111_195.0
#: Default width in metres below which a gap or a part counts as narrow.
TOLERANCE_M = 0.5
#: A parent's straight edge and its children's nodes on it, transformed apart, part by up to this, metres.
BEND_M = 0.02
#: Two borders that part by less than this are one: what rounding leaves of a node put on a slanting edge, metres.
ROUNDING_M = 1e-5
#: What counts as touching when a computed border is compared with a stored one, degrees: a centimetre.
NEXT_TO_DEG = 1e-7

_AREAL = 2
_POLYGONS = (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON)
_MOST_CODES = 10


@dataclass(frozen=True, slots=True)
class Layer:
    """Valid areas with their codes."""

    geoms: Objects
    codes: Objects
    metric: str
    tolerance_m: float

    def size_and_width(self, polygons: Objects) -> tuple[Floats, Floats]:
        """Area in m2 and mean width in m, which for a slit is its width."""
        if not len(polygons):
            return np.empty(0), np.empty(0)
        drawn = crs.to_metric(polygons, self.metric)
        size, around = shapely.area(drawn), shapely.length(drawn)
        return size, np.divide(2 * size, around, out=np.zeros(len(drawn)), where=around > 0)

    def touching(self, places: Objects) -> list[list[str]]:
        """Codes of the areas next to each place."""
        place, area = shapely.STRtree(self.geoms).query(places, predicate="dwithin", distance=NEXT_TO_DEG)
        found: list[list[str]] = [[] for _ in places]
        for at, code in zip(place, self.codes[area], strict=True):
            found[at].append(code)
        return found

    def pairs(self, first: Ints, second: Ints) -> list[list[str]]:
        """Codes of rows two by two."""
        return [[a, b] for a, b in zip(self.codes[first], self.codes[second], strict=True)]


def defects(
    kind: str,
    said: str,
    *,
    codes: list[list[str]],
    geoms: Objects,
    size: Floats | None = None,
    unit: str = "count",
) -> pd.DataFrame:
    """Put defects of one kind into a frame; `said` is completed with their codes and size."""
    if not len(geoms):
        return _NONE
    symbol = {"m2": " m²", "m": " m", "count": ""}[unit]
    sizes = np.ones(len(geoms)) if size is None else size
    named = [sorted(set(each)) for each in codes]
    return pd.DataFrame(
        {
            "kind": kind,
            "codes": pd.Series(named, dtype=object),
            "size": sizes,
            "unit": unit,
            "message": [
                said.format(codes=_listed(each), size=_shown(value) + symbol)
                for each, value in zip(named, sizes, strict=True)
            ],
            "geometry": geoms,
        }
    )


_NONE = pd.DataFrame(columns=["kind", "codes", "size", "unit", "message", "geometry"], dtype=object)
_NO_DEFECTS = gpd.GeoDataFrame(_NONE.astype({"size": float}), geometry="geometry", crs="EPSG:4326")


def _listed(codes: list[str]) -> str:
    return ", ".join(codes[:_MOST_CODES]) + (" …" if len(codes) > _MOST_CODES else "")


def _shown(size: float) -> str:
    return f"{size:,.0f}" if size >= 100 else f"{size:.3g}"  # noqa: PLR2004 - three figures


def unmatched(codes: list[list[str]], geoms: Objects, length_m: Floats) -> pd.DataFrame:
    """Tell where a parent's border and an area's, meant to be one, part by less than a bend."""
    said = "The borders of {codes} run {size} beside each other, less than 2 cm apart."
    return defects("border-unmatched", said, codes=codes, geoms=geoms, size=length_m, unit="m")


def joined(found: Sequence[pd.DataFrame]) -> gpd.GeoDataFrame:
    """Put defects together, ordered by kind, the largest first."""
    some = [each for each in found if len(each)]
    if not some:
        return _NO_DEFECTS.copy()
    frame = pd.concat(some)
    ordered = frame.sort_values(["kind", "size"], ascending=[True, False], ignore_index=True)
    return gpd.GeoDataFrame(ordered, geometry="geometry", crs="EPSG:4326")


def repaired(areas: gpd.GeoDataFrame) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    """Areas fit for topology, and the defects of those that are not."""
    geoms = areas.geometry.to_numpy()
    drawn = np.isin(shapely.get_type_id(geoms), _POLYGONS) & ~shapely.is_empty(geoms)
    if (drawn & shapely.is_valid(geoms)).all():
        return areas, _NONE
    found = validity.find(geoms, accepted=("Polygon", "MultiPolygon"))
    rows = found["row"].to_numpy()
    places = shapely.points(found[["x", "y"]].fillna(0).to_numpy())
    places[found["x"].isna().to_numpy()] = None
    codes = [[code] for code in areas["code"].to_numpy(dtype=object)[rows]]
    broken = defects("geometry-invalid", "", codes=codes, geoms=places)
    broken = broken.assign(kind=found["kind"].to_numpy(), message=found["message"].to_numpy())
    hopeless = rows[found["kind"].ne("geometry-invalid").to_numpy()]
    repaired = np.delete(validity.repair(geoms), hopeless)
    usable = areas.drop(index=areas.index[hopeless]).set_geometry(repaired, crs=areas.crs)
    return usable[usable.geometry.notna()], broken


def areal(geoms: Objects) -> Objects:
    """Only the polygons of intersections and differences, which may also hold lines and points."""
    result = np.asarray(geoms, dtype=object).copy()
    for row in np.flatnonzero(shapely.get_type_id(result) == shapely.GeometryType.GEOMETRYCOLLECTION):
        parts = shapely.get_parts(result[row])
        result[row] = shapely.multipolygons(parts[shapely.get_dimensions(parts) == _AREAL])
    return result


def parts_of(geoms: Objects) -> tuple[Objects, Ints]:
    """Polygons of shapes, and the row of each."""
    parts, row = shapely.get_parts(geoms, return_index=True)
    kept = (shapely.get_dimensions(parts) == _AREAL) & ~shapely.is_empty(parts)
    return parts[kept], row[kept]
