"""`wangge coverage gaps`, as its user runs it."""

import io
import json

import docx
import pandas as pd
import pyogrio
import pytest
import typer
from typer.testing import CliRunner

from api.cli.gaps import find_gaps
from tests import walking_city
from tests.paper_city import EAST, WEST

MARKET = ["--type", "fresh_market", "--minutes", "5"]


@pytest.fixture
def run(session, database_url, monkeypatch):
    walking_city.build(session)
    monkeypatch.setenv("WANGGE_DATABASE_URL", database_url)
    application = typer.Typer()
    application.command()(find_gaps)
    return lambda *words: CliRunner().invoke(application, list(words))


def test_who_is_outside_on_stdout_and_what_is_wrong_on_stderr(run):
    done = run(*MARKET, "--list", "compounds")
    table = pd.read_csv(io.BytesIO(done.stdout_bytes), dtype={"code": str})
    assert table["code"].tolist() == [EAST + "C01", WEST + "C02"]
    assert "unreachable" in done.stderr
    assert done.exit_code == 1  # one compound is joined to no street


def test_files_by_their_ending(run, tmp_path):
    for suffix in ("gpkg", "xlsx", "csv", "geojson", "json", "docx", "pdf"):
        done = run(*MARKET, "--level", "district", "-o", str(tmp_path / f"out.{suffix}"))
        assert (done.stdout, done.exit_code) == ("", 1), done.stderr
    gaps = pyogrio.read_dataframe(tmp_path / "out.gpkg", layer="gaps")
    assert len(gaps) == len(json.loads((tmp_path / "out.geojson").read_bytes())["features"])
    assert "纸城" in docx.Document(str(tmp_path / "out.docx")).paragraphs[1].text
    assert (tmp_path / "out.pdf").read_bytes().startswith(b"%PDF")


def test_wrong_words_are_wrong_use_and_all_named(run):
    done = run("--type", "zoo", "--minutes", "0,300", "--level", "city")
    assert done.exit_code == 2
    for word in ("zoo", "0 minutes", "300 minutes", "'city'"):
        assert word in done.stderr
    assert run(*MARKET, "-o", "gaps.doc").exit_code == 2
    assert run(*MARKET, "--weight", "land").exit_code == 2
    assert run(*MARKET, "--least-m2", "nan").exit_code == 2
