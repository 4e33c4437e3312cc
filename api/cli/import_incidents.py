"""`wangge import incidents`: a file of incidents, each with the area it belongs to."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import typer
from rich.table import Table

from api.cli.connection import connected, named_settings
from api.cli.console import console, print_faults, progress_bars
from api.dependencies import now
from layers import database
from layers.files.rejects import RejectsFile
from layers.imports.incidents import FileOptions, import_file
from layers.incidents import ImportCounts

WITH_REJECTS = 1
_AUTHOR = "command line"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the command line says of the file."""

    crs: str | None
    named: Mapping[str, str]
    rejects: Path | None
    sheet: str | None
    encoding: str | None


def import_incidents(file: Path, asked: Asked, *, embedded: bool) -> None:
    """Import a file in one transaction and report what became of it.

    Raises
    ------
    DataError
        Where the file is refused as a whole.
    typer.Exit
        With 1 where records were rejected.
    """
    counts = _run(file, asked, embedded=embedded)
    _report(counts)
    if counts.rejected:
        where = f"see {asked.rejects}" if asked.rejects else "state --rejects FILE.csv to have them"
        console.print(f"rejected records: {where}", markup=False)
        raise typer.Exit(WITH_REJECTS)


def _run(file: Path, asked: Asked, *, embedded: bool) -> ImportCounts:
    with named_settings(embedded=embedded) as settings:
        options = FileOptions(
            datum=asked.crs,
            local_crs=settings.local_crs(),
            default_datum=settings.default_datum,
            named=asked.named,
            timezone=settings.timezone,
            sheet=asked.sheet,
            encoding=asked.encoding,
        )
        with (
            connected(settings) as engine,
            progress_bars() as progress,
            _rejects(asked.rejects) as rejects,
            database.sessions(engine).begin() as session,
        ):
            return import_file(
                session,
                file,
                options,
                actor=_AUTHOR,
                now=now(),
                on_rejects=rejects.add if rejects else lambda *_: None,
                progress=progress,
            )


@contextmanager
def _rejects(path: Path | None) -> Iterator[RejectsFile | None]:
    """Collect rejected records; the file is written when the import has ended well."""
    if path is None:
        yield None
        return
    with path.open("wb") as sink, RejectsFile(sink) as file:
        yield file


def _report(counts: ImportCounts) -> None:
    table = Table(title="事件 incidents", title_justify="left")
    figures = ("total", "added", "changed", "unchanged", "rejected", "assigned", "unassigned")
    for name in figures:
        table.add_column(name, justify="right")
    table.add_row(*(f"{getattr(counts, name):,}" for name in figures))
    console.print(table)
    print_faults(counts.faults)
    placed = counts.assigned + counts.unassigned
    if counts.unassigned > placed / 2:
        console.print(
            f"  note: {counts.unassigned:,} of {placed:,} lie in no area or have no coordinates; is --crs right?"
        )
