"""The border of an area, stretch by stretch: which revision drew it, when, who, and why."""

import geopandas as gpd
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from geo import blame
from geo.levels import LAYER_OF
from layers import deployment, store
from layers.errors import NotFound
from layers.tables import Revision

#: Versions farther from the border than this have no part in it, degrees.
_NEAR_DEG = 10 * blame.SAME_DEG


def border(session: Session, layer: str, code: str, revision: int) -> gpd.GeoDataFrame:
    """Tell who drew which stretch of an area's border, as it stands at a revision.

    Returns
    -------
    GeoDataFrame
        As of :func:`geo.blame.stretches`, with ``published_at``, ``effective_from``, ``author`` and ``note`` of the
        revision.

    Raises
    ------
    NotFound
        If the layer has no such area then, or holds no areas.
    """
    if layer not in LAYER_OF.values():
        raise NotFound(f"{layer} has no borders; these have: {', '.join(LAYER_OF.values())}.")
    area = store.read(session, layer, revision, codes=[code])
    if area.empty:
        raise NotFound(f"At revision {revision} {layer} has no {code}.")
    shape = area.geometry.iloc[0]
    versions = _versions(session, layer, area, revision)
    found = blame.stretches(
        shape, code, versions, revision=revision, metric=deployment.get(session).metric_crs
    )
    rows = session.execute(
        select(
            Revision.number, Revision.published_at, Revision.effective_from, Revision.author, Revision.note
        ).where(Revision.number.in_([int(number) for number in found["revision"].unique()]))
    )
    said = {number: rest for number, *rest in rows}
    for position, name in enumerate(("published_at", "effective_from", "author", "note")):
        found[name] = [said[number][position] for number in found["revision"]]
    return found


def _versions(session: Session, layer: str, area: gpd.GeoDataFrame, revision: int) -> gpd.GeoDataFrame:
    """Read every version, up to a revision, of the areas that come near an area's border."""
    source = store.table(layer)
    near = func.ST_DWithin(source.c.geom, _boundary(area), _NEAR_DEG)
    where = near & (source.c.rev_from <= revision)
    if "scheme" in area:
        where &= source.c.scheme == str(area["scheme"].iloc[0])
    return store.read_versions(session, layer, columns=["code", "geometry"], where=where)


def _boundary(area: gpd.GeoDataFrame) -> object:
    return func.ST_GeomFromWKB(area.geometry.iloc[0].boundary.wkb, 4326)
