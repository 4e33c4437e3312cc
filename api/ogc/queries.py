"""Queries of items, read so that every fault is reported at once."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar
from uuid import UUID

from fastapi import Request

from api.ogc import systems
from api.ogc.states import Held, States
from api.stated import Faults, together
from geo.faults import DataError, Fault
from layers.deployment import Deployment
from layers.features import filters, pages, places
from layers.features.collections import Collection
from layers.features.pages import Selection
from layers.features.places import Place
from layers.features.properties import Property, properties_of

#: Features a page where a request names no limit, and at the most.
DEFAULT_LIMIT, MOST_LIMIT = 100, 1000

#: What a request for one item may state, and one for several beside equal properties and the state.
OF_ITEM = ("crs",)
OF_ITEMS = (*OF_ITEM, "bbox", "bbox-crs", "filter", "filter-lang", "filter-crs", "limit", "after")

_LANGUAGES = {"cql2-text": filters.from_text, "cql2-json": filters.from_json}
_BOOLEANS = {"true": True, "false": False}
_LARGEST = 2**31
_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for: features, the CRS of their geometry, and which page of them."""

    collection: Collection
    held: Held
    selection: Selection
    place: Place
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


def item(request: Request, collection: Collection, states: States, deployment: Deployment | None) -> Asked:
    """Read a request for one item of a collection.

    Raises
    ------
    DataError
        With every fault.
    """
    query = parameters(request, (*OF_ITEM, *states.names))
    place, held = together(
        lambda: systems.stated(query.get("crs"), systems.offered(deployment), field="crs"),
        lambda: states.read(query, collection),
    )
    return Asked(collection, held, held.selection, place)


def items(request: Request, collection: Collection, states: States, deployment: Deployment | None) -> Asked:
    """Read a request for items of a collection.

    Raises
    ------
    DataError
        With every fault.
    """
    own = queryable(collection.layer)
    query = parameters(request, (*OF_ITEMS, *states.names, *own))
    known = systems.offered(deployment)
    faults = Faults()
    held = faults.reading(lambda: states.read(query, collection))
    place = faults.reading(lambda: systems.stated(query.get("crs"), known, field="crs"))
    limit = faults.reading(lambda: _limit(query.get("limit")))
    after = faults.reading(lambda: _after(query.get("after")))
    # Conditions are read also where the state cannot be: their faults are told with its.
    selection = held.selection if held else pages.stored(collection.layer)
    conditions = [
        faults.reading(read)
        for read in (
            lambda: _in_box(query, selection, known),
            lambda: _filtered(query, selection, known),
            *(_equal(query, selection, own[name]) for name in query if name in own),
        )
    ]
    faults.check()
    assert place is not None  # noqa: S101 - checked above
    assert held is not None  # noqa: S101 - checked above
    assert limit is not None  # noqa: S101 - checked above
    selection = selection.where(*(found for found in conditions if found is not None))
    return Asked(collection, held, selection, place, limit, after)


def following(request: Request, asked: Asked, states: States, last: UUID) -> dict[str, str]:
    """Return the query of the next page: as this one, at the same state of the layer, after its last item."""
    query = {name: value for name, value in request.query_params.items() if name not in states.names}
    return {**query, "limit": str(asked.limit), **asked.held.pinned, "after": str(last)}


def _in_box(query: Mapping[str, str], selection: Selection, known: dict[str, Place]) -> Any:  # noqa: ANN401 - a condition of layers
    place = systems.stated(query.get("bbox-crs"), known, field="bbox-crs")
    if "bbox" not in query:
        return None
    area = _on_field("bbox", lambda: places.box_area(query["bbox"], place))
    return pages.inside(selection.source, area)


def _filtered(query: Mapping[str, str], selection: Selection, known: dict[str, Place]) -> Any:  # noqa: ANN401 - as above
    place = systems.stated(query.get("filter-crs"), known, field="filter-crs")
    language = query.get("filter-lang", "cql2-text")
    if language not in _LANGUAGES:
        raise _wrong("filter-lang", f"{language!r} is none of {', '.join(_LANGUAGES)}.")
    if "filter" not in query:
        return None
    read = _LANGUAGES[language]
    return _on_field("filter", lambda: filters.condition(read(query["filter"]), selection, place))


def _equal(query: Mapping[str, str], selection: Selection, known: Property) -> Callable[[], Any]:
    def read() -> Any:  # noqa: ANN401 - as above
        return pages.equal(selection.source, known.name, _stated(query[known.name], known))

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
