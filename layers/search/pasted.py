"""What pasted coordinates may mean: a datum is asked for, never guessed, so each one's place is shown."""

from dataclasses import dataclass

from geo import crs
from geo.crs import Reference
from layers import located
from layers.located import Area, Areas
from layers.search.coordinates import Pasted

#: Datums that somebody in China may have copied from; ``wgs84`` stands for ``cgcs2000`` too.
DATUMS = ("wgs84", "gcj02", "bd09")


@dataclass(frozen=True, slots=True)
class Reading:
    """A place that pasted coordinates mean in one datum or CRS, EPSG:4326, with the area it lies in."""

    datum: str
    lon: float
    lat: float
    area: Area | None
    path: tuple[Area, ...]
    rule: str
    distance_m: float | None
    margin_m: float | None


def readings(pasted: Pasted, areas: Areas, reference: Reference | None = None) -> tuple[list[Reading], bool]:
    """Return what coordinates mean, and whether they were swapped for that: latitude came first.

    They are swapped where the text does not say which is which, and they make sense only the other way round:
    as degrees at all, or as a place in some area.

    Parameters
    ----------
    reference
        The datum or CRS that was stated; without one, each of :data:`DATUMS` is tried. None of them is, where
        the numbers are no degrees: metres mean nothing without their CRS.
    """
    references = [reference] if reference else [crs.parse(datum) for datum in DATUMS]
    stated = _in_all(pasted.x, pasted.y, references, areas)
    if pasted.marked or any(reading.area for reading in stated):
        return stated, False
    swapped = _in_all(pasted.y, pasted.x, references, areas)
    if any(reading.area for reading in swapped) or (swapped and not stated):
        return swapped, True
    return stated, False


def _in_all(x: float, y: float, references: list[Reference], areas: Areas) -> list[Reading]:
    usable = [one for one in references if not crs.coordinate_faults([x], [y], one)]
    return [_in_one(x, y, reference, areas) for reference in usable]


def _in_one(x: float, y: float, reference: Reference, areas: Areas) -> Reading:
    lon, lat = crs.to_lonlat([x], [y], reference)
    assigned = areas.index.assign(lon, lat, margin=True)
    path = areas.path(int(assigned.area[0]))
    return Reading(
        datum=reference.name,
        lon=float(lon[0]),
        lat=float(lat[0]),
        area=path[-1] if path else None,
        path=path,
        rule=str(assigned.rule_name[0]),
        distance_m=located.number(assigned.distance_m[0]),
        margin_m=located.number(assigned.margin_m[0]),
    )
