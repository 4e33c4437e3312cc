"""A city at one revision, on its street network: what coverage is worked out from."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from geo import area_levels, drawing, shares
from geo.access_points import AccessPoints
from geo.area_levels import Level
from geo.network import Network

Floats: TypeAlias = npt.NDArray[np.float64]

#: Distances up to the longest circle (adult, 15 minutes) are worked out once for all facility types.
KEPT_M = 1125.0


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
        Layer frames.
    areas
        Layer frames by level.
    supply, demand
        Facilities and compounds on the network.
    levels
        Which compounds count for which areas.
    """

    types: pd.DataFrame
    network: Network
    facilities: gpd.GeoDataFrame
    compounds: gpd.GeoDataFrame
    areas: Mapping[str, gpd.GeoDataFrame]
    supply: shares.Supply
    demand: AccessPoints
    levels: Mapping[str, Level]

    @cached_property
    def cells(self) -> drawing.StreetCells:
        """Cells to draw with."""
        return drawing.street_cells(self.network)

    @cached_property
    def street_costs(self) -> Floats:
        """Metres along streets from each type to each access point of the demand, up to :data:`KEPT_M`."""
        return shares.street_costs(self.network, self.supply, self.demand, limit_m=KEPT_M)

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
        Layer frames, EPSG:4326; areas by level.
    links
        As for :func:`geo.area_levels.build`.
    types
        Catalogue of facility types, index ``key``.
    """
    return City(
        types,
        network,
        facilities,
        compounds,
        areas,
        shares.supply(network, facilities, types.index),
        shares.demand(network, compounds),
        area_levels.build(compounds, areas, links),
    )
