"""Nearest facilities, the ten elements and places, as clients see them."""

import io

import openpyxl
import pandas as pd
import pytest

from tests import walking_city
from tests.paper_city import EAST, WEST

PATHS = ("/api/coverage/nearest", "/api/coverage/elements", "/api/coverage/capacity")


@pytest.fixture
def walked(session, open_client):
    walking_city.build(session)
    open_client.app.state.runtime.snapshots.refresh()
    return open_client


def test_the_nearest_of_each_type_for_the_whole_city(walked):
    reply = walked.get("/api/coverage/nearest", params={"facility_type": "fresh_market,primary_school,bank"})
    assert reply.headers["Wangge-Revision"] == "1"
    rows = reply.json()["rows"]
    assert len(rows) == 3 * 3
    said = {(row["code"], row["facility_type"]): row for row in rows}
    market = said[WEST + "C01", "fresh_market"]
    assert market["facility_name"] == "十字菜市场"
    assert 1 < market["minutes"] < 3
    assert said[WEST + "C01", "bank"]["reason"] == "no-facility"
    assert said[EAST + "C01", "fresh_market"]["reason"] == "no-street"
    assert said[EAST + "C01", "fresh_market"]["minutes"] is None
    within = walked.get("/api/coverage/nearest", params={"within": EAST}).json()["rows"]
    assert {row["code"] for row in within} == {WEST + "C02", EAST + "C01"}


def test_elements_by_compound_and_area(walked):
    body = walked.get("/api/coverage/elements", params={"level": "compound", "minutes": "10"}).json()
    rows = {row["code"]: row for row in body["rows"]}
    assert rows[WEST + "C01"]["commerce"] == 1
    assert "商" not in rows[WEST + "C01"]["missing"]
    assert rows[EAST + "C01"]["missing"] == "党 政 居 医 养 教 文 体 娱 商"
    assert [item["element"] for item in body["elements"]] == list("党政居医养教文体娱商")
    assert body["faults"][0]["id"] == EAST + "C01"
    for level in ("grid", "community", "subdistrict", "district"):
        rows = walked.get("/api/coverage/elements", params={"level": level}).json()["rows"]
        assert all(row["score"] is None or 0 <= row["score"] <= 10 for row in rows)
        assert all(row["minutes"] is None for row in rows)


def test_places_of_areas_and_of_facilities(walked):
    body = walked.get("/api/coverage/capacity", params={"level": "compound", "need": "0.1"}).json()
    assert {row["facility_type"] for row in body["rows"]} == {"primary_school"}, "the type with a capacity"
    assert body["need"] == 0.1
    for row in body["rows"]:
        parts = sum(row[name] for name in ("covered", "partial", "uncovered", "unreachable"))
        assert parts == pytest.approx(row["demand"])
    school = walked.get("/api/coverage/capacity", params={"level": "facility"}).json()["rows"]
    assert [(row["code"], row["capacity"], row["full"]) for row in school] == [("F3", 900, False)]
    markets = walked.get(
        "/api/coverage/capacity", params={"facility_type": "fresh_market", "level": "facility"}
    )
    assert markets.json()["without_capacity"] == {"fresh_market": 2}
    assert [row["capacity"] for row in markets.json()["rows"]] == [None, None]


@pytest.mark.parametrize("path", PATHS)
def test_the_same_rows_in_every_format(walked, path):
    rows = walked.get(path).json()["rows"]
    table = pd.read_csv(io.BytesIO(walked.get(path, params={"format": "csv"}).content), dtype={"code": str})
    sheet = openpyxl.load_workbook(io.BytesIO(walked.get(path, params={"format": "xlsx"}).content))
    features = walked.get(path, headers={"Accept": "application/geo+json"}).json()["features"]
    assert list(table.columns) == list(rows[0])
    assert len(rows) == len(table) == sheet.worksheets[0].max_row - 1 == len(features)
    titles = [cell.value for cell in sheet.worksheets[0][1]]
    assert all(" " in title for title in titles), "each column in the reader's language beside its name"
    assert features[0]["geometry"] is not None


def test_facilities_with_a_capacity_as_points(walked):
    params = {"level": "facility", "format": "geojson"}
    features = walked.get("/api/coverage/capacity", params=params).json()["features"]
    assert [feature["geometry"]["type"] for feature in features] == ["Point"]


@pytest.mark.parametrize(
    ("path", "params", "fields"),
    [
        ("nearest", {"facility_type": "shop", "profile": "child"}, ["facility_type", "profile"]),
        ("nearest", {"within": "nowhere"}, ["within"]),
        ("elements", {"weight": "land", "minutes": "x,0"}, ["minutes", "weight", "minutes"]),
        ("elements", {"estates": "only"}, ["estates"]),
        ("capacity", {"weight": "land", "need": "-1", "level": "city"}, ["weight", "need", "level"]),
    ],
)
def test_what_is_asked_wrongly_is_named(walked, path, params, fields):
    reply = walked.get(f"/api/coverage/{path}", params=params)
    assert reply.status_code == 422
    assert [error["field"] for error in reply.json()["errors"]] == fields


def test_a_capacity_that_nobody_states(walked):
    reply = walked.get("/api/coverage/capacity", params={"within": "nowhere"})
    assert [error["field"] for error in reply.json()["errors"]] == ["within"]


@pytest.mark.parametrize("path", PATHS)
def test_as_of_a_past_instant_and_before_the_first(walked, path):
    assert walked.get(path, params={"at": "2020-01-01"}).status_code == 422


def test_old_estates_apart_in_the_table(walked):
    params = {"facility_type": "fresh_market", "estates": "apart", "method": "both"}
    body = walked.get("/api/coverage", params=params).json()
    assert {row["estates"] for row in body["rows"]} == {"old_estate", "other"}
    assert body["overstatement"][0]["facility_type"] == "fresh_market"
    assert body["overstatement"][0]["overstated"] >= 0
    circles = [row for row in body["rows"] if row["method"] == "circle"]
    assert sum(row["overstated"] for row in circles) == pytest.approx(body["overstatement"][0]["overstated"])
    reply = walked.get("/api/coverage", params={"level": "old_estate"})
    assert reply.status_code == 422
    assert "old_estates" in reply.json()["errors"][0]["message"]


def test_how_long_people_walk_stands_in_the_table(walked):
    body = walked.get("/api/coverage", params={"facility_type": "fresh_market", "level": "district"}).json()
    row = body["rows"][0]
    assert 0 < row["mean_min"] <= row["p90_min"]
    assert row["cannot_reach"] == 7


@pytest.mark.parametrize("path", PATHS)
def test_every_table_says_what_it_comes_from(walked, path):
    reply = walked.get(path)
    said = reply.json()["provenance"]
    assert said["layers"]["facilities"] == 1
    assert said["settings"]["speed_m_s"] == 1.25
    assert said["key"] in reply.headers["Wangge-Result"]
    other = walked.get(path, params={"profile": "elderly"}).json()["provenance"]
    assert other["key"] != said["key"]
    assert other["settings"]["speed_m_s"] == 0.8
    keys = {walked.get(other_path).json()["provenance"]["key"] for other_path in PATHS}
    assert len(keys) == 3, "each measure has a key of its own"
