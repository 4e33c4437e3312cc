"""Files into a draft: worked out beside what is published, each import one step."""

import geopandas as gpd
import pandas as pd
import pytest
from shapely import box

from geo.faults import DataError
from layers import history, imports, store
from layers.drafts import keeping, states, steps
from layers.errors import Conflict
from layers.imports import Options, drafting, reading
from tests import paper_city as city

FIRST, SECOND, NEW = city.WEST + "001", city.WEST + "002", city.WEST + "009"


def table(shapes, **columns):
    """A file's records of grids, by code."""
    data = {"code": list(shapes), **columns}
    return gpd.GeoDataFrame(data, geometry=[city.on_map(each) for each in shapes.values()], crs=4326)


def whole(**changed):
    """Every grid of the city, some of them otherwise; None leaves one out."""
    return table({code: shape for code, shape in {**city.GRIDS, **changed}.items() if shape is not None})


def moved(x):
    """The border of two grids, put elsewhere."""
    return {SECOND: box(0, 0, x, 4), FIRST: box(x, 0, 8, 4)}


def propose(session, draft, frame, layer="grids", **options):
    records = reading.of_frame(layer, frame, Options(**options))
    return drafting.propose(session, draft, records, now=city.NOW)


def run(session, draft, frame, layer="grids", **options):
    proposal = propose(session, draft, frame, layer, **options)
    return proposal, drafting.record(session, proposal, author="zhang", now=city.NOW)


def kinds(changes):
    return changes.table.set_index("code")["kind"].to_dict()


def test_an_import_is_one_step_of_the_draft_and_nothing_is_published(built, draft):
    proposal, step = run(built, draft, table(moved(3)))
    assert (step.kind, step.number, step.counts) == ("import", 1, {"grids": {"upserts": 2, "removed": 0}})
    assert step.said["import"] == "import grids"
    assert step.said["mode"] == "upsert"
    report = proposal.outcome.reports["grids"]
    assert (report.changed, report.revision) == (2, None)
    state = states.state_of(draft)
    assert kinds(states.changes_of(built, "grids", state)) == {FIRST: "moved", SECOND: "moved"}
    assert history.newest(built) == 1
    assert store.read(built, "grids", 1, codes=[FIRST]).geometry.iloc[0].equals(city.on_map(box(4, 0, 8, 4)))


def test_the_preview_says_what_the_step_will_do_by_code(built, draft):
    shapes = {**moved(3), FIRST: None, NEW: box(3, 0, 8, 4)}
    proposal = propose(built, draft, whole(**shapes), mode="replace")
    (layer, found), *others = proposal.outcome.differences().items()
    expected = kinds(found)
    assert (layer, others) == ("grids", [])
    assert [expected[code] for code in (FIRST, SECOND, NEW)] == ["removed", "moved", "added"]
    assert expected[city.EAST + "003"] == "attributes"  # a replacement tells no name, so that it has none
    assert states.layers_of(built, states.state_of(draft)) == []  # nothing was stored
    drafting.record(built, proposal, author="zhang", now=city.NOW)
    assert kinds(states.changes_of(built, "grids", states.state_of(draft))) == expected


def test_a_second_import_begins_where_the_first_one_ended(built, draft):
    run(built, draft, table({**moved(3), NEW: box(9, 4, 10, 5)}, name=["甲", "乙", "丙"]))
    proposal, step = run(built, draft, table({NEW: box(9, 4, 10, 6)}))
    assert kinds(proposal.outcome.differences()["grids"]) == {NEW: "moved"}
    frame = states.read(built, "grids", states.state_of(draft)).set_index("code")
    assert frame.loc[NEW, "name"] == "丙"  # the file does not tell it, the draft does
    assert step.number == 2
    steps.undo(built, draft, now=city.NOW)
    steps.undo(built, draft, now=city.NOW)
    assert len(states.changes_of(built, "grids", states.state_of(draft))) == 0


def test_what_is_in_the_draft_already_is_no_step(built, draft):
    shapes = {**city.GRIDS, **moved(3)}
    run(built, draft, table(shapes), mode="replace")
    for mode in ("upsert", "replace"):
        proposal, step = run(built, draft, table(shapes), mode=mode)
        assert step is None
        assert proposal.outcome.reports["grids"].unchanged == len(shapes)
    assert draft.last_step == 1


def test_a_draft_takes_what_makes_the_partition_worse_and_says_so(built, draft):
    frame = table({SECOND: box(0, 0, 5, 4)})
    with pytest.raises(DataError, match="overlap"):
        imports.import_frame(built, "grids", frame, Options(), author="zhang", now=city.NOW)
    proposal, step = run(built, draft, frame)
    assert step.number == 1
    overlap = next(fault for fault in proposal.outcome.worse if fault.kind == "overlap")
    assert overlap.id == f"{FIRST}, {SECOND}"
    mended, _ = run(built, draft, table({FIRST: box(5, 0, 8, 4)}))
    assert mended.outcome.worse == []
    # A replacement is compared too: publishing the draft will refuse what is worse.
    replaced = propose(built, draft, whole(**{SECOND: box(0, 0, 5, 4)}), mode="replace")
    assert "overlap" in {fault.kind for fault in replaced.outcome.worse}


def test_records_at_fault_are_left_out_by_the_policy_asked_for(built, draft):
    frame = table({**moved(3), "42": box(0, 0, 1, 1)})
    proposal, step = run(built, draft, frame)
    report = proposal.outcome.reports["grids"]
    assert (report.read, report.changed, report.rejected) == (3, 2, 1)
    assert step.counts == {"grids": {"upserts": 2, "removed": 0}}
    with pytest.raises(DataError, match="code-malformed"):
        propose(built, draft, frame, on_invalid="fail")


def test_an_import_overtaken_by_another_step_stores_nothing(built, draft):
    late = propose(built, draft, table(moved(3)))
    run(built, draft, table(moved(5)))
    with pytest.raises(Conflict, match="Meanwhile the draft '北门' changed"):
        drafting.record(built, late, author="li", now=city.NOW)
    assert draft.last_step == 1


def test_only_an_open_draft_takes_files(built, draft):
    keeping.discard(draft, now=city.NOW)
    with pytest.raises(Conflict, match="discarded"):
        propose(built, draft, table(moved(3)))


def test_areas_without_codes_get_ones_that_no_standing_draft_has_given(built, draft):
    run(built, draft, table({"": box(10, 0, 11, 1)}, parent_code=[city.EAST]).drop(columns="code"))
    other = keeping.create(built, title="南门", note="", author="li", now=city.NOW)
    run(built, other, table({"": box(12, 0, 13, 1)}, parent_code=[city.EAST]).drop(columns="code"))
    given = [
        set(states.read(built, "grids", states.state_of(each))["code"]) - {*city.GRIDS}
        for each in (draft, other)
    ]
    assert given == [{city.EAST + "005"}, {city.EAST + "006"}]


def test_a_feature_that_got_another_code_is_not_imported_under_both(built):
    renamed = store.read(built, "grids", 1, codes=[FIRST]).assign(code=NEW)
    city.publish(built, {"grids": renamed})
    later = keeping.create(built, title="改码", note="", author="li", now=city.NOW)
    frame = table({NEW: box(4, 0, 8, 3), FIRST: box(4, 3, 8, 4)})
    proposal = propose(built, later, frame)
    report = proposal.outcome.reports["grids"]
    assert [(fault.kind, fault.row, fault.id) for fault in report.faults] == [("code-retired", 2, FIRST)]
    assert kinds(proposal.outcome.differences()["grids"]) == {NEW: "moved"}
    # Alone it means the feature, which gets its former code back.
    back = propose(built, later, table({FIRST: box(4, 0, 8, 4)})).outcome.differences()["grids"]
    assert back.table[["code_before", "code"]].to_numpy().tolist() == [[NEW, FIRST]]


def test_posts_and_what_belongs_to_others_are_understood_by_the_draft(built, draft):
    run(built, draft, table({NEW: box(9, 4, 10, 5)}))
    posts = pd.DataFrame({"role": ["网格长"], "name": ["周敏"], "target_code": [NEW]})
    proposal, step = run(built, draft, posts, "posts")
    assert (proposal.outcome.reports["posts"].rejected, step.number) == (0, 2)
    with pytest.raises(DataError, match="There is no"):  # not among what is published
        imports.import_frame(built, "posts", posts, Options(), author="zhang", now=city.NOW)


def test_children_and_buildings_follow_within_the_same_step(built, draft):
    homes = gpd.GeoDataFrame({"name": ["3栋"]}, geometry=[city.on_map(box(5, 1, 5.5, 1.5))], crs=4326)
    run(built, draft, homes, "buildings")
    compound = gpd.GeoDataFrame(
        {"name": ["新村"], "form": ["managed"]}, geometry=[city.on_map(box(4.5, 0.5, 6, 2))], crs=4326
    )
    _, step = run(built, draft, compound, "compounds")
    assert {layer: counts["upserts"] for layer, counts in step.counts.items()} == {
        "compounds": 1,
        "buildings": 1,
    }
    state = states.state_of(draft)
    owner = states.read(built, "compounds", state).set_index("name").loc["新村", "code"]
    assert states.read(built, "buildings", state)["compound_code"].tolist() == [owner]
