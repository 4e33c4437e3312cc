"""The tree of a draft as it is read: the base with what the draft makes of it, and who may write."""

import pytest
from openapi_spec_validator import validate
from shapely import Point, box

from api.ogc.links import TILING_SCHEMES
from layers.drafts import keeping, steps
from layers.features.collections import COLLECTIONS
from tests import paper_city as paper
from tests import walking_city as city
from tests.api.ogc.asking import EPSG, METRIC, box_of, walk
from tests.api.ogc.drafting import MERGE_PATCH, Drafting, drawn
from tests.paper_city import EAST, GRIDS, NOW, WEST, grids, on_map

READ_ONLY = "GET, HEAD, OPTIONS"


def test_the_landing_page_leads_everywhere_within_the_draft(editing):
    root = f"/ogc/drafts/{editing.draft}"
    for path in (root, root + "/"):
        page = editing.client.get(path).json()
        assert page["title"] == "东门改线 · 草稿 draft"
        links = {link["rel"]: link for link in page["links"]}
        assert set(links) == {"self", "service-desc", "conformance", "data", TILING_SCHEMES}
        for link in links.values():
            assert link["href"].startswith(f"http://testserver{root}")
            reply = editing.client.get(link["href"])
            assert (reply.status_code, reply.headers["content-type"]) == (200, link["type"])


def test_every_link_of_every_collection_leads_somewhere(editing):
    listed = editing.client.get(f"/ogc/drafts/{editing.draft}/collections").json()["collections"]
    assert [each["id"] for each in listed] == list(COLLECTIONS)
    for each in listed:
        for link in each["links"]:
            assert f"/ogc/drafts/{editing.draft}/" in link["href"]
            assert editing.client.get(link["href"]).status_code == 200, link["href"]


def test_writing_is_declared_for_drafts_alone(editing):
    part4 = "http://www.opengis.net/spec/ogcapi-features-4/1.0/conf/create-replace-delete"
    assert part4 in editing.client.get(f"/ogc/drafts/{editing.draft}/conformance").json()["conformsTo"]
    assert part4 not in editing.client.get("/ogc/conformance").json()["conformsTo"]


def test_the_description_is_openapi_3_0_with_the_writes(editing):
    document = editing.client.get(f"/ogc/drafts/{editing.draft}/api").json()
    assert document["openapi"].startswith("3.0")
    validate(document)
    assert set(document["paths"]["/collections/grids/items"]) == {"get", "post"}
    assert set(document["paths"]["/collections/grids/items/{id}"]) == {"get", "put", "patch", "delete"}
    assert document["components"]["parameters"]["limit"]["schema"]["maximum"] == 1000


def test_the_schema_asks_for_what_the_service_cannot_find_by_itself(editing):
    schema = editing.client.get(editing.path(below="schema")).json()
    assert schema["required"] == ["geometry"]
    assert schema["properties"]["generated_code"]["readOnly"]
    assert "readOnly" not in schema["properties"]["name"]
    schema = editing.client.get(editing.path("facilities", below="schema")).json()
    assert schema["required"] == ["geometry", "type"]


def test_an_untouched_draft_is_its_base(editing):
    for layer in COLLECTIONS:
        ours, theirs = (
            editing.client.get(f"{root}/collections/{layer}/items").json()["features"]
            for root in (f"/ogc/drafts/{editing.draft}", "/ogc")
        )
        assert ours == theirs


def test_reading_shows_what_was_written_at_once_and_the_published_tree_does_not(editing):
    item = editing.find(WEST + "002")["id"]
    editing.patch(item, {"properties": {"name": "北区"}})
    editing.delete(editing.find(EAST + "004")["id"])
    made = editing.post(box(14, 0, 16, 4), properties={"name": "新区"}).json()
    assert editing.find(WEST + "002")["properties"]["name"] == "北区"
    assert set(editing.codes()) == {*GRIDS} - {EAST + "004"} | {made["properties"]["code"]}
    assert editing.items()["numberMatched"] == len(GRIDS)
    assert editing.codes(filter="name = '北区'") == [WEST + "002"]
    assert editing.codes(name="北区") == [WEST + "002"]
    assert editing.codes(bbox=box_of(14.5, 0.5, 15, 1)) == [made["properties"]["code"]]
    published = editing.client.get("/ogc/collections/grids/items").json()
    assert {each["properties"]["name"] for each in published["features"]} & {"北区", "新区"} == set()


def test_the_extent_holds_what_the_draft_adds(editing):
    editing.post(box(14, 0, 30, 4))
    about = editing.client.get(f"/ogc/drafts/{editing.draft}/collections/grids").json()
    assert box(*about["extent"]["spatial"]["bbox"][0]).covers(on_map(box(0, 0, 30, 4)))


def test_every_step_can_be_read_and_pages_stay_at_theirs(editing):
    item = editing.find(WEST + "002")["id"]
    pages = walk(editing.client, editing.path() + "?limit=3")
    first = next(pages)
    editing.patch(item, {"properties": {"name": "一"}})
    editing.patch(item, {"properties": {"name": "二"}})
    names = [feature["properties"]["name"] for page in (first, *pages) for feature in page["features"]]
    assert sorted(names) == sorted(f"grids {code[-3:]}" for code in GRIDS)
    told = [editing.items(code=WEST + "002", step=step)["features"][0] for step in (0, 1, 2)]
    assert [each["properties"]["name"] for each in told] == ["grids 002", "一", "二"]
    for wrong in ("3", "-1", "x", ""):
        problem = editing.items(step=wrong, status=400)
        assert problem["errors"][0]["field"] == "step"
    assert editing.items(revision=1, status=400)["errors"][0]["field"] == "revision"


def test_a_draft_stays_on_its_base_whatever_is_published(session, client, sign_in):
    city.build(session)
    made = keeping.create(session, title="东门改线", note="", author="zhang", now=NOW)
    moved = grids({WEST + "002": box(0, 0, 3, 4)}).assign(name="他人")
    paper.publish(session, {"grids": moved})
    client.headers = sign_in("editor")
    found = Drafting(client, str(made.id)).find(WEST + "002")
    assert found["properties"]["name"] == "grids 002"
    assert drawn(found).equals(on_map(GRIDS[WEST + "002"]))


def test_axes_and_systems_are_those_asked_for(editing):
    item = editing.find(WEST + "002")["id"]
    reply = editing.get(item, crs=EPSG + "4326")
    assert reply.headers["Content-Crs"] == f"<{EPSG}4326>"
    assert drawn(reply.json()).bounds[0] < 40, "latitude first"
    northing = drawn(editing.get(item, crs=METRIC).json()).bounds[0]
    assert 3_000_000 < northing < 4_000_000


def test_an_etag_is_another_one_when_the_feature_is(editing):
    item, other = editing.find(WEST + "002")["id"], editing.find(WEST + "001")["id"]
    tag = editing.get(item).headers["ETag"]
    assert tag.startswith('"'), "strong"
    editing.patch(other, {"properties": {"name": "别区"}})
    assert editing.get(item).headers["ETag"] == tag
    assert editing.get(item, crs=METRIC).headers["ETag"] != tag, "other bytes"
    known = {"If-None-Match": tag}
    assert editing.client.get(editing.path(item=item), headers=known).status_code == 304
    changed = editing.patch(item, {"properties": {"name": "本区"}})
    assert changed.headers["ETag"] not in {"", tag}
    assert editing.get(item).headers["ETag"] == changed.headers["ETag"]
    assert editing.client.get(editing.path(item=item), headers=known).status_code == 200
    page = editing.client.get(editing.path())
    assert (
        editing.client.get(editing.path(), headers={"If-None-Match": page.headers["ETag"]}).status_code == 304
    )


def test_what_is_not_there_is_not_found(editing):
    nobody = "00000000-0000-0000-0000-000000000000"
    for path in (
        f"/ogc/drafts/{nobody}/collections",
        "/ogc/drafts/x/",
        f"/ogc/drafts/{editing.draft}/collections/posts/items",
        editing.path(item=nobody),
        editing.path(item="17"),
    ):
        assert editing.client.get(path).status_code == 404, path


# --- who may write -----------------------------------------------------------------------------------------


def allowed(client, path):
    reply = client.options(path)
    assert reply.status_code == 200
    return reply.headers["Allow"]


@pytest.mark.parametrize("role", ["editor", "reviewer", "administrator"])
def test_allow_offers_writes_of_features_to_who_edits(draft, service, tokens, role):
    client, _ = service
    client.headers = tokens(role)
    root = f"/ogc/drafts/{draft.id}"
    items = f"{root}/collections/grids/items"
    for path in (root, f"{root}/", f"{root}/api", f"{root}/collections", f"{root}/collections/grids/schema"):
        assert allowed(client, path) == READ_ONLY
    assert allowed(client, items) == READ_ONLY + ", POST"
    for item in ("unknown_id", "00000000-0000-0000-0000-000000000000"):
        assert allowed(client, f"{items}/{item}") == READ_ONLY + ", PUT, PATCH, DELETE"
    assert client.options(f"{items}/unknown_id").headers["Accept-Patch"] == MERGE_PATCH


@pytest.mark.parametrize("role", ["viewer", "planner", "dispatcher"])
def test_who_does_not_edit_neither_reads_nor_writes_drafts(draft, service, tokens, role):
    client, _ = service
    client.headers = tokens(role)
    items = f"/ogc/drafts/{draft.id}/collections/grids/items"
    for method in ("GET", "HEAD", "OPTIONS", "POST"):
        assert client.request(method, items).status_code == 403
    for method in ("GET", "OPTIONS", "PUT", "PATCH", "DELETE"):
        assert client.request(method, f"{items}/unknown_id").status_code == 403
    assert client.options("/ogc/collections/grids/items").headers["Allow"] == READ_ONLY


def test_only_an_open_draft_takes_writes(stored, draft, editing):
    item = editing.find(WEST + "002")["id"]
    keeping.discard(keeping.get(stored, draft.id, lock=True), now=NOW)
    stored.commit()
    assert allowed(editing.client, editing.path()) == READ_ONLY
    assert allowed(editing.client, editing.path(item=item)) == READ_ONLY
    for reply in (
        editing.post(box(14, 0, 16, 4), status=409),
        editing.patch(item, {"properties": {"name": "迟"}}, status=409),
        editing.delete(item, status=409),
    ):
        assert "discarded" in reply.json()["detail"]
    assert editing.codes() == sorted(GRIDS), "it can still be read"


def test_nobody_reads_a_draft_without_an_account(draft, service):
    client, _ = service
    client.headers = {}
    for path in ("", "/", "/collections/grids/items"):
        assert client.get(f"/ogc/drafts/{draft.id}{path}").status_code == 401
    assert client.options(f"/ogc/drafts/{draft.id}/collections/grids/items").status_code == 401


def test_undone_writes_are_gone_from_the_tree(stored, draft, editing):
    made = editing.post(Point(1, 1), "facilities", properties={"type": "fresh_market"}).json()
    held = keeping.get(stored, draft.id, lock=True)
    steps.undo(stored, held, now=NOW)
    stored.commit()
    assert editing.get(made["id"], "facilities").status_code == 404
    steps.redo(stored, held, now=NOW)
    stored.commit()
    assert editing.get(made["id"], "facilities").json()["properties"] == made["properties"]
