"""What holds for files of points in every format: bounded chunks, bounded memory, columns found or named."""

import io
import tracemalloc

import geopandas as gpd
import pytest
import shapely

from geo import crs
from geo.assign import AreaIndex
from geo.faults import DataError
from layers import batch, located
from layers.answers import Asked
from layers.files import point_chunks, points, points_geojson
from tests.layers.round_trip import ADDED, through
from tests.layers.test_points_geojson import FEATURE

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
    monkeypatch.setattr(point_chunks, "LONGEST_RECORD", 1_000)
    monkeypatch.setattr(point_chunks, "CHUNK_TEXT", 500)
    monkeypatch.setattr(points_geojson, "_PIECE", 500)
    with pytest.raises(DataError) as refused:
        through(kind, body.encode())
    assert {fault.kind for fault in refused.value.faults} == {"file-too-large"}


@pytest.mark.parametrize("kind", ["csv", "geojson", "geojsonseq"])
def test_a_chunk_ends_where_its_text_is_long(kind, monkeypatch):
    monkeypatch.setattr(point_chunks, "CHUNK_TEXT", 2 * len(FEATURE))
    features = [FEATURE % ('{"n":1}', n) for n in range(9)]
    body = {
        "csv": "lon,lat,n\n" + f"1,2,{'x' * len(FEATURE)}\n" * 9,
        "geojson": f'{{"features":[{",".join(features)}]}}',
        "geojsonseq": "\n".join(features),
    }[kind]
    _, chunks = through(kind, body.encode())
    firsts = [chunk.first for chunk in chunks]
    assert firsts == ([1, 2, 4, 6, 8] if kind == "csv" else [1, 3, 5, 7, 9])


def test_unknown_formats():
    with pytest.raises(DataError):
        points.kind_of_suffix(".docx")
    with pytest.raises(DataError):
        points.open_points("docx", io.BytesIO(b"x"), io.BytesIO(), added=ADDED)


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
        asked = Asked(reference=crs.WGS84)
        file = points.open_points("csv", source, io.BufferedWriter(Nowhere()), added=asked.columns())
        counts = batch.assign_points(file, asked, lambda *_: areas, at=1)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert (counts.total, counts.rejected) == (400_000, 0)
    assert counts.assigned + counts.unassigned == counts.total
    assert peak < 100e6
