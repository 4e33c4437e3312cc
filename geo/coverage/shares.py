"""What share of each compound reaches a facility type, and what that makes for its areas.

Figures come from street distances at the compounds' access points, never from a drawn outline.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from scipy.spatial import cKDTree

from geo.coverage.area_levels import Level
from geo.streets import arrivals, reach
from geo.streets.access_points import AccessPoints, find
from geo.streets.network import Network

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]

#: What a compound counts as.
WEIGHTS = ("people", "households", "count")

#: Columns of a table of coverage, in its order.
COLUMNS = [
    "code",
    "name",
    "facility_type",
    "minutes",
    "method",
    "demand",
    "covered",
    "partial",
    "uncovered",
    "unreachable",
    "covered_share",
    "served_share",
    "mean_min",
    "p90_min",
    "cannot_reach",
]

#: Types that are searched between two words about how far it is: enough of them to keep both threads at work.
_TOLD_EVERY = 8

#: Figures of a table that are sums of weights.
SUMS = ["demand", "covered", "partial", "uncovered", "unreachable"]

#: Figures of how long people walk, see :mod:`geo.coverage.walking_times`; missing where nothing is walked.
WALKS = ["mean_min", "p90_min", "cannot_reach"]


@dataclass(frozen=True, slots=True, eq=False)
class Supply:
    """Facilities at their access points.

    Parameters
    ----------
    type
        (facilities,) number of the facility's type.
    types
        How many types there are.
    points
        Access points of the facilities.
    """

    type: Ints
    types: int
    points: AccessPoints


def supply(network: Network, facilities: gpd.GeoDataFrame, types: pd.Index) -> Supply:
    """Place facilities of several types on the network, see :func:`facility_points`.

    Parameters
    ----------
    facilities
        Layer frame with ``type`` (in ``types``), ``site`` and ``entrances``.
    types
        Keys of the catalogue, in order.
    """
    points = facility_points(network, facilities)
    return Supply(types.get_indexer(facilities["type"]).astype(np.int64), len(types), points)


def facility_points(network: Network, facilities: gpd.GeoDataFrame) -> AccessPoints:
    """Place facilities on the network: at their entrances, else along their site's border, else at their point."""
    site = facilities["site"].to_numpy()
    outline = np.where(
        shapely.is_missing(site) | shapely.is_empty(site), facilities.geometry.to_numpy(), site
    )
    return find(network, outline, facilities["entrances"].to_numpy())


def joined(some: Supply, more: Supply) -> Supply:
    """Put the facilities of two supplies of one catalogue one after the other."""
    return Supply(np.concatenate([some.type, more.type]), some.types, some.points.followed_by(more.points))


def demand(network: Network, compounds: gpd.GeoDataFrame) -> AccessPoints:
    """Place compounds on the network: at their entrances, else along their border, else at their point."""
    return find(network, compounds.geometry.to_numpy(), compounds["entrances"].to_numpy())


def nearest_by_street(
    network: Network, offer: Supply, need: AccessPoints, *, told: Callable[[int, int], None] | None = None
) -> tuple[Floats, Ints]:
    """Find the nearest facility of each type to each access point of the demand, along streets.

    Parameters
    ----------
    told
        Called with how many types are searched, of how many, as the search goes on; what it raises ends it.

    Returns
    -------
    (types, points) arrays
        Metres, infinite where no street leads there; and the row of the facility, -1 there. Of facilities equally
        near the first is told.
    """
    type_of_point = offer.type[offer.points.feature]
    at_once = max(offer.types, 1) if told is None else _TOLD_EVERY
    costs = np.empty((offer.types, len(need.x)))
    point = np.empty((offer.types, len(need.x)), dtype=np.int64)
    for first in range(0, offer.types, at_once):
        if told is not None:
            told(first, offer.types)
        types = min(at_once, offer.types - first)
        mine = (type_of_point >= first) & (type_of_point < first + types)
        begin = reach.starts(offer.points.snapped, np.where(mine, type_of_point - first, -1), groups=types)
        some = slice(first, first + types)
        costs[some], point[some] = reach.nearest(network, begin, need.snapped, limit_m=np.inf)
    return costs, np.append(offer.points.feature, -1)[point]


def straight_costs(offer: Supply, need: AccessPoints, *, limit_m: float) -> Floats:
    """Straight metres between the same points as :func:`nearest_by_street`: never more, so a circle overstates.

    Infinite beyond ``limit_m``.
    """
    costs = np.full((offer.types, len(need.x)), np.inf)
    places = np.column_stack([need.x, need.y])
    type_of_point = offer.type[offer.points.feature]
    # A facility of a type that the catalogue does not have is numbered -1 and serves nothing.
    for number in np.unique(type_of_point[type_of_point >= 0]):
        chosen = type_of_point == number
        tree = cKDTree(np.column_stack([offer.points.x[chosen], offer.points.y[chosen]]))
        # The tree leaves out what lies at its bound, a circle does not.
        costs[number] = tree.query(places, distance_upper_bound=np.nextafter(limit_m, np.inf))[0]
    return costs


def served(
    costs: Sequence[Floats] | Floats,
    need: AccessPoints,
    asked_type: Ints,
    asked_m: Floats,
    *,
    tell: Callable[[int], None] | None = None,
) -> Floats:
    """Share of each compound within the budget of each question.

    Parameters
    ----------
    costs
        By type (points,) metres to the nearest facility.
    asked_type, asked_m
        (questions,) number of the facility type, and the budget in metres.
    tell
        Called with the number of each question as its turn comes.

    Returns
    -------
    (compounds, questions) array
        Sum of the weights of the reached access points; exactly 1 where all are reached.
    """
    first = np.searchsorted(need.feature, np.arange(need.features + 1)).astype(np.int64)
    shares = np.empty((need.features, len(asked_type)))
    for question, (number, budget) in enumerate(zip(asked_type, asked_m, strict=True)):
        if tell is not None:
            tell(question)
        shares[:, question] = arrivals.weight_within(costs[number], float(budget), first, need.weight)
    return shares


def weights(compounds: pd.DataFrame, weight: str) -> Floats:
    """Weight of each compound; a missing number of people or households counts as 0."""
    if weight == "count":
        return np.ones(len(compounds))
    return compounds[weight].fillna(0).to_numpy(dtype=np.float64)


def sums(
    shares: Floats, weight: Floats, unreachable: npt.NDArray[np.bool_], level: Level
) -> dict[str, Floats]:
    """Sum whole compound weights over areas.

    Parameters
    ----------
    shares
        (compounds, questions) share of each compound that is served, from :func:`served`.
    weight
        (compounds,) what each counts as.
    unreachable
        (compounds,) not joined to any street; they are neither covered nor uncovered.
    level
        Areas to sum to.

    Returns
    -------
    dict
        By name (areas, questions): demand = covered (share 1) + partial + uncovered (share 0) + unreachable, and
        ``served`` = Σ weight x share.
    """
    met = np.where(unreachable[:, None], 0.0, shares)
    joined = ~unreachable[:, None]
    demanded = np.repeat(weight[:, None], shares.shape[1], axis=1)
    parts = {
        "demand": demanded,
        "covered": demanded * (joined & (met == 1.0)),
        "partial": demanded * (joined & (met > 0.0) & (met < 1.0)),
        "uncovered": demanded * (joined & (met == 0.0)),
        "unreachable": demanded * unreachable[:, None],
        "served": demanded * met,
    }
    return {name: level.share @ part for name, part in parts.items()}


def table(questions: pd.DataFrame, summed: dict[str, Floats], level: Level) -> pd.DataFrame:
    """Lay sums out as rows.

    Parameters
    ----------
    questions
        Columns ``facility_type, minutes, method`` and any others, which are repeated in each row.
    summed
        (areas, questions) arrays as from :func:`sums`, and of :data:`WALKS` where people walk.

    Returns
    -------
    DataFrame
        :data:`COLUMNS`, then the further columns of the questions; by question, then in the level's order.
        ``covered_share`` = covered / demand and ``served_share`` = served / demand are missing where there is
        no demand.
    """
    total = np.where(summed["demand"] > 0, summed["demand"], np.nan)
    figures = {name: summed[name] for name in SUMS}
    figures |= {"covered_share": summed["covered"] / total, "served_share": summed["served"] / total}
    figures |= {name: summed.get(name, np.full(total.shape, np.nan)) for name in WALKS}
    areas = len(level.codes)
    repeated = questions.iloc[np.repeat(np.arange(len(questions)), areas)].reset_index(drop=True)
    frame = pd.DataFrame(
        {"code": np.tile(level.codes, len(questions)), "name": np.tile(level.names, len(questions))}
        # Sums of shares end in noise far below a thousandth of a person.
        | {name: values.T.ravel().round(9) for name, values in figures.items()}
    )
    frame = pd.concat([frame, repeated], axis=1)
    return frame[[*COLUMNS, *(column for column in questions.columns if column not in COLUMNS)]]
