"""Reports on paper: what Word and PDF make of the same blocks, and fonts with Chinese."""

import datetime as dt
import io

import docx
import geopandas as gpd
import pandas as pd
import pyogrio
import pytest
from docx.enum.section import WD_ORIENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml.ns import qn
from PIL import Image
from shapely import Point

from layers.errors import FontMissing
from layers.files import fonts, geopackage, pdf, word
from layers.files.documents import Document, Heading, Paragraph, Sheet, Table, plain

HOSTILE = '<b>&"=1+1\u202e\x02尾'


def picture():
    buffer = io.BytesIO()
    Image.new("RGB", (594, 420), "white").save(buffer, "PNG")
    return buffer.getvalue()


def report(rows=3, language="zh"):
    table = Table(
        ["编码", "人数"], [[f"C{row} {HOSTILE}", str(row)] for row in range(rows)], (3, 1), frozenset({1})
    )
    return Document(
        title="报告",
        subtitle=HOSTILE,
        language=language,
        facts=[("修订", "7")],
        blocks=[Heading("概要"), Paragraph(HOSTILE), Sheet(picture(), "地图"), Heading("清单"), table],
        footer="纸城",
        created=dt.datetime(2026, 3, 1, tzinfo=dt.UTC),
    )


def test_what_cannot_be_printed_becomes_a_question_mark():
    assert plain("a\x00\u202eb\n\t c") == "a??b c"
    assert plain("网格 <b>&") == "网格 <b>&"


def test_a_word_report_has_its_blocks_in_order():
    document = docx.Document(io.BytesIO(word.to_docx(report())))
    assert [section.orientation for section in document.sections] == [
        WD_ORIENT.PORTRAIT,
        WD_ORIENT.LANDSCAPE,
        WD_ORIENT.PORTRAIT,
    ]
    facts, table = document.tables
    assert [cell.text for cell in facts.rows[0].cells] == ["修订", "7"]
    assert [cell.text for cell in table.rows[1].cells] == [f"C0 {plain(HOSTILE)}", "0"]
    assert table.rows[0]._tr.trPr.find(qn("w:tblHeader")) is not None
    assert table.rows[1].cells[1].paragraphs[0].alignment == WD_ALIGN_PARAGRAPH.RIGHT
    drawn = document.inline_shapes[0]
    assert drawn._inline.docPr.get("descr") == "地图"
    assert drawn.width < document.sections[1].page_width
    assert "纸城" in document.sections[2].footer.paragraphs[0].text
    assert document.core_properties.title == "报告"


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_pdf_report_has_its_blocks_on_pages(language):
    written = pdf.to_pdf(report(rows=120, language=language))
    # One page of words, one map, and at least two of the list.
    assert written.count(b"/Type /Page\n") >= 4
    # The map's page lies on its side.
    assert written.count(b"841.89 595.28]") == 1
    assert written == pdf.to_pdf(report(rows=120, language=language))


def test_the_face_for_simplified_chinese_is_taken():
    regular, bold = fonts.chinese()
    assert regular.path.is_file()
    assert bold.path.is_file()
    if regular.path.name == "NotoSansCJK-Regular.ttc":
        assert regular.number == 2


def test_without_a_font_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setattr(fonts.font_manager, "findSystemFonts", lambda: ["/fonts/DejaVuSans.ttf"])
    fonts.chinese.cache_clear()
    try:
        with pytest.raises(FontMissing, match="fonts-noto-cjk"):
            pdf.to_pdf(report())
    finally:
        fonts.chinese.cache_clear()


def test_a_geopackage_of_several_layers(tmp_path):
    places = gpd.GeoDataFrame({"name": [HOSTILE[:4]]}, geometry=[Point(114, 30)], crs="EPSG:4326")
    path = tmp_path / "several.gpkg"
    path.write_bytes(geopackage.to_gpkg({"places": places, "settings": pd.DataFrame({"term": ["修订"]})}))
    assert pyogrio.list_layers(path).tolist() == [["places", "Point"], ["settings", None]]
    assert pyogrio.read_dataframe(path, layer="places").crs.to_epsg() == 4326
    assert pyogrio.read_dataframe(path, layer="settings")["term"].tolist() == ["修订"]
