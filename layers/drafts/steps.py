"""The steps of a draft: recorded, undone, redone.

A step is never rewritten. Undo and redo move the draft between its steps; a step that is recorded after an undo drops
what was undone, and no number is given twice.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import cast, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session
from sqlalchemy.types import Uuid

from layers import store
from layers.drafts import keeping
from layers.errors import Conflict
from layers.publishing import Change
from layers.tables import DRAFT_TABLES, Draft, DraftStep


def record(
    session: Session,
    draft: Draft,
    changes: Mapping[str, Change],
    *,
    kind: str,
    said: Mapping[str, Any],
    author: str,
    now: dt.datetime,
    note: str = "",
) -> DraftStep:
    """Add a step to a locked draft: features that it adds or changes, and those it removes, by layer.

    Parameters
    ----------
    kind
        ``edit``, ``feature``, ``transaction``, ``import`` or ``rebase``.
    said
        What was asked for, as JSON.

    Raises
    ------
    Conflict
        If the draft is not open.
    """
    keeping.require_open(draft)
    _drop_undone(session, draft)
    number = draft.last_step + 1
    counts = {layer: _write(session, draft, layer, change, number) for layer, change in changes.items()}
    step = DraftStep(
        draft_id=draft.id,
        number=number,
        kind=kind,
        said=dict(said),
        author=author,
        made_at=now,
        note=note,
        counts=counts,
    )
    session.add(step)
    draft.step = draft.last_step = number
    keeping.touch(draft, now=now)
    session.flush()
    return step


def extend(session: Session, draft: Draft, step: DraftStep, changes: Mapping[str, Change]) -> None:
    """Add changes to the step that this transaction has recorded; what it changed before is changed again.

    Nobody has seen the step yet: that one which is committed is never rewritten stays true.
    """
    for layer, change in changes.items():
        ours = DRAFT_TABLES[layer]
        of_step = (ours.c.draft_id == draft.id, ours.c.step_from == step.number)
        ids = [*change.upserts.index.astype(str), *(str(each) for each in change.removed)]
        named = func.any(cast(ids, ARRAY(Uuid(as_uuid=False))))
        session.execute(delete(ours).where(*of_step, ours.c.id == named))
        _write(session, draft, layer, change, step.number)
        counted = select(func.count().filter(~ours.c.gone), func.count().filter(ours.c.gone)).where(*of_step)
        upserts, removed = session.execute(counted).one()
        step.counts = {**step.counts, layer: {"upserts": upserts, "removed": removed}}
    session.flush()


def undo(session: Session, draft: Draft, *, now: dt.datetime) -> DraftStep:
    """Put a locked draft back before the step at which it stands; return that step.

    Raises
    ------
    Conflict
        If it is not open, or there is nothing to undo.
    """
    keeping.require_open(draft)
    last = session.get(DraftStep, (draft.id, draft.step)) if draft.step > draft.floor_step else None
    if last is None:
        rebased = " since it was rebased" if draft.floor_step else ""
        raise Conflict(f"There is nothing to undo in the draft {draft.title!r}{rebased}.")
    before = select(func.max(DraftStep.number)).where(
        DraftStep.draft_id == draft.id, DraftStep.number < draft.step
    )
    draft.step = max(session.scalar(before) or 0, draft.floor_step)
    keeping.touch(draft, now=now)
    session.flush()
    return last


def redo(session: Session, draft: Draft, *, now: dt.datetime) -> DraftStep:
    """Carry out again the step of a locked draft that was undone last; return it.

    Raises
    ------
    Conflict
        If it is not open, or nothing was undone.
    """
    keeping.require_open(draft)
    following = session.scalar(
        select(DraftStep)
        .where(DraftStep.draft_id == draft.id, DraftStep.number > draft.step)
        .order_by(DraftStep.number)
        .limit(1)
    )
    if following is None:
        raise Conflict(f"There is nothing to redo in the draft {draft.title!r}.")
    draft.step = following.number
    keeping.touch(draft, now=now)
    session.flush()
    return following


def listed(session: Session, draft: Draft) -> Sequence[DraftStep]:
    """Return the steps of a draft, the first first; those above ``draft.step`` are undone."""
    query = select(DraftStep).where(DraftStep.draft_id == draft.id).order_by(DraftStep.number)
    return session.scalars(query).all()


def _drop_undone(session: Session, draft: Draft) -> None:
    undone = delete(DraftStep).where(DraftStep.draft_id == draft.id, DraftStep.number > draft.step)
    done = session.execute(undone.execution_options(synchronize_session="fetch"))
    if not done.rowcount:  # type: ignore[attr-defined]  # a cursor result, as for every DELETE
        return
    for ours in DRAFT_TABLES.values():
        mine = ours.c.draft_id == draft.id
        session.execute(delete(ours).where(mine, ours.c.step_from > draft.step))
        session.execute(update(ours).where(mine, ours.c.step_to > draft.step).values(step_to=None))


def _write(session: Session, draft: Draft, layer: str, change: Change, number: int) -> dict[str, int]:
    ours = DRAFT_TABLES[layer]
    removed = [str(each) for each in change.removed]
    ids = [*change.upserts.index.astype(str), *removed]
    named = func.any(cast(ids, ARRAY(Uuid(as_uuid=False))))
    session.execute(
        update(ours)
        .where(ours.c.draft_id == draft.id, ours.c.id == named, ours.c.step_to.is_(None))
        .values(step_to=number)
    )
    fixed = {"draft_id": str(draft.id), "step_from": number}
    if len(change.upserts):
        store.copy(session, ours, change.upserts, {**fixed, "gone": False})
    if removed:
        session.execute(insert(ours), [{**fixed, "id": each, "gone": True} for each in removed])
    return {"upserts": len(change.upserts), "removed": len(removed)}
