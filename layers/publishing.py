"""Publishing: the one way a layer changes.

One transaction closes and adds versions, derives the links between layers anew, re-assigns the open incidents, and
queues what was asked lately to be worked out anew, so that no reader ever sees one without the others. All that takes time is done while intake goes on;
it is held off only while the prepared moves are written.
"""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pandas as pd
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from geo.faults import DataError, Fault
from geo.levels import LEVEL_OF
from layers import coverage_results, history, incidents, links, store
from layers.search import names
from layers.tables import Revision


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
    clock: Callable[[], dt.datetime] | None = None,
) -> Published:
    """Publish changes of one or several layers as one revision; the caller commits at once.

    Parameters
    ----------
    now
        When the publication began.
    clock
        Tells when it takes effect, which a large one does a while after `now`; without it at `now`.

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
    number = history.lock_publishing(session) + 1
    _refuse_taken_codes(session, changes)
    revision = Revision(
        number=number,
        published_at=now,
        effective_from=now,
        author=author,
        note=note,
        layers=sorted(changes),
        counts={},
    )
    session.add(revision)
    session.flush()
    counts = {layer: _write(session, layer, change, number) for layer, change in changes.items()}
    touched = {
        layer: [*change.upserts.index.astype(str), *change.removed] for layer, change in changes.items()
    }
    relinked = links.rewrite(session, touched, number)
    for layer, change in changes.items():
        names.keep(session, layer, change.upserts, change.removed, number)
    moves = incidents.prepare(session, number, now=now) if LEVEL_OF.keys() & changes.keys() else None
    # Late, for it holds jobs that are under way, but before intake is held off, which has nothing to do with it.
    coverage_results.renew(session, changes.keys(), number, now=now)
    history.lock_exclusive(session)
    moved = moves.settle(now=now, actor=author) if moves else 0
    revision.published_at = revision.effective_from = _instant(session, clock() if clock else now, number)
    revision.counts = {**counts, "links": {"rewritten": relinked}, "incidents": {"moved": moved}}
    session.execute(select(func.pg_notify(history.CHANNEL, str(number))))
    return Published(number, counts, relinked, moved)


def _instant(session: Session, now: dt.datetime, number: int) -> dt.datetime:
    """When a revision takes effect: now, or with the one before it where the clock was set back meanwhile."""
    before = session.scalar(select(func.max(Revision.published_at)).where(Revision.number < number))
    return max(now, before) if before else now


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
