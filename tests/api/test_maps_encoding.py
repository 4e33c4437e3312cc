"""Frames as a browser reads them."""

import geopandas as gpd
import numpy as np
import orjson
import pandas as pd
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely import LineString, Point, box

from api.maps import basemap, encoding

DEGREES = st.tuples(st.floats(-180, 180), st.floats(-85, 85))


def decoded(flat):
    """What the browser makes of flat lines: sums of steps, cut by counts."""
    xy = np.cumsum(np.reshape(flat["xy"], (-1, 2)), axis=0) / 1e6
    return np.split(xy, np.cumsum(flat["counts"])[:-1])


@given(st.lists(st.lists(DEGREES, min_size=2, max_size=6), min_size=1, max_size=5))
def test_flat_lines_come_back_within_half_a_millionth_of_a_degree(lines):
    flat = encoding.flat_lines(np.array([LineString(line) for line in lines], dtype=object))
    for line, back in zip(lines, decoded(flat), strict=True):
        assert np.abs(np.array(line) - back).max() <= 0.5e-6 + 1e-9


def test_no_lines_are_no_lines():
    flat = encoding.flat_lines(np.array([], dtype=object))
    assert (len(flat["xy"]), len(flat["counts"])) == (0, 0)


def test_features_are_rounded_and_missing_values_are_null():
    frame = pd.DataFrame({"code": ["1"], "people": pd.array([None], dtype="Int64"), "name": [float("nan")]})
    shapes = gpd.GeoSeries([Point(105.12345678, 32.1)], crs="EPSG:4326")
    written = orjson.loads(encoding.dump(encoding.feature_collection(shapes, frame)))
    assert written["features"][0] == {
        "type": "Feature",
        "properties": {"code": "1", "people": None, "name": None},
        "geometry": {"type": "Point", "coordinates": [105.123457, 32.1]},
    }


def test_geojson_of_one_geometry_is_the_geometry():
    square = box(0, 0, 2, 1)
    back = shapely.from_geojson(encoding.dump(encoding.geojson(square)).decode())
    assert back.equals(square)


def test_streets_are_sorted_into_classes_and_names_are_shared():
    kinds = ["residential", "primary_link", "steps", "", "motorway"]
    names = ["人民路", "人民路", "", None, "环线"]
    lines = [LineString([(0, i), (1, i)]) for i in range(len(kinds))]
    data = basemap.streets_data(
        gpd.GeoDataFrame({"kind": kinds, "name": names}, geometry=lines, crs="EPSG:4326")
    )
    by_class = {layer["class"]: layer for layer in data["classes"]}
    assert {name: len(layer["counts"]) for name, layer in by_class.items() if len(layer["counts"])} == {
        "motorway": 1,
        "primary": 1,
        "street": 2,
        "path": 1,
    }
    assert data["names"] == ["人民路", "环线"]
    assert list(by_class["street"]["name"]) == [0, -1]
    assert list(by_class["path"]["name"]) == [-1]
