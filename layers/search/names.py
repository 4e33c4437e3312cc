"""The names that find places, kept beside the layers by every publication, at the same revision.

One row for each name or alias of a feature, for each door of a street and for each building of a compound;
one for each street, whose pieces have its name. A publication rewrites the rows of the features it changes.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import NAMESPACE_URL, uuid4, uuid5

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from geo import crs
from geo.levels import LEVEL_OF
from layers import deployment, store
from layers.search import grams, phrases, wording
from layers.search.spelling import squeezed
from layers.tables import LAYER_TABLES, PlaceName, Revision

#: Layers whose features are found by name; a street's pieces are found as one.
NAMED = tuple(layer for layer in LAYER_TABLES if layer not in {"posts", "streets", "barriers"})
#: Pieces of one name that lie farther apart than this are streets of the same name.
_APART_M = 300.0
#: Rows written at once that change how the table is best searched.
_MANY = 2000
#: What a name says in brackets tells it from others, and nobody says it: 嘉湖小区（老旧小区）.
_BRACKETS = re.compile(r"[（(\[【].*?[)）\]】]")
#: Province, city and district before a street.
_ABOVE_STREET = re.compile(
    r"(?:.{2,5}?(?:省|自治区))?(?:.{2,5}?市)?.{1,5}?(?:(?<!小)区|县|市)(?:.{2,6}?(?:街道|镇|乡))?"
)
#: City before the name of a district.
_ABOVE_DISTRICT = re.compile(r"^.{2,3}[省市](?=.{2,})")

#: Columns that hold words, and all that names are made from.
_WORDS = ("name", "text", "street", "number", "compound_code", "address", "extra")
_READ = ("code", *_WORDS, "geometry")

_Row = tuple[int, str, str, "list[str] | None", "str | None", "str | None"]


def keep(session: Session, layer: str, upserts: pd.DataFrame, removed: Sequence[str], revision: int) -> int:
    """Write the names of a layer's changed features as of a revision at which the layer is already stored.

    Returns
    -------
    int
        How many names there are now of what changed.
    """
    if layer == "streets":
        return _keep_streets(session, upserts, revision)
    if layer not in NAMED:
        return 0
    _close(session, "feature", [*upserts.index.astype(str), *removed], revision)
    metric = deployment.get(session).metric_crs
    frame = (
        _of_features(layer, gpd.GeoDataFrame(upserts, geometry="geometry"), metric) if len(upserts) else None
    )
    return _append(session, frame, revision)


def rebuild(session: Session) -> int:
    """Make all names anew, as every publication would have kept them; the caller commits.

    Returns
    -------
    int
        How many rows there are.
    """
    session.execute(PlaceName.__table__.delete())  # type: ignore[attr-defined]  # set by the declarative base
    written = 0
    for number in session.scalars(select(Revision.number).order_by(Revision.number)):
        for layer in (*NAMED, "streets"):
            source = store.table(layer)
            begun = store.read(session, layer, number, columns=_READ, where=source.c.rev_from == number)
            ended = session.scalars(select(source.c.id).where(source.c.rev_to == number)).all()
            if len(begun) or ended:
                written += keep(session, layer, begun, [str(one) for one in ended], number)
    return written


def missing(session: Session) -> bool:
    """Tell whether layers were published before names were kept."""
    some = select(PlaceName.id).limit(1)
    return session.scalar(some) is None and session.scalar(select(func.count(Revision.number))) != 0


# --- features ---------------------------------------------------------------------------------------------


def _of_features(layer: str, frame: gpd.GeoDataFrame, metric: str) -> pd.DataFrame:
    rows = [row for at, feature in enumerate(_records(frame)) for row in _names(layer, at, feature)]
    columns = ["at", "name", "spelling", "pieces", "part_of", "number"]
    names = pd.DataFrame(rows, columns=columns)
    at = names.pop("at").to_numpy(dtype=np.intp)
    places = _places(frame, metric).iloc[at].reset_index(drop=True)
    feature = frame.index.astype(str).to_numpy(dtype=object)[at]
    code = frame["code"].to_numpy(dtype=object)[at]
    return pd.concat([names.assign(layer=layer, feature=feature, code=code), places], axis=1)


def _records(frame: pd.DataFrame) -> Iterator[dict[str, Any]]:
    columns = [column for column in _WORDS if column in frame.columns]
    values = frame[columns].astype(object)
    values = values.where(values.notna(), None)
    return (dict(zip(columns, row, strict=True)) for row in values.itertuples(index=False, name=None))


def _names(layer: str, at: int, feature: dict[str, Any]) -> Iterator[_Row]:
    """Rows of one feature: position, name, spelling, pieces, what it is part of, number."""
    if layer == "addresses":
        yield _address(at, feature)
        return
    shown = feature.get("name") or ""
    spellings: dict[str, str] = {}
    for said in (shown, *wording.aliases(feature.get("extra") or {})):
        for form in _forms(layer, said):
            spellings.setdefault(squeezed(form), form)
    spellings.pop("", None)
    if layer == "buildings":
        yield from _building(at, feature, spellings)
        return
    for spelling, said in spellings.items():
        yield at, shown, spelling, grams.of_name(spelling, said), None, None
    door = _door(feature.get("address") or "")
    if door:
        yield at, shown, "".join(door), None, *door


def _forms(layer: str, name: str) -> Iterator[str]:
    """A name as it is written, without its brackets, and a district's without its city."""
    plain = _BRACKETS.sub("", name)
    yield name if not plain.strip() else plain
    if layer in LEVEL_OF:
        yield _ABOVE_DISTRICT.sub("", plain)


def _address(at: int, feature: dict[str, Any]) -> _Row:
    shown = feature.get("text") or ""
    spelling = squeezed(shown)
    street, number = squeezed(feature.get("street") or ""), phrases.house_number(feature.get("number") or "")
    if not (street and number):
        street, number = _door(shown) or ("", None)
    if street and number:
        return at, shown, spelling, None, street, number
    return at, shown, spelling, grams.of_name(spelling, shown) if spelling else None, None, None


def _building(at: int, feature: dict[str, Any], spellings: dict[str, str]) -> Iterator[_Row]:
    """A building of a compound is found by its number; one with a name of its own by that."""
    shown, compound = feature.get("name") or "", feature.get("compound_code")
    stated = phrases.house_number(feature.get("number") or "")
    for spelling, said in spellings.items():
        numbers = [number for number in phrases.numbers(spelling) if number.kind == "building"]
        if not numbers:
            yield at, shown, spelling, grams.of_name(spelling, said), None, None
        elif spelling[: numbers[0].start]:
            yield at, shown, spelling, None, spelling[: numbers[0].start], numbers[0].value
            stated = stated or numbers[0].value
    if compound and stated:
        yield at, shown, squeezed(shown), None, compound, stated


def _door(address: str) -> tuple[str, str] | None:
    """Street and house number of an address; None where it names none."""
    said = squeezed(address)
    houses = [number for number in phrases.numbers(said) if number.kind == "house"]
    if not houses:
        return None
    before = said[: houses[0].start]
    above = _ABOVE_STREET.match(before)
    street = before[above.end() :] if above and len(before) - above.end() > 1 else before
    return (street, houses[0].value) if len(street) > 1 else None


def _places(frame: gpd.GeoDataFrame, metric: str) -> pd.DataFrame:
    """A point in each geometry, EPSG:4326, and half the diagonal of its box, metres."""
    geometry: Any = frame.geometry.to_numpy()
    points = shapely.point_on_surface(geometry)
    west, south, east, north = shapely.bounds(geometry).T
    reference = crs.parse(metric)
    x0, y0 = crs.from_lonlat(west, south, reference)
    x1, y1 = crs.from_lonlat(east, north, reference)
    radius = np.hypot(x1 - x0, y1 - y0) / 2
    return pd.DataFrame({"lon": shapely.get_x(points), "lat": shapely.get_y(points), "radius_m": radius})


# --- streets ----------------------------------------------------------------------------------------------


def _keep_streets(session: Session, upserts: pd.DataFrame, revision: int) -> int:
    source = store.table("streets")
    ended = session.scalars(select(source.c.name).where(source.c.rev_to == revision).distinct())
    names = sorted({*upserts.get("name", pd.Series(dtype=object)).dropna(), *filter(None, ended)} - {""})
    if not names:
        return 0
    _close(session, "name", names, revision, layer="streets")
    columns = ["code", "name", "geometry"]
    pieces = store.read(session, "streets", revision, columns=columns, where=source.c.name.in_(names))
    if pieces.empty:
        return 0
    return _append(session, _of_streets(pieces, deployment.get(session).metric_crs), revision)


def _of_streets(pieces: gpd.GeoDataFrame, metric: str) -> pd.DataFrame:
    lines = crs.to_metric(pieces.geometry.to_numpy(), metric)
    street = _streets(lines, pieces["name"].to_numpy(dtype=object))
    order = np.lexsort((pieces["code"].to_numpy(dtype=object).astype(str), street))
    first = np.unique(street[order], return_index=True)[1]
    whole = shapely.multilinestrings(lines[order], indices=street[order])
    middle = shapely.get_point(shapely.shortest_line(whole, shapely.centroid(whole)), 0)
    lonlat = crs.from_metric(middle, metric)
    heads = pieces.iloc[order[first]]
    spelling = [squeezed(name) for name in heads["name"]]
    frame = pd.DataFrame(
        {
            "layer": "streets",
            "feature": [str(uuid5(NAMESPACE_URL, f"streets/{code}")) for code in heads["code"]],
            "code": heads["code"].to_numpy(dtype=object),
            "name": heads["name"].to_numpy(dtype=object),
            "spelling": spelling,
            "pieces": [
                grams.of_name(key, name) if key else None
                for key, name in zip(spelling, heads["name"], strict=True)
            ],
            "part_of": None,
            "number": None,
            "lon": shapely.get_x(lonlat),
            "lat": shapely.get_y(lonlat),
            "radius_m": shapely.hausdorff_distance(middle, whole),
        }
    )
    return frame[frame["spelling"] != ""]


def _streets(lines: np.ndarray, names: np.ndarray) -> np.ndarray:
    """Number the streets: pieces of one name that lie near each other, directly or through others."""
    named = pd.factorize(names)[0]
    one, two = shapely.STRtree(lines).query(lines, predicate="dwithin", distance=_APART_M)
    same = named[one] == named[two]
    links = coo_array((np.ones(same.sum()), (one[same], two[same])), shape=(len(lines), len(lines)))
    labels: np.ndarray = connected_components(links, directed=False)[1]
    return labels


# --- rows -------------------------------------------------------------------------------------------------


def _close(
    session: Session, column: str, values: Sequence[str], revision: int, *, layer: str | None = None
) -> None:
    source = store.table("place_names")
    ending = update(source).where(source.c[column].in_(values), source.c.rev_to.is_(None))
    if layer is not None:
        ending = ending.where(source.c.layer == layer)
    session.execute(ending.values(rev_to=revision))


def _append(session: Session, frame: pd.DataFrame | None, revision: int) -> int:
    if frame is None or frame.empty:
        return 0
    index = pd.Index([str(uuid4()) for _ in range(len(frame))], name="id", dtype=object)
    store.append(session, "place_names", frame.set_axis(index), revision)
    if len(frame) > _MANY:
        # Until the server counts by itself it plans as for an empty table.
        session.execute(text("ANALYZE place_names"))
    return len(frame)
