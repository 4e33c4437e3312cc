"""Which borders the incidents cast doubt on, on the paper city."""

import datetime as dt
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import shapely
from shapely import box

from geo.assign import RULES
from layers import borders, history, incidents, located
from layers.borders import Question
from layers.incidents.search import Filters
from tests import paper_city as city
from tests.paper_city import EAST, WEST, point

NOW = dt.datetime(2026, 4, 1, tzinfo=dt.UTC)
DAY = dt.date(2026, 4, 1)

#: Places, and at which border they count as what; a step is about 100 m.
PLACES = {
    (3.9, 1): ("borderline", WEST + "001", WEST + "002"),
    (4.1, 2): ("borderline", WEST + "001", WEST + "002"),
    (4, 3): ("border", WEST + "001", WEST + "002"),
    (1, 3.9): ("borderline", WEST + "002", WEST + "003"),
    (2.1, 6): ("none-or-nearest", WEST + "003", WEST + "004"),
    (10.5, 5.2): ("overlap", EAST + "002", EAST + "003"),
    (8.9, 1.5): ("nearest", EAST + "004", None),
    (-2, 2): ("none", WEST + "002", None),
    (-9, 2): None,
    (2, 2): None,
}


def file(session, *places, **said):
    """File incidents at places of the paper; return their ids."""
    filed = []
    for place in places:
        lon, lat = point(*place) if place else (None, None)
        report = incidents.Report(**{"category": "0101", "reported_at": NOW, "lon": lon, "lat": lat, **said})
        filed.append(
            incidents.intake(session, report, actor="li", now=NOW, desk=incidents.Desk(on=DAY)).incident.id
        )
    session.commit()
    return filed


def ask(session, **asked):
    question = Question(**{name: value for name, value in asked.items() if name != "filters"})
    question = replace(question, filters=Filters(**asked.get("filters", {})))
    return borders.answer(session, history.current(session, dt.datetime.now(dt.UTC)), question)


def counted(statistics):
    """Counts above zero by the codes of the border."""
    return {
        row["codes"]: {name: row[name] for name in borders.COUNTS[:-1] if row[name]}
        for row in statistics.table.to_dict("records")
    }


@pytest.fixture
def built(session):
    city.build(session)
    return session


def test_each_doubtful_incident_counts_at_one_border(built):
    file(built, *PLACES)
    found = ask(built)
    expected = {
        (WEST + "001", WEST + "002"): {"borderline": 2, "border": 1},
        (WEST + "002", WEST + "003"): {"borderline": 1},
        (WEST + "003", WEST + "004"): {"nearest": 1},
        (EAST + "002", EAST + "003"): {"overlap": 1},
        (EAST + "004",): {"nearest": 1},
        (WEST + "002",): {"none": 1},
    }
    assert counted(found) == expected
    assert (found.elsewhere, found.handed_elsewhere, found.unplaced) == (1, 0, 0)
    assert found.table.kind.tolist()[0] == "shared"
    assert dict(zip(found.table.codes, found.table.kind, strict=True))[WEST + "003", WEST + "004"] == "gap"
    assert found.table["total"].sum() == len(found.points) == 8


def test_the_worst_border_comes_first_with_its_rate_and_a_place_to_go_to(built):
    file(built, (3.9, 1), (4.1, 2), (4.1, 3), (1, 3.9), (8.9, 1.5))
    table = ask(built).table
    assert table["rank"].tolist() == [1, 2, 3]
    assert table["total"].tolist() == [3, 1, 1]
    assert table["per_km"].is_monotonic_decreasing or table["per_km"][1] >= table["per_km"][2]
    first = table.iloc[0]
    assert (first.left_name, first.right_name) == ("grids 001", "grids 002")
    assert first.per_km == pytest.approx(3 / first.length_m * 1000)
    assert (first.lon, first.lat) == pytest.approx(point(4, 2), abs=1e-6)


def test_how_near_is_borderline_is_asked(built):
    file(built, (3.9, 1), (3.7, 1))
    assert counted(ask(built, within_m=20.0)) == {(WEST + "001", WEST + "002"): {"borderline": 1}}
    assert counted(ask(built, within_m=35.0)) == {(WEST + "001", WEST + "002"): {"borderline": 2}}


def test_incidents_are_filtered(built):
    file(built, (3.9, 1))
    file(built, (3.9, 1), category="0202", reported_at=NOW + dt.timedelta(days=2))
    file(built, None, address="滨江路 1 号")
    every = {(WEST + "001", WEST + "002"): {"borderline": 2}}
    one = {(WEST + "001", WEST + "002"): {"borderline": 1}}
    assert counted(ask(built)) == counted(ask(built, filters={"status": "open"})) == every
    assert ask(built).unplaced == 1
    assert counted(ask(built, filters={"category": "0202"})) == one
    assert counted(ask(built, filters={"until": NOW + dt.timedelta(days=1)})) == one
    assert counted(ask(built, filters={"status": "closed"})) == {}


def test_an_area_chooses_borders_with_the_incidents_on_both_sides(built):
    file(built, (3.9, 1), (4.1, 2), (1, 3.9), (10.5, 5.2))
    only = {(WEST + "001", WEST + "002"): {"borderline": 2}}
    assert counted(ask(built, filters={"area": WEST + "001"})) == only
    assert set(counted(ask(built, filters={"area": WEST}))) == {*only, (WEST + "002", WEST + "003")}
    assert set(counted(ask(built, filters={"area": EAST}))) == {(EAST + "002", EAST + "003")}
    nothing = ask(built, filters={"area": "999"})
    assert (counted(nothing), nothing.borders, nothing.length_m) == ({}, 0, 0.0)


def test_a_reader_sees_the_borders_and_the_incidents_of_the_own_areas(built):
    file(built, (3.9, 1), (4.1, 2), (10.5, 5.2), (-2, 2))
    mine = ask(built, filters={"scope": [WEST + "002"]})
    assert counted(mine) == {(WEST + "001", WEST + "002"): {"borderline": 1}}
    district = ask(built, filters={"scope": ["420199"], "scope_unassigned": True})
    assert district.table["total"].sum() == 4
    assert ask(built, filters={"scope": ["420199"]}).table["total"].sum() == 3


def test_a_level_has_borders_of_its_own(built):
    file(built, (3.9, 1), (8.1, 1), (7.9, 1))
    assert counted(ask(built, level="community")) == {(WEST, EAST): {"borderline": 2}}
    assert counted(ask(built, level="district")) == {}


# --- hand-overs -------------------------------------------------------------------------------------------


def hand_over(session, incident_id, code, reason="跨界"):
    incidents.reassign(session, incident_id, code, reason=reason, actor="li", now=NOW)
    session.commit()


def test_a_decision_by_hand_counts_at_the_border_it_crossed(built):
    near, far = file(built, (3, 1), (1, 2))
    hand_over(built, near, WEST + "001")
    hand_over(built, far, EAST + "003")
    found = ask(built)
    assert counted(found) == {(WEST + "001", WEST + "002"): {"handed_over": 1}}
    assert found.handed_elsewhere == 1
    incidents.release(built, near, actor="li", now=NOW, on=DAY)
    assert counted(ask(built)) == counted(found), "what was done stays counted"


def test_a_decision_about_an_incident_without_an_area_crossed_none(built):
    (nowhere,) = file(built, (-2, 2))
    hand_over(built, nowhere, WEST + "002")
    found = ask(built)
    assert counted(found) == {(WEST + "002",): {"none": 1}}
    assert found.handed_elsewhere == 0


def test_at_a_higher_level_only_moves_between_its_areas_count(built):
    within, across = file(built, (3, 1), (7, 3))
    hand_over(built, within, WEST + "001")
    hand_over(built, across, EAST + "001")
    assert counted(ask(built, level="community")) == {(WEST, EAST): {"handed_over": 1}}


# --- borders that moved -----------------------------------------------------------------------------------


def move_the_border(session):
    """Move the border between the two southern grids of the west from x = 4 to x = 6."""
    changed = city.grids({WEST + "002": box(0, 0, 6, 4), WEST + "001": box(6, 0, 8, 4)})
    city.publish(session, {"grids": changed}, now=NOW + dt.timedelta(hours=1))


@pytest.mark.parametrize("status", ["open", "closed"])
def test_incidents_are_judged_by_the_borders_of_now(built, status):
    lon, lat = zip(point(3.9, 1), point(5.9, 1), strict=True)
    frame = pd.DataFrame({"category": "0101", "reported_at": NOW, "lon": lon, "lat": lat, "status": status})
    incidents.import_frame(built, frame, actor="li", now=NOW)
    built.commit()
    before = ask(built)
    move_the_border(built)
    after = ask(built)
    assert counted(before) == counted(after) == {(WEST + "001", WEST + "002"): {"borderline": 1}}
    assert before.points["lon"][0] == pytest.approx(point(3.9, 1)[0])
    assert after.points["lon"][0] == pytest.approx(point(5.9, 1)[0])


def test_the_points_are_the_incidents_that_were_counted(built):
    ids = file(built, (3.9, 1), (-2, 2), (2, 2))
    points = ask(built).points
    assert {value.hex for value in ids[:2]} == set(points["id"])
    signs = [borders.SIGNS[sign] for sign in points["sign"]]
    assert sorted(signs) == ["borderline", "none"]
    assert sorted(points["rank"]) == [1, 2]


def test_nothing_narrowed_away_is_missed(built):
    """Random incidents: the table equals what asking every single one gives."""
    random = np.random.default_rng(7)
    lon, lat = np.array([point(*place) for place in random.uniform(-1, 15, (300, 2))]).T
    status = random.choice(["open", "closed"], 300)
    frame = pd.DataFrame({"category": "0101", "reported_at": NOW, "lon": lon, "lat": lat, "status": status})
    incidents.import_frame(built, frame, actor="li", now=NOW)
    built.commit()
    move_the_border(built)
    found = ask(built)
    areas = located.load_areas(built, 2)
    index = borders.load_borders(built, 2)
    assigned = areas.index.assign(lon, lat, margin=True)
    rows = index.attribute(lon, lat, assigned)
    expected = pd.DataFrame({"codes": index.frame.codes.to_numpy()[rows], "rule": assigned.rule})[rows >= 0]
    for codes, counts in counted(found).items():
        mine = expected["rule"][[code == codes for code in expected["codes"]]]
        named = {("borderline" if rule == 0 else RULES[rule]): n for rule, n in mine.value_counts().items()}
        # Several borders may have the same codes; together they count the same.
        assert sum(named.values()) >= sum(counts.values())
    assert found.table["total"].sum() == len(expected)
    assert shapely.is_valid(found.table.geometry.to_numpy()).all()
