"""Borders in doubt over HTTP: formats, who sees what, and the map."""

import csv
import io

import openpyxl
import pytest

from api import table_formats
from tests import paper_city as city
from tests.paper_city import EAST, WEST


def report(client, headers, *places, **said):
    ids = []
    for place in places:
        lon, lat = city.point(*place)
        body = {"category": "0101", "lon": lon, "lat": lat, "datum": "wgs84", **said}
        reply = client.post("/api/incidents", json=body, headers=headers)
        assert reply.status_code == 201, reply.text
        ids.append(reply.json()["id"])
    return ids


@pytest.fixture
def desk(sign_in):
    return sign_in("dispatcher")


@pytest.fixture
def built(session, client, desk):
    """Three incidents at one border, one in an overlap, one in a gap, one far outside."""
    city.build(session)
    client.app.state.runtime.snapshots.refresh()
    report(client, desk, (3.9, 1), (4.1, 2), (4, 3), (10.5, 5.2), (2.1, 6), (-9, 2))
    return client


def get(client, headers, **query):
    reply = client.get("/api/borders", params=query, headers=headers)
    assert reply.status_code == 200, reply.text
    return reply


def test_the_worst_border_first_with_its_figures(built, desk):
    table = get(built, desk).json()
    about = {
        name: table[name] for name in ("revision", "level", "scheme", "within_m", "elsewhere", "unplaced")
    }
    assert about == {
        "revision": 1, "level": "grid", "scheme": "governance", "within_m": 20.0, "elsewhere": 1, "unplaced": 0,
    }  # fmt: skip
    first = table["rows"][0]
    assert (first["rank"], first["kind"], first["codes"]) == (1, "shared", [WEST + "001", WEST + "002"])
    assert (first["left_name"], first["right_name"]) == ("grids 001", "grids 002")
    assert (first["borderline"], first["border"], first["total"]) == (2, 1, 3)
    assert {(row["kind"], row["total"]) for row in table["rows"][1:]} == {("overlap", 1), ("gap", 1)}
    gap = next(row for row in table["rows"] if row["kind"] == "gap")
    assert (gap["left_code"], gap["left_name"], gap["area_m2"] > 0) == (None, None, True)


def test_every_format_says_the_same(built, desk):
    rows = get(built, desk).json()["rows"]
    text = get(built, desk, format="csv")
    assert text.headers["content-disposition"] == 'attachment; filename="borders-grid.csv"'
    read = list(csv.DictReader(io.StringIO(text.content.decode("utf-8-sig"))))
    assert [(row["codes"].split(), int(row["total"])) for row in read] == [
        (row["codes"], row["total"]) for row in rows
    ]
    book = openpyxl.load_workbook(io.BytesIO(get(built, desk, format="xlsx").content))
    assert book.worksheets[0].max_row == len(rows) + 1
    assert book.worksheets[0]["A1"].value == "名次 rank"
    features = get(built, desk, format="geojson").json()
    assert features["elsewhere"] == 1
    assert [feature["properties"]["total"] for feature in features["features"]] == [
        row["total"] for row in rows
    ]
    kinds = {"shared": "LineString", "gap": "Polygon", "overlap": "Polygon"}
    for feature in features["features"]:
        assert feature["geometry"]["type"] == kinds[feature["properties"]["kind"]]


def test_too_many_lines_for_a_map(built, desk, monkeypatch):
    monkeypatch.setitem(table_formats._MOST_ROWS, "geojson", 1)
    reply = built.get("/api/borders", params={"format": "geojson"}, headers=desk)
    assert (reply.status_code, reply.json()["errors"][0]["field"]) == (422, "format")


def test_the_question_is_understood(built, desk):
    report(built, desk, (3.9, 1), category="0202", reported_at="2026-01-05T12:00:00+08:00")

    def total(**query):
        return sum(row["total"] for row in get(built, desk, **query).json()["rows"])

    assert total() == 6
    assert total(category="0202") == total(until="2026-01-05") == 1
    assert total(since="2026-01-06") == 5
    assert total(area=EAST) == 1
    assert total(within_m=1) == 3
    assert total(status="closed") == 0
    assert total(level="community") == 0


def test_what_cannot_be_asked_is_told_at_once(built, desk):
    for query, fields in [
        ({"within_m": "0"}, {"within_m"}),
        ({"within_m": "nan"}, {"within_m"}),
        ({"within_m": "1e9", "level": "street", "status": "lost"}, {"within_m", "level", "status"}),
        ({"since": "x", "until": "y"}, {"since", "until"}),
        ({"scheme": "nothing"}, {"scheme"}),
        ({"format": "pdf"}, {"format"}),
        ({"withinm": "5"}, {"withinm"}),
    ]:
        reply = built.get("/api/borders", params=query, headers=desk)
        assert reply.status_code == 422
        assert {error["field"] for error in reply.json()["errors"]} == fields


# --- who may ----------------------------------------------------------------------------------------------


def test_who_mends_or_judges_borders_sees_the_counts_and_others_do_not(built, sign_in):
    for role in ("editor", "reviewer", "planner", "administrator"):
        assert get(built, sign_in(role)).json()["rows"]
    for role in ("viewer", "worker"):
        assert built.get("/api/borders", headers=sign_in(role)).status_code == 403
    assert built.get("/api/borders").status_code == 401


def test_counts_are_of_the_own_areas(built, sign_in):
    mine = get(built, sign_in("editor", WEST + "002", name="west")).json()
    assert [(row["codes"], row["total"]) for row in mine["rows"]] == [([WEST + "001", WEST + "002"], 1)]
    assert mine["elsewhere"] == 0, "what lies in no grid is the district's"
    district = get(built, sign_in("editor", "420199", name="all")).json()
    assert sum(row["total"] for row in district["rows"]) == 5
    assert district["elsewhere"] == 1


# --- the map ----------------------------------------------------------------------------------------------


def test_the_map_draws_the_lines_and_the_incidents(built, desk):
    page = built.get("/maps/borders.html?within_m=10", headers=desk)
    assert page.status_code == 200
    assert "/maps/data/borders.json" in page.text
    data = built.get("/maps/data/borders.json?within_m=10", headers=desk).json()
    assert data["within_m"] == 10
    assert [feature["properties"]["rank"] for feature in data["borders"]["features"]] == [1, 2, 3]
    assert len(data["points"]["id"]) == 5
    first = data["points"]["id"][data["points"]["border"].index(0)]
    assert built.get(f"/api/incidents/{first}", headers=desk).status_code == 200


def test_an_editor_sees_no_single_incident_on_it(built, sign_in):
    headers = sign_in("editor")
    assert built.get("/maps/data/borders.json", headers=headers).json()["points"] is None
    assert "/incidents/" not in built.get("/maps/borders.html", headers=headers).text.split("page-config")[1]


def test_before_anything_is_published(client, sign_in):
    headers = sign_in("editor")
    assert client.get("/api/borders", headers=headers).status_code == 404
    assert client.get("/maps/borders.html", headers=headers).status_code == 200
