"""By how much circles overstate: on the paper street."""

import numpy as np
import pytest

from geo import coverage
from geo.coverage import Query
from tests.geo.coverage.test_table import PAPER, paper_city
from tests.geo.networks import build

#: The street leads round, so that all who live along it walk farther than the crow flies.
ROUND = paper_city(network=build([(-500, 0), (0, 0)], [(0, 0), (0, 400), (90, 400), (90, 0), (2000, 0)]))


def asked(city, **words):
    return coverage.answer(city, Query(facility_types=("market",), method="both", **words))


def test_rows_of_circles_say_what_they_cover_beyond_the_streets():
    answer = asked(ROUND, level="district", minutes=(10,))
    table = answer.table.set_index("method")
    # Along streets 800 m more: only E is left within 750 m, in no area; the circle still has A and half of B.
    assert table.loc["network", "covered"] == 0
    assert table.loc["circle", ["covered", "overstated"]].tolist() == [100, 100]
    assert table.loc["circle", "overstated_share"] == pytest.approx(100 / 177)
    assert np.isnan(table.loc["network", "overstated"])


def test_the_whole_is_the_sum_over_the_areas_of_any_level():
    for level in ("grid", "community", "district"):
        summary = asked(ROUND, level=level, minutes=(10, 30)).overstatement.set_index("minutes")
        assert summary["demand"].tolist() == pytest.approx([177, 177])
        assert summary["overstated"].tolist() == pytest.approx([100, 27])
        assert summary["overstated_share"].tolist() == pytest.approx([100 / 177, 27 / 177])
        assert np.isnan(summary.loc[10, "overstated_factor"]), "streets cover none"
        assert summary.loc[30, "overstated_factor"] == pytest.approx(177 / 150)


def test_what_no_street_reaches_is_overstated_too():
    # D lives 1,749 m from the market, 900 m from any street.
    summary = asked(PAPER, level="district", minutes=(25,)).overstatement
    assert summary["overstated"].tolist() == [7]


def test_the_standards_own_radii_side_by_side():
    answer = coverage.answer(ROUND, Query(standard="gb50180", method="both", level="district"))
    market = answer.table[answer.table["facility_type"] == "market"].set_index("method")
    assert market.loc["circle", ["covered", "overstated"]].tolist() == [100, 100]
    assert (market["budget_m"] == 500).all()
    assert market["mandatory_levels"].tolist() == ["10", "10"]
    assert answer.overstatement["facility_type"].tolist() == ["market", "school"]


def test_one_method_alone_overstates_nothing():
    answer = coverage.answer(PAPER, Query(method="circle", level="district"))
    assert answer.overstatement.empty
    assert "overstated" not in answer.table
