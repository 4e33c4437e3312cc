"""The README's commands do what it says."""

import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from tests.e2e.conftest import WANGGE, Demo

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
EXAMPLES = [
    line.strip()
    for block in re.findall(r"```sh\n(.*?)```", README.split("## Your own city")[0], re.DOTALL)
    for line in block.splitlines()
    if line.startswith(("curl ", "wangge "))
]


def _run(demo: Demo, line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    words = shlex.split(line.replace("http://127.0.0.1:8000", demo.url))
    if words[0] == "wangge":
        words[0] = str(WANGGE)
    else:
        # The example shows the plainest call; a failing reply must fail here.
        words[1:1] = ["--fail"]
    return subprocess.run(
        words, capture_output=True, text=True, env=demo.environment, cwd=folder, check=False, timeout=120
    )


def test_there_is_an_example_for_each_user():
    assert len(EXAMPLES) >= 4


@pytest.mark.parametrize("line", EXAMPLES)
def test_an_example_runs(demo: Demo, tmp_path: Path, line: str):
    done = _run(demo, line, tmp_path)
    assert done.returncode == 0, done.stderr
    if line.startswith("curl"):
        assert json.loads(done.stdout)
    for written in re.findall(r"-o (\S+)", line):
        if line.startswith("wangge"):
            assert (tmp_path / written).stat().st_size > 0


def test_the_dispatchers_example_lies_in_a_grid(demo: Demo, tmp_path: Path):
    line = next(line for line in EXAMPLES if "/api/locate" in line)
    reply = json.loads(_run(demo, line, tmp_path).stdout)
    assert reply["rule"] == "inside"
    assert reply["posts"]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_the_documents_it_leads_to_are_there(document: Path):
    for path in re.findall(r"\]\(([^)#:]+)\)", document.read_text(encoding="utf-8")):
        assert (document.parent / path).exists(), path
