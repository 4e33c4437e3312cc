"""Tiles by HTTP: documents that lead to them, states, what clients keep, and what is no tile."""

import pytest

from geo.web_mercator import containing
from layers.features.collections import COLLECTIONS
from tests import paper_city as paper
from tests.paper_city import GRIDS, grids, point

MVT = "application/vnd.mapbox-vector-tile"
SCHEME = "http://www.opengis.net/def/rel/ogc/1.0/tiling-scheme"
TILESETS = "http://www.opengis.net/def/rel/ogc/1.0/tilesets-vector"
EVERYTHING = containing(*point(7, 4), 9)


def address(tile=EVERYTHING, layer="grids"):
    place = f"{tile.zoom}/{tile.row}/{tile.column}"
    return f"/ogc/collections/{layer}/tiles/WebMercatorQuad/{place}"


def linked(document):
    return {link["rel"]: link for link in document["links"]}


@pytest.mark.parametrize("layer", COLLECTIONS)
def test_each_collection_leads_to_its_tiles(built, layer):
    listed = built.get(linked(built.get(f"/ogc/collections/{layer}").json())[TILESETS]["href"]).json()
    (one,) = listed["tilesets"]
    assert (one["dataType"], one["crs"]) == ("vector", "http://www.opengis.net/def/crs/EPSG/0/3857")
    described = built.get(linked(one)["self"]["href"]).json()
    assert described["tileMatrixSetURI"] == one["tileMatrixSetURI"]
    assert described["layers"][0]["id"] == layer
    template = linked(described)["item"]
    assert (template["type"], template["templated"]) == (MVT, True)
    place = {
        "{tileMatrix}": str(EVERYTHING.zoom),
        "{tileRow}": str(EVERYTHING.row),
        "{tileCol}": str(EVERYTHING.column),
    }
    for variable, value in place.items():
        template["href"] = template["href"].replace(variable, value)
    reply = built.get(template["href"])
    # Addresses and buildings there are none of.
    assert reply.status_code == (200 if "boundingBox" in described else 204)


def test_the_tile_matrix_set_is_the_one_everybody_knows(built):
    listed = built.get("/ogc/tileMatrixSets").json()["tileMatrixSets"]
    assert [each["id"] for each in listed] == ["WebMercatorQuad"]
    found = built.get(linked(listed[0])["self"]["href"]).json()
    assert found["uri"] == listed[0]["uri"]
    assert [matrix["id"] for matrix in found["tileMatrices"]] == [str(zoom) for zoom in range(25)]
    # OGC 17-083r4, annex D.1, as printed there.
    deep = found["tileMatrices"][15]
    assert deep["scaleDenominator"] == pytest.approx(17061.8366707983, abs=1e-9)
    assert deep["cellSize"] == pytest.approx(4.77731426782, abs=1e-10)
    assert deep["pointOfOrigin"] == pytest.approx([-20037508.3427892, 20037508.3427892], abs=1e-6)
    assert deep["matrixWidth"] == deep["matrixHeight"] == 32768


def test_limits_name_exactly_the_tiles_that_have_something(built):
    described = built.get("/ogc/collections/grids/tiles/WebMercatorQuad").json()
    limits = described["tileMatrixSetLimits"][16]
    rows = range(limits["minTileRow"], limits["maxTileRow"] + 1)
    columns = range(limits["minTileCol"], limits["maxTileCol"] + 1)
    assert rows.start == containing(*point(0, 8), 16).row
    assert columns.stop - 1 == containing(*point(14, 0), 16).column
    assert len(rows) * len(columns) == 12
    far = built.get(f"/ogc/collections/grids/tiles/WebMercatorQuad/16/{rows.stop + 1}/{columns.start}")
    assert (far.status_code, far.content) == (204, b"")


def test_a_tile_is_sent_again_only_where_it_changed(own, session):
    first = own.get(address())
    assert (first.status_code, first.headers["content-type"]) == (200, MVT)
    assert (first.headers["Wangge-Revision"], first.headers["Cache-Control"]) == ("1", "private, no-cache")
    known = {"If-None-Match": first.headers["ETag"]}
    assert own.get(address(), headers=known).status_code == 304
    # Another layer's revision leaves the tile as it is.
    paper.publish(
        session, {"communities": paper.areas("communities", {"420199001003": paper.box(20, 0, 21, 1)})}
    )
    kept = own.get(address(), headers=known)
    assert (kept.status_code, own.get(address()).headers["Wangge-Revision"]) == (304, "2")
    code = next(iter(GRIDS))
    paper.publish(session, {"grids": grids({code: paper.box(0, 0, 3, 4)})})
    changed = own.get(address(), headers=known)
    assert (changed.status_code, changed.headers["Wangge-Revision"]) == (200, "3")
    assert changed.content != first.content
    assert own.get(address(), params={"revision": "1"}).content == first.content
    assert own.get(address(), params={"at": "2026-03-01"}).headers["Wangge-Revision"] == "3"


def test_a_tile_is_compressed_for_those_who_take_it(built):
    plain = built.get(address(), headers={"Accept-Encoding": "identity"})
    packed = built.get(address(), headers={"Accept-Encoding": "gzip"})
    assert packed.content == plain.content
    assert "content-encoding" not in plain.headers
    assert packed.headers["vary"].startswith("Accept-Encoding")


def test_head_and_options(built):
    assert built.head(address()).status_code == 200
    for path in (address(), "/ogc/tileMatrixSets", "/ogc/collections/grids/tiles"):
        reply = built.options(path)
        assert (reply.status_code, reply.headers["Allow"]) == (200, "GET, HEAD, OPTIONS")


@pytest.mark.parametrize(
    "place", ["25/0/0", "3/8/0", "3/0/8", "-1/0/0", "x/0/0", "1.5/0/0", "1/0/1_0", "9999999999/0/0", "0/0/٠"]
)
def test_what_is_no_tile_is_not_found(built, place):
    reply = built.get(f"/ogc/collections/grids/tiles/WebMercatorQuad/{place}")
    assert reply.status_code == 404
    assert "zoom is 0 to 24" in reply.json()["detail"]


def test_what_cannot_be_asked_is_said(built):
    assert built.get(address(layer="posts")).status_code == 404
    assert built.get("/ogc/collections/grids/tiles/WorldCRS84Quad/0/0/0").status_code == 404
    reply = built.get(address(), params={"revision": "99", "limit": "5"})
    assert reply.status_code == 400
    assert [fault["field"] for fault in reply.json()["errors"]] == ["limit"]
    assert built.get(address(), params={"revision": "99"}).json()["errors"][0]["field"] == "revision"


def test_without_an_account_there_are_no_tiles(client, session):
    paper.build(session)
    assert client.get(address()).status_code == 401
