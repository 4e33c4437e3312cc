"""`wangge import`, `export` and `check` as an operator uses them; Las Palmas and Wuhan end to end."""

import io

import geopandas as gpd
import pandas as pd
import pytest
import shapely
import typer
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from api import snapshots
from api.app import create_app
from api.cli import check, export, import_
from api.settings import Settings
from layers import history, store
from layers.drafts import keeping, states
from layers.files import formats

DISTRICT = "420102"


@pytest.fixture
def run(database_url, monkeypatch):
    monkeypatch.setenv("WANGGE_DATABASE_URL", database_url)
    monkeypatch.delenv("WANGGE_DEFAULT_DATUM", raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(snapshots, "TRUSTED_S", 0.0)
    app = typer.Typer()
    app.command("import")(import_.import_layer)
    app.command("export")(export.export_layer)
    app.command("check")(check.check_layer)

    def run(*words):
        return CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)

    return run


def square(x, y, width=1.0, height=1.0):
    return shapely.box(114 + x / 1000, 30 + y / 1000, 114 + (x + width) / 1000, 30 + (y + height) / 1000)


@pytest.fixture
def folder(tmp_path):
    """A district with two communities, one of which leaves it, and a record that is no community."""
    gpd.GeoDataFrame(
        {"编码": [DISTRICT], "名称": ["江岸区"]}, geometry=[square(0, 0, 2, 1)], crs=4490
    ).to_file(tmp_path / "区县.gpkg")
    shapes = [square(0, 0), square(1, 0, 1.5, 1), shapely.Point(114, 30)]
    names = ["甲社区", "乙社区", "丙"]
    formats.write(gpd.GeoDataFrame({"社区": names}, geometry=shapes, crs=4490), tmp_path / "社区.geojson")
    return tmp_path


def test_a_city_comes_in_is_checked_and_goes_out_again(run, folder):
    done = run("import", "districts", folder / "区县.gpkg")
    assert done.exit_code == 0, done.output
    assert "published as revision 1" in done.stderr
    assert done.stdout == ""

    done = run(
        "import",
        "communities",
        folder / "社区.geojson",
        "--map",
        "name=社区",
        "--rejects",
        folder / "bad.csv",
    )
    assert done.exit_code == 1
    assert "outside-parent" in done.stderr
    assert "codes generated: 2" in done.stderr
    bad = pd.read_csv(folder / "bad.csv")
    assert bad[["社区", "reject_row", "reject_kind"]].to_numpy().tolist() == [["丙", 3, "geometry-type"]]

    done = run("check", "communities")
    assert done.exit_code == 1
    assert done.stdout.splitlines()[1].startswith("outside-parent,420102 420102000002,")
    done = run("check", "communities", "-o", folder / "defects.gpkg")
    assert formats.read(folder / "defects.gpkg").frame["kind"].tolist() == ["outside-parent"]

    for name in ("out.gpkg", "out.shp", "out.csv", "out.parquet", "out.fgb", "out.xlsx", "out.geojson"):
        done = run("export", "communities", folder / name, "--crs", "wgs84")
        assert done.exit_code == 0, done.output
        again = run("import", "communities", folder / name, "--crs", "wgs84")
        assert "no revision" in again.stderr, (name, again.output)


def test_exports_in_another_datum_come_back_to_where_they_were(run, folder):
    run("import", "districts", folder / "区县.gpkg")
    for reference in ("gcj02", "bd09", "EPSG:4547"):
        run("export", "districts", folder / "out.gpkg", "--crs", reference)
        back = run("import", "districts", folder / "out.gpkg", "--crs", reference)
        assert back.exit_code == 0, back.output
        run("export", "districts", folder / "again.parquet")
        shape = gpd.read_parquet(folder / "again.parquet").geometry.iloc[0]
        assert shapely.hausdorff_distance(shape, square(0, 0, 2, 1)) < 1e-8, reference


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["import", "grid", "区县.gpkg"], 2),
        (["check", "grid"], 2),
        (["export", "districts", "nowhere/out.gpkg"], 2),
        (["import", "districts", "区县.gpkg", "--rejects", "nowhere/bad.csv"], 2),
        (["import", "districts", "区县.gpkg", "--rejects", "bad.dwg"], 2),
        (["import", "districts", "没有.gpkg"], 2),
        (["import", "districts", "区县.gpkg", "--crs", "nonsense"], 2),
        (["import", "districts", "区县.gpkg", "--map", "name"], 2),
        (["import", "districts", "区县.gpkg", "--map", "nam=名称"], 2),
        (["import", "districts", "区县.gpkg", "--mode", "append"], 2),
        (["import", "districts", "区县.gpkg", "--facilities"], 2),
        (["import", "grids", "city.osm.pbf"], 2),
        (["import", "districts", "区县.gpkg", "--crs", "EPSG:4547"], 3),
        (["import", "streets", "city.osm.pbf"], 3),
        (["export", "districts", "out.dwg"], 2),
        (["export", "districts", "out.geojson", "--crs", "EPSG:4547"], 2),
    ],
)
def test_wrong_use_and_bad_data_have_their_exit_codes(run, folder, words, code):
    (folder / "city.osm.pbf").write_bytes(b"noise" * 100)
    words = [folder / word if "." in word else word for word in words]
    done = run(*words)
    assert done.exit_code == code, done.output
    assert "Traceback" not in done.output


def test_a_dry_run_lists_what_would_change_and_stores_nothing(run, folder, session):
    done = run("import", "districts", folder / "区县.gpkg", "--dry-run")
    assert done.exit_code == 0, done.output
    assert "dry run: nothing was stored" in done.stderr
    assert done.stdout.splitlines()[1].startswith("districts,")
    assert history.revisions(session) == []
    run("import", "districts", folder / "区县.gpkg")
    wider = gpd.GeoDataFrame(
        {"编码": [DISTRICT, "420103"], "名称": ["江岸", "新区"]},
        geometry=[square(0, 0, 2, 1), square(1.5, -0.5, 2, 2)],
        crs=4490,
    )
    wider.to_file(folder / "wider.gpkg")
    done = run("import", "districts", folder / "wider.gpkg", "--dry-run")
    assert done.exit_code == 1
    assert "new or larger defects, with which this is not published: 1" in done.stderr
    listed = pd.read_csv(io.StringIO(done.stdout), dtype=str).set_index("code")
    assert listed["kind"].to_dict() == {DISTRICT: "attributes", "420103": "added"}
    assert listed.loc[DISTRICT, "fields"] == "name"
    assert len(history.revisions(session)) == 1


def test_a_file_goes_into_a_new_draft_and_into_one_that_there_is(run, folder, session):
    run("import", "districts", folder / "区县.gpkg")
    done = run("import", "communities", folder / "社区.geojson", "--map", "name=社区", "--draft", "new")
    assert done.exit_code == 1, done.output
    (draft,) = keeping.listed(session).drafts
    assert f"step 1 of draft {draft.id}" in done.stderr
    assert "outside-parent" in done.stderr
    assert draft.title == "import communities from 社区.geojson"
    assert len(states.read(session, "communities", states.state_of(draft))) == 2
    wider = gpd.GeoDataFrame({"编码": [DISTRICT]}, geometry=[square(0, 0, 3, 1)], crs=4490)
    wider.to_file(folder / "wider.gpkg")
    done = run("import", "districts", folder / "wider.gpkg", "--draft", draft.id)
    assert (done.exit_code, "gap-at-parent" in done.stderr) == (1, True), done.output
    assert f"step 2 of draft {draft.id}" in done.stderr
    done = run("export", "districts", folder / "out.shp", "--draft", draft.id, "--encoding", "gbk")
    assert f"draft {draft.id} at step 2: 1 districts" in done.stderr
    assert (folder / "out.cpg").read_text() == "GBK"
    assert formats.read(folder / "out.shp").frame.geometry.iloc[0].equals(square(0, 0, 3, 1))
    assert run("export", "districts", folder / "out.shp", "--draft", draft.id, "--revision", 1).exit_code == 2
    again = run("import", "districts", folder / "wider.gpkg", "--draft", draft.id)
    assert "nothing changed" in again.stderr
    assert len(history.revisions(session)) == 1


def test_a_draft_that_takes_no_file_is_named(run, folder, session):
    words = ["import", "districts", folder / "区县.gpkg", "--draft"]
    assert run(*words, "newest").exit_code == 2
    done = run(*words, "6f1c2f0e-8a0b-4f5e-9d0e-2b1f0c3d4e5f")
    assert (done.exit_code, "There is no draft" in done.stderr) == (3, True)
    assert run(*words, "new").exit_code == 3  # nothing was published yet that it could stand on
    run(*words[:-1])
    run(*words, "new")
    draft = keeping.listed(session).drafts[0]
    keeping.discard(draft, now=draft.created_at)
    session.commit()
    done = run(*words, draft.id)
    assert (done.exit_code, "was discarded" in done.stderr) == (3, True)
    assert run("import", "incidents", folder / "区县.gpkg", "--draft", "new").exit_code == 2


def test_a_refused_upsert_tells_the_way_to_load_a_faulty_layer(run, folder):
    run("import", "districts", folder / "区县.gpkg")
    gpd.GeoDataFrame({"编码": ["420103"]}, geometry=[square(1, 0)], crs=4490).to_file(folder / "over.gpkg")
    done = run("import", "districts", folder / "over.gpkg")
    assert done.exit_code == 3
    assert "--mode replace" in done.stderr
    done = run("import", "districts", folder / "over.gpkg", "--mode", "replace")
    assert done.exit_code == 0, done.output


def test_a_truncated_osm_file_leaves_nothing_behind(run, session, shared_data, tmp_path):
    content = (shared_data / "las_palmas" / "las_palmas_2023-02-20.osm.pbf").read_bytes()
    cut = tmp_path / "cut.osm.pbf"
    cut.write_bytes(content[: len(content) // 2])
    done = run("import", "streets", cut, "--facilities", "--compounds")
    assert done.exit_code == 3
    assert "file-truncated" in done.stderr
    assert history.revisions(session) == []


def test_las_palmas_end_to_end(run, session, shared_data, tmp_path):
    folder = shared_data / "las_palmas"
    done = run("import", "districts", folder / "las_palmas_municipality.geojson")
    assert done.exit_code == 0, done.output
    done = run("import", "streets", folder / "las_palmas_2023-02-20.osm.pbf", "--facilities", "--compounds")
    assert done.exit_code == 1, done.output  # islands are listed
    assert "OpenStreetMap contributors" in done.stderr
    assert "private: 216" in done.stderr
    newest = history.revisions(session)[0]
    assert (newest.number, sorted(newest.layers)) == (2, ["compounds", "facilities", "streets"])
    counts = {layer: len(store.read(session, layer, 2)) for layer in ("streets", "facilities", "compounds")}
    assert counts == {"streets": 27796, "facilities": 5358, "compounds": 45}
    done = run("export", "streets", tmp_path / "streets.parquet")
    assert "attribute these data: © OpenStreetMap" in done.stderr
    again = run("import", "streets", folder / "las_palmas_2023-02-20.osm.pbf", "--facilities", "--compounds")
    assert "27,796" in again.stderr
    assert len(history.revisions(session)) == 2


def test_what_an_import_calls_published_is_answered_from_at_once(run, folder, database_url, monkeypatch):
    monkeypatch.setattr(snapshots, "TRUSTED_S", 1.0)
    with TestClient(create_app(Settings(database_url=database_url, threads=4), open_reading=True)) as client:
        assert client.get("/api/revisions").json()["revision"] == 0
        run("import", "districts", folder / "区县.gpkg")
        assert client.get("/api/revisions").json()["revision"] == 1
        reply = client.get("/api/locate?lon=114.0005&lat=30.0005&datum=wgs84&level=district")
        assert (reply.json()["area"]["code"], reply.json()["revision"]) == (DISTRICT, 1)


def test_incidents_come_in_with_the_rejected_ones_in_a_file(run, folder):
    run("import", "districts", folder / "区县.gpkg")
    rows = [
        "编号,类别,上报时间,经度,纬度",
        "0001,市容,2026-03-01 08:00,114.0005,30.0005",
        "0002,市容,昨天,114.0005,30.0005",
        "0003,市容,2026-03-01 09:00,214,30.0005",
    ]
    (folder / "事件.csv").write_text("\n".join(rows), encoding="utf-8")
    words = ["--crs", "wgs84", "--rejects", folder / "bad.csv"]
    done = run("import", "incidents", folder / "事件.csv", *words)
    assert done.exit_code == 1, done.output
    bad = pd.read_csv(folder / "bad.csv", dtype=str)
    assert bad["编号"].tolist() == ["0002", "0003"]
    assert bad["reject_row"].tolist() == ["2", "3"]
    again = run("import", "incidents", folder / "事件.csv", *words)
    assert "unchanged" in again.stderr
