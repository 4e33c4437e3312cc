"""What coverage is worked out from, read at one revision."""

import pandas as pd
from sqlalchemy.orm import Session

from geo import hierarchy, homes
from geo.coverage import area_levels, city, reasons
from geo.coverage.city import City
from geo.coverage.table import ABOUT_ESTATES
from geo.faults import DataError, Fault
from geo.levels import LAYER_OF, LEVELS
from geo.streets.network import Network
from layers import catalogue, deployment, store
from layers.links import buildings_of_compounds

#: Layers that the figures depend on, the links between them included; a result holds until one changes.
LAYERS = (*LAYER_OF.values(), "old_estates", "compounds", "buildings", "facilities", "streets", "barriers")

#: Scheme of the grids that compounds count for.
SCHEME = "governance"

_OF_ESTATES = ["code", "name", *ABOUT_ESTATES, "geometry"]


def load_city(session: Session, revision: int, network: Network) -> City:
    """Read facilities, compounds, areas and their links, and place them on the network of that revision.

    A compound that states no people or households takes the sum of its buildings'. Compounds count for areas by their links to grids. A city without grids links them to the areas of its
    finest level instead, by location.

    Raises
    ------
    DataError
        ``layer-empty`` for compounds and for facilities, both at once; ``snapped-far`` for streets of another place.
    layers.errors.NotFound
        If nothing was ever imported.
    """
    compounds = store.read(session, "compounds", revision)
    facilities = store.read(session, "facilities", revision)
    faults = [
        Fault(kind="layer-empty", layer=layer, message=f"There are no {layer}: import them first.")
        for layer, frame in (("compounds", compounds), ("facilities", facilities))
        if frame.empty
    ]
    if faults:
        raise DataError(faults)
    buildings = buildings_of_compounds(session, revision)
    compounds = homes.demand(compounds, buildings)
    areas = {level: _areas(session, revision, level) for level in LEVELS}
    areas[area_levels.OLD_ESTATE] = store.read(session, "old_estates", revision, columns=_OF_ESTATES)
    links = store.read(session, "compound_grids", revision)
    links = links[links["scheme"] == SCHEME].rename(columns={"grid_code": "area_code"})
    finest = area_levels.finest(areas)
    if finest is not None and finest != "grid":
        decided = deployment.get(session)
        links = hierarchy.compound_shares(
            compounds,
            areas[finest],
            metric=decided.metric_crs,
            buildings=buildings,
            tolerance_m=decided.tolerance_m,
        )
        links = links.rename(columns={"grid_code": "area_code"})
    built = city.build(
        network, facilities, compounds, areas=areas, links=links, types=catalogue.facility_types()
    )
    faults = reasons.of_network(built)
    if faults:
        raise DataError(faults)
    return built


def _areas(session: Session, revision: int, level: str) -> pd.DataFrame:
    """Areas of a level; grids of the scheme that counts only."""
    layer = LAYER_OF[level]
    where = store.table(layer).c.scheme == SCHEME if level == "grid" else None
    columns = ["code", "name", "parent_code", "geometry"]
    frame: pd.DataFrame = store.read(session, layer, revision, columns=columns, where=where)
    return frame
