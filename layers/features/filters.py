"""Filters in CQL2 (OGC 21-065) as conditions on a layer's columns; every value is bound, none is written into SQL."""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import cql2
import orjson
import shapely
from sqlalchemy import ColumnElement, Numeric, and_, cast, false, func, literal, not_, or_, true

from geo.faults import DataError, Fault
from layers.features.pages import Selection
from layers.features.places import Place, stated_geometry
from layers.features.properties import GEOMETRY, properties_of

#: Longest filter, in characters, and how deep its parts may lie in one another.
MOST_TEXT, MOST_DEPTH = 16_000, 32
# The parser goes one level deeper for each of these; far more than anyone writes would exhaust its stack.
_OPENS, _CLOSES, _MOST_OPEN = "([", ")]", 64
_PREFIXES = re.compile(r"(?:(?:not\b|[-+])\s*){9}", re.IGNORECASE)
_MOST_POWERS = 16

_COMPARED: dict[str, Callable[[Any, Any], Any]] = {
    "=": lambda one, other: one == other,
    "<>": lambda one, other: one != other,
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
    ">": lambda one, other: one > other,
    ">=": lambda one, other: one >= other,
}
_SUMS: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda one, other: one + other,
    "-": lambda one, other: one - other,
    "*": lambda one, other: one * other,
    "/": lambda one, other: one / func.nullif(other, 0),
}
_SPATIAL = {
    f"s_{name}": f"ST_{name.capitalize()}"
    for name in ("intersects", "equals", "disjoint", "touches", "within", "overlaps", "crosses", "contains")
}


@dataclass(frozen=True, slots=True)
class _Value:
    """An expression of SQL and the kind of its values: ``text``, ``number``, ``boolean`` or ``geometry``."""

    kind: str
    sql: Any


def from_text(text: str) -> Any:  # noqa: ANN401 - CQL2 JSON
    """Return a filter in CQL2 text as CQL2 JSON.

    Raises
    ------
    DataError
        If it cannot be read; the message says where.
    """
    _check_size(text)
    if _open_at_once(text) > _MOST_OPEN or _PREFIXES.search(text) or text.count("^") > _MOST_POWERS:
        raise _too_deep()
    try:
        return cql2.parse_text(text).to_json()
    except cql2.ParseError as error:
        raise _wrong(f"It cannot be read as CQL2 text:\n{error}") from error


def from_json(text: str) -> Any:  # noqa: ANN401 - CQL2 JSON
    """Return a filter in CQL2 JSON, parsed.

    Raises
    ------
    DataError
        If it is not JSON.
    """
    _check_size(text)
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise _wrong(f"It is not JSON: {error}.") from error


def from_object(stated: dict[str, Any]) -> Any:  # noqa: ANN401 - CQL2 JSON
    """Return a filter in CQL2 JSON that is parsed already, as a part of a body.

    Raises
    ------
    DataError
        If it is longer than one that stands by itself may be.
    """
    try:
        _check_size(orjson.dumps(stated).decode())
    except orjson.JSONEncodeError as error:
        raise _too_deep() from error
    return stated


def condition(stated: Any, selection: Selection, place: Place) -> ColumnElement[bool]:  # noqa: ANN401 - CQL2 JSON
    """Return the condition that a filter states.

    Parameters
    ----------
    stated
        CQL2 JSON; its geometries are in `place`.
    selection
        Of whose layer it is a condition.

    Raises
    ------
    DataError
        If it names a property that the layer lacks, an operator that is not offered, or compares what cannot be.
    """
    found = _Reader(selection, place).value(stated, 0)
    if found.kind != "boolean":
        raise _wrong("It is no condition: it must be true or false of a feature.")
    result: ColumnElement[bool] = found.sql
    return result


class _Reader:
    """Turns the parts of one filter into SQL."""

    def __init__(self, selection: Selection, place: Place) -> None:
        self._properties = properties_of(selection.layer)
        self._source = selection.source
        self._place = place

    def value(self, stated: Any, depth: int) -> _Value:  # noqa: ANN401 - CQL2 JSON
        if depth > MOST_DEPTH:
            raise _too_deep()
        if not isinstance(stated, dict):
            return _literal(stated)
        if "property" in stated:
            return self._property(stated["property"])
        if "op" in stated:
            return self._operation(stated["op"], stated.get("args"), depth + 1)
        if "type" in stated or "bbox" in stated:
            area = stated_geometry(stated, self._place)
            return _Value("geometry", func.ST_GeomFromWKB(shapely.to_wkb(area), 4326))
        raise _wrong(f"{_shown(stated)} is neither a property, a value nor an operation that is offered.")

    def _property(self, name: Any) -> _Value:  # noqa: ANN401 - CQL2 JSON
        if name == GEOMETRY:
            return _Value("geometry", self._source.c.geom)
        known = self._properties.get(name) if isinstance(name, str) else None
        if known is None or known.kind == "geometry":
            offered = [each.name for each in self._properties.values() if each.kind != "geometry"]
            message = f"There is no property {_shown(name)} to ask for; there are: {', '.join([*offered, GEOMETRY])}."
            raise _wrong(message)
        return _Value("number" if known.kind == "integer" else known.kind, self._source.c[known.name])

    def _operation(self, name: Any, stated: Any, depth: int) -> _Value:  # noqa: ANN401 - CQL2 JSON
        read = self._reader(name)
        if read is None:
            raise _wrong(f"The operator {_shown(name)} is not offered.")
        if not isinstance(stated, list) or not stated:
            raise _wrong(f"{name} needs a list of arguments.")
        if name == "in":
            listed = stated[1] if len(stated) == 2 and isinstance(stated[1], list) else []  # noqa: PLR2004 - a pair
            stated = [stated[0], *listed]
        return read(name, [self.value(each, depth) for each in stated])

    def _reader(self, name: Any) -> Callable[[str, list[_Value]], _Value] | None:  # noqa: ANN401 - CQL2 JSON
        for names, read in _OPERATIONS:
            if isinstance(name, str) and name in names:
                return read
        return None


def _logical(name: str, parts: list[_Value]) -> _Value:
    _expect(name, parts, ("boolean",))
    if name == "not":
        _count(name, parts, 1)
        return _Value("boolean", not_(parts[0].sql))
    conditions = [part.sql for part in parts]
    return _Value("boolean", and_(true(), *conditions) if name == "and" else or_(false(), *conditions))


def _comparison(name: str, parts: list[_Value]) -> _Value:
    _count(name, parts, 2)
    _expect(name, parts, ("text", "number", "boolean"))
    return _Value("boolean", _COMPARED[name](parts[0].sql, parts[1].sql))


def _between(name: str, parts: list[_Value]) -> _Value:
    _count(name, parts, 3)
    _expect(name, parts, ("text", "number"))
    found, low, high = (part.sql for part in parts)
    return _Value("boolean", (found >= low) & (found <= high))


def _within_list(name: str, parts: list[_Value]) -> _Value:
    if len(parts) == 1:
        raise _wrong("in needs a value and a list of one or more.")
    _expect(name, parts, ("text", "number", "boolean"))
    return _Value("boolean", parts[0].sql.in_([part.sql for part in parts[1:]]))


def _like(name: str, parts: list[_Value]) -> _Value:
    _count(name, parts, 2)
    _expect(name, parts, ("text",))
    pattern = parts[1].sql
    # A pattern that ends in the sign that escapes means the sign: SQL would refuse it.
    ended = func.regexp_replace(pattern, r"^((?:[^\\]|\\.)*)\\$", r"\1\\\\")
    return _Value("boolean", parts[0].sql.like(ended))


def _is_null(name: str, parts: list[_Value]) -> _Value:
    _count(name, parts, 1)
    return _Value("boolean", parts[0].sql.is_(None))


def _any_case(name: str, parts: list[_Value]) -> _Value:
    _count(name, parts, 1)
    _expect(name, parts, ("text",))
    return _Value("text", func.lower(parts[0].sql))


def _sum(name: str, parts: list[_Value]) -> _Value:
    _count(name, parts, 2)
    _expect(name, parts, ("number",))
    # Of any size: a product of integers would overflow.
    one, other = (cast(part.sql, Numeric) for part in parts)
    return _Value("number", _SUMS[name](one, other))


def _spatial(name: str, parts: list[_Value]) -> _Value:
    _count(name, parts, 2)
    _expect(name, parts, ("geometry",))
    return _Value("boolean", getattr(func, _SPATIAL[name])(parts[0].sql, parts[1].sql))


_OPERATIONS: Sequence[tuple[tuple[str, ...], Callable[[str, list[_Value]], _Value]]] = (
    (("and", "or", "not"), _logical),
    (tuple(_COMPARED), _comparison),
    (("between",), _between),
    (("in",), _within_list),
    (("like",), _like),
    (("isNull",), _is_null),
    (("casei",), _any_case),
    (tuple(_SUMS), _sum),
    (tuple(_SPATIAL), _spatial),
)


def _literal(stated: Any) -> _Value:  # noqa: ANN401 - CQL2 JSON
    if isinstance(stated, bool):
        return _Value("boolean", true() if stated else false())
    if isinstance(stated, int | float) and math.isfinite(stated):
        # Text gives every number as a float, and an index of integers is no use for those.
        whole = isinstance(stated, float) and stated.is_integer()
        return _Value("number", literal(int(stated) if whole else stated, Numeric(asdecimal=False)))
    if isinstance(stated, str) and "\0" not in stated:
        return _Value("text", literal(stated))
    raise _wrong(f"{_shown(stated)} is no value that a property can have.")


def _count(name: str, parts: list[_Value], count: int) -> None:
    if len(parts) != count:
        raise _wrong(f"{name} needs {count} arguments, not {len(parts)}.")


def _expect(name: str, parts: list[_Value], kinds: tuple[str, ...]) -> None:
    """Refuse arguments that are of different kinds, or of one that the operator does not take."""
    found = list(dict.fromkeys(part.kind for part in parts))
    if len(found) > 1 or found[0] not in kinds:
        raise _wrong(f"{name} cannot take {' and '.join(found)}; it takes {' or '.join(kinds)}, of one kind.")


def _check_size(text: str) -> None:
    if len(text) > MOST_TEXT:
        raise _wrong(f"It has {len(text)} characters; {MOST_TEXT} are read.")


def _open_at_once(text: str) -> int:
    """How many brackets are open at the most; those in quoted text count too."""
    most = now = 0
    for character in text:
        if character in _OPENS:
            now += 1
            most = max(most, now)
        elif character in _CLOSES:
            now -= 1
    return most


def _shown(value: Any) -> str:  # noqa: ANN401 - CQL2 JSON
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."  # noqa: PLR2004 - what fits on a line


def _too_deep() -> DataError:
    return _wrong(f"It is nested too deeply; {MOST_DEPTH} levels are read.")


def _wrong(message: str) -> DataError:
    return DataError(Fault(kind="parameter-invalid", field="filter", message=message))
