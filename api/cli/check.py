"""`wangge check`: what stands in a layer that should not."""

import sys
from pathlib import Path
from typing import Annotated

import geopandas as gpd
import pandas as pd
import shapely
import typer

from api.cli.arguments import LayerName, layer_file
from api.cli.connection import Embedded, transaction
from api.cli.console import console, print_faults, progress_bars
from api.cli.import_ import print_defects
from api.dependencies import now
from geo.faults import DataError
from layers import deployment, history, store, validation
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
    """检查 · List every defect of a layer: overlaps, gaps, slivers, children outside parents, codes, islands.

    \b
      wangge check grids                       a table on stderr, all defects as CSV on stdout
      wangge check communities -o defects.gpkg to look at in QGIS
      wangge check streets                     streets that are joined to no other

    Exit code 1 says that there are defects.
    """  # noqa: D301 - typer keeps the lines of a paragraph led by \\b as they are
    with transaction(embedded=embedded) as session, progress_bars() as progress:
        revision = history.current(session, now())
        progress(f"check {layer}", 0, 1)
        defects = validation.check(
            layer,
            lambda name: store.read(session, name, revision),
            metric=deployment.get(session).metric_crs,
        )
        progress(f"check {layer}", 1, 1)
    _write(defects, output)
    print_defects(defects)
    console.print(f"revision {revision}: {len(defects)} defects in {layer}", markup=False)
    if len(defects):
        raise typer.Exit(WITH_DEFECTS)


def _write(defects: gpd.GeoDataFrame, output: Path | None) -> None:
    """Write defects with their codes joined; points for formats without shapes."""
    joined = defects.assign(codes=[" ".join(codes) for codes in defects["codes"]])
    if output is None:
        points = shapely.point_on_surface(joined.geometry.to_numpy())
        table = pd.DataFrame(joined.drop(columns="geometry"))
        sys.stdout.buffer.write(
            tables.to_csv(table.assign(lon=shapely.get_x(points), lat=shapely.get_y(points)))
        )
        return
    try:
        formats.write(joined, output)
    except DataError as error:
        print_faults(error.faults)
        raise typer.Exit(WRONG_USE) from None
