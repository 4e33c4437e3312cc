"""`wangge assign`: a file of points, with the area each belongs to."""

import csv
import io
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Annotated

import typer

from api import stated
from api.cli.arguments import in_a_folder
from api.cli.connection import Embedded, connected, named_settings
from api.cli.console import console, print_faults, progress_bars
from api.dependencies import now
from geo.crs import Reference
from geo.faults import DataError, Fault
from geo.levels import LEVELS
from layers import batch, database, history, located
from layers.batch import BatchCounts
from layers.files import points

WITH_REJECTS, WRONG_USE = 1, 2

# Most points outside mean a wrong datum, or the wrong city.
_MOST = 0.5


def assign_points(
    *,
    points_file: Annotated[
        Path,
        typer.Argument(
            metavar="POINTS", exists=True, dir_okay=False, help="CSV, GeoJSON, GeoJSONSeq or Parquet."
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="OUT",
            callback=in_a_folder,
            help="The same rows with the answers; same format.",
        ),
    ],
    crs: Annotated[
        str | None,
        typer.Option(
            "--crs",
            "--datum",
            help="What the coordinates mean: wgs84 | cgcs2000 | gcj02 | bd09 | EPSG:4547 | WKT/PROJ text | a local CRS.",
        ),
    ] = None,
    level: Annotated[str, typer.Option(help=" | ".join(LEVELS))] = "grid",
    scheme: Annotated[str, typer.Option(help="Which grids, for level grid.")] = located.SCHEME,
    lon: Annotated[
        str | None, typer.Option(help="Column of longitude or easting; the usual names are known.")
    ] = None,
    lat: Annotated[str | None, typer.Option(help="Column of latitude or northing.")] = None,
    margin: Annotated[
        bool, typer.Option("--margin", help="Add margin_m, the distance to the area's border.")
    ] = False,
    rejects: Annotated[
        Path | None,
        typer.Option(callback=in_a_folder, help="CSV of the rows that cannot be used: row, kind, message."),
    ] = None,
    encoding: Annotated[str | None, typer.Option(help="Of a CSV; found out by default.")] = None,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Write the file even when most points lie outside every area.")
    ] = False,
    embedded: Embedded = False,
) -> None:
    """批量归属 · Which grid (or community, subdistrict, district) each point of a file belongs to.

    \b
      wangge assign calls.csv -o out.csv --crs gcj02
      wangge assign 事件.csv -o out.csv --crs bd09 --lon 经度 --lat 纬度 --margin
      wangge assign survey.csv -o out.csv --crs EPSG:4547 --level community
      wangge assign points.parquet -o out.parquet --crs wgs84 --rejects bad.csv

    Rows keep their order and columns; area_code, rule, distance_m and error are added:

    \b
      inside    in one area
      border    on a border: the lowest code of those that share it
      overlap   in several areas: the lowest code
      nearest   outside, within the tolerance (50 m): distance_m says how far
      none      farther outside
      rejected  the coordinates cannot be used: error says why

    in = assigned + unassigned + rejected, always. Nothing is written when the file is refused.

    Most points outside mean a wrong datum: the share outside under each is then shown (GCJ-02 and BD-09 move points by only 0.4 to 1.1 km, so it can be suggested, never proved).

    Exit codes: 0 done, 1 some rows rejected, 2 refused, 3 failed.
    """  # noqa: D301 - typer keeps the lines of a paragraph led by \\b as they are
    try:
        kind = _kind(points_file, output)
        with named_settings(embedded=embedded) as settings, progress_bars() as progress:
            reference, known_level = stated.together(
                lambda: stated.reference(crs, settings), lambda: stated.choice(level, LEVELS, "level")
            )
            with connected(settings) as engine, database.sessions(engine)() as session:
                revision = history.current(session, now())
                areas = located.load_areas(session, revision, level=known_level, scheme=scheme)
            with _streams(points_file, output, rejects) as (source, sink, on_rejects):
                added = batch.added_columns(margin=margin)
                file = points.open_points(
                    kind, source, sink, columns=(lon, lat), added=added, encoding=encoding
                )
                counts = batch.assign_points(
                    file, areas, reference, margin=margin, on_rejects=on_rejects, progress=progress
                )
                if not anyway:
                    _refuse_outside(counts, reference)
    except DataError as error:
        print_faults(error.faults)
        raise typer.Exit(WRONG_USE) from None
    console.print(
        f"revision {revision}: {counts.total} in = {counts.assigned} assigned + {counts.unassigned} unassigned"
        f" + {counts.rejected} rejected -> {output}",
        markup=False,
    )
    if counts.rejected:
        where = rejects or f"the rows with rule={batch.REJECTED} of {output}"
        console.print(f"why rows were rejected: see {where}", markup=False)
        raise typer.Exit(WITH_REJECTS)


def _kind(source: Path, output: Path) -> str:
    """Format of both files, told by their names."""
    kind = points.kind_of_suffix(source.suffix)
    if points.kind_of_suffix(output.suffix) != kind:
        message = f"POINTS and OUT must have one format; they are {source.suffix} and {output.suffix}."
        raise DataError(Fault(kind="format-unknown", message=message))
    return kind


def _refuse_outside(counts: BatchCounts, reference: Reference) -> None:
    usable = counts.total - counts.rejected
    if counts.unassigned <= _MOST * usable:
        return
    shares = ", ".join(f"{name} {share:.0%}" for name, share in counts.outside.items())
    raise DataError(
        Fault(
            kind="datum-contradicted",
            message=(
                f"{counts.unassigned} of {usable} points lie outside every area as {reference.name}"
                f"{'; share outside by datum: ' + shares if shares else ''}. State another --crs, or add "
                "--anyway if they do lie outside."
            ),
        )
    )


@contextmanager
def _streams(
    points_file: Path, output: Path, rejects: Path | None
) -> Iterator[tuple[IO[bytes], IO[bytes], Callable[[Sequence[Fault]], None]]]:
    """Open what is read and written; what is written takes its place only when all has gone well."""
    with points_file.open("rb") as source, _whole(output) as sink:
        if rejects is None:
            yield source, sink, lambda _: None
            return
        with _whole(rejects) as file:
            text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="", write_through=True)
            table = csv.writer(text)
            table.writerow(["row", "kind", "message"])
            yield source, sink, lambda faults: table.writerows((f.row, f.kind, f.message) for f in faults)
            text.detach()


@contextmanager
def _whole(path: Path) -> Iterator[IO[bytes]]:
    """Write a file beside its place and move it there at the end, so that half of it is never seen."""
    with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        try:
            yield file.file
        except BaseException:
            Path(file.name).unlink()
            raise
    # Private while it was being written; from now on as open as the user's other files.
    Path(file.name).chmod(0o666 & ~_umask())
    Path(file.name).replace(path)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
