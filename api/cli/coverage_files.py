"""Where a table about coverage goes: to a file by its ending, else to stdout as CSV."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from api.cli.arguments import in_a_folder
from api.cli.console import console, print_faults
from api.coverage_replies import Shown, body
from geo.faults import DataError, Fault

WITH_DEFECTS, WRONG_USE = 1, 2

_SUFFIXES = (".csv", ".xlsx", ".geojson")

Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", callback=in_a_folder, help="A .csv, .xlsx or .geojson file."),
]


def check_output(output: Path | None) -> None:
    """Refuse a file whose ending says no format.

    Raises
    ------
    DataError
        ``format-unknown``.
    """
    if output is not None and output.suffix.lower() not in _SUFFIXES:
        message = f"{output.name}: the ending says the format; use {', '.join(_SUFFIXES)}."
        raise DataError(Fault(kind="format-unknown", message=message))


def write(shown: Shown, output: Path | None) -> None:
    """Write a table, and say so."""
    written = body("csv" if output is None else output.suffix.lower().removeprefix("."), shown)
    if output is None:
        sys.stdout.buffer.write(written)
    else:
        output.write_bytes(written)
    where = f" -> {output}" if output else ""
    console.print(f"revision {shown.about['revision']}: {len(shown.table)} rows{where}", markup=False)


def refuse(error: DataError) -> typer.Exit:
    """Print what was asked wrongly; raise what this returns."""
    print_faults(error.faults)
    return typer.Exit(WRONG_USE)
