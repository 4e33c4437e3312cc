"""Asking the published tree for items, and what the replies hold."""

import datetime as dt

from tests.paper_city import NOW, point

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
EPSG = "http://www.opengis.net/def/crs/EPSG/0/"
METRIC = EPSG + "4547"
LATER = NOW + dt.timedelta(days=1)


def ask(client, layer="grids", *, status=200, **query):
    """Ask for items of a layer; parameters with hyphens are written like ``bbox_crs``."""
    named = {name.replace("_", "-"): value for name, value in query.items()}
    reply = client.get(f"/ogc/collections/{layer}/items", params=named)
    assert reply.status_code == status, reply.text
    return reply.json()


def walk(client, address):
    """Every page from an address on."""
    while address:
        reply = client.get(address)
        assert reply.status_code == 200, reply.text
        page = reply.json()
        yield page
        address = next((link["href"] for link in page["links"] if link["rel"] == "next"), None)


def codes(found):
    return sorted(feature["properties"]["code"] for feature in found["features"])


def box_of(west, south, east, north):
    return ",".join(map(str, (*point(west, south), *point(east, north))))
