"""Writes of single features to a draft: created, replaced, changed, removed; each is one step of the draft."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID, uuid4

import geopandas as gpd
import pandas as pd
import shapely
from sqlalchemy.orm import Session

from geo import changes, fitting
from geo.changes import Changes
from geo.faults import DataError, Fault
from geo.levels import LAYER_OF, LEVEL_OF, LEVELS
from layers import deployment, store
from layers.drafts import editing, states, steps
from layers.drafts.states import State
from layers.errors import Conflict, NotFound
from layers.features import codes, collections
from layers.features.collections import Collection
from layers.features.properties import READ_ONLY, properties_of
from layers.features.sent import Sent
from layers.imports import belonging, records
from layers.publishing import Change
from layers.tables import Draft, DraftStep

#: What decides to which compound a home or an address belongs.
_PLACED_BY = ("compound_code", "building_code")


@dataclass(frozen=True)
class Write:
    """A write to one feature of a draft, worked out and not recorded.

    ``before`` and ``after`` are layer frames of that feature, empty where it is not there.
    """

    kind: str
    layer: str
    id: UUID
    before: gpd.GeoDataFrame
    after: gpd.GeoDataFrame

    @cached_property
    def changes(self) -> dict[str, Changes]:
        """What it changes, by layer; empty where everything stays as it is."""
        found = changes.between(self.before, self.after)
        return {self.layer: found} if len(found) else {}

    def written(self, collection: Collection) -> Collection:
        """Return the collection that has the feature now: its geometry may have become one of another type."""
        if self.after.empty:
            return collection
        return collections.holding(self.layer, self.after.geometry.iloc[0].geom_type)

    @property
    def said(self) -> dict[str, Any]:
        """What a draft's step says of it."""
        told = self.before if self.after.empty else self.after
        return {"write": self.kind, "layer": self.layer, "id": str(self.id), "code": told["code"].iloc[0]}


def create(session: Session, state: State, layer: str, sent: Sent) -> Write:
    """Work out a new feature.

    An area without a parent gets the one in which most of it lies. A feature without a code, or with that of
    another one (a copy, or half of what was split), gets the next free code.

    Raises
    ------
    DataError
        If it cannot be stored.
    """
    assert sent.geometry is not None  # noqa: S101 - a whole feature has one
    identifier = uuid4()
    geometry = _fitted(session, state, layer, sent.geometry, [])
    values = dict(sent.fields)
    if layer in LEVEL_OF:
        values["parent_code"] = _parent(session, state, layer, geometry, values.get("parent_code"))
    code = values.get("code")
    generated = code is None or codes.is_taken(session, layer, state, code, str(identifier))
    if generated:
        code = codes.next_free(session, layer, geometry, values.get("parent_code"))
    values |= {"code": code, "generated_code": generated, "geometry": geometry, "extra": {}}
    after = _completed(session, state, layer, _row(layer, identifier, values), placed=True)
    return Write("create", layer, identifier, after.iloc[:0], after)


def replace(session: Session, state: State, collection: Collection, identifier: UUID, sent: Sent) -> Write:
    """Work out a feature's replacement: what is not stated is unset, but for its code, parent and unmapped fields.

    Vertices that lie beside those that the feature had are these: clients round what they send.

    Raises
    ------
    NotFound, DataError, Conflict
        As :func:`update`.
    """
    unset = dict.fromkeys(name for name in properties_of(collection.layer) if name not in READ_ONLY)
    before = _standing(session, state, collection, identifier)
    whole = Sent(sent.geometry, {**unset, **sent.fields})
    return _changed(session, state, collection.layer, before, whole, rounded=True)


def update(session: Session, state: State, collection: Collection, identifier: UUID, sent: Sent) -> Write:
    """Work out a change of a feature: of its geometry, or of the fields that are stated.

    Raises
    ------
    NotFound
        If the draft has no such feature in the collection.
    DataError
        If what results cannot be stored.
    Conflict
        If the code is that of another feature.
    """
    before = _standing(session, state, collection, identifier)
    return _changed(session, state, collection.layer, before, sent, rounded=False)


def remove(session: Session, state: State, collection: Collection, identifier: UUID) -> Write:
    """Work out the end of a feature.

    Raises
    ------
    NotFound
        If the draft has no such feature in the collection.
    """
    before = _standing(session, state, collection, identifier)
    return Write("remove", collection.layer, identifier, before, before.iloc[:0])


def record(
    session: Session, draft: Draft, write: Write, *, author: str, now: dt.datetime
) -> DraftStep | None:
    """Carry out a write to a locked draft as one step; None where it changes nothing.

    Raises
    ------
    Conflict
        If the draft is not open.
    """
    changed = _stored(write)
    if not changed:
        return None
    return steps.record(session, draft, changed, kind="feature", said=write.said, author=author, now=now)


def record_together(
    session: Session, draft: Draft, step: DraftStep | None, write: Write, *, author: str, now: dt.datetime
) -> DraftStep | None:
    """Carry out a write to a locked draft as part of a step, which the first that changes something begins.

    Parameters
    ----------
    step
        What this gave for the write before; None for the first.

    Raises
    ------
    Conflict
        If the draft is not open.
    """
    changed = _stored(write)
    if not changed:
        return step
    if step is None:
        return steps.record(session, draft, changed, kind="transaction", said={}, author=author, now=now)
    steps.extend(session, draft, step, changed)
    return step


def _stored(write: Write) -> dict[str, Change]:
    return {layer: editing.change_of(found) for layer, found in write.changes.items()}


def _standing(session: Session, state: State, collection: Collection, identifier: UUID) -> gpd.GeoDataFrame:
    source = states.source(collection.layer, state)
    mine = (source.c.id == identifier, *collection.conditions(source))
    found: gpd.GeoDataFrame = store.read_from(session, source, _columns(collection.layer), *mine)
    if found.empty:
        raise NotFound(f"There is no feature {identifier} in {collection.name} of this draft.")
    return found


def _changed(
    session: Session,
    state: State,
    layer: str,
    before: gpd.GeoDataFrame,
    sent: Sent,
    *,
    rounded: bool,
) -> Write:
    identifier = UUID(before.index[0])
    values = {name: value for name, value in sent.fields.items() if name != "code"}
    code = sent.fields.get("code")
    if code is not None and code != before["code"].iloc[0]:
        _refuse_taken(session, state, layer, code, str(identifier))
        values |= {"code": code, "generated_code": False}
    if values.get("parent_code") is not None:
        codes.require_parent(session, layer, state, values["parent_code"])
    else:
        values.pop("parent_code", None)
    if sent.geometry is not None:
        own = before.geometry.to_list() if rounded else []
        values["geometry"] = _fitted(session, state, layer, sent.geometry, own)
    row = {**before.iloc[0].to_dict(), **values}
    placed = "geometry" in values or any(name in values for name in _PLACED_BY)
    after = _completed(session, state, layer, _row(layer, identifier, row), placed=placed)
    return Write("change", layer, identifier, before, after)


def _refuse_taken(session: Session, state: State, layer: str, code: str, identifier: str) -> None:
    if codes.is_taken(session, layer, state, code, identifier):
        message = f"The code {code} is, or was, that of another feature: a code is never given twice."
        fault = Fault(kind="code-duplicate", layer=layer, field="code", id=code, message=message)
        raise Conflict(message, faults=[fault])


def _parent(
    session: Session, state: State, layer: str, geometry: shapely.Geometry, stated: str | None
) -> str | None:
    if stated is not None:
        codes.require_parent(session, layer, state, stated)
        return stated
    metric = deployment.get(session).metric_crs
    return codes.parent_at(session, layer, state, geometry, metric=metric)


def _fitted(
    session: Session,
    state: State,
    layer: str,
    geometry: shapely.Geometry,
    own: list[shapely.Geometry],
) -> shapely.Geometry:
    """Put vertices onto those of neighbours, of areas on every level, where they lie beside."""
    west, south, east, north = shapely.bounds(geometry).tolist()
    room = fitting.ROUNDING_DEG
    box = (west - room, south - room, east + room, north + room)
    beside = [LAYER_OF[level] for level in LEVELS] if layer in LEVEL_OF else [layer]
    if shapely.get_dimensions(geometry) == 0:
        beside = []
    near = states.shapes(session, beside, state, box)
    return fitting.fitted(geometry, [*near, *own])


def _row(layer: str, identifier: UUID, values: Mapping[str, Any]) -> gpd.GeoDataFrame:
    """Return one feature as a layer frame; what is not stated is missing."""
    index = pd.Index([str(identifier)], name="id", dtype=object)
    columns = {name: pd.Series([values.get(name)], index=index, dtype=object) for name in _columns(layer)}
    return gpd.GeoDataFrame(columns, geometry="geometry", crs="EPSG:4326")


def _columns(layer: str) -> list[str]:
    """Columns of a layer's frame."""
    names = (column.name for column in store.columns_of(store.table(layer)) if column.name != "id")
    return ["geometry" if name == "geom" else name for name in names]


def _completed(
    session: Session, state: State, layer: str, row: gpd.GeoDataFrame, *, placed: bool
) -> gpd.GeoDataFrame:
    """Fill what is not stated as an import does.

    Raises
    ------
    DataError
        ``value-missing`` for what cannot be filled.
    """
    table = pd.DataFrame(row)
    if layer == "streets":
        table = records.walked(table)
    if layer in belonging.IN_COMPOUNDS:
        # Records are numbered there, features are not.
        named, faults = belonging.named(layer, table.reset_index(drop=True))
        table = named.set_axis(table.index)
        if faults:
            raise DataError(
                [Fault(kind=each.kind, field=each.field, message=each.message) for each in faults]
            )
        if placed:
            table = _belonging(session, state, layer, table)
    table = records.with_defaults(layer, table)
    return gpd.GeoDataFrame(table, geometry="geometry", crs="EPSG:4326")


def _belonging(session: Session, state: State, layer: str, table: pd.DataFrame) -> pd.DataFrame:
    """Find the compound, and of an address the building, where it stands."""
    box = tuple(shapely.bounds(table["geometry"].iloc[0]).tolist())

    def read(name: str) -> pd.DataFrame:
        columns = ["code", "compound_code", "geometry"]
        found: pd.DataFrame = states.read(session, name, state, columns=columns, within=box)
        return found

    return belonging.located(layer, table, read)[0]
