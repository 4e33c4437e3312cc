"""What refuses a publication: what is new or larger, and not what only has other neighbours."""

import pytest

from layers import gate, validation
from tests.layers.frames import areas, square

METRIC = "EPSG:4545"
PARENT = {"510899": square(0, 0, 4)}
#: The last quarter of the parent belongs to nobody.
STANDING = {"510899001": square(0, 0), "510899002": square(1, 0, 2)}


def refused(before, after):
    """Codes of the defects that refuse the step from one state of the subdistricts to another."""

    def reader(shapes):
        state = {"districts": areas(PARENT), "subdistricts": areas(shapes, "510899")}
        return lambda layer: state.get(layer, areas({}))

    found = {"subdistricts": validation.check("subdistricts", reader(after), metric=METRIC)}
    assert len(found["subdistricts"]), "the gap is always there"
    return [fault.kind for fault in gate.refusals(found, reader(before), metric=METRIC)]


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
