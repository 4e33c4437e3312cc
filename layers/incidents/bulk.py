"""Incidents in bulk: stored by the thousand, and moved to where new boundaries put them.

Rows travel as one JSON document a statement, so that each step is one pass over arrays and one statement.
"""

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import uuid4

import numpy as np
import orjson
import pandas as pd
import shapely
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from geo.assign import RULES, Assigned
from geo.crs import coordinate_faults
from geo.faults import Fault
from geo.hierarchy import LEAST_SHARE
from geo.levels import LAYER_OF
from layers import history, located, store
from layers.incidents import partitions
from layers.located import Areas, number
from layers.progress import Progress, silent
from layers.tables import Incident

# Rows a statement: bounds the memory of a stream.
_CHUNK = 5_000
#: Why an incident has no area.
NO_PLACE = "no coordinates were given"
NO_AREA = "no area within the tolerance"

_ROW = """
    json_to_recordset(CAST(:rows AS json)) AS new(
        id uuid, category text, description text, address text, source text, reporter_name text,
        reporter_phone text, reported_at timestamptz, status text, closed_at timestamptz,
        deadline timestamptz, lon float8, lat float8, external_id text, rule text, area_code text,
        path text[], candidates text[], distance_m float8, margin_m float8, queue_reason text, reason text)
"""
_KEYS = text(
    f"INSERT INTO incident_keys (id, reported_at, external_id) SELECT id, reported_at, external_id FROM {_ROW}"  # noqa: S608 - both parts are constants
)
_INSERT = text(
    f"""
    INSERT INTO incidents (id, category, description, address, source, reporter_name, reporter_phone,
        reported_at, created_at, created_by, status, closed_at, deadline, given_x, given_y, given_datum, geom,
        rule, area_code, path, candidates, distance_m, margin_m, revision, queue_reason)
    SELECT id, category, description, address, source, reporter_name, reporter_phone,
        reported_at, :now, :actor, status, closed_at, deadline, lon, lat,
        CASE WHEN lon IS NULL THEN NULL ELSE 'wgs84' END, ST_SetSRID(ST_MakePoint(lon, lat), 4326),
        rule, area_code, path, candidates, distance_m, margin_m, :revision, queue_reason
    FROM {_ROW}"""  # noqa: S608 - both parts are constants
)
_UPDATE = text(
    f"""
    UPDATE incidents SET rule = new.rule, area_code = new.area_code, path = new.path,
        candidates = new.candidates, distance_m = new.distance_m, margin_m = new.margin_m,
        queue_reason = new.queue_reason, revision = :revision
    FROM {_ROW} WHERE incidents.id = new.id"""  # noqa: S608 - both parts are constants
)
_RECORD = text(
    f"""
    INSERT INTO assignments (incident_id, decided_at, decided_by, revision, rule, area_code, path, candidates,
        distance_m, margin_m, reason)
    SELECT id, :now, :actor, :revision, rule, area_code, path, candidates, distance_m, margin_m,
        coalesce(reason, queue_reason)
    FROM {_ROW}"""  # noqa: S608 - both parts are constants
)

# What an incident says of its area; equal answers need no writing.
_ANSWER = ("rule", "area_code", "path", "candidates", "distance_m", "margin_m")
# What a frame may say beside its category and time.
_OPTIONAL = (
    "lon",
    "lat",
    "description",
    "address",
    "source",
    "reporter_name",
    "reporter_phone",
    "closed_at",
    "deadline",
    "external_id",
)


@dataclass(slots=True)
class ImportCounts:
    """What became of the rows: ``total`` = ``assigned`` + ``unassigned`` + ``rejected``."""

    total: int = 0
    assigned: int = 0
    unassigned: int = 0
    rejected: int = 0
    faults: list[Fault] = field(default_factory=list)


# --- storing many -----------------------------------------------------------------------------------------


def import_frame(
    session: Session,
    frame: pd.DataFrame,
    *,
    actor: str,
    now: dt.datetime,
    progress: Progress = silent,
) -> ImportCounts:
    """Store incidents with their areas; see :func:`import_stream`, which this calls with one frame."""
    frames = (frame.iloc[first : first + _CHUNK] for first in range(0, len(frame), _CHUNK))
    return import_stream(
        session,
        frames,
        actor=actor,
        now=now,
        progress=progress,
        total=len(frame),
    )


def import_stream(
    session: Session,
    frames: Iterable[pd.DataFrame],
    *,
    actor: str,
    now: dt.datetime,
    progress: Progress = silent,
    total: int = 0,
) -> ImportCounts:
    """Store incidents with their areas, frame by frame, in memory bounded by one frame; the caller commits.

    Parameters
    ----------
    frames
        Columns ``category`` and ``reported_at`` (tz-aware) are required; ``lon``, ``lat`` (degrees, WGS84;
        NaN: unknown place, kept as unassigned), ``status`` (default ``open``), ``description``, ``address``,
        ``source``, ``reporter_name``, ``reporter_phone``, ``closed_at``, ``deadline``, ``external_id`` are taken
        where present.

    Returns
    -------
    ImportCounts
        Rows whose coordinates cannot be used are rejected, one fault each, rows counted from 1.

    Raises
    ------
    NotFound
        If nothing was ever imported.
    """
    revision = history.lock_shared(session, now)
    areas = located.load_areas(session, revision)
    counts = ImportCounts()
    for frame in frames:
        rows = _new_rows(areas, frame, counts)
        partitions.ensure(session, now=now, reported_at=frame["reported_at"].dropna())
        _execute(session, (_KEYS, _INSERT, _RECORD), rows, actor=actor, now=now, revision=revision)
        progress("incidents", counts.total, total)
    return counts


def _new_rows(areas: Areas, frame: pd.DataFrame, counts: ImportCounts) -> list[dict[str, Any]]:
    faults = _place_faults(frame, counts.total)
    bad = {fault.row for fault in faults}
    good = [row not in bad for row in range(counts.total + 1, counts.total + 1 + len(frame))]
    kept = frame[good]
    answers = _answers(areas, *_places(kept))
    rows = [{**row, **answer} for row, answer in zip(_described(kept), answers, strict=True)]
    assigned = sum(answer["area_code"] is not None for answer in answers)
    counts.total += len(frame)
    counts.rejected += len(faults)
    counts.assigned += assigned
    counts.unassigned += len(answers) - assigned
    counts.faults += faults
    return rows


def _places(frame: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    missing = np.full(len(frame), np.nan)
    lon, lat = (
        frame[name].to_numpy(dtype=np.float64, na_value=np.nan) if name in frame else missing
        for name in ("lon", "lat")
    )
    return lon, lat


def _place_faults(frame: pd.DataFrame, before: int) -> list[Fault]:
    """Faults of coordinates that are there and cannot be used, with the row number in the whole stream."""
    lon, lat = _places(frame)
    given = np.flatnonzero(~(np.isnan(lon) & np.isnan(lat)))
    faults = coordinate_faults(lon[given], lat[given])
    return [replace(fault, row=before + int(given[(fault.row or 1) - 1]) + 1) for fault in faults]


def _described(frame: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """What was reported, row by row, with None for what is missing."""
    names = ["category", "reported_at", *(name for name in _OPTIONAL if name in frame)]
    columns = frame[names].astype(object)
    columns["status"] = frame["status"].astype(object) if "status" in frame else "open"
    for row in columns.where(columns.notna(), None).to_dict("records"):
        yield {"id": str(uuid4())} | {str(name): value for name, value in row.items()}


# --- moving many ------------------------------------------------------------------------------------------


def reassign_open(session: Session, revision: int, *, now: dt.datetime, actor: str) -> int:
    """Make every open incident equal to what its place says at a new revision; return how many moved.

    Called while publishing is locked. An incident moves when its area or rule changes, which is recorded; a
    changed margin alone is only written. Decisions made by hand stay; where their area is retired they follow
    its one successor, or are queued with the reason.
    """
    if session.scalar(select(Incident.id).where(Incident.status != "closed").limit(1)) is None:
        return 0
    partitions.ensure(session, now=now)
    areas = located.load_areas(session, revision)
    moved = _follow_retired(session, areas, revision, now=now, actor=actor)
    for stored in _open_incidents(session):
        answers = _answers(
            areas, np.array([row.lon for row in stored]), np.array([row.lat for row in stored])
        )
        changed, recorded = [], []
        for row, answer in zip(stored, answers, strict=True):
            if all(getattr(row, name) == answer[name] for name in _ANSWER):
                continue
            answer["id"] = str(row.id)
            changed.append(answer)
            if (row.area_code, row.rule) != (answer["area_code"], answer["rule"]):
                recorded.append({**answer, "reason": f"moved by revision {revision}"})
        _execute(session, (_UPDATE,), changed, revision=revision)
        _execute(session, (_RECORD,), recorded, actor=actor, now=now, revision=revision)
        moved += len(recorded)
    return moved


def _open_incidents(session: Session) -> Iterator[Sequence[Any]]:
    """Open incidents with a place and no decision by hand, in the order of arrival, a chunk at a time."""
    columns = (getattr(Incident, name) for name in ("id", "number", *_ANSWER))
    query = (
        select(*columns, func.ST_X(Incident.geom).label("lon"), func.ST_Y(Incident.geom).label("lat"))
        .where(Incident.status != "closed", Incident.rule != "manual", Incident.geom.is_not(None))
        .order_by(Incident.number)
        .limit(_CHUNK)
    )
    last = 0
    while rows := session.execute(query.where(Incident.number > last)).all():
        yield rows
        last = rows[-1].number


def _follow_retired(session: Session, areas: Areas, revision: int, *, now: dt.datetime, actor: str) -> int:
    """Move decisions made by hand whose area is no more; return how many."""
    paths = {path[-1].code: [area.code for area in path] for path in areas.paths}
    query = select(Incident.id, Incident.area_code, Incident.path).where(
        Incident.status != "closed", Incident.rule == "manual", Incident.area_code.is_not(None)
    )
    successors: dict[str, list[str]] = {}
    kept, changed = [], []
    for incident_id, stated, path in session.execute(query):
        code = str(stated)
        if code in paths:
            if path != paths[code]:
                kept.append(_by_hand(incident_id, code, paths[code], None))
            continue
        if code not in successors:
            successors[code] = _successors(session, code, areas, revision)
        heirs = successors[code]
        heir = heirs[0] if len(heirs) == 1 else None
        said = f"area {code} was retired; its land went to {', '.join(heirs) or 'no area'}"
        changed.append(_by_hand(incident_id, heir, paths[heir] if heir else [], said))
    _execute(session, (_UPDATE,), [*kept, *changed], revision=revision)
    _execute(session, (_RECORD,), changed, actor=actor, now=now, revision=revision)
    return len(changed)


def _by_hand(incident_id: Any, code: str | None, path: list[str], reason: str | None) -> dict[str, Any]:  # noqa: ANN401 - a uuid
    return {
        "id": str(incident_id),
        "rule": "manual",
        "area_code": code,
        "path": path,
        "candidates": [code] if code else [],
        "queue_reason": None if code else reason,
        "reason": reason,
    }


def _successors(session: Session, code: str, areas: Areas, revision: int) -> list[str]:
    """Codes of the areas that took over a retired area's land, all but slivers, lowest first."""
    source = store.table(LAYER_OF[areas.level])
    wkb = session.scalar(
        select(func.ST_AsBinary(source.c.geom))
        .where(source.c.code == code, source.c.rev_to <= revision)
        .order_by(source.c.rev_to.desc())
        .limit(1)
    )
    if wkb is None:
        return []
    retired = shapely.from_wkb(bytes(wkb))
    frame = store.read(
        session,
        LAYER_OF[areas.level],
        revision,
        columns=["code", "geometry"],
        codes=list(areas.index.codes),
        where=func.ST_Intersects(source.c.geom, func.ST_GeomFromWKB(bytes(wkb), 4326)),
    )
    # A ratio of areas near each other is the same in degrees as in square metres.
    share = shapely.area(shapely.intersection(frame.geometry.to_numpy(), retired)) / retired.area
    return sorted(frame["code"][share >= LEAST_SHARE])


# --- both -------------------------------------------------------------------------------------------------


def _answers(areas: Areas, lon: np.ndarray, lat: np.ndarray) -> list[dict[str, Any]]:
    """What `locate` says of points; points without coordinates get rule ``none``."""
    placed = ~(np.isnan(lon) | np.isnan(lat))
    assigned = areas.index.assign(lon[placed], lat[placed], margin=True)
    point = np.cumsum(placed) - 1
    return [_of(assigned, point[k], areas) if placed[k] else _nowhere() for k in range(len(placed))]


def _of(assigned: Assigned, point: int, areas: Areas) -> dict[str, Any]:
    path = areas.path(int(assigned.area[point]))
    return {
        "rule": RULES[assigned.rule[point]],
        "area_code": path[-1].code if path else None,
        "path": [area.code for area in path],
        "candidates": assigned.candidates(point),
        "distance_m": number(assigned.distance_m[point]),
        "margin_m": number(assigned.margin_m[point]),
        "queue_reason": None if path else NO_AREA,
    }


def _nowhere() -> dict[str, Any]:
    return {
        "rule": "none",
        "area_code": None,
        "path": [],
        "candidates": [],
        "distance_m": None,
        "margin_m": None,
        "queue_reason": NO_PLACE,
    }


def _execute(session: Session, statements: Iterable[Any], rows: list[dict[str, Any]], **values: Any) -> None:  # noqa: ANN401 - bound values
    if not rows:
        return
    document = orjson.dumps(rows, default=str).decode()
    for statement in statements:
        session.execute(statement, {"rows": document, **values})
