"""Links between layers: which share of a compound lies in which grid, of an old estate in which compound."""

from collections.abc import Collection, Sequence
from uuid import NAMESPACE_URL, uuid5

import geopandas as gpd
import pandas as pd
from sqlalchemy.orm import Session

from geo import hierarchy
from layers import deployment, store

#: Layers that the links follow from.
SOURCES = {
    "compound_grids": {"compounds", "buildings", "grids"},
    "old_estate_compounds": {"compounds", "old_estates"},
}

#: Shares closer than this are the same share, computed twice.
_SAME_SHARE = 1e-12


def rewrite(session: Session, changed: Collection[str], revision: int) -> int:
    """Derive the links of layers that changed anew, as of `revision`; return how many links changed.

    Raises
    ------
    layers.errors.NotFound
        If nothing was ever imported.
    """
    rewritten = 0
    if SOURCES["compound_grids"] & set(changed):
        links = _compound_grids(session, revision)
        if links is not None:
            key = ["compound_id", "grid_code", "scheme"]
            rewritten += _replace(session, "compound_grids", links, key, revision)
    if SOURCES["old_estate_compounds"] & set(changed):
        key = ["old_estate_code", "compound_code"]
        rewritten += _replace(
            session, "old_estate_compounds", _old_estate_compounds(session, revision), key, revision
        )
    return rewritten


def buildings_of_compounds(session: Session, revision: int) -> gpd.GeoDataFrame:
    """Read the buildings that belong to compounds, with what :mod:`geo.homes` needs of them."""
    result: gpd.GeoDataFrame = store.read(
        session,
        "buildings",
        revision,
        columns=["compound_code", "people", "households", "geometry"],
        where=store.table("buildings").c.compound_code.is_not(None),
    )
    return result


def _compound_grids(session: Session, revision: int) -> pd.DataFrame | None:
    """Shares of compounds in the grids of every scheme; None without grids."""
    decided = deployment.get(session)
    compounds = store.read(session, "compounds", revision, columns=["code", "geometry"])
    buildings = buildings_of_compounds(session, revision)
    grids = store.read(session, "grids", revision, columns=["code", "scheme", "geometry"])
    parts = [
        hierarchy.compound_shares(
            compounds, areas, metric=decided.metric_crs, buildings=buildings, tolerance_m=decided.tolerance_m
        ).assign(scheme=scheme)
        for scheme, areas in grids.groupby("scheme")
    ]
    return pd.concat(parts) if parts else None


def _old_estate_compounds(session: Session, revision: int) -> pd.DataFrame:
    compounds = store.read(session, "compounds", revision, columns=["code", "geometry"])
    estates = store.read(session, "old_estates", revision, columns=["code", "geometry"])
    return hierarchy.estate_compounds(estates, compounds, metric=deployment.get(session).metric_crs)


def _replace(session: Session, link: str, links: pd.DataFrame, key: Sequence[str], revision: int) -> int:
    """Rewrite only the links that changed, so that their history tells what changed when."""
    # An id made from the key lets the same pair keep its identity through every revision.
    links = links.set_axis(
        [str(uuid5(NAMESPACE_URL, "/".join((link, *row)))) for row in links[list(key)].astype(str).to_numpy()]
    )
    before = store.read(session, link, revision)
    same = links.index.intersection(before.index)
    difference = links.loc[same, "share"] - before.loc[same, "share"].astype(float)
    unchanged = same[difference.abs() < _SAME_SHARE]
    gone = before.index.difference(links.index)
    fresh = links.drop(unchanged)
    store.close(session, link, [*gone, *fresh.index], revision)
    store.append(session, link, fresh, revision)
    return len(fresh) + len(gone)
