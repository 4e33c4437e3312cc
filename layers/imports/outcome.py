"""What an import makes of the layers: worked out whole before anything is stored."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import geopandas as gpd
import pandas as pd

from geo import changes as comparing
from geo import hierarchy
from geo.changes import Changes
from geo.faults import Fault
from geo.levels import LEVEL_OF
from layers import gate, validation
from layers.diffs import Diff
from layers.imports import belonging
from layers.imports.coding import objects
from layers.imports.reading import Records
from layers.imports.records import prepare
from layers.imports.report import ImportReport, Options
from layers.imports.state import State
from layers.progress import Progress, during, silent
from layers.publishing import Change

_GEOJSON_NOTE = (
    "GeoJSON is WGS84 by its standard (RFC 7946), and was read so. Files of Chinese map providers are GCJ-02 or "
    "BD-09 all the same: then import again with --crs gcj02 or --crs bd09."
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an import makes of the layers.

    Parameters
    ----------
    state
        What it began with, and the layers as they will be.
    reports
        What became of the records, by the layer they were imported as.
    changes
        What is stored, by layer, also of those that follow; empty where nothing changes.
    standing
        Defects of the layers as they will be, and of those that these can alter; empty for a draft.
    worse
        Those of areas that are new or larger than before.
    """

    state: State
    reports: dict[str, ImportReport]
    changes: dict[str, Change]
    standing: dict[str, gpd.GeoDataFrame] = field(default_factory=dict)
    worse: list[Fault] = field(default_factory=list)

    def differences(self) -> dict[str, Changes]:
        """Features that were added, removed or are others now, as they were and as they will be, by layer."""
        return {
            layer: _compared(self.state.before(layer), change)
            for layer, change in sorted(self.changes.items(), key=lambda item: item[0] not in self.reports)
        }

    def diffs(self) -> list[Diff]:
        """Return :meth:`differences` as replies say them, without the land that changes hands."""
        return [
            Diff(layer, found, None, self.state.metric)
            for layer, found in self.differences().items()
            if len(found)
        ]


def work_out(
    state: State, records: Records, *, drafted: bool = False, progress: Progress = silent
) -> Outcome:
    """Work out what an import changes; the state then holds the layers as they will be.

    Parameters
    ----------
    drafted
        Whether it is for a draft: then nothing is found of what stands all the same, and all that is worse than
        before, also of a replacement.

    Raises
    ------
    DataError, NotFound
        As in :func:`layers.imports.import_frame`, but for defects.
    """
    outcome = Outcome(state, {}, {})
    options = records.options
    for layer, frame in records.frames.items():
        report, change = prepare(state, layer, frame, options, faults=records.faults, progress=progress)
        outcome.reports[layer], outcome.changes[layer] = report, change
        if layer in LEVEL_OF:
            outcome.changes.update(_adopt_children(state, layer))
        if not drafted:
            with during(progress, f"{layer}: check the whole layer"):
                outcome.standing.update(_standing(state, layer, options))
            report.defects = outcome.standing[layer]
        if drafted or (layer in LEVEL_OF and options.mode == "upsert" and len(state.before(layer))):
            with during(progress, f"{layer}: compare with before"):
                outcome.worse.extend(_worse(outcome, layer, options))
    if "compounds" in records.frames:
        outcome.changes.update(_adopt_homes(state, outcome.changes))
    for layer, change in [*outcome.changes.items()]:
        if not len(change.upserts) and not change.removed:
            del outcome.changes[layer]
    _tell(outcome.reports, records)
    return outcome


def _compared(before: pd.DataFrame, change: Change) -> Changes:
    ids = {*change.upserts.index, *change.removed}
    return comparing.between(before[before.index.isin(ids)], change.upserts)


def _standing(state: State, layer: str, options: Options) -> dict[str, gpd.GeoDataFrame]:
    """Find what will stand in the layer, in the level below, which it holds, in buildings that it parts, and in posts."""
    return {
        name: validation.check(name, state.after, metric=state.metric, widths=options.widths)
        for name in gate.affected(layer, state.after)
    }


def _worse(outcome: Outcome, layer: str, options: Options) -> list[Fault]:
    """Find which defects of areas would be new or larger."""
    state = outcome.state
    found = {
        name: _compared(state.before(name), outcome.changes[name])
        for name in gate.affected(layer, state.after)
        if name in outcome.changes
    }
    return gate.worse(state.before, state.after, found, metric=state.metric, widths=options.widths)


def _tell(reports: Mapping[str, ImportReport], records: Records) -> None:
    """Put what the file is known for into the report of its first layer."""
    first = next(iter(reports.values()))
    first.notes[:0] = records.notes
    first.counts |= records.counts
    if records.is_geojson and not records.options.crs and first.reference == "EPSG:4326":
        first.notes.append(_GEOJSON_NOTE)


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


def rejected(reports: Sequence[ImportReport]) -> list[Fault]:
    """Return the faults of records that are left out: what is missing may be what makes a layer worse."""
    return [fault for report in reports for fault in report.faults]
