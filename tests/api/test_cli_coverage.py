"""`wangge coverage`, as its user runs it: the same figures as the API, and files that open."""

import io
import json

import openpyxl
import pandas as pd
import pytest
from typer.testing import CliRunner

from api.cli.coverage import app
from tests import walking_city
from tests.paper_city import WEST

MARKET = ["--type", "fresh_market", "--minutes", "5,10"]


@pytest.fixture
def run(session, database_url, monkeypatch):
    walking_city.build(session)
    monkeypatch.setenv("WANGGE_DATABASE_URL", database_url)
    return lambda *words: CliRunner().invoke(app, list(words))


def test_table_on_stdout_and_what_is_wrong_on_stderr(run):
    done = run(*MARKET, "--level", "compound")
    table = pd.read_csv(io.BytesIO(done.stdout_bytes), dtype={"code": str})
    served = table.set_index(["code", "minutes"])["covered"]
    assert served[WEST + "C01", 5] == 100
    assert "unreachable" in done.stderr
    assert done.exit_code == 1  # one compound is joined to no street


def test_done_without_defects(run):
    assert run(*MARKET, "--weight", "land", "--level", "district").exit_code == 0


def test_files_by_their_ending(run, tmp_path):
    for suffix in ("csv", "xlsx", "geojson"):
        assert run(*MARKET, "-o", str(tmp_path / f"out.{suffix}")).stdout == ""
    table = pd.read_csv(tmp_path / "out.csv", dtype={"code": str})
    sheet = openpyxl.load_workbook(tmp_path / "out.xlsx").worksheets[0]
    features = json.loads((tmp_path / "out.geojson").read_bytes())["features"]
    assert len(table) == sheet.max_row - 1 == len(features) == 4


def test_wrong_words_are_wrong_use_and_all_named(run):
    done = run("--type", "shop", "--minutes", "soon", "--profile", "child")
    assert done.exit_code == 2
    for word in ("shop", "soon", "child"):
        assert word in done.stderr


def test_types_are_listed(run):
    assert "fresh_market\t" in run("--type", "?").stdout


def test_the_nearest_of_every_compound(run):
    done = run("nearest", "--type", "fresh_market,bank")
    table = pd.read_csv(io.BytesIO(done.stdout_bytes), dtype={"code": str}).set_index(
        ["code", "facility_type"]
    )
    assert table.loc[(WEST + "C01", "fresh_market"), "facility_code"] == "F1"
    assert table.loc[(WEST + "C01", "bank"), "reason"] == "no-facility"
    assert done.exit_code == 0


def test_options_that_a_sub_command_would_never_see_are_refused(run):
    done = run("--level", "compound", "nearest", "--type", "bank")
    assert done.exit_code == 2
    assert "wangge coverage nearest" in done.stderr
    assert "level" in done.stderr


def test_elements_and_what_is_wrong_on_stderr(run, tmp_path):
    done = run("elements", "--minutes", "10", "--level", "compound", "-o", str(tmp_path / "elements.xlsx"))
    assert done.exit_code == 1
    assert "unreachable" in done.stderr
    sheet = openpyxl.load_workbook(tmp_path / "elements.xlsx").worksheets[0]
    assert "完整度(满分10) score" in [cell.value for cell in sheet[1]]
    assert sheet.max_row == 4


def test_places_of_the_facilities(run):
    done = run("capacity", "--need", "0.1", "--level", "facility")
    table = pd.read_csv(io.BytesIO(done.stdout_bytes))
    assert table[["code", "capacity", "full"]].to_numpy().tolist() == [["F3", 900, False]]


@pytest.mark.parametrize(
    "words",
    [
        ("nearest", "--profile", "child"),
        ("elements", "--weight", "land"),
        ("capacity", "--need", "0"),
        ("nearest", "-o", "nearest.doc"),
    ],
)
def test_measures_asked_wrongly(run, words):
    done = run(*words)
    assert done.exit_code == 2
    assert done.stdout == ""
