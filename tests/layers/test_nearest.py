"""The nearest facilities on foot from a place, in the city that can be walked in."""

import pytest
from shapely import LineString

from layers import nearest
from layers.publishing import Change
from layers.streets import load_network
from tests import paper_city, walking_city
from tests.paper_city import on_map, point


@pytest.fixture
def walked(session):
    walking_city.build(session)
    return session


def walks(session, place, *types, revision=1):
    facilities = nearest.load_facilities(session, revision, load_network(session, revision))
    return nearest.walks(facilities, *place, types)


def test_the_nearest_of_each_type_with_the_walking_time(walked):
    market, school = walks(walked, point(5, 4.1), "fresh_market", "primary_school")
    assert (market.facility_type, market.code, market.name, market.reason) == (
        "fresh_market", "F1", "十字菜市场", None,
    )  # fmt: skip
    # A step is 93.5 m east and 108.3 m north here: off the street, along it to the crossing.
    assert market.metres == pytest.approx(93.5 + 10.8, rel=0.01)
    assert market.minutes == pytest.approx(market.metres / 75, abs=0.01)
    # The school is entered at its gate, 0.1 north of which runs the street.
    assert (school.code, school.metres) == ("F3", pytest.approx(2 * 93.5 + 2 * 10.8, rel=0.01))


def test_the_nearest_is_another_one_elsewhere(walked):
    assert walks(walked, point(12, 4), "fresh_market")[0].code == "F2"
    assert walks(walked, point(9.4, 4), "fresh_market")[0].code == "F1"
    assert walks(walked, point(9.6, 4), "fresh_market")[0].code == "F2"


def test_why_there_is_none(walked):
    assert walks(walked, point(5, 4), "library") == [nearest.no_walk("library", "no-facility")]
    far = walks(walked, point(13, 7), "fresh_market", "library")
    assert [walk.reason for walk in far] == ["no-street", "no-facility"]
    apart = walking_city.streets().iloc[:1].assign(code="S9")
    apart.index = paper_city.identifiers("streets", ["S9"])
    # More than 1 km of street, so that it counts as a part of its own and not as an island.
    apart.geometry = [on_map(LineString([(0, 7), (12, 7)]))]
    paper_city.publish(walked, {"streets": Change(apart)})
    assert walks(walked, point(12, 7), "fresh_market", revision=2)[0].reason == "not-connected"


def test_no_facility_of_any_type(walked):
    removed = list(walking_city.facilities().index)
    paper_city.publish(walked, {"facilities": Change(walking_city.facilities().iloc[:0], removed=removed)})
    assert walks(walked, point(5, 4), "fresh_market", revision=2)[0].reason == "no-facility"
