"""Features as the published tree sends them: properties, places, boxes, axes of each CRS."""

import numpy as np
import pytest
import shapely
from pyproj import Transformer
from shapely import box
from shapely.geometry import shape

from tests.api.ogc.asking import EPSG, box_of, codes
from tests.paper_city import EAST, GRIDS, WEST, on_map


def test_a_feature_has_its_properties_and_its_stored_coordinates_to_the_last_bit(items):
    (found,) = items(code=WEST + "002")["features"]
    assert found["properties"] == {
        "code": WEST + "002",
        "name": "grids 002",
        "parent_code": WEST,
        "people": None,
        "households": None,
        "scheme": "governance",
        "kind": "base",
        "generated_code": False,
    }
    assert shape(found["geometry"]) == shapely.multipolygons([on_map(box(0, 0, 4, 4))])


def test_gates_and_sites_are_text(items):
    (school,) = items("facilities", code="F3")["features"]
    assert shapely.from_wkt(school["properties"]["entrances"]) == on_map(shapely.MultiPoint([(3, 3.9)]))
    assert school["properties"]["name"] == "=小学"


def test_one_feature_by_its_id(built, items):
    (listed,) = items(code=EAST + "003")["features"]
    reply = built.get(f"/ogc/collections/grids/items/{listed['id']}", params={"crs": EPSG + "4326"})
    found = reply.json()
    assert reply.headers["Content-Crs"] == f"<{EPSG}4326>"
    assert found["properties"] == listed["properties"]
    assert {link["rel"] for link in found["links"]} == {"self", "collection"}
    for wrong in ("00000000-0000-0000-0000-000000000000", "17", "'; DROP TABLE grids; --"):
        assert built.get(f"/ogc/collections/grids/items/{wrong}").status_code == 404


@pytest.mark.parametrize(
    ("bbox", "expected"),
    [
        ((4.5, 0.5, 5, 1), [WEST + "001"]),
        ((2.1, 5.1, 2.3, 5.3), []),
        ((-5, -5, -1, -1), []),
        ((0, 0, 14, 8), sorted(GRIDS)),
    ],
    ids=["one", "the hole", "outside", "all"],
)
def test_a_box_takes_what_it_touches(items, bbox, expected):
    assert codes(items(bbox=box_of(*bbox))) == expected


def test_a_box_has_the_axes_of_its_crs(items):
    west, south, east, north = (float(side) for side in box_of(4.5, 0.5, 5, 1).split(","))
    to_metric = Transformer.from_crs("EPSG:4326", "EPSG:4547")
    low, high = to_metric.transform(south, west), to_metric.transform(north, east)
    web = Transformer.from_crs("EPSG:4326", "EPSG:3857", always_xy=True)
    for bbox, system in (
        ((south, west, north, east), "4326"),
        ((south, west, north, east), "4490"),
        ((*low, *high), "4547"),
        ((*web.transform(west, south), *web.transform(east, north)), "3857"),
    ):
        found = items(bbox=",".join(map(str, bbox)), bbox_crs=EPSG + system)
        assert codes(found) == [WEST + "001"], system
    assert codes(items(bbox=f"{west},{south},0,{east},{north},99")) == [WEST + "001"], "heights"


@pytest.mark.parametrize("authority", ["4326", "4490", "4547", "3857"])
def test_coordinates_have_the_axes_of_the_crs_asked_for(built, items, authority):
    (degrees,) = items(code=EAST + "004")["features"]
    reply = built.get("/ogc/collections/grids/items", params={"code": EAST + "004", "crs": EPSG + authority})
    assert reply.headers["Content-Crs"] == f"<{EPSG}{authority}>"
    lon, lat = shapely.get_coordinates(shape(degrees["geometry"])).T
    # The authority's own order: latitude before longitude, northing before easting.
    source = "EPSG:4490" if authority in {"4490", "4547"} else "EPSG:4326"
    expected = Transformer.from_crs(source, f"EPSG:{authority}").transform(lat, lon)
    (found,) = reply.json()["features"]
    coordinates = shapely.get_coordinates(shape(found["geometry"])).T
    assert coordinates.ravel() == pytest.approx(np.ravel(expected), abs=1e-6)
