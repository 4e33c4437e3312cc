"""History over HTTP: what changed, who drew what, and taking it back."""

import io
import zipfile
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import pytest
from shapely import box

from layers import history, incidents
from layers.publishing import Change
from tests import paper_city as city

SECOND, FIRST, NEW = city.WEST + "002", city.WEST + "001", city.WEST + "009"


@pytest.fixture
def built(session):
    """1: the city; 2: a border moved; 3: a grid split in two."""
    city.build(session)
    city.publish(session, {"grids": city.grids({SECOND: box(0, 0, 3, 4), FIRST: box(3, 0, 8, 4)})})
    city.publish(session, {"grids": city.grids({FIRST: box(3, 0, 6, 4), NEW: box(6, 0, 8, 4)})})
    return session


@pytest.fixture
def editor(sign_in):
    return sign_in("editor")


def undo(client, number, way, headers, note="划错了", **more):
    return client.post(f"/api/revisions/{number}/{way}", json={"note": note}, headers={**headers, **more})


# --- reading ---------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("built")
def test_one_revision(open_client):
    found = open_client.get("/api/revisions/3").json()
    assert (found["number"], found["layers"]) == (3, ["grids"])
    assert open_client.get("/api/revisions/9").status_code == 404


@pytest.mark.usefixtures("built")
def test_a_diff_lists_features_and_land(open_client):
    found = open_client.get("/api/revisions/1/diff/2").json()
    (layer,) = found["layers"]
    assert layer["counts"] == {"added": 0, "removed": 0, "moved": 2, "nodes": 0, "attributes": 0}
    assert {row["code"] for row in layer["changes"]} == {FIRST, SECOND}
    (land,) = layer["land"]
    assert (land["from_code"], land["to_code"]) == (SECOND, FIRST)
    grown = {row["code"]: row["grown_m2"] for row in layer["changes"]}
    assert grown[FIRST] == pytest.approx(land["area_m2"], abs=0.2) == -grown[SECOND]


@pytest.mark.usefixtures("built")
def test_a_diff_as_features_has_both_states(open_client):
    reply = open_client.get("/api/revisions/2/diff/3?layer=grids", headers={"Accept": "application/geo+json"})
    features = reply.json()["features"]
    states = {(f["properties"]["what"], f["properties"]["state"], f["properties"]["code"]) for f in features}
    assert states == {
        ("change", "before", FIRST),
        ("change", "after", FIRST),
        ("change", "after", NEW),
        ("land", None, None),
    }
    assert all(feature["geometry"] for feature in features)
    assert features[0]["properties"]["attributes"]["name"]


@pytest.mark.usefixtures("built")
def test_attributes_are_told_before_and_after(session, open_client):
    renamed = city.grids({NEW: box(6, 0, 8, 4)}).assign(name="河东网格")
    city.publish(session, {"grids": renamed})
    (layer,) = open_client.get("/api/revisions/3/diff/4").json()["layers"]
    assert layer["changes"][0]["values"] == {"name": ["grids 009", "河东网格"]}
    assert layer["land"] == []


@pytest.mark.usefixtures("built")
@pytest.mark.parametrize("format", ["csv", "xlsx"])
def test_a_diff_as_a_table(open_client, format):  # noqa: A002 - the parameter's name
    reply = open_client.get(f"/api/revisions/0/diff/3?format={format}")
    assert reply.status_code == 200
    assert "attachment" in reply.headers["content-disposition"]
    if format == "csv":
        assert len(reply.text.splitlines()) == 1 + 17


@pytest.mark.usefixtures("built")
def test_a_diff_of_nothing_and_of_the_unknown(open_client):
    assert open_client.get("/api/revisions/3/diff/3").json()["layers"] == []
    assert open_client.get("/api/revisions/3/diff/3?format=geojson").json()["features"] == []
    assert open_client.get("/api/revisions/3/diff/3?format=csv").status_code == 200
    assert open_client.get("/api/revisions/3/diff/9").status_code == 404
    assert open_client.get("/api/revisions/1/diff/3?layer=moons").status_code == 404


@pytest.mark.usefixtures("built")
def test_lineage_and_blame(open_client):
    tree = open_client.get(f"/api/areas/{NEW}/lineage").json()
    assert [(d["revision"], d["from_code"], d["to_code"]) for d in tree["descents"]] == [(3, FIRST, NEW)]
    found = open_client.get(f"/api/areas/{NEW}/blame").json()
    assert {(s["revision"], s["neighbour"]) for s in found["stretches"]} >= {(3, FIRST)}
    lines = open_client.get(f"/api/areas/{NEW}/blame?format=geojson").json()["features"]
    assert {line["geometry"]["type"] for line in lines} == {"LineString"}
    for form in ("csv", "xlsx"):
        assert open_client.get(f"/api/areas/{NEW}/blame?format={form}").status_code == 200
    assert open_client.get("/api/areas/999/lineage").status_code == 404
    assert open_client.get("/api/areas/999/blame").status_code == 404


@pytest.mark.parametrize("code", ["网格一", 'a"b;c', "GRID-1"])
@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_a_file_is_named_by_any_code(open_client, built, code, form):
    city.publish(built, {"grids": city.grids({code: box(20, 0, 24, 4)})})
    reply = open_client.get(f"/api/areas/{code}/blame", params={"format": form})
    assert reply.status_code == 200
    kind, _, name = reply.headers["content-disposition"].partition("; ")
    assert kind == "attachment"
    assert name == (
        f'filename="blame-{code}.{form}"' if code.isascii() and '"' not in code else _encoded(code, form)
    )


def _encoded(code, form):
    return f"filename*=UTF-8''blame-{quote(code, safe='')}.{form}"


@pytest.mark.usefixtures("built")
def test_a_layer_as_it_stood(open_client):
    now = {f["properties"]["code"] for f in open_client.get("/api/layers/grids").json()["features"]}
    reply = open_client.get("/api/layers/grids?revision=1")
    then = {f["properties"]["code"] for f in reply.json()["features"]}
    assert now - then == {NEW}
    assert reply.headers["wangge-revision"] == "1"
    assert open_client.get("/api/layers/grids?at=2026-03-02&format=csv").status_code == 200
    archive = zipfile.ZipFile(
        io.BytesIO(open_client.get("/api/layers/grids?format=shp&crs=EPSG:4547").content)
    )
    assert {"grids.shp", "grids.dbf", "grids.prj"} <= set(archive.namelist())


@pytest.mark.usefixtures("built")
@pytest.mark.parametrize(
    ("query", "status"),
    [("revision=9", 404), ("revision=1&at=2026-03-02", 422), ("at=2020-01-01", 422), ("crs=EPSG:4547", 422)],
)
def test_a_layer_that_cannot_be_sent(open_client, query, status):
    assert open_client.get(f"/api/layers/grids?{query}").status_code == status
    assert open_client.get("/api/layers/moons").status_code == 404


# --- undoing ---------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("built")
def test_a_revert_is_published_with_its_reason(client, editor):
    reply = undo(client, 3, "revert", editor)
    assert reply.status_code == 201
    assert reply.headers["location"] == "/api/revisions/4"
    made = reply.json()
    assert (made["number"], made["note"], made["author"]) == (4, "revert 3: 划错了", "editor-all")
    there = client.get("/api/revisions/2/diff/4", headers=editor).json()
    assert there["layers"] == []


@pytest.mark.usefixtures("built")
def test_what_changed_again_is_named_with_409(client, editor):
    reply = undo(client, 2, "revert", editor)
    assert reply.status_code == 409
    assert [(fault["kind"], fault["id"]) for fault in reply.json()["errors"]] == [("changed-since", FIRST)]


@pytest.mark.usefixtures("built")
def test_a_state_is_restored_once(client, editor):
    assert undo(client, 1, "restore", editor).status_code == 201
    assert undo(client, 1, "restore", editor).status_code == 409


def test_a_repeated_request_publishes_once(client, editor, built):
    key = {"Idempotency-Key": "k1"}
    first, second = (undo(client, 3, "revert", editor, **key) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    assert history.newest(built) == 4
    other = undo(client, 4, "revert", editor, **key)
    assert other.status_code == 409
    assert "another request" in other.json()["detail"]


def test_what_would_be_worse_is_refused_with_the_report(client, editor, built):
    number = city.publish(built, {"grids": city.grids({city.WEST + "004": box(2, 5, 4, 7)})}).revision
    reply = undo(client, number, "revert", editor)
    assert reply.status_code == 422
    assert {fault["kind"] for fault in reply.json()["errors"]} <= {"gap", "gap-enclosed"}
    assert history.newest(built) == number


@pytest.mark.usefixtures("built")
@pytest.mark.parametrize("body", [{}, {"note": "  "}, {"note": "x", "more": 1}, {"note": "x" * 1001}])
def test_a_reason_is_needed(client, editor, body):
    assert client.post("/api/revisions/3/revert", json=body, headers=editor).status_code == 422


@pytest.mark.usefixtures("built")
@pytest.mark.parametrize("role", ["viewer", "worker", "dispatcher", "planner"])
def test_other_roles_may_not(client, sign_in, role):
    headers = sign_in(role)
    assert undo(client, 3, "revert", headers).status_code == 403
    assert undo(client, 3, "restore", headers).status_code == 403


@pytest.mark.usefixtures("built")
def test_a_visitor_may_not_even_in_the_demo(open_client):
    assert undo(open_client, 3, "revert", {}).status_code == 401


def test_areas_limit_what_may_be_undone(client, sign_in, built):
    assert undo(client, 3, "revert", sign_in("reviewer", city.EAST)).status_code == 403
    assert history.newest(built) == 3
    assert undo(client, 3, "revert", sign_in("reviewer", city.WEST)).status_code == 201


def test_incidents_follow(client, editor, built):
    lon, lat = city.point(7, 1)
    report = incidents.Report(category="0101", reported_at=city.NOW, lon=lon, lat=lat)
    filed = incidents.intake(built, report, actor="zhang", now=city.NOW, desk=incidents.Desk(on=city.TERM))
    built.commit()
    assert undo(client, 3, "revert", editor).json()["counts"]["incidents"] == {"moved": 1}
    built.expire_all()
    assert incidents.get(built, filed.incident.id).area_code == FIRST


def test_a_first_import_can_be_taken_back(client, editor, built):
    posts = city.posts([("网格长", "新人", None, "grids", SECOND, None, None)])
    number = city.publish(built, {"posts": Change(posts)}).revision
    assert undo(client, number, "revert", editor).status_code == 201


# --- pages -----------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("built")
def test_pages_show_history(open_client):
    page = open_client.get("/revisions", headers={"Accept": "text/html"})
    assert page.status_code == 200
    assert "修订" in page.text
    assert 'data-way="revert"' not in page.text, "a visitor cannot publish"
    assert "2026-03-01 08:00" in page.text, "the clock on the wall, 8 hours before UTC's"
    shown = open_client.get("/maps/diff.html?from=1&to=3", headers={"Accept": "text/html"})
    assert shown.status_code == 200
    assert "/maps/data/diff.json?from=1" in shown.text
    data = open_client.get("/maps/data/diff.json?from=1&to=3").json()
    assert len(data["changes"]["features"]) == 5
    assert data["left_out"] == 0
    assert open_client.get("/maps/diff.html?to=9").status_code == 404


@pytest.mark.usefixtures("built")
def test_an_editor_sees_the_buttons(client, editor):
    assert 'data-way="revert"' in client.get("/revisions?before=3", headers=editor).text


def test_pages_of_an_empty_database(open_client):
    assert open_client.get("/revisions").status_code == 200
    assert open_client.get("/maps/diff.html").status_code == 200
    assert open_client.get("/api/layers/grids").json()["features"] == []


def test_two_who_take_back_at_once_publish_once(client, editor, built):
    with ThreadPoolExecutor(2) as pool:
        replies = list(pool.map(lambda _: undo(client, 3, "revert", editor), range(2)))
    assert sorted(reply.status_code for reply in replies) == [201, 409]
    assert history.newest(built) == 4
