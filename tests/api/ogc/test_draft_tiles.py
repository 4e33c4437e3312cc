"""Tiles of a draft: what is published, with what the draft makes of it, at any of its steps."""

import pyogrio
import pytest
from shapely import box

from geo.web_mercator import containing
from layers.features.collections import COLLECTIONS
from tests.api.ogc.test_tiles import EVERYTHING, MVT, TILESETS, linked
from tests.paper_city import EAST, GRIDS, WEST, point

NAMES = {code: f"grids {code[-3:]}" for code in GRIDS}


@pytest.fixture
def drawn(editing, tmp_path):
    """What GDAL finds in a tile of the draft's grids: names by code."""

    def draw(**query):
        reply = editing.client.get(address(editing.draft), params=query)
        assert (reply.status_code, reply.headers["content-type"]) == (200, MVT)
        path = tmp_path / "tile.mvt"
        path.write_bytes(reply.content)
        place = {"X": str(EVERYTHING.column), "Y": str(EVERYTHING.row), "Z": str(EVERYTHING.zoom)}
        found = pyogrio.read_dataframe(f"MVT:{path}", CLIP="NO", **place)
        return dict(zip(found["code"], found["name"], strict=True))

    return draw


def address(draft, tile=EVERYTHING, layer="grids"):
    place = f"{tile.zoom}/{tile.row}/{tile.column}"
    return f"/ogc/drafts/{draft}/collections/{layer}/tiles/WebMercatorQuad/{place}"


def test_every_collection_of_a_draft_leads_to_its_tiles(editing):
    root = f"/ogc/drafts/{editing.draft}"
    assert editing.client.get(f"{root}/tileMatrixSets/WebMercatorQuad").json()["id"] == "WebMercatorQuad"
    for layer in COLLECTIONS:
        about = editing.client.get(f"{root}/collections/{layer}").json()
        (one,) = editing.client.get(linked(about)[TILESETS]["href"]).json()["tilesets"]
        described = editing.client.get(linked(one)["self"]["href"]).json()
        template = linked(described)["item"]["href"]
        for variable, value in (
            ("{tileMatrix}", EVERYTHING.zoom),
            ("{tileRow}", EVERYTHING.row),
            ("{tileCol}", EVERYTHING.column),
        ):
            template = template.replace(variable, str(value))
        assert f"{root}/" in template
        reply = editing.client.get(template)
        assert reply.status_code == (200 if "boundingBox" in described else 204)


def test_a_tile_shows_what_the_draft_makes_of_the_base(editing, drawn):
    assert drawn() == NAMES
    editing.patch(editing.find(WEST + "002")["id"], {"properties": {"name": "甲"}})
    editing.delete(editing.find(EAST + "004")["id"])
    made = editing.post(box(14, 0, 16, 4), properties={"name": "新区"}).json()["properties"]["code"]
    now = {**NAMES, WEST + "002": "甲", made: "新区"}
    del now[EAST + "004"]
    assert drawn() == now
    assert drawn(step=0) == NAMES
    assert drawn(step=1) == {**NAMES, WEST + "002": "甲"}
    assert drawn() == now
    editing.client.post(f"/api/drafts/{editing.draft}/undo")
    assert made not in drawn()


def test_a_tile_of_a_draft_is_sent_again_only_when_it_changed(editing):
    path = address(editing.draft)
    known = {"If-None-Match": editing.client.get(path).headers["ETag"]}
    assert editing.client.get(path, headers=known).status_code == 304
    editing.patch(editing.find(WEST + "002")["id"], {"properties": {"name": "甲"}})
    assert editing.client.get(path, headers=known).status_code == 200
    far = editing.client.get(address(editing.draft, containing(*point(90, 90), 16)))
    assert (far.status_code, far.content) == (204, b"")


def test_what_is_no_tile_of_a_draft_is_said(editing, tokens):
    path = address(editing.draft)
    assert editing.client.get(path, params={"step": 7}).json()["errors"][0]["field"] == "step"
    assert editing.client.get(path, params={"revision": 1}).status_code == 400
    assert editing.client.get(address("00000000-0000-4000-8000-000000000000")).status_code == 404
    assert editing.client.get(address(editing.draft, layer="posts")).status_code == 404
    assert editing.client.options(path).headers["Allow"] == "GET, HEAD, OPTIONS"
    editing.client.headers = tokens("dispatcher")
    assert editing.client.get(path).status_code == 403
