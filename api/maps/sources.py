"""What maps draw, read at one revision."""

import datetime as dt
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import geopandas as gpd

from api.maps import basemap, grids
from api.maps.chosen import Chosen
from api.snapshots import Snapshot
from geo.faults import DataError, Fault
from geo.levels import LAYER_OF, LEVELS
from layers import catalogue, osm, store
from layers.database import Session

#: Where pages fetch the base map and the areas.
STREETS = {"streets": "/maps/data/streets.json"}
AREAS = {"areas": "/maps/data/areas.json"}

#: What a planner who asked for no type is shown.
SUGGESTED_TYPE = "community_health_station"
INCIDENTS = {"incidents": "/maps/data/incidents.json", "incident": "/api/incidents/"}

#: Page of one incident, whose id follows.
INCIDENT_PAGE = {"incident": "/incidents/"}

#: A map of incidents shows the newest, at most this many.
MOST_INCIDENTS = 100_000

#: Layers that may come from OpenStreetMap, which every map of them must say (ODbL 1.0, section 4.3).
OPENSTREETMAP_LAYERS = ("streets", *osm.PLACES)

#: Layers that the areas and their posts come from.
AREA_LAYERS = (*LAYER_OF.values(), "posts")

_AREA_COLUMNS = ["code", "name", "parent_code", "people", "households", "geometry"]


@dataclass(frozen=True, slots=True)
class FacilityType:
    """A type of facility with the number of facilities there are."""

    key: str
    zh: str
    en: str
    count: int


def streets(session: Session, revision: int) -> dict[str, Any]:
    """Return what :func:`api.maps.basemap.streets_data` makes of the streets."""
    frame = store.read(session, "streets", revision, columns=["name", "kind", "geometry"])
    return basemap.streets_data(frame)


def areas(session: Session, revision: int, *, today: dt.date) -> dict[str, Any]:
    """Return what :func:`api.maps.grids.areas_data` makes of all levels, with the posts held today."""
    frames = {level: area_frame(session, revision, level) for level in LEVELS}
    return grids.areas_data(frames, store.read(session, "posts", revision), today=today)


def area_frame(session: Session, revision: int, level: str) -> gpd.GeoDataFrame:
    """Return the areas of a level; of grids those of the scheme that maps show."""
    if level != "grid":
        return store.read(session, LAYER_OF[level], revision, columns=_AREA_COLUMNS)
    source = store.table("grids")
    columns = [*_AREA_COLUMNS, "kind"]
    return store.read(session, "grids", revision, columns=columns, where=source.c.scheme == grids.SCHEME)


def bounds(session: Session, revision: int) -> tuple[float, float, float, float] | None:
    """Return west, south, east, north of the highest level there is, else of the streets; None without data."""
    for layer in (*LAYER_OF.values(), "streets"):
        frame = store.read(session, layer, revision, columns=["geometry"])
        if not frame.empty:
            west, south, east, north = (float(side) for side in frame.total_bounds)
            return west, south, east, north
    return None


def attribution(session: Session, revision: int, stated: str) -> str:
    """Return whose data the maps show: as ``stated`` by the operator, and OpenStreetMap's where some is."""
    for layer in OPENSTREETMAP_LAYERS:
        found = osm.attribution(store.read(session, layer, revision, columns=["code"])["code"])
        if found:
            return " · ".join(part for part in (stated, found) if part)
    return stated


def attributed(snapshot: Snapshot, stated: str) -> str:
    """Return :func:`attribution` of a snapshot, kept while its layers stay."""

    def load(session: Session, revision: int) -> str:
        return attribution(session, revision, stated)

    return snapshot.model("attribution", layers=OPENSTREETMAP_LAYERS, load=load)


def view(snapshot: Snapshot) -> tuple[float, float, float, float] | None:
    """Return :func:`bounds` of a snapshot, kept while the areas stay."""
    layers = (*LAYER_OF.values(), "streets")
    return snapshot.model("bounds", layers=layers, load=bounds)


def facility_types(session: Session, revision: int) -> list[FacilityType]:
    """Return the types of the catalogue that have facilities, in its order; all of them where there are none."""
    frame = store.read(session, "facilities", revision, columns=["type"])
    counts = frame["type"].value_counts()
    every = [
        FacilityType(str(key), str(zh), str(en), int(counts.get(key, 0)))
        for key, zh, en in catalogue.facility_types()[["zh", "en"]].itertuples(name=None)
    ]
    return [kind for kind in every if kind.count] or every


def types(snapshot: Snapshot) -> list[FacilityType]:
    """Return :func:`facility_types` of a snapshot, kept while the facilities stay."""
    return snapshot.model("facility types", layers=("facilities",), load=facility_types)


def chosen_type(types: list[FacilityType], key: str) -> FacilityType:
    """Return the type of that key; for none, a usual first question, or else the first there is.

    Raises
    ------
    DataError
        ``type-unknown``.
    """
    by_key = {kind.key: kind for kind in types}
    if key in by_key:
        return by_key[key]
    if not key:
        return by_key.get(SUGGESTED_TYPE, types[0])
    known = catalogue.facility_types()
    if key not in known.index:
        message = f"{key!r} is no facility type; known are {', '.join(known.index)}."
        raise DataError(Fault(kind="type-unknown", field="facility_type", message=message))
    return FacilityType(key, known["zh"][key], known["en"][key], 0)


def coverage_address(chosen: Chosen) -> dict[str, str]:
    """Return where the page of these settings fetches its coverage."""
    return {"coverage": f"/maps/data/coverage.json?{urlencode(chosen.as_query())}"}


def feature_count(session: Session, layer: str, revision: int) -> int:
    """Return how many features a layer has."""
    return len(store.read(session, layer, revision, columns=["code"]))
