"""Scenarios: a city as it would be after some changes.

Facilities and gates are changed on the network that stands, so that an answer costs a search around each; what changes
the streets builds their network anew.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geo.coverage import shares
from geo.coverage.changes import (
    AddEntrance,
    AddFacility,
    AddStreet,
    Change,
    CloseFacility,
    MoveFacility,
    SlowStreets,
    WalkingSpeed,
)
from geo.coverage.city import City, with_facilities
from geo.faults import DataError, Fault
from geo.streets import access_points, joining, network, reach
from geo.streets.access_points import AccessPoints
from geo.streets.network import STEPS_FACTOR, Network

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]

#: Kind of a street that a scenario adds.
ADDED_KIND = "path"

#: What a scenario's word for a kind of street means that is no kind of its own: any flight of steps.
STEPS = "steps"


@dataclass(frozen=True, slots=True, eq=False)
class StreetSource:
    """What a network was made from, see :func:`geo.streets.network.build`."""

    streets: gpd.GeoDataFrame
    barriers: gpd.GeoDataFrame | None = None
    steps_factor: float = STEPS_FACTOR


@dataclass(slots=True)
class _Plan:
    """Changes sorted by what they change; the last one about a feature counts."""

    closed: set[str] = field(default_factory=set)
    added: list[dict[str, object]] = field(default_factory=list)
    gates: dict[str, list[shapely.Point]] = field(default_factory=dict)
    lines: list[AddStreet] = field(default_factory=list)
    factors: dict[str, float] = field(default_factory=dict)
    speeds: dict[str, float] = field(default_factory=dict)


def planned(city: City, changes: Sequence[Change], source: Callable[[], StreetSource]) -> City:
    """Return the city as it would be; the city itself stays as it is.

    Parameters
    ----------
    changes
        Free of the faults that :func:`geo.coverage.changes.faults` finds.
    source
        Gives what the city's network was made from; called only where streets change.

    Raises
    ------
    DataError
        ``unreachable`` for each new street that meets no street that people walk on.
    """
    plan = _plan(city, changes)
    if plan.lines or plan.factors:
        planned_city = _on_new_streets(city, plan, source())
    else:
        planned_city = _closed(city, plan.closed) if plan.closed else city
        if plan.added:
            _share_homes(city, planned_city)
            planned_city = with_facilities(planned_city, _facilities(city, plan.added))
        if plan.gates:
            planned_city = _with_gates(planned_city, plan.gates)
    return replace_keeping(planned_city, speeds={**city.speeds, **plan.speeds})


def replace_keeping(city: City, **fields: object) -> City:
    """Replace fields of a city that nothing kept with it is worked out from."""
    changed = replace(city, **fields)  # type: ignore[arg-type]  # the fields of a city
    vars(changed).update({name: kept for name, kept in vars(city).items() if name not in vars(changed)})
    return changed


def _plan(city: City, changes: Sequence[Change]) -> _Plan:
    plan = _Plan()
    rows = pd.Index(city.facilities["code"])
    for number, change in enumerate(changes):
        match change:
            case AddFacility():
                plan.added.append(_added(change, number))
            case MoveFacility():
                row = city.facilities.iloc[rows.get_loc(change.facility)]
                plan.closed.add(change.facility)
                plan.added = [kept for kept in plan.added if kept["code"] != change.facility]
                plan.added.append(_moved(row, change))
            case CloseFacility():
                plan.closed.add(change.facility)
                plan.added = [kept for kept in plan.added if kept["code"] != change.facility]
            case AddEntrance():
                plan.gates.setdefault(change.compound, []).append(shapely.Point(change.lon, change.lat))
            case AddStreet():
                plan.lines.append(change)
            case SlowStreets():
                plan.factors[change.kind] = change.factor
            case WalkingSpeed():
                plan.speeds[change.profile] = change.metres_per_second
    return plan


# --- facilities -------------------------------------------------------------------------------------------


def _added(change: AddFacility, number: int) -> dict[str, object]:
    return {
        "code": f"+{number + 1}",
        "name": change.name or f"+{number + 1}",
        "type": change.facility_type,
        "capacity": change.capacity,
        "geometry": shapely.Point(change.lon, change.lat),
    }


def _moved(row: pd.Series, change: MoveFacility) -> dict[str, object]:
    """A facility at another place has the gates of neither."""
    return {
        **{name: row.get(name) for name in ("code", "name", "type", "address", "capacity")},
        "geometry": shapely.Point(change.lon, change.lat),
    }


def _facilities(city: City, rows: list[dict[str, object]]) -> gpd.GeoDataFrame:
    """Rows of a layer frame like the city's."""
    columns = {
        name: pd.Series([row.get(name) for row in rows], dtype=object)
        for name in city.facilities.columns.drop("geometry")
    }
    frame = pd.DataFrame(columns).set_axis([f"planned {row['code']}" for row in rows])
    return gpd.GeoDataFrame(frame, geometry=[row["geometry"] for row in rows], crs="EPSG:4326")


def _share_homes(city: City, changed: City) -> None:
    """Sort the homes of the city once for all its scenarios; `changed` has the same."""
    vars(changed)["homes_by_chain"] = city.homes_by_chain


def _closed(city: City, codes: set[str]) -> City:
    """Return the city without some facilities; the costs of their types are worked out anew."""
    keep = ~city.facilities["code"].isin(codes).to_numpy()
    points = city.supply.points
    left = shares.Supply(city.supply.type[keep], city.supply.types, _kept(points, keep))
    changed = replace(city, facilities=city.facilities[keep], supply=left)
    for name in ("cells", "homes_by_chain", "unlinked"):
        if name in vars(city):
            vars(changed)[name] = vars(city)[name]
    types = np.unique(city.supply.type[~keep])
    types = types[types >= 0]
    position = np.full(left.types + 1, -1)
    position[types] = np.arange(len(types))
    begin = reach.starts(left.points.snapped, position[left.type[left.points.feature]], groups=len(types))
    costs = list(city.street_costs)
    found = reach.costs_to(city.network, begin, city.demand.snapped, limit_m=np.inf)
    for number, cost in zip(types, found, strict=True):
        costs[number] = cost
    vars(changed)["street_costs"] = tuple(costs)
    return changed


def _kept(points: AccessPoints, keep: npt.NDArray[np.bool_]) -> AccessPoints:
    """Access points of some of the features, numbered anew."""
    chosen = keep[points.feature]
    number = np.cumsum(keep) - 1
    return AccessPoints(
        int(keep.sum()),
        number[points.feature[chosen]],
        points.weight[chosen],
        points.x[chosen],
        points.y[chosen],
        points.snapped.take(chosen),
    )


# --- gates ------------------------------------------------------------------------------------------------


def _with_gates(city: City, gates: dict[str, list[shapely.Point]]) -> City:
    """Return the city with more entrances to compounds; the other compounds' costs stay as they are."""
    compounds = _gated(city.compounds, gates)
    rows = np.flatnonzero(compounds["code"].isin(gates).to_numpy())
    chosen = compounds.iloc[rows]
    fresh = access_points.find(city.network, chosen.geometry.to_numpy(), chosen["entrances"].to_numpy())
    standing = ~np.isin(city.demand.feature, rows)
    old = city.demand
    feature = np.concatenate([old.feature[standing], rows[fresh.feature]])
    order = np.argsort(feature, kind="stable")
    demand = AccessPoints(
        old.features,
        feature[order],
        np.concatenate([old.weight[standing], fresh.weight])[order],
        np.concatenate([old.x[standing], fresh.x])[order],
        np.concatenate([old.y[standing], fresh.y])[order],
        old.snapped.take(standing).followed_by(fresh.snapped).take(order),
    )
    changed = replace(city, compounds=compounds, demand=demand)
    for name in ("cells", "unlinked"):
        if name in vars(city):
            vars(changed)[name] = vars(city)[name]
    more = _costs_from(city, fresh)
    vars(changed)["street_costs"] = tuple(
        np.concatenate([cost[standing], new])[order]
        for cost, new in zip(city.street_costs, more, strict=True)
    )
    return changed


def _gated(compounds: gpd.GeoDataFrame, gates: dict[str, list[shapely.Point]]) -> gpd.GeoDataFrame:
    entrances = compounds["entrances"].to_numpy(dtype=object).copy()
    rows = pd.Index(compounds["code"])
    for code, points in gates.items():
        row = rows.get_loc(code)
        known = entrances[row]
        standing = [] if known is None or shapely.is_empty(known) else list(known.geoms)
        entrances[row] = shapely.MultiPoint([*standing, *points])
    return compounds.assign(entrances=gpd.GeoSeries(entrances, index=compounds.index, crs="EPSG:4326"))


def _costs_from(city: City, points: AccessPoints) -> Floats:
    """(types, points) metres to the nearest facility of each type: streets are walked both ways, so from the points."""
    begin = reach.starts(points.snapped, np.arange(len(points.feature)), groups=len(points.feature))
    offer = city.supply
    found = reach.within(
        city.network, begin, reach.by_chain(city.network, offer.points.snapped), limit_m=np.inf
    )
    kind = offer.type[offer.points.feature[found.place]]
    group = np.repeat(np.arange(len(points.feature)), np.diff(found.first))
    costs = np.full((offer.types, len(points.feature)), np.inf)
    known = kind >= 0
    np.minimum.at(costs, (kind[known], group[known]), found.cost_m[known])
    return costs


# --- streets ----------------------------------------------------------------------------------------------


def _on_new_streets(city: City, plan: _Plan, source: StreetSource) -> City:
    """Return the city on a network made anew, with the other changes of the plan."""
    streets = _new_network(source, plan, metric=city.network.metric)
    kept = city.facilities[~city.facilities["code"].isin(plan.closed).to_numpy()]
    facilities = pd.concat([kept, _facilities(city, plan.added)]) if plan.added else kept
    compounds = _gated(city.compounds, plan.gates)
    return replace(
        city,
        network=streets,
        facilities=facilities,
        compounds=compounds,
        supply=shares.supply(streets, facilities, city.types.index),
        demand=shares.demand(streets, compounds),
    )


def _new_network(source: StreetSource, plan: _Plan, *, metric: str) -> Network:
    streets, faults = source.streets, []
    for line in plan.lines:
        columns = {"kind": ADDED_KIND, "walkable": True, **line.columns()}
        joined = joining.join(streets, line.shape(), columns, metric=metric)
        if joined is None:
            lon, lat = line.points[0]
            message = f"The new street meets none that people walk on: its ends must come within {joining.JOIN_M:.0f} m."
            faults.append(Fault(kind="unreachable", field="changes", lon=lon, lat=lat, message=message))
        else:
            streets = joined
    if faults:
        raise DataError(faults)
    factors = dict(plan.factors)
    return network.build(
        streets,
        metric=metric,
        barriers=source.barriers,
        steps_factor=factors.pop(STEPS, source.steps_factor),
        kind_factors=factors,
    )
