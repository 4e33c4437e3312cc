"""Writes to a draft, feature by feature: what is stored, what is filled in, what is refused and why."""

import json

import numpy as np
import pytest
import shapely
from pyproj import Transformer
from shapely import LineString, Point, box
from shapely.geometry import mapping

from api import draft_words
from layers.drafts import keeping, steps
from layers.features import sent
from layers.features.collections import COLLECTIONS
from tests.api.ogc.asking import CRS84, EPSG, METRIC
from tests.api.ogc.drafting import GEOJSON, MERGE_PATCH, drawn
from tests.paper_city import EAST, GRIDS, WEST, on_map, point

#: A bow tie whose lines cross at (15, 1) on paper.
TIE = shapely.Polygon([(14, 0), (16, 2), (16, 0), (14, 2)])


def rounded(geometry):
    """A shape as QGIS posts it."""
    return mapping(shapely.transform(geometry, lambda xy: np.round(xy, 6)))


# --- new features ------------------------------------------------------------------------------------------


def test_a_new_area_gets_a_code_and_the_parent_in_which_it_lies(editing):
    reply = editing.post(box(8.2, 3, 8.8, 4), properties={"name": "新区", "people": 12})
    made = reply.json()
    assert reply.headers["Location"] == f"http://testserver{editing.path(item=made['id'])}"
    assert reply.headers["Content-Crs"] == f"<{CRS84}>"
    told = made["properties"]
    assert (told["code"], told["parent_code"], told["generated_code"]) == (EAST + "005", EAST, True)
    assert (told["name"], told["people"], told["households"]) == ("新区", 12, None)
    assert (told["scheme"], told["kind"]) == ("governance", "base"), "what a grid is unless it is said"
    assert editing.client.get(reply.headers["Location"]).json() == made
    assert made["geometry"]["type"] == "MultiPolygon", "as the layer stores it"
    assert {link["rel"] for link in made["links"]} == {"self", "collection"}


def test_the_code_of_another_feature_is_never_given_twice(editing):
    """A split in QGIS sends the new half with every attribute of the old one."""
    made = editing.post(box(14, 0, 16, 4), properties={"code": WEST + "002", "parent_code": WEST}).json()
    assert made["properties"]["code"] == WEST + "005"
    assert made["properties"]["generated_code"]
    editing.delete(editing.find(EAST + "004")["id"])
    made = editing.post(box(16, 0, 18, 4), properties={"code": EAST + "004"}).json()
    assert made["properties"]["code"] != EAST + "004", "the base still has it"


def test_a_free_code_is_taken_as_stated(editing):
    made = editing.post(box(14, 0, 16, 4), properties={"code": EAST + "777", "parent_code": EAST}).json()
    assert (made["properties"]["code"], made["properties"]["generated_code"]) == (EAST + "777", False)
    assert made["properties"]["name"] == EAST + "777", "what has no name is called by its code"


def test_a_new_feature_has_its_own_id_whatever_is_stated(editing):
    body = {
        "type": "Feature",
        "id": editing.find(WEST + "001")["id"],
        "geometry": mapping(on_map(Point(1, 1))),
    }
    body["properties"] = {"id": "mine", "type": "fresh_market", "generated_code": False}
    reply = editing.client.post(editing.path("facilities"), json=body)
    assert reply.status_code == 201
    made = reply.json()
    assert made["id"] not in {body["id"], "mine"}
    assert made["properties"]["generated_code"], "nobody states it"
    assert made["properties"]["name"] == "菜市场或生鲜超市", "called by its type"


@pytest.mark.parametrize(
    ("layer", "shape_", "properties", "code"),
    [
        ("communities", box(9, 5, 10, 6), {}, WEST[:9] + "003"),
        ("streets", LineString([(0, 6), (6, 6)]), {"kind": "steps"}, "S0000001"),
        ("compounds", box(5, 5, 6, 6), {"form": "物业小区"}, "C000001"),
        ("compounds_points", Point(5, 5), {}, "C000001"),
        ("buildings", box(4.2, 2.2, 4.4, 2.4), {"number": "3"}, "B0000001"),
        ("addresses", Point(4.3, 2.3), {"street": "长江路", "number": "12"}, "A0000001"),
        ("old_estates", box(1, 1, 2, 2), {"works": "基础类"}, "E000001"),
        ("facilities", Point(5, 5), {"type": "小学"}, "F000001"),
        ("barriers", LineString([(0, 6), (6, 6)]), {"kind": "wall"}, "W000001"),
        ("barriers_points", Point(3, 6), {"kind": "gate"}, "W000001"),
    ],
)
def test_every_layer_takes_new_features_and_completes_them(editing, layer, shape_, properties, code):
    made = editing.post(shape_, layer, properties=properties).json()
    assert made["properties"]["code"] == code
    assert drawn(made).geom_type == COLLECTIONS[layer].geometry
    assert editing.find(code, layer)["id"] == made["id"]
    told = made["properties"]
    match layer:
        case "streets":
            assert (told["steps"], told["walkable"], told["bridge"], told["level"]) == (True, True, False, 0)
        case "compounds":
            assert told["form"] == "managed"
        case "buildings":
            assert (told["name"], told["compound_code"]) == ("3栋", WEST + "C01")
        case "addresses":
            assert (told["text"], told["compound_code"]) == ("长江路12号", WEST + "C01")
        case "facilities":
            assert (told["type"], told["name"]) == ("primary_school", "小学")


def test_a_type_that_a_collection_lacks_goes_to_its_partner(editing):
    reply = editing.post(Point(5, 5), "compounds")
    assert "/collections/compounds_points/items/" in reply.headers["Location"]
    item = reply.json()["id"]
    surveyed = editing.patch(item, {"geometry": mapping(on_map(box(5, 5, 6, 6)))}, "compounds_points")
    assert surveyed.json()["geometry"]["type"] == "MultiPolygon"
    assert editing.get(item, "compounds").status_code == 200
    assert editing.get(item, "compounds_points").status_code == 404


# --- changes -----------------------------------------------------------------------------------------------


def test_a_patch_changes_what_it_names_and_unsets_what_is_null(editing):
    old = editing.find(WEST + "C01", "compounds")
    told = editing.patch(old["id"], {"properties": {"form": None, "people": 41}}, "compounds").json()
    assert told["properties"] == old["properties"] | {"form": None, "people": 41}
    assert told["geometry"] == old["geometry"]
    moved = editing.patch(old["id"], {"geometry": mapping(on_map(box(1, 1, 3, 2)))}, "compounds").json()
    assert moved["properties"] == told["properties"]
    assert drawn(moved).equals(on_map(box(1, 1, 3, 2)))


def test_a_replacement_unsets_what_it_does_not_state_but_who_it_is(editing):
    old = editing.find(WEST + "C01", "compounds")
    editing.patch(old["id"], {"properties": {"people": 41}}, "compounds")
    told = editing.put(old["id"], box(1, 1, 3, 2), "compounds", properties={"name": "甲"}).json()
    assert (told["id"], told["properties"]["code"]) == (old["id"], WEST + "C01")
    assert (told["properties"]["name"], told["properties"]["people"]) == ("甲", None)
    grid = editing.find(WEST + "001")
    told = editing.put(grid["id"], grid["geometry"], properties={"name": "乙"}).json()
    assert told["properties"]["parent_code"] == WEST, "an area stays below its parent"


def test_gates_and_sites_are_written_as_text(editing):
    school = editing.find("F3", "facilities")
    gate = on_map(Point(2, 2))
    told = editing.patch(
        school["id"], {"properties": {"entrances": gate.wkt, "site": None}}, "facilities"
    ).json()
    assert shapely.from_wkt(told["properties"]["entrances"]) == shapely.MultiPoint([gate])
    assert told["properties"]["site"] is None
    for wrong in ("POINT", "LINESTRING(0 0, 1 1)", 7):
        problem = editing.patch(school["id"], {"properties": {"entrances": wrong}}, "facilities", status=400)
        assert problem.json()["errors"][0]["field"] == "entrances"


def test_what_changes_nothing_is_no_step(stored, draft, editing):
    grid = editing.find(WEST + "002")
    tag = editing.get(grid["id"]).headers["ETag"]
    reply = editing.put(grid["id"], grid["geometry"], properties=grid["properties"])
    assert reply.headers["ETag"] == tag
    editing.patch(grid["id"], {"properties": {"name": grid["properties"]["name"]}})
    assert steps.listed(stored, keeping.get(stored, draft.id)) == []


def test_each_write_is_a_step_that_says_what_it_did(stored, draft, editing):
    made = editing.post(box(14, 0, 16, 4)).json()
    editing.patch(made["id"], {"properties": {"name": "甲"}})
    editing.delete(made["id"])
    listed = steps.listed(stored, keeping.get(stored, draft.id))
    assert [step.kind for step in listed] == ["feature"] * 3
    code = made["properties"]["code"]
    assert [step.said for step in listed] == [
        {"write": write, "layer": "grids", "id": made["id"], "code": code}
        for write in ("create", "change", "remove")
    ]
    assert {step.author for step in listed} == {"editor-all"}
    assert [draft_words.told(step) for step in listed] == [
        (f"新增要素 · 网格 {code}", f"Feature created · grids {code}"),
        (f"修改要素 · 网格 {code}", f"Feature changed · grids {code}"),
        (f"删除要素 · 网格 {code}", f"Feature removed · grids {code}"),
    ]


def test_a_code_can_be_changed_to_one_that_nobody_has_or_had(editing):
    item = editing.find(WEST + "002")["id"]
    told = editing.patch(item, {"properties": {"code": WEST + "020"}}).json()
    assert (told["properties"]["code"], told["properties"]["generated_code"]) == (WEST + "020", False)
    problem = editing.patch(item, {"properties": {"code": WEST + "001"}}, status=409).json()
    assert problem["errors"][0]["kind"] == "code-duplicate"
    told = editing.patch(item, {"properties": {"code": WEST + "002"}}).json()
    assert told["properties"]["code"] == WEST + "002", "its own it may have again"


def test_what_has_ended_is_gone(editing):
    item = editing.find(EAST + "004")["id"]
    reply = editing.delete(item)
    assert reply.content == b""
    assert EAST + "004" not in editing.codes()
    for again in (editing.delete(item, status=404), editing.patch(item, {}, status=404)):
        assert item in again.json()["detail"]


# --- places ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("authority", ["4326", "4490", "4547", "3857"])
@pytest.mark.parametrize("written", ["<{}>", "{}"])
def test_a_body_has_the_axes_of_its_crs(editing, authority, written):
    lon, lat = point(5, 5)
    source = "EPSG:4490" if authority in {"4490", "4547"} else "EPSG:4326"
    x, y = Transformer.from_crs(source, f"EPSG:{authority}").transform(lat, lon)
    body = {"type": "Point", "coordinates": [x, y]}
    uri = EPSG + authority
    reply = editing.post(
        body, "facilities", properties={"type": "fresh_market"}, Content_Crs=written.format(uri)
    )
    assert reply.headers["Content-Crs"] == f"<{uri}>"
    assert reply.json()["geometry"]["coordinates"] == pytest.approx([x, y], abs=1e-6)
    stored = drawn(editing.get(reply.json()["id"], "facilities").json())
    assert (stored.x, stored.y) == pytest.approx((lon, lat), abs=1e-9)


def test_axes_the_wrong_way_round_are_noticed_by_where_they_lead(editing):
    lon, lat = point(5, 5)
    swapped = {"type": "Point", "coordinates": [lat, lon]}
    market = {"type": "fresh_market"}
    (fault,) = editing.post(swapped, "facilities", properties=market, status=400).json()["errors"]
    assert (fault["kind"], fault["field"]) == ("datum-contradicted", "geometry")
    plain = {"type": "Point", "coordinates": [lon, lat]}
    for uri in (EPSG + "4326", METRIC):
        reply = editing.post(plain, "facilities", properties=market, status=400, Content_Crs=uri)
        assert reply.json()["errors"][0]["field"] == "geometry"
    reply = editing.post(plain, "facilities", properties=market, status=400, Content_Crs=EPSG + "2326")
    assert reply.json()["errors"][0]["field"] == "Content-Crs"


def test_rounded_coordinates_fall_back_on_the_neighbours(editing):
    """QGIS patches one half with every digit, and posts the other with six decimals: the halves still fit."""
    grid = editing.find(WEST + "002")
    whole = drawn(grid)
    west, south, east, north = whole.bounds
    middle = west + (east - west) / np.pi
    kept, new = box(west, south, middle, north), box(middle, south, east, north)
    editing.patch(grid["id"], {"geometry": mapping(kept)})
    made = editing.post(rounded(new), properties=grid["properties"]).json()
    stored = drawn(editing.get(grid["id"]).json())
    assert stored.equals(kept)
    assert shapely.coverage_is_valid([*stored.geoms, *drawn(made).geoms])
    assert shapely.union_all([stored, drawn(made)]).symmetric_difference(whole).area == 0
    assert made["properties"]["parent_code"] == WEST


def test_a_feature_that_comes_back_rounded_is_where_it_was(editing):
    for layer in ("grids", "streets", "facilities"):
        for feature in editing.items(layer)["features"]:
            sent = rounded(drawn(feature))
            told = editing.put(feature["id"], sent, layer, properties=feature["properties"]).json()
            assert told["geometry"] == feature["geometry"]


def test_heights_are_left_out_and_a_lone_part_is_taken_from_its_list(editing):
    lon, lat = point(5, 5)
    market = {"type": "fresh_market"}
    made = editing.post({"type": "Point", "coordinates": [lon, lat, 12.5]}, "facilities", properties=market)
    assert made.json()["geometry"]["coordinates"] == [lon, lat]
    line = on_map(LineString([(0, 6), (6, 6)]))
    made = editing.post(mapping(shapely.MultiLineString([line])), "streets")
    assert drawn(made.json()) == line


# --- what is refused ---------------------------------------------------------------------------------------


def test_an_invalid_geometry_is_refused_with_its_place(editing):
    for reply in (
        editing.post(TIE, status=400),
        editing.patch(editing.find(WEST + "002")["id"], {"geometry": mapping(on_map(TIE))}, status=400),
    ):
        (fault,) = reply.json()["errors"]
        assert (fault["kind"], fault["field"], fault["layer"]) == ("geometry-invalid", "geometry", "grids")
        assert (fault["lon"], fault["lat"]) == pytest.approx(point(15, 1), abs=1e-6)
    metric = Transformer.from_crs("EPSG:4490", "EPSG:4547")
    flipped = shapely.transform(on_map(TIE), lambda xy: np.column_stack(metric.transform(xy[:, 1], xy[:, 0])))
    (fault,) = editing.post(mapping(flipped), status=400, Content_Crs=METRIC).json()["errors"]
    assert (fault["lon"], fault["lat"]) == pytest.approx(point(15, 1), abs=1e-6), (
        "on the map, whatever the CRS"
    )
    assert editing.codes() == sorted(GRIDS)


@pytest.mark.parametrize(
    ("geometry", "kind"),
    [
        (None, "geometry-missing"),
        ({"type": "Polygon", "coordinates": []}, "geometry-empty"),
        ({"type": "Point", "coordinates": list(point(1, 1))}, "geometry-type"),
        ({"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0]]]}, "geometry-invalid"),
        ({"type": "Polygon", "coordinates": "everywhere"}, "geometry-invalid"),
        ({"type": "Circle"}, "geometry-invalid"),
        ("POINT(1 1)", "geometry-invalid"),
        ({"type": "GeometryCollection", "geometries": []}, "geometry-type"),
    ],
    ids=["none", "empty", "a point", "an open ring", "a word", "a circle", "text", "a collection"],
)
def test_what_is_no_area_is_refused(editing, geometry, kind):
    (fault,) = editing.post(geometry, status=400).json()["errors"]
    assert fault["field"] == "geometry"
    assert fault["kind"] in {kind, "geometry-empty"}


def test_every_fault_is_told_at_once(editing):
    wrong = {
        "type": "palace",
        "capacity": -1,
        "colour": "red",
        "name": ["a"],
        "address": "a\0b",
        "code": "a b",
    }
    problem = editing.post(TIE, "facilities", status=400, properties=wrong).json()
    assert {fault["field"] for fault in problem["errors"]} == {*wrong, "geometry"}
    problem = editing.post(Point(1, 1), "facilities", status=400).json()
    assert [(fault["field"], fault["kind"]) for fault in problem["errors"]] == [("type", "value-missing")]
    problem = editing.post(box(14, 0, 16, 4), status=400, properties={"parent_code": "999"}).json()
    assert problem["errors"][0]["kind"] == "parent-missing"
    problem = editing.post(Point(1, 1), "addresses", status=400).json()
    assert problem["errors"][0]["field"] == "text"


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"1", b'{"type":"FeatureCollection","features":[]}', b'{"type":"Feature","properties":[]}',
             b"\xff\xfe", b"[" * 2000]
)  # fmt: skip
def test_a_body_that_is_no_feature_is_refused(editing, body):
    headers = {"Content-Type": GEOJSON}
    reply = editing.client.post(editing.path(), content=body, headers=headers)
    assert reply.status_code == 400
    assert reply.headers["content-type"] == "application/problem+json"


def test_more_corners_or_properties_than_can_be_judged_in_time_are_refused(editing):
    many = Point(15, 2).buffer(1, quad_segs=sent.MOST_CORNERS // 4 + 1)
    problem = editing.post(many, status=400).json()
    (fault,) = problem["errors"]
    assert (fault["kind"], fault["field"]) == ("geometry-invalid", "geometry")
    assert "import it as a file" in fault["message"]
    named = {f"p{number}": 1 for number in range(2000)}
    (fault,) = editing.post(box(14, 0, 16, 4), status=400, properties=named).json()["errors"]
    assert fault["field"] == "properties"


def test_media_types_are_told_apart(editing):
    item = editing.find(WEST + "002")["id"]
    feature = json.dumps(
        {"type": "Feature", "geometry": mapping(on_map(box(0, 0, 4, 4))), "properties": None}
    )
    for method, path, media_type, status in (
        ("POST", editing.path(), "application/xml", 415),
        ("PUT", editing.path(item=item), MERGE_PATCH, 415),
        ("PATCH", editing.path(item=item), "text/plain", 415),
        ("PUT", editing.path(item=item), "application/geo+json; charset=utf-8", 200),
        ("PATCH", editing.path(item=item), "application/json", 200),
    ):
        headers = {"Content-Type": media_type}
        reply = editing.client.request(method, path, content=feature, headers=headers)
        assert reply.status_code == status, reply.text
    assert editing.client.put(editing.path(item=item), content=feature).status_code == 200, "none stated"


def test_a_query_is_refused(editing):
    assert editing.client.post(editing.path() + "?crs=x", json={}).status_code == 400


# --- two who write -----------------------------------------------------------------------------------------


def test_a_stale_write_is_refused_with_both_states(editing):
    item = editing.find(WEST + "002")["id"]
    tag = editing.get(item).headers["ETag"]
    mine = {"properties": {"name": "甲"}}
    theirs = editing.patch(item, {"properties": {"name": "乙"}}, If_Match=tag)
    for stale in (
        editing.patch(item, mine, status=412, If_Match=tag),
        editing.put(item, box(0, 0, 4, 4), status=412, If_Match=tag),
        editing.delete(item, status=412, If_Match=tag),
    ):
        assert stale.json()["stored"]["properties"]["name"] == "乙"
    assert editing.patch(item, mine, status=412, If_Match=tag).json()["sent"] == mine
    assert editing.find(WEST + "002")["properties"]["name"] == "乙", "nothing was stored"
    weakened = f'"other", W/{theirs.headers["ETag"]}'
    editing.patch(item, mine, If_Match=weakened)
    editing.patch(item, {"properties": {"name": "丙"}}, If_Match="*")
    editing.delete(item)


def test_a_tag_of_any_representation_names_the_same_feature(editing):
    item = editing.find(WEST + "002")["id"]
    tag = editing.get(item, crs=METRIC).headers["ETag"]
    editing.patch(item, {"properties": {"name": "甲"}}, If_Match=tag)


def test_a_repeated_request_writes_once(stored, draft, editing):
    shape_ = box(14, 0, 16, 4)
    first, again = (editing.post(shape_, Idempotency_Key="k1") for _ in range(2))
    assert first.headers["Location"] == again.headers["Location"]
    assert first.json() == again.json()
    assert len(steps.listed(stored, keeping.get(stored, draft.id))) == 1
    assert editing.post(box(16, 0, 18, 4), status=409, Idempotency_Key="k1")
    item = first.json()["id"]
    for _ in range(2):
        editing.delete(item, Idempotency_Key="k2")
    assert editing.post(shape_, Idempotency_Key="k1").headers["Location"] == first.headers["Location"]
    assert len(editing.codes()) == len(GRIDS), "and it has not come back"
    assert (
        editing.post(shape_, status=400, Idempotency_Key="k" * 300).json()["errors"][0]["field"]
        == "Idempotency-Key"
    )


# --- whose areas -------------------------------------------------------------------------------------------


def test_writes_stay_within_the_callers_areas(editing, tokens):
    inside, outside = editing.find(WEST + "002"), editing.find(EAST + "002")
    editing.client.headers = tokens("editor", WEST)
    editing.patch(inside["id"], {"properties": {"name": "甲"}})
    for refused in (
        editing.patch(outside["id"], {"properties": {"name": "乙"}}, status=403),
        editing.delete(outside["id"], status=403),
        editing.post(box(12, 1, 13, 2), status=403),
        editing.post(Point(12, 2), "facilities", status=403, properties={"type": "fresh_market"}),
    ):
        assert WEST in refused.json()["detail"]
    editing.post(Point(2, 2), "facilities", properties={"type": "fresh_market"})
