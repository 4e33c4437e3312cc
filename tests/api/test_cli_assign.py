"""`wangge assign`, and that all roads to an answer agree, on the paper city."""

import csv
import io
import json
import os
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
import shapely
import typer
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from api.app import create_app
from api.cli import assign
from geo import crs
from layers import located
from layers.errors import BeforeHistory
from layers.files.rejects import OF_POINTS
from tests import paper_city as city


@pytest.fixture
def built(session, database_url, monkeypatch):
    city.build(session)
    monkeypatch.setenv("WANGGE_DATABASE_URL", database_url)
    monkeypatch.delenv("WANGGE_DEFAULT_DATUM", raising=False)
    return session


@pytest.fixture
def run():
    app = typer.Typer()
    app.command()(assign.assign_points)

    def run(*words, **options):
        return CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False, **options)

    return run


def write(path, places, names=("lon", "lat")):
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["n", *names])
        rows.writerows([n, *place] for n, place in enumerate(places))
    return path


PAPER = [(1, 1), (4, 2), (12, 6), (8.1, 1.5), (60, 60)]
PLACES = [city.point(*place) for place in PAPER]
RULES = ["inside", "border", "overlap", "nearest", "none"]


@pytest.mark.usefixtures("built")
def test_counts_and_columns(run, tmp_path):
    source = write(tmp_path / "事件.csv", PLACES, ("经度", "纬度"))
    out = tmp_path / "out.csv"
    result = run(source, "-o", out, "--datum", "wgs84", "--margin")
    assert result.exit_code == 0, result.output
    assert "5 in = 4 assigned + 1 unassigned + 0 rejected" in result.stderr
    assert result.stdout == ""
    rows = pd.read_csv(out)
    added = ["area_code", "rule", "distance_m", "margin_m", "neighbour_code", "error"]
    assert list(rows) == ["n", "经度", "纬度", *added]
    assert list(rows["rule"]) == RULES


@pytest.mark.usefixtures("built")
def test_rejects_are_listed_and_counted(run, tmp_path):
    source = write(tmp_path / "in.csv", [*PLACES, ("", ""), ("x", 1), (30.5, 114.3)])
    out, bad = tmp_path / "out.csv", tmp_path / "bad.csv"
    result = run(source, "-o", out, "--crs", "wgs84", "--rejects", bad)
    assert result.exit_code == 1
    assert "8 in = 4 assigned + 1 unassigned + 3 rejected" in result.stderr
    rejects = pd.read_csv(bad)
    assert list(rejects) == ["n", "lon", "lat", *OF_POINTS]
    assert list(rejects["reject_row"]) == [6, 7, 8]
    assert list(rejects["reject_kind"]) == [
        "coordinate-missing", "coordinate-not-a-number", "coordinate-swapped",
    ]  # fmt: skip
    assert list(rejects["reject_column"]) == ["lon, lat"] * 3
    assert list(rejects["reject_value"]) == [", ", "x, 1", "30.5, 114.3"]
    assert list(pd.read_csv(out)["rule"][5:]) == ["rejected"] * 3


@pytest.mark.usefixtures("built")
def test_refused_when_most_points_are_outside(run, tmp_path):
    random = np.random.default_rng(2)
    lon, lat = np.array([city.point(*place) for place in random.uniform(0.5, 3.5, (50, 2))]).T
    x, y = crs.from_lonlat(lon, lat, crs.parse("gcj02"))
    source = write(tmp_path / "in.csv", list(zip(x.tolist(), y.tolist(), strict=True)))
    out = tmp_path / "out.csv"
    result = run(source, "-o", out, "--crs", "wgs84")
    assert result.exit_code == 2
    assert "gcj02 0%" in " ".join(result.stderr.split())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.csv"]
    assert run(source, "-o", out, "--crs", "wgs84", "--accept-outside").exit_code == 0
    assert run(source, "-o", out, "--crs", "gcj02").exit_code == 0
    assert set(pd.read_csv(out)["rule"]) == {"inside"}


@pytest.mark.usefixtures("built")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "datum-missing"),
        (["--crs", "foo", "--level", "town"], "datum-unknown"),
        (["--crs", "EPSG:4547"], "datum-contradicted"),
        (["--crs", "wgs84", "--lon", "经度"], "field-unknown"),
        (["--crs", "wgs84", "-o", "out.parquet"], "format-unknown"),
        (["--crs", "wgs84", "-o", "out.docx"], "format-unknown"),
    ],
)
def test_wrong_use_writes_nothing(run, tmp_path, words, said):
    source = write(tmp_path / "in.csv", PLACES)
    words = [*(["-o", tmp_path / "out.csv"] if "-o" not in words else []), *words]
    result = run(source, *words)
    assert result.exit_code == 2
    assert said in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]


def test_the_help_teaches(run):
    text = run("--help").stdout
    assert "--crs gcj02" in text
    assert "in = assigned + unassigned + rejected" in " ".join(text.split())


@pytest.mark.usefixtures("built")
def test_progress_without_a_terminal_is_quiet(run, tmp_path):
    result = run(write(tmp_path / "in.csv", PLACES), "-o", tmp_path / "out.csv", "--crs", "wgs84")
    assert len(result.stderr.splitlines()) <= 3


def test_a_file_that_is_not_there(run, tmp_path):
    result = run(tmp_path / "none.csv", "-o", tmp_path / "out.csv", "--crs", "wgs84")
    assert result.exit_code == 2


@pytest.mark.usefixtures("built")
def test_from_stdin_to_stdout(run, tmp_path):
    body = write(tmp_path / "in.csv", [*PLACES, ("x", 1)]).read_bytes()
    result = run("-", "-o", "-", "--format", "csv", "--crs", "wgs84", input=body)
    assert result.exit_code == 1
    rows = csv.DictReader(io.StringIO(result.stdout_bytes.decode()))
    assert [row["rule"] for row in rows] == [*RULES, "rejected"]
    assert "6 in = 4 assigned + 1 unassigned + 1 rejected" in result.stderr
    assert run("-", "-o", "-", "--crs", "wgs84", input=body).exit_code == 2
    refused = run("-", "-o", "-", "--format", "csv", "--crs", "EPSG:4547", input=body)
    assert (refused.exit_code, refused.stdout_bytes) == (2, b"")


@pytest.mark.usefixtures("built")
def test_several_levels_and_a_column_of_times(run, tmp_path):
    source = tmp_path / "in.csv"
    lon, lat = PLACES[0]
    source.write_text(f"t,lon,lat\n2026-03-02,{lon!r},{lat!r}\n2026-02-01,{lon!r},{lat!r}\n")
    out = tmp_path / "out.csv"
    result = run(
        source, "-o", out, "--crs", "wgs84", "--level", "grid", "--level", "community", "--at-column", "t"
    )
    assert result.exit_code == 1
    assert "revisions by row, grid + community as wgs84: 2 in = 1 assigned" in result.stderr
    rows = pd.read_csv(out, dtype=str, keep_default_na=False)
    assert list(rows["community_code"]) == [city.WEST, ""]
    assert list(rows["grid_rule"]) == ["inside", "rejected"]
    with pytest.raises(BeforeHistory):
        run(source, "-o", out, "--crs", "wgs84", "--at", "2026-02-01")


@pytest.mark.usefixtures("built")
@pytest.mark.parametrize("kind", ["geojson", "parquet", "xlsx"])
def test_rejects_of_every_format_are_a_table_with_their_columns(run, tmp_path, kind):
    lon, lat = PLACES[0]
    frame = pd.DataFrame({"n": ["007", "008"], "lon": [lon, None], "lat": [lat, lat]})
    source, out, bad = tmp_path / f"in.{kind}", tmp_path / f"out.{kind}", tmp_path / "bad.csv"
    if kind == "geojson":
        point = {"type": "Point", "coordinates": [lon, lat]}
        features = [
            {"type": "Feature", "properties": {"n": n}, "geometry": g}
            for n, g in (("007", point), ("008", None))
        ]
        source.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    elif kind == "parquet":
        frame.to_parquet(source)
    else:
        frame.to_excel(source, index=False)
    result = run(source, "-o", out, "--crs", "wgs84", "--rejects", bad)
    assert result.exit_code == 1, result.stderr
    (reject,) = csv.DictReader(io.StringIO(bad.read_text("utf-8-sig")))
    place = "geometry" if kind == "geojson" else "lon, lat"
    assert (reject["n"], reject["reject_row"], reject["reject_column"]) == ("008", "2", place)
    assert reject["reject_kind"] == ("geometry-missing" if kind == "geojson" else "coordinate-missing")
    assert out.stat().st_size


@pytest.mark.usefixtures("built")
def test_a_file_that_breaks_off_half_way_leaves_nothing(run, tmp_path):
    source, out = write(tmp_path / "in.csv", PLACES * 9), tmp_path / "out.csv"
    source.write_bytes(source.read_bytes() + b'"x,1,2\n')
    out.write_text("from before")
    result = run(source, "-o", out, "--crs", "wgs84", "--rejects", tmp_path / "bad.csv")
    assert result.exit_code == 2
    assert "Line 47" in result.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.csv", "out.csv"]
    assert out.read_text() == "from before"


@pytest.mark.usefixtures("built")
def test_killed_half_way_it_leaves_the_output_alone(database_url, tmp_path):
    """The road of a user who presses Ctrl-C, in a process of its own."""
    source, out = write(tmp_path / "in.csv", PLACES), tmp_path / "out.csv"
    out.write_text("from before")
    environment = {**os.environ, "WANGGE_DATABASE_URL": database_url}
    command = [
        sys.executable,
        "-c",
        "from api.cli.main import run; run()",
        "assign",
        "-",
        "-o",
        str(out),
        "--format",
        "csv",
        "--crs",
        "wgs84",
    ]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as process:
        process.stdin.write(source.read_bytes())
        process.stdin.flush()
        # It has opened its output, and waits for more.
        while not list(tmp_path.glob(".out.csv.*")):
            assert process.poll() is None
            time.sleep(0.05)
        process.terminate()
        process.stdin.close()
        assert process.wait() == 3
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.csv", "out.csv"]
    assert out.read_text() == "from before"


# --- all roads --------------------------------------------------------------------------------------------


def adversarial():
    """Corners, middles and thirds of every grid's edges, with their last-bit neighbours, and points anywhere."""
    shapes = city.grids(city.GRIDS).geometry.to_numpy()
    corners, ring = shapely.get_coordinates(shapely.get_rings(shapely.get_parts(shapes)), return_index=True)
    first = np.flatnonzero(ring[:-1] == ring[1:])
    a, b = corners[first], corners[first + 1]
    special = np.unique(np.concatenate([corners, (a + b) / 2, a + (b - a) / 3]), axis=0)
    random = np.random.default_rng(11)
    near = [
        np.column_stack([np.nextafter(special[:, 0], dx), np.nextafter(special[:, 1], dy)])
        for dx, dy in [(-360, -90), (360, 90), (-360, 90)]
    ]
    anywhere = np.array([city.point(*place) for place in random.uniform(-1, 15, (60, 2))])
    return np.concatenate([special, *near, anywhere])


@pytest.fixture
def trusting(settings):
    """The application as it ships: it answers from memory, without asking for the revision every time."""
    with TestClient(create_app(settings, open_reading=True)) as client:
        yield client


@pytest.mark.parametrize("datum", ["wgs84", "gcj02", "EPSG:4547"])
@pytest.mark.parametrize("level", ["grid", "district"])
def test_all_roads_agree(*, built, trusting, run, tmp_path, datum, level):
    trusting.app.state.runtime.snapshots.refresh()
    x, y = crs.from_lonlat(*adversarial().T, crs.parse(datum))
    # Decided once, by geo.assign, from the coordinates as they are stated.
    areas = located.load_areas(built, 1, level=level)
    expected = areas.index.assign(*crs.to_lonlat(x, y, crs.parse(datum)), margin=True)
    answers = [
        (code, str(rule), located.number(distance), located.number(margin))
        for code, rule, distance, margin in zip(
            expected.area_code, expected.rule_name, expected.distance_m, expected.margin_m, strict=True
        )
    ]
    if level == "grid" and datum == "wgs84":
        assert {rule for _, rule, _, _ in answers} == set(RULES)

    places = list(zip(x.tolist(), y.tolist(), strict=True))
    options = ["--crs", datum, "--level", level, "--margin", "--accept-outside"]
    source = write(tmp_path / "in.csv", [(repr(a), repr(b)) for a, b in places])
    assert run(source, "-o", tmp_path / "out.csv", *options).exit_code == 0
    assert from_csv((tmp_path / "out.csv").read_bytes()) == answers

    query = {"datum": datum, "level": level, "margin": True}
    csv_reply = trusting.post(
        "/api/locate", params=query, content=source.read_bytes(), headers={"Content-Type": "text/csv"}
    )
    assert csv_reply.content == (tmp_path / "out.csv").read_bytes()
    features = [
        {"type": "Feature", "properties": {}, "geometry": {"type": "Point", "coordinates": place}}
        for place in places
    ]
    body = json.dumps({"type": "FeatureCollection", "features": features})
    reply = trusting.post(
        "/api/locate", params=query, content=body, headers={"Content-Type": "application/geo+json"}
    )
    assert [tuple(one["properties"][name] for name in NAMES) for one in reply.json()["features"]] == answers
    buffer = io.BytesIO()
    pd.DataFrame({"lon": x, "lat": y}).to_parquet(buffer)
    headers = {"Content-Type": "application/vnd.apache.parquet"}
    reply = trusting.post("/api/locate", params=query, content=buffer.getvalue(), headers=headers)
    rows = pd.read_parquet(io.BytesIO(reply.content))[list(NAMES)].astype(object)
    assert [tuple(row) for row in rows.where(rows.notna(), None).itertuples(index=False)] == answers

    for k, (lon, lat) in enumerate(places):
        one = trusting.get(
            "/api/locate", params={"lon": repr(lon), "lat": repr(lat), "datum": datum, "level": level}
        ).json()
        single = (one["area"] and one["area"]["code"], one["rule"], one["distance_m"], one["margin_m"])
        assert single == answers[k]
        assert one["candidates"] == expected.candidates(k)


NAMES = ("area_code", "rule", "distance_m", "margin_m")


def from_csv(body):
    rows = csv.DictReader(io.StringIO(body.decode()))
    return [
        (row["area_code"] or None, row["rule"], *(float(row[n]) if row[n] else None for n in NAMES[2:]))
        for row in rows
    ]
