"""`wangge coverage`: the table of `GET /api/coverage`, to a file."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from api import coverage_words, provenance
from api.cities import city_at
from api.cli.connection import Embedded, connected, named_settings
from api.cli.console import console, print_faults, progress_bars
from api.cli.coverage_files import WITH_DEFECTS, Output, check_output, refuse, write
from api.cli.coverage_measures import capacity_table, elements_table, nearest_table
from api.coverage_replies import Shown
from api.coverage_results import CoverageResults, Found
from api.dependencies import now
from api.snapshots import Snapshots
from geo import coverage
from geo.coverage import Query, circles
from geo.faults import DataError
from layers import database
from layers.progress import Progress

#: `wangge coverage` alone is the table; what else is asked about coverage are commands of its own below it.
app = typer.Typer(invoke_without_command=True)
app.command("nearest")(nearest_table)
app.command("elements")(elements_table)
app.command("capacity")(capacity_table)


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
    output: Output = None,
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
        _refuse_options(context)
        return
    if facility_type == ["?"]:
        _list_types()
        return
    try:
        check_output(output)
        words = {"level": level, "profile": profile, "method": method, "weight": weight}
        chosen = {"standard": standard, "within": within, "estates": estates}
        query = coverage_words.asked(facility_type or [], minutes or [], **words, **chosen)
    except DataError as error:
        raise refuse(error) from None
    with progress_bars() as progress:
        shown, found = _answer(query, output, embedded=embedded, progress=progress)
    write(shown, output)
    answer = found.answer
    if found.kept:
        console.print(f"kept since {found.computed_at:%F %H:%M} UTC", markup=False)
    for row in answer.overstatement.dropna(subset="overstated_share").itertuples():
        told = f"circles overstate {row.facility_type} {row.minutes} min by {row.overstated_share:.1%} of the demand"
        console.print(told, markup=False)
    if answer.not_judged:
        console.print(f"no radius in the standard, not judged: {', '.join(answer.not_judged)}", markup=False)
    if answer.faults:
        print_faults(answer.faults)
        raise typer.Exit(WITH_DEFECTS)


def _answer(query: Query, output: Path | None, *, embedded: bool, progress: Progress) -> tuple[Shown, Found]:
    """Answer at the current revision, worked out or kept."""
    with named_settings(embedded=embedded) as settings, connected(settings) as engine:
        sessions = database.sessions(engine)
        snapshot = Snapshots(sessions, now).current()
        results = CoverageResults(sessions, now, most_bytes=settings.kept_results_mb * 1024 * 1024)
        found = results.to(snapshot, query, progress=progress)
        cities = [city_at(snapshot)] if output and output.suffix.lower() == ".geojson" else []
    notes = coverage_words.notes(found.answer, query, snapshot.revision) + provenance.notes(found)
    about = {"revision": snapshot.revision, "provenance": provenance.document(found)}
    return Shown(found.answer.table, coverage_words.TITLES, notes, about, cities, query.level), found


def _refuse_options(context: typer.Context) -> None:
    """Refuse options that the sub-command after them would never see.

    Raises
    ------
    typer.BadParameter
        Where there are any.
    """
    given = [
        name
        for name in context.params
        if (source := context.get_parameter_source(name)) and source.name == "COMMANDLINE"
    ]
    if given:
        message = f"options of `wangge coverage {context.invoked_subcommand}` stand after it; before it: {', '.join(given)}"
        raise typer.BadParameter(message)


def _list_types() -> None:
    for key, row in coverage_words.catalogue().iterrows():
        sys.stdout.write(f"{key}\t{row['zh']}\t{row['en']}\t{circles.own_minutes(row)} min\n")
