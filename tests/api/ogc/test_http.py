"""What HTTP offers of the tree: methods, accounts, entity tags, codings."""

from shapely import box

from tests import paper_city as paper
from tests import walking_city as city
from tests.api.ogc.asking import CRS84, EPSG, LATER
from tests.paper_city import WEST, grids


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
