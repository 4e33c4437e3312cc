"""All that is known of one place, at once."""

import datetime as dt
import math
from dataclasses import dataclass

from sqlalchemy.orm import Session

from geo.assign import RULES
from geo.levels import LAYER_OF
from layers.located.areas import SCHEME, Area, Areas, load_areas
from layers.located.neighbourhood import Place
from layers.located.outlines import (
    Building,
    Buildings,
    Compound,
    Compounds,
    OldEstate,
    OldEstates,
    load_buildings,
    load_compounds,
    load_old_estates,
)
from layers.located.posts import Post, Posts, held, load_posts

#: What a single look-up reads at first, metres: the border of most grids is nearer.
_AROUND_M = 200.0


@dataclass(frozen=True, slots=True)
class Locator:
    """What answers for places: areas of one level and scheme, and all that is told beside them. Immutable."""

    areas: Areas
    compounds: Compounds
    buildings: Buildings
    old_estates: OldEstates
    posts: Posts


# Not frozen: a frozen one takes three times as long to make, a third of a whole answer.
@dataclass(slots=True)
class Location:
    """All that is known of one place; distances in metres, None where a rule has none.

    ``neighbour`` is the area across the nearest border, ``margin_m`` away.
    """

    lon: float
    lat: float
    level: str
    rule: str
    area: Area | None
    path: tuple[Area, ...]
    candidates: list[str]
    distance_m: float | None
    margin_m: float | None
    neighbour: Area | None
    compound: Compound | None
    building: Building | None
    old_estate: OldEstate | None
    posts: list[Post]


def locate(locator: Locator, place: Place, *, on: dt.date) -> Location:
    """Answer for one place, longitude before latitude, EPSG:4326, with the posts held on a day."""
    lon, lat = place
    areas = locator.areas
    one = areas.index.one(lon, lat)
    path: tuple[Area, ...] = ()
    area = None
    candidates: list[str] = []
    targets = []
    if one.area >= 0:
        path = areas.paths[one.area]
        area = path[-1]
        candidates = [areas.paths[row][-1].code for row in one.listed] or [area.code]
        targets.append((LAYER_OF[areas.level], area.code))
    compound = locator.compounds.at(lon, lat)
    if compound is not None:
        targets.append(("compounds", compound.code))
    building = locator.buildings.at(lon, lat)
    if building is not None:
        targets.append(("buildings", building.code))
    return Location(
        lon=lon,
        lat=lat,
        level=areas.level,
        rule=RULES[one.rule],
        area=area,
        path=path,
        candidates=candidates,
        distance_m=number(one.distance_m),
        margin_m=number(one.margin_m),
        neighbour=areas.paths[one.neighbour][-1] if one.neighbour >= 0 else None,
        compound=compound,
        building=building,
        old_estate=locator.old_estates.at(lon, lat),
        posts=held(locator.posts, targets, on),
    )


def number(value: float) -> float | None:
    """Return a measure as stored and replied: None for NaN."""
    return None if math.isnan(value) else float(value)


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
    DataError
        On field ``scheme``, if no grid ever had it.
    """
    areas = load_areas(session, revision, level=level, scheme=scheme, near=place, within_m=_AROUND_M)
    # Who lies across the nearest border may not have been read yet.
    across_m = 1.01 * areas.index.one(*place).margin_m + areas.index.tolerance_m + 1.0
    if across_m > _AROUND_M:
        areas = load_areas(session, revision, level=level, scheme=scheme, near=place, within_m=across_m)
    compounds = load_compounds(session, revision, near=place)
    buildings = load_buildings(session, revision, near=place)
    estates = load_old_estates(session, revision, near=place)
    codes = [*areas.index.codes, *compounds.index.codes, *buildings.index.codes]
    posts = load_posts(session, revision, codes=codes)
    return locate(Locator(areas, compounds, buildings, estates, posts), place, on=on)
