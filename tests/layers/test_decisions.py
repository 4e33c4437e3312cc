"""Handing an incident to the neighbour: what is refused, and that it stays until it is released."""

import datetime as dt
from uuid import uuid4

import pytest
from shapely import box

from geo.faults import DataError
from layers import incidents
from layers.errors import Conflict, NotFound
from layers.incidents import decisions
from tests import paper_city as city
from tests.paper_city import EAST, WEST, point

NOW = dt.datetime(2026, 4, 1, tzinfo=dt.UTC)
DAY = dt.date(2026, 4, 1)


@pytest.fixture
def built(session):
    city.build(session)
    return session


def file(session, place):
    lon, lat = point(*place)
    report = incidents.Report(category="0101", reported_at=NOW, lon=lon, lat=lat)
    done = incidents.intake(session, report, actor="li", now=NOW, desk=incidents.Desk(on=DAY))
    session.commit()
    return done.found.incident.id


def hand_over(session, incident_id, code, reason="跨界道路"):
    done = incidents.reassign(session, incident_id, code, reason=reason, actor="li", now=NOW)
    session.commit()
    return done


def refused(session, incident_id, code, reason="跨界道路"):
    with pytest.raises(DataError) as caught:
        incidents.reassign(session, incident_id, code, reason=reason, actor="li", now=NOW)
    session.rollback()
    return {fault.field: fault.message for fault in caught.value.faults}


def test_what_cannot_be_meant_is_refused_with_what_to_do(built):
    unit = {WEST + "901": box(0, 0, 2, 2)}
    frame = city.areas("units", unit, lambda code: code[:12], scheme="unit", kind="base")
    city.publish(built, {"grids": frame})
    incident_id = file(built, (3.9, 1))
    assert refused(built, incident_id, WEST + "002") == {
        "area_code": f"The incident already belongs to grids 002 ({WEST}002); choose another grid."
    }
    assert "scheme 'unit'" in refused(built, incident_id, WEST + "901")["area_code"]
    assert refused(built, incident_id, WEST) == {
        "area_code": f"{WEST} is a community; choose one of its grids."
    }
    assert set(refused(built, incident_id, "nothing", reason=" \n")) == {"area_code", "reason"}
    assert set(refused(built, incident_id, WEST + "001", reason="")) == {"reason"}
    with pytest.raises(NotFound):
        hand_over(built, uuid4(), WEST + "001")


def test_a_grid_far_away_is_the_persons_decision(built):
    done = hand_over(built, file(built, (1, 1)), EAST + "003", reason="来电人更正位置")
    assert (done.rule, done.area_code) == ("manual", EAST + "003")


def test_a_closed_incident_stays_where_it_was(built):
    incident_id = file(built, (3.9, 1))
    decisions.get(built, incident_id).status = "closed"
    built.commit()
    with pytest.raises(Conflict):
        hand_over(built, incident_id, WEST + "001")


def test_it_stays_through_a_border_edit_until_it_is_released(built):
    incident_id = file(built, (3.9, 1))
    hand_over(built, incident_id, WEST + "001", reason="边界争议")
    # The border moves further away, which would give the place to the other grid more clearly than before.
    wider = city.grids({WEST + "002": box(0, 0, 6, 4), WEST + "001": box(6, 0, 8, 4)})
    city.publish(built, {"grids": wider}, now=NOW + dt.timedelta(hours=1))
    built.expire_all()
    kept = decisions.get(built, incident_id)
    assert (kept.rule, kept.area_code) == ("manual", WEST + "001")
    (placed, moved) = incidents.assignments(built, kept)
    assert (placed.rule, moved.rule, moved.reason, moved.decided_by) == ("inside", "manual", "边界争议", "li")
    released = incidents.release(built, incident_id, actor="wang", now=NOW + dt.timedelta(hours=2), on=DAY)
    assert (released.rule, released.area_code, released.revision) == ("inside", WEST + "002", 2)
    last = incidents.assignments(built, released)[-1]
    assert (last.reason, last.decided_by, last.revision) == ("released", "wang", 2)
