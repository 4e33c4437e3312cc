"""What became of the layers between two revisions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import geopandas as gpd
import pandas as pd
from sqlalchemy import cast, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session
from sqlalchemy.types import Uuid

from geo import changes
from geo.changes import Changes
from geo.levels import LEVEL_OF
from layers import deployment, history, store
from layers.catalogue import personal_columns
from layers.validation import Reader


@dataclass(frozen=True, slots=True)
class Diff:
    """What became of one layer; ``land`` is what changed hands between the codes of areas, None for other layers."""

    layer: str
    changes: Changes
    land: gpd.GeoDataFrame | None
    metric: str


def between(
    session: Session, earlier: int, later: int, *, layer: str | None = None, land: bool = True
) -> list[Diff]:
    """Compare the states at two revisions, layer by layer; of layers that are the same nothing is returned.

    Parameters
    ----------
    earlier, later
        Revisions in either order: what turns the first state into the second. 0 is before the first revision.
    layer
        Only this layer.
    land
        Whether to work out the land that changed hands; it is None otherwise.

    Raises
    ------
    NotFound
        If there is no such revision, or nothing was ever imported.
    """
    for number in {earlier, later} - {0}:
        history.get(session, number)
    metric = deployment.get(session).metric_crs
    touched = _touched(session, *sorted((earlier, later)))
    names = touched if layer is None else [layer]
    return listed({name: of_layer(session, name, earlier, later) for name in names}, metric=metric, land=land)


def listed(found: Mapping[str, Changes], *, metric: str, land: bool = True) -> list[Diff]:
    """Return what became of layers, in the order given, with the land that changed hands; those that are the same not."""
    return [
        Diff(
            layer,
            change,
            changes.land(change, metric=metric) if land and layer in LEVEL_OF else None,
            metric,
        )
        for layer, change in found.items()
        if len(change)
    ]


def impersonal(found: Sequence[Diff]) -> list[Diff]:
    """Return diffs that say which features changed, and not who anybody is."""
    return [
        replace(
            diff,
            changes=Changes(
                *(
                    state.drop(columns=personal_columns(diff.layer), errors="ignore")
                    for state in (diff.changes.before, diff.changes.after)
                )
            ),
        )
        for diff in found
    ]


def of_layer(session: Session, layer: str, earlier: int, later: int) -> Changes:
    """Return what turns a layer's state at one revision into that at another, which may be the older one."""
    if earlier > later:
        return changes.inverted(of_layer(session, layer, later, earlier))
    source = store.table(layer)
    return changes.between(
        store.read(session, layer, earlier, where=source.c.rev_to <= later),
        store.read(session, layer, later, where=source.c.rev_from > earlier),
    )


def first_changes(session: Session, layer: str, ids: Sequence[str], revision: int) -> dict[str, int]:
    """Return the first revision after one that changed each feature; those that none did are left out."""
    source = store.table(layer)
    later = func.least(
        func.min(source.c.rev_from).filter(source.c.rev_from > revision),
        func.min(source.c.rev_to).filter(source.c.rev_to > revision),
    )
    named = func.any(cast(list(ids), ARRAY(Uuid(as_uuid=False))))
    rows = session.execute(
        select(source.c.id, later)
        .where(source.c.id == named)
        .group_by(source.c.id)
        .having(later.is_not(None))
    )
    return {str(feature): since for feature, since in rows}


def readers(session: Session, revision: int, found: Mapping[str, Changes]) -> tuple[Reader, Reader]:
    """Return what reads the layers of a revision, and the layers after changes to it; each is read once."""
    return overlaid(lambda layer: store.read(session, layer, revision), found)


def overlaid(read: Reader, found: Mapping[str, Changes]) -> tuple[Reader, Reader]:
    """Return what reads layers before and after changes to them; each is read once."""
    stored: dict[str, pd.DataFrame] = {}
    coming: dict[str, pd.DataFrame] = {}

    def before(layer: str) -> pd.DataFrame:
        if layer not in stored:
            stored[layer] = read(layer)
        return stored[layer]

    def after(layer: str) -> pd.DataFrame:
        if layer not in found:
            return before(layer)
        if layer not in coming:
            coming[layer] = changes.apply(before(layer), found[layer])
        return coming[layer]

    return before, after


def counts(found: list[Diff]) -> Mapping[str, dict[str, int]]:
    """How many changes of each kind there are, by layer."""
    return {diff.layer: diff.changes.counts for diff in found}


def _touched(session: Session, earlier: int, later: int) -> list[str]:
    """Layers that a revision after the earlier one changed, in the order of the levels and then by name."""
    versions = history.versions(session, later)
    order = [*LEVEL_OF]
    return sorted(
        (layer for layer, version in versions.items() if version > earlier),
        key=lambda layer: (order.index(layer) if layer in order else len(order), layer),
    )
