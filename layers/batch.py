"""A file of points through :mod:`geo.assign`: the same rows in the same order, with the answers added."""

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from geo import crs
from geo.faults import DataError, Fault
from layers.files.points import Chunk, Floats, PointFile
from layers.located import Areas
from layers.progress import Progress, silent

#: Rule of a row whose coordinates cannot be used.
REJECTED = "rejected"

# Points kept to compare datums by, and how many must lie outside to say so.
_SAMPLE = 10_000
_MOST = 0.5


def added_columns(*, margin: bool) -> tuple[str, ...]:
    """Return the names of the columns that are added."""
    return ("area_code", "rule", "distance_m", *(("margin_m",) if margin else ()), "error")


@dataclass(slots=True)
class BatchCounts:
    """What became of the rows: ``total`` = ``assigned`` + ``unassigned`` + ``rejected``.

    ``outside`` is the share of points without an area under each datum, where most have none under the stated
    one: a hint that another datum was meant. Empty otherwise.
    """

    total: int = 0
    assigned: int = 0
    unassigned: int = 0
    rejected: int = 0
    outside: dict[str, float] = field(default_factory=dict)


def assign_points(
    points: PointFile,
    areas: Areas,
    reference: crs.Reference,
    *,
    margin: bool = False,
    on_rejects: Callable[[Sequence[Fault]], None] = lambda _: None,
    progress: Progress = silent,
) -> BatchCounts:
    """Read points, decide, and write them on; memory is bounded by one chunk.

    Parameters
    ----------
    reference
        What the file's coordinates mean.
    margin
        Whether to add ``margin_m``.
    on_rejects
        Called with the faults of each chunk's rejected rows, in order.

    Raises
    ------
    DataError
        ``datum-contradicted`` when most points of the first chunk cannot be in `reference`; and whatever reading
        the file raises.
    """
    counts = BatchCounts()
    sample: list[tuple[Floats, Floats]] = []
    taken = 0
    # Closed also where reading fails: what is still buffered must find its stream open.
    with closing(points):
        for chunk in points.chunks():
            usable, rejects = _sort_out(chunk, reference)
            if not counts.total:
                _check_extent(chunk.x[usable], chunk.y[usable], reference)
            answers = _answer(chunk, usable, areas, reference, margin=margin)
            for fault in rejects:
                answers["error"][(fault.row or 0) - chunk.first] = f"{fault.kind}: {fault.message}"
            points.write(chunk, answers)
            on_rejects(rejects)
            _tally(counts, answers["rule"])
            sample.append((chunk.x[usable][: _SAMPLE - taken], chunk.y[usable][: _SAMPLE - taken]))
            taken += len(sample[-1][0])
            progress("points", counts.total, 0)
    if reference.geographic and counts.unassigned > _MOST * (counts.total - counts.rejected):
        counts.outside = areas.outside(*(np.concatenate(values) for values in zip(*sample, strict=True)))
    return counts


def _sort_out(chunk: Chunk, reference: crs.Reference) -> tuple[npt.NDArray[np.bool_], list[Fault]]:
    """Which rows of a chunk have coordinates that can be used, and a fault for each other row, in order."""
    usable = np.ones(len(chunk.x), dtype=bool)
    usable[[(fault.row or 0) - chunk.first for fault in chunk.faults]] = False
    rows = np.flatnonzero(usable)
    found = crs.coordinate_faults(chunk.x[rows], chunk.y[rows], reference)
    bad = [int(rows[(fault.row or 1) - 1]) for fault in found]
    usable[bad] = False
    rejects = [replace(fault, row=chunk.first + row) for fault, row in zip(found, bad, strict=True)]
    return usable, sorted([*chunk.faults, *rejects], key=lambda fault: fault.row or 0)


def _check_extent(x: Floats, y: Floats, reference: crs.Reference) -> None:
    faults = crs.check_extent(x, y, reference)
    if faults:
        raise DataError([replace(fault, field="datum") for fault in faults])


def _answer(
    chunk: Chunk, usable: npt.NDArray[np.bool_], areas: Areas, reference: crs.Reference, *, margin: bool
) -> dict[str, npt.NDArray[Any]]:
    """Columns to add to a chunk's rows."""
    lon, lat = crs.to_lonlat(chunk.x[usable], chunk.y[usable], reference)
    assigned = areas.index.assign(lon, lat, margin=margin)
    measures = {"distance_m": assigned.distance_m, **({"margin_m": assigned.margin_m} if margin else {})}
    return {
        "area_code": _filled(usable, assigned.area_code, None),
        "rule": _filled(usable, assigned.rule_name, REJECTED),
        **{name: _filled(usable, _none_for_nan(values), None) for name, values in measures.items()},
        "error": np.full(len(usable), None, dtype=object),
    }


def _filled(
    usable: npt.NDArray[np.bool_], values: npt.NDArray[Any], otherwise: str | None
) -> npt.NDArray[Any]:
    column = np.full(len(usable), otherwise, dtype=object)
    column[usable] = values
    return column


def _none_for_nan(values: Floats) -> npt.NDArray[np.object_]:
    column = values.astype(object)
    column[np.isnan(values)] = None
    return column


def _tally(counts: BatchCounts, rule: npt.NDArray[np.object_]) -> None:
    rejected, unassigned = (int(np.count_nonzero(rule == name)) for name in (REJECTED, "none"))
    counts.total += len(rule)
    counts.rejected += rejected
    counts.unassigned += unassigned
    counts.assigned += len(rule) - rejected - unassigned
