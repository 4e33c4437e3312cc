"""Tables out: what a spreadsheet, a GIS and a program get back."""

import io
import json

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pytest
from shapely import Point, Polygon

from layers.files import tables

FRAME = pd.DataFrame(
    {
        "name": ["滨江社区", '=HYPERLINK("http://x")', None],
        "people": pd.array([3, None, 5], dtype="Int64"),
        "share": [0.5, np.nan, 1.0],
        "mandatory": [True, False, True],
    }
)


def test_csv_comes_back():
    body = tables.to_csv(FRAME)
    assert body.startswith(b"\xef\xbb\xbfname,people")
    back = pd.read_csv(io.BytesIO(body))
    assert back["people"].tolist()[0] == 3
    assert back["share"].isna().tolist() == [False, True, False]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx", "\rx"])
def test_csv_holds_no_formula(text):
    body = tables.to_csv(pd.DataFrame({"name": [text], "size": [-1.5]}))
    back = pd.read_csv(io.BytesIO(body))
    assert back["name"].iloc[0].startswith("'")
    assert back["size"].iloc[0] == -1.5


def test_xlsx_holds_text_as_text():
    body = tables.to_xlsx(FRAME, titles={"name": "名称"}, notes=[("修订", "=4")])
    book = openpyxl.load_workbook(io.BytesIO(body))
    data, notes = book.worksheets
    assert [cell.value for cell in data[1]] == ["名称 name", "people", "share", "mandatory"]
    assert [cell.value for cell in data[2]] == ["滨江社区", 3, 0.5, True]
    assert (data["A3"].value, data["A3"].data_type) == ('=HYPERLINK("http://x")', "s")
    assert (data["B3"].value, data["C3"].value, data["A4"].value) == (None, None, None)
    assert (notes["B1"].value, notes["B1"].data_type) == ("=4", "s")


def test_geojson_is_what_rfc_7946_says():
    clockwise = Polygon([(0, 0), (0, 1), (1, 1), (1, 0)])
    geometry = [clockwise, Point(105.123456789, 32.0), None]
    frame = gpd.GeoDataFrame(FRAME, geometry=geometry, crs="EPSG:4326")
    written = json.loads(tables.to_geojson(frame, extra={"revision": 4}))
    first, second, third = written["features"]
    assert (written["type"], written["revision"]) == ("FeatureCollection", 4)
    assert first["geometry"]["coordinates"][0][:3] == [[0, 0], [1, 0], [1, 1]]
    assert first["properties"] == {"name": "滨江社区", "people": 3, "share": 0.5, "mandatory": True}
    assert second["geometry"]["coordinates"] == [105.1234568, 32.0]
    assert second["properties"]["share"] is None
    assert third["geometry"] is None


def test_records_have_null_for_what_is_missing():
    assert tables.records(FRAME)[1] == {
        "name": '=HYPERLINK("http://x")',
        "people": None,
        "share": None,
        "mandatory": False,
    }


def test_a_workbook_with_control_characters_and_further_sheets():
    frame = pd.DataFrame({"name": ["a\x01b\ufffe", "=1"]})
    book = openpyxl.load_workbook(
        io.BytesIO(tables.to_xlsx(frame, titles={}, name="one", further={"two": frame}))
    )
    assert book.sheetnames == ["one", "two"]
    for sheet in book.worksheets:
        assert [cell.value for cell in sheet["A"]] == ["name", "a?b?", "=1"]
        assert [cell.data_type for cell in sheet["A"]] == ["s"] * 3
