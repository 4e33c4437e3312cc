"""A layer checked in full, as an editor asks for it: what is wrong, where to look, and what to do.

Beside what :mod:`layers.validation` finds in the layer itself, grids are told which buildings their borders cut, and
grids and compounds which compounds span several grids, which is information and no defect.
"""

from collections.abc import Sequence
from functools import cache

import geopandas as gpd
import pandas as pd
from sqlalchemy.orm import Session

from geo import repairs, spans
from geo.levels import CODE_WIDTHS, LEVEL_OF
from layers import deployment, store, validation
from layers.validation import Reader

#: Columns of a full check beside those of :data:`layers.validation.COLUMNS`.
COLUMNS = ("severity", "west", "south", "east", "north", "repair_zh", "repair_en", "repair")

# What may lie in several grids, by layer: its kind, what is said of it, and where it is told.
_SPANNING = {
    "buildings": (
        "building-cut",
        "Borders of {grids} cut building {code}: {size:,.1f} m² lie outside {first}.",
        ("grids",),
    ),
    "compounds": (
        "compound-spans",
        "Compound {code} spans {grids}: {size:,.0f} m² lie outside {first}.",
        ("grids", "compounds"),
    ),
}


def check(layer: str, read: Reader, *, metric: str, widths: Sequence[int] = CODE_WIDTHS) -> gpd.GeoDataFrame:
    """Check a layer and everything that its borders concern.

    Parameters
    ----------
    read, metric, widths
        As for :func:`layers.validation.check`.

    Returns
    -------
    GeoDataFrame
        Columns of :data:`layers.validation.COLUMNS` and :data:`COLUMNS`; defects first, information last.
    """
    found = [validation.check(layer, read, metric=metric, widths=widths)]
    for other, (kind, said, told) in _SPANNING.items():
        if layer in told:
            found.append(_spanning(kind, said, read(other), read("grids"), metric))
    kept = [frame for frame in found if len(frame)] or found[:1]
    whole = gpd.GeoDataFrame(pd.concat(kept, ignore_index=True), geometry="geometry", crs="EPSG:4326")
    areas = read(layer) if layer in LEVEL_OF else None
    listed = repairs.suggest(whole, areas, level=LEVEL_OF.get(layer), metric=metric)
    return listed.sort_values("severity", kind="stable", ignore_index=True)


def check_at(session: Session, layer: str, revision: int) -> gpd.GeoDataFrame:
    """Check a layer as it stands at a revision; see :func:`check`.

    Raises
    ------
    layers.errors.NotFound
        If nothing was ever imported.
    """

    @cache
    def read(name: str) -> pd.DataFrame:
        frame: pd.DataFrame = store.read(session, name, revision)
        return frame

    return check(layer, read, metric=deployment.get(session).metric_crs)


def defects(listed: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the defects of a full check without what is only told."""
    return listed[listed["severity"] == "defect"]


def _spanning(
    kind: str, said: str, features: gpd.GeoDataFrame, grids: gpd.GeoDataFrame, metric: str
) -> gpd.GeoDataFrame:
    """List the features of a layer that lie in several grids of one scheme."""
    if features.empty or grids.empty:
        return gpd.GeoDataFrame(columns=list(validation.COLUMNS), geometry="geometry", crs="EPSG:4326")
    found = pd.concat([spans.find(features, areas, metric=metric) for _, areas in grids.groupby("scheme")])
    rows = list(found[["code", "areas", "size_m2"]].itertuples(index=False, name=None))
    table = {
        "kind": kind,
        "codes": pd.Series([[code, *held] for code, held, _ in rows], dtype=object),
        "size": found["size_m2"].to_numpy(),
        "unit": "m2",
        "message": [
            said.format(code=code, grids=", ".join(sorted(held)), size=size, first=held[0])
            for code, held, size in rows
        ],
    }
    return gpd.GeoDataFrame(table, geometry=found.geometry.to_numpy(), crs="EPSG:4326")
