"""`wangge import`: files into layers."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypedDict

import geopandas as gpd
import typer
from rich.markup import escape
from rich.table import Table

from api.cli.arguments import INCIDENTS, Importable, layer_file
from api.cli.connection import Embedded, connected, named_settings
from api.cli.console import console, print_faults, progress_bars
from api.cli.import_incidents import Asked, import_incidents
from api.dependencies import now
from api.snapshots import wait_for_workers
from geo.faults import KINDS, DataError
from layers import database, imports, osm
from layers.catalogue import SPECS
from layers.files import formats
from layers.imports import ImportReport, Options
from layers.progress import Progress

WITH_REJECTS, WRONG_USE, FAILED = 1, 2, 3
_AUTHOR = "command line"
# Faults of what was asked for, not of the data.
_OF_USE = {"datum-missing", "datum-unknown", "field-unknown", "format-unknown", "parameter-invalid"}
# Faults of the layer that an upsert would leave, rather than of a record.
_OF_PARTITION = {"overlap", "gap", "gap-enclosed", "gap-at-parent", "outside-parent", "sliver", "t-junction"}


def import_layer(
    layer: Importable,
    file: Annotated[
        Path,
        typer.Argument(
            exists=True,
            dir_okay=False,
            help="gpkg, shp, zip, geojson, geojsonl, fgb, parquet, csv, xlsx; osm.pbf for streets",
        ),
    ],
    *,
    crs: Annotated[
        str | None,
        typer.Option(
            help="What its coordinates mean: wgs84, cgcs2000, gcj02, bd09, EPSG:4547, PROJ/WKT text, or a local CRS's name. Outranks what the file says."
        ),
    ] = None,
    map_: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            help="FIELD=COLUMN, repeated: name=社区名称. x=… and y=… name coordinate columns; FIELD= says that the file has none.",
        ),
    ] = None,
    mode: Annotated[
        str, typer.Option(help="upsert: add and change by code | replace: also end what the file lacks")
    ] = "upsert",
    on_invalid: Annotated[
        str,
        typer.Option(
            help="Invalid geometries: reject the record | repair and list it | fail: refuse the file"
        ),
    ] = "reject",
    rejects: Annotated[
        Path | None,
        typer.Option(
            callback=layer_file,
            help="Where to write the records at fault, with the reasons: .csv, .xlsx, .gpkg …",
        ),
    ] = None,
    sheet: Annotated[str | None, typer.Option(help="Layer of a GeoPackage or sheet of a workbook.")] = None,
    encoding: Annotated[
        str | None, typer.Option(help="Of text that does not state it; found out if not given.")
    ] = None,
    noded: Annotated[
        bool, typer.Option("--noded", help="Streets join at their ends already; leave crossings alone.")
    ] = False,
    facilities: Annotated[
        bool, typer.Option("--facilities", help="From OpenStreetMap: facilities too.")
    ] = False,
    compounds: Annotated[
        bool, typer.Option("--compounds", help="From OpenStreetMap: residential areas too.")
    ] = False,
    buildings: Annotated[
        bool, typer.Option("--buildings", help="From OpenStreetMap: buildings people live in too.")
    ] = False,
    addresses: Annotated[
        bool, typer.Option("--addresses", help="From OpenStreetMap: house numbers too.")
    ] = False,
    barriers: Annotated[
        bool, typer.Option("--barriers", help="From OpenStreetMap: locked and closed gates too.")
    ] = False,
    embedded: Embedded = False,
) -> None:
    """导入 · Load a file into a layer, check it, and publish it as one revision.

    \b
      wangge import districts 区县.shp
      wangge import communities 社区.gpkg --map people=pop --on-invalid repair
      wangge import grids 网格.zip --crs EPSG:4547 --rejects rejects.gpkg
      wangge import facilities 设施.csv --crs gcj02 --map x=经度 --map y=纬度
      wangge import compounds 小区.xlsx --crs bd09 --mode replace
      wangge import buildings 楼栋.gpkg --map compound_code=小区代码
      wangge import addresses 门牌.csv --crs cgcs2000
      wangge import streets city.osm.pbf --facilities --compounds --buildings --addresses
      wangge import incidents 工单.csv --crs gcj02 --map external_id=工单号 --rejects bad.csv

    Areas come top down: districts, subdistricts, communities, grids; a level may be left out. Parents follow
    from codes, else from location; areas without a code get one. Buildings and addresses that name no compound
    belong to the one that holds them. A record at fault is rejected and named; the
    others are loaded. Nothing is stored when the file as a whole is refused. Incidents have no revision:
    each gets its area, and those whose external id is known are brought up to date. Exit code 1 says that there
    are rejects or defects.
    """  # noqa: D301 - typer keeps the lines of a paragraph led by \\b as they are
    named = _columns(map_ or [])
    try:
        if layer == INCIDENTS:
            asked = Asked(crs=crs, named=named, rejects=rejects, sheet=sheet, encoding=encoding)
            import_incidents(file, asked, embedded=embedded)
            return
        reports = _run(
            layer,
            file,
            {
                "crs": crs,
                "columns": named,
                "mode": mode,
                "on_invalid": on_invalid,
                "noded": noded,
            },
            _Reading(
                sheet,
                encoding,
                {
                    "facilities": facilities,
                    "compounds": compounds,
                    "buildings": buildings,
                    "addresses": addresses,
                    "barriers": barriers,
                },
            ),
            embedded=embedded,
        )
    except DataError as error:
        console.print(f"[bold red]refused[/bold red]: {len(error.faults)} fault(s); nothing was stored")
        print_faults(error.faults)
        kinds = {fault.kind for fault in error.faults}
        if kinds & _OF_PARTITION:
            console.print(
                "an upsert may not make a layer worse. Mend the file; or, where it is the whole layer,"
                " import it with --mode replace, which ends what the file lacks and lists these as defects."
            )
        raise typer.Exit(WRONG_USE if kinds <= _OF_USE else FAILED) from None
    if any(report.revision is not None for report in reports):
        # By then every server has seen the revision, so "published" is true for whoever asks next.
        wait_for_workers()
    for report in reports:
        print_report(report)
        if rejects is not None and report.rejected:
            _write_rejects(report, rejects)
    if any(report.rejected or len(report.defects) for report in reports):
        raise typer.Exit(WITH_REJECTS)


@dataclass(frozen=True, slots=True)
class _Reading:
    """What of a file is read, and how; ``beside`` says which layers beside streets are wanted."""

    sheet: str | None
    encoding: str | None
    beside: dict[str, bool]

    @property
    def places(self) -> list[str]:
        """Layers that are wanted beside streets."""
        return [layer for layer, wanted in self.beside.items() if wanted]


def _columns(stated: list[str]) -> dict[str, str]:
    """Read FIELD=COLUMN."""
    wrong = [each for each in stated if "=" not in each]
    if wrong:
        message = f"{', '.join(wrong)}: write FIELD=COLUMN, such as name=社区名称."
        raise typer.BadParameter(message, param_hint="--map")
    return {name.strip(): column.strip() for name, column in (each.split("=", 1) for each in stated)}


def _run(
    layer: str, file: Path, words: dict[str, Any], reading: _Reading, *, embedded: bool
) -> list[ImportReport]:
    """Import in one transaction; a refusal leaves nothing behind."""
    with named_settings(embedded=embedded) as settings:
        options = Options(
            **words,
            local_crs=settings.local_crs(),
            default_datum=settings.default_datum,
            tolerance_m=settings.tolerance_m,
            steps_factor=settings.steps_factor,
        )
        with (
            connected(settings) as engine,
            progress_bars() as progress,
            database.sessions(engine).begin() as session,
        ):
            told: _Told = {"author": _AUTHOR, "now": now(), "clock": now, "progress": progress}
            if osm.is_osm(file):
                _require_streets(layer)
                reports = imports.import_osm(session, file, options, places=reading.places, **told)
                return list(reports.values())
            if reading.places:
                message = f"only an OpenStreetMap file holds {', '.join(reading.places)} beside streets"
                raise typer.BadParameter(message)
            report = imports.import_file(
                session, layer, file, options, sheet=reading.sheet, encoding=reading.encoding, **told
            )
            return [report]


class _Told(TypedDict):
    author: str
    now: dt.datetime
    clock: Callable[[], dt.datetime]
    progress: Progress


def _require_streets(layer: str) -> None:
    if layer != "streets":
        raise typer.BadParameter(
            "an OpenStreetMap file is imported as streets, with "
            + ", ".join(f"--{each}" for each in osm.PLACES)
        )


def _write_rejects(report: ImportReport, path: Path) -> None:
    """Write the records at fault; of several layers each gets a file of its own."""
    if report.layer != "streets" and path.exists():
        path = path.with_stem(f"{path.stem}-{report.layer}")
    formats.write(report.rejects, path)
    console.print(f"rejects: {path}", markup=False)


def print_report(report: ImportReport) -> None:
    """Print what became of a file on stderr."""
    table = Table(title=f"{SPECS[report.layer].zh} {report.layer}", title_justify="left")
    figures = ("read", "imported", "rejected", "added", "changed", "unchanged", "removed")
    for name in figures:
        table.add_column(name, justify="right")
    table.add_row(*(f"{getattr(report, name):,}" for name in figures))
    console.print(table)
    if report.reference:
        console.print(f"coordinates read as {report.reference}", markup=False)
    for name, count in report.counts.items():
        console.print(f"  {name}: {count:,}", markup=False)
    for note in report.notes:
        console.print(f"  note: {note}", markup=False, soft_wrap=True)
    print_faults([*report.faults, *report.repaired])
    print_defects(report.defects)
    done = (
        "nothing changed, no revision"
        if report.revision is None
        else f"published as revision {report.revision}"
    )
    console.print(done, markup=False)


def print_defects(defects: gpd.GeoDataFrame) -> None:
    """Print how many defects of each kind stand in a layer, and the largest of each, on stderr."""
    if not len(defects):
        return
    table = Table(title="defects 缺陷", title_justify="left")
    for name in ("kind", "中文", "number", "largest"):
        table.add_column(name, justify="right" if name == "number" else "left")
    for kind, members in defects.groupby("kind", sort=True):
        worst = members.loc[members["size"].idxmax()]
        table.add_row(
            str(kind), KINDS[str(kind)][0], f"{len(members):,}", escape(str(worst["message"])[:100])
        )
    console.print(table)
