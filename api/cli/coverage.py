"""`wangge coverage`: the table of `GET /api/coverage`, to a file."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from api import coverage_words
from api.cli.arguments import in_a_folder
from api.cli.connection import Embedded, transaction
from api.cli.console import console, print_faults, progress_bars
from api.coverage_replies import Shown, body
from api.dependencies import now
from geo import coverage
from geo.coverage import circles
from geo.coverage.city import City
from geo.faults import DataError, Fault
from layers import history
from layers.coverage import load_city
from layers.progress import Progress
from layers.streets import load_network

WITH_DEFECTS, WRONG_USE = 1, 2

_SUFFIXES = (".csv", ".xlsx", ".geojson")


#: `wangge coverage` alone is the table; what else is asked about coverage are commands of its own below it.
app = typer.Typer(invoke_without_command=True)


@app.callback()
def coverage_table(
    *,
    context: typer.Context,
    facility_type: Annotated[
        list[str] | None,
        typer.Option("--type", help="Facility types, repeated or with commas; default: all."),
    ] = None,
    minutes: Annotated[
        list[str] | None, typer.Option(help="Minutes, e.g. 5,10,15; default: each type's own circle.")
    ] = None,
    level: Annotated[str, typer.Option(help=" | ".join(coverage.TABLE_LEVELS))] = "community",
    profile: Annotated[
        str, typer.Option(help="adult 1.25 m/s | elderly 0.8 m/s | gb50180 (300, 500, 1000 m)")
    ] = "adult",
    method: Annotated[
        str, typer.Option(help="network (along streets) | circle (straight, overstates) | both")
    ] = "network",
    weight: Annotated[str, typer.Option(help=" | ".join(coverage.WEIGHTS))] = "people",
    standard: Annotated[
        str | None, typer.Option(help="gb50180: each type against its own service radius.")
    ] = None,
    within: Annotated[str | None, typer.Option(help="Code of an area: only areas in it.")] = None,
    estates: Annotated[
        str | None, typer.Option(help="apart: old estates and the rest of each area in rows of their own.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", callback=in_a_folder, help="A .csv, .xlsx or .geojson file."),
    ] = None,
    embedded: Embedded = False,
) -> None:
    """生活圈覆盖率 · Which share of homes has each kind of facility within a walk along streets.

    \b
      wangge coverage -o coverage.xlsx        every type, its own circle, by community
      wangge coverage --type fresh_market --minutes 10,15 --level grid -o market.csv
      wangge coverage --profile elderly --minutes 15 --method both -o elderly.xlsx
      wangge coverage --standard gb50180 --method both --level subdistrict -o standard.xlsx
      wangge coverage --level old_estate -o estates.xlsx       renovation units
      wangge coverage --estates apart --level subdistrict -o apart.csv
      wangge coverage --weight land --minutes 15 -o land.geojson

    Types are the keys of the catalogue; --type '?' lists them. Without -o the table goes to stdout as CSV.
    Compounds that no street reaches, or that lie in no area, are named on stderr; the exit code is then 1.
    """  # noqa: D301 - typer keeps the lines of a paragraph led by \\b as they are
    if context.invoked_subcommand is not None:
        return
    if facility_type == ["?"]:
        _list_types()
        return
    try:
        _check_output(output)
        words = {"level": level, "profile": profile, "method": method, "weight": weight}
        chosen = {"standard": standard, "within": within, "estates": estates}
        query = coverage_words.asked(facility_type or [], minutes or [], **words, **chosen)
    except DataError as error:
        print_faults(error.faults)
        raise typer.Exit(WRONG_USE) from None
    with progress_bars() as progress:
        revision, city = _load(embedded=embedded, progress=progress)
        progress("覆盖率 coverage", 2, 3)
        answer = coverage.answer(city, query)
        notes = coverage_words.notes(answer, query, revision)
        about = {"revision": revision}
        _write(Shown(answer.table, coverage_words.TITLES, notes, about, [city], query.level), output)
        progress("覆盖率 coverage", 3, 3)
    where = f" -> {output}" if output else ""
    console.print(f"revision {revision}: {len(answer.table)} rows{where}", markup=False)
    if answer.not_judged:
        console.print(f"no radius in the standard, not judged: {', '.join(answer.not_judged)}", markup=False)
    if answer.faults:
        print_faults(answer.faults)
        raise typer.Exit(WITH_DEFECTS)


def _load(*, embedded: bool, progress: Progress) -> tuple[int, City]:
    """Read a city at the current revision, all its layers at that one."""
    with transaction(embedded=embedded) as session:
        progress("覆盖率 coverage", 0, 3)
        revision = history.current(session, now())
        network = load_network(session, revision)
        progress("覆盖率 coverage", 1, 3)
        return revision, load_city(session, revision, network)


def _check_output(output: Path | None) -> None:
    if output is not None and output.suffix.lower() not in _SUFFIXES:
        message = f"{output.name}: the ending says the format; use {', '.join(_SUFFIXES)}."
        raise DataError(Fault(kind="format-unknown", message=message))


def _write(shown: Shown, output: Path | None) -> None:
    written = body("csv" if output is None else output.suffix.lower().removeprefix("."), shown)
    if output is None:
        sys.stdout.buffer.write(written)
    else:
        output.write_bytes(written)


def _list_types() -> None:
    for key, row in coverage_words.catalogue().iterrows():
        sys.stdout.write(f"{key}\t{row['zh']}\t{row['en']}\t{circles.own_minutes(row)} min\n")
