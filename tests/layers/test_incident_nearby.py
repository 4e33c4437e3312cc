"""What was reported near by: distances on the ellipsoid, times on both sides, and only what the reader may see."""

import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod

from geo.assign.geodesic import distances_m
from layers import incidents
from layers.incidents import Vicinity, nearby
from layers.incidents.nearby import LISTED
from tests import paper_city as city

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
HERE = city.point(1, 1)


def north(metres, place=HERE):
    lon, lat, _ = Geod(ellps="WGS84").fwd(*place, 0, metres)
    return lon, lat


def east(metres, place=HERE):
    lon, lat, _ = Geod(ellps="WGS84").fwd(*place, 90, metres)
    return lon, lat


def file(session, place, *, hours=0.0, desk=None, **said):
    lon, lat = place or (None, None)
    reported_at = NOW + dt.timedelta(hours=hours)
    report = incidents.Report(
        **{"category": "0101", "reported_at": reported_at, "lon": lon, "lat": lat, **said}
    )
    done = incidents.intake(
        session, report, actor="zhang", now=NOW, desk=desk or incidents.Desk(on=NOW.date())
    )
    session.commit()
    return done


@pytest.fixture
def built(session):
    city.build(session)
    return session


def near(session, place=HERE, *, hours=0.0, **options):
    found = nearby(
        session,
        place,
        reported_at=NOW + dt.timedelta(hours=hours),
        category="0101",
        vicinity=options.pop("vicinity", Vicinity()),
        **options,
    )
    return [(one.id, round(one.distance_m, 3), one.duplicate) for one in found]


def test_duplicates_first_then_by_distance(built):
    same, close, other = (
        file(built, place, category=category).incident.id
        for place, category in ((east(40), "0101"), (north(10), "0101"), (north(5), "0202"))
    )
    assert near(built) == [(close, 10.0, True), (same, 40.0, True), (other, 5.0, False)]


def test_the_radius_is_metres_on_the_ellipsoid_in_every_direction(built):
    inside = [
        file(built, place).incident.id
        for place in (north(49.999), east(49.999), north(-49.999), east(-49.999))
    ]
    for place in (north(50.001), east(50.001), east(35.4, north(35.4))):
        file(built, place)
    assert {one for one, *_ in near(built)} == set(inside)
    assert near(built, vicinity=Vicinity(radius_m=49.99)) == []
    assert len(near(built, vicinity=Vicinity(radius_m=51))) == 7


def test_the_hours_count_before_and_after(built):
    kept = [file(built, HERE, hours=hours).incident.id for hours in (-24, -1, 0)]
    file(built, HERE, hours=-24.001)
    assert [one for one, *_ in near(built)] == sorted(kept, key=kept.index)[::-1] or len(near(built)) == 3
    assert len(near(built, hours=-24)) == 4
    assert near(built, hours=48.1) == []


def test_across_the_border_of_partitions(built):
    new_year = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    for minutes in (-5, 5):
        file(built, HERE, reported_at=new_year + dt.timedelta(minutes=minutes))
    found = nearby(built, HERE, reported_at=new_year, category="0101", vicinity=Vicinity())
    assert len(found) == 2


def test_only_what_the_reader_may_see_is_told(built):
    west, east_of = city.point(3.99, 1), city.point(4.01, 1)
    here = {name: file(built, place).incident for name, place in (("west", west), ("east", east_of))}
    assert here["west"].area_code != here["east"].area_code
    seen = near(built, west, scope=[here["west"].area_code], vicinity=Vicinity(radius_m=100))
    assert [one for one, *_ in seen] == [here["west"].id]
    assert near(built, west, scope=["elsewhere"]) == []
    nowhere = file(built, (120.0, 20.0)).incident
    assert near(built, (120.0, 20.0), scope=["elsewhere"]) == []
    assert near(built, (120.0, 20.0), scope=["elsewhere"], scope_unassigned=True) == [(nowhere.id, 0.0, True)]


def test_a_flood_of_reports_stays_bounded(built):
    for number in range(LISTED + 5):
        file(built, north(number))
    found = near(built)
    assert len(found) == LISTED
    assert [distance for _, distance, _ in found] == [float(number) for number in range(LISTED)]


def test_intake_tells_what_was_there_before_it(built):
    first = file(built, HERE)
    second = file(built, north(3))
    assert first.nearby == []
    assert [(one.id, one.duplicate) for one in second.nearby] == [(first.incident.id, True)]
    assert file(built, None, address="滨江路 1 号").nearby == []
    limited = incidents.Desk(on=NOW.date(), vicinity=Vicinity(radius_m=2.5))
    assert len(file(built, HERE, desk=limited).nearby) == 1


@given(
    lon=st.floats(-179, 179), lat=st.floats(-85, 85), azimuth=st.floats(0, 360), metres=st.floats(0.01, 5000)
)
def test_distances_are_those_of_the_geodesic(lon, lat, azimuth, metres):
    there = Geod(ellps="WGS84").fwd(lon, lat, azimuth, metres)[:2]
    assert distances_m((lon, lat), [there[0], lon], [there[1], lat]) == pytest.approx([metres, 0.0], abs=1e-6)


def test_distances_of_nothing():
    assert distances_m(HERE, [], []).tolist() == []
    assert np.isclose(distances_m((114.0, 30.0), [114.0], [31.0])[0], 110_861.5, atol=10)
