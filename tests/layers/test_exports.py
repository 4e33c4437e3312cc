"""Every layer out to every format and in again: nothing may have changed."""

import datetime as dt

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from geo import crs
from geo.faults import DataError
from layers import catalogue, exports, history, imports
from layers.errors import NotFound
from layers.imports import Options

NOW = dt.datetime(2026, 5, 1, 8, 0, tzinfo=dt.UTC)
DONE = {"author": "editor", "now": NOW}
FORMATS = (".gpkg", ".parquet", ".csv", ".xlsx", ".geojson", ".geojsonl", ".fgb", ".shp")


def square(x, y, width=1.0, height=1.0):
    return shapely.box(114 + x / 1000, 30 + y / 1000, 114 + (x + width) / 1000, 30 + (y + height) / 1000)


def load(session, layer, shapes, **columns):
    frame = gpd.GeoDataFrame(columns, geometry=shapes, crs=4490)
    report = imports.import_frame(session, layer, frame, Options(), **DONE)
    assert report.rejected == 0


@pytest.fixture
def city(session):
    load(session, "districts", [square(0, 0, 2, 1)], code=["420102"], name=["江岸区"], people=[123])
    load(session, "grids", [square(0, 0), square(1, 0)], note=["=1+1", "逗号, 引号\"和'换行"])
    gates = ["MULTIPOINT (114.0002 30.0005)", None]
    load(
        session,
        "compounds",
        [square(0.2, 0.2, 0.5, 0.5), shapely.Point(114.0015, 30.0005)],
        form=["managed", None],
        entrances=gates,
    )
    load(
        session,
        "buildings",
        [square(0.3, 0.3, 0.1, 0.1), square(0.5, 0.3, 0.1, 0.1)],
        name=["1栋", "2栋"],
        households=[30, None],
        floors=[6, 18],
    )
    load(
        session,
        "addresses",
        [shapely.Point(114.00035, 30.00035), shapely.Point(114.0015, 30.0005)],
        street=["东风路", None],
        number=["120", None],
        text=[None, "西街7号附1"],
    )
    load(
        session,
        "facilities",
        [square(0.2, 0.2, 0.3, 0.3), shapely.Point(114.0015, 30.0005)],
        type=["primary_school", "bank"],
        capacity=[300, None],
    )
    lines = [
        shapely.LineString([(114, 30), (114.001, 30)]),
        shapely.LineString([(114.001, 30), (114.002, 30.001)]),
    ]
    load(
        session,
        "streets",
        lines,
        name=["一路", None],
        bridge=[True, False],
        level=[1, 0],
        kind=["steps", "motorway"],
    )
    gate, wall = shapely.Point(114.0005, 30), shapely.LineString([(114.001, 29.9999), (114.002, 29.9999)])
    load(session, "barriers", [gate, wall], name=["北门", None], kind=["gate", "fence"])
    grid = "420102000000001"
    posts = pd.DataFrame(
        {
            "role": ["网格长", "楼长"],
            "name": ["张三", "李四"],
            "target_layer": [None, "buildings"],
            "target_code": [grid, "B0000001"],
            "valid_from": [dt.date(2026, 1, 1), None],
        }
    )
    imports.import_frame(session, "posts", posts, Options(), **DONE)
    session.commit()
    return session


@pytest.mark.parametrize("suffix", FORMATS)
def test_what_was_exported_is_no_change_when_it_comes_back(city, tmp_path, suffix):
    now = history.current(city, NOW)
    for layer in catalogue.SPECS:
        if not exports.export(city, layer, tmp_path / f"count-{layer}.csv", now).count:
            continue
        if (layer in ("compounds", "barriers") and suffix == ".shp") or (
            layer == "posts" and suffix in (".shp", ".fgb")
        ):
            continue  # one kind of geometry in a file; no file without places
        path = tmp_path / f"{layer}{suffix}"
        exports.export(city, layer, path, now)
        for mode in ("upsert", "replace"):
            options = Options(crs="wgs84", mode=mode, noded=True)
            report = imports.import_file(city, layer, path, options, **DONE)
            assert (report.rejected, report.revision) == (0, None), (layer, report)


def test_what_a_format_would_cut_off_is_left_out_or_refused(session, tmp_path):
    load(session, "districts", [square(0, 0).segmentize(1e-6)], code=["420102"], note=["长" * 100])
    done = exports.export(session, "districts", tmp_path / "out.shp", 1)
    assert done.left_out == ["extra"]
    again = imports.import_file(session, "districts", tmp_path / "out.shp", Options(), **DONE)
    assert again.revision is None
    with pytest.raises(DataError, match="A cell holds 32,767 letters"):
        exports.export(session, "districts", tmp_path / "out.xlsx", 1)


def test_a_file_without_what_nobody_mapped_leaves_that_as_it_is(city, tmp_path):
    now = history.current(city, NOW)
    exports.export(city, "grids", tmp_path / "grids.gpkg", now, personal=False)
    assert "extra" not in gpd.read_file(tmp_path / "grids.gpkg").columns
    options = Options(crs="wgs84", mode="upsert", noded=True)
    again = imports.import_file(city, "grids", tmp_path / "grids.gpkg", options, **DONE)
    assert (again.rejected, again.revision) == (0, None)


def test_a_past_revision_goes_out_as_it_was(city, tmp_path):
    assert exports.export(city, "grids", tmp_path / "before.csv", 1).count == 0
    assert exports.export(city, "grids", tmp_path / "after.csv", 2).count == 2


def test_only_openstreetmap_asks_for_attribution(city, tmp_path):
    assert exports.export(city, "streets", tmp_path / "a.csv", 99).attribution is None
    load(city, "streets", [shapely.LineString([(114, 30.01), (114.001, 30.01)])], code=["w12-0"])
    assert "OpenStreetMap" in exports.export(city, "streets", tmp_path / "b.csv", 99).attribution


def test_what_cannot_be_written_is_refused(city, tmp_path):
    with pytest.raises(NotFound):
        exports.export(city, "grid", tmp_path / "grid.csv", 1)
    for name, reference in (("grids.dwg", "wgs84"), ("grids.geojson", "EPSG:4547"), ("posts.shp", "wgs84")):
        with pytest.raises(DataError):
            exports.export(city, name.split(".")[0], tmp_path / name, 1, reference=crs.parse(reference))
        assert not (tmp_path / name).exists()


def test_points_beside_areas_are_no_shapefile(city, tmp_path):
    with pytest.raises(DataError, match="points and areas"):
        exports.export(city, "compounds", tmp_path / "compounds.shp", history.current(city, NOW))
