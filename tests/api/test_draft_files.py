"""Files into drafts and drafts as files, over HTTP: previews, steps, formats, what is refused."""

import io
import zipfile

import geopandas as gpd
import pytest
import shapely
from shapely import box

from api import draft_imports, table_formats
from api.maps import diff
from geo import crs
from layers import deployment, history
from layers.drafts import keeping, states
from layers.files import formats
from tests import paper_city as city

FIRST, SECOND, NEW = city.WEST + "001", city.WEST + "002", city.WEST + "009"
GEOJSON = "application/geo+json"
#: Formats with the Content-Type under which they are sent, None: by the file's name.
SENT = {
    "geojson": GEOJSON,
    "geojsonl": "application/geo+json-seq",
    "gpkg": None,
    "fgb": "application/flatgeobuf",
    "parquet": None,
    "zip": "application/zip",
    "csv": "text/csv",
    "xlsx": None,
}


@pytest.fixture
def editor(session, client, sign_in):
    """The city, a draft of it, and an editor who works on it."""
    city.build(session)
    client.app.state.runtime.snapshots.refresh()
    client.headers.update(sign_in("editor"))
    client.draft = client.post("/api/drafts", json={"title": "北门"}).json()["id"]
    return client


def moved(x):
    """The border of two grids, put elsewhere."""
    return {SECOND: box(0, 0, x, 4), FIRST: box(x, 0, 8, 4)}


def table(shapes, crs=4326, **columns):
    geometry = [city.on_map(shape) for shape in shapes.values()]
    return gpd.GeoDataFrame({"code": list(shapes), **columns}, geometry=geometry, crs=4326).to_crs(crs)


def packed(frame, folder, form="geojson"):
    """A file's bytes; a shapefile's as a .zip."""
    path = folder / f"file.{'shp' if form == 'zip' else form}"
    formats.write(frame, path)
    if form != "zip":
        return path.read_bytes()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for each in folder.glob("file.*"):
            archive.write(each, each.name)
    return buffer.getvalue()


def send(client, body, media_type=GEOJSON, *, layer="grids", headers=None, **query):
    content_type = {"Content-Type": media_type} if media_type else {}
    path = f"/api/drafts/{client.draft}/imports/{layer}"
    return client.post(path, params=query, content=body, headers={**content_type, **(headers or {})})


def told(reply, status):
    assert reply.status_code == status, reply.text
    return reply.json()


def draft_of(client):
    return client.get(f"/api/drafts/{client.draft}").json()


@pytest.mark.parametrize("form", SENT)
def test_every_format_goes_in_and_comes_out_and_is_the_same(editor, tmp_path, form):
    shapes = {**city.GRIDS, **moved(3)}
    body = packed(table(shapes, name=[f"第{code[-3:]}网格" for code in shapes]), tmp_path, form)
    query = {"crs": "wgs84"} | ({} if SENT[form] else {"name": f"网格.{form}"})
    reply = told(send(editor, body, SENT[form], **query), 201)
    assert (reply["step"], reply["version"], reply["rows"]["changed"]) == (1, 2, 8)
    (layer,) = reply["layers"]
    assert (layer["layer"], layer["counts"]["added"], layer["counts"]["removed"]) == ("grids", 0, 0)
    out = "shp" if form == "zip" else form
    file = editor.get(f"/api/drafts/{editor.draft}/layers/grids.{out}")
    assert file.status_code == 200, file.text
    assert file.headers["Content-Disposition"] == f'attachment; filename="grids-draft-1.{form}"'
    for mode in ("upsert", "replace"):
        again = told(send(editor, file.content, None, crs="wgs84", mode=mode, name=f"again.{form}"), 200)
        assert (again["step"], again["version"], again["layers"]) == (None, 2, [])


def test_a_preview_names_what_would_be_added_changed_and_removed_and_stores_nothing(editor, tmp_path):
    shapes = {**city.GRIDS, **moved(3), NEW: box(9, 4, 10, 5)}
    del shapes[city.EAST + "004"]
    body = packed(table(shapes, name=[f"grids {code[-3:]}" for code in shapes]), tmp_path)
    reply = told(send(editor, body, mode="replace", preview=True), 200)
    assert (reply["preview"], reply["step"], reply["version"]) == (True, None, 1)
    (layer,) = reply["layers"]
    kinds = {change["code"]: change["kind"] for change in layer["changes"]}
    assert (kinds[FIRST], kinds[NEW], kinds[city.EAST + "004"]) == ("moved", "added", "removed")
    assert (reply["rows"]["added"], reply["rows"]["removed"]) == (1, 1)
    assert draft_of(editor)["step"] == 0
    stored = told(send(editor, body, mode="replace"), 201)
    for each in (reply, stored):
        for change in each["layers"][0]["changes"]:
            change.pop("id")  # what is new gets another one
    # Who stores a file waits for no sums of land: the draft's difference tells them.
    assert stored["layers"] == [each | {"land": None, "land_m2": None} for each in reply["layers"]]


def drawn(collection):
    """Features of a difference, in an order that no id decides."""
    order = ("what", "state", "code", "from_code", "to_code")
    return sorted(collection["features"], key=lambda each: [str(each["properties"][name]) for name in order])


def test_a_preview_draws_what_the_draft_then_differs_in(editor, tmp_path):
    shapes = {**city.GRIDS, **moved(3), NEW: box(9, 4, 10, 5)}
    del shapes[city.EAST + "004"]
    body = packed(table(shapes, name=[f"grids {code[-3:]}" for code in shapes]), tmp_path)
    reply = told(send(editor, body, mode="replace", preview=True), 200)
    file = told(send(editor, body, mode="replace", preview=True, format="geojson"), 200)
    assert draft_of(editor)["version"] == 1
    stored = told(send(editor, body, mode="replace"), 201)
    assert (stored["features"], stored["left_out"], reply["left_out"]) == (None, 0, 0)
    then = told(editor.get(f"/api/drafts/{editor.draft}/diff?format=geojson"), 200)
    found = {(each["properties"]["state"], each["properties"]["kind"]) for each in then["features"]}
    assert found >= {("before", "removed"), ("before", "moved"), ("after", "moved"), ("after", "added")}
    assert drawn(reply["features"]) == drawn(file) == drawn(then)
    assert {**file, "features": []} == {**then, "features": []}
    assert told(send(editor, body, preview=True), 200)["features"] == {
        "type": "FeatureCollection",
        "features": [],
    }


def test_a_preview_tells_how_much_land_is_new_given_up_and_changes_hands(editor, tmp_path, session):
    send(editor, packed(table(city.TILES), tmp_path), mode="replace")
    west = {city.WEST + "001": box(0, 0, 3, 8), city.WEST + "002": box(3, 0, 8, 8)}
    east = {city.EAST + "001": box(8, 0, 13, 4), city.EAST + "002": box(8, 4, 15, 8)}
    (layer,) = told(send(editor, packed(table(west | east), tmp_path), preview=True), 200)["layers"]
    metric = deployment.get(session).metric_crs
    pieces = {"added": box(14, 4, 15, 8), "removed": box(13, 0, 14, 4), "changed_hands": box(3, 0, 4, 8)}
    sizes = {
        name: float(shapely.area(crs.to_metric(city.on_map(shape), metric))) for name, shape in pieces.items()
    }
    assert layer["land_m2"] == pytest.approx(sizes, rel=1e-4)
    assert {(row["from_code"], row["to_code"]) for row in layer["land"]} == {
        (city.WEST + "001", city.WEST + "002"),
        (None, city.EAST + "002"),
        (city.EAST + "001", None),
    }


def test_layers_that_do_not_part_the_land_have_none(editor, sign_in):
    body = f"role,name,target_code\n网格长,周敏,{FIRST}\n".encode()
    limited = sign_in("editor", "420199", name="limited")
    reply = told(send(editor, body, "text/csv", layer="posts", preview=True, headers=limited), 200)
    assert [(layer["land"], layer["land_m2"]) for layer in reply["layers"]] == [(None, None)]
    (feature,) = reply["features"]["features"]
    assert (feature["geometry"], feature["properties"]["state"]) == (None, "after")
    assert "周敏" not in str(reply["features"])


def test_a_preview_lists_and_draws_only_so_much_of_each(editor, tmp_path, monkeypatch):
    monkeypatch.setattr(draft_imports, "MOST_LISTED", 1)
    monkeypatch.setattr(diff, "MOST_DRAWN", 1)
    reply = told(send(editor, packed(table(moved(3)), tmp_path), preview=True), 200)
    (layer,) = reply["layers"]
    assert (len(layer["changes"]), len(layer["land"]), layer["counts"]["moved"]) == (1, 1, 2)
    assert [each["properties"]["state"] for each in reply["features"]["features"]] == [
        "before",
        "after",
        None,
    ]
    assert reply["left_out"] == 2


@pytest.mark.parametrize("written", ["csv", "xlsx", "geojson"])
def test_a_preview_has_the_formats_of_a_difference(editor, tmp_path, written):
    body = packed(table(moved(3)), tmp_path)
    media = table_formats.FORMATS[written]
    reply = send(editor, body, preview=True, headers={"Accept": media})
    assert reply.status_code == 200, reply.text
    assert reply.headers["Content-Type"].startswith(media)
    assert reply.headers["Wangge-Revision"] == "1"
    named = send(editor, body, preview=True, format=written)
    assert named.headers["Content-Type"] == reply.headers["Content-Type"]
    assert send(editor, body, preview=True, format="dwg").status_code == 422
    assert send(editor, body, headers={"Accept": media}).headers["Content-Type"] == "application/json"


def test_a_preview_that_a_file_cannot_carry_is_refused(editor, tmp_path, monkeypatch):
    monkeypatch.setitem(table_formats._MOST_ROWS, "geojson", 3)
    body = packed(table(moved(3)), tmp_path)
    (error,) = told(send(editor, body, preview=True, format="geojson"), 422)["errors"]
    assert error["field"] == "format"
    assert told(send(editor, body, preview=True), 200)["left_out"] == 0


def test_what_makes_a_partition_worse_is_told_and_kept_to_be_mended(editor, tmp_path):
    reply = told(send(editor, packed(table({SECOND: box(0, 0, 5, 4)}), tmp_path)), 201)
    assert {fault["kind"] for fault in reply["worse"]} >= {"overlap"}
    assert reply["worse_count"] == len(reply["worse"])
    mended = told(send(editor, packed(table({FIRST: box(5, 0, 8, 4)}), tmp_path)), 201)
    assert mended["worse"] == []


def test_columns_are_mapped_and_bad_records_named_and_left_out(editor, tmp_path):
    frame = table({**moved(3), "42": box(0, 0, 1, 1)}, 片区=["甲", "乙", "丙"], 人=["10", "many", "3"])
    body = packed(frame.rename(columns={"code": "号"}), tmp_path)
    query = {"map": ["code=号", "name=片区", "people=人"]}
    reply = told(send(editor, body, **query), 201)
    assert [(fault["row"], fault["kind"]) for fault in reply["rejects"]] == [
        (2, "value-invalid"),
        (3, "code-malformed"),
    ]
    assert (reply["rows"]["read"], reply["rows"]["imported"], reply["rows"]["rejected"]) == (3, 1, 2)
    whole = send(editor, body, on_invalid="fail", **query)
    assert {error["row"] for error in told(whole, 422)["errors"]} == {2, 3}


def test_a_repeated_request_imports_once(editor, tmp_path):
    body = packed(table(moved(3)), tmp_path)
    key = {"Idempotency-Key": "k1"}
    first, again = told(send(editor, body, headers=key), 201), told(send(editor, body, headers=key), 200)
    assert first == again
    assert draft_of(editor)["step"] == 1
    other = packed(table(moved(5)), tmp_path)
    assert send(editor, other, headers=key).status_code == 409


def test_a_draft_that_was_written_to_since_it_was_read_is_left_as_it_is(editor, tmp_path):
    body = packed(table(moved(3)), tmp_path)
    assert send(editor, body, headers={"If-Match": '"1"'}).status_code == 201
    late = packed(table(moved(5)), tmp_path)
    assert send(editor, late, headers={"If-Match": '"1"'}).status_code == 412
    assert draft_of(editor)["step"] == 1


def test_a_shapefile_without_prj_is_told_how_to_name_its_coordinates(editor, tmp_path):
    frame = table(moved(3), crs=4547)
    body = packed(frame.set_crs(None, allow_override=True), tmp_path, "zip")
    (error,) = told(send(editor, body, "application/zip"), 422)["errors"]
    assert (error["kind"], error["field"]) == ("datum-missing", "crs")
    assert "EPSG:4547" in error["message"]
    reply = told(send(editor, body, "application/zip", crs="EPSG:4547"), 201)
    assert (reply["reference"], reply["rows"]["changed"]) == ("EPSG:4547", 2)


@pytest.mark.parametrize(
    ("change", "status", "problem"),
    [
        ({"layer": "grid"}, 404, "not-found"),
        ({"media_type": "application/pdf"}, 415, "unsupported-format"),
        ({"name": "网格.shp", "media_type": None}, 415, "unsupported-format"),
        ({"body": b""}, 422, "invalid-data"),
        ({"body": b"{"}, 422, "invalid-data"),
        ({"name": "x.gpkg", "body": b"noise" * 100}, 422, "invalid-data"),
        ({"crs": "nonsense"}, 422, "invalid-data"),
        ({"crs": "EPSG:4547"}, 422, "invalid-data"),
        ({"map": "name"}, 422, "invalid-data"),
        ({"map": "nam=code"}, 422, "invalid-data"),
        ({"mode": "append"}, 422, "invalid-data"),
        ({"on_invalid": "ignore"}, 422, "invalid-data"),
        ({"layer": "posts", "on_invalid": "fail"}, 422, "invalid-data"),
    ],
)
def test_what_cannot_be_imported_is_refused_and_the_draft_left_as_it_is(
    editor, tmp_path, change, status, problem
):
    body = packed(table(moved(3)), tmp_path)
    reply = told(send(editor, **({"body": body} | change)), status)
    assert reply["type"] == f"urn:wangge:problem:{problem}"
    assert draft_of(editor)["step"] == 0


def test_a_file_that_unpacks_to_too_much_or_takes_too_long_is_refused(editor, tmp_path, monkeypatch):
    body = packed(table(moved(3)), tmp_path, "zip")
    with monkeypatch.context() as patch:
        patch.setattr(draft_imports, "_MOST_GROWTH", 0)
        (error,) = told(send(editor, body, "application/zip"), 422)["errors"]
        assert error["kind"] == "file-too-large"
    with monkeypatch.context() as patch:
        patch.setattr(draft_imports, "_MOST_S", -1.0)
        reply = told(send(editor, body, "application/zip"), 413)
        assert "wangge import" in reply["detail"]
    assert draft_of(editor)["step"] == 0


def test_only_a_body_of_an_import_may_be_a_large_file(editor):
    blank = b" " * (2 << 20)
    assert send(editor, blank).status_code == 422
    assert editor.post(f"/api/drafts/{editor.draft}/edits", content=blank).status_code == 413


def test_a_draft_that_is_over_takes_no_files(editor, tmp_path):
    editor.post(f"/api/drafts/{editor.draft}/discard")
    reply = told(send(editor, packed(table(moved(3)), tmp_path)), 409)
    assert "discarded" in reply["detail"]


def test_an_import_outside_of_the_accounts_areas_is_refused_whole(editor, sign_in, tmp_path):
    east = sign_in("editor", city.EAST)
    body = packed(table(moved(3)), tmp_path)
    for preview in (True, False):
        assert send(editor, body, headers=east, preview=preview).status_code == 403
    inside = packed(table({city.EAST + "004": box(8.2, 1, 8.8, 2.5)}, name=["甲"]), tmp_path)
    assert send(editor, inside, headers=east).status_code == 201


def test_who_holds_a_post_is_told_and_sent_only_to_those_who_may_know(editor, sign_in):
    body = f"role,name,target_code\n网格长,周敏,{FIRST}\n".encode()
    limited = sign_in("editor", "420199", name="limited")
    for headers, known in ((limited, False), (sign_in("administrator"), True)):
        reply = send(editor, body, "text/csv", layer="posts", preview=True, headers=headers)
        (change,) = told(reply, 200)["layers"][0]["changes"]
        assert (change["name"] == "周敏") is known
        file = editor.get(f"/api/drafts/{editor.draft}/layers/posts.csv", headers=headers)
        assert file.status_code == (200 if known else 403)


def test_a_draft_comes_out_in_the_coordinates_and_encoding_asked_for(editor, tmp_path, session):
    send(editor, packed(table(moved(3)), tmp_path))
    path = tmp_path / "out.zip"
    reply = editor.get(f"/api/drafts/{editor.draft}/layers/grids.shp?crs=EPSG:4547&encoding=gbk")
    path.write_bytes(reply.content)
    found = formats.read(path)
    assert (found.frame.crs.to_epsg(), found.encoding, reply.headers["Wangge-Revision"]) == (4547, "GBK", "1")
    state = states.state_of(keeping.get(session, draft_of(editor)["id"]))
    assert len(found.frame) == len(states.read(session, "grids", state))
    again = told(send(editor, reply.content, "application/zip", preview=True), 200)
    assert again["layers"] == []


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("grids.dwg", 404),
        ("grid.gpkg", 404),
        ("grids.gpkg?format=csv", 422),
        ("grids.geojson?crs=EPSG:4547", 422),
        ("grids.gpkg?encoding=gbk", 422),
        ("grids.shp?encoding=latin-1", 422),
        ("grids.gpkg?crs=nonsense", 422),
        ("grids?format=dwg", 422),
    ],
)
def test_a_file_that_cannot_be_had_is_refused(editor, path, status):
    for base in (f"/api/drafts/{editor.draft}/layers/", "/api/layers/"):
        assert editor.get(base + path).status_code == status, base


def test_published_layers_name_their_format_in_the_path_too(editor, session):
    reply = editor.get("/api/layers/grids.gpkg?revision=1")
    assert reply.headers["Content-Type"] == "application/geopackage+sqlite3"
    assert reply.headers["Content-Disposition"] == 'attachment; filename="grids-1.gpkg"'
    assert editor.get("/api/layers/grids").headers["Content-Type"] == GEOJSON
    assert history.newest(session) == 1
