"""Workbooks: values, number formats and order kept, in bounded memory, bombs refused."""

import datetime as dt
import io
import zipfile

import openpyxl
import pytest

from geo.faults import DataError
from layers.files import points_xlsx
from layers.files.point_columns import Columns
from tests.layers.round_trip import through

WHEN = dt.datetime(2026, 3, 1, 8, 30)  # noqa: DTZ001 - a workbook knows no zones


def book(*rows, title="事件", formats=()):
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    sheet.title = title
    for row in rows:
        sheet.append(row)
    for cell, shown in formats:
        sheet[cell].number_format = shown
    body = io.BytesIO()
    workbook.save(body)
    return body.getvalue()


def read(body):
    sheet = openpyxl.load_workbook(io.BytesIO(body)).worksheets[0]
    return sheet, [list(row) for row in sheet.iter_rows(values_only=True)]


def test_values_number_formats_and_the_sheets_name_come_back(monkeypatch):
    rows = [
        ["编号", "经度", "lat", "when", "note"],
        ["007", 1.5, 2, WHEN, "=1+1"],
        [8, "3", 4.25, None, True],
    ]
    body = book(*rows, formats=[("D2", "yyyy-mm-dd hh:mm"), ("B2", "0.000000"), ("A3", "000")])
    written, chunks = through("xlsx", body, chunk_rows=1, monkeypatch=monkeypatch)
    sheet, found = read(written)
    assert sheet.title == "事件"
    assert found[0] == [*rows[0], "rule", "distance_m"]
    assert found[1] == ["007", 1.5, 2, WHEN, None, "1", 0.5]
    assert found[2] == [8, "3", 4.25, None, True, "2", None]
    assert (sheet["D2"].number_format, sheet["B2"].number_format, sheet["A3"].number_format) == (
        "yyyy-mm-dd hh:mm", "0.000000", "000",
    )  # fmt: skip
    assert [(chunk.first, chunk.x.tolist(), chunk.y.tolist()) for chunk in chunks] == [
        (1, [1.5], [2.0]), (2, [3.0], [4.25]),
    ]  # fmt: skip


def test_text_that_looks_like_a_formula_stays_text():
    workbook = openpyxl.Workbook(write_only=True)
    sheet = workbook.create_sheet()
    sheet.append(["lon", "lat", "note"])
    cell = openpyxl.cell.WriteOnlyCell(sheet, value="=HYPERLINK(1)")
    cell.data_type = "s"
    sheet.append([1, 2, cell])
    body = io.BytesIO()
    workbook.save(body)
    written, _ = through("xlsx", body.getvalue())
    sheet, _ = read(written)
    assert (sheet["C2"].value, sheet["C2"].data_type) == ("=HYPERLINK(1)", "s")


def test_blank_rows_are_no_rows_and_short_ones_are_filled():
    body = book(["lon", "lat", "n"], [], [1, 2], ["", None, ""], [3, 4, "x"])
    written, (chunk,) = through("xlsx", body)
    assert read(written)[1][1:] == [[1, 2, None, "1", 0.5], [3, 4, "x", "2", None]]
    assert chunk.x.tolist() == [1, 3]


def test_rows_without_a_place_and_a_column_of_times():
    body = book(["lon", "lat", "at"], [None, 2, WHEN], ["东", 2, "2026-03-01"], [1, True, None])
    _, (chunk,) = through("xlsx", body, stated=Columns(at="at"))
    assert [(fault.kind, fault.row) for fault in chunk.faults] == [
        ("coordinate-missing", 1), ("coordinate-not-a-number", 2), ("coordinate-not-a-number", 3),
    ]  # fmt: skip
    assert chunk.times.to_pylist() == ["2026-03-01T08:30:00", "2026-03-01", ""]


def test_points_as_wkt():
    _, (chunk,) = through("xlsx", book(["n", "WKT"], [1, "POINT (1 2)"], [2, None], [3, "POLYGON EMPTY"]))
    assert chunk.x[0] == 1
    assert [(fault.kind, fault.row) for fault in chunk.faults] == [
        ("geometry-missing", 2),
        ("geometry-type", 3),
    ]


def bomb(part, size):
    """Return a workbook one part of which unpacks to a size, whatever else it is."""
    body = io.BytesIO(book(["lon", "lat"], [1, 2]))
    with zipfile.ZipFile(body, "a", zipfile.ZIP_DEFLATED) as archive, archive.open(part, "w") as file:
        for _ in range(size >> 20):
            file.write(bytes(1 << 20))
    return body.getvalue()


def test_a_small_workbook_that_unpacks_to_a_large_one_is_refused(monkeypatch):
    monkeypatch.setattr(points_xlsx, "LARGEST_TEXTS", 8 << 20)
    body = bomb("xl/media/picture.xml", 9 << 20)
    assert len(body) < 100_000
    with pytest.raises(DataError, match="unpacks to") as refused:
        through("xlsx", body)
    assert refused.value.faults[0].kind == "file-too-large"


WHOLE = book(["lon", "lat"], [1, 2])


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "file-empty"),
        (b"lon,lat\n1,2\n", "file-unreadable"),
        (WHOLE[: len(WHOLE) // 2], "file-truncated"),
        (book(), "file-empty"),
        (book(["a", "b"], [1, 2]), "field-unknown"),
        (book(["lon", "lat", "rule"], [1, 2, 3]), "value-invalid"),
        (book(["lon", "lat", "lat"], [1, 2, 3]), "field-unknown"),
    ],
)
def test_what_cannot_be_read_is_said(body, kind):
    with pytest.raises(DataError) as refused:
        through("xlsx", body)
    assert {fault.kind for fault in refused.value.faults} == {kind}


def test_a_zip_file_that_is_no_workbook():
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        archive.writestr("a.txt", "x")
    with pytest.raises(DataError) as refused:
        through("xlsx", body.getvalue())
    assert refused.value.faults[0].kind == "file-unreadable"


def damaged(part, old, new):
    """Return a workbook with some text of one part replaced, however it is compressed."""
    body = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(WHOLE)) as archive, zipfile.ZipFile(body, "w") as written:
        for name in archive.namelist():
            content = archive.read(name)
            assert name != part or old in content
            written.writestr(name, content.replace(old, new) if name == part else content)
    return body.getvalue()


TITLE = "事件".encode()
SHEET = "xl/worksheets/sheet1.xml"


@pytest.mark.parametrize(
    "body",
    [
        damaged(SHEET, b'r="A1"', b'r="ZZZZZ1"'),
        damaged(SHEET, b"<v>1</v>", b"<v>one</v>"),
        damaged(SHEET, b"</row>", b"</rows>"),
        damaged("xl/workbook.xml", b"<calcPr ", b'<calcPr later="1" '),
        damaged("xl/styles.xml", b"<fonts", b'<fonts count="x"'),
        # The least version of ZIP that reads it.
        WHOLE.replace(b"PK\x01\x02\x14\x03\x14", b"PK\x01\x02\x14\x03\xff"),
    ],
    ids=["column", "number", "tag", "attribute", "style", "version"],
)
def test_a_damaged_part_is_said(body):
    assert body != WHOLE
    with pytest.raises(DataError) as refused:
        through("xlsx", body)
    assert {fault.kind for fault in refused.value.faults} == {"file-unreadable"}


@pytest.mark.parametrize(("title", "kept"), [("[a:b]", "_a_b_"), ("", "Sheet")])
def test_a_name_that_no_sheet_may_have_is_mended(title, kept):
    written, _ = through("xlsx", damaged("xl/workbook.xml", TITLE, title.encode()))
    assert read(written)[0].title == kept
