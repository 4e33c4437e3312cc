"""Pages that hold together, of the current state and of every one before."""

from urllib.parse import parse_qsl, urlsplit

import pytest
from shapely.affinity import translate
from shapely.geometry import shape

from layers import publishing
from tests import paper_city as paper
from tests.api.ogc.asking import EPSG, LATER, ask, walk
from tests.paper_city import EAST, GRIDS, WEST, grids, point


def test_pages_hold_every_feature_once_in_a_stable_order(built):
    pages = list(walk(built, "/ogc/collections/grids/items?limit=3"))
    assert [page["numberReturned"] for page in pages] == [3, 3, 2]
    assert {page["numberMatched"] for page in pages} == {len(GRIDS)}
    found = [feature for page in pages for feature in page["features"]]
    assert sorted(feature["properties"]["code"] for feature in found) == sorted(GRIDS)
    assert [feature["id"] for feature in found] == sorted(feature["id"] for feature in found)


def test_a_page_that_is_just_full_leads_nowhere(built):
    (page,) = walk(built, f"/ogc/collections/grids/items?limit={len(GRIDS)}")
    assert page["numberReturned"] == len(GRIDS)


def test_a_next_page_keeps_what_was_asked_for(built):
    address = f"/ogc/collections/grids/items?limit=1&crs={EPSG}4326&filter=code LIKE '{EAST}%25'"
    pages = list(walk(built, address))
    assert len(pages) == 4
    for page in pages[1:]:
        (feature,) = page["features"]
        assert shape(feature["geometry"]).bounds[0] < 40, "latitude first"


def test_a_publication_between_two_pages_tears_nothing(session, own):
    pages = walk(own, "/ogc/collections/grids/items?limit=2")
    first = next(pages)
    frame = grids({code: translate(area, 20, 20) for code, area in GRIDS.items()})
    paper.publish(session, {"grids": publishing.Change(frame)}, now=LATER)
    rest = list(pages)
    shapes = [shape(feature["geometry"]) for page in (first, *rest) for feature in page["features"]]
    assert len(shapes) == len(GRIDS)
    assert max(each.bounds[2] for each in shapes) < point(15, 0)[0], "all of the state of the first page"


def test_more_than_the_most_is_clamped(items):
    found = items(limit=10**30)
    assert found["numberReturned"] == len(GRIDS)


@pytest.fixture
def renamed(session, own):
    """A second revision, a day later: one grid has another name, one is gone."""
    frame = grids({WEST + "002": GRIDS[WEST + "002"]}).assign(name="新名")
    gone = [paper.identifiers("grids", [EAST + "004"])[0]]
    paper.publish(session, {"grids": publishing.Change(frame, gone)}, now=LATER)
    return own


def test_any_past_state_can_be_read(renamed):
    def names(**query):
        found = ask(renamed, **query)
        return {f["properties"]["code"]: f["properties"]["name"] for f in found["features"]}

    now = names()
    assert (now[WEST + "002"], EAST + "004" in now) == ("新名", False)
    for query in ({"at": "2026-03-01"}, {"datetime": "2026-03-01T12:00:00Z"}, {"revision": 1}):
        then = names(**query)
        assert (then[WEST + "002"], EAST + "004" in then) == ("grids 002", True)
    for query in ({"datetime": "2026-03-01/.."}, {"datetime": "../.."}, {"revision": "1/2"}):
        ever = names(**query)
        assert (ever[WEST + "002"], EAST + "004" in ever) == ("新名", True), "the newest of each"
    assert EAST + "004" not in names(datetime="2026-03-03/..")
    assert ask(renamed, at="2020-01-01", status=422)["type"] == "urn:wangge:problem:before-history"


def test_pages_of_an_interval_hold_together(renamed):
    pages = list(walk(renamed, "/ogc/collections/grids/items?datetime=2026-03-01/..&limit=3"))
    assert sum(page["numberReturned"] for page in pages) == len(GRIDS) == pages[0]["numberMatched"]


def test_an_item_of_the_past(renamed):
    (identifier,) = paper.identifiers("grids", [EAST + "004"])
    address = f"/ogc/collections/grids/items/{identifier}"
    assert renamed.get(address).status_code == 404
    assert renamed.get(address, params={"revision": 1}).json()["properties"]["code"] == EAST + "004"


def test_following_a_next_link_is_possible_for_any_query(items):
    (link,) = [link for link in items(limit=1, filter="name <> 'a&b=c'")["links"] if link["rel"] == "next"]
    query = dict(parse_qsl(urlsplit(link["href"]).query))
    assert query["filter"] == "name <> 'a&b=c'"
    assert query["revision"] == "1"
