"""`wangge check`: what stands in a layer that should not."""

import sys
from pathlib import Path
from typing import Annotated

import geopandas as gpd
import typer

from api import defect_words
from api.cli.arguments import LayerName, layer_file
from api.cli.connection import Embedded, transaction
from api.cli.console import console, print_faults, progress_bars
from api.cli.import_ import print_defects
from api.dependencies import now
from geo.faults import DataError
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
    embedded: Embedded = False,
) -> None:
    """检查 · List every defect of a layer: overlaps, gaps, slivers, borders beside the parent's, codes, cut buildings.

    \b
      wangge check grids                       a table on stderr, all defects as CSV on stdout
      wangge check communities -o defects.gpkg to look at in QGIS
      wangge check streets                     streets that are joined to no other

    Each comes with its codes, place, size, a box to zoom to and a suggested repair. Compounds that span grids are told
    as information. Exit code 1 says that there are defects.
    """  # noqa: D301 - typer keeps the lines of a paragraph led by \\b as they are
    with transaction(embedded=embedded) as session, progress_bars() as progress:
        revision = history.current(session, now())
        progress(f"check {layer}", 0, 1)
        listed = checking.check_at(session, layer, revision)
        progress(f"check {layer}", 1, 1)
    _write(defect_words.plain(defect_words.table(listed, layer)), output)
    defects = checking.defects(listed)
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
