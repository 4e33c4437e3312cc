"""`wangge borders`: the same table as the API, as a file."""

import csv
import io
import json

import pandas as pd
import pytest
from typer.testing import CliRunner

from api.cli.main import app
from api.dependencies import now
from layers import incidents
from tests import paper_city
from tests.paper_city import EAST, WEST, point

DONE, WRONG_USE = 0, 2


@pytest.fixture
def run(session, database_url, monkeypatch):
    paper_city.build(session)
    lon, lat = zip(point(3.9, 1), point(4.1, 2), point(10.5, 5.2), strict=True)
    frame = pd.DataFrame({"category": "E0101", "reported_at": now(), "lon": lon, "lat": lat})
    incidents.import_frame(session, frame, actor="test", now=now())
    session.commit()
    monkeypatch.setenv("WANGGE_DATABASE_URL", database_url)
    return lambda *words: CliRunner().invoke(app, ["borders", *map(str, words)])


def test_a_table_on_stdout_and_as_files(run, tmp_path):
    done = run()
    assert done.exit_code == DONE, done.output
    rows = list(csv.DictReader(io.StringIO(done.stdout.lstrip("\ufeff"))))
    assert [(row["codes"].split(), row["total"]) for row in rows] == [
        ([WEST + "001", WEST + "002"], "2"),
        ([EAST + "002", EAST + "003"], "1"),
    ]
    assert "2 in doubt" in done.stderr
    lines = tmp_path / "borders.geojson"
    assert run("--area", WEST, "-o", lines).exit_code == DONE
    (feature,) = json.loads(lines.read_text())["features"]
    assert (feature["geometry"]["type"], feature["properties"]["total"]) == ("LineString", 2)
    book = tmp_path / "borders.xlsx"
    assert run("--within", 5, "-o", book).exit_code == DONE
    assert book.read_bytes().startswith(b"PK")


def test_a_wrong_word_is_wrong_use(run):
    for words, said in [
        (["-o", "borders.pdf"], "the ending says the format"),
        (["--since", "yesterday"], "yesterday"),
        (["--within", "0"], "--within"),
        (["--level", "street"], "street"),
    ]:
        done = run(*words)
        assert done.exit_code == WRONG_USE
        assert said in done.output + done.stderr
