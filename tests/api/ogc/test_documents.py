"""The documents that lead to the features: landing page, collections, description, schemas."""

import pytest
import shapely
from fastapi.testclient import TestClient
from openapi_spec_validator import validate
from shapely import box
from shapely.geometry import shape

from api.app import create_app
from api.ogc.queries import MOST_LIMIT
from layers.features.collections import COLLECTIONS
from layers.features.properties import PUBLISHED
from tests import paper_city as paper
from tests import walking_city as city
from tests.api.ogc.asking import CRS84, EPSG, METRIC, codes
from tests.paper_city import EAST, WEST


@pytest.mark.parametrize("path", ["/ogc", "/ogc/"])
def test_the_landing_page_leads_everywhere_by_whole_addresses(built, path):
    links = {link["rel"]: link for link in built.get(path).json()["links"]}
    schemes = "http://www.opengis.net/def/rel/ogc/1.0/tiling-schemes"
    assert set(links) == {"self", "service-desc", "conformance", "data", schemes}
    assert links["service-desc"]["type"] == "application/vnd.oai.openapi+json;version=3.0"
    for link in links.values():
        assert link["href"].startswith("http://testserver/ogc")
        reply = built.get(link["href"])
        assert reply.status_code == 200
        assert reply.headers["content-type"] == link["type"]


def test_every_published_layer_is_listed_and_people_are_not(built):
    listed = built.get("/ogc/collections").json()["collections"]
    assert [each["id"] for each in listed] == list(COLLECTIONS)
    assert {found.layer for found in COLLECTIONS.values()} == set(PUBLISHED)
    assert "posts" not in PUBLISHED
    for each in listed:
        assert each["itemType"] == "feature"
        assert each["crs"] == [CRS84, EPSG + "4326", EPSG + "4490", METRIC, EPSG + "3857"]
        assert each["storageCrs"] == CRS84
        for link in each["links"]:
            assert built.get(link["href"]).status_code == 200, link["href"]
    assert built.get("/ogc/collections/posts/items").status_code == 404


def test_the_extent_holds_every_feature(built, items):
    about = built.get("/ogc/collections/grids").json()
    west, south, east, north = about["extent"]["spatial"]["bbox"][0]
    shapes = [shape(feature["geometry"]) for feature in items()["features"]]
    assert shapely.total_bounds(shapes).tolist() == [west, south, east, north]
    assert about["extent"]["temporal"]["interval"] == [["2026-03-01T00:00:00Z", None]]
    assert "extent" not in built.get("/ogc/collections/addresses").json(), "nothing is there"


def test_behind_a_proxy_every_address_is_the_clients(settings, session):
    city.build(session)
    stated = settings.model_copy(update={"public_url": "https://gis.example.gov.cn/wangge/"})
    with TestClient(create_app(stated, open_reading=True)) as client:
        for path in ("/ogc/", "/ogc/collections", "/ogc/collections/grids/items?limit=1", "/ogc/api"):
            text = client.get(path).text
            assert "https://gis.example.gov.cn/wangge/ogc" in text
            assert "testserver" not in text


def test_the_description_is_openapi_3_0_and_states_the_limit(built):
    document = built.get("/ogc/api").json()
    assert document["openapi"].startswith("3.0")
    validate(document)
    limit = document["components"]["parameters"]["limit"]["schema"]
    assert (limit["maximum"], limit["default"]) == (MOST_LIMIT, 100)
    described = {path for path in document["paths"] if path.endswith("/items")}
    assert described == {f"/collections/{name}/items" for name in COLLECTIONS}


@pytest.mark.parametrize("layer", COLLECTIONS)
def test_the_schema_names_exactly_what_features_tell(built, items, layer):
    schema = built.get(f"/ogc/collections/{layer}/schema")
    assert schema.headers["content-type"] == "application/schema+json"
    listed = schema.json()["properties"]
    assert listed["geometry"]["x-ogc-role"] == "primary-geometry"
    for feature in items(layer)["features"]:
        assert ["id", "geometry", *feature["properties"]] == list(listed)
        assert "extra" not in feature["properties"]
        stated = listed["geometry"]["format"].removeprefix("geometry-")
        assert stated == feature["geometry"]["type"].lower()


def test_homes_until_surveyed_are_a_collection_of_their_own(built, items):
    """A GIS draws one type of geometry in a layer, and takes it from the first features it gets."""
    surveyed, points = items("compounds"), items("compounds_points")
    assert codes(surveyed) == [WEST + "C01", WEST + "C02"]
    assert codes(points) == [EAST + "C01"]
    assert (surveyed["numberMatched"], points["numberMatched"]) == (2, 1)
    about = {name: built.get(f"/ogc/collections/{name}").json() for name in ("compounds", "compounds_points")}
    assert about["compounds_points"]["title"] == "小区（点） residential compounds as points"
    for name, other in (("compounds", "compounds_points"), ("compounds_points", "compounds")):
        (rest,) = [link["href"] for link in about[name]["links"] if link["rel"] == "related"]
        assert rest.endswith(f"/collections/{other}")
    (identifier,) = [feature["id"] for feature in points["features"]]
    assert built.get(f"/ogc/collections/compounds_points/items/{identifier}").status_code == 200
    assert built.get(f"/ogc/collections/compounds/items/{identifier}").status_code == 404
    lon, lat = points["features"][0]["geometry"]["coordinates"]
    assert about["compounds_points"]["extent"]["spatial"]["bbox"] == [[lon, lat, lon, lat]]


def test_queryables_are_what_filters_may_name(built, items):
    document = built.get("/ogc/collections/facilities/queryables").json()
    assert document["additionalProperties"] is False
    assert document["properties"]["code"]["title"] == "编码 code"
    assert "fresh_market" in document["properties"]["type"]["enum"]
    for name in document["properties"]:
        items("facilities", filter=f'"{name}" IS NOT NULL')
    assert "site" not in document["properties"]


def test_buildings_alone_from_openstreetmap_are_attributed(open_client, session):
    paper.build(session)
    assert "attribution" not in open_client.get("/ogc/collections/buildings").json()
    building = paper.areas("buildings", {"w17": box(1, 1, 2, 2)}).drop(columns="parent_code")
    paper.publish(session, {"buildings": building})
    assert "OpenStreetMap" in open_client.get("/ogc/collections/buildings").json()["attribution"]
