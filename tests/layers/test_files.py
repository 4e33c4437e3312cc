"""Every format through the same tests; then what only one of them does."""

import json
import shutil
import sqlite3
import struct
import zipfile

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely

from geo.faults import DataError
from layers.files import formats

SUFFIXES = [
    ".gpkg",
    ".shp",
    ".geojson",
    ".geojsonl",
    ".fgb",
    ".parquet",
    ".csv",
    ".xlsx",
]
WITHOUT_CRS = (".csv", ".xlsx")


def places(kind="polygon"):
    shapes = {
        "polygon": [shapely.box(114, 30, 114.01, 30.01), shapely.box(114.01, 30, 114.02, 30.01)],
        "point": [shapely.Point(114.3, 30.6), shapely.Point(114.4, 30.5)],
        "line": [
            shapely.LineString([(114, 30), (114.1, 30.1)]),
            shapely.LineString([(114, 31), (114.1, 31)]),
        ],
    }[kind]
    return gpd.GeoDataFrame(
        {"编码": ["420102003001", "042010200302"], "名称": ["百步亭社区", "一居委会"], "人口": [5130, 1282]},
        geometry=shapes,
        crs=4326,
    )


def fault_kinds(path, **options):
    with pytest.raises(DataError) as error:
        formats.read(path, **options)
    assert path.name in str(error.value) or error.value.faults[0].kind != "file-unreadable"
    return [fault.kind for fault in error.value.faults]


@pytest.mark.parametrize("kind", ["polygon", "point", "line"])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_is_written_is_read_again(tmp_path, suffix, kind):
    given, path = places(kind), tmp_path / f"layer{suffix}"
    formats.write(given, path)
    source = formats.read(path)
    assert source.faults == []
    assert list(source.frame.index) == [1, 2]
    frame = source.frame.sort_values("编码", ascending=False)  # FlatGeobuf orders records by place
    assert frame["名称"].tolist() == ["百步亭社区", "一居委会"]
    assert frame["编码"].tolist() == ["420102003001", "042010200302"]
    assert [int(value) for value in frame["人口"]] == [5130, 1282]
    geoms = frame.geometry.to_numpy()
    assert shapely.equals_exact(
        shapely.normalize(geoms), shapely.normalize(given.geometry.to_numpy()), 1e-7
    ).all()
    assert (source.frame.crs is None) == (suffix in WITHOUT_CRS)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_writing_again_replaces_the_file(tmp_path, suffix):
    path = tmp_path / f"layer{suffix}"
    formats.write(places(), path)
    formats.write(places().iloc[:1], path)
    assert len(formats.read(path).frame) == 1


@pytest.mark.parametrize("suffix", [suffix for suffix in SUFFIXES if suffix != ".csv"])
@pytest.mark.parametrize("part", [0.05, 0.3, 0.6, 0.9])
def test_a_file_that_was_cut_off_is_named_and_nothing_of_it_is_used(tmp_path, suffix, part):
    many = pd.concat([places()] * 500, ignore_index=True)
    path = tmp_path / f"layer{suffix}"
    formats.write(many, path)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * part) - 7])  # not at the end of a record
    assert fault_kinds(path)[0] in {"file-truncated", "file-unreadable"}


@pytest.mark.parametrize(
    "suffix", [*(suffix for suffix in SUFFIXES if suffix not in (".csv", ".shp")), ".zip"]
)
def test_noise_is_no_file(tmp_path, suffix):
    path = tmp_path / f"noise{suffix}"
    path.write_bytes(bytes(range(256)) * 20)
    assert fault_kinds(path)[0] in {"file-truncated", "file-unreadable"}


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_an_empty_file_and_a_missing_one(tmp_path, suffix):
    path = tmp_path / f"nothing{suffix}"
    assert fault_kinds(path) == ["file-unreadable"]
    path.touch()
    assert fault_kinds(path) == ["file-empty"]


def test_an_unknown_format_and_a_file_over_the_limit(tmp_path):
    path = tmp_path / "drawing.dwg"
    path.touch()
    assert fault_kinds(path) == ["format-unknown"]
    path = tmp_path / "layer.geojson"
    formats.write(places(), path)
    assert fault_kinds(path, largest_bytes=100) == ["file-too-large"]
    with pytest.raises(DataError):
        formats.write(places(), tmp_path / "layer.dwg")


# --- shapefiles: encodings and siblings ------------------------------------------------------------------


def shapefile(folder, encoding, *, cpg):
    path = folder / "图层.shp"
    with np.errstate(all="ignore"):
        pyogrio.write_dataframe(places(), path, encoding=encoding)
    path.with_suffix(".cpg").unlink()
    if cpg:
        path.with_suffix(".cpg").write_text(cpg)
    return path


@pytest.mark.parametrize(
    ("encoding", "cpg", "taken", "noted"),
    [
        ("GBK", "GBK", "GBK", False),
        ("GBK", None, "gb18030", True),
        ("UTF-8", "UTF-8", "UTF-8", False),
        ("UTF-8", None, "utf-8", True),
        ("GBK", "UTF-8", "gb18030", True),  # a .cpg that lies
    ],
)
def test_a_shapefiles_text_is_read_whatever_its_cpg_says(tmp_path, encoding, cpg, taken, noted):
    source = formats.read(shapefile(tmp_path, encoding, cpg=cpg))
    assert source.frame["名称"].tolist() == ["百步亭社区", "一居委会"]
    assert source.encoding == taken
    assert bool(source.notes) == noted


def test_a_stated_encoding_is_obeyed(tmp_path):
    path = shapefile(tmp_path, "GBK", cpg=None)
    assert formats.read(path, encoding="GBK").frame["名称"].tolist()[0] == "百步亭社区"
    assert fault_kinds(path, encoding="UTF-8") == ["encoding-unknown"]


def test_text_cut_by_the_width_of_its_field_keeps_its_whole_characters(tmp_path):
    path = tmp_path / "long.shp"
    formats.write(places().assign(名称="社" * 100), path)  # 300 bytes, cut to 254
    path.with_suffix(".cpg").unlink()
    assert set(formats.read(path).frame["名称"]) == {"社" * 84}


def test_a_shapefile_without_prj_states_no_crs_and_without_dbf_is_refused(tmp_path):
    path = shapefile(tmp_path, "GBK", cpg=None)
    path.with_suffix(".prj").unlink()
    assert formats.read(path).frame.crs is None
    path.with_suffix(".dbf").unlink()
    assert fault_kinds(path) == ["file-unreadable"]


@pytest.mark.parametrize("name", ["社区/图层", "layer"])
def test_a_zipped_shapefile_is_read_from_any_folder(tmp_path, name):
    path = shapefile(tmp_path, "GBK", cpg=None)
    archive = tmp_path / "layer.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for part in path.parent.glob("图层.*"):
            file.write(part, f"{name}{part.suffix}")
    assert formats.read(archive).frame["名称"].tolist() == ["百步亭社区", "一居委会"]
    archive.write_bytes(archive.read_bytes()[:-200])
    assert fault_kinds(archive) == ["file-truncated"]


def test_a_zip_of_several_datasets_or_none_is_refused(tmp_path):
    for names in ([], ["readme.pdf"], ["a.geojson", "b.geojson"]):
        archive = tmp_path / "layer.zip"
        with zipfile.ZipFile(archive, "w") as file:
            for name in names:
                file.writestr(name, "{}")
        assert fault_kinds(archive) == ["file-unreadable"]


# --- GeoPackage ------------------------------------------------------------------------------------------


def test_a_layer_is_named_where_the_file_holds_several(tmp_path):
    path = tmp_path / "city.gpkg"
    for layer, rows in (("grids", 2), ("gates", 1)):
        pyogrio.write_dataframe(places().iloc[:rows], path, layer=layer)
    assert fault_kinds(path) == ["parameter-invalid"]
    assert fault_kinds(path, sheet="roads") == ["parameter-invalid"]
    assert len(formats.read(path, sheet="gates").frame) == 1


def test_curves_are_refused_one_by_one(tmp_path):
    path = tmp_path / "curved.gpkg"
    pyogrio.write_dataframe(places(), path, geometry_type="Unknown")
    arc = struct.pack("<BII", 1, 8, 5)
    arc += b"".join(struct.pack("<dd", *at) for at in [(0, 0), (2, 0), (2, 1), (2, 3), (0, 0)])
    blob = b"GP\x00\x01" + struct.pack("<i", 4326) + struct.pack("<BII", 1, 10, 1) + arc
    connection = sqlite3.connect(path)
    for (trigger,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        connection.execute(f'DROP TRIGGER "{trigger}"')
    connection.execute("UPDATE curved SET geom = ? WHERE fid = 2", (blob,))
    connection.commit()
    connection.close()
    assert [(fault.kind, fault.row) for fault in formats.read(path).faults] == [("geometry-curved", 2)]


# --- tables ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "utf-16"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_delimited_text_in_every_encoding_and_separator(tmp_path, encoding, separator):
    rows = [["名称", "经度", "纬度"], ["百步亭, 花园", "114.3", "30.6"], ["一居委会", "114.4", "30.5"]]
    text = "\r\n".join(separator.join(f'"{value}"' for value in row) for row in rows)
    path = tmp_path / "points.csv"
    path.write_bytes(text.encode(encoding))
    source = formats.read(path)
    assert bool(source.notes) == (encoding in ("gbk", "utf-16"))
    frame = source.frame
    assert frame["名称"].tolist() == ["百步亭, 花园", "一居委会"]
    assert [(point.x, point.y) for point in frame.geometry] == [(114.3, 30.6), (114.4, 30.5)]


@pytest.mark.parametrize(
    ("x", "y"), [("lon", "lat"), ("LNG", "Lat"), ("经度", "纬度"), ("x", "y"), ("longitude", "latitude")]
)
def test_coordinate_columns_go_by_many_names(tmp_path, x, y):
    path = tmp_path / "points.csv"
    path.write_text(f"name,{y},{x}\na,30.6,114.3\n")
    assert formats.read(path).frame.geometry.iloc[0] == shapely.Point(114.3, 30.6)


def test_other_columns_are_named_by_the_user(tmp_path):
    path = tmp_path / "points.csv"
    path.write_text("name,Y坐标,X坐标\na,528863.04,3303800.3\n")  # a surveyor's X points north
    frame = formats.read(path, x="Y坐标", y="X坐标").frame
    assert frame.geometry.iloc[0] == shapely.Point(528863.04, 3303800.3)
    assert fault_kinds(path, x="东", y="北") == ["field-unknown"]
    assert not isinstance(formats.read(path).frame, gpd.GeoDataFrame)


def test_bad_records_of_a_table_are_named_by_number(tmp_path):
    path = tmp_path / "points.csv"
    path.write_text("name,lon,lat\na,114.3,30.6\nb,东经114,30.6\nc,114.3\nd,,\ne,114.3,30.6,7\nf,nan,30\n")
    source = formats.read(path)
    assert len(source.frame) == 6
    assert sorted((fault.row, fault.kind) for fault in source.faults) == [
        (2, "coordinate-not-a-number"),
        (3, "coordinate-not-a-number"),
        (3, "value-invalid"),
        (4, "coordinate-missing"),
        (5, "value-invalid"),
        (6, "coordinate-not-a-number"),
    ]
    assert source.frame.geometry.isna().tolist() == [False, True, True, True, False, True]


def test_geometry_text_is_read_and_what_is_none_is_named(tmp_path):
    path = tmp_path / "areas.csv"
    wkt = [
        "POLYGON ((0 0, 1 0, 1 1, 0 0))",
        "POLYGON ((0 0, 1",
        "CURVEPOLYGON (CIRCULARSTRING (0 0, 1 1, 2 0))",
        "",
    ]
    pd.DataFrame({"code": list("abcd"), "WKT": wkt}).to_csv(path, index=False)
    source = formats.read(path)
    assert [(fault.row, fault.kind) for fault in source.faults] == [
        (2, "geometry-invalid"),
        (3, "geometry-curved"),
    ]
    assert source.frame.geometry.isna().tolist() == [False, True, True, True]


def test_text_in_no_known_encoding_and_a_binary_file_are_refused(tmp_path):
    path = tmp_path / "points.csv"
    path.write_bytes(b"name,lon,lat\n\xff\xff\xfe\x81,1,2\n")
    assert fault_kinds(path) == ["encoding-unknown"]
    path.write_bytes(b"name\x00,lon\n1,2\n")
    assert fault_kinds(path) == ["file-unreadable"]
    path.write_text("name,lon,lat\n")
    assert fault_kinds(path) == ["file-empty"]


def test_a_workbooks_codes_keep_their_digits_and_its_dates_their_day(tmp_path):
    path = tmp_path / "posts.xlsx"
    stamps = pd.to_datetime(["2026-01-01T00:00:00", "2026-02-03T04:05:06"])
    frame = pd.DataFrame({"编码": [420102003001001.0, 7.5], "起始日期": stamps, "空": [None, "x"]})
    frame.to_excel(path, index=False)
    read = formats.read(path).frame
    assert read.to_numpy().tolist() == [
        ["420102003001001", "2026-01-01", None],
        ["7.5", "2026-02-03T04:05:06", "x"],
    ]
    assert fault_kinds(path, sheet="nothing") == ["parameter-invalid"]


def test_parquet_without_places_takes_coordinate_columns(tmp_path):
    path = tmp_path / "points.parquet"
    pd.DataFrame({"lon": [114.3], "lat": [30.6], "id": [7]}).to_parquet(path)
    assert formats.read(path).frame.geometry.iloc[0] == shapely.Point(114.3, 30.6)


def test_a_broken_ring_and_heights_do_not_stop_the_others(tmp_path):
    def feature(coordinates):
        return {
            "type": "Feature",
            "properties": {},
            "geometry": {"type": "Polygon", "coordinates": [coordinates]},
        }

    whole = [[0, 0, 5], [1, 0, 5], [1, 1, 5], [0, 0, 5]]
    path = tmp_path / "layer.geojson"
    path.write_text(
        json.dumps({"type": "FeatureCollection", "features": [feature(whole), feature([[0, 0], [1, 1]])]})
    )
    frame = formats.read(path).frame
    assert frame.geometry.has_z.tolist()[0]
    assert frame.geometry.isna().tolist() == [False, True]


def test_wuhans_files_are_read(shared_data, tmp_path):
    source = formats.read(shared_data / "wuhan" / "wuhan_communities_raw_epsg4547.gpkg")
    assert len(source.frame) == 974
    assert source.frame.crs.to_epsg() == 4547
    shutil.copy(shared_data / "wuhan" / "wuhan_admin_codes_2016.csv", tmp_path / "codes.csv")
    table = formats.read(tmp_path / "codes.csv", x="lon_wgs84", y="lat_wgs84").frame
    assert len(table) == 3622
    assert int((~table.geometry.isna()).sum()) == 912
