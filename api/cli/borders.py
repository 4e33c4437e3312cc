"""`wangge borders`: where lines are wrong, as a table, lines for QGIS, or a map."""

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from api import border_words
from api.borders import MOST_WITHIN_M, Asked
from api.cli.arguments import in_a_folder
from api.cli.connection import Embedded, transaction
from api.cli.console import console, print_faults, progress_bars
from api.dependencies import now
from api.settings import Settings
from geo.border_index import BORDERLINE_M
from geo.faults import DataError
from layers import history, located
from layers.borders import Question, Statistics, answer
from layers.files import tables

WRONG_USE = 2

_SUFFIXES = (".csv", ".xlsx", ".geojson")


def borders_table(
    *,
    level: Annotated[
        Literal["district", "subdistrict", "community", "grid"], typer.Option(help="Whose borders.")
    ] = "grid",
    scheme: Annotated[str, typer.Option(help="Which grids, for level grid.")] = located.SCHEME,
    within_m: Annotated[
        float,
        typer.Option(
            "--within",
            min=0.1,
            max=MOST_WITHIN_M,
            help="Metres from the border below which `inside` is borderline.",
        ),
    ] = BORDERLINE_M,
    since: Annotated[
        str | None, typer.Option(help="Reported at or after: 2026-03-01, or an instant.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="Reported before: the last day, or an instant.")] = None,
    category: Annotated[str | None, typer.Option(help="Code of a category.")] = None,
    status: Annotated[Literal["open", "closed"] | None, typer.Option(help="Only these incidents.")] = None,
    area: Annotated[str | None, typer.Option(help="Code of an area: only borders of areas in it.")] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", callback=in_a_folder, help="A .csv, .xlsx or .geojson file."),
    ] = None,
    embedded: Embedded = False,
) -> None:
    """边界疑点 · At which borders incidents lie whose grid hangs on where the line was drawn.

    \b
      wangge borders -o borders.xlsx                        the worst first
      wangge borders --since 2026-01-01 --area 990102003 -o borders.geojson      lines for QGIS
      wangge map borders -o borders.html                    a map

    Without -o the table goes to stdout as CSV.
    """  # noqa: D301 - typer keeps the lines of a paragraph led by \\b as they are
    if output is not None and output.suffix.lower() not in _SUFFIXES:
        raise typer.BadParameter(f"{output.name}: the ending says the format; use {', '.join(_SUFFIXES)}.")
    asked = Asked(level, scheme, within_m, since, until, category, status, area)
    try:
        question = asked.question(Settings().timezone)
    except DataError as error:
        print_faults(error.faults)
        raise typer.Exit(WRONG_USE) from None
    with progress_bars() as progress, transaction(embedded=embedded) as session:
        progress("边界 borders", 0, 1)
        revision = history.current(session, now())
        statistics = answer(session, revision, question)
        progress("边界 borders", 1, 1)
    body = _body(statistics, question, revision, output.suffix.lower() if output else ".csv")
    if output is None:
        sys.stdout.buffer.write(body)
    else:
        output.write_bytes(body)
    where = f" -> {output}" if output else ""
    console.print(
        f"revision {revision}: {statistics.borders} borders, {len(statistics.table)} in doubt{where}",
        markup=False,
    )


def _body(statistics: Statistics, question: Question, revision: int, suffix: str) -> bytes:
    if suffix == ".geojson":
        about = {"revision": revision, **border_words.summary(statistics)}
        return tables.to_geojson(border_words.rounded(statistics.table), extra=about)
    table = border_words.plain(statistics.table)
    if suffix == ".xlsx":
        notes = border_words.notes(statistics, question, revision)
        return tables.to_xlsx(table, titles=border_words.TITLES, notes=notes)
    return tables.to_csv(table)
