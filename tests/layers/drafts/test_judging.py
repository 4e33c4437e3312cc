"""The neighbourhood tells of an edit what whole layers tell."""

import numpy as np
import pytest
from shapely import box

from geo import changes
from geo.changes import Changes
from layers import deployment, gate
from layers.drafts import judging, keeping, states
from tests import paper_city as city

#: Grids of one by one in two communities, and 0.5 of a gap in the last column.
CELLS = {
    f"{city.WEST if x < 8 else city.EAST}{(x % 8) * 8 + y + 1:03}": box(x, y, x + 1, y + 1)
    for x in range(14)
    for y in range(8)
} | {city.EAST + "048": box(13, 7, 13.5, 8)}


@pytest.fixture
def draft(session):
    city.build(session, {**city.tiled(), "grids": city.grids(CELLS)})
    return keeping.create(session, title="x", note="", author="zhang", now=city.NOW)


def whole(session, state, found):
    before, after = states.step_readers(session, state, found)
    return gate.judge(before, after, found, metric=deployment.get(session).metric_crs).worse


def told(faults):
    return sorted((fault.kind, fault.id, round(fault.size, 3)) for fault in faults)


def test_overlaps_gaps_and_neighbours_of_any_change(session, draft):
    state = states.state_of(draft)
    grids = states.read(session, "grids", state)
    rng = np.random.default_rng(7)
    kinds = set()
    for _ in range(12):
        code = str(rng.choice(sorted(CELLS)))
        x, y = (int(value) for value in CELLS[code].bounds[:2])
        wide, high = rng.choice([(0.5, 1), (1.5, 1), (1, 0.75), (2, 2)]).tolist()
        mine = grids[grids["code"] == code]
        moved = mine.set_geometry(
            [city.areas("grids", {code: box(x, y, x + wide, y + high)}).geometry.iloc[0]], crs=4326
        )
        found = {"grids": changes.between(mine, moved)}
        assert told(judging.of_changes(session, state, found)) == told(whole(session, state, found))
        kinds |= {fault.kind for fault in judging.of_changes(session, state, found)}
    assert {"overlap", "gap-enclosed"} <= kinds


def test_a_grid_that_is_gone_and_one_that_is_new(session, draft):
    state = states.state_of(draft)
    grids = states.read(session, "grids", state)
    gone = grids[grids["code"] == city.WEST + "010"]
    found = {"grids": Changes(gone, gone.iloc[:0])}
    assert [fault.kind for fault in judging.of_changes(session, state, found)] == ["gap-enclosed"]
    new = gone.set_axis(city.identifiers("grids", ["new"])).assign(code=city.WEST + "900")
    both = {"grids": Changes(gone.iloc[:0], new)}
    assert told(judging.of_changes(session, state, both)) == told(whole(session, state, both)) != []


def test_a_community_that_leaves_its_grids_behind(session, draft):
    state = states.state_of(draft)
    communities = states.read(session, "communities", state)
    west = communities[communities["code"] == city.WEST]
    smaller = west.set_geometry(
        [city.areas("communities", {"x": box(0, 0, 7.5, 8)}).geometry.iloc[0]], crs=4326
    )
    found = {"communities": changes.between(west, smaller)}
    assert told(judging.of_changes(session, state, found)) == told(whole(session, state, found))
    assert "outside-parent" in {fault.kind for fault in judging.of_changes(session, state, found)}


def test_what_concerns_no_area_makes_nothing_worse(session, draft):
    posts = states.read(session, "posts", states.state_of(draft))
    found = {"posts": Changes(posts, posts.assign(name="李四"))}
    assert judging.of_changes(session, states.state_of(draft), found) == []
