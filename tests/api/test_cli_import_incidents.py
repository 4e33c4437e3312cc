"""`wangge import incidents` as its user runs it: a report, exit codes, a rejects file."""

import csv

import pytest
from sqlalchemy import func, select
from typer.testing import CliRunner

from api.cli.main import app
from layers.tables import Incident
from tests import paper_city as city


@pytest.fixture
def wangge(database_url, session, monkeypatch):
    city.build(session)
    monkeypatch.setenv("WANGGE_DATABASE_URL", database_url)

    def run(*words):
        return CliRunner().invoke(app, ["import", "incidents", *map(str, words)], catch_exceptions=False)

    return run


@pytest.fixture
def calls(tmp_path):
    lon, lat = city.point(1.5, 1.5)
    path = tmp_path / "工单.csv"
    path.write_text(
        "单号,类别,受理时间,经度,纬度\n"
        f"1,C1,2026-03-01 08:30:00,{lon!r},{lat!r}\n"
        f"2,C1,yesterday,{lon!r},{lat!r}\n"
        f"3,C1,2026-03-01 09:30:00,,\n",
        encoding="gb18030",
    )
    return path


def test_what_is_right_is_stored_and_what_is_wrong_is_handed_back(wangge, calls, session, tmp_path):
    bad = tmp_path / "bad.csv"
    done = wangge(calls, "--crs", "wgs84", "--map", "external_id=单号", "--rejects", bad)
    assert done.exit_code == 1, done.output
    with bad.open(encoding="utf-8-sig", newline="") as handle:
        (row,) = csv.DictReader(handle)
    assert (row["单号"], row["reject_row"], row["reject_column"]) == ("2", "2", "reported_at")
    assert "yesterday" in row["reject_message"]
    assert session.scalar(select(func.count()).select_from(Incident)) == 2
    wangge(calls, "--crs", "wgs84", "--map", "external_id=单号")
    assert session.scalar(select(func.count()).select_from(Incident)) == 2


def test_a_file_without_a_datum_or_with_a_wrong_column_stores_nothing(wangge, calls, session):
    for words in ((), ("--crs", "wgs84", "--map", "category=nothing")):
        done = wangge(calls, *words)
        assert done.exit_code == 2, done.output
        assert "nothing was stored" in done.output
    assert session.scalar(select(func.count()).select_from(Incident)) == 0
