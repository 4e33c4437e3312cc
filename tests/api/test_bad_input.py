"""Files that a city's offices really send: each fault is named with its row, nothing is half-stored, no traceback."""

import json
import sys
import zipfile
from pathlib import Path

import geopandas as gpd
import pytest
import shapely
from shapely.geometry import mapping
from sqlalchemy import text

from api import snapshots
from api.cli import main

DISTRICT = "420102"
NAN = float("nan")


def code(number):
    return f"{DISTRICT}{number:06}"


def square(x, y, size=1.0):
    return shapely.box(114 + x / 100, 30 + y / 100, 114 + (x + size) / 100, 30 + (y + size) / 100)


def ring(*corners):
    return {"type": "Polygon", "coordinates": [[*corners, corners[0]]] if corners else []}


@pytest.fixture
def wangge(monkeypatch, capfd, database_url, tmp_path):
    """Run the command line in an empty folder as the shell does: exit code, and what it said on stderr."""
    monkeypatch.setattr(main.logs, "configure", lambda: None)
    monkeypatch.setattr(main.signal, "signal", lambda *_: None)
    monkeypatch.setattr(snapshots, "TRUSTED_S", 0.0)
    monkeypatch.setenv("WANGGE_DATABASE_URL", database_url)
    monkeypatch.delenv("WANGGE_DEFAULT_DATUM", raising=False)
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["wangge", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main.run()
        said = capfd.readouterr().err
        assert "Traceback" not in said
        return left.value.code, " ".join(said.split())

    return run


@pytest.fixture
def stored(session):
    """Count what is stored: revisions, and features of a layer."""

    def count(layer):
        session.rollback()
        return tuple(session.scalar(text(f"SELECT count(*) FROM {name}")) for name in ("revisions", layer))

    return count


def geojson(path, *features):
    """Write features, each a code and a geometry."""
    document = {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "properties": {"code": key, "name": f"社区{row}"},
                "geometry": mapping(shape) if isinstance(shape, shapely.Geometry) else shape,
            }
            for row, (key, shape) in enumerate(features, start=1)
        ],
    }
    path.write_text(json.dumps(document))
    return path


POINT = shapely.Point(114.001, 30.001)
BOW_TIE = ring([114, 30], [114.01, 30.01], [114.01, 30], [114, 30.01])

#: Bad second records beside a good first one: the fault's kind.
RECORDS = {
    "out of range": ((code(2), ring([214, 30], [215, 30], [215, 31])), "coordinate-out-of-range"),
    "swapped": ((code(2), ring([30, 114], [30.01, 114], [30.01, 114.01])), "coordinate-swapped"),
    "not a number": ((code(2), ring([114, 30], [114.01, 30], [NAN, 30.01])), "coordinate-not-a-number"),
    "a point": ((code(2), POINT), "geometry-type"),
    "a line": ((code(2), shapely.LineString([(114, 30), (114.01, 30.01)])), "geometry-type"),
    "a collection": ((code(2), shapely.GeometryCollection([square(1, 0), POINT])), "geometry-type"),
    "self-crossing": ((code(2), BOW_TIE), "geometry-invalid"),
    "empty": ((code(2), ring()), "geometry-empty"),
    "missing": ((code(2), None), "geometry-missing"),
    "over 180°": ((code(2), ring([179.9, 30], [-179.9, 30], [-179.9, 30.1])), "geometry-antimeridian"),
    "beyond 180°": ((code(2), ring([179.9, 30], [180.1, 30], [180.1, 30.1])), "coordinate-out-of-range"),
    "the same code": ((code(1), square(1, 0)), "code-duplicate"),
    "a code of letters": (("42-xx", square(1, 0)), "code-malformed"),
}


@pytest.mark.parametrize("name", RECORDS)
def test_a_bad_record_is_rejected_by_row_and_reason_and_the_others_are_kept(wangge, stored, tmp_path, name):
    bad, kind = RECORDS[name]
    file = geojson(tmp_path / "areas.geojson", (code(1), square(0, 0)), bad)
    exit_code, said = wangge("import", "communities", file, "--rejects", "bad.csv")
    assert exit_code == main.WITH_REJECTS, said
    (rejected,) = (tmp_path / "bad.csv").read_text("utf-8-sig").splitlines()[1:]
    assert kind in said
    assert kind in rejected
    assert "row 2" in said
    assert stored("communities") == (1, 1)


def test_all_bad_records_are_told_at_once(wangge, stored, tmp_path):
    file = geojson(tmp_path / "areas.geojson", *(bad for bad, _ in RECORDS.values()))
    exit_code, said = wangge("import", "communities", file)
    kinds = {kind for _, kind in RECORDS.values()} - {"code-duplicate"}
    assert [kind for kind in sorted(kinds) if kind not in said] == []
    assert exit_code == main.WITH_REJECTS
    assert stored("communities")[0] <= 1


def test_heights_are_dropped_and_counted(wangge, stored, tmp_path):
    file = geojson(tmp_path / "areas.geojson", (code(1), shapely.force_3d(square(0, 0), 5)))
    exit_code, said = wangge("import", "communities", file)
    assert (exit_code, stored("communities")) == (main.DONE, (1, 1))
    assert "heights dropped: 1" in said


#: Words that make a good file mean nothing: the fault's kind and the exit code.
WORDS = {
    "unknown code": (["--crs", "EPSG:99999"], "datum-unknown", main.WRONG_USE),
    "unknown word": (["--crs", "peking54"], "datum-unknown", main.WRONG_USE),
    "degrees as metres": (["--crs", "EPSG:4547"], "datum-contradicted", main.FAILED),
    "no such field": (["--map", "colour=name"], "field-unknown", main.WRONG_USE),
    "no such column": (["--map", "name=farbe"], "field-unknown", main.WRONG_USE),
}


@pytest.mark.parametrize("name", WORDS)
def test_a_good_file_misunderstood_is_refused(wangge, stored, tmp_path, name):
    words, kind, expected = WORDS[name]
    file = geojson(tmp_path / "areas.geojson", (code(1), square(0, 0)))
    exit_code, said = wangge("import", "communities", file, *words)
    assert exit_code == expected
    assert kind in said
    assert "nothing was stored" in said
    assert stored("communities") == (0, 0)


def test_a_table_without_a_datum_is_told_how_to_state_one(wangge, stored, tmp_path):
    (tmp_path / "f.csv").write_text("code,name,type,lon,lat\nF1,a,primary_school,114.1,30.1\n")
    exit_code, said = wangge("import", "facilities", "f.csv")
    assert exit_code == main.WRONG_USE
    assert "datum-missing" in said
    assert "--crs" in said
    assert stored("facilities") == (0, 0)


def test_a_child_outside_its_parent_is_listed_where_it_is(wangge, stored, tmp_path):
    wangge("import", "districts", geojson(tmp_path / "d.geojson", (DISTRICT, square(0, 0, 4))))
    outside = geojson(tmp_path / "c.geojson", (code(1), square(0, 0)), (code(2), square(3.5, 0)))
    exit_code, said = wangge("import", "communities", outside)
    assert exit_code == main.WITH_REJECTS
    assert "outside-parent" in said
    assert stored("communities") == (2, 2)


@pytest.fixture
def whole(tmp_path):
    """The same areas in every format that can be cut off."""
    shapes = [square(x, y) for x in range(12) for y in range(12)]
    frame = gpd.GeoDataFrame({"code": [code(n) for n in range(144)]}, geometry=shapes, crs=4326)
    frame["name"] = frame["code"]
    frame.to_file(tmp_path / "whole.gpkg")
    frame.to_file(tmp_path / "whole.geojson")
    frame.to_file(tmp_path / "whole.fgb", driver="FlatGeobuf")
    frame.to_parquet(tmp_path / "whole.parquet")
    frame.to_file(tmp_path / "whole.shp")
    with zipfile.ZipFile(tmp_path / "whole.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for suffix in (".shp", ".shx", ".dbf", ".prj", ".cpg"):
            archive.write((tmp_path / "whole.shp").with_suffix(suffix), f"whole{suffix}")
    return tmp_path


@pytest.mark.parametrize("suffix", [".gpkg", ".geojson", ".fgb", ".parquet", ".zip"])
def test_a_file_that_was_cut_off_stores_nothing(wangge, stored, whole, suffix):
    content = (whole / f"whole{suffix}").read_bytes()
    (whole / f"cut{suffix}").write_bytes(content[: len(content) * 2 // 3])
    exit_code, said = wangge("import", "communities", f"cut{suffix}")
    assert exit_code == main.FAILED
    assert "file-truncated" in said
    assert stored("communities") == (0, 0)


def test_a_pbf_that_was_cut_off_stores_nothing(wangge, stored, shared_data, tmp_path):
    source = next(shared_data.glob("*/*.osm.pbf"))
    (tmp_path / "cut.osm.pbf").write_bytes(source.read_bytes()[: source.stat().st_size // 3])
    exit_code, said = wangge("import", "streets", "cut.osm.pbf")
    assert exit_code == main.FAILED
    assert "file-truncated" in said
    assert stored("streets") == (0, 0)


def test_a_zip_file_that_names_paths_outside_writes_none(wangge, stored, whole):
    with zipfile.ZipFile(whole / "evil.zip", "w") as archive:
        for suffix in (".shp", ".shx", ".dbf", ".prj"):
            archive.write((whole / "whole.shp").with_suffix(suffix), f"../../../evil{suffix}")
    exit_code, said = wangge("import", "communities", "evil.zip")
    assert (exit_code, stored("communities")) == (main.DONE, (1, 144)), said
    assert not list(Path("/").glob("evil.*"))
    assert not list(whole.parents[2].rglob("evil.shp"))
