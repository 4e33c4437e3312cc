"""All that is known of one place, at once."""

import datetime as dt
import math
from dataclasses import dataclass

from sqlalchemy.orm import Session

from geo.assign import INSIDE, RULES
from geo.assign.stacked import Stacked
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


class Locator:
    """What answers for places: areas of one level and scheme, and all that is told beside them. Immutable."""

    def __init__(
        self,
        areas: Areas,
        compounds: Compounds,
        buildings: Buildings,
        old_estates: OldEstates,
        posts: Posts,
    ) -> None:
        self.areas = areas
        self.compounds = compounds
        self.buildings = buildings
        self.old_estates = old_estates
        self.posts = posts
        self.index = Stacked(areas.index, [compounds.index, buildings.index, old_estates.index])


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
    row, rule, distance_m, margin_m, across, at_compound, at_building, at_estate = locator.index.ask(lon, lat)
    path: tuple[Area, ...] = ()
    candidates: list[str] = []
    area = compound = building = None
    targets = []
    if row >= 0:
        path = areas.paths[row]
        area = path[-1]
        listed = (row,) if rule == INSIDE else areas.index.one(lon, lat, margin=False).listed
        candidates = [areas.paths[one][-1].code for one in listed]
        targets.append((LAYER_OF[areas.level], area.code))
    if at_compound >= 0:
        compound = locator.compounds.features[at_compound]
        targets.append(("compounds", compound.code))
    if at_building >= 0:
        building = locator.buildings.features[at_building]
        targets.append(("buildings", building.code))
    # By position: naming each takes as long as making it.
    return Location(
        lon,
        lat,
        areas.level,
        RULES[rule],
        area,
        path,
        candidates,
        number(distance_m),
        number(margin_m),
        areas.paths[across][-1] if across >= 0 else None,
        compound,
        building,
        locator.old_estates.features[at_estate] if at_estate >= 0 else None,
        held(locator.posts, targets, on),
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
