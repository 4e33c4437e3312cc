"""`wangge revisions`: the same answers as the API, in files."""

import json

import pytest
from shapely import box
from typer.testing import CliRunner

from api.cli.main import app
from layers import history
from layers.errors import NotFound
from tests import paper_city as city

DONE, WRONG_USE, FAILED = 0, 2, 3

SECOND, FIRST, NEW = city.WEST + "002", city.WEST + "001", city.WEST + "009"


@pytest.fixture
def built(session):
    """1: the city; 2: a border moved; 3: a grid split in two."""
    city.build(session)
    city.publish(session, {"grids": city.grids({SECOND: box(0, 0, 3, 4), FIRST: box(3, 0, 8, 4)})})
    city.publish(session, {"grids": city.grids({FIRST: box(3, 0, 6, 4), NEW: box(6, 0, 8, 4)})})
    return session


@pytest.fixture
def run(built, database_url, monkeypatch):
    monkeypatch.setenv("WANGGE_DATABASE_URL", database_url)
    built.commit()
    return lambda *words: CliRunner().invoke(app, [*map(str, words)])


def test_revisions_are_listed_and_shown(run):
    listed = [json.loads(line) for line in run("revisions", "list", "--limit", 2).stdout.splitlines()]
    assert [row["number"] for row in listed] == [3, 2]
    shown = run("revisions", "show", 2)
    assert json.loads(shown.stdout)["counts"]["grids"] == {"added": 0, "changed": 2, "removed": 0}
    unknown = run("revisions", "show", 9)
    assert isinstance(unknown.exception, NotFound)


def test_a_diff_on_stdout_and_as_files(run, tmp_path):
    done = run("revisions", "diff", 1, 3)
    assert done.exit_code == DONE, done.output
    assert len(done.stdout.splitlines()) == 1 + 3
    assert "grids: added 1, moved 2" in done.stderr
    begins = {
        ".geojson": b"{",
        ".json": b"{",
        ".xlsx": b"PK",
        ".html": b"<!DOCTYPE html>",
        ".png": b"\x89PNG",
    }
    for suffix, start in begins.items():
        file = tmp_path / f"diff{suffix}"
        done = run("revisions", "diff", 1, 3, "--layer", "grids", "-o", file)
        assert done.exit_code == DONE, done.output
        assert file.read_bytes().startswith(start)
    assert "the same" in run("revisions", "diff", 3, 3).stderr


def test_taking_back_and_restoring(run, built):
    done = run("revisions", "revert", 3, "--note", "划错了")
    assert done.exit_code == DONE, done.output
    assert "published as revision 4" in done.stderr
    assert history.get(built, 4).note == "revert 3: 划错了"
    refused = run("revisions", "revert", 3, "--note", "again")
    assert refused.exit_code == FAILED
    assert NEW in refused.stderr
    done = run("revisions", "restore", 1, "--note", "恢复原样")
    assert "published as revision 5" in done.stderr


def test_wrong_use(run, tmp_path):
    assert run("revisions", "revert", 3).exit_code == WRONG_USE
    assert run("revisions", "revert", 3, "--note", " ").exit_code == WRONG_USE
    assert run("revisions", "diff", 1, 3, "-o", tmp_path / "diff.pdf").exit_code == WRONG_USE
    nowhere = run("revisions", "diff", 0, 1, "--layer", "posts", "-o", tmp_path / "diff.png")
    assert nowhere.exit_code == WRONG_USE


def test_a_layer_of_any_date(run, tmp_path):
    file = tmp_path / "grids.geojson"
    for words, count in [(["--revision", 1], 8), (["--at", "2026-03-02"], 9), ([], 9)]:
        done = run("export", "grids", file, *words)
        assert done.exit_code == DONE, done.output
        assert len(json.loads(file.read_text())["features"]) == count
    assert run("export", "grids", file, "--revision", 1, "--at", "2026-03-02").exit_code == WRONG_USE
    assert run("export", "grids", file, "--at", "yesterday").exit_code == WRONG_USE
