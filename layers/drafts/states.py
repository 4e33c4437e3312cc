"""What layers are in a draft: those of its base revision, with the features that its steps changed in their place."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import shapely
from sqlalchemy import (
    ColumnElement,
    Integer,
    LargeBinary,
    Subquery,
    Table,
    Text,
    and_,
    cast,
    exists,
    func,
    literal,
    or_,
    select,
    type_coerce,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session
from sqlalchemy.types import Uuid

from geo import changes
from geo.changes import Changes
from geo.levels import LEVEL_OF
from layers import deployment, diffs, store, surroundings
from layers.diffs import Diff
from layers.errors import NotFound
from layers.tables import DRAFT_TABLES, Draft, DraftStep
from layers.validation import Reader

Box = tuple[float, float, float, float]
#: Returns a condition on the columns of a source.
Condition = Callable[[Any], ColumnElement[bool]]


@dataclass(frozen=True, slots=True)
class State:
    """A draft as it stands at one of its steps, on a base revision."""

    draft_id: UUID
    base: int
    step: int


def state_of(draft: Draft) -> State:
    """Return the state at which a draft stands."""
    return State(draft.id, draft.base_revision, draft.step)


# Kept, for one request reads the same layers at the same step many times, and to put a query together takes longer than
# to answer it.
@lru_cache(maxsize=128)
def source(layer: str, state: State) -> Subquery:
    """Return a layer in a draft, to select from.

    It has the columns of the layer's table without the revisions, and ``version`` (text), which is another one
    whenever the feature is.
    """
    stored, ours = store.table(layer), DRAFT_TABLES[layer]
    names = [column.name for column in store.columns_of(stored)]
    replaced = exists().where(ours.c.id == stored.c.id, _held(ours, state))
    base = select(
        *(stored.c[name] for name in names), _version("revision", stored.c.rev_from).label("version")
    ).where(store.valid(stored, state.base), ~replaced)
    own = select(
        *(ours.c[name] for name in names), _version("step", ours.c.step_from).label("version")
    ).where(_held(ours, state), ~ours.c.gone)
    return union_all(base, own).subquery(layer)


def read(
    session: Session,
    layer: str,
    state: State,
    *,
    columns: Sequence[str] | None = None,
    codes: Collection[str] | None = None,
    within: Box | None = None,
    where: Condition | None = None,
) -> Any:  # noqa: ANN401 - GeoDataFrame, or DataFrame for a layer without places
    """Return a layer of a draft, ordered by id.

    Parameters
    ----------
    columns
        Names to read, without ``id``, which is always there; all of them by default.
    codes
        Only these features.
    within
        Only features whose boxes meet this one (west, south, east, north; EPSG:4326).
    where
        A further condition; it narrows, it does not decide.
    """
    layered = source(layer, state)
    conditions = [] if where is None else [where(layered.c)]
    if codes is not None:
        conditions.append(layered.c.code.in_(list(codes)))
    if within is not None:
        conditions.append(surroundings.meets(layered.c, np.array([within])))
    known = columns if columns is not None else [c.name for c in store.columns_of(store.table(layer))]
    named = ["geometry" if name == "geom" else name for name in known]
    return store.read_from(session, layered, named, *conditions)


def shapes(session: Session, layers: Iterable[str], state: State, within: Box) -> list[shapely.Geometry]:
    """Return the geometries of layers of a draft whose boxes meet one, as :func:`read` has them, in no order."""
    found = []
    for layer in layers:
        columns = source(layer, state).c
        wkb = func.ST_AsBinary(columns.geom, type_=LargeBinary)
        found.append(select(wkb).where(surroundings.meets(columns, np.array([within]))))
    blobs = session.scalars(union_all(*found)).all() if found else []
    return [shapely.from_wkb(bytes(blob)) for blob in blobs]


def layers_of(session: Session, state: State) -> list[str]:
    """Name the layers of which a draft holds features, in the order of the levels and then by name."""
    held = [
        select(literal(layer).label("layer")).where(exists().where(_held(ours, state)))
        for layer, ours in DRAFT_TABLES.items()
    ]
    return ordered(session.scalars(union_all(*held)))


def ordered(layers: Iterable[str]) -> list[str]:
    """Put layers in the order of the levels and then by name."""
    order = [*LEVEL_OF]
    return sorted(layers, key=lambda layer: (order.index(layer) if layer in order else len(order), layer))


def held(session: Session, layer: str, state: State) -> pd.Index:
    """Return the ids of features that a draft holds in place of its base's, changed or not."""
    ours = DRAFT_TABLES[layer]
    ids = session.scalars(select(ours.c.id).where(_held(ours, state)))
    return pd.Index([str(each) for each in ids], name="id", dtype=object)


def changes_of(session: Session, layer: str, state: State) -> Changes:
    """Return what a draft makes of a layer of its base."""
    ours, stored = DRAFT_TABLES[layer], store.table(layer)
    ids = select(ours.c.id).where(_held(ours, state))
    before = store.read(session, layer, state.base, where=stored.c.id.in_(ids))
    after = store.read_from(session, ours, _names(layer), _held(ours, state), ~ours.c.gone)
    return changes.between(before, after)


def step_changes(session: Session, layer: str, state: State, number: int) -> Changes:
    """Return what one step of a draft changed in a layer."""
    ours = DRAFT_TABLES[layer]
    mine = (ours.c.draft_id == state.draft_id) & (ours.c.step_from == number)
    ids = [str(each) for each in session.scalars(select(ours.c.id).where(mine))]
    named = func.any(cast(ids, ARRAY(Uuid(as_uuid=False))))
    before = read(
        session, layer, State(state.draft_id, state.base, number - 1), where=lambda c: c.id == named
    )
    after = store.read_from(session, ours, _names(layer), mine, ~ours.c.gone)
    return changes.between(before, after)


def changes_of_step(session: Session, state: State, number: int) -> dict[str, Changes]:
    """Return what one step of a draft changed, by layer.

    Raises
    ------
    NotFound
        If the draft has no such step.
    """
    step = session.get(DraftStep, (state.draft_id, number))
    if step is None:
        raise NotFound(f"The draft has no step {number}.")
    return {layer: step_changes(session, layer, state, number) for layer in ordered(step.counts)}


def diffs_of(session: Session, state: State, *, layer: str | None = None, land: bool = True) -> list[Diff]:
    """Compare a draft with its base, layer by layer; of layers that are the same nothing is returned."""
    names = layers_of(session, state) if layer is None else [layer]
    found = {name: changes_of(session, name, state) for name in names}
    return diffs.listed(found, metric=deployment.get(session).metric_crs, land=land)


def readers(session: Session, state: State) -> tuple[Reader, Reader]:
    """Return what reads the layers of a draft's base, and as the draft makes them; each is read once."""
    found = {layer: changes_of(session, layer, state) for layer in layers_of(session, state)}
    return diffs.readers(session, state.base, found)


def step_readers(session: Session, state: State, found: Mapping[str, Changes]) -> tuple[Reader, Reader]:
    """Return what reads the layers of a draft as it stands, and after further changes to it; each is read once."""
    return diffs.overlaid(lambda layer: read(session, layer, state), found)


def _names(layer: str) -> list[str]:
    """Columns of a layer's frame."""
    names = [column.name for column in store.columns_of(store.table(layer))]
    return ["geometry" if name == "geom" else name for name in names]


def _held(ours: Table, state: State) -> ColumnElement[bool]:
    """Return the condition that a row is a draft's at a step."""
    return and_(
        ours.c.draft_id == state.draft_id,
        ours.c.step_from <= state.step,
        or_(ours.c.step_to.is_(None), ours.c.step_to > state.step),
    )


def _version(kind: str, number: ColumnElement[int]) -> ColumnElement[str]:
    return type_coerce(literal(f"{kind}-"), Text).concat(cast(cast(number, Integer), Text))
