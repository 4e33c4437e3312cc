"""Sites: the best choice, its bound, and what each site adds."""

from itertools import chain, combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from geo import siting
from geo.faults import DataError

# Rows are homes, columns are sites:      A  B  C
HOMES = csr_array(np.array([[1, 0, 0],
                            [1, 1, 0],
                            [0, 1, 0],
                            [0, 0, 1]]))  # fmt: skip
PEOPLE = np.array([30.0, 50.0, 40.0, 60.0])


@pytest.mark.parametrize("exact", [True, False])
def test_the_sites_that_serve_most_come_in_the_order_of_what_they_add(exact):
    sites = siting.most(siting.options(HOMES, PEOPLE), budget=2, exact=exact)
    assert sites.candidate == (1, 2)
    assert sites.adds == (90.0, 60.0)
    assert sites.served == 150.0


def test_a_proven_answer_has_no_gap():
    sites = siting.most(siting.options(HOMES, PEOPLE), budget=2)
    assert (sites.bound, sites.gap) == (150.0, 0.0)


def test_demand_that_is_served_already_draws_no_site():
    sites = siting.most(siting.options(HOMES, np.array([30.0, 0.0, 0.0, 20.0])), budget=3)
    assert sites.candidate == (0, 2)


def test_a_budget_is_money_where_sites_have_costs():
    choice = siting.options(HOMES, PEOPLE, cost=np.array([2.0, 5.0, 1.0]))
    assert siting.most(choice, budget=5).candidate == (0, 2)
    assert siting.most(choice, budget=6).candidate == (1, 2)


def test_a_preferred_site_is_taken_where_it_loses_less_than_its_bonus():
    def chosen(bonus):
        choice = siting.options(HOMES, PEOPLE, bonus=np.array([bonus, 0.0, 0.0]))
        return siting.most(choice, budget=1).candidate

    assert chosen(9.0) == (1,)
    assert chosen(11.0) == (0,)


@pytest.mark.parametrize("exact", [True, False])
def test_the_fewest_sites_that_reach_a_target(exact):
    choice = siting.options(HOMES, PEOPLE)
    assert siting.fewest(choice, target=90, exact=exact).candidate == (1,)
    assert siting.fewest(choice, target=91, exact=exact).candidate == (1, 2)
    assert len(siting.fewest(choice, target=180, exact=exact).candidate) == 3


def test_what_cannot_be_had_is_refused_with_what_can():
    choice = siting.options(HOMES, PEOPLE, cost=np.array([2.0, 5.0, 3.0]))
    with pytest.raises(DataError, match="the cheapest costs 2"):
        siting.most(choice, budget=1)
    with pytest.raises(DataError, match="together serve 180, which is less than 181"):
        siting.fewest(choice, target=181)
    with pytest.raises(DataError) as refused:
        siting.options(HOMES, PEOPLE, cost=np.array([0.0, 5.0, -1.0]))
    assert [fault.row for fault in refused.value.faults] == [1, 3]


def test_nobody_to_serve_needs_no_site():
    nothing = siting.options(HOMES, np.zeros(4))
    assert siting.most(nothing, budget=1).candidate == ()
    assert siting.fewest(nothing, target=0).candidate == ()


@st.composite
def choices(draw):
    demand, candidates = draw(st.integers(1, 7)), draw(st.integers(1, 6))
    cells = st.lists(st.booleans(), min_size=demand * candidates, max_size=demand * candidates)
    reaches = np.array(draw(cells), dtype=float).reshape(demand, candidates)
    whole = st.integers(0, 9).map(float)
    weight = np.array(draw(st.lists(whole, min_size=demand, max_size=demand)))
    cost = np.array(draw(st.lists(st.integers(1, 3).map(float), min_size=candidates, max_size=candidates)))
    return reaches, weight, cost


def subsets(count):
    return map(list, chain.from_iterable(combinations(range(count), size) for size in range(count + 1)))


def value(reaches, weight, chosen):
    return weight[reaches[:, chosen].any(axis=1)].sum()


@given(choices(), st.integers(3, 9))
@settings(max_examples=60, deadline=None)
def test_no_choice_is_better_and_no_bound_is_broken(choice, budget):
    reaches, weight, cost = choice
    best = max(
        value(reaches, weight, chosen) for chosen in subsets(len(cost)) if cost[chosen].sum() <= budget
    )
    choice = siting.options(csr_array(reaches), weight, cost=cost)
    exact, quick = (siting.most(choice, budget=budget, exact=exact) for exact in (True, False))
    assert exact.served == pytest.approx(best)
    assert exact.gap == 0.0
    assert quick.served <= best * (1 + 1e-9)
    assert quick.bound >= best * (1 - 1e-9)
    for sites in (exact, quick):
        assert cost[list(sites.candidate)].sum() <= budget
        assert sites.served == pytest.approx(value(reaches, weight, list(sites.candidate)))
        assert list(sites.adds) == sorted(sites.adds, reverse=True)


@given(choices(), st.floats(0.1, 1.0))
@settings(max_examples=60, deadline=None)
def test_no_choice_that_reaches_the_target_is_cheaper(choice, share):
    reaches, weight, cost = choice
    target = share * value(reaches, weight, list(range(len(cost))))
    least = min(
        cost[chosen].sum()
        for chosen in subsets(len(cost))
        if value(reaches, weight, chosen) >= target * (1 - 1e-12)
    )
    choice = siting.options(csr_array(reaches), weight, cost=cost)
    exact, quick = (siting.fewest(choice, target=target, exact=exact) for exact in (True, False))
    assert cost[list(exact.candidate)].sum() == pytest.approx(least)
    assert exact.gap == 0.0
    assert cost[list(quick.candidate)].sum() >= least
    assert quick.bound <= least * (1 + 1e-9)
    assert value(reaches, weight, list(quick.candidate)) >= target * (1 - 1e-9)
