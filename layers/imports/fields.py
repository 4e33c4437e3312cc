"""A file's columns -> a layer's fields: which is which, and values of the right kind."""

import datetime as dt
import difflib
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo.faults import DataError, Fault
from layers import catalogue
from layers.catalogue import Field, LayerSpec

_TRUE = frozenset(
    [
        "yes",
        "true",
        "t",
        "y",
        "1",
        "是",
        "有",
        "viaduct",
        "covered",
        "boardwalk",
        "building_passage",
        "culvert",
    ]
)
_FALSE = frozenset(["no", "false", "f", "n", "0", "否", "无"])
_DATE = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})")
#: Columns of our own exports that are no fields of the user's.
_OWN = ("extra", "generated_code")
# Shapefiles cut the names of columns to this many bytes.
_SHORT = 10
_LONGEST_INTEGER = 2_147_483_647
#: Kinds of fields that hold whole numbers.
_WHOLE = ("integer", "count")


@dataclass(frozen=True, slots=True)
class Mapped:
    """A table with the layer's fields as columns, and what was found on the way.

    Parameters
    ----------
    table
        Aligned with the file's records: fields of the layer except those of kind ``geometry``, plus ``extra``
        and ``generated_code``.
    shapes
        Columns of the file, by field, that hold further geometries (entrances, site).
    columns
        Which column of the file became which field.
    faults
        Values that could not be used, with their record's number.
    notes
        What the user should know, such as numbers that were rounded.
    """

    table: pd.DataFrame
    shapes: dict[str, pd.Series]
    columns: dict[str, str]
    faults: list[Fault]
    notes: list[str]


def stated(words: Sequence[str]) -> dict[str, str]:
    """Read what a user says of the columns: ``FIELD=COLUMN``; ``FIELD=`` says that the file has none.

    Raises
    ------
    DataError
        ``parameter-invalid`` for each that says something else.
    """
    faults = [
        Fault(
            kind="parameter-invalid",
            field="map",
            message=f"{word!r}: write FIELD=COLUMN, such as name=社区名称.",
        )
        for word in words
        if "=" not in word
    ]
    if faults:
        raise DataError(faults)
    return {name.strip(): column.strip() for name, column in (word.split("=", 1) for word in words)}


def match(columns: list[str], spec: LayerSpec, stated: Mapping[str, str]) -> dict[str, str]:
    """Say which column of a file is which field: as stated, else by the names that the field goes by.

    Parameters
    ----------
    stated
        Field to column; an empty column name means that the file has none, whatever its columns are called.

    Raises
    ------
    DataError
        ``field-unknown`` for each stated field that the layer lacks, or column that the file lacks.
    """
    names = [field.name for field in spec.fields]
    faults = [
        _unknown(field, names, f"Layer {spec.name} has no field") for field in stated if field not in names
    ]
    faults += [
        _unknown(column, columns, "The file has no column")
        for column in stated.values()
        if column and column not in columns
    ]
    if faults:
        raise DataError(faults)
    found = dict(stated)
    free = {column.strip().lower(): column for column in reversed(columns) if column not in found.values()}
    for field in spec.fields:
        if field.name not in found:
            column = next((free[name] for name in _names(field) if name in free), None)
            if column is not None:
                found[field.name] = free.pop(column.strip().lower())
    return {field: column for field, column in found.items() if column}


def _names(field: Field) -> list[str]:
    """Names a field goes by, as compared; those that a shapefile cuts come last."""
    names = [name.lower() for name in (field.name, field.zh, field.en, *field.aliases)]
    return names + [short for name in names if (short := _cut(name)) != name]


def _cut(name: str) -> str:
    return name.encode()[:_SHORT].decode(errors="ignore")


def _unknown(name: str, known: list[str], said: str) -> Fault:
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.4)
    advice = f"did you mean {', '.join(near)}?" if near else f"there are: {', '.join(known)}"
    return Fault(kind="field-unknown", field=name, message=f"{said} {name!r}; {advice}")


def mapped(frame: pd.DataFrame, spec: LayerSpec, stated: Mapping[str, str]) -> Mapped:
    """Give a file's records the layer's fields; columns that are none go to ``extra``.

    Raises
    ------
    DataError
        As in :func:`match`.
    """
    frame = frame.rename(columns={_cut(name): name for name in _OWN if name not in frame.columns})
    columns = match([str(name) for name in frame.columns], spec, stated)
    result = Mapped(pd.DataFrame(index=frame.index), {}, columns, [], [])
    for field in spec.fields:
        if field.kind == "geometry":
            if field.name in columns:
                result.shapes[field.name] = frame[columns[field.name]]
            continue
        values = frame[columns[field.name]] if field.name in columns else pd.Series(None, index=frame.index)
        result.table[field.name] = _converted(values.astype(object), field, result)
    rest = [name for name in frame.columns if name not in columns.values() and name not in _OWN]
    result.table["extra"] = pd.Series(_extra(frame, rest), index=frame.index, dtype=object)
    result.table["generated_code"] = _flags(frame)
    return result


def _converted(values: pd.Series, field: Field, result: Mapped) -> Any:  # noqa: ANN401 - an array of the field's kind
    """Read each distinct value once; a value that cannot be read is a fault of every record that has it."""
    read = reader(field)
    number, distinct = pd.factorize(values)
    readings = np.full(len(distinct) + 1, None, dtype=object)  # the last stands for missing values
    wrong: dict[int, str] = {len(distinct): f"{field.zh} {field.en} is required."} if field.required else {}
    rounded = np.zeros(len(distinct) + 1, dtype=bool)
    for i, value in enumerate(distinct):
        if is_blank(value):
            wrong |= {i: wrong[len(distinct)]} if field.required else {}
            continue
        try:
            readings[i] = read(value)
        except ValueError as error:
            wrong[i] = str(error)
        else:
            rounded[i] = field.kind in _WHOLE and readings[i] != float(str(value).replace(",", ""))
    result.faults.extend(_faults(field, values, number % len(readings), wrong))
    if rounded[number].any():
        result.notes.append(f"{rounded[number].sum()} values of {field.name} were rounded to whole numbers.")
    converted = readings[number]
    return pd.array(list(converted), dtype="Int64") if field.kind in _WHOLE else converted


def _faults(
    field: Field, values: pd.Series, number: NDArray[np.intp], wrong: Mapping[int, str]
) -> list[Fault]:
    kinds = {"type": "type-unknown"}
    return [
        Fault(
            kind="value-missing" if is_blank(values.iloc[i]) else kinds.get(field.name, "value-invalid"),
            field=field.name,
            row=int(values.index[int(i)]),
            message=wrong[number[i]],
        )
        for i in np.flatnonzero(np.isin(number, list(wrong)))
    ]


def is_blank(value: object) -> bool:
    """Tell whether a value says nothing: missing, not a number, or a text of blanks."""
    if value is None or value is pd.NA or value is pd.NaT:
        return True
    if isinstance(value, float):
        return math.isnan(value)
    return isinstance(value, str) and not value.strip()


def _text(value: object) -> str:
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))  # a code or house number that a table turned into a number
    return str(value).strip()


def _integer(value: object) -> int:
    try:
        number = float(str(value).replace(",", ""))
    except ValueError as error:
        raise ValueError(f"{value!r} is no number.") from error
    if not -_LONGEST_INTEGER <= number <= _LONGEST_INTEGER:  # also refuses NaN
        raise ValueError(f"{value!r} is out of range.")
    return math.floor(number + 0.5)


def _count(value: object) -> int:
    number = _integer(value)
    if number < 0:
        raise ValueError(f"{value!r} is below zero.")
    return number


def _boolean(value: object) -> bool:
    if isinstance(value, bool | np.bool_):
        return bool(value)
    word = _text(value).lower()
    if word not in _TRUE | _FALSE:
        raise ValueError(f"{value!r} is neither yes (是) nor no (否).")
    return word in _TRUE


def _date(value: object) -> dt.date:
    if isinstance(value, dt.datetime):
        return value.date()
    if isinstance(value, dt.date):
        return value
    found = _DATE.match(str(value).strip())
    if found is None:
        raise ValueError(f"{value!r} is no date; write it as 2026-01-31.")
    try:
        return dt.date(*(int(part) for part in found.groups()))
    except ValueError as error:
        raise ValueError(f"{value!r} is no date: {error}.") from error


_READERS: dict[str, Callable[[object], object]] = {
    "text": _text,
    "integer": _integer,
    "count": _count,
    "boolean": _boolean,
    "date": _date,
}


def reader(field: Field) -> Callable[[object], object]:
    """Return what turns a value that is not blank into one that is stored; it raises ValueError, saying what is wrong."""
    if field.choices:
        return _chooser(field.choices)
    return _facility_type if field.name == "type" else _READERS[field.kind]


def _chooser(choices: tuple[tuple[str, str], ...]) -> Callable[[object], object]:
    words = {word.lower(): value for word, value in choices}

    def choose(value: object) -> str:
        word = _text(value).lower()
        if word not in words:
            raise ValueError(f"{value!r} is none of {', '.join(word for word, _ in choices)}.")
        return words[word]

    return choose


def _facility_type(value: object) -> str:
    """Take a facility type by key, Chinese or English name."""
    types = catalogue.facility_types()
    names = {
        name.lower(): str(key)
        for key, zh, en in zip(types.index, types["zh"], types["en"], strict=True)
        for name in (str(key), zh, re.sub(r"[（(].*", "", zh), en)
    }
    word = _text(value).lower()
    if word in names:
        return names[word]
    near = difflib.get_close_matches(word, names, n=3, cutoff=0.3)
    advice = "; the nearest are: " + ", ".join(f"{name} ({names[name]})" for name in near) if near else ""
    raise ValueError(f"{value!r} is no facility type of the catalogue{advice}.")


def _extra(frame: pd.DataFrame, columns: list[str]) -> list[dict[str, Any]]:
    """What has no field, as JSON values; an ``extra`` of our own export is unpacked into it."""
    own = [_unpacked(value) for value in frame["extra"]] if "extra" in frame.columns else [{}] * len(frame)
    if not columns:
        return [dict(each) for each in own]
    plain = pd.DataFrame({str(name): frame[name].astype(object) for name in columns})
    return [
        {**before, **{str(name): _json(value) for name, value in record.items() if not is_blank(value)}}
        for before, record in zip(own, plain.to_dict("records"), strict=True)
    ]


def _unpacked(value: object) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    if not isinstance(value, str) or not value.strip():
        return {}
    try:
        content = json.loads(value)
    except ValueError:
        return {"extra": value}
    return content if isinstance(content, dict) else {"extra": content}


def _json(value: object) -> object:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, str | int | float | bool | list | dict):
        return value
    return value.isoformat() if isinstance(value, dt.date) else str(value)


def _flags(frame: pd.DataFrame) -> list[bool]:
    if "generated_code" not in frame.columns:
        return [False] * len(frame)
    return [not is_blank(value) and _boolean(value) for value in frame["generated_code"]]
