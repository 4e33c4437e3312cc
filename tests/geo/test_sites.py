"""Sites on the city of :mod:`tests.geo.test_coverage`: people along one street, a market at its beginning.

Within 375 m (adult, 5 minutes) of the market lives A. The others have none: B with gates at 700 and 900 m
(50 people), C at 1500 m (20), D far from every street (7), E at -400 m (3).
"""

import numpy as np
import pandas as pd
import pytest
from shapely import Point
from shapely.affinity import translate

from geo import sites
from geo.crs import from_metric
from geo.faults import DataError
from geo.sites import Question
from tests.geo.coverage.test_table import PAPER
from tests.geo.networks import METRIC, ORIGIN


def at(**places):
    points = from_metric(
        np.array([translate(Point(place), *ORIGIN) for place in places.values()], dtype=object), METRIC
    )
    return pd.DataFrame(
        {
            "id": list(places),
            "name": "",
            "lon": [point.x for point in points],
            "lat": [point.y for point in points],
            "cost": 1.0,
            "bonus": 0.0,
        }
    )


PLACES = at(west=(-300, 0), near=(400, 0), middle=(800, 0), far=(1400, 0), field=(1000, 800))


def ask(candidates=PLACES, **words):
    words.setdefault("facility_type", "market")
    words.setdefault("minutes", 5)
    return sites.propose(PAPER, Question(**words), candidates)


def test_the_first_site_serves_most_of_those_without():
    answer = ask(sites=1)
    assert answer.table["id"].tolist() == ["middle"]
    # All 180 people; A lives within 375 m of the market that stands.
    assert (answer.demand, answer.served) == (180.0, 100.0)
    assert answer.table["adds"].tolist() == [50.0]
    assert answer.table["served_share"].tolist() == [pytest.approx(150 / 180)]
    assert answer.sites.gap == 0.0


def test_each_further_site_adds_to_those_before_it():
    table = ask(sites=3).table
    assert table["id"].tolist() == ["middle", "far", "west"]
    assert table["adds"].tolist() == [50.0, 20.0, 3.0]
    assert table["served"].tolist() == [150.0, 170.0, 173.0]
    assert table["compounds"].tolist() == [1, 1, 1]


def test_more_sites_than_help_are_not_proposed():
    assert len(ask(sites=5).table) == 3


def test_the_fewest_for_a_target():
    assert ask(target_share=0.9).table["id"].tolist() == ["middle", "far"]
    assert ask(target_share=0.5).table.empty


def test_a_target_beyond_all_candidates_says_what_they_reach():
    with pytest.raises(DataError, match="together serve 73"):
        ask(target_share=1.0)


def test_a_budget_pays_for_costs():
    dear = PLACES.assign(cost=[1.0, 9.0, 5.0, 2.0, 1.0])
    assert set(ask(dear, budget=3).table["id"]) == {"far", "west"}
    assert ask(dear, sites=1).table["id"].tolist() == ["middle"]


def test_where_nothing_may_be_built():
    # V reaches from 780 m on; of the places for B only `near` is left, which reaches its first gate.
    assert ask(sites=2, forbidden=("V",)).table["id"].tolist() == ["near", "west"]


def test_where_building_is_preferred():
    assert ask(sites=1, preferred=("W",), bonus=24.0).table["id"].tolist() == ["middle"]
    answer = ask(sites=1, preferred=("W",), bonus=26.0)
    assert answer.table["id"].tolist() == ["near"]
    assert answer.table["adds"].tolist() == [25.0]


def test_only_homes_of_an_area_count():
    answer = ask(sites=1, within="V")
    assert answer.demand == pytest.approx(0.6 * 50 + 20 + 7)
    assert answer.table["adds"].tolist() == [pytest.approx(30.0)]


def test_a_candidate_far_from_every_street_is_named_and_the_others_are_compared():
    answer = ask(sites=1)
    assert [(fault.kind, fault.id) for fault in answer.faults] == [("unreachable", "field")]
    assert answer.candidates == 4
    with pytest.raises(DataError, match="No candidate is left of 1") as refused:
        ask(PLACES[PLACES["id"] == "field"], sites=1)
    assert len(refused.value.faults) == 2


def test_a_quick_answer_is_never_better_than_its_bound():
    answer = ask(sites=2, exact=False)
    assert answer.table["adds"].sum() == 70.0
    assert answer.sites.bound >= 70.0


def test_candidates_of_the_city():
    compounds = sites.candidates_from(PAPER, "compounds")
    assert compounds["id"].tolist() == list("ABCDE")
    assert sites.candidates_from(PAPER, "compounds", within="V")["id"].tolist() == ["B", "C"]
    # The three ends of the two streets.
    assert len(sites.candidates_from(PAPER, "street_nodes")) == 3


@pytest.mark.parametrize(
    ("words", "fields"),
    [
        ({"sites": 0}, ["sites"]),
        ({"sites": 1, "budget": 2.0}, ["sites"]),
        ({}, ["sites"]),
        ({"target_share": 1.5}, ["target_share"]),
        (
            {"facility_type": "zoo", "profile": "dog", "weight": "land", "sites": -1},
            ["facility_type", "profile", "weight", "sites"],
        ),
        ({"sites": 1, "within": "nowhere"}, ["within"]),
        ({"sites": 1, "forbidden": ("nowhere",)}, ["forbidden"]),
    ],
)
def test_every_fault_of_a_question_at_once(words, fields):
    with pytest.raises(DataError) as refused:
        ask(**words)
    assert [fault.field for fault in refused.value.faults] == fields


def test_another_source_of_candidates_is_refused():
    with pytest.raises(DataError, match="compounds, street_nodes"):
        sites.candidates_from(PAPER, "stars")
