"""`wangge assign`: a file of points, with the area each belongs to."""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile, SpooledTemporaryFile
from typing import IO, Annotated

import typer

from api import point_files
from api.cli.arguments import in_a_folder
from api.cli.connection import Embedded, connected, named_settings
from api.cli.console import console, print_faults, progress_bars
from api.dependencies import now
from api.point_files import ALL, Done, Options
from api.snapshots import Snapshots
from geo.faults import DataError, Fault
from geo.levels import LEVELS
from layers import database, located
from layers.answers import REJECTED
from layers.batch import BatchCounts
from layers.files import points
from layers.files.point_columns import Columns
from layers.files.rejects import RejectsFile
from layers.progress import Progress

WITH_REJECTS, WRONG_USE = 1, 2

#: Says stdin, or stdout.
_STANDARD = Path("-")
_IN_MEMORY = 16 << 20
_STEPS = {"rows": "points 点", "bytes": "points, bytes read 点（已读字节）"}


def _readable(file: Path) -> Path:
    if file != _STANDARD and not file.is_file():
        raise typer.BadParameter(f"There is no file {str(file)!r}.")
    return file


def assign_points(
    *,
    points_file: Annotated[
        Path,
        typer.Argument(
            metavar="POINTS",
            callback=_readable,
            help="CSV, GeoJSON, GeoJSONSeq, Parquet or XLSX; - is stdin.",
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="OUT",
            callback=in_a_folder,
            help="The same rows with the answers, in the same format; - is stdout.",
        ),
    ],
    crs: Annotated[
        str | None,
        typer.Option(
            "--crs",
            "--datum",
            help="What the coordinates mean: wgs84 | cgcs2000 | gcj02 | bd09 | EPSG:4547 | WKT/PROJ text | a local CRS. GeoParquet says it itself.",
        ),
    ] = None,
    level: Annotated[
        list[str] | None,
        typer.Option(help=f"{' | '.join(LEVELS)} | {ALL}; may be repeated; grid by default."),
    ] = None,
    scheme: Annotated[str, typer.Option(help="Which grids, for level grid.")] = located.SCHEME,
    lon: Annotated[
        str | None,
        typer.Option("--lon", "--x", help="Column of longitude or easting; the usual names are known."),
    ] = None,
    lat: Annotated[str | None, typer.Option("--lat", "--y", help="Column of latitude or northing.")] = None,
    geometry: Annotated[
        str | None, typer.Option(help="Column of points as WKT or WKB, instead of two columns.")
    ] = None,
    margin: Annotated[
        bool,
        typer.Option(
            "--margin", help="Add margin_m, the distance to the area's border, and neighbour_code across it."
        ),
    ] = False,
    at: Annotated[
        str | None,
        typer.Option(
            help="Answer as of an instant (2026-03-01T08:00:00+08:00) or the end of a day (2026-03-01)."
        ),
    ] = None,
    at_column: Annotated[
        str | None, typer.Option(help="Answer each row as of the time in this column; adds revision.")
    ] = None,
    rejects: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            callback=in_a_folder,
            help="CSV of the rows that cannot be used: their columns, row number, column, value, reason.",
        ),
    ] = None,
    encoding: Annotated[str | None, typer.Option(help="Of a CSV; found out by default.")] = None,
    format_: Annotated[
        str | None,
        typer.Option("--format", help=f"{' | '.join(points.KINDS)}; told by the names by default."),
    ] = None,
    accept_outside: Annotated[
        bool,
        typer.Option("--accept-outside", help="Write the file also when most points lie outside every area."),
    ] = False,
    embedded: Embedded = False,
) -> None:
    """批量归属 · Which grid (or community, subdistrict, district) each point of a file belongs to.

    \b
      wangge assign calls.csv -o out.csv --crs gcj02
      wangge assign 事件.xlsx -o out.xlsx --crs bd09 --lon 经度 --lat 纬度 --margin
      wangge assign survey.csv -o out.csv --crs EPSG:4547 --level grid --level community
      wangge assign 2025.parquet -o out.parquet --crs wgs84 --at-column reported_at
      wangge assign points.geojson -o out.geojson --crs wgs84 --rejects bad.csv
      zcat big.csv.gz | wangge assign - -o - --format csv --crs wgs84 | gzip > out.csv.gz

    Rows keep their order and columns, whatever their number; these are added:

    \b
      area_code      the one area; several levels give grid_code, grid_rule, … and so on
      rule           inside    in one area
                     border    on a border: the lowest code of those that share it
                     overlap   in several areas: the lowest code
                     nearest   outside, within the tolerance (50 m)
                     none      farther outside
                     rejected  the row cannot be used
      distance_m     how far outside, of nearest
      margin_m       with --margin: how far inside; a GPS is wrong by a few metres
      neighbour_code with --margin: the area across the nearest border
      revision       with --at-column: state of the boundaries that answered
      error          why a row was rejected

    in = assigned + unassigned + rejected, always. Nothing is written when the file is refused.

    Most points outside mean a wrong datum: the file is refused, and the share outside under each is shown (GCJ-02 and BD-09 move points by only 0.4 to 1.1 km, so it can be suggested, never proved). A few points, or --accept-outside, are answered all the same.

    Exit codes: 0 done, 1 some rows rejected, 2 refused, 3 failed.
    """  # noqa: D301 - typer keeps the lines of a paragraph led by \\b as they are
    try:
        options = Options(
            kind=_kind(points_file, output, format_),
            datum=crs,
            levels=level or ("grid",),
            scheme=scheme,
            columns=Columns(x=lon, y=lat, geometry=geometry, at=at_column),
            margin=margin,
            at=at,
            accept_outside=accept_outside,
            encoding=encoding,
        )
        with (
            _sink(output) as sink,
            _source(points_file) as source,
            _rejects(rejects) as rejects_file,
            progress_bars() as progress,
        ):
            done = _assign(options, source, sink, rejects_file, progress, embedded=embedded)
    except DataError as error:
        print_faults(error.faults)
        raise typer.Exit(WRONG_USE) from None
    _report(done, output, rejects)
    if done.counts.rejected:
        raise typer.Exit(WITH_REJECTS)


def _assign(
    options: Options,
    source: IO[bytes],
    sink: IO[bytes],
    rejects: RejectsFile | None,
    progress: Progress,
    *,
    embedded: bool,
) -> Done:
    def watch(unit: str, _counts: BatchCounts, done: int, total: int) -> None:
        progress(_STEPS[unit], done, total)

    with named_settings(embedded=embedded) as settings, connected(settings) as engine:
        snapshots = Snapshots(database.sessions(engine), now)
        on_rejects = rejects.add if rejects else None
        return point_files.assign_file(
            options, source, sink, snapshots, settings, on_rejects=on_rejects, watch=watch
        )


def _report(done: Done, output: Path, rejects: Path | None) -> None:
    counts = done.counts
    revision = f"revision {done.revision}" if done.revision is not None else "revisions by row"
    console.print(
        f"{revision}, {' + '.join(done.levels)} as {done.datum}: {counts.total} in = {counts.assigned} assigned"
        f" + {counts.unassigned} unassigned + {counts.rejected} rejected -> {output}",
        markup=False,
        soft_wrap=True,
    )
    if counts.rejected:
        where = rejects or f"the rows with rule={REJECTED} of {output}"
        console.print(f"why rows were rejected: see {where}", markup=False, soft_wrap=True)


def _kind(source: Path, output: Path, stated: str | None) -> str:
    """Format of both files, as stated, or told by their names."""
    if stated is not None and stated not in points.KINDS:
        known = ", ".join(points.KINDS)
        raise DataError(Fault(kind="format-unknown", message=f"{stated!r} is none of {known}."))
    named = [path for path in (source, output) if path != _STANDARD]
    kinds = {path: points.kind_of_suffix(path.suffix) for path in named if stated is None}
    if len(set(kinds.values())) > 1:
        message = f"POINTS and OUT must have one format; they are {source.suffix} and {output.suffix}."
        raise DataError(Fault(kind="format-unknown", message=message))
    if stated is None and not kinds:
        message = (
            f"stdin and stdout have no name that tells the format: add --format {'|'.join(points.KINDS)}."
        )
        raise DataError(Fault(kind="format-unknown", message=message))
    return stated or next(iter(kinds.values()))


@contextmanager
def _source(path: Path) -> Iterator[IO[bytes]]:
    """Open what is read; stdin is kept first, since a file is looked at before it is read."""
    if path != _STANDARD:
        with path.open("rb") as file:
            yield file
        return
    with SpooledTemporaryFile(_IN_MEMORY) as kept:
        shutil.copyfileobj(sys.stdin.buffer, kept)
        yield kept


@contextmanager
def _sink(path: Path) -> Iterator[IO[bytes]]:
    """Open what is written; it comes out only when all has gone well."""
    if path != _STANDARD:
        with _whole(path) as file:
            yield file
        return
    with SpooledTemporaryFile(_IN_MEMORY) as kept:
        yield kept
        kept.seek(0)
        shutil.copyfileobj(kept, sys.stdout.buffer)
        sys.stdout.buffer.flush()


@contextmanager
def _rejects(path: Path | None) -> Iterator[RejectsFile | None]:
    if path is None:
        yield None
        return
    with _whole(path) as file, RejectsFile(file) as rejects:
        yield rejects


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
