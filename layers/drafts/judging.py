"""What changes to a draft do to the partition, told from their neighbourhood alone, at once."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from sqlalchemy.orm import Session

from geo.changes import Changes
from geo.faults import Fault
from geo.levels import LEVEL_OF
from layers import deployment, diffs, gate, reading, store, surroundings
from layers.drafts import states
from layers.drafts.states import State
from layers.reading import Read
from layers.surroundings import Source


def of_changes(session: Session, state: State, found: Mapping[str, Changes]) -> list[Fault]:
    """Return each defect of areas that further changes to a draft make new or larger."""
    return _worse(session, partial(_read, session, state), partial(states.source, state=state), found)


def of_draft(session: Session, state: State) -> list[Fault]:
    """Return each defect of areas that a draft makes new or larger than in its base."""
    found = {layer: states.changes_of(session, layer, state) for layer in states.layers_of(session, state)}
    source = partial(store.source, revision=state.base)
    return _worse(session, reading.of_revision(session, state.base), source, found)


def _worse(session: Session, read: Read, source: Source, found: Mapping[str, Changes]) -> list[Fault]:
    if not any(layer in LEVEL_OF for layer in found):
        return []
    before, after = diffs.overlaid(surroundings.reader(session, read, source, found), found)
    return gate.worse(before, after, found, metric=deployment.get(session).metric_crs)


def _read(session: Session, state: State, layer: str, **asked: Any) -> Any:  # noqa: ANN401 - as of states.read
    return states.read(session, layer, state, **asked)
