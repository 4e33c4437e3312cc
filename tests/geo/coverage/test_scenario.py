"""What scenarios change, on a street worked out by hand; and against a city built with the changes in it."""

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import MultiPoint, Point

from geo import coverage
from geo.coverage import Query, changes, city, scenario
from geo.coverage.changes import (
    AddEntrance,
    AddFacility,
    AddStreet,
    CloseFacility,
    MoveFacility,
    SlowStreets,
    WalkingSpeed,
)
from geo.crs import from_metric
from geo.faults import DataError
from geo.streets import network
from tests.geo.coverage.test_table import TYPES, frame, paper_city
from tests.geo.networks import METRIC, ORIGIN, streets

LINES = streets(
    [(-500, 0), (0, 0)], [(0, 0), (2000, 0)], kind=["residential", "footway"], walkable=True, steps=False,
    bridge=False, tunnel=False, level=0,
)  # fmt: skip
SOURCE = scenario.StreetSource(LINES)


def town():
    return paper_city(network.build(LINES, metric=METRIC))


def at(x, y):
    point = from_metric(np.array([Point(ORIGIN[0] + x, ORIGIN[1] + y)], dtype=object), METRIC)[0]
    return {"lon": point.x, "lat": point.y}


def shares(planned, minutes=10, profile="adult"):
    query = Query(facility_types=("market",), minutes=(minutes,), level="compound", profile=profile)
    table = coverage.answer(planned, query).table
    return dict(zip(table["code"], table["served_share"], strict=True))


def after(*stated, **words):
    return shares(scenario.planned(town(), stated, lambda: SOURCE), **words)


#: Half of B is served from the market at 0 m.
BEFORE = {"A": 1.0, "B": 0.5, "C": 0.0, "D": 0.0, "E": 1.0}


def test_before_and_nothing_of_it_changes():
    base = town()
    assert shares(base) == BEFORE
    planned = scenario.planned(base, [AddFacility(facility_type="market", **at(1500, 0))], lambda: SOURCE)
    assert shares(planned)["C"] == 1.0
    assert shares(base) == BEFORE
    assert len(base.facilities) == 1


def test_a_facility_more():
    served = after(AddFacility(facility_type="market", **at(1500, 0)))
    assert served == BEFORE | {"B": 1.0, "C": 1.0}


def test_a_facility_moved():
    assert after(MoveFacility(facility="F1", **at(1500, 0))) == {"A": 0, "B": 0.5, "C": 1, "D": 0, "E": 0}


def test_a_facility_closed():
    assert set(after(CloseFacility(facility="F1")).values()) == {0.0}


def test_a_gate_more():
    served = after(AddEntrance(compound="B", **at(745, 0)))
    assert served["B"] == pytest.approx(2 / 3)


def test_a_path_makes_a_compound_reachable():
    line = AddStreet(points=tuple((p["lon"], p["lat"]) for p in (at(600, 0), at(1000, 900), at(1400, 900))))
    planned = scenario.planned(town(), [line], lambda: SOURCE)
    before = coverage.answer(town(), Query(facility_types=("market",), level="compound"))
    now = coverage.answer(planned, Query(facility_types=("market",), minutes=(60,), level="compound"))
    assert [fault.id for fault in before.faults if fault.kind == "unreachable"] == ["D"]
    assert [fault.id for fault in now.faults if fault.kind == "unreachable"] == []
    assert now.table.set_index("code").loc["D", "covered"] == 7


def test_slower_streets_and_quicker_people():
    # The way to the gate of A at 299 m costs 598 m, to that of B at 700 m 1400 m.
    assert after(SlowStreets(kind="footway", factor=2.0))["A"] == 1.0
    assert after(SlowStreets(kind="footway", factor=2.0))["B"] == 0.0
    assert after(SlowStreets(kind="footway", factor=1.0)) == BEFORE
    # 2 m/s are 1200 m in ten minutes; the elderly's are their own.
    assert after(WalkingSpeed(profile="adult", metres_per_second=2.0))["B"] == 1.0
    assert after(WalkingSpeed(profile="elderly", metres_per_second=2.0)) == BEFORE
    assert after(WalkingSpeed(profile="elderly", metres_per_second=2.0), profile="elderly")["B"] == 1.0


def test_steps_are_slowed_whatever_their_kind():
    stepped = scenario.StreetSource(LINES.assign(steps=[False, True]), steps_factor=2.0)
    base = paper_city(network.build(stepped.streets, metric=METRIC, steps_factor=2.0))
    quick = scenario.planned(base, [SlowStreets(kind="steps", factor=1.0)], lambda: stepped)
    assert shares(quick) == BEFORE
    assert shares(base)["B"] == 0.0


def test_the_standard_has_no_speed_to_change():
    query = Query(facility_types=("market",), minutes=(10,), level="compound", profile="gb50180")
    fast = scenario.planned(town(), [WalkingSpeed(profile="adult", metres_per_second=3.0)], lambda: SOURCE)
    one, other = (coverage.answer(each, query).table for each in (town(), fast))
    assert one["budget_m"].tolist() == other["budget_m"].tolist()
    assert one["served_share"].tolist() == other["served_share"].tolist()


def test_every_fault_of_every_change_at_once():
    stated = [
        AddFacility(facility_type="palace", **at(0, 0)),
        AddFacility(facility_type="market", lon=200.0, lat=95.0),
        MoveFacility(facility="F9", lon=0.0, lat=0.0),
        CloseFacility(facility="F1"),
        CloseFacility(facility="F1"),
        AddEntrance(compound="Z", **at(0, 0)),
        AddEntrance(compound="C", **at(0, 0)),
        AddStreet(points=((114.0, 30.0),), bridge=True, tunnel=True),
        SlowStreets(kind="steps", factor=0.5),
        WalkingSpeed(profile="gb50180", metres_per_second=9.0),
        AddFacility(facility_type="market", capacity=-1, lon=float("nan"), lat=0.0),
    ]
    found = {(fault.field, fault.kind) for fault in changes.faults(town(), stated)}
    invalid = "parameter-invalid"
    assert found == {
        ("changes[0].facility_type", "type-unknown"),
        ("changes[1].lon", "coordinate-out-of-range"),
        ("changes[2].facility", invalid),
        ("changes[2].lon", "outside-parent"),
        ("changes[4].facility", invalid),
        ("changes[5].compound", invalid),
        ("changes[6].compound", invalid),
        ("changes[7].points", "outside-parent"),
        ("changes[7].points", "geometry-invalid"),
        ("changes[7].tunnel", invalid),
        ("changes[8].factor", invalid),
        ("changes[9].profile", invalid),
        ("changes[9].metres_per_second", invalid),
        ("changes[10].lon", "coordinate-out-of-range"),
        ("changes[10].capacity", invalid),
    }
    assert [fault.field for fault in changes.faults(town(), [])] == ["changes"]


def test_a_street_that_meets_none_is_refused():
    far = AddStreet(points=tuple((p["lon"], p["lat"]) for p in (at(600, 50), at(600, 90))))
    assert changes.faults(town(), [far]) == []
    with pytest.raises(DataError) as caught:
        scenario.planned(town(), [far, SlowStreets(kind="steps", factor=2.0), far], lambda: SOURCE)
    assert [fault.kind for fault in caught.value.faults] == ["unreachable"] * 2


def test_changes_are_read_as_they_were_written():
    stated = [
        AddFacility(facility_type="market", lon=1.0, lat=2.0, name="新市场", capacity=3),
        MoveFacility(facility="F1", lon=1.0, lat=2.0),
        CloseFacility(facility="F1"),
        AddEntrance(compound="B", lon=1.0, lat=2.0),
        AddStreet(points=((1.0, 2.0), (3.0, 4.0)), steps=True),
        SlowStreets(kind="steps", factor=3.0),
        WalkingSpeed(profile="adult", metres_per_second=1.0),
    ]
    assert [changes.from_record(changes.as_record(each)) for each in stated] == stated


# --- against a city that is built with the changes in it ---------------------------------------------------

_PLACES = st.tuples(st.integers(-480, 1990), st.integers(-60, 60))


@settings(max_examples=40, deadline=None)
@given(
    standing=st.lists(st.tuples(_PLACES, st.sampled_from(["market", "school", "none"])), max_size=5),
    added=st.lists(st.tuples(_PLACES, st.sampled_from(["market", "school", "stage"])), max_size=3),
    data=st.data(),
)
def test_changes_equal_a_city_built_with_them(standing, added, data):
    facilities = frame(
        [Point(0, 0), *[Point(place) for place, _ in standing]],
        code=["F1", *[f"G{number}" for number in range(len(standing))]],
        name="设施",
        type=["market", *[kind for _, kind in standing]],
    )
    base = paper_city(network.build(LINES, metric=METRIC), facilities)
    codes = facilities["code"].tolist()
    closed = data.draw(st.lists(st.sampled_from(codes), unique=True, max_size=3))
    moved = data.draw(
        st.lists(st.tuples(st.sampled_from(codes), _PLACES), unique_by=lambda m: m[0], max_size=2)
    )
    moved = [(code, place) for code, place in moved if code not in closed]
    gates = data.draw(st.lists(st.tuples(st.sampled_from("AB"), _PLACES), max_size=3))
    stated = [
        *[AddFacility(facility_type=kind, **at(*place)) for place, kind in added],
        *[CloseFacility(facility=code) for code in closed],
        *[MoveFacility(facility=code, **at(*place)) for code, place in moved],
        *[AddEntrance(compound=code, **at(*place)) for code, place in gates],
    ]
    planned = scenario.planned(base, stated, lambda: SOURCE)
    slowed = scenario.planned(base, [*stated, SlowStreets(kind="motorway", factor=2)], lambda: SOURCE)
    built = _built(base, facilities, added=added, closed=closed, moved=dict(moved), gates=gates)
    for level in ("compound", "grid"):
        query = Query(minutes=(3, 5, 10), level=level, weight="people")
        tables = [coverage.answer(each, query).table for each in (planned, slowed, built)]
        for table in tables[:2]:
            pd.testing.assert_frame_equal(table, tables[2])
    for one, other in zip(planned.street_costs, built.street_costs, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def _built(base, facilities, *, added, closed, moved, gates):
    """The same city, everything made anew."""
    kept = facilities[~facilities["code"].isin([*closed, *moved])]
    places = [*moved.items(), *[(f"N{number}", place) for number, (place, _) in enumerate(added)]]
    types = [
        *[facilities.set_index("code")["type"][code] for code in moved], *[kind for _, kind in added],
    ]  # fmt: skip
    if places:
        more = frame(
            [Point(place) for _, place in places], code=[code for code, _ in places], name="新", type=types
        )
        kept = gpd.GeoDataFrame(pd.concat([kept, more]), crs="EPSG:4326")
    compounds = base.compounds.copy()
    entrances = compounds["entrances"].to_numpy(dtype=object).copy()
    for code, place in gates:
        row = compounds["code"].tolist().index(code)
        entrances[row] = MultiPoint([*entrances[row].geoms, Point(*at(*place).values())])
    compounds["entrances"] = gpd.GeoSeries(entrances, index=compounds.index, crs="EPSG:4326")
    return city.City(
        TYPES,
        base.network,
        kept,
        compounds,
        base.areas,
        city.shares.supply(base.network, kept, TYPES.index),
        city.shares.demand(base.network, compounds),
        base.levels,
    )


def test_what_is_kept_of_a_city_is_shared_where_it_stays_right():
    base = town()
    assert base.cells is not None
    planned = scenario.planned(base, [CloseFacility(facility="F1")], lambda: SOURCE)
    assert planned.cells is base.cells
    assert planned.network is base.network
    assert shapely.equals(planned.compounds.geometry.to_numpy(), base.compounds.geometry.to_numpy()).all()
    assert replace(base) is not base
