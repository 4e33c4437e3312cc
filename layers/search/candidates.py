"""The names that may be meant, narrowed by their index; what they have in common with a phrase is all SQL knows."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from typing import Any
from uuid import UUID

import numpy as np
from sqlalchemy import Select, Text, any_, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from layers import store

#: Names compared with a phrase at most: those that share most with it for their length.
MOST_NAMES = 200
_MOST_CODES = 40
_MOST_DOORS = 5000


@dataclass(frozen=True, slots=True)
class Name:
    """A row of the names, see :class:`layers.tables.PlaceName`."""

    layer: str
    feature: UUID
    code: str
    name: str
    spelling: str
    part_of: str | None
    number: str | None
    lon: float
    lat: float
    radius_m: float


_COLUMNS = tuple(field.name for field in fields(Name))


def by_pieces(session: Session, revision: int, pieces: Sequence[str]) -> list[Name]:
    """Return the names that share most pieces with a phrase, for their own number of them."""
    source = store.table("place_names")
    asked = bindparam("pieces", list(pieces), ARRAY(Text()))
    piece = func.unnest(source.c.pieces).column_valued("piece")
    shared = select(func.count(piece)).where(piece == any_(asked)).correlate(source).scalar_subquery()
    query = (
        _all(revision)
        .where(source.c.pieces.bool_op("&&")(asked))
        .order_by((shared / func.sqrt(func.cardinality(source.c.pieces))).desc(), source.c.code)
        .limit(MOST_NAMES)
    )
    return _names(session, query) if pieces else []


def by_code(session: Session, revision: int, code: str) -> list[Name]:
    """Return the features whose codes begin so, in any case of letters; one row each, by code."""
    source = store.table("place_names").c
    found: dict[tuple[str, str], Name] = {}
    for spelled in dict.fromkeys((code, code.upper(), code.lower())):
        query = _all(revision).where(
            source.code.startswith(spelled, autoescape=True), source.layer != "streets"
        )
        query = query.order_by(func.length(source.code), source.code).limit(_MOST_CODES)
        for name in _names(session, query):
            found.setdefault((name.layer, name.code), name)
    return list(found.values())


def doors(session: Session, revision: int, parts_of: Collection[str]) -> list[Name]:
    """Return the doors of streets, by their spelling, and the buildings of compounds, by spelling or code."""
    source = store.table("place_names").c
    query = _all(revision).where(source.part_of.in_(list(parts_of))).order_by(source.code).limit(_MOST_DOORS)
    return _names(session, query) if parts_of else []


def numbered(session: Session, revision: int, numbers: Collection[tuple[str, str]]) -> list[Name]:
    """Return what has one of these pairs of what it is part of and number."""
    source = store.table("place_names").c
    wanted = dict.fromkeys(numbers)
    query = _all(revision).where(source.part_of.in_([part for part, _ in wanted])).order_by(source.code)
    query = query.where(source.number.in_([number for _, number in wanted])).limit(_MOST_DOORS)
    found = _names(session, query) if wanted else []
    return [name for name in found if (name.part_of, name.number) in wanted]


def street_lines(session: Session, revision: int, names: Collection[str]) -> dict[str, np.ndarray]:
    """Return the pieces of streets by name, lines in EPSG:4326."""
    if not names:
        return {}
    source = store.table("streets").c
    frame = store.read(
        session, "streets", revision, columns=["name", "geometry"], where=source.name.in_(list(names))
    )
    return {name: group.geometry.to_numpy() for name, group in frame.groupby("name")}


def shares(session: Session, revision: int, compounds: Collection[str], scheme: str) -> dict[str, float]:
    """Return the largest share of each compound that one grid holds."""
    if not compounds:
        return {}
    source = store.table("compound_grids")
    rows = session.execute(
        select(source.c.compound_code, func.max(source.c.share))
        .where(store.valid(source, revision), source.c.scheme == scheme)
        .where(source.c.compound_code.in_(list(compounds)))
        .group_by(source.c.compound_code)
    )
    return {code: share for code, share in rows}  # noqa: C416 - rows are not pairs to a type checker


def _all(revision: int) -> Select[Any]:
    source = store.table("place_names")
    return select(*(source.c[column] for column in _COLUMNS)).where(store.valid(source, revision))


def _names(session: Session, query: Select[Any]) -> list[Name]:
    return [Name(*row) for row in session.execute(query)]
