"""What a scenario may change in a city, and what can be wrong with that."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import shapely

from geo.coverage import circles
from geo.coverage.city import City
from geo.coverage.table import type_faults
from geo.crs import to_metric
from geo.faults import Fault
from geo.streets.network import SLOWEST_FACTOR

#: A place farther than this from every street and compound, in metres, is not in the city.
OUTSIDE_M = 2000.0

#: Walking speeds that people have, in metres a second.
SPEEDS_M_S = (0.2, 3.0)

#: Most changes of one scenario, and most points of a new street.
MOST_CHANGES, MOST_POINTS = 200, 500
_LEAST_POINTS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class AddFacility:
    """A facility where there was none, EPSG:4326."""

    facility_type: str
    lon: float
    lat: float
    name: str = ""
    capacity: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveFacility:
    """A facility (by code) at another place; its gates and its site stay behind."""

    facility: str
    lon: float
    lat: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseFacility:
    """A facility (by code) that serves nobody any more."""

    facility: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AddEntrance:
    """One more gate to a compound (by code) whose gates are known."""

    compound: str
    lon: float
    lat: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AddStreet:
    """A new path or bridge along points (longitude, latitude); see :mod:`geo.streets.joining` for what it joins."""

    points: tuple[tuple[float, float], ...]
    bridge: bool = False
    tunnel: bool = False
    steps: bool = False

    def shape(self) -> shapely.LineString:
        """The line, EPSG:4326."""
        return shapely.LineString(self.points)

    def columns(self) -> dict[str, object]:
        """Columns of a street: a bridge runs above the ground, a tunnel below."""
        level = int(self.bridge) - int(self.tunnel)
        return {"bridge": self.bridge, "tunnel": self.tunnel, "steps": self.steps, "level": level}


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowStreets:
    """Streets of a kind, or all ``steps``, where a metre costs ``factor`` metres of level street."""

    kind: str
    factor: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkingSpeed:
    """The people of a profile walk at another speed."""

    profile: str
    metres_per_second: float


Change: TypeAlias = (
    AddFacility | MoveFacility | CloseFacility | AddEntrance | AddStreet | SlowStreets | WalkingSpeed
)

#: Every kind of change by its word.
KINDS: dict[str, type[Change]] = {
    "add_facility": AddFacility,
    "move_facility": MoveFacility,
    "close_facility": CloseFacility,
    "add_entrance": AddEntrance,
    "add_street": AddStreet,
    "slow_streets": SlowStreets,
    "walking_speed": WalkingSpeed,
}
_WORDS = {kind: word for word, kind in KINDS.items()}


def as_record(change: Change) -> dict[str, Any]:
    """Write a change for storing: its word as ``change``, and its fields."""
    return {"change": _WORDS[type(change)], **asdict(change)}


def from_record(record: dict[str, Any]) -> Change:
    """Read what :func:`as_record` wrote, also after it became JSON."""
    kind = KINDS[record["change"]]
    stated = {each.name: record[each.name] for each in fields(kind) if each.name in record}
    if "points" in stated:
        stated["points"] = tuple((float(lon), float(lat)) for lon, lat in stated["points"])
    return kind(**stated)


def places(change: Change) -> list[tuple[float, float]]:
    """Longitudes and latitudes that a change names."""
    if isinstance(change, AddStreet):
        return list(change.points)
    if isinstance(change, AddFacility | MoveFacility | AddEntrance):
        return [(change.lon, change.lat)]
    return []


def placed(change: Change, at: Sequence[tuple[float, float]]) -> Change:
    """Return the change at other places; as many as :func:`places` has."""
    if isinstance(change, AddStreet):
        return replace(change, points=tuple(at))
    if isinstance(change, AddFacility | MoveFacility | AddEntrance):
        return replace(change, lon=at[0][0], lat=at[0][1])
    return change


def standing_places(city: City, change: Change) -> list[tuple[float, float]]:
    """Longitudes and latitudes of what stands now and is changed: a facility, or a compound."""
    if isinstance(change, MoveFacility | CloseFacility):
        frame, code = city.facilities, change.facility
    elif isinstance(change, AddEntrance):
        frame, code = city.compounds, change.compound
    else:
        return []
    shapes = frame.geometry.to_numpy()[frame["code"].to_numpy() == code]
    return [(point.x, point.y) for point in shapely.point_on_surface(shapes)]


def faults(city: City, changes: Sequence[Change]) -> list[Fault]:
    """List everything that is wrong with all changes; ``field`` says with which, counted from 0: ``changes[2].kind``."""
    found = []
    if not 1 <= len(changes) <= MOST_CHANGES:
        message = f"{len(changes)} changes: state 1 to {MOST_CHANGES}."
        found.append(Fault(kind="parameter-invalid", field="changes", message=message))
    outside = _Outside(city)
    known = _Known(city)
    closed: set[str] = set()
    for number, change in enumerate(changes):
        found += _at(number, [*outside.faults(change), *known.faults(change)])
        if isinstance(change, CloseFacility | MoveFacility):
            if change.facility in closed:
                message = f"Facility {change.facility!r} is closed by an earlier change."
                found += _at(number, [("facility", Fault(kind="parameter-invalid", message=message))])
            if isinstance(change, CloseFacility):
                closed.add(change.facility)
    return found


_Named: TypeAlias = tuple[str, Fault]


def _at(number: int, named: Sequence[_Named]) -> list[Fault]:
    return [Fault(**{**asdict(fault), "field": f"changes[{number}].{name}"}) for name, fault in named]


class _Outside:
    """Tells which places are not in the city."""

    def __init__(self, city: City) -> None:
        self._metric = city.network.metric
        network = city.network
        low = np.array([network.x.min(), network.y.min()]) - OUTSIDE_M
        high = np.array([network.x.max(), network.y.max()]) + OUTSIDE_M
        self._box = shapely.box(*low, *high)

    def faults(self, change: Change) -> Iterator[_Named]:
        """Name a place that no coordinates are, or that lies outside."""
        name = "points" if isinstance(change, AddStreet) else "lon"
        stated = np.array(places(change), dtype=np.float64).reshape(-1, 2)
        sound = (np.abs(stated) <= [180.0, 90.0]).all(axis=1)
        if not sound.all():
            lon, lat = stated[~sound][0]
            message = f"{lon:g}, {lat:g} is no longitude and latitude."
            yield name, Fault(kind="coordinate-out-of-range", message=message)
            return
        metric = to_metric(shapely.points(stated), self._metric)
        for (lon, lat), point in zip(stated.tolist(), metric, strict=True):
            if not (shapely.is_valid(point) and shapely.intersects(self._box, point)):
                message = f"{lon:.6f}, {lat:.6f} lies outside the city: over {OUTSIDE_M / 1000:.0f} km from its streets."
                yield name, Fault(kind="outside-parent", message=message, lon=lon, lat=lat)
                return


class _Known:
    """Tells which words of changes name nothing."""

    def __init__(self, city: City) -> None:
        self._types = city.types
        self._facilities = pd.Index(city.facilities["code"])
        self._compounds = pd.Index(city.compounds["code"])
        self._gates = city.compounds["entrances"].to_numpy(dtype=object)

    def faults(self, change: Change) -> Iterator[_Named]:
        """Name what does not exist, and what cannot be."""
        match change:
            case AddFacility():
                unknown = type_faults([change.facility_type], self._types, field="facility_type")
                yield from (("facility_type", fault) for fault in unknown)
                if change.capacity is not None and change.capacity < 0:
                    yield "capacity", _invalid(f"A capacity of {change.capacity} is below 0.")
            case MoveFacility() | CloseFacility():
                if change.facility not in self._facilities:
                    yield "facility", _invalid(f"There is no facility with the code {change.facility!r}.")
            case AddEntrance():
                yield from self._compound(change)
            case AddStreet():
                yield from _line(change)
            case SlowStreets():
                if not 1.0 <= change.factor <= SLOWEST_FACTOR:
                    yield "factor", _invalid(f"A factor of {change.factor:g}: use 1 to {SLOWEST_FACTOR:g}.")
            case WalkingSpeed():
                yield from _speed(change)

    def _compound(self, change: AddEntrance) -> Iterator[_Named]:
        if change.compound not in self._compounds:
            yield "compound", _invalid(f"There is no compound with the code {change.compound!r}.")
            return
        gates = self._gates[self._compounds.get_loc(change.compound)]
        if gates is None or shapely.is_empty(gates):
            message = (
                f"No gate of the compound {change.compound!r} is known, so it counts as open all along its border, "
                "and one more changes nothing: import its gates first."
            )
            yield "compound", _invalid(message)


def _line(change: AddStreet) -> Iterator[_Named]:
    if not _LEAST_POINTS <= len(change.points) <= MOST_POINTS:
        message = f"A street of {len(change.points)} points: draw it with {_LEAST_POINTS} to {MOST_POINTS}."
        yield "points", Fault(kind="geometry-invalid", message=message)
    elif len(set(change.points)) < _LEAST_POINTS:
        yield "points", Fault(kind="geometry-invalid", message="All points of the street are the same.")
    if change.bridge and change.tunnel:
        yield "tunnel", _invalid("A street is a bridge or a tunnel, not both.")


def _speed(change: WalkingSpeed) -> Iterator[_Named]:
    if change.profile not in circles.SPEEDS:
        known = ", ".join(circles.SPEEDS)
        yield "profile", _invalid(f"{change.profile!r} has no speed; use {known}.")
    slowest, quickest = SPEEDS_M_S
    if not slowest <= change.metres_per_second <= quickest:
        message = f"{change.metres_per_second:g} m/s is no walking speed: use {slowest:g} to {quickest:g}."
        yield "metres_per_second", _invalid(message)


def _invalid(message: str) -> Fault:
    return Fault(kind="parameter-invalid", message=message)
