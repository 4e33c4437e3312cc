"""Delimited text: every byte kept, rows found as a CSV reader finds them."""

import csv
import io
import math
import tracemalloc

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.faults import DataError
from layers.files import point_chunks, points
from layers.files.point_columns import Columns
from tests.layers.round_trip import through


def test_csv_keeps_every_value_as_it_was_written(monkeypatch):
    body = b'n,"a, b",lon,lat\r\n007,"x\ny",1.50,2\r\n\r\n,"""q""",+3,4e0\r\n1e400,,5,6\r\n'
    written, chunks = through("csv", body, chunk_rows=2, monkeypatch=monkeypatch)
    assert written.decode() == (
        'n,"a, b",lon,lat,rule,distance_m\r\n007,"x\ny",1.50,2,1,0.5\r\n'
        ',"""q""",+3,4e0,2,\r\n1e400,,5,6,3,1.5\r\n'
    )
    assert [(chunk.first, list(chunk.x), list(chunk.y)) for chunk in chunks] == [
        (1, [1.5, 3], [2, 4]), (3, [5], [6]),
    ]  # fmt: skip


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_csv_keeps_encoding_and_delimiter(encoding, delimiter):
    text = f"名{delimiter}经度{delimiter}纬度\n井盖{delimiter}1{delimiter}2\n"
    stated = encoding if encoding == "utf-16" else None
    written, _ = through("csv", text.encode(encoding), encoding=stated)
    expected = f"名{delimiter}经度{delimiter}纬度{delimiter}rule{delimiter}distance_m\n井盖{delimiter}1{delimiter}2{delimiter}1{delimiter}0.5\n"
    assert written.decode(encoding) == expected


def test_csv_gbk_that_begins_late_in_the_file():
    body = b"lon,lat,n\n" + b"1,2,x\n" * 300_000 + "1,2,井\n".encode("gbk")
    written, _ = through("csv", body)
    assert written.decode("gb18030").endswith("井,300001,150000.5\n")


@pytest.mark.parametrize("row", ['1,"2', '1,"2"x'])
def test_csv_with_a_stray_quote_loses_no_row_silently(row):
    with pytest.raises(DataError, match="quoted value"):
        through("csv", b'lon,"lat\n1,2\n')
    with pytest.raises(DataError, match=r"Line [23]") as refused:
        through("csv", f"lon,lat\n{row}\n3,4\n".encode())
    assert refused.value.faults[0].kind == "file-unreadable"


# --- every byte ---------------------------------------------------------------------------------------------

letters = st.text(st.sampled_from('ab,;\t|"\n\r 0.井丂'), max_size=6)


@given(
    rows=st.lists(st.tuples(letters, st.integers(-9, 9), letters), max_size=12),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "gb18030", "utf-16", "big5hkscs"]),
    delimiter=st.sampled_from(",;\t|"),
    ending=st.sampled_from(["\n", "\r\n", "\r"]),
    last=st.booleans(),
    text=st.integers(1, 40),
)
def test_what_a_reader_finds_in_the_answer_is_what_it_finds_in_the_file(
    *, rows, quoting, encoding, delimiter, ending, last, text
):
    lines = io.StringIO(newline="")
    writer = csv.writer(lines, delimiter=delimiter, lineterminator=ending, quoting=quoting)
    writer.writerows([["a", "lon", "b", "lat"], *([a, x, b, 1] for a, x, b in rows)])
    content = lines.getvalue().replace("\u4e02", "中") if encoding == "big5hkscs" else lines.getvalue()
    content = content if last else content.removesuffix(ending)
    stated = encoding if encoding == "big5hkscs" else None
    if stated is None and encoding == "gb18030" and not content.isascii():
        stated = encoding
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(point_chunks, "CHUNK_TEXT", text)
        written, chunks = through("csv", content.encode(encoding), encoding=stated)
    answer = written.decode(encoding)
    # A writer leaves a line end unquoted that is not its own; the record is then two.
    before = [row for row in csv.reader(io.StringIO(content, newline=""), delimiter=delimiter) if row]
    after = list(csv.reader(io.StringIO(answer, newline=""), delimiter=delimiter))
    assert [row[:4] for row in after] == [[*row, "", "", ""][:4] for row in before]
    assert [row[4] for row in after[1:]] == [str(number) for number in range(1, len(before))]
    if len(before) == len(rows) + 1:
        assert [x for chunk in chunks for x in chunk.x.tolist()] == [x for _, x, _ in rows]


def test_leading_zeros_quotes_blanks_and_mixed_line_ends_stay():
    body = b'\xef\xbb\xbfid,"lon",lat\r\n007,"1.50", 2 \n"008",1e0,+2\r009,1,2'
    written, (chunk,) = through("csv", body)
    assert written == (
        b'\xef\xbb\xbfid,"lon",lat,rule,distance_m\r\n007,"1.50", 2 ,1,0.5\n"008",1e0,+2,2,\r009,1,2,3,1.5'
    )
    assert chunk.x.tolist() == [1.5, 1, 1]


@pytest.mark.parametrize(
    "text", ["1.7976931348623157e308", "5e-324", "114.25341796875001", "-0.1", "30.", ".5", "1E2", "００", "1_0",
             "1e999", "0x10", "nan", "inf", "--1", "1 2", "1,2", "+", "e5", "1e", "1e5555"],
)  # fmt: skip
def test_numbers_are_those_that_python_reads_and_nothing_else(text):
    _, (chunk,) = through("csv", f'lon,lat\n"{text}",2\n'.encode())
    plain = text.isascii() and not set(text) & set("_xni")
    try:
        expected = float(text) if plain else math.nan
    except ValueError:
        expected = math.nan
    if math.isfinite(expected):
        assert chunk.x[0] == expected
        assert not chunk.faults
    else:
        assert math.isnan(chunk.x[0])
        assert [(fault.kind, fault.field) for fault in chunk.faults] == [
            ("coordinate-not-a-number", "lon, lat")
        ]


def test_records_of_another_width_are_brought_to_the_headers_and_named():
    written, (chunk,) = through("csv", b'a,lon,lat\nx,1\ny,1,2,"3,4",5\nz,1,2\n')
    assert written == b"a,lon,lat,rule,distance_m\nx,1,,1,0.5\ny,1,2,2,\nz,1,2,3,1.5\n"
    assert [(fault.kind, fault.row) for fault in chunk.faults] == [("value-invalid", 1), ("value-invalid", 2)]
    assert np.isnan(chunk.x).tolist() == [True, True, False]


def test_values_that_need_quotes_are_quoted():
    added = pa.schema({"error": pa.string()})
    sink = io.BytesIO()
    file = points.open_points("csv", io.BytesIO(b"lon;lat\n1;2\n"), sink, added=added)
    (chunk,) = file.chunks()
    file.write(chunk, pa.record_batch([['a;b "c"']], names=added.names))
    file.close()
    assert sink.getvalue() == b'lon;lat;error\n1;2;"a;b ""c"""\n'


def test_points_as_wkt_and_hexadecimal_wkb():
    shapes = [
        "POINT (1 2)",
        "SRID=4326;POINT(3 4)",
        "0101000000" + "00" * 16,
        "POINT EMPTY",
        "LINESTRING (0 0, 1 1)",
        "x",
        "",
    ]
    body = "n;geom\n" + "".join(f'{n};"{shape}"\n' for n, shape in enumerate(shapes))
    _, (chunk,) = through("csv", body.encode())
    assert chunk.x[:3].tolist() == [1, 3, 0]
    assert [(fault.kind, fault.row) for fault in chunk.faults] == [
        ("geometry-type", 4), ("geometry-type", 5), ("geometry-type", 6), ("geometry-missing", 7),
    ]  # fmt: skip


def test_a_file_of_nothing_but_line_ends_takes_little_memory():
    body = b"lon,lat\n" + b"\n" * 8_000_000 + b"1,2\n"
    tracemalloc.start()
    _, chunks = through("csv", body)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [chunk.x.tolist() for chunk in chunks] == [[1]]
    assert peak < 100e6


@pytest.mark.parametrize(
    ("body", "kind", "said"),
    [
        (b"", "file-empty", "not a single byte"),
        (b"\n\n", "file-empty", "no header"),
        (b"lon,lat\n1,\x00\n", "file-unreadable", "not a text"),
        (b"longitud,lat\n1,2\n", "field-unknown", "longitud, lat"),
        (b"lon,lat,lat\n1,2,3\n", "field-unknown", "2 columns 'lat'"),
    ],
)
def test_what_cannot_be_read_is_said(body, kind, said):
    with pytest.raises(DataError, match=said) as refused:
        through("csv", body)
    assert [fault.kind for fault in refused.value.faults] == [kind]


def test_a_stated_column_that_is_not_there_is_named_with_those_that_are():
    stated = Columns(x="longitude", y="lat", at="time")
    with pytest.raises(DataError) as refused:
        through("csv", b"longitud,lat,times\n1,2,3\n", stated=stated)
    assert [fault.field for fault in refused.value.faults] == ["longitude", "time"]
    assert "Did you mean 'longitud'?" in refused.value.faults[0].message


def test_a_header_alone_is_a_file_of_no_rows():
    assert through("csv", b"lon,lat") == (b"lon,lat,rule,distance_m", [])
