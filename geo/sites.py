"""Where the next facilities of a type would help most, on a city's streets.

Demand is what :mod:`geo.coverage` counts: the access points of compounds, each with its part of the compound's
weight. Facilities that stand keep serving; only what they leave out draws new ones. Which candidates are chosen
is decided by :mod:`geo.siting`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from scipy.sparse import csr_array

from geo import coverage, siting
from geo.coverage import circles, shares
from geo.coverage.city import City
from geo.crs import from_metric, to_metric
from geo.faults import DataError, Fault
from geo.siting import Sites
from geo.streets import reach
from geo.streets.access_points import SNAP_LIMIT_M

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Flags: TypeAlias = npt.NDArray[np.bool_]

#: What candidates are taken from, where they are not given.
SOURCES = ("compounds", "street_nodes")
#: What new facilities may serve.
WEIGHTS = shares.WEIGHTS
#: Candidates that one question may have.
MOST_CANDIDATES = 5_000
#: Junctions are thinned to one in each square of this size, metres, and coarser where that leaves too many.
NODE_SPACING_M = 150.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is to be built, and what limits it: exactly one of ``sites``, ``budget`` and ``target_share``.

    Parameters
    ----------
    facility_type
        Key of the catalogue; facilities of that type that stand are kept.
    minutes
        Walk; None: the type's own circle.
    profile, weight
        As in :class:`geo.coverage.Query`; no land.
    sites
        Build at most so many.
    budget
        Build at most for so much; each candidate has its cost.
    target_share
        Build the fewest that bring the served share to this, 0 to 1.
    within
        Code of an area: only homes in it count.
    forbidden
        Codes of areas in which nothing may be built.
    preferred, bonus
        Codes of areas in which building is preferred: a site there is chosen where it loses less than the bonus,
        in units of weight.
    exact
        Prove the answer (or say how far it may be from the best), instead of answering at once.
    time_limit_s
        For the proof.
    """

    facility_type: str
    minutes: int | None = None
    profile: str = "adult"
    weight: str = "people"
    sites: int | None = None
    budget: float | None = None
    target_share: float | None = None
    within: str | None = None
    forbidden: tuple[str, ...] = ()
    preferred: tuple[str, ...] = ()
    bonus: float = 0.0
    exact: bool = True
    time_limit_s: float = siting.TIME_LIMIT_S


@dataclass(frozen=True, slots=True)
class Proposal:
    """Where to build.

    Parameters
    ----------
    table
        A row a site, in the order of building: ``id, name, lon, lat, cost, adds`` (weight it serves beyond
        what stands and the sites before it), ``served`` and ``served_share`` (with it), ``compounds`` (how many it
        reaches that nothing before it did).
    demand, served
        Weight there is, and what is served today.
    sites
        The choice with its bound and gap.
    budget_m
        Metres walked.
    candidates
        How many places were compared.
    faults
        Candidates that no street reaches.
    """

    table: pd.DataFrame
    demand: float
    served: float
    sites: Sites
    budget_m: float
    candidates: int
    faults: tuple[Fault, ...]


def check(question: Question, types: pd.DataFrame) -> None:
    """Refuse a question that cannot be answered for any city.

    Raises
    ------
    DataError
        All faults at once: ``type-unknown`` and ``parameter-invalid``.
    """
    faults = coverage.type_faults([question.facility_type], types, field="facility_type")
    minutes = [] if question.minutes is None else [question.minutes]
    faults += circles.profile_faults(question.profile, minutes)
    faults += circles.word_faults("weight", question.weight, WEIGHTS)
    limits = {"sites": question.sites, "budget": question.budget, "target_share": question.target_share}
    stated = [name for name, value in limits.items() if value is not None]
    if len(stated) != 1:
        said = ", ".join(stated) or "none"
        faults.append(_invalid("sites", f"State one of {', '.join(limits)}; stated: {said}."))
    faults += [
        _invalid(name, f"{limits[name]:g} is not more than 0.")
        for name in stated
        if not (limits[name] or 0) > 0
    ]
    if question.target_share is not None and question.target_share > 1:
        faults.append(
            _invalid("target_share", f"{question.target_share:g} is more than 1, which is everybody.")
        )
    if faults:
        raise DataError(faults)


def propose(city: City, question: Question, candidates: pd.DataFrame) -> Proposal:
    """Choose sites.

    Parameters
    ----------
    candidates
        Columns ``id, name`` (text), ``lon, lat`` (degrees, EPSG:4326), ``cost``, ``bonus`` (see
        :class:`geo.siting.Options`).

    Raises
    ------
    DataError
        As :func:`check`, :func:`geo.siting.most` and :func:`geo.siting.fewest`; ``parameter-invalid`` for codes
        that are no area's, and where no candidate is left.
    """
    check(question, city.types)
    budget_m = _budget_m(city, question)
    weight = _weight(city, question)
    served_now = _served_now(city, question, budget_m)
    usable, faults = _usable(city, question, candidates)
    reached = _reached(city, usable, budget_m)
    options = siting.options(
        reached,
        np.where(served_now, 0.0, weight),
        cost=_column(usable, "cost"),
        bonus=_column(usable, "bonus")
        + question.bonus * _in_any(city, question.preferred, usable, "preferred"),
    )
    demand, served = float(weight.sum()), float(weight[served_now].sum())
    chosen = _chosen(question, options, demand, served)
    table = _table(city, usable, chosen, reached=reached, served_now=served_now)
    table["served"] = served + np.cumsum(chosen.adds)
    table["served_share"] = table["served"] / demand if demand else np.nan
    return Proposal(table, demand, served, chosen, budget_m, len(usable), tuple(faults))


def candidates_from(city: City, source: str, *, within: str | None = None) -> pd.DataFrame:
    """Take candidates from the city: the middles of compounds, or junctions, thinned.

    Returns
    -------
    DataFrame
        As :func:`propose` takes it, each at cost 1.

    Raises
    ------
    DataError
        ``parameter-invalid`` for another source or a ``within`` that is no area's code.
    """
    faults = circles.word_faults("candidates", source, SOURCES)
    if faults:
        raise DataError(faults)
    if source == "compounds":
        at = shapely.point_on_surface(city.compounds.geometry.to_numpy())
        frame = pd.DataFrame({"id": city.compounds["code"], "name": city.compounds["name"]})
    else:
        at = _junctions(city)
        frame = pd.DataFrame({"id": [f"node-{number}" for number in range(len(at))], "name": ""})
    frame = frame.reset_index(drop=True).assign(lon=shapely.get_x(at), lat=shapely.get_y(at))
    if within is not None:
        frame = frame[_inside(city, within, frame, field="within")].reset_index(drop=True)
    return frame.assign(cost=1.0, bonus=0.0)


# --- what counts ------------------------------------------------------------------------------------------


def _budget_m(city: City, question: Question) -> float:
    if question.minutes is not None:
        return circles.budget_m(question.profile, question.minutes, speeds=city.speeds)
    types = city.types.loc[[question.facility_type]]
    own = circles.questions(types, minutes=(), profile=question.profile, speeds=city.speeds)
    return float(own["budget_m"].iloc[0])


def _weight(city: City, question: Question) -> Floats:
    """Weight of each access point."""
    weight = shares.weights(city.compounds, question.weight)
    if question.within is not None:
        level = next((level for level in city.levels.values() if len(level.within(question.within))), None)
        if level is None:
            raise DataError(_unknown("within", question.within))
        rows = [row for row, code in enumerate(level.codes) if code == question.within]
        weight = weight * level.share[rows].sum(axis=0)
    counted: Floats = weight[city.demand.feature] * city.demand.weight
    return counted


def _served_now(city: City, question: Question, budget_m: float) -> Flags:
    """Access points within a walk of a facility that stands."""
    number = city.types.index.get_loc(question.facility_type)
    chosen = city.supply.type[city.supply.points.feature] == number
    begin = reach.starts(
        city.supply.points.snapped.take(chosen), np.zeros(int(chosen.sum()), dtype=np.int64), groups=1
    )
    costs = reach.costs_to(city.network, begin, city.demand.snapped, limit_m=budget_m)[0]
    served: Flags = costs <= budget_m
    return served


# --- candidates -------------------------------------------------------------------------------------------


def _usable(city: City, question: Question, candidates: pd.DataFrame) -> tuple[pd.DataFrame, list[Fault]]:
    """Candidates that a street reaches, where building is allowed; and a fault for each that none reaches."""
    if len(candidates) > MOST_CANDIDATES:
        message = f"{len(candidates)} candidates are more than {MOST_CANDIDATES}: choose among fewer."
        raise DataError(_invalid("candidates", message))
    forbidden = _in_any(city, question.forbidden, candidates, "forbidden")
    x, y = _metric(city, candidates)
    joined = city.network.snap(x, y, limit_m=SNAP_LIMIT_M).edge >= 0
    faults = _unreachable(candidates[~joined & ~forbidden])
    usable = candidates[joined & ~forbidden].reset_index(drop=True)
    if usable.empty:
        message = f"No candidate is left of {len(candidates)}: each is forbidden or far from every street."
        raise DataError([_invalid("candidates", message), *faults])
    return usable, faults


def _reached(city: City, candidates: pd.DataFrame, budget_m: float) -> csr_array:
    """(access points, candidates) sparse, 1 where a candidate is within a walk."""
    snapped = city.network.snap(*_metric(city, candidates), limit_m=SNAP_LIMIT_M)
    begin = reach.starts(snapped, np.arange(len(candidates)), groups=len(candidates))
    found = reach.within(city.network, begin, city.homes_by_chain, limit_m=budget_m)
    shape = (len(candidates), len(city.demand.feature))
    return csr_array(csr_array((np.ones(len(found.place)), found.place, found.first), shape=shape).T)


def _metric(city: City, candidates: pd.DataFrame) -> tuple[Floats, Floats]:
    places = shapely.points(candidates["lon"].to_numpy(), candidates["lat"].to_numpy())
    x, y = shapely.get_coordinates(to_metric(places, city.network.metric)).T
    return np.ascontiguousarray(x), np.ascontiguousarray(y)


def _junctions(city: City) -> npt.NDArray[np.object_]:
    """Junctions of streets, EPSG:4326: in each square the one where most streets meet."""
    network = city.network
    ends = np.concatenate([network.start[~network.island], network.end[~network.island]])
    streets = np.bincount(ends, minlength=len(network.node_x))
    spacing = NODE_SPACING_M
    while True:
        order = np.argsort(-streets, kind="stable")[: np.count_nonzero(streets)]
        squares = np.column_stack([network.node_x[order] // spacing, network.node_y[order] // spacing])
        first = np.sort(np.unique(squares, axis=0, return_index=True)[1])
        if len(first) <= MOST_CANDIDATES:
            nodes = np.sort(order[first])
            return from_metric(shapely.points(network.node_x[nodes], network.node_y[nodes]), network.metric)
        spacing *= 1.5


def _in_any(city: City, codes: Sequence[str], candidates: pd.DataFrame, field: str) -> Flags:
    chosen = np.zeros(len(candidates), dtype=bool)
    for code in codes:
        chosen |= _inside(city, code, candidates, field=field)
    return chosen


def _inside(city: City, code: str, candidates: pd.DataFrame, *, field: str) -> Flags:
    """Which candidates lie in an area or compound, its border included."""
    for frame in (*city.areas.values(), city.compounds):
        found = frame.geometry.to_numpy()[frame["code"].to_numpy() == code]
        if len(found):
            shapely.prepare(found)
            inside: Flags = shapely.intersects_xy(
                found[0], _column(candidates, "lon"), _column(candidates, "lat")
            )
            return inside
    raise DataError(_unknown(field, code))


# --- the choice -------------------------------------------------------------------------------------------


def _chosen(question: Question, options: siting.Options, demand: float, served: float) -> Sites:
    exact, time_limit_s = question.exact, question.time_limit_s
    if question.target_share is not None:
        missing = max(question.target_share * demand - served, 0.0)
        return siting.fewest(options, target=missing, exact=exact, time_limit_s=time_limit_s)
    if question.budget is not None:
        return siting.most(options, budget=question.budget, exact=exact, time_limit_s=time_limit_s)
    # A number of sites is what it says, whatever each would cost.
    options = replace(options, cost=np.ones(len(options.cost)))
    return siting.most(options, budget=float(question.sites or 0), exact=exact, time_limit_s=time_limit_s)


def _table(
    city: City, candidates: pd.DataFrame, sites: Sites, *, reached: csr_array, served_now: Flags
) -> pd.DataFrame:
    """The chosen candidates in the order of building."""
    rows = list(sites.candidate)
    table = candidates.iloc[rows][["id", "name", "lon", "lat", "cost"]].reset_index(drop=True)
    served, compounds = served_now.copy(), []
    for row in rows:
        before = np.unique(city.demand.feature[served])
        served |= reached[:, [row]].toarray()[:, 0] > 0
        compounds.append(len(np.setdiff1d(city.demand.feature[served], before)))
    return table.assign(adds=sites.adds, compounds=compounds)


def _column(frame: pd.DataFrame, name: str) -> Floats:
    return frame[name].to_numpy(dtype=np.float64)


def _unreachable(candidates: pd.DataFrame) -> list[Fault]:
    message = f"No street within {SNAP_LIMIT_M:.0f} m; it is not compared."
    named = zip(candidates["id"], _column(candidates, "lon"), _column(candidates, "lat"), strict=True)
    return [
        Fault(kind="unreachable", id=str(name), lon=float(lon), lat=float(lat), message=message)
        for name, lon, lat in named
    ]


def _invalid(field: str, message: str) -> Fault:
    return Fault(kind="parameter-invalid", field=field, message=message)


def _unknown(field: str, code: str) -> Fault:
    return _invalid(field, f"There is no area with the code {code!r}.")
