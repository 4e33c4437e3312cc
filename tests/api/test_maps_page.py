"""A map as a page: the same bytes for the same data, and no name in it that runs."""

import json
import re
from html.parser import HTMLParser

import pytest

from api.maps.page import MapPage, linked, single_file
from api.maps.sources import FacilityType
from api.web.assets import installed
from api.web.templating import NONCE, Site
from tests.api.test_maps_data import HOSTILE

FACILITY = FacilityType("fresh_market", HOSTILE, "market", 2)
CONTEXT = {"facility": FACILITY, "facility_types": [FACILITY]}
CHOSEN = {
    "facility_type": "fresh_market",
    "minutes": 10,
    "level": "grid",
    "profile": "adult",
    "weight": "people",
}


def page(name="grids", language="zh", **changes):
    site = Site(
        city=HOSTILE,
        invented=True,
        revision=4,
        language=language,
        review_number="审(2026)1号",
        attribution="© OSM",
    )
    given = {"bounds": (105.0, 32.0, 105.1, 32.1), "addresses": {"areas": "/maps/data/areas.json"}}
    return MapPage(name=name, site=site, chosen=CHOSEN, context=CONTEXT, **given | changes)


class Elements(HTMLParser):
    """The elements of a page as a browser finds them."""

    def __init__(self, text):
        super().__init__()
        self.tags = []
        self.data = {}
        self._script = None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.tags.append((tag, attributes))
        self._script = attributes.get("id") if tag == "script" else None

    def handle_data(self, text):
        if self._script:
            self.data[self._script] = self.data.get(self._script, "") + text


@pytest.mark.parametrize("name", ["grids", "coverage", "incidents"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_hostile_names_stay_text(name, language):
    text = linked(page(name, language), installed())
    elements = Elements(text)
    assert not [tag for tag, attributes in elements.tags if tag == "img" or "onerror" in attributes]
    scripts = [attributes for tag, attributes in elements.tags if tag == "script"]
    assert all(
        attributes.get("nonce") == NONCE or attributes.get("type") == "application/json"
        for attributes in scripts
    )
    assert "{{7*7}}" in text
    assert not re.search(r"""(?:src|href)=["']?(?:https?:)?//""", text)


def test_the_page_says_what_it_must():
    text = linked(page(), installed())
    for said in ("虚构演示数据", "审图号：审(2026)1号", "© OSM", "数据修订 4"):
        assert said in text
    config = json.loads(Elements(text).data["page-config"])
    assert config["attributions"] == ["虚构演示数据", "审图号：审(2026)1号", "© OSM"]
    assert config["bounds"] == [[32.0, 105.0], [32.1, 105.1]]


def test_equal_pages_are_equal_byte_by_byte():
    assert linked(page(), installed()) == linked(page(), installed())


def test_one_file_holds_everything_and_asks_for_nothing():
    text = single_file(page(values={"areas": {"name": HOSTILE}}, addresses={}), installed())
    elements = Elements(text)
    assert json.loads(elements.data["data-areas"]) == {"name": HOSTILE}
    assert not [attributes for tag, attributes in elements.tags if tag == "script" and "src" in attributes]
    links = [attributes["href"] for tag, attributes in elements.tags if tag == "link"]
    assert links == ["data:,"]
    assert NONCE not in text


def test_an_empty_database_shows_the_whole_country():
    config = json.loads(Elements(linked(page(bounds=None), installed())).data["page-config"])
    assert config["bounds"] == [[18.0, 73.5], [53.6, 135.1]]
