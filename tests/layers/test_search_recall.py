"""How many places are found as callers say them; `bench/search.py` prints the whole table."""

import datetime as dt

import numpy as np
import pytest

from geo.synthetic.city import city
from layers import database, deployment, located, search
from layers.publishing import Change, publish
from tests import spoken_places
from tests.conftest import fresh_database

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
#: Phrases of each kind; the bench asks for more.
EACH = 4
#: Least share that is right among the first three, of all phrases.
RECALL = 0.95
LAYERS = (
    "districts",
    "subdistricts",
    "communities",
    "grids",
    "compounds",
    "facilities",
    "old_estates",
    "buildings",
)


@pytest.fixture(scope="module")
def demo():
    return city(1)


@pytest.fixture(scope="module")
def searched(server, demo):
    """A session on the demo city without the addresses that only the labels know."""
    for url in fresh_database(server):
        engine = database.make_engine(url, pool_size=2)
        with database.sessions(engine)() as session:
            west, south, east, north = demo.grids.total_bounds
            deployment.choose(session, np.array([west, east]), np.array([south, north]), now=NOW, city="demo")
            changes = {layer: Change(getattr(demo, layer)) for layer in LAYERS}
            changes["addresses"] = Change(demo.addresses[~spoken_places.held_out(demo.addresses)])
            changes["streets"] = Change(demo.streets[demo.streets["name"] != ""])
            publish(session, changes, author="test", note="recall", now=NOW)
            session.commit()
            yield session
        engine.dispose()


def test_callers_are_understood(searched, demo):
    areas = located.load_areas(searched, 1)
    phrases = list(spoken_places.demo(demo, each=EACH)) + list(spoken_places.BY_HAND)
    right = [
        said.right(search.find(searched, 1, said.text, near=said.near, areas=areas), 3) for said in phrases
    ]
    missed = [said.text for said, found in zip(phrases, right, strict=True) if not found]
    assert np.mean(right) >= RECALL, missed


def test_what_is_taken_without_asking_is_right(searched, demo):
    areas = located.load_areas(searched, 1)
    taken = []
    for said in spoken_places.demo(demo, each=EACH, seed=2):
        hit = search.confident(search.find(searched, 1, said.text, areas=areas))
        if hit is not None:
            taken.append((said.right([hit], 1), said.text, hit.name))
    assert len(taken) > EACH
    assert [wrong for wrong in taken if not wrong[0]] == []
