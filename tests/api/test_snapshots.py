"""Models are made once, kept while they are right, and never answer for an old revision unknowingly."""

import datetime as dt
import threading
import time

import numpy as np
import pytest

from api import models, snapshots
from api.dependencies import now
from api.models import Recipe
from api.snapshots import Snapshots
from layers import database, deployment
from layers.errors import DatabaseUnavailable
from layers.publishing import Change, publish
from tests.layers.frames import areas, grids, square


@pytest.fixture
def published(session):
    """Publish a layer; the first call also chooses the deployment."""

    def make(layer, frame):
        deployment.choose(session, np.array([105.0]), np.array([32.0]), now=now())
        number = publish(session, {layer: Change(frame)}, author="t", note="", now=now()).revision
        session.commit()
        return number

    return make


def test_an_empty_database_is_revision_zero(engine):
    snapshot = Snapshots(database.sessions(engine), now).current()
    assert (snapshot.revision, snapshot.deployment, snapshot.version(["grids"])) == (0, None, (0,))


def test_a_model_is_kept_until_one_of_its_layers_changes(engine, published):
    published("districts", areas({"510899": square(0, 0)}))
    kept, made = Snapshots(database.sessions(engine), now), []
    load = lambda _session, revision: made.append(revision) or revision  # noqa: E731
    ask = lambda: kept.refresh().model("count", layers=["districts"], load=load)  # noqa: E731
    assert [ask(), ask()] == [1, 1]
    published("grids", grids({"G": square(0, 0)}, "510899"))
    assert ask() == 1, "another layer changed"
    published("districts", areas({"510899": square(0, 0, 2)}))
    assert ask() == 3
    assert made == [1, 3]


def test_superseded_versions_of_a_model_are_let_go(engine, published):
    kept = Snapshots(database.sessions(engine), now)
    asked = []
    for width in range(1, 5):
        published("districts", areas({"510899": square(0, 0, width)}))
        asked.append(kept.refresh())
        asked[-1].model("count", layers=["districts"], load=lambda *_: 0)
        asked[-1].model("other", layers=[], load=lambda *_: 0)
    count, other = Recipe("count", ("districts",), None), Recipe("other", (), None)
    assert [one.at_hand(count) for one in asked] == [None, None, 0, 0]
    assert asked[0].at_hand(other) == 0


def test_threads_that_ask_at_once_make_it_once(engine):
    kept, made = Snapshots(database.sessions(engine), now).current(), []

    def load(_session, _revision):
        made.append(1)
        time.sleep(0.1)
        return object()

    found = []
    threads = [
        threading.Thread(target=lambda: found.append(kept.model("slow", layers=[], load=load)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1
    assert len(set(map(id, found))) == 1


def test_a_model_that_failed_is_tried_again(engine):
    kept = Snapshots(database.sessions(engine), now).current()
    with pytest.raises(ZeroDivisionError):
        kept.model("x", layers=[], load=lambda *_: 1 / 0)
    assert kept.model("x", layers=[], load=lambda *_: 7) == 7


def test_an_older_instant_has_its_own_snapshot(engine, published):
    published("districts", areas({"510899": square(0, 0)}))
    between = now()
    published("districts", areas({"510899": square(0, 0, 2)}))
    kept = Snapshots(database.sessions(engine), now)
    assert kept.current().revision == 2
    assert kept.at(between).revision == 1
    assert kept.at(between + dt.timedelta(days=1)) is kept.current()


def test_the_poll_sees_a_publication_within_a_second(engine, published):
    kept = Snapshots(database.sessions(engine), now)
    kept.start()
    try:
        number = published("districts", areas({"510899": square(0, 0)}))
        deadline = time.monotonic() + 5
        while (kept.fresh() is None or kept.fresh().revision != number) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert kept.fresh().revision == number
    finally:
        kept.stop()


def test_without_a_fresh_poll_memory_is_not_trusted(engine, published, monkeypatch):
    published("districts", areas({"510899": square(0, 0)}))
    kept = Snapshots(database.sessions(engine), now)
    kept.refresh()
    monkeypatch.setattr(snapshots, "TRUSTED_S", 0.0)
    assert kept.fresh() is None
    published("districts", areas({"510899": square(0, 0, 2)}))
    assert kept.current().revision == 2


def test_a_database_that_went_away_is_said():
    gone = database.make_engine("postgresql://nobody@127.0.0.1:1/none", pool_size=1)
    with pytest.raises(DatabaseUnavailable):
        Snapshots(database.sessions(gone), now).current()


def test_what_cannot_be_made_displaces_nothing(engine):
    kept = Snapshots(database.sessions(engine), now).current()
    kept.model("network", layers=[], load=lambda *_: "streets")
    for number in range(2 * models.KEPT):
        with pytest.raises(ZeroDivisionError):
            kept.model(("no such scheme", number), layers=[], load=lambda *_: 1 / 0)
    assert kept.at_hand(Recipe("network", (), None)) == "streets"


def test_of_models_that_anybody_may_name_few_are_kept(engine):
    kept = Snapshots(database.sessions(engine), now).current()
    kept.model("network", layers=[], load=lambda *_: "streets")
    for number in range(6):
        kept.model(("gaps", number), layers=[], load=lambda *_: "shapes", most=4)
    held = [kept.at_hand(Recipe(("gaps", number), (), None)) is not None for number in range(6)]
    assert held == [False, False, True, True, True, True], "the last asked for"
    assert kept.at_hand(Recipe("network", (), None)) == "streets"


def test_a_poll_that_was_overtaken_brings_no_older_revision_back(engine, published, monkeypatch):
    kept = Snapshots(database.sessions(engine), now)
    published("districts", areas({"510899": square(0, 0)}))
    read = threading.Event()
    proceed = threading.Event()
    current = snapshots.history.current

    def slow(session, instant):
        revision = current(session, instant)
        if threading.current_thread() is late:
            read.set()
            proceed.wait(10)
        return revision

    monkeypatch.setattr(snapshots.history, "current", slow)
    late = threading.Thread(target=kept.refresh)
    late.start()
    read.wait(10)
    published("districts", areas({"510899": square(0, 0, 2)}))
    assert kept.refresh().revision == 2
    proceed.set()
    late.join()
    assert kept.fresh().revision == 2


def test_a_server_whose_clock_is_late_answers_from_what_was_published(engine, published):
    late = Snapshots(database.sessions(engine), lambda: now() - dt.timedelta(hours=1))
    published("districts", areas({"510899": square(0, 0)}))
    assert late.current().revision == 1
    published("districts", areas({"510899": square(0, 0, 2)}))
    assert late.refresh().revision == 2


def test_a_revision_by_its_number(engine, published):
    published("districts", areas({"510899": square(0, 0)}))
    published("grids", grids({"G": square(0, 0)}, "510899"))
    kept = Snapshots(database.sessions(engine), now)
    assert kept.of(1).versions == {"districts": 1}
    assert (kept.of(2).revision, kept.of(2).versions) == (2, {"districts": 1, "grids": 2})
    assert kept.of(kept.current().revision) is kept.current()


def await_model(snapshot, recipe):
    """Wait for what is made in the background."""
    deadline = time.monotonic() + 30
    while snapshot.at_hand(recipe) is None and time.monotonic() < deadline:
        time.sleep(0.01)
    return snapshot.at_hand(recipe)


@pytest.fixture
def polled(engine):
    """Snapshots that make models in the background."""
    kept = Snapshots(database.sessions(engine), now)
    kept.start()
    yield kept
    kept.stop()


def test_what_has_a_patch_is_brought_up_to_a_new_revision_in_the_background(polled, published):
    published("districts", areas({"510899": square(0, 0)}))
    patches = []

    def patch(_session, older, since, revision):
        patches.append((older, since, revision))
        return [*older, revision]

    recipe = Recipe("numbers", ("districts",), lambda _session, revision: [revision], patch)
    plain = Recipe("plain", ("districts",), lambda _session, revision: revision)
    first = polled.refresh()
    assert (first.made(recipe), first.made(plain)) == ([1], 1)
    published("grids", grids({"G": square(0, 0)}, "510899"))
    assert polled.refresh().at_hand(recipe) == [1], "another layer changed"
    published("districts", areas({"510899": square(0, 0, 2)}))
    third = polled.refresh()
    assert await_model(third, recipe) == [1, 3]
    assert patches == [([1], 1, 3)]
    assert third.at_hand(plain) is None
    assert first.at_hand(recipe) == [1], "a request may still be using it"
    # An older revision is never made from a younger one.
    assert polled.of(2).made(recipe) == [1]


def test_a_patch_that_fails_leaves_the_rest_at_work(polled, published):
    published("districts", areas({"510899": square(0, 0)}))
    bad = Recipe("bad", ("districts",), lambda *_: "made", lambda *_: 1 / 0)
    good = Recipe("good", ("districts",), lambda *_: "made", lambda *_: "patched")
    first = polled.refresh()
    assert first.made(bad) == first.made(good) == "made"
    published("districts", areas({"510899": square(0, 0, 2)}))
    second = polled.refresh()
    assert await_model(second, good) == "patched"
    assert second.at_hand(bad) is None


def test_questions_about_the_past_do_not_displace_what_answers_now(engine, published):
    kept = Snapshots(database.sessions(engine), now)
    recipe = Recipe("width", ("districts",), lambda _session, revision: revision)
    for width in range(1, 6):
        published("districts", areas({"510899": square(0, 0, width)}))
    current = kept.refresh()
    current.made(recipe)
    assert [kept.of(number).made(recipe) for number in (1, 2, 3, 4)] == [1, 2, 3, 4]
    assert current.at_hand(recipe) == 5
    assert kept.of(1).at_hand(recipe) is None


def test_only_what_is_still_wanted_is_made_in_the_background(polled, published):
    published("districts", areas({"510899": square(0, 0)}))
    hold, made = threading.Event(), []

    def load(_session, revision):
        made.append(revision)
        return revision

    slow = Recipe("slow", (), lambda *_: hold.wait(10))
    recipe = Recipe("count", ("districts",), load)
    snapshot = polled.refresh()
    snapshot.prepare(slow)
    snapshot.prepare(recipe)
    published("districts", areas({"510899": square(0, 0, 2)}))
    polled.refresh().prepare(recipe)
    hold.set()
    assert await_model(polled.current(), recipe) == 2
    assert made == [2]
