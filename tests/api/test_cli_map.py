"""`wangge map`: files that are right by their own ending."""

import pandas as pd
import pytest
from typer.testing import CliRunner

from api.cli.main import app
from api.dependencies import now
from layers import incidents
from tests import walking_city

DONE, WRONG_USE = 0, 2


@pytest.fixture
def run(session, database_url, monkeypatch):
    walking_city.build(session)
    monkeypatch.setenv("WANGGE_DATABASE_URL", database_url)
    return lambda *words: CliRunner().invoke(app, ["map", *map(str, words)])


@pytest.mark.parametrize("kind", ["grids", "coverage", "incidents", "borders"])
@pytest.mark.parametrize(("suffix", "begins"), [(".html", b"<!DOCTYPE html>"), (".png", b"\x89PNG")])
def test_a_map_is_written(run, tmp_path, kind, suffix, begins):
    file = tmp_path / f"map{suffix}"
    done = run(kind, "-o", file, "--lang", "en", "--minutes", 10)
    assert done.exit_code == DONE, done.output
    assert file.read_bytes().startswith(begins)
    assert "revision 1" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["grids", "-o", "map.pdf"], "the ending says the format"),
        (["coverage", "-o", "map.png", "--minutes", "7"], "none of 5, 10, 15"),
        (["streets", "-o", "map.png"], "streets"),
        (["grids"], "--output"),
    ],
    ids=["format", "minutes", "kind", "output"],
)
def test_a_wrong_word_is_wrong_use(run, words, said):
    done = run(*words)
    assert done.exit_code == WRONG_USE
    assert said in done.output + done.stderr


def test_incidents_travel_without_anything_personal(run, session, tmp_path):
    frame = pd.DataFrame(
        {
            "category": ["E0101"],
            "reported_at": [now()],
            "description": ["王某某反映"],
            "reporter_name": ["王某某"],
            "reporter_phone": ["13800000000"],
            "lon": [114.251],
            "lat": [30.501],
        }
    )
    incidents.import_frame(session, frame, actor="test", now=now())
    session.commit()
    file = tmp_path / "incidents.html"
    assert run("incidents", "-o", file).exit_code == DONE
    text = file.read_text()
    assert '"data-incidents"' in text
    assert "王某某" not in text
    assert "13800000000" not in text
