"""Standing defects, as the last check of each layer left them."""

import geopandas as gpd
from shapely import box

from layers import defects, history, validation
from tests import paper_city


def found(*sizes, kind="gap"):
    """A frame of defects of one square metre and more."""
    return gpd.GeoDataFrame(
        {
            "kind": kind,
            "codes": [["1", "2"] for _ in sizes],
            "size": [float(size) for size in sizes],
            "unit": "m2",
            "message": "say",
        },
        geometry=[paper_city.on_map(box(0, 0, 1, 1)) for _ in sizes],
        crs="EPSG:4326",
    )[list(validation.COLUMNS)]


def test_the_largest_of_each_kind_come_first_and_all_are_counted(session):
    paper_city.build(session)
    validation.store(session, "grids", found(1, 3, 2), 1)
    versions = history.versions(session, 1)
    assert defects.counts(session, versions) == {"grids": 3}
    shown = defects.standing(session, versions, limit=2)
    assert [defect.size for defect in shown] == [3.0, 2.0]
    lon, lat = paper_city.point(0.5, 0.5)
    assert (shown[0].lon, shown[0].lat) == (lon, lat)


def test_a_later_check_replaces_an_earlier_one(session):
    paper_city.build(session)
    validation.store(session, "grids", found(1, 2), 1)
    paper_city.publish(session, {"communities": paper_city.layers()["communities"].iloc[:1]})
    validation.store(session, "grids", found(5), 2)
    versions = history.versions(session, 1)
    assert defects.counts(session, versions) == {"grids": 1}
    assert [defect.size for defect in defects.standing(session, versions, limit=9)] == [5.0]


def test_what_was_found_before_the_layers_version_no_longer_stands(session):
    paper_city.build(session)
    validation.store(session, "grids", found(1), 1)
    assert defects.counts(session, {"grids": 2}) == {}
    assert defects.standing(session, {"grids": 2}, limit=9) == []


def test_nothing_published_has_no_defects(session):
    assert defects.standing(session, {}, limit=9) == []
