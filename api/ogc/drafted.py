"""What the tree of a draft shows: its title, its states, the box around what it holds."""

import re
from collections.abc import Mapping
from functools import partial
from uuid import UUID

from fastapi import Request

from api.dependencies import Runtime
from api.maps import sources
from api.ogc import extents, links
from api.ogc.documents import Shown
from api.ogc.links import Tree
from api.ogc.states import Held, States
from api.snapshots import Snapshot
from geo.faults import DataError, Fault
from layers.database import Session
from layers.drafts import keeping
from layers.drafts.states import State
from layers.errors import NotFound
from layers.features import drafted
from layers.features.collections import Collection
from layers.features.pages import Box
from layers.tables import Draft

#: Parameters that state which of a draft's states is meant.
NAMES = ("step",)


def tree(request: Request, runtime: Runtime, draft: Draft) -> Tree:
    """Return the tree of a draft as this request's client reaches it."""
    return Tree(f"{links.tree(request, runtime).root}/drafts/{draft.id}")


def named(session: Session, draft_id: str) -> Draft:
    """Return the draft that an address names.

    Raises
    ------
    NotFound
        If there is none.
    """
    return keeping.get(session, identifier(draft_id))


def identifier(text: str) -> UUID:
    """Return the id of a draft as an address states it.

    Raises
    ------
    NotFound
        If it is none.
    """
    try:
        return UUID(text)
    except ValueError as error:
        raise NotFound(f"There is no draft {text!r}: ids are UUIDs.") from error


def base(runtime: Runtime, draft: Draft) -> Snapshot:
    """Return the snapshot on which a draft stands."""
    return runtime.snapshots.of(draft.base_revision)


def states(draft: Draft) -> States:
    """Return the states of a draft's tree: its steps, the one at which it stands by default."""
    return States(NAMES, partial(_held, draft))


def shown(session: Session, draft: Draft, runtime: Runtime, snapshot: Snapshot) -> Shown:
    """Return what the tree of a draft shows; `snapshot` is that of its base."""
    base = draft.base_revision
    return Shown(
        f"{draft.title} · 草稿 draft",
        f"基于修订 {base} 的草稿，状态 {draft.status} · Draft on revision {base}, {draft.status} (OGC API – Features, Tiles)",
        snapshot.deployment,
        extents.since(runtime),
        sources.attributed(snapshot, runtime.settings.map_attribution),
        lambda collection: _extent(session, draft, snapshot, collection),
    )


def _held(draft: Draft, query: Mapping[str, str], collection: Collection) -> Held:
    step = _step(query.get("step"), draft)
    state = State(draft.id, draft.base_revision, step)
    return Held(
        drafted.selection(collection, state),
        {"step": str(step)},
        f"{draft.id}/{draft.version}/{step}",
        draft.base_revision,
        f"at step {step} of this draft",
    )


def _step(text: str | None, draft: Draft) -> int:
    if text is None:
        return draft.step
    # What was below the floor stood on another base.
    if re.fullmatch(r"\d{1,9}", text) and draft.floor_step <= int(text) <= draft.last_step:
        return int(text)
    message = f"There is no step {text!r} of this draft; there are {draft.floor_step} to {draft.last_step}."
    raise DataError(Fault(kind="parameter-invalid", field="step", message=message))


def _extent(session: Session, draft: Draft, snapshot: Snapshot, collection: Collection) -> Box | None:
    """Return a box that holds the base and all that the draft ever made, so that undo and redo leave it."""
    state = State(draft.id, draft.base_revision, draft.step)
    found = (extents.published(snapshot, collection), drafted.extent(session, collection, state))
    return extents.around(box for box in found if box is not None)
