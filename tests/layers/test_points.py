"""Files of points in every format: rows, columns and order kept, in chunks, within bounded memory."""

import io
import json
import tracemalloc

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geo import crs
from geo.assign import AreaIndex
from geo.faults import DataError
from layers import batch, located
from layers.files import points, points_csv, points_geojson, points_parquet, points_xlsx

ADDED = pa.schema({"rule": pa.string(), "distance_m": pa.float64()})


def through(kind, body, *, chunk_rows=None, monkeypatch=None, stated=points.Columns(), encoding=None):
    """Read and write a file with the row number as rule; return what was written and the chunks."""
    if chunk_rows:
        for module in (points_geojson, points_parquet, points_xlsx):
            monkeypatch.setattr(module, "CHUNK_ROWS", chunk_rows)
        monkeypatch.setattr(points_csv, "MOST_ROWS", chunk_rows)
    sink = io.BytesIO()
    file = points.open_points(kind, io.BytesIO(body), sink, stated=stated, added=ADDED, encoding=encoding)
    chunks = []
    for chunk in file.chunks():
        numbers = np.arange(chunk.first, chunk.first + len(chunk.x))
        rule = pa.array(numbers).cast(pa.string()).dictionary_encode()
        half = pa.array(np.where(numbers % 2 == 0, np.nan, numbers / 2), from_pandas=True)
        file.write(chunk, pa.record_batch([rule, half], names=ADDED.names))
        chunks.append(chunk)
    file.close()
    return sink.getvalue(), chunks


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


# The scanner must find the same members and features wherever the pieces of the stream end.
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
names = st.text(max_size=5).filter(lambda name: name not in {"features", *ADDED.names})


@given(
    before=st.dictionaries(names, values, max_size=3),
    after=st.dictionaries(names, values, max_size=3),
    properties=st.lists(st.none() | st.dictionaries(names, values, max_size=3), max_size=4),
    piece=st.integers(1, 40),
    indent=st.sampled_from([None, 2]),
)
def test_geojson_in_pieces_of_any_size(before, after, properties, piece, indent):
    features = [
        {"type": "Feature", "properties": one, "geometry": {"type": "Point", "coordinates": [n, 2.5]}}
        for n, one in enumerate(properties)
    ]
    collection = {"type": "FeatureCollection", **before, "features": features, **after}
    body = json.dumps(collection, ensure_ascii=False, indent=indent).encode("utf-8", "surrogatepass")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(points_geojson, "_PIECE", piece)
        written, chunks = through("geojson", body, chunk_rows=2, monkeypatch=patch)
    result = json.loads(written)
    assert [x for chunk in chunks for x in chunk.x] == list(range(len(features)))
    for n, (one, was) in enumerate(zip(result.pop("features"), features, strict=True), start=1):
        added = {"rule": str(n), "distance_m": None if n % 2 == 0 else n / 2}
        assert one == {**was, "properties": {**(was["properties"] or {}), **added}}
    del collection["features"]
    assert result == collection


@pytest.mark.parametrize(
    ("geometry", "kind"),
    [
        (None, "geometry-missing"),
        ({}, "geometry-missing"),
        ({"type": "MultiPoint", "coordinates": [[1, 2]]}, "geometry-type"),
        ({"type": "Point", "coordinates": []}, "coordinate-not-a-number"),
        ({"type": "Point", "coordinates": [1]}, "coordinate-not-a-number"),
        ({"type": "Point", "coordinates": ["1", 2]}, "coordinate-not-a-number"),
        ({"type": "Point", "coordinates": [True, 2]}, "coordinate-not-a-number"),
        ({"type": "Point"}, "coordinate-not-a-number"),
        ("POINT (1 2)", "geometry-type"),
    ],
)
@pytest.mark.parametrize("kind_of_file", ["geojson", "geojsonseq"])
def test_features_without_a_point(geometry, kind, kind_of_file):
    feature = {"type": "Feature", "properties": {}, "geometry": geometry}
    document = {"type": "FeatureCollection", "features": [feature]} if kind_of_file == "geojson" else feature
    _, (chunk,) = through(kind_of_file, json.dumps(document).encode())
    assert [(fault.kind, fault.row) for fault in chunk.faults] == [(kind, 1)]


BRACKETS = "[" * 5_000
FEATURE = '{"type":"Feature","properties":%s,"geometry":{"type":"Point","coordinates":[%s,2]}}'


@pytest.mark.parametrize(
    ("properties", "x"),
    [
        (BRACKETS, "1"),  # nested beyond what a reader can hold
        ("{}", "9" * 5_000),  # a number beyond what a reader takes
        ('{"a":NaN}', "1"),
        ('{"a":1e999}', "1"),
        ("5", "1"),
        ("[1]", "1"),
    ],
)
@pytest.mark.parametrize("kind", ["geojson", "geojsonseq"])
def test_what_only_looks_like_geojson_is_refused(kind, properties, x):
    feature = FEATURE % (properties, x)
    body = f'{{"type":"FeatureCollection","features":[{feature}]}}' if kind == "geojson" else f"{feature}\n"
    with pytest.raises(DataError) as refused:
        through(kind, body.encode())
    assert {fault.kind for fault in refused.value.faults} == {"file-unreadable"}


@pytest.mark.parametrize("kind", ["geojson", "geojsonseq"])
def test_a_number_beyond_every_float_is_no_coordinate_and_half_a_letter_is_kept(kind):
    features = [FEATURE % ("{}", "9" * 400), FEATURE % ('{"name":"\\ud83d"}', "1")]
    body = f'{{"features":[{",".join(features)}]}}' if kind == "geojson" else "\n".join(features)
    written, (chunk,) = through(kind, body.encode())
    assert [(fault.kind, fault.row) for fault in chunk.faults] == [("coordinate-not-a-number", 1)]
    assert len(chunk.faults[0].message) < 200
    assert b"\\ud83d" in written


LONG = "x" * 3_000


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("csv", f"lon,lat,n\n1,2,{LONG}\n"),
        ("csv", f"lon,lat,{LONG}\n1,2,3\n"),
        ("csv", 'lon,lat,n\n1,2,"' + "x\n" * 2_000),
        ("geojson", '{"features":[' + FEATURE % (f'{{"n":"{LONG}"}}', "1") + "]}"),
        ("geojson", f'{{"name":"{LONG}","features":[]}}'),
        ("geojsonseq", FEATURE % (f'{{"n":"{LONG}"}}', "1")),
    ],
)
def test_a_record_without_end_is_refused_before_it_fills_the_memory(kind, body, monkeypatch):
    monkeypatch.setattr(points, "LONGEST_RECORD", 1_000)
    monkeypatch.setattr(points_geojson, "_PIECE", 500)
    with pytest.raises(DataError) as refused:
        through(kind, body.encode())
    assert {fault.kind for fault in refused.value.faults} == {"file-too-large"}


@pytest.mark.parametrize("kind", ["csv", "geojson", "geojsonseq"])
def test_a_chunk_ends_where_its_text_is_long(kind, monkeypatch):
    monkeypatch.setattr(points, "CHUNK_TEXT", 2 * len(FEATURE))
    features = [FEATURE % ('{"n":1}', n) for n in range(9)]
    body = {
        "csv": "lon,lat,n\n" + f"1,2,{'x' * len(FEATURE)}\n" * 9,
        "geojson": f'{{"features":[{",".join(features)}]}}',
        "geojsonseq": "\n".join(features),
    }[kind]
    _, chunks = through(kind, body.encode())
    assert [chunk.first for chunk in chunks] == [1, 3, 5, 7, 9]


def test_parquet_keeps_schema_and_metadata(monkeypatch):
    frame = pd.DataFrame(
        {
            "lon": pd.array([1.5, None, 3.5], dtype="Float64"),
            "lat": ["2", "x", "4"],
            "when": pd.to_datetime(["2026-03-01", None, "2026-03-02"]).tz_localize("Asia/Shanghai"),
            "tags": [["a"], [], None],
        }
    )
    body = io.BytesIO()
    frame.to_parquet(body)
    written, chunks = through("parquet", body.getvalue(), chunk_rows=2, monkeypatch=monkeypatch)
    before, after = pq.read_table(io.BytesIO(body.getvalue())), pq.read_table(io.BytesIO(written))
    assert after.select(before.column_names).equals(before)
    assert after.schema.metadata == before.schema.metadata
    assert after["rule"].to_pylist() == ["1", "2", "3"]
    assert after["distance_m"].to_pylist() == [0.5, None, 1.5]
    assert [chunk.first for chunk in chunks] == [1, 3]
    assert [(fault.kind, fault.row) for fault in chunks[0].faults] == [("coordinate-missing", 2)]


def test_parquet_with_geometries_that_are_no_points():
    shapes = [shapely.Point(1, 2), None, shapely.Point(), shapely.box(0, 0, 1, 1)]
    body = io.BytesIO()
    gpd.GeoDataFrame({"n": range(4)}, geometry=shapes, crs=4326).to_parquet(body)
    _, (chunk,) = through("parquet", body.getvalue())
    assert [(fault.kind, fault.row) for fault in chunk.faults] == [
        ("coordinate-missing", 2), ("coordinate-not-a-number", 3), ("coordinate-not-a-number", 4),
    ]  # fmt: skip


def test_parquet_in_which_one_value_stands_in_every_row_takes_little_memory(monkeypatch):
    """A file of kilobytes that would be gigabytes of text if a whole batch were decoded at once."""
    monkeypatch.setattr(points_parquet, "CHUNK_BYTES", 1 << 20)
    long = "井" * 100_000
    table = pa.table(
        {
            "lon": [114.0] * 90,
            "lat": [30.0] * 90,
            "note": pa.array([long, None, "short"] * 30).dictionary_encode(),
            "raw": pa.array([b"x", None, b""] * 30),
        }
    )
    body = io.BytesIO()
    pq.write_table(table, body, store_schema=False)
    assert len(body.getvalue()) < 400_000
    written, chunks = through("parquet", body.getvalue())
    # Four long values are more than one chunk may hold.
    assert max(len(chunk.x) for chunk in chunks) <= 12
    assert [chunk.first for chunk in chunks] == np.cumsum([1, *(len(c.x) for c in chunks[:-1])]).tolist()
    result = pq.read_table(io.BytesIO(written)).to_pydict()
    assert result["note"] == [long, None, "short"] * 30
    assert result["raw"] == [b"x", None, b""] * 30
    assert result["rule"] == [str(number) for number in range(1, 91)]


def test_truncated_parquet():
    body = io.BytesIO()
    pd.DataFrame({"lon": [1.0], "lat": [2.0]}).to_parquet(body)
    with pytest.raises(DataError) as refused:
        through("parquet", body.getvalue()[:-20])
    assert refused.value.faults[0].kind == "file-unreadable"


def test_unknown_formats():
    with pytest.raises(DataError):
        points.kind_of_suffix(".xlsx")
    with pytest.raises(DataError):
        points.open_points("xlsx", io.BytesIO(), io.BytesIO(), added=ADDED)


class Nowhere(io.RawIOBase):
    """A sink that keeps nothing."""

    def writable(self):
        return True

    def write(self, data):
        return len(data)


def test_memory_does_not_grow_with_the_file(tmp_path):
    path = tmp_path / "in.csv"
    rows = "".join(f"{n},114.{n % 997:03d},30.{n % 991:03d},some text of a report\n" for n in range(10_000))
    with path.open("w") as file:
        file.write("n,lon,lat,text\n")
        for _ in range(40):
            file.write(rows)
    area = gpd.GeoDataFrame({"code": ["a"]}, geometry=[shapely.box(114, 30, 114.5, 31)], crs=4326)
    areas = located.Areas("grid", AreaIndex(area, metric="EPSG:4547"), [(located.Area("a", "a", "grid"),)])
    with path.open("rb") as source:
        tracemalloc.start()
        file = points.open_points(
            "csv", source, io.BufferedWriter(Nowhere()), added=batch.added_columns(margin=False)
        )
        counts = batch.assign_points(file, areas, crs.WGS84)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert (counts.total, counts.rejected) == (400_000, 0)
    assert counts.assigned + counts.unassigned == counts.total
    assert peak < 100e6
