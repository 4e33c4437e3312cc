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
