"""Find incidents: filters, newest first, a page at a time.

A page is looked for back through time, in spans of partitions that double until it is full. Each span is then read
by the index that suits it: what many incidents fulfil is found in the newest span by time, what few do by their
area, category or place in all of them. One query over all partitions would be planned for the average: it
may read half a million rows by time before it has found a hundred of one community.
"""

import base64
import datetime as dt
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, true, tuple_
from sqlalchemy.orm import Session, defer

from geo.faults import DataError, Fault
from layers.incidents import partitions
from layers.incidents.partitions import Span
from layers.located import Place
from layers.tables import Incident

# Not the attributes of the class, which would make every statement one of the ORM, at twice the cost.
_COLUMNS = Incident.__table__.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What incidents to find; a field that is None or empty does not limit.

    Parameters
    ----------
    area
        Code of an area of any level, or the beginning of grid codes.
    since, until
        When it was reported: from, and before.
    bbox
        West, south, east, north in degrees, EPSG:4326; its border included.
    unassigned
        True: only those without an area; False: only those with one.
    scope
        Codes of the areas that the reader is limited to; empty: everything.
    scope_unassigned
        Whether a limited reader also sees the unassigned.
    """

    status: str | None = None
    category: str | None = None
    area: str | None = None
    rule: str | None = None
    since: dt.datetime | None = None
    until: dt.datetime | None = None
    bbox: tuple[float, float, float, float] | None = None
    unassigned: bool | None = None
    scope: Sequence[str] = ()
    scope_unassigned: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """An incident with its place, EPSG:4326; None where it has none."""

    incident: Incident
    lon: float | None
    lat: float | None

    @property
    def place(self) -> Place | None:
        """Longitude and latitude, where they are known."""
        return None if self.lon is None or self.lat is None else (self.lon, self.lat)


def search(
    session: Session, filters: Filters, *, limit: int, cursor: str | None = None
) -> tuple[list[Found], str | None]:
    """Return a page of incidents, newest first, and the cursor of the next page (None: this is the last).

    New incidents do not shift the pages that follow: a cursor names the last incident of its page.

    Raises
    ------
    DataError
        If `cursor` is not one that a search gave out.
    """
    query = _places().where(condition(filters))
    newest = filters.until
    if cursor is not None:
        last = _decoded(cursor)
        query = query.where(tuple_(Incident.reported_at, Incident.number) < last)
        newest = min(newest or last[0], last[0])
    query = query.order_by(Incident.reported_at.desc(), Incident.number.desc())
    found: list[Found] = []
    for first, until in _spans_back(partitions.spans(session), filters.since, newest):
        span = query.where(Incident.reported_at < until)
        if first is not None:
            span = span.where(Incident.reported_at >= first)
        found += [Found(*row) for row in session.execute(span.limit(limit + 1 - len(found)))]
        if len(found) > limit:
            return found[:limit], _encoded(found[limit - 1].incident)
    return found, None


def _spans_back(
    spans: Sequence[Span], since: dt.datetime | None, newest: dt.datetime | None
) -> Iterator[Span]:
    """Join the partitions that can matter: the newest alone, then the next two, the next four, and so on."""
    kept = [
        (first, until)
        for first, until in spans
        if (since is None or until > since) and (newest is None or first is None or first <= newest)
    ]
    many = 1
    while kept:
        joined, kept = kept[:many], kept[many:]
        yield joined[-1][0], joined[0][1]
        many *= 2


def find(session: Session, incident: Incident) -> Found:
    """Return an incident with its place."""
    mine = (Incident.id == incident.id) & (Incident.reported_at == incident.reported_at)
    return Found(*session.execute(_places().where(mine)).one())


def _places() -> Select[Any]:
    # The geometry itself would be decoded for every row and used for none.
    return select(Incident, func.ST_X(Incident.geom), func.ST_Y(Incident.geom)).options(defer(Incident.geom))


def condition(filters: Filters) -> ColumnElement[bool]:
    """Return what an incident must fulfil to be found."""
    equal = {name: getattr(filters, name) for name in ("status", "category", "rule")}
    conditions = [_COLUMNS[name] == value for name, value in equal.items() if value is not None]
    if filters.area is not None:
        conditions.append(
            or_(
                _COLUMNS.path.bool_op("@>")([filters.area]),
                _COLUMNS.area_code.startswith(filters.area, autoescape=True),
            )
        )
    if filters.since is not None:
        conditions.append(_COLUMNS.reported_at >= filters.since)
    if filters.until is not None:
        conditions.append(_COLUMNS.reported_at < filters.until)
    if filters.bbox is not None:
        conditions.append(_inside(filters.bbox))
    if filters.unassigned is not None:
        conditions.append(_unassigned() if filters.unassigned else _COLUMNS.area_code.is_not(None))
    if filters.scope:
        mine = _COLUMNS.path.bool_op("&&")(list(filters.scope))
        conditions.append(or_(mine, _unassigned()) if filters.scope_unassigned else mine)
    return and_(true(), *conditions)


def _inside(bbox: tuple[float, float, float, float]) -> ColumnElement[bool]:
    west, south, east, north = bbox
    # The index knows single precision only; ST_Intersects would be right too, but the planner fears its cost.
    return and_(
        _COLUMNS.geom.bool_op("&&")(func.ST_MakeEnvelope(*bbox, 4326)),
        func.ST_X(_COLUMNS.geom).between(west, east),
        func.ST_Y(_COLUMNS.geom).between(south, north),
    )


def _unassigned() -> ColumnElement[bool]:
    # By the rule alone an index finds the few that may have no area.
    return and_(_COLUMNS.rule.in_(("none", "manual")), _COLUMNS.area_code.is_(None))


def _encoded(incident: Incident) -> str:
    place = json.dumps([incident.reported_at.isoformat(), incident.number], separators=(",", ":"))
    return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


def _decoded(cursor: str) -> tuple[dt.datetime, int]:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        reported_at, number = json.loads(text)
        return dt.datetime.fromisoformat(reported_at), int(number)
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise DataError(
            Fault(
                kind="parameter-invalid",
                field="cursor",
                message="This is no cursor that a search gave out; start again without it.",
            )
        ) from error
