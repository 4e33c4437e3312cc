"""Parquet and GeoParquet: types and metadata kept, memory bounded whatever the header says."""

import base64
import contextlib
import io

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely
from pyarrow.parquet.encryption import CryptoFactory, EncryptionConfiguration, KmsClient, KmsConnectionConfig

from geo.crs import agree, parse
from geo.faults import DataError
from layers.files import parquet_bounds, points
from layers.files.point_columns import Columns
from tests.layers.round_trip import through


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
        ("geometry-missing", 2), ("geometry-type", 3), ("geometry-type", 4),
    ]  # fmt: skip


def test_parquet_in_which_one_value_stands_in_every_row_takes_little_memory(monkeypatch):
    """A file of kilobytes that would be gigabytes of text if a whole batch were decoded at once."""
    monkeypatch.setattr(parquet_bounds, "CHUNK_BYTES", 1 << 20)
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
    assert refused.value.faults[0].kind == "file-truncated"


def parquet(table, **options):
    body = io.BytesIO()
    pq.write_table(table, body, **options)
    return body.getvalue()


@pytest.mark.parametrize("compression", ["none", "zstd", "gzip", "snappy"])
def test_types_and_compression_stay(compression):
    table = pa.table(
        {
            "lon": pa.array([1.5, 2.5], pa.float32()),
            "lat": pa.array(["2", " 3e0 "], pa.large_string()),
            "kind": pa.array(["a", None]).dictionary_encode(),
            "when": pa.array([0, 1], pa.timestamp("ms", "Asia/Shanghai")),
            "tags": pa.array([[{"k": 1}], []]),
            "price": pa.array([1, 2], pa.int32()).cast(pa.decimal128(12, 2)),
            "long": pa.array(["x" * 100, ""], pa.large_string()),
        }
    ).replace_schema_metadata({"mine": "kept"})
    body = parquet(table, compression=compression)
    written, (chunk,) = through("parquet", body)
    file = pq.ParquetFile(io.BytesIO(written))
    before = pq.read_table(io.BytesIO(body))
    assert before.equals(table)
    assert file.read().select(table.column_names).equals(before, check_metadata=True)
    assert file.schema_arrow.field("rule").type == pa.string()
    group = file.metadata.row_group(0)
    said = "UNCOMPRESSED" if compression == "none" else compression.upper()
    assert {group.column(at).compression for at in range(group.num_columns)} == {said}
    assert (chunk.x.tolist(), chunk.y.tolist()) == ([1.5, 2.5], [2.0, 3.0])


def test_coordinates_that_are_no_numbers():
    table = pa.table({"lon": ["1", "x", None, "1_0", "nan"], "lat": [1.0] * 5})
    _, (chunk,) = through("parquet", parquet(table))
    assert [(fault.kind, fault.row) for fault in chunk.faults] == [
        ("coordinate-not-a-number", 2), ("coordinate-missing", 3),
        ("coordinate-not-a-number", 4), ("coordinate-not-a-number", 5),
    ]  # fmt: skip


def opened(body, **options):
    added = pa.schema({"rule": pa.string()})
    return points.open_points("parquet", io.BytesIO(body), io.BytesIO(), added=added, **options)


def geoparquet(crs, **options):
    body = io.BytesIO()
    frame = gpd.GeoDataFrame(
        {"lon": [9.0, 9.0], "lat": [9.0, 9.0]}, geometry=gpd.points_from_xy([1, 3], [2, 4]), crs=crs
    )
    frame.to_parquet(body, **options)
    return body.getvalue()


@pytest.mark.parametrize("crs", ["EPSG:4547", "EPSG:4326", None])
@pytest.mark.parametrize("encoding", ["WKB", "geoarrow"])
def test_geoparquet_says_its_crs_and_its_geometry_comes_before_columns(crs, encoding):
    file = opened(geoparquet(crs, geometry_encoding=encoding))
    (chunk,) = file.chunks()
    assert (chunk.x.tolist(), chunk.y.tolist()) == ([1, 3], [2, 4])
    assert file.crs is None if crs is None else agree(parse(file.crs), parse(crs))
    file.close()


def test_columns_that_are_named_come_before_the_geometry_and_have_no_crs():
    file = opened(geoparquet("EPSG:4547"), stated=Columns(x="lon", y="lat"))
    (chunk,) = file.chunks()
    assert (chunk.x.tolist(), file.crs) == ([9, 9], None)
    file.close()


@pytest.mark.parametrize("shapes", [["POINT (1 2)", "POINT (3 4)"], ["POINT (1 2)", "POINT Z (3 4 5)"]])
def test_wkb_of_any_size_and_wkt(shapes):
    geoms = shapely.from_wkt(shapes)
    for column in (
        pa.array(shapely.to_wkb(geoms)),
        pa.array(shapes),
        pa.array(shapely.to_wkb(geoms, byte_order=0)),
    ):
        _, (chunk,) = through("parquet", parquet(pa.table({"geometry": column})))
        assert (chunk.x.tolist(), chunk.y.tolist()) == ([1, 3], [2, 4])


def test_a_row_group_that_becomes_too_large_is_refused_unread(monkeypatch):
    monkeypatch.setattr(parquet_bounds, "LARGEST_COLUMN", 100_000)
    body = parquet(pa.table({"lon": np.arange(100_000.0), "lat": np.arange(100_000.0)}), use_dictionary=False)
    with pytest.raises(DataError, match="smaller row groups") as refused:
        through("parquet", body)
    assert refused.value.faults[0].kind == "file-too-large"


def test_lists_that_repeat_one_value_are_refused_unread(monkeypatch):
    """A file of kilobytes whose rows are lists of millions of equal values."""
    monkeypatch.setattr(parquet_bounds, "MOST_VALUES", 1 << 20)
    lists = pa.ListArray.from_arrays([0, 2_000_000], pa.array(np.zeros(2_000_000)))
    body = parquet(pa.table({"lon": [1.0], "lat": [2.0], "many": lists}), compression="zstd")
    assert len(body) < 100_000
    with pytest.raises(DataError, match="2000000 values") as refused:
        through("parquet", body)
    assert refused.value.faults[0].kind == "file-too-large"


LONG = "井" * 100_000


@pytest.mark.parametrize(
    "notes",
    [
        [[LONG, LONG], None, []] * 30,
        [{"a": {"b": LONG}, "c": 1}, None, {"a": None, "c": None}] * 30,
        pa.array([[(LONG, "x")], None, [("k", LONG)]] * 30, pa.map_(pa.string(), pa.string())),
        [[[LONG]], [[], [LONG, "x"]], None] * 30,
    ],
)
def test_nested_text_that_stands_in_every_row_takes_little_memory(notes, monkeypatch):
    monkeypatch.setattr(parquet_bounds, "CHUNK_BYTES", 1 << 20)
    table = pa.table({"lon": [114.0] * 90, "lat": [30.0] * 90, "notes": notes})
    body = parquet(table)
    assert len(body) < 100_000
    written, chunks = through("parquet", body)
    assert max(len(chunk.x) for chunk in chunks) <= 12
    assert pq.read_table(io.BytesIO(written)).select(["notes"]).equals(table.select(["notes"]))


def test_text_that_continues_the_text_before_takes_little_memory(monkeypatch):
    monkeypatch.setattr(parquet_bounds, "CHUNK_BYTES", 1 << 20)
    table = pa.table({"lon": [114.0] * 90, "lat": [30.0] * 90, "note": [f"{LONG}{n}" for n in range(90)]})
    body = parquet(table, use_dictionary=False, column_encoding={"note": "DELTA_BYTE_ARRAY"})
    assert len(body) < 40_000
    written, chunks = through("parquet", body)
    assert max(len(chunk.x) for chunk in chunks) <= 8
    assert pq.read_table(io.BytesIO(written)).select(["note"]).equals(table.select(["note"]))


def test_a_row_that_alone_is_too_large_is_refused(monkeypatch):
    monkeypatch.setattr(parquet_bounds, "LARGEST_ROW", 1 << 20)
    body = parquet(pa.table({"lon": [114.0], "lat": [30.0], "notes": [[LONG] * 10]}))
    with pytest.raises(DataError, match="3000000 bytes of text") as refused:
        through("parquet", body)
    assert refused.value.faults[0].kind == "file-too-large"


def test_small_parts_are_gathered_again(monkeypatch):
    monkeypatch.setattr(parquet_bounds, "rows_at_once", lambda _: 7)
    _, chunks = through("parquet", parquet(pa.table({"lon": np.arange(100.0), "lat": np.arange(100.0)})))
    assert [chunk.x.tolist() for chunk in chunks] == [list(range(100))]


def test_wide_rows_come_in_smaller_chunks(monkeypatch):
    monkeypatch.setattr(parquet_bounds, "CHUNK_BYTES", 1 << 20)
    vectors = pa.FixedSizeListArray.from_arrays(pa.array(np.random.default_rng(1).random(4000 * 100)), 100)
    body = parquet(pa.table({"lon": np.ones(4000), "lat": np.ones(4000), "vector": vectors}))
    _, chunks = through("parquet", body)
    assert max(len(chunk.x) for chunk in chunks) < 1500


@pytest.mark.parametrize(
    ("table", "kind"),
    [
        (pa.table({"a": [1.0], "b": [2.0]}), "field-unknown"),
        (pa.table([[1.0], [2.0], [3.0]], names=["lon", "lat", "lat"]), "field-unknown"),
        (pa.table({"lon": [1.0], "lat": [2.0], "rule": ["x"]}), "value-invalid"),
    ],
)
def test_columns_that_do_not_tell(table, kind):
    with pytest.raises(DataError) as refused:
        through("parquet", parquet(table))
    assert {fault.kind for fault in refused.value.faults} == {kind}


def test_a_file_of_no_rows_comes_back_with_its_columns():
    written, chunks = through(
        "parquet", parquet(pa.table({"lon": pa.array([], pa.float64()), "lat": pa.array([], pa.float64())}))
    )
    assert chunks == []
    assert pq.read_schema(io.BytesIO(written)).names == ["lon", "lat", "rule", "distance_m"]


def test_a_damaged_page_is_said():
    body = bytearray(
        parquet(pa.table({"lon": np.arange(9999.0), "lat": np.arange(9999.0)}), compression="zstd")
    )
    body[100:4000] = bytes(3900)
    with pytest.raises(DataError) as refused:
        through("parquet", bytes(body))
    assert refused.value.faults[0].kind == "file-unreadable"


@pytest.mark.parametrize("notes", [[["a"], None], [{"by": "a"}, {"by": None}]], ids=["list", "struct"])
def test_text_within_other_values_is_read_from_several_row_groups(notes):
    body = io.BytesIO()
    table = pa.table({"lon": [114.0] * 2, "lat": [30.0] * 2, "notes": notes})
    pq.write_table(table, body, row_group_size=1)
    written, _ = through("parquet", body.getvalue())
    assert pq.read_table(io.BytesIO(written))["notes"].to_pylist() == notes


def test_text_that_is_no_utf_8_is_said():
    offsets = pa.py_buffer(np.array([0, 2], dtype=np.int32).tobytes())
    text = pa.Array.from_buffers(pa.string(), 1, [None, offsets, pa.py_buffer(b"\xff\xfe")])
    body = io.BytesIO()
    pq.write_table(pa.table({"lon": text, "lat": text}), body)
    with pytest.raises(DataError) as caught:
        through("parquet", body.getvalue())
    assert caught.value.faults[0].kind == "file-unreadable"


@pytest.mark.parametrize("codec", [3, 14])
def test_a_codec_that_cannot_be_written_again_is_said(codec):
    """pyarrow ends the process when it is asked for a codec that it does not know."""
    body = io.BytesIO()
    pq.write_table(pa.table({"lon": [114.0], "lat": [30.0]}), body, compression="snappy")
    # Field 4 of the description, after the path: a number, which is stored doubled.
    snappy, other = (b"\x18\x03lon\x15" + bytes([2 * number]) for number in (1, codec))
    assert snappy in body.getvalue()
    with pytest.raises(DataError) as caught:
        through("parquet", body.getvalue().replace(snappy, other))
    assert caught.value.faults[0].kind == "file-unreadable"


def test_an_encrypted_column_is_said():
    """pyarrow ends the process when it is asked about one whose key it was not given."""
    body = io.BytesIO()
    kept = (
        KmsConnectionConfig(),
        EncryptionConfiguration(footer_key="f", column_keys={"c": ["lat"]}, plaintext_footer=True),
    )
    secret = CryptoFactory(_Keys).file_encryption_properties(*kept)
    table = pa.table({"lon": [114.0], "lat": [30.0]})
    with pq.ParquetWriter(body, table.schema, encryption_properties=secret) as writer:
        writer.write_table(table)
    with pytest.raises(DataError) as caught:
        through("parquet", body.getvalue())
    assert caught.value.faults[0].kind == "file-unreadable"


class _Keys(KmsClient):
    """Keeps keys as they are."""

    def __init__(self, _config):
        super().__init__()

    def wrap_key(self, key_bytes, _master):
        return base64.b64encode(key_bytes)

    def unwrap_key(self, wrapped_key, _master):
        return base64.b64decode(wrapped_key)


@pytest.mark.parametrize("name", ["long", "\N{LATIN SMALL LETTER O WITH DIAERESIS}"])
def test_every_change_of_one_byte_of_the_footer_is_said_or_read(name):
    body = io.BytesIO()
    table = pa.table({"lon": ["114", "x"], "lat": [30.0, 31.0], name: [["a"], None]})
    pq.write_table(table, body, row_group_size=1)
    whole = body.getvalue()
    through("parquet", whole)
    footer = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
    for at in range(footer, len(whole)):
        damaged = bytearray(whole)
        damaged[at] ^= 0xFF
        with contextlib.suppress(DataError):
            through("parquet", bytes(damaged))
