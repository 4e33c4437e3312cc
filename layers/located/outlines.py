"""Compounds, buildings and old estates by place: whose outline holds a point."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

import geopandas as gpd
from sqlalchemy import ColumnElement, func
from sqlalchemy.orm import Session

from geo.assign import AreaIndex
from layers import deployment, store
from layers.located.neighbourhood import Place, about, every

_Feature = TypeVar("_Feature")


@dataclass(frozen=True, slots=True)
class Compound:
    """The compound at a place."""

    code: str
    name: str
    form: str | None


@dataclass(frozen=True, slots=True)
class Building:
    """The building at a place."""

    code: str
    name: str
    compound_code: str | None


@dataclass(frozen=True, slots=True)
class OldEstate:
    """The old estate at a place: its class of works, and the department paired with it."""

    code: str
    name: str
    works: str | None
    department: str | None


@dataclass(frozen=True, slots=True)
class Outlines(Generic[_Feature]):
    """Features with a polygon; those still known as points hold no place. Immutable.

    ``features`` holds them by row number of the index.
    """

    index: AreaIndex
    features: Sequence[_Feature]

    def at(self, lon: float, lat: float) -> _Feature | None:
        """Return the feature that holds or touches a point; the lowest code of several."""
        row = self.index.one(lon, lat, margin=False).area
        return self.features[row] if row >= 0 else None


Compounds: TypeAlias = Outlines[Compound]
Buildings: TypeAlias = Outlines[Building]
OldEstates: TypeAlias = Outlines[OldEstate]

_COMPOUND = ("code", "name", "form")
_BUILDING = ("code", "name", "compound_code")
_OLD_ESTATE = ("code", "name", "works", "department")


def load_compounds(session: Session, revision: int, *, near: Place | None = None) -> Compounds:
    """Read the compounds drawn as polygons at a revision; with `near`, those that can hold that place.

    Raises
    ------
    NotFound
        If nothing was ever imported.
    """
    return _load(session, "compounds", revision, _COMPOUND, Compound, near)


def load_buildings(session: Session, revision: int, *, near: Place | None = None) -> Buildings:
    """Read the buildings drawn as outlines at a revision; with `near`, those that can hold that place.

    Raises
    ------
    NotFound
        If nothing was ever imported.
    """
    return _load(session, "buildings", revision, _BUILDING, Building, near)


def load_old_estates(session: Session, revision: int, *, near: Place | None = None) -> OldEstates:
    """Read the old estates at a revision; with `near`, those that can hold that place.

    Raises
    ------
    NotFound
        If nothing was ever imported.
    """
    return _load(session, "old_estates", revision, _OLD_ESTATE, OldEstate, near)


def patch_compounds(session: Session, older: Compounds, since: int, revision: int) -> Compounds:
    """Bring compounds from the state at `since` to that at `revision`, reading only what changed."""
    return _patch(session, "compounds", older, (since, revision), _COMPOUND, Compound)


def patch_buildings(session: Session, older: Buildings, since: int, revision: int) -> Buildings:
    """Bring buildings from the state at `since` to that at `revision`, reading only what changed."""
    return _patch(session, "buildings", older, (since, revision), _BUILDING, Building)


def patch_old_estates(session: Session, older: OldEstates, since: int, revision: int) -> OldEstates:
    """Bring old estates from the state at `since` to that at `revision`, reading only what changed."""
    return _patch(session, "old_estates", older, (since, revision), _OLD_ESTATE, OldEstate)


def _load(  # noqa: PLR0917 - private, and called by layer
    session: Session,
    layer: str,
    revision: int,
    columns: Sequence[str],
    make: Callable[..., _Feature],
    near: Place | None,
) -> Outlines[_Feature]:
    conditions = [_is_polygon(layer)]
    if near is not None:
        conditions.append(about(store.table(layer), near, 0.0))
    frame: gpd.GeoDataFrame = store.read(
        session, layer, revision, columns=[*columns, "geometry"], where=every(conditions)
    )
    index = AreaIndex(frame, metric=deployment.get(session).metric_crs, tolerance_m=0.0)
    return Outlines(index, [make(*row) for row in store.rows(frame, columns)])


def _patch(  # noqa: PLR0917 - private, and called by layer
    session: Session,
    layer: str,
    older: Outlines[_Feature],
    between: tuple[int, int],
    columns: Sequence[str],
    make: Callable[..., _Feature],
) -> Outlines[_Feature]:
    changed = store.read_changed(
        session, layer, *between, columns=[*columns, "geometry"], where=_is_polygon(layer)
    )
    features = dict(zip(older.index.codes, older.features, strict=True))
    removed = changed.ended & features.keys()
    features |= {row[0]: make(*row) for row in store.rows(changed.begun, columns)}
    index = older.index.patched(changed.begun, removed)
    return Outlines(index, [features[code] for code in index.codes])


def _is_polygon(layer: str) -> ColumnElement[bool]:
    polygon: ColumnElement[bool] = func.ST_Dimension(store.table(layer).c.geom) == 2  # noqa: PLR2004 - an area
    return polygon
