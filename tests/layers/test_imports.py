"""Imports on a city drawn with small integers: one unit is 0.001 degrees, about 100 m."""

import datetime as dt

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geo import crs
from geo.faults import DataError
from layers import database, defects, history, imports, store
from layers.errors import Conflict, NotFound
from layers.files import formats
from layers.imports import Options, reading

NOW = dt.datetime(2026, 5, 1, 8, 0, tzinfo=dt.UTC)
DISTRICT, SUBDISTRICT, COMMUNITY = "420102", "420102003", "420102003001"


def square(x, y, width=1.0, height=1.0):
    return shapely.box(114 + x / 1000, 30 + y / 1000, 114 + (x + width) / 1000, 30 + (y + height) / 1000)


def point(x, y):
    return shapely.Point(114 + x / 1000, 30 + y / 1000)


def table(shapes, columns=None, reference=4490):
    return gpd.GeoDataFrame(columns or {"备注": range(len(shapes))}, geometry=shapes, crs=reference)


def run(session, layer, frame, **options):
    return imports.import_frame(session, layer, frame, Options(**options), author="editor", now=NOW)


def stored(session, layer):
    return store.read(session, layer, history.current(session, NOW)).sort_values("code")


def refused(session, layer, frame, **options):
    before = history.current(session, NOW)
    with pytest.raises(DataError) as error:
        run(session, layer, frame, **options)
    session.rollback()
    assert history.current(session, NOW) == before
    return sorted({fault.kind for fault in error.value.faults})


@pytest.fixture
def city(session):
    """A district of 4 by 2 units, two communities, eight grids."""
    run(session, "districts", table([square(0, 0, 4, 2)], {"编码": [DISTRICT], "名称": ["江岸区"]}))
    halves = [square(0, 0, 2, 2), square(2, 0, 2, 2)]
    names = {"code": ["420102003001", "420102003002"], "name": ["西社区", "东社区"], "人口": [1000, 900]}
    run(session, "communities", table(halves, names))
    run(session, "grids", table([square(x, y) for x in range(4) for y in range(2)]))
    session.commit()
    return session


# --- what a good file becomes ----------------------------------------------------------------------------


def test_a_first_import_publishes_one_revision_and_settles_the_metric_crs(session):
    report = run(session, "districts", table([square(0, 0, 4, 2)], {"编码": [DISTRICT], "名称": ["江岸区"]}))
    assert (report.read, report.added, report.rejected, report.revision) == (1, 1, 0, 1)
    assert report.reference == "EPSG:4490"
    row = stored(session, "districts").iloc[0]
    assert (row["code"], row["name"], row.geometry.geom_type) == (DISTRICT, "江岸区", "MultiPolygon")


def test_areas_without_codes_are_numbered_below_the_parent_that_holds_them(city):
    grids = stored(city, "grids")
    assert grids["code"].tolist() == [f"{COMMUNITY[:-1]}{c}{n:03d}" for c in (1, 2) for n in (1, 2, 3, 4)]
    assert grids["generated_code"].all()
    assert set(grids["parent_code"]) == {"420102003001", "420102003002"}
    north_west = grids[grids["code"] == "420102003001001"].geometry.iloc[0]
    assert north_west.equals(square(0, 1))
    assert (grids["scheme"] == "governance").all()
    assert grids["extra"].iloc[0] == {"备注": 1}


def test_a_communitys_parent_is_the_nearest_level_that_exists(city):
    assert set(stored(city, "communities")["parent_code"]) == {DISTRICT}
    report = run(city, "subdistricts", table([square(0, 0, 4, 2)], {"code": [SUBDISTRICT]}))
    assert report.defects.empty
    assert set(stored(city, "communities")["parent_code"]) == {SUBDISTRICT}
    assert set(stored(city, "grids")["parent_code"]) == {"420102003001", "420102003002"}


def test_the_same_file_again_is_no_revision(city):
    grids = [square(x, y) for x in range(4) for y in range(2)]
    for mode in ("upsert", "replace"):
        report = run(city, "grids", table(grids), mode=mode)
        assert (report.added, report.changed, report.unchanged, report.revision) == (0, 0, 8, None)
    assert "no change" in str(report)


def test_an_upsert_changes_what_differs_and_keeps_what_the_file_does_not_tell(city):
    people = table([square(0, 0, 2, 2)], {"code": ["420102003001"], "people": [1234]})
    report = run(city, "communities", people)
    assert (report.added, report.changed, report.unchanged) == (0, 1, 0)
    west = stored(city, "communities").iloc[0]
    assert (west["people"], west["name"]) == (1234, "西社区")


def test_replacing_ends_what_the_file_lacks_but_not_what_was_rejected(city):
    ids = stored(city, "communities")["code"]
    frame = table([square(0, 0, 2, 2), None], {"code": list(ids), "name": ["甲", "乙"]})
    report = run(city, "communities", frame, mode="replace")
    assert (report.changed, report.rejected, report.removed) == (1, 1, 0)
    report = run(city, "communities", frame.iloc[:1], mode="replace")
    assert report.removed == 1
    assert stored(city, "communities")["code"].tolist() == ["420102003001"]
    # Its grids have lost their parent, which is said.
    back = table([square(2, 0, 2, 2)], {"code": ["420102003002"], "name": ["东社区"]})
    assert run(city, "communities", back).added == 1
    assert stored(city, "communities")["code"].tolist() == list(ids)


def test_a_child_is_listed_where_it_leaves_its_parent(session):
    run(session, "districts", table([square(0, 0)], {"code": [DISTRICT]}))
    report = run(session, "communities", table([square(0, 0, 1.5, 1)], {"code": ["420102003001"]}))
    assert report.added == 1
    assert "outside-parent" in set(report.defects["kind"])


def test_statistical_codes_are_cut_and_columns_found_by_chinese_names(session):
    frame = table([square(0, 0)], {"代码": ["420102000000"], "名称": ["江岸区"], "总户数": ["1,200"]})
    report = run(session, "districts", frame)
    assert "filled up with zeros" in report.notes[0]
    row = stored(session, "districts").iloc[0]
    assert (row["code"], row["households"]) == (DISTRICT, 1200)


def test_missing_nodes_are_inserted_and_heights_dropped_and_counted(session):
    run(session, "districts", table([square(0, 0, 2, 2)], {"code": [DISTRICT]}))
    shapes = [shapely.force_3d(square(0, 0, 2, 1), 7.0), square(0, 1), square(1, 1)]
    report = run(session, "communities", table(shapes))
    assert report.counts["nodes inserted"] == 1
    assert report.counts["heights dropped"] == 1
    assert report.counts["codes generated"] == 3
    assert "t-junction" not in set(report.defects["kind"])


def test_a_projected_file_lands_where_its_degrees_say(session):
    given = gpd.GeoSeries([square(0, 0)], crs=4490)
    frame = gpd.GeoDataFrame({"code": [DISTRICT]}, geometry=crs.to_metric(given.to_numpy(), "EPSG:4547"))
    run(session, "districts", frame, crs="EPSG:4547")
    assert shapely.equals_exact(
        stored(session, "districts").geometry.iloc[0], shapely.multipolygons([given[0]]), 1e-8
    )


def test_gcj02_is_taken_back(session):
    frame = gpd.GeoDataFrame(
        {"code": [DISTRICT]},
        geometry=crs.geometries_from_lonlat([square(0, 0)], crs.parse("gcj02")),
        crs=4326,
    )
    report = run(session, "districts", frame, crs="gcj02")
    assert report.reference == "gcj02"
    assert stored(session, "districts").geometry.iloc[0].centroid.distance(square(0, 0).centroid) < 1e-8


# --- compounds, facilities, posts, streets ---------------------------------------------------------------


def test_compounds_are_polygons_or_points_with_gates(city):
    gates = ["MULTIPOINT (114.0002 30.0005, 114.0008 30.0005)", None]
    frame = table(
        [square(0.2, 0.2, 0.6, 0.6), point(1.5, 0.5)],
        {"名称": ["甲", "乙"], "小区形态": ["物业小区", "自建房街区"], "出入口": gates},
    )
    report = run(city, "compounds", frame)
    assert report.counts["codes generated"] == 2
    compounds = stored(city, "compounds").set_index("name")
    assert compounds.loc["甲", "form"] == "managed"
    assert shapely.get_num_geometries(compounds.loc["甲", "entrances"]) == 2
    links = store.read(city, "compound_grids", history.current(city, NOW))
    assert len(links) == 2
    assert run(city, "compounds", frame).revision is None


def test_facility_types_go_by_key_or_name_and_unknown_ones_get_suggestions(city):
    shapes = [point(0.5, 0.5), square(1, 0, 0.5, 0.5), point(2, 1), point(3, 1)]
    frame = table(
        shapes, {"名称": ["a", "b", "c", None], "类型": ["kindergarten", "小学", "幼儿圆", "养老院"]}
    )
    report = run(city, "facilities", frame)
    assert (report.added, report.rejected) == (3, 1)
    assert report.rejects["reject_kind"].tolist() == ["type-unknown"]
    assert "幼儿园 (kindergarten)" in report.rejects["reject_message"].iloc[0]
    facilities = stored(city, "facilities").set_index("type")
    assert facilities.loc["primary_school"].geometry.geom_type == "Point"
    assert facilities.loc["primary_school", "site"].geom_type == "MultiPolygon"
    assert facilities.loc["nursing_home", "name"] == "养老院"


def test_posts_need_their_grid(city):
    code = stored(city, "grids")["code"].iloc[0]
    frame = pd.DataFrame(
        {
            "岗位": ["网格长", "网格员", None],
            "姓名": ["张三", "李四", "王五"],
            "网格编码": [code, "999", code],
            "起始日期": ["2026-01-01", "2026年2月3日", "x"],
        }
    )
    report = run(city, "posts", frame)
    assert (report.added, report.rejected) == (1, 2)
    assert sorted(fault.kind for fault in report.faults) == [
        "value-invalid",
        "value-invalid",
        "value-missing",
    ]
    post = stored(city, "posts").iloc[0]
    assert (post["name"], post["valid_from"], post["target_layer"]) == ("张三", dt.date(2026, 1, 1), "grids")
    assert run(city, "posts", frame).revision is None


def test_plain_streets_are_joined_where_they_cross_unless_one_is_a_bridge(session):
    lines = [
        shapely.LineString([(114, 30.001), (114.004, 30.001)]),
        shapely.LineString([(114.001, 30), (114.001, 30.002)]),
        shapely.LineString([(114.003, 30), (114.003, 30.002)]),
    ]
    frame = table(
        lines,
        {
            "路名": ["一", "二", "三"],
            "桥梁": ["否", "否", "是"],
            "highway": ["primary", "footway", "motorway"],
        },
    )
    report = run(session, "streets", frame)
    assert report.counts["crossings joined"] == 1
    assert report.counts["crossings kept apart"] == 1
    assert report.notes == []
    streets = stored(session, "streets")
    assert sorted(streets["name"]) == ["一", "一", "三", "二", "二"]
    assert streets.set_index("name").loc["三", ["bridge", "walkable"]].tolist() == [True, False]
    assert run(session, "streets", frame).revision is None
    assert run(session, "streets", frame, mode="replace").revision is None


# --- what a bad file gets --------------------------------------------------------------------------------


def test_each_bad_record_is_rejected_with_all_its_faults_and_the_counts_add_up(session):
    bow_tie = shapely.Polygon([(114, 30), (114.001, 30.001), (114.001, 30), (114, 30.001)])
    shapes = [
        square(0, 0),
        square(1, 0),
        square(2, 0),
        bow_tie,
        None,
        point(1, 1),
        shapely.Polygon(),
        square(3, 0),
        square(4, 0),
    ]
    codes = ["420102", "420102", "42010", "420103", "420104", "420105", "420106", "420107", "420108"]
    frame = table(shapes, {"code": codes, "people": ["1", "2", "3", "4", "5", "6", "7", "-many", "9"]})
    report = run(session, "districts", frame)
    assert (report.read, report.imported, report.rejected, report.added) == (9, 2, 7, 2)
    assert report.rejects.set_index("reject_row")["reject_kind"].to_dict() == {
        2: "code-duplicate",
        3: "code-malformed",
        4: "geometry-invalid",
        5: "geometry-missing",
        6: "geometry-type",
        7: "geometry-empty",
        8: "value-invalid",
    }
    assert list(report.rejects["code"]) == codes[1:8]


def test_three_bad_records_of_ten_thousand_are_named_and_the_policy_chosen(city):
    shapes = [square(x / 50, y / 50, 0.01, 0.01) for x in range(100) for y in range(100)]
    shapes[17] = shapely.Polygon([(114, 30), (114.001, 30.001), (114.001, 30), (114, 30.001)])
    shapes[4_999] = shapely.LineString([(114, 30), (114.001, 30)])
    frame = table(shapes, {"名称": [f"小区{number}" for number in range(len(shapes))]})
    frame.loc[9_999, "名称"] = "末"
    frame["户数"] = ["30"] * 9_999 + ["许多"]
    kinds = {18: "geometry-invalid", 5_000: "geometry-type", 10_000: "value-invalid"}
    records = reading.of_frame("compounds", frame, Options())
    report = imports.work_out(city, records, now=NOW).reports["compounds"]
    assert (report.read, report.added, report.rejected) == (10_000, 9_997, 3)
    assert report.rejects.set_index("reject_row")["reject_kind"].to_dict() == kinds
    with pytest.raises(DataError) as refusal:
        imports.work_out(city, reading.of_frame("compounds", frame, Options(on_invalid="fail")), now=NOW)
    assert {fault.row: fault.kind for fault in refusal.value.faults} == kinds
    mended = imports.work_out(
        city, reading.of_frame("compounds", frame, Options(on_invalid="repair")), now=NOW
    ).reports["compounds"]
    assert (mended.added, mended.rejected, [fault.row for fault in mended.repaired]) == (9_998, 2, [18])
    assert "compounds" not in history.revisions(city)[0].layers


def test_repair_is_listed_and_fail_refuses_the_file(session):
    bow_tie = shapely.Polygon([(114, 30), (114.001, 30.001), (114.001, 30), (114, 30.001)])
    frame = table([square(5, 5), bow_tie], {"code": ["420102", "420103"]})
    assert refused(session, "districts", frame, on_invalid="fail") == ["geometry-invalid"]
    report = run(session, "districts", frame, on_invalid="repair")
    assert (report.added, report.rejected) == (2, 0)
    assert [(fault.kind, fault.row) for fault in report.repaired] == [("geometry-repaired", 2)]


def test_coordinates_that_cannot_be_are_rejected_by_record(session):
    with np.errstate(invalid="ignore"):
        broken = shapely.from_wkt("POLYGON ((114 30, 114.1 nan, 114.1 30.1, 114 30))")
    around = shapely.box(-179.9, 30, 179.9, 31)
    swapped = shapely.box(30, 114, 31, 115)
    shapes = [*(square(x, 0) for x in range(6)), broken, around, shapely.box(114, 91, 115, 92), swapped]
    report = run(session, "districts", table(shapes))
    assert report.rejects.set_index("reject_row")["reject_kind"].to_dict() == {
        7: "coordinate-not-a-number",
        8: "geometry-antimeridian",
        9: "coordinate-out-of-range",
        10: "coordinate-swapped",
    }


@pytest.mark.parametrize(
    ("reference", "shape", "kind"),
    [
        (None, square(0, 0), "datum-missing"),
        ("EPSG:4547", square(0, 0), "datum-contradicted"),  # degrees taken for metres
        ("wgs84", shapely.box(528863, 3303800, 528963, 3303900), "datum-contradicted"),
        ("wgs84", shapely.box(30, 114, 30.1, 114.1), "datum-contradicted"),  # swapped
        ("EPSG:99999", square(0, 0), "datum-unknown"),
        ("nonsense", square(0, 0), "datum-unknown"),
        ("EPSG:4610", square(0, 0), "datum-ballpark"),
    ],
)
def test_a_file_whose_coordinates_mean_nothing_is_refused(session, reference, shape, kind):
    frame = gpd.GeoDataFrame({"code": [DISTRICT]}, geometry=[shape])
    assert refused(session, "districts", frame, crs=reference) == [kind]


def test_a_neighbouring_zone_is_caught_once_there_is_data(city):
    shape = crs.to_metric([square(0, 0, 2, 2)], "EPSG:4547")
    frame = gpd.GeoDataFrame({"code": ["420102003001"]}, geometry=shape)
    assert refused(city, "communities", frame, crs="EPSG:4550") == ["datum-contradicted"]


def test_another_datum_is_suggested_never_assumed(city):
    shifted = crs.geometries_from_lonlat(
        [point(x, y) for x in (0.5, 1.5, 2.5, 3.5) for y in (0.5, 1.5)], crs.parse("gcj02")
    )
    frame = table(list(shifted), {"类型": ["小学"] * 8})
    report = run(city, "facilities", frame)
    assert "Perhaps the file is gcj02" in report.notes[0]


def test_an_upsert_that_makes_the_partition_worse_is_refused_and_a_replacement_is_listed(city):
    wider = table([square(0, 0, 2.5, 2)], {"code": ["420102003001"]})
    assert "overlap" in refused(city, "communities", wider)
    # A rejected record is told beside it, for it may be the cause.
    twice = table([square(0, 0, 1, 2), square(1, 0, 1, 2)], {"code": ["420102003001"] * 2})
    assert refused(city, "communities", twice) == ["code-duplicate", "gap-at-parent", "outside-parent"]
    again = table([square(0, 0, 2.5, 2), square(2, 0, 2, 2)], {"code": ["420102003001", "420102003002"]})
    report = run(city, "communities", again, mode="replace")
    assert "overlap" in set(report.defects["kind"])
    # What stands does not block other work, nor what makes it smaller.
    narrower = table([square(0, 0, 2.25, 2)], {"code": ["420102003001"]})
    assert run(city, "communities", narrower).changed == 1


def test_nothing_is_stored_of_a_file_of_which_nothing_is_left(city):
    assert refused(city, "communities", table([None], {"code": ["420102003001"]}), mode="replace") == [
        "geometry-missing"
    ]
    assert refused(city, "communities", table([])) == ["file-empty"]
    assert refused(city, "communities", pd.DataFrame({"code": ["420102003001"]})) == ["geometry-missing"]


def test_unknown_layers_fields_columns_and_words_are_named(city):
    with pytest.raises(NotFound, match="grids"):
        run(city, "grid", table([square(0, 0)]))
    frame = table([square(0, 0)], {"名": ["甲"]})
    assert refused(city, "communities", frame, columns={"nam": "名", "name": "名称"}) == ["field-unknown"]
    for options in ({"on_invalid": "ignore"}, {"mode": "append"}):
        with pytest.raises(DataError, match="parameter-invalid"):
            run(city, "communities", frame, **options)


def test_defects_are_kept_for_the_layer_and_for_the_level_it_holds(city):
    shorter = table([square(0, 0, 1.75, 2), square(2, 0, 2, 2)], {"code": ["420102003001", "420102003002"]})
    run(city, "communities", shorter, mode="replace")
    now = history.current(city, NOW)
    counts = defects.counts(city, history.versions(city, now))
    assert counts["communities"] == 1  # the gap at the district's border
    assert counts["grids"] == 2  # two grids leave their community
    assert {each.kind for each in defects.standing(city, {"grids": 0}, limit=9)} == {"outside-parent"}


def test_an_import_overtaken_by_another_publication_stores_nothing(city, engine):
    def overtake(step, done, _total):
        if step == "publish" and not done:
            with database.sessions(engine).begin() as other:
                run(
                    other,
                    "communities",
                    table([square(0, 0, 2, 2)], {"code": ["420102003001"], "people": [1]}),
                )

    frame = table([square(0, 0, 2, 2)], {"code": ["420102003001"], "people": [2]})
    with pytest.raises(Conflict, match="communities changed"):
        imports.import_frame(city, "communities", frame, Options(), author="late", now=NOW, progress=overtake)
    city.rollback()
    assert stored(city, "communities")["people"].iloc[0] == 1


def test_lines_of_several_parts_become_streets_with_codes_of_their_own(session):
    parts = shapely.MultiLineString([[(114, 30), (114.001, 30)], [(114.002, 30), (114.003, 30)]])
    for noded in (True, False):
        report = run(session, "streets", table([parts], {"code": ["中山路"]}), noded=noded)
        assert report.rejected == 0
        assert stored(session, "streets")["code"].tolist() == ["中山路-0", "中山路-1"]
    assert report.revision is None


# --- files -----------------------------------------------------------------------------------------------


def test_a_shapefile_in_gbk_without_prj_is_imported_once_its_crs_is_stated(session, tmp_path):
    path = tmp_path / "社区.shp"
    formats.write(table([square(0, 0)], {"编码": [DISTRICT], "名称": ["江岸区"]}), path)
    path.with_suffix(".prj").unlink()
    options = {"author": "editor", "now": NOW}
    with pytest.raises(DataError, match="--crs"):
        imports.import_file(session, "districts", path, Options(), **options)
    report = imports.import_file(session, "districts", path, Options(crs="cgcs2000"), **options)
    assert report.added == 1


def test_geojson_says_that_it_may_be_in_another_datum(session, tmp_path):
    path = tmp_path / "layer.geojson"
    formats.write(table([square(0, 0)], {"code": [DISTRICT]}, reference=4326), path)
    done = {"author": "editor", "now": NOW}
    assert "GCJ-02" in imports.import_file(session, "districts", path, Options(), **done).notes[0]
    assert imports.import_file(session, "districts", path, Options(crs="wgs84"), **done).notes == []


def test_a_table_with_bad_records_keeps_their_numbers(city, tmp_path):
    path = tmp_path / "facilities.csv"
    path.write_text(
        "名称,类型,X坐标,Y坐标\na,小学,30.0005,114.0005\nb,小学,,\nc,小学,north,114\nd,小学,30.0015,114.0015,9\n"
    )
    report = imports.import_file(
        city,
        "facilities",
        path,
        Options(crs="wgs84", columns={"x": "Y坐标", "y": "X坐标"}),
        author="editor",
        now=NOW,
    )
    assert (report.read, report.added, report.rejected) == (4, 1, 3)
    assert report.rejects["reject_row"].tolist() == [2, 3, 4]


def test_wuhans_districts_and_communities_are_loaded_with_their_faults_listed(session, shared_data):
    folder = shared_data / "wuhan"
    done = {"author": "editor", "now": NOW}
    districts = imports.import_file(
        session,
        "districts",
        folder / "wuhan_districts_wgs84.geojson",
        Options(columns={"code": "adcode"}),
        **done,
    )
    assert (districts.read, districts.added) == (13, 13)
    communities = imports.import_file(
        session,
        "communities",
        folder / "wuhan_communities_raw_epsg4547.gpkg",
        Options(on_invalid="repair"),
        **done,
    )
    assert (communities.read, communities.added, communities.rejected) == (974, 974, 0)
    assert len(communities.repaired) == 4
    assert communities.reference == "EPSG:4547"
    assert communities.counts["parents by location"] == 974
    assert communities.counts["codes generated"] == 974
    overlaps = communities.defects[communities.defects["kind"] == "overlap"]
    assert overlaps["size"].max() == pytest.approx(13.8e6, rel=0.01)
    frame = stored(session, "communities")
    assert int(frame["people"].sum()) == pytest.approx(5.11e6, rel=0.01)
    assert frame["code"].str.fullmatch(r"4201\d{8}").all()
    assert (frame["code"].str[:6] == frame["parent_code"]).all()


def test_wuhans_homes_and_streets_follow(session, shared_data):
    folder = shared_data / "wuhan"
    done = {"author": "editor", "now": NOW}
    homes = imports.import_file(
        session, "compounds", folder / "wuhan_neighbourhood_points.geojson", Options(), **done
    )
    assert homes.added == 776
    streets = imports.import_file(
        session, "streets", folder / "wuhan_streets_neatnet_simplified_epsg32650.parquet", Options(), **done
    )
    assert streets.read == 16408
    assert streets.added >= 16408
    assert streets.rejected == 0
