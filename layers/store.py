"""Layers in and out of their tables as frames.

A *layer frame* is a GeoDataFrame in EPSG:4326, longitude first, indexed by the feature's uuid (``id``), with
the layer's columns as in :mod:`layers.tables` less the revisions; ``geom`` is the column ``geometry``. Layers
without places (posts, links) are plain frames.
"""

import csv
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from geoalchemy2 import Geometry
from sqlalchemy import (
    ARRAY,
    Boolean,
    Column,
    ColumnElement,
    FromClause,
    Integer,
    LargeBinary,
    Select,
    Subquery,
    Table,
    Uuid,
    cast,
    exists,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from layers.tables import LAYER_TABLES, LINK_TABLES, Versioned

_REVISIONS = {"rev_from", "rev_to"}


def table(layer: str) -> Table:
    """Return the table of a layer or link.

    Raises
    ------
    KeyError
        If there is no such layer; callers that pass a user's word check it first.
    """
    model: type[Versioned] = {**LAYER_TABLES, **LINK_TABLES}[layer]
    result: Table = model.__table__  # type: ignore[attr-defined]  # set by the declarative base of each model
    return result


def read(
    session: Session,
    layer: str,
    revision: int,
    *,
    columns: Sequence[str] | None = None,
    codes: Collection[str] | None = None,
    where: ColumnElement[bool] | None = None,
) -> Any:  # noqa: ANN401 - GeoDataFrame, or DataFrame for a layer without places
    """Return a layer as it stood at a revision, ordered by id.

    Parameters
    ----------
    columns
        Names to read, without ``id``, which is always there; all of them by default.
    codes
        Only these features.
    where
        A further condition on ``table(layer).c``; it narrows, it does not decide.
    """
    source = table(layer)
    chosen = columns_of(source, columns)
    query = select(*(_expression(column) for column in chosen)).where(valid(source, revision))
    if codes is not None:
        query = query.where(source.c.code.in_(list(codes)))
    if where is not None:
        query = query.where(where)
    return _frame(session, query.order_by(source.c.id), chosen)


def source(layer: str, revision: int) -> Subquery:
    """Return a layer as it stood at a revision, to select from."""
    stored = table(layer)
    return select(stored).where(valid(stored, revision)).subquery(layer)


def read_from(session: Session, source: FromClause, columns: Sequence[str] | None, *conditions: Any) -> Any:  # noqa: ANN401 - as of read
    """Return rows of a source that has a layer's columns, as a layer frame ordered by id."""
    chosen = columns_of(source, columns)
    query = select(*(_expression(column) for column in chosen)).where(*conditions)
    return _frame(session, query.order_by(source.c.id), chosen)


def columns_of(source: FromClause, names: Sequence[str] | None = None) -> list[Column[Any]]:
    """Return a source's columns of these names in frames (all by default), with ``id``, without revisions."""
    every: list[Column[Any]] = list(source.c)  # type: ignore[arg-type]  # a subquery's columns are of another class
    return [
        column
        for column in every
        if column.name not in _REVISIONS
        and (names is None or column.name == "id" or _frame_name(column) in names)
    ]


def read_versions(session: Session, layer: str, *, columns: Sequence[str], where: ColumnElement[bool]) -> Any:  # noqa: ANN401 - as of read
    """Return versions of a layer's features side by side: the columns named, with ``rev_from`` and ``rev_to``."""
    source = table(layer)
    named = {"id", *_REVISIONS}
    chosen = [column for column in source.c if column.name in named or _frame_name(column) in columns]
    query = select(*(_expression(column) for column in chosen)).where(where)
    return _frame(session, query.order_by(source.c.id, source.c.rev_from), chosen)


@dataclass(frozen=True, slots=True)
class Changed:
    """What became of a layer between two revisions.

    ``begun`` is a layer frame of the rows that hold at the later revision and did not at the earlier one;
    ``ended`` the codes of those that held at the earlier one and do no more. A feature that changed is in both.
    """

    begun: Any
    ended: set[str]


def read_changed(
    session: Session,
    layer: str,
    since: int,
    revision: int,
    *,
    columns: Sequence[str] | None = None,
    where: ColumnElement[bool] | None = None,
) -> Changed:
    """Return what became of a layer from revision `since` to `revision`.

    Parameters
    ----------
    columns, where
        As in :func:`read`, for what has begun.
    """
    source = table(layer)
    later = source.c.rev_from > since
    begun = read(session, layer, revision, columns=columns, where=later if where is None else later & where)
    gone = select(source.c.code).where(valid(source, since), source.c.rev_to <= revision)
    return Changed(begun, set(session.scalars(gone)))


def has_changed(session: Session, layer: str, since: int, revision: int) -> bool:
    """Tell whether a row of a layer began or ended after revision `since` and up to `revision`."""
    source = table(layer)
    began = source.c.rev_from.between(since + 1, revision)
    ended = source.c.rev_to.between(since + 1, revision)
    return bool(session.scalar(select(exists().where(began | ended))))


def rows(frame: pd.DataFrame, columns: Sequence[str]) -> list[tuple[Any, ...]]:
    """Rows of a frame with None for what is missing, which pandas gives as NaN in a column of text."""
    chosen = frame[list(columns)].astype(object)
    return list(chosen.where(chosen.notna(), None).itertuples(index=False, name=None))


def valid(source: Table, revision: int) -> ColumnElement[bool]:
    """Return the condition that a row of ``source`` holds at ``revision``."""
    return (source.c.rev_from <= revision) & or_(source.c.rev_to.is_(None), source.c.rev_to > revision)


def close(session: Session, layer: str, ids: Collection[str], revision: int) -> int:
    """End the current version of these features at ``revision``; return how many there were."""
    source = table(layer)
    # One array is bound faster than tens of thousands of parameters.
    named = func.any(cast(list(ids), ARRAY(Uuid(as_uuid=False))))
    done = session.execute(
        update(source)
        .where(source.c.id == named, source.c.rev_to.is_(None))
        .values(rev_to=revision)
        .execution_options(synchronize_session=False)
    )
    return int(done.rowcount)  # type: ignore[attr-defined]  # a cursor result, as for every UPDATE


def append(session: Session, layer: str, frame: pd.DataFrame, revision: int) -> None:
    """Store the rows of a layer frame as valid from ``revision`` on.

    Columns that the frame lacks take the table's default.
    """
    copy(session, table(layer), frame, {"rev_from": revision})


def copy(session: Session, target: Table, frame: pd.DataFrame, fixed: Mapping[str, Any]) -> None:
    """Store the rows of a layer frame in a table, with the same values of further columns in each, by one COPY."""
    written: dict[str, Any] = {"id": frame.index.astype(str), **fixed}
    for column in target.c:
        if column.name in {"id", *_REVISIONS} or _frame_name(column) not in frame.columns:
            continue
        written[column.name] = _copyable(frame[_frame_name(column)], column)
    names = ", ".join(written)
    rows = pd.DataFrame(written, index=frame.index)
    # pandas quotes every value, NULLs too; a random word for them is one that no text can equal.
    null = uuid4().hex
    body = rows.to_csv(index=False, header=False, na_rep=null, quoting=csv.QUOTE_ALL)
    driver: Any = session.connection().connection
    with driver.cursor() as cursor:
        cursor.copy_expert(
            f"COPY {target.name} ({names}) FROM STDIN WITH (FORMAT csv, NULL '{null}', FORCE_NULL ({names}))",
            _Text(body),
        )


class _Text:
    """A string read in pieces, as COPY wants it, without a second copy in memory."""

    def __init__(self, body: str) -> None:
        self._body = memoryview(body.encode())
        self._at = 0

    def read(self, size: int = -1) -> bytes:
        end = len(self._body) if size < 0 else self._at + size
        piece = bytes(self._body[self._at : end])
        self._at += len(piece)
        return piece


def _frame_name(column: Column[Any]) -> str:
    return "geometry" if column.name == "geom" else str(column.name)


def _expression(column: Column[Any]) -> ColumnElement[Any]:
    if isinstance(column.type, Geometry):
        return func.ST_AsBinary(column, type_=LargeBinary).label(column.name)
    return column


def _frame(session: Session, query: Select[Any], columns: Sequence[Column[Any]]) -> pd.DataFrame:
    rows = session.execute(query).all()
    values = list(zip(*rows, strict=True)) if rows else [() for _ in columns]
    data: dict[str, Any] = {}
    for column, column_values in zip(columns, values, strict=True):
        data[_frame_name(column)] = _series(column, column_values)
    index = pd.Index([str(value) for value in values[0]], name="id", dtype=object)
    frame = pd.DataFrame({name: array for name, array in data.items() if name != "id"}, index=index)
    if "geometry" not in frame.columns:
        return frame
    result: pd.DataFrame = gpd.GeoDataFrame(frame, geometry="geometry", crs="EPSG:4326")
    for column in columns:
        if isinstance(column.type, Geometry) and column.name != "geom":
            result[column.name] = gpd.GeoSeries(result[column.name], crs="EPSG:4326")
    return result


def _series(column: Column[Any], values: Sequence[Any]) -> Any:  # noqa: ANN401 - an array of the column's kind
    if isinstance(column.type, Geometry):
        blobs = np.array([None if value is None else bytes(value) for value in values], dtype=object)
        return shapely.from_wkb(blobs)
    if isinstance(column.type, Boolean):
        return np.array(values, dtype=bool)
    if isinstance(column.type, Integer):
        return pd.array(list(values), dtype="Int64") if column.nullable else np.array(values, dtype=np.int64)
    array = np.empty(len(values), dtype=object)
    array[:] = list(values)
    return array


def _copyable(series: pd.Series, column: Column[Any]) -> Any:  # noqa: ANN401 - strings or numbers for COPY
    if isinstance(column.type, Geometry):
        shapes = shapely.set_srid(np.asarray(series, dtype=object), 4326)
        return shapely.to_wkb(shapes, hex=True, include_srid=True)
    if isinstance(column.type, JSONB):
        return [json.dumps(value or {}, ensure_ascii=False, default=str) for value in series]
    if isinstance(column.type, ARRAY):
        return [None if values is None else array_text(values) for values in series]
    if isinstance(column.type, Integer):
        # A column with gaps may have come as floats, which the database would refuse.
        return series.astype("Int64").array
    return series.to_numpy()


def array_text(values: Sequence[str]) -> str:
    """Write texts as PostgreSQL reads an array of them."""
    escaped = (value.replace("\\", "\\\\").replace('"', '\\"') for value in values)
    return "{" + ",".join(f'"{value}"' for value in escaped) + "}"
