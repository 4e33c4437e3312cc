"""Areas of the four levels, indexed by place, each with its chain of parents."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from geo.assign import NONE, AreaIndex
from geo.crs import parse, to_lonlat
from geo.faults import DataError, Fault
from geo.levels import LAYER_OF, LEVELS
from layers import deployment, reading, store
from layers.located.neighbourhood import Place, about, every
from layers.reading import Read

#: Scheme that is meant where none is named.
SCHEME = "governance"

_COLUMNS = ["code", "name", "parent_code"]


@dataclass(frozen=True, slots=True)
class Area:
    """An area on a path."""

    code: str
    name: str
    level: str


@dataclass(frozen=True, slots=True)
class Areas:
    """Areas of one level, and of one scheme for grids; immutable.

    ``paths`` holds, by row number of the index, the chain of parents from the district down to the area.
    """

    level: str
    index: AreaIndex
    paths: Sequence[tuple[Area, ...]]

    def path(self, row: int) -> tuple[Area, ...]:
        """Areas from the district down to the answer; empty where there is none (row -1)."""
        return self.paths[row] if row >= 0 else ()

    def outside(self, x: np.ndarray, y: np.ndarray) -> dict[str, float]:
        """Share of points in degrees that belong to no area, under each datum: it suggests, never proves."""
        shares = {}
        for datum in ("wgs84", "gcj02", "bd09"):
            lon, lat = to_lonlat(x, y, parse(datum))
            shares[datum] = float(np.mean(self.index.assign(lon, lat).rule == NONE)) if len(lon) else 0.0
        return shares


def layers_of(level: str) -> tuple[str, ...]:
    """Layers that the areas of a level and their paths come from, top down."""
    return tuple(LAYER_OF[above] for above in LEVELS[: LEVELS.index(level) + 1])


def load_areas(
    session: Session,
    revision: int,
    *,
    level: str = "grid",
    scheme: str = SCHEME,
    near: Place | None = None,
    within_m: float = 0.0,
) -> Areas:
    """Read the areas of a level at a revision, with the chain of parents of each.

    Parameters
    ----------
    scheme
        Which grids; the other levels have only one.
    near
        Read only what can matter for the area, rule and distance of this place.
    within_m
        Read also what comes within this distance of it, metres.

    Raises
    ------
    NotFound
        If nothing was ever imported.
    DataError
        On field ``scheme``, if no grid ever had it: answers of `none` would say something else.
    """
    source = store.table(LAYER_OF[level])
    decided = deployment.get(session)
    conditions = _of_scheme(level, scheme)
    if near is not None:
        conditions.append(about(source, near, max(decided.tolerance_m, within_m)))
    frame = store.read(
        session, LAYER_OF[level], revision, columns=[*_COLUMNS, "geometry"], where=every(conditions)
    )
    if level == "grid" and scheme != SCHEME and frame.empty:
        _check_scheme(session, scheme)
    index = AreaIndex(frame, metric=decided.metric_crs, tolerance_m=decided.tolerance_m)
    read = reading.of_revision(session, revision)
    return Areas(level, index, _paths(read, level, frame, whole=near is None))


def patch_areas(session: Session, older: Areas, since: int, revision: int, *, scheme: str = SCHEME) -> Areas:
    """Bring areas from the state at revision `since` to that at `revision`, reading only what changed.

    The result equals :func:`load_areas` in every answer; `older` stays as it is.
    """
    level = older.level
    changed = store.read_changed(
        session,
        LAYER_OF[level],
        since,
        revision,
        columns=[*_COLUMNS, "geometry"],
        where=every(_of_scheme(level, scheme)),
    )
    paths = dict(zip(older.index.codes, older.paths, strict=True))
    index = older.index
    if changed.ended or len(changed.begun):
        index = index.patched(changed.begun, changed.ended & paths.keys())
    renamed = changed.begun
    # A parent that changed can be on any path, or newly on one that lacked it.
    every_path = any(store.has_changed(session, layer, since, revision) for layer in layers_of(level)[:-1])
    if every_path:
        renamed = store.read(
            session, LAYER_OF[level], revision, columns=_COLUMNS, where=every(_of_scheme(level, scheme))
        )
    fresh = _paths(reading.of_revision(session, revision), level, renamed, whole=every_path)
    paths |= {path[-1].code: path for path in fresh}
    return Areas(level, index, [paths[code] for code in index.codes])


def schemes(session: Session, revision: int) -> tuple[str, ...]:
    """Return the schemes of the grids at a revision: the default one first, then by name."""
    source = store.table("grids")
    known = session.scalars(select(source.c.scheme).where(store.valid(source, revision)).distinct())
    return tuple(sorted(known, key=lambda name: (name != SCHEME, name)))


def path_of(session: Session, revision: int, code: str, *, scheme: str = SCHEME) -> tuple[Area, ...]:
    """Areas from the district down to the grid of a code; empty when there is none."""
    return paths_of(session, revision, codes=[code], scheme=scheme).get(code, ())


def paths_of(
    session: Session, revision: int, *, codes: Collection[str] | None = None, scheme: str = SCHEME
) -> dict[str, tuple[Area, ...]]:
    """Areas from the district down to each grid, by its code; `codes` limits them."""
    return paths_in(reading.of_revision(session, revision), codes=codes, scheme=scheme)


def paths_in(
    read: Read, *, codes: Collection[str] | None = None, scheme: str = SCHEME
) -> dict[str, tuple[Area, ...]]:
    """Areas from the district down to each grid of a state, by its code; `codes` limits them."""
    frame = read("grids", columns=_COLUMNS, codes=codes, where=lambda grids: grids.scheme == scheme)
    return {path[-1].code: path for path in _paths(read, "grid", frame, whole=codes is None)}


def named_areas(session: Session, revision: int) -> dict[str, Area]:
    """Return the areas of all levels at a revision by code; where levels share a code, the lowest level's."""
    columns = ["code", "name"]
    return {
        code: Area(code, name, level)
        for level in LEVELS
        for code, name in store.rows(store.read(session, LAYER_OF[level], revision, columns=columns), columns)
    }


def _of_scheme(level: str, scheme: str) -> list[ColumnElement[bool]]:
    return [store.table("grids").c.scheme == scheme] if level == "grid" else []


def _check_scheme(session: Session, scheme: str) -> None:
    column = store.table("grids").c.scheme
    known = sorted(session.scalars(select(column).distinct()))
    if scheme not in known:
        message = f"No grid has the scheme {scheme!r}; there are: {', '.join(known) or 'none'}."
        raise DataError(Fault(kind="parameter-invalid", field="scheme", message=message))


def _paths(read: Read, level: str, frame: pd.DataFrame, *, whole: bool) -> list[tuple[Area, ...]]:
    """Follow the parents' codes upwards: a parent is in the nearest level above that has its code."""
    paths: dict[str, tuple[Area, ...]] = {}
    wanted = set(frame["parent_code"].dropna())
    known: list[tuple[str, Any]] = []
    for above in reversed(LEVELS[: LEVELS.index(level)]):
        codes = None if whole else wanted
        rows = read(LAYER_OF[above], columns=_COLUMNS, codes=codes)
        known.append((above, rows))
        wanted |= set(rows["parent_code"].dropna())
    for above, rows in reversed(known):
        for code, name, parent in store.rows(rows, _COLUMNS):
            paths[code] = (*paths.get(parent, ()), Area(code, name, above))
    return [
        (*paths.get(parent, ()), Area(code, name, level))
        for code, name, parent in store.rows(frame, _COLUMNS)
    ]
