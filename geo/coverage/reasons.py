"""Why some compounds and facilities do not count as they seem to: one fault each, with the place and the reason."""

from typing import TypeAlias

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from geo import homes
from geo.coverage.city import City
from geo.faults import Fault
from geo.streets.access_points import SNAP_LIMIT_M, AccessPoints
from geo.streets.network import Network

Bools: TypeAlias = npt.NDArray[np.bool_]
Ints: TypeAlias = npt.NDArray[np.int64]
Objects: TypeAlias = npt.NDArray[np.object_]

#: Why there is no way on foot: no street near the compound; only streets of an island; no facility of the type; or no
#: street leads to one.
NO_WAY = ("no-street", "island", "no-facility", "not-connected")

_FAR = f"No street within {SNAP_LIMIT_M:.0f} m of its {{places}}: {{advice}}."
_ISLAND = (
    f"Of the streets within {SNAP_LIMIT_M:.0f} m of its {{places}} none is joined to the street network: join "
    "them, or {advice}."
)


_WORDS = {
    "compounds": {
        "places": "entrances or border",
        "advice": "join it to the streets, or survey its gates",
    },
    "facilities": {
        "places": "entrances, site or point",
        "advice": "it serves nobody until its entrance is surveyed",
    },
}


def of_compounds(city: City, *, by_street: bool, weight: str) -> list[Fault]:
    """List the compounds that are joined to no street, lie in no area, or have no weight.

    Parameters
    ----------
    by_street
        Whether streets are asked about at all.
    weight
        What compounds count as.
    """
    compounds = city.compounds
    faults = _unreachable(city, "compounds", ~city.demand.reachable) if by_street else []
    message = "Lies in no area, so it counts for none."
    faults += _about(compounds, city.unlinked, "compounds", "outside-parent", message)
    if weight in homes.COUNTS:
        source = homes.sources(compounds, weight)
        message = f"The number of {weight} is not known and counts as 0."
        faults += _about(compounds, source == "none", "compounds", "value-missing", message)
        message = f"The number of {weight} is the sum of its buildings, of which some state none."
        faults += _about(compounds, source == "buildings-part", "compounds", "value-missing", message)
    return faults


def of_facilities(city: City, types: npt.NDArray[np.int64]) -> list[Fault]:
    """List the facilities of some types that are joined to no street, and so serve nobody who walks."""
    asked = np.isin(city.supply.type, types)
    return _unreachable(city, "facilities", asked & ~city.supply.points.reachable)


def of_no_way(city: City, types: Ints) -> Objects:
    """(compounds, types) why no way leads from a compound to a facility of a type, of :data:`NO_WAY`, if none does."""
    words = np.where(np.isin(types, city.supply.type), "not-connected", "no-facility").astype(object)
    found = np.tile(words, (city.demand.features, 1))
    apart = ~city.demand.reachable
    island = on_island(city.network, city.demand, apart)
    found[apart] = np.where(island[apart], "island", "no-street")[:, None]
    return found


def of_facility(city: City, row: int) -> list[Fault]:
    """Tell of one facility, by its row, that it is joined to no street; nothing where it is."""
    return _unreachable(
        city, "facilities", (np.arange(len(city.facilities)) == row) & ~city.supply.points.reachable
    )


def of_network(city: City) -> list[Fault]:
    """Tell that the streets are another place's: there are some, and none is near anything of the city."""
    if city.demand.reachable.any() or city.supply.points.reachable.any():
        return []
    middle = shapely.centroid(shapely.union_all(shapely.centroid(city.compounds.geometry.to_numpy())))
    message = (
        f"None of {len(city.compounds)} compounds and {len(city.facilities)} facilities has a street within "
        f"{SNAP_LIMIT_M:.0f} m: these are streets of another place. Import those of this one, and check their datum."
    )
    return [Fault(kind="snapped-far", layer="streets", lon=middle.x, lat=middle.y, message=message)]


def _unreachable(city: City, layer: str, apart: Bools) -> list[Fault]:
    """Tell what has streets near that lead nowhere from what has none."""
    frame, points = {
        "compounds": (city.compounds, city.demand),
        "facilities": (city.facilities, city.supply.points),
    }[layer]
    island = on_island(city.network, points, apart)
    return [
        *_about(frame, apart & ~island, layer, "unreachable", _FAR.format(**_WORDS[layer])),
        *_about(frame, island, layer, "unreachable", _ISLAND.format(**_WORDS[layer])),
    ]


def on_island(network: Network, points: AccessPoints, apart: Bools) -> Bools:
    """Tell which of the features that are joined to no street have streets of an island near."""
    mine = apart[points.feature]
    near = network.by_island(points.x[mine], points.y[mine], limit_m=SNAP_LIMIT_M)
    found = np.zeros(len(apart), dtype=bool)
    found[points.feature[mine][near]] = True
    return found


def _about(frame: gpd.GeoDataFrame, chosen: Bools, layer: str, kind: str, message: str) -> list[Fault]:
    at = shapely.point_on_surface(frame.geometry.to_numpy()[chosen])
    lon, lat = shapely.get_x(at).tolist(), shapely.get_y(at).tolist()
    return [
        Fault(kind=kind, message=message, layer=layer, id=str(code), lon=x, lat=y)
        for code, x, y in zip(frame["code"].to_numpy()[chosen], lon, lat, strict=True)
    ]
