"""Where areas come from, what became of them, and who drew their borders."""

import pytest
from shapely import box

from layers import blame, diffs, lineage
from layers.errors import NotFound
from layers.publishing import Change
from tests import paper_city as city

A, B = city.WEST + "002", city.WEST + "001"
C, D, E = (city.WEST + number for number in ("010", "011", "012"))


@pytest.fixture
def built(session):
    """1: the city; 2: A gives B a strip; 3: B is split into C and D; 4: D and A are merged into E."""
    city.build(session)
    city.publish(session, {"grids": city.grids({A: box(0, 0, 3, 4), B: box(3, 0, 8, 4)})})
    halves = city.grids({C: box(3, 0, 6, 4), D: box(6, 0, 8, 4)})
    city.publish(session, {"grids": Change(halves, list(city.identifiers("grids", [B])))})
    whole = city.grids({E: box(0, 0, 3, 4) | box(6, 0, 8, 4)})
    city.publish(session, {"grids": Change(whole, list(city.identifiers("grids", [A, D])))})
    return session


def steps(tree):
    return {(found.revision, found.from_code, found.to_code) for found in tree.descents}


def test_a_tree_goes_both_ways(built):
    tree = lineage.of_area(built, "grids", D)
    assert steps(tree) == {(3, B, D), (4, D, E)}
    lives = {life.code: (life.begun, life.ended) for life in tree.areas}
    assert lives == {B: (1, 3), D: (3, 4), E: (4, None)}
    assert tree.whole


def test_ancestors_of_a_merger(built):
    assert steps(lineage.of_area(built, "grids", E)) == {(3, B, D), (4, A, E), (4, D, E)}


def test_shares_tell_how_much(built):
    descent = next(found for found in lineage.of_area(built, "grids", B).descents if found.to_code == C)
    assert descent.share_of_from == pytest.approx(0.6, abs=0.01)
    assert descent.share_of_to == pytest.approx(1.0, abs=0.01)


def test_a_strip_between_lasting_areas_is_no_descent(built):
    assert steps(lineage.of_area(built, "grids", A)) == {(4, A, E)}
    moved = diffs.between(built, 1, 2)[0].land
    assert moved[["from_code", "to_code"]].to_numpy().tolist() == [[A, B]]


def test_what_has_no_lineage(built):
    with pytest.raises(NotFound, match="never was"):
        lineage.of_area(built, "grids", "999")
    with pytest.raises(NotFound, match="compounds has no lineage"):
        lineage.of_area(built, "compounds", A)


def test_blame_names_the_revision_of_each_stretch(built):
    found = blame.border(built, "grids", C, 3)
    drawn = dict(found.groupby("neighbour", dropna=False)["revision"].agg(set))
    assert drawn[A] == {2}
    assert drawn[D] == {3}
    assert found["author"].unique().tolist() == ["test"]
    assert {*found["revision"]} == {1, 2, 3}


def test_blame_of_an_older_state(built):
    assert {*blame.border(built, "grids", B, 1)["revision"]} == {1}
    with pytest.raises(NotFound, match="At revision 4"):
        blame.border(built, "grids", B, 4)
    with pytest.raises(NotFound, match="streets has no borders"):
        blame.border(built, "streets", B, 4)


def test_a_diff_runs_both_ways(built):
    there, back = diffs.between(built, 1, 4)[0], diffs.between(built, 4, 1)[0]
    assert there.changes.counts == {"added": 2, "removed": 2, "moved": 0, "nodes": 0, "attributes": 0}
    assert back.changes.counts == there.changes.counts
    pairs = {(a, b) for a, b in there.land[["from_code", "to_code"]].itertuples(index=False)}
    assert pairs == {(b, a) for a, b in back.land[["from_code", "to_code"]].itertuples(index=False)}
    assert pairs == {(A, C), (A, E), (B, C), (B, E)}


def test_a_diff_from_before_the_first_revision(built):
    found = {diff.layer: diff for diff in diffs.between(built, 0, 1)}
    assert found["districts"].changes.counts["added"] == 1
    assert found["posts"].land is None
    assert [diff.layer for diff in diffs.between(built, 0, 1, layer="posts")] == ["posts"]
    with pytest.raises(NotFound, match="no revision 9"):
        diffs.between(built, 1, 9)
