"""A file's records -> the change that an import makes to one layer."""

from collections.abc import Sequence
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo import changes
from geo.faults import DataError, Fault
from geo.streets import noding
from layers.catalogue import LayerSpec, facility_types, spec_of
from layers.files import rejects
from layers.imports import belonging, coding, differences, fields, placing
from layers.imports.report import ImportReport, Options
from layers.imports.state import State
from layers.osm.streets import DRAWN_ONLY
from layers.progress import Progress, during
from layers.publishing import Change

_DEFAULTS: dict[str, dict[str, object]] = {
    "grids": {"scheme": "governance", "kind": "base"},
    "streets": {"kind": "", "bridge": False, "tunnel": False, "level": 0},
    "barriers": {"kind": ""},
}
_NO_HEIGHTS = (
    "No line is marked as a bridge, a tunnel or of another level, so that every crossing was taken for a junction. "
    "If the lines come from a network that is cut at its junctions already, import them with --noded."
)


def prepare(
    state: State,
    layer: str,
    frame: pd.DataFrame,
    options: Options,
    *,
    faults: Sequence[Fault] = (),
    progress: Progress,
) -> tuple[ImportReport, Change]:
    """Check records and work out the change they make; the state then holds the layer as it will be.

    Parameters
    ----------
    faults
        What reading found; these records are rejected.

    Raises
    ------
    DataError, NotFound
        As in :func:`layers.imports.import_frame`.
    """
    spec = spec_of(layer)
    if not len(frame):
        raise DataError(Fault(kind="file-empty", layer=layer, message="There is no record to import."))
    records = frame.set_axis(pd.RangeIndex(1, len(frame) + 1, name="row"))
    report = ImportReport(layer, len(records), faults=list(faults))
    with during(progress, f"{layer}: check fields", len(records)):
        mapped = fields.mapped(_without_geometry(records), spec, options.columns)
    report.faults += mapped.faults
    report.notes += mapped.notes
    table = mapped.table
    if frame.index.name == "id":
        table["id"] = frame.index.astype(str).to_numpy()
    if spec.geometry:
        with during(progress, f"{layer}: check geometries", len(records)):
            table = _with_places(state, records, mapped, spec=spec, options=options, report=report)
    if layer == "posts":
        table["target_layer"] = table["target_layer"].fillna("grids")
        report.faults += belonging.lost_posts(table, state.after)
    if layer in belonging.IN_COMPOUNDS:
        table, faults_ = belonging.named(layer, table)
        report.faults += faults_
    kept = table[~table.index.isin([fault.row for fault in report.faults])]
    if layer == "streets" and len(kept):
        with during(progress, "streets: join at crossings", len(kept)):
            kept = _as_streets(kept, report, noded=options.noded or frame.index.name == "id")
    with during(progress, f"{layer}: codes and parents", len(kept)):
        coded = _coded(state, layer, kept, options, report)
    _settle_rejects(records, report, options)
    fresh = _completed(layer, coded, state.before(layer), mapped.columns, options)
    if layer in belonging.IN_COMPOUNDS:
        fresh, found = belonging.located(layer, fresh, state.after)
        report.counts |= {f"compounds {how}": count for how, count in found.items() if count}
    spared = _codes_of(table, report) if options.mode == "replace" else None
    return report, _change(state, layer, fresh, report, spared=spared)


def _without_geometry(records: pd.DataFrame) -> pd.DataFrame:
    if isinstance(records, gpd.GeoDataFrame):
        return pd.DataFrame(records.drop(columns=records.geometry.name))
    return records


# --- places ----------------------------------------------------------------------------------------------


def _with_places(
    state: State,
    records: pd.DataFrame,
    mapped: fields.Mapped,
    *,
    spec: LayerSpec,
    options: Options,
    report: ImportReport,
) -> pd.DataFrame:
    """Add the geometry columns in EPSG:4326; records at fault have none."""
    if not isinstance(records, gpd.GeoDataFrame):
        message = (
            "The file has no places: no geometries, and no columns that are known for coordinates (lon, lat, 经度, "
            "纬度, wkt …). Name them with --map x=COLUMN --map y=COLUMN."
        )
        raise DataError(Fault(kind="geometry-missing", layer=spec.name, message=message))
    reference = placing.reference_of(
        records, options.crs, local=options.local_crs, default=options.default_datum
    )
    report.reference = reference.name
    shapes = pd.Series(records.geometry.to_numpy(), index=records.index, dtype=object)
    told = {fault.row for fault in report.faults}
    placed = placing.place(shapes, reference, spec, on_invalid=options.on_invalid, hull=state.hull())
    # A record that reading found at fault has no geometry because of that.
    report.faults += [fault for fault in placed.faults if fault.row not in told]
    report.repaired += placed.repaired
    report.notes += placed.notes
    report.counts |= {name: count for name, count in placed.counts.items() if count}
    table = mapped.table.assign(geometry=pd.Series(placed.geoms, index=records.index, dtype=object))
    for name, values in mapped.shapes.items():
        kind = "MultiPolygon" if name == "site" else "MultiPoint"
        more, faults = placing.place_more(values, reference, kind)
        table[name] = pd.Series(more.to_numpy(), index=records.index, dtype=object)
        report.faults += faults
    state.settle(table["geometry"].dropna())
    return _as_facilities(table) if spec.name == "facilities" else table


def _as_facilities(table: pd.DataFrame) -> pd.DataFrame:
    """Serve a facility drawn as a polygon from a point inside it, and keep the polygon as its site."""
    geoms = table["geometry"].to_numpy(dtype=object)
    areal = shapely.get_dimensions(geoms) == 2  # noqa: PLR2004 - areas
    if not areal.any():
        return table
    site = (
        table["site"].to_numpy(dtype=object).copy()
        if "site" in table
        else np.full(len(table), None, dtype=object)
    )
    site[areal], points = geoms[areal], geoms.copy()
    points[areal] = shapely.point_on_surface(geoms[areal])
    columns = {"geometry": points, "site": site}
    return table.assign(
        **{name: pd.Series(each, index=table.index, dtype=object) for name, each in columns.items()}
    )


def _as_streets(table: pd.DataFrame, report: ImportReport, *, noded: bool) -> pd.DataFrame:
    """Complete what walkers need to know, take multi-lines apart, and join the pieces where they cross."""
    table = walked(table)
    lines = gpd.GeoDataFrame(table, geometry="geometry", crs="EPSG:4326").explode()
    streets = lines if noded else _joined(lines, report)
    pieces = streets.groupby(level=0).cumcount().astype(str)
    several = streets.index.duplicated(keep=False) & streets["code"].notna().to_numpy()
    codes = streets["code"].where(~several, streets["code"].astype(str) + "-" + pieces)
    return pd.DataFrame(streets.assign(code=codes))


def walked(table: pd.DataFrame) -> pd.DataFrame:
    """Complete what walkers need to know of lines from what kind of way they are."""
    table = table.fillna(dict.fromkeys(("bridge", "tunnel"), False))
    kinds = table["kind"].fillna("")
    steps = table["steps"].where(table["steps"].notna(), kinds == "steps").astype(bool)
    walkable = table["walkable"].where(table["walkable"].notna(), ~kinds.isin(DRAWN_ONLY)).astype(bool)
    return table.assign(steps=steps, walkable=walkable)


def _joined(lines: gpd.GeoDataFrame, report: ImportReport) -> gpd.GeoDataFrame:
    """Cut plain lines where they cross, and say what was joined and what was not."""
    if not lines[["bridge", "tunnel", "level"]].fillna(0).astype(int).to_numpy().any():
        report.notes.append(_NO_HEIGHTS)
    streets, counts = noding.node_lines(lines.assign(level=lines["level"].fillna(0)))
    report.counts |= {
        "streets": counts.streets,
        "crossings joined": counts.crossings,
        "ends joined": counts.touches,
        "crossings kept apart": counts.kept_apart,
        "dangling ends": counts.dangling_ends,
    }
    return streets


# --- codes and the change --------------------------------------------------------------------------------


def _coded(
    state: State, layer: str, kept: pd.DataFrame, options: Options, report: ImportReport
) -> pd.DataFrame:
    if kept.empty:
        return kept
    coded = coding.code(state.session, layer, kept, state.after, metric=state.metric, widths=options.widths)
    report.faults += coded.faults
    report.notes += coded.notes
    report.counts |= {f"parents {how}": count for how, count in coded.parents.items() if count}
    report.counts |= {"codes generated": coded.generated} if coded.generated else {}
    return coded.table


def _settle_rejects(records: pd.DataFrame, report: ImportReport, options: Options) -> None:
    """Count the records at fault; refuse the file when it must be whole, or when nothing is left of it."""
    for number, fault in enumerate(report.faults):
        report.faults[number] = replace(fault, layer=report.layer)
    report.rejects = rejects.frame(records, report.faults)
    report.rejected = len(report.rejects)
    if report.faults and (options.on_invalid == "fail" or report.rejected == report.read):
        raise DataError(report.faults)


def _codes_of(table: pd.DataFrame, report: ImportReport) -> set[str]:
    """Codes of the records at fault: what they name stays as it is stored."""
    rows = [fault.row for fault in report.faults]
    return set(table["code"][table.index.isin(rows)].dropna())


def _completed(
    layer: str,
    coded: pd.DataFrame,
    stored: pd.DataFrame,
    columns: dict[str, str],
    options: Options,
) -> pd.DataFrame:
    """Fill what the file does not tell: from the stored feature on an upsert, else by default."""
    fresh = coded.copy()
    if options.mode == "upsert":
        fresh = _kept_values(fresh, stored, columns)
    return with_defaults(layer, fresh)


def with_defaults(layer: str, table: pd.DataFrame) -> pd.DataFrame:
    """Fill what records do not tell and the layer must know; those without a name are called by their code."""
    fresh = table.copy()
    for name, value in _DEFAULTS.get(layer, {}).items():
        fresh[name] = fresh[name].where(fresh[name].notna(), value)
    if layer == "facilities":
        fresh["name"] = fresh["name"].where(fresh["name"].notna(), fresh["type"].map(facility_types()["zh"]))
    elif "name" in fresh and layer not in ("streets", "barriers", "posts"):
        fresh["name"] = fresh["name"].where(fresh["name"].notna(), fresh["code"])
    return fresh


def _kept_values(fresh: pd.DataFrame, stored: pd.DataFrame, columns: dict[str, str]) -> pd.DataFrame:
    """Keep stored values of columns that the file does not have at all."""
    at = stored.index.get_indexer(fresh.index)
    known = at >= 0
    if not known.any():
        return fresh
    told = {*columns, "code", "geometry", "parent_code", "generated_code"}
    if fresh["extra"].map(bool).any():
        told.add("extra")
    for name in stored.columns.difference(list(told)):
        values = (
            (fresh[name] if name in fresh else pd.Series(None, index=fresh.index))
            .to_numpy(dtype=object)
            .copy()
        )
        missing = known & pd.isna(values) if name != "extra" else known
        values[missing] = stored[name].to_numpy(dtype=object)[at[missing]]
        fresh[name] = pd.Series(values, index=fresh.index, dtype=object)
    return fresh


def _change(
    state: State, layer: str, fresh: pd.DataFrame, report: ImportReport, *, spared: set[str] | None
) -> Change:
    """Compare with what is stored; unless `spared` is None, what the file lacks ends, but for these codes."""
    stored = state.before(layer)
    fresh = differences.with_stored_shapes(fresh, stored)
    new, differs = changes.changed(fresh, stored)
    report.added, report.changed = int(new.sum()), int(differs.sum())
    report.unchanged = len(fresh) - report.added - report.changed
    kept = stored[~stored.index.isin(fresh.index)]
    removed: list[str] = []
    if spared is not None:
        gone = ~kept["code"].isin(spared).to_numpy(dtype=bool)
        removed = [str(each) for each in kept.index[gone]]
        kept = kept[~gone]
    report.removed = len(removed)
    state.pending[layer] = _geo(pd.concat([kept, fresh]) if len(kept) else fresh)
    return Change(_geo(fresh[new | differs]), removed)


def _geo(frame: pd.DataFrame) -> pd.DataFrame:
    return gpd.GeoDataFrame(frame, geometry="geometry", crs="EPSG:4326") if "geometry" in frame else frame
