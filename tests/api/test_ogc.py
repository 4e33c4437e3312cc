"""The published tree of OGC API – Features: documents, features, filters, CRSs, paging, history, errors."""

import datetime as dt
import json
from functools import partial
from urllib.parse import parse_qsl, urlsplit
from xml.etree import ElementTree as ET

import numpy as np
import pytest
import shapely
from fastapi.testclient import TestClient
from openapi_spec_validator import validate
from pyproj import Transformer
from shapely import box
from shapely.affinity import translate
from shapely.geometry import shape

from api.app import create_app
from api.ogc.queries import MOST_LIMIT
from api.settings import Settings
from layers import database, publishing
from layers.features.properties import PUBLISHED
from tests import paper_city as paper
from tests import walking_city as city
from tests.conftest import fresh_database
from tests.paper_city import EAST, GRIDS, NOW, WEST, grids, on_map, point

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
EPSG = "http://www.opengis.net/def/crs/EPSG/0/"
METRIC = EPSG + "4547"
LATER = NOW + dt.timedelta(days=1)


@pytest.fixture(scope="module")
def built(server):
    """The walking city as the demo serves it, for every test that only reads."""
    for url in fresh_database(server):
        engine = database.make_engine(url, pool_size=1)
        with database.sessions(engine)() as session:
            city.build(session)
            session.commit()
        engine.dispose()
        with TestClient(create_app(Settings(database_url=url, threads=4), open_reading=True)) as client:
            yield client


@pytest.fixture
def own(session, open_client):
    """The walking city of one test, which may publish."""
    city.build(session)
    return open_client


def ask(client, layer="grids", *, status=200, **query):
    """Ask for items of a layer; parameters with hyphens are written like ``bbox_crs``."""
    named = {name.replace("_", "-"): value for name, value in query.items()}
    reply = client.get(f"/ogc/collections/{layer}/items", params=named)
    assert reply.status_code == status, reply.text
    return reply.json()


@pytest.fixture
def items(built):
    return partial(ask, built)


def codes(found):
    return sorted(feature["properties"]["code"] for feature in found["features"])


def box_of(west, south, east, north):
    return ",".join(map(str, (*point(west, south), *point(east, north))))


# --- documents ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/ogc", "/ogc/"])
def test_the_landing_page_leads_everywhere_by_whole_addresses(built, path):
    links = {link["rel"]: link for link in built.get(path).json()["links"]}
    assert set(links) == {"self", "service-desc", "conformance", "data"}
    assert links["service-desc"]["type"] == "application/vnd.oai.openapi+json;version=3.0"
    for link in links.values():
        assert link["href"].startswith("http://testserver/ogc")
        reply = built.get(link["href"])
        assert reply.status_code == 200
        assert reply.headers["content-type"] == link["type"]


def test_every_published_layer_is_listed_and_people_are_not(built):
    listed = built.get("/ogc/collections").json()["collections"]
    assert [each["id"] for each in listed] == list(PUBLISHED)
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
    assert described == {f"/collections/{layer}/items" for layer in PUBLISHED}


@pytest.mark.parametrize("layer", PUBLISHED)
def test_the_schema_names_exactly_what_features_tell(built, items, layer):
    schema = built.get(f"/ogc/collections/{layer}/schema")
    assert schema.headers["content-type"] == "application/schema+json"
    listed = schema.json()["properties"]
    assert listed["geometry"]["x-ogc-role"] == "primary-geometry"
    for feature in items(layer)["features"]:
        assert ["id", "geometry", *feature["properties"]] == list(listed)
        assert "extra" not in feature["properties"]
        stated = listed["geometry"]["format"].removeprefix("geometry-")
        assert stated in {"any", feature["geometry"]["type"].lower()}


def test_queryables_are_what_filters_may_name(built, items):
    document = built.get("/ogc/collections/facilities/queryables").json()
    assert document["additionalProperties"] is False
    assert document["properties"]["code"]["title"] == "编码 code"
    assert "fresh_market" in document["properties"]["type"]["enum"]
    for name in document["properties"]:
        items("facilities", filter=f'"{name}" IS NOT NULL')
    assert "site" not in document["properties"]


# --- features ----------------------------------------------------------------------------------------------


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


# --- filters -----------------------------------------------------------------------------------------------

TEXTS = [
    (f"code = '{WEST}002'", [WEST + "002"]),
    (f"code IN ('{WEST}002', '{EAST}001')", [WEST + "002", EAST + "001"]),
    (f"code LIKE '{EAST}%'", [code for code in sorted(GRIDS) if code.startswith(EAST)]),
    (f"code LIKE '{WEST}00_' AND NOT code LIKE '%4'", [WEST + "001", WEST + "002", WEST + "003"]),
    (f"code = '{WEST}001' OR code = '{EAST}001' AND kind = 'dedicated'", [WEST + "001"]),
    (f"(code = '{WEST}001' OR code = '{EAST}001') AND kind = 'dedicated'", []),
    ("people IS NULL AND NOT generated_code", sorted(GRIDS)),
    ("people IS NOT NULL", []),
    ("people + 1 > 5 * households", []),
    ("name = 'O''Brien'", []),
    ("CASEI(name) LIKE CASEI('GRIDS 003')", [WEST + "003", EAST + "003"]),
    (f"code BETWEEN '{WEST}002' AND '{WEST}003'", [WEST + "002", WEST + "003"]),
    ("name LIKE 'grids\\'", []),
    ("generated_code = TRUE", []),
]


@pytest.mark.parametrize(("text", "expected"), TEXTS, ids=[text for text, _ in TEXTS])
def test_filters_in_cql2_text(items, text, expected):
    found = items(filter=text, filter_lang="cql2-text")
    assert codes(found) == sorted(expected)
    assert found["numberMatched"] == len(expected)


def wkt(*bounds):
    return box(*point(*bounds[:2]), *point(*bounds[2:])).wkt


SPATIAL = [
    ("S_INTERSECTS(geometry, {})", (4.5, 0.5, 5, 1), [WEST + "001"]),
    ("S_WITHIN(geometry, {})", (-1, -1, 5, 5), [WEST + "002"]),
    ("S_CONTAINS(geometry, {})", (1, 1, 2, 2), [WEST + "002"]),
    ("NOT S_DISJOINT(geometry, {})", (1, 1, 2, 2), [WEST + "002"]),
    ("S_TOUCHES({}, geometry)", (0, -2, 4, 0), [WEST + "001", WEST + "002"]),
    ("S_EQUALS(geometry, {})", (0, 0, 4, 4), [WEST + "002"]),
]


@pytest.mark.parametrize(("text", "bounds", "expected"), SPATIAL, ids=[text for text, *_ in SPATIAL])
def test_filters_by_place(items, text, bounds, expected):
    assert codes(items(filter=text.format(wkt(*bounds)))) == sorted(expected)


def test_a_filters_geometry_has_the_axes_of_its_crs(items):
    swapped = shapely.transform(shapely.from_wkt(wkt(1, 1, 2, 2)), lambda xy: xy[:, ::-1]).wkt
    found = items(filter=f"S_INTERSECTS(geometry, {swapped})", filter_crs=EPSG + "4326")
    assert codes(found) == [WEST + "002"]
    west, south, east, north = shapely.from_wkt(swapped).bounds
    found = items(
        filter=f"S_INTERSECTS(geometry, BBOX({west},{south},{east},{north}))", filter_crs=EPSG + "4326"
    )
    assert codes(found) == [WEST + "002"]


def test_filters_in_cql2_json(items):
    stated = {
        "op": "and",
        "args": [
            {"op": "in", "args": [{"property": "code"}, [WEST + "001", WEST + "002", EAST + "001"]]},
            {
                "op": "s_intersects",
                "args": [{"property": "geometry"}, {"bbox": [*point(1, 1), *point(2, 2)]}],
            },
        ],
    }
    assert codes(items(filter=json.dumps(stated), filter_lang="cql2-json")) == [WEST + "002"]


def test_numbers_are_compared_and_reckoned_with(items):
    assert codes(items("compounds", filter="people > 7 AND people / households >= 2.5")) == [
        WEST + "C01",
        WEST + "C02",
    ]
    assert codes(items("compounds", filter="people / (households - households) > 0")) == []
    assert codes(items("compounds", people=7)) == [EAST + "C01"]
    assert codes(items("streets", walkable="false")) == ["S4"]


BAD = [
    ("code = ", "cannot be read"),
    ("secret = 1", "'secret'"),
    ("extra = 1", "'extra'"),
    ("site IS NULL", "'site'"),
    ("rev_from = 1", "'rev_from'"),
    ("code = 1", "text and number"),
    ("code", "no condition"),
    ("name LIKE 1", "like"),
    ("pg_sleep(9) = 1", "'pg_sleep'"),
    ("T_AFTER(code, DATE('2020-01-01'))", "not offered"),
    ("code = 'a' AND people", "boolean"),
    ("S_INTERSECTS(geometry, POLYGON((0 0,1 1,1 0,0 1,0 0)))", "not valid"),
    ("S_INTERSECTS(geometry, GEOMETRYCOLLECTION(POINT(0 0)))", "one kind"),
    ("S_INTERSECTS(code, POINT(0 0))", "geometry"),
    ("name = 'a' OR " * 2000 + "name = 'b'", "characters"),
    ("(" * 200 + "name = 'a'" + ")" * 200, "nested"),
    ("NOT " * 3000 + "generated_code", "nested"),
    ("NOT (" * 40 + "generated_code" + ")" * 40, "nested"),
    ("people = " + "-" * 9000 + "1", "nested"),
    ("people = 1e999", "no value"),
    ("name = 'a\0b'", ""),
]


@pytest.mark.parametrize(("text", "named"), BAD, ids=[text[:40].replace("\0", "NUL") for text, _ in BAD])
def test_a_bad_filter_is_refused_by_name(items, text, named):
    problem = items("facilities" if "site" in text else "compounds", filter=text, status=400)
    (fault,) = problem["errors"]
    assert fault["field"] == "filter"
    assert named in fault["message"]


@pytest.mark.parametrize(
    "stated",
    [
        "{",
        "[]",
        "1",
        '{"op":"and"}',
        '{"op":[],"args":[1]}',
        '{"op":"in","args":[{"property":"code"}]}',
        '{"op":"=","args":[{"property":["code"]},1]}',
        '{"op":"s_within","args":[{"property":"geometry"},{"type":"Point"}]}',
        '{"op":"not","args":[' * 600 + "1" + "]}" * 600,
        '{"bbox":[1,2,3]}',
        '{"op":"+","args":[true,false]}',
    ],
)
def test_a_bad_filter_in_json_is_refused(items, stated):
    assert items(filter=stated, filter_lang="cql2-json", status=400)["errors"][0]["field"] == "filter"


HOSTILE = ["'; DROP TABLE grids; --", '"><script>', "100%", "a\\", "\\", "_", "名'称", "{}"]


def test_hostile_names_are_only_names(session, own):
    frame = grids(GRIDS).assign(name=HOSTILE)
    paper.publish(session, {"grids": frame}, now=LATER)
    for code, name in zip(GRIDS, HOSTILE, strict=True):
        only_a_name(own, code, name)


def only_a_name(own, code, name):
    quoted = name.replace("'", "''")
    for query in ({"name": name}, {"filter": f"name = '{quoted}'"}):
        assert codes(ask(own, **query)) == [code]
    escaped = quoted.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    assert codes(ask(own, filter=f"name LIKE '{escaped}'")) == [code]


# --- bad queries -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "-1"}, "limit"),
        ({"limit": "unlimited"}, "limit"),
        ({"bbox": "1,2,3"}, "bbox"),
        ({"bbox": "a,b,c,d"}, "bbox"),
        ({"bbox": "nan,1,2,3"}, "bbox"),
        ({"bbox": "1,9,2,3"}, "bbox"),
        ({"bbox": "1,1,2,2", "bbox-crs": "EPSG:2326"}, "bbox-crs"),
        ({"bbox": "1,1,1e300,1e300", "bbox-crs": METRIC}, "bbox"),
        ({"crs": EPSG + "2326"}, "crs"),
        ({"offset": "10"}, "offset"),
        ({"people": "many"}, "people"),
        ({"people": "99999999999"}, "people"),
        ({"after": "x"}, "after"),
        ({"at": "yesterday"}, "at"),
        ({"datetime": "2026-01-01/2025-01-01/.."}, "datetime"),
        ({"revision": "99"}, "revision"),
        ({"revision": "0"}, "revision"),
        ({"revision": "1", "at": "2026-03-02"}, "revision"),
        ({"filter-lang": "sql"}, "filter-lang"),
        ({"name": "a\0"}, "name"),
    ],
    ids=str,
)
def test_a_bad_query_is_refused_by_its_parameters_name(built, query, field):
    reply = built.get("/ogc/collections/grids/items", params=query)
    assert reply.status_code == 400, reply.text
    assert reply.headers["content-type"] == "application/problem+json"
    assert field in {fault["field"] for fault in reply.json()["errors"]}


def test_every_fault_of_a_query_is_told_at_once(built):
    reply = built.get("/ogc/collections/grids/items?limit=0&bbox=1&crs=x&filter=a")
    assert {fault["field"] for fault in reply.json()["errors"]} == {"limit", "bbox", "crs", "filter"}
    assert built.get("/ogc/collections/grids/items?limit=1&limit=2").status_code == 400
    assert built.get("/ogc/collections?f=json").status_code == 400


def test_qgis_is_told_in_the_form_it_shows(built):
    headers = {"User-Agent": "Mozilla/5.0 QGIS/34006/Debian"}
    reply = built.get("/ogc/collections/grids/items?filter=<secret>+%3D+1&limit=0", headers=headers)
    assert reply.status_code == 400
    assert reply.headers["content-type"] == "application/xml"
    root = ET.fromstring(reply.text)  # noqa: S314 - our own reply
    assert root.tag == "{http://www.opengis.net/ows/2.0}ExceptionReport"
    assert {each.get("locator") for each in root} == {"limit", "filter"}
    reply = built.get("/ogc/collections/secret", headers=headers)
    assert (reply.status_code, reply.headers["content-type"]) == (404, "application/xml")
    assert built.get("/api/facilities/x/circle", headers=headers).json()["status"] == 422


# --- paging and history ------------------------------------------------------------------------------------


def walk(client, address):
    """Every page from an address on."""
    while address:
        reply = client.get(address)
        assert reply.status_code == 200, reply.text
        page = reply.json()
        yield page
        address = next((link["href"] for link in page["links"] if link["rel"] == "next"), None)


def test_pages_hold_every_feature_once_in_a_stable_order(built):
    pages = list(walk(built, "/ogc/collections/grids/items?limit=3"))
    assert [page["numberReturned"] for page in pages] == [3, 3, 2]
    assert {page["numberMatched"] for page in pages} == {len(GRIDS)}
    found = [feature for page in pages for feature in page["features"]]
    assert sorted(feature["properties"]["code"] for feature in found) == sorted(GRIDS)
    assert [feature["id"] for feature in found] == sorted(feature["id"] for feature in found)


def test_a_page_that_is_just_full_leads_nowhere(built):
    (page,) = walk(built, f"/ogc/collections/grids/items?limit={len(GRIDS)}")
    assert page["numberReturned"] == len(GRIDS)


def test_a_next_page_keeps_what_was_asked_for(built):
    address = f"/ogc/collections/grids/items?limit=1&crs={EPSG}4326&filter=code LIKE '{EAST}%25'"
    pages = list(walk(built, address))
    assert len(pages) == 4
    for page in pages[1:]:
        (feature,) = page["features"]
        assert shape(feature["geometry"]).bounds[0] < 40, "latitude first"


def test_a_publication_between_two_pages_tears_nothing(session, own):
    pages = walk(own, "/ogc/collections/grids/items?limit=2")
    first = next(pages)
    frame = grids({code: translate(area, 20, 20) for code, area in GRIDS.items()})
    paper.publish(session, {"grids": publishing.Change(frame)}, now=LATER)
    rest = list(pages)
    shapes = [shape(feature["geometry"]) for page in (first, *rest) for feature in page["features"]]
    assert len(shapes) == len(GRIDS)
    assert max(each.bounds[2] for each in shapes) < point(15, 0)[0], "all of the state of the first page"


def test_more_than_the_most_is_clamped(items):
    found = items(limit=10**30)
    assert found["numberReturned"] == len(GRIDS)


@pytest.fixture
def renamed(session, own):
    """A second revision, a day later: one grid has another name, one is gone."""
    frame = grids({WEST + "002": GRIDS[WEST + "002"]}).assign(name="新名")
    gone = [paper.identifiers("grids", [EAST + "004"])[0]]
    paper.publish(session, {"grids": publishing.Change(frame, gone)}, now=LATER)
    return own


def test_any_past_state_can_be_read(renamed):
    def names(**query):
        found = ask(renamed, **query)
        return {f["properties"]["code"]: f["properties"]["name"] for f in found["features"]}

    now = names()
    assert (now[WEST + "002"], EAST + "004" in now) == ("新名", False)
    for query in ({"at": "2026-03-01"}, {"datetime": "2026-03-01T12:00:00Z"}, {"revision": 1}):
        then = names(**query)
        assert (then[WEST + "002"], EAST + "004" in then) == ("grids 002", True)
    for query in ({"datetime": "2026-03-01/.."}, {"datetime": "../.."}, {"revision": "1/2"}):
        ever = names(**query)
        assert (ever[WEST + "002"], EAST + "004" in ever) == ("新名", True), "the newest of each"
    assert EAST + "004" not in names(datetime="2026-03-03/..")
    assert ask(renamed, at="2020-01-01", status=422)["type"] == "urn:wangge:problem:before-history"


def test_pages_of_an_interval_hold_together(renamed):
    pages = list(walk(renamed, "/ogc/collections/grids/items?datetime=2026-03-01/..&limit=3"))
    assert sum(page["numberReturned"] for page in pages) == len(GRIDS) == pages[0]["numberMatched"]


def test_an_item_of_the_past(renamed):
    (identifier,) = paper.identifiers("grids", [EAST + "004"])
    address = f"/ogc/collections/grids/items/{identifier}"
    assert renamed.get(address).status_code == 404
    assert renamed.get(address, params={"revision": 1}).json()["properties"]["code"] == EAST + "004"


# --- what HTTP offers --------------------------------------------------------------------------------------


def test_an_unchanged_page_is_not_sent_again(session, own):
    address = "/ogc/collections/grids/items"
    reply = own.get(address)
    known = {"If-None-Match": reply.headers["ETag"]}
    assert reply.headers["ETag"].startswith('"'), "strong"
    again = own.get(address, headers=known)
    assert (again.status_code, again.content) == (304, b"")
    assert own.get(address + "?limit=1", headers=known).status_code == 200, "another query"
    street = city.streets().iloc[:1].assign(name="新路")
    paper.publish(session, {"streets": street}, now=LATER)
    assert own.get(address, headers=known).status_code == 304, "another layer changed"
    paper.publish(session, {"grids": grids({WEST + "002": box(0, 0, 4, 3)})}, now=LATER)
    assert own.get(address, headers=known).status_code == 200


def test_a_strong_etag_tells_coded_bodies_apart(built):
    address = "/ogc/collections/grids/items"
    plain = built.get(address, headers={"Accept-Encoding": "identity"})
    coded = built.get(address, headers={"Accept-Encoding": "gzip"})
    assert coded.headers["Content-Encoding"] == "gzip"
    assert coded.json() == plain.json()
    assert coded.headers["ETag"] != plain.headers["ETag"]


def test_head_and_options_are_answered_and_nothing_can_be_written(built):
    for path in (
        "/ogc",
        "/ogc/",
        "/ogc/api",
        "/ogc/conformance",
        "/ogc/collections",
        "/ogc/collections/grids",
    ):
        assert built.head(path).status_code == 200
        assert built.options(path).headers["Allow"] == "GET, HEAD, OPTIONS"
    items = "/ogc/collections/grids/items"
    assert built.head(items).headers["Content-Crs"] == f"<{CRS84}>"
    for path in (items, items + "/unknown_id", "/ogc/collections/grids/schema"):
        reply = built.options(path)
        assert (reply.status_code, reply.headers["Allow"]) == (200, "GET, HEAD, OPTIONS")
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        reply = built.request(method, items)
        assert reply.status_code == 405
        assert "POST" not in reply.headers["Allow"]


def test_every_signed_in_account_reads_and_no_other(session, client, sign_in):
    city.build(session)
    for path in ("/ogc/", "/ogc/collections/grids/items"):
        assert client.get(path).status_code == 401
        assert client.get(path, headers=sign_in("viewer", name=path)).status_code == 200
    assert client.get("/ogc/", auth=("/ogc/", "correct horse")).status_code == 200, "QGIS sends Basic"


def test_an_empty_database_has_empty_layers(open_client):
    assert open_client.get("/ogc/").status_code == 200
    about = open_client.get("/ogc/collections/grids").json()
    assert about["crs"] == [CRS84, EPSG + "4326", EPSG + "4490", EPSG + "3857"]
    found = open_client.get("/ogc/collections/grids/items").json()
    assert (found["numberMatched"], found["features"]) == (0, [])


def test_following_a_next_link_is_possible_for_any_query(items):
    (link,) = [link for link in items(limit=1, filter="name <> 'a&b=c'")["links"] if link["rel"] == "next"]
    query = dict(parse_qsl(urlsplit(link["href"]).query))
    assert query["filter"] == "name <> 'a&b=c'"
    assert query["revision"] == "1"


def test_buildings_alone_from_openstreetmap_are_attributed(open_client, session):
    paper.build(session)
    assert "attribution" not in open_client.get("/ogc/collections/buildings").json()
    building = paper.areas("buildings", {"w17": box(1, 1, 2, 2)}).drop(columns="parent_code")
    paper.publish(session, {"buildings": building})
    assert "OpenStreetMap" in open_client.get("/ogc/collections/buildings").json()["attribution"]
