"""What clients of OGC API – Features make of the trees: GDAL by pyogrio, OWSLib, and QGIS by what it sends, on a live server."""

import base64
import http.client
import json
from urllib.parse import urlsplit

import geopandas as gpd
import numpy as np
import pyogrio
import pytest
import shapely
from owslib.ogcapi.features import Features
from owslib.util import Authentication
from pyproj import CRS
from shapely import Point, box
from shapely.geometry import mapping

from layers import accounts, database, store
from layers.drafts import keeping
from layers.features.collections import COLLECTIONS
from tests import walking_city as city
from tests.api.ogc.asking import CRS84
from tests.api.serving import servers
from tests.conftest import fresh_database
from tests.paper_city import EAST, GRIDS, NOW, WEST, on_map, point

EDITOR, PASSWORD = "zhang", "correct horse"
BOUNDS = (*point(4.5, 0.5), *point(5, 1))


@pytest.fixture(scope="module")
def stored(server):
    """Address of a database with the walking city."""
    for url in fresh_database(server):
        engine = database.make_engine(url, pool_size=1)
        with database.sessions(engine)() as session:
            city.build(session)
            accounts.create(session, EDITOR, PASSWORD, "editor", now=NOW)
            session.commit()
        engine.dispose()
        yield url


@pytest.fixture(scope="module")
def root(stored):
    """Address of the tree of a server on it."""
    with servers(stored, 1) as (running,):
        yield f"http://127.0.0.1:{running.port}/ogc"


@pytest.fixture(scope="module")
def grids(stored):
    engine = database.make_engine(stored, pool_size=1)
    with database.sessions(engine)() as session:
        yield store.read(session, "grids", 1)
    engine.dispose()


def read(root, layer="grids", **options):
    return pyogrio.read_dataframe(f"OAPIF:{root}", layer=layer, **options)


# --- GDAL --------------------------------------------------------------------------------------------------


def test_gdal_lists_the_layers(root):
    assert list(pyogrio.list_layers(f"OAPIF:{root}")[:, 0]) == list(COLLECTIONS)


def test_gdal_reads_every_feature_to_the_last_bit_over_many_pages(root, grids):
    for options in ({}, {"PAGE_SIZE": "3"}):
        found = read(root, **options).set_index("code").sort_index()
        expected = grids.set_index("code").sort_index()
        assert found.index.tolist() == expected.index.tolist()
        assert shapely.equals_exact(found.geometry.to_numpy(), expected.geometry.to_numpy(), 0).all()
        assert found["name"].tolist() == expected["name"].tolist()


def test_gdal_counts(root):
    assert pyogrio.read_info(f"OAPIF:{root}", layer="grids", force_feature_count=True)["features"] == len(
        GRIDS
    )


def test_gdal_filters_by_place_and_by_property(root):
    assert read(root, bbox=BOUNDS)["code"].tolist() == [WEST + "001"]
    found = read(root, where=f"code LIKE '{EAST}%' AND code <> '{EAST}001'")
    assert sorted(found["code"]) == [EAST + "002", EAST + "003", EAST + "004"]
    assert read(root, "compounds", where="people >= 60 AND people < 100")["code"].tolist() == [WEST + "C02"]


def test_gdal_reads_the_metric_crs(root, grids):
    found = read(root, CRS="http://www.opengis.net/def/crs/EPSG/0/4547").set_index("code").sort_index()
    assert CRS(found.crs).to_epsg() == 4547
    expected = grids.set_index("code").sort_index().to_crs("EPSG:4547")
    distances = shapely.hausdorff_distance(found.geometry.to_numpy(), expected.geometry.to_numpy())
    assert np.max(distances) < 1e-4, "metres: easting and northing are where they should be"


def test_gdal_reads_every_layer(root):
    for layer in COLLECTIONS:
        found = read(root, layer)
        assert found.empty or isinstance(found, gpd.GeoDataFrame)


def test_gdal_finds_the_tiles_and_reads_them(root):
    address = f"OGCAPI:{root}/collections/grids"
    found = pyogrio.read_dataframe(address, layer="Zoom level 0", API="TILES")
    assert sorted(found["code"]) == sorted(GRIDS)
    assert found.crs.to_epsg() == 3857


# --- OWSLib ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def features(root):
    return Features(root)


def test_owslib_finds_its_way(features):
    assert {link["rel"] for link in features.links} >= {"self", "service-desc", "conformance", "data"}
    assert any(name.endswith("/conf/core") for name in features.conformance()["conformsTo"])
    assert features.collections()["collections"]
    assert features.feature_collections() == list(COLLECTIONS)
    assert features.api()["openapi"] == "3.0.3"
    assert features.collection("grids")["id"] == "grids"
    assert "code" in features.collection_queryables("grids")["properties"]


def test_owslib_asks_by_box_filter_and_page(features):
    found = features.collection_items("grids", bbox=BOUNDS)
    assert [each["properties"]["code"] for each in found["features"]] == [WEST + "001"]
    found = features.collection_items("grids", filter=f"code LIKE '{EAST}%'", limit=3)
    assert (found["numberMatched"], found["numberReturned"]) == (4, 3)
    assert "next" in {link["rel"] for link in found["links"]}
    assert features.collection_items("grids", datetime_="2026-03-02")["numberMatched"] == len(GRIDS)


def test_owslib_reads_one_feature(features):
    (listed,) = features.collection_items("grids", code=WEST + "002")["features"]
    found = features.collection_item("grids", listed["id"])
    assert shapely.geometry.shape(found["geometry"]).bounds == on_map(GRIDS[WEST + "002"]).bounds


def test_owslib_is_told_what_is_wrong(features):
    with pytest.raises(RuntimeError, match="There is no property 'secret'"):
        features.collection_items("grids", filter="secret = 1")


# --- a draft -----------------------------------------------------------------------------------------------


@pytest.fixture
def draft(stored, root):
    """Address of the tree of a new draft."""
    engine = database.make_engine(stored, pool_size=1)
    with database.sessions(engine).begin() as session:
        made = str(keeping.create(session, title="编辑", note="", author=EDITOR, now=NOW).id)
    engine.dispose()
    return f"{root}/drafts/{made}"


@pytest.fixture
def editor(draft):
    return Features(draft, auth=Authentication(EDITOR, PASSWORD))


def whole(shape, **properties):
    return {"type": "Feature", "geometry": mapping(on_map(shape)), "properties": properties}


def test_owslib_writes(editor):
    assert editor.collection_item_create("grids", whole(box(14, 0, 16, 4), name="新区"))
    address = editor.response_headers["Location"]
    item = address.rpartition("/")[2]
    assert address.endswith(f"/collections/grids/items/{item}")
    made = editor.collection_item("grids", item)
    assert made["properties"]["name"] == "新区"
    assert editor.collection_item_update("grids", item, whole(box(14, 0, 15, 4), name="小区"))
    made = editor.collection_item("grids", item)
    assert made["properties"]["name"] == "小区"
    assert shapely.geometry.shape(made["geometry"]).bounds == on_map(box(14, 0, 15, 4)).bounds
    assert editor.collection_item_delete("grids", item)
    with pytest.raises(RuntimeError, match="There is no feature"):
        editor.collection_item("grids", item)
    with pytest.raises(RuntimeError, match="geometry-type"):
        editor.collection_item_create("grids", whole(Point(1, 1)))


def test_gdal_reads_a_draft(editor, draft):
    (listed,) = editor.collection_items("grids", code=WEST + "002")["features"]
    editor.collection_item_delete("grids", listed["id"])
    editor.collection_item_create("grids", whole(box(14, 0, 16, 4), code=EAST + "777"))
    pyogrio.set_gdal_config_options({"GDAL_HTTP_USERPWD": f"{EDITOR}:{PASSWORD}", "GDAL_HTTP_AUTH": "BASIC"})
    try:
        found = read(draft, PAGE_SIZE="3")
        assert set(found["code"]) == {*GRIDS} - {WEST + "002"} | {EAST + "777"}
        filtered = read(draft, where=f"code = '{EAST}777'").geometry.iloc[0]
        assert filtered.bounds == on_map(box(14, 0, 16, 4)).bounds
        assert list(pyogrio.list_layers(f"OAPIF:{draft}")[:, 0]) == list(COLLECTIONS)
    finally:
        pyogrio.set_gdal_config_options({"GDAL_HTTP_USERPWD": None, "GDAL_HTTP_AUTH": None})


class Qgis:
    """Requests as QGIS 3.40 sends them when a layer is saved."""

    def __init__(self, draft):
        self._root = urlsplit(draft)
        secret = base64.b64encode(f"{EDITOR}:{PASSWORD}".encode()).decode()
        self._always = {
            "User-Agent": "Mozilla/5.0 QGIS/34006/Debian GNU/Linux 12",
            "Authorization": f"Basic {secret}",
        }

    def send(self, method, path, body=None, media_type=None):
        headers = dict(self._always)
        if body is not None:
            # Without brackets, which the standard would have.
            headers |= {"Content-Type": media_type, "Content-Crs": CRS84}
        connection = http.client.HTTPConnection(self._root.hostname, self._root.port)
        connection.request(method, self._root.path + path, body and json.dumps(body), headers)
        reply = connection.getresponse()
        text = reply.read()
        connection.close()
        return reply, text


def test_qgis_splits_a_grid(draft):
    """Save after a split: the kept half is patched, geometry and then attributes, the new half posted rounded."""
    qgis, items = Qgis(draft), "/collections/grids/items"
    allowed, _ = qgis.send("OPTIONS", items)
    assert "POST" in allowed.headers["Allow"]
    (old,) = json.loads(qgis.send("GET", f"{items}?code={WEST}002")[1])["features"]
    west, south, east, north = shapely.geometry.shape(old["geometry"]).bounds
    middle = west + (east - west) / 3
    kept, new = shapely.box(west, south, middle, north), shapely.box(middle, south, east, north)
    for body in ({"geometry": mapping(kept)}, {"properties": {"name": "西半"}}):
        reply, _ = qgis.send("PATCH", f"{items}/{old['id']}", body, "application/merge-patch+json")
        assert reply.status == 200
    rounded = mapping(shapely.transform(new, lambda xy: np.round(xy, 6)))
    posted = {"type": "Feature", "geometry": rounded, "properties": {**old["properties"], "name": "东半"}}
    reply, _ = qgis.send("POST", items, posted, "application/geo+json")
    assert reply.status == 201
    (address,) = [value for name, value in reply.getheaders() if name == "Location"]
    made = json.loads(qgis.send("GET", urlsplit(address).path.removeprefix(urlsplit(draft).path))[1])
    assert made["properties"]["code"] not in GRIDS
    halves = [json.loads(qgis.send("GET", f"{items}/{old['id']}")[1]), made]
    shapes = [shapely.geometry.shape(half["geometry"]) for half in halves]
    whole = shapely.geometry.shape(old["geometry"])
    assert shapely.coverage_is_valid(shapely.get_parts(shapes))
    assert shapely.union_all(shapes).symmetric_difference(whole).area == 0


def test_qgis_is_told_why_a_write_fails(draft):
    qgis, items = Qgis(draft), "/collections/grids/items"
    tie = {
        "type": "Polygon",
        "coordinates": [[point(14, 0), point(16, 2), point(16, 0), point(14, 2), point(14, 0)]],
    }
    body = {"type": "Feature", "geometry": tie, "properties": {}}
    reply, text = qgis.send("POST", items, body, "application/geo+json")
    assert (reply.status, reply.headers["Content-Type"]) == (400, "application/xml")
    assert "ExceptionReport" in text.decode()
    assert "Self-intersection. At longitude 114.26" in text.decode()
    reply, text = qgis.send("DELETE", f"{items}/00000000-0000-0000-0000-000000000000")
    assert reply.status == 404
    assert "There is no feature" in text.decode()
