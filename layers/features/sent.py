"""Features that clients send: their geometry in EPSG:4326 and their values, each judged by itself, every fault told."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import orjson
import shapely
from shapely.errors import ShapelyError

from geo import crs, validity
from geo.datums import Box
from geo.faults import DataError, Fault
from layers.catalogue import Field, spec_of
from layers.features import codes
from layers.features.collections import COLLECTIONS
from layers.features.places import Place
from layers.features.properties import GEOMETRY, READ_ONLY, properties_of
from layers.imports import fields

#: What each stored type is taken from.
_TAKEN = {
    "MultiPolygon": ("Polygon", "MultiPolygon"),
    "LineString": ("LineString",),
    "Point": ("Point",),
}
#: Properties that are geometries, and of what type.
_SHAPES = {"site": "MultiPolygon", "entrances": "MultiPoint"}
_NUL = "\0"
#: Corners of one geometry and properties of one feature: to judge more would hold others up. Files may have larger ones.
MOST_CORNERS, _MOST_PROPERTIES = 50_000, 1000


@dataclass(frozen=True, slots=True)
class Sent:
    """What a client states of a feature: its geometry (None: none) and its fields (None: unset)."""

    geometry: shapely.Geometry | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)


def read(
    body: Any,  # noqa: ANN401 - JSON
    layer: str,
    place: Place,
    *,
    whole: bool,
    hull: Box | None,
) -> Sent:
    """Read a GeoJSON feature, or a merge patch of one.

    Read-only properties are left out, as clients send back what they got.

    Parameters
    ----------
    body
        Parsed JSON.
    place
        CRS of its geometry.
    whole
        Whether it is a whole feature, which has a geometry and every required value.
    hull
        Where the deployment's data lies (west, south, east, north; EPSG:4326): it catches swapped axes and a wrong
        CRS. None where nothing is known.

    Raises
    ------
    DataError
        With every fault: of a geometry with its place.
    """
    if not isinstance(body, dict) or (whole and body.get("type") != "Feature"):
        raise DataError(_wrong("body", "A GeoJSON object of the type Feature is wanted."))
    faults: list[Fault] = []
    stated = body.get("properties")
    if not isinstance(stated, dict | None):
        faults.append(_wrong("properties", "properties is an object, or null."))
    elif stated and len(stated) > _MOST_PROPERTIES:
        raise DataError(
            _wrong("properties", f"It has {len(stated)} members, of {_MOST_PROPERTIES} at the most.")
        )
    values = _values(stated if isinstance(stated, dict) else {}, layer, faults, whole=whole)
    geometry = None
    if whole or GEOMETRY in body:
        try:
            geometry = _geometry(body.get(GEOMETRY), _accepted(layer), place, hull)
        except DataError as error:
            faults += [replace(fault, field=GEOMETRY) for fault in error.faults]
    if faults:
        raise DataError([replace(fault, layer=layer) for fault in faults])
    return Sent(geometry, values)


def _accepted(layer: str) -> list[str]:
    """Types of geometry that a layer takes, in whichever of its collections: what was a point may be surveyed."""
    return [name for each in COLLECTIONS.values() if each.layer == layer for name in _TAKEN[each.geometry]]


# --- values ----------------------------------------------------------------------------------------------


def _values(stated: Mapping[str, Any], layer: str, faults: list[Fault], *, whole: bool) -> dict[str, Any]:
    known, spec = properties_of(layer), spec_of(layer)
    found: dict[str, Any] = {}
    for name, value in stated.items():
        if name in READ_ONLY:
            continue
        if name not in known:
            offered = ", ".join(each for each in known if each not in READ_ONLY)
            message = f"There is no property {name!r} in {layer}; there are: {offered}."
            faults.append(Fault(kind="field-unknown", field=name, message=message))
            continue
        try:
            found[name] = _value(value, spec.field(name), layer)
        except DataError as error:
            faults += [replace(fault, field=name) for fault in error.faults]
    for each in spec.fields:
        if each.required and (found.get(each.name) is None) and (whole or each.name in found):
            message = f"{each.zh} {each.en} is required."
            faults.append(Fault(kind="value-missing", field=each.name, message=message))
    return found


def _value(value: object, about: Field, layer: str) -> Any:  # noqa: ANN401 - of the field's kind
    if fields.is_blank(value):
        return None
    if not isinstance(value, str | int | float) or (isinstance(value, str) and _NUL in value):
        raise DataError(
            Fault(kind="value-invalid", message=f"{value!r:.80} is no text, number, true or false.")
        )
    if about.kind == "geometry":
        return _shape(value, _SHAPES[about.name])
    read: Callable[[object], object] = fields.reader(about)
    try:
        found = read(value)
    except ValueError as error:
        kind = "type-unknown" if about.name == "type" else "value-invalid"
        raise DataError(Fault(kind=kind, message=str(error))) from error
    if about.name == "code":
        codes.require_well_formed(layer, str(found))
    return found


def _shape(value: object, kind: str) -> shapely.Geometry:
    """Read a further geometry, which is WKT in EPSG:4326 whatever the CRS of the feature's own."""
    single = kind.removeprefix("Multi")
    try:
        found = shapely.from_wkt(value)
    except (ShapelyError, TypeError) as error:
        raise DataError(Fault(kind="value-invalid", message=f"It is no WKT: {error}")) from error
    _check(found, (single, kind), lambda x, y: (x, y))
    made = shapely.force_2d(found)
    if made.geom_type == kind:
        return made
    return shapely.multipoints([made]) if single == "Point" else shapely.multipolygons([made])


# --- the geometry ----------------------------------------------------------------------------------------


def _geometry(value: object, accepted: Collection[str], place: Place, hull: Box | None) -> shapely.Geometry:
    if value is None:
        raise DataError(Fault(kind="geometry-missing", message="A feature without a geometry is nowhere."))
    if not isinstance(value, dict):
        raise DataError(Fault(kind="geometry-invalid", message="A GeoJSON geometry is wanted."))
    try:
        stated = shapely.from_geojson(orjson.dumps(value))
    except (ShapelyError, TypeError, ValueError) as error:
        raise DataError(
            Fault(kind="geometry-invalid", message=f"It is no GeoJSON geometry: {error}")
        ) from error
    given = place.straight(_alone(stated, accepted))
    _check(given, accepted, place.lonlat)
    x, y = shapely.get_coordinates(given).T
    faults = crs.check_extent(x, y, place.reference, hull=hull)
    if faults:
        raise DataError(faults)
    found = place.in_degrees(given)
    _check(found, accepted, lambda x, y: (x, y))
    return shapely.multipolygons([found]) if found.geom_type == "Polygon" else found


def _alone(stated: shapely.Geometry, accepted: Collection[str]) -> shapely.Geometry:
    """Take the only part of several where one is wanted: some writers know no single ones."""
    single = stated.geom_type.removeprefix("Multi")
    if stated.geom_type in accepted or single not in accepted or shapely.get_num_geometries(stated) != 1:
        return stated
    return shapely.get_geometry(stated, 0)


def _check(
    geom: shapely.Geometry,
    accepted: Collection[str],
    in_degrees: Callable[[float, float], tuple[float, float]],
) -> None:
    """Refuse what is invalid, with the place as the client finds it on a map."""
    corners = shapely.get_num_coordinates(geom)
    if corners > MOST_CORNERS:
        message = f"It has {corners} corners, of {MOST_CORNERS} at the most: import it as a file."
        raise DataError(Fault(kind="geometry-invalid", message=message))
    found = validity.find([geom], accepted=accepted)
    for kind, message, x, y in found[["kind", "message", "x", "y"]].itertuples(index=False):
        lon, lat = in_degrees(x, y)
        if not np.isfinite([lon, lat]).all():
            raise DataError(Fault(kind=str(kind), message=str(message)))
        said = f"{message} At longitude {lon:.7f}, latitude {lat:.7f}."
        raise DataError(Fault(kind=str(kind), message=said, lon=round(lon, 7), lat=round(lat, 7)))


def _wrong(name: str, message: str) -> Fault:
    return Fault(kind="parameter-invalid", field=name, message=message)
