"""A city at one revision, on its street network: what coverage is worked out from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple, TypeAlias

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from geo import hierarchy
from geo.coverage import area_levels, circles, shares
from geo.coverage.area_levels import OLD_ESTATE, Level
from geo.streets import drawing, reach
from geo.streets.access_points import AccessPoints
from geo.streets.arrivals import PlacesByChain
from geo.streets.network import Network

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]


class Nearest(NamedTuple):
    """The nearest facility of each type to each compound, from that of its access points which is nearest to one.

    (types, compounds): its row, -1 where no street leads to one, and the metres, infinite there.
    """

    facility: Ints
    metres: Floats


@dataclass(frozen=True, eq=False)
class City:
    """A city at one revision, on its street network.

    Parameters
    ----------
    types
        Catalogue of facility types, index ``key``.
    network
        Walkable streets.
    facilities, compounds
        Layer frames; facilities ascend by code.
    areas
        Layer frames by level, old estates among them where there are any.
    supply, demand
        Facilities and compounds on the network.
    levels
        Which compounds count for which areas.
    speeds
        Metres a second of each profile.
    """

    types: pd.DataFrame
    network: Network
    facilities: gpd.GeoDataFrame
    compounds: gpd.GeoDataFrame
    areas: Mapping[str, gpd.GeoDataFrame]
    supply: shares.Supply
    demand: AccessPoints
    levels: Mapping[str, Level]
    speeds: Mapping[str, float] = field(default_factory=lambda: circles.SPEEDS)

    @cached_property
    def cells(self) -> drawing.StreetCells:
        """Cells to draw with."""
        return drawing.street_cells(self.network)

    @cached_property
    def street_costs(self) -> tuple[Floats, ...]:
        """Metres along streets to each access point of the demand from the nearest facility, by type."""
        return self._walked[0]

    @cached_property
    def nearest(self) -> Nearest:
        """The nearest facility of each type to each compound."""
        return self._walked[1]

    @cached_property
    def _walked(self) -> tuple[tuple[Floats, ...], Nearest]:
        """One search through the city answers both how far and which."""
        return self._search(None)

    def walk(self, told: Callable[[int, int], None]) -> None:
        """Make :attr:`street_costs` and :attr:`nearest`, where they are not made yet.

        Parameters
        ----------
        told
            As in :func:`geo.coverage.shares.nearest_by_street`.
        """
        if not {"street_costs", "_walked"} & vars(self).keys():
            vars(self)["_walked"] = self._search(told)

    def _search(self, told: Callable[[int, int], None] | None) -> tuple[tuple[Floats, ...], Nearest]:
        costs, facility = shares.nearest_by_street(self.network, self.supply, self.demand, told=told)
        return tuple(costs), _by_compound(costs, facility, self.demand)

    @cached_property
    def homes_by_chain(self) -> PlacesByChain:
        """Access points of the demand, as places to ask :func:`geo.streets.reach.within` for."""
        return reach.by_chain(self.network, self.demand.snapped)

    @cached_property
    def unlinked(self) -> npt.NDArray[np.bool_]:
        """Compounds that count for no area."""
        base = area_levels.finest(self.areas)
        if base is None:
            return np.ones(len(self.compounds), dtype=bool)
        missing: npt.NDArray[np.bool_] = self.levels[base].share.sum(axis=0) == 0
        return missing

    def type_numbers(self, asked: pd.DataFrame) -> npt.NDArray[np.int64]:
        """Numbers of the facility types of questions."""
        return self.types.index.get_indexer(pd.Index(asked["facility_type"])).astype(np.int64)


def with_facilities(city: City, more: gpd.GeoDataFrame) -> City:
    """Return the city as it would be with some more facilities.

    What is kept of the city serves this one too, changed only where the new facilities are nearer: an answer for
    their types costs a search around each instead of one through the whole city.

    Parameters
    ----------
    more
        Rows of a layer frame of facilities.
    """
    added = shares.supply(city.network, more, city.types.index)
    frame = pd.concat([city.facilities, more])
    changed = replace(city, facilities=frame, supply=shares.joined(city.supply, added))
    for name in ("cells", "homes_by_chain", "unlinked"):
        if name in vars(city):
            vars(changed)[name] = vars(city)[name]
    vars(changed)["street_costs"] = _nearer(city, added)
    return changed


def _by_compound(costs: Floats, facility: Ints, need: AccessPoints) -> Nearest:
    """Take each compound's nearest access point; of facilities equally near the first."""
    known, first = np.unique(need.feature, return_index=True)
    found = np.full((len(costs), need.features), -1, dtype=np.int64)
    metres = np.full((len(costs), need.features), np.inf)
    none = np.iinfo(np.int64).max
    # Type by type: the points of all types at once would take as much memory again as the costs.
    for number in range(len(costs) if len(known) else 0):
        metres[number, known] = np.minimum.reduceat(costs[number], first)
        nearest = costs[number] == metres[number, need.feature]
        rows = np.where(nearest & (facility[number] >= 0), facility[number], none)
        least = np.minimum.reduceat(rows, first)
        found[number, known] = np.where(least == none, -1, least)
    return Nearest(found, metres)


def _nearer(city: City, added: shares.Supply) -> tuple[Floats, ...]:
    """Lower the costs of the types that are added to, where an added facility is nearer."""
    points = added.points
    begin = reach.starts(points.snapped, added.type[points.feature], groups=added.types)
    costs = list(city.street_costs)
    joined = city.demand.snapped.edge >= 0
    # Farther than all are from the facilities that stand, nobody is nearer to a new one.
    farthest = np.array([cost.max(initial=0.0, where=joined) for cost in costs])
    found = reach.within(city.network, begin, city.homes_by_chain, limit_m=farthest)
    for number in np.unique(added.type[added.type >= 0]):
        near = slice(found.first[number], found.first[number + 1])
        costs[number] = costs[number].copy()
        place = found.place[near]
        costs[number][place] = np.minimum(costs[number][place], found.cost_m[near])
    return tuple(costs)


def build(
    network: Network,
    facilities: gpd.GeoDataFrame,
    compounds: gpd.GeoDataFrame,
    *,
    areas: Mapping[str, gpd.GeoDataFrame],
    links: pd.DataFrame,
    types: pd.DataFrame,
) -> City:
    """Place facilities and compounds on the network.

    Parameters
    ----------
    facilities, compounds, areas
        Layer frames, EPSG:4326; areas by level, old estates (:data:`geo.coverage.area_levels.OLD_ESTATE`) among them.
    links
        As for :func:`geo.coverage.area_levels.build`.
    types
        Catalogue of facility types, index ``key``.
    """
    # Of facilities equally near the first counts as the nearest: the lowest code.
    facilities = facilities.iloc[np.argsort(facilities["code"].to_numpy(dtype=object), kind="stable")]
    estates = areas.get(OLD_ESTATE)
    inside = (
        None if estates is None else hierarchy.compounds_in_estates(compounds, estates, metric=network.metric)
    )
    return City(
        types,
        network,
        facilities,
        compounds,
        areas,
        shares.supply(network, facilities, types.index),
        shares.demand(network, compounds),
        area_levels.build(compounds, areas, links, inside),
    )
