"""Queries that cannot be answered: each fault told by its parameter, all at once."""

from xml.etree import ElementTree as ET

import pytest

from tests.api.ogc.asking import EPSG, METRIC


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
