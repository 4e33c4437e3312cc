"""The nearest facilities on foot from a place, at one revision."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sqlalchemy.orm import Session

from geo.coverage import nearest, shares
from geo.coverage.circles import SPEEDS
from geo.crs import from_lonlat, parse
from geo.streets.access_points import SNAP_LIMIT_M, AccessPoints
from geo.streets.network import Network
from layers import store

#: Layers that the answers come from.
LAYERS = ("streets", "barriers", "facilities")

#: Why there is no nearest facility: none of the type, no street near the place, no way along streets.
REASONS = ("no-facility", "no-street", "not-connected")

_COLUMNS = ["code", "name", "type", "geometry", "site", "entrances"]


@dataclass(frozen=True, slots=True, eq=False)
class Facilities:
    """Facilities ascending by code, on the street network; immutable."""

    network: Network
    codes: npt.NDArray[np.object_]
    names: npt.NDArray[np.object_]
    types: npt.NDArray[np.object_]
    access: AccessPoints


@dataclass(frozen=True, slots=True)
class Walk:
    """The way on foot from a place to the nearest facility of a type.

    ``metres`` are along streets, with the straight ways to and from them; ``minutes`` are an adult's. Where there is
    no such way, ``reason`` is one of :data:`REASONS` and all but the type is None.
    """

    facility_type: str
    code: str | None
    name: str | None
    metres: float | None
    minutes: float | None
    reason: str | None


def load_facilities(session: Session, revision: int, network: Network) -> Facilities:
    """Read the facilities at a revision and place them on the streets of that revision."""
    frame = store.read(session, "facilities", revision, columns=_COLUMNS)
    # Of facilities equally near the lowest row is taken: the lowest code.
    frame = frame.iloc[np.argsort(frame["code"].to_numpy(dtype=object), kind="stable")]
    codes, names, types = (frame[name].to_numpy(dtype=object) for name in ("code", "name", "type"))
    return Facilities(network, codes, names, types, shares.facility_points(network, frame))


def walks(facilities: Facilities, lon: float, lat: float, facility_types: Sequence[str]) -> list[Walk]:
    """Find the nearest facility of each of some types on foot from a place, EPSG:4326."""
    network = facilities.network
    x, y = from_lonlat([lon], [lat], parse(network.metric))
    place = network.snap(x, y, limit_m=SNAP_LIMIT_M)
    kind = np.full(len(facilities.types), -1, dtype=np.int64)
    for number, facility_type in enumerate(facility_types):
        kind[facilities.types == facility_type] = number
    row, metres = nearest.by_kind(network, place, facilities.access, kind, kinds=len(facility_types))
    unjoined = "no-street" if place.edge[0] < 0 else "not-connected"
    return [
        _walk(facilities, facility_type, int(row[number]), float(metres[number]))
        if row[number] >= 0
        else no_walk(facility_type, unjoined if number in kind else "no-facility")
        for number, facility_type in enumerate(facility_types)
    ]


def no_walk(facility_type: str, reason: str) -> Walk:
    """Return the answer where there is no way, for one of :data:`REASONS`."""
    return Walk(facility_type, None, None, None, None, reason)


def _walk(facilities: Facilities, facility_type: str, row: int, metres: float) -> Walk:
    minutes = metres / SPEEDS["adult"] / 60.0
    code, name = str(facilities.codes[row]), str(facilities.names[row])
    return Walk(facility_type, code, name, round(metres, 2), round(minutes, 2), None)
