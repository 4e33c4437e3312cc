"""folium pages whose every file is ours."""

import folium
import pytest
from folium.plugins import MarkerCluster

from api.maps.figure import Drawn, LocalMap, OfflineFigure, inlined
from api.web.assets import Asset, AssetsError, installed
from api.web.templating import NONCE

BOUNDS = (105.0, 32.0, 105.1, 32.1)


def figure_of(*elements):
    figure = OfflineFigure(installed())
    drawn = LocalMap(BOUNDS)
    figure.add_child(drawn)
    for element in elements:
        drawn.add_child(element)
    return figure


def test_a_map_links_leaflet_from_our_files_only():
    parts = figure_of(Drawn("streets")).parts()
    assert [asset.path for asset in parts.scripts] == ["vendor/leaflet/dist/leaflet.js"]
    assert [asset.path for asset in parts.styles] == ["vendor/leaflet/dist/leaflet.css"]
    assert 'class="folium-map"' in parts.body
    assert "wangge.streets(map_" in parts.script


def test_equal_maps_are_equal_byte_by_byte():
    assert figure_of(Drawn("streets")).parts() == figure_of(Drawn("streets")).parts()


def test_a_plugin_without_a_local_copy_is_refused():
    with pytest.raises(AssetsError, match=r"markercluster.*FILES in api/web/packages.py"):
        figure_of(MarkerCluster()).parts()


def test_stock_folium_is_refused_where_it_would_ask_eleven_addresses():
    figure = OfflineFigure(installed())
    figure.add_child(folium.Map(tiles=None))
    with pytest.raises(AssetsError, match="no local copy of https://"):
        figure.parts()


@pytest.mark.parametrize(
    "markup",
    [
        '<img src="https://tiles.example/1.png">',
        "<script src=//cdn.example/x.js></script>",
        "<style>@import 'https://fonts.example/css';</style>",
        "<style>body { background: url(http://a.example/b.png) }</style>",
    ],
)
def test_markup_that_asks_another_machine_is_refused(markup):
    with pytest.raises(AssetsError, match="asks another machine"):
        _with_html(markup).parts()


def _with_html(markup):
    figure = figure_of()
    figure.html.add_child(folium.Element(markup))
    return figure


def test_inline_elements_carry_the_nonce():
    figure = figure_of()
    figure.header.add_child(folium.Element("<style>p { margin: 0 }</style>"))
    parts = figure.parts()
    assert f'<style nonce="{NONCE}">' in parts.head
    assert f'<script nonce="{NONCE}">' in parts.script


def test_an_inlined_style_brings_its_pictures_along():
    text = inlined(installed()["vendor/leaflet/dist/leaflet.css"], installed())
    assert "url(data:image/png;base64," in text
    assert "url(images/" not in text


def test_an_inlined_script_cannot_end_its_element():
    assert "</script" not in inlined(Asset("static/x.js", b'const a = "</script><b>";'), installed())


def test_an_inlined_style_without_its_picture_is_refused():
    with pytest.raises(AssetsError, match=r"gone\.png"):
        inlined(Asset("static/x.css", b"a { background: url(gone.png) }"), installed())
