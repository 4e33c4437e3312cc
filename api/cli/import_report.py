"""What an import did, or would do, as the command line tells it."""

from collections.abc import Sequence
from pathlib import Path

import geopandas as gpd
import pandas as pd
import typer
from rich.markup import escape
from rich.table import Table

from api import diff_words
from api.cli.console import console, print_faults
from geo.faults import KINDS, Fault
from layers.catalogue import SPECS
from layers.diffs import Diff
from layers.files import formats
from layers.imports import ImportReport


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


def print_worse(faults: Sequence[Fault]) -> None:
    """Print what is worse than before, and would keep the change from being published."""
    if faults:
        console.print(f"new or larger defects, with which this is not published: {len(faults)}")
        print_faults(faults)


def write_rejects(report: ImportReport, path: Path) -> None:
    """Write the records at fault; of several layers each gets a file of its own."""
    if report.layer != "streets" and path.exists():
        path = path.with_stem(f"{path.stem}-{report.layer}")
    formats.write(report.rejects, path)
    console.print(f"rejects: {path}", markup=False)


def list_differences(found: Sequence[Diff]) -> None:
    """Print each feature that an import would add, change or remove on stdout, as CSV."""
    every = [diff_words.rows(diff) for diff in found]
    table = pd.concat(every) if every else pd.DataFrame({name: [] for name in list(diff_words.TITLES)[:9]})
    typer.echo(table.to_csv(index=False), nl=False)
