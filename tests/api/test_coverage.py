"""`GET /api/coverage` and the circles of facilities, as clients see them."""

import datetime as dt
import io
import json

import openpyxl
import pandas as pd
import pytest

from api import table_formats
from api.dependencies import now
from layers.publishing import Change
from tests import paper_city, walking_city
from tests.paper_city import EAST, WEST, identifiers

MARKET = {"facility_type": "fresh_market", "minutes": "5"}
F1 = identifiers("facilities", ["F1"])[0]


@pytest.fixture
def walked(session, open_client):
    walking_city.build(session)
    open_client.app.state.runtime.snapshots.refresh()
    return open_client


def test_table_as_json(walked):
    reply = walked.get("/api/coverage", params=MARKET | {"level": "compound"})
    assert reply.status_code == 200
    body = reply.json()
    assert (body["revision"], body["level"], body["not_judged"]) == (1, "compound", [])
    assert reply.headers["Wangge-Revision"] == "1"
    rows = {row["code"]: row for row in body["rows"]}
    assert rows[WEST + "C01"]["covered"] == 100
    assert rows[EAST + "C01"]["unreachable"] == 7
    assert list(body["rows"][0])[:4] == ["code", "name", "facility_type", "minutes"]
    assert [(fault["kind"], fault["id"]) for fault in body["faults"]] == [("unreachable", EAST + "C01")]


def test_lists_repeated_or_with_commas(walked):
    repeated = [
        ("facility_type", "fresh_market"),
        ("facility_type", "primary_school"),
        ("minutes", "5"),
        ("minutes", "10"),
    ]
    commas = {"facility_type": "fresh_market,primary_school", "minutes": "5, 10"}
    one, other = (walked.get("/api/coverage", params=params).json() for params in (repeated, commas))
    assert one == other
    assert len(one["rows"]) == 2 * 2 * 2


def test_all_types_and_levels(walked):
    types = walked.get("/api/facility-types").json()["facility_types"]
    assert len(types) == 45
    for level in ("grid", "community", "subdistrict", "district"):
        rows = walked.get("/api/coverage", params={"level": level}).json()["rows"]
        assert {row["facility_type"] for row in rows} == {row["key"] for row in types}


@pytest.mark.parametrize("by", ["format", "accept"])
def test_other_formats(walked, by):
    media = {
        "csv": "text/csv",
        "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "geojson": "application/geo+json",
    }
    rows = walked.get("/api/coverage", params=MARKET).json()["rows"]
    replies = {
        name: walked.get(
            "/api/coverage",
            params=MARKET | ({"format": name} if by == "format" else {}),
            headers={"Accept": kind} if by == "accept" else {},
        )
        for name, kind in media.items()
    }
    for name, reply in replies.items():
        assert reply.headers["Content-Type"].startswith(media[name])
    table = pd.read_csv(io.BytesIO(replies["csv"].content), dtype={"code": str})
    assert table["code"].tolist() == [row["code"] for row in rows]
    sheet = openpyxl.load_workbook(io.BytesIO(replies["xlsx"].content)).worksheets[0]
    assert [cell.value for cell in sheet["A"]][1:] == [row["code"] for row in rows]
    share = next(cell for cell in sheet[1] if cell.value.endswith("covered_share"))
    assert sheet.cell(2, share.column).number_format == "0.0%"
    assert sheet.column_dimensions[share.column_letter].width > len(share.value)
    features = json.loads(replies["geojson"].content)["features"]
    assert [feature["properties"]["code"] for feature in features] == [row["code"] for row in rows]
    assert features[0]["geometry"]["type"] == "MultiPolygon"


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        ("text/html, */*;q=0.8", "application/json"),
        ("application/json;q=0.5, text/csv", "text/csv"),
        ("text/csv;q=0, text/*;q=0, application/geo+json;q=x, */*;q=0.1", "application/json"),
        ("text/*", "text/csv"),
    ],
)
def test_the_most_wanted_format(walked, accept, media):
    reply = walked.get("/api/coverage", params=MARKET, headers={"Accept": accept})
    assert reply.headers["Content-Type"].startswith(media)


def test_a_format_that_cannot_carry_so_many_rows(walked, monkeypatch):
    monkeypatch.setitem(table_formats._MOST_ROWS, "geojson", 1)
    reply = walked.get("/api/coverage", params=MARKET | {"format": "geojson"})
    assert reply.status_code == 422
    assert reply.json()["errors"][0]["field"] == "format"


def test_format_that_is_not_offered(walked):
    assert walked.get("/api/coverage", headers={"Accept": "image/png"}).status_code == 406
    assert walked.get("/api/coverage", params={"format": "doc"}).status_code == 422


def test_every_fault_at_once(walked):
    params = {
        "facility_type": "shop",
        "minutes": "5,x,7",
        "profile": "gb50180",
        "level": "city",
        "weight": "heads",
    }
    reply = walked.get("/api/coverage", params=params)
    assert reply.status_code == 422
    assert reply.headers["Content-Type"] == "application/problem+json"
    errors = reply.json()["errors"]
    assert [error["field"] for error in errors] == ["minutes", "facility_type", "level", "weight", "minutes"]
    assert "fresh_market" in errors[1]["message"]


def test_questions_without_an_answer_leave_nothing_behind(walked):
    for name in ("Atlantis", "Utopia"):
        assert walked.get(f"/api/coverage?facility_type=fresh_market&within={name}").status_code == 422
    assert walked.app.state.runtime.results._under_way == {}


def test_answers_follow_the_revision(walked, session):
    before = walked.get("/api/coverage", params=MARKET | {"level": "compound"}).json()
    facilities = walking_city.facilities()
    paper_city.publish(session, {"facilities": Change(facilities.iloc[:0], removed=[facilities.index[0]])})
    walked.app.state.runtime.snapshots.refresh()
    after = walked.get("/api/coverage", params=MARKET | {"level": "compound"}).json()
    assert (before["revision"], after["revision"]) == (1, 2)
    assert [sum(row["covered"] for row in body["rows"]) for body in (before, after)] == [100, 0]


def test_reading_needs_an_account_outside_the_demo(client, session, sign_in):
    walking_city.build(session)
    client.app.state.runtime.snapshots.refresh()
    assert client.get("/api/coverage").status_code == 401
    assert client.get("/api/facilities").status_code == 401
    assert client.get("/api/coverage", params=MARKET, headers=sign_in("viewer")).status_code == 200


def test_nothing_is_published_yet(open_client):
    assert open_client.get("/api/coverage").status_code == 404


# --- facilities ------------------------------------------------------------------------------------------------


def test_pages_of_facilities(walked):
    first = walked.get("/api/facilities", params={"limit": 2}).json()
    assert [row["code"] for row in first["facilities"]] == ["F1", "F2"]
    second = walked.get(first["next"]).json()
    assert [row["code"] for row in second["facilities"]] == ["F3"]
    assert second["next"] is None
    assert second["facilities"][0]["capacity"] == 900


def test_facilities_by_type_and_area(walked):
    params = {"type": "fresh_market", "within": WEST}
    assert [row["code"] for row in walked.get("/api/facilities", params=params).json()["facilities"]] == [
        "F1"
    ]


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"type": "shop"}, "type"),
        ({"bbox": "1,2,3"}, "bbox"),
        ({"bbox": "5,2,3,4"}, "bbox"),
        ({"limit": "0"}, "limit"),
    ],
)
def test_facilities_asked_wrongly(walked, params, field):
    reply = walked.get("/api/facilities", params=params)
    assert reply.status_code == 422
    assert [error["field"] for error in reply.json()["errors"]] == [field]


def test_circle_of_a_facility(walked):
    reply = walked.get(f"/api/facilities/{F1}/circle", params={"minutes": "5,10", "method": "both"})
    assert reply.headers["Content-Type"] == "application/geo+json"
    body = reply.json()
    assert body["revision"] == 1
    properties = [feature["properties"] for feature in body["features"]]
    assert [(p["minutes"], p["method"]) for p in properties] == [
        (10, "network"),
        (5, "network"),
        (10, "circle"),
        (5, "circle"),
    ]
    assert properties[0]["name"] == "十字菜市场"
    assert 0 < properties[0]["circle_share"] < 1
    assert body["features"][0]["geometry"]["type"] in {"Polygon", "MultiPolygon"}


def test_circle_without_minutes_is_that_of_its_type(walked):
    features = walked.get(f"/api/facilities/{F1}/circle").json()["features"]
    assert [feature["properties"]["minutes"] for feature in features] == [10]


def test_circles_that_cannot_be(walked):
    assert walked.get(f"/api/facilities/{F1[:-4]}ffff/circle").status_code == 404
    assert walked.get("/api/facilities/market/circle").status_code == 422
    reply = walked.get(f"/api/facilities/{F1}/circle", params={"minutes": "x,90", "method": "air"})
    assert [error["field"] for error in reply.json()["errors"]] == ["minutes", "minutes", "method"]


# --- dates ---------------------------------------------------------------------------------------------------


def test_coverage_at_a_past_instant_is_what_was_answered_then(walked, session):
    before = walked.get("/api/coverage", params=MARKET).json()
    gone = Change(walking_city.facilities().iloc[:0], removed=list(identifiers("facilities", ["F1", "F2"])))
    paper_city.publish(session, {"facilities": gone}, now=paper_city.NOW + dt.timedelta(days=1))
    walked.app.state.runtime.snapshots.refresh()
    after = walked.get("/api/coverage", params=MARKET).json()
    assert after["revision"] == before["revision"] + 1
    assert sum(row["covered"] for row in after["rows"]) == 0
    then = {"at": paper_city.NOW.isoformat()}
    assert walked.get("/api/coverage", params=MARKET | then).json() == before
    changes = walked.get("/api/coverage/changes", params=MARKET | {"since": then["at"]}).json()
    assert (changes["since_revision"], changes["revision"]) == (before["revision"], after["revision"])
    for row, was in zip(changes["rows"], before["rows"], strict=True):
        assert (row["code"], row["covered_before"]) == (was["code"], was["covered"])
        assert row["covered_change"] == -was["covered"]
    backwards = MARKET | {"since": now().isoformat(), "at": then["at"]}
    assert (
        sum(
            row["covered_change"]
            for row in walked.get("/api/coverage/changes", params=backwards).json()["rows"]
        )
        > 0
    )


@pytest.mark.parametrize("written", ["csv", "xlsx", "geojson"])
def test_changes_in_other_formats(walked, written):
    asked = MARKET | {"since": now().isoformat(), "format": written}
    reply = walked.get("/api/coverage/changes", params=asked)
    assert reply.status_code == 200
    if written == "csv":
        assert "served_share_change" in reply.text.splitlines()[0]
    elif written == "xlsx":
        header = next(openpyxl.load_workbook(io.BytesIO(reply.content)).worksheets[0].values)
        assert "服务率(变化)" in str(header)
    else:
        assert {feature["properties"]["covered_change"] for feature in reply.json()["features"]} == {0.0}


def test_before_the_first_revision_there_is_nothing_to_compare(walked):
    reply = walked.get("/api/coverage/changes", params=MARKET | {"since": "2001-01-01"})
    assert (reply.status_code, reply.json()["type"]) == (422, "urn:wangge:problem:before-history")
    wrong = walked.get("/api/coverage/changes", params=MARKET | {"since": "yesterday"})
    assert wrong.json()["errors"][0]["field"] == "since"
