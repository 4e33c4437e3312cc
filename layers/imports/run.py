"""Importing: a stranger's records become features of a layer, checked, and published as one revision.

Every record is accounted for: read = imported + rejected. What is wrong with a record rejects that record; what
is wrong with the whole (no datum, an extent that contradicts it) refuses the file; what is wrong with the layer
as a partition is listed when it is loaded the first time or replaced, and refused when an upsert would make it
worse.
"""

import datetime as dt
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import pandas as pd
from sqlalchemy.orm import Session

from geo import hierarchy
from geo.faults import DataError, Fault
from geo.levels import LEVEL_OF
from layers import gate, history, osm, publishing, validation
from layers.errors import Conflict
from layers.files import formats
from layers.imports import belonging
from layers.imports.coding import objects
from layers.imports.records import State, prepare
from layers.imports.report import ImportReport, Options
from layers.progress import Progress, during, silent
from layers.publishing import Change

Clock = Callable[[], dt.datetime]

_GEOJSON_NOTE = (
    "GeoJSON is WGS84 by its standard (RFC 7946), and was read so. Files of Chinese map providers are GCJ-02 or "
    "BD-09 all the same: then import again with --crs gcj02 or --crs bd09."
)


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
    return _import(
        session,
        {layer: frame},
        options,
        author=author,
        now=now,
        clock=clock,
        progress=progress,
        note=f"import {layer}",
    )[layer]


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

    ``options.columns`` may also name the coordinate columns of a table, as ``x`` and ``y``.

    Raises
    ------
    DataError, NotFound, Conflict
        As in :func:`layers.files.formats.read` and :func:`import_frame`.
    """
    columns = dict(options.columns)
    x, y = columns.pop("x", None), columns.pop("y", None)
    with during(progress, f"read {path.name}"):
        source = formats.read(path, sheet=sheet, encoding=encoding, x=x, y=y)
    report = _import(
        session,
        {layer: source.frame},
        replace(options, columns=columns),
        author=author,
        now=now,
        clock=clock,
        progress=progress,
        note=f"import {layer} from {path.name}",
        faults=source.faults,
    )[layer]
    report.notes[:0] = source.notes
    if source.format.startswith("GeoJSON") and not options.crs and report.reference == "EPSG:4326":
        report.notes.append(_GEOJSON_NOTE)
    return report


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
    extract = osm.read(path, places=places, progress=progress)
    reports = _import(
        session,
        extract.frames,
        replace(options, noded=True),
        author=author,
        now=now,
        clock=clock,
        progress=progress,
        note=f"import {', '.join(extract.frames)} from {path.name}",
    )
    reports["streets"].counts |= extract.counts
    reports["streets"].notes.append(osm.ATTRIBUTION)
    return reports


def _import(
    session: Session,
    frames: Mapping[str, pd.DataFrame],
    options: Options,
    *,
    author: str,
    now: dt.datetime,
    clock: Clock | None,
    progress: Progress,
    note: str,
    faults: Sequence[Fault] = (),
) -> dict[str, ImportReport]:
    state = State(session, _latest(session), now, options.tolerance_m, options.steps_factor)
    changes: dict[str, Change] = {}
    reports: dict[str, ImportReport] = {}
    standing: dict[str, gpd.GeoDataFrame] = {}
    for layer, frame in frames.items():
        report, change = prepare(state, layer, frame, options, faults=faults, progress=progress)
        reports[layer], changes[layer] = report, change
        if layer in LEVEL_OF:
            changes |= _adopt_children(state, layer)
        with during(progress, f"{layer}: check the whole layer"):
            standing |= _check(state, layer, options, report.faults)
        report.defects = standing[layer]
    if "compounds" in frames:
        changes |= _adopt_homes(state, changes)
    changes = {layer: change for layer, change in changes.items() if len(change.upserts) or change.removed}
    if not changes:
        return reports
    with during(progress, "publish"):
        history.lock_publishing(session)
        _refuse_overtaken(state)
        revision = publishing.publish(
            session, changes, author=author, note=note, now=now, clock=clock
        ).revision
        for layer, defects in standing.items():
            validation.store(session, layer, defects, revision)
    for layer in changes.keys() & reports.keys():
        reports[layer].revision = revision
    return reports


def _latest(session: Session) -> int:
    newest = history.revisions(session, limit=1)
    return newest[0].number if newest else 0


def _refuse_overtaken(state: State) -> None:
    """Compare versions under the lock: what was checked must be what is changed."""
    versions = history.versions(state.session, _latest(state.session))
    overtaken = sorted(layer for layer in state.stored if versions.get(layer, 0) > state.revision)
    if overtaken:
        raise Conflict(f"Meanwhile {', '.join(overtaken)} changed; nothing was stored. Import again.")


def _adopt_children(state: State, layer: str) -> dict[str, Change]:
    """Give areas below, whose parent is missing or of a level further up, a parent in this layer."""
    child = validation.child_layer(layer, state.after)
    if child is None or validation.parent_layer(child, state.after) != layer:
        return {}
    parents, children = state.after(layer), state.after(child)
    orphans = children[~children["parent_code"].isin(set(parents["code"]))]
    if orphans.empty:
        return {}
    found = hierarchy.parents_by_code(list(orphans["code"]), set(parents["code"]))
    placed = objects(hierarchy.parents_by_location(orphans, parents, metric=state.metric)["parent_code"])
    found[found == None] = placed[found == None]  # noqa: E711 - elementwise
    adopted = orphans.assign(parent_code=found)[found != None]  # noqa: E711 - elementwise
    rest = children[~children.index.isin(adopted.index)]
    state.pending[child] = gpd.GeoDataFrame(pd.concat([rest, adopted]), geometry="geometry", crs="EPSG:4326")
    return {child: Change(adopted)}


def _adopt_homes(state: State, changes: Mapping[str, Change]) -> dict[str, Change]:
    """Give buildings and addresses that belonged to no compound theirs."""
    adopted: dict[str, Change] = {}
    for layer in belonging.IN_COMPOUNDS:
        change = belonging.adopt(state.after, layer, changes.get(layer))
        if change is not None:
            adopted[layer] = change
    return adopted


def _check(
    state: State, layer: str, options: Options, rejected: Sequence[Fault]
) -> dict[str, gpd.GeoDataFrame]:
    """Find what will stand in the layer, in the level below, which it holds, and in buildings that it parts.

    Raises
    ------
    DataError
        When an upsert into areas makes a partition worse, here or a level below. The faults of rejected
        records come with it, for a record that is left out may be what is missing.
    """
    metric, widths = state.metric, options.widths
    found = {
        name: validation.check(name, state.after, metric=metric, widths=widths)
        for name in gate.affected(layer, state.after)
    }
    if layer in LEVEL_OF and options.mode == "upsert" and len(state.before(layer)):
        faults = gate.refusals(found, state.before, metric=metric, widths=widths)
        if faults:
            raise DataError([*rejected, *faults])
    return found
