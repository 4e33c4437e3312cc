"""`wangge import`: files into layers."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer

from api.cli.arguments import INCIDENTS, Importable, layer_file
from api.cli.connection import Embedded, connected, named_settings
from api.cli.console import console, print_faults, progress_bars
from api.cli.import_incidents import Asked, import_incidents
from api.cli.import_report import list_differences, print_report, print_worse, write_rejects
from api.dependencies import now
from api.snapshots import wait_for_workers
from geo.faults import DataError
from layers import database, imports, osm
from layers.database import Session
from layers.diffs import Diff
from layers.drafts import keeping
from layers.errors import Conflict, NotFound
from layers.imports import ImportReport, Options, Outcome, Records, drafting, fields, reading
from layers.progress import Progress
from layers.tables import DraftStep

WITH_REJECTS, WRONG_USE, FAILED = 1, 2, 3
_AUTHOR = "command line"
# Faults of what was asked for, not of the data.
_OF_USE = {"datum-missing", "datum-unknown", "field-unknown", "format-unknown", "parameter-invalid"}
# Faults of the layer that an upsert would leave, rather than of a record.
_OF_PARTITION = {"overlap", "gap", "gap-enclosed", "gap-at-parent", "outside-parent", "sliver", "t-junction"}


#: Stands for a draft that is to be begun.
_NEW = "new"


def _draft(stated: str | None) -> str | None:
    """Callback of a draft's id."""
    if stated in (None, _NEW):
        return stated
    try:
        return str(UUID(stated))
    except ValueError:
        raise typer.BadParameter(f"{stated!r} is neither {_NEW} nor the id of a draft.") from None


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
    draft: Annotated[
        str | None,
        typer.Option(
            callback=_draft, help="Make it a step of this draft (its id, or new) in place of publishing it."
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Store nothing; list what would be added, changed, removed as CSV."),
    ] = False,
    embedded: Embedded = False,
) -> None:
    """导入 · Load a file into a layer, check it, and publish it as one revision, or make it a step of a draft.

    \b
      wangge import districts 区县.shp
      wangge import communities 社区.gpkg --map people=pop --on-invalid repair
      wangge import grids 网格.zip --crs EPSG:4547 --rejects rejects.gpkg
      wangge import facilities 设施.csv --crs gcj02 --map x=经度 --map y=纬度
      wangge import compounds 小区.xlsx --crs bd09 --mode replace
      wangge import buildings 楼栋.gpkg --map compound_code=小区代码
      wangge import addresses 门牌.csv --crs cgcs2000
      wangge import streets city.osm.pbf --facilities --compounds --buildings --addresses
      wangge import grids 网格.gpkg --mode replace --dry-run
      wangge import grids 网格.gpkg --draft new
      wangge import incidents 工单.csv --crs gcj02 --map external_id=工单号 --rejects bad.csv

    Areas come top down: districts, subdistricts, communities, grids; a level may be left out. Parents follow
    from codes, else from location; areas without a code get one. Buildings and addresses that name no compound
    belong to the one that holds them. A record at fault is rejected and named; the
    others are loaded. Nothing is stored when the file as a whole is refused. Incidents have no revision:
    each gets its area, and those whose external id is known are brought up to date. Exit code 1 says that there
    are rejects or defects.
    """  # noqa: D301 - typer keeps the lines of a paragraph led by \\b as they are
    beside = {
        "facilities": facilities,
        "compounds": compounds,
        "buildings": buildings,
        "addresses": addresses,
        "barriers": barriers,
    }
    try:
        named = fields.stated(map_ or [])
        if layer == INCIDENTS:
            _refuse_for_incidents(draft, dry_run=dry_run)
            asked = Asked(crs=crs, named=named, rejects=rejects, sheet=sheet, encoding=encoding)
            import_incidents(file, asked, embedded=embedded)
            return
        done = _run(
            layer,
            file,
            {"crs": crs, "columns": named, "mode": mode, "on_invalid": on_invalid, "noded": noded},
            _Wanted(sheet, encoding, [name for name, wanted in beside.items() if wanted], draft, dry_run),
            embedded=embedded,
        )
    except (Conflict, NotFound) as error:
        console.print(str(error), markup=False)
        raise typer.Exit(FAILED) from None
    except DataError as error:
        _print_refusal(error)
        raise typer.Exit(WRONG_USE if {fault.kind for fault in error.faults} <= _OF_USE else FAILED) from None
    if any(report.revision is not None for report in done.reports):
        # By then every server has seen the revision, so "published" is true for whoever asks next.
        wait_for_workers()
    _tell(done, rejects, dry_run=dry_run)
    if done.outcome.worse or any(report.rejected or len(report.defects) for report in done.reports):
        raise typer.Exit(WITH_REJECTS)


def _refuse_for_incidents(draft: str | None, *, dry_run: bool) -> None:
    if draft is not None or dry_run:
        raise typer.BadParameter("incidents are in no draft and have no revisions: leave out the option.")


def _print_refusal(error: DataError) -> None:
    console.print(f"[bold red]refused[/bold red]: {len(error.faults)} fault(s); nothing was stored")
    print_faults(error.faults)
    if {fault.kind for fault in error.faults} & _OF_PARTITION:
        console.print(
            "an upsert may not make a layer worse. Mend the file; or, where it is the whole layer, import it with"
            " --mode replace, which ends what the file lacks and lists these as defects; or import it into a"
            " draft with --draft new and mend it there."
        )


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What of a file is read, and where it goes; ``beside`` names layers that are wanted beside streets."""

    sheet: str | None
    encoding: str | None
    beside: Sequence[str]
    draft: str | None
    dry_run: bool


@dataclass(frozen=True, slots=True)
class _Done:
    """What an import made of the layers; ``differences`` of a dry run, ``step`` of one that a draft holds now."""

    outcome: Outcome
    differences: Sequence[Diff] = ()
    step: DraftStep | None = None

    @property
    def reports(self) -> list[ImportReport]:
        """Of each layer that the file was imported as."""
        return list(self.outcome.reports.values())


def _run(layer: str, file: Path, words: dict[str, Any], wanted: _Wanted, *, embedded: bool) -> _Done:
    """Import in one transaction; a refusal or a dry run leaves nothing behind."""
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
            database.sessions(engine)(expire_on_commit=False) as session,
        ):
            records = _read(layer, file, options, wanted, progress)
            done = _carry_out(session, records, wanted, progress)
            if not wanted.dry_run:
                session.commit()
            return done


def _read(layer: str, file: Path, options: Options, wanted: _Wanted, progress: Progress) -> Records:
    if osm.is_osm(file):
        _require_streets(layer)
        return reading.of_osm(file, options, places=wanted.beside, progress=progress)
    if wanted.beside:
        message = f"only an OpenStreetMap file holds {', '.join(wanted.beside)} beside streets"
        raise typer.BadParameter(message)
    return reading.of_file(
        layer, file, options, sheet=wanted.sheet, encoding=wanted.encoding, progress=progress
    )


def _carry_out(session: Session, records: Records, wanted: _Wanted, progress: Progress) -> _Done:
    if wanted.draft is None:
        began = now()
        outcome = imports.work_out(session, records, now=began, progress=progress)
        if wanted.dry_run:
            return _Done(outcome, outcome.diffs())
        imports.publish(
            session, outcome, author=_AUTHOR, note=records.said, now=began, clock=now, progress=progress
        )
        return _Done(outcome)
    if wanted.draft == _NEW:
        draft = keeping.create(session, title=records.said, note="", author=_AUTHOR, now=now())
    else:
        draft = keeping.get(session, UUID(wanted.draft))
    proposal = drafting.propose(session, draft, records, now=now(), progress=progress)
    if wanted.dry_run:
        return _Done(proposal.outcome, proposal.outcome.diffs())
    return _Done(proposal.outcome, step=drafting.record(session, proposal, author=_AUTHOR, now=now()))


def _require_streets(layer: str) -> None:
    if layer != "streets":
        raise typer.BadParameter(
            "an OpenStreetMap file is imported as streets, with "
            + ", ".join(f"--{each}" for each in osm.PLACES)
        )


def _tell(done: _Done, rejects: Path | None, *, dry_run: bool) -> None:
    for report in done.reports:
        print_report(report)
        if rejects is not None and report.rejected:
            write_rejects(report, rejects)
        if report.revision is not None:
            console.print(f"published as revision {report.revision}", markup=False)
        elif not done.outcome.changes:
            console.print("nothing changed, no revision", markup=False)
    print_worse(done.outcome.worse)
    if dry_run:
        list_differences(done.differences)
        console.print("dry run: nothing was stored")
    elif done.step is not None:
        console.print(f"step {done.step.number} of draft {done.step.draft_id}", markup=False)
