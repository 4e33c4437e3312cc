"""Transactions: many writes to a draft in one request, all as one step or none."""

from functools import reduce

import pytest
from shapely import Point, box
from shapely.geometry import mapping

from api import draft_words
from api.ogc.transactions import MOST
from layers.drafts import keeping, steps
from tests.api.ogc.asking import EPSG
from tests.api.ogc.drafting import drawn
from tests.paper_city import EAST, GRIDS, WEST, on_map

TX = "application/ogc-tx+json"


@pytest.fixture
def transact(editing):
    """Send actions to the draft; return what is answered."""

    def send(*actions, status=200, semantic="atomic", **headers):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        reply = editing.client.post(
            f"/ogc/drafts/{editing.draft}/transactions",
            json={"semantic": semantic, "transaction": list(actions)},
            headers={"Content-Type": TX, **named},
        )
        assert reply.status_code == status, reply.text
        return reply

    return send


def feature(paper, **properties):
    return {"type": "Feature", "geometry": mapping(on_map(paper)), "properties": properties}


def insert(*items, collection="grids"):
    return {"action": "insert", "collection": collection, "items": list(items)}


def update(where, collection="grids", **parts):
    return {"action": "update", "collection": collection, "filter": where, "properties": parts}


def replacement(where, whole, collection="grids"):
    return {"action": "replace", "collection": collection, "filter": where, "properties": {"feature": whole}}


def delete(where, collection="grids"):
    return {"action": "delete", "collection": collection, "filter": where}


def ids(*features):
    return {"ids": [each["id"] for each in features]}


def named(name, value):
    return {"name": name, "value": value}


def steps_of(stored, draft):
    return steps.listed(stored, keeping.get(stored, draft.id))


def test_actions_of_every_kind_are_one_step_that_is_undone_at_once(stored, draft, editing, transact):
    one, two, three = (editing.find(code) for code in (WEST + "002", WEST + "001", EAST + "004"))
    reply = transact(
        insert(feature(box(14, 0, 16, 4), name="新一"), feature(box(16, 0, 18, 4), name="新二")),
        insert(feature(Point(5, 5), type="fresh_market"), collection="facilities"),
        update(ids(one), modify=[named("name", "甲"), named("geometry", mapping(on_map(box(0, 0, 3, 4))))]),
        replacement(ids(two), feature(box(3, 0, 8, 4), name="乙")),
        delete(ids(three)),
    )
    told = reply.json()
    assert told["semantic"] == "atomic"
    assert told["summary"] == {"totalInserted": 3, "totalUpdated": 1, "totalReplaced": 1, "totalDeleted": 1}
    names = [editing.client.get(each).json()["properties"]["name"] for each in told["insertResults"]]
    assert names == ["新一", "新二", "菜市场或生鲜超市"]
    assert [each.rsplit("/", 1)[1] for each in told["deleteResults"]] == [three["id"]]
    changed = editing.find(WEST + "002")
    assert changed["properties"]["name"] == "甲"
    assert drawn(changed).equals(on_map(box(0, 0, 3, 4)))
    assert drawn(editing.find(WEST + "001")).equals(on_map(box(3, 0, 8, 4)))
    (step,) = steps_of(stored, draft)
    assert draft_words.told(step) == ("批量写入", "Transaction")
    assert step.counts == {
        "grids": {"upserts": 4, "removed": 1},
        "facilities": {"upserts": 1, "removed": 0},
    }
    assert (reply.headers["Wangge-Draft-Step"], reply.headers["ETag"]) == ("1", '"2"')
    editing.client.post(f"/api/drafts/{editing.draft}/undo")
    assert set(editing.codes()) == {*GRIDS}
    assert editing.find(WEST + "002") == one


def test_an_action_finds_what_those_before_it_made(stored, draft, editing, transact):
    transact(
        insert(feature(box(14, 0, 16, 4), name="新区", code=EAST + "777", parent_code=EAST)),
        update("name = '新区'", modify=[named("people", 12)]),
        update(f"code = '{EAST}777'", modify=[named("name", "东区")]),
    )
    told = editing.find(EAST + "777")["properties"]
    assert (told["name"], told["people"]) == ("东区", 12)
    transact(
        update("name = '东区'", delete=["people"]),
        delete({"op": "=", "args": [{"property": "code"}, EAST + "777"]}),
    )
    assert set(editing.codes()) == {*GRIDS}
    assert [step.counts["grids"] for step in steps_of(stored, draft)] == [
        {"upserts": 1, "removed": 0},
        {"upserts": 0, "removed": 1},
    ]
    editing.client.post(f"/api/drafts/{editing.draft}/undo")
    assert editing.find(EAST + "777")["properties"]["people"] == 12


def test_new_areas_of_one_transaction_get_codes_of_their_own(editing, transact):
    shapes = [box(14 + x, 0, 15 + x, 4) for x in range(3)]
    told = transact(insert(*(feature(shape, parent_code=EAST) for shape in shapes))).json()
    codes = [editing.client.get(each).json()["properties"]["code"] for each in told["insertResults"]]
    assert codes == [EAST + "005", EAST + "006", EAST + "007"]


def test_a_filter_may_find_many_or_none(editing, transact):
    found = transact(update("people IS NULL", modify=[named("people", 7)])).json()
    assert found["summary"]["totalUpdated"] == len(GRIDS)
    assert editing.items(people=7)["numberMatched"] == len(GRIDS)
    assert transact(delete("people > 7")).json()["summary"]["totalDeleted"] == 0
    area = {"type": "Polygon", "coordinates": [[[*reversed(place)] for place in _ring(box(0, 0, 1, 1))]]}
    where = {"op": "s_intersects", "args": [{"property": "geometry"}, area]}
    action = {**update(where, modify=[named("people", 8)]), "filter-crs": EPSG + "4326"}
    assert transact(action).json()["summary"]["totalUpdated"] == 1
    assert editing.find(WEST + "002")["properties"]["people"] == 8


def _ring(paper):
    return list(on_map(paper).exterior.coords)


def test_every_fault_of_every_action_is_told_and_nothing_is_stored(stored, draft, editing, transact):
    grid = editing.find(WEST + "002")
    tie = {"type": "Polygon", "coordinates": [[[114, 30], [115, 31], [115, 30], [114, 31], [114, 30]]]}
    nobody = "00000000-0000-4000-8000-000000000000"
    problem = transact(
        insert(feature(box(14, 0, 16, 4)), feature(box(16, 0, 18, 4), colour="red"), {"type": "Feature"}),
        update(ids(grid), modify=[named("geometry", tie)]),
        update(ids(grid), modify=[named("code", WEST + "001")]),
        update({"ids": [nobody, "x"]}, modify=[named("name", "甲")]),
        update({"ids": [nobody]}, modify=[named("name", "甲")]),
        {"action": "move", "collection": "grids"},
        insert(feature(box(14, 0, 16, 4)), collection="roads"),
        delete(None),
        delete("name ="),
        {**delete("name = '甲'"), "filter-lang": "cql2-json"},
        replacement("code LIKE '%'", feature(box(0, 0, 1, 1))),
        update(ids(grid)),
        status=400,
    ).json()
    told = [(fault["field"], fault["kind"]) for fault in problem["errors"]]
    assert told == [
        ("transaction[0].items[1].colour", "field-unknown"),
        ("transaction[0].items[2].geometry", "geometry-missing"),
        ("transaction[1].geometry", "geometry-invalid"),
        ("transaction[2].code", "code-duplicate"),
        ("transaction[3].filter", "parameter-invalid"),
        ("transaction[4]", "feature-missing"),
        ("transaction[5].action", "parameter-invalid"),
        ("transaction[6].collection", "parameter-invalid"),
        ("transaction[7].filter", "parameter-invalid"),
        ("transaction[8].filter", "parameter-invalid"),
        ("transaction[9].filter", "parameter-invalid"),
        ("transaction[10].filter", "parameter-invalid"),
        ("transaction[11].properties", "parameter-invalid"),
    ]
    place = problem["errors"][2]
    assert (place["lon"], place["lat"]) == (114.5, 30.5)
    assert steps_of(stored, draft) == []
    assert set(editing.codes()) == {*GRIDS}


@pytest.mark.parametrize(
    "body",
    [
        [],
        {},
        {"transaction": []},
        {"transaction": {}},
        {"transaction": [7]},
        {"transaction": [insert()]},
        {"transaction": [{**insert(), "items": "x"}]},
        {"transaction": [update("TRUE", modify="x")]},
        {"transaction": [update("TRUE", modify=["x"])]},
        {"transaction": [update("TRUE", modify=[{"name": 7, "value": 7}])]},
        {"transaction": [update("TRUE", delete=[7])]},
        {"transaction": [{**update("TRUE"), "properties": 7}]},
        {"transaction": [{**delete("TRUE"), "action": []}]},
        {"transaction": [{**delete("TRUE"), "action": {}}]},
        {"transaction": [{**delete("TRUE"), "filter-crs": 7}]},
        {"transaction": [{**delete("TRUE"), "filter-crs": []}]},
        {"transaction": [delete({"op": "in", "args": [{"property": "people"}, [*range(10_000)]]})]},
        {"transaction": [delete(reduce(lambda inner, _: {"op": "not", "args": [inner]}, range(200), 1))]},
        {"transaction": [replacement("code = 'x'", 7)]},
        {"transaction": [delete(7)]},
        {"transaction": [delete({"ids": "x"})]},
        {"semantic": "batch", "transaction": [delete("TRUE")]},
        {"transaction": [delete("FALSE")] * (MOST + 1)},
        {"transaction": [insert(*[{}] * (MOST + 1))]},
    ],
)
def test_what_is_no_transaction_is_refused(editing, body):
    reply = editing.client.post(f"/ogc/drafts/{editing.draft}/transactions", json=body)
    assert reply.status_code == 400, reply.text
    assert {fault["kind"] for fault in reply.json()["errors"]} == {"parameter-invalid"}


def test_media_types_and_the_length_of_the_answer(transact):
    transact(insert(feature(box(14, 0, 16, 4))), status=415, Content_Type="application/xml")
    reply = transact(insert(feature(box(14, 0, 16, 4))), Prefer="return=minimal")
    assert set(reply.json()) == {"semantic", "summary"}
    assert reply.headers["Preference-Applied"] == "return=minimal"
    reply = transact(delete("FALSE"), Prefer='handling=strict; x=1, Return = "minimal"')
    assert set(reply.json()) == {"semantic", "summary"}
    assert "insertResults" in transact(delete("FALSE"), Prefer="noreturn=minimal").json()
    reply = transact(insert(feature(box(16, 0, 18, 4))), Prefer="return=none", status=204)
    assert reply.content == b""


def test_a_stale_transaction_is_refused(stored, draft, editing, transact):
    tag = editing.client.get(f"/api/drafts/{editing.draft}").headers["ETag"]
    tag = transact(update("TRUE", modify=[named("people", 1)]), If_Match=tag).headers["ETag"]
    editing.patch(editing.find(WEST + "002")["id"], {"properties": {"people": 2}})
    transact(update("TRUE", modify=[named("people", 3)]), If_Match=tag, status=412)
    assert len(steps_of(stored, draft)) == 2


def test_a_repeated_transaction_writes_once(stored, draft, transact):
    action = insert(feature(box(14, 0, 16, 4)))
    first, again = (transact(action, Idempotency_Key="t1") for _ in range(2))
    assert first.json() == again.json()
    assert len(steps_of(stored, draft)) == 1
    transact(insert(feature(box(16, 0, 18, 4))), Idempotency_Key="t1", status=409)


def test_who_repeats_a_transaction_does_not_overwrite_what_others_wrote_since(editing, transact):
    action = insert(feature(box(14, 0, 16, 4)))
    first = transact(action, Idempotency_Key="t1").headers["ETag"]
    editing.patch(editing.find(WEST + "002")["id"], {"properties": {"people": 2}})
    again = transact(action, Idempotency_Key="t1").headers["ETag"]
    assert again == first
    transact(update("TRUE", modify=[named("people", 3)]), If_Match=again, status=412)


def test_what_is_refused_is_not_told_at_length(editing):
    for wrong in ({**delete("TRUE"), "collection": "x" * 9_999}, delete({"ids": ["x" * 9_999]})):
        reply = editing.client.post(
            f"/ogc/drafts/{editing.draft}/transactions", json={"transaction": [wrong]}
        )
        assert (reply.status_code, len(reply.content) < 2_000) == (400, True)


def test_what_changes_nothing_is_no_step(stored, draft, editing, transact):
    grid = editing.find(WEST + "002")
    told = transact(update(ids(grid), modify=[named("name", grid["properties"]["name"])])).json()
    assert told["summary"]["totalUpdated"] == 1
    assert steps_of(stored, draft) == []


def test_all_of_it_stays_within_the_callers_areas(stored, draft, editing, transact, tokens):
    inside, outside = editing.find(WEST + "002"), editing.find(EAST + "002")
    editing.client.headers = tokens("editor", WEST)
    change = {"modify": [named("name", "甲")]}
    transact(update(ids(inside), **change), update(ids(outside), **change), status=403)
    transact(insert(feature(box(12, 1, 13, 2))), status=403)
    transact(delete(ids(inside)), delete(ids(outside)), status=403)
    assert steps_of(stored, draft) == []
    transact(
        update(ids(inside), **change),
        insert(feature(Point(2, 2), type="fresh_market"), collection="facilities"),
    )
    editing.client.headers = tokens("dispatcher")
    transact(update(ids(inside), **change), status=403)


def test_transactions_are_offered_where_a_draft_is_open(editing, transact):
    path = f"/ogc/drafts/{editing.draft}/transactions"
    assert editing.client.options(path).headers["Allow"] == "POST, OPTIONS"
    assert editing.client.get(path).status_code == 405
    editing.client.post(f"/api/drafts/{editing.draft}/discard")
    assert editing.client.options(path).headers["Allow"] == "OPTIONS"
    transact(delete("FALSE"), status=409)
    classes = editing.client.get(f"/ogc/drafts/{editing.draft}/conformance").json()["conformsTo"]
    assert "http://www.opengis.net/spec/ogcapi-features-11/1.0/conf/atomic-transactions" in classes
    assert not [
        name for name in editing.client.get("/ogc/conformance").json()["conformsTo"] if "-11/" in name
    ]
