"""Links between layers: which share of a compound lies in which grid, of an old estate in which compound."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from sqlalchemy import or_
from sqlalchemy.orm import Session

from geo import hierarchy
from layers import deployment, store, surroundings
from layers.deployment import Deployment

#: Layers that the links follow from.
SOURCES = {
    "compound_grids": {"compounds", "buildings", "grids"},
    "old_estate_compounds": {"compounds", "old_estates"},
}

#: What tells links apart.
_KEYS = {
    "compound_grids": ["compound_id", "grid_code", "scheme"],
    "old_estate_compounds": ["old_estate_code", "compound_code"],
}
#: From so many changes on the links of all compounds are derived, and for so many boxes all grids are read.
_MOST_NEAR = 500
#: Metres of a degree of longitude at 60 degrees of latitude.
_LEAST_METRES_PER_DEG = 55_000.0
#: Shares closer than this are the same share, computed twice.
_SAME_SHARE = 1e-12


def rewrite(session: Session, touched: Mapping[str, Sequence[str]], revision: int) -> int:
    """Derive the links that changes can alter anew, as of `revision`; return how many links changed.

    Parameters
    ----------
    touched
        By layer, ids of the features that `revision` adds, changes and ends; it is stored already.

    Raises
    ------
    layers.errors.NotFound
        If nothing was ever imported.
    """
    rewritten = 0
    if SOURCES["compound_grids"] & touched.keys():
        rewritten += _rewrite_compound_grids(session, touched, revision)
    if SOURCES["old_estate_compounds"] & touched.keys():
        before = store.read(session, "old_estate_compounds", revision)
        links = _old_estate_compounds(session, revision)
        rewritten += _replace(session, "old_estate_compounds", before, links, revision)
    return rewritten


def buildings_of_compounds(
    session: Session, revision: int, *, of: Collection[str] | None = None
) -> gpd.GeoDataFrame:
    """Read the buildings that belong to compounds, of these codes or any, with what :mod:`geo.homes` needs of them."""
    code = store.table("buildings").c.compound_code
    result: gpd.GeoDataFrame = store.read(
        session,
        "buildings",
        revision,
        columns=["compound_code", "people", "households", "geometry"],
        where=code.is_not(None) if of is None else code.in_(of),
    )
    return result


def _rewrite_compound_grids(session: Session, touched: Mapping[str, Sequence[str]], revision: int) -> int:
    decided = deployment.get(session)
    concerned = _concerned(session, touched, revision, decided.tolerance_m)
    links = _compound_grids(session, revision, decided, concerned)
    source = store.table("compound_grids")
    mine = None if concerned is None else source.c.compound_id.in_(concerned)
    before = store.read(session, "compound_grids", revision, where=mine)
    return _replace(session, "compound_grids", before, links, revision)


def _concerned(
    session: Session, touched: Mapping[str, Sequence[str]], revision: int, tolerance_m: float
) -> list[str] | None:
    """Ids of the compounds whose shares changes can alter, of before and after them; None for all.

    They changed themselves, one of their buildings did, or they or a building of theirs stand where grids changed.
    """
    if sum(len(touched.get(layer, ())) for layer in SOURCES["compound_grids"]) > _MOST_NEAR:
        return None
    boxes = _boxes(_versions(session, "grids", touched, revision, "geometry"), tolerance_m)
    buildings, compounds = store.table("buildings"), store.table("compounds")
    stand = store.read(
        session,
        "buildings",
        revision,
        columns=["compound_code"],
        where=surroundings.meets(buildings.c, boxes),
    )
    named = [*_versions(session, "buildings", touched, revision, "compound_code"), *stand["compound_code"]]
    codes = {code for code in named if isinstance(code, str)}
    found = store.read(
        session,
        "compounds",
        revision,
        columns=["code"],
        where=or_(surroundings.meets(compounds.c, boxes), compounds.c.code.in_(codes)),
    )
    return sorted({*found.index, *touched.get("compounds", ())})


def _versions(
    session: Session, layer: str, touched: Mapping[str, Sequence[str]], revision: int, column: str
) -> list[Any]:
    """A column of the features of a layer that were touched, as they were and as they are."""
    if layer not in touched:
        return []
    mine = store.table(layer).c.id.in_(list(touched[layer]))
    states = (
        store.read(session, layer, number, columns=[column], where=mine)
        for number in (revision - 1, revision)
    )
    return [value for state in states for value in state[column]]


def _boxes(shapes: Collection[shapely.Geometry], tolerance_m: float) -> surroundings.Boxes:
    """Boxes around shapes, with room for what stands so far outside."""
    room = tolerance_m / _LEAST_METRES_PER_DEG * np.array([-1, -1, 1, 1])
    return surroundings.merged(shapely.bounds(np.array([*shapes], dtype=object)) + room)


def _compound_grids(
    session: Session, revision: int, decided: Deployment, concerned: list[str] | None
) -> pd.DataFrame:
    """Shares of compounds, of some or all, in the grids of every scheme."""
    if concerned is None:
        compounds = store.read(session, "compounds", revision, columns=["code", "geometry"])
        buildings = buildings_of_compounds(session, revision)
        grids = store.read(session, "grids", revision, columns=["code", "scheme", "geometry"])
    else:
        some = store.table("compounds").c.id.in_(concerned)
        compounds = store.read(session, "compounds", revision, columns=["code", "geometry"], where=some)
        buildings = buildings_of_compounds(session, revision, of=compounds["code"].to_list())
        boxes = _boxes([*compounds.geometry, *buildings.geometry], decided.tolerance_m)
        near = surroundings.meets(store.table("grids").c, boxes) if len(boxes) <= _MOST_NEAR else None
        grids = store.read(session, "grids", revision, columns=["code", "scheme", "geometry"], where=near)
    parts = [
        hierarchy.compound_shares(
            compounds, areas, metric=decided.metric_crs, buildings=buildings, tolerance_m=decided.tolerance_m
        ).assign(scheme=scheme)
        for scheme, areas in grids.groupby("scheme")
    ]
    return (
        pd.concat(parts)
        if parts
        else pd.DataFrame(columns=[*_KEYS["compound_grids"], "compound_code", "share"])
    )


def _old_estate_compounds(session: Session, revision: int) -> pd.DataFrame:
    compounds = store.read(session, "compounds", revision, columns=["code", "geometry"])
    estates = store.read(session, "old_estates", revision, columns=["code", "geometry"])
    return hierarchy.estate_compounds(estates, compounds, metric=deployment.get(session).metric_crs)


def _replace(session: Session, link: str, before: pd.DataFrame, links: pd.DataFrame, revision: int) -> int:
    """Put links in the place of those before; only what changed is rewritten, so that history tells what changed when."""
    key = _KEYS[link]
    # An id made from the key lets the same pair keep its identity through every revision.
    links = links.set_axis(
        [str(uuid5(NAMESPACE_URL, "/".join((link, *row)))) for row in links[key].astype(str).to_numpy()]
    )
    same = links.index.intersection(before.index)
    difference = links.loc[same, "share"] - before.loc[same, "share"].astype(float)
    unchanged = same[difference.abs() < _SAME_SHARE]
    gone = before.index.difference(links.index)
    fresh = links.drop(unchanged)
    store.close(session, link, [*gone, *fresh.index], revision)
    store.append(session, link, fresh, revision)
    return len(fresh) + len(gone)
