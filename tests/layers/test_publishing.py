"""One publication: versions, links and history move together, or not at all."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from geo.faults import DataError
from layers import deployment, history, store
from layers.errors import BeforeHistory
from layers.publishing import Change, publish
from tests.layers.frames import WEST, areas, compounds, grids, identifier, square

DAY = dt.timedelta(days=1)
START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


@pytest.fixture
def city(session):
    """A deployment with one district of two grids, published as revisions 1 and 2."""
    deployment.choose(session, np.array([WEST]), np.array([32.0]), now=START, city="纸上市")
    _publish(session, "districts", areas({"510899": square(0, 0, 2)}), START)
    _publish(session, "grids", grids({"G1": square(0, 0), "G2": square(1, 0)}, "510899"), START + DAY)
    return session


def _publish(session, layer, frame, now, removed=()):
    return publish(session, {layer: Change(frame, list(removed))}, author="test", note=layer, now=now)


def test_a_layer_is_read_as_it_was_written(city):
    frame = grids({"G1": square(0, 0), "G2": square(1, 0)}, "510899")
    stored = store.read(city, "grids", 2)
    assert stored.crs == "EPSG:4326"
    assert set(stored.columns) == set(frame.columns)
    assert stored.loc[frame.index, "geometry"].geom_equals_exact(frame.geometry, 0).all()
    assert stored.loc[frame.index, "code"].tolist() == ["G1", "G2"]


def test_text_that_looks_like_null_or_csv_survives(city):
    awkward = ["\\N", 'say "hi", twice', "line\nbreak", "", "  ", "<b>&amp;"]
    frame = areas({f"5108990{n}": square(n, 5) for n in range(len(awkward))})
    frame["name"] = awkward
    frame["extra"] = [{"原名": value} for value in awkward]
    number = _publish(city, "communities", frame, START + 2 * DAY).revision
    stored = store.read(city, "communities", number).loc[frame.index]
    assert stored["extra"].tolist() == frame["extra"].tolist()
    assert stored["name"].tolist() == awkward


def test_a_change_closes_the_old_version_and_keeps_it(city):
    wider = grids({"G1": square(0, 0, 1, 2)}, "510899")
    published = _publish(city, "grids", wider, START + 2 * DAY)
    assert published.counts["grids"] == {"added": 0, "changed": 1, "removed": 0}
    before, after = store.read(city, "grids", 2), store.read(city, "grids", 3)
    assert before.loc[identifier("G1"), "geometry"].area < after.loc[identifier("G1"), "geometry"].area
    assert len(before) == len(after) == 2


def test_a_removed_feature_ends_and_its_code_is_not_given_away(city):
    empty = grids({}).iloc[:0]
    _publish(city, "grids", empty, START + 2 * DAY, removed=[identifier("G2")])
    assert store.read(city, "grids", 3)["code"].tolist() == ["G1"]
    stranger = grids({"G2": square(1, 0)}, "510899").set_axis(pd.Index([identifier("other")], name="id"))
    with pytest.raises(DataError) as caught:
        _publish(city, "grids", stranger, START + 3 * DAY)
    assert [fault.kind for fault in caught.value.faults] == ["code-retired"]


def test_the_same_feature_may_regain_its_code(city):
    _publish(city, "grids", grids({}).iloc[:0], START + 2 * DAY, removed=[identifier("G2")])
    _publish(city, "grids", grids({"G2": square(1, 0)}, "510899"), START + 3 * DAY)
    assert sorted(store.read(city, "grids", 4)["code"]) == ["G1", "G2"]


def test_two_holders_of_one_code_are_all_named(city):
    twins = grids({"G1": square(0, 0), "X": square(3, 0), "Y": square(4, 0)}, "510899")
    twins["code"] = ["G2", "Z", "Z"]
    with pytest.raises(DataError) as caught:
        _publish(city, "grids", twins, START + 2 * DAY)
    assert sorted((fault.kind, fault.id) for fault in caught.value.faults) == [
        ("code-duplicate", "G2"),
        ("code-duplicate", "Z"),
    ]


def test_history_answers_for_any_instant(city):
    assert history.current(city, START + 5 * DAY) == 2
    assert history.at(city, START) == 1
    assert history.at(city, START + DAY) == 2
    with pytest.raises(BeforeHistory, match="first revision"):
        history.at(city, START - DAY)


def test_a_clock_set_back_does_not_reorder_history(city):
    published = _publish(city, "communities", areas({"510899001001": square(0, 0, 2)}), START - 10 * DAY)
    assert published.revision == 3
    assert history.at(city, START + DAY) == 3


def test_versions_name_the_layers_that_changed(city):
    assert history.versions(city, 2) == {"districts": 1, "grids": 2}


def test_links_follow_the_compounds_and_the_grids(city):
    # One third of it in G1, two thirds in G2.
    homes = compounds({"C1": square(0.5, 0.2, 1.5, 0.5)})
    published = _publish(city, "compounds", homes, START + 2 * DAY)
    links = store.read(city, "compound_grids", published.revision).set_index("grid_code")["share"]
    assert links.round(6).to_dict() == {
        "G1": pytest.approx(1 / 3, abs=1e-4),
        "G2": pytest.approx(2 / 3, abs=1e-4),
    }
    moved = grids({"G1": square(0, 0, 0.5), "G2": square(0.5, 0, 1.5)}, "510899")
    published = _publish(city, "grids", moved, START + 3 * DAY)
    assert published.relinked == 2
    links = store.read(city, "compound_grids", published.revision)
    assert links[["grid_code", "share"]].to_numpy().tolist() == [["G2", 1.0]]
    assert len(store.read(city, "compound_grids", published.revision - 1)) == 2


def test_nothing_to_publish_is_refused(city):
    with pytest.raises(ValueError, match="nothing"):
        publish(city, {"grids": Change(grids({}).iloc[:0])}, author="test", note="", now=START)
