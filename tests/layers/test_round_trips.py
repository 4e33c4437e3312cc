"""A layer through every format and every kind of coordinates, and back: each corner is where it was."""

import warnings

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from geo import crs
from geo.faults import DataError
from layers import exports
from layers.files import formats

FORMATS = (".gpkg", ".shp", ".geojson", ".geojsonl", ".fgb", ".parquet", ".csv", ".xlsx")
# Formats that hold metres, too.
ANY_CRS = tuple(suffix for suffix in FORMATS if "json" not in suffix)
LOCAL = {
    # A plane of a city's own: its meridian, its false origin, turned and stretched a little.
    "plane": "+proj=tmerc +lat_0=0 +lon_0=114.33333 +k=1 +x_0=800000 +y_0=-3000000 +ellps=GRS80"
    " +towgs84=0,0,0 +units=m",
    "turned": (
        "+proj=pipeline +step +inv +proj=helmert +convention=position_vector +x=-512000.5 +y=-3340000.25"
        " +theta=12.5 +s=1.000012 +step +inv +proj=tmerc +lon_0=114.25 +x_0=500000 +ellps=GRS80"
        " +step +proj=unitconvert +xy_in=rad +xy_out=deg"
    ),
}
DEGREES = ("wgs84", "cgcs2000", "EPSG:4490")
PROJECTED = ("EPSG:4547", "EPSG:4526", "EPSG:32650", "plane", "turned")
TENTH_OF_A_MM_DEG = 1e-9


def areas(xy):
    """Triangles beside each other, from points of a plane."""
    rings = xy[:, None] + np.array([[0, 0], [0.003, 0.0001], [0.001, 0.002], [0, 0]])
    shapes = shapely.multipolygons(shapely.polygons(rings)[:, None])
    codes = [f"4201020030{number:05d}" for number in range(len(xy))]
    data = {"code": codes, "name": [f"第{number}网格" for number in range(len(xy))], "extra": [{}] * len(xy)}
    return gpd.GeoDataFrame(data, geometry=shapes, crs="EPSG:4326", index=pd.Index(codes, name="id"))


def some(count=400):
    random = np.random.default_rng(5)
    return areas(np.column_stack([random.uniform(113.2, 115.3, count), random.uniform(29.9, 31.2, count)]))


def there_and_back(frame, path, stated, layer="grids"):
    """Coordinates in degrees after a journey through a file, in the order of the codes."""
    reference = crs.parse(stated, local=LOCAL)
    exports.write(layer, frame, path, reference=reference)
    back = formats.read(path).frame.set_index("code").loc[frame["code"]]
    return back, shapely.normalize(crs.geometries_to_lonlat(back.geometry.to_numpy(), reference))


def corners(shapes):
    return shapely.get_coordinates(shapely.normalize(np.asarray(shapes, dtype=object)))


@pytest.mark.parametrize("suffix", FORMATS)
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    xy=arrays.arrays(
        np.float64,
        (5, 2),
        elements=st.floats(0.01, 89, allow_nan=False, allow_subnormal=False),
        unique=True,
    )
)
def test_every_format_keeps_degrees_to_the_last_bit(tmp_path, suffix, xy):
    frame = areas(xy)
    _, shapes = there_and_back(frame, tmp_path / f"grids{suffix}", "wgs84")
    assert np.array_equal(corners(shapes), corners(frame.geometry))


@pytest.mark.parametrize("suffix", FORMATS)
def test_points_and_lines_keep_every_bit_too(tmp_path, suffix):
    frame = some()
    points = shapely.get_point(shapely.get_exterior_ring(shapely.get_geometry(frame.geometry, 0)), 0)
    lines = shapely.boundary(shapely.get_geometry(frame.geometry, 0))
    for layer, shapes in (("facilities", points), ("streets", lines)):
        placed = frame.set_geometry(gpd.GeoSeries(shapes, index=frame.index, crs="EPSG:4326"))
        _, back = there_and_back(placed, tmp_path / f"{layer}{suffix}", "wgs84", layer)
        assert np.array_equal(corners(back), corners(shapes))


@pytest.mark.parametrize("stated", DEGREES)
@pytest.mark.parametrize("suffix", FORMATS)
def test_a_file_in_degrees_says_so_and_is_the_same(tmp_path, suffix, stated):
    frame = some(50)
    back, shapes = there_and_back(frame, tmp_path / f"grids{suffix}", stated)
    assert np.array_equal(corners(shapes), corners(frame.geometry))
    if suffix not in (".csv", ".xlsx"):
        said = 4326 if stated == "wgs84" or "json" in suffix else 4490
        assert back.crs.to_epsg(min_confidence=20) == said


@pytest.mark.parametrize("stated", PROJECTED)
@pytest.mark.parametrize("suffix", ANY_CRS)
def test_metres_come_back_within_a_tenth_of_a_millimetre(tmp_path, suffix, stated):
    frame = some()
    back, shapes = there_and_back(frame, tmp_path / f"grids{suffix}", stated)
    assert np.abs(corners(shapes) - corners(frame.geometry)).max() < TENTH_OF_A_MM_DEG
    assert shapely.get_coordinates(back.geometry).max() > 1000  # metres they were
    if suffix not in (".csv", ".xlsx") and stated not in LOCAL:
        # What the file itself says its coordinates are leads to the same places.
        own = crs.geometries_to_lonlat(back.geometry.to_numpy(), crs.parse(back.crs.to_wkt()))
        assert np.abs(corners(own) - corners(frame.geometry)).max() < TENTH_OF_A_MM_DEG


@pytest.mark.parametrize("stated", ["gcj02", "bd09"])
@pytest.mark.parametrize("suffix", FORMATS)
def test_shifted_datums_come_back_within_a_tenth_of_a_millimetre(tmp_path, suffix, stated):
    frame = some()
    back, shapes = there_and_back(frame, tmp_path / f"grids{suffix}", stated)
    assert np.abs(corners(shapes) - corners(frame.geometry)).max() < TENTH_OF_A_MM_DEG
    if "json" not in suffix:
        assert back.crs is None  # no file can state them


def test_borders_that_two_areas_share_stay_shared(tmp_path):
    corner = np.array([[114.0, 30.0]])
    one = shapely.box(114, 30, 114.0123456789, 30.01)
    other = shapely.box(114.0123456789, 30, 114.03, 30.01)
    frame = pd.concat([areas(corner), areas(corner + 1)]).assign(code=["1", "2"])
    frame = frame.set_geometry(gpd.GeoSeries([one, other], index=frame.index, crs="EPSG:4326"))
    for stated in (*DEGREES, *PROJECTED, "gcj02"):
        _, (left, right) = there_and_back(frame, tmp_path / "grids.gpkg", stated)
        assert shapely.get_num_coordinates(shapely.shared_paths(left.exterior, right.exterior)) == 2
        assert not left.overlaps(right)


@pytest.mark.parametrize(("asked", "said"), [(None, "UTF-8"), ("utf-8", "UTF-8"), ("gbk", "GBK")])
def test_a_shapefile_is_written_in_the_encoding_asked_for_and_says_which(tmp_path, asked, said):
    frame = some(3)
    path = tmp_path / "网格.shp"
    exports.write("grids", frame, path, encoding=asked)
    assert path.with_suffix(".cpg").read_text() == said
    assert "第1网格".encode(said) in path.with_suffix(".dbf").read_bytes()
    found = formats.read(path)
    assert (found.encoding, found.notes) == (said, [])
    assert found.frame["name"].tolist() == frame["name"].tolist()


def test_what_gbk_cannot_say_is_told_and_not_dropped(tmp_path):
    frame = some(3).assign(name=["武昌区", "𠮷田里", "䶮湖"])
    with pytest.raises(DataError, match="GBK cannot say '𠮷田里', nor 1 other values: write UTF-8"):
        exports.write("grids", frame, tmp_path / "grids.shp", encoding="gbk")
    assert not (tmp_path / "grids.shp").exists()


@pytest.mark.parametrize(("name", "encoding"), [("grids.shp", "latin-1"), ("grids.gpkg", "gbk")])
def test_an_encoding_that_cannot_be_had_is_refused(tmp_path, name, encoding):
    with pytest.raises(DataError) as refused:
        exports.write("grids", some(1), tmp_path / name, encoding=encoding)
    assert [fault.field for fault in refused.value.faults] == ["encoding"]


def test_a_new_shapefile_does_not_take_the_coordinates_of_the_one_before(tmp_path):
    path = tmp_path / "grids.shp"
    exports.write("grids", some(3), path, reference=crs.parse("EPSG:4547"))
    exports.write("grids", some(3), path, reference=crs.parse("gcj02"))
    assert not path.with_suffix(".prj").exists()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert pyogrio.read_info(path)["crs"] is None


def test_a_share_in_a_workbook_keeps_its_digits_and_its_look(tmp_path):
    values = [0.1 + 0.2, 114.30000000000001, 1e-9, 3.0]
    formats.write(pd.DataFrame({"share": values, "n": values}), tmp_path / "table.xlsx")
    frame = formats.read(tmp_path / "table.xlsx").frame
    assert [float(value) for value in frame["n"]] == values == [float(value) for value in frame["share"]]


@pytest.mark.parametrize("encoding", ["latin-9000", "rot13", "hex", "\x00"])
@pytest.mark.parametrize("name", ["grids.shp", "grids.csv"])
def test_what_is_no_encoding_of_text_is_refused(tmp_path, name, encoding):
    exports.write("grids", some(3), tmp_path / name)
    with pytest.raises(DataError, match="encoding-unknown"):
        formats.read(tmp_path / name, encoding=encoding)
