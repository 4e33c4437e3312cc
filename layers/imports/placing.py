"""A file's geometries -> geometries fit to be stored: checked, repaired if asked, and in EPSG:4326."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo import crs, datums, nodes, validity
from geo.crs import Reference
from geo.datums import Box
from geo.faults import DataError, Fault
from layers.catalogue import LayerSpec
from layers.files.places import read_geometries

Objects = NDArray[np.object_]

#: A neighbour's node may lie this far off an edge, since files round to a millimetre.
_NODE_M = 0.001
_METRES_PER_DEG = 111_195.0
_POLICIES = ("reject", "repair", "fail")
# Points of a file that are looked at to compare datums.
_SAMPLE = 2000
# A datum is suggested when the stated one leaves this share outside, and the other one half of that or less.
_NOTABLE_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class Placed:
    """Geometries in EPSG:4326, aligned with the records given; None where a record is at fault.

    Parameters
    ----------
    geoms
        In the types that are stored: MultiPolygon, Point, LineString or MultiLineString.
    faults
        One for each record that cannot be placed, with its row label.
    repaired
        One for each geometry that was repaired; these records are kept.
    counts
        ``heights dropped``, ``nodes inserted``.
    notes
        What the user should know, such as a datum that would fit better.
    """

    geoms: Objects
    faults: list[Fault]
    repaired: list[Fault] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def reference_of(
    frame: pd.DataFrame, stated: str | None, *, local: Mapping[str, str], default: str | None
) -> Reference:
    """Say what a file's coordinates mean: as stated, else as the file says, else the default.

    Raises
    ------
    DataError
        ``datum-missing`` when nobody says, ``datum-unknown`` or ``datum-ballpark`` as in
        :func:`geo.crs.parse`.
    """
    if stated:
        return crs.parse(stated, local=local)
    if isinstance(frame, gpd.GeoDataFrame) and frame.crs is not None:
        return crs.parse(frame.crs.to_wkt())
    if default:
        return crs.parse(default, local=local)
    raise DataError(
        Fault(
            kind="datum-missing",
            field="crs",
            message=(
                "The file does not say what its coordinates mean (a shapefile without .prj, a table). State it: "
                "--crs EPSG:4547 (CGCS2000, 114°E), --crs EPSG:4490, --crs wgs84, --crs gcj02 or --crs bd09."
            ),
        )
    )


def place(
    geoms: pd.Series, reference: Reference, spec: LayerSpec, *, on_invalid: str, hull: Box | None
) -> Placed:
    """Check and carry geometries to EPSG:4326.

    Parameters
    ----------
    geoms
        Geometries in `reference`, indexed by record number.
    on_invalid
        ``reject`` (a fault for the record), ``repair`` (rebuilt, and listed) or ``fail`` (as reject; the caller
        refuses the whole file).
    hull
        Where the deployment's data lies, to catch a wrong zone; None before the first layer.

    Raises
    ------
    DataError
        ``datum-contradicted`` when most points cannot be what `reference` says; ``parameter-invalid``.
    """
    if on_invalid not in _POLICIES:
        message = f"{on_invalid!r} is none of {', '.join(_POLICIES)}."
        raise DataError(Fault(kind="parameter-invalid", field="on_invalid", message=message))
    given = _single(geoms.to_numpy(dtype=object), spec)
    heights = int(shapely.has_z(given).sum())
    given = shapely.force_2d(given)
    notes = _check_extent(given, reference, hull)
    given, faults, repaired = _checked(given, geoms.index, spec, on_invalid == "repair")
    inserted = 0
    good = np.flatnonzero(~shapely.is_missing(given))
    if spec.level is not None:
        tolerance = _NODE_M / _METRES_PER_DEG if reference.geographic else _NODE_M
        given[good], inserted = nodes.insert(given[good], tolerance=tolerance)
    stored = crs.geometries_to_lonlat(given, reference)
    faults += _unstorable(given, stored, geoms.index, reference)
    counts = {"heights dropped": heights, "nodes inserted": inserted}
    return Placed(_as_stored(stored, spec), faults, repaired, counts, notes)


def place_more(values: pd.Series, reference: Reference, kind: str) -> tuple[gpd.GeoSeries, list[Fault]]:
    """Carry a further geometry column to EPSG:4326; `kind` is ``MultiPoint`` or ``MultiPolygon``."""
    geoms, faults = read_geometries(values)
    single = kind.removeprefix("Multi")
    found = validity.find(geoms, accepted=(single, kind))
    found = found[found["kind"] != "geometry-missing"]
    faults += [
        Fault(kind=str(kind_), row=int(values.index[row]), field=str(values.name), message=str(message))
        for row, kind_, message in found[["row", "kind", "message"]].itertuples(index=False)
    ]
    geoms[found["row"].to_numpy()] = None
    stored = crs.geometries_to_lonlat(geoms, reference)
    wrap = shapely.multipoints if single == "Point" else shapely.multipolygons
    alone = np.flatnonzero(shapely.get_type_id(stored) == shapely.GeometryType[single.upper()])
    stored[alone] = wrap(stored[alone, None])
    return gpd.GeoSeries(stored, index=values.index, crs="EPSG:4326"), faults


def _single(geoms: Objects, spec: LayerSpec) -> Objects:
    """Take a multi-point of one point for a point: some writers know no single ones."""
    result = geoms.copy()
    result[pd.isna(result)] = None
    if "Point" in spec.geometry:
        lone = (shapely.get_type_id(result) == shapely.GeometryType.MULTIPOINT) & (
            shapely.get_num_geometries(result) == 1
        )
        result[lone] = shapely.get_geometry(result[lone], 0)
    return result


def _check_extent(geoms: Objects, reference: Reference, hull: Box | None) -> list[str]:
    xy = shapely.get_coordinates(geoms)
    xy = xy[np.isfinite(xy).all(axis=1)]
    if not len(xy):
        return []
    xy = xy[:: max(1, len(xy) // _SAMPLE)]
    faults = crs.check_extent(xy[:, 0], xy[:, 1], reference, hull=hull)
    if faults:
        raise DataError(faults)
    return _suggest_datum(xy, reference, hull)


def _suggest_datum(xy: NDArray[np.float64], reference: Reference, hull: Box | None) -> list[str]:
    """Say when another datum would leave clearly fewer points outside; it can be no more than a suggestion."""
    if hull is None or not reference.geographic:
        return []
    shares = datums.hint(xy[:, 0], xy[:, 1], shapely.box(*hull))
    stated = shares.get(reference.name, shares["wgs84"])
    best = min(shares, key=lambda datum: shares[datum])
    if stated < _NOTABLE_SHARE or shares[best] > stated / 2:
        return []
    listed = ", ".join(f"{datum} {share:.1%}" for datum, share in shares.items())
    said = f"Of the points, outside the data of this deployment lie: {listed}."
    return [f"{said} Perhaps the file is {best}, not {reference.name}."]


def _checked(
    geoms: Objects,
    index: pd.Index,
    spec: LayerSpec,
    repair: bool,  # noqa: FBT001 - private
) -> tuple[Objects, list[Fault], list[Fault]]:
    """Geometries without those at fault, the faults, and what was repaired."""
    accepted = (*spec.geometry, *(f"Multi{name}" for name in spec.geometry if name == "LineString"))
    found = validity.find(geoms, accepted=accepted)
    fixed = validity.repair(geoms) if repair else geoms
    faults, repaired, result = [], [], geoms.copy()
    for row, kind, message, x, y in found.itertuples(index=False):
        mended = repair and kind == "geometry-invalid" and fixed[row] is not None and fixed[row].is_valid
        place = "" if np.isnan(x) else f" At x {x:.10g}, y {y:.10g} of the file."
        result[row] = fixed[row] if mended else None
        if mended:
            change = shapely.area(fixed[row]) - shapely.area(geoms[row])
            text = f"{message}{place} Its area changed by {change:.4g} square units of the file."
            repaired.append(Fault(kind="geometry-repaired", row=int(index[int(row)]), message=text))
        else:
            faults.append(Fault(kind=str(kind), row=int(index[int(row)]), message=f"{message}{place}"))
    return result, faults, repaired


def _unstorable(given: Objects, stored: Objects, index: pd.Index, reference: Reference) -> list[Fault]:
    """Faults that show only in EPSG:4326; their geometries become None in `stored`."""
    present = ~shapely.is_missing(given)
    bounds = shapely.bounds(stored)
    lost = present & ~np.isfinite(bounds).all(axis=1)
    lon, lat = np.abs(bounds[:, [0, 2]]).max(axis=1), np.abs(bounds[:, [1, 3]]).max(axis=1)
    swapped = present & reference.geographic & (lat > 90) & (lon <= 90) & (lat <= 180)  # noqa: PLR2004 - degrees
    beyond = present & ~swapped & (lost | (lon > 180) | (lat > 90))  # noqa: PLR2004 - degrees
    around = present & ~beyond & ~swapped & validity.crosses_antimeridian(stored)
    checked = present & ~beyond & ~swapped & ~around
    broken = np.zeros(len(stored), dtype=bool)
    broken[checked] = ~shapely.is_valid(stored[checked])
    said = {
        "coordinate-swapped": (swapped, "Latitude stands before longitude; give longitude first."),
        "coordinate-out-of-range": (beyond, "Outside the world, or the domain of the CRS."),
        "geometry-antimeridian": (around, "Spans over 180° of longitude; cut it at the 180° meridian."),
        "geometry-invalid": (broken, "Valid in the file's coordinates, but not once stored as degrees."),
    }
    faults = []
    for kind, (rows, message) in said.items():
        faults += [
            Fault(kind=kind, row=int(index[int(row)]), message=message) for row in np.flatnonzero(rows)
        ]
        stored[rows] = None
    return faults


def _as_stored(geoms: Objects, spec: LayerSpec) -> Objects:
    if "MultiPolygon" not in spec.geometry:
        return geoms
    result = geoms.copy()
    simple = shapely.get_type_id(result) == shapely.GeometryType.POLYGON
    result[simple] = shapely.multipolygons(result[simple, None])
    return result
