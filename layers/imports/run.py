"""Importing: a stranger's records become features of a layer, checked, and published as one revision.

Every record is accounted for: read = imported + rejected. What is wrong with a record rejects that record; what
is wrong with the whole (no datum, an extent that contradicts it) refuses the file; what is wrong with the layer
as a partition is listed when it is loaded the first time or replaced, and refused when an upsert would make it
worse.
"""

import datetime as dt
from collections.abc import Callable, Collection
from pathlib import Path

import pandas as pd
from sqlalchemy.orm import Session

from geo.faults import DataError
from layers import history, publishing, validation
from layers.errors import Conflict
from layers.imports import outcome, reading
from layers.imports.outcome import Outcome, rejected
from layers.imports.reading import Records
from layers.imports.report import ImportReport, Options
from layers.imports.state import State, published
from layers.progress import Progress, during, silent

Clock = Callable[[], dt.datetime]


def import_frame(
    session: Session,
    layer: str,
    frame: pd.DataFrame,
    options: Options,
    *,
    author: str,
    now: dt.datetime,
    clock: Clock | None = None,
    progress: Progress = silent,
) -> ImportReport:
    """Import a frame into a layer and publish it as one revision, unless nothing changed; the caller commits.

    Parameters
    ----------
    frame
        Records with any columns; a GeoDataFrame unless the layer has no places. A layer frame (index named
        ``id``) brings its own identities, and its streets are taken as noded.
    options
        How to understand it.
    now, clock
        When the import began, and what tells when its revision takes effect; see :func:`layers.publishing.publish`.

    Raises
    ------
    DataError
        Faults of the whole: no or unknown datum, an extent that contradicts it, unknown fields, no record; all
        records' faults when none is left, or with ``on_invalid="fail"``; on an upsert into a layer that has
        areas every defect that would be new or larger.
    NotFound
        If there is no such layer.
    Conflict
        If another publication changed what was checked meanwhile; nothing is stored then.
    """
    records = reading.of_frame(layer, frame, options)
    return _import(session, records, author=author, now=now, clock=clock, progress=progress)[layer]


def import_file(
    session: Session,
    layer: str,
    path: Path,
    options: Options,
    *,
    author: str,
    now: dt.datetime,
    clock: Clock | None = None,
    progress: Progress = silent,
    sheet: str | None = None,
    encoding: str | None = None,
) -> ImportReport:
    """Import one file of any known format into a layer.

    Raises
    ------
    DataError, NotFound, Conflict
        As in :func:`layers.imports.reading.of_file` and :func:`import_frame`.
    """
    records = reading.of_file(layer, path, options, sheet=sheet, encoding=encoding, progress=progress)
    return _import(session, records, author=author, now=now, clock=clock, progress=progress)[layer]


def import_osm(
    session: Session,
    path: Path,
    options: Options,
    *,
    places: Collection[str] = (),
    author: str,
    now: dt.datetime,
    clock: Clock | None = None,
    progress: Progress = silent,
) -> dict[str, ImportReport]:
    """Import streets, and of :data:`layers.osm.PLACES` those wanted, from an OpenStreetMap file as one revision.

    Raises
    ------
    DataError, Conflict
        As in :func:`layers.osm.read` and :func:`import_frame`.
    """
    records = reading.of_osm(path, options, places=places, progress=progress)
    return _import(session, records, author=author, now=now, clock=clock, progress=progress)


def _import(
    session: Session,
    records: Records,
    *,
    author: str,
    now: dt.datetime,
    clock: Clock | None,
    progress: Progress,
) -> dict[str, ImportReport]:
    made = work_out(session, records, now=now, progress=progress)
    publish(session, made, author=author, note=records.said, now=now, clock=clock, progress=progress)
    return made.reports


def work_out(session: Session, records: Records, *, now: dt.datetime, progress: Progress = silent) -> Outcome:
    """Work out what an import changes in the layers as they are published; nothing of it is stored.

    Raises
    ------
    DataError, NotFound
        As in :func:`import_frame`, but for defects.
    """
    return outcome.work_out(published(session, records.options, now=now), records, progress=progress)


def publish(
    session: Session,
    made: Outcome,
    *,
    author: str,
    note: str,
    now: dt.datetime,
    clock: Clock | None = None,
    progress: Progress = silent,
) -> None:
    """Publish what an import makes of the layers as one revision, unless nothing changed; its reports name it.

    Raises
    ------
    DataError
        Each defect that would be new or larger; the faults of rejected records come with them, for a record that is
        left out may be what is missing.
    Conflict
        If another publication changed what was checked meanwhile.
    """
    if made.worse:
        raise DataError([*rejected(list(made.reports.values())), *made.worse])
    if not made.changes:
        return
    with during(progress, "publish"):
        history.lock_publishing(session)
        _refuse_overtaken(made.state)
        revision = publishing.publish(
            session, made.changes, author=author, note=note, now=now, clock=clock
        ).revision
        for layer, defects in made.standing.items():
            validation.store(session, layer, defects, revision)
    for layer in made.changes.keys() & made.reports.keys():
        made.reports[layer].revision = revision


def _refuse_overtaken(state: State) -> None:
    """Compare versions under the lock: what was checked must be what is changed."""
    newest = history.revisions(state.session, limit=1)
    versions = history.versions(state.session, newest[0].number if newest else 0)
    overtaken = sorted(layer for layer in state.stored if versions.get(layer, 0) > state.revision)
    if overtaken:
        raise Conflict(f"Meanwhile {', '.join(overtaken)} changed; nothing was stored. Import again.")
