"""The nearest facility of a type on foot, at one revision."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy.orm import Session

from geo import nearest, shares
from geo.access_points import SNAP_LIMIT_M
from geo.circles import SPEEDS
from geo.crs import from_lonlat, parse
from geo.nearest import Nearest
from geo.network import Network
from layers import store

#: Layers that the answers come from.
LAYERS = ("streets", "facilities")

#: Why there is no nearest facility: none of the type, no street near the place, no way along streets.
REASONS = ("no-facility", "no-street", "not-connected")


@dataclass(frozen=True, slots=True)
class Facilities:
    """The facilities of one type, ascending by code, and the ways to them; immutable."""

    facility_type: str
    codes: Sequence[str]
    names: Sequence[str]
    ways: Nearest


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


def load_facilities(session: Session, revision: int, network: Network, facility_type: str) -> Facilities:
    """Read the facilities of a type at a revision, and search the streets of that revision from all of them."""
    frame = store.read(
        session,
        "facilities",
        revision,
        columns=["code", "name", "geometry", "site", "entrances"],
        where=store.table("facilities").c.type == facility_type,
    )
    # Of facilities equally near the lowest row is taken: the lowest code.
    frame = frame.iloc[np.argsort(frame["code"].to_numpy(dtype=object), kind="stable")]
    ways = nearest.build(network, shares.facility_points(network, frame))
    return Facilities(facility_type, frame["code"].to_list(), frame["name"].to_list(), ways)


def walk(facilities: Facilities, lon: float, lat: float) -> Walk:
    """Find the nearest facility on foot from a place, EPSG:4326, as :mod:`geo.reach` measures ways."""
    network = facilities.ways.network
    x, y = from_lonlat([lon], [lat], parse(network.metric))
    start = network.snap(x, y, limit_m=SNAP_LIMIT_M)
    row, metres = facilities.ways.walks(start)
    if row[0] < 0:
        unjoined = "no-street" if start.edge[0] < 0 else "not-connected"
        return no_walk(facilities.facility_type, unjoined if facilities.codes else "no-facility")
    return Walk(
        facilities.facility_type,
        facilities.codes[row[0]],
        facilities.names[row[0]],
        round(float(metres[0]), 2),
        round(float(metres[0]) / SPEEDS["adult"] / 60.0, 2),
        None,
    )


def no_walk(facility_type: str, reason: str) -> Walk:
    """Return the answer where there is no way, for one of :data:`REASONS`."""
    return Walk(facility_type, None, None, None, None, reason)
