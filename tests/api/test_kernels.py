"""Compiled kernels are dropped where a source has changed, and only there."""

import pytest

from api import kernels


@pytest.fixture
def package(tmp_path, monkeypatch):
    (tmp_path / "rules.py").write_text("one = 1")
    monkeypatch.setattr(kernels, "_PACKAGES", (tmp_path,))
    return tmp_path


def compiled(package):
    index = package / "__pycache__" / "rules.ask-1.py311.nbi"
    index.parent.mkdir(exist_ok=True)
    index.write_bytes(b"compiled")
    return index


def test_kernels_made_of_the_same_sources_are_kept(package):
    kernels.drop_stale()
    index = compiled(package)
    kernels.drop_stale()
    assert index.exists()


def test_kernels_are_dropped_when_any_file_of_their_package_changes(package):
    kernels.drop_stale()
    index = compiled(package)
    (package / "callee.py").write_text("two = 2")
    kernels.drop_stale()
    assert not index.exists()


def test_kernels_are_dropped_when_a_file_of_a_package_within_changes(package):
    within = package / "streets"
    within.mkdir()
    (within / "search.py").write_text("one = 1")
    kernels.drop_stale()
    index, inner = compiled(package), compiled(within)
    (within / "search.py").write_text("two = 2")
    kernels.drop_stale()
    assert not index.exists()
    assert not inner.exists()


def test_kernels_of_unknown_sources_are_dropped(package):
    index = compiled(package)
    kernels.drop_stale()
    assert not index.exists()
