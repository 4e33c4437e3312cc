"""The coordinate reference systems that the tree reads and writes."""

from geo.faults import DataError, Fault
from layers.deployment import Deployment
from layers.features.places import Place

_EPSG = "http://www.opengis.net/def/crs/EPSG/0/"
#: Longitude before latitude: what holds where a request names no CRS, and what is stored.
CRS84 = Place("http://www.opengis.net/def/crs/OGC/1.3/CRS84", "OGC:CRS84")


def offered(deployment: Deployment | None) -> dict[str, Place]:
    """Return the systems by URI: CRS84, WGS 84, CGCS2000, the deployment's metric one, web maps'."""
    metric = [deployment.metric_crs] if deployment else []
    authorities = dict.fromkeys(["EPSG:4326", "EPSG:4490", *metric, "EPSG:3857"])
    places = [Place(_EPSG + name.removeprefix("EPSG:"), name) for name in authorities]
    return {place.uri: place for place in (CRS84, *places)}


def stated(uri: str | None, known: dict[str, Place], *, field: str) -> Place:
    """Return the system of a URI; CRS84 where none is stated.

    Raises
    ------
    DataError
        On `field`, for one that is not offered.
    """
    if uri is None:
        return CRS84
    if uri not in known:
        message = f"{uri!r:.80} is not offered; there are: {', '.join(known)}."
        raise DataError(Fault(kind="parameter-invalid", field=field, message=message))
    return known[uri]
