"""`GET /api/streets/report`, as clients see it."""

import io

import geopandas as gpd
import pandas as pd
import pytest
import shapely
import typer
from typer.testing import CliRunner

from api.cli import check
from layers.publishing import Change
from tests import paper_city, walking_city
from tests.paper_city import EAST, on_map

#: A path that stops 0.02 steps, 2 m, short of the street above, and a street across without a node.
PATH = shapely.LineString([(9, 1.5), (9, 3.98)])
ACROSS = shapely.LineString([(11, 3), (11, 5)])


@pytest.fixture
def walked(session, open_client):
    walking_city.build(session)
    streets = walking_city.streets()
    more = streets.iloc[:2].copy()
    more["code"] = ["P1", "P2"]
    more = more.set_geometry([on_map(PATH), on_map(ACROSS)], crs=4326)
    more.index = paper_city.identifiers("streets", more["code"])
    paper_city.publish(session, {"streets": Change(more)})
    session.commit()
    open_client.app.state.runtime.snapshots.refresh()
    return open_client


def test_every_defect_with_its_place_and_what_to_do(walked):
    body = walked.get("/api/streets/report").json()
    assert body["counts"] == {
        "street-island": 2, "street-dangling": 1, "street-crossing": 1, "unreachable": 1,
    }  # fmt: skip
    rows = {(row["kind"], " ".join(sorted(row["codes"].split()))): row for row in body["rows"]}
    dangling = rows["street-dangling", "P1 S1"]
    assert dangling["size"] == pytest.approx(2.2, abs=0.2)
    assert (dangling["lon"], dangling["lat"]) == pytest.approx(paper_city.point(9, 3.98), abs=1e-6)
    assert dangling["map"].startswith("/streets?kind=street-dangling&near=114.")
    assert dangling["suggestion"].startswith("将端点延伸")
    assert rows["unreachable", EAST + "C01"]["layer"] == "compounds"
    assert rows["street-crossing", "P2 S1"]["unit"] == "count"


def test_limits_and_kinds(walked):
    near = walked.get("/api/streets/report?dangling_m=1&snapped_m=250").json()
    assert set(near["counts"]) == {"street-island", "street-crossing", "unreachable"}
    assert walked.get("/api/streets/report?snapped_m=10").json()["counts"]["snapped-far"] >= 1
    only = walked.get("/api/streets/report?kind=street-crossing").json()
    assert only["counts"] == {"street-crossing": 1}
    for wrong in ("kind=hole", "dangling_m=0", "dangling_m=900", "snapped_m=soon"):
        reply = walked.get(f"/api/streets/report?{wrong}")
        assert reply.status_code == 422, wrong
        assert reply.json()["errors"][0]["field"] == wrong.split("=")[0]


def test_every_format_and_the_state_before(walked):
    for word, start in (("csv", b"kind"), ("xlsx", b"PK"), ("geojson", b'{"type"')):
        reply = walked.get(f"/api/streets/report?format={word}")
        assert (reply.status_code, reply.headers["Wangge-Revision"]) == (200, "2")
        assert reply.content.removeprefix(b"\xef\xbb\xbf").startswith(start)
    first = walked.get(f"/api/streets/report?at={paper_city.NOW.isoformat().replace('+', '%2B')}").json()
    assert first["revision"] in {1, 2}


def test_an_empty_database_says_what_to_import(open_client):
    reply = open_client.get("/api/streets/report")
    assert reply.status_code == 404
    assert "import" in reply.text


def test_the_command_says_the_same(walked, database_url, monkeypatch, tmp_path):
    app = typer.Typer()
    app.command("check")(check.check_layer)
    app.command("other")(check.check_layer)
    monkeypatch.setenv("WANGGE_DATABASE_URL", database_url)
    done = CliRunner().invoke(app, ["check", "streets"])
    rows = pd.read_csv(io.BytesIO(done.stdout_bytes))
    assert done.exit_code == 1
    assert rows["kind"].value_counts().to_dict() == walked.get("/api/streets/report").json()["counts"]
    path = tmp_path / "streets.gpkg"
    CliRunner().invoke(app, ["check", "streets", "-o", str(path), "--dangling", "1"])
    assert "street-dangling" not in set(gpd.read_file(path)["kind"])
