"""Incidents of the paper city: filed, moved by hand and by boundaries, imported, found again."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import numpy as np
import pandas as pd
import pytest
from shapely import MultiPolygon, box
from sqlalchemy import func, select, update

from geo.faults import DataError
from layers import database, history, incidents, located, publishing, store
from layers.errors import Conflict, NotFound
from layers.imports.incidents import FileOptions, import_file
from layers.incidents import search
from layers.incidents.search import Filters
from layers.publishing import Change
from layers.tables import Assignment, Incident
from tests import paper_city as city

ON = dt.date(2026, 3, 1)
DESK = incidents.Desk(on=ON)
LATER = city.NOW + dt.timedelta(days=1)


@pytest.fixture
def built(session):
    city.build(session)
    return session


def report(place=None, **said):
    lon, lat = place or (None, None)
    return incidents.Report(**{"category": "0101", "reported_at": city.NOW, "lon": lon, "lat": lat, **said})


def file(session, place=None, *, repetition=None, now=LATER, **said):
    done = incidents.intake(
        session, report(place, **said), actor="zhang", now=now, desk=DESK, repetition=repetition
    )
    session.commit()
    return done


def publish_grids(session, upserts, removed=()):
    gone = list(city.identifiers("grids", removed))
    return city.publish(session, {"grids": Change(city.grids(upserts), gone)}, now=LATER)


def answer(incident):
    return incident.rule, incident.area_code, incident.candidates


# --- intake -----------------------------------------------------------------------------------------------


def test_filed_with_its_grid_and_team(built):
    done = file(built, city.point(1.5, 1.5), reporter_phone="13800000000")
    incident = done.incident
    assert answer(incident) == ("inside", city.WEST + "002", [city.WEST + "002"])
    assert incident.path == ["420199", city.SUBDISTRICT, city.WEST, city.WEST + "002"]
    assert (incident.revision, incident.status, incident.deadline) == (1, "open", None)
    assert incident.margin_m == done.location.margin_m > 0
    assert [post.name for post in done.location.posts] == ["王芳", "赵敏"]
    (first,) = incidents.assignments(built, incident)
    assert (first.rule, first.area_code, first.revision, first.decided_by) == (
        "inside", city.WEST + "002", 1, "zhang",
    )  # fmt: skip


def test_kept_when_no_area_answers(built):
    incident = file(built, (120.0, 20.0)).incident
    assert answer(incident) == ("none", None, [])
    assert incident.queue_reason == "no area within the tolerance"


def test_kept_when_only_words_tell_the_place(built):
    incident = file(built, address="滨江路 1 号").incident
    assert answer(incident) == ("none", None, [])
    assert incident.queue_reason == "no coordinates were given"


def test_kept_before_anything_is_published(session):
    assert file(session, city.point(1, 1)).incident.revision == 0


def test_a_repeated_request_makes_one_record(built):
    once = incidents.Repetition("key", b"digest")
    first = file(built, city.point(1, 1), repetition=once)
    again = file(built, city.point(1, 1), repetition=once)
    assert (first.created, again.created) == (True, False)
    assert again.incident.id == first.incident.id
    assert again.location == first.location
    with pytest.raises(Conflict, match="another request"):
        file(built, city.point(2, 2), repetition=incidents.Repetition("key", b"other"))
    assert built.scalar(select(func.count()).select_from(Incident)) == 1


@pytest.mark.usefixtures("built")
def test_requests_repeated_at_once_make_one_record(engine):
    once = incidents.Repetition("key", b"digest")

    def attempt(_):
        with database.sessions(engine)() as session:
            return file(session, city.point(1, 1), repetition=once).incident.id

    with ThreadPoolExecutor(5) as pool:
        assert len(set(pool.map(attempt, range(5)))) == 1


# --- by hand ----------------------------------------------------------------------------------------------


def test_reassigned_by_hand_and_released(built):
    incident_id = file(built, city.point(1, 1)).incident.id
    moved = incidents.reassign(
        built, incident_id, city.EAST + "002", reason="误报位置", actor="li", now=LATER
    )
    assert answer(moved) == ("manual", city.EAST + "002", [city.EAST + "002"])
    assert moved.path[-2:] == [city.EAST, city.EAST + "002"]
    assert moved.margin_m is None
    back = incidents.release(built, incident_id, actor="li", now=LATER, on=ON)
    assert answer(back) == ("inside", city.WEST + "002", [city.WEST + "002"])
    history = incidents.assignments(built, incidents.get(built, incident_id))
    assert [(one.rule, one.reason) for one in history] == [
        ("inside", None), ("manual", "误报位置"), ("inside", "released"),
    ]  # fmt: skip


def test_what_a_person_may_not_do(built):
    incident_id = file(built, city.point(1, 1)).incident.id
    with pytest.raises(DataError) as both:
        incidents.reassign(built, incident_id, "nothing", reason=" ", actor="li", now=LATER)
    assert {fault.field for fault in both.value.faults} == {"area_code", "reason"}
    with pytest.raises(Conflict, match="not assigned by hand"):
        incidents.release(built, incident_id, actor="li", now=LATER, on=ON)
    with pytest.raises(NotFound):
        incidents.reassign(built, uuid4(), city.EAST + "002", reason="x", actor="li", now=LATER)
    built.execute(update(Incident).values(status="closed"))
    with pytest.raises(Conflict, match="closed"):
        incidents.reassign(built, incident_id, city.EAST + "002", reason="x", actor="li", now=LATER)


# --- boundaries move --------------------------------------------------------------------------------------


def recompute(session, revision):
    """Check that every open incident that no person decided equals what locate says; return how many."""
    count = 0
    for found in search.search(session, Filters(status="open"), limit=1000)[0]:
        incident = found.incident
        if incident.rule == "manual" or found.lon is None:
            continue
        here = located.locate_at(session, revision, (found.lon, found.lat), on=ON)
        assert answer(incident) == (here.rule, here.area.code if here.area else None, here.candidates)
        assert (incident.distance_m, incident.margin_m) == (here.distance_m, here.margin_m)
        assert incident.path == [area.code for area in here.path]
        count += 1
    return count


def test_open_incidents_follow_a_moved_border(built):
    random = np.random.default_rng(5)
    for x, y in [(3.5, 2), (4, 2), (1, 1), (4.2, 3), *random.uniform(-1, 15, (30, 2))]:
        file(built, city.point(x, y))
    closed = file(built, city.point(3.5, 2)).incident
    built.execute(update(Incident).where(Incident.id == closed.id).values(status="closed"))
    built.commit()
    done = publish_grids(built, {city.WEST + "002": box(0, 0, 3, 4), city.WEST + "001": box(3, 0, 8, 4)})
    assert done.moved >= 2
    built.expire_all()
    assert recompute(built, done.revision) == 34
    closed = incidents.get(built, closed.id)
    assert answer(closed) == ("inside", city.WEST + "002", [city.WEST + "002"])
    moved = built.scalars(select(Assignment).where(Assignment.revision == 2)).all()
    assert len(moved) == done.moved
    assert {one.reason for one in moved} <= {"moved by revision 2", "no area within the tolerance"}


def test_publishing_waits_for_an_intake_and_moves_what_it_filed(built, engine):
    """No incident is left with an answer of a revision that ended while it was being filed."""
    filed = incidents.intake(built, report(city.point(3.5, 2)), actor="zhang", now=LATER, desk=DESK)

    def publish():
        with database.sessions(engine)() as other:
            return publish_grids(
                other, {city.WEST + "002": box(0, 0, 3, 4), city.WEST + "001": box(3, 0, 8, 4)}
            )

    with ThreadPoolExecutor(1) as pool:
        publishing = pool.submit(publish)
        with pytest.raises(TimeoutError):
            publishing.result(timeout=0.5)
        built.commit()
        done = publishing.result(timeout=30)
    assert (filed.incident.revision, done.revision, done.moved) == (1, 2, 1)
    built.expire_all()
    assert answer(incidents.get(built, filed.incident.id))[1] == city.WEST + "001"


def test_an_intake_that_waited_for_a_publication_answers_from_it(built, engine):
    """The clock was read before the publication, the lock was got after it."""
    asked = LATER - dt.timedelta(seconds=1)
    halves = {city.WEST + "002": box(0, 0, 3, 4), city.WEST + "001": box(3, 0, 8, 4)}
    publishing.publish(built, {"grids": Change(city.grids(halves))}, author="t", note="", now=LATER)

    def intake():
        with database.sessions(engine)() as other:
            return file(other, city.point(3.5, 2), now=asked).incident

    with ThreadPoolExecutor(1) as pool:
        filing = pool.submit(intake)
        with pytest.raises(TimeoutError):
            filing.result(timeout=0.5)
        built.commit()
        incident = filing.result(timeout=30)
    assert (incident.revision, incident.area_code) == (2, city.WEST + "001")
    assert recompute(built, 2) == 1


def test_a_publication_that_fails_at_its_end_leaves_nothing(built):
    file(built, city.point(3.5, 2))
    halves = {city.WEST + "002": box(0, 0, 3, 4), city.WEST + "001": box(3, 0, 8, 4)}
    done = publishing.publish(built, {"grids": Change(city.grids(halves))}, author="t", note="", now=LATER)
    assert (done.revision, done.moved) == (2, 1)
    built.rollback()
    assert history.current(built, LATER) == 1
    assert built.scalar(select(func.count()).select_from(Assignment)) == 1
    assert built.scalar(select(func.max(store.table("grids").c.rev_from))) == 1
    assert built.scalar(select(func.count()).where(store.table("compound_grids").c.rev_to.is_not(None))) == 0
    assert recompute(built, 1) == 1


def test_nothing_moves_when_another_layer_changes(built):
    file(built, city.point(1, 1))
    assert city.publish(built, {"posts": city.layers()["posts"]}, now=LATER).moved == 0


def test_a_decision_by_hand_is_kept(built):
    incident_id = file(built, city.point(1, 1)).incident.id
    incidents.reassign(built, incident_id, city.EAST + "002", reason="x", actor="li", now=LATER)
    built.commit()
    publish_grids(built, {city.WEST + "002": box(0, 0, 3, 4)})
    assert answer(incidents.get(built, incident_id))[:2] == ("manual", city.EAST + "002")


@pytest.mark.parametrize(
    ("heirs", "expected", "reason"),
    [
        ({"420199001002009": box(10, 5, 14, 7)}, "420199001002009", "its land went to 420199001002009"),
        (
            {"420199001002008": box(10, 5, 12, 7), "420199001002009": box(12, 5, 14, 7)},
            None,
            "its land went to 420199001002008, 420199001002009",
        ),
        ({}, None, "its land went to no area"),
    ],
)
def test_a_decision_by_hand_whose_area_is_retired(built, heirs, expected, reason):
    # Without 002, which overlaps 003, so that only the heirs take its land.
    publish_grids(built, {city.EAST + "002": box(8, 4, 9, 5)})
    incident_id = file(built, city.point(1, 1)).incident.id
    incidents.reassign(built, incident_id, city.EAST + "003", reason="x", actor="li", now=LATER)
    built.commit()
    done = publish_grids(built, heirs, removed=[city.EAST + "003"])
    assert done.moved == 1
    built.expire_all()
    incident = incidents.get(built, incident_id)
    assert (incident.rule, incident.area_code) == ("manual", expected)
    assert (incident.queue_reason is None) == (expected is not None)
    assert reason in incidents.assignments(built, incident)[-1].reason


# --- in bulk ----------------------------------------------------------------------------------------------


def frame(places, **columns):
    lon, lat = np.array(places, dtype=float).reshape(-1, 2).T
    return pd.DataFrame(
        {"category": "0101", "reported_at": pd.Timestamp(city.NOW), "lon": lon, "lat": lat, **columns}
    )


def test_bulk_import_equals_one_at_a_time(built):
    random = np.random.default_rng(9)
    places = [city.point(x, y) for x, y in [(4, 2), (8.1, 1.5), (12, 6), *random.uniform(-1, 15, (40, 2))]]
    told = []
    counts = incidents.import_frame(
        built, frame(places), actor="demo", now=LATER, progress=lambda *said: told.append(said)
    )
    assert (counts.total, counts.rejected) == (len(places), 0)
    assert counts.assigned + counts.unassigned == counts.total
    assert told == [("incidents", len(places), len(places))]
    assert recompute(built, 1) == len(places)
    assert built.scalar(select(func.count()).select_from(Assignment)) == len(places)


def test_bulk_import_keeps_what_has_no_place_and_rejects_what_is_no_place(built):
    rows = frame(
        [city.point(1, 1), (np.nan, np.nan), (30.5, 114.3), (np.nan, 30.0)],
        status=["closed", "open", "open", "open"],
        description=["垃圾", None, None, None],
        closed_at=[pd.Timestamp(LATER), pd.NaT, pd.NaT, pd.NaT],
    )
    counts = incidents.import_stream(built, [rows, rows.iloc[:1]], actor="demo", now=LATER)
    assert (counts.total, counts.assigned, counts.unassigned, counts.rejected) == (5, 2, 1, 2)
    assert [(fault.kind, fault.row) for fault in counts.faults] == [
        ("coordinate-swapped", 3), ("coordinate-not-a-number", 4),
    ]  # fmt: skip
    stored = built.scalars(select(Incident).order_by(Incident.number)).all()
    assert [one.status for one in stored] == ["closed", "open", "closed"]
    assert (stored[0].description, stored[0].closed_at) == ("垃圾", LATER)
    assert stored[1].queue_reason == "no coordinates were given"


def test_boston_as_a_stream(session, shared_data):
    """121,145 real incidents over hand-made grids, a chunk at a time."""
    west, south = -71.2, 42.2
    side = 0.03125
    cells = {f"{column:02d}{row:02d}": (column, row) for column in range(8) for row in range(8)}
    grids = city.grids({code: box(0, 0, 1, 1) for code in cells})
    grids.geometry = [
        MultiPolygon([box(west + c * side, south + r * side, west + (c + 1) * side, south + (r + 1) * side)])
        for c, r in cells.values()
    ]
    city.deployment.choose(session, [west], [south], now=city.NOW)
    city.publish(session, {"grids": grids})
    told = []
    counts = import_file(
        session,
        shared_data / "boston_311_2015" / "boston_311_2015.csv.gz",
        FileOptions(datum="wgs84", timezone="America/New_York"),
        actor="test",
        now=LATER,
        progress=lambda *said: told.append(said),
    )
    assert (counts.total, counts.added, counts.rejected) == (121_145, 121_145, 0)
    assert counts.assigned > 120_000
    assert len(told) == 7
    assert told[-1][1] == told[-1][2] > 0
    statuses = dict(session.execute(select(Incident.status, func.count()).group_by(Incident.status)).all())
    assert statuses == {"closed": 101_272, "open": 19_873}
    assert session.scalar(select(func.count()).where(Incident.deadline.is_not(None))) == 94_154
    assert session.scalar(select(func.count()).select_from(Incident)) == 121_145
    # Points have 4 decimals and the lattice is binary: the answer is the cell of the floor.
    sample = session.execute(
        select(Incident.area_code, func.ST_X(Incident.geom), func.ST_Y(Incident.geom))
        .where(Incident.rule == "inside")
        .limit(2000)
    )
    for code, lon, lat in sample:
        assert code == f"{int((lon - west) // side):02d}{int((lat - south) // side):02d}"


# --- finding ----------------------------------------------------------------------------------------------


@pytest.fixture
def found_again(built):
    places = {"a": (1, 1), "b": (2, 2), "c": (6, 1), "d": (13, 6), "e": (60, 60)}
    for number, (name, (x, y)) in enumerate(places.items()):
        file(
            built,
            city.point(x, y),
            description=name,
            category="0101" if name in "ab" else "0202",
            reported_at=city.NOW + dt.timedelta(minutes=number // 2),
        )
    return built


def names(session, **filters):
    found, _ = search.search(session, Filters(**filters), limit=100)
    return "".join(one.incident.description for one in found)


def test_newest_first_by_filter(found_again):
    minute = dt.timedelta(minutes=1)
    west, south = city.point(1.5, 0)
    east, north = city.point(6, 2)
    for expected, filters in [
        ("edcba", {}),
        ("ba", {"category": "0101"}),
        ("", {"status": "closed"}),
        ("cba", {"area": city.WEST}),
        ("dcba", {"area": "420199"}),
        ("ba", {"area": city.WEST + "002"}),
        ("dcba", {"area": "4201"}),
        ("", {"area": "%"}),
        ("e", {"rule": "none"}),
        ("e", {"unassigned": True}),
        ("dcba", {"unassigned": False}),
        ("dc", {"since": city.NOW + minute, "until": city.NOW + 2 * minute}),
        ("cb", {"bbox": (west, south, east, north)}),
        ("d", {"scope": [city.EAST]}),
        ("ed", {"scope": [city.EAST], "scope_unassigned": True}),
    ]:
        assert names(found_again, **filters) == expected, filters


def test_pages_are_not_shifted_by_new_incidents(found_again):
    first, cursor = search.search(found_again, Filters(), limit=2)
    file(found_again, city.point(1, 1), reported_at=LATER, description="new")
    second, cursor = search.search(found_again, Filters(), limit=2, cursor=cursor)
    third, end = search.search(found_again, Filters(), limit=2, cursor=cursor)
    pages = ["".join(one.incident.description for one in page) for page in (first, second, third)]
    assert pages == ["ed", "cb", "a"]
    assert end is None


@pytest.mark.parametrize("cursor", ["x", "", "W10", "eyJhIjoxfQ", "%"])
def test_a_made_up_cursor_is_refused(found_again, cursor):
    with pytest.raises(DataError) as refused:
        search.search(found_again, Filters(), limit=2, cursor=cursor)
    assert refused.value.faults[0].field == "cursor"
