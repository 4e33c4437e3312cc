"""`wangge scenario`, as its user runs it: the same figures as the API."""

import io
import json

import pandas as pd
import pytest
from typer.testing import CliRunner

from api.cli.scenario import app
from geo.coverage.changes import AddFacility, CloseFacility
from geo.faults import DataError
from layers import scenarios
from layers.errors import NotFound
from layers.scenarios import Draft
from tests import paper_city, walking_city
from tests.paper_city import WEST, point


@pytest.fixture
def run(session, database_url, monkeypatch):
    walking_city.build(session)
    lon, lat = point(8, 4)
    market = AddFacility(facility_type="fresh_market", lon=lon, lat=lat)
    gone = CloseFacility(facility="F9")
    for name, change in (("东区菜市场", market), ("旧方案", gone)):
        draft = Draft(name=name, changes=[change])
        scenarios.create(session, draft, author="li", now=paper_city.NOW)
    session.commit()
    monkeypatch.setenv("WANGGE_DATABASE_URL", database_url)
    return lambda *words: CliRunner().invoke(app, list(words))


def test_scenarios_are_listed_shown_and_compared(run, tmp_path):
    listed = [json.loads(line) for line in run("list").stdout.splitlines()]
    assert [(row["name"], row["changes"]) for row in listed] == [("东区菜市场", 1), ("旧方案", 1)]
    assert json.loads(run("show", "东区菜市场").stdout)["changes"][0]["change"] == "add_facility"
    words = ["--type", "fresh_market", "--minutes", "5", "--level", "compound"]
    done = run("compare", "东区菜市场", *words)
    table = pd.read_csv(io.BytesIO(done.stdout_bytes), dtype={"code": str}).set_index("code")
    assert table.loc[WEST + "C02", "covered_change"] == 60
    assert done.exit_code == 1  # one compound is joined to no street
    assert run("compare", "东区菜市场", *words, "-o", str(tmp_path / "out.xlsx")).stdout == ""
    assert (tmp_path / "out.xlsx").stat().st_size > 0


def test_what_cannot_be_compared_is_named(run):
    assert run("compare", "东区菜市场", "--type", "palace").exit_code == 2
    unknown = run("compare", "没有").exception
    assert isinstance(unknown, NotFound)
    assert "东区菜市场" in str(unknown)
    stale = run("compare", "旧方案").exception
    assert isinstance(stale, DataError)
    assert stale.faults[0].field == "changes[0].facility"
