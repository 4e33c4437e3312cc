"""`GET /api/coverage/gaps` and the report of them, as clients see them."""

import datetime as dt
import io
import json

import docx
import openpyxl
import pandas as pd
import pyogrio
import pytest

from api import gap_files, gap_report, table_formats
from layers.errors import FontMissing
from layers.files import fonts
from layers.publishing import Change
from tests import paper_city, walking_city
from tests.paper_city import EAST, WEST

MARKET = {"facility_type": "fresh_market", "minutes": "5"}
GAPS, REPORT = "/api/coverage/gaps", "/api/coverage/report"


@pytest.fixture
def walked(session, open_client):
    walking_city.build(session)
    open_client.app.state.runtime.snapshots.refresh()
    return open_client


def test_three_lists_with_what_they_are(walked):
    reply = walked.get(GAPS, params=MARKET)
    assert reply.status_code == 200, reply.text
    body = reply.json()
    assert (body["revision"], reply.headers["Wangge-Revision"]) == (1, "1")
    assert body["settings"]["minutes"] == [5]
    assert body["provenance"]["layers"]["streets"] == 1
    assert reply.headers["Wangge-Result"] == f"fresh; key={body['provenance']['key']}"
    assert walked.get(GAPS, params=MARKET).headers["Wangge-Result"].startswith("kept")
    assert "exact distances along streets" in body["source"]
    assert [gap["gap"] for gap in body["gaps"]] == list(range(1, len(body["gaps"]) + 1))
    outside = {row["code"]: row for row in body["compounds"]}
    assert set(outside) == {WEST + "C02", EAST + "C01"}
    assert (outside[EAST + "C01"]["status"], outside[EAST + "C01"]["reason"]) == ("unreachable", "no-street")
    assert outside[EAST + "C01"]["walk_m"] is None
    assert outside[WEST + "C02"]["status"] == "partial"
    assert outside[WEST + "C02"]["walk_m"] > 375
    held = sum(gap["outside"] for gap in body["gaps"]) + sum(area["beside"] for area in body["areas"])
    assert held == pytest.approx(sum(area["outside"] for area in body["areas"]))
    assert [fault["id"] for fault in body["faults"]] == [EAST + "C01"]


def test_the_same_question_has_the_same_answer(walked):
    one, other = (walked.get(GAPS, params=MARKET | {"format": "geojson"}).content for _ in range(2))
    assert one == other


def test_every_format_holds_the_same(walked, tmp_path):
    body = walked.get(GAPS, params=MARKET).json()
    codes = [gap["code"] for gap in body["gaps"]]

    def ask(name, **words):
        reply = walked.get(GAPS, params=MARKET | {"format": name, **words})
        assert reply.headers["Content-Type"].startswith(
            (table_formats.FORMATS | table_formats.MORE_FORMATS)[name]
        )
        return reply.content

    features = json.loads(ask("geojson"))
    assert [feature["properties"]["code"] for feature in features["features"]] == codes
    assert {feature["geometry"]["type"] for feature in features["features"]} == {"Polygon"}
    assert features["settings"] == body["settings"]
    table = pd.read_csv(io.BytesIO(ask("csv")), dtype={"code": str})
    assert (table["code"].tolist(), table["revision"].unique().tolist()) == (codes, [1])
    homes = pd.read_csv(io.BytesIO(ask("csv", list="compounds")), dtype={"code": str})
    assert homes["code"].tolist() == [row["code"] for row in body["compounds"]]
    areas = json.loads(ask("geojson", list="areas"))["features"]
    assert [area["properties"]["code"] for area in areas] == [area["code"] for area in body["areas"]]
    book = openpyxl.load_workbook(io.BytesIO(ask("xlsx")))
    assert book.sheetnames == ["空白区 gaps", "小区 compounds", "区域 areas", "说明 notes"]
    assert [cell.value for cell in book.worksheets[0]["B"]][1:] == codes
    path = tmp_path / "gaps.gpkg"
    path.write_bytes(ask("gpkg"))
    assert pyogrio.list_layers(path)[:, 0].tolist() == ["gaps", "compounds", "areas", "settings"]
    placed = pyogrio.read_dataframe(path, layer="gaps")
    assert (placed["code"].tolist(), placed.crs.to_epsg()) == (codes, 4326)
    assert "1" in pyogrio.read_dataframe(path, layer="settings")["value"].tolist()


def test_names_stay_names(walked, session):
    frame = walking_city.compounds()
    frame["name"] = ["<b>&", '=HYPERLINK("x")', "\u202ea\x01b"]
    paper_city.publish(session, {"compounds": Change(frame)})
    walked.app.state.runtime.snapshots.refresh()
    book = openpyxl.load_workbook(io.BytesIO(walked.get(GAPS, params=MARKET | {"format": "xlsx"}).content))
    assert {cell.data_type for cell in book.worksheets[1]["B"]} == {"s"}
    text = walked.get(GAPS, params=MARKET | {"format": "csv", "list": "compounds"}).content.decode(
        "utf-8-sig"
    )
    assert ',"\'=HYPERLINK(""x"")",' in text
    reply = walked.get(REPORT, params=MARKET | {"format": "docx"})
    cells = _cells(reply.content)
    assert '=HYPERLINK("x")' in cells
    assert "?a?b" in cells
    assert walked.get(REPORT, params=MARKET | {"format": "pdf"}).content.startswith(b"%PDF")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_report_says_what_it_is_of(walked, language):
    reply = walked.get(REPORT, params=MARKET | {"format": "docx", "lang": language})
    assert reply.status_code == 200, reply.text
    assert reply.headers["Content-Disposition"] == 'attachment; filename="gaps-report-community.docx"'
    word = docx.Document(io.BytesIO(reply.content))
    said = {
        "zh": ("步行圈空白区报告", "菜市场", "修订 1"),
        "en": ("Gaps in walking coverage", "market", "revision 1"),
    }
    cells = _cells(reply.content)
    text = "\n".join([*(paragraph.text for paragraph in word.paragraphs), *cells])
    for words in (*said[language], "纸城", "EPSG:4326", WEST + "C02"):
        assert words in text
    assert len(word.inline_shapes) == 1
    assert word.core_properties.author == "Wangge 网格"
    assert ("部分覆盖" in cells) == (language == "zh")


def test_a_report_as_pdf_has_its_chinese_in_it(walked):
    reply = walked.get(REPORT, params=MARKET | {"format": "pdf", "lang": "en"})
    assert reply.headers["Content-Type"] == "application/pdf"
    assert reply.content.startswith(b"%PDF")
    # The font's own file, not a name that a reader's machine may not have.
    assert b"/FontFile3" in reply.content or b"/FontFile2" in reply.content


def test_a_machine_without_chinese_fonts_is_told_what_to_install(walked, monkeypatch):
    monkeypatch.setattr(fonts, "_KNOWN", ())
    fonts.chinese.cache_clear()
    try:
        reply = walked.get(REPORT, params=MARKET | {"format": "pdf"})
    finally:
        fonts.chinese.cache_clear()
    assert (reply.status_code, reply.json()["type"]) == (503, "urn:wangge:problem:not-installed")
    assert "fonts-noto-cjk" in reply.json()["detail"]
    assert "fonts-noto-cjk" in str(FontMissing())
    assert walked.get(REPORT, params=MARKET | {"format": "docx"}).status_code == 200


def test_more_than_one_report_holds_is_refused(walked, monkeypatch):
    monkeypatch.setattr(gap_report, "MOST_QUESTIONS", 1)
    reply = walked.get(REPORT, params=MARKET | {"minutes": "5,10"})
    assert (reply.status_code, reply.json()["errors"][0]["field"]) == (422, "facility_type")


def test_a_format_that_is_not_offered(walked):
    assert walked.get(REPORT, params=MARKET | {"format": "csv"}).status_code == 422
    assert walked.get(GAPS, params=MARKET | {"format": "pdf"}).status_code == 422
    assert walked.get(GAPS, params=MARKET, headers={"Accept": "image/png"}).status_code == 406


def test_gaps_of_a_past_day(walked, session):
    before = walked.get(GAPS, params=MARKET).json()
    facilities = walking_city.facilities()
    removed = Change(facilities.iloc[:0], removed=[facilities.index[0]])
    paper_city.publish(session, {"facilities": removed}, now=paper_city.NOW + dt.timedelta(days=3))
    walked.app.state.runtime.snapshots.refresh()
    after = walked.get(GAPS, params=MARKET).json()
    again = walked.get(GAPS, params=MARKET | {"at": "2026-03-02"}).json()
    assert [again[name] for name in gap_files.LISTS] == [before[name] for name in gap_files.LISTS]
    assert again["provenance"]["key"] == before["provenance"]["key"] != after["provenance"]["key"]
    assert len(after["compounds"]) == len(before["compounds"]) + 1


def _cells(content):
    tables = docx.Document(io.BytesIO(content)).tables
    return [cell.text for table in tables for row in table.rows for cell in row.cells]


def test_where_nothing_is_left_out_a_report_says_so(walked):
    nothing = MARKET | {"least_m2": "1e9", "level": "district"}
    assert walked.get(GAPS, params=nothing).json()["gaps"] == []
    assert json.loads(walked.get(GAPS, params=nothing | {"format": "geojson"}).content)["features"] == []
    for name in ("csv", "xlsx", "gpkg"):
        assert walked.get(GAPS, params=nothing | {"format": name}).status_code == 200
    for name in ("docx", "pdf"):
        assert walked.get(REPORT, params=nothing | {"format": name}).status_code == 200
