"""`wangge`: what a wrong word or a failure on the command line answers."""

import sys

import pytest

from api.cli import main


@pytest.fixture
def wangge(monkeypatch, capfd):
    """Run the command line as the shell does; returns its exit code and what it said on stderr."""
    # What it sets for its whole process would outlive the test.
    monkeypatch.setattr(main.logs, "configure", lambda: None)
    monkeypatch.setattr(main.signal, "signal", lambda *_: None)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["wangge", *arguments])
        with pytest.raises(SystemExit) as left:
            main.run()
        return left.value.code, capfd.readouterr().err

    return run


@pytest.mark.parametrize(
    "words",
    [
        ["nonsense"],
        ["assign", "--nonsense"],
        ["assign", "nowhere.csv", "-o", "out.csv"],
        ["map", "nonsense", "-o", "out.png"],
        ["map", "grids", "-o", "out.pdf"],
        ["export", "grids"],
    ],
    ids=" ".join,
)
def test_wrong_use_is_told_in_a_few_lines_and_exits_with_2(wangge, words):
    code, said = wangge(*words)
    assert code == main.WRONG_USE
    assert said
    assert "Traceback" not in said


def test_help_is_done(wangge):
    assert wangge("--help")[0] == main.DONE


def test_what_nobody_foresaw_failed_and_is_shown_whole(wangge, monkeypatch):
    def unforeseen(**_):
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr(main, "app", unforeseen)
    code, said = wangge("doctor")
    assert code == main.FAILED
    assert "ZeroDivisionError: by zero" in said
