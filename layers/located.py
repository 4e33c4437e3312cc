"""Which area, compound and posts a place has at one revision.

Everything is decided by :mod:`geo.assign`; this module reads what it needs. Whole layers are read to be kept in
memory; for a single look-up at a past revision, or inside the transaction that files an incident, only the
neighbourhood of the point is read, which gives the same answer.
"""

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from sqlalchemy import ColumnElement, Table, func, select
from sqlalchemy.orm import Session

from geo.assign import NONE, AreaIndex, window
from geo.crs import parse, to_lonlat
from geo.faults import DataError, Fault
from geo.levels import LAYER_OF, LEVELS
from layers import deployment, store

#: Scheme that is meant where none is named.
SCHEME = "governance"

Place = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Area:
    """An area on a path."""

    code: str
    name: str
    level: str


@dataclass(frozen=True, slots=True)
class Compound:
    """The compound at a place."""

    code: str
    name: str
    form: str | None


@dataclass(frozen=True, slots=True)
class Post:
    """Somebody who answers for a grid or a compound."""

    role: str
    name: str
    phone: str | None
    target_layer: str
    target_code: str
    valid_from: dt.date | None
    valid_to: dt.date | None

    def holds(self, on: dt.date) -> bool:
        """Whether the post is held on a day; both ends of its term included."""
        return (self.valid_from is None or self.valid_from <= on) and (
            self.valid_to is None or on <= self.valid_to
        )


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


@dataclass(frozen=True, slots=True)
class Compounds:
    """Compounds with a polygon; those still known as points hold no place. Immutable."""

    index: AreaIndex
    rows: Sequence[Compound]

    def at(self, lon: float, lat: float) -> Compound | None:
        """Return the compound that holds or touches a point; the lowest code of several."""
        row = int(self.index.assign([lon], [lat]).area[0])
        return self.rows[row] if row >= 0 else None


#: Posts by target layer and code.
Posts = Mapping[tuple[str, str], Sequence[Post]]


@dataclass(frozen=True, slots=True)
class Location:
    """All that is known of one place; distances in metres, None where a rule has none."""

    lon: float
    lat: float
    level: str
    rule: str
    area: Area | None
    path: tuple[Area, ...]
    candidates: list[str]
    distance_m: float | None
    margin_m: float | None
    compound: Compound | None
    posts: list[Post]


def locate(areas: Areas, compounds: Compounds, posts: Posts, place: Place, *, on: dt.date) -> Location:
    """Answer for one place, longitude before latitude, EPSG:4326, with the posts held on a day."""
    lon, lat = place
    assigned = areas.index.assign([lon], [lat], margin=True)
    compound = compounds.at(lon, lat)
    path = areas.path(int(assigned.area[0]))
    area = path[-1] if path else None
    targets = [(LAYER_OF[area.level], area.code)] if area else []
    targets += [("compounds", compound.code)] if compound else []
    return Location(
        lon=lon,
        lat=lat,
        level=areas.level,
        rule=str(assigned.rule_name[0]),
        area=area,
        path=path,
        candidates=assigned.candidates(0),
        distance_m=number(assigned.distance_m[0]),
        margin_m=number(assigned.margin_m[0]),
        compound=compound,
        posts=[post for target in targets for post in posts.get(target, ()) if post.holds(on)],
    )


def number(value: float) -> float | None:
    """Return a measure as stored and replied: None for NaN."""
    return None if np.isnan(value) else float(value)


def locate_at(
    session: Session,
    revision: int,
    place: Place,
    *,
    on: dt.date,
    level: str = "grid",
    scheme: str = SCHEME,
) -> Location:
    """Answer for one place at a revision, reading its neighbourhood only.

    Raises
    ------
    NotFound
        If nothing was ever imported.
    """
    areas = load_areas(session, revision, level=level, scheme=scheme, near=place)
    compounds = load_compounds(session, revision, near=place)
    posts = load_posts(session, revision, codes=[*areas.index.codes, *compounds.index.codes])
    return locate(areas, compounds, posts, place, on=on)


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
) -> Areas:
    """Read the areas of a level at a revision, with the chain of parents of each.

    Parameters
    ----------
    scheme
        Which grids; the other levels have only one.
    near
        Read only what can matter for this longitude and latitude.

    Raises
    ------
    NotFound
        If nothing was ever imported.
    DataError
        On field ``scheme``, if no grid ever had it: answers of `none` would say something else.
    """
    layer = LAYER_OF[level]
    source = store.table(layer)
    decided = deployment.get(session)
    conditions: list[ColumnElement[bool]] = [source.c.scheme == scheme] if level == "grid" else []
    if near is not None:
        conditions.append(_about(source, near, decided.tolerance_m))
    columns = ["code", "name", "parent_code", "geometry"]
    frame = store.read(session, layer, revision, columns=columns, where=_all(conditions))
    if level == "grid" and scheme != SCHEME and frame.empty:
        _check_scheme(session, scheme)
    index = AreaIndex(frame, metric=decided.metric_crs, tolerance_m=decided.tolerance_m)
    return Areas(level, index, _paths(session, revision, level, frame, whole=near is None))


def _check_scheme(session: Session, scheme: str) -> None:
    column = store.table("grids").c.scheme
    known = sorted(session.scalars(select(column).distinct()))
    if scheme not in known:
        message = f"No grid has the scheme {scheme!r}; there are: {', '.join(known) or 'none'}."
        raise DataError(Fault(kind="parameter-invalid", field="scheme", message=message))


def load_compounds(session: Session, revision: int, *, near: Place | None = None) -> Compounds:
    """Read the compounds drawn as polygons at a revision.

    Raises
    ------
    NotFound
        If nothing was ever imported.
    """
    source = store.table("compounds")
    conditions = [func.ST_Dimension(source.c.geom) == 2]  # noqa: PLR2004 - an area
    if near is not None:
        conditions.append(_about(source, near, 0.0))
    columns = ["code", "name", "form", "geometry"]
    frame: gpd.GeoDataFrame = store.read(
        session, "compounds", revision, columns=columns, where=_all(conditions)
    )
    index = AreaIndex(frame, metric=deployment.get(session).metric_crs, tolerance_m=0.0)
    return Compounds(index, [Compound(*row) for row in _rows(frame, ["code", "name", "form"])])


def load_posts(session: Session, revision: int, *, codes: Collection[str] | None = None) -> Posts:
    """Read the posts at a revision by their targets, ordered by code; `codes` limits the targets."""
    source = store.table("posts")
    where = None if codes is None else source.c.target_code.in_(list(codes))
    frame: pd.DataFrame = store.read(session, "posts", revision, where=where)
    posts: dict[tuple[str, str], list[Post]] = {}
    for row in _rows(frame.sort_values("code"), [field.name for field in fields(Post)]):
        post = Post(*row)
        posts.setdefault((post.target_layer, post.target_code), []).append(post)
    return posts


def path_of(session: Session, revision: int, code: str, *, scheme: str = SCHEME) -> tuple[Area, ...]:
    """Areas from the district down to the grid of a code; empty when there is none."""
    source = store.table("grids")
    columns = ["code", "name", "parent_code"]
    frame = store.read(
        session, "grids", revision, columns=columns, codes=[code], where=source.c.scheme == scheme
    )
    paths = _paths(session, revision, "grid", frame, whole=False)
    return paths[0] if paths else ()


def named_areas(session: Session, revision: int) -> dict[str, Area]:
    """Return the areas of all levels at a revision by code; where levels share a code, the lowest level's."""
    columns = ["code", "name"]
    return {
        code: Area(code, name, level)
        for level in LEVELS
        for code, name in _rows(store.read(session, LAYER_OF[level], revision, columns=columns), columns)
    }


def _about(source: Table, place: Place, distance_m: float) -> ColumnElement[bool]:
    lon, lat = np.array([place[0]]), np.array([place[1]])
    box = [float(side[0]) for side in window(lon, lat, distance_m)]
    overlaps: ColumnElement[bool] = source.c.geom.bool_op("&&")(func.ST_MakeEnvelope(*box, 4326))
    return overlaps


def _all(conditions: Sequence[ColumnElement[bool]]) -> ColumnElement[bool] | None:
    result = None
    for condition in conditions:
        result = condition if result is None else result & condition
    return result


def _paths(
    session: Session, revision: int, level: str, frame: pd.DataFrame, *, whole: bool
) -> list[tuple[Area, ...]]:
    """Follow the parents' codes upwards: a parent is in the nearest level above that has its code."""
    paths: dict[str, tuple[Area, ...]] = {}
    wanted = set(frame["parent_code"].dropna())
    known: list[tuple[str, Any]] = []
    for above in reversed(LEVELS[: LEVELS.index(level)]):
        codes = None if whole else wanted
        rows = store.read(
            session, LAYER_OF[above], revision, columns=["code", "name", "parent_code"], codes=codes
        )
        known.append((above, rows))
        wanted |= set(rows["parent_code"].dropna())
    for above, rows in reversed(known):
        for code, name, parent in _rows(rows, ["code", "name", "parent_code"]):
            paths[code] = (*paths.get(parent, ()), Area(code, name, above))
    return [
        (*paths.get(parent, ()), Area(code, name, level))
        for code, name, parent in _rows(frame, ["code", "name", "parent_code"])
    ]


def _rows(frame: pd.DataFrame, columns: list[str]) -> list[tuple[Any, ...]]:
    """Rows of a frame with None for what is missing, which pandas gives as NaN in a column of text."""
    chosen = frame[columns].astype(object)
    return list(chosen.where(chosen.notna(), None).itertuples(index=False, name=None))
