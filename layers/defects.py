"""The defects that stand in the published layers, as the last check of each layer left them."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from layers.tables import Defect


@dataclass(frozen=True, slots=True)
class StandingDefect:
    """One defect; ``lon`` and ``lat`` are a place in it (EPSG:4326), None where it has none."""

    layer: str
    kind: str
    codes: list[str]
    message: str
    size: float | None
    unit: str | None
    lon: float | None
    lat: float | None


def counts(session: Session, versions: Mapping[str, int]) -> dict[str, int]:
    """Return how many defects stand in each layer; a layer without any is not listed.

    Parameters
    ----------
    versions
        Version of each layer: what was found before it belongs to an earlier state.
    """
    found: dict[str, tuple[int, int]] = {}
    rows = session.execute(
        select(Defect.layer, Defect.revision, func.count()).group_by(Defect.layer, Defect.revision)
    )
    for layer, revision, number in rows:
        if revision >= versions.get(layer, 0):
            found[layer] = max(found.get(layer, (0, 0)), (revision, number))
    return {layer: number for layer, (_, number) in found.items()}


def standing(session: Session, versions: Mapping[str, int], *, limit: int) -> list[StandingDefect]:
    """Return the largest standing defects of each kind, layer by layer, at most ``limit`` in all."""
    if not versions:
        return []
    newest = (
        select(Defect.layer, func.max(Defect.revision).label("revision")).group_by(Defect.layer).subquery()
    )
    at = func.ST_PointOnSurface(Defect.geom)
    query = (
        select(
            Defect.layer,
            Defect.kind,
            Defect.codes,
            Defect.message,
            Defect.size,
            Defect.unit,
            func.ST_X(at),
            func.ST_Y(at),
        )
        .join(newest, (newest.c.layer == Defect.layer) & (newest.c.revision == Defect.revision))
        .where(or_(*(_after(layer, version) for layer, version in versions.items())))
        .order_by(Defect.layer, Defect.kind, Defect.size.desc().nulls_last(), Defect.id)
        .limit(limit)
    )
    return [StandingDefect(*row) for row in session.execute(query)]


def _after(layer: str, version: int) -> ColumnElement[bool]:
    return (Defect.layer == layer) & (Defect.revision >= version)
