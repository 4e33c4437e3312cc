"""Files of points: what is asked of one by a request or a command, and the answer, in one way for both."""

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import IO

from api import stated
from api.places import areas_at
from api.settings import Settings
from api.snapshots import Snapshots
from geo import crs
from geo.faults import DataError, Fault
from geo.levels import LEVELS
from layers import batch, located
from layers.answers import Asked
from layers.batch import BatchCounts, History, OnRejects
from layers.files import points
from layers.files.point_columns import Columns
from layers.located import Areas

#: Says that every level is asked for that has areas.
ALL = "all"
# Formats that have no place for their CRS.
_SILENT = ("csv", "xlsx")
# Datums without a code of their own: files that hold them say WGS84, for want of another word.
_UNCODED = ("gcj02", "bd09")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What is stated about a file of points, as it is stated."""

    kind: str
    datum: str | None = None
    levels: Sequence[str] = ("grid",)
    scheme: str = located.SCHEME
    columns: Columns = field(default_factory=Columns)
    margin: bool = False
    at: str | None = None
    accept_outside: bool = False
    encoding: str | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a file.

    Attributes
    ----------
    revision
        That answered; None where each row says its own.
    encoding
        Of its text; None where the format has only one.
    """

    counts: BatchCounts
    revision: int | None
    datum: str
    levels: tuple[str, ...]
    encoding: str | None


def assign_file(
    options: Options,
    source: IO[bytes],
    sink: IO[bytes],
    snapshots: Snapshots,
    settings: Settings,
    *,
    on_rejects: OnRejects | None = None,
    watch: Callable[[str, BatchCounts, int, int], None] = lambda *_: None,
) -> Done:
    """Write the rows of a file with their answers.

    Parameters
    ----------
    source, sink
        Binary streams; `source` must be seekable.
    watch
        Called after each chunk with what is counted (``rows`` or ``bytes``), the counts so far, and how much of
        how much was read.

    Raises
    ------
    DataError
        Every fault of the options at once; and those of :func:`layers.files.points.open_points` and
        :func:`layers.batch.assign_points`.
    BeforeHistory
        If nothing was published by the stated instant.
    """
    levels, instant, _ = stated.together(
        lambda: _levels(options.levels),
        lambda: stated.instant(options.at, settings.timezone) if options.at else None,
        lambda: _check(options, settings),
    )
    snapshot = snapshots.at(instant) if instant else snapshots.current()
    scheme = options.scheme
    by_level = levels == (ALL,) or len(levels) > 1
    if ALL in levels:
        filled = [level for level in LEVELS if len(areas_at(snapshot, level, scheme).index)]
        levels = tuple(reversed(filled)) or ("grid",)
    by_time = options.columns.at is not None
    asked = Asked(
        reference=crs.WGS84, levels=levels, by_level=by_level, margin=options.margin, by_time=by_time
    )
    file = points.open_points(
        options.kind, source, sink, stated=options.columns, added=asked.columns(), encoding=options.encoding
    )

    def areas_of(revision: int, level: str) -> Areas:
        of = snapshot if revision == snapshot.revision else snapshots.of(revision)
        return areas_at(of, level, scheme)

    with closing(file):
        asked = replace(asked, reference=_reference(options.datum, file.crs, settings))
        counts = batch.assign_points(
            file,
            asked,
            areas_of,
            at=History(*snapshots.in_effect(), settings.timezone) if by_time else snapshot.revision,
            accept_outside=options.accept_outside,
            on_rejects=on_rejects,
            watch=lambda counts, done, total: watch(file.unit, counts, done, total),
        )
    revision = None if by_time else snapshot.revision
    return Done(counts, revision, asked.reference.name, levels, file.encoding)


def _levels(said: Sequence[str]) -> tuple[str, ...]:
    """Levels that are stated one by one, or several with commas between, each once."""
    words = [word.strip() for text in said for word in text.split(",")]
    for word in words:
        stated.choice(word, (*LEVELS, ALL), "level")
    return tuple(dict.fromkeys(words))


def _check(options: Options, settings: Settings) -> None:
    """Find what is wrong with the options before the file is opened."""
    faults = stated.Faults()
    if options.datum or options.kind in _SILENT:
        faults.reading(lambda: stated.reference(options.datum, settings))
    faults.reading(lambda: _check_times(options))
    faults.check()


def _check_times(options: Options) -> None:
    if options.at and options.columns.at:
        message = "State one instant for all rows, or the column of their times, not both."
        raise DataError(Fault(kind="parameter-invalid", field="at_column", message=message))


def _reference(datum: str | None, own: str | None, settings: Settings) -> crs.Reference:
    """What a file's coordinates mean: as stated, else as the file says, else the default."""
    if own is None:
        return stated.reference(datum, settings)
    try:
        of_file = crs.parse(own)
    except DataError:
        # What nobody understands says nothing, and contradicts nothing.
        return stated.reference(datum, settings)
    if not datum:
        return of_file
    reference = stated.reference(datum, settings)
    if (reference.name in _UNCODED and of_file.geographic) or crs.agree(of_file, reference):
        return reference
    message = f"The file says that its CRS is {of_file.name}; {reference.name} was stated. Leave out the one that is wrong."
    raise DataError(Fault(kind="datum-contradicted", field="datum", message=message))
