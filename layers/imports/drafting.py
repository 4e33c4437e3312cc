"""Importing into a draft: the change of a file becomes one step of it."""

import datetime as dt
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from layers.drafts import keeping, states, steps
from layers.errors import Conflict
from layers.imports.outcome import Outcome, work_out
from layers.imports.reading import Records
from layers.imports.state import drafted
from layers.progress import Progress, silent
from layers.tables import Draft, DraftStep


@dataclass(frozen=True, slots=True)
class Proposal:
    """What an import would change in a draft as it stood at one of its versions; see :func:`record`.

    Parameters
    ----------
    outcome
        With what is worse than in the draft so far, which a draft may hold and a publication may not.
    said
        What was asked for, as the step tells it.
    """

    draft_id: UUID
    version: int
    outcome: Outcome
    said: dict[str, Any]


def propose(
    session: Session, draft: Draft, records: Records, *, now: dt.datetime, progress: Progress = silent
) -> Proposal:
    """Work out what an import changes in a draft; nothing is stored, and the draft need not be locked.

    Raises
    ------
    Conflict
        If the draft is not open.
    DataError, NotFound
        As in :func:`layers.imports.import_frame`, but for defects.
    """
    keeping.require_open(draft)
    state = drafted(session, states.state_of(draft), records.options, now=now)
    version = draft.version
    outcome = work_out(state, records, drafted=True, progress=progress)
    options = records.options
    said = {
        "import": records.said,
        "crs": next(iter(outcome.reports.values())).reference,
        "columns": dict(options.columns),
        "mode": options.mode,
        "on_invalid": options.on_invalid,
    }
    return Proposal(draft.id, version, outcome, said)


def record(
    session: Session, proposal: Proposal, *, author: str, now: dt.datetime, note: str = ""
) -> DraftStep | None:
    """Make what was worked out a step of its draft, which is locked; None where nothing changes.

    Raises
    ------
    Conflict
        If the draft is not open, or was written to meanwhile.
    """
    draft = keeping.get(session, proposal.draft_id, lock=True)
    keeping.require_open(draft)
    if draft.version != proposal.version:
        raise Conflict(f"Meanwhile the draft {draft.title!r} changed; nothing was stored. Import again.")
    if not proposal.outcome.changes:
        return None
    return steps.record(
        session,
        draft,
        proposal.outcome.changes,
        kind="import",
        said=proposal.said,
        author=author,
        now=now,
        note=note,
    )
