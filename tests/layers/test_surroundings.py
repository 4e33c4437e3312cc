"""Publishing what is checked near changes: what a check of whole layers refuses is refused, and what it finds is kept."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
import shapely
from shapely import affinity
from sqlalchemy import select

from geo import changes
from geo.changes import Changes
from geo.faults import DataError
from layers import deployment, diffs, gate, publishing, store, undoing, validation
from layers.publishing import Change
from layers.tables import Defect
from tests.layers import frames
from tests.layers.frames import SOUTH, UNIT, WEST, areas, square

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
LEVELS = ("districts", "subdistricts", "communities", "grids")
DISTRICT = "510101"
FIRST, SECOND = DISTRICT + "001", DISTRICT + "002"


def community(number, subdistrict=FIRST):
    return f"{subdistrict}{number:03d}"


def communities(shapes):
    frame = areas(shapes)
    return frame.assign(parent_code=[code[:9] for code in frame["code"]])


def grids(shapes, scheme="governance", parents=None):
    frame = frames.grids(shapes).assign(scheme=scheme)
    return frame.assign(parent_code=parents or [code[:12] for code in frame["code"]])


def row(subdistrict=FIRST, west=0, count=6):
    """Communities from west to east, a unit each."""
    return {community(number + 1, subdistrict): square(west + number, 0) for number in range(count)}


def alone(communities_of, **more):
    """A district of one subdistrict."""
    return {
        "districts": areas({DISTRICT: square(0, 0, 6)}),
        "subdistricts": areas({FIRST: square(0, 0, 6)}, DISTRICT),
        "communities": communities(communities_of),
        **more,
    }


def apart(**more):
    """A district of two subdistricts with land between them."""
    land = shapely.MultiPolygon([*square(0, 0, 6).geoms, *square(9, 0, 6).geoms])
    return {
        "districts": areas({DISTRICT: land}),
        "subdistricts": areas({FIRST: square(0, 0, 6), SECOND: square(9, 0, 6)}, DISTRICT),
        **more,
    }


def tiles(*numbers, subdistrict=FIRST, west=0, number=1):
    return {f"{community(each, subdistrict)}{number:03d}": square(west + each - 1, 0) for each in numbers}


EVERY = range(1, 7)
BOTH = {**row(), **row(SECOND, 9)}
FAULTY = grids({community(1) + "001": square(0, 0, 0.6), community(1) + "002": square(0.5, 0, 0.5)})
FULL = grids(tiles(*EVERY))
FIRE = grids(tiles(1, number=901), "fire")
MOVED = {"communities": communities({community(5): square(4, 0, 1.5), community(6): square(5.5, 0, 0.5)})}
FAR = {"grids": pd.concat([grids(tiles(*EVERY)), grids(tiles(*range(1, 6), subdistrict=SECOND, west=9))])}
UPPER = {
    FIRST + "001001": square(0, 0, 6),
    SECOND + "000001": square(9, 0, 3),
    SECOND + "000002": square(12, 0, 3),
}


def lone(width):
    """A grid of the first community that lies in the last of all."""
    return grids({community(1) + "009": square(14, 0, width)})


#: The city, and what comes and changes; none of a layer stands for all that go.
CASES = {
    "the first grid of a community": (alone(row(), grids=FAULTY), {"grids": grids(tiles(5))}),
    "the first grid far from faults": (
        apart(communities=communities(BOTH), grids=FAULTY),
        {"grids": grids(tiles(2, subdistrict=SECOND, west=9))},
    ),
    "the first grids of all": (apart(communities=communities(BOTH)), {"grids": FULL}),
    "a border far from all grids": (alone(row(), grids=FAULTY), MOVED),
    "the first grid of a scheme in a community": (
        alone(row(), grids=pd.concat([FULL, FIRE])),
        {"grids": grids({community(5) + "901": square(4, 0, 0.5)}, "fire")},
    ),
    "the first grid of a scheme": (alone(row(), grids=FULL), {"grids": FIRE}),
    "a border, and the grids of one scheme": (
        alone(row(), grids=pd.concat([FULL, FIRE])),
        {
            **MOVED,
            "grids": grids({community(5) + "001": square(4, 0, 1.5), community(6) + "001": square(5.5, 0, 0.5)}),
        },
    ),
    "a grid far from its parent shrinks": (
        apart(communities=communities(BOTH), grids=pd.concat([FAR["grids"], lone(1)])),
        {"grids": lone(0.5)},
    ),
    "a grid far from its parent grows": (
        apart(communities=communities(BOTH), grids=pd.concat([FAR["grids"], lone(0.5)])),
        {"grids": lone(1)},
    ),
    "a grid gets a far parent": (
        apart(communities=communities(BOTH), **FAR),
        {"grids": grids({community(2) + "001": square(1, 0)}, parents=[community(4, SECOND)])},
    ),
    "the first communities, in one subdistrict": (
        apart(grids=grids(UPPER, parents=[FIRST, SECOND, SECOND])),
        {"communities": communities({community(1): square(0, 0, 6)}), "grids": grids({FIRST + "001001": square(0, 0, 6)})},
    ),
    "grids of a subdistrict without communities": (
        apart(
            communities=communities(row()),
            grids=pd.concat([FULL, grids({SECOND + "000001": square(9, 0, 3)}, parents=[SECOND])]),
        ),
        {"grids": grids({SECOND + "000001": square(9, 0, 2)}, parents=[SECOND])},
    ),
    "a parent comes whose code a far grid bears": (
        alone(row(count=5), grids=grids(tiles(*EVERY), parents=[community(each) for each in (6, 2, 3, 4, 5, 6)])),
        {"communities": communities({community(6): square(5, 0)})},
    ),
    "all grids go": (alone(row(), grids=FAULTY), {"grids": None}),
    "the last grid of a scheme goes": (alone(row(), grids=pd.concat([FULL, FIRE])), {"grids": FIRE.iloc[:0]}),
}  # fmt: skip


def begin(session, layers):
    """Publish a city, with its defects, as revision 1."""
    deployment.choose(session, np.array([WEST]), np.array([SOUTH]), now=NOW)
    first = {layer: Change(frame) for layer, frame in layers.items()}
    publishing.publish(session, first, author="test", note="", now=NOW)
    metric = deployment.get(session).metric_crs
    for layer in LEVELS:
        found = validation.check(layer, lambda name: store.read(session, name, 1), metric=metric)
        validation.store(session, layer, found, 1)
    session.commit()


def compare(session, found):
    """Judge changes of revision 1 as publishing does, and as whole layers; return the refusals, and the defects kept."""
    before, after = diffs.readers(session, 1, found)
    metric = deployment.get(session).metric_crs
    whole, near = gate.judge(before, after, found, metric=metric), undoing.judge(session, found)
    assert told(near.worse) == told(whole.worse)
    # What is refused is published here too, so that the defects kept can be compared.
    made = {
        layer: Change(each.after, [str(one) for one in each.before.index.difference(each.after.index)])
        for layer, each in found.items()
    }
    publishing.publish(session, made, author="test", note="", now=NOW)
    gate.keep(session, near.found, 2)
    kept = [(row.layer, row.kind, *row.codes, round(row.size, 1)) for row in session.scalars(select(Defect))]
    true = [
        (layer, kind, *codes, round(size, 1))
        for layer in LEVELS
        for kind, codes, size in validation.check(layer, after, metric=metric)[
            ["kind", "codes", "size"]
        ].itertuples(index=False)
    ]
    assert sorted(kept, key=str) == sorted(true, key=str)
    return bool(near.worse)


def told(faults):
    return sorted((fault.kind, fault.layer, fault.id, f"{fault.size:.3g}") for fault in faults)


def turned(stored, frame):
    """What turns a layer into one with these areas, or without any."""
    if frame is None:
        return Changes(stored, stored.iloc[:0])
    if frame.empty:
        return Changes(stored[stored["scheme"] == "fire"], stored.iloc[:0])
    return changes.between(stored[stored["code"].isin(frame["code"])], frame)


@pytest.mark.parametrize("case", CASES)
def test_what_is_near_decides_as_whole_layers_do(session, case):
    layers, coming = CASES[case]
    begin(session, layers)
    found = {layer: turned(store.read(session, layer, 1), frame) for layer, frame in coming.items()}
    compare(session, found)


def city():
    """Three subdistricts of four communities, these of four grids; a few grids fall short of their neighbours."""
    random = np.random.default_rng(5)
    subdistricts = {f"{DISTRICT}00{number + 1}": square(number * 4, 0, 4, 4) for number in range(3)}
    below, cells = {}, {}
    for at, subdistrict in enumerate(subdistricts):
        for number in range(4):
            x, y = at * 4 + 2 * (number % 2), 2 * (number // 2)
            below[community(number + 1, subdistrict)] = square(x, y, 2, 2)
            for k in range(4):
                code = f"{community(number + 1, subdistrict)}{k + 1:03d}"
                cells[code] = square(x + k % 2, y + k // 2, 0.9 if random.uniform() < 0.2 else 1)
    return {
        "districts": areas({DISTRICT: square(0, 0, 12, 4)}),
        "subdistricts": areas(subdistricts, DISTRICT),
        "communities": communities(below),
        "grids": grids(cells),
    }


def changed_at_random(random, stored):
    """Changes of a few areas of one to three levels: moved, resized, gone, with another code or parent."""
    found = {}
    for layer, above, chance in (
        ("grids", "communities", 0.8), ("communities", "subdistricts", 0.5), ("subdistricts", None, 0.2)
    ):  # fmt: skip
        if random.uniform() > chance:
            continue
        frame = stored[layer]
        rows = frame.iloc[random.choice(len(frame), random.integers(1, 4), replace=False)]
        new = rows.copy()
        what = random.choice(["shift", "far", "size", "gone", "code", "parent"])
        dx, dy = {"shift": (0.1, 0), "far": (1, 1)}.get(what, (0, 0)) * random.integers(-8, 9, 2)
        new["geometry"] = [affinity.translate(shape, dx * UNIT, dy * UNIT) for shape in rows.geometry]
        if what == "size":
            new["geometry"] = [affinity.scale(shape, random.choice([0.5, 1.5]), 1) for shape in rows.geometry]
        elif what == "gone":
            new = new.iloc[:0]
        elif what == "code":
            new["code"] = [code[:-1] + "9" for code in rows["code"]]
        elif what == "parent" and above:
            new["parent_code"] = random.choice(stored[above]["code"], len(new))
        made = changes.between(rows, new)
        if len(made):
            found[layer] = made
    return found


@pytest.mark.parametrize("seed", range(2))
def test_random_changes_are_decided_as_whole_layers_do(session, seed):
    begin(session, city())
    stored = {layer: store.read(session, layer, 1) for layer in LEVELS}
    random = np.random.default_rng(seed)
    refused = compared = 0
    for _ in range(35):
        found = changed_at_random(random, stored)
        try:
            refused += compare(session, found) if found else 0
            compared += bool(found)
        except DataError:
            pass  # a code that another area had
        session.rollback()
    assert refused > 5
    assert compared > 15
