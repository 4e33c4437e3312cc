"""What clients of OGC API – Features make of the published tree: GDAL by pyogrio, and OWSLib, on a live server."""

import geopandas as gpd
import numpy as np
import pyogrio
import pytest
import shapely
from owslib.ogcapi.features import Features
from pyproj import CRS

from layers import database, store
from layers.features.collections import COLLECTIONS
from tests import walking_city as city
from tests.api.serving import servers
from tests.conftest import fresh_database
from tests.paper_city import EAST, GRIDS, WEST, on_map, point

BOUNDS = (*point(4.5, 0.5), *point(5, 1))


@pytest.fixture(scope="module")
def stored(server):
    """Address of a database with the walking city."""
    for url in fresh_database(server):
        engine = database.make_engine(url, pool_size=1)
        with database.sessions(engine)() as session:
            city.build(session)
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
