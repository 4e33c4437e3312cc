"""Publishing while incidents are filed: afterwards every open one equals what locate says, by every road."""

import datetime as dt
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from shapely import box
from sqlalchemy import func, select, text, update

from layers import database, history, incidents, located, publishing, store
from layers.incidents import search
from layers.incidents.search import Filters
from layers.publishing import Change
from layers.tables import Assignment, Incident, Revision
from tests import paper_city as city

ON = dt.date(2026, 3, 1)
LATER = city.NOW + dt.timedelta(days=1)
HALVES = {city.WEST + "002": box(0, 0, 3, 4), city.WEST + "001": box(3, 0, 8, 4)}
WHOLE = {city.WEST + "002": box(0, 0, 4, 4), city.WEST + "001": box(4, 0, 8, 4)}


@pytest.fixture
def built(session):
    city.build(session)
    return session


def file(session, x, y, *, desk=None, **said):
    lon, lat = city.point(x, y)
    report = incidents.Report(**{"category": "0101", "reported_at": LATER, "lon": lon, "lat": lat, **said})
    done = incidents.intake(session, report, actor="zhang", now=LATER, desk=desk or incidents.Desk(on=ON))
    session.commit()
    return done.incident


def publish(session, shapes, removed=(), *, commit=True, **options):
    gone = list(city.identifiers("grids", removed))
    done = publishing.publish(
        session, {"grids": Change(city.grids(shapes), gone)}, author="t", note="", now=LATER, **options
    )
    if commit:
        session.commit()
    return done


def recompute(session, revision):
    """Compare every open incident that no person decided with what locate says; return how many there are."""
    session.expire_all()
    count = 0
    for found in search.search(session, Filters(status="open"), limit=5000)[0]:
        if found.incident.rule == "manual" or found.place is None:
            continue
        here = located.locate_at(session, revision, found.place, on=ON)
        said = (found.incident.rule, found.incident.area_code, found.incident.candidates, found.incident.path)
        assert said == (
            here.rule,
            here.area.code if here.area else None,
            here.candidates,
            [a.code for a in here.path],
        )
        assert (found.incident.distance_m, found.incident.margin_m) == pytest.approx(
            (here.distance_m, here.margin_m)
        )
        (*_, last) = incidents.assignments(session, found.incident)
        assert (last.rule, last.area_code) == said[:2], "the newest record is the one that holds"
        count += 1
    return count


def test_whatever_is_filed_while_borders_move_ends_where_locate_says(built, engine):
    """Intake in threads, by memory and by the database, while five revisions are published."""
    stopped = threading.Event()
    # As a server has it whose memory is of the first revision.
    parts = ("areas", "compounds", "buildings", "old_estates", "posts")
    first = located.Locator(*(getattr(located, f"load_{part}")(built, 1) for part in parts))
    desks = [
        incidents.Desk(on=ON),
        incidents.Desk(on=ON, locators=lambda revision: first if revision == 1 else None),
    ]

    def take_in(number):
        random, filed = np.random.default_rng(number), 0
        with database.sessions(engine)() as session:
            while (not stopped.is_set() or filed < 5) and filed < 40:
                # Late ones too, of another quarter.
                ago = dt.timedelta(days=float(random.uniform(0, 150)))
                file(session, *random.uniform(-0.5, 8.5, 2), desk=desks[number % 2], reported_at=LATER - ago)
                filed += 1
        return filed

    with ThreadPoolExecutor(4) as pool:
        running = [pool.submit(take_in, number) for number in range(4)]
        for turn in range(5):
            done = publish(built, HALVES if turn % 2 == 0 else WHOLE)
        stopped.set()
        filed = sum(one.result(timeout=60) for one in running)
    assert done.revision == 6
    assert recompute(built, 6) == filed


def test_only_what_lies_where_borders_moved_is_decided_anew(built):
    # A tolerance of 50 m is half a step here.
    near = [file(built, x, y).id for x, y in [(1, 1), (3.5, 2), (5, 1), (3.5, -0.4)]]
    far = [file(built, x, y).id for x, y in [(1, 7), (12, 6), (9.5, 0.5)]]
    moves = publish(built, HALVES, commit=False)
    staged = set(built.scalars(text("SELECT id FROM staged_moves")))
    assert staged == set(near)
    assert staged.isdisjoint(far)
    assert moves.moved == 2
    built.commit()
    assert recompute(built, 2) == 7


def test_an_area_that_is_only_renamed_or_adopted_takes_its_incidents_along(built):
    incident = file(built, 1, 1)
    communities = city.layers()["communities"]
    # Both communities change codes: the grids' chains of parents end at none.
    moved = communities.assign(code=["420199001008", "420199001009"])
    gone = list(city.identifiers("communities", [city.WEST, city.EAST]))
    fresh = moved.set_axis(city.identifiers("communities", moved["code"]))
    city.publish(built, {"communities": Change(fresh, gone)}, now=LATER)
    built.expire_all()
    stored = incidents.get(built, incident.id)
    assert stored.path == [area.code for area in located.path_of(built, 2, city.WEST + "002")]
    assert city.WEST not in stored.path
    assert recompute(built, 2) == 1


def test_what_was_closed_moved_or_released_after_the_preparation_is_seen(built, engine, monkeypatch):
    closed, decided, freed, new = file(built, 3.5, 1), file(built, 3.5, 2), file(built, 3.5, 3), []
    incidents.reassign(built, freed.id, city.EAST + "002", reason="x", actor="li", now=LATER)
    built.commit()

    def meanwhile(session):
        with database.sessions(engine)() as other:
            other.execute(update(Incident).where(Incident.id == closed.id).values(status="closed"))
            incidents.reassign(other, decided.id, city.EAST + "002", reason="x", actor="li", now=LATER)
            incidents.release(other, freed.id, actor="li", now=LATER, on=ON)
            other.commit()
            new.append(file(other, 3.2, 2))
        lock(session)

    lock = history.lock_exclusive
    monkeypatch.setattr(history, "lock_exclusive", meanwhile)
    done = publish(built, HALVES)
    built.expire_all()
    codes = [incidents.get(built, one.id).area_code for one in (closed, decided, freed, new[0])]
    assert codes == [city.WEST + "002", city.EAST + "002", city.WEST + "001", city.WEST + "001"]
    assert done.moved == 2
    assert recompute(built, 2) == 2


def test_intake_goes_on_while_a_publication_is_prepared(built, engine, monkeypatch):
    filed = []

    def meanwhile(session):
        with database.sessions(engine)() as other:
            filed.append(file(other, 3.5, 2))
        lock(session)

    lock = history.lock_exclusive
    monkeypatch.setattr(history, "lock_exclusive", meanwhile)
    done = publish(built, HALVES)
    assert (filed[0].revision, filed[0].area_code, done.moved) == (1, city.WEST + "002", 1)
    assert recompute(built, 2) == 1


def test_publications_wait_for_each_other(built, engine):
    publish(built, HALVES, commit=False)
    with ThreadPoolExecutor(1) as pool, database.sessions(engine)() as other:
        second = pool.submit(publish, other, WHOLE)
        with pytest.raises(TimeoutError):
            second.result(timeout=0.5)
        built.commit()
        assert second.result(timeout=30).revision == 3
    assert store.read(built, "grids", 2, codes=[city.WEST + "002"]).geometry.iloc[0].area < (
        store.read(built, "grids", 3, codes=[city.WEST + "002"]).geometry.iloc[0].area
    )


def test_a_revision_takes_effect_when_it_is_ready_and_not_when_it_was_begun(built):
    """Somebody who asks `at=` a moment of the preparation gets what the system would have answered then."""
    ready = LATER + dt.timedelta(seconds=40)
    done = publish(built, HALVES, clock=lambda: ready)
    assert history.at(built, LATER + dt.timedelta(seconds=39)) == 1
    assert history.at(built, ready) == done.revision == 2
    assert built.get(Revision, 2).published_at == ready


def test_a_clock_set_back_while_a_revision_is_prepared_does_not_reorder_history(built):
    publish(built, HALVES, clock=lambda: LATER + dt.timedelta(days=1))
    publish(built, WHOLE, clock=lambda: LATER)
    assert built.get(Revision, 3).effective_from == built.get(Revision, 2).effective_from
    assert history.at(built, LATER + dt.timedelta(days=2)) == 3


# --- by hand ----------------------------------------------------------------------------------------------


def by_hand(session, code, x=1, y=1):
    incident = file(session, x, y)
    incidents.reassign(session, incident.id, code, reason="x", actor="li", now=LATER)
    session.commit()
    return incident.id


def test_a_decision_by_hand_outlives_every_edit_until_it_is_released(built):
    incident_id = by_hand(built, city.WEST + "001")
    for shapes in (HALVES, WHOLE, {city.WEST + "001": box(5, 0, 8, 4)}):
        publish(built, shapes)
        built.expire_all()
        stored = incidents.get(built, incident_id)
        assert (stored.rule, stored.area_code) == ("manual", city.WEST + "001")
    incidents.release(built, incident_id, actor="li", now=LATER, on=ON)
    built.commit()
    assert recompute(built, 4) == 1
    assert [one.rule for one in incidents.assignments(built, incidents.get(built, incident_id))] == [
        "inside", "manual", "inside",
    ]  # fmt: skip


def test_a_chain_of_successors_is_followed_revision_by_revision(built):
    incident_id = by_hand(built, city.EAST + "004")
    one, two = city.EAST + "008", city.EAST + "009"
    publish(built, {one: box(8.2, 1, 8.8, 2)}, removed=[city.EAST + "004"])
    publish(built, {two: box(8.2, 1, 8.8, 3)}, removed=[one])
    built.expire_all()
    stored = incidents.get(built, incident_id)
    assert (stored.rule, stored.area_code, stored.candidates) == ("manual", two, [two])
    assert stored.path[-2:] == [city.EAST, two]
    assert len(incidents.assignments(built, stored)) == 4


def test_a_closed_decision_by_hand_stays_with_its_retired_area(built):
    incident_id = by_hand(built, city.EAST + "004")
    built.execute(update(Incident).values(status="closed"))
    built.commit()
    assert publish(built, {city.EAST + "008": box(8.2, 1, 8.8, 2)}, removed=[city.EAST + "004"]).moved == 0
    built.expire_all()
    assert incidents.get(built, incident_id).area_code == city.EAST + "004"
    assert built.scalar(select(func.count()).select_from(Assignment)) == 2


def test_what_is_queued_by_hand_waits_until_a_person_decides_again(built):
    incident_id = by_hand(built, city.EAST + "004")
    halves = {city.EAST + "008": box(8.2, 1, 8.5, 2), city.EAST + "009": box(8.5, 1, 8.8, 2)}
    publish(built, halves, removed=[city.EAST + "004"])
    built.expire_all()
    stored = incidents.get(built, incident_id)
    assert (stored.area_code, stored.path) == (None, [])
    assert stored.queue_reason.endswith(f"its land went to {city.EAST}008, {city.EAST}009")
    waiting, _ = search.search(built, Filters(unassigned=True), limit=5)
    assert [found.incident.id for found in waiting] == [incident_id]
    publish(built, {city.EAST + "008": box(8.2, 1, 8.6, 2)})
    incidents.reassign(built, incident_id, city.EAST + "008", reason="x", actor="li", now=LATER)
    assert incidents.get(built, incident_id).queue_reason is None
