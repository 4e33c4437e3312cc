"""`wangge check`: what stands in a layer that should not."""

import sys
from pathlib import Path
from typing import Annotated

import geopandas as gpd
import typer

from api import defect_words
from api.cli import check_streets
from api.cli.arguments import LayerName, layer_file
from api.cli.connection import Embedded, transaction
from api.cli.console import console, print_faults, progress_bars
from api.cli.import_report import print_defects
from api.dependencies import now
from geo.faults import DataError
from geo.streets.defects import DANGLING_M, DANGLING_M_MOST, SNAPPED_M, Limits
from layers import checking, history
from layers.files import formats, tables

WITH_DEFECTS, WRONG_USE = 1, 2


def check_layer(
    layer: LayerName,
    *,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            dir_okay=False,
            callback=layer_file,
            help="gpkg, geojson, csv, xlsx … with the places.",
        ),
    ] = None,
    dangling: Annotated[
        float,
        typer.Option(min=0.1, max=DANGLING_M_MOST, help="Of streets: dead ends this near another one, m."),
    ] = DANGLING_M,
    snapped: Annotated[
        float,
        typer.Option(
            min=1, max=1000, help="Of streets: compounds and facilities farther than this from one, m."
        ),
    ] = SNAPPED_M,
    embedded: Embedded = False,
) -> None:
    """检查 · List every defect of a layer: overlaps, gaps, slivers, borders beside the parent's, codes, cut buildings.

    \b
      wangge check grids                       a table on stderr, all defects as CSV on stdout
      wangge check communities -o defects.gpkg to look at in QGIS
      wangge check streets -o streets.geojson  islands, dead ends, crossings without a node, what is far from streets

    Each comes with its codes, place, size, a box to zoom to and a suggested repair. Compounds that span grids are told
    as information. Exit code 1 says that there are defects.
    """  # noqa: D301 - typer keeps the lines of a paragraph led by \\b as they are
    with transaction(embedded=embedded) as session, progress_bars() as progress:
        revision = history.current(session, now())
        progress(f"check {layer}", 0, 1)
        if layer == "streets":
            listed = check_streets.report(session, revision, Limits(dangling, snapped))
            written, defects = check_streets.table(listed), listed
        else:
            listed = checking.check_at(session, layer, revision)
            written = defect_words.plain(defect_words.table(listed, layer))
            defects = checking.defects(listed)
        progress(f"check {layer}", 1, 1)
    _write(written, output)
    print_defects(defects)
    told = f", {len(listed) - len(defects)} for information" if len(listed) > len(defects) else ""
    console.print(f"revision {revision}: {len(defects)} defects in {layer}{told}", markup=False)
    if len(defects):
        raise typer.Exit(WITH_DEFECTS)


def _write(listed: gpd.GeoDataFrame, output: Path | None) -> None:
    """Write a table of defects; without shapes on stdout."""
    if output is None:
        sys.stdout.buffer.write(tables.to_csv(listed.drop(columns="geometry")))
        return
    try:
        formats.write(listed, output)
    except DataError as error:
        print_faults(error.faults)
        raise typer.Exit(WRONG_USE) from None
