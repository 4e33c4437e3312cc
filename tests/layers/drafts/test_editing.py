"""Single-step edits in a draft: whole features before and after, on every level, and what follows."""

import geopandas as gpd
import pytest
from shapely import Polygon, box

from geo.faults import DataError
from layers import checking, deployment, publishing, store
from layers.drafts import editing, keeping, states, steps
from layers.errors import Conflict
from tests import paper_city as city

WEST, EAST = city.WEST, city.EAST


@pytest.fixture
def tiled(session):
    """Revision 1: a city without a fault; the second grid has a post."""
    city.build(session, city.tiled())
    return session


@pytest.fixture
def draft(tiled):
    return keeping.create(tiled, title="改线", note="", author="zhang", now=city.NOW)


def edit(session, draft, said):
    _, made = editing.carry_out(session, draft, said, author="zhang", now=city.NOW)
    return made


def line(*places):
    return [list(city.point(*place)) for place in places]


def grids(session, draft) -> gpd.GeoDataFrame:
    return states.read(session, "grids", states.state_of(draft)).set_index("code")


def defects(session, draft, layer="grids"):
    _, after = states.readers(session, states.state_of(draft))
    found = checking.check(layer, after, metric=deployment.get(session).metric_crs)
    return found[found["severity"] == "defect"]


def test_a_border_is_redrawn_and_everything_else_stays(tiled, draft):
    said = {
        "edit": "redraw",
        "level": "grid",
        "code": WEST + "001",
        "other": WEST + "002",
        "line": line((5, -1), (5, 9)),
    }
    made = edit(tiled, draft, said)
    assert list(made.changes) == ["districts", "subdistricts", "communities", "grids"], "they get nodes"
    assert sorted(made.changes["grids"].table["code"]) == [WEST + "001", WEST + "002"]
    after = grids(tiled, draft)
    assert after.geometry[WEST + "001"].equals(city.on_map(box(0, 0, 5, 8)))
    assert after["people"][WEST + "001"] == 100
    assert defects(tiled, draft).empty
    assert [step.said for step in steps.listed(tiled, draft)] == [said]


def test_parts_of_a_split_grid_are_new_features_named_after_it(tiled, draft):
    made = edit(
        tiled, draft, {"edit": "split", "level": "grid", "code": WEST + "002", "line": line((3, 4), (9, 4))}
    )
    after = grids(tiled, draft)
    parts = [WEST + "003", WEST + "004"]
    assert set(after.index) == {*city.TILES, *parts} - {WEST + "002"}
    assert after["name"][parts].tolist() == ["grids 002-003", "grids 002-004"]
    assert after.loc[parts, ["people", "households"]].isna().all(axis=None)
    assert after.loc[parts, "generated_code"].all()
    assert after.loc[parts, "scheme"].tolist() == ["governance"] * 2
    assert made.lineage.to_numpy().tolist() == [["grid", WEST + "002", part] for part in parts]
    assert "posts" not in made.changes, "nobody but a person knows whose post it becomes"
    assert defects(tiled, draft).empty


def test_a_merge_counts_both_and_its_posts_follow(tiled, draft):
    made = edit(tiled, draft, {"edit": "merge", "level": "grid", "codes": [WEST + "001", WEST + "002"]})
    after = grids(tiled, draft)
    assert after.loc[WEST + "001", ["people", "households"]].tolist() == [300, 120]
    assert WEST + "002" not in after.index
    assert made.changes["posts"].after["target_code"].tolist() == [WEST + "001"]


def test_a_merge_with_an_unknown_count_is_unknown(tiled, draft):
    edit(tiled, draft, {"edit": "merge", "level": "grid", "codes": [EAST + "001", EAST + "002"]})
    after = grids(tiled, draft)
    assert after["people"].isna()[EAST + "001"]
    assert after["households"][EAST + "001"] == 280


def test_a_grid_that_comes_below_another_community_stays_the_same_feature(tiled, draft):
    before = store.read(tiled, "grids", 1).reset_index().set_index("code")
    made = edit(tiled, draft, {"edit": "merge", "level": "community", "codes": [EAST, WEST]})
    after = states.read(tiled, "grids", states.state_of(draft)).reset_index().set_index("code")
    assert set(after.index) == {EAST + "001", EAST + "002", EAST + "003", EAST + "004"}
    moved = after.loc[[EAST + "003", EAST + "004"]]
    assert set(moved["id"]) == set(before["id"][[WEST + "001", WEST + "002"]])
    assert set(moved["people"]) == {100, 200}
    assert made.changes["posts"].after["target_code"].iloc[0] in moved.index
    kinds = made.changes["communities"].table.set_index("code")["kind"]
    assert kinds.to_dict() == {EAST: "moved", WEST: "removed"}
    assert defects(tiled, draft).empty
    assert defects(tiled, draft, "communities").empty


def test_a_moved_corner_of_a_community_takes_its_grids_along(tiled, draft):
    here, there = city.point(8, 8), city.point(8.5, 8)
    edit(tiled, draft, {"edit": "move_vertices", "level": "community", "moves": [[here, there]]})
    moved = grids(tiled, draft).geometry[WEST + "002"]
    assert moved.equals(city.on_map(Polygon([(4, 0), (8, 0), (8, 4), (8.5, 8), (4, 8)])))
    assert defects(tiled, draft).empty


def test_codes_that_were_ever_given_are_not_given_again(tiled, draft):
    first = edit(
        tiled, draft, {"edit": "split", "level": "grid", "code": WEST + "002", "line": line((3, 4), (9, 4))}
    )
    again = edit(
        tiled, draft, {"edit": "split", "level": "grid", "code": WEST + "001", "line": line((-1, 4), (5, 4))}
    )
    other = keeping.create(tiled, title="别处", note="", author="li", now=city.NOW)
    third = edit(
        tiled, other, {"edit": "split", "level": "grid", "code": WEST + "001", "line": line((-1, 2), (5, 2))}
    )
    given = [set(made.lineage["successor"]) for made in (first, again, third)]
    assert given == [{WEST + "003", WEST + "004"}, {WEST + "005", WEST + "006"}, {WEST + "007", WEST + "008"}]


def test_a_draft_of_edits_can_be_published(tiled, draft):
    edit(tiled, draft, {"edit": "merge", "level": "community", "codes": [EAST, WEST]})
    edit(
        tiled, draft, {"edit": "split", "level": "grid", "code": EAST + "001", "line": line((7, 2), (15, 2))}
    )
    found = {
        diff.layer: editing.change_of(diff.changes) for diff in states.diffs_of(tiled, states.state_of(draft))
    }
    done = publishing.publish(tiled, found, author="zhang", note="x", now=city.NOW)
    published = store.read(tiled, "grids", done.revision)
    assert set(published["code"]) == set(grids(tiled, draft).index)


def test_an_edit_that_cannot_be_made_stores_nothing(tiled, draft):
    with pytest.raises(DataError) as caught:
        edit(
            tiled,
            draft,
            {"edit": "split", "level": "grid", "code": WEST + "002", "line": line((5, 3), (6, 3))},
        )
    assert caught.value.faults[0].kind == "edit-line"
    assert not steps.listed(tiled, draft)
    draft.status = "submitted"
    with pytest.raises(Conflict):
        edit(tiled, draft, {"edit": "merge", "level": "grid", "codes": [WEST + "001", WEST + "002"]})
