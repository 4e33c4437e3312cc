"""Single-step edits of areas in a draft: the neighbourhood is read, the edit made, what follows from it kept."""

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import uuid4

import geopandas as gpd
import pandas as pd
import shapely
from sqlalchemy import bindparam, exists, literal, or_, select, union_all
from sqlalchemy.orm import Session

from geo import changes, editing
from geo.changes import Changes
from geo.editing import Edit, Edited
from geo.levels import CODE_WIDTHS, LAYER_OF, LEVELS
from layers import located, store
from layers.drafts import keeping, states, steps
from layers.drafts.states import Box, State
from layers.publishing import Change
from layers.tables import DRAFT_TABLES, Draft, DraftStep

#: What areas count: the sum of both after a merge, unknown after a split.
_COUNTS = ("people", "households")


@dataclass(frozen=True, slots=True)
class Made:
    """What an edit makes of a draft: features before and after it by layer, and which areas live on in which.

    ``lineage`` has ``level, predecessor, successor`` (codes).
    """

    changes: dict[str, Changes]
    lineage: pd.DataFrame


def make(session: Session, state: State, edit: Edit) -> Made:
    """Work out an edit of a draft; nothing is stored.

    An area that comes below another parent gets another code and stays the same feature; parts of a split area are new
    ones, named after it. Posts of an area follow it to its only successor.

    Raises
    ------
    DataError
        As :func:`geo.editing.apply`, with the place.
    """
    levels = areal_levels(session, state)
    needed = editing.needs(edit, _Reading(session, state), levels)
    taken = {level: given(session, LAYER_OF[level], needed.prefixes) for level in levels}
    edited = editing.apply(needed.areas, edit, taken=taken, widths=CODE_WIDTHS)
    found = {
        LAYER_OF[level]: _of_level(session, state, level, edited)
        for level in levels
        if level in edited.upserts
    }
    if "grid" in edited.upserts:
        found["posts"] = _posts(session, state, edited)
    return Made({layer: change for layer, change in found.items() if len(change)}, edited.lineage)


def carry_out(
    session: Session,
    draft: Draft,
    said: Mapping[str, Any],
    *,
    author: str,
    now: dt.datetime,
    note: str = "",
) -> tuple[DraftStep, Made]:
    """Make an edit in a locked draft, as one step.

    Parameters
    ----------
    said
        The edit as :func:`geo.editing.parse` reads it.

    Raises
    ------
    Conflict
        If the draft is not open.
    DataError
        If the edit cannot be understood or made.
    """
    keeping.require_open(draft)
    made = make(session, states.state_of(draft), editing.parse(said))
    step = steps.record(
        session,
        draft,
        {layer: change_of(each) for layer, each in made.changes.items()},
        kind="edit",
        said=said,
        author=author,
        now=now,
        note=note,
    )
    return step, made


def change_of(found: Changes) -> Change:
    """Return changes as a publication or a step stores them."""
    return Change(found.after, [str(each) for each in found.before.index.difference(found.after.index)])


class _Reading:
    """Reads areas of a draft for :func:`geo.editing.needs`."""

    def __init__(self, session: Session, state: State) -> None:
        self._session, self._state = session, state

    def __call__(
        self,
        level: str,
        *,
        codes: Collection[str] | None = None,
        parents: Collection[str] | None = None,
        within: Box | None = None,
    ) -> gpd.GeoDataFrame:
        def where(columns: Any) -> Any:  # noqa: ANN401 - conditions of SQL
            mine = _of_scheme(level, columns)
            return mine if parents is None else mine & columns.parent_code.in_(list(parents))

        found: gpd.GeoDataFrame = states.read(
            self._session,
            LAYER_OF[level],
            self._state,
            columns=["code", "parent_code", "geometry"],
            codes=codes,
            within=within,
            where=where,
        )
        return found


def _of_scheme(level: str, columns: Any) -> Any:  # noqa: ANN401 - conditions of SQL
    return columns.scheme == located.SCHEME if level == "grid" else literal(value=True)


def areal_levels(session: Session, state: State) -> list[str]:
    """Levels that have areas in a draft, from the top."""
    named = {"draft_id": state.draft_id, "base": state.base, "step": state.step}
    return sorted(session.scalars(_areal_levels(), named), key=LEVELS.index)


@cache
def _areal_levels() -> Any:  # noqa: ANN401 - a query
    """Return the query of :func:`areal_levels`, whose parts take longer to put together than to answer."""
    of: Any = State(*(bindparam(name) for name in ("draft_id", "base", "step")))  # type: ignore[arg-type]
    sources = {level: states.source(LAYER_OF[level], of) for level in LEVELS}
    has = [
        select(literal(level)).where(exists(select(source.c.id).where(_of_scheme(level, source.c))))
        for level, source in sources.items()
    ]
    return union_all(*has)


def given(session: Session, layer: str, prefixes: Collection[str]) -> set[str]:
    """Codes with some beginnings that were ever given, in this or any other draft that may be published too."""
    stored, drafted = store.table(layer), DRAFT_TABLES[layer]

    def begins(column: Any) -> Any:  # noqa: ANN401 - conditions of SQL
        return or_(*(column.startswith(prefix, autoescape=True) for prefix in prefixes))

    if not prefixes:
        return set()
    standing = exists().where(Draft.id == drafted.c.draft_id, Draft.status.in_(keeping.STANDING))
    every = union_all(
        select(stored.c.code).where(begins(stored.c.code)),
        select(drafted.c.code).where(begins(drafted.c.code), standing),
    )
    return set(session.scalars(every))


def _of_level(session: Session, state: State, level: str, edited: Edited) -> Changes:
    """Areas of a level as whole features, before and after."""
    now = edited.upserts[level]
    before = _features(session, state, level, list(edited.replaced[level]["code"]))
    was = {code: row for row, code in enumerate(before["code"])}
    heirs, origins = _kin(edited, level)
    after, ids = [], []
    for code, parent, shape in now[["code", "parent_code", "geometry"]].itertuples(index=False):
        of = [was[origin] for origin in origins.get(code, ())]
        if code in was:
            row = _grown(before, [was[code], *of])
            identity = before.index[was[code]]
        elif len(of) == 1 and heirs[origins[code][0]] == [code]:
            row, identity = before.iloc[of[0]].to_dict() | {"generated_code": True}, before.index[of[0]]
        else:
            row, identity = _born(before.iloc[of[0]].to_dict(), code, level), str(uuid4())
        outline = shapely.multipolygons(shapely.get_parts(shape))
        after.append(row | {"code": code, "parent_code": parent, "geometry": outline})
        ids.append(identity)
    table = pd.DataFrame(
        after, columns=before.columns, index=pd.Index(ids, name="id", dtype=object), dtype=object
    )
    frame = gpd.GeoDataFrame(table, geometry="geometry", crs="EPSG:4326")
    for column in _COUNTS:
        frame[column] = frame[column].astype("Int64")
    return changes.between(before, frame.sort_index())


def _features(session: Session, state: State, level: str, codes: list[str]) -> gpd.GeoDataFrame:
    found: gpd.GeoDataFrame = states.read(
        session, LAYER_OF[level], state, codes=codes, where=lambda columns: _of_scheme(level, columns)
    )
    return found


def _kin(edited: Edited, level: str) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Successors of each area that ended, and predecessors of each that took land over."""
    pairs = edited.lineage[edited.lineage["level"] == level]
    heirs: dict[str, list[str]] = {}
    origins: dict[str, list[str]] = {}
    for old, new in pairs[["predecessor", "successor"]].itertuples(index=False):
        heirs.setdefault(old, []).append(new)
        origins.setdefault(new, []).append(old)
    return heirs, origins


def _grown(before: gpd.GeoDataFrame, rows: list[int]) -> dict[str, Any]:
    """An area with what it took over: it counts all, where all is known."""
    row: dict[str, Any] = before.iloc[rows[0]].to_dict()
    if len(rows) > 1:
        for column in _COUNTS:
            values = before[column].iloc[rows]
            row[column] = None if values.isna().any() else int(values.sum())
    return row


def _born(row: dict[str, Any], code: str, level: str) -> dict[str, Any]:
    """A part of an area: nobody knows yet how many live there, and its name is a proposal."""
    number = code[-CODE_WIDTHS[LEVELS.index(level)] :]
    return row | {
        "name": f"{row['name']}-{number}",
        "generated_code": True,
        **dict.fromkeys(_COUNTS),
    }


def _posts(session: Session, state: State, edited: Edited) -> Changes:
    """Posts of grids that live on in one other."""
    heirs, _ = _kin(edited, "grid")
    moved = {old: new[0] for old, new in heirs.items() if len(new) == 1}
    before = states.read(
        session,
        "posts",
        state,
        where=lambda columns: (columns.target_layer == "grids") & columns.target_code.in_(list(moved)),
    )
    return changes.between(before, before.assign(target_code=before["target_code"].map(moved)))
