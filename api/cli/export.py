"""`wangge export`: layers into files."""

import datetime as dt
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from api import stated
from api.cli.arguments import LayerName, layer_file
from api.cli.connection import Embedded, connected, named_settings
from api.cli.console import console, print_faults
from api.dependencies import now
from geo import crs as references
from geo.faults import DataError
from layers import database, exports, history, store
from layers.database import Session
from layers.drafts import keeping, states

WRONG_USE = 2


def export_layer(
    layer: LayerName,
    file: Annotated[
        Path,
        typer.Argument(
            dir_okay=False, callback=layer_file, help="gpkg, shp, geojson, geojsonl, fgb, parquet, csv, xlsx"
        ),
    ],
    *,
    crs: Annotated[
        str,
        typer.Option(help="Coordinates to write: wgs84, cgcs2000, gcj02, bd09, EPSG:4547, PROJ/WKT text …"),
    ] = "wgs84",
    revision: Annotated[
        int | None, typer.Option(help="Number of a past revision; default: the current one.")
    ] = None,
    at: Annotated[
        str | None, typer.Option(help="As it stood at the end of this day, or at this instant: 2026-03-01.")
    ] = None,
    draft: Annotated[
        UUID | None, typer.Option(help="As this draft makes it, in place of what is published.")
    ] = None,
    encoding: Annotated[
        str | None, typer.Option(help="Of a shapefile's text: UTF-8 (default) or GBK.")
    ] = None,
    embedded: Embedded = False,
) -> None:
    """导出 · Write a layer to a file that can be imported again.

    \b
      wangge export grids 网格.gpkg
      wangge export grids 网格.shp --crs EPSG:4547
      wangge export facilities 设施.xlsx --crs gcj02
      wangge export communities before.geojson --revision 12
      wangge export grids then.gpkg --at 2026-03-01
      wangge export grids 草稿.shp --draft 8f0c6f7a-6a55-4a53-9d0a-0c2f6b8e7a11 --encoding gbk

    What came from OpenStreetMap stays © OpenStreetMap contributors (ODbL): say so where you pass it on.
    """  # noqa: D301 - typer keeps the lines of a paragraph led by \\b as they are
    if sum(each is not None for each in (revision, at, draft)) > 1:
        raise typer.BadParameter("say one of --revision, --at and --draft.")
    try:
        with named_settings(embedded=embedded) as settings:
            reference = references.parse(crs, local=settings.local_crs())
            instant = None if at is None else stated.instant(at, settings.timezone)
            with connected(settings) as engine, database.sessions(engine).begin() as session:
                if draft is None:
                    number = _number(session, revision, instant)
                    frame, said = store.read(session, layer, number), f"revision {number}"
                else:
                    state = states.state_of(keeping.get(session, draft))
                    frame, said = states.read(session, layer, state), f"draft {draft} at step {state.step}"
                done = exports.write(layer, frame, file, reference=reference, encoding=encoding)
    except DataError as error:
        print_faults(error.faults)
        raise typer.Exit(WRONG_USE) from None
    console.print(f"{said}: {done.count} {layer} -> {file}", markup=False)
    if done.left_out:
        console.print(f"left out, too long for this format: {', '.join(done.left_out)}", markup=False)
    if done.attribution:
        console.print(f"attribute these data: {done.attribution}", markup=False)


def _number(session: Session, revision: int | None, instant: dt.datetime | None) -> int:
    """Return the revision that is meant: the one stated, that of an instant, or the current one."""
    if revision is not None:
        return history.get(session, revision).number
    return history.current(session, now()) if instant is None else history.at(session, instant)
