"""GeoJSON and its sequences: features found wherever the stream is cut, text kept."""

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.faults import DataError
from layers.files import points, points_geojson
from layers.files.point_columns import Columns
from tests.layers.round_trip import ADDED, through

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


@pytest.mark.parametrize("kind", ["geojson", "geojsonseq"])
def test_text_stays_as_it_is_written(kind):
    first = '{ "type":"Feature", "id":1.0, "properties": {"a":1.50, "b":"\\u4e95" } ,"geometry":{"type":"Point","coordinates":[1.10,2e0,3]}}'
    empty = first.replace('"a":1.50, "b":"\\u4e95" ', " ")
    null = first.replace('{"a":1.50, "b":"\\u4e95" }', "null")
    absent = first.replace(' "properties": {"a":1.50, "b":"\\u4e95" } ,', "")
    features = [first, empty, null, absent]
    body = (
        f'\ufeff{{"crs": null,\n "features": [\n\t{",  ".join(features)}\n], "z":1.0 }}'
        if kind == "geojson"
        else "".join(f"\x1e{feature}\r\n" for feature in features)
    )
    written, _ = through(kind, body.encode())
    more = ['"rule": "1", "distance_m": 0.5', '"rule": "2", "distance_m": null']
    more += ['"rule": "3", "distance_m": 1.5', '"rule": "4", "distance_m": null']
    answer = written.decode()
    assert f'{{"a":1.50, "b":"\\u4e95" , {more[0]}}}' in answer
    assert f"{{ {more[1]}}}" in answer
    assert f'"properties": {{{more[2]}}} ,' in answer
    assert f', "properties": {{{more[3]}}}}}' in answer
    for text in (f", {more[0]}", more[1], f', "properties": {{{more[3]}}}'):
        answer = answer.replace(text, "", 1)
    assert answer.replace(f"{{{more[2]}}}", "null").removesuffix("\n") == body.removesuffix("\n")


def test_an_older_file_says_its_crs():
    crs = '"crs":{"type":"name","properties":{"name":"urn:ogc:def:crs:EPSG::4547"}}'
    for member, expected in ((crs, "urn:ogc:def:crs:EPSG::4547"), ('"crs":null', None)):
        body = f'{{"type":"FeatureCollection",{member},"features":[]}}'.encode()
        file = points.open_points("geojson", io.BytesIO(body), io.BytesIO(), added=ADDED)
        assert file.crs == expected


@pytest.mark.parametrize("kind", ["geojson", "geojsonseq"])
def test_times_are_a_property(kind):
    features = [FEATURE % ('{"at":"2026-03-01"}', 1), FEATURE % ("{}", 1), FEATURE % ('{"at":7}', 1)]
    body = f'{{"features":[{",".join(features)}]}}' if kind == "geojson" else "\n".join(features)
    _, (chunk,) = through(kind, body.encode(), stated=Columns(at="at"))
    assert chunk.times.to_pylist() == ["2026-03-01", "", "7"]
    with pytest.raises(DataError, match="it has: at"):
        through(kind, body.encode(), stated=Columns(at="when"))


def test_something_behind_a_feature_is_refused():
    with pytest.raises(DataError, match="record 2"):
        through("geojsonseq", (FEATURE % ("{}", 1) + "\n" + FEATURE % ("{}", 1) + " x\n").encode())
