"""Kernels are compiled once for all processes, and anew when any source has changed."""

import threading
import time
from types import SimpleNamespace

import pytest

from api import kernels


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package whose compiling takes a moment and is counted."""
    (tmp_path / "rules.py").write_text("one = 1")
    (tmp_path / "streets").mkdir()
    (tmp_path / "streets" / "search.py").write_text("one = 1")
    compiled = []

    def compile_kernels():
        compiled.append(len(list(tmp_path.rglob("*.nbi"))))
        time.sleep(0.05)
        for folder in (tmp_path, tmp_path / "streets"):
            (folder / "__pycache__").mkdir(exist_ok=True)
            (folder / "__pycache__" / "ask-1.py311.nbi").write_bytes(b"compiled")

    monkeypatch.setattr(kernels, "_PACKAGES", (tmp_path,))
    monkeypatch.setattr(kernels, "_SUBJECTS", ((SimpleNamespace(compile_kernels=compile_kernels),),))
    return SimpleNamespace(folder=tmp_path, compiled=compiled)


def test_kernels_of_the_same_sources_are_kept(package):
    kernels.compile_all()
    kernels.compile_all()
    assert len(package.compiled) == 1


@pytest.mark.parametrize("source", ["rules.py", "callee.py", "streets/search.py"])
def test_kernels_are_compiled_anew_when_any_file_changes(package, source):
    kernels.compile_all()
    (package.folder / source).write_text("two = 2")
    kernels.compile_all()
    assert package.compiled == [0, 0], "nothing compiled of older sources was left"


def test_kernels_of_unknown_sources_are_dropped(package):
    (package.folder / "__pycache__").mkdir()
    (package.folder / "__pycache__" / "ask-1.py311.nbi").write_bytes(b"of another day")
    kernels.compile_all()
    assert package.compiled == [0]


def test_of_several_that_begin_at_once_one_compiles(package):
    starting = [threading.Thread(target=kernels.compile_all) for _ in range(4)]
    for thread in starting:
        thread.start()
    for thread in starting:
        thread.join()
    assert len(package.compiled) == 1


def test_a_folder_that_cannot_be_written_to_stops_nobody(package, monkeypatch):
    (package.folder / "__pycache__").write_text("no folder")
    monkeypatch.setattr(
        kernels, "_SUBJECTS", ((SimpleNamespace(compile_kernels=lambda: package.compiled.append(0)),),)
    )
    kernels.compile_all()
    assert package.compiled == [0]


def test_what_a_process_beside_does_not_compile_is_compiled_here(package, monkeypatch):
    class Killed:
        exitcode = -9

        def __init__(self, *, target, args):
            self.asked = target, args

        def start(self):
            """Die at once."""

        def join(self):
            """Be dead."""

    beside = SimpleNamespace(Process=Killed)
    monkeypatch.setattr(kernels.multiprocessing, "get_context", lambda _: beside)
    monkeypatch.setattr(kernels, "_SUBJECTS", kernels._SUBJECTS * 2)
    kernels.compile_all()
    assert len(package.compiled) == 2
