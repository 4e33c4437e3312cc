"""Answers of :mod:`geo.assign` for the rows of a file, as Arrow columns."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from geo import crs
from geo.assign import NONE, RULES
from geo.faults import DataError, Fault
from layers.files.point_chunks import Chunk, Floats
from layers.located import Areas

Flags = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.int32]
#: Gives the areas of a level at a revision.
AreasOf = Callable[[int, str], Areas]

#: Rule of a row that cannot be used, and its place behind those of :mod:`geo.assign`.
REJECTED = "rejected"
_REJECTED = len(RULES)
_RULES = pa.array([*RULES, REJECTED])
# Areas kept of each level; those of other revisions are asked for again.
_KEPT = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is asked of every point of a file.

    Parameters
    ----------
    reference
        What its coordinates mean.
    levels
        One level, or several: each is decided by itself, as if it was asked for alone.
    by_level
        Whether columns are named by their level: ``grid_code`` instead of ``area_code``; always of several.
    margin
        Whether to add the distance to the area's border, and the neighbour across it.
    by_time
        Whether a column of times says which revision answers.
    """

    reference: crs.Reference
    levels: tuple[str, ...] = ("grid",)
    by_level: bool = False
    margin: bool = False
    by_time: bool = False

    def columns(self) -> pa.Schema:
        """Columns that are added: ``area_code, rule, …``, or ``grid_code, grid_rule, …`` of each level."""
        kinds = {"code": pa.string(), "rule": pa.string(), "distance_m": pa.float64()}
        if self.margin:
            kinds |= {"margin_m": pa.float64(), "neighbour_code": pa.string()}
        if len(self.levels) == 1 and not self.by_level:
            named = {"area_code" if name == "code" else name: kind for name, kind in kinds.items()}
        else:
            named = {f"{level}_{name}": kind for level in self.levels for name, kind in kinds.items()}
        revision = {"revision": pa.int64()} if self.by_time else {}
        return pa.schema({**named, **revision, "error": pa.string()})


@dataclass(slots=True)
class _Decided:
    """Answers of one level, one a row: codes by number, -1 where there is none."""

    code: Numbers
    rule: npt.NDArray[np.int8]
    distance_m: Floats
    margin_m: Floats
    neighbour: Numbers

    @classmethod
    def rejected(cls, count: int) -> "_Decided":
        none, nan = np.full(count, -1, dtype=np.int32), np.full(count, np.nan)
        return cls(none, np.full(count, _REJECTED, dtype=np.int8), nan, nan.copy(), none.copy())

    def put(self, rows: npt.NDArray[np.intp] | slice, more: "_Decided") -> None:
        """Take over the answers of some rows."""
        self.code[rows], self.rule[rows], self.distance_m[rows] = more.code, more.rule, more.distance_m
        self.margin_m[rows], self.neighbour[rows] = more.margin_m, more.neighbour


class _Codes:
    """Codes of one level as one Arrow dictionary, which grows where revisions have others."""

    def __init__(self) -> None:
        self._number: dict[str, int] = {}
        self._dictionary = pa.array([], pa.string())

    def numbers(self, codes: Iterable[str]) -> Numbers:
        """Numbers of codes, and -1 behind them, where position -1 finds it."""
        found = [self._number.setdefault(code, len(self._number)) for code in codes]
        return np.array([*found, -1], dtype=np.int32)

    def column(self, numbers: Numbers) -> pa.DictionaryArray:
        """Codes by their numbers, null for -1."""
        if len(self._dictionary) < len(self._number):
            self._dictionary = pa.array(self._number, pa.string())
        return pa.DictionaryArray.from_arrays(pa.array(numbers, mask=numbers < 0), self._dictionary)


class Answers:
    """Answers for one chunk of rows after the other.

    Parameters
    ----------
    areas_of
        Called with a revision and a level; a few answers are kept.
    """

    def __init__(self, asked: Asked, areas_of: AreasOf) -> None:
        self._asked = asked
        self._columns = asked.columns()
        self._areas_of = areas_of
        self._codes = {level: _Codes() for level in asked.levels}
        self._kept: OrderedDict[tuple[int, str], tuple[Areas, Numbers]] = OrderedDict()

    def of(
        self, chunk: Chunk, usable: Flags, revision: int | npt.NDArray[np.int64], faults: Sequence[Fault]
    ) -> tuple[pa.RecordBatch, int, int]:
        """Answer for a chunk.

        Returns
        -------
        RecordBatch, int, int
            The columns to add; how many rows have an area of every level, and how many of none.
        """
        rows = slice(None) if usable.all() else np.flatnonzero(usable)
        lon, lat = crs.to_lonlat(chunk.x[rows], chunk.y[rows], self._asked.reference)
        revisions = revision if isinstance(revision, int) else revision[rows]
        columns: list[pa.Array] = []
        placed, somewhere = np.ones(len(lon), dtype=bool), np.zeros(len(lon), dtype=bool)
        for level in self._asked.levels:
            decided = self._decide(level, lon, lat, revisions)
            placed &= decided.rule != NONE
            somewhere |= decided.rule != NONE
            if not isinstance(rows, slice):
                whole = _Decided.rejected(len(usable))
                whole.put(rows, decided)
                decided = whole
            columns += self._arrays(level, decided)
        if not isinstance(revision, int):
            columns.append(pa.array(revision, mask=~usable))
        columns.append(_errors(chunk, faults))
        batch = pa.RecordBatch.from_arrays(columns, names=self._columns.names)
        return batch, int(placed.sum()), len(lon) - int(somewhere.sum())

    def _decide(
        self, level: str, lon: Floats, lat: Floats, revision: int | npt.NDArray[np.int64]
    ) -> _Decided:
        if isinstance(revision, int):
            return self._decide_at(level, revision, lon, lat)
        decided = _Decided.rejected(len(lon))
        for one, rows in _groups(revision):
            decided.put(rows, self._decide_at(level, one, lon[rows], lat[rows]))
        return decided

    def _decide_at(self, level: str, revision: int, lon: Floats, lat: Floats) -> _Decided:
        areas, numbers = self._areas(revision, level)
        found = areas.index.assign(lon, lat, margin=self._asked.margin)
        # All -1, of which the number is -1, where margins were not asked for.
        code, neighbour = numbers[found.area], numbers[found.neighbour]
        return _Decided(code, found.rule, found.distance_m, found.margin_m, neighbour)

    def _areas(self, revision: int, level: str) -> tuple[Areas, Numbers]:
        key = (revision, level)
        if key not in self._kept:
            areas = self._areas_of(revision, level)
            self._kept[key] = (areas, self._codes[level].numbers(areas.index.codes))
            while len(self._kept) > _KEPT * len(self._asked.levels):
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]

    def _arrays(self, level: str, decided: _Decided) -> Iterator[pa.Array]:
        """Columns of one level, in the order of :meth:`Asked.columns`."""
        yield self._codes[level].column(decided.code)
        yield pa.DictionaryArray.from_arrays(pa.array(decided.rule), _RULES)
        yield pa.array(decided.distance_m, from_pandas=True)
        if self._asked.margin:
            yield pa.array(decided.margin_m, from_pandas=True)
            yield self._codes[level].column(decided.neighbour)

    def check_any(self, revision: int) -> None:
        """Refuse to answer where there is nothing to lie in.

        Raises
        ------
        DataError
            ``layer-empty``, if no level has an area at the revision.
        """
        if not any(len(self._areas(revision, level)[0].index) for level in self._asked.levels):
            levels = " or ".join(self._asked.levels)
            message = f"Revision {revision} has no area of level {levels}: every point would lie outside."
            raise DataError(Fault(kind="layer-empty", field="level", message=message))

    def outside(self, x: Floats, y: Floats) -> dict[str, float]:
        """Share of points in degrees outside every area under each datum, by the areas used last."""
        revision = next(reversed(self._kept))[0]
        shares = [self._areas(revision, level)[0].outside(x, y) for level in self._asked.levels]
        return {datum: min(share[datum] for share in shares) for datum in shares[0]}


def _groups(revision: npt.NDArray[np.int64]) -> Iterator[tuple[int, npt.NDArray[np.intp]]]:
    """Revisions, ascending, and the rows of each."""
    if not len(revision):
        return
    order = np.argsort(revision, kind="stable")
    found, first = np.unique(revision[order], return_index=True)
    yield from zip(found.tolist(), np.split(order, first[1:]), strict=True)


def _errors(chunk: Chunk, faults: Sequence[Fault]) -> pa.Array:
    if not faults:
        return pa.nulls(len(chunk.x), pa.string())
    errors: list[str | None] = [None] * len(chunk.x)
    for fault in faults:
        errors[(fault.row or 0) - chunk.first] = f"{fault.kind}: {fault.message}"
    return pa.array(errors, pa.string())
