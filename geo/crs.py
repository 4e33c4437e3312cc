"""Datums and coordinate reference systems: every coordinate that enters is turned into EPSG:4326 here.

Coordinates are *x, y* in traditional GIS order whatever the authority says: easting, northing or longitude,
latitude. EPSG:4490 (CGCS2000) is taken as equal to EPSG:4326; they differ by less than what any survey in a
city resolves. PROJ's network is off, so an answer never depends on what can be downloaded.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from pyproj import CRS, Transformer, network
from pyproj.exceptions import CRSError, ProjError

from geo.datums import (
    Box,
    Conversion,
    Floats,
    bd09_to_wgs84,
    gcj02_to_wgs84,
    grown_box,
    inside_box,
    unchanged,
    wgs84_to_bd09,
    wgs84_to_gcj02,
)
from geo.faults import DataError, Fault

Geometries = NDArray[np.object_]

network.set_network_enabled(active=False)  # type: ignore[attr-defined]  # re-exported without __all__

#: Datums with a name of their own; all take longitude, latitude in degrees.
DATUMS = ("wgs84", "cgcs2000", "gcj02", "bd09")

#: Where CGCS2000 zones are used: lon min, lat min, lon max, lat max.
CHINA = (73.0, 3.0, 136.0, 54.5)
_ZONES = range(25, 46)
_WORLD = (-180.0, -90.0, 180.0, 90.0)
_LARGEST_DEG = 360.0
_METRE_DEG = 1e-5
# A neighbouring district may lie this far from what is already there; a 3° zone is used a little past its edge.
_NEAR_DEG = 1.0
_MOST = 0.5
_WRONG = {
    "coordinate-not-a-number": "is not a finite number",
    "coordinate-swapped": "has latitude before longitude; give longitude first",
    "coordinate-out-of-range": "does not exist in {}",
}
_LONGEST_TEXT = 20_000
_CGCS2000_NAMES = re.compile(r"china[ _]?2000|cgcs[ _]?2000|china geodetic coordinate system", re.IGNORECASE)
_CRS_TEXT = re.compile(r"^(\+|\{|[a-z]+:|urn:|https?://)|\[", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Reference:
    """What coordinates mean: a datum or a coordinate reference system.

    Parameters
    ----------
    name
        What replies and reports echo: a datum of :data:`DATUMS`, ``EPSG:4547``, the name of a local CRS, or
        the CRS's own name.
    definition
        The datum's name, or text that PROJ understands (WKT, or a pipeline from local x, y to lon, lat).
    geographic
        Whether x, y are degrees of longitude and latitude.
    """

    name: str
    definition: str
    geographic: bool


WGS84 = Reference("wgs84", "wgs84", geographic=True)


def parse(reference: str | int | None, *, local: Mapping[str, str] | None = None) -> Reference:
    """Understand a stated datum or CRS.

    Parameters
    ----------
    reference
        ``wgs84``, ``cgcs2000``, ``gcj02``, ``bd09``; an EPSG code (``EPSG:4547`` or ``4547``); WKT (a .prj
        file's text), a PROJ string, PROJJSON, an OGC URN or URL; or a name in `local`.
    local
        Named local CRSs: name to WKT, PROJ string, or a PROJ pipeline from local x, y to lon, lat.

    Raises
    ------
    DataError
        ``datum-missing`` when nothing is stated; ``datum-unknown`` when it cannot be understood or is not a
        two-dimensional CRS; ``datum-ballpark`` when PROJ knows no operation of known accuracy to EPSG:4326.
    """
    text = str(reference).strip() if reference is not None else ""
    if not text:
        raise DataError(
            Fault(
                kind="datum-missing",
                message=f"State the datum or CRS: one of {', '.join(DATUMS)}, or an EPSG code such as EPSG:4547.",
            )
        )
    if local and text in local:
        return _parse_crs(local[text].strip(), text)
    plain = re.sub(r"[\s_-]", "", text).lower()
    if plain in DATUMS:
        return Reference(plain, plain, geographic=True)
    if plain == "crs84":
        return WGS84
    return _parse_crs(_as_crs_text(text), None)


def _as_crs_text(text: str) -> str:
    """Spell old and short forms of a CRS so that PROJ takes them without guessing from a name."""
    code = re.fullmatch(r"(?:(?:\+init=)?epsg:)?(\d{4,6})", text, re.IGNORECASE)
    if code:
        return f"EPSG:{code[1]}"
    if not _CRS_TEXT.search(text) or len(text) > _LONGEST_TEXT:
        raise _unknown(text)
    return text


def _unknown(text: str, why: str = "") -> DataError:
    shown = text if len(text) <= 80 else text[:77] + "..."  # noqa: PLR2004 - what fits on a line
    return DataError(
        Fault(
            kind="datum-unknown",
            message=(
                f"{shown!r} is not a known datum or CRS{why and ': ' + why}. Use one of {', '.join(DATUMS)}, "
                "an EPSG code such as EPSG:4547, a .prj/WKT or PROJ text, or the name of a configured local CRS."
            ),
        )
    )


@lru_cache(maxsize=256)
def _parse_crs(text: str, name: str | None) -> Reference:
    if name is not None and "+proj=pipeline" in text:
        parsed = Reference(name, text, geographic=False)
        _pipeline(text)
        return parsed
    try:
        crs = CRS.from_user_input(text)
    except CRSError as error:
        raise _unknown(name or text) from error
    if len(crs.axis_info) == 3 or crs.is_compound:  # noqa: PLR2004 - dimensions
        crs = crs.to_2d()
    if crs.is_compound or not (crs.is_geographic or crs.is_projected):
        raise _unknown(name or text, "it is neither a geographic nor a projected CRS")
    authority = crs.to_authority(min_confidence=100)
    parsed = Reference(
        name or (":".join(authority) if authority else _spoken_name(crs)),
        crs.to_wkt(),
        geographic=crs.is_geographic,
    )
    _transformer(parsed.definition)
    return parsed


def _spoken_name(crs: CRS) -> str:
    """Name a CRS for reports; libraries write "unknown" where they mean that nobody named it."""
    operation = crs.coordinate_operation
    return f"unnamed CRS ({operation.name})" if crs.name == "unknown" and operation else str(crs.name)


@lru_cache(maxsize=256)
def _pipeline(text: str) -> Transformer:
    try:
        return Transformer.from_pipeline(text)
    except ProjError as error:
        raise _unknown(text, "PROJ refuses this pipeline") from error


@lru_cache(maxsize=256)
def _transformer(definition: str) -> Transformer:
    """From a CRS to lon, lat. pyproj keeps one PROJ object a thread, so the cached transformer is shared."""
    crs = CRS.from_user_input(definition)
    base = crs.geodetic_crs
    datum = f"{base.name} {base.datum.name if base.datum else ''}" if base else ""
    target = "EPSG:4490" if _CGCS2000_NAMES.search(datum) and not crs.is_bound else "EPSG:4326"
    try:
        return Transformer.from_crs(_with_registered_base(crs), target, always_xy=True, allow_ballpark=False)
    except ProjError as error:
        raise DataError(
            Fault(
                kind="datum-ballpark",
                message=(
                    f"{crs.name}: no transformation of known accuracy from its datum ({datum.strip()}) to "
                    "WGS84/CGCS2000. Configure a named local CRS with the parameters of your survey office "
                    "(+towgs84=0,0,0 says that the datum equals WGS84/CGCS2000)."
                ),
            )
        ) from error


def _with_registered_base(crs: CRS) -> CRS:
    """Give a CRS whose datum is CGCS2000 under another spelling (an ESRI .prj) the registered datum."""
    base = crs.geodetic_crs
    if base is None or crs.is_bound or not _CGCS2000_NAMES.search(f"{base.name} {base.datum}"):
        return crs
    if crs.is_geographic:
        return CRS.from_epsg(4490)
    parts = crs.to_json_dict()
    parts["base_crs"] = CRS.from_epsg(4490).to_json_dict()
    return CRS.from_json_dict(parts)


def to_lonlat(x: ArrayLike, y: ArrayLike, reference: Reference) -> tuple[Floats, Floats]:
    """Longitude and latitude (EPSG:4326, degrees) of points.

    Parameters
    ----------
    x, y
        Easting and northing, or longitude and latitude; arrays of one shape.
    reference
        What they mean.

    Returns
    -------
    lon, lat
        New float64 arrays; NaN where a point is not finite or lies outside the CRS's domain.
    """
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    return _convert(_INVERSES, reference, "forward")(x, y)


def from_lonlat(lon: ArrayLike, lat: ArrayLike, reference: Reference) -> tuple[Floats, Floats]:
    """Points of EPSG:4326 in another datum or CRS; the inverse of :func:`to_lonlat`."""
    lon, lat = np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)
    return _convert(_FORWARDS, reference, "inverse")(lon, lat)


def geometries_to_lonlat(geoms: ArrayLike, reference: Reference) -> Geometries:
    """Geometries in EPSG:4326, in two dimensions, from `reference`; see :func:`to_lonlat`."""
    return _transform(geoms, lambda x, y: to_lonlat(x, y, reference))


def geometries_from_lonlat(geoms: ArrayLike, reference: Reference) -> Geometries:
    """Geometries of EPSG:4326 in `reference`, in two dimensions; see :func:`from_lonlat`."""
    return _transform(geoms, lambda lon, lat: from_lonlat(lon, lat, reference))


def to_metric(geoms: ArrayLike, metric: str) -> Geometries:
    """Geometries of EPSG:4326 in metres of the deployment's metric CRS, such as ``EPSG:4547``."""
    return geometries_from_lonlat(geoms, parse(metric))


def from_metric(geoms: ArrayLike, metric: str) -> Geometries:
    """Geometries in metres of the metric CRS, in EPSG:4326; the inverse of :func:`to_metric`."""
    return geometries_to_lonlat(geoms, parse(metric))


def agree(one: Reference, other: Reference) -> bool:
    """Whether coordinates mean the same places in both, to a metre, in the middle of the area of use of `one`."""
    west, south, east, north = _area_of_use(one)
    lon, lat = np.array([(west + east) / 2]), np.array([(south + north) / 2])
    x, y = from_lonlat(lon, lat, one)
    back = to_lonlat(x, y, other)
    return bool(np.allclose(back, (lon, lat), rtol=0, atol=_METRE_DEG))


def choose_metric(lon: ArrayLike, lat: ArrayLike) -> str:
    """Pick the metric CRS of a deployment from the extent of its first layer.

    Inside China the CGCS2000 3° zone with central meridian (EPSG:4534 to 4554) nearest to the middle of the
    extent, elsewhere its UTM zone on WGS84. The answer must be stored: a city that straddles a zone border
    gets another zone from another layer.

    Raises
    ------
    DataError
        ``coordinate-missing`` when no point is finite.
    """
    lon, lat = np.asarray(lon, dtype=np.float64).ravel(), np.asarray(lat, dtype=np.float64).ravel()
    finite = np.isfinite(lon) & np.isfinite(lat)
    if not finite.any():
        raise DataError(
            Fault(kind="coordinate-missing", message="No coordinate to choose a metric CRS from.")
        )
    x, y = ((values[finite].min() + values[finite].max()) / 2 for values in (lon, lat))
    if inside_box(np.array(x), np.array(y), CHINA):
        return f"EPSG:{4509 + round(x / 3)}"
    zone = min(int((x + 180) // 6) + 1, 60)
    return f"EPSG:{(32600 if y >= 0 else 32700) + zone}"


# --- checks ----------------------------------------------------------------------------------------------


def coordinate_faults(x: ArrayLike, y: ArrayLike, reference: Reference = WGS84) -> list[Fault]:
    """Points that cannot be used, one fault each, with ``row`` counted from 1.

    Kinds: ``coordinate-not-a-number`` (NaN or infinite), ``coordinate-swapped`` (degrees that make sense only
    the other way round), ``coordinate-out-of-range`` (no such longitude or latitude, or outside the domain of
    the CRS). Nothing is said of points that are merely elsewhere; see :func:`check_extent`.
    """
    x, y = np.asarray(x, dtype=np.float64).ravel(), np.asarray(y, dtype=np.float64).ravel()
    finite = np.isfinite(x) & np.isfinite(y)
    if reference.geographic:
        outside = finite & ~inside_box(x, y, _WORLD)
        swapped = finite & _swapped(x, y, reference)
    else:
        outside = finite & ~np.isfinite(to_lonlat(x, y, reference)[0])
        swapped = np.zeros(x.shape, dtype=bool)
    bad = np.flatnonzero(~finite | swapped | outside)
    kinds = np.select([~finite[bad], swapped[bad], outside[bad]], list(_WRONG), "")
    return [
        Fault(
            kind=kind,
            row=int(i) + 1,
            message=f"({x[i]:.10g}, {y[i]:.10g}) {_WRONG[kind].format(reference.name)}.",
        )
        for i, kind in zip(bad, kinds.tolist(), strict=True)
    ]


def _swapped(x: Floats, y: Floats, reference: Reference) -> NDArray[np.bool_]:
    """Whether x, y can only be latitude, longitude; datums of China tell also by lying in China when swapped."""
    swapped = ~inside_box(x, y, _WORLD) & inside_box(y, x, _WORLD)
    if reference.name in DATUMS[1:]:
        swapped |= inside_box(y, x, CHINA) & ~inside_box(x, y, CHINA)
    return swapped


def check_extent(x: ArrayLike, y: ArrayLike, reference: Reference, *, hull: Box | None = None) -> list[Fault]:
    """Whether most of a file's points can be what `reference` says; ``datum-contradicted`` faults if not.

    Catches degrees taken for metres and metres for degrees, swapped axes, a wrong zone, and a datum of China
    stated elsewhere. It cannot tell WGS84 from GCJ-02 or BD-09, which differ by under 1.1 km: see
    :func:`geo.datums.hint`. Without `hull` a projected CRS without zone prefix is checked against its own area of
    use only, so a neighbouring zone passes.

    Parameters
    ----------
    x, y
        Finite coordinates as they stand in the file.
    hull
        Where the deployment's data lies: lon min, lat min, lon max, lat max. Then most points must lie within
        one degree of it.
    """
    x, y = np.asarray(x, dtype=np.float64).ravel(), np.asarray(y, dtype=np.float64).ravel()
    if not len(x) or _fits(x, y, reference, hull):
        return []
    return [
        Fault(
            kind="datum-contradicted",
            message=(
                f"x {np.median(x):.10g}, y {np.median(y):.10g} (medians) cannot be {reference.name}"
                f"{' near the data of this deployment' if hull else ''}; {_likely(x, y, reference, hull)}."
            ),
        )
    ]


def _fits(x: Floats, y: Floats, reference: Reference, hull: Box | None) -> bool:
    """Whether at least half of the points land where they may."""
    if reference.geographic and np.mean(inside_box(x, y, _WORLD)) < _MOST:
        return False
    lon, lat = to_lonlat(x, y, reference)
    place = grown_box(hull, _NEAR_DEG) if hull else _area_of_use(reference)
    return float(np.mean(inside_box(lon, lat, place))) >= _MOST


def _area_of_use(reference: Reference) -> Box:
    """Where a reference is meant to be used, generously."""
    if reference.definition in DATUMS:
        return _WORLD if reference.name == "wgs84" else grown_box(CHINA, _NEAR_DEG)
    if "+proj=pipeline" in reference.definition:
        return _WORLD
    area = CRS.from_user_input(reference.definition).area_of_use
    if area is None or area.west > area.east:
        return _WORLD
    return grown_box((area.west, area.south, area.east, area.north), _NEAR_DEG)


def _likely(x: Floats, y: Floats, reference: Reference, hull: Box | None) -> str:
    """Say what the coordinates probably are."""
    for order, a, b in (("", x, y), (" with swapped axes", y, x)):
        for name in _candidates(a, hull):
            if _fits(a, b, parse(name), hull or CHINA):
                return f"they are probably {name}{order}"
    if hull and _fits(x, y, reference, None):
        return "they may be, but then of another place: another city belongs in a database of its own"
    if min(np.median(np.abs(x)), np.median(np.abs(y))) > _LARGEST_DEG:
        return "they are metres: state the zone, by central meridian EPSG:4534 (75°E) to EPSG:4554 (135°E)"
    if np.mean(inside_box(x, y, _WORLD)) >= _MOST:
        return "they are probably degrees, wgs84"
    return "ask where the file comes from"


def _candidates(x: Floats, hull: Box | None) -> list[str]:
    """Name references worth trying: degrees, the zone an easting's prefix names, the zones around the place."""
    names = ["wgs84"]
    prefix = int(np.median(x) // 1e6)
    if prefix in _ZONES:
        names.append(f"EPSG:{4488 + prefix}")
    if hull:
        west, south, east, north = hull
        lon, lat = np.array([(west + east) / 2]), np.array([(south + north) / 2])
        zones = [round(float(lon[0]) / 3) + step for step in (0, -1, 1)]
        names += [choose_metric(lon, lat), *(f"EPSG:{4509 + zone}" for zone in zones if zone in _ZONES)]
    return names


# --- conversions -----------------------------------------------------------------------------------------


def _convert(datums: Mapping[str, Conversion], reference: Reference, direction: str) -> Conversion:
    if reference.definition in datums:
        return datums[reference.definition]
    pipeline = "+proj=pipeline" in reference.definition
    transformer = (_pipeline if pipeline else _transformer)(reference.definition)

    def convert(x: Floats, y: Floats) -> tuple[Floats, Floats]:
        a, b = transformer.transform(x, y, direction=direction.upper())
        a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
        bad = ~(np.isfinite(a) & np.isfinite(b))
        return np.where(bad, np.nan, a), np.where(bad, np.nan, b)

    return convert


def _transform(geoms: ArrayLike, convert: Conversion) -> Geometries:
    flat = shapely.force_2d(np.asarray(geoms, dtype=object))
    return np.asarray(shapely.transform(flat, convert, interleaved=False), dtype=object)


_INVERSES: dict[str, Conversion] = {
    "wgs84": unchanged,
    "cgcs2000": unchanged,
    "gcj02": gcj02_to_wgs84,
    "bd09": bd09_to_wgs84,
}
_FORWARDS: dict[str, Conversion] = {
    "wgs84": unchanged,
    "cgcs2000": unchanged,
    "gcj02": wgs84_to_gcj02,
    "bd09": wgs84_to_bd09,
}
