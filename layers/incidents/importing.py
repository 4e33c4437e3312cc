"""Incidents in bulk: copied in a frame at a time, each with its area; known ones are brought up to date."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from uuid import uuid4

import numpy as np
import numpy.typing as npt
import pandas as pd
from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from geo.crs import coordinate_faults
from geo.faults import Fault
from layers import history, located
from layers.incidents import answers, partitions, staging
from layers.located import Areas
from layers.progress import Progress, silent

#: Rows of a frame that is cut up: bounds the memory that answers and copies take.
CHUNK = 20_000

_STAGED = "staged_incidents"
# What a report says; a frame must have the first two.
_SAID = (
    "category", "reported_at", "status", "description", "address", "source", "reporter_name", "reporter_phone",
    "closed_at", "deadline", "external_id", "lon", "lat", "given_x", "given_y", "given_datum",
)  # fmt: skip
_PLACE = ("given_x", "given_y", "given_datum")
_DECIDED = (*answers.COLUMNS, "queue_reason")
# Kept with the incident itself, as it was said.
_PLAIN = tuple(name for name in _SAID if name not in {"external_id", "lon", "lat", *_PLACE})
_POINT = "ST_SetSRID(ST_MakePoint(new.lon, new.lat), 4326)"

_COLUMNS = f"""
    SELECT id, CAST(NULL AS timestamptz) AS stored_at, external_id, ST_X(geom) AS lon, ST_Y(geom) AS lat,
        {", ".join(f"incidents.{name}" for name in (*_PLAIN, *_PLACE, *_DECIDED))}
    FROM incidents JOIN incident_keys USING (id)"""  # noqa: S608 - constants
_RECOGNISE = text(
    f"""
    UPDATE {_STAGED} AS new SET id = known.id, stored_at = known.reported_at
    FROM incident_keys AS known WHERE known.external_id = new.external_id"""  # noqa: S608 - constants
)
_ADD_KEYS = text(
    f"""
    INSERT INTO incident_keys (id, reported_at, external_id)
    SELECT id, reported_at, external_id FROM {_STAGED} WHERE stored_at IS NULL"""  # noqa: S608 - constants
)
_ADD = text(
    f"""
    INSERT INTO incidents (id, created_at, created_by, revision, geom, {", ".join((*_PLAIN, *_PLACE, *_DECIDED))})
    SELECT id, :now, :actor, :revision, {_POINT}, {", ".join((*_PLAIN, *_PLACE, *_DECIDED))}
    FROM {_STAGED} AS new WHERE stored_at IS NULL"""  # noqa: S608 - constants
)
_RECORD_ADDED = text(
    f"""
    INSERT INTO assignments (incident_id, decided_at, decided_by, revision, {", ".join(answers.COLUMNS)}, reason)
    SELECT id, :now, :actor, :revision, {", ".join(answers.COLUMNS)}, queue_reason
    FROM {_STAGED} WHERE stored_at IS NULL"""  # noqa: S608 - constants
)
_PLACES = text(
    """
    SELECT external_id, ST_X(geom), ST_Y(geom) FROM incident_keys JOIN incidents USING (id, reported_at)
    WHERE external_id = ANY(:names)"""
)
_KNOWN = "new.stored_at IS NOT NULL AND old.id = new.id AND old.reported_at = new.stored_at"
# What is closed and stays closed keeps its place and its area; a decision by hand is kept anyway.
_PLACED_ANEW = "(old.status <> 'closed' OR new.status <> 'closed')"
_DECIDED_ANEW = f"({_PLACED_ANEW} AND old.rule <> 'manual')"
_RECORD_CHANGED = text(
    f"""
    INSERT INTO assignments (incident_id, decided_at, decided_by, revision, {", ".join(answers.COLUMNS)}, reason)
    SELECT new.id, :now, :actor, :revision, {", ".join(f"new.{name}" for name in answers.COLUMNS)},
        'moved by a repeated import'
    FROM {_STAGED} AS new JOIN incidents AS old ON {_KNOWN}
    WHERE {_DECIDED_ANEW} AND (old.rule, old.area_code) IS DISTINCT FROM (new.rule, new.area_code)"""  # noqa: S608 - constants
)
_REDATE = text(
    f"""
    UPDATE incident_keys AS key SET reported_at = new.reported_at
    FROM {_STAGED} AS new WHERE new.id = key.id AND new.stored_at <> new.reported_at"""  # noqa: S608 - constants
)


@dataclass(slots=True)
class ImportCounts:
    """What became of the rows: ``total`` = ``assigned`` + ``unassigned`` + ``rejected``.

    Those that are not rejected were ``added``, ``changed`` or ``unchanged``.
    """

    total: int = 0
    assigned: int = 0
    unassigned: int = 0
    rejected: int = 0
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    faults: list[Fault] = field(default_factory=list)


def import_frame(
    session: Session, frame: pd.DataFrame, *, actor: str, now: dt.datetime, progress: Progress = silent
) -> ImportCounts:
    """Store incidents with their areas; see :func:`import_stream`, which this calls with parts of one frame."""
    frames = (frame.iloc[first : first + CHUNK] for first in range(0, len(frame), CHUNK))
    return import_stream(session, frames, actor=actor, now=now, progress=progress, total=len(frame))


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

    An incident whose ``external_id`` is stored already is brought up to date instead: what the frame's columns
    say replaces what was said before. It is located anew unless it is closed and stays so, or a person decided.
    Publishing and other imports wait until the commit; intake does not.

    Parameters
    ----------
    frames
        Columns ``category`` and ``reported_at`` (tz-aware) are required; ``lon``, ``lat`` (degrees, WGS84;
        NaN: unknown place, kept as unassigned), ``given_x``, ``given_y``, ``given_datum`` (the place as stated;
        else as in ``lon``, ``lat``), ``status`` (default ``open``), ``description``, ``address``, ``source``,
        ``reporter_name``, ``reporter_phone``, ``closed_at``, ``deadline``, ``external_id`` (no two rows of a frame
        have the same) are taken where present.

    Returns
    -------
    ImportCounts
        Rows whose coordinates cannot be used are rejected, one fault each, rows counted from 1.

    Raises
    ------
    NotFound
        If nothing was ever imported.
    """
    history.lock_publishing(session)
    revision = history.current(session, now)
    areas = located.load_areas(session, revision)
    staging.create(session, _STAGED, _COLUMNS)
    counts = ImportCounts()
    by = {"now": now, "actor": actor, "revision": revision}
    for frame in frames:
        partitions.ensure(session, now=now, reported_at=_quarters(frame["reported_at"]))
        usable = _with_known_places(session, _without_faults(frame, counts))
        _store(
            session, _answered(areas, usable, counts), [name for name in _SAID if name in frame], by, counts
        )
        progress("incidents", counts.total, total)
    return counts


def _store(
    session: Session, rows: pd.DataFrame, said: list[str], by: dict[str, object], counts: ImportCounts
) -> None:
    """Store new incidents, and bring known ones up to date in the columns that were said."""
    session.execute(text(f"TRUNCATE {_STAGED}"))
    staging.copy(session, _STAGED, rows)
    session.execute(text(f"ANALYZE {_STAGED}"))
    known = session.execute(_RECOGNISE).rowcount if "external_id" in said else 0  # type: ignore[attr-defined]  # as for every UPDATE
    for statement in (_ADD_KEYS, _ADD, _RECORD_ADDED):
        session.execute(statement, by)
    changed = 0
    if known:
        session.execute(_RECORD_CHANGED, by)
        changed = session.execute(_update(said), by).rowcount  # type: ignore[attr-defined]  # as for every UPDATE
        session.execute(_REDATE)
    counts.added += len(rows) - known
    counts.changed += changed
    counts.unchanged += known - changed


def _update(said: list[str]) -> TextClause:
    """Update of the columns that were said; where none differs nothing is written."""
    values = {name: f"new.{name}" for name in _PLAIN if name in said}
    if "lon" in said:
        place = {"geom": _POINT, **{name: f"new.{name}" for name in _PLACE}}
        values |= {
            name: f"CASE WHEN {_PLACED_ANEW} THEN {new} ELSE old.{name} END" for name, new in place.items()
        }
    answer = {"revision": _REVISION, **{name: f"new.{name}" for name in _DECIDED}}
    values |= {
        name: f"CASE WHEN {_DECIDED_ANEW} THEN {new} ELSE old.{name} END" for name, new in answer.items()
    }
    return text(
        f"""
        UPDATE incidents AS old SET {", ".join(f"{name} = {new}" for name, new in values.items())}
        FROM {_STAGED} AS new WHERE {_KNOWN}
            AND ({", ".join(f"old.{name}" for name in values)}) IS DISTINCT FROM ({", ".join(values.values())})"""  # noqa: S608 - constants
    )


_REVISION = f"""
    CASE WHEN ({", ".join(f"old.{name}" for name in answers.COLUMNS)})
        IS DISTINCT FROM ({", ".join(f"new.{name}" for name in answers.COLUMNS)}) THEN :revision ELSE old.revision END"""


def _quarters(reported_at: pd.Series) -> list[dt.datetime]:
    months = reported_at.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy().astype("datetime64[M]")
    return [month.replace(tzinfo=dt.UTC) for month in np.unique(months).astype("datetime64[us]").tolist()]


def _without_faults(frame: pd.DataFrame, counts: ImportCounts) -> pd.DataFrame:
    """Leave out rows whose coordinates are there and cannot be used; count what is read and rejected."""
    lon, lat = _places(frame)
    given = np.flatnonzero(~(np.isnan(lon) & np.isnan(lat)))
    faults = coordinate_faults(lon[given], lat[given])
    bad = [int(given[(fault.row or 1) - 1]) for fault in faults]
    counts.faults += [replace(f, row=counts.total + row + 1) for f, row in zip(faults, bad, strict=True)]
    counts.total += len(frame)
    counts.rejected += len(bad)
    return frame.drop(frame.index[bad]) if bad else frame


def _places(frame: pd.DataFrame) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    missing = np.full(len(frame), np.nan)
    lon, lat = (
        frame[name].to_numpy(dtype=np.float64, na_value=np.nan) if name in frame else missing
        for name in ("lon", "lat")
    )
    return lon, lat


def _with_known_places(session: Session, frame: pd.DataFrame) -> pd.DataFrame:
    """Where a frame says no places, known incidents are where they are stored: one that is reopened needs it."""
    if "lon" in frame or "external_id" not in frame:
        return frame
    names = frame["external_id"].dropna().tolist()
    rows = session.execute(_PLACES, {"names": names}).all()
    known = pd.DataFrame(rows, columns=["external_id", "lon", "lat"]).set_index("external_id")
    places = known.reindex(frame["external_id"]).set_axis(frame.index)
    return frame.assign(lon=places["lon"], lat=places["lat"])


def _answered(areas: Areas, frame: pd.DataFrame, counts: ImportCounts) -> pd.DataFrame:
    """Rows as they are staged: what was said, and the answer."""
    rows = frame[[name for name in _SAID if name in frame]].reset_index(drop=True)
    lon, lat = _places(rows)
    if "given_datum" not in rows:
        rows["given_x"], rows["given_y"] = lon, lat
        rows["given_datum"] = pd.Series(["wgs84"] * len(rows), dtype=object).mask(np.isnan(lon), None)
    if "status" not in rows:
        rows["status"] = "open"
    answered = answers.of_points(areas, lon, lat)
    assigned = int(answered["area_code"].notna().sum())
    counts.assigned += assigned
    counts.unassigned += len(rows) - assigned
    rows["id"] = [str(uuid4()) for _ in range(len(rows))]
    return pd.concat([rows, answered], axis=1)
