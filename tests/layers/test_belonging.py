"""Buildings, addresses and their posts, imported into a city of two grids; one unit is 0.001 degrees."""

import datetime as dt

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from geo.faults import DataError
from layers import defects, history, imports, store
from layers.imports import Options

NOW = dt.datetime(2026, 5, 1, 8, 0, tzinfo=dt.UTC)
G1, G2 = "420102000000001", "420102000000002"


def square(x, y, width=1.0, height=1.0):
    return shapely.box(114 + x / 1000, 30 + y / 1000, 114 + (x + width) / 1000, 30 + (y + height) / 1000)


def point(x, y):
    return shapely.Point(114 + x / 1000, 30 + y / 1000)


def run(session, layer, shapes, columns, **options):
    frame = gpd.GeoDataFrame(columns, geometry=shapes, crs=4490) if shapes else pd.DataFrame(columns)
    return imports.import_frame(session, layer, frame, Options(**options), author="editor", now=NOW)


def stored(session, layer):
    return store.read(session, layer, history.current(session, NOW)).set_index("code").sort_index()


def plain(column):
    """Values of a column of text, None where missing."""
    return [None if pd.isna(value) else value for value in column]


def shares(session):
    links = store.read(session, "compound_grids", history.current(session, NOW))
    return {(c, g): round(s, 3) for c, g, s in links[["compound_code", "grid_code", "share"]].to_numpy()}


def kinds(report):
    return sorted((kind, " ".join(codes)) for kind, codes in report.defects[["kind", "codes"]].to_numpy())


@pytest.fixture
def city(session):
    """Two grids side by side; 嘉湖小区 lies in both, by area one half each; 东苑 is a point in the second."""
    run(session, "districts", [square(0, 0, 2, 1)], {"编码": ["420102"], "名称": ["江岸区"]})
    run(session, "grids", [square(0, 0), square(1, 0)], {"code": [G1, G2]})
    run(
        session,
        "compounds",
        [square(0.5, 0.2, 1, 0.6), point(1.8, 0.5)],
        {"编码": ["C1", "C2"], "名称": ["嘉湖小区", "东苑"]},
    )
    session.commit()
    return session


# --- buildings -------------------------------------------------------------------------------------------


def test_a_building_belongs_to_the_compound_it_names_else_to_the_one_that_holds_it(city):
    report = run(
        city,
        "buildings",
        [square(0.6, 0.3, 0.1, 0.1), point(1.2, 0.5), point(1.85, 0.5), point(0.1, 0.1)],
        {
            "编码": ["B1", "B2", "B3", "B4"],
            "楼号": ["1", "2", "1", "9"],
            "小区编码": [None, None, "C2", None],
        },
    )
    assert (report.added, report.rejected, kinds(report)) == (4, 0, [])
    assert {k: n for k, n in report.counts.items() if k.startswith("compounds")} == {
        "compounds stated": 1,
        "compounds by location": 2,
        "compounds none": 1,
    }
    found = stored(city, "buildings")
    assert plain(found["compound_code"]) == ["C1", "C1", "C2", None]
    assert found["name"].tolist() == ["1栋", "2栋", "1栋", "9栋"]
    assert found.geometry.geom_type.tolist() == ["MultiPolygon", "Point", "Point", "Point"]


@pytest.mark.parametrize(
    ("name", "number"),
    [("3栋", "3"), ("嘉湖小区12幢", "12"), ("A座", "A"), ("5号楼", "5"), ("7#", "7"), ("8", "8"), ("三栋", "三"),
     ("12-3栋", "12-3"), ("综合楼", None), ("北门", None), ("Albarbao", None), ("Calle Mayor 7", None),
     ("龙栋", None)],
)  # fmt: skip
def test_the_number_of_a_building_is_what_its_name_ends_with(city, name, number):
    run(city, "buildings", [point(0.6, 0.5)], {"code": ["B1"], "楼名": [name]})
    row = stored(city, "buildings").loc["B1"]
    assert (row["name"], row["number"]) == (name, number)


def test_a_building_without_name_and_number_is_called_by_its_code(city):
    run(city, "buildings", [point(0.6, 0.5)], {"层数": [6]})
    row = stored(city, "buildings").loc["B0000001"]
    assert (row["name"], row["number"], row["floors"], row["generated_code"]) == ("B0000001", None, 6, True)


@pytest.mark.parametrize(
    "names", [("户数", "人口", "层数", "建成年份"), ("households", "population", "building:levels", "year")]
)
def test_columns_are_known_by_chinese_and_english_names(city, names):
    values = dict(zip(names, ([40], [110], [18], [1998]), strict=True))
    run(city, "buildings", [point(0.6, 0.5)], {"code": ["B1"], **values})
    row = stored(city, "buildings").loc["B1"]
    assert row[["households", "people", "floors", "built_year"]].tolist() == [40, 110, 18, 1998]


def test_every_fault_of_every_building_is_told(city):
    bowtie = shapely.Polygon([(114, 30), (114.001, 30.001), (114.001, 30), (114, 30.001)])
    report = run(
        city,
        "buildings",
        [point(0.6, 0.5), point(0.7, 0.5), bowtie, shapely.LineString([(114, 30), (114.001, 30)]), None]
        + [point(0.8, 0.5)] * 2,
        {
            "code": ["B1", "B1", "B3", "B4", "B5", "B6", "B7"],
            "户数": [3, 3, 3, 3, 3, -1, "三十"],
            "层数": [1, 1, 1, 1, 1, -2, 1],
        },
    )
    assert sorted((fault.row, fault.kind, fault.field) for fault in report.faults) == [
        (2, "code-duplicate", "code"),
        (3, "geometry-invalid", None),
        (4, "geometry-type", None),
        (5, "geometry-missing", None),
        (6, "value-invalid", "floors"),
        (6, "value-invalid", "households"),
        (7, "value-invalid", "households"),
    ]
    assert (report.read, report.imported, report.rejected) == (7, 1, 6)


def test_an_outline_that_crosses_itself_is_repaired_on_request(city):
    bowtie = shapely.Polygon([(114, 30), (114.001, 30.001), (114.001, 30), (114, 30.001)])
    report = run(city, "buildings", [bowtie], {"code": ["B1"]}, on_invalid="repair")
    assert (report.added, [fault.kind for fault in report.repaired]) == (1, ["geometry-repaired"])


def test_what_is_amiss_with_a_building_is_listed_and_does_not_block(city):
    report = run(
        city,
        "buildings",
        [point(0.1, 0.5), point(0.6, 0.5), square(0.9, 0.4, 0.2, 0.2), point(5, 5), point(0.2, 0.5)],
        {"code": ["B1", "B2", "B3", "B4", "B5"], "小区编码": ["C1", "C9", "C1", None, "C2"]},
    )
    assert report.imported == 5
    assert kinds(report) == [
        ("building-cut", "B3"),
        ("outside-parent", "B1"),  # not in its compound; C2 is a point, so that nobody can say so of B5
        ("outside-parent", "B4"),  # in no grid
        ("parent-missing", "B2"),
    ]
    kept = defects.standing(city, {"buildings": report.revision}, limit=9)
    assert len(kept) == 4


def test_an_upsert_keeps_the_compound_that_was_stated(city):
    run(city, "buildings", [point(1.85, 0.5)], {"code": ["B1"], "小区编码": ["C2"], "户数": [8]})
    report = run(city, "buildings", [point(0.6, 0.5)], {"code": ["B1"]})
    assert stored(city, "buildings").loc["B1", ["compound_code", "households"]].tolist() == ["C2", 8]
    assert report.changed == 1


def test_a_replacement_ends_what_the_file_lacks(city):
    run(city, "buildings", [point(0.6, 0.5), point(0.7, 0.5)], {"code": ["B1", "B2"]})
    report = run(city, "buildings", [point(0.7, 0.5)], {"code": ["B2"]}, mode="replace")
    assert (report.removed, stored(city, "buildings").index.tolist()) == (1, ["B2"])


def test_a_compound_that_comes_later_adopts_the_buildings_inside_it(city):
    run(city, "buildings", [point(0.1, 0.1), point(0.6, 0.5)], {"code": ["B1", "B2"]})
    run(city, "addresses", [point(0.1, 0.12)], {"text": ["东风路1号"]})
    report = run(city, "compounds", [square(0.05, 0.05, 0.1, 0.1)], {"code": ["C3"]})
    assert stored(city, "buildings")["compound_code"].tolist() == ["C3", "C1"]
    assert stored(city, "addresses")["compound_code"].tolist() == ["C3"]
    published = history.revisions(city, limit=1)[0]
    assert (published.number, published.layers) == (
        report.revision,
        ["addresses", "buildings", "compounds"],
    )


def test_a_border_that_newly_cuts_a_building_is_listed_and_does_not_block(city):
    run(city, "buildings", [square(0.7, 0.4, 0.2, 0.2)], {"code": ["B1"]})
    revision = run(
        city, "grids", [square(0, 0, 0.8), square(0.8, 0, 1.2)], {"code": [G1, G2]}, mode="replace"
    ).revision
    assert [defect.kind for defect in defects.standing(city, {"buildings": revision}, limit=9)] == [
        "building-cut"
    ]


# --- links -----------------------------------------------------------------------------------------------


def test_a_compound_is_shared_by_its_buildings_once_they_are_known(city):
    assert shares(city) == {("C1", G1): 0.5, ("C1", G2): 0.5, ("C2", G2): 1}
    run(
        city,
        "buildings",
        [point(0.6, 0.5), point(0.7, 0.5), point(1.2, 0.5)],
        {"code": ["B1", "B2", "B3"], "户数": [10, 20, 70]},
    )
    assert shares(city) == {("C1", G1): 0.3, ("C1", G2): 0.7, ("C2", G2): 1}
    run(city, "buildings", [point(0.1, 0.1)], {"code": ["B9"]}, mode="replace")
    assert shares(city) == {("C1", G1): 0.5, ("C1", G2): 0.5, ("C2", G2): 1}


def test_only_links_that_changed_are_written_anew(city):
    built = [point(0.6, 0.5), point(1.2, 0.5)]
    first = run(city, "buildings", built, {"code": ["B1", "B2"], "户数": [50, 50]}).revision
    links = store.read(city, "compound_grids", first)
    run(city, "buildings", built, {"code": ["B1", "B2"], "户数": [50, 50], "层数": [6, 6]})
    assert history.revisions(city, limit=1)[0].counts["links"] == {"rewritten": 0}
    run(city, "buildings", built, {"code": ["B1", "B2"], "户数": [60, 40]})
    assert history.revisions(city, limit=1)[0].counts["links"] == {"rewritten": 2}
    assert store.read(city, "compound_grids", first)["share"].tolist() == links["share"].tolist()


# --- addresses -------------------------------------------------------------------------------------------


def test_an_address_is_printed_from_its_parts(city):
    run(
        city,
        "addresses",
        [point(0.1, 0.5)] * 4,
        {
            "编码": ["A1", "A2", "A3", "A4"],
            "街路巷": ["东风路", "东风路", "东风路", "西街"],
            "门牌号": ["120号", "120", "120-1", "7"],
            "地址全称": [None, None, None, "江岸区西街7号附1"],
            "单元": [None, None, None, 2.0],
        },
    )
    found = stored(city, "addresses")
    assert found["text"].tolist() == ["东风路120号", "东风路120号", "东风路120-1号", "江岸区西街7号附1"]
    assert found["number"].tolist() == ["120号", "120", "120-1", "7"]
    assert plain(found["unit"]) == [None, None, None, "2"]


def test_an_address_that_says_nothing_is_rejected(city):
    with pytest.raises(DataError) as error:
        run(city, "addresses", [point(0.1, 0.5)] * 2, {"street": ["东风路", None], "number": [None, "3"]})
    assert [(fault.row, fault.kind) for fault in error.value.faults] == [
        (1, "value-missing"),
        (2, "value-missing"),
    ]


def test_an_address_belongs_to_the_building_and_compound_it_lies_in(city):
    run(
        city,
        "buildings",
        [square(0.6, 0.3, 0.1, 0.1), point(1.9, 0.9)],
        {"code": ["B1", "B2"], "小区编码": ["C1", "C2"]},
    )
    run(
        city,
        "addresses",
        [point(0.65, 0.35), point(0.9, 0.5), point(0.1, 0.1), point(0.1, 0.1)],
        {
            "code": ["A1", "A2", "A3", "A4"],
            "text": ["甲", "乙", "丙", "丁"],
            "楼栋编码": [None, None, None, "B2"],
        },
    )
    found = stored(city, "addresses")
    assert plain(found["building_code"]) == ["B1", None, None, "B2"]
    assert plain(found["compound_code"]) == ["C1", "C1", None, "C2"]


# --- posts -----------------------------------------------------------------------------------------------


def test_a_building_has_a_head(city):
    run(city, "buildings", [point(0.6, 0.5)], {"code": ["B1"]})
    posts = {"岗位": ["楼长"], "姓名": ["张三"], "对象图层": ["楼栋"], "楼栋编码": ["B1"]}
    assert run(city, "posts", None, posts).rejected == 0
    assert stored(city, "posts")[["target_layer", "target_code"]].to_numpy().tolist() == [["buildings", "B1"]]
    with pytest.raises(DataError, match="There is no 'B2' among the buildings"):
        run(city, "posts", None, {**posts, "楼栋编码": ["B2"]})


def test_a_head_whose_building_was_pulled_down_is_a_defect(city):
    run(city, "buildings", [point(0.6, 0.5), point(0.7, 0.5)], {"code": ["B1", "B2"]})
    posts = {"role": ["楼长"], "name": ["张三"], "target_layer": ["buildings"], "target_code": ["B1"]}
    run(city, "posts", None, posts)
    run(city, "buildings", [point(0.7, 0.5)], {"code": ["B2"]}, mode="replace")
    report = run(
        city, "posts", None, {**posts, "name": ["李四"], "target_layer": ["grids"], "target_code": [G1]}
    )
    assert kinds(report) == [("parent-missing", "P000001")]


# --- real data -------------------------------------------------------------------------------------------


def test_las_palmas_homes_as_buildings(session, shared_data):
    """Its one record at fault says that it has as many floors as "sótano", a cellar."""
    path = shared_data / "las_palmas" / "las_palmas_residential_areas_and_buildings.geojson"
    report = imports.import_file(session, "buildings", path, Options(), author="editor", now=NOW)
    assert (report.read, report.imported) == (7427, 7426)
    assert [(fault.row, fault.field, fault.kind) for fault in report.faults] == [
        (2103, "floors", "value-invalid")
    ]
    found = stored(session, "buildings")
    assert found["floors"].notna().sum() > 600
    assert found["name"].notna().all()
    assert found["compound_code"].isna().all()
