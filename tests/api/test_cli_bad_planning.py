"""What planners may get wrong at the command line: named in a few lines, with the exit code of each."""

import sys

import pytest
from shapely.affinity import translate

from api.cli import main
from tests import paper_city, walking_city
from tests.api.test_bad_planning import publish
from tests.paper_city import EAST

MARKET = ["--type", "fresh_market", "--minutes", "5"]
QUESTIONS = [
    ["coverage", *MARKET],
    ["coverage", "gaps", *MARKET],
    ["map", "coverage", "--type", "fresh_market", "-o", "{folder}/map.png"],
]


@pytest.fixture
def wangge(monkeypatch, capfd, database_url, tmp_path):
    """Run the command line as the shell does; returns its exit code and what it said on stderr."""
    monkeypatch.setattr(main.logs, "configure", lambda: None)
    monkeypatch.setattr(main.signal, "signal", lambda *_: None)
    monkeypatch.setattr(main.kernels, "are_compiled", lambda: True)
    monkeypatch.setenv("WANGGE_DATABASE_URL", database_url)

    def run(words):
        arguments = [word.format(folder=tmp_path) for word in words]
        monkeypatch.setattr(sys, "argv", ["wangge", *arguments])
        with pytest.raises(SystemExit) as left:
            main.run()
        said = capfd.readouterr().err
        assert "Traceback" not in said
        return left.value.code, " ".join(said.split())

    return run


def test_what_cannot_be_answered_fails_and_is_named(wangge, session):
    for words in QUESTIONS:
        code, said = wangge(words)
        assert (code, "import" in said) == (main.FAILED, True)
    publish(session, streets=None)
    for words in QUESTIONS:
        code, said = wangge(words)
        assert (code, "layer-empty" in said) == (main.FAILED, True)
    streets = walking_city.streets()
    moved = [translate(line, 0.5, 0.0) for line in streets.geometry]
    paper_city.publish(session, {"streets": streets.set_geometry(moved, crs=4326)})
    for words in QUESTIONS:
        code, said = wangge(words)
        assert (code, "streets of another place" in said) == (main.FAILED, True)


def test_minutes_and_types_that_do_not_exist_are_wrong_use(wangge):
    for command in (["coverage"], ["coverage", "gaps"]):
        for minutes in ("0", "300", "-5", "9" * 5000):
            code, said = wangge([*command, "--type", "zoo", f"--minutes={minutes}"])
            assert code == main.WRONG_USE
            assert "'zoo'" in said
            assert minutes[:9] in said


def test_what_no_street_reaches_is_named_and_the_rest_is_told(wangge, session, tmp_path):
    publish(session)
    for words in QUESTIONS[:2]:
        code, said = wangge([*words, "-o", "{folder}/out.csv"])
        assert (code, EAST + "C01" in said) == (main.WITH_REJECTS, True)
        assert (tmp_path / "out.csv").read_bytes()
