"""Transactions: writes of many features to a draft in one request, all of them as one step, or none.

Their form is that of the draft of OGC API – Features – Part 11 (OGC 26-018), with atomic semantics: actions take place in
their order, and each finds what those before it have made.
"""

import datetime as dt
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any
from uuid import UUID

import orjson
from fastapi.responses import Response

from api import drafts
from api.access import Caller
from api.ogc import systems
from api.ogc.links import JSON, Tree
from geo.changes import Changes
from geo.datums import Box
from geo.faults import DataError, Fault
from layers.database import Session
from layers.drafts import states
from layers.drafts.states import State
from layers.errors import Conflict, NotFound
from layers.features import collections, drafted, filters, pages, sent, writing
from layers.features.collections import Collection
from layers.features.pages import Selection
from layers.features.places import Place
from layers.features.properties import GEOMETRY
from layers.features.sent import Sent
from layers.features.writing import Write
from layers.tables import Draft, DraftStep

TX_JSON = "application/ogc-tx+json"
MEDIA_TYPES = (TX_JSON, JSON)
#: Features that one transaction may write: it takes some hundredths of a second for each, and holds the draft meanwhile.
MOST = 500

_RETURN = re.compile(r"(?:^|[,;\s])return\s*=\s*\"?(none|minimal|representation)\b", re.IGNORECASE)

#: How a reply calls what each action did.
_TOTALS = {
    "insert": "totalInserted",
    "update": "totalUpdated",
    "replace": "totalReplaced",
    "delete": "totalDeleted",
}


@dataclass
class Actions:
    """What one transaction does to a locked, open draft.

    Parameters
    ----------
    place
        CRS of the geometries that are stored.
    known
        CRS by URI, of which filters may name one.
    hull
        Where the deployment's data lies; see :func:`layers.features.sent.read`.
    """

    session: Session
    draft: Draft
    place: Place
    known: dict[str, Place]
    hull: Box | None
    _step: DraftStep | None = field(default=None, init=False)
    _done: list[tuple[str, Collection, Write]] = field(default_factory=list, init=False)
    _faults: list[Fault] = field(default_factory=list, init=False)
    _features: int = field(default=0, init=False)

    def carry_out(self, body: Any, caller: Caller, *, now: dt.datetime) -> dict[str, Any]:  # noqa: ANN401 - JSON
        """Carry out every action; tell the ids of what each kind of action wrote, with their collections.

        Raises
        ------
        DataError
            With every fault of every action, each at the field that names the action; nothing may be committed then.
        Problem
            If something lies outside of the caller's areas.
        """
        before = states.state_of(self.draft)
        for number, stated in enumerate(_stated(body)):
            with self._at(f"transaction[{number}]"):
                for where, kind, collection, work in self._works(stated):
                    with self._at(f"transaction[{number}]{where}"):
                        self._write(kind, collection, work, caller, now)
        if self._faults:
            raise DataError(self._faults)
        # Of all at once: to find out where features lie takes whole layers.
        drafts.require_scope(self.session, caller, before, self._changes())
        written: dict[str, list[list[str]]] = {kind: [] for kind in _TOTALS}
        for kind, collection, write in self._done:
            named = [write.written(collection).name, str(write.id)]
            if named not in written[kind]:
                written[kind].append(named)
        return {"write": "transaction", "written": written}

    def _works(
        self,
        stated: Any,  # noqa: ANN401 - JSON
    ) -> Iterator[tuple[str, str, Collection, Callable[[State], Write]]]:
        """Yield what an action does to each feature, and where that is stated."""
        if not isinstance(stated, dict) or stated.get("action") not in [*_TOTALS]:
            raise _wrong("action", f"An action is an object whose `action` is one of {', '.join(_TOTALS)}.")
        kind, collection = stated["action"], _named(stated.get("collection"))
        if kind == "insert":
            items = _list(stated, "items")
            self._count(len(items), "items")
            for number, item in enumerate(items):
                yield f".items[{number}]", kind, collection, partial(self._insert, collection, item)
            return
        found = self._chosen(collection, stated)
        self._count(len(found), "filter")
        change = self._change(kind, collection, stated, found)
        for identifier in found:
            yield "", kind, collection, partial(change, identifier)

    def _insert(self, collection: Collection, item: Any, state: State) -> Write:  # noqa: ANN401 - JSON
        layer = collection.layer
        return writing.create(self.session, state, layer, self._read(item, layer, whole=True))

    def _change(
        self, kind: str, collection: Collection, stated: Mapping[str, Any], found: list[UUID]
    ) -> Callable[[UUID, State], Write]:
        if kind == "delete":
            return lambda identifier, state: writing.remove(self.session, state, collection, identifier)
        properties = stated.get("properties")
        if not isinstance(properties, dict):
            raise _wrong("properties", f"properties, an object, says how to {kind} what the filter finds.")
        if kind == "update":
            patch = self._read(_patch(properties), collection.layer, whole=False)
            return lambda identifier, state: writing.update(
                self.session, state, collection, identifier, patch
            )
        if len(found) != 1:
            raise _wrong("filter", f"It finds {len(found)} features; exactly one is replaced by another.")
        whole = self._read(properties.get("feature"), collection.layer, whole=True)
        return lambda identifier, state: writing.replace(self.session, state, collection, identifier, whole)

    def _read(self, stated: Any, layer: str, *, whole: bool) -> Sent:  # noqa: ANN401 - JSON
        return sent.read(stated, layer, self.place, whole=whole, hull=self.hull)

    def _write(
        self,
        kind: str,
        collection: Collection,
        work: Callable[[State], Write],
        caller: Caller,
        now: dt.datetime,
    ) -> None:
        write = work(states.state_of(self.draft))
        # What follows a fault is looked at for more of them, and never committed.
        self._step = writing.record_together(
            self.session, self.draft, self._step, write, author=caller.name or "", now=now
        )
        self._done.append((kind, collection, write))

    def _changes(self) -> dict[str, Changes]:
        if self._step is None:
            return {}
        return states.changes_of_step(self.session, states.state_of(self.draft), self._step.number)

    def _count(self, features: int, name: str) -> None:
        if self._features + features > MOST:
            message = f"A transaction writes {MOST} features at the most: send several, or import a file."
            raise _wrong(name, message)
        self._features += features

    @contextmanager
    def _at(self, where: str) -> Iterator[None]:
        """Keep the faults of what is stated somewhere, and go on with what is stated next."""
        try:
            yield
        except (DataError, Conflict) as error:
            faults = error.faults or [_fault("", str(error))]
            self._faults += [
                replace(fault, field=f"{where}.{fault.field}" if fault.field else where) for fault in faults
            ]
        except NotFound as error:
            self._faults.append(Fault(kind="feature-missing", field=where, message=str(error)))

    # --- which features ------------------------------------------------------------------------------------

    def _chosen(self, collection: Collection, stated: Mapping[str, Any]) -> list[UUID]:
        """Find the features that a filter means, as the actions before have left them, in the order of their ids."""
        asked = stated.get("filter")
        if isinstance(asked, dict) and "ids" in asked:
            return [_identifier(each) for each in _list(asked, "ids")]
        selection = drafted.selection(collection, states.state_of(self.draft))
        return pages.ids(self.session, self._filtered(asked, stated, selection), limit=MOST + 1)

    def _filtered(
        self,
        asked: Any,  # noqa: ANN401 - JSON
        stated: Mapping[str, Any],
        selection: Selection,
    ) -> Selection:
        language = "cql2-text" if isinstance(asked, str) else "cql2-json"
        if not isinstance(asked, str | dict) or stated.get("filter-lang", language) != language:
            message = (
                'A filter is wanted: {"ids": […]}, CQL2 JSON (an object) or CQL2 text (cql2-text, a string).'
            )
            raise _wrong("filter", message)
        uri = stated.get("filter-crs")
        place = systems.stated(None if uri is None else str(uri), self.known, field="filter-crs")
        try:
            read = filters.from_text(asked) if isinstance(asked, str) else filters.from_object(asked)
            return selection.where(filters.condition(read, selection, place))
        except DataError as error:
            raise DataError([replace(fault, field="filter") for fault in error.faults]) from error


def reply(told: Mapping[str, Any], root: Tree, preference: str, headers: dict[str, str]) -> Response:
    """Return the reply to a transaction, as long as the client prefers (RFC 7240): whole by default."""
    preferred = _RETURN.search(preference)
    wanted = preferred.group(1).lower() if preferred else "representation"
    if preferred:
        headers |= {"Preference-Applied": f"return={wanted}"}
    if wanted == "none":
        return Response(status_code=204, headers=headers)
    written: dict[str, list[list[str]]] = told["written"]
    body: dict[str, Any] = {
        "semantic": "atomic",
        "summary": {total: len(written[kind]) for kind, total in _TOTALS.items()},
    }
    if wanted == "representation":
        for kind, named in written.items():
            body[f"{kind}Results"] = [root.href("collections", name, "items", each) for name, each in named]
    return Response(orjson.dumps(body), media_type=JSON, headers=headers)


def _stated(body: Any) -> list[Any]:  # noqa: ANN401 - JSON
    """Return the actions of a transaction."""
    if not isinstance(body, dict):
        raise _wrong("body", 'A transaction is an object: {"semantic": "atomic", "transaction": [actions]}.')
    if body.get("semantic", "atomic") != "atomic":
        raise _wrong("semantic", "Only `atomic` is offered: all is stored, or nothing is.")
    actions = _list(body, "transaction")
    if len(actions) > MOST:
        raise _wrong("transaction", f"It has {len(actions)} actions, of {MOST} at the most.")
    return actions


def _list(stated: Mapping[str, Any], name: str) -> list[Any]:
    found = stated.get(name)
    if not isinstance(found, list) or not found:
        raise _wrong(name, f"{name} is a list, and not empty.")
    return found


def _named(name: object) -> Collection:
    try:
        return collections.named(str(name))
    except NotFound as error:
        raise _wrong("collection", str(error)) from error


def _identifier(stated: object) -> UUID:
    try:
        return UUID(str(stated))
    except ValueError as error:
        raise _wrong("filter", f"{stated!r:.80} is no id of a feature: ids are UUIDs.") from error


def _patch(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return as a merge patch what an update adds, modifies and deletes: lists of names with values, and of names."""
    values: dict[str, Any] = {}
    for part in ("add", "modify"):
        for each in _list(properties, part) if part in properties else ():
            if not isinstance(each, dict) or not isinstance(each.get("name"), str) or "value" not in each:
                raise _wrong(part, f"{part} is a list of objects with `name` and `value`.")
            values[each["name"]] = each["value"]
    for name in _list(properties, "delete") if "delete" in properties else ():
        if not isinstance(name, str):
            raise _wrong("delete", "delete is a list of names.")
        values[name] = None
    if not values:
        raise _wrong("properties", "It changes nothing: add, modify or delete name what to change.")
    placed = {GEOMETRY: values.pop(GEOMETRY)} if GEOMETRY in values else {}
    return {**placed, "properties": values}


def _fault(name: str, message: str) -> Fault:
    return Fault(kind="parameter-invalid", field=name or None, message=message)


def _wrong(name: str, message: str) -> DataError:
    return DataError(_fault(name, message))
