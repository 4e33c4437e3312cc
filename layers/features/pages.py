"""Pages of features: which there are of a layer in a period, in a stable order, as GeoJSON."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import numpy as np
import orjson
import shapely
from sqlalchemy import ColumnElement, FromClause, LargeBinary, Select, Table, exists, func, or_, select
from sqlalchemy.orm import Session
from sqlalchemy.types import NullType

from layers import store
from layers.features.places import Place
from layers.features.properties import properties_of

# With the digits before the point these are all that a double has.
_DECIMALS = 15

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Period:
    """The revisions from ``since`` to ``revision``; one alone where they are equal.

    Of each feature that held at one of them, the newest version in the period is meant.
    """

    since: int
    revision: int


@dataclass(frozen=True, slots=True)
class Selection:
    """Features to be read: rows of a source that meet every condition on its columns.

    The source is the layer's table, or what has its columns, such as the layer in a draft.
    """

    layer: str
    source: FromClause
    conditions: Sequence[ColumnElement[bool]] = ()

    def where(self, *conditions: ColumnElement[bool]) -> "Selection":
        """Return the features that meet further conditions too."""
        return replace(self, conditions=(*self.conditions, *conditions))


@dataclass(frozen=True, slots=True)
class GeoJson:
    """Features as GeoJSON text, one each; ``last`` is the id of the last one where others follow it."""

    features: list[bytes]
    last: UUID | None


def stored(layer: str) -> Selection:
    """Return every version of a layer's features."""
    return Selection(layer, store.table(layer))


def published(layer: str, period: Period) -> Selection:
    """Return the features of a layer that were published in a period."""
    return stored(layer).where(*_held(store.table(layer), period))


def inside(source: FromClause, area: shapely.Geometry) -> ColumnElement[bool]:
    """Return the condition that a feature has a point in common with an area of EPSG:4326."""
    stated = func.ST_GeomFromWKB(shapely.to_wkb(area), 4326)
    result: ColumnElement[bool] = func.ST_Intersects(source.c.geom, stated)
    return result


def equal(source: FromClause, name: str, value: str | int | bool) -> ColumnElement[bool]:  # noqa: FBT001 - a value of a property
    """Return the condition that a property has a value."""
    result: ColumnElement[bool] = source.c[name] == value
    return result


def count(session: Session, selection: Selection) -> int:
    """Return how many features a selection has."""
    query = select(func.count()).select_from(selection.source).where(*selection.conditions)
    return session.execute(query).scalar_one()


def ids(session: Session, selection: Selection, *, limit: int) -> list[UUID]:
    """Return the first ids of a selection, in their order."""
    identifier = selection.source.c.id
    query = select(identifier).where(*selection.conditions).order_by(identifier).limit(limit)
    return list(session.scalars(query))


def page(
    session: Session, selection: Selection, place: Place, *, after: UUID | None = None, limit: int
) -> GeoJson:
    """Return the first features of a selection, by id, above the id ``after``; their geometry in `place`."""
    identifier = selection.source.c.id
    query = _rows(selection, place).where(*selection.conditions).order_by(identifier).limit(limit + 1)
    if after is not None:
        query = query.where(identifier > after)
    rows = session.execute(query).all()
    features = _written(rows[:limit], selection.layer, place)
    return GeoJson(features, rows[limit - 1][0] if len(rows) > limit else None)


def one(session: Session, selection: Selection, identifier: UUID, place: Place) -> bytes | None:
    """Return one feature of a selection as GeoJSON; None where it has none of that id."""
    mine = selection.where(selection.source.c.id == identifier)
    rows = session.execute(_rows(mine, place).where(*mine.conditions)).all()
    return _written(rows, selection.layer, place)[0] if rows else None


def version(session: Session, selection: Selection, identifier: UUID) -> str | None:
    """Return the version of one feature of a selection whose source tells it; None where it has none of that id."""
    source = selection.source
    query = select(source.c.version).where(*selection.conditions, source.c.id == identifier)
    found: str | None = session.scalar(query)
    return found


def extent(session: Session, selection: Selection) -> Box | None:
    """Return the box around a selection (west, south, east, north; EPSG:4326); None where it is empty."""
    around = func.ST_Extent(selection.source.c.geom).label("box")
    box = select(around).where(*selection.conditions).subquery()
    sides = (func.ST_XMin, func.ST_YMin, func.ST_XMax, func.ST_YMax)
    west, south, east, north = session.execute(select(*(side(box.c.box) for side in sides))).one()
    return None if west is None else (west, south, east, north)


def _held(source: Table, period: Period) -> list[ColumnElement[bool]]:
    if period.since == period.revision:
        return [store.valid(source, period.revision)]
    later = source.alias("later")
    replaced = exists().where(
        later.c.id == source.c.id,
        later.c.rev_from > source.c.rev_from,
        later.c.rev_from <= period.revision,
    )
    held = or_(source.c.rev_to.is_(None), source.c.rev_to > period.since)
    return [source.c.rev_from <= period.revision, held, ~replaced]


def _rows(selection: Selection, place: Place) -> Select[Any]:
    source = selection.source
    told = [
        func.ST_AsText(source.c[known.name], _DECIMALS).label(known.name)
        if known.kind == "geometry"
        else source.c[known.name]
        for known in properties_of(selection.layer).values()
    ]
    return select(source.c.id, _geometry(source.c.geom, place), *told)


def _geometry(column: ColumnElement[Any], place: Place) -> ColumnElement[Any]:
    """GeoJSON where the stored degrees are asked for, which the database writes at no cost; else WKB."""
    if not place.in_stored_degrees:
        return func.ST_AsBinary(column, type_=LargeBinary)
    stated = func.ST_FlipCoordinates(column, type_=NullType) if place.swaps else column
    return func.ST_AsGeoJSON(stated, _DECIMALS, 0)


def _written(rows: Sequence[Any], layer: str, place: Place) -> list[bytes]:
    names = list(properties_of(layer))
    shapes = [row[1] for row in rows]
    if rows and not place.in_stored_degrees:
        blobs = np.array([bytes(shape) for shape in shapes], dtype=object)
        shapes = shapely.to_geojson(place.written(shapely.from_wkb(blobs))).tolist()
    return [
        orjson.dumps(
            {
                "type": "Feature",
                "id": row[0],
                "geometry": orjson.Fragment(shape),
                "properties": dict(zip(names, row[2:], strict=True)),
            }
        )
        for row, shape in zip(rows, shapes, strict=True)
    ]
