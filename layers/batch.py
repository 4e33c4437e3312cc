"""A file of points through :mod:`geo.assign`: the same rows in the same order, with the answers added."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from geo import crs
from geo.faults import DataError, Fault
from layers.answers import Answers, AreasOf, Asked, Flags
from layers.files.point_chunks import Chunk, Floats
from layers.files.points import PointFile
from layers.instants import instants

_Item = TypeVar("_Item")

# Points kept to compare datums by, and the share outside that contradicts one.
_SAMPLE = 10_000
_MOST = 0.5
#: With fewer points than this in a file, the place of some of them says nothing about the datum of all.
FEW = 10


@dataclass(frozen=True, slots=True)
class History:
    """Since when which revision was in effect, as :func:`layers.history.in_effect` returns it.

    ``timezone`` is that of dates and of times that state none.
    """

    since: npt.NDArray[np.datetime64]
    revision: npt.NDArray[np.int64]
    timezone: str


@dataclass(slots=True)
class BatchCounts:
    """What became of the rows: ``total`` = ``assigned`` + ``unassigned`` + ``rejected``.

    A row is assigned that has an area of every level asked for. ``outside`` is the share of points without any
    area under each datum, where most have none under the stated one: a hint that another datum was meant.
    Empty otherwise.
    """

    total: int = 0
    assigned: int = 0
    unassigned: int = 0
    rejected: int = 0
    nowhere: int = 0
    outside: dict[str, float] = field(default_factory=dict)


#: Called after each chunk with the counts so far, and how much of how much was read, see `PointFile.unit`.
Watch = Callable[[BatchCounts, int, int], None]
#: Called with rejected records by column, and the fault of each.
OnRejects = Callable[[Sequence[dict[str, str]], Sequence[Fault]], None]


def assign_points(
    points: PointFile,
    asked: Asked,
    areas_of: AreasOf,
    *,
    at: int | History,
    accept_outside: bool = False,
    on_rejects: OnRejects | None = None,
    watch: Watch = lambda *_: None,
) -> BatchCounts:
    """Read points, decide, and write them on; memory is bounded by a few chunks.

    Reading, deciding and writing go on in three threads, so that each waits for the slowest only.

    Parameters
    ----------
    points
        Closed by the caller, also where this fails: what is still buffered must find its stream open.
    asked
        What is asked of every point.
    areas_of
        Called with a revision and a level, once for those used last.
    at
        The revision that answers; or which one answers when, for the column of times of `points`.
    accept_outside
        Whether a file is right of which most points lie outside every area.

    Raises
    ------
    DataError
        ``datum-contradicted`` when most points of the first chunk cannot be in the stated datum or CRS, or most
        points of the file lie outside every area; and whatever reading the file raises.
    """
    counts = BatchCounts()
    sample = _Sample()
    answers = Answers(asked, areas_of)
    if isinstance(at, int) and not accept_outside:
        answers.check_any(at)
    with _behind() as write:
        for chunk in _ahead(points.chunks()):
            usable, faults = _sort_out(chunk, asked.reference, ", ".join(points.places))
            if not counts.total and not accept_outside:
                _check_extent(chunk.x[usable], chunk.y[usable], asked.reference)
            revision, late = _revisions(chunk, usable, at, points)
            faults = _merged(faults, late)
            added, assigned, nowhere = answers.of(chunk, usable, revision, faults)
            write(points.write, chunk, added)
            if faults and on_rejects is not None:
                rows = np.array([(fault.row or 0) - chunk.first for fault in faults], dtype=np.intp)
                on_rejects(points.records(chunk, rows), faults)
            counts.total += len(chunk.x)
            counts.rejected += len(faults)
            counts.assigned += assigned
            counts.nowhere += nowhere
            counts.unassigned = counts.total - counts.rejected - counts.assigned
            sample.add(chunk.x, chunk.y, usable)
            watch(counts, points.done(), points.total)
    if asked.reference.geographic and counts.nowhere > _MOST * (counts.total - counts.rejected):
        counts.outside = answers.outside(*sample.places())
    if not accept_outside:
        _check_outside(counts, asked.reference)
    return counts


@contextmanager
def _behind() -> Iterator[Callable[..., None]]:
    """Yield a function that lets another thread do things one after the other; at most one waits."""
    with ThreadPoolExecutor(1) as thread:
        last: Future[None] | None = None

        def do(what: Callable[..., None], *arguments: object) -> None:
            nonlocal last
            if last is not None:
                last.result()
            last = thread.submit(what, *arguments)

        yield do
        if last is not None:
            last.result()


def _ahead(items: Iterator[_Item]) -> Iterator[_Item]:
    """Yield items, while another thread already makes the next."""
    with ThreadPoolExecutor(1) as thread:
        coming: Future[_Item | None] = thread.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = thread.submit(next, items, None)
            yield item


class _Sample:
    """The first points of a file that can be used."""

    def __init__(self) -> None:
        self._parts: list[tuple[Floats, Floats]] = []
        self._lacking = _SAMPLE

    def add(self, x: Floats, y: Floats, usable: Flags) -> None:
        if self._lacking > 0:
            rows = np.flatnonzero(usable)[: self._lacking]
            self._parts.append((x[rows], y[rows]))
            self._lacking -= len(rows)

    def places(self) -> tuple[Floats, Floats]:
        x, y = (np.concatenate(values) for values in zip(*self._parts, strict=True))
        return x, y


def _sort_out(chunk: Chunk, reference: crs.Reference, place: str) -> tuple[Flags, list[Fault]]:
    """Which rows of a chunk have coordinates that can be used, and a fault for each other row, in order."""
    usable = np.ones(len(chunk.x), dtype=bool)
    usable[[(fault.row or 0) - chunk.first for fault in chunk.faults]] = False
    x, y = (chunk.x, chunk.y) if usable.all() else (chunk.x[usable], chunk.y[usable])
    found = crs.coordinate_faults(x, y, reference)
    if not found:
        return usable, chunk.faults
    rows = np.flatnonzero(usable)
    bad = [int(rows[(fault.row or 1) - 1]) for fault in found]
    usable[bad] = False
    faults = [
        replace(fault, row=chunk.first + row, field=place) for fault, row in zip(found, bad, strict=True)
    ]
    return usable, _merged(chunk.faults, faults)


def _merged(some: list[Fault], more: list[Fault]) -> list[Fault]:
    return sorted([*some, *more], key=lambda fault: fault.row or 0) if more else some


def _revisions(
    chunk: Chunk, usable: Flags, at: int | History, points: PointFile
) -> tuple[int | npt.NDArray[np.int64], list[Fault]]:
    """Which revision answers each row; rows whose time has none are no longer usable, and come with a fault."""
    if isinstance(at, int):
        return at, []
    assert chunk.times is not None  # noqa: S101 - the file was opened with the column of times
    when = instants(chunk.times, at.timezone)
    number = np.searchsorted(at.since, when, side="right") - 1
    # NaT sorts behind every instant.
    late = np.isnat(when) | (number < 0)
    revision = np.zeros(len(when), dtype=np.int64)
    revision[~late] = at.revision[number[~late]]
    faults = [
        _time_fault(chunk.first + row, points.at, chunk.times[row].as_py(), at, known=not np.isnat(when[row]))
        for row in np.flatnonzero(usable & late).tolist()
    ]
    usable &= ~late
    return revision, faults


def _time_fault(row: int, column: str | None, said: object, at: History, *, known: bool) -> Fault:
    if known:
        since = (
            f"the first revision took effect at {at.since[0]}Z" if len(at.since) else "there is no revision"
        )
        message = f"{column} is {said}: nothing was published yet; {since}."
    else:
        shown = repr("" if said is None else str(said))
        message = f"{column} is {shown:.80}: no time; write 2026-03-01T08:00:00+08:00, or a date 2026-03-01."
    return Fault(kind="value-invalid", row=row, field=column, message=message)


def _check_extent(x: Floats, y: Floats, reference: crs.Reference) -> None:
    """Refuse a file that cannot be in the stated datum or CRS; a few rows must all contradict it."""
    faults = crs.check_extent(x, y, reference)
    few = range(len(x)) if len(x) < FEW else range(0)
    if faults and all(crs.check_extent(x[row : row + 1], y[row : row + 1], reference) for row in few):
        raise DataError([replace(fault, field="datum") for fault in faults])


def _check_outside(counts: BatchCounts, reference: crs.Reference) -> None:
    """Refuse a file of which most points lie outside every area: its datum, or the city, is another."""
    usable = counts.total - counts.rejected
    if usable < FEW or counts.nowhere <= _MOST * usable:
        return
    shares = ", ".join(f"{name} {share:.0%}" for name, share in counts.outside.items())
    message = (
        f"{counts.nowhere} of {usable} points lie outside every area as {reference.name}"
        f"{'; share outside by datum: ' + shares if shares else ''}. State another datum, or accept_outside if "
        "they do lie outside."
    )
    raise DataError(Fault(kind="datum-contradicted", field="datum", message=message))
