"""Queries of items, read so that every fault is reported at once."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar
from uuid import UUID

from fastapi import Request

from api.dependencies import Runtime
from api.ogc import periods, systems
from api.snapshots import Snapshot
from api.stated import Faults
from geo.faults import DataError, Fault
from layers.features import filters, pages, places
from layers.features.collections import Collection
from layers.features.pages import Selection
from layers.features.places import Place
from layers.features.properties import Property, properties_of

#: Features a page where a request names no limit, and at the most.
DEFAULT_LIMIT, MOST_LIMIT = 100, 1000

#: What a request for one item may state, and one for several beside equal properties.
OF_ITEM = ("crs", *periods.NAMES)
OF_ITEMS = (*OF_ITEM, "bbox", "bbox-crs", "filter", "filter-lang", "filter-crs", "limit", "after")

_LANGUAGES = {"cql2-text": filters.from_text, "cql2-json": filters.from_json}
_BOOLEANS = {"true": True, "false": False}
_LARGEST = 2**31
_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for: features, the CRS of their geometry, and which page of them."""

    collection: Collection
    selection: Selection
    place: Place
    revision: int
    limit: int = 1
    after: UUID | None = None


def queryable(layer: str) -> dict[str, Property]:
    """Return the properties that can be asked for by their own name: those without a place."""
    return {name: known for name, known in properties_of(layer).items() if known.kind != "geometry"}


def parameters(request: Request, known: Iterable[str]) -> dict[str, str]:
    """Return a request's parameters.

    Raises
    ------
    DataError
        With a fault for each that is unknown or stated twice.
    """
    names = tuple(known)
    found: dict[str, str] = {}
    faults = []
    for name, value in request.query_params.multi_items():
        if name not in names:
            offered = ", ".join(names) or "none"
            faults.append(_fault(name, f"There is no parameter {name!r} here; there are: {offered}."))
        elif name in found:
            faults.append(_fault(name, f"{name} is stated twice."))
        found[name] = value
    if faults:
        raise DataError(faults)
    return found


def item(request: Request, collection: Collection, runtime: Runtime, snapshot: Snapshot) -> Asked:
    """Read a request for one item of a collection.

    Raises
    ------
    DataError
        With every fault.
    """
    query = parameters(request, OF_ITEM)
    faults = Faults()
    place = faults.reading(lambda: systems.stated(query.get("crs"), _systems(snapshot), field="crs"))
    period = faults.reading(lambda: periods.read(query, runtime, snapshot))
    faults.check()
    assert place is not None  # noqa: S101 - checked above
    assert period is not None  # noqa: S101 - checked above
    layer = collection.layer
    selection = Selection(layer, period.of(layer), collection.conditions)
    return Asked(collection, selection, place, period.last.revision)


def items(request: Request, collection: Collection, runtime: Runtime, snapshot: Snapshot) -> Asked:
    """Read a request for items of a collection.

    Raises
    ------
    DataError
        With every fault.
    """
    layer = collection.layer
    own = queryable(layer)
    query = parameters(request, (*OF_ITEMS, *own))
    known = _systems(snapshot)
    faults = Faults()
    period = faults.reading(lambda: periods.read(query, runtime, snapshot))
    place = faults.reading(lambda: systems.stated(query.get("crs"), known, field="crs"))
    limit = faults.reading(lambda: _limit(query.get("limit")))
    after = faults.reading(lambda: _after(query.get("after")))
    conditions = [
        faults.reading(read)
        for read in (
            lambda: _in_box(query, layer, known),
            lambda: _filtered(query, layer, known),
            *(_equal(query, layer, own[name]) for name in query if name in own),
        )
    ]
    faults.check()
    assert place is not None  # noqa: S101 - checked above
    assert period is not None  # noqa: S101 - checked above
    assert limit is not None  # noqa: S101 - checked above
    stated = [found for found in conditions if found is not None]
    selection = Selection(layer, period.of(layer), [*collection.conditions, *stated])
    return Asked(collection, selection, place, period.last.revision, limit, after)


def following(request: Request, asked: Asked, last: UUID) -> dict[str, str]:
    """Return the query of the next page: as this one, at the same state of the layer, after its last item."""
    query = {name: value for name, value in request.query_params.items() if name not in periods.NAMES}
    since, revision = asked.selection.period.since, asked.selection.period.revision
    state = str(revision) if since == revision else f"{since}/{revision}"
    return {**query, "limit": str(asked.limit), "revision": state, "after": str(last)}


def _systems(snapshot: Snapshot) -> dict[str, Place]:
    return systems.offered(snapshot.deployment)


def _in_box(query: Mapping[str, str], layer: str, known: dict[str, Place]) -> Any:  # noqa: ANN401 - a condition of layers
    place = systems.stated(query.get("bbox-crs"), known, field="bbox-crs")
    if "bbox" not in query:
        return None
    return pages.inside(layer, _on_field("bbox", lambda: places.box_area(query["bbox"], place)))


def _filtered(query: Mapping[str, str], layer: str, known: dict[str, Place]) -> Any:  # noqa: ANN401 - as above
    place = systems.stated(query.get("filter-crs"), known, field="filter-crs")
    language = query.get("filter-lang", "cql2-text")
    if language not in _LANGUAGES:
        raise _wrong("filter-lang", f"{language!r} is none of {', '.join(_LANGUAGES)}.")
    if "filter" not in query:
        return None
    read = _LANGUAGES[language]
    return _on_field("filter", lambda: filters.condition(read(query["filter"]), layer, place))


def _equal(query: Mapping[str, str], layer: str, known: Property) -> Callable[[], Any]:
    def read() -> Any:  # noqa: ANN401 - as above
        return pages.equal(layer, known.name, _stated(query[known.name], known))

    return read


def _stated(text: str, known: Property) -> str | int | bool:
    if known.kind == "boolean" and text in _BOOLEANS:
        return _BOOLEANS[text]
    if known.kind == "integer" and re.fullmatch(r"-?\d{1,10}", text) and abs(int(text)) < _LARGEST:
        return int(text)
    if known.kind == "text" and "\0" not in text:
        return text
    what = {"boolean": "true or false", "integer": "a whole number"}.get(known.kind, "a text")
    raise _wrong(known.name, f"{text!r} is not {what}.")


def _limit(text: str | None) -> int:
    if text is None:
        return DEFAULT_LIMIT
    if not re.fullmatch(r"[0-9]{1,1000}", text) or not int(text):
        raise _wrong("limit", f"{text!r} is no number of features; state 1 to {MOST_LIMIT}.")
    return min(int(text), MOST_LIMIT)


def _after(text: str | None) -> UUID | None:
    try:
        return None if text is None else UUID(text)
    except ValueError as error:
        raise _wrong("after", f"{text!r} is no id of a feature; follow the `next` link.") from error


def _on_field(field: str, read: Callable[[], _Value]) -> _Value:
    """Return what a reading gives; its faults are those of a parameter."""
    try:
        return read()
    except DataError as error:
        raise DataError([replace(fault, field=field) for fault in error.faults]) from error


def _fault(field: str, message: str) -> Fault:
    return Fault(kind="parameter-invalid", field=field, message=message)


def _wrong(field: str, message: str) -> DataError:
    return DataError(_fault(field, message))
