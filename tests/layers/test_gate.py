"""What refuses a publication: what is new or larger, and not what only has other neighbours."""

import datetime as dt

import numpy as np
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from geo import changes as comparing
from layers import defects, gate, validation
from layers.tables import Defect, Revision
from tests.geo.test_partition_neighbourhood import changed, city
from tests.layers.frames import areas, square

METRIC = "EPSG:4545"
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
PARENT = {"510899": square(0, 0, 4)}
#: The last quarter of the parent belongs to nobody.
STANDING = {"510899001": square(0, 0), "510899002": square(1, 0, 2)}


def refused(before, after):
    """Codes of the defects that refuse the step from one state of the subdistricts to another."""

    def reader(shapes):
        state = {"districts": areas(PARENT), "subdistricts": areas(shapes, "510899")}
        return lambda layer: state.get(layer, areas({}))

    was, now = (reader(shapes)("subdistricts") for shapes in (before, after))
    judged = gate.judge(
        reader(before), reader(after), {"subdistricts": comparing.between(was, now)}, metric=METRIC
    )
    assert len(judged.found["subdistricts"].after), "the gap is always there"
    return [fault.kind for fault in judged.worse]


def test_a_standing_gap_is_no_new_one_when_the_area_beside_it_is_split():
    halves = STANDING | {"510899002": square(1, 0), "510899003": square(2, 0)}
    assert refused(STANDING, halves) == []
    assert refused(halves, STANDING) == []


def test_a_gap_that_grows_is_refused():
    assert refused(STANDING, STANDING | {"510899002": square(1, 0, 1.9)}) == ["gap-at-parent"]


def test_a_gap_that_shrinks_is_not():
    assert refused(STANDING, STANDING | {"510899002": square(1, 0, 2.1)}) == []


@pytest.mark.parametrize("width", [2.5, 2.0001])
def test_a_new_overlap_is_refused(width):
    wider = STANDING | {"510899001": square(0, 0, width - 1)}
    assert refused(STANDING, wider) == ["overlap"]


# --- the neighbourhood against the whole -------------------------------------------------------------------


def state(grids, communities):
    """Reads the two layers; features are known by their codes."""
    layers = {
        "grids": grids.assign(scheme="governance").set_index(grids["code"].rename("id")),
        "communities": communities.set_index(communities["code"].rename("id")),
    }
    return lambda layer: layers.get(layer, areas({}))


def said(faults):
    return sorted((fault.kind, fault.layer, fault.id, f"{fault.size:.3g}") for fault in faults)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 99), st.data())
def test_what_is_refused_near_by_is_what_is_refused_of_whole_layers(seed, data):
    grids, communities = city(np.random.default_rng(seed))
    for _ in range(data.draw(st.integers(0, 2))):
        grids = data.draw(changed(grids, communities["code"]))
    new = data.draw(changed(grids, communities["code"]))
    new_communities = (
        data.draw(changed(communities, ["420199001"])) if data.draw(st.booleans()) else communities
    )
    before, after = state(grids, communities), state(new, new_communities)
    found = {layer: comparing.between(before(layer), after(layer)) for layer in ("communities", "grids")}
    found = {layer: change for layer, change in found.items() if len(change)}
    judged = gate.judge(before, after, found, metric=METRIC)
    whole = [
        fault
        for layer in judged.found
        for fault in gate.refusals(
            layer,
            validation.check(layer, before, metric=METRIC),
            validation.check(layer, after, metric=METRIC),
            metric=METRIC,
        )
    ]
    event(f"{min(len(whole), 3)} refused")
    assert said(judged.worse) == said(whole)


def test_what_stands_far_off_stays_kept_and_what_is_near_is_exchanged(session):
    """Two gaps stand; the one is mended, and an area beside the other only renamed."""
    shapes = {"510899001": square(0, 0, 0.5), "510899002": square(1, 0), "510898001": square(2, 0, 2.5)}
    districts = {"510899": square(0, 0, 2), "510898": square(2, 0, 3)}
    stored = {
        "districts": areas(districts),
        "subdistricts": areas(shapes, "510899").assign(parent_code=["510899", "510899", "510898"]),
    }
    revise(session, 1)
    before = lambda layer: stored.get(layer, areas({}))  # noqa: E731
    validation.store(session, "subdistricts", validation.check("subdistricts", before, metric=METRIC), 1)
    assert kept(session) == [
        ("gap-at-parent", "510898 510898001"),
        ("gap-at-parent", "510899 510899001 510899002"),
    ]
    mended = stored["subdistricts"].copy()
    mended.geometry = [square(0, 0), *mended.geometry[1:]]
    mended["name"] = "another"
    found = {"subdistricts": comparing.between(stored["subdistricts"], mended)}
    judged = gate.judge(
        before, lambda layer: mended if layer == "subdistricts" else before(layer), found, metric=METRIC
    )
    assert not judged.worse
    revise(session, 2)
    gate.keep(session, judged.found, 2)
    assert kept(session) == [("gap-at-parent", "510898 510898001")]
    assert defects.counts(session, {"subdistricts": 2}) == {"subdistricts": 1}


def revise(session, number):
    session.add(
        Revision(
            number=number,
            published_at=NOW,
            effective_from=NOW,
            author="t",
            note="",
            layers=["subdistricts"],
            counts={},
        )
    )
    session.flush()


def kept(session):
    return sorted((each.kind, " ".join(each.codes)) for each in session.scalars(select(Defect)))
