"""Where to build: the sites that serve most people, exactly with a proven gap, or quickly.

The maximal covering location problem (Church & ReVelle 1974, *The maximal covering location problem*): choose
candidates within a budget so that the demand reached by at least one is greatest; and its counterpart, the
fewest candidates that reach a target. Both are solved as mixed integer programs by HiGHS. The quick answer is a
greedy choice improved by exchanges (Teitz & Bart 1968), started anew several times; it also limits the exact
search.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.optimize import Bounds, LinearConstraint, OptimizeResult, milp
from scipy.sparse import csr_array, eye_array, hstack

from geo.faults import DataError, Fault

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Flags: TypeAlias = npt.NDArray[np.bool_]

#: Seconds that an exact answer may take before the best one found is given with its gap.
TIME_LIMIT_S = 60.0

# Weights that differ by less (as a share of all demand) are equal: nobody is a billionth of a person.
_SAME = 1e-9
# What the solver's bounds may be off by.
_SOLVED = 1e-6
# How often the quick answer is sought anew with half of its sites taken out.
_RESTARTS = 60


@dataclass(frozen=True, slots=True, eq=False)
class Options:
    """What may be built, and whom it would reach.

    Parameters
    ----------
    reaches
        (demand, candidates) sparse, 1 where a candidate reaches a piece of demand.
    weight
        (demand,) what each piece counts, not negative; 0 for what is served already.
    cost
        (candidates,) what each costs, positive.
    bonus
        (candidates,) what each is worth beside the demand it reaches, in units of weight: a preferred site is
        chosen where that loses less than its bonus.
    """

    reaches: csr_array
    weight: Floats
    cost: Floats
    bonus: Floats


def options(
    reaches: csr_array, weight: Floats, *, cost: Floats | None = None, bonus: Floats | None = None
) -> Options:
    """Return options; without costs each candidate costs 1, so that a budget is a number of sites.

    Raises
    ------
    DataError
        ``parameter-invalid`` for each candidate whose cost is not positive; rows count from 1.
    """
    candidates = reaches.shape[1]
    cost = np.ones(candidates) if cost is None else cost
    faults = [
        Fault(
            kind="parameter-invalid",
            field="cost",
            row=int(row) + 1,
            message=f"cost {cost[row]:g} is not positive.",
        )
        for row in np.flatnonzero(~(cost > 0))
    ]
    if faults:
        raise DataError(faults)
    return Options(reaches.astype(np.float64), weight, cost, np.zeros(candidates) if bonus is None else bonus)


@dataclass(frozen=True, slots=True)
class Sites:
    """Chosen sites.

    Parameters
    ----------
    candidate
        Numbers of the chosen candidates, in the order of building: each adds most of those not yet built.
    adds
        Weight that each serves beyond those before it.
    served
        Weight that all of them serve.
    bound
        What no choice betters: a greatest weight, bonuses included, for :func:`most`; a least cost for
        :func:`fewest`.
    gap
        How far the choice may be from the best one, as a share of the bound; 0: proven best.
    """

    candidate: tuple[int, ...]
    adds: tuple[float, ...]
    served: float
    bound: float
    gap: float


def most(options: Options, *, budget: float, exact: bool = True, time_limit_s: float = TIME_LIMIT_S) -> Sites:
    """Choose the sites that serve most within a budget.

    Parameters
    ----------
    exact
        Prove the answer, or say how far from the best it may be after `time_limit_s`; else answer quickly, with
        the bound that holds for any choice under diminishing returns (Nemhauser, Wolsey & Fisher 1978).

    Raises
    ------
    DataError
        ``parameter-invalid`` for a budget that pays for no candidate.
    """
    if not (options.cost <= budget).any():
        message = f"{budget:g} pays for no site; the cheapest costs {options.cost.min(initial=np.inf):g}."
        raise DataError(Fault(kind="parameter-invalid", field="budget", message=message))
    merged = _merged(options)
    chosen = _exchanged(merged, budget)
    if not exact:
        return _sites(merged, chosen, bound=_diminishing(merged, chosen, budget))
    demand, candidates = merged.reaches.shape
    spent = LinearConstraint(_row(merged.cost, np.zeros(demand)), -np.inf, budget)
    result = milp(
        -np.concatenate([merged.bonus, merged.weight]),
        integrality=np.repeat([1, 0], [candidates, demand]),
        bounds=Bounds(0.0, 1.0),
        constraints=[_served_by(merged), spent],
        options={"time_limit": time_limit_s, "mip_rel_gap": 0.0},
    )
    found = _found(result, candidates)
    if found is not None and _value(merged, found) > _value(merged, chosen):
        chosen = found
    bound = -_dual(result, otherwise=-_diminishing(merged, chosen, budget))
    return _sites(merged, chosen, bound=max(bound, _value(merged, chosen)))


def fewest(
    options: Options, *, target: float, exact: bool = True, time_limit_s: float = TIME_LIMIT_S
) -> Sites:
    """Choose the cheapest sites that serve a target, which are the fewest where each costs 1; no bonus counts.

    Parameters
    ----------
    target
        Weight to be served.
    exact
        As for :func:`most`.

    Raises
    ------
    DataError
        ``parameter-invalid`` for a target that all candidates together do not reach.
    """
    merged = _merged(options)
    within = float(merged.weight.sum())
    if target > within * (1 + _SAME):
        message = f"All candidates together serve {within:g}, which is less than {target:g}."
        raise DataError(Fault(kind="parameter-invalid", field="target", message=message))
    target = min(target, within)
    chosen = _cheapest(merged, target)
    if not exact:
        return _sites(merged, chosen, bound=_whole(merged, _least_cost(merged, target)), least=True)
    demand, candidates = merged.reaches.shape
    enough = LinearConstraint(_row(np.zeros(candidates), merged.weight), target * (1 - _SAME), np.inf)
    result = milp(
        np.concatenate([merged.cost, np.zeros(demand)]),
        integrality=np.repeat([1, 0], [candidates, demand]),
        bounds=Bounds(0.0, 1.0),
        constraints=[_served_by(merged), enough],
        options={"time_limit": time_limit_s, "mip_rel_gap": 0.0},
    )
    found = _found(result, candidates)
    if found is not None and merged.cost[found].sum() < merged.cost[chosen].sum():
        chosen = found
    bound = _dual(result, otherwise=_least_cost(merged, target))
    return _sites(merged, chosen, bound=_whole(merged, bound), least=True)


# --- the program ------------------------------------------------------------------------------------------


def _merged(options: Options) -> Options:
    """Make one piece of all demand that the same candidates reach; leave out what none reaches."""
    reaches = options.reaches
    reaches.sort_indices()
    piece: dict[bytes, int] = {}
    first: list[int] = []
    number = np.full(reaches.shape[0], -1)
    for row in np.flatnonzero((np.diff(reaches.indptr) > 0) & (options.weight > 0)):
        key = reaches.indices[reaches.indptr[row] : reaches.indptr[row + 1]].tobytes()
        number[row] = piece.setdefault(key, len(piece))
        if number[row] == len(first):
            first.append(int(row))
    counted = number >= 0
    weight = np.bincount(number[counted], weights=options.weight[counted], minlength=len(first))
    return Options(reaches[first], weight.astype(np.float64), options.cost, options.bonus)


def _served_by(options: Options) -> LinearConstraint:
    """No piece of demand is served by more than the sites that reach it."""
    return LinearConstraint(hstack([options.reaches, -eye_array(len(options.weight))]), 0.0, np.inf)


def _row(of_candidates: Floats, of_demand: Floats) -> csr_array:
    return csr_array(np.concatenate([of_candidates, of_demand])[None, :])


def _found(result: OptimizeResult, candidates: int) -> Flags | None:
    return None if result.x is None else result.x[:candidates] > 0.5  # noqa: PLR2004 - 0 or 1


def _dual(result: OptimizeResult, *, otherwise: float) -> float:
    """Bound of the minimised objective; `otherwise` where the time was too short for any."""
    bound = result.mip_dual_bound
    return max(otherwise, float(bound)) if bound is not None and np.isfinite(bound) else otherwise


# --- quick answers ----------------------------------------------------------------------------------------


def _value(options: Options, chosen: Flags) -> float:
    """Weight that a choice serves, and its bonuses."""
    return float(options.weight[options.reaches @ chosen > 0].sum() + options.bonus[chosen].sum())


def _gains(options: Options, chosen: Flags) -> Floats:
    """Weight that each candidate would add to a choice, and its bonus."""
    unserved = options.weight * (options.reaches @ chosen == 0)
    gains: Floats = options.reaches.T @ unserved + options.bonus
    return gains


def _filled(options: Options, chosen: Flags, budget: float) -> Flags:
    """Add, while the budget lasts, what gains most for its cost."""
    chosen = chosen.copy()
    while True:
        gains = _gains(options, chosen)
        left = budget - options.cost[chosen].sum()
        gains[chosen | (options.cost > left * (1 + _SAME))] = 0.0
        if gains.max(initial=0.0) <= _SAME * options.weight.sum():
            return chosen
        chosen[np.argmax(gains / options.cost)] = True


def _swapped(options: Options, chosen: Flags, budget: float) -> Flags:
    """Exchange one site for another while that serves more."""
    chosen = chosen.copy()
    while chosen.any():
        built = np.flatnonzero(chosen)
        times = options.reaches @ chosen
        # By site: what would be unserved without it, and what each candidate would then add.
        unserved = options.weight[:, None] * (times[:, None] == options.reaches[:, built].toarray())
        gains = options.reaches.T @ unserved + options.bonus[:, None]
        left = budget - options.cost[built].sum() + options.cost[built]
        gains[chosen[:, None] | (options.cost[:, None] > left * (1 + _SAME))] = -np.inf
        lost = unserved.sum(axis=0) - options.weight[times == 0].sum() + options.bonus[built]
        opened, closed = np.unravel_index(np.argmax(gains - lost), gains.shape)
        if gains[opened, closed] - lost[closed] <= _SAME * options.weight.sum():
            return chosen
        chosen[built[closed]], chosen[opened] = False, True
    return chosen


def _exchanged(options: Options, budget: float) -> Flags:
    """Greedy choice improved by exchanges, and sought anew from halves of the best one."""
    best = _filled(options, _swapped(options, _filled(options, _nothing(options), budget), budget), budget)
    random = np.random.default_rng(0)
    for _ in range(_RESTARTS):
        half = best & (random.random(len(best)) < 0.5)  # noqa: PLR2004 - a half
        other = _filled(options, half, budget)
        other = _filled(options, _swapped(options, other, budget), budget)
        if _value(options, other) > _value(options, best):
            best = other
    return best


def _cheapest(options: Options, target: float) -> Flags:
    """Greedy choice up to a target; then, site by site, another choice that does without the dearest."""
    best = _nothing(options)
    while options.weight[options.reaches @ best > 0].sum() < target * (1 - _SAME):
        gains = _gains(options, best) - options.bonus
        best[np.argmax(gains / options.cost)] = True
    plain = Options(options.reaches, options.weight, options.cost, np.zeros(len(options.bonus)))
    while best.any():
        budget = options.cost[best].sum() - options.cost[best].min()
        other = _swapped(plain, _filled(plain, _nothing(plain), budget), budget)
        if _value(plain, other) < target * (1 - _SAME):
            return best
        best = other
    return best


def _nothing(options: Options) -> Flags:
    return np.zeros(len(options.cost), dtype=bool)


def _diminishing(options: Options, chosen: Flags, budget: float) -> float:
    """Bound of the value of any choice: what is served now, and the greatest gains that the budget pays for."""
    gains = np.where(chosen, 0.0, _gains(options, chosen))
    return _value(options, chosen) + _fractional(np.maximum(gains, 0.0), options.cost, budget)


def _least_cost(options: Options, target: float) -> float:
    """Bound of the cost of any choice that serves a target, as if no two candidates served the same people."""
    singly = options.reaches.T @ options.weight
    useful = np.flatnonzero(singly > 0)
    order = useful[np.argsort(-singly[useful] / options.cost[useful], kind="stable")]
    served, spent = (np.append(0.0, np.cumsum(values[order])) for values in (singly, options.cost))
    return float(np.interp(target, served, spent))


def _whole(options: Options, bound: float) -> float:
    """Round a bound of costs up where every cost is whole, so that it counts sites."""
    whole = np.array_equal(options.cost, np.round(options.cost))
    return float(np.ceil(bound - _SOLVED)) if whole else bound


def _fractional(gains: Floats, cost: Floats, budget: float) -> float:
    """Most that a budget buys where parts can be bought."""
    order = np.argsort(-gains / cost, kind="stable")
    spent = np.minimum(np.cumsum(cost[order]), budget)
    return float((np.diff(spent, prepend=0.0) / cost[order]) @ gains[order])


# --- answers ----------------------------------------------------------------------------------------------


def _sites(options: Options, chosen: Flags, *, bound: float, least: bool = False) -> Sites:
    """Put a choice in the order of building."""
    order: list[int] = []
    adds: list[float] = []
    waiting, built = chosen.copy(), _nothing(options)
    while waiting.any():
        gains = _gains(options, built) - options.bonus
        site = int(np.argmax(np.where(waiting, gains, -np.inf)))
        order.append(site)
        adds.append(float(gains[site]))
        built[site], waiting[site] = True, False
    reached = float(options.cost[chosen].sum()) if least else _value(options, chosen)
    off = abs(bound - reached) / max(abs(bound), np.finfo(np.float64).tiny)
    return Sites(tuple(order), tuple(adds), float(sum(adds)), bound, off if off > _SAME else 0.0)
