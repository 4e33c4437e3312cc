"""`wangge assign`, and that all roads to an answer agree, on the paper city."""

import csv
import io
import json

import numpy as np
import pandas as pd
import pytest
import shapely
import typer
from typer.testing import CliRunner

from api.cli import assign
from geo import crs
from layers import located
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

    def run(*words):
        return CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)

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


@pytest.mark.parametrize("datum", ["wgs84", "gcj02", "EPSG:4547"])
@pytest.mark.parametrize("level", ["grid", "district"])
def test_all_roads_agree(*, built, open_client, run, tmp_path, datum, level):
    open_client.app.state.runtime.snapshots.refresh()
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
    csv_reply = open_client.post(
        "/api/locate", params=query, content=source.read_bytes(), headers={"Content-Type": "text/csv"}
    )
    assert csv_reply.content == (tmp_path / "out.csv").read_bytes()
    features = [
        {"type": "Feature", "properties": {}, "geometry": {"type": "Point", "coordinates": place}}
        for place in places
    ]
    body = json.dumps({"type": "FeatureCollection", "features": features})
    reply = open_client.post(
        "/api/locate", params=query, content=body, headers={"Content-Type": "application/geo+json"}
    )
    assert [tuple(one["properties"][name] for name in NAMES) for one in reply.json()["features"]] == answers
    buffer = io.BytesIO()
    pd.DataFrame({"lon": x, "lat": y}).to_parquet(buffer)
    headers = {"Content-Type": "application/vnd.apache.parquet"}
    reply = open_client.post("/api/locate", params=query, content=buffer.getvalue(), headers=headers)
    rows = pd.read_parquet(io.BytesIO(reply.content))[list(NAMES)].astype(object)
    assert [tuple(row) for row in rows.where(rows.notna(), None).itertuples(index=False)] == answers

    for k, (lon, lat) in enumerate(places):
        one = open_client.get(
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
