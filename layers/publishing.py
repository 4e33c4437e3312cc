"""Publishing: the one way a layer changes.

One transaction closes and adds versions, derives the links between layers anew, and re-assigns the open
incidents, so that no reader ever sees one without the others.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import NAMESPACE_URL, uuid5

import geopandas as gpd
import pandas as pd
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from geo import hierarchy
from geo.faults import DataError, Fault
from geo.levels import LEVEL_OF
from layers import deployment, history, incidents, store
from layers.search import names
from layers.tables import Revision

#: Shares closer than this are the same share, computed twice.
_SAME_SHARE = 1e-12


@dataclass(frozen=True, slots=True)
class Change:
    """What a publication does to one layer.

    ``upserts`` is a layer frame of new and changed features; ``removed`` are ids of features that end.
    """

    upserts: pd.DataFrame
    removed: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Published:
    """What a publication did: versions added and ended by layer, links rewritten, incidents moved."""

    revision: int
    counts: dict[str, dict[str, int]]
    relinked: int
    moved: int


def publish(
    session: Session,
    changes: Mapping[str, Change],
    *,
    author: str,
    note: str,
    now: dt.datetime,
) -> Published:
    """Publish changes of one or several layers as one revision; the caller commits.

    Raises
    ------
    DataError
        If a code would be held by two current features, or was retired and belonged to another one.
    ValueError
        If there is nothing to publish.
    """
    changes = {layer: change for layer, change in changes.items() if len(change.upserts) or change.removed}
    if not changes:
        raise ValueError("there is nothing to publish")
    history.lock_exclusive(session)
    _refuse_taken_codes(session, changes)
    number = _open_revision(session, changes, author=author, note=note, now=now)
    counts = {layer: _write(session, layer, change, number) for layer, change in changes.items()}
    relinked = _relink(session, set(changes), number)
    for layer, change in changes.items():
        names.keep(session, layer, change.upserts, change.removed, number)
    moved = 0
    if LEVEL_OF.keys() & changes.keys():
        moved = incidents.reassign_open(session, number, now=now, actor=author)
    revision = session.get_one(Revision, number)
    revision.counts = {**counts, "links": {"rewritten": relinked}, "incidents": {"moved": moved}}
    session.execute(select(func.pg_notify("wangge_revision", str(number))))
    return Published(number, counts, relinked, moved)


def _open_revision(
    session: Session, changes: Mapping[str, Change], *, author: str, note: str, now: dt.datetime
) -> int:
    last = session.scalar(select(func.max(Revision.number)))
    # A clock set back must not make a later revision look older than an earlier one.
    newest = session.scalar(select(func.max(Revision.published_at)))
    instant = max(now, newest) if newest else now
    revision = Revision(
        number=(last or 0) + 1,
        published_at=instant,
        effective_from=instant,
        author=author,
        note=note,
        layers=sorted(changes),
        counts={},
    )
    session.add(revision)
    session.flush()
    return revision.number


def _write(session: Session, layer: str, change: Change, number: int) -> dict[str, int]:
    upserted = [str(value) for value in change.upserts.index]
    ended = store.close(session, layer, [*upserted, *change.removed], number)
    store.append(session, layer, change.upserts, number)
    changed = ended - len(change.removed)
    return {"added": len(upserted) - changed, "changed": changed, "removed": len(change.removed)}


def _refuse_taken_codes(session: Session, changes: Mapping[str, Change]) -> None:
    """Keep a code with its feature for ever: neither two current holders nor a second life elsewhere."""
    faults: list[Fault] = []
    for layer, change in changes.items():
        source = store.table(layer)
        mine = pd.Series(change.upserts.index.astype(str), index=change.upserts["code"].to_numpy())
        faults += [
            _taken("code-duplicate", layer, code, "two features of this publication have it")
            for code in mine.index[mine.index.duplicated()].unique()
        ]
        holders = session.execute(
            select(source.c.code, source.c.id, func.bool_or(source.c.rev_to.is_(None)))
            .where(source.c.code.in_(mine.index.unique().tolist()))
            .group_by(source.c.code, source.c.id)
        )
        own = set(zip(mine.index, mine, strict=True))
        leaving = set(change.removed)
        for code, holder, is_current in holders:
            if (code, str(holder)) in own:
                continue
            kind = "code-duplicate" if is_current and str(holder) not in leaving else "code-retired"
            faults.append(_taken(kind, layer, code, f"feature {holder} has or had it"))
    if faults:
        raise DataError(faults)


def _taken(kind: str, layer: str, code: str, why: str) -> Fault:
    return Fault(kind=kind, layer=layer, field="code", id=code, message=f"code {code} is taken: {why}.")


def _relink(session: Session, changed: set[str], number: int) -> int:
    rewritten = 0
    metric = deployment.get(session).metric_crs
    if changed & {"compounds", "grids"}:
        compounds = store.read(session, "compounds", number, columns=["code", "geometry"])
        grids = store.read(session, "grids", number, columns=["code", "scheme", "geometry"])
        parts = [
            hierarchy.compound_shares(compounds, areas, metric=metric).assign(scheme=scheme)
            for scheme, areas in grids.groupby("scheme")
        ]
        if parts:
            key = ["compound_id", "grid_code", "scheme"]
            rewritten += _replace_links(session, "compound_grids", pd.concat(parts), key, number)
    if changed & {"compounds", "old_estates"}:
        compounds = store.read(session, "compounds", number, columns=["code", "geometry"])
        estates: gpd.GeoDataFrame = store.read(session, "old_estates", number, columns=["code", "geometry"])
        links = hierarchy.estate_compounds(estates, compounds, metric=metric)
        key = ["old_estate_code", "compound_code"]
        rewritten += _replace_links(session, "old_estate_compounds", links, key, number)
    return rewritten


def _replace_links(session: Session, link: str, links: pd.DataFrame, key: list[str], number: int) -> int:
    """Rewrite only the links that changed, so that their history tells what changed when."""
    # An id made from the key lets the same pair keep its identity through every revision.
    links = links.set_axis(
        [str(uuid5(NAMESPACE_URL, "/".join((link, *row)))) for row in links[key].astype(str).to_numpy()]
    )
    before = store.read(session, link, number)
    same = links.index.intersection(before.index)
    difference = links.loc[same, "share"] - before.loc[same, "share"].astype(float)
    unchanged = same[difference.abs() < _SAME_SHARE]
    gone = before.index.difference(links.index)
    fresh = links.drop(unchanged)
    store.close(session, link, [*gone, *fresh.index], number)
    store.append(session, link, fresh, number)
    return len(fresh) + len(gone)
