"""Codes and parents of single features in a draft."""

import re

import geopandas as gpd
import shapely
from sqlalchemy import exists, func, select, union_all
from sqlalchemy.orm import Session

from geo import hierarchy
from geo.faults import DataError, Fault
from geo.levels import CODE_WIDTHS, LAYER_OF, LEVEL_OF, LEVELS
from layers import store
from layers.drafts import editing, states
from layers.drafts.states import State
from layers.imports import coding
from layers.tables import DRAFT_TABLES


def require_well_formed(layer: str, code: str) -> None:
    """Refuse a code that is none of a layer's.

    Raises
    ------
    DataError
        ``code-malformed``.
    """
    pattern, wanted = coding.well_formed(layer, CODE_WIDTHS)
    if not re.fullmatch(pattern, code):
        raise DataError(Fault(kind="code-malformed", field="code", id=code, message=f"{code!r}: {wanted}."))


def is_taken(session: Session, layer: str, state: State, code: str, identifier: str) -> bool:
    """Tell whether a code is that of another feature, or was: a code is never given to a second one."""
    stored, drafted = store.table(layer), states.source(layer, state)
    ever = exists().where(stored.c.code == code, stored.c.id != identifier)
    now = exists().where(drafted.c.code == code, drafted.c.id != identifier)
    return bool(session.scalar(select(ever | now)))


def next_free(session: Session, layer: str, geometry: shapely.Geometry, parent: str | None) -> str:
    """Return the next free code: of an area below its parent, else of the layer's series.

    Raises
    ------
    DataError
        ``code-malformed`` when the digits are used up.
    """
    if layer not in LEVEL_OF:
        return _next_in_series(session, layer)
    level = LEVELS.index(LEVEL_OF[layer])
    prefix = (parent or "").ljust(sum(CODE_WIDTHS[:level]), "0")
    taken = editing.given(session, layer, [prefix])
    return str(hierarchy.generate_codes([geometry], [prefix], taken, width=CODE_WIDTHS[level])[0])


def _next_in_series(session: Session, layer: str) -> str:
    prefix, digits = coding.SERIES[layer]
    pattern = f"^{prefix}[0-9]{{{digits}}}$"
    ever = union_all(
        *(
            select(func.max(source.c.code).label("code")).where(source.c.code.regexp_match(pattern))
            for source in (store.table(layer), DRAFT_TABLES[layer])
        )
    ).subquery()
    highest = session.scalar(select(func.max(ever.c.code)))
    number = int(highest.removeprefix(prefix)) + 1 if highest else 1
    if number >= 10**digits:
        message = f"No code {prefix} with {digits} digits is left; state one."
        raise DataError(Fault(kind="code-malformed", field="code", message=message))
    return f"{prefix}{number:0{digits}d}"


def parent_at(
    session: Session, layer: str, state: State, geometry: shapely.Geometry, *, metric: str
) -> str | None:
    """Return the code of the parent in which most of an area lies; None where it lies in none, or none is above."""
    above = _parents(session, layer, state)
    if above is None:
        return None
    box = tuple(shapely.bounds(geometry).tolist())
    parents = states.read(session, above, state, columns=["code", "geometry"], within=box)
    area = gpd.GeoDataFrame(geometry=[geometry], crs="EPSG:4326")
    code: str | None = hierarchy.parents_by_location(area, parents, metric=metric)["parent_code"].iloc[0]
    return code


def require_parent(session: Session, layer: str, state: State, parent: str) -> None:
    """Refuse a parent that the draft lacks.

    Raises
    ------
    DataError
        ``parent-missing``.
    """
    above = _parents(session, layer, state)
    known = above is not None and len(states.read(session, above, state, columns=["code"], codes=[parent]))
    if not known:
        message = f"There is no {parent!r} among the {above or 'levels above'} of this draft."
        raise DataError(Fault(kind="parent-missing", field="parent_code", id=parent, message=message))


def _parents(session: Session, layer: str, state: State) -> str | None:
    """Name the layer of the nearest level above that has areas."""
    own = LEVELS.index(LEVEL_OF[layer])
    above = [level for level in editing.areal_levels(session, state) if LEVELS.index(level) < own]
    return LAYER_OF[above[-1]] if above else None
