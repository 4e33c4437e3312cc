"""Where lines are wrong: the incidents whose area hangs on where a border was drawn, border by border.

The places of incidents are asked again by :mod:`geo.assign` at the revision of the borders, so that a border that
was mended is judged by the border that is there now, and not by answers that incidents kept from before.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from sqlalchemy import ColumnElement, LargeBinary, and_, func, literal, or_, select, true
from sqlalchemy.orm import Session, aliased

from geo.assign import RULES, window
from geo.border_index import BORDERLINE_M, OUTSIDE_M, BorderIndex, doubtful
from geo.levels import LAYER_OF
from layers import deployment, history, store
from layers.incidents.search import Filters, condition
from layers.located import SCHEME, Areas, load_areas
from layers.tables import Assignment, Incident

Integers = npt.NDArray[np.intp]
Floats = npt.NDArray[np.float64]

#: What makes an incident doubtful, in the order of :data:`geo.assign.RULES`: inside, but near the border, or the rule.
SIGNS = ("borderline", *RULES[1:])
#: Columns of counts.
COUNTS = (*SIGNS, "handed_over", "total")
#: Columns of the table, without the geometry.
COLUMNS = (
    "rank", "kind", "left_code", "left_name", "right_code", "right_name", "codes", "length_m", "area_m2",
    *COUNTS, "per_km", "lon", "lat",
)  # fmt: skip

_POINT = np.dtype([("id", "V16"), ("lon", ">f8"), ("lat", ">f8")])


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Which incidents to count at which borders.

    Parameters
    ----------
    filters
        Which incidents to count. Its ``area`` chooses borders, not incidents: those of areas in it, with the
        incidents on both sides. Borders that no area of its ``scope`` has are left out too.
    level, scheme
        Whose borders.
    within_m
        An inside incident is borderline when its margin is below this, metres.
    """

    filters: Filters = field(default_factory=Filters)
    level: str = "grid"
    scheme: str = SCHEME
    within_m: float = BORDERLINE_M


@dataclass(frozen=True, slots=True)
class Statistics:
    """What the incidents say of the borders.

    Attributes
    ----------
    table
        Borders that have anything, the worst first; columns :data:`COLUMNS` and ``geometry`` (EPSG:4326). A
        row's ``borderline, border, overlap, nearest, none`` count incidents, each at one border;
        ``handed_over`` counts decisions by hand that moved an incident across it; ``total`` is their sum and
        ``per_km`` the sum by length (of a patch: its circumference).
    points
        The incidents counted, by rank of their border: ``id`` (32 hexadecimal digits), ``lon``, ``lat``,
        ``sign`` (position in :data:`SIGNS`), ``rank``.
    borders, length_m
        Number of all borders chosen, and their length.
    elsewhere, handed_elsewhere
        Doubtful incidents, and decisions, that belong to no border: too far outside, or between areas that do
        not touch.
    unplaced
        Incidents without coordinates.
    """

    table: gpd.GeoDataFrame
    points: pd.DataFrame
    borders: int
    length_m: float
    elsewhere: int
    handed_elsewhere: int
    unplaced: int


def load_borders(
    session: Session, revision: int, *, level: str = "grid", scheme: str = SCHEME
) -> BorderIndex:
    """Read the borders of a level, of one scheme for grids, at a revision.

    Raises
    ------
    NotFound
        If nothing was ever imported.
    """
    where = store.table("grids").c.scheme == scheme if level == "grid" else None
    frame = store.read(session, LAYER_OF[level], revision, columns=["code", "geometry"], where=where)
    return BorderIndex(frame, metric=deployment.get(session).metric_crs)


def answer(session: Session, revision: int, question: Question) -> Statistics:
    """Read the areas and their borders at a revision, and count; see :func:`statistics`.

    Raises
    ------
    NotFound
        If nothing was ever imported.
    DataError
        On field ``scheme``, if no grid ever had it.
    """
    areas = load_areas(session, revision, level=question.level, scheme=question.scheme)
    borders = load_borders(session, revision, level=question.level, scheme=question.scheme)
    version = history.versions(session, revision).get(LAYER_OF[question.level], 0)
    return statistics(session, areas, borders, question, version=version)


def statistics(
    session: Session, areas: Areas, borders: BorderIndex, question: Question, *, version: int
) -> Statistics:
    """Count doubtful incidents and decisions by hand at each border.

    Parameters
    ----------
    areas, borders
        Of the level and scheme of the question, at one revision.
    version
        The revision that last changed these areas: an incident closed before keeps an answer of older borders.
    """
    chosen = _chosen(areas, borders, question.filters)
    filters = _bounded(question.filters, borders, chosen)
    places = _places(session, question, filters, version)
    assigned = areas.index.assign(places["lon"], places["lat"], margin=True)
    found = borders.attribute(places["lon"], places["lat"], assigned, within_m=question.within_m)
    handed = _handed_over(session, filters, areas, borders)
    row = np.where(np.append(chosen, False)[found], found, -1)
    crossed = np.where(np.append(chosen, False)[handed], handed, -1)
    table = _table(areas, borders, _counts(len(borders), row, assigned.rule, crossed))
    at_one = row >= 0
    points = _described(places[at_one], assigned.rule[at_one], table["rank"].loc[row[at_one]])
    return Statistics(
        table=table.reset_index(drop=True),
        points=points,
        borders=int(chosen.sum()),
        length_m=float(borders.frame["length_m"][chosen].sum()),
        elsewhere=int((doubtful(assigned, within_m=question.within_m) & (found < 0)).sum()),
        handed_elsewhere=int((handed < 0).sum()),
        unplaced=_unplaced(session, question.filters),
    )


def _counts(borders: int, row: Integers, rule: npt.NDArray[np.int8], crossed: Integers) -> pd.DataFrame:
    """Count incidents by border and sign, and hand-overs by the border they crossed; row -1 counts nowhere."""
    at = row * len(SIGNS) + rule
    signs = np.bincount(at[row >= 0], minlength=borders * len(SIGNS)).reshape(borders, len(SIGNS))
    counts = pd.DataFrame(signs, columns=list(SIGNS))
    counts["handed_over"] = np.bincount(crossed[crossed >= 0], minlength=borders)
    counts["total"] = counts.sum(axis=1)
    return counts


# --- which borders ----------------------------------------------------------------------------------------


def _chosen(areas: Areas, borders: BorderIndex, filters: Filters) -> npt.NDArray[np.bool_]:
    """Whether each border is one of an area in `filters.area`, and of one in its scope."""
    paths = {path[-1].code: [area.code for area in path] for path in areas.paths}
    scope = set(filters.scope)
    within = {
        code
        for code, path in paths.items()
        if (not scope or not scope.isdisjoint(path))
        and (filters.area is None or filters.area in path or code.startswith(filters.area))
    }
    return np.array([not within.isdisjoint(codes) for codes in borders.frame["codes"]], dtype=bool)


def _bounded(filters: Filters, borders: BorderIndex, chosen: npt.NDArray[np.bool_]) -> Filters:
    """Look for incidents around the chosen borders, whichever side they belong to."""
    if filters.area is None:
        return filters
    if not chosen.any():
        return replace(filters, area=None, bbox=(0.0, 0.0, 0.0, 0.0))
    bounds = borders.frame.geometry[chosen].total_bounds
    west, south, _, _ = window(bounds[[0]], bounds[[1]], OUTSIDE_M)
    _, _, east, north = window(bounds[[2]], bounds[[3]], OUTSIDE_M)
    return replace(
        filters, area=None, bbox=(float(west[0]), float(south[0]), float(east[0]), float(north[0]))
    )


# --- which incidents --------------------------------------------------------------------------------------


def _places(session: Session, question: Question, filters: Filters, version: int) -> npt.NDArray[np.void]:
    """Incidents that may be doubtful as records of id, lon and lat."""
    # One value for all of them: a million rows would take longer to read than to judge.
    record = (
        func.uuid_send(Incident.id)
        .op("||")(func.float8send(func.ST_X(Incident.geom)))
        .op("||")(func.float8send(func.ST_Y(Incident.geom)))
    )
    packed = session.scalar(
        select(func.string_agg(record, literal(b"", LargeBinary), type_=LargeBinary)).where(
            condition(filters), Incident.geom.is_not(None), _may_be_doubtful(question, version)
        )
    )
    records = np.frombuffer(packed or b"", dtype=_POINT)
    return records.astype([("id", "V16"), ("lon", "f8"), ("lat", "f8")])


def _described(places: npt.NDArray[np.void], rule: npt.NDArray[np.int8], rank: pd.Series) -> pd.DataFrame:
    points = pd.DataFrame(
        {
            "id": np.frombuffer(places["id"].tobytes().hex().encode(), dtype="S32").astype(str),
            "lon": places["lon"],
            "lat": places["lat"],
            "sign": rule.astype(np.int64),
            "rank": rank.to_numpy(dtype=np.int64),
        }
    )
    return points.sort_values("rank", kind="stable", ignore_index=True)


def _may_be_doubtful(question: Question, version: int) -> ColumnElement[bool]:
    """Rule out what is known to lie well inside; that is known of the areas incidents are assigned to only."""
    if question.level != "grid" or question.scheme != SCHEME:
        return true()
    return or_(
        Incident.rule != "inside",
        Incident.margin_m < question.within_m,
        # Open incidents follow the borders.
        and_(Incident.status == "closed", Incident.revision < version),
    )


def _unplaced(session: Session, filters: Filters) -> int:
    query = select(func.count()).select_from(Incident).where(condition(filters), Incident.geom.is_(None))
    return session.scalar(query) or 0


def _handed_over(session: Session, filters: Filters, areas: Areas, borders: BorderIndex) -> Integers:
    """Border that each decision by hand moved its incident across; -1 where the two areas share none.

    A decision about an incident that had no area moved it across none, and is left out; so is one whose former
    area is no more.
    """
    earlier = aliased(Assignment)
    before = (
        select(earlier.path)
        .where(earlier.incident_id == Assignment.incident_id, earlier.id < Assignment.id)
        .order_by(earlier.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    query = (
        select(before, Assignment.path, func.ST_X(Incident.geom), func.ST_Y(Incident.geom))
        .join(Incident, Incident.id == Assignment.incident_id)
        .where(Assignment.rule == "manual", condition(filters))
    )
    known = set(areas.index.codes)
    moves = [
        (_of_level(source, known), _of_level(target, known), lon, lat)
        for source, target, lon, lat in session.execute(query)
    ]
    moves = [move for move in moves if move[0] and move[1] and move[0] != move[1]]
    source, target, lon, lat = zip(*moves, strict=True) if moves else ((), (), (), ())
    return borders.between(np.array(lon, dtype=float), np.array(lat, dtype=float), source, target)


def _of_level(path: Sequence[str] | None, known: Collection[str]) -> str | None:
    return next((code for code in reversed(path or ()) if code in known), None)


# --- the table --------------------------------------------------------------------------------------------


def _table(areas: Areas, borders: BorderIndex, counts: pd.DataFrame) -> gpd.GeoDataFrame:
    """Borders that count anything, the worst first, by their row numbers."""
    names = {path[-1].code: path[-1].name for path in areas.paths}
    table = borders.frame.join(counts)[counts["total"] > 0]
    table["per_km"] = table["total"] / (table["length_m"] / 1000)
    for side in ("left", "right"):
        table[f"{side}_name"] = table[f"{side}_code"].map(names).astype(object)
    middle = shapely.get_coordinates(_middles(table.geometry.to_numpy()))
    table["lon"], table["lat"] = middle.T if len(middle) else (np.empty(0), np.empty(0))
    order = ["total", "per_km", "codes"]
    table = table.sort_values(order, ascending=[False, False, True], kind="stable")
    table["rank"] = np.arange(1, len(table) + 1)
    return table[[*COLUMNS, "geometry"]]


def _middles(shapes: npt.NDArray[np.object_]) -> npt.NDArray[np.object_]:
    """A place of each border to go to: on a line half way, in a patch a point inside."""
    lines = shapely.get_dimensions(shapes) == 1
    middles: npt.NDArray[np.object_] = shapely.point_on_surface(shapes)
    middles[lines] = shapely.line_interpolate_point(shapes[lines], 0.5, normalized=True)
    return middles
