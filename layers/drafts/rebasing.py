"""Rebasing: a draft moves onto the newest revision, and keeps what it changes wherever others did not change the same."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd
from sqlalchemy.orm import Session

from geo import merging
from geo.faults import DataError, Fault
from geo.merging import Merged, Side
from layers import history
from layers.drafts import clashes, keeping, states, steps
from layers.drafts.clashes import Clash, Clashing, Sides
from layers.publishing import Change
from layers.tables import Draft


@dataclass(frozen=True, slots=True)
class Rebased:
    """What a rebase did: from which revision onto which, and the codes that both sides' changes came together in."""

    before: int
    base: int
    joined: dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class Comparison:
    """A draft beside the newest revision: what needs a word, and codes in which both sides' changes come together."""

    newest: int
    clashes: list[Clash]
    joined: dict[str, list[str]]


def compare(session: Session, draft: Draft) -> Comparison:
    """Tell what a rebase would find; nothing is stored."""
    newest = history.newest(session)
    found = clashes.sides(session, draft, newest)
    merged = {layer: merging.merge(each.mine, each.theirs) for layer, each in found.items()}
    return Comparison(newest, _unsettled(session, draft, found, merged, {}), _joined(merged))


def rebase(
    session: Session, draft: Draft, settled: Mapping[str, Side], *, author: str, now: dt.datetime
) -> Rebased:
    """Put a locked draft onto the newest revision, as one step, below which it cannot be undone.

    Parameters
    ----------
    settled
        Whose word counts, by the id of a feature that both sides changed.

    Raises
    ------
    Conflict
        If the draft is not open.
    Clashing
        If a clash is not settled; nothing is changed then.
    DataError
        If `settled` names a feature that does not clash.
    """
    keeping.require_open(draft)
    before, newest = draft.base_revision, history.newest(session)
    if before == newest:
        return Rebased(before, newest, {})
    found = clashes.sides(session, draft, newest)
    merged = {layer: merging.merge(each.mine, each.theirs, settled=settled) for layer, each in found.items()}
    _refuse_unknown(merged, settled)
    unsettled = _unsettled(session, draft, found, merged, settled)
    if unsettled:
        raise Clashing(draft, unsettled)
    state = states.state_of(draft)
    moved = {
        layer: _on_top(states.held(session, layer, state), found[layer], merged[layer]) for layer in found
    }
    draft.base_revision = newest
    said = {"from": before, "to": newest, "settled": dict(settled)}
    steps.record(session, draft, moved, kind="rebase", said=said, author=author, now=now)
    # What lies below is told against another base.
    draft.floor_step = draft.step
    session.flush()
    return Rebased(before, newest, _joined(merged))


def _on_top(held: pd.Index, found: Sides, merged: Merged) -> Change:
    """Return what the draft must hold of features that others changed too, and that hide the base's.

    One that the draft holds without a difference would hide what later revisions make of it.
    """
    theirs = held.intersection(found.theirs.before.index.union(found.theirs.after.index))
    result = merged.changes
    kept = result.after[result.after.index.isin(theirs)]
    dropped = result.before.index.difference(result.after.index)
    rest = theirs.difference(kept.index).difference(dropped)
    taken = found.theirs.after[found.theirs.after.index.isin(rest)]
    frames = [frame for frame in (kept, taken) if len(frame)]
    gone = theirs.difference(kept.index).difference(taken.index)
    return Change(pd.concat(frames) if frames else kept, [*gone])


def _unsettled(
    session: Session,
    draft: Draft,
    found: Mapping[str, Sides],
    merged: Mapping[str, Merged],
    settled: Mapping[str, Side],
) -> list[Clash]:
    return [
        clash
        for layer, result in merged.items()
        for clash in clashes.described(
            session,
            draft,
            layer,
            found[layer],
            {str(key): fields for key, fields in result.clashes["fields"].items() if key not in settled},
        )
    ]


def _refuse_unknown(merged: Mapping[str, Merged], settled: Mapping[str, Side]) -> None:
    known = {key for result in merged.values() for key in result.clashes.index}
    faults = [
        Fault(
            kind="value-invalid",
            field="settled",
            id=key,
            message=f"{key} needs no word: nothing clashes there.",
        )
        for key in settled
        if key not in known
    ]
    if faults:
        raise DataError(faults)


def _joined(merged: Mapping[str, Merged]) -> dict[str, list[str]]:
    found = {layer: [*each.changes.after.loc[each.joined, "code"]] for layer, each in merged.items()}
    return {layer: sorted(codes) for layer, codes in found.items() if codes}
