"""Codes, parents and identities of records that are being imported."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import uuid4

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from geo import hierarchy
from geo.faults import Fault
from geo.levels import LEVEL_OF, LEVELS
from layers import store
from layers.drafts import keeping
from layers.tables import DRAFT_TABLES, Draft
from layers.validation import Reader, code_width, parent_layer

Objects = NDArray[np.object_]

#: How a generated code of a layer without levels begins, and how many digits follow.
SERIES = {
    "compounds": ("C", 6),
    "buildings": ("B", 7),
    "addresses": ("A", 7),
    "old_estates": ("E", 6),
    "facilities": ("F", 6),
    "streets": ("S", 7),
    "barriers": ("W", 6),
    "posts": ("P", 6),
}
_LONGEST_CODE = 64
#: What tells that two posts are the same one, since they have no place.
_POST_KEY = ["role", "name", "target_layer", "target_code"]


@dataclass(frozen=True, slots=True)
class Coded:
    """A table whose rows all have a code, a parent where there is one, and an identity as its index.

    ``generated`` counts codes that were made now, ``parents`` how parents were found: ``stated``, ``by code``,
    ``by location``, ``none``.
    """

    table: pd.DataFrame
    generated: int = 0
    faults: list[Fault] = field(default_factory=list)
    parents: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def code(
    session: Session, layer: str, table: pd.DataFrame, read: Reader, *, metric: str, widths: Sequence[int]
) -> Coded:
    """Check and complete the codes of a layer's records, and find their parents.

    A malformed code, and every but the first record of one code, is a fault of its record. Records without
    a code take that of the same shape already stored under a generated code, else the next free one.

    Parameters
    ----------
    table
        Fields of the layer, indexed by record number (which streets cut into pieces repeat), with
        ``geometry`` in EPSG:4326 unless the layer has none, and ``id`` where records bring an identity.
    read
        Gives the layers as they are stored or about to be.

    Raises
    ------
    DataError
        ``code-malformed`` when the digits are too few to number all records.
    """
    now = _codes_now(read(layer))
    ever = _codes_ever(session, layer) | now
    notes: list[str] = []
    table = table.assign(code=_shortened(layer, objects(table["code"]), widths, notes))
    faults = _malformed(layer, table, widths) + _duplicates(table)
    table = table[~table.index.isin([fault.row for fault in faults])]
    table = _adopt_codes(layer, table, read)
    found: dict[str, int] = {}
    if layer in LEVEL_OF:
        table, found = _with_parents(layer, table, read, metric)
    missing = table["code"].isna().to_numpy()
    codes = objects(table["code"])
    codes[missing] = _generated(
        layer, table[missing], _taken(session, layer) | {*ever, *codes[~missing]}, widths
    )
    table = table.assign(code=codes, generated_code=table["generated_code"].to_numpy(dtype=bool) | missing)
    identified = _identified(table, ever)
    second = _second_codes(identified, now)
    faults += [_second_code(row, value) for row, value in _items(table["code"][second])]
    return Coded(identified[~second], int(missing.sum()), faults, found, notes)


def _second_codes(table: pd.DataFrame, now: dict[str, str]) -> NDArray[np.bool_]:
    """Find rows whose code their feature had before the one under which it stands beside them."""
    current = [now.get(code) == feature for code, feature in zip(table["code"], table.index, strict=True)]
    formerly = ~np.array(current, dtype=bool)
    return np.asarray(table.index.duplicated(keep=False) & formerly, dtype=bool)


def _second_code(row: int, value: str) -> Fault:
    message = f"{value} was retired: its feature has another code now, under which it is in the file too."
    return Fault(kind="code-retired", field="code", row=row, id=value, message=message)


def _codes_ever(session: Session, layer: str) -> dict[str, str]:
    """Every code the layer ever had, with the feature it belongs to."""
    source = store.table(layer)
    rows = session.execute(select(source.c.code, source.c.id).distinct())
    return {str(row.code): str(row.id) for row in rows}


def _codes_now(frame: pd.DataFrame) -> dict[str, str]:
    """Codes as they are, which a draft may have given to features of its own."""
    return dict(zip(frame["code"], frame.index.astype(str), strict=True))


def _taken(session: Session, layer: str) -> set[str]:
    """Codes of drafts that may still be published."""
    ours = DRAFT_TABLES[layer]
    standing = exists().where(Draft.id == ours.c.draft_id, Draft.status.in_(keeping.STANDING))
    return set(session.scalars(select(ours.c.code).where(standing, ~ours.c.gone)))


def _shortened(layer: str, given: Objects, widths: Sequence[int], notes: list[str]) -> Objects:
    """Cut the zeros off statistical codes, which fill every level up to twelve digits."""
    if layer not in LEVEL_OF:
        return given
    width = code_width(layer, widths)
    filled = np.array([_is_filled(each, width) for each in given], dtype=bool)
    if filled.any():
        notes.append(f"{int(filled.sum())} codes were filled up with zeros; they were cut to {width} digits.")
    result = given.copy()
    result[filled] = [each[:width] for each in given[filled]]
    return result


def _is_filled(value: object, width: int) -> bool:
    return isinstance(value, str) and len(value) > width and value.isdigit() and not value[width:].strip("0")


def _malformed(layer: str, table: pd.DataFrame, widths: Sequence[int]) -> list[Fault]:
    codes = table["code"].dropna()
    pattern, wanted = well_formed(layer, widths)
    right = codes.str.fullmatch(pattern)
    return [
        Fault(kind="code-malformed", field="code", row=row, id=value, message=f"{value!r}: {wanted}.")
        for row, value in _items(codes[~right.astype(bool)])
    ]


def well_formed(layer: str, widths: Sequence[int]) -> tuple[str, str]:
    """Return the pattern that codes of a layer match as a whole, and what a refusal of another says."""
    if layer in LEVEL_OF:
        width = code_width(layer, widths)
        return rf"[0-9]{{{width}}}", f"{width} digits are wanted"
    wanted = f"at most {_LONGEST_CODE} characters without blanks are wanted"
    return rf"[^\s\x00-\x1f]{{1,{_LONGEST_CODE}}}", wanted


def _duplicates(table: pd.DataFrame) -> list[Fault]:
    """Each record that repeats the code of an earlier one."""
    codes = table["code"].dropna()
    first = {value: row for row, value in reversed(_items(codes))}
    return [
        Fault(
            kind="code-duplicate",
            field="code",
            row=row,
            id=value,
            message=f"Record {first[value]} has code {value} already.",
        )
        for row, value in _items(codes[codes.duplicated()])
    ]


def _items(codes: pd.Series) -> list[tuple[int, str]]:
    return [(int(row), str(value)) for row, value in zip(codes.index.to_numpy(), codes, strict=True)]


def objects(values: pd.Series) -> Objects:
    """Return a column as plain objects, None where missing: text columns would give NaN, which is true."""
    result = values.to_numpy(dtype=object).copy()
    result[pd.isna(result)] = None
    return result


def _adopt_codes(layer: str, table: pd.DataFrame, read: Reader) -> pd.DataFrame:
    """Let records without a code take the generated one of the same feature, already stored."""
    missing = table["code"].isna()
    if not missing.any() or not len(read(layer)):
        return table
    stored = read(layer)
    stored = stored[stored["generated_code"].to_numpy(dtype=bool)]
    free: dict[object, list[str]] = {}
    for key, value in sorted(zip(_likeness(layer, stored), stored["code"], strict=True), reverse=True):
        free.setdefault(key, []).append(value)
    codes = objects(table["code"])
    generated = table["generated_code"].to_numpy(dtype=bool).copy()
    keys = _likeness(layer, table[missing])
    for row, key in zip(np.flatnonzero(missing), keys, strict=True):
        if free.get(key):
            codes[row], generated[row] = free[key].pop(), True
    return table.assign(code=codes, generated_code=generated)


def _likeness(layer: str, table: pd.DataFrame) -> list[object]:
    if layer == "posts":
        return [tuple(map(str, row)) for row in table[_POST_KEY].to_numpy()]
    return list(shapely.to_wkb(shapely.normalize(table["geometry"].to_numpy(dtype=object))))


def _with_parents(
    layer: str, table: pd.DataFrame, read: Reader, metric: str
) -> tuple[pd.DataFrame, dict[str, int]]:
    """Find parents: the stated one where it exists, else by code, else by the largest common area."""
    above = parent_layer(layer, read)
    if above is None:
        return table.assign(parent_code=None), {}
    parents = read(above)
    known = set(parents["code"])
    stated = objects(table["parent_code"])
    by_code = hierarchy.parents_by_code(list(objects(table["code"])), known)
    result = np.array([code if code in known else None for code in stated], dtype=object)
    how = np.where(result != None, "stated", "").astype(object)  # noqa: E711 - elementwise
    take = (how == "") & (by_code != None)  # noqa: E711 - elementwise
    result[take], how[take] = by_code[take], "by code"
    rest = np.flatnonzero(how == "")
    if len(rest):
        areas = gpd.GeoDataFrame(table.iloc[rest], geometry="geometry", crs="EPSG:4326")
        placed = objects(hierarchy.parents_by_location(areas, parents, metric=metric)["parent_code"])
        result[rest] = placed
        how[rest] = np.where(placed == None, "none", "by location")  # noqa: E711 - elementwise
    counts = {name: int((how == name).sum()) for name in ("stated", "by code", "by location", "none")}
    return table.assign(parent_code=result), counts


def _generated(layer: str, table: pd.DataFrame, taken: set[str], widths: Sequence[int]) -> Objects:
    if layer not in LEVEL_OF:
        prefix, digits = SERIES[layer]
        if layer == "posts":
            free = (text for n in range(1, 10**digits) if (text := f"{prefix}{n:0{digits}d}") not in taken)
            return np.array([next(free) for _ in range(len(table))], dtype=object)
        return hierarchy.generate_codes(
            table["geometry"].to_numpy(), [prefix] * len(table), taken, width=digits
        )
    level = LEVELS.index(LEVEL_OF[layer])
    above = sum(widths[:level])
    prefixes = [(parent or "").ljust(above, "0") for parent in objects(table["parent_code"])]
    return hierarchy.generate_codes(table["geometry"].to_numpy(), prefixes, taken, width=widths[level])


def _identified(table: pd.DataFrame, ever: dict[str, str]) -> pd.DataFrame:
    """Give each row the identity its code has, else the one it brings, else a new one."""
    brought = objects(table["id"]) if "id" in table.columns else [None] * len(table)
    ids = [ever.get(value) or own or str(uuid4()) for value, own in zip(table["code"], brought, strict=True)]
    return table.drop(columns="id", errors="ignore").set_axis(pd.Index(ids, name="id", dtype=object))
