"""The browser packages and our own files, checked before they are served."""

import json
import shutil

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.web import assets, packages
from api.web.assets import AssetsError
from api.web.templating import script_json


@pytest.fixture
def copy(tmp_path):
    """A copy of the installed browser packages."""
    target = tmp_path / "vendor"
    shutil.copytree(packages.VENDOR, target)
    return target


def test_every_file_is_pinned_licensed_and_hashed():
    entries = json.loads((packages.VENDOR / packages.MANIFEST).read_text())["files"]
    assert len(entries) == len(packages.FILES)
    assert {entry["licence"] for entry in entries} <= {"BSD-2-Clause", "Apache-2.0", "MIT"}
    pinned = json.loads((packages.WEB / "package.json").read_text())["dependencies"]
    assert all(entry["version"] == pinned[entry["package"]] for entry in entries)
    assert all(version[0].isdigit() for version in pinned.values())


def test_the_lock_names_no_registry():
    lock = json.loads((packages.WEB / "package-lock.json").read_text())
    assert "resolved" not in json.dumps(lock)
    assert all("integrity" in package for name, package in lock["packages"].items() if name)


def test_what_is_installed_is_current_until_a_version_or_a_file_changes(copy):
    assert packages.current(copy)
    (copy / "leaflet" / "dist" / "leaflet.js").unlink()
    assert not packages.current(copy)
    assert not packages.current(copy / "nowhere")


def test_an_altered_file_is_refused(copy):
    (copy / "leaflet" / "dist" / "leaflet.js").write_text("alert(1)")
    with pytest.raises(AssetsError, match="altered since it was installed"):
        assets.read(copy)


def test_a_missing_file_or_manifest_says_what_to_run(copy):
    (copy / "leaflet" / "dist" / "leaflet.js").unlink()
    with pytest.raises(AssetsError, match=r"leaflet\.js is missing; run: python -m api\.web\.packages"):
        assets.read(copy)
    (copy / packages.MANIFEST).unlink()
    with pytest.raises(AssetsError, match=r"not installed; run: python -m api\.web\.packages"):
        assets.read(copy)


def test_npm_missing_is_said(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(packages.PackagesError, match="apt-get install npm"):
        packages.install(tmp_path / "vendor")
    assert not (tmp_path / "vendor").exists()


def test_an_address_changes_with_its_content():
    one, other = (assets.Asset("static/a.css", content) for content in (b"a{}", b"b{}"))
    assert one.href != other.href
    assert one.href.startswith("/assets/static/a.css?v=")


@given(st.recursive(st.text() | st.integers(-(2**53), 2**53), st.lists))
def test_json_in_a_script_comes_back_whole_and_holds_no_markup(value):
    text = script_json(value)
    assert orjson.loads(str(text)) == value
    assert not set("<>&\u2028\u2029") & set(text)
